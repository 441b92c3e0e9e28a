/*
 * From pages to bios: asking the file system where blocks lie, no more often than need be, and
 * gathering what lies side by side. See disk_impl.h.
 *
 * What map() said is kept for the blocks that follow, without any lock on their pages. So it counts
 * only if no block was removed since (truncation), and a hole only if none was allocated: both are
 * counted before the page lock is let go that the asker of a block now holds.
 */
#include "core/panic.h"
#include "fs/disk_impl.h"
#include "lib/atomic.h"
#include "mem/alloc.h"

static bool cursor_has(const struct disk_mapping *disk, const struct extent_cursor *cursor,
                       uint64_t block)
{
	if (block - cursor->block >= cursor->extent.count)
		return false;
	if (cursor->removals != atomic_load_acquire(&disk->removals))
		return false;
	return cursor->extent.state == EXTENT_MAPPED ||
	       cursor->allocations == atomic_load_acquire(&disk->allocations);
}

int extent_find(struct disk_mapping *disk, struct extent_cursor *cursor, uint64_t block,
                uint32_t ahead, struct disk_extent *out)
{
	uint64_t skipped;
	int err;

	if (!cursor_has(disk, cursor, block)) {
		cursor->removals = atomic_load_acquire(&disk->removals);
		cursor->allocations = atomic_load_acquire(&disk->allocations);
		cursor->block = block;
		err = disk->ops->map(&disk->mapping, block, max(ahead, 1u), MAP_READ,
		                     &cursor->extent);
		if (err) {
			cursor->extent.count = 0;
			return err;
		}
		debug_assert(cursor->extent.count);
	}
	skipped = block - cursor->block;
	*out = cursor->extent;
	out->device_block += skipped;
	out->count -= (uint32_t)skipped;
	return 0;
}

int disk_allocate(struct disk_mapping *disk, uint64_t first, uint64_t count, uint64_t *done)
{
	int err = 0;

	*done = 0;
	while (*done < count && !err) {
		struct disk_extent extent;
		uint32_t wanted = (uint32_t)min(count - *done, (uint64_t)UINT32_MAX);

		err = disk->ops->map(&disk->mapping, first + *done, wanted, MAP_ALLOCATE, &extent);
		if (!err)
			*done += min(extent.count, wanted);
	}
	atomic_add_return(&disk->allocations, 1);
	return err;
}

/* ---- bios ----------------------------------------------------------------------------------- */

void page_bios_submit(struct page_bios *bios)
{
	struct bio *bio = bios->bio;

	bios->bio = NULL;
	bios->last_page = NULL;
	if (bio)
		bio_submit(bio);
}

static void bio_begin(struct page_bios *bios, uint64_t sector)
{
	uint32_t wanted = min(bios->pages_ahead + 1, (uint32_t)BIO_MAX_SEGMENTS);
	struct bio *bio = bio_alloc(wanted, ALLOC_KERNEL | ALLOC_NOWARN);

	while (!bio)
		bio = bio_alloc(min(wanted, (uint32_t)BIO_RESERVE_SEGMENTS), ALLOC_KERNEL);
	bio_target(bio, bios->disk->device, bios->operation, sector);
	bio->flags = bios->flags;
	bio->done = bios->done;
	if (bios->begin)
		bios->begin(bios, bio);
	bios->bio = bio;
	bios->next_sector = sector;
}

void page_bios_add(struct page_bios *bios, struct page *page, uint32_t offset, uint32_t length,
                   uint64_t sector)
{
	if (bios->bio && bios->next_sector != sector)
		page_bios_submit(bios);
	if (!bios->bio || !bio_add_page(bios->bio, page, offset, length)) {
		page_bios_submit(bios);
		bio_begin(bios, sector);
		if (!bio_add_page(bios->bio, page, offset, length))
			panic("a bio without room");
	}
	if (bios->last_page != page)
		atomic_inc(&page->private_value);
	bios->last_page = page;
	bios->next_sector += length >> SECTOR_SHIFT;
}

void bio_for_each_page(struct bio *bio, void (*fn)(struct page *page, struct bio *bio))
{
	struct page *last = NULL;

	for (uint32_t i = 0; i < bio->nr_segments; i++) {
		const struct bio_segment *segment = &bio->segments[i];
		uint32_t first = segment->offset >> PAGE_SHIFT;
		uint32_t end = (segment->offset + segment->length - 1) >> PAGE_SHIFT;

		for (uint32_t n = first; n <= end; n++) {
			struct page *page = segment->page + n;

			if (page != last)
				fn(page, bio);
			last = page;
		}
	}
}
