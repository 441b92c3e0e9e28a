/*
 * Tests of the block layer, on a disk in memory.
 */
#include <linux/errno.h>

#include "core/ktest.h"
#include "dev/block.h"
#include "dev/partition.h"
#include "dev/ramdisk_ktest.h"
#include "lib/byteorder.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/buddy.h"
#include "mem/page.h"
#include "sched/wait.h"
#include "sched/work.h"

enum { SECTORS = 2048 };

/* Many bios and a count of those that are done. */
struct batch {
	struct completion all;
	uint32_t          left __atomic;
	uint32_t          nr_failed __atomic;
	struct page      *page;
	uint32_t          first_done __atomic; /* sector + 1 of the first one done */
};

static struct ramdisk *disk_make(const struct ramdisk_params *params)
{
	struct ramdisk *ramdisk;

	return ramdisk_create(params, &ramdisk) ? NULL : ramdisk;
}

static void one_done(struct bio *bio)
{
	struct batch *batch = bio->private;
	uint32_t none = 0;

	(void)!atomic_cmpxchg(&batch->first_done, &none, (uint32_t)bio->sector + 1);
	if (bio->error)
		atomic_inc(&batch->nr_failed);
	bio_free(bio);
	if (!atomic_dec_return(&batch->left))
		complete(&batch->all);
}

static void batch_begin(struct batch *batch, uint32_t count)
{
	*batch = (struct batch){ .left = count, .page = page_alloc(ALLOC_KERNEL | ALLOC_ZERO) };
	completion_init(&batch->all);
}

static void batch_send(struct batch *batch, struct ramdisk *ramdisk, uint8_t operation,
                       uint64_t sector, uint32_t flags)
{
	struct bio *bio = bio_alloc(1, ALLOC_KERNEL);

	bio_target(bio, ramdisk->disk->whole, operation, sector);
	bio_add_page(bio, batch->page, 0, SECTOR_SIZE);
	bio->flags = (uint8_t)flags;
	bio->done = one_done;
	bio->private = batch;
	bio_submit(bio);
}

static void batch_end(struct batch *batch)
{
	completion_wait(&batch->all);
	page_put(batch->page);
}

KTEST(block_reads_what_was_written)
{
	struct ramdisk *ramdisk = disk_make(&(struct ramdisk_params){ .name = "ktd",
	                                    .nr_sectors = SECTORS });
	char text[512], back[512];
	int err;

	KTEST_NO_LEAK();
	KTEST_ASSERT(ramdisk);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7);
	err = block_write(ramdisk->disk->whole, 512 * 5, text, sizeof(text), 0);
	if (!err)
		err = block_read(ramdisk->disk->whole, 512 * 5, back, sizeof(back));
	ramdisk_destroy(ramdisk);
	KTEST_ASSERT(!err);
	KTEST_ASSERT(!memcmp(text, back, sizeof(text)));
}

KTEST(block_refuses_what_lies_beyond_the_end_or_is_not_aligned)
{
	struct ramdisk *ramdisk = disk_make(&(struct ramdisk_params){
		.name = "ktd", .nr_sectors = SECTORS, .limits.logical_block = 4096 });
	struct block_device *whole;
	char buf[512];
	int beyond, unaligned, discard;

	KTEST_ASSERT(ramdisk);
	whole = ramdisk->disk->whole;
	beyond = block_read(whole, SECTORS * 512ul, buf, sizeof(buf));
	unaligned = block_write(whole, 512, buf, sizeof(buf), 0);
	discard = block_clear(whole, BLOCK_DISCARD, 0, 8, 0);
	ramdisk_destroy(ramdisk);
	KTEST_ASSERT(beyond == -EIO);
	KTEST_ASSERT(unaligned == -EINVAL);
	KTEST_ASSERT(discard == -EOPNOTSUPP);
}

KTEST(block_plug_sorts_and_merges)
{
	struct ramdisk *ramdisk = disk_make(&(struct ramdisk_params){ .name = "ktd",
	                                    .nr_sectors = SECTORS });
	struct block_plug plug;
	struct batch batch;
	struct ramdisk_seen first;
	uint32_t seen, commits;

	KTEST_ASSERT(ramdisk);
	batch_begin(&batch, 16);
	block_plug_begin(&plug);
	for (uint32_t i = 0; i < 16; i++)
		batch_send(&batch, ramdisk, BLOCK_WRITE, 100 + (i * 5) % 16, 0);
	block_plug_end(&plug);
	batch_end(&batch);
	seen = ramdisk->nr_seen;
	commits = ramdisk->nr_commits;
	first = ramdisk->seen[0];
	ramdisk_destroy(ramdisk);
	KTEST_ASSERT(!batch.nr_failed);
	KTEST_ASSERT(seen == 1 && commits == 1);
	KTEST_ASSERT(first.sector == 100 && first.nr_sectors == 16 && first.nr_segments == 16);
}

