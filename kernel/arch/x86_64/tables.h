/*
 * Page-table levels, for the files that walk them. Level 1 is a leaf table (its entries are PTEs of
 * 4 KiB), level 4 the top. An entry is PTE_PRESENT and either leads to the next table or, at level
 * 2 or 3 with PTE_LARGE, maps 2 MiB or 1 GiB.
 */
#pragma once

#include <arch/layout.h>
#include <arch/mmu.h>

#include "lib/atomic.h"
#include "mem/page.h"

enum { LEVEL_LEAF = 1, LEVEL_TOP = 4 };

#define TABLE_ENTRY_USER   (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED)
#define TABLE_ENTRY_KERNEL (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)
#define KERNEL_HALF_FIRST  256 /* index in the top table */

/* Bytes that one entry of a table at this level spans. */
static inline uint64_t entry_span(unsigned int level)
{
	return 1ul << (PAGE_SHIFT + 9 * (level - 1));
}

static inline unsigned int entry_index(uint64_t addr, unsigned int level)
{
	return addr >> (PAGE_SHIFT + 9 * (level - 1)) & (PTES_PER_TABLE - 1);
}

static inline pte_t *table_of(pte_t entry)
{
	return phys_to_virt(entry & PTE_PADDR_MASK);
}

/*
 * A leaf table that has, or has had, several users; its entries leading to it may lack PTE_WRITE.
 */
#define TABLE_SHARED PAGE_OWNER_1

/* Tables of the user half; see mmu.c. */
pte_t *user_table_alloc(void);
void user_table_free(pte_t *table);

/*
 * Tables above the leaves note in page->index, a bit for each ENTRY_GROUP entries, where entries
 * have been put, so that taking a space apart need not search them.
 */
#define ENTRY_GROUP (PTES_PER_TABLE / 64)
static inline void user_entry_note(const pte_t *entry)
{
	uint64_t index = ((uintptr_t)entry & (PAGE_SIZE - 1)) / sizeof(*entry);

	atomic_fetch_or_relaxed(&virt_to_page(entry)->index, 1ul << index / ENTRY_GROUP);
}

/* The entry for addr at a level, tables above it made if asked. NULL: none, or no memory. */
pte_t *user_entry(struct arch_mmu *mmu, uaddr_t addr, unsigned int level, bool make);

/* The kernel's own top table: its upper half is in every space, its lower half is empty. */
extern paddr_t kernel_root __const_after_init;

/*
 * The slot for a kernel address at the given level in the kernel's tables, tables above it made as
 * needed. NULL: no memory, or a larger page is in the way. The caller holds the table lock (or is
 * early).
 */
pte_t *kernel_slot(kaddr_t addr, unsigned int level, bool make);

/*
 * The page at the same address in the kernel's tables, read-only and executable, while other CPUs
 * start from it. -ENOMEM.
 */
__must_check int paging_map_start_page(paddr_t page);
void paging_unmap_start_page(paddr_t page);

/* While paging_init() runs: maps what is not mapped, by the largest pages that fit. */
void kernel_map_early(kaddr_t addr, paddr_t paddr, uint64_t size, uint32_t prot);

/* kasan_shadow.c, with KASAN=1: the shadow of image, RAM and vmalloc in the kernel's tables. */
void shadow_init(void);

/*
 * A kernel address whose top-level entry this space has not got yet: copies it; true if that
 * helped.
 */
bool kernel_half_sync(kaddr_t addr);
