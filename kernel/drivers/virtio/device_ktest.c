/*
 * Devices that lie, fall silent, go away or refuse: whoever waits for them hears of it, and nothing
 * is lost behind them.
 */
#include <linux/errno.h>

#include "core/ktest.h"
#include "dev/bio.h"
#include "dev/disk.h"
#include "drivers/virtio/fake_ktest.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mem/buddy.h"

KTEST(virtio_device_that_is_honest_keeps_what_is_written)
{
	struct fake *fake = fake_create(FAKE_HONEST);
	char text[512], back[512] = "";
	struct block_device *disk;
	int err, reads;

	KTEST_ASSERT(fake);
	err = virtio_device_add(&fake->device);
	disk = fake_disk(fake);
	memset(text, 'x', sizeof(text));
	if (disk)
		err = block_write(disk, 512 * 5, text, sizeof(text), 0);
	if (!err)
		err = block_flush(disk);
	reads = disk ? block_read(disk, 512 * 5, back, sizeof(back)) : -ENODEV;
	block_device_put(disk);
	fake_destroy(fake, disk);
	KTEST_ASSERT(disk && !err && !reads);
	KTEST_ASSERT(!memcmp(text, back, sizeof(text)));
}

KTEST(virtio_device_that_grows_is_a_larger_disk)
{
	struct fake *fake = fake_create(FAKE_HONEST);
	struct block_device *disk;
	uint64_t before = 0, after = 0;

	KTEST_ASSERT(fake);
	(void)!virtio_device_add(&fake->device);
	disk = fake_disk(fake);
	if (disk) {
		before = block_device_sectors(disk);
		fake_resize(fake, FAKE_SECTORS * 2);
		after = block_device_sectors(disk);
	}
	block_device_put(disk);
	fake_destroy(fake, disk);
	KTEST_ASSERT(before == FAKE_SECTORS && after == FAKE_SECTORS * 2);
}

/*
 * It was honest until now: what is asked of it from here on ends with this error, and if it lied,
 * it is reset and stays out of use.
 */
static int errors_after(enum fake_behaviour behaviour, bool *was_reset)
{
	struct fake *fake = fake_create(FAKE_HONEST);
	struct block_device *disk;
	uint32_t nr_resets;
	char buf[512];
	int err = -ENOMEM;

	if (!fake)
		return err;
	err = virtio_device_add(&fake->device);
	disk = fake_disk(fake);
	block_wait_for_probe();
	nr_resets = fake->nr_resets;
	if (disk) {
		atomic_store(&fake->behaviour, behaviour);
		err = block_read(disk, 0, buf, sizeof(buf));
	}
	work_drain();
	*was_reset = fake->nr_resets != nr_resets;
	if (disk && *was_reset && block_read(disk, 0, buf, sizeof(buf)) != -EIO)
		err = -EILSEQ;
	block_device_put(disk);
	fake_destroy(fake, disk);
	return err;
}

KTEST(virtio_device_that_lies_is_reset_and_its_requests_fail)
{
	static const enum fake_behaviour lies[] = {
		FAKE_WRONG_ID, FAKE_TOO_LONG, FAKE_RUNS_AHEAD,
	};
	bool was_reset;

	for (size_t i = 0; i < array_size(lies); i++) {
		KTEST_ASSERT(errors_after(lies[i], &was_reset) == -EIO);
		KTEST_ASSERT(was_reset);
	}
}

KTEST(virtio_device_with_a_strange_status_fails_that_request_alone)
{
	bool was_reset;

	KTEST_ASSERT(errors_after(FAKE_BAD_STATUS, &was_reset) == -EIO);
	KTEST_ASSERT(!was_reset);
}

static void note_done(struct bio *bio)
{
	complete(bio->private);
}

KTEST(virtio_device_that_is_silent_can_be_removed_and_its_requests_fail)
{
	struct fake *fake = fake_create(FAKE_HONEST);
	struct bio *bio = bio_alloc(1, ALLOC_KERNEL);
	struct page *page = page_alloc(ALLOC_KERNEL);
	struct block_device *disk;
	struct completion done;
	int err = 0;

	KTEST_ASSERT(fake && bio && page);
	(void)!virtio_device_add(&fake->device);
	block_wait_for_probe();
	disk = fake_disk(fake);
	completion_init(&done);
	if (disk) {
		atomic_store(&fake->behaviour, FAKE_SILENT);
		bio_target(bio, disk, BLOCK_READ, 0);
		bio_add_page(bio, page, 0, PAGE_SIZE);
		bio->done = note_done;
		bio->private = &done;
		bio_submit(bio);
	}
	fake_destroy(fake, disk);
	if (disk) {
		completion_wait(&done);
		err = bio->error;
	}
	block_device_put(disk);
	bio_free(bio);
	page_put(page);
	KTEST_ASSERT(disk && err == -EIO);
}

KTEST(virtio_device_that_cannot_be_used_is_left_alone)
{
	static const enum fake_behaviour reasons[] = { FAKE_REFUSES, FAKE_LEGACY, FAKE_NO_QUEUE };

	KTEST_NO_LEAK();
	for (size_t i = 0; i < array_size(reasons); i++) {
		struct fake *fake = fake_create(reasons[i]);
		int err;

		KTEST_ASSERT(fake);
		err = virtio_device_add(&fake->device);
		fake_destroy(fake, false);
		KTEST_ASSERT(err < 0);
	}
}
