/*
 * The map is an array of regions in order of address. Cutting something out of it (memmap_carve)
 * splits the usable regions that it overlaps; everything else is done by that.
 */
#include "mem/memmap.h"

#include <arch/layout.h>

#include "boot/bootinfo.h"
#include "core/cmdline.h"
#include "core/panic.h"
#include "core/printk.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "mem/memmap_impl.h"

/* The BIOS's data, and where other CPUs start: never handed out. */
#define LOW_RESERVED 0x10000ul
/* Start-up interrupts reach so far. */
#define LOW_END      0xa0000ul
/* What phys_to_virt() reaches before paging_init(). */
#define EARLY_LIMIT  0x100000000ul

enum { REGIONS_MAX = BOOTINFO_MAX_MEMORY + 64 };

static struct {
	struct memmap_region regions[REGIONS_MAX];
	uint32_t             count;
	paddr_t              start_page; /* for memmap_start_page() */
	bool                 closed; /* buddy_init() has taken over */
} map;

static uint64_t memory_limit __ro_after_init = UINT64_MAX;

static void region_insert(uint32_t at, paddr_t start, paddr_t end, enum memmap_kind kind)
{
	if (map.count == REGIONS_MAX)
		panic("the memory map has more than %d regions", REGIONS_MAX);
	memmove(&map.regions[at + 1], &map.regions[at], (map.count - at) * sizeof(map.regions[0]));
	map.regions[at] = (struct memmap_region){ start, end, kind };
	map.count++;
}

static void region_remove(uint32_t at)
{
	map.count--;
	memmove(&map.regions[at], &map.regions[at + 1], (map.count - at) * sizeof(map.regions[0]));
}

static void memmap_join(void)
{
	for (uint32_t i = 0; i + 1 < map.count;) {
		struct memmap_region *here = &map.regions[i], *next = here + 1;

		if (here->end == next->start && here->kind == next->kind) {
			here->end = next->end;
			region_remove(i + 1);
		} else {
			i++;
		}
	}
}

/* What is usable in [start, end) becomes `kind`. */
static void memmap_carve(paddr_t start, paddr_t end, enum memmap_kind kind)
{
	start &= PAGE_MASK;
	end = align_up(end, PAGE_SIZE);
	for (uint32_t i = 0; i < map.count; i++) {
		struct memmap_region old = map.regions[i];
		paddr_t from = max(start, old.start), to = min(end, old.end);

		if (old.kind != MEMMAP_USABLE || from >= to)
			continue;
		map.regions[i] = (struct memmap_region){ from, to, kind };
		if (to < old.end)
			region_insert(i + 1, to, old.end, MEMMAP_USABLE);
		if (old.start < from)
			region_insert(i, old.start, from, MEMMAP_USABLE);
	}
	memmap_join();
}

static enum memmap_kind kind_of(uint64_t type)
{
	if (type == BOOT_MEMORY_RAM)
		return MEMMAP_USABLE;
	return type == BOOT_MEMORY_ACPI || type == BOOT_MEMORY_NVS ? MEMMAP_ACPI : MEMMAP_RESERVED;
}

/* A region of the loader's, in its place; usable memory shrinks to whole pages, the rest grows. */
static void memmap_add(const struct bootinfo_memory *memory)
{
	enum memmap_kind kind = kind_of(memory->type);
	bool usable = kind == MEMMAP_USABLE;
	paddr_t start = usable ? align_up(memory->start, PAGE_SIZE) : memory->start & PAGE_MASK;
	paddr_t end = usable ? memory->end & PAGE_MASK : align_up(memory->end, PAGE_SIZE);
	uint32_t at = map.count;

	if (usable)
		end = min(end, memory_limit & PAGE_MASK);
	if (start >= end)
		return;
	while (at > 0 && map.regions[at - 1].start > start)
		at--;
	region_insert(at, start, end, kind);
}

static void memmap_read(const struct bootinfo *info)
{
	for (uint32_t i = 0; i < info->nr_memory; i++)
		memmap_add(&info->memory[i]);
	/* Reserved beats usable where the two overlap. */
	for (uint32_t i = 0; i < info->nr_memory; i++)
		if (kind_of(info->memory[i].type) != MEMMAP_USABLE)
			memmap_carve(info->memory[i].start, info->memory[i].end,
				     kind_of(info->memory[i].type));
	memmap_join();
}

/* Page 0 has the BIOS's vectors; above the lowest pages the highest ones may be the firmware's. */
static void start_page_take(void)
{
	for (uint32_t i = 0; i < map.count; i++) {
		const struct memmap_region *region = &map.regions[i];
		paddr_t page = max(region->start, PAGE_SIZE), end = min(region->end, LOW_END);

		if (region->kind != MEMMAP_USABLE || page + PAGE_SIZE > end)
			continue;
		map.start_page = page;
		memmap_carve(page, page + PAGE_SIZE, MEMMAP_EARLY);
		return;
	}
}

paddr_t memmap_start_page(void)
{
	return map.start_page;
}

void memmap_init(const struct bootinfo *info)
{
	memmap_read(info);
	start_page_take();
	memmap_carve(0, LOW_RESERVED, MEMMAP_RESERVED);
	memmap_carve(info->kernel_start, info->kernel_end, MEMMAP_KERNEL);
	memmap_carve(info->initramfs_start, info->initramfs_end, MEMMAP_INITRAMFS);
	if (memmap_ram_bytes() == 0)
		panic("the boot loader told of no usable memory");

	uint64_t frames = memmap_end() >> PAGE_SHIFT;
	paddr_t array = memmap_early_take(frames * sizeof(struct page));

	page_array = phys_to_virt(array);
	page_array_end = frames;
}

paddr_t memmap_early_take(size_t size_bytes)
{
	size_t size = align_up(size_bytes, PAGE_SIZE);

	assert(!map.closed);
	for (uint32_t i = map.count; i-- > 0;) {
		const struct memmap_region *region = &map.regions[i];
		paddr_t end = min(region->end, EARLY_LIMIT);

		if (region->kind != MEMMAP_USABLE || region->start >= end ||
		    end - region->start < size)
			continue;
		memmap_carve(end - size, end, MEMMAP_EARLY);
		return end - size;
	}
	panic("not enough memory to start: no %lu KiB left in one piece", size >> 10);
}

paddr_t memmap_early_alloc(size_t size_bytes)
{
	paddr_t phys = memmap_early_take(size_bytes);

	memset(phys_to_virt(phys), 0, align_up(size_bytes, PAGE_SIZE));
	return phys;
}

void memmap_close(void)
{
	map.closed = true;
}

const struct memmap_region *memmap_region(unsigned int index)
{
	return index < map.count ? &map.regions[index] : NULL;
}

static bool is_ram(const struct memmap_region *region)
{
	return region->kind != MEMMAP_RESERVED && region->kind != MEMMAP_ACPI;
}

paddr_t memmap_end(void)
{
	paddr_t end = 0;

	for (uint32_t i = 0; i < map.count; i++)
		if (is_ram(&map.regions[i]))
			end = map.regions[i].end;
	return end;
}

uint64_t memmap_ram_bytes(void)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < map.count; i++)
		if (is_ram(&map.regions[i]))
			bytes += map.regions[i].end - map.regions[i].start;
	return bytes;
}

static int parse_mem(const char *value)
{
	uint64_t limit;
	int err = cmdline_size(value, &limit);

	if (err < 0 || limit < 4ul << 20)
		return err < 0 ? err : -1;
	memory_limit = limit;
	return 0;
}

CMDLINE_EARLY("mem", parse_mem);
