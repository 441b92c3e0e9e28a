/*
 * Configuration space: through memory (ECAM, where the MCFG tells of it) or through two ports, and
 * the lists of capabilities in it.
 */
#define pr_fmt(fmt) "pci: " fmt

#include <linux/errno.h>
#include <linux/pci_regs.h>

#include <arch/acpi.h>
#include <arch/io.h>

#include "core/printk.h"
#include "dev/pci_impl.h"
#include "lib/bitmap.h"
#include "lib/math.h"
#include "mem/alloc.h"

enum {
	PORT_ADDRESS = 0xcf8, PORT_DATA = 0xcfc,
	PORTS_SPACE = 256, ECAM_SPACE = 4096, ECAM_BUS_SHIFT = 20, ECAM_FUNCTION_SHIFT = 12,
	CAPABILITY_FIRST = 0x40,
};

#define PORT_ENABLE 0x80000000u
#define NOTHING     0xffffffffu

static struct {
	struct spinlock lock; /* the two ports */
} ports = { .lock = SPINLOCK(RANK_IRQ_LEAF) };

/* ---- ways ---------------------------------------------------------------------------------- */

static uint32_t port_address(uint8_t bus, uint8_t devfn, uint32_t offset)
{
	return PORT_ENABLE | (uint32_t)bus << 16 | (uint32_t)devfn << 8 | (offset & 0xfc);
}

static uint32_t port_read(struct pci_host *host, uint8_t bus, uint8_t devfn, uint32_t offset,
                          unsigned int size)
{
	uint16_t port = (uint16_t)(PORT_DATA + (offset & 3));
	uint64_t flags = spin_lock_irqsave(&ports.lock);
	uint32_t value;

	outl(PORT_ADDRESS, port_address(bus, devfn, offset));
	value = size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
	spin_unlock_irqrestore(&ports.lock, flags);
	return value;
}

static void port_write(struct pci_host *host, uint8_t bus, uint8_t devfn, uint32_t offset,
                       unsigned int size, uint32_t value)
{
	uint16_t port = (uint16_t)(PORT_DATA + (offset & 3));
	uint64_t flags = spin_lock_irqsave(&ports.lock);

	outl(PORT_ADDRESS, port_address(bus, devfn, offset));
	if (size == 1)
		outb(port, (uint8_t)value);
	else if (size == 2)
		outw(port, (uint16_t)value);
	else
		outl(port, value);
	spin_unlock_irqrestore(&ports.lock, flags);
}

static const struct pci_host_ops port_ops = { .read = port_read, .write = port_write };

static volatile uint8_t *ecam_at(const struct pci_host *host, uint8_t bus, uint8_t devfn,
                                 uint32_t offset)
{
	return host->ecam + ((uint32_t)(bus - host->bus_first) << ECAM_BUS_SHIFT) +
	       ((uint32_t)devfn << ECAM_FUNCTION_SHIFT) + offset;
}

static uint32_t ecam_read(struct pci_host *host, uint8_t bus, uint8_t devfn, uint32_t offset,
                          unsigned int size)
{
	volatile uint8_t *at = ecam_at(host, bus, devfn, offset);

	return size == 1 ? mmio_read8(at) : size == 2 ? mmio_read16(at) : mmio_read32(at);
}

static void ecam_write(struct pci_host *host, uint8_t bus, uint8_t devfn, uint32_t offset,
                       unsigned int size, uint32_t value)
{
	volatile uint8_t *at = ecam_at(host, bus, devfn, offset);

	if (size == 1)
		mmio_write8(at, (uint8_t)value);
	else if (size == 2)
		mmio_write16(at, (uint16_t)value);
	else
		mmio_write32(at, value);
}

static const struct pci_host_ops ecam_ops = { .read = ecam_read, .write = ecam_write };

/* ---- hosts --------------------------------------------------------------------------------- */

