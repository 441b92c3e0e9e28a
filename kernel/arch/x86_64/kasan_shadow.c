/*
 * Where the address sanitizer's shadow lies (mem/kasan.h), before paging_init() and after it. Only
 * in the build with KASAN=1, and not instrumented.
 *
 * The image's shadow is part of the image: functions with arrays on their stack write to the
 * stack's shadow without asking, from the first line of C on. That of RAM is taken from RAM. Of
 * vmalloc's the first parts, which are in use all the time, so that what a test takes and gives
 * back leaves no more pages in use than before.
 */
#include <arch/layout.h>

#include "arch/x86_64/boot.h"
#include "arch/x86_64/image.h"
#include "arch/x86_64/tables.h"
#include "boot/bootinfo.h"
#include "core/panic.h"
#include "mem/kasan.h"
#include "mem/memmap.h"

enum { TABLE = PTE_PRESENT | PTE_WRITE, LEAF_TABLES = 2 };

#define IMAGE_SHADOW_SIZE LEAF_SIZE /* for 16 MiB of image */

static int8_t image_shadow[IMAGE_SHADOW_SIZE] __section(".bss.page_aligned") __aligned(4096);

/* Tables that lead there until paging_init(). */
static uint64_t pdpt[PTES_PER_TABLE] __section(".init.bss") __aligned(4096);
static uint64_t pd[PTES_PER_TABLE] __section(".init.bss") __aligned(4096);
static uint64_t leaves[LEAF_TABLES * PTES_PER_TABLE] __section(".init.bss") __aligned(4096);

static size_t image_shadow_bytes(void)
{
	return ((size_t)(kernel_end - kernel_start) / KASAN_GRANULE + PAGE_SIZE - 1) & PAGE_MASK;
}

void boot_shadow_map(paddr_t image_start, uint64_t slide)
{
	paddr_t shift = image_start - KERNEL_LINK_OFFSET - KERNEL_IMAGE_BASE;
	kaddr_t at = (kaddr_t)kasan_shadow(KERNEL_IMAGE_BASE + KERNEL_LINK_OFFSET + slide);
	unsigned int first = entry_index(at, 2);

	boot_pml4[entry_index(at, 4)] = ((paddr_t)pdpt + shift) | TABLE;
	pdpt[entry_index(at, 3)] = ((paddr_t)pd + shift) | TABLE;
	for (unsigned int i = 0; i < LEAF_TABLES; i++)
		pd[first + i] = ((paddr_t)(leaves + i * PTES_PER_TABLE) + shift) | TABLE;
	for (size_t done = 0; done < image_shadow_bytes(); done += PAGE_SIZE)
		leaves[entry_index(at, 1) + done / PAGE_SIZE] =
			((paddr_t)image_shadow + done + shift) | TABLE;
}

/* Shadow for [start, start + size), new where there is none. */
static void map_shadow(kaddr_t start, uint64_t size)
{
	kaddr_t end = (kaddr_t)kasan_shadow(start + size - 1);

	for (kaddr_t at = (kaddr_t)kasan_shadow(start) & PAGE_MASK; at <= end; at += PAGE_SIZE) {
		pte_t *slot = kernel_slot(at, LEVEL_LEAF, true);

		assert(slot);
		if (!*slot)
			kernel_map_early(at, memmap_early_alloc(PAGE_SIZE), PAGE_SIZE,
			                 PROT_PTE_WRITE | PROT_PTE_DIRTY);
	}
}

void shadow_init(void)
{
	kaddr_t image = (kaddr_t)kasan_shadow((uintptr_t)kernel_start);
	kaddr_t vmalloc = (kaddr_t)kasan_shadow(vmalloc_base);

	assert(image_shadow_bytes() <= IMAGE_SHADOW_SIZE);
	kernel_map_early(image, image_to_phys(image_shadow), image_shadow_bytes(),
	                 PROT_PTE_WRITE | PROT_PTE_DIRTY);
	for (uint32_t i = 0; i < bootinfo.nr_memory; i++) {
		const struct bootinfo_memory *m = &bootinfo.memory[i];

		if (m->type == BOOT_MEMORY_RAM)
			map_shadow(direct_map_base + m->start, m->end - m->start);
	}
	map_shadow(vmalloc_base, KASAN_VMALLOC_READY);
	map_shadow(vmalloc_base + VMALLOC_SIZE / 2, KASAN_VMALLOC_READY);
	assert(kernel_slot(vmalloc, 3, true));
	assert(kernel_slot(vmalloc + VMALLOC_SIZE / KASAN_GRANULE - 1, 3, true));
}
