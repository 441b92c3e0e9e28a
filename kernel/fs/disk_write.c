/*
 * write(2) to files of disks. See disk_mapping.h.
 *
 * Whole pages that are not cached are filled first, entered locked, given places, and only then
 * become valid: nothing is read, and nobody sees a block whose content is not ours. Everything else
 * goes through a valid page: it is read if need be, its blocks get places under the page lock, and
 * the bytes are copied without it.
 *
 * The inode's lock is held over all of it, so that pages and size do not shrink under way.
 */
#include <linux/errno.h>
#include <linux/mount.h>

#include "fs/attr.h"
#include "fs/disk_impl.h"
#include "fs/file.h"
#include "fs/pagecache_impl.h"
#include "fs/writeback.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "sched/page_lock.h"
#include "vm/backing.h"

/* ---- through a valid page ------------------------------------------------------------------- */

/* Places for the blocks of bytes from .. to - 1 of the page; size: the file's after the write. */
static int part_allocate(struct mapping *mapping, struct page *page, uint64_t from, uint64_t to)
{
	struct disk_mapping *disk = disk_of(mapping);
	const uint32_t shift = disk->block_shift;
	const uint64_t start = page->index << PAGE_SHIFT, old_size = (uint64_t)mapping->host->size;
	uint64_t first = from >> shift, end = ((to - 1) >> shift) + 1, done, size;
	int err;

	if (page_is(page, PAGE_ALLOCATED) && (to <= old_size || shift == PAGE_SHIFT))
		return 0;
	page_lock(page);
	err = disk_allocate(disk, first, end - first, &done);
	if (!err) {
		size = min(max(old_size, to), start + PAGE_SIZE);
		/* What lies before `from` had its places, or begins the page. */
		if ((first << shift <= start || page_is(page, PAGE_ALLOCATED)) &&
		    end << shift >= size)
			page_set(page, PAGE_ALLOCATED);
		else
			page_clear(page, PAGE_ALLOCATED);
		/* Who commits the places waits for the lock, and then finds that they are to be
		 * written before: nobody shall see what was there. */
		disk_page_dirty(mapping, page);
	}
	page_unlock(page);
	return err;
}

static ssize_t write_part(struct mapping *mapping, struct uio *uio, pos_t position, size_t n)
{
	const size_t offset = (uint64_t)position & (PAGE_SIZE - 1);
	struct page *page;
	size_t copied = 0;
	int err;

	err = disk_page_get(mapping, (uint64_t)position >> PAGE_SHIFT, &page);
	if (err)
		return err;
	err = part_allocate(mapping, page, (uint64_t)position, (uint64_t)position + n);
	if (!err) {
		copied = uio_copy_in(uio, (char *)page_to_virt(page) + offset, n);
		if (copied)
			disk_page_dirty(mapping, page);
	}
	page_put(page);
	if (err)
		return err;
	return copied ? (ssize_t)copied : -EFAULT;
}

/* ---- whole new pages ------------------------------------------------------------------------ */

/*
 * Fresh pages with the next bytes, up to the first that is cached already. How many; fewer too when
 * memory or the user's runs out.
 */
static size_t pages_fill(struct mapping *mapping, struct uio *uio, pgoff_t first, size_t nr,
                         struct page **pages)
{
	size_t n = 0;

	while (n < nr) {
		struct page *page, *cached = mapping_find(mapping, first + n);
		size_t copied;

		if (cached) {
			page_put(cached);
			break;
		}
		page = page_alloc(ALLOC_FILE);
		if (!page)
			break;
		copied = uio_copy_in(uio, page_to_virt(page), PAGE_SIZE);
		if (copied < PAGE_SIZE) {
			uio_revert(uio, copied);
			page_put(page);
			break;
		}
		pages[n++] = page;
	}
	return n;
}

/* Those behind `keep`, locked and empty of meaning, leave again. */
static void pages_forget(struct mapping *mapping, struct page **pages, size_t keep, size_t nr)
{
	for (size_t i = keep; i < nr; i++) {
		disk_index_remove(mapping, pages[i]);
		page_unlock(pages[i]);
	}
}

/* Filled pages enter and get places: how many did; *err says why not all. */
static size_t pages_enter(struct mapping *mapping, pgoff_t first, struct page **pages, size_t nr,
                          int *err)
{
	struct disk_mapping *disk = disk_of(mapping);
	const uint32_t per_page = blocks_per_page(disk);
	size_t inserted = disk_index_insert(mapping, first, pages, nr, err);
	uint64_t blocks = 0;
	size_t n;

	if (!inserted)
		return 0;
	*err = disk_allocate(disk, first * per_page, inserted * per_page, &blocks);
	n = (size_t)(blocks / per_page);
	pages_forget(mapping, pages, n, inserted);
	for (size_t i = 0; i < n; i++) {
		page_set(pages[i], PAGE_ALLOCATED);
		disk_page_set_uptodate(pages[i]);
	}
	if (n)
		disk_pages_dirty(mapping, pages, n);
	for (size_t i = 0; i < n; i++)
		page_unlock(pages[i]);
	return n;
}

/* Up to nr whole pages: bytes written, 0 if the first must go the other way, or -errno. */
static ssize_t write_whole(struct mapping *mapping, struct uio *uio, pgoff_t first, size_t nr)
{
	struct page *pages[DISK_BATCH];
	size_t filled, entered;
	int err = 0;

	filled = pages_fill(mapping, uio, first, min(nr, (size_t)DISK_BATCH), pages);
	if (!filled)
		return 0;
	entered = pages_enter(mapping, first, pages, filled, &err);
	uio_revert(uio, (filled - entered) << PAGE_SHIFT);
	for (size_t i = 0; i < filled; i++)
		page_put(pages[i]);
	if (entered || err == -EEXIST)
		return (ssize_t)(entered << PAGE_SHIFT);
	return err;
}

