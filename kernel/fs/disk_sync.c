/*
 * Writing dirty pages of disks, and waiting for it. See writeback.h.
 *
 * Pages are taken in order of their index, a batch at a time: locked, their DIRTY turned into
 * WRITEBACK, protected against stores through mappings, then sent in bios that go on from batch to
 * batch as long as the blocks lie side by side. Nobody waits for a page while a bio of ours is not
 * on its way: others may wait for what is in it.
 */
#include <linux/errno.h>
#include <linux/mount.h>

#include "dev/block.h"
#include "fs/disk_impl.h"
#include "fs/file.h"
#include "fs/super.h"
#include "fs/writeback.h"
#include "fs/writeback_impl.h"
#include "sched/page_lock.h"
#include "sched/thread.h"
#include "vm/backing.h"

void disk_mapping_set_error(struct disk_mapping *disk, int err)
{
	if (err != -ENOSPC && err != -EDQUOT)
		err = -EIO;
	error_sequence_set(&disk->errors, err);
	error_sequence_set(&disk->mapping.host->super->errors, err);
}

/* ---- the end of a write --------------------------------------------------------------------- */

static void page_write_end(struct page *page)
{
	struct mapping *mapping = to_mapping(page->owner);

	writeback_pages_add(-1);
	spin_lock(&mapping->lock);
	radix_tag_clear(&mapping->pages, page->index, RADIX_WRITEBACK);
	/* Under the lock, which whoever waits for the flag takes before the mapping goes. */
	page_clear_and_wake(page, PAGE_WRITEBACK);
	spin_unlock(&mapping->lock);
	page_put(page);
}

static void page_write_done(struct page *page, struct bio *bio)
{
	if (unlikely(bio->error))
		disk_mapping_set_error(to_disk_mapping(to_mapping(page->owner)), bio->error);
	if (page_io_put(page))
		page_write_end(page);
}

static void write_done(struct bio *bio)
{
	uintptr_t ticket = (uintptr_t)bio->private;

	bio_for_each_page(bio, page_write_done);
	bio_free(bio);
	writeback_bio_done(ticket);
}

/* ---- a batch of pages ----------------------------------------------------------------------- */

struct page_writer {
	struct mapping  *mapping;
	struct page_bios bios;
	bool             wait; /* for pages that others hold or write */
	bool             failed;
	size_t           nr;
	struct page     *pages[DISK_BATCH];
};

/* The page locked, dirty and not being written: true. Else it is not ours to write now. */
static bool page_claim(struct page_writer *writer, struct page *page)
{
	if (!page_trylock(page)) {
		if (!writer->wait)
			return false;
		page_bios_submit(&writer->bios);
		block_plug_flush();
		page_lock(page);
	}
	while (page_is_of(page, writer->mapping) && page_is(page, PAGE_DIRTY) &&
	       !page_is(page, PAGE_PRIVATE)) {
		if (!page_is(page, PAGE_WRITEBACK))
			return true;
		if (!writer->wait)
			break;
		page_bios_submit(&writer->bios);
		block_plug_flush();
		page_wait(page, PAGE_WRITEBACK);
	}
	page_unlock(page);
	return false;
}

/* Claims dirty pages from `first` on, at most a batch; where to go on, 0 for nowhere. */
static pgoff_t batch_claim(struct page_writer *writer, pgoff_t first, pgoff_t last)
{
	struct mapping *mapping = writer->mapping;
	void *entries[DISK_BATCH];
	pgoff_t next = 0;
	size_t found;

	spin_lock(&mapping->lock);
	found = radix_gather_tagged(&mapping->pages, first, last, RADIX_DIRTY, entries, DISK_BATCH);
	for (size_t i = 0; i < found; i++) {
		page_get(entries[i]);
		next = ((struct page *)entries[i])->index + 1;
	}
	spin_unlock(&mapping->lock);
	writer->nr = 0;
	for (size_t i = 0; i < found; i++) {
		if (page_claim(writer, entries[i]))
			writer->pages[writer->nr++] = entries[i];
		else
			page_put(entries[i]);
	}
	return found == DISK_BATCH && next <= last ? next : 0;
}

