/*
 * Making memory resident, and asking whether it is: MAP_POPULATE, mlock, MADV_POPULATE_*, mincore,
 * and counts for /proc.
 */
#include <linux/errno.h>

#include "lib/math.h"
#include "lib/string.h"
#include "sched/thread.h"
#include "vm/fault.h"
#include "vm/space_impl.h"

int space_populate(struct space *space, uaddr_t start, uaddr_t end, bool write)
{
	unsigned access = write ? FAULT_WRITE : 0;
	struct fault_result result;

	for (uaddr_t addr = start; addr < end; addr += PAGE_SIZE) {
		int err = space_fault(space, addr, access, &result);

		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

/* Whether the object has the page in memory. */
static bool is_cached(const struct area *area, uaddr_t addr)
{
	struct page *page = NULL;

	if (!area->backing || !area->backing->ops->lookup)
		return false;
	area->backing->ops->lookup(area->backing, area_pgoff(area, addr), 1, &page);
	if (page)
		page_put(page);
	return page;
}

int space_resident(struct space *space, uaddr_t addr, size_t nr, uint8_t *vec)
{
	int err = rwlock_read_lock_killable(&space->lock);

	if (err)
		return err;
	for (size_t i = 0; i < nr; i++, addr += PAGE_SIZE) {
		struct area *area = space_find_area_locked(space, addr);
		pte_t *slot;

		if (!area) {
			err = -ENOMEM;
			break;
		}
		slot = mmu_leaf_find(&space->mmu, addr);
		vec[i] = (slot && pte_has_page(pte_read(slot))) || is_cached(area, addr);
	}
	rwlock_read_unlock(&space->lock);
	return err;
}

void area_count_resident_locked(struct space *space, struct area_info *info)
{
	uaddr_t start = info->start;
	pte_t *slot;

	while ((slot = mmu_leaf_next(&space->mmu, &start, info->end))) {
		uaddr_t stop = min(info->end, mmu_leaf_end(start));

		for (; start < stop; start += PAGE_SIZE, slot++) {
			pte_t pte = pte_read(slot);

			if (!pte_has_page(pte) || pte_page(pte) == zero_page)
				continue;
			info->nr_resident++;
			info->nr_anon += page_is(pte_page(pte), PAGE_ANON);
		}
	}
}
