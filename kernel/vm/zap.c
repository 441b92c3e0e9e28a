/*
 * Unmapping in batches: a leaf table's PTEs are cleared under its lock, their pages collected; a
 * full batch costs one flush, and then the pages are put.
 */
#include "vm/zap_impl.h"

#include "core/panic.h"
#include "lib/math.h"
#include "sched/thread.h"
#include "vm/space_impl.h"

void zap_begin(struct zap *zap, struct space *space)
{
	zap->space = space;
	zap->keeps_copies = false;
	zap->is_dying = false;
	zap->is_beside_readers = false;
	zap->nr_pages = 0;
	tlb_batch_init(&zap->tlb, &space->mmu);
}

void zap_end(struct zap *zap)
{
	if (zap->tlb.nr_pages && !zap->is_dying)
		tlb_batch_flush(&zap->tlb);
	for (uint32_t i = 0; i < zap->nr_pages; i++)
		page_put(zap->pages[i]);
	zap->nr_pages = 0;
}

/*
 * Clears PTEs from *addr to stop, which lie in one leaf table, until the batch is full. rss[0]
 * counts anonymous pages, rss[1] the object's.
 */
static void zap_leaf_locked(struct zap *zap, pte_t *slot, uaddr_t *addr, uaddr_t stop,
                            uint64_t rss[2])
{
	for (; *addr < stop && zap->nr_pages < ZAP_BATCH; *addr += PAGE_SIZE, slot++) {
		pte_t pte = pte_read(slot);
		struct page *page;

		if (!pte_has_page(pte))
			continue;
		page = pte_page(pte);
		if (zap->keeps_copies && page_is(page, PAGE_ANON))
			continue;
		if (pte_is_present(pte)) {
			pte_exchange(slot, 0);
			tlb_batch_add(&zap->tlb, *addr);
		} else {
			pte_write(slot, 0);
		}
		if (page == zero_page)
			continue;
		rss[!page_is(page, PAGE_ANON)]++;
		zap->pages[zap->nr_pages++] = page;
	}
}

void zap_area(struct zap *zap, struct area *area, uaddr_t start, uaddr_t end)
{
	struct space *space = zap->space;
	bool is_shmem = area->backing && area->backing->is_shmem;
	uint64_t rss[2] = { 0, 0 };
	pte_t *slot;

	while ((slot = mmu_leaf_next(&space->mmu, &start, end))) {
		uaddr_t stop = min(end, mmu_leaf_end(start));

		if (unlikely(mmu_leaf_is_shared(slot))) {
			uint32_t nr = mmu_leaf_note(slot);

			if (zap->is_beside_readers) {
				start = stop;
				continue;
			}
			if (mmu_leaf_drop(&space->mmu, start, !zap->is_dying)) {
				debug_assert(stop - start == LEAF_SIZE);
				rss[0] += nr;
				start = stop;
				continue;
			}
		}
		mmu_leaf_lock(slot);
		zap_leaf_locked(zap, slot, &start, stop, rss);
		mmu_leaf_unlock(slot);
		if (zap->nr_pages == ZAP_BATCH) {
			zap_end(zap);
			cond_resched();
		}
	}
	if ((rss[0] | rss[1]) && space_rss(space) > atomic_load_relaxed(&space->hiwater_rss))
		atomic_store_relaxed(&space->hiwater_rss, space_rss(space));
	if (rss[0])
		atomic_sub(&space->rss_anon, rss[0]);
	if (rss[1])
		atomic_sub(is_shmem ? &space->rss_shmem : &space->rss_file, rss[1]);
}
