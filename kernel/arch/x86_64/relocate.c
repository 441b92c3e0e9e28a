/*
 * Moves the image to a random virtual address, and chooses where direct map and vmalloc begin
 * (KASLR), before anything else runs.
 *
 * The linker's addresses and the new ones both lead to the same memory while the places that hold
 * absolute addresses are changed (tools/relocs.py lists them), so it does not matter that this very
 * code is among what changes. head.S then goes on at the new address; paging_init() builds tables
 * without the old. The word `nokaslr` leaves everything at its first place.
 *
 * The physical address is the loader's choice. Nothing here may use what is not yet there: no
 * per-CPU data, no log, no features of the CPU but by asking it.
 */
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/mmu.h>
#include <arch/thread.h>

#include <cpuid.h>

#include "arch/x86_64/boot.h"
#include "arch/x86_64/image.h"
#include "arch/x86_64/regs.h"
#include "boot/bootinfo.h"
#include "core/cmdline.h"
#include "lib/bits.h"
#include "lib/compiler.h"
#include "lib/string.h"

enum { TABLE = PTE_PRESENT | PTE_WRITE, PIECES_OF_4_GIB = 2048 };

/* The old and the new place must not overlap; kernel.ld asserts that the image is no larger. */
#define IMAGE_SIZE_MAX 0x2000000ul

#define GIB 0x40000000ul

kaddr_t direct_map_base __ro_after_init = DIRECT_MAP_FIRST;
kaddr_t vmalloc_base __ro_after_init = VMALLOC_FIRST;

/* ---- chance -------------------------------------------------------------------------------- */

/* The mixing step of splitmix64: each bit of the input reaches each bit of the result. */
static uint64_t __init mix(uint64_t state, uint64_t word)
{
	state = (state ^ word) + 0x9e3779b97f4a7c15;
	state = (state ^ state >> 30) * 0xbf58476d1ce4e5b9;
	state = (state ^ state >> 27) * 0x94d049bb133111eb;
	return state ^ state >> 31;
}

static uint64_t __init cpu_word(void)
{
	uint32_t a, b, c, d;
	uint64_t word = 0;

	__cpuid(1, a, b, c, d);
	if (c & BIT(30))
		__asm__ volatile("rdrand %0" : "=r"(word) : : "cc");
	return word;
}

/* By UEFI there is the firmware's seed; by PVH the CPU's generator and clock must do. */
static uint64_t __init random_word(const struct bootinfo *uefi)
{
	uint64_t state = mix(cpu_cycles(), cpu_word());

	for (uint32_t i = 0; uefi && i + 8 <= uefi->seed_size && i < BOOTINFO_SEED_SIZE; i += 8) {
		uint64_t word;

		memcpy(&word, uefi->seed + i, sizeof(word));
		state = mix(state, word);
	}
	return mix(state, cpu_cycles());
}

/* ---- page tables --------------------------------------------------------------------------- */

static void __init map_image_at(uint64_t offset, paddr_t image_start)
{
	uint64_t *entry = &boot_pd_high[offset / LARGE_PAGE_SIZE];
	uint64_t size = (uint64_t)(kernel_end - kernel_start);

	for (uint64_t at = 0; at < size; at += LARGE_PAGE_SIZE)
		*entry++ = (image_start + at) | TABLE | PTE_LARGE;
}

/* Tables are written at their linked address; entries hold physical ones. */
static uint64_t __init entry_for(const uint64_t *table, paddr_t image_start)
{
	return ((uintptr_t)table - KERNEL_IMAGE_BASE - KERNEL_LINK_OFFSET + image_start) | TABLE;
}

static void __init map_again(paddr_t image_start)
{
	boot_pml4[0] = entry_for(boot_pdpt, image_start);
	boot_pml4[DIRECT_MAP_FIRST >> 39 & 511] = boot_pml4[0];
	boot_pml4[511] = entry_for(boot_pdpt_high, image_start);
	map_image_at(KERNEL_LINK_OFFSET, image_start);
	boot_pdpt_high[510] = entry_for(boot_pd_high, image_start);
	for (uint64_t i = 0; i < 4; i++)
		boot_pdpt[i] = entry_for(boot_pd + i * PTES_PER_TABLE, image_start);
	for (uint64_t i = 0; i < PIECES_OF_4_GIB; i++)
		boot_pd[i] = i * LARGE_PAGE_SIZE | TABLE | PTE_LARGE;
	cr3_write(entry_for(boot_pml4, image_start) & PTE_PADDR_MASK);
}

