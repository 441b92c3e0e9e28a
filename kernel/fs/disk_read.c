/*
 * Reading pages of disks: bios, read-ahead, read(2). See disk_mapping.h.
 *
 * A miss makes pages for a window, which enter locked, and sends bios for them; the bios' end
 * unlocks. A window grows with success: a file that is read in order doubles it each time up to
 * READ_AHEAD_MAX, and the first page of the part that nobody has asked for yet is marked
 * (PAGE_AHEAD): who reads that one starts the next window, and does not wait for it.
 *
 * What the open file remembers of this (file->readahead, file->read_next) is a hint without lock.
 */
#include <linux/errno.h>

#include "fs/disk_impl.h"
#include "fs/file.h"
#include "fs/pagecache_impl.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "sched/page_lock.h"
#include "sched/rcu.h"

/* ---- pages ---------------------------------------------------------------------------------- */

/* All bios of the page are done, or there was none: it is whole, or it is bad. */
static void page_read_end(struct page *page)
{
	struct mapping *mapping = to_mapping(page->owner);
	uint64_t size = (uint64_t)READ_ONCE(mapping->host->size);
	uint64_t start = page->index << PAGE_SHIFT;

	if (!page_is(page, PAGE_ERROR)) {
		if (size > start && size - start < PAGE_SIZE)
			memset((char *)page_to_virt(page) + (size - start), 0,
			       PAGE_SIZE - (size - start));
		disk_page_set_uptodate(page);
	}
	page_unlock(page);
}

static void page_read_done(struct page *page, struct bio *bio)
{
	if (unlikely(bio->error))
		page_set(page, PAGE_ERROR);
	if (page_io_put(page))
		page_read_end(page);
}

static void read_done(struct bio *bio)
{
	bio_for_each_page(bio, page_read_done);
	bio_free(bio);
}

static void page_bios_begin_read(struct page_bios *bios, struct mapping *mapping, uint8_t flags,
                                 size_t pages_ahead)
{
	*bios = (struct page_bios){
		.disk = disk_of(mapping),
		.done = read_done,
		.operation = BLOCK_READ,
		.flags = flags,
		.pages_ahead = (uint32_t)pages_ahead,
	};
}

/* Sends for what of the page is on the disk, zeroes the rest. 0 or what map() said. */
static int page_read_blocks(struct page_bios *bios, struct page *page)
{
	struct disk_mapping *disk = bios->disk;
	uint32_t per_page = blocks_per_page(disk), shift = disk->block_shift;
	uint64_t first = page->index * per_page, end = disk_size_blocks(disk);
	bool has_holes = first >= end;

	for (uint32_t i = 0; i < per_page;) {
		struct disk_extent extent = { .state = EXTENT_HOLE, .count = per_page - i };
		int err = 0;

		if (first + i < end)
			err = extent_find(disk, &bios->cursor, first + i,
			                  (bios->pages_ahead + 1) * per_page - i, &extent);
		if (err)
			return err;
		extent.count = min(extent.count, per_page - i);
		if (first + i < end)
			extent.count = (uint32_t)min((uint64_t)extent.count, end - first - i);
		if (extent.state == EXTENT_MAPPED) {
			page_bios_add(bios, page, i << shift, extent.count << shift,
			              extent.device_block << (shift - SECTOR_SHIFT));
		} else {
			memset((char *)page_to_virt(page) + (i << shift), 0, extent.count << shift);
			has_holes |= first + i < end;
		}
		i += extent.count;
	}
	if (!has_holes)
		page_set(page, PAGE_ALLOCATED);
	return 0;
}

/* A locked page that is not up to date; its lock is the bios' from here on. */
static void page_read(struct page_bios *bios, struct page *page)
{
	page_clear(page, PAGE_ERROR);
	atomic_store_relaxed(&page->private_value, 1);
	if (page_read_blocks(bios, page))
		page_set(page, PAGE_ERROR);
	if (page_io_put(page))
		page_read_end(page);
}

/*
 * Fresh pages for indices from first on until one is there already; locked. The first may cost a
 * process its life if `needed`.
 */
static size_t pages_make(struct mapping *mapping, pgoff_t first, size_t nr, struct page **pages,
                         bool needed)
{
	size_t made = 0, inserted;
	int err;

	while (made < nr) {
		pages[made] = page_alloc(ALLOC_FILE | ALLOC_NOWARN);
		if (!pages[made] && !made && needed)
			pages[made] = page_alloc(ALLOC_USER);
		if (!pages[made])
			break;
		made++;
	}
	inserted = disk_index_insert(mapping, first, pages, made, &err);
	/* The index has its own references, and locked pages do not leave it. */
	for (size_t i = 0; i < made; i++)
		page_put(pages[i]);
	return inserted;
}

