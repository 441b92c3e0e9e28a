/*
 * The map of physical memory: what the boot loader told, put in order, with what is taken cut out.
 *
 * memmap_init() sorts the regions, resolves overlaps (reserved beats usable), applies `mem=`, and
 * reserves the kernel image, boot information, command line and initramfs. Until buddy_init()
 * memory comes from memmap_early_alloc(); afterwards the map is read-only and says only what was
 * there.
 */
#pragma once

#include "lib/types.h"

struct bootinfo;

enum memmap_kind {
	MEMMAP_USABLE,
	MEMMAP_RESERVED, /* firmware, devices, holes: never touched */
	MEMMAP_ACPI,     /* tables: mapped read-only, kept */
	MEMMAP_KERNEL,   /* the image */
	MEMMAP_INITRAMFS,
	MEMMAP_EARLY,    /* handed out by memmap_early_alloc() */
};

struct memmap_region {
	paddr_t          start; /* page-aligned, end exclusive */
	paddr_t          end;
	enum memmap_kind kind;
};

/* Read the boot information. Panics with a clear line if there is no usable memory. Once. */
void memmap_init(const struct bootinfo *info);

/* Zeroed, page-aligned, for ever; panics if there is none. Only before buddy_init(). */
paddr_t memmap_early_alloc(size_t size_bytes);

/* The index-th region in order of address, NULL past the last. */
const struct memmap_region *memmap_region(unsigned int index);

/* A page of RAM below 1 MiB that nobody else gets: other CPUs start from it. 0: there is none. */
paddr_t memmap_start_page(void);

/* End of the highest usable byte; bytes of RAM in all (usable, kernel, initramfs, early). */
paddr_t memmap_end(void);
uint64_t memmap_ram_bytes(void);
