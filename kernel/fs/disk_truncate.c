/*
 * Pages that leave a disk's mapping: truncation, holes, invalidation, the end of the file. See
 * disk_mapping.h.
 *
 * A page leaves under its lock and after its write-back, so that no bio is on its way to or from
 * blocks that are about to be freed. `removals` is counted first: whoever locks a page of the range
 * from then on does not trust what map() said before.
 */
#include <linux/errno.h>

#include "core/panic.h"
#include "fs/disk_impl.h"
#include "fs/writeback.h"
#include "lib/string.h"
#include "sched/page_lock.h"
#include "sched/sched.h"
#include "sched/thread.h"
#include "vm/backing.h"

/* Up to a batch of pages of first .. last, each with a reference. */
static size_t pages_gather(struct mapping *mapping, pgoff_t first, pgoff_t last,
                           struct page **pages)
{
	void *entries[DISK_BATCH];
	size_t nr;

	spin_lock(&mapping->lock);
	nr = radix_gather(&mapping->pages, first, last, entries, DISK_BATCH);
	for (size_t i = 0; i < nr; i++) {
		pages[i] = entries[i];
		page_get(pages[i]);
	}
	spin_unlock(&mapping->lock);
	return nr;
}

/* Calls fn for each page of first .. last, locked and not under write-back; the first error. */
static int pages_visit(struct mapping *mapping, pgoff_t first, pgoff_t last,
                       int (*fn)(struct mapping *mapping, struct page *page))
{
	struct page *pages[DISK_BATCH];
	int err = 0;
	size_t nr;

	do {
		nr = pages_gather(mapping, first, last, pages);
		for (size_t i = 0; i < nr; i++) {
			int page_err = 0;

			page_lock(pages[i]);
			page_wait(pages[i], PAGE_WRITEBACK);
			first = page_is_of(pages[i], mapping) ? pages[i]->index + 1 : first;
			if (page_is_of(pages[i], mapping))
				page_err = fn(mapping, pages[i]);
			page_unlock(pages[i]);
			page_put(pages[i]);
			err = err ? err : page_err;
		}
		cond_resched();
	} while (nr == DISK_BATCH && first <= last);
	return err;
}

static int page_drop(struct mapping *mapping, struct page *page)
{
	disk_index_remove(mapping, page);
	return 0;
}

static void pages_drop(struct mapping *mapping, pgoff_t first, pgoff_t last, bool even_cow)
{
	/* Pairs with the acquire in cursor_has(). */
	atomic_add_return(&disk_of(mapping)->removals, 1);
	pages_visit(mapping, first, last, page_drop);
	if (backing_is_mapped(&mapping->backing))
		backing_unmap_range(&mapping->backing, first, last, even_cow);
}

/*
 * Zeroes bytes from .. to - 1 of one page, in the cache and, if they have a place, on the disk.
 * What of the page is on its way to blocks behind the new end has arrived afterwards.
 */
static int zero_part(struct mapping *mapping, uint64_t from, uint64_t to)
{
	struct disk_mapping *disk = disk_of(mapping);
	struct extent_cursor cursor = { .block = 0 };
	struct disk_extent extent = { .state = EXTENT_MAPPED };
	struct page *page;
	int err = disk_page_get(mapping, from >> PAGE_SHIFT, &page);

	if (err)
		return err;
	page_lock(page);
	if (blocks_per_page(disk) > 1)
		page_wait(page, PAGE_WRITEBACK);
	else if (!page_is(page, PAGE_ALLOCATED))
		err = extent_find(disk, &cursor, from >> disk->block_shift, 1, &extent);
	memset((char *)page_to_virt(page) + (from & (PAGE_SIZE - 1)), 0, to - from);
	page_unlock(page);
	if (!err && extent.state == EXTENT_MAPPED)
		disk_page_dirty(mapping, page);
	page_put(page);
	return err;
}

int disk_mapping_truncate(struct mapping *mapping, pos_t size)
{
	uint64_t end = ((uint64_t)size + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
	int err = 0;

	if (end != (uint64_t)size)
		err = zero_part(mapping, (uint64_t)size, end);
	pages_drop(mapping, end >> PAGE_SHIFT, UINT64_MAX >> PAGE_SHIFT, true);
	return err;
}

int disk_mapping_punch(struct mapping *mapping, pos_t from, pos_t to)
{
	uint64_t first = ((uint64_t)from + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
	uint64_t end = (uint64_t)to & ~(uint64_t)(PAGE_SIZE - 1);
	int err = 0;

	if (first > end)
		return zero_part(mapping, (uint64_t)from, (uint64_t)to);
	if (first > (uint64_t)from)
		err = zero_part(mapping, (uint64_t)from, first);
	if (!err && end < (uint64_t)to)
		err = zero_part(mapping, end, (uint64_t)to);
	if (!err && end > first)
		pages_drop(mapping, first >> PAGE_SHIFT, (end >> PAGE_SHIFT) - 1, false);
	return err;
}

/* ---- invalidation --------------------------------------------------------------------------- */

static int page_drop_clean(struct mapping *mapping, struct page *page)
{
	if (page_is(page, PAGE_DIRTY | PAGE_PRIVATE))
		return -EBUSY;
	disk_index_remove(mapping, page);
	return 0;
}

int disk_mapping_invalidate(struct mapping *mapping, pos_t from, pos_t to)
{
	pgoff_t first = (uint64_t)from >> PAGE_SHIFT, last = (uint64_t)to >> PAGE_SHIFT;
	int err;

	if (!READ_ONCE(mapping->nr_pages))
		return 0;
	/* So that stores through mappings until now are seen as dirty pages. */
	err = pages_visit(mapping, first, last, page_drop_clean);
	if (backing_is_mapped(&mapping->backing))
		backing_unmap_range(&mapping->backing, first, last, false);
	return err;
}

void disk_mapping_drop(struct mapping *mapping)
{
	if (READ_ONCE(mapping->nr_pages))
		pages_drop(mapping, 0, UINT64_MAX >> PAGE_SHIFT, true);
	assert(!mapping->nr_pages);
}