/* ---- the call ------------------------------------------------------------------------------- */

/*
 * The end of the content moves away from `from`, to a place behind it, without a byte in between:
 * what is in the last page behind it becomes zeroes that count.
 */
static int tail_zero(struct mapping *mapping, pos_t from)
{
	size_t offset = (uint64_t)from & (PAGE_SIZE - 1);
	struct disk_mapping *disk = disk_of(mapping);
	struct extent_cursor cursor = { .block = 0 };
	struct disk_extent extent = { .state = EXTENT_MAPPED };
	struct page *page;
	int err;

	if (!offset)
		return 0;
	err = disk_page_get(mapping, (uint64_t)from >> PAGE_SHIFT, &page);
	if (err)
		return err;
	page_lock(page);
	if (blocks_per_page(disk) == 1 && !page_is(page, PAGE_ALLOCATED))
		err = extent_find(disk, &cursor, (uint64_t)from >> disk->block_shift, 1, &extent);
	if (!err)
		memset((char *)page_to_virt(page) + offset, 0, PAGE_SIZE - offset);
	page_unlock(page);
	if (!err && extent.state == EXTENT_MAPPED)
		disk_page_dirty(mapping, page);
	page_put(page);
	return err;
}

/*
 * The size has grown from `from`, without a byte in between: blocks behind it in the same page have
 * no place yet, and stores there must ask.
 */
static void tail_distrust(struct mapping *mapping, pos_t from)
{
	pgoff_t index = (uint64_t)from >> PAGE_SHIFT;
	struct page *page;

	if (blocks_per_page(disk_of(mapping)) == 1 || !((uint64_t)from & (PAGE_SIZE - 1)))
		return;
	page = mapping_find(mapping, index);
	if (!page)
		return;
	page_lock(page);
	page_clear(page, PAGE_ALLOCATED);
	page_unlock(page);
	backing_write_protect(&mapping->backing, index, index);
	page_put(page);
}

int disk_mapping_extend(struct mapping *mapping, pos_t size)
{
	pos_t old = mapping->host->size;
	int err = tail_zero(mapping, old);

	if (err)
		return err;
	WRITE_ONCE(mapping->host->size, size);
	tail_distrust(mapping, old);
	return 0;
}

void disk_size_grow(struct inode *inode, pos_t size)
{
	if (size <= inode->size)
		return;
	WRITE_ONCE(inode->size, size);
	disk_inode_dirty(inode, DISK_INODE_DIRTY_ATTR);
}

static ssize_t write_next(struct mapping *mapping, struct uio *uio, pos_t position)
{
	const size_t offset = (uint64_t)position & (PAGE_SIZE - 1);
	ssize_t n = 0;

	if (!offset && uio->remaining >= PAGE_SIZE)
		n = write_whole(mapping, uio, (uint64_t)position >> PAGE_SHIFT,
		                uio->remaining >> PAGE_SHIFT);
	if (n)
		return n;
	return write_part(mapping, uio, position, min(PAGE_SIZE - offset, uio->remaining));
}

ssize_t disk_write_buffered(struct mapping *mapping, struct uio *uio, pos_t *position)
{
	struct inode *inode = mapping->host;
	const size_t wanted = uio->remaining;
	const pos_t old_size = inode->size;
	const bool has_gap = *position > old_size;
	ssize_t n = has_gap ? tail_zero(mapping, old_size) : 0;

	while (uio->remaining && n >= 0) {
		n = write_next(mapping, uio, *position);
		if (n < 0)
			break;
		*position += n;
		disk_size_grow(inode, *position);
		writeback_balance(mapping);
		cond_resched();
		if (thread_test_flag(thread_current(), TF_KILLED))
			break;
	}
	if (has_gap)
		tail_distrust(mapping, old_size);
	if (n < 0 && disk_of(mapping)->ops->trim)
		disk_of(mapping)->ops->trim(mapping);
	if (uio->remaining == wanted && n < 0)
		return n;
	return (ssize_t)(wanted - uio->remaining);
}

ssize_t disk_file_write_locked(struct io *io)
{
	struct file *file = io->file;
	ssize_t n = mapping_write_check(io, file->mapping);
	mode_t mode;

	if (n || !io->uio->remaining)
		return n;
	mode = file->inode->mode;
	n = file_wrote(file);
	if (n)
		return n;
	disk_inode_dirty(file->mapping->host, DISK_INODE_DIRTY_TIME |
	                 (mode != file->inode->mode ? DISK_INODE_DIRTY_ATTR : 0));
	if (unlikely(file->flags & O_DIRECT))
		return disk_direct_write(io);
	return disk_write_buffered(file->mapping, io->uio, &io->position);
}

ssize_t disk_file_write(struct io *io)
{
	struct file *file = io->file;
	struct inode *inode = file->mapping->host;
	ssize_t n;

	if (io->flags & IO_NOWAIT && !(file->flags & O_NONBLOCK)) {
		if (!rwlock_write_trylock(&inode->lock))
			return -EAGAIN;
	} else {
		rwlock_write_lock(&inode->lock);
	}
	if (inode->super->flags & MS_SYNCHRONOUS)
		io->flags |= IO_SYNC;
	n = disk_file_write_locked(io);
	rwlock_write_unlock(&inode->lock);
	if (n > 0 && io->flags & (IO_DSYNC | IO_SYNC)) {
		int err = file_sync(file, io->position - n, io->position - 1,
		                    !(io->flags & IO_SYNC));

		if (err)
			return err;
	}
	return n;
}