/* How many of nr pages from first on are missing in a row. */
static size_t missing_run(struct mapping *mapping, pgoff_t first, size_t nr)
{
	uint64_t next = first;
	bool found;

	rcu_read_lock();
	found = radix_next(&mapping->pages, &next);
	rcu_read_unlock();
	return found ? min(nr, (size_t)(next - first)) : nr;
}

static pgoff_t next_missing(struct mapping *mapping, pgoff_t first)
{
	uint64_t hole = first;
	bool found;

	rcu_read_lock();
	found = radix_next_hole(&mapping->pages, first, &hole);
	rcu_read_unlock();
	return found ? hole : UINT64_MAX;
}

/*
 * Reads what is missing of first .. first + nr - 1, all within the file; `mark` gets PAGE_AHEAD if
 * it is among the new ones.
 */
static void window_read(struct mapping *mapping, pgoff_t first, size_t nr, pgoff_t mark,
                        uint8_t flags)
{
	const pgoff_t end = first + nr;
	struct page *pages[DISK_BATCH];
	struct block_plug plug;
	struct page_bios bios;

	page_bios_begin_read(&bios, mapping, flags, nr);
	block_plug_begin(&plug);
	for (pgoff_t at = first; at < end;) {
		size_t run = missing_run(mapping, at, min((size_t)(end - at), (size_t)DISK_BATCH));

		if (!run) {
			at = next_missing(mapping, at);
			continue;
		}
		run = pages_make(mapping, at, run, pages, at == first);
		if (!run)
			break;
		for (size_t i = 0; i < run; i++) {
			if (at + i == mark)
				page_set(pages[i], PAGE_AHEAD);
			bios.pages_ahead = (uint32_t)(end - at - i - 1);
			page_read(&bios, pages[i]);
		}
		at += run;
	}
	page_bios_submit(&bios);
	block_plug_end(&plug);
}

/* nr pages from first on, cut to the file. */
static size_t window_clip(const struct mapping *mapping, pgoff_t first, size_t nr)
{
	pgoff_t end = mapping_size_pages(mapping);

	return first >= end ? 0 : (size_t)min((uint64_t)nr, end - first);
}

void disk_mapping_read_ahead(struct mapping *mapping, pgoff_t first, size_t nr)
{
	nr = window_clip(mapping, first, min(nr, (size_t)(2 * READ_AHEAD_MAX)));
	if (nr)
		window_read(mapping, first, nr, UINT64_MAX, BIO_READAHEAD);
}

/* The page is there, but not up to date: waits for who reads it, or reads it again. */
static int page_wait_uptodate(struct mapping *mapping, struct page *page)
{
	struct page_bios bios;
	int err = page_lock_killable(page);

	if (err)
		return err;
	if (page_is(page, PAGE_UPTODATE) || !page_is_of(page, mapping)) {
		page_unlock(page);
		return 0;
	}
	page_bios_begin_read(&bios, mapping, 0, 0);
	page_read(&bios, page);
	page_bios_submit(&bios);
	err = page_wait_killable(page, PAGE_LOCKED);
	if (!err && !page_is(page, PAGE_UPTODATE))
		err = -EIO;
	return err;
}

int disk_page_get(struct mapping *mapping, pgoff_t index, struct page **out)
{
	enum { TRIES = 8 };

	for (unsigned int tries = 0;; tries++) {
		struct page *page = mapping_find(mapping, index);
		int err;

		if (!page) {
			if (tries == TRIES)
				return -ENOMEM;
			window_read(mapping, index, 1, UINT64_MAX, 0);
			continue;
		}
		*out = page;
		if (likely(atomic_load_acquire(&page->flags) & PAGE_UPTODATE)) {
			if (!page_is(page, PAGE_REFERENCED))
				page_set(page, PAGE_REFERENCED);
			return 0;
		}
		err = page_wait_uptodate(mapping, page);
		if (!err && page_is(page, PAGE_UPTODATE) && page_is_of(page, mapping))
			return 0;
		page_put(page);
		if (err)
			return err;
	}
}

/* ---- read-ahead of open files --------------------------------------------------------------- */

