/*
 * Disks of virtio-blk, on machines that have the ones that test/boot/virtio.py makes, which are
 * known by their serial numbers; on others there is nothing to test.
 *
 *	pattern    each 64-bit word is pattern(its number); the second half is turned over here,
 *	           which the host then checks
 *	readonly   the same, and may not be written
 *	errors     reading sector 1000 fails, and writing sector 2000
 */
#include <linux/errno.h>

#include "core/ktest.h"
#include "core/printk.h"
#include "dev/bio.h"
#include "dev/disk.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "sched/thread.h"

enum {
	PAGES_MAX = 256, SECTORS_PER_PAGE = PAGE_SIZE / SECTOR_SIZE, WORDS_PER_SECTOR = 64,
	THREADS = 4, ROUNDS = 12, IN_FLIGHT = 16,
	BAD_READ = 1000, BAD_WRITE = 2000,
};

static uint64_t pattern(uint64_t word)
{
	return (word + 1) * 0x9e3779b97f4a7c15ul;
}

/* With a reference; NULL: this machine has no such disk. */
static struct block_device *disk_by_serial(const char *serial)
{
	struct block_device *device;

	block_wait_for_probe();
	for (unsigned int i = 0; (device = block_device_at(i)); i++) {
		if (!device->partition && !strcmp(device->disk->serial, serial)) {
			pr_info("ktest: the disk '%s' is %s\n", serial, device->name);
			return device;
		}
		block_device_put(device);
	}
	return NULL;
}

/* ---- one transfer ---------------------------------------------------------------------------- */

struct transfer {
	struct bio       *bio;
	uint32_t          nr_pages;
	struct completion done;
	struct page      *pages[PAGES_MAX];
};

static void transfer_done(struct bio *bio)
{
	complete(bio->private);
}

static void transfer_free(struct transfer *transfer)
{
	if (!transfer)
		return;
	for (uint32_t i = 0; i < transfer->nr_pages; i++)
		page_put(transfer->pages[i]);
	if (transfer->bio)
		bio_free(transfer->bio);
	kfree(transfer);
}

static struct transfer *transfer_new(struct block_device *device, enum block_operation operation,
                                     uint64_t sector, uint32_t nr_pages)
{
	struct transfer *transfer = kzalloc(sizeof(*transfer), ALLOC_KERNEL);

	if (!transfer)
		return NULL;
	transfer->bio = bio_alloc(nr_pages, ALLOC_KERNEL);
	transfer->nr_pages = pages_alloc_bulk(transfer->pages, nr_pages, ALLOC_KERNEL);
	if (!transfer->bio || transfer->nr_pages < nr_pages) {
		transfer_free(transfer);
		return NULL;
	}
	completion_init(&transfer->done);
	bio_target(transfer->bio, device, operation, sector);
	for (uint32_t i = 0; i < nr_pages; i++)
		bio_add_page(transfer->bio, transfer->pages[i], 0, PAGE_SIZE);
	transfer->bio->done = transfer_done;
	transfer->bio->private = &transfer->done;
	return transfer;
}

static uint64_t *word_of(const struct transfer *transfer, uint64_t i)
{
	uint64_t *page = page_to_virt(transfer->pages[i * 8 / PAGE_SIZE]);

	return page + i % (PAGE_SIZE / 8);
}

static bool is_as_made(const struct transfer *transfer, uint64_t turned)
{
	uint64_t first = transfer->bio->sector * WORDS_PER_SECTOR;

	for (uint64_t i = 0; i < transfer->nr_pages * PAGE_SIZE / 8; i++) {
		if (*word_of(transfer, i) != (pattern(first + i) ^ turned))
			return false;
	}
	return true;
}

static int move(struct block_device *device, enum block_operation operation, uint64_t sector,
                uint32_t nr_pages, uint64_t turned)
{
	struct transfer *transfer = transfer_new(device, operation, sector, nr_pages);
	int err;

	if (!transfer)
		return -ENOMEM;
	for (uint64_t i = 0; i < nr_pages * PAGE_SIZE / 8 && operation == BLOCK_WRITE; i++)
		*word_of(transfer, i) = pattern(sector * WORDS_PER_SECTOR + i) ^ turned;
	bio_submit(transfer->bio);
	completion_wait(&transfer->done);
	err = transfer->bio->error;
	if (!err && operation == BLOCK_READ && !is_as_made(transfer, turned))
		err = -EILSEQ;
	transfer_free(transfer);
	return err;
}

/* ---- many at once ---------------------------------------------------------------------------- */

struct reader {
	struct block_device *device;
	uint64_t             seed;
	int                  err;
	struct completion    done;
};

static uint64_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ul + 1442695040888963407ul;
	return *seed >> 33;
}

