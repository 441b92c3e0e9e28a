/*
 * The way from the entry code to kmain(): bootinfo brought home and checked.
 */
#pragma once

#include "lib/types.h"

/* From head.S, on the boot stack, interrupts off. Exactly one of the two pointers is not 0. */
__noreturn void boot_start(paddr_t uefi_bootinfo, paddr_t pvh_start_info, uint64_t entry_tsc);

/*
 * relocate.c, from head.S: page tables in the image's own memory, the bases of direct map and
 * vmalloc, and the image moved to another virtual address; the result is by how much. Returns to
 * the old address, which stays mapped until paging_init(). One of the last two arguments is not 0.
 */
uint64_t boot_relocate(paddr_t image_start, paddr_t uefi_bootinfo, paddr_t pvh_start_info);

/* kasan_shadow.c, with KASAN=1: the image's shadow in head.S's tables; boot_relocate() calls. */
void boot_shadow_map(paddr_t image_start, uint64_t slide);

/* init/main.c */
__noreturn void kmain(void);

/* boot_pvh.c: fills in bootinfo. Everything read is below 4 GiB and bounded. */
void boot_pvh_convert(paddr_t start_info, uint64_t entry_tsc);

/* boot_pvh.c: the command line where the loader left it, NULL if there is none. */
const char *boot_pvh_cmdline(paddr_t start_info);

/*
 * boot_memory.c: adds a range (any order, any overlap), then puts all in order. Page aligned: RAM
 * shrinks, everything else grows. When the table is full, what comes is left out, with a message.
 */
void boot_memory_add(uint64_t start, uint64_t size, uint64_t type);

/* Stops with a message on the early console; for before panic() makes sense. */
__noreturn void boot_fail(const char *message);
