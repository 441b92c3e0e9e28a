/*
 * The scan: which functions there are, bus by bus, through the bridges.
 *
 * Bridges tell the numbers of the buses behind them. What they tell is believed if it makes sense:
 * numbers above their own bus's, within the host's, each bus reached once. A bridge that firmware
 * left alone, or that talks nonsense, gets the next numbers that are free. So the tree is finite
 * and without cycles, whatever the registers say.
 */
#define pr_fmt(fmt) "pci: " fmt

#include <linux/errno.h>
#include <linux/pci_regs.h>

#include "core/printk.h"
#include "dev/pci_impl.h"
#include "lib/bitmap.h"
#include "lib/math.h"
#include "mem/alloc.h"

enum {
	MULTIFUNCTION = 0x80, FUNCTIONS = 8, DEVFNS = 256,
	CLASS_BRIDGE_HOST = 0x0600, EXPRESS_TYPE_SHIFT = 4,
	DEPTH_MAX = 16, /* of bridges behind bridges: the scan calls itself */
};

/* ---- buses --------------------------------------------------------------------------------- */

int pci_bus_create(struct pci_host *host, struct pci_device *bridge, uint8_t number, uint8_t last,
                   struct pci_bus **out)
{
	struct pci_bus *bus = kzalloc(sizeof(*bus), ALLOC_KERNEL);

	if (!bus)
		return -ENOMEM;
	refcount_init(&bus->refs, 1);
	bus->host = host;
	bus->bridge = bridge;
	bus->segment = host->segment;
	bus->depth = bridge ? bridge->bus->depth + 1 : 0;
	bus->number = number;
	bus->last = last;
	bitmap_set(host->buses, number);
	*out = bus;
	return 0;
}

void pci_bus_put(struct pci_bus *bus)
{
	if (refcount_put(&bus->refs))
		kfree(bus);
}

/* ---- a function ---------------------------------------------------------------------------- */

/* The space above 256 bytes is there if something is in it, and it is not the lower again. */
static void find_config_size(struct pci_device *dev)
{
	uint16_t most = dev->bus->host->config_size;
	uint32_t entry;

	if (most <= dev->config_size ||
	    (!dev->express && dev->class_code >> 8 != CLASS_BRIDGE_HOST))
		return;
	dev->config_size = most;
	entry = pci_read32(dev, PCI_CFG_SPACE_SIZE);
	if (entry == ~0u || entry == pci_read32(dev, PCI_VENDOR_ID))
		dev->config_size = PCI_CFG_SPACE_SIZE;
}

static void read_header(struct pci_device *dev)
{
	uint32_t ids = pci_read32(dev, PCI_VENDOR_ID), class = pci_read32(dev, PCI_CLASS_REVISION);
	uint16_t ssvid = 0;

	dev->vendor = (uint16_t)ids;
	dev->device = (uint16_t)(ids >> 16);
	dev->class_code = class >> 8;
	dev->revision = (uint8_t)class;
	dev->header = pci_read8(dev, PCI_HEADER_TYPE) & (MULTIFUNCTION - 1);
	dev->pin = pci_read8(dev, PCI_INTERRUPT_PIN);
	if (dev->pin > 4)
		dev->pin = 0;
	if (dev->pin)
		dev->irq = pci_read8(dev, PCI_INTERRUPT_LINE);
	pci_capabilities_read(dev, &ssvid);
	if (dev->header == PCI_HEADER_TYPE_NORMAL) {
		dev->subsystem_vendor = pci_read16(dev, PCI_SUBSYSTEM_VENDOR_ID);
		dev->subsystem_device = pci_read16(dev, PCI_SUBSYSTEM_ID);
	} else {
		dev->subsystem_vendor = ssvid ? pci_read16(dev, ssvid + PCI_SSVID_VENDOR_ID) : 0;
		dev->subsystem_device = ssvid ? pci_read16(dev, ssvid + PCI_SSVID_DEVICE_ID) : 0;
	}
	find_config_size(dev);
}

static bool is_known(const struct pci_bus *bus, uint8_t devfn)
{
	struct pci_device *dev = pci_device_lookup(bus->segment, bus->number, devfn);

	if (dev)
		pci_device_put(dev);
	return dev;
}

static bool answers(struct pci_bus *bus, uint8_t devfn)
{
	uint32_t ids = pci_host_read(bus->host, bus->number, devfn, PCI_VENDOR_ID, 4);

	/* all ones, or the halves that boards without a pull-up give */
	return ids != ~0u && ids != 0 && (ids & 0xffff) != 0xffff && ids != 0xffff0000;
}

static bool has_many_functions(struct pci_bus *bus, uint8_t devfn)
{
	return pci_host_read(bus->host, bus->number, devfn, PCI_HEADER_TYPE, 1) & MULTIFUNCTION;
}

static void scan_function(struct pci_bus *bus, uint8_t devfn, uint32_t *nr_found)
{
	struct pci_device *dev;

	if (is_known(bus, devfn))
		return;
	dev = kzalloc(sizeof(*dev), ALLOC_KERNEL);
	if (!dev) {
		pr_err("no memory for %02x:%02x.%u\n", bus->number, devfn >> 3, devfn & 7);
		return;
	}
	refcount_init(&dev->refs, 1);
	refcount_get(&bus->refs);
	dev->bus = bus;
	dev->devfn = devfn;
	dev->config_size = PCI_CFG_SPACE_SIZE;
	read_header(dev);
	if (pci_resources_are_cheap(dev))
		pci_resources_get(dev);
	pci_device_add(dev);
	++*nr_found;
}

