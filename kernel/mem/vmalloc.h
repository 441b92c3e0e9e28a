/*
 * Memory that is contiguous only virtually, in the kernel's vmalloc area, each range followed by an
 * unmapped guard page; and kernel stacks, which have one below them too.
 *
 *	table = vmalloc(bytes, ALLOC_KERNEL);  ...  vfree(table);
 *
 * Stacks are kept for reuse by each CPU, so that a thread costs no page-table change, and they are
 * placed so that the same depth of different stacks falls on different cache and TLB sets.
 *
 * Device memory is not mapped here but by <arch/io.h>.
 *
 * Mappings are NX and writable. Freed ranges are reused only after the TLBs of all CPUs have been
 * told (batched). Locking: RANK_VMALLOC for the ranges, then the kernel's page tables. May sleep:
 * no; but large.
 */
#pragma once

#include <arch/layout.h> /* KSTACK_SIZE */

#include "mem/alloc.h"

struct page;

/* Pages for at least size bytes; NULL if memory or address space lacks. */
void *vmalloc(size_t size, unsigned int flags) __must_check;
static inline void *__must_check vzalloc(size_t size, unsigned int flags)
{
	return vmalloc(size, flags | ALLOC_ZERO);
}
void vfree(const void *address);

bool is_vmalloc_address(const void *address);

/*
 * The lowest address of a stack of KSTACK_SIZE bytes, guard page below; content undefined. NULL:
 * none.
 */
void *kstack_alloc(unsigned int flags) __must_check;
void kstack_free(void *stack);

/* True if the address lies in a guard page: a fault there is an overflow. */
bool vmalloc_is_guard(uintptr_t address);

/* Give back cached stacks and ranges that wait for a TLB flush. May sleep. */
void vmalloc_drain(void);
