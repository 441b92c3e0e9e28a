/*
 * O_DIRECT: between the disk and the user's memory without leaving anything in the cache.
 *
 * Position, length and addresses are multiples of the device's logical block (512 for addresses),
 * else EINVAL, as on Linux. Bytes pass through pages of the call's own, because user memory is not
 * pinned here: a transfer costs a copy, but keeps nothing.
 *
 * What the cache has of the range is written out before, and dropped before and after a write. The
 * inode's lock is held throughout (for reading by a read), so that blocks stay where they are. A
 * hole within the file, and blocks that are written in part, go through the cache and are written
 * out at once: nobody may read a new block before its content is there.
 */
#include <linux/errno.h>

#include "dev/block.h"
#include "fs/disk_impl.h"
#include "fs/file.h"
#include "fs/writeback.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "sched/thread.h"
#include "vm/uio.h"

enum { DIRECT_PAGES = 32, MEMORY_ALIGN = 512 };

struct direct {
	struct disk_mapping *disk;
	struct page *pages[DIRECT_PAGES];
	size_t       nr_pages;
};

static bool direct_is_aligned(const struct io *io, const struct disk_mapping *disk)
{
	const struct uio *uio = io->uio;
	uint64_t all = (uint64_t)io->position | uio->remaining;
	uint64_t memory = (uintptr_t)uio->base | uio->segment_left;

	for (uint32_t i = uio->index + 1; i < uio->nr_vectors; i++)
		memory |= (uintptr_t)uio->vectors[i].iov_base | uio->vectors[i].iov_len;
	if (all & (block_device_block_size(disk->device) - 1))
		return false;
	return !uio->is_user || !(memory & (MEMORY_ALIGN - 1));
}

static int direct_begin(struct direct *direct, struct mapping *mapping, size_t bytes)
{
	size_t wanted = min((bytes + PAGE_SIZE - 1) >> PAGE_SHIFT, (size_t)DIRECT_PAGES);

	direct->disk = disk_of(mapping);
	direct->nr_pages = pages_alloc_bulk(direct->pages, (unsigned int)wanted,
	                                    ALLOC_KERNEL | ALLOC_NOWARN);
	return direct->nr_pages ? 0 : -ENOMEM;
}

static void direct_end(struct direct *direct)
{
	for (size_t i = 0; i < direct->nr_pages; i++)
		page_put(direct->pages[i]);
}

static size_t direct_room(const struct direct *direct)
{
	return direct->nr_pages << PAGE_SHIFT;
}

/* One run of sectors, to or from offset `at` of the pages. */
static int run_transfer(struct direct *direct, enum block_operation operation, size_t at,
                        size_t bytes, uint64_t sector)
{
	struct bio *bio = bio_alloc(DIRECT_PAGES, ALLOC_KERNEL);
	int err;

	if (!bio)
		return -ENOMEM;
	bio_target(bio, direct->disk->device, operation, sector);
	bio->flags = operation == BLOCK_WRITE ? BIO_SYNC : 0;
	while (bytes) {
		size_t offset = at & (PAGE_SIZE - 1), n = min(PAGE_SIZE - offset, bytes);

		if (!bio_add_page(bio, direct->pages[at >> PAGE_SHIFT], (uint32_t)offset,
		                  (uint32_t)n))
			break;
		at += n;
		bytes -= n;
	}
	err = bio_submit_wait(bio);
	bio_free(bio);
	return err;
}

static void pages_zero(struct direct *direct, size_t at, size_t bytes)
{
	while (bytes) {
		size_t offset = at & (PAGE_SIZE - 1), n = min(PAGE_SIZE - offset, bytes);

		memset((char *)page_to_virt(direct->pages[at >> PAGE_SHIFT]) + offset, 0, n);
		at += n;
		bytes -= n;
	}
}

/*
 * Bytes of the file at position, which fit into the pages. Holes are zeroed when reading; writing,
 * *done stops before the first, which is no error.
 */
static int blocks_transfer(struct direct *direct, enum block_operation operation,
                           uint64_t position, size_t bytes, size_t *done)
{
	const uint32_t shift = direct->disk->block_shift;
	int err = 0;

	*done = 0;
	while (*done < bytes && !err) {
		struct extent_cursor cursor = { .block = 0 };
		struct disk_extent extent;
		uint64_t at = position + *done, within = at & ((1u << shift) - 1);
		size_t n = bytes - *done;

		err = extent_find(direct->disk, &cursor, at >> shift,
		                  (uint32_t)((within + n - 1) >> shift) + 1, &extent);
		if (err)
			break;
		n = min(n, (size_t)(((uint64_t)extent.count << shift) - within));
		if (extent.state == EXTENT_MAPPED)
			err = run_transfer(direct, operation, *done, n,
			                   ((extent.device_block << shift) + within)
			                   >> SECTOR_SHIFT);
		else if (operation == BLOCK_READ)
			pages_zero(direct, *done, n);
		else
			break;
		*done += err ? 0 : n;
	}
	return err;
}

/* The cache's part of the range is on the disk. */
static int range_flush(struct mapping *mapping, pos_t from, size_t bytes)
{
	int err;

	if (!READ_ONCE(mapping->nr_pages))
		return 0;
	err = mapping_write_back(mapping, from, from + (pos_t)bytes - 1, true);
	mapping_wait(mapping, from, from + (pos_t)bytes - 1);
	return err;
}

/* ---- read ----------------------------------------------------------------------------------- */

