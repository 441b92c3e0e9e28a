/*
 * Queues of a disk: bios become requests, requests go to the driver. See disk_impl.h.
 *
 * Each hardware queue has its own requests, made with the disk: who finds none free leaves his bios
 * in the queue, and the next completion goes on. Two classes: bios for which somebody waits (reads,
 * BIO_SYNC) go first; a quarter of the requests is theirs alone; but after URGENT_RUN of them a
 * background one gets its turn. Within a class it is first come, first served, so that no submitter
 * starves another; neighbours that stand behind each other become one request.
 *
 * One CPU at a time talks to the driver for a queue; others leave their bios and `again` for it.
 */
#include <arch/percpu.h>

#include <linux/errno.h>

#include "core/panic.h"
#include "dev/disk_impl.h"
#include "lib/math.h"
#include "mem/alloc.h"
#include "mem/buddy.h"
#include "mem/page.h"
#include "sched/clock.h"

enum { URGENT_RUN = 16 };

/* Behind a WRITE_ZEROES that the disk does not know. Made with the first such disk. */
static struct page *zero_page __atomic;

/* ---- segments ----------------------------------------------------------------------------- */

static const struct bio *request_first(const struct block_request *request)
{
	return request->slice ? request->slice
	                      : list_first_entry(&request->bios, struct bio, link);
}

struct block_cursor block_cursor_begin(const struct block_request *request)
{
	const bool has_data = request->operation == BLOCK_READ || request->operation == BLOCK_WRITE;

	return (struct block_cursor){
		.max_bytes = request->disk->limits.max_segment_bytes,
		.bio = has_data ? request_first(request) : NULL,
		.segment = request->first_segment,
		.offset = request->first_offset,
		.left = has_data ? request->nr_sectors << SECTOR_SHIFT : 0,
	};
}

bool block_cursor_next(struct block_cursor *cursor, struct block_extent *extent)
{
	const struct bio *bio = cursor->bio;
	const struct bio_segment *segment;
	uint64_t n;

	if (!cursor->left)
		return false;
	if (!bio->nr_segments) {
		n = min(cursor->left, PAGE_SIZE);
		*extent = (struct block_extent){ page_to_phys(zero_page), (uint32_t)n };
		cursor->left -= n;
		return true;
	}
	if (cursor->segment == bio->nr_segments) {
		cursor->bio = bio = list_next_entry(bio, link);
		cursor->segment = 0;
	}
	segment = &bio->segments[cursor->segment];
	n = min(segment->length - cursor->offset, cursor->max_bytes);
	n = min(n, cursor->left);
	*extent = (struct block_extent){ page_to_phys(segment->page) + segment->offset +
	                                 cursor->offset, (uint32_t)n };
	cursor->left -= n;
	cursor->offset += (uint32_t)n;
	if (cursor->offset == segment->length) {
		cursor->offset = 0;
		cursor->segment++;
	}
	return true;
}

uint64_t bio_segments_needed(const struct bio *bio, const struct disk_limits *limits)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < bio->nr_segments; i++) {
		const uint32_t length = bio->segments[i].length;

		n += likely(length <= limits->max_segment_bytes)
		             ? 1 : div_round_up(length, limits->max_segment_bytes);
	}
	return n;
}

/* ---- requests ----------------------------------------------------------------------------- */

static uint64_t sectors_max(const struct disk_limits *limits, const struct bio *bio)
{
	if (bio->operation == BLOCK_DISCARD)
		return limits->max_discard_sectors;
	if (bio->operation != BLOCK_WRITE_ZEROES)
		return limits->max_sectors;
	if (limits->max_write_zeroes_sectors)
		return limits->max_write_zeroes_sectors;
	return min((uint64_t)limits->max_sectors,
	           (uint64_t)limits->max_segments << (PAGE_SHIFT - SECTOR_SHIFT));
}

static uint8_t operation_of(const struct disk *disk, const struct bio *bio)
{
	if (bio->operation == BLOCK_WRITE_ZEROES && !disk->limits.max_write_zeroes_sectors)
		return BLOCK_WRITE;
	return bio->operation;
}

/* The bio as a whole; false: it exceeds the limits. */
static bool take_whole(struct block_request *request, struct bio *bio)
{
	const struct disk_limits *limits = &request->disk->limits;
	uint64_t needed = bio_segments_needed(bio, limits);

	if (bio->issued || bio->nr_sectors > sectors_max(limits, bio) ||
	    needed > limits->max_segments)
		return false;
	request->nr_sectors = bio->nr_sectors;
	request->nr_segments = (uint32_t)needed;
	list_move_tail(&request->bios, &bio->link);
	return true;
}

