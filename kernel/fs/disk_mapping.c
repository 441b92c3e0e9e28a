/*
 * The index of a disk's mapping: pages in and out, dirty marks, and what address spaces ask. See
 * disk_mapping.h.
 *
 * A page is filled after it entered, under its lock, so everybody who finds one looks for UPTODATE.
 */
#include "fs/disk_mapping.h"

#include <linux/errno.h>

#include "core/gauge.h"
#include "core/panic.h"
#include "fs/disk_impl.h"
#include "fs/file.h"
#include "fs/inode_cache.h"
#include "fs/pagecache_impl.h"
#include "mem/buddy.h"
#include "sched/page_lock.h"
#include "sched/rcu.h"
#include "vm/fault.h"

static struct {
	int64_t files __atomic, devices __atomic; /* pages */
	int64_t dirty __atomic;
} counts;

void disk_pages_count(const struct disk_mapping *disk, int64_t pages)
{
	atomic_add(disk->is_device ? &counts.devices : &counts.files, pages);
}

static size_t count_of(const int64_t *count)
{
	return (size_t)max(atomic_load_relaxed(count), (int64_t)0);
}

size_t disk_file_pages(void)
{
	return count_of(&counts.files);
}

size_t disk_device_pages(void)
{
	return count_of(&counts.devices);
}

size_t dirty_pages(void)
{
	return count_of(&counts.dirty);
}

void dirty_pages_add(int64_t pages)
{
	atomic_add(&counts.dirty, pages);
}

static int64_t disk_pages_gauge(void)
{
	return (int64_t)(disk_file_pages() + disk_device_pages());
}
GAUGE("disk_pages", disk_pages_gauge);

/* ---- in and out ----------------------------------------------------------------------------- */

static int insert_locked(struct mapping *mapping, pgoff_t index, struct page *page)
{
	int err;

	page->owner = &mapping->backing;
	page->index = index;
	page_set(page, PAGE_CACHED | PAGE_LOCKED);
	err = radix_insert(&mapping->pages, index, page);
	if (!err) {
		page_get(page);
		mapping->nr_pages++;
		return 0;
	}
	page->owner = NULL;
	page_clear(page, PAGE_CACHED | PAGE_LOCKED);
	return err;
}

size_t disk_index_insert(struct mapping *mapping, pgoff_t first, struct page **pages, size_t nr,
                         int *err)
{
	size_t done = 0;

	do {
		*err = 0;
		spin_lock(&mapping->lock);
		while (done < nr && !*err) {
			*err = insert_locked(mapping, first + done, pages[done]);
			done += !*err;
		}
		spin_unlock(&mapping->lock);
		if (*err == -ENOMEM && index_refill())
			break;
	} while (*err == -ENOMEM);
	disk_pages_count(disk_of(mapping), (int64_t)done);
	return done;
}

/* Clears the dirty mark; true if it was set. mapping->lock held. */
static bool clean_locked(struct mapping *mapping, struct page *page)
{
	if (!page_test_and_clear(page, PAGE_DIRTY))
		return false;
	radix_tag_clear(&mapping->pages, page->index, RADIX_DIRTY);
	return true;
}

void disk_index_remove(struct mapping *mapping, struct page *page)
{
	bool was_dirty;

	spin_lock(&mapping->lock);
	was_dirty = clean_locked(mapping, page);
	radix_remove(&mapping->pages, page->index);
	page->owner = NULL;
	page_clear(page, PAGE_CACHED | PAGE_ALLOCATED | PAGE_AHEAD | PAGE_REFERENCED | PAGE_ERROR);
	mapping->nr_pages--;
	spin_unlock(&mapping->lock);
	if (was_dirty)
		dirty_pages_add(-1);
	disk_pages_count(disk_of(mapping), -1);
	page_put(page);
}

int disk_page_grab(struct mapping *mapping, pgoff_t index, struct page **out)
{
	for (;;) {
		struct page *page = mapping_find(mapping, index);
		int err = 0;

		if (page) {
			page_lock(page);
			*out = page;
			if (page_is_of(page, mapping))
				return 0;
			page_unlock(page);
		} else {
			page = page_alloc(ALLOC_FILE);
			if (!page)
				return -ENOMEM;
			*out = page;
			if (disk_index_insert(mapping, index, &page, 1, &err))
				return 0;
		}
		page_put(page);
		if (err == -ENOMEM)
			return err;
	}
}

/* ---- dirty ---------------------------------------------------------------------------------- */

void disk_pages_dirty(struct mapping *mapping, struct page **pages, size_t nr)
{
	int64_t nr_new = 0;

	spin_lock(&mapping->lock);
	for (size_t i = 0; i < nr; i++) {
		struct page *page = pages[i];

		if (page->owner != &mapping->backing || page_test_and_set(page, PAGE_DIRTY))
			continue;
		radix_tag_set(&mapping->pages, page->index, RADIX_DIRTY);
		nr_new++;
	}
	spin_unlock(&mapping->lock);
	if (!nr_new)
		return;
	dirty_pages_add(nr_new);
	disk_inode_dirty(mapping->host, DISK_INODE_DIRTY_PAGES);
}

void disk_page_dirty(struct mapping *mapping, struct page *page)
{
	/* The bytes before the look: write-back clears the flag before it reads them. */
	smp_mb();
	if (!page_is(page, PAGE_DIRTY))
		disk_pages_dirty(mapping, &page, 1);
}

