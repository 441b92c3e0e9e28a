/*
 * Flushes of a disk's volatile cache: one on its way, one set of bios waiting for the next. See
 * disk_impl.h. A flush that began before a bio came says nothing about that bio, so it is never
 * joined.
 */
#include <linux/errno.h>

#include "dev/disk_impl.h"
#include "mem/alloc.h"

static void flush_start(struct disk *disk)
{
	struct bio *bio = &disk->flush->bio;
	struct list one = LIST_INIT(one);

	bio_init(bio, NULL, 0);
	bio_target(bio, disk->whole, BLOCK_FLUSH, 0);
	bio->stage = STAGE_INTERNAL;
	bio->pending = 1;
	list_add_tail(&one, &bio->link);
	disk_queue_send(disk, &one);
}

/* If nobody does, the waiting ones are served now. True: start it. */
static bool flush_take_locked(struct disk_flush *flush)
{
	if (flush->is_busy || list_is_empty(&flush->waiting))
		return false;
	flush->is_busy = true;
	list_splice_tail(&flush->served, &flush->waiting);
	return true;
}

void disk_flush_add(struct disk *disk, struct bio *bio)
{
	struct disk_flush *flush = disk->flush;
	bool start;

	spin_lock(&flush->lock);
	list_add_tail(&flush->waiting, &bio->link);
	start = flush_take_locked(flush);
	spin_unlock(&flush->lock);
	if (start)
		flush_start(disk);
}

void disk_flush_done(struct disk *disk)
{
	struct disk_flush *flush = disk->flush;
	const int error = flush->bio.error;
	struct list served = LIST_INIT(served);
	bool start;

	spin_lock(&flush->lock);
	list_splice_tail(&served, &flush->served);
	flush->is_busy = false;
	start = flush_take_locked(flush);
	spin_unlock(&flush->lock);
	if (start)
		flush_start(disk);
	while (!list_is_empty(&served)) {
		struct bio *bio = list_first_entry(&served, struct bio, link);

		list_remove_init(&bio->link);
		if (error)
			bio->error = error;
		bio_stage_done(bio);
	}
}

int disk_flush_create(struct disk *disk)
{
	struct disk_flush *flush = kzalloc(sizeof(*flush), ALLOC_KERNEL);

	if (!flush)
		return -ENOMEM;
	spin_lock_init(&flush->lock, RANK_BLOCK);
	list_init(&flush->waiting);
	list_init(&flush->served);
	disk->flush = flush;
	return 0;
}
