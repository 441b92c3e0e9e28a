/*
 * PCI and PCI Express: the tree of functions that a scan finds, and what a driver needs of them.
 *
 *	static const struct pci_id ids[] = { { PCI_ID(0x1af4, 0x1042) }, { 0 } };
 *	static const struct pci_driver driver = {
 *		.name = "virtio-pci", .ids = ids, .probe = probe, .remove = remove };
 *	pci_driver_register(&driver);                 in init/drivers.c
 *
 * probe() calls pci_enable(), pci_bar_map(), pci_messages_alloc(), pci_message_register() for each,
 * pci_set_bus_master(dev, true); remove() does the reverse, pci_disable() last.
 *
 * Life: pci_init() reads the configuration space once, bridge by bridge; a function that it finds
 * is known until it is removed (pci_device_remove(): by /sys/.../remove, or because it has gone).
 * A removed function keeps its struct for as long as somebody holds a reference. One that vanished
 * without a word answers all ones, which pci_is_present() tells; its driver must get along.
 *
 * Configuration space is hostile: every number in it is bounded before it is used, lists of
 * capabilities have no cycles for those who walk them by the functions here.
 *
 * Locking: probe, remove and everything that says "may sleep" runs under one mutex (RANK_BUS),
 * which the functions for drivers do not take: they are called in probe and remove only.
 * Configuration accesses can be made anywhere, interrupt handlers included. What is constant after
 * the scan is read by anyone who holds a reference, or walks by pci_device_next().
 *
 * There is no hot plug: what is plugged in after the scan is not seen until /sys/bus/pci/rescan.
 * There is no IOMMU: addresses that devices see are physical (virt_to_phys(), page_to_phys()).
 */
#pragma once

#include "core/irq.h"
#include "lib/list.h"
#include "lib/refcount.h"
#include "lib/types.h"

struct pci_bus;
struct pci_device;
struct pci_host;

enum { PCI_ANY = 0xffffffff };

/* A row of a driver's table; a row of zeroes ends it. */
struct pci_id {
	uint32_t vendor, device;               /* PCI_ANY: whatever */
	uint32_t subsystem_vendor, subsystem_device;
	uint32_t class_code, class_mask;       /* class << 16 | subclass << 8 | interface */
	uint64_t data;                         /* the driver's */
};

#define PCI_ID(vendor_id, device_id) \
	.vendor = (vendor_id), .device = (device_id), \
	.subsystem_vendor = PCI_ANY, .subsystem_device = PCI_ANY
#define PCI_ID_CLASS(code, mask) \
	.vendor = PCI_ANY, .device = PCI_ANY, \
	.subsystem_vendor = PCI_ANY, .subsystem_device = PCI_ANY, \
	.class_code = (code), .class_mask = (mask)

struct pci_driver {
	const char          *name;
	const struct pci_id *ids;
	/*
	 * 0: the function is this driver's; -ENODEV: not after all; other errors are told to the
	 * log. May sleep. Whatever it left of messages and decoding is undone on an error.
	 */
	int  (*probe)(struct pci_device *dev, const struct pci_id *id);
	/*
	 * Silence the device, unregister its handlers and its class; it may be gone already. May
	 * sleep. NULL: there is nothing to do.
	 */
	void (*remove)(struct pci_device *dev);
};

/* What a base address register asked for and got. Linux's order: six BARs, the ROM, windows. */
enum { PCI_BARS = 6, PCI_ROM = 6, PCI_WINDOW_IO = 7, PCI_WINDOW_MEMORY = 8,
       PCI_WINDOW_PREFETCH = 9, PCI_RESOURCES = 10 };

enum pci_resource_flag {
	PCI_RESOURCE_IO       = 1 << 0,
	PCI_RESOURCE_MEMORY   = 1 << 1,
	PCI_RESOURCE_PREFETCH = 1 << 2,
	PCI_RESOURCE_64       = 1 << 3, /* takes two registers */
	PCI_RESOURCE_UNSET    = 1 << 4, /* has a size and no place */
	PCI_RESOURCE_READONLY = 1 << 5, /* a ROM */
	PCI_RESOURCE_ENABLED  = 1 << 6, /* a ROM that decodes */
};