void disk_page_clean(struct mapping *mapping, struct page *page)
{
	bool was_dirty;

	spin_lock(&mapping->lock);
	was_dirty = clean_locked(mapping, page);
	spin_unlock(&mapping->lock);
	if (was_dirty)
		dirty_pages_add(-1);
}

/* ---- what address spaces ask ---------------------------------------------------------------- */

/*
 * Places for the page's blocks up to the file's size, so that a store to it can be written later.
 * The page is UPTODATE. EFAULT: it was truncated away.
 */
static int page_allocate(struct mapping *mapping, struct page *page)
{
	struct disk_mapping *disk = disk_of(mapping);
	uint32_t per_page = blocks_per_page(disk);
	uint64_t first = page->index * per_page, done, size;
	int err = -EFAULT;

	page_lock(page);
	size = disk_size_blocks(disk);
	if (page_is_of(page, mapping) && first < size) {
		err = 0;
		if (!page_is(page, PAGE_ALLOCATED))
			err = disk_allocate(disk, first, min(size - first, (uint64_t)per_page),
			                    &done);
		/* As in part_allocate(): places that are new are written before they are told. */
		if (!err && !page_is(page, PAGE_ALLOCATED))
			disk_page_dirty(mapping, page);
		if (!err)
			page_set(page, PAGE_ALLOCATED);
	}
	page_unlock(page);
	return err;
}

static int disk_fault(struct backing *backing, pgoff_t index, unsigned access, struct page **out)
{
	enum { AROUND = 16 };
	struct mapping *mapping = to_mapping(backing);
	pgoff_t first = index & ~(pgoff_t)(AROUND - 1);
	int err;

	if (index >= mapping_size_pages(mapping))
		return -EFAULT;
	*out = disk_page_borrow(mapping, index);
	if (!*out) {
		disk_mapping_read_ahead(mapping, first, 2 * AROUND);
		err = disk_page_get(mapping, index, out);
		if (err)
			return err == -ENOMEM || err == -EINTR ? err : -EIO;
	}
	if (!(access & FAULT_WRITE))
		return 0;
	writeback_balance(mapping);
	err = page_allocate(mapping, *out);
	if (!err)
		return 0;
	page_put(*out);
	return err == -EFAULT || err == -ENOMEM ? err : -EIO;
}

struct page *disk_page_borrow(struct mapping *mapping, pgoff_t index)
{
	struct page *page = mapping_find(mapping, index);

	if (!page)
		return NULL;
	if (!(atomic_load_acquire(&page->flags) & PAGE_UPTODATE)) {
		page_put(page);
		return NULL;
	}
	if (!page_is(page, PAGE_REFERENCED))
		page_set(page, PAGE_REFERENCED);
	return page;
}

static unsigned disk_lookup(struct backing *backing, pgoff_t first, unsigned nr,
                            struct page **pages)
{
	struct mapping *mapping = to_mapping(backing);
	pgoff_t end = mapping_size_pages(mapping);
	unsigned found = 0;

	for (unsigned i = 0; i < nr; i++) {
		pages[i] = first + i < end ? disk_page_borrow(mapping, first + i) : NULL;
		found += pages[i] != NULL;
	}
	return found;
}

static int disk_dirty(struct backing *backing, struct page *page)
{
	if (!page_is(page, PAGE_ALLOCATED))
		return -EAGAIN;
	disk_page_dirty(to_mapping(backing), page);
	return 0;
}

static void disk_area_get(struct backing *backing, struct file *file, unsigned vm_flags)
{
	file_get(file);
}

static void disk_area_put(struct backing *backing, struct file *file, unsigned vm_flags)
{
	file_put(file);
}

static int disk_sync(struct backing *backing, struct file *file, pgoff_t first, pgoff_t last)
{
	return file_sync(file, (pos_t)(first << PAGE_SHIFT), (pos_t)((last + 1) << PAGE_SHIFT) - 1,
	                 false);
}

static void disk_will_need(struct backing *backing, struct file *file, pgoff_t first, size_t nr)
{
	disk_mapping_read_ahead(to_mapping(backing), first, nr);
}

static const struct backing_ops disk_backing_ops = {
	.fault = disk_fault,
	.lookup = disk_lookup,
	.dirty = disk_dirty,
	.area_get = disk_area_get,
	.area_put = disk_area_put,
	.sync = disk_sync,
	.will_need = disk_will_need,
};

static const struct mapping_ops disk_memory_ops = { .charge = NULL };

void disk_mapping_init(struct disk_mapping *disk, struct inode *host,
                       const struct disk_mapping_ops *ops, struct block_device *device,
                       uint32_t block_shift)
{
	debug_assert(block_shift >= SECTOR_SHIFT && block_shift <= PAGE_SHIFT);
	mapping_init(&disk->mapping, host, &disk_memory_ops);
	disk->mapping.backing.ops = &disk_backing_ops;
	disk->ops = ops;
	disk->device = device;
	disk->block_shift = block_shift;
	disk->is_device = S_ISBLK(host->mode);
	disk->removals = 0;
	disk->allocations = 0;
	disk->errors = 0;
}

void disk_mapping_fini(struct disk_mapping *disk)
{
	mapping_fini(&disk->mapping);
}
