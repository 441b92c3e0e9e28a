/*
 * virtio-net (Virtual I/O Device Specification 1.2, section 5.1), between its files: net.c probes,
 * opens and sends, net_receive.c receives. One pair of queues.
 *
 * Received: each buffer is a page; a frame that needs several comes in so many, merged by the
 * number in its first header. Pages go up with the frame, and others take their place.
 *
 * Locking: receive.lock over the receive ring and the frame that is being put together, sending
 * over the transmit ring; each also over its half of the statistics. Frames go up, and done() is
 * called, without them.
 */
#pragma once

#include <linux/virtio_net.h>

#include "core/spinlock.h"
#include "dev/netdev.h"
#include "drivers/virtio/device.h"

enum {
	NET_RECEIVE_QUEUE, NET_TRANSMIT_QUEUE, NET_QUEUES,
	NET_RING_SIZE = 256,
	NET_FRAME_MIN = 14,
};

struct net {
	struct netdev         netdev;
	struct virtio_device *device __const_after_init;
	struct virtio_queue  *queues[NET_QUEUES] __const_after_init;

	struct spinlock       receiving;
	uint32_t              nr_buffers __guarded_by(receiving); /* in the ring */
	struct netbuf        *partial __guarded_by(receiving); /* a frame whose rest is to come */
	/* buffers of it, or of one that is being dropped */
	uint32_t              nr_missing __guarded_by(receiving);
	bool                  is_open __guarded_by(receiving);
	struct work           refill; /* in a thread, when there was no memory */

	struct spinlock       sending;
	bool                  is_full __guarded_by(sending); /* transmit() has said so */
	bool                  has_room __guarded_by(sending); /* since then, frames were sent */
	bool                  is_gone __atomic; /* written with both locks held */
	struct netdev_statistics statistics; /* received_*: receiving; sent_*: sending */
};

/* Deferred work of the receive queue. */
void net_receive(struct virtio_queue *queue);
/* In a thread: net->refill. */
void net_refill(struct work *work);
/* Fills the ring; -ENOMEM when not one buffer is in it. May sleep. */
__must_check int net_receive_start(struct net *net);
/* The device has been reset: takes the buffers back. May be repeated. */
void net_receive_fail(struct net *net);