/* Behind a port of PCI Express there is one device, at 0; others would be its echoes. */
static uint32_t devices_of(const struct pci_bus *bus)
{
	const struct pci_device *bridge = bus->bridge;
	uint32_t type;

	if (!bridge || !bridge->express)
		return DEVFNS;
	type = (pci_read16(bridge, bridge->express + PCI_EXP_FLAGS) & PCI_EXP_FLAGS_TYPE) >>
	       EXPRESS_TYPE_SHIFT;
	return type == PCI_EXP_TYPE_ROOT_PORT || type == PCI_EXP_TYPE_DOWNSTREAM ? FUNCTIONS
	                                                                         : DEVFNS;
}

static void scan_functions(struct pci_bus *bus, uint32_t *nr_found)
{
	uint32_t end = devices_of(bus);

	for (uint32_t slot = 0; slot < end; slot += FUNCTIONS) {
		if (!answers(bus, (uint8_t)slot))
			continue;
		uint32_t many = has_many_functions(bus, (uint8_t)slot) ? FUNCTIONS : 1;

		scan_function(bus, (uint8_t)slot, nr_found);
		for (uint32_t function = 1; function < many; function++) {
			if (answers(bus, (uint8_t)(slot + function)))
				scan_function(bus, (uint8_t)(slot + function), nr_found);
		}
	}
}

/* ---- bridges ------------------------------------------------------------------------------- */

static bool is_bridge(const struct pci_device *dev)
{
	return dev->header == PCI_HEADER_TYPE_BRIDGE;
}

/* What firmware wrote makes sense: the buses are free, and within those of the bus above. */
static bool has_numbers(const struct pci_bus *bus, uint8_t second, uint8_t last)
{
	return second > bus->number && last >= second && last <= bus->last &&
	       !bitmap_test(bus->host->buses, second);
}

/* The first number above those behind the other bridges of the bus. */
static bool find_number(struct pci_bus *bus, uint8_t *number)
{
	uint32_t after = bus->number;
	struct pci_device *dev;

	list_for_each_entry(dev, &pci.devices, link) {
		if (dev->bus == bus && dev->below)
			after = max(after, (uint32_t)dev->below->last);
	}
	*number = (uint8_t)(after + 1);
	return after < bus->last && !bitmap_test(bus->host->buses, after + 1);
}

static void write_numbers(struct pci_device *bridge, uint8_t first, uint8_t second, uint8_t last)
{
	pci_write8(bridge, PCI_PRIMARY_BUS, first);
	pci_write8(bridge, PCI_SECONDARY_BUS, second);
	pci_write8(bridge, PCI_SUBORDINATE_BUS, last);
}

/* The bridge passes all higher numbers while what is behind it is counted, then only those. */
static void scan_unnumbered(struct pci_device *bridge, uint32_t *nr_found)
{
	struct pci_bus *bus = bridge->bus;
	uint8_t number, last;

	if (!find_number(bus, &number)) {
		pr_warn("no bus number is free for the bridge %02x:%02x.%u\n", bus->number,
		        bridge->devfn >> 3, bridge->devfn & 7);
		return;
	}
	if (pci_bus_create(bus->host, bridge, number, bus->last, &bridge->below))
		return;
	write_numbers(bridge, bus->number, number, bus->last);
	*nr_found += pci_bus_scan(bridge->below);
	last = number;
	for (uint32_t n = number; n <= bus->last; n++) {
		if (bitmap_test(bus->host->buses, n))
			last = (uint8_t)n;
	}
	bridge->below->last = last;
	write_numbers(bridge, bus->number, number, last);
}

static void scan_bridge(struct pci_device *bridge, uint32_t *nr_found, bool numbered)
{
	struct pci_bus *bus = bridge->bus;
	uint8_t second = pci_read8(bridge, PCI_SECONDARY_BUS);
	uint8_t last = pci_read8(bridge, PCI_SUBORDINATE_BUS);

	if (bridge->below) {
		if (numbered)
			*nr_found += pci_bus_scan(bridge->below);
		return;
	}
	if (bus->depth >= DEPTH_MAX || has_numbers(bus, second, last) != numbered)
		return;
	if (!numbered)
		scan_unnumbered(bridge, nr_found);
	else if (!pci_bus_create(bus->host, bridge, second, last, &bridge->below))
		*nr_found += pci_bus_scan(bridge->below);
}

/* What the scan behind one of them adds comes later in the list, and is on other buses. */
static void scan_bridges(struct pci_bus *bus, uint32_t *nr_found, bool numbered)
{
	struct pci_device *dev;

	list_for_each_entry(dev, &pci.devices, link) {
		if (dev->bus == bus && is_bridge(dev))
			scan_bridge(dev, nr_found, numbered);
	}
}

uint32_t pci_bus_scan(struct pci_bus *bus)
{
	uint32_t nr_found = 0;

	scan_functions(bus, &nr_found);
	/* numbers that firmware gave first: the other bridges get what is left */
	scan_bridges(bus, &nr_found, true);
	scan_bridges(bus, &nr_found, false);
	return nr_found;
}
