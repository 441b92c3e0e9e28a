/*
 * virtio-blk, between its two files: blk.c moves requests, blk_probe.c reads what the device is and
 * brings the disk up and down.
 *
 * For each request of the block layer there is a slot that the device sees: its header, its status,
 * and a table of descriptors that is enough for most; larger requests take descriptors of the ring.
 * So I/O allocates nothing.
 *
 * Locking: queue->lock over its ring, `segments` and is_gone. Slots belong to their request; the
 * device writes only their status, which is read once.
 */
#pragma once

#include <linux/virtio_blk.h>

#include "core/spinlock.h"
#include "dev/disk.h"
#include "drivers/virtio/device.h"
#include "sched/wait.h"

enum {
	BLK_RING_SIZE = 256,
	BLK_QUEUE_DEPTH = 64,
	BLK_TABLE_SIZE = 13,
	BLK_SEGMENTS_MAX = 126, /* of data: with header and status half a ring */
	BLK_STATUS_NONE = 0xff, /* what stands there until the device writes */
};

/* What the device sees of a request. */
struct blk_slot {
	struct vring_desc        table[BLK_TABLE_SIZE];
	struct virtio_blk_outhdr header;
	struct virtio_blk_discard_write_zeroes range;
	uint8_t                  status; /* the device's */
	uint8_t                  unused[15];
};
static_assert(sizeof(struct blk_slot) == 256, "a queue's slots are whole pages");

struct blk_queue {
	struct spinlock      lock;
	struct virtio_queue *queue __const_after_init;
	struct blk           *blk __const_after_init;
	struct blk_slot      *slots __const_after_init; /* by tag; in the direct map */
	struct virtqueue_segment *segments __guarded_by(lock); /* scratch: of one chain */
	bool                 is_gone __guarded_by(lock);
};

/* A question to the device that no request of the block layer is behind. */
struct blk_question {
	struct blk_slot   slot;
	char              answer[VIRTIO_BLK_ID_BYTES];
	struct completion done;
};

struct blk {
	struct virtio_device *device __const_after_init;
	struct disk          *disk __const_after_init;
	struct blk_question  *question; /* its token is the blk itself */
	uint64_t              nr_sectors __guarded_by(device->lock);
	uint32_t              index __const_after_init; /* 0: vda */
	uint32_t              nr_queues __const_after_init;
	bool                  may_unmap __const_after_init; /* when it writes zeroes */
	struct blk_queue      queues[];
};

extern const struct disk_ops blk_disk_ops;

/* Deferred work of a queue: ends what the device has done. */
void blk_serve(struct virtio_queue *queue);

/* The device has been reset: all in flight ends with EIO, and all that comes. May be repeated. */
void blk_queue_fail(struct blk_queue *queue);

/*
 * Asks for the serial number: 0 and a text of at most VIRTIO_BLK_ID_BYTES without an end, or
 * -errno. Once, before the disk is added; sleeps for a second at most.
 */
__must_check int blk_ask_serial(struct blk *blk, char serial[VIRTIO_BLK_ID_BYTES]);
