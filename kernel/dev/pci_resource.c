/*
 * Base address registers and windows of bridges: how much they ask for, where they are, and places
 * for those that firmware left without one.
 *
 * A register is sized by writing ones to it; nothing is decoded meanwhile, as it would answer
 * anywhere. What a function asks for is bounded: powers of two, within its kind of space. In a
 * virtual machine each of these writes may cost more than the rest of the scan, so they wait until
 * somebody wants to know, but for functions that decode nothing yet, and for those that hold the
 * screen, which nobody may draw on meanwhile.
 *
 * Places come out of the bridge's window, or out of the host's: the gap below 4 GiB that no memory
 * is in, and the space above all memory. Firmware usually has given everything a place; micro-VMs
 * may have none.
 */
#define pr_fmt(fmt) "pci: " fmt

#include <linux/pci_regs.h>

#include "core/printk.h"
#include "dev/pci_impl.h"
#include "lib/math.h"
#include "mem/memmap.h"

enum { BRIDGE_BARS = 2, CLASS_HOST = 0x0600, CLASS_DISPLAY = 3, WINDOW_ALIGN = 1 << 20 };

#define GAP_FIRST  0xc0000000ul /* not below, however little memory there is */
#define GAP_LAST   0xfe000000ul /* interrupt controllers and firmware are above */
#define SPACE_32   0x100000000ul
#define SPACE_64   (1ul << 38)
#define SPACE_MOST (1ul << 52) /* no processor has more */
#define PORT_FIRST 0x1000
#define PORT_LAST  0x10000
#define DECODES    (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)

/* ---- registers ----------------------------------------------------------------------------- */

static uint32_t probe_mask(struct pci_device *dev, uint32_t offset, uint32_t ones, uint32_t *value)
{
	uint32_t mask;

	*value = pci_read32(dev, offset);
	pci_write32(dev, offset, ones);
	mask = pci_read32(dev, offset);
	pci_write32(dev, offset, *value);
	return mask;
}

/* The mask's upper bits are what can be set: they must be all ones from some bit on. */
static void set_extent(struct pci_resource *resource, uint64_t start, uint64_t mask, uint64_t space)
{
	uint64_t size = mask & -mask;

	if (size == 0 || mask != (space - 1) - (size - 1))
		return;
	resource->size = size;
	resource->start = start & mask;
	if (resource->start == 0 || resource->start > space - size || resource->start >= SPACE_MOST)
		resource->flags |= PCI_RESOURCE_UNSET;
}

/* How many registers it took. */
static unsigned int read_bar(struct pci_device *dev, unsigned int index, unsigned int nr_bars)
{
	struct pci_resource *resource = &dev->resources[index];
	uint32_t offset = PCI_BASE_ADDRESS_0 + 4 * index, value, high;
	uint32_t mask = probe_mask(dev, offset, ~0u, &value);

	if (mask == 0 || mask == ~0u)
		return 1;
	if (mask & PCI_BASE_ADDRESS_SPACE_IO) {
		resource->flags = PCI_RESOURCE_IO;
		set_extent(resource, value, mask & PCI_BASE_ADDRESS_IO_MASK & (PORT_LAST - 1),
		           PORT_LAST);
		return 1;
	}
	resource->flags = PCI_RESOURCE_MEMORY;
	if (mask & PCI_BASE_ADDRESS_MEM_PREFETCH)
		resource->flags |= PCI_RESOURCE_PREFETCH;
	if ((mask & PCI_BASE_ADDRESS_MEM_TYPE_MASK) != PCI_BASE_ADDRESS_MEM_TYPE_64) {
		set_extent(resource, value, mask & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK, SPACE_32);
		return 1;
	}
	if (index + 1 >= nr_bars)
		return 1;
	uint64_t upper = (uint64_t)probe_mask(dev, offset + 4, ~0u, &high) << 32;

	resource->flags |= PCI_RESOURCE_64;
	set_extent(resource, (uint64_t)high << 32 | value,
	           upper | (mask & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK), 0);
	return 2;
}

static uint32_t rom_register(const struct pci_device *dev)
{
	return dev->header == PCI_HEADER_TYPE_NORMAL ? PCI_ROM_ADDRESS : PCI_ROM_ADDRESS1;
}