static size_t pages_copy_out(struct direct *direct, struct uio *uio, size_t bytes)
{
	size_t done = 0, copied = PAGE_SIZE;

	for (size_t i = 0; done < bytes && copied == PAGE_SIZE; i++) {
		copied = uio_copy_out(uio, page_to_virt(direct->pages[i]),
		                      min(bytes - done, (size_t)PAGE_SIZE));
		done += copied;
	}
	return done;
}

/* The next pages full: bytes read, 0 at the end. */
static ssize_t read_next(struct direct *direct, struct io *io, uint32_t block_size)
{
	pos_t left = direct->disk->mapping.host->size - io->position;
	size_t wanted = min(io->uio->remaining, direct_room(direct)), done;
	int err;

	if (left <= 0)
		return 0;
	wanted = min(wanted, ((size_t)left + block_size - 1) & ~(size_t)(block_size - 1));
	err = blocks_transfer(direct, BLOCK_READ, (uint64_t)io->position, wanted, &done);
	if (!done)
		return err;
	wanted = min(done, (size_t)left);
	done = pages_copy_out(direct, io->uio, wanted);
	io->position += (pos_t)done;
	return done ? (ssize_t)done : -EFAULT;
}

ssize_t disk_direct_read(struct io *io)
{
	struct mapping *mapping = io->file->mapping;
	const size_t wanted = io->uio->remaining;
	struct direct direct;
	ssize_t n;

	if (!direct_is_aligned(io, disk_of(mapping)))
		return -EINVAL;
	if (!wanted)
		return 0;
	n = range_flush(mapping, io->position, wanted);
	if (!n)
		n = direct_begin(&direct, mapping, wanted);
	if (n)
		return n;
	rwlock_read_lock(&mapping->host->lock);
	do {
		n = read_next(&direct, io, block_device_block_size(direct.disk->device));
	} while (n > 0 && io->uio->remaining &&
	         !thread_test_flag(thread_current(), TF_KILLED));
	rwlock_read_unlock(&mapping->host->lock);
	direct_end(&direct);
	return io->uio->remaining < wanted ? (ssize_t)(wanted - io->uio->remaining) : n;
}

/* ---- write ---------------------------------------------------------------------------------- */

static size_t pages_copy_in(struct direct *direct, struct uio *uio, size_t bytes)
{
	size_t done = 0, copied = PAGE_SIZE;

	for (size_t i = 0; done < bytes && copied == PAGE_SIZE; i++) {
		copied = uio_copy_in(uio, page_to_virt(direct->pages[i]),
		                     min(bytes - done, (size_t)PAGE_SIZE));
		done += copied;
	}
	return done;
}

/* Through the cache, and out of it again. */
static ssize_t write_through(struct mapping *mapping, struct io *io)
{
	pos_t start = io->position;
	ssize_t n = disk_write_buffered(mapping, io->uio, &io->position);
	int err;

	if (n <= 0)
		return n;
	err = range_flush(mapping, start, (size_t)n);
	if (!err)
		err = disk_file_errors(io->file);
	(void)disk_mapping_invalidate(mapping, start, start + n - 1);
	return err ? err : n;
}

/* The next pages full: bytes written; 0: the rest must go through the cache. */
static ssize_t write_next(struct direct *direct, struct io *io)
{
	struct disk_mapping *disk = direct->disk;
	const uint64_t position = (uint64_t)io->position, mask = (1u << disk->block_shift) - 1;
	size_t n = min(io->uio->remaining, direct_room(direct)), done;
	uint64_t blocks;
	int err = 0;

	if ((position | n) & mask || disk_mapping_invalidate(&disk->mapping, io->position,
	                                                     io->position + (pos_t)n - 1))
		return 0;
	if (io->position >= disk->mapping.host->size)
		err = disk_allocate(disk, position >> disk->block_shift, n >> disk->block_shift,
		                    &blocks);
	if (err)
		return err;
	done = pages_copy_in(direct, io->uio, n);
	uio_revert(io->uio, done & mask);
	n = done & ~(size_t)mask;
	if (!n)
		return -EFAULT;
	err = blocks_transfer(direct, BLOCK_WRITE, position, n, &done);
	uio_revert(io->uio, n - done);
	io->position += (pos_t)done;
	if (done)
		disk_size_grow(disk->mapping.host, io->position);
	return done ? (ssize_t)done : err;
}

ssize_t disk_direct_write(struct io *io)
{
	struct mapping *mapping = io->file->mapping;
	const pos_t start = io->position;
	const size_t wanted = io->uio->remaining;
	struct direct direct;
	ssize_t n;

	if (!direct_is_aligned(io, disk_of(mapping)))
		return -EINVAL;
	n = range_flush(mapping, start, wanted);
	if (!n)
		n = direct_begin(&direct, mapping, wanted);
	if (n)
		return n;
	if (start > mapping->host->size)
		n = write_through(mapping, io);
	while (n >= 0 && io->uio->remaining && !thread_test_flag(thread_current(), TF_KILLED)) {
		n = write_next(&direct, io);
		if (!n)
			n = write_through(mapping, io);
		if (!n)
			break;
	}
	direct_end(&direct);
	if (n < 0 && disk_of(mapping)->ops->trim)
		disk_of(mapping)->ops->trim(mapping);
	if (io->position > start)
		(void)disk_mapping_invalidate(mapping, start, io->position - 1);
	return io->uio->remaining < wanted ? (ssize_t)(wanted - io->uio->remaining) : n;
}