/* DIRTY becomes WRITEBACK, and stores through mappings fault from here on. */
static void batch_begin(struct page_writer *writer)
{
	struct mapping *mapping = writer->mapping;

	spin_lock(&mapping->lock);
	for (size_t i = 0; i < writer->nr; i++) {
		struct page *page = writer->pages[i];

		page_clear(page, PAGE_DIRTY);
		page_set(page, PAGE_WRITEBACK);
		radix_tag_clear(&mapping->pages, page->index, RADIX_DIRTY);
		radix_tag_set(&mapping->pages, page->index, RADIX_WRITEBACK);
	}
	spin_unlock(&mapping->lock);
	dirty_pages_add(-(int64_t)writer->nr);
	writeback_pages_add((int64_t)writer->nr);
	backing_write_protect(&mapping->backing, writer->pages[0]->index,
	                      writer->pages[writer->nr - 1]->index);
}

static int page_write_blocks(struct page_bios *bios, struct page *page)
{
	struct disk_mapping *disk = bios->disk;
	const uint32_t per_page = blocks_per_page(disk), shift = disk->block_shift;
	const uint64_t first = page->index * per_page, end = disk_size_blocks(disk);

	for (uint32_t i = 0; i < per_page && first + i < end;) {
		struct disk_extent extent;
		uint64_t count;
		int err = extent_find(disk, &bios->cursor, first + i,
		                      (bios->pages_ahead + 1) * per_page - i, &extent);

		if (err)
			return err;
		count = min((uint64_t)(per_page - i), end - first - i);
		count = min(count, (uint64_t)extent.count);
		if (extent.state == EXTENT_MAPPED)
			page_bios_add(bios, page, i << shift, (uint32_t)count << shift,
			              extent.device_block << (shift - SECTOR_SHIFT));
		i += (uint32_t)count;
	}
	return 0;
}

static void batch_submit(struct page_writer *writer)
{
	for (size_t i = 0; i < writer->nr; i++) {
		struct page *page = writer->pages[i];
		int err;

		atomic_store_relaxed(&page->private_value, 1);
		writer->bios.pages_ahead = (uint32_t)(2 * DISK_BATCH - i);
		err = page_write_blocks(&writer->bios, page);
		if (err) {
			disk_mapping_set_error(writer->bios.disk, err);
			writer->failed = true;
		}
		page_unlock(page);
		if (page_io_put(page))
			page_write_end(page);
	}
}

int mapping_write_back(struct mapping *mapping, pos_t from, pos_t to, bool wait)
{
	pgoff_t next = (uint64_t)from >> PAGE_SHIFT, last = (uint64_t)to >> PAGE_SHIFT;
	struct page_writer writer = {
		.mapping = mapping,
		.wait = wait,
		.bios = {
			.disk = disk_of(mapping),
			.done = write_done,
			.operation = BLOCK_WRITE,
			.flags = wait ? BIO_SYNC : 0,
			.begin = writeback_bio_begin,
		},
	};
	struct block_plug plug;

	if (!radix_is_tagged(&mapping->pages, RADIX_DIRTY))
		return 0;
	block_plug_begin(&plug);
	do {
		next = batch_claim(&writer, next, last);
		if (writer.nr) {
			batch_begin(&writer);
			batch_submit(&writer);
		}
		if (writeback_is_full()) {
			page_bios_submit(&writer.bios);
			block_plug_flush();
			writeback_wait_room();
		}
		cond_resched();
	} while (next);
	page_bios_submit(&writer.bios);
	block_plug_end(&plug);
	return writer.failed ? -EIO : 0;
}

void mapping_wait(struct mapping *mapping, pos_t from, pos_t to)
{
	uint64_t next = (uint64_t)from >> PAGE_SHIFT, last = (uint64_t)to >> PAGE_SHIFT;
	struct page *page;

	do {
		void *entry;

		spin_lock(&mapping->lock);
		if (!radix_gather_tagged(&mapping->pages, next, last, RADIX_WRITEBACK, &entry, 1)) {
			spin_unlock(&mapping->lock);
			return;
		}
		page = entry;
		page_get(page);
		next = page->index + 1;
		spin_unlock(&mapping->lock);
		page_wait(page, PAGE_WRITEBACK);
		page_put(page);
	} while (next <= last);
}

/* ---- open files ----------------------------------------------------------------------------- */

int disk_file_errors(struct file *file)
{
	if (!(file->mode & FILE_ERRORS) || !file->mapping)
		return 0;
	return error_sequence_check_and_advance(&disk_of(file->mapping)->errors,
	                                        &file->errors_seen);
}

int disk_file_sync_data(struct file *file, pos_t from, pos_t to)
{
	int err = mapping_write_back(file->mapping, from, to, true), told;

	mapping_wait(file->mapping, from, to);
	told = disk_file_errors(file);
	return told ? told : err;
}
