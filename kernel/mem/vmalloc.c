/*
 * Ranges of the vmalloc area, in a tree by address. A new one takes the lowest gap that is large
 * enough, so that the page tables of the area, which are never freed, stay few.
 *
 * Each range is its pages and one unmapped page behind them. Page tables change outside
 * ranges.lock: a range that is being filled or emptied is in the tree, so nobody else gets its
 * addresses.
 */
#include "mem/vmalloc.h"

#include <arch/mmu.h>

#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/math.h"
#include "lib/rbtree.h"
#include "lib/string.h"
#include "mem/alloc_fail.h"
#include "mem/buddy.h"
#include "mem/kasan.h"
#include "mem/slab.h"
#include "mem/vmalloc_impl.h"

struct range {
	struct rb_node node __guarded_by(ranges.lock);
	kaddr_t        start __const_after_init;
	kaddr_t        end __const_after_init; /* with the guard page */
};

static struct {
	struct spinlock lock;
	struct rbtree   tree __guarded_by(lock);
} ranges = { .lock = SPINLOCK(RANK_VMALLOC) };

static struct cache range_cache = CACHE("vmalloc_range", struct range);

static struct range *range_of(struct rb_node *node)
{
	return rb_entry_or_null(node, struct range, node);
}

/* The first range that ends after the address. */
static struct range *range_find_locked(kaddr_t address)
{
	struct rb_node *node = ranges.tree.root, *best = NULL;

	while (node) {
		if (range_of(node)->end > address) {
			best = node;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return range_of(best);
}

/* Where size bytes are free; 0: nowhere. */
static kaddr_t gap_find_locked(size_t size)
{
	kaddr_t from = VMALLOC_RANGES_BASE;

	for (struct range *next = range_of(rbtree_first(&ranges.tree)); next;
	     next = range_of(rb_next(&next->node))) {
		if (next->start >= from + size)
			return from;
		from = next->end;
	}
	return VMALLOC_RANGES_END - from >= size ? from : 0;
}

static bool range_less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, const struct range, node)->start <
	       rb_entry(b, const struct range, node)->start;
}

static struct range *range_create(size_t size, unsigned int flags)
{
	struct range *range = cache_alloc(&range_cache, flags & ~ALLOC_ZERO);

	if (!range)
		return NULL;
	spin_lock(&ranges.lock);
	range->start = gap_find_locked(size);
	range->end = range->start + size;
	if (range->start)
		rbtree_insert(&ranges.tree, &range->node, range_less);
	spin_unlock(&ranges.lock);
	if (range->start)
		return range;
	cache_free(&range_cache, range);
	return NULL;
}

static void range_destroy(struct range *range)
{
	spin_lock(&ranges.lock);
	rbtree_remove(&ranges.tree, &range->node);
	spin_unlock(&ranges.lock);
	cache_free(&range_cache, range);
}

int vmalloc_map(kaddr_t start, size_t nr_pages, unsigned int flags)
{
	if (kasan_prepare(start, nr_pages * PAGE_SIZE, flags) < 0)
		return -1;
	for (size_t i = 0; i < nr_pages; i++) {
		struct page *page = page_alloc(flags);
		int err = -1;

		if (page)
			err = kmap_pages(start + i * PAGE_SIZE, page_to_phys(page), 1,
					 PROT_PTE_WRITE | PROT_PTE_GLOBAL | PROT_PTE_DIRTY);
		if (err == 0)
			continue;
		if (page)
			page_put(page);
		vmalloc_unmap(start, i);
		return -1;
	}
	return 0;
}

static struct page *page_at(const void *address)
{
	paddr_t phys;
	bool mapped = kmap_lookup((kaddr_t)address & PAGE_MASK, &phys);

	assert(mapped);
	return phys_to_page(phys);
}

void vmalloc_unmap(kaddr_t start, size_t nr_pages)
{
	struct page *pages[32];

	while (nr_pages) {
		size_t n = min(nr_pages, array_size(pages));

		for (size_t i = 0; i < n; i++)
			pages[i] = page_at((void *)(start + i * PAGE_SIZE));
		kunmap_pages(start, n);
		for (size_t i = 0; i < n; i++)
			page_put(pages[i]);
		start += n * PAGE_SIZE;
		nr_pages -= n;
	}
}

static size_t range_pages(const struct range *range)
{
	return ((range->end - range->start) >> PAGE_SHIFT) - 1;
}

void *vmalloc(size_t size, unsigned int flags)
{
	if (!size || size > VMALLOC_RANGES_END - VMALLOC_RANGES_BASE || alloc_fail_now(flags))
		return NULL;
	struct range *range = range_create(align_up(size, PAGE_SIZE) + PAGE_SIZE, flags);

	if (!range)
		return NULL;
	if (vmalloc_map(range->start, range_pages(range), flags) < 0) {
		range_destroy(range);
		return NULL;
	}
	page_use_add(PAGE_USE_VMALLOC, (int64_t)range_pages(range));
	return (void *)range->start;
}

void vfree(const void *address)
{
	if (!address)
		return;
	spin_lock(&ranges.lock);
	struct range *range = range_find_locked((kaddr_t)address);

	spin_unlock(&ranges.lock);
	assert(range && range->start == (kaddr_t)address);
	page_use_add(PAGE_USE_VMALLOC, -(int64_t)range_pages(range));
	vmalloc_unmap(range->start, range_pages(range));
	range_destroy(range);
}

bool is_vmalloc_address(const void *address)
{
	return (kaddr_t)address - vmalloc_base < VMALLOC_SIZE;
}

bool vmalloc_is_guard(uintptr_t address)
{
	paddr_t phys;

	return is_vmalloc_address((void *)address) && !kmap_lookup(address & PAGE_MASK, &phys);
}
