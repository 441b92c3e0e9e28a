/*
 * Anonymous memory: zeroes on demand, and private copies of what is shared.
 *
 * A read of an untouched page maps the page of zeroes. Stores that come in order, page after page,
 * are answered with growing batches. A page whose only reference is this mapping is not copied.
 */
#include <linux/errno.h>

#include "lib/math.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "vm/fault_impl.h"

#define BATCH_MAX 16
/* Faults in sequence before batches begin. */
#define STREAK_MIN 4

struct page *zero_page __ro_after_init;

static int anon_map_zero(struct fault *fault)
{
	mmu_leaf_lock(fault->slot);
	if (pte_is_none(pte_read(fault->slot)))
		pte_write(fault->slot, area_pte(fault->area, zero_page, false));
	mmu_leaf_unlock(fault->slot);
	return FAULT_DONE;
}

/* How many pages to make at once; notes where the next fault of the sequence would come. */
static unsigned batch_size(struct fault *fault)
{
	struct area *area = fault->area;
	uaddr_t stop = min(area->end, mmu_leaf_end(fault->addr));
	unsigned nr = 1, room = (unsigned)((stop - fault->addr) >> PAGE_SHIFT);

	if (fault->addr != area->next_fault)
		area->streak = 0;
	else if (area->streak < STREAK_MIN + 4)
		area->streak++;
	if (area->streak > STREAK_MIN)
		nr = min(1u << (area->streak - STREAK_MIN), (unsigned)BATCH_MAX);
	nr = min(nr, room);
	area->next_fault = fault->addr + nr * PAGE_SIZE;
	return nr;
}

/* Zeroed pages, at least one if there is any memory, up to nr without effort. */
static unsigned anon_alloc(struct page **pages, unsigned nr)
{
	unsigned got = 0;

	if (nr > 1)
		got = pages_alloc_bulk(pages, nr, ALLOC_IS_USER | ALLOC_ZERO | ALLOC_NOWARN);
	if (got)
		return got;
	pages[0] = page_alloc(ALLOC_USER | ALLOC_ZERO);
	return pages[0] ? 1 : 0;
}

int fault_anon(struct fault *fault)
{
	struct area *area = fault->area;
	struct page *pages[BATCH_MAX];
	pte_t *slot = fault->slot;
	unsigned nr, used = 0;

	if (!fault_is_write(fault))
		return anon_map_zero(fault);
	nr = anon_alloc(pages, batch_size(fault));
	if (!nr)
		return -ENOMEM;
	mmu_leaf_lock(slot);
	while (used < nr && pte_is_none(pte_read(slot))) {
		struct page *page = pages[used++];

		page_set(page, PAGE_ANON | PAGE_UPTODATE);
		pte_write(slot++, area_pte(area, page, area->flags & VM_WRITE));
	}
	mmu_leaf_unlock(fault->slot);
	if (used)
		atomic_add(&fault->space->rss_anon, used);
	if (!area->has_anon)
		atomic_store_relaxed(&area->has_anon, true);
	while (used < nr)
		page_put(pages[used++]);
	return FAULT_DONE;
}

/* A page with what page holds, marked anonymous; NULL: no memory. */
static struct page *page_duplicate(struct page *page)
{
	bool is_zero = page == zero_page;
	struct page *copy = page_alloc(is_zero ? ALLOC_USER | ALLOC_ZERO : ALLOC_USER);

	if (!copy)
		return NULL;
	if (!is_zero)
		memcpy(page_to_virt(copy), page_to_virt(page), PAGE_SIZE);
	page_set(copy, PAGE_ANON | PAGE_UPTODATE);
	return copy;
}

static void copy_account(struct fault *fault, const struct page *old, bool was_mapped)
{
	struct space *space = fault->space;

	if (!was_mapped || old == zero_page) {
		atomic_add(&space->rss_anon, 1);
	} else if (!page_is(old, PAGE_ANON)) {
		atomic_sub(space_rss_counter(space, fault->area, old), 1);
		atomic_add(&space->rss_anon, 1);
	}
	if (!fault->area->has_anon)
		atomic_store_relaxed(&fault->area->has_anon, true);
}

/* Equal but for what the processor sets. */
static bool pte_is_same(pte_t a, pte_t b)
{
	return !((a ^ b) & ~(PTE_ACCESSED | PTE_DIRTY));
}

int fault_install_copy(struct fault *fault, struct page *page, pte_t pte)
{
	bool was_mapped = pte_has_page(pte), is_installed;
	struct page *copy = page_duplicate(page);

	if (!copy) {
		if (page != zero_page)
			page_put(page);
		return -ENOMEM;
	}
	mmu_leaf_lock(fault->slot);
	is_installed = pte_is_same(pte_read(fault->slot), pte);
	if (is_installed)
		pte_exchange(fault->slot,
		             area_pte(fault->area, copy, fault->area->flags & VM_WRITE));
	mmu_leaf_unlock(fault->slot);
	if (!is_installed) {
		page_put(copy);
	} else {
		copy_account(fault, page, was_mapped);
		if (was_mapped)
			mmu_flush_page(&fault->space->mmu, fault->addr);
		if (was_mapped && page != zero_page)
			page_put(page);
	}
	if (page != zero_page)
		page_put(page);
	return is_installed ? FAULT_DONE : FAULT_RETRY;
}

int fault_copy(struct fault *fault)
{
	struct page *page;
	pte_t pte;

	mmu_leaf_lock(fault->slot);
	pte = pte_read(fault->slot);
	if (!pte_has_page(pte) || pte_is_writable(pte)) {
		mmu_leaf_unlock(fault->slot);
		return FAULT_RETRY;
	}
	page = pte_page(pte);
	if (page_is(page, PAGE_ANON) && page_refs(page) == 1) {
		if (fault->area->flags & VM_WRITE)
			pte_exchange(fault->slot, pte_with_dirty(pte_with_write(pte)));
		mmu_leaf_unlock(fault->slot);
		return FAULT_DONE;
	}
	if (page != zero_page)
		page_get(page);
	mmu_leaf_unlock(fault->slot);
	return fault_install_copy(fault, page, pte);
}
