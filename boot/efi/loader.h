/*
 * The parts of the UEFI application: what each file offers to the others.
 *
 * Memory comes from the firmware below 4 GiB, zeroed, and is never given back. Everything that
 * fails for good ends in fail(), which says why on the firmware's console and returns to the
 * firmware.
 */
#pragma once

#include <efi.h>
#include <stddef.h>

#include "boot/bootinfo.h"

#define KERNEL_IMAGE_BASE  0xffffffff80000000ull
#define KERNEL_LINK_OFFSET 0x200000ull
#define DIRECT_MAP_SLOT    273 /* index of 0xffff888000000000 in the top page table */
#define LARGE_PAGE         0x200000ull
#define PAGE               4096ull

struct loader {
	EFI_HANDLE         image;
	EFI_SYSTEM_TABLE  *system;
	EFI_BOOT_SERVICES *boot;
	EFI_LOADED_IMAGE  *self;
	struct bootinfo   *info;
};

extern struct loader loader;

/* embed.S: the kernel's ELF file. jump.S: the code that leaves the firmware's address space. */
extern const unsigned char embedded_kernel[], embedded_kernel_end[];
extern const unsigned char jump_start[], jump_end[];

/* console.c */
void print(const char *text);
void print_number(uint64_t value);
void fail(const char *what, EFI_STATUS status) __attribute__((noreturn));

/*
 * memory.c: zeroed pages below 4 GiB, at a multiple of align (a power of two of at least a page).
 */
void *pages_alloc(uint64_t size, uint64_t align);
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

/*
 * memory.c: the memory map into bootinfo, and the end of the firmware's rule. No call of it works
 * afterwards.
 */
void leave_firmware(void);

/*
 * kernel.c: loads the embedded kernel and fills in kernel_start and kernel_end. Its entry address.
 */
uint64_t kernel_load(void);

/* kernel.c: page tables for the jump: 4 GiB identity and direct map, and the image. Their root. */
uint64_t kernel_map(void);

/* files.c: command line and initramfs from wherever they are given. */
void cmdline_find(void);
void initramfs_find(void);

/* machine.c: ACPI root, framebuffer, seed, time of day. All optional. */
void machine_describe(void);
