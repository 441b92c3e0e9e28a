/*
 * The areas that map an object, and what the object does to them: take pages away, make them clean.
 * Page tables are reached from here without the space's lock: an area that is in the tree under
 * backing->lock still has its tables.
 */
#include "vm/backing.h"

#include "core/panic.h"
#include "lib/math.h"
#include "vm/space_impl.h"
#include "vm/zap_impl.h"

void backing_init(struct backing *backing, const struct backing_ops *ops)
{
	backing->ops = ops;
	mutex_init(&backing->lock, RANK_AREA_TREE);
	interval_tree_init(&backing->areas);
	backing->nr_writable_shared = 0;
	backing->is_shmem = false;
	backing->number = 0;
}

uint64_t backing_number(struct backing *backing)
{
	static uint64_t last __atomic;
	uint64_t number = atomic_load_relaxed(&backing->number);

	if (unlikely(!number)) {
		uint64_t fresh = atomic_inc_return(&last);

		/* Who comes second finds the first one's. */
		if (atomic_cmpxchg(&backing->number, &number, fresh))
			number = fresh;
	}
	return number;
}

void backing_fini(struct backing *backing)
{
	assert(interval_tree_is_empty(&backing->areas));
}

bool backing_is_mapped(const struct backing *backing)
{
	return !interval_tree_is_empty(&backing->areas);
}

void backing_writable_get(struct backing *backing)
{
	mutex_lock(&backing->lock);
	backing->nr_writable_shared++;
	mutex_unlock(&backing->lock);
}

void backing_writable_put(struct backing *backing)
{
	mutex_lock(&backing->lock);
	backing->nr_writable_shared--;
	mutex_unlock(&backing->lock);
}

/* The addresses at which the area maps first .. last. They overlap. */
static struct range area_range(const struct area *area, pgoff_t first, pgoff_t last)
{
	pgoff_t low = max(first, area->pgoff);
	pgoff_t high = min(last, area->pgoff + area_pages(area) - 1);

	return (struct range){
		.start = area->start + ((low - area->pgoff) << PAGE_SHIFT),
		.end = area->start + ((high + 1 - area->pgoff) << PAGE_SHIFT),
	};
}

void backing_unmap_range(struct backing *backing, pgoff_t first, pgoff_t last, bool even_cow)
{
	if (!backing_is_mapped(backing))
		return;
	mutex_lock(&backing->lock);
	for (struct interval *i = interval_first(&backing->areas, first, last); i;
	     i = interval_next(i, first, last)) {
		struct area *area = container_of(i, struct area, in_mapping);
		struct range range = area_range(area, first, last);
		struct zap zap;

		zap_begin(&zap, area->space);
		zap.keeps_copies = !even_cow;
		zap_area(&zap, area, range.start, range.end);
		zap_end(&zap);
	}
	mutex_unlock(&backing->lock);
}

/* ---- for write-back and reclaim ------------------------------------------------------------- */

/* Clears the permission to write in PTEs of one leaf table; true if any had it. */
static bool protect_leaf(struct zap *zap, pte_t *slot, uaddr_t start, uaddr_t stop)
{
	bool any = false;

	mmu_leaf_lock(slot);
	for (pte_t *at = slot; start < stop; start += PAGE_SIZE, at++) {
		pte_t pte = pte_read(at);

		if (!pte_is_present(pte) || !pte_is_writable(pte)
		    || page_is(pte_page(pte), PAGE_ANON))
			continue;
		pte_exchange(at, pte_without_write(pte));
		tlb_batch_add(&zap->tlb, start);
		any = true;
	}
	mmu_leaf_unlock(slot);
	return any;
}

static void protect_area(struct area *area, struct range range)
{
	struct zap zap;
	bool any = false;
	pte_t *slot;

	zap_begin(&zap, area->space);
	while ((slot = mmu_leaf_next(&area->space->mmu, &range.start, range.end))) {
		uaddr_t stop = min(range.end, mmu_leaf_end(range.start));

		any |= protect_leaf(&zap, slot, range.start, stop);
		range.start = stop;
	}
	if (any)
		zap_end(&zap);
}

void backing_write_protect(struct backing *backing, pgoff_t first, pgoff_t last)
{
	if (!backing_is_mapped(backing))
		return;
	mutex_lock(&backing->lock);
	for (struct interval *i = interval_first(&backing->areas, first, last); i;
	     i = interval_next(i, first, last)) {
		struct area *area = container_of(i, struct area, in_mapping);

		if (area->flags & VM_SHARED)
			protect_area(area, area_range(area, first, last));
	}
	mutex_unlock(&backing->lock);
}

/* Whether the one page of the range was used through this area. */
static bool area_used(struct area *area, struct range range)
{
	pte_t *slot = mmu_leaf_next(&area->space->mmu, &range.start, range.end);

	return slot && pte_is_present(pte_read(slot)) && pte_is_accessed(pte_read(slot));
}

bool backing_try_unmap(struct backing *backing, pgoff_t index, bool *was_used)
{
	*was_used = false;
	if (!mutex_trylock(&backing->lock))
		return false;
	for (struct interval *i = interval_first(&backing->areas, index, index); i;
	     i = interval_next(i, index, index)) {
		struct area *area = container_of(i, struct area, in_mapping);
		struct range range = area_range(area, index, index);
		struct zap zap;

		*was_used |= area_used(area, range);
		zap_begin(&zap, area->space);
		zap.keeps_copies = true;
		zap_area(&zap, area, range.start, range.end);
		zap_end(&zap);
	}
	mutex_unlock(&backing->lock);
	return true;
}