/* The window after one of `last` pages, for a caller who wants `wanted`. */
static size_t window_next(size_t last, size_t wanted)
{
	size_t size = last ? 2 * last : max(4 * wanted, (size_t)4);

	return min(max(size, wanted), (size_t)READ_AHEAD_MAX);
}

/* index is not cached; the caller wants `wanted` pages from there on. */
static void readahead_miss(struct file *file, struct mapping *mapping, pgoff_t index,
                           size_t wanted)
{
	uint32_t window = atomic_load_relaxed(&file->readahead);
	bool is_next = (uint32_t)index == atomic_load_relaxed(&file->read_next) || !index;
	size_t size = min(wanted, (size_t)READ_AHEAD_MAX);

	if (window != READAHEAD_NONE) {
		window = is_next ? (uint32_t)window_next(window, size) : 0;
		atomic_store_relaxed(&file->readahead, window);
		size = max(size, (size_t)window);
	}
	size = window_clip(mapping, index, size);
	if (size)
		window_read(mapping, index, size, index + min(wanted, size / 2), 0);
}

/* The marked page was reached: the next window. */
static void readahead_marked(struct file *file, struct mapping *mapping, struct page *page)
{
	uint32_t window = atomic_load_relaxed(&file->readahead);
	pgoff_t start = next_missing(mapping, page->index + 1);
	size_t size;

	page_clear(page, PAGE_AHEAD);
	if (window == READAHEAD_NONE || start - page->index > 2 * READ_AHEAD_MAX)
		return;
	size = window_clip(mapping, start, window_next(window, 1));
	atomic_store_relaxed(&file->readahead, (uint32_t)size);
	if (size)
		window_read(mapping, start, size, start, BIO_READAHEAD);
}

/* ---- read(2) -------------------------------------------------------------------------------- */

/* The page at the position, for reading up to `left` bytes. EAGAIN: it would have to be read. */
static int read_page_get(struct io *io, struct mapping *mapping, size_t left, struct page **out)
{
	const pgoff_t index = (uint64_t)io->position >> PAGE_SHIFT;
	const bool nowait = io->flags & IO_NOWAIT && !(io->file->flags & O_NONBLOCK);
	size_t wanted;

	*out = disk_page_borrow(mapping, index);
	if (likely(*out)) {
		if (unlikely(page_is(*out, PAGE_AHEAD)) && !nowait)
			readahead_marked(io->file, mapping, *out);
		return 0;
	}
	if (nowait)
		return -EAGAIN;
	wanted = (left + ((uint64_t)io->position & (PAGE_SIZE - 1)) + PAGE_SIZE - 1) >> PAGE_SHIFT;
	if (missing_run(mapping, index, 1))
		readahead_miss(io->file, mapping, index, wanted);
	return disk_page_get(mapping, index, out);
}

static ssize_t read_buffered(struct io *io)
{
	struct mapping *mapping = io->file->mapping;
	struct uio *uio = io->uio;
	const size_t wanted = uio->remaining;
	int err = 0;

	while (uio->remaining && !err) {
		pos_t left = READ_ONCE(mapping->host->size) - io->position;
		size_t offset = (uint64_t)io->position & (PAGE_SIZE - 1), n, copied;
		struct page *page;

		if (left <= 0)
			break;
		left = min(left, (pos_t)uio->remaining);
		err = read_page_get(io, mapping, (size_t)left, &page);
		if (err)
			break;
		n = min(PAGE_SIZE - offset, (size_t)left);
		copied = uio_copy_out(uio, (char *)page_to_virt(page) + offset, n);
		page_put(page);
		io->position += (pos_t)copied;
		atomic_store_relaxed(&io->file->read_next,
		                     (uint32_t)((uint64_t)(io->position - 1) >> PAGE_SHIFT) + 1);
		if (copied < n)
			err = -EFAULT;
		else if (!offset && mapping_is_interrupted(io->position))
			break;
	}
	if (uio->remaining == wanted)
		return err;
	return (ssize_t)(wanted - uio->remaining);
}

ssize_t disk_file_read(struct io *io)
{
	ssize_t n;
	pos_t end;

	if (!checked_add(io->position, (pos_t)io->uio->remaining, &end))
		return -EINVAL;
	if (unlikely(io->file->flags & O_DIRECT))
		n = disk_direct_read(io);
	else
		n = read_buffered(io);
	if (n >= 0)
		file_accessed(io->file);
	return n;
}