struct pci_resource {
	uint64_t start, size; /* size 0: not there */
	uint32_t flags;       /* PCI_RESOURCE_* */
};

struct pci_messages;

struct pci_device {
	struct refcount  refs;
	struct list      link;     /* of all, in the order of the scan */
	struct pci_bus  *bus       __const_after_init;
	struct pci_bus  *below     __const_after_init; /* of a bridge; NULL: none */
	uint8_t          devfn     __const_after_init; /* device << 3 | function */
	uint8_t          header    __const_after_init; /* type, bit for many functions cleared */
	uint16_t         vendor, device, subsystem_vendor, subsystem_device __const_after_init;
	uint32_t         class_code __const_after_init; /* class, subclass, interface: bytes */
	uint8_t          revision  __const_after_init;
	uint8_t          pin       __const_after_init; /* 1..4: INTA..INTD; 0: none */
	uint16_t         power, msi, msix, express __const_after_init; /* where; 0: none */
	uint16_t         config_size __const_after_init; /* 256, or 4096 */
	/* what pci_resources_find() has found */
	struct pci_resource resources[PCI_RESOURCES];
	bool             is_sized __atomic;
	uint32_t         irq;      /* Linux's number of its line, 0: none */
	uint32_t         enables;  /* pci_enable() without pci_disable(), under the room's mutex */
	bool             is_removed __atomic;
	const struct pci_driver *driver; /* under the room's mutex */
	void            *driver_data;    /* the driver's */
	/* NULL: none allocated; changed under the room's mutex and list_lock */
	struct pci_messages *messages;
};

/* Kept by its functions and by the bridge to it. */
struct pci_bus {
	struct refcount    refs;
	struct pci_host   *host     __const_after_init;
	struct pci_device *bridge   __const_after_init; /* NULL: a root bus; borrowed */
	uint16_t           segment  __const_after_init;
	uint8_t            number   __const_after_init;
	uint8_t            depth    __const_after_init; /* bridges above it */
	uint8_t            last;    /* of those behind it, under the room's mutex */
};

/* ---- start-up and binding ------------------------------------------------------------------ */

/*
 * Finds the host bridge and everything behind it. Costs nothing where there is no PCI. After
 * acpi_init() and sched_init(); may sleep.
 */
void pci_init(void);

/* Offers every function that has no driver yet to this one. May sleep. `driver` stays. */
void pci_driver_register(const struct pci_driver *driver);

/* The n-th that was registered; NULL: no more. Any context. */
const struct pci_driver *pci_driver_at(unsigned int n);

/*
 * The function has no driver any more; it has this one, if it wants it. -ENODEV: it has another or
 * none, is gone, or the driver does not want it. May sleep.
 */
__must_check int pci_device_unbind(struct pci_device *dev, const struct pci_driver *driver);
__must_check int pci_device_bind(struct pci_device *dev, const struct pci_driver *driver);

/* ---- finding ------------------------------------------------------------------------------- */

/* With a reference: the next after `previous`, whose reference is given up. NULL: no more. */
struct pci_device *pci_device_next(struct pci_device *previous);
/* With a reference; NULL: no such function. */
struct pci_device *pci_device_lookup(uint16_t segment, uint8_t bus, uint8_t devfn);
void pci_device_get(struct pci_device *dev);
void pci_device_put(struct pci_device *dev);

/* The bridge above, with a reference; NULL: none. */
struct pci_device *pci_device_parent(struct pci_device *dev);

/* "0000:00:1f.2" */
enum { PCI_NAME_SIZE = 16 };
void pci_name(const struct pci_device *dev, char name[PCI_NAME_SIZE]);

/* Takes the function away from its driver and out of the tree. May sleep. */
void pci_device_remove(struct pci_device *dev);
/* Looks for functions that were not there at the last scan. May sleep. */
void pci_rescan(void);

/* False: the function has been pulled out, or never answers. Any context. */
bool pci_is_present(const struct pci_device *dev);

/* ---- configuration space ------------------------------------------------------------------- */

/*
 * Aligned to their size and below config_size, else all ones are read and nothing is written. Any
 * context.
 */