static bool has_ports(void)
{
	uint32_t before = inl(PORT_ADDRESS);
	bool answers;

	outl(PORT_ADDRESS, PORT_ENABLE);
	answers = inl(PORT_ADDRESS) == PORT_ENABLE;
	outl(PORT_ADDRESS, before);
	return answers;
}

static int host_create(const struct pci_host_ops *ops, struct pci_host **out)
{
	struct pci_host *host = kzalloc(sizeof(*host), ALLOC_KERNEL);

	if (!host)
		return -ENOMEM;
	host->ops = ops;
	host->bus_last = 255;
	host->config_size = PORTS_SPACE;
	*out = host;
	return 0;
}

/* Firmware may tell of a window where there is none. */
static bool is_believable(struct pci_host *host, bool ports_too)
{
	uint32_t ids = pci_host_read(host, host->bus_first, 0, PCI_VENDOR_ID, 4);

	if (!ports_too || host->segment || host->bus_first)
		return true;
	if (ids == port_read(host, 0, 0, PCI_VENDOR_ID, 4))
		return true;
	pr_warn("the window at %#lx shows something else than the ports do: not used\n",
	        host->ecam_paddr);
	return false;
}

static int ecam_host_add(const struct acpi_mcfg *mcfg, bool ports_too)
{
	size_t size = (size_t)(mcfg->bus_last - mcfg->bus_first + 1) << ECAM_BUS_SHIFT;
	volatile void *base;
	struct pci_host *host;
	int err = host_create(&ecam_ops, &host);

	if (err)
		return err;
	host->segment = mcfg->segment;
	host->bus_first = mcfg->bus_first;
	host->bus_last = mcfg->bus_last;
	host->config_size = ECAM_SPACE;
	/* the MCFG's address is that of bus 0 */
	host->ecam_paddr = mcfg->paddr + ((paddr_t)mcfg->bus_first << ECAM_BUS_SHIFT);
	err = mmio_map(host->ecam_paddr, size, MMIO_UNCACHED, &base);
	host->ecam = base;
	if (!err && !is_believable(host, ports_too))
		err = -ENODEV;
	if (!err)
		err = pci_host_add(host);
	if (err)
		kfree(host);
	return err;
}

int pci_hosts_find(void)
{
	bool with_ports = has_ports(), is_first_known = false;
	struct acpi_mcfg mcfg;
	struct pci_host *host;
	int err;

	for (uint32_t i = 0; !(pci.options & PCI_NO_MEMORY) && acpi_mcfg_find(i, &mcfg); i++) {
		err = ecam_host_add(&mcfg, with_ports);
		if (err == -ENOMEM)
			return err;
		is_first_known |= !err && mcfg.segment == 0 && mcfg.bus_first == 0;
	}
	if (!with_ports || is_first_known)
		return 0;
	err = host_create(&port_ops, &host);
	if (err)
		return err;
	err = pci_host_add(host);
	if (err)
		kfree(host);
	return err;
}

/* ---- access -------------------------------------------------------------------------------- */

uint32_t pci_host_read(struct pci_host *host, uint8_t bus, uint8_t devfn, uint32_t offset,
                       unsigned int size)
{
	return host->ops->read(host, bus, devfn, offset, size);
}

static bool is_reachable(const struct pci_device *dev, uint32_t offset, uint32_t size)
{
	return !(offset & (size - 1)) && offset < dev->config_size &&
	       !atomic_load_relaxed(&dev->is_removed);
}

static uint32_t read_sized(const struct pci_device *dev, uint32_t offset, unsigned int size)
{
	struct pci_bus *bus = dev->bus;

	if (!is_reachable(dev, offset, size))
		return NOTHING;
	return pci_host_read(bus->host, bus->number, dev->devfn, offset, size);
}

static void write_sized(const struct pci_device *dev, uint32_t offset, unsigned int size,
                        uint32_t value)
{
	struct pci_bus *bus = dev->bus;

	if (is_reachable(dev, offset, size))
		bus->host->ops->write(bus->host, bus->number, dev->devfn, offset, size, value);
}

