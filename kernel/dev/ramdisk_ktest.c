/*
 * The disk in memory that tests use. See ramdisk_ktest.h.
 */
#include "dev/ramdisk_ktest.h"

#include <linux/errno.h>

#include "lib/devnum.h"
#include "lib/string.h"
#include "mem/alloc.h"

static uint32_t next_minor __atomic;

static void transfer(struct ramdisk *ramdisk, struct block_request *request)
{
	char *at = ramdisk->data + (request->sector << SECTOR_SHIFT);
	struct block_cursor cursor = block_cursor_begin(request);
	struct block_extent extent;

	if (request->operation == BLOCK_DISCARD || request->operation == BLOCK_WRITE_ZEROES)
		memset(at, 0, request->nr_sectors << SECTOR_SHIFT);
	while (block_cursor_next(&cursor, &extent)) {
		char *memory = phys_to_virt(extent.address);

		if (request->operation == BLOCK_READ)
			memcpy(memory, at, extent.length);
		else
			memcpy(at, memory, extent.length);
		at += extent.length;
	}
}

static int error_of_locked(struct ramdisk *ramdisk, const struct block_request *request)
{
	if (!ramdisk->fail_in || (ramdisk->fail_operation != UINT32_MAX &&
	                          ramdisk->fail_operation != request->operation))
		return 0;
	return --ramdisk->fail_in ? 0 : ramdisk->fail_error;
}

static void note_locked(struct ramdisk *ramdisk, const struct block_request *request)
{
	if (ramdisk->nr_seen < RAMDISK_SEEN_MAX)
		ramdisk->seen[ramdisk->nr_seen] = (struct ramdisk_seen){
			.operation = request->operation, .fua = request->fua,
			.sector = request->sector, .nr_sectors = request->nr_sectors,
			.nr_segments = request->nr_segments,
		};
	ramdisk->nr_seen++;
}

static int ramdisk_queue(struct disk *disk, uint32_t queue, struct block_request *request)
{
	struct ramdisk *ramdisk = disk->private;
	uint64_t flags = spin_lock_irqsave(&ramdisk->lock);
	bool held = false;
	int error = 0;

	if (ramdisk->holds && ramdisk->room && ramdisk->nr_held == ramdisk->room) {
		spin_unlock_irqrestore(&ramdisk->lock, flags);
		return -EAGAIN;
	}
	note_locked(ramdisk, request);
	error = error_of_locked(ramdisk, request);
	if (ramdisk->holds && !error) {
		list_add_tail(&ramdisk->held, &request->link);
		ramdisk->nr_held++;
		held = true;
	}
	spin_unlock_irqrestore(&ramdisk->lock, flags);
	if (held)
		return 0;
	if (!error)
		transfer(ramdisk, request);
	block_request_complete(request, error);
	return 0;
}

static void ramdisk_commit(struct disk *disk, uint32_t queue)
{
	struct ramdisk *ramdisk = disk->private;
	uint64_t flags = spin_lock_irqsave(&ramdisk->lock);

	ramdisk->nr_commits++;
	spin_unlock_irqrestore(&ramdisk->lock, flags);
}

static struct block_request *held_take(struct ramdisk *ramdisk, bool newest)
{
	uint64_t flags = spin_lock_irqsave(&ramdisk->lock);
	struct block_request *request = NULL;

	if (!list_is_empty(&ramdisk->held)) {
		request = newest ? list_last_entry(&ramdisk->held, struct block_request, link)
		                 : list_first_entry(&ramdisk->held, struct block_request, link);
		list_remove(&request->link);
		ramdisk->nr_held--;
	}
	spin_unlock_irqrestore(&ramdisk->lock, flags);
	return request;
}

void ramdisk_hold(struct ramdisk *ramdisk)
{
	atomic_store_relaxed(&ramdisk->holds, true);
}

void ramdisk_release(struct ramdisk *ramdisk, bool backwards)
{
	struct block_request *request;

	atomic_store_relaxed(&ramdisk->holds, false);
	while ((request = held_take(ramdisk, backwards))) {
		transfer(ramdisk, request);
		block_request_complete(request, 0);
	}
	disk_kick(ramdisk->disk);
}

void ramdisk_fail_nth(struct ramdisk *ramdisk, uint32_t n, uint32_t operation, int error)
{
	uint64_t flags = spin_lock_irqsave(&ramdisk->lock);

	ramdisk->fail_in = n;
	ramdisk->fail_operation = operation;
	ramdisk->fail_error = error;
	spin_unlock_irqrestore(&ramdisk->lock, flags);
}

static const struct disk_ops ramdisk_ops = { .queue = ramdisk_queue, .commit = ramdisk_commit };

static int disk_make(struct ramdisk *ramdisk, const struct ramdisk_params *from)
{
	const struct disk_params params = {
		.name = from->name,
		.ops = &ramdisk_ops,
		.private = ramdisk,
		.number = dev_make(240, atomic_fetch_add(&next_minor, 16)),
		.minors = 16,
		.flags = from->flags,
		.nr_sectors = from->nr_sectors,
		.limits = from->limits,
		.nr_queues = from->nr_queues,
		.queue_depth = from->queue_depth,
		.serial = "ktest",
	};

	return disk_create(&params, &ramdisk->disk);
}

int ramdisk_create(const struct ramdisk_params *params, struct ramdisk **out)
{
	struct ramdisk *ramdisk = kzalloc(sizeof(*ramdisk), ALLOC_KERNEL);
	int err = -ENOMEM;

	if (!ramdisk)
		return -ENOMEM;
	spin_lock_init(&ramdisk->lock, RANK_IRQ_LEAF);
	list_init(&ramdisk->held);
	ramdisk->room = params->room;
	ramdisk->data = kvmalloc(params->nr_sectors << SECTOR_SHIFT, ALLOC_KERNEL | ALLOC_ZERO);
	if (ramdisk->data)
		err = disk_make(ramdisk, params);
	if (!err) {
		err = disk_add(ramdisk->disk);
		if (err)
			disk_put(ramdisk->disk);
	}
	if (err) {
		kvfree(ramdisk->data);
		kfree(ramdisk);
		return err;
	}
	block_wait_for_probe();
	ramdisk->nr_seen = ramdisk->nr_commits = 0;
	*out = ramdisk;
	return 0;
}

void ramdisk_destroy(struct ramdisk *ramdisk)
{
	disk_fail(ramdisk->disk);
	ramdisk_release(ramdisk, false);
	disk_remove(ramdisk->disk);
	disk_put(ramdisk->disk);
	kvfree(ramdisk->data);
	kfree(ramdisk);
}
