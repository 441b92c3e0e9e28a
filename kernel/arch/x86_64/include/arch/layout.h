/*
 * Where everything is in the address space, and the three conversions between worlds.
 *
 *   0000000000000000 - 00007fffffffefff  user (USER_MAX is the first address past it)
 *   ffff888000000000   32 TiB            direct map of all RAM, largest pages, no execute
 *   ffffc90000000000  512 GiB            vmalloc: kernel stacks, large allocations
 *   ffffd00000000000   16 TiB            device memory, at its physical address (arch/io.h)
 *   ffffffff80000000    1 GiB            the kernel image: linked at + 2 MiB, moved by chance
 *
 * Those are the places with `nokaslr`; otherwise direct map, vmalloc and image begin where chance
 * (boot_relocate()) puts them: up to 32 TiB, 6.5 TiB and 1 GiB higher.
 *
 * phys_to_virt() works from the first line of C for the first 4 GiB (the boot page tables map
 * them), for all RAM after paging_init(). Until then nothing may be allocated above 4 GiB.
 */
#pragma once

#include "lib/types.h"

#define USER_MAX          0x00007ffffffff000ul
#define DIRECT_MAP_FIRST  0xffff888000000000ul
#define DIRECT_MAP_SIZE   0x0000200000000000ul
#define DIRECT_MAP_ROOM   0x0000200000000000ul
#define VMALLOC_FIRST     0xffffc90000000000ul
#define VMALLOC_SIZE      0x0000008000000000ul
#define VMALLOC_ROOM      0x0000068000000000ul
#define MMIO_BASE         0xffffd00000000000ul
#define MMIO_SIZE         0x0000100000000000ul
#define KERNEL_IMAGE_BASE 0xffffffff80000000ul
#define KERNEL_IMAGE_SIZE 0x0000000040000000ul
#define KERNEL_LINK_OFFSET 0x200000ul
#define LARGE_PAGE_SIZE   0x200000ul

#define KSTACK_SIZE       (16384ul << KASAN)

/* Of the address sanitizer: the shadow of an address is at address / 8 + this. */
#define KASAN_SHADOW_OFFSET 0xdffffc0000000000ul

/* What to add to (address in the image - KERNEL_IMAGE_BASE) for the physical address. */
extern paddr_t kernel_phys_base __const_after_init;

/* Where the direct map and the vmalloc area begin, multiples of 1 GiB. */
extern kaddr_t direct_map_base __const_after_init;
extern kaddr_t vmalloc_base __const_after_init;

/* The first and the last byte past the image and its parts (kernel.ld). */
extern char kernel_start[], kernel_end[];
extern char text_start[], text_end[], rodata_start[], rodata_end[];
extern char ro_after_init_start[], ro_after_init_end[];
extern char ktest_start[], init_start[], init_end[];

/* By how much the image was moved from where it was linked (KASLR). */
static inline uint64_t image_slide(void)
{
	return (uintptr_t)kernel_start - (KERNEL_IMAGE_BASE + KERNEL_LINK_OFFSET);
}

/* The kernel's view of a physical address in RAM. Total. */
static inline void *phys_to_virt(paddr_t paddr)
{
	return (void *)(paddr + direct_map_base);
}

/* The physical address behind a pointer into the direct map. Not for the image, not for vmalloc. */
static inline paddr_t virt_to_phys(const void *ptr)
{
	return (paddr_t)(uintptr_t)ptr - direct_map_base;
}

/* The physical address of something that the linker placed (text, data, bss). */
static inline paddr_t image_to_phys(const void *ptr)
{
	return (paddr_t)(uintptr_t)ptr - KERNEL_IMAGE_BASE + kernel_phys_base;
}

static inline bool is_user_range(uaddr_t addr, size_t size)
{
	return addr <= USER_MAX && size <= USER_MAX - addr;
}