uint8_t pci_read8(const struct pci_device *dev, uint32_t offset)
{
	return (uint8_t)read_sized(dev, offset, 1);
}

uint16_t pci_read16(const struct pci_device *dev, uint32_t offset)
{
	return (uint16_t)read_sized(dev, offset, 2);
}

uint32_t pci_read32(const struct pci_device *dev, uint32_t offset)
{
	return read_sized(dev, offset, 4);
}

void pci_write8(const struct pci_device *dev, uint32_t offset, uint8_t value)
{
	write_sized(dev, offset, 1, value);
}

void pci_write16(const struct pci_device *dev, uint32_t offset, uint16_t value)
{
	write_sized(dev, offset, 2, value);
}

void pci_write32(const struct pci_device *dev, uint32_t offset, uint32_t value)
{
	write_sized(dev, offset, 4, value);
}

bool pci_is_present(const struct pci_device *dev)
{
	return pci_read16(dev, PCI_VENDOR_ID) == dev->vendor;
}

/* ---- capabilities -------------------------------------------------------------------------- */

static uint8_t first_capability(const struct pci_device *dev)
{
	if (!(pci_read16(dev, PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return 0;
	if (dev->header == PCI_HEADER_TYPE_CARDBUS)
		return pci_read8(dev, PCI_CB_CAPABILITY_LIST) & 0xfc;
	return pci_read8(dev, PCI_CAPABILITY_LIST) & 0xfc;
}

/* From the beginning each time, so that a list that bites its tail ends where it does. */
uint16_t pci_capability_next(const struct pci_device *dev, uint8_t id, uint16_t previous)
{
	uint64_t seen = 0;
	bool is_past = previous == 0;
	uint8_t at = first_capability(dev);

	while (at >= CAPABILITY_FIRST && !(seen >> at / 4 & 1)) {
		uint16_t entry = pci_read16(dev, at);

		seen |= 1ul << at / 4;
		if (is_past && (entry & 255) == id)
			return at;
		is_past |= at == previous;
		at = entry >> 8 & 0xfc;
	}
	return 0;
}

static void note_capability(struct pci_device *dev, uint8_t id, uint8_t at, uint16_t *subsystem)
{
	uint16_t *where = id == PCI_CAP_ID_PM ? &dev->power : id == PCI_CAP_ID_MSI ? &dev->msi :
	                  id == PCI_CAP_ID_MSIX ? &dev->msix :
	                  id == PCI_CAP_ID_EXP ? &dev->express :
	                  id == PCI_CAP_ID_SSVID ? subsystem : NULL;

	if (where && !*where)
		*where = at;
}

void pci_capabilities_read(struct pci_device *dev, uint16_t *subsystem)
{
	uint64_t seen = 0;
	uint8_t at = first_capability(dev);

	while (at >= CAPABILITY_FIRST && !(seen >> at / 4 & 1)) {
		uint16_t entry = pci_read16(dev, at);

		seen |= 1ul << at / 4;
		note_capability(dev, (uint8_t)entry, at, subsystem);
		at = entry >> 8 & 0xfc;
	}
}

uint16_t pci_extended_next(const struct pci_device *dev, uint16_t id, uint16_t previous)
{
	uint64_t seen[bitmap_words(ECAM_SPACE / 4)] = { 0 };
	bool is_past = previous == 0;
	uint32_t at = PORTS_SPACE;

	while (at >= PORTS_SPACE && at < dev->config_size && !bitmap_test(seen, at / 4)) {
		uint32_t entry = pci_read32(dev, at);

		if (entry == 0 || entry == NOTHING)
			return 0;
		bitmap_set(seen, at / 4);
		if (is_past && (entry & 0xffff) == id)
			return (uint16_t)at;
		is_past |= at == previous;
		at = entry >> 20 & 0xffc;
	}
	return 0;
}