KTEST(block_plug_is_flushed_by_a_sleep)
{
	struct ramdisk *ramdisk = disk_make(&(struct ramdisk_params){ .name = "ktd",
	                                    .nr_sectors = SECTORS });
	struct block_plug plug;
	struct batch batch;

	KTEST_ASSERT(ramdisk);
	batch_begin(&batch, 2);
	block_plug_begin(&plug);
	batch_send(&batch, ramdisk, BLOCK_READ, 1, 0);
	batch_send(&batch, ramdisk, BLOCK_READ, 9, 0);
	batch_end(&batch);
	block_plug_end(&plug);
	ramdisk_destroy(ramdisk);
	KTEST_ASSERT(!batch.nr_failed);
}

KTEST(block_splits_by_the_limits)
{
	struct ramdisk *ramdisk = disk_make(&(struct ramdisk_params){
		.name = "ktd", .nr_sectors = SECTORS,
		.limits = { .max_sectors = 24, .max_segments = 3, .max_segment_bytes = 4096 } });
	struct page *pages = pages_alloc(4, ALLOC_KERNEL);
	struct bio *bio = bio_alloc(1, ALLOC_KERNEL);
	bool within = true, equal;
	uint32_t seen;
	int err;

	KTEST_ASSERT(ramdisk && pages && bio);
	for (uint32_t i = 0; i < 16 * PAGE_SIZE; i++)
		((char *)page_to_virt(pages))[i] = (char)(i >> 9);
	bio_target(bio, ramdisk->disk->whole, BLOCK_WRITE, 8);
	for (uint32_t i = 0; i < 16; i++)
		bio_add_page(bio, pages, i * (uint32_t)PAGE_SIZE, PAGE_SIZE);
	err = bio_submit_wait(bio);
	seen = ramdisk->nr_seen;
	for (uint32_t i = 0; i < seen; i++)
		within &= ramdisk->seen[i].nr_sectors <= 24 && ramdisk->seen[i].nr_segments <= 3;
	equal = !memcmp(ramdisk->data + 8 * 512, page_to_virt(pages), 16 * PAGE_SIZE);
	bio_free(bio);
	pages_free(pages, 4);
	ramdisk_destroy(ramdisk);
	KTEST_ASSERT(!err && equal && within);
	KTEST_ASSERT(seen == 6);
}

KTEST(block_goes_on_after_a_full_ring)
{
	struct ramdisk *ramdisk = disk_make(&(struct ramdisk_params){
		.name = "ktd", .nr_sectors = SECTORS, .queue_depth = 8, .room = 3 });
	struct batch batch;
	uint32_t seen_full, seen;

	KTEST_ASSERT(ramdisk);
	batch_begin(&batch, 64);
	ramdisk_hold(ramdisk);
	for (uint32_t i = 0; i < 64; i++)
		batch_send(&batch, ramdisk, i % 2 ? BLOCK_READ : BLOCK_WRITE, i * 4, 0);
	seen_full = ramdisk->nr_seen;
	ramdisk_release(ramdisk, true);
	batch_end(&batch);
	seen = ramdisk->nr_seen;
	ramdisk_destroy(ramdisk);
	KTEST_ASSERT(!batch.nr_failed);
	KTEST_ASSERT(seen_full == 3 && seen == 64);
}

KTEST(block_reads_overtake_background_writes_which_are_not_starved)
{
	struct ramdisk *ramdisk = disk_make(&(struct ramdisk_params){
		.name = "ktd", .nr_sectors = SECTORS, .queue_depth = 4 });
	struct batch batch;
	uint32_t first_read = 0, write_in_turn = 0;

	KTEST_ASSERT(ramdisk);
	batch_begin(&batch, 100);
	ramdisk_hold(ramdisk);
	for (uint32_t i = 0; i < 40; i++)
		batch_send(&batch, ramdisk, BLOCK_WRITE, i * 4, 0);
	for (uint32_t i = 0; i < 60; i++)
		batch_send(&batch, ramdisk, BLOCK_READ, 1000 + i * 4, 0);
	ramdisk_release(ramdisk, false);
	batch_end(&batch);
	for (uint32_t i = 0; i < 64; i++) {
		if (ramdisk->seen[i].operation == BLOCK_READ && !first_read)
			first_read = i;
		if (ramdisk->seen[i].operation == BLOCK_WRITE && first_read)
			write_in_turn++;
	}
	ramdisk_destroy(ramdisk);
	KTEST_ASSERT(first_read < 6);
	KTEST_ASSERT(write_in_turn >= 2 && write_in_turn < 8);
}