/* What the limits allow of it, from where the last slice ended. */
static void take_slice(struct block_request *request, struct bio *bio)
{
	const struct disk_limits *limits = &request->disk->limits;
	const uint64_t total = bio->nr_sectors << SECTOR_SHIFT;
	uint64_t room = sectors_max(limits, bio) << SECTOR_SHIFT, bytes = 0;

	request->slice = bio;
	request->first_segment = bio->issued_segment;
	request->first_offset = bio->issued_offset;
	while (bio->nr_segments && room && request->nr_segments < limits->max_segments &&
	       bio->issued_segment < bio->nr_segments) {
		uint32_t left = bio->segments[bio->issued_segment].length - bio->issued_offset;
		uint32_t n = min(left, limits->max_segment_bytes);

		n = (uint32_t)min((uint64_t)n, room);
		bytes += n;
		room -= n;
		request->nr_segments++;
		bio->issued_offset += n;
		if (n == left) {
			bio->issued_segment++;
			bio->issued_offset = 0;
		}
	}
	if (!bio->nr_segments)
		bytes = min(room, total - bio->issued);
	request->sector += bio->issued >> SECTOR_SHIFT;
	request->nr_sectors = bytes >> SECTOR_SHIFT;
	bio->issued += bytes;
	if (bio->issued == total)
		list_remove_init(&bio->link);
	else
		atomic_inc(&bio->pending);
}

static bool can_join(const struct block_request *request, const struct bio *first,
                     const struct bio *bio)
{
	const struct disk_limits *limits = &request->disk->limits;

	return bio->start_sector == request->sector + request->nr_sectors &&
	       bio->operation == first->operation && bio->device == first->device &&
	       !((bio->flags ^ first->flags) & BIO_FUA) && bio->stage == STAGE_DATA &&
	       bio->nr_segments && !bio->issued &&
	       request->nr_sectors + bio->nr_sectors <= limits->max_sectors &&
	       request->nr_segments + bio_segments_needed(bio, limits) <= limits->max_segments;
}

/* Those that stand behind it in the queue and go on where it ends. */
static void merge(struct list *queue, struct block_request *request, const struct bio *first)
{
	while (!list_is_empty(queue)) {
		struct bio *bio = list_first_entry(queue, struct bio, link);

		if (!can_join(request, first, bio))
			return;
		request->nr_sectors += bio->nr_sectors;
		request->nr_segments +=
			(uint32_t)bio_segments_needed(bio, &request->disk->limits);
		list_move_tail(&request->bios, &bio->link);
		block_account_merge(request);
	}
}

/* Whose turn it is; NULL: nobody's, or not now. */
static struct list *queue_choose(struct disk_queue *queue)
{
	const bool background = !list_is_empty(&queue->background);

	if (!list_is_empty(&queue->urgent) && !(background && queue->urgent_run >= URGENT_RUN)) {
		queue->urgent_run++;
		return &queue->urgent;
	}
	if (!background || (queue->urgent_run < URGENT_RUN &&
	                    queue->nr_free <= queue->disk->queue_depth / 4))
		return NULL;
	queue->urgent_run = 0;
	return &queue->background;
}

static struct block_request *request_form(struct disk_queue *queue)
{
	struct block_request *request;
	struct list *bios;
	struct bio *bio;

	if (!queue->nr_free)
		return NULL;
	bios = queue_choose(queue);
	if (!bios)
		return NULL;
	bio = list_first_entry(bios, struct bio, link);
	request = list_first_entry(&queue->free, struct block_request, link);
	list_remove(&request->link);
	queue->nr_free--;
	list_init(&request->bios);
	request->slice = NULL;
	request->operation = operation_of(queue->disk, bio);
	request->fua = bio->flags & BIO_FUA && queue->disk->flags & DISK_FUA;
	request->keep = bio->flags & BIO_KEEP;
	request->sector = bio->start_sector;
	request->nr_segments = request->first_segment = request->first_offset = 0;
	request->error = 0;
	request->started_ns = clock_monotonic();
	if (!take_whole(request, bio))
		take_slice(request, bio);
	else if (bio->operation <= BLOCK_WRITE)
		merge(bios, request, bio);
	if (request->operation == BLOCK_WRITE && !bio->nr_segments)
		request->nr_segments = (uint32_t)div_round_up(request->nr_sectors << SECTOR_SHIFT,
		                                              PAGE_SIZE);
	block_account_start(request);
	return request;
}

/* ---- dispatch ------------------------------------------------------------------------------ */

/* The disk is gone: nobody waits in its queues any more. The lock is let go of and retaken. */
static void queue_drain(struct disk_queue *queue) __must_hold(&queue->lock)
{
	struct list bios = LIST_INIT(bios);
	struct block_request *stalled = queue->stalled;

	list_splice_tail(&bios, &queue->urgent);
	list_splice_tail(&bios, &queue->background);
	queue->stalled = NULL;
	spin_unlock(&queue->lock);
	if (stalled)
		block_request_complete(stalled, -EIO);
	while (!list_is_empty(&bios)) {
		struct bio *bio = list_first_entry(&bios, struct bio, link);

		list_remove_init(&bio->link);
		bio_end_later(bio, -EIO);
	}
	spin_lock(&queue->lock);
}