/* The first 4 GiB at the new base too; all in one table, so not at its very end. */
static void __init move_direct_map(paddr_t image_start, uint64_t random)
{
	enum { LAST = PTES_PER_TABLE - 4 };
	uint64_t gib = random % ((DIRECT_MAP_ROOM >> 30) - PTES_PER_TABLE);
	uint64_t slot = gib % PTES_PER_TABLE < LAST ? gib % PTES_PER_TABLE : LAST;
	kaddr_t base = DIRECT_MAP_FIRST + (gib - gib % PTES_PER_TABLE + slot) * GIB;

	for (uint64_t i = 0; i < 4; i++)
		boot_pdpt_direct[slot + i] = boot_pdpt[i];
	boot_pml4[base >> 39 & 511] = entry_for(boot_pdpt_direct, image_start);
	direct_map_base = base;
}

/* ---- relocations --------------------------------------------------------------------------- */

static uint64_t __init varint(const uint8_t **at)
{
	uint64_t value = 0;
	unsigned int shift = 0;
	uint8_t byte;

	do {
		byte = *(*at)++;
		value |= (byte & 0x7ful) << shift;
		shift += 7;
	} while (byte & 0x80);
	return value;
}

static void __init apply(uint64_t slide)
{
	const uint8_t *table = relocs_start;
	char *place = text_start;

	if (relocs_start == (const uint8_t *)kernel_end)
		return;
	for (uint64_t step; (step = varint(&table));) {
		place += step;
		*(uint64_t *)place += slide;
	}
	place = text_start;
	for (uint64_t step; (step = varint(&table));) {
		place += step;
		*(uint32_t *)place += (uint32_t)slide;
	}
}

static bool __init has_word(const char *line, const char *word)
{
	size_t length = strlen(word);

	while (line && *line) {
		if (!strncmp(line, word, length) && (line[length] == ' ' || !line[length]))
			return true;
		while (*line && *line != ' ')
			line++;
		while (*line == ' ')
			line++;
	}
	return false;
}

static const char *__init command_line(const struct bootinfo *uefi, paddr_t pvh_start_info)
{
	return uefi ? uefi->cmdline : boot_pvh_cmdline(pvh_start_info);
}

/* A multiple of 2 MiB, so that the image is neither on its old place nor past the window. */
static uint64_t __init choose_slide(uint64_t random)
{
	uint64_t room = KERNEL_IMAGE_SIZE - KERNEL_LINK_OFFSET - 2 * IMAGE_SIZE_MAX;

	return IMAGE_SIZE_MAX + random % (room / LARGE_PAGE_SIZE) * LARGE_PAGE_SIZE;
}

uint64_t __init boot_relocate(paddr_t image_start, paddr_t uefi_bootinfo, paddr_t pvh_start_info)
{
	const struct bootinfo *uefi = uefi_bootinfo ? phys_to_virt(uefi_bootinfo) : NULL;

	map_again(image_start);
	uint64_t random = random_word(uefi);

	canary_keys[0] = mix(random, 3);
	canary_keys[1] = mix(random, 4);
	stack_canary = mix(random, 5) & CANARY_MASK; /* the boot CPU's, whose copy is in place */
	__stack_chk_guard = stack_canary;
	if (has_word(command_line(uefi, pvh_start_info), "nokaslr")) {
		if (KASAN)
			boot_shadow_map(image_start, 0);
		return 0;
	}
	uint64_t slide = choose_slide(random);

	map_image_at(KERNEL_LINK_OFFSET + slide, image_start);
	vmalloc_base += mix(random, 1) % (VMALLOC_ROOM / GIB) * GIB;
	move_direct_map(image_start, mix(random, 2));
	if (KASAN)
		boot_shadow_map(image_start, slide);
	apply(slide); /* last: addresses of tables are the new ones now, entry_for() is wrong */
	cr3_write(cr3_read()); /* serialises: code has changed under another address */
	return slide;
}

/* boot_relocate() has obeyed it, before there was anybody to parse it. */
static int parse_nokaslr(const char *value)
{
	return 0;
}

CMDLINE_PARAM("nokaslr", parse_nokaslr);