static void read_rom(struct pci_device *dev)
{
	struct pci_resource *resource = &dev->resources[PCI_ROM];
	uint32_t value;
	uint32_t mask = probe_mask(dev, rom_register(dev), (uint32_t)PCI_ROM_ADDRESS_MASK, &value);

	if (mask == 0 || mask == ~0u)
		return;
	resource->flags = PCI_RESOURCE_MEMORY | PCI_RESOURCE_PREFETCH | PCI_RESOURCE_READONLY;
	if (value & PCI_ROM_ADDRESS_ENABLE)
		resource->flags |= PCI_RESOURCE_ENABLED;
	set_extent(resource, value, mask & (uint32_t)PCI_ROM_ADDRESS_MASK, SPACE_32);
}

/* ---- windows ------------------------------------------------------------------------------- */

static void set_window(struct pci_device *dev, unsigned int index, uint32_t flags, uint64_t base,
                       uint64_t limit)
{
	if (base > limit || limit == ~0ul)
		return;
	dev->resources[index] = (struct pci_resource){
		.start = base, .size = limit - base + 1, .flags = flags,
	};
}

static void read_port_window(struct pci_device *dev)
{
	uint64_t base = (pci_read8(dev, PCI_IO_BASE) & PCI_IO_RANGE_MASK & 0xff) << 8;
	uint64_t limit = (pci_read8(dev, PCI_IO_LIMIT) & PCI_IO_RANGE_MASK & 0xff) << 8;

	base |= (uint64_t)pci_read16(dev, PCI_IO_BASE_UPPER16) << 16;
	limit |= (uint64_t)pci_read16(dev, PCI_IO_LIMIT_UPPER16) << 16;
	if (base != 0 && limit < PORT_LAST)
		set_window(dev, PCI_WINDOW_IO, PCI_RESOURCE_IO, base, limit | 0xfff);
}

static void read_windows(struct pci_device *dev)
{
	uint64_t base = pci_read16(dev, PCI_MEMORY_BASE), limit = pci_read16(dev, PCI_MEMORY_LIMIT);
	uint32_t flags = PCI_RESOURCE_MEMORY;

	read_port_window(dev);
	if (base & 0xfff0)
		set_window(dev, PCI_WINDOW_MEMORY, flags, (base & 0xfff0) << 16,
		           (limit & 0xfff0) << 16 | 0xfffff);
	base = pci_read16(dev, PCI_PREF_MEMORY_BASE);
	limit = pci_read16(dev, PCI_PREF_MEMORY_LIMIT);
	flags |= PCI_RESOURCE_PREFETCH;
	bool is_64 = (base & PCI_PREF_RANGE_TYPE_MASK) == PCI_PREF_RANGE_TYPE_64;

	base = (base & 0xfff0) << 16;
	limit = (limit & 0xfff0) << 16 | 0xfffff;
	if (is_64) {
		flags |= PCI_RESOURCE_64;
		base |= (uint64_t)pci_read32(dev, PCI_PREF_BASE_UPPER32) << 32;
		limit |= (uint64_t)pci_read32(dev, PCI_PREF_LIMIT_UPPER32) << 32;
	}
	if (base)
		set_window(dev, PCI_WINDOW_PREFETCH, flags, base, limit);
}

static unsigned int nr_bars(const struct pci_device *dev)
{
	switch (dev->header) {
	case PCI_HEADER_TYPE_NORMAL:
		return PCI_BARS;
	case PCI_HEADER_TYPE_BRIDGE:
		return BRIDGE_BARS;
	default:
		return 0;
	}
}

bool pci_resources_are_cheap(const struct pci_device *dev)
{
	return dev->class_code >> 16 == CLASS_DISPLAY ||
	       !(pci_read16(dev, PCI_COMMAND) & DECODES);
}

static void read_resources(struct pci_device *dev)
{
	uint16_t command = pci_read16(dev, PCI_COMMAND);
	unsigned int n = nr_bars(dev);

	if (n == 0)
		return;
	/* the way to memory itself stays open */
	if (command & DECODES && dev->class_code >> 8 != CLASS_HOST)
		pci_write16(dev, PCI_COMMAND, command & ~DECODES);
	for (unsigned int i = 0; i < n;)
		i += read_bar(dev, i, n);
	read_rom(dev);
	pci_write16(dev, PCI_COMMAND, command);
	if (dev->header == PCI_HEADER_TYPE_BRIDGE)
		read_windows(dev);
}

/* ---- writing ------------------------------------------------------------------------------- */

static void write_memory_window(struct pci_device *dev, const struct pci_resource *resource)
{
	uint64_t last = resource->start + resource->size - 1;

	pci_write16(dev, PCI_MEMORY_BASE, (uint16_t)(resource->start >> 16 & 0xfff0));
	pci_write16(dev, PCI_MEMORY_LIMIT, (uint16_t)(last >> 16 & 0xfff0));
}