/* Hands on what can be handed on. True: the driver got something. */
static bool queue_pump(struct disk_queue *queue) __must_hold(&queue->lock)
{
	struct disk *disk = queue->disk;
	bool sent = false;

	while (!disk_has_failed(disk)) {
		struct block_request *request = queue->stalled;
		int err;

		queue->stalled = NULL;
		if (!request)
			request = request_form(queue);
		if (!request)
			return sent;
		spin_unlock(&queue->lock);
		err = disk->ops->queue(disk, queue->index, request);
		spin_lock(&queue->lock);
		if (err) {
			debug_assert(err == -EAGAIN);
			queue->stalled = request;
			return sent;
		}
		sent = true;
	}
	queue_drain(queue);
	return sent;
}

static void queue_dispatch(struct disk_queue *queue) __releases(&queue->lock)
{
	struct disk *disk = queue->disk;

	queue->again = true;
	if (queue->is_dispatching) {
		spin_unlock(&queue->lock);
		return;
	}
	queue->is_dispatching = true;
	while (queue->again) {
		queue->again = false;
		if (queue_pump(queue) && disk->ops->commit) {
			spin_unlock(&queue->lock);
			disk->ops->commit(disk, queue->index);
			spin_lock(&queue->lock);
		}
	}
	queue->is_dispatching = false;
	spin_unlock(&queue->lock);
}

static bool is_urgent(const struct bio *bio)
{
	return bio->stage == STAGE_INTERNAL || bio->flags & BIO_SYNC ||
	       (bio->operation == BLOCK_READ && !(bio->flags & BIO_READAHEAD));
}

void disk_queue_send(struct disk *disk, struct list *bios)
{
	struct disk_queue *queue = &disk->queues[cpu_id() % disk->nr_queues];

	spin_lock(&queue->lock);
	while (!list_is_empty(bios)) {
		struct bio *bio = list_first_entry(bios, struct bio, link);

		list_move_tail(is_urgent(bio) ? &queue->urgent : &queue->background, &bio->link);
	}
	queue_dispatch(queue);
}

void disk_queue_run(struct disk_queue *queue)
{
	spin_lock(&queue->lock);
	queue_dispatch(queue);
}

void disk_kick(struct disk *disk)
{
	for (uint32_t i = 0; i < disk->nr_queues; i++)
		disk_queue_run(&disk->queues[i]);
}

void disk_request_done(struct block_request *request)
{
	struct disk_queue *queue = &request->disk->queues[request->queue];

	spin_lock(&queue->lock);
	list_add_head(&queue->free, &request->link);
	queue->nr_free++;
	queue_dispatch(queue);
}

/* ---- memory -------------------------------------------------------------------------------- */

static int queue_create(struct disk *disk, uint32_t index)
{
	const size_t stride = align_up(sizeof(struct block_request) + disk->request_bytes, 16ul);
	struct disk_queue *queue = &disk->queues[index];
	char *memory = kvmalloc(stride * disk->queue_depth, ALLOC_KERNEL | ALLOC_ZERO);

	if (!memory)
		return -ENOMEM;
	spin_lock_init(&queue->lock, RANK_BLOCK);
	list_init(&queue->urgent);
	list_init(&queue->background);
	list_init(&queue->free);
	queue->disk = disk;
	queue->index = index;
	queue->requests = memory;
	for (uint32_t tag = 0; tag < disk->queue_depth; tag++) {
		struct block_request *request = (void *)(memory + stride * tag);

		request->tag = (uint16_t)tag;
		request->queue = index;
		request->disk = disk;
		list_add_tail(&queue->free, &request->link);
	}
	queue->nr_free = disk->queue_depth;
	return 0;
}

static int zero_page_create(void)
{
	struct page *page, *none = NULL;

	if (atomic_load_relaxed(&zero_page))
		return 0;
	page = page_alloc(ALLOC_KERNEL | ALLOC_ZERO);
	if (!page)
		return -ENOMEM;
	if (!atomic_cmpxchg(&zero_page, &none, page))
		page_put(page);
	return 0;
}

int disk_queues_create(struct disk *disk)
{
	int err = disk->limits.max_write_zeroes_sectors ? 0 : zero_page_create();

	if (err)
		return err;
	disk->queues = kzalloc_array(disk->nr_queues, sizeof(*disk->queues), ALLOC_KERNEL);
	if (!disk->queues)
		return -ENOMEM;
	for (uint32_t i = 0; i < disk->nr_queues && !err; i++)
		err = queue_create(disk, i);
	if (err)
		disk_queues_destroy(disk);
	return err;
}

void disk_queues_destroy(struct disk *disk)
{
	for (uint32_t i = 0; disk->queues && i < disk->nr_queues; i++)
		kvfree(disk->queues[i].requests);
	kfree(disk->queues);
	disk->queues = NULL;
}
