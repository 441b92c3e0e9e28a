/*
 * What the files of the PCI room share: hosts (ways to configuration space), the scan, places for
 * registers.
 */
#pragma once

#include "core/spinlock.h"
#include "dev/pci.h"
#include "sched/mutex.h"

/*
 * A root bus and all behind it that one way of configuration access reaches. Tests have one of
 * their own.
 */
struct pci_host_ops {
	uint32_t (*read)(struct pci_host *host, uint8_t bus, uint8_t devfn, uint32_t offset,
	                 unsigned int size);
	void     (*write)(struct pci_host *host, uint8_t bus, uint8_t devfn, uint32_t offset,
	                  unsigned int size, uint32_t value);
};

/* Where registers may be placed: [start, end). */
struct pci_window { uint64_t start, end; };

struct pci_host {
	struct list         link; /* of all, under pci.lock */
	const struct pci_host_ops *ops __const_after_init;
	uint16_t            segment __const_after_init;
	uint8_t             bus_first, bus_last __const_after_init;
	uint16_t            config_size __const_after_init; /* 256: ports only */
	volatile uint8_t   *ecam __const_after_init;        /* of bus_first; or the test's */
	paddr_t             ecam_paddr __const_after_init;
	/* for what firmware left without a place; end 0: nowhere */
	struct pci_window   io, memory, memory64 __const_after_init;
	uint64_t            buses[4]; /* numbers that are taken, under pci.lock */
	struct pci_bus     *root;     /* under pci.lock */
};

/* Of the command line: pci=off,nomsi,nommconf, as on Linux. */
enum pci_option { PCI_OFF = 1 << 0, PCI_NO_MESSAGES = 1 << 1, PCI_NO_MEMORY = 1 << 2 };

/* The registry (pci.c). */
struct pci_registry {
	struct mutex    lock;      /* scans, binding; RANK_BUS */
	struct spinlock list_lock; /* the lists, for lookups; references are taken under it */
	struct list     hosts __guarded_by(lock);
	/* these are changed under lock, too */
	struct list     drivers __guarded_by(list_lock);
	struct list     devices __guarded_by(list_lock);
	unsigned int    options __const_after_init; /* enum pci_option */
};
extern struct pci_registry pci;

/* pci_config.c: the hosts that the machine has; 0 or -errno. */
__must_check int pci_hosts_find(void);

/* Of a function that may not be known yet: no bounds but the host's. */
uint32_t pci_host_read(struct pci_host *host, uint8_t bus, uint8_t devfn, uint32_t offset,
                       unsigned int size);

/* ---- under pci.lock ------------------------------------------------------------------------ */

/* pci.c: known to everybody from now on; consumes the reference. */
void pci_device_add(struct pci_device *dev);
void pci_device_remove_locked(struct pci_device *dev);
/* The host and everything behind it; the host is its owner's. -ENOMEM. */
__must_check int pci_host_add(struct pci_host *host);
void pci_host_remove(struct pci_host *host);

/* pci_scan.c: new functions on the bus and behind it. How many. */
uint32_t pci_bus_scan(struct pci_bus *bus);
__must_check int pci_bus_create(struct pci_host *host, struct pci_device *bridge, uint8_t number,
                                uint8_t last, struct pci_bus **out);
void pci_bus_put(struct pci_bus *bus);

/* pci_config.c: where the capabilities are that everybody asks for, and that of the subsystem. */
void pci_capabilities_read(struct pci_device *dev, uint16_t *subsystem);

/* pci_resource.c: what pci_resources_find() does, and whether that need not wait for a user. */
void pci_resources_get(struct pci_device *dev);
bool pci_resources_are_cheap(const struct pci_device *dev);
/* Places for all that has none on the bus and behind it. */
void pci_bus_assign(struct pci_bus *bus);
/* Writes where resource `index` is to its register. */
void pci_resource_write(struct pci_device *dev, unsigned int index);