void pci_resource_write(struct pci_device *dev, unsigned int index)
{
	const struct pci_resource *resource = &dev->resources[index];
	uint32_t offset = PCI_BASE_ADDRESS_0 + 4 * index;

	if (resource->size == 0 || resource->flags & PCI_RESOURCE_UNSET)
		return;
	if (index == PCI_ROM) {
		pci_write32(dev, rom_register(dev), (uint32_t)resource->start);
	} else if (index == PCI_WINDOW_MEMORY) {
		write_memory_window(dev, resource);
	} else if (index < PCI_BARS) {
		/* the lowest bits are read-only */
		pci_write32(dev, offset, (uint32_t)resource->start);
		if (resource->flags & PCI_RESOURCE_64)
			pci_write32(dev, offset + 4, (uint32_t)(resource->start >> 32));
	}
}

/* ---- places -------------------------------------------------------------------------------- */

static bool is_unset(const struct pci_resource *resource)
{
	return resource->size && resource->flags & PCI_RESOURCE_UNSET;
}

static bool is_of_kind(const struct pci_resource *resource, uint32_t kind)
{
	return resource->size && !(resource->flags & PCI_RESOURCE_UNSET) && resource->flags & kind;
}

/* The end of something on the bus that lies in [start, start + size); 0: nothing does. */
static uint64_t find_conflict(struct pci_bus *bus, uint32_t kind, uint64_t start, uint64_t size)
{
	struct pci_device *dev;

	list_for_each_entry(dev, &pci.devices, link) {
		for (unsigned int i = 0; dev->bus == bus && i < PCI_RESOURCES; i++) {
			const struct pci_resource *other = &dev->resources[i];

			if (is_of_kind(other, kind) && other->start < start + size &&
			    start < other->start + other->size)
				return other->start + other->size;
		}
	}
	return 0;
}

static bool find_place(struct pci_bus *bus, const struct pci_window *window, uint64_t align,
                       struct pci_resource *resource)
{
	uint32_t kind = resource->flags & (PCI_RESOURCE_IO | PCI_RESOURCE_MEMORY);
	uint64_t at = align_up(window->start, align), end;

	while (at >= window->start && at < window->end && window->end - at >= resource->size) {
		end = find_conflict(bus, kind, at, resource->size);
		if (!end) {
			resource->start = at;
			resource->flags &= ~PCI_RESOURCE_UNSET;
			return true;
		}
		at = align_up(end, align);
	}
	return false;
}

static struct pci_window window_of(const struct pci_device *bridge, unsigned int index)
{
	const struct pci_resource *resource = &bridge->resources[index];

	if (!resource->size || resource->flags & PCI_RESOURCE_UNSET)
		return (struct pci_window){ 0 };
	return (struct pci_window){ resource->start, resource->start + resource->size };
}

static bool place(struct pci_bus *bus, uint64_t align, struct pci_resource *resource)
{
	const struct pci_host *host = bus->host;
	struct pci_window first, second = { 0 };

	if (resource->flags & PCI_RESOURCE_IO) {
		first = bus->bridge ? window_of(bus->bridge, PCI_WINDOW_IO) : host->io;
	} else if (bus->bridge) {
		first = window_of(bus->bridge, PCI_WINDOW_MEMORY);
		if (resource->flags & PCI_RESOURCE_PREFETCH)
			second = window_of(bus->bridge, PCI_WINDOW_PREFETCH);
		if (!(resource->flags & PCI_RESOURCE_64) && second.end > SPACE_32)
			second.end = 0;
	} else {
		first = host->memory;
		if (resource->flags & PCI_RESOURCE_64)
			second = host->memory64;
	}
	return find_place(bus, &first, align, resource) ||
	       find_place(bus, &second, align, resource);
}

/* The largest thing on the bus that has no place and was not tried: what is below `limit`. */
static struct pci_device *find_unset(struct pci_bus *bus, unsigned int *index)
{
	struct pci_device *dev, *best = NULL;
	uint64_t most = 0;

	list_for_each_entry(dev, &pci.devices, link) {
		for (unsigned int i = 0; dev->bus == bus && i < PCI_RESOURCES; i++) {
			const struct pci_resource *resource = &dev->resources[i];

			if (!is_unset(resource) || resource->size <= most ||
			    resource->start == ~0ul)
				continue;
			most = resource->size;
			best = dev;
			*index = i;
		}
	}
	return best;
}

static uint64_t align_of(const struct pci_resource *resource, unsigned int index)
{
	return index == PCI_WINDOW_MEMORY ? WINDOW_ALIGN : resource->size;
}

