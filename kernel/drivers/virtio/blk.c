/*
 * virtio-blk: requests (Virtual I/O Device Specification 1.2, section 5.2.6). See blk_impl.h.
 */
#include "drivers/virtio/blk_impl.h"

#include <linux/errno.h>

#include "lib/byteorder.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "sched/clock.h"

enum { ROUNDS_PER_SERVE = 4 };

#define SERIAL_TIMEOUT NS_PER_SEC

static const uint32_t request_types[] = {
	[BLOCK_READ] = VIRTIO_BLK_T_IN,
	[BLOCK_WRITE] = VIRTIO_BLK_T_OUT,
	[BLOCK_FLUSH] = VIRTIO_BLK_T_FLUSH,
	[BLOCK_DISCARD] = VIRTIO_BLK_T_DISCARD,
	[BLOCK_WRITE_ZEROES] = VIRTIO_BLK_T_WRITE_ZEROES,
};

/* ---- giving ---------------------------------------------------------------------------------- */

static void slot_set(struct blk_slot *slot, uint32_t type, uint64_t sector)
{
	slot->header = (struct virtio_blk_outhdr){
		.type = (__force __virtio32)cpu_to_le32(type),
		.sector = (__force __virtio64)cpu_to_le64(sector),
	};
	slot->status = BLK_STATUS_NONE;
}

static bool has_range(const struct block_request *request)
{
	return request->operation == BLOCK_DISCARD || request->operation == BLOCK_WRITE_ZEROES;
}

/* The range of sectors is data to be read; the header's own sector means nothing then. */
static void range_set(struct blk_slot *slot, const struct block_request *request, bool may_unmap)
{
	bool unmap = request->operation == BLOCK_WRITE_ZEROES && may_unmap && !request->keep;

	slot->range = (struct virtio_blk_discard_write_zeroes){
		.sector = cpu_to_le64(request->sector),
		.num_sectors = cpu_to_le32((uint32_t)request->nr_sectors),
		.flags = cpu_to_le32(unmap ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0),
	};
	slot->header.sector = 0;
}

static uint16_t data_describe(struct virtqueue_segment *segments,
                              const struct block_request *request)
{
	struct block_cursor cursor = block_cursor_begin(request);
	struct block_extent extent;
	uint16_t nr = 0;

	while (nr < BLK_SEGMENTS_MAX && block_cursor_next(&cursor, &extent))
		segments[nr++] = (struct virtqueue_segment){ extent.address, extent.length };
	return nr;
}

/* Header, data, status, as the chain that the device gets. With the lock held. */
static int chain_add(struct blk_queue *queue, struct block_request *request, struct blk_slot *slot)
{
	struct virtqueue_segment *segments = queue->segments;
	uint16_t nr = 1;

	segments[0] = (struct virtqueue_segment){ virt_to_phys(&slot->header),
		                                  sizeof(slot->header) };
	if (has_range(request))
		segments[nr++] = (struct virtqueue_segment){ virt_to_phys(&slot->range),
			                                     sizeof(slot->range) };
	else
		nr = (uint16_t)(nr + data_describe(segments + 1, request));
	segments[nr++] = (struct virtqueue_segment){ virt_to_phys(&slot->status), 1 };
	const bool is_read = request->operation == BLOCK_READ;
	const struct virtqueue_chain chain = {
		.segments = segments,
		.nr_readable = is_read ? 1 : (uint16_t)(nr - 1),
		.nr_writable = is_read ? (uint16_t)(nr - 1) : 1,
		.token = request,
		.table = nr <= BLK_TABLE_SIZE ? slot->table : NULL,
		.table_address = virt_to_phys(slot->table),
	};

	return virtqueue_add(&queue->queue->ring, &chain);
}

static int blk_queue(struct disk *disk, uint32_t index, struct block_request *request)
{
	struct blk *blk = disk->private;
	struct blk_queue *queue = &blk->queues[index];
	struct blk_slot *slot = &queue->slots[request->tag];
	int err;

	slot_set(slot, request_types[request->operation], request->sector);
	if (has_range(request))
		range_set(slot, request, blk->may_unmap);
	spin_lock(&queue->lock);
	err = queue->is_gone ? -EIO : chain_add(queue, request, slot);
	spin_unlock(&queue->lock);
	if (err != -EIO)
		return err;
	block_request_complete(request, -EIO);
	return 0;
}

