/*
 * Puts a loader's memory ranges in order: sorted, page aligned, without overlap. Where two ranges
 * overlap, the one that is less free wins.
 *
 * Each range is cut into the sorted table as it comes: a stronger range pushes weaker ones aside, a
 * weaker one fills only what is not taken. With some dozen entries the quadratic cost does not
 * matter.
 */
#include <arch/layout.h>

#include "arch/x86_64/boot.h"
#include "boot/bootinfo.h"
#include "core/printk.h"
#include "lib/string.h"

/* How strongly a type holds its ground. */
static unsigned int strength(uint64_t type)
{
	switch (type) {
	case BOOT_MEMORY_RAM:
		return 0;
	case BOOT_MEMORY_ACPI:
		return 1;
	case BOOT_MEMORY_NVS:
		return 2;
	default:
		return 3;
	}
}

static bool insert_at(uint32_t index, uint64_t start, uint64_t end, uint64_t type)
{
	struct bootinfo_memory *m = bootinfo.memory;

	if (start >= end)
		return false;
	if (bootinfo.nr_memory == BOOTINFO_MAX_MEMORY) {
		pr_warn("boot: memory map has too many entries, %#lx-%#lx is not used\n", start,
		        end);
		return false;
	}
	memmove(&m[index + 1], &m[index], (bootinfo.nr_memory - index) * sizeof(*m));
	m[index] = (struct bootinfo_memory){ start, end, type };
	bootinfo.nr_memory++;
	return true;
}

static void remove_at(uint32_t index)
{
	struct bootinfo_memory *m = bootinfo.memory;

	bootinfo.nr_memory--;
	memmove(&m[index], &m[index + 1], (bootinfo.nr_memory - index) * sizeof(*m));
}

/* Takes [start, end) away from entries that are weaker than type. */
static void push_aside(uint64_t start, uint64_t end, uint64_t type)
{
	for (uint32_t i = 0; i < bootinfo.nr_memory; i++) {
		struct bootinfo_memory old = bootinfo.memory[i];

		if (old.end <= start || old.start >= end || strength(old.type) >= strength(type))
			continue;
		remove_at(i);
		if (insert_at(i, old.start, start, old.type))
			i++;
		if (!insert_at(i, end, old.end, old.type))
			i--;
	}
}

/* Puts what is still free of [start, end) into the table. */
static void fill_gaps(uint64_t start, uint64_t end, uint64_t type)
{
	uint32_t i = 0;

	while (start < end) {
		while (i < bootinfo.nr_memory && bootinfo.memory[i].end <= start)
			i++;
		uint64_t stop = end;

		if (i < bootinfo.nr_memory && bootinfo.memory[i].start < end)
			stop = bootinfo.memory[i].start;
		if (stop > start && insert_at(i, start, stop, type))
			i++;
		start = i < bootinfo.nr_memory && stop < end ? bootinfo.memory[i].end : end;
	}
}

static void join_neighbours(void)
{
	for (uint32_t i = 1; i < bootinfo.nr_memory; i++) {
		struct bootinfo_memory *m = &bootinfo.memory[i];

		if (m[-1].end != m->start || m[-1].type != m->type)
			continue;
		m[-1].end = m->end;
		remove_at(i--);
	}
}

void boot_memory_add(uint64_t start, uint64_t size, uint64_t type)
{
	uint64_t end = start + size;

	if (end < start)
		end = DIRECT_MAP_SIZE;
	if (type == BOOT_MEMORY_RAM) {
		start = (start + PAGE_SIZE - 1) & PAGE_MASK;
		end &= PAGE_MASK;
	} else {
		start &= PAGE_MASK;
		end = (end + PAGE_SIZE - 1) & PAGE_MASK;
	}
	if (start >= end || start >= DIRECT_MAP_SIZE)
		return;
	end = end < DIRECT_MAP_SIZE ? end : DIRECT_MAP_SIZE;
	push_aside(start, end, type);
	fill_gaps(start, end, type);
	join_neighbours();
}
