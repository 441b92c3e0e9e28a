/*
 * THE hand-over: what the kernel is told about the machine, however it was booted. The UEFI
 * application fills one in; the PVH entry converts its own structures into one. All addresses are
 * physical. Nothing else passes from a loader to the kernel.
 *
 * The kernel copies it first and checks it (bootinfo_check() in arch): a wrong magic or count stops
 * the boot with a message. Until paging_init() the kernel reaches only the first 4 GiB, so
 * everything that it needs before (this structure, the command line, page tables) lies below.
 */
#pragma once

#ifndef __ASSEMBLY__
#include <stdint.h>

#define BOOTINFO_MAGIC        0x4f464e49544f4f42ull /* "BOOTINFO" */
#define BOOTINFO_MAX_MEMORY   512
#define BOOTINFO_CMDLINE_SIZE 2048 /* with the final 0 */
#define BOOTINFO_SEED_SIZE    64

enum bootinfo_source { BOOT_PVH = 1, BOOT_UEFI = 2 };

enum bootinfo_memory_type {
	BOOT_MEMORY_RAM = 1,      /* free to use */
	BOOT_MEMORY_RESERVED = 2, /* firmware's, devices', unknown: hands off */
	BOOT_MEMORY_ACPI = 3,     /* RAM that holds ACPI tables: may be mapped cached */
	BOOT_MEMORY_NVS = 4,
};

/* Sorted by start, page aligned, no overlap, neighbours of one type joined. RAM includes the kernel
 * image, the initramfs and this structure: mem reserves them by the fields below. */
struct bootinfo_memory {
	uint64_t start, end;
	uint64_t type;
};

/* The screen as the firmware left it. No width: there is none. */
struct bootinfo_framebuffer {
	uint64_t base;          /* 0: it can be drawn on by the firmware only */
	uint32_t width, height; /* pixels */
	uint32_t stride;        /* bytes from row to row */
	uint32_t bits;          /* of a pixel */
	uint32_t red_mask, green_mask, blue_mask;
};

struct bootinfo {
	uint64_t magic;
	uint32_t source;
	uint32_t nr_memory;
	struct bootinfo_memory memory[BOOTINFO_MAX_MEMORY];
	uint64_t entry_tsc;     /* cycle counter at the entry of the loader or the kernel */
	uint64_t rsdp;          /* ACPI root pointer, 0 unknown */
	uint64_t kernel_start, kernel_end;       /* the image's physical range, page aligned */
	uint64_t initramfs_start, initramfs_end; /* equal: none */
	struct bootinfo_framebuffer framebuffer;
	int64_t  wall_clock;    /* seconds since 1970 by the firmware, 0 unknown */
	uint32_t seed_size;     /* bytes of seed that the firmware gave, 0 none */
	uint8_t  seed[BOOTINFO_SEED_SIZE];
	char     cmdline[BOOTINFO_CMDLINE_SIZE];
};

/* The kernel's own copy; const after start-up. */
extern struct bootinfo bootinfo;
#endif