static int read_batch(struct reader *reader, struct transfer *transfers[IN_FLIGHT])
{
	uint64_t nr_pages = block_device_sectors(reader->device) / 2 / SECTORS_PER_PAGE - 16;
	struct block_plug plug;
	int err = 0;

	block_plug_begin(&plug);
	for (unsigned int i = 0; i < IN_FLIGHT; i++) {
		uint64_t page = next(&reader->seed) % nr_pages;

		transfers[i] = transfer_new(reader->device, BLOCK_READ, page * SECTORS_PER_PAGE,
		                            1 + (uint32_t)(next(&reader->seed) % 5));
		if (transfers[i])
			bio_submit(transfers[i]->bio);
	}
	block_plug_end(&plug);
	for (unsigned int i = 0; i < IN_FLIGHT; i++) {
		if (transfers[i]) {
			completion_wait(&transfers[i]->done);
			err = transfers[i]->bio->error ? transfers[i]->bio->error :
			      is_as_made(transfers[i], 0) ? err : -EILSEQ;
		}
		transfer_free(transfers[i]);
	}
	return err;
}

static void reader_run(void *arg)
{
	struct transfer *transfers[IN_FLIGHT];
	struct reader *reader = arg;

	for (int round = 0; round < ROUNDS && !reader->err; round++)
		reader->err = read_batch(reader, transfers);
	complete(&reader->done);
	thread_exit();
}

static int read_by_threads(struct block_device *device)
{
	struct reader readers[THREADS];
	struct thread *thread;
	int err = 0;

	for (unsigned int i = 0; i < THREADS; i++) {
		readers[i] = (struct reader){ .device = device, .seed = i };
		completion_init(&readers[i].done);
		if (kthread_create("reader", reader_run, &readers[i], &thread) < 0)
			complete(&readers[i].done);
		else
			thread_start(thread);
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		completion_wait(&readers[i].done);
		err = readers[i].err ? readers[i].err : err;
	}
	return err;
}

/* ---- the tests ------------------------------------------------------------------------------- */

/* Sizes below and above what fits a slot's own table, and what fits one request. */
static const uint32_t sizes[] = { 1, 2, 10, 11, 12, 64, 126, 127, 128, 256 };

KTEST(virtio_disk_reads_what_the_host_wrote)
{
	struct block_device *device = disk_by_serial("pattern");
	int err = 0;

	if (!device)
		return;
	for (unsigned int i = 0; i < array_size(sizes) && !err; i++)
		err = move(device, BLOCK_READ, 8 * i, sizes[i], 0);
	if (!err)
		err = read_by_threads(device);
	block_device_put(device);
	KTEST_ASSERT(!err);
}

KTEST(virtio_disk_keeps_what_is_written_and_clears_what_is_cleared)
{
	struct block_device *device = disk_by_serial("pattern");
	uint64_t half, at, sectors;
	char bytes[SECTOR_SIZE];
	int err = 0, cleared, beyond;

	if (!device)
		return;
	sectors = block_device_sectors(device);
	half = sectors / 2;
	at = half;
	for (unsigned int i = 0; at < sectors && !err; i++) {
		uint32_t nr = (uint32_t)min((uint64_t)sizes[i % array_size(sizes)],
		                            (sectors - at) / SECTORS_PER_PAGE);

		err = move(device, BLOCK_WRITE, at, nr, ~0ul);
		if (!err)
			err = move(device, BLOCK_READ, at, nr, ~0ul);
		at += nr * SECTORS_PER_PAGE;
	}
	if (!err)
		err = block_flush(device);
	cleared = block_clear(device, BLOCK_WRITE_ZEROES, half - 8, 8, 0);
	if (!cleared)
		cleared = block_read(device, (half - 1) * SECTOR_SIZE, bytes, sizeof(bytes));
	beyond = block_read(device, sectors * SECTOR_SIZE, bytes, sizeof(bytes));
	block_device_put(device);
	KTEST_ASSERT(!err);
	KTEST_ASSERT(!cleared && bytes[0] == 0 && bytes[SECTOR_SIZE - 1] == 0);
	KTEST_ASSERT(beyond == -EIO);
}

KTEST(virtio_disk_that_is_read_only_is_not_written)
{
	struct block_device *device = disk_by_serial("readonly");
	int read, written;
	bool is_readonly;

	if (!device)
		return;
	read = move(device, BLOCK_READ, 0, 4, 0);
	written = move(device, BLOCK_WRITE, 0, 4, 0);
	is_readonly = block_device_is_readonly(device);
	block_device_put(device);
	KTEST_ASSERT(!read && is_readonly);
	KTEST_ASSERT(written == -EPERM);
}

KTEST(virtio_disk_tells_of_errors_where_they_are)
{
	struct block_device *device = disk_by_serial("errors");
	int before, bad_read, bad_write, after;

	if (!device)
		return;
	before = move(device, BLOCK_READ, 0, 4, 0);
	bad_read = move(device, BLOCK_READ, BAD_READ, 1, 0);
	bad_write = move(device, BLOCK_WRITE, BAD_WRITE, 1, 0);
	after = move(device, BLOCK_READ, 0, 4, 0);
	block_device_put(device);
	KTEST_ASSERT(!before && !after);
	KTEST_ASSERT(bad_read == -EIO);
	KTEST_ASSERT(bad_write == -EIO);
}