static void blk_commit(struct disk *disk, uint32_t index)
{
	struct blk *blk = disk->private;
	struct blk_queue *queue = &blk->queues[index];

	spin_lock(&queue->lock);
	if (!queue->is_gone)
		virtio_queue_publish(queue->queue);
	spin_unlock(&queue->lock);
}

/* ---- taking ---------------------------------------------------------------------------------- */

static int error_of(uint8_t status)
{
	return status == VIRTIO_BLK_S_OK ? 0 : status == VIRTIO_BLK_S_UNSUPP ? -EOPNOTSUPP : -EIO;
}

/* With the lock held. */
static void token_take(struct blk_queue *queue, void *token, struct list *done)
{
	struct block_request *request = token;

	if (token == queue->blk)
		complete(&queue->blk->question->done);
	else
		list_add_tail(done, &request->link);
}

/* Ends them; lost: the device has not done them. */
static void end_all(struct blk_queue *queue, struct list *done, bool lost)
{
	while (!list_is_empty(done)) {
		struct block_request *request = list_first_entry(done, struct block_request, link);
		uint8_t status = READ_ONCE(queue->slots[request->tag].status);

		list_remove(&request->link);
		block_request_complete(request, lost ? -EIO : error_of(status));
	}
}

/* True: more has come meanwhile. */
static bool serve_round(struct blk_queue *queue)
{
	struct virtqueue *ring = &queue->queue->ring;
	struct list done = LIST_INIT(done);
	struct virtqueue_used used;
	bool more;

	spin_lock(&queue->lock);
	while (!queue->is_gone && !virtqueue_take(ring, &used))
		token_take(queue, used.token, &done);
	more = virtqueue_interrupts_on(ring) && !queue->is_gone && !virtqueue_is_broken(ring);
	spin_unlock(&queue->lock);
	end_all(queue, &done, false);
	return more;
}

void blk_serve(struct virtio_queue *vqueue)
{
	struct blk_queue *queue = vqueue->private;
	int rounds = ROUNDS_PER_SERVE;

	while (serve_round(queue)) {
		if (--rounds == 0) {
			work_queue(&vqueue->work); /* others want to run, too */
			return;
		}
	}
}

void blk_queue_fail(struct blk_queue *queue)
{
	struct list lost = LIST_INIT(lost);
	void *token;

	spin_lock(&queue->lock);
	queue->is_gone = true;
	while ((token = virtqueue_abandon(&queue->queue->ring)))
		token_take(queue, token, &lost);
	spin_unlock(&queue->lock);
	end_all(queue, &lost, true);
}

/* ---- the serial number ----------------------------------------------------------------------- */

static int question_send(struct blk *blk)
{
	struct blk_question *question = blk->question;
	const struct virtqueue_segment segments[] = {
		{ virt_to_phys(&question->slot.header), sizeof(question->slot.header) },
		{ virt_to_phys(question->answer), sizeof(question->answer) },
		{ virt_to_phys(&question->slot.status), 1 },
	};
	const struct virtqueue_chain chain = {
		.segments = segments, .nr_readable = 1, .nr_writable = 2, .token = blk,
	};
	struct blk_queue *queue = &blk->queues[0];
	int err;

	slot_set(&question->slot, VIRTIO_BLK_T_GET_ID, 0);
	spin_lock(&queue->lock);
	err = virtqueue_add(&queue->queue->ring, &chain);
	if (!err)
		virtio_queue_publish(queue->queue);
	spin_unlock(&queue->lock);
	return err;
}

int blk_ask_serial(struct blk *blk, char serial[VIRTIO_BLK_ID_BYTES])
{
	struct blk_question *question = kzalloc(sizeof(*question), ALLOC_KERNEL);
	int err;

	if (!question)
		return -ENOMEM;
	completion_init(&question->done);
	blk->question = question;
	err = question_send(blk);
	if (!err)
		err = completion_wait_until(&question->done, clock_monotonic() + SERIAL_TIMEOUT);
	if (err)
		return err; /* the device may yet write: freed with the blk */
	err = error_of(READ_ONCE(question->slot.status));
	memcpy(serial, question->answer, VIRTIO_BLK_ID_BYTES);
	return err;
}

const struct disk_ops blk_disk_ops = { .queue = blk_queue, .commit = blk_commit };
