/*
 * Bios: memory with a reserve, segments, plugs, and waiting for one. See bio.h.
 *
 * The reserve is a list of bios made when the first disk appears; it is refilled by bio_free().
 */
#include "dev/bio.h"

#include <linux/errno.h>

#include "core/panic.h"
#include "core/spinlock.h"
#include "dev/disk_impl.h"
#include "mem/alloc.h"
#include "mem/page.h"
#include "sched/thread.h"
#include "sched/wait.h"

enum { RESERVE_BIOS = 16, PLUG_MAX = 64 };

static struct {
	struct spinlock   lock; /* RANK_LEAF */
	struct list       free __guarded_by(lock);
	struct wait_queue wait;
	bool              is_made __guarded_by(lock);
} reserve = {
	.lock = SPINLOCK(RANK_LEAF),
	.free = LIST_INIT(reserve.free),
	.wait = WAIT_QUEUE(reserve.wait),
};

void bio_init(struct bio *bio, struct bio_segment *segments, uint32_t max_segments)
{
	*bio = (struct bio){
		.segments = segments,
		.max_segments = (uint16_t)max_segments,
		.link = LIST_INIT(bio->link),
	};
}

static struct bio *bio_make(uint32_t nr_segments, unsigned int flags)
{
	struct bio *bio = kmalloc(sizeof(*bio) + nr_segments * sizeof(bio->inline_segments[0]),
	                          flags);

	if (bio)
		bio_init(bio, bio->inline_segments, nr_segments);
	return bio;
}

static void reserve_give(struct bio *bio)
{
	spin_lock(&reserve.lock);
	list_add_head(&reserve.free, &bio->link);
	spin_unlock(&reserve.lock);
	wake_up_one(&reserve.wait);
}

static struct bio *reserve_take(void)
{
	struct bio *bio;

	spin_lock(&reserve.lock);
	bio = list_first_entry_or_null(&reserve.free, struct bio, link);
	if (bio)
		list_remove(&bio->link);
	spin_unlock(&reserve.lock);
	if (!bio)
		return NULL;
	bio_init(bio, bio->inline_segments, BIO_RESERVE_SEGMENTS);
	bio->from_reserve = true;
	return bio;
}

int bio_reserve_create(void)
{
	bool was_made;

	spin_lock(&reserve.lock);
	was_made = reserve.is_made;
	reserve.is_made = true;
	thread_unplug_hook = block_plug_flush;
	spin_unlock(&reserve.lock);
	for (int i = 0; !was_made && i < RESERVE_BIOS; i++) {
		struct bio *bio = bio_make(BIO_RESERVE_SEGMENTS, ALLOC_KERNEL);

		if (bio)
			reserve_give(bio);
		else if (i == 0)
			return -ENOMEM;
	}
	return 0;
}

struct bio *bio_alloc(uint32_t nr_segments, unsigned int flags)
{
	const unsigned int at_once = (flags & ~(unsigned int)ALLOC_MAY_RECLAIM) | ALLOC_NOWARN;
	const bool may_reserve = nr_segments <= BIO_RESERVE_SEGMENTS;
	struct bio *bio;

	debug_assert(nr_segments <= BIO_MAX_SEGMENTS);
	bio = bio_make(nr_segments, at_once);
	if (!bio && may_reserve)
		bio = reserve_take();
	if (bio || !(flags & ALLOC_MAY_RECLAIM))
		return bio;
	bio = bio_make(nr_segments, flags | ALLOC_NOWARN);
	if (!bio && may_reserve)
		wait_event_loop(&reserve.wait, (bio = reserve_take()), THREAD_UNINTERRUPTIBLE,
		                WAIT_FOREVER, true, , );
	return bio;
}

void bio_free(struct bio *bio)
{
	if (bio->from_reserve)
		reserve_give(bio);
	else
		kfree(bio);
}

void bio_target(struct bio *bio, struct block_device *device, enum block_operation operation,
                uint64_t sector)
{
	bio->device = device;
	bio->operation = operation;
	bio->sector = sector;
}

bool bio_add_page(struct bio *bio, struct page *page, uint32_t offset, uint32_t length)
{
	struct bio_segment *last = bio->nr_segments ? &bio->segments[bio->nr_segments - 1] : NULL;

	if (last && last->length + length >= length &&
	    page_to_phys(last->page) + last->offset + last->length == page_to_phys(page) + offset) {
		last->length += length;
		return true;
	}
	if (bio->nr_segments == bio->max_segments)
		return false;
	bio->segments[bio->nr_segments++] = (struct bio_segment){ page, offset, length };
	return true;
}

uint64_t bio_size(const struct bio *bio)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < bio->nr_segments; i++)
		bytes += bio->segments[i].length;
	return bytes;
}

/* ---- waiting ------------------------------------------------------------------------------ */

static void wake_waiter(struct bio *bio)
{
	complete(bio->private);
}

int bio_submit_wait(struct bio *bio)
{
	struct completion done;

	completion_init(&done);
	bio->done = wake_waiter;
	bio->private = &done;
	bio->flags |= BIO_SYNC;
	bio_submit(bio);
	block_plug_flush();
	completion_wait(&done);
	return bio->error;
}

/* ---- plugs -------------------------------------------------------------------------------- */

void block_plug_begin(struct block_plug *plug)
{
	struct thread *thread = thread_current();

	list_init(&plug->bios);
	plug->count = 0;
	plug->nested = thread->plug;
	if (!plug->nested)
		thread->plug = plug;
}

/* In runs of one disk. */
static void plug_send(struct block_plug *plug)
{
	struct list run = LIST_INIT(run);
	struct disk *disk = NULL;

	while (!list_is_empty(&plug->bios)) {
		struct bio *bio = list_first_entry(&plug->bios, struct bio, link);

		if (disk && bio->device->disk != disk)
			disk_queue_send(disk, &run);
		disk = bio->device->disk;
		list_move_tail(&run, &bio->link);
	}
	if (disk)
		disk_queue_send(disk, &run);
}

void block_plug_flush(void)
{
	struct thread *thread = thread_current();
	struct block_plug *plug = thread->plug;

	if (!plug)
		return;
	thread_clear_flag(thread, TF_PLUG);
	plug->count = 0;
	plug_send(plug);
}

void block_plug_end(struct block_plug *plug)
{
	if (plug->nested)
		return;
	block_plug_flush();
	thread_current()->plug = NULL;
}

static bool goes_before(const struct bio *one, const struct bio *other)
{
	if (one->device->disk != other->device->disk)
		return one->device->disk < other->device->disk;
	return one->start_sector < other->start_sector;
}

bool block_plug_add(struct bio *bio)
{
	struct thread *thread = thread_current();
	struct block_plug *plug = thread->plug;
	struct bio *before;

	if (!plug)
		return false;
	if (!plug->count++)
		thread_set_flag(thread, TF_PLUG);
	list_for_each_entry_reverse(before, &plug->bios, link) {
		if (!goes_before(bio, before))
			break;
	}
	list_add_head(&before->link, &bio->link);
	if (plug->count >= PLUG_MAX)
		block_plug_flush();
	return true;
}