KTEST(block_tells_an_error_to_those_that_it_concerns)
{
	struct ramdisk *ramdisk = disk_make(&(struct ramdisk_params){ .name = "ktd",
	                                    .nr_sectors = SECTORS });
	struct batch batch;

	KTEST_ASSERT(ramdisk);
	batch_begin(&batch, 10);
	ramdisk_fail_nth(ramdisk, 4, BLOCK_READ, -EIO);
	for (uint32_t i = 0; i < 10; i++)
		batch_send(&batch, ramdisk, BLOCK_READ, i * 8, BIO_READAHEAD);
	batch_end(&batch);
	ramdisk_destroy(ramdisk);
	KTEST_ASSERT(batch.nr_failed == 1);
}

/* What the disk saw, as letters: r w f d z, W for FUA. */
static void spell(struct ramdisk *ramdisk, char *to)
{
	uint32_t n = ramdisk->nr_seen;

	for (uint32_t i = 0; i < n; i++)
		*to++ = ramdisk->seen[i].fua ? 'W' : "rwfdz"[ramdisk->seen[i].operation];
	*to = '\0';
	ramdisk->nr_seen = 0;
}

static void order_of(unsigned int disk_flags, char *fua, char *preflush, char *flush)
{
	struct ramdisk *ramdisk = disk_make(&(struct ramdisk_params){
		.name = "ktd", .nr_sectors = SECTORS, .flags = disk_flags });
	char buf[512] = "x";

	if (!ramdisk)
		return;
	(void)!block_write(ramdisk->disk->whole, 0, buf, sizeof(buf), BIO_FUA);
	spell(ramdisk, fua);
	(void)!block_write(ramdisk->disk->whole, 0, buf, sizeof(buf), BIO_PREFLUSH | BIO_FUA);
	spell(ramdisk, preflush);
	(void)!block_flush(ramdisk->disk->whole);
	spell(ramdisk, flush);
	ramdisk_destroy(ramdisk);
}

KTEST(block_flushes_what_the_disk_needs)
{
	char fua[8] = "", preflush[8] = "", flush[8] = "";

	order_of(0, fua, preflush, flush);
	KTEST_ASSERT(!strcmp(fua, "w") && !strcmp(preflush, "w") && !strcmp(flush, ""));
	order_of(DISK_WRITE_CACHE, fua, preflush, flush);
	KTEST_ASSERT(!strcmp(fua, "wf") && !strcmp(preflush, "fwf") && !strcmp(flush, "f"));
	order_of(DISK_WRITE_CACHE | DISK_FUA, fua, preflush, flush);
	KTEST_ASSERT(!strcmp(fua, "W") && !strcmp(preflush, "fW") && !strcmp(flush, "f"));
}

KTEST(block_one_flush_serves_all_that_came_before_it)
{
	struct ramdisk *ramdisk = disk_make(&(struct ramdisk_params){
		.name = "ktd", .nr_sectors = SECTORS, .flags = DISK_WRITE_CACHE });
	struct batch batch;
	char seen[16];

	KTEST_ASSERT(ramdisk);
	batch_begin(&batch, 6);
	ramdisk_hold(ramdisk);
	for (uint32_t i = 0; i < 6; i++)
		batch_send(&batch, ramdisk, BLOCK_FLUSH, 0, 0);
	ramdisk_release(ramdisk, false);
	batch_end(&batch);
	spell(ramdisk, seen);
	ramdisk_destroy(ramdisk);
	KTEST_ASSERT(!batch.nr_failed && !strcmp(seen, "ff"));
}

KTEST(block_a_failed_flush_fails_the_write_that_needed_it)
{
	struct ramdisk *ramdisk = disk_make(&(struct ramdisk_params){
		.name = "ktd", .nr_sectors = SECTORS, .flags = DISK_WRITE_CACHE });
	char buf[512] = "x";
	int err, later;

	KTEST_ASSERT(ramdisk);
	ramdisk_fail_nth(ramdisk, 1, BLOCK_FLUSH, -EIO);
	err = block_write(ramdisk->disk->whole, 0, buf, sizeof(buf), BIO_FUA);
	later = block_write(ramdisk->disk->whole, 0, buf, sizeof(buf), BIO_FUA);
	ramdisk_destroy(ramdisk);
	KTEST_ASSERT(err == -EIO && !later);
}

