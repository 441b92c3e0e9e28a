/*
 * Clean pages of disks go back when memory is short: a clock hand over the array of all pages. See
 * disk_mapping.h for the states, vm/reclaim.h for who asks.
 *
 * A page that was used since the hand came by (REFERENCED, or through a mapping) is passed once
 * more; mapped pages are unmapped first, and their next use is a short fault that finds them. What
 * is dirty or being written is passed, and when there was nothing else, its writers are woken and
 * waited for, for a moment. Nothing is written from here, and no lock is waited for that the caller
 * may hold: page locks and backing->lock are only tried.
 *
 * Locking: the hand is guarded by reclaim's own mutex, under which shrinkers run.
 */
#include "fs/disk_impl.h"
#include "fs/writeback.h"
#include "mem/buddy.h"
#include "sched/clock.h"
#include "sched/page_lock.h"
#include "sched/thread.h"
#include "sched/wait.h"
#include "vm/backing.h"
#include "vm/reclaim.h"

enum {
	ROUNDS = 2,           /* the second finds what the first passed over */
	RESCHED_FRAMES = 1024,
	WAIT_NS = 20 * 1000 * 1000,
	PASSED_BY = PAGE_LOCKED | PAGE_DIRTY | PAGE_WRITEBACK | PAGE_UNEVICTABLE | PAGE_PRIVATE |
	            PAGE_TAIL | PAGE_SLAB | PAGE_FREE | PAGE_ANON,
};

static uint64_t hand;

/* Takes the page out if nobody but the index and we refer to it. Locked. */
static bool page_take_out(struct mapping *mapping, struct page *page)
{
	bool taken;

	spin_lock(&mapping->lock);
	taken = !page_is(page, PAGE_DIRTY | PAGE_WRITEBACK | PAGE_PRIVATE) && page_freeze(page, 2);
	if (taken) {
		radix_remove(&mapping->pages, page->index);
		page->owner = NULL;
		page_clear(page, ~(uint32_t)PAGE_ORDER_MASK);
		mapping->nr_pages--;
	}
	spin_unlock(&mapping->lock);
	return taken;
}

/* Locked and referred to by us. True if it is gone, and our reference with it. */
static bool page_evict_locked(struct page *page)
{
	struct mapping *mapping = to_mapping(page->owner);
	const struct disk_mapping *disk = disk_of(mapping);
	bool was_used;

	if (page_refs(page) > 2 && backing_is_mapped(&mapping->backing)) {
		if (!backing_try_unmap(&mapping->backing, page->index, &was_used) || was_used)
			return false;
	}
	if (!page_take_out(mapping, page))
		return false;
	disk_pages_count(disk, -1);
	page_free(page);
	return true;
}

static bool page_try_evict(struct page *page)
{
	uint32_t flags = page_flags(page);

	if (!(flags & PAGE_CACHED) || flags & PASSED_BY)
		return false;
	if (flags & PAGE_REFERENCED) {
		page_clear(page, PAGE_REFERENCED);
		return false;
	}
	if (!page_try_get(page))
		return false;
	/* Whoever locked it keeps it, and its mapping, where they are. */
	if (page_trylock(page)) {
		flags = page_flags(page);
		if (flags & PAGE_CACHED && !(flags & (PASSED_BY & ~PAGE_LOCKED)) && page->owner &&
		    page_evict_locked(page))
			return true;
		page_unlock(page);
	}
	page_put(page);
	return false;
}

/* Nothing is clean: somebody shall write, and we wait a little. Pages that have become clean. */
static size_t wait_for_writers(void)
{
	size_t before = dirty_pages() + writeback_pages(), after;

	if (!before)
		return 0;
	writeback_kick_all();
	sleep_until_uninterruptible(clock_monotonic() + WAIT_NS);
	after = dirty_pages() + writeback_pages();
	return before > after ? before - after : 0;
}

static size_t disk_shrink(struct shrinker *shrinker, size_t nr_pages)
{
	uint64_t left = ROUNDS * page_array_end;
	size_t freed = 0;

	if (!disk_file_pages() && !disk_device_pages())
		return 0;
	while (left-- && freed < nr_pages) {
		struct page *page = page_by_frame(hand);

		hand = hand + 1 < page_array_end ? hand + 1 : 0;
		freed += page && page_try_evict(page);
		if (left % RESCHED_FRAMES == 0)
			cond_resched();
	}
	return freed || nr_pages > SIZE_MAX / 4 ? freed : wait_for_writers();
}

static size_t disk_count(struct shrinker *shrinker)
{
	size_t all = disk_file_pages() + disk_device_pages();
	size_t busy = dirty_pages() + writeback_pages();

	return all > busy ? all - busy : 0;
}

static struct shrinker disk_shrinker = {
	.name = "disk pages",
	.shrink = disk_shrink,
	.count = disk_count,
};

void disk_reclaim_init(void)
{
	shrinker_register(&disk_shrinker);
}
