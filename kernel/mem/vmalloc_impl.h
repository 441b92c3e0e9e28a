/*
 * What vmalloc.c and kstack.c share: the halves of the area, and filling addresses with pages.
 */
#pragma once

#include <arch/layout.h>

#include "lib/types.h"

/* Ranges of any size in the first half, kernel stacks in the second. */
#define VMALLOC_RANGES_BASE vmalloc_base
#define VMALLOC_RANGES_END  (vmalloc_base + VMALLOC_SIZE / 2)
#define VMALLOC_STACKS_BASE VMALLOC_RANGES_END

/* Back nr_pages pages from start on by new frames; 0, or -1 with nothing mapped. May sleep. */
int __must_check vmalloc_map(kaddr_t start, size_t nr_pages, unsigned int flags);

/* Undo, and free the frames. Flushes TLBs: no spinlock held, interrupts on. */
void vmalloc_unmap(kaddr_t start, size_t nr_pages);