KTEST(block_writes_zeroes_by_pages_where_the_disk_cannot)
{
	static const uint32_t by_disk[] = { 0, 64 };

	for (size_t i = 0; i < array_size(by_disk); i++) {
		struct ramdisk *ramdisk = disk_make(&(struct ramdisk_params){
			.name = "ktd", .nr_sectors = SECTORS,
			.limits.max_write_zeroes_sectors = by_disk[i] });
		bool zero, rest;
		int err;

		KTEST_ASSERT(ramdisk);
		memset(ramdisk->data, 0xaa, SECTORS * 512);
		err = block_clear(ramdisk->disk->whole, BLOCK_WRITE_ZEROES, 3, 1501, 0);
		zero = mem_is_zero(ramdisk->data + 3 * 512, 1501 * 512);
		rest = ramdisk->data[3 * 512 - 1] && ramdisk->data[1504 * 512];
		ramdisk_destroy(ramdisk);
		KTEST_ASSERT(!err && zero && rest);
	}
}

KTEST(block_fails_what_waits_when_the_disk_goes)
{
	struct ramdisk *ramdisk = disk_make(&(struct ramdisk_params){
		.name = "ktd", .nr_sectors = SECTORS, .queue_depth = 4, .room = 2 });
	struct block_device *device;
	struct batch batch;
	int opened, read;
	char buf[512];

	KTEST_NO_LEAK();
	KTEST_ASSERT(ramdisk);
	device = block_device_find_name("ktd");
	opened = block_device_open(device, NULL);
	batch_begin(&batch, 20);
	ramdisk_hold(ramdisk);
	for (uint32_t i = 0; i < 20; i++)
		batch_send(&batch, ramdisk, BLOCK_WRITE, i * 4, 0);
	ramdisk_destroy(ramdisk);
	batch_end(&batch);
	read = block_read(device, 0, buf, sizeof(buf));
	block_device_close(device, NULL);
	KTEST_ASSERT(!block_device_find_name("ktd"));
	KTEST_ASSERT(block_device_open(device, NULL) == -ENXIO);
	block_device_put(device);
	KTEST_ASSERT(!opened && read == -EIO);
	KTEST_ASSERT(batch.nr_failed == 18);
}

/* ---- partitions ---------------------------------------------------------------------------- */

static void mbr_write(char *block)
{
	char *entry = block + 446;

	memset(block, 0, 512);
	store_le32(block + 440, 0x12345678);
	entry[4] = (char)0x83;
	store_le32(entry + 8, 64);
	store_le32(entry + 12, 128);
	entry[16 + 4] = (char)0x83;
	store_le32(entry + 16 + 8, 1024);
	store_le32(entry + 16 + 12, 4096);
	store_le16(block + 510, 0xaa55);
}

KTEST(partition_rescan_finds_an_mbr_and_respects_openers)
{
	struct ramdisk *ramdisk = disk_make(&(struct ramdisk_params){ .name = "ktd",
	                                    .nr_sectors = SECTORS });
	struct block_device *one, *two, *whole;
	char buf[512] = "first";
	int err, busy, beyond, write;

	KTEST_ASSERT(ramdisk);
	whole = ramdisk->disk->whole;
	mbr_write(ramdisk->data);
	err = partition_rescan(whole);
	one = block_device_find_name("ktd1");
	two = block_device_find_uuid("12345678-02");
	KTEST_ASSERT(!err && one && two);
	KTEST_ASSERT(one->first_sector == 64 && one->nr_sectors == 128);
	KTEST_ASSERT(two->nr_sectors == 1024 && two->number == whole->number + 2);
	err = block_device_open(one, one);
	busy = partition_rescan(whole);
	write = block_write(one, 0, buf, sizeof(buf), 0);
	beyond = block_write(one, 128 * 512, buf, sizeof(buf), 0);
	KTEST_ASSERT(block_device_open(whole, whole) == -EBUSY);
	KTEST_ASSERT(block_device_open(one, whole) == -EBUSY);
	KTEST_ASSERT(!block_device_open(two, two));
	block_device_close(two, two);
	block_device_close(one, one);
	KTEST_ASSERT(!block_device_open(whole, whole));
	KTEST_ASSERT(block_device_open(two, two) == -EBUSY);
	block_device_close(whole, whole);
	KTEST_ASSERT(!err && busy == -EBUSY && !write && beyond == -EIO);
	KTEST_ASSERT(!strcmp(ramdisk->data + 64 * 512, "first"));
	KTEST_ASSERT(partition_remove(whole, 1) == 0 && partition_remove(whole, 1) == -ENXIO);
	KTEST_ASSERT(partition_add(whole, 7, 1000, 100) == -EBUSY);
	KTEST_ASSERT(partition_add(whole, 7, 100, 100) == 0);
	KTEST_ASSERT(partition_resize(whole, 7, 100, 50) == 0);
	block_device_put(one);
	block_device_put(two);
	ramdisk_destroy(ramdisk);
	KTEST_ASSERT(!block_device_find_name("ktd7"));
}