uint8_t  pci_read8(const struct pci_device *dev, uint32_t offset);
uint16_t pci_read16(const struct pci_device *dev, uint32_t offset);
uint32_t pci_read32(const struct pci_device *dev, uint32_t offset);
void pci_write8(const struct pci_device *dev, uint32_t offset, uint8_t value);
void pci_write16(const struct pci_device *dev, uint32_t offset, uint16_t value);
void pci_write32(const struct pci_device *dev, uint32_t offset, uint32_t value);

/*
 * Where the capability (PCI_CAP_ID_* of <linux/pci_regs.h>) is after `previous` (0: the first);
 * 0: there is none any more.
 */
uint16_t pci_capability_next(const struct pci_device *dev, uint8_t id, uint16_t previous);
/* The same of extended ones (PCI_EXT_CAP_ID_*), in the space above 256. */
uint16_t pci_extended_next(const struct pci_device *dev, uint16_t id, uint16_t previous);

/* ---- turning on and off -------------------------------------------------------------------- */

/*
 * Full power, memory and ports decoded. Nests. -ENODEV: it does not answer; -ENOSPC: a BAR has no
 * place; may sleep.
 */
__must_check int pci_enable(struct pci_device *dev);
/* The last one takes bus mastering away, as Linux does; decoding stays. */
void pci_disable(struct pci_device *dev);

/* May it read and write memory, and send messages? Any context. */
void pci_set_bus_master(struct pci_device *dev, bool on);

/*
 * The registers behind [offset, offset + size) of a memory BAR, uncached, for good. -EINVAL: the
 * BAR has not so many; -ENODEV: it is none of memory, or has no place; -ENOMEM.
 */
__must_check int pci_bar_map(struct pci_device *dev, unsigned int bar, uint64_t offset,
                             uint64_t size, volatile void **base);

/* The first port of a BAR of ports; 0: it is none. */
uint16_t pci_bar_port(const struct pci_device *dev, unsigned int bar);

/*
 * Resets this function and nothing else, by what it has for that (FLR, AF, power state);
 * configuration is kept. -ENOTTY: it has nothing; -ETIMEDOUT. Sleeps up to 100 ms.
 */
__must_check int pci_reset(struct pci_device *dev);

/*
 * Fills in dev->resources, if nobody needed them before: that costs more than all else in a scan.
 * pci_enable() has done so. May sleep.
 */
void pci_resources_find(struct pci_device *dev);

/* ---- interrupts ---------------------------------------------------------------------------- */

/*
 * Turns on message-signalled interrupts, each masked until it has a handler: MSI-X if the function
 * has it (up to `most`), else one by MSI, else the shared line, which is `one message` as well.
 * How many there are, `least` to `most`; -ENODEV: no way to interrupt; -ENOSPC: fewer than
 * `least`; -ENOMEM. May sleep.
 */
__must_check int pci_messages_alloc(struct pci_device *dev, unsigned int least, unsigned int most);
/* All handlers are unregistered. Nothing happens if there are none. May sleep. */
void pci_messages_free(struct pci_device *dev);

/*
 * The number in /proc/interrupts of message `index`: 0 if it has no handler, or comes by a line.
 * False: there is no such message. For those who are not the driver; any context.
 */
bool pci_message_number(struct pci_device *dev, unsigned int index, uint32_t *number);
/* True: MSI-X, false: MSI or the line. */
bool pci_messages_are_msix(const struct pci_device *dev);

/* True: several handlers share a line, and each must ask its device whether it had called. */
bool pci_messages_are_line(const struct pci_device *dev);

/*
 * Message `index` comes to this handler from now on, on the given CPU (IRQ_ANY_CPU: where the
 * fewest go). The action is the caller's, who keeps it until it is unregistered. -ENOSPC, -ENOMEM,
 * -EINVAL. May sleep.
 */
__must_check int pci_message_register(struct pci_device *dev, unsigned int index, uint32_t cpu,
                                      struct irq_action *action);
/* The handler runs nowhere any more, the message is masked. May sleep. */
void pci_message_unregister(struct pci_device *dev, unsigned int index, struct irq_action *action);
