/*
 * Reading, writing, flushing and clearing a block device and waiting for it: the short helpers of
 * bio.h, through pages of their own.
 */
#include <linux/errno.h>

#include "core/panic.h"
#include "dev/block.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/buddy.h"
#include "mem/page.h"
#include "sched/thread.h"

/* Of one bio of block_clear(): so that a fatal signal is noticed in between. */
enum { CLEAR_SECTORS = 1 << 16 };

static int page_transfer(struct block_device *device, enum block_operation operation,
                         struct page *page, uint64_t position, uint32_t size, unsigned int flags)
{
	struct bio_segment segment;
	struct bio bio;

	bio_init(&bio, &segment, 1);
	bio_target(&bio, device, operation, position >> SECTOR_SHIFT);
	bio.flags = (uint8_t)flags;
	bio_add_page(&bio, page, 0, size);
	return bio_submit_wait(&bio);
}

int block_read(struct block_device *device, uint64_t position, void *buf, size_t size)
{
	const uint64_t block = block_device_block_size(device);
	struct page *page = page_alloc(ALLOC_KERNEL);
	int err = 0;

	if (!page)
		return -ENOMEM;
	while (size && !err) {
		const uint64_t start = align_down(position, block);
		const size_t skip = position - start;
		const size_t n = min(size, PAGE_SIZE - skip);

		err = page_transfer(device, BLOCK_READ, page, start,
		                    (uint32_t)align_up(skip + n, block), 0);
		if (!err)
			memcpy(buf, (const char *)page_to_virt(page) + skip, n);
		buf = (char *)buf + n;
		position += n;
		size -= n;
	}
	page_put(page);
	return err;
}

int block_write(struct block_device *device, uint64_t position, const void *buf, size_t size,
                unsigned int bio_flags)
{
	struct page *page = page_alloc(ALLOC_KERNEL);
	int err = 0;

	if (!page)
		return -ENOMEM;
	while (size && !err) {
		const size_t n = min(size, PAGE_SIZE);

		memcpy(page_to_virt(page), buf, n);
		err = page_transfer(device, BLOCK_WRITE, page, position, (uint32_t)n, bio_flags);
		buf = (const char *)buf + n;
		position += n;
		size -= n;
	}
	page_put(page);
	return err;
}

int block_flush(struct block_device *device)
{
	struct bio bio;

	bio_init(&bio, NULL, 0);
	bio_target(&bio, device, BLOCK_FLUSH, 0);
	return bio_submit_wait(&bio);
}

int block_clear(struct block_device *device, enum block_operation operation, uint64_t sector,
                uint64_t nr_sectors, unsigned int bio_flags)
{
	int err = 0;

	debug_assert(operation == BLOCK_DISCARD || operation == BLOCK_WRITE_ZEROES);
	while (nr_sectors && !err) {
		struct bio bio;

		if (thread_test_flag(thread_current(), TF_KILLED))
			return -EINTR;
		bio_init(&bio, NULL, 0);
		bio_target(&bio, device, operation, sector);
		bio.flags = (uint8_t)bio_flags;
		bio.nr_sectors = min(nr_sectors, (uint64_t)CLEAR_SECTORS);
		err = bio_submit_wait(&bio);
		sector += bio.nr_sectors;
		nr_sectors -= bio.nr_sectors;
	}
	return err;
}