/* A window for what has no place behind the bridge, if it has none at all. */
static void want_window(struct pci_device *bridge)
{
	struct pci_resource *window = &bridge->resources[PCI_WINDOW_MEMORY];
	uint64_t sum = 0, most = WINDOW_ALIGN;
	struct pci_device *dev;

	if (window->size)
		return;
	list_for_each_entry(dev, &pci.devices, link) {
		if (dev->bus != bridge->below)
			continue;
		if (dev->below)
			want_window(dev);
		for (unsigned int i = 0; i < PCI_RESOURCES; i++) {
			const struct pci_resource *resource = &dev->resources[i];

			if (!is_unset(resource) || !(resource->flags & PCI_RESOURCE_MEMORY) ||
			    resource->size > SPACE_32)
				continue;
			sum += align_up(resource->size, align_of(resource, i));
			most = max(most, align_of(resource, i));
		}
	}
	/* starts where the largest may start */
	if (sum)
		*window = (struct pci_resource){ .size = align_up(sum, WINDOW_ALIGN) + most -
			WINDOW_ALIGN, .flags = PCI_RESOURCE_MEMORY | PCI_RESOURCE_UNSET };
}

static void place_all(struct pci_bus *bus)
{
	struct pci_device *dev;
	unsigned int index;

	while ((dev = find_unset(bus, &index))) {
		struct pci_resource *resource = &dev->resources[index];

		if (place(bus, align_of(resource, index), resource)) {
			pci_resource_write(dev, index);
			continue;
		}
		resource->start = ~0ul; /* tried in vain */
		if (index != PCI_ROM)
			pr_warn("%02x:%02x.%u: no place for register %u, %lu bytes\n", bus->number,
			        dev->devfn >> 3, dev->devfn & 7, index, resource->size);
	}
}

/* ---- hosts --------------------------------------------------------------------------------- */

/* Of which nothing was tried in vain. ROMs are nobody's need. */
static bool lacks_places(const struct pci_host *host)
{
	struct pci_device *dev;

	list_for_each_entry(dev, &pci.devices, link) {
		for (unsigned int i = 0; dev->bus->host == host && i < PCI_RESOURCES; i++) {
			const struct pci_resource *resource = &dev->resources[i];

			if (i != PCI_ROM && is_unset(resource) && resource->start != ~0ul)
				return true;
		}
	}
	return false;
}

/* Where no memory is. Of other segments nothing is known. */
static void find_windows(struct pci_host *host)
{
	uint64_t start = GAP_FIRST, end = GAP_LAST;
	const struct memmap_region *region;

	if (host->memory.end || host->segment)
		return;
	for (unsigned int i = 0; (region = memmap_region(i)); i++) {
		if (region->start < GAP_LAST)
			start = max(start, min(region->end, GAP_LAST));
	}
	if (host->ecam && host->ecam_paddr >= start && host->ecam_paddr < end)
		end = host->ecam_paddr;
	host->memory = (struct pci_window){ start, end };
	host->memory64 = (struct pci_window){ max(align_up(memmap_end(), 1ul << 30), SPACE_32),
	                                      SPACE_64 };
	host->io = (struct pci_window){ PORT_FIRST, PORT_LAST };
}

static void size_all(const struct pci_host *host)
{
	struct pci_device *dev;

	list_for_each_entry(dev, &pci.devices, link) {
		if (dev->bus->host != host || dev->is_sized)
			continue;
		read_resources(dev);
		atomic_store_release(&dev->is_sized, true); /* pairs with pci_resources_find() */
	}
}

static void assign(struct pci_bus *bus)
{
	struct pci_device *dev;

	list_for_each_entry(dev, &pci.devices, link) {
		if (dev->bus == bus && dev->below)
			want_window(dev);
	}
	place_all(bus);
	list_for_each_entry(dev, &pci.devices, link) {
		if (dev->bus == bus && dev->below)
			assign(dev->below);
	}
}

void pci_bus_assign(struct pci_bus *bus)
{
	if (!lacks_places(bus->host))
		return;
	size_all(bus->host);
	find_windows(bus->host);
	assign(bus);
}

void pci_resources_get(struct pci_device *dev)
{
	if (dev->is_sized)
		return;
	read_resources(dev);
	atomic_store_release(&dev->is_sized, true); /* pairs with pci_resources_find() */
}

void pci_resources_find(struct pci_device *dev)
{
	if (atomic_load_acquire(&dev->is_sized)) /* pairs with pci_resources_get() */
		return;
	mutex_lock(&pci.lock);
	pci_resources_get(dev);
	mutex_unlock(&pci.lock);
}
