/*
 * The split virtqueue (Virtual I/O Device Specification 1.2, section 2.7), as a driver sees it: a
 * ring in memory that the device reads and writes too. Pure: no interrupts, no registers, no
 * allocation, so that test/unit/virtqueue_test.c runs it against a device that lies.
 *
 *	virtqueue_add(queue, &chain);                 as often as one likes
 *	if (virtqueue_publish(queue))                 the device sees them from here on
 *		(ring the device's bell)
 *	...
 *	while (!virtqueue_take(queue, &used))         what it has done
 *		...
 *	if (virtqueue_interrupts_on(queue))           more has come meanwhile: take again
 *
 * **The device is not trusted.** Nothing that it can write decides what we do to our memory: which
 * descriptors are free and in flight, how a chain goes on and where the indices stand is kept in
 * `slots` and in struct virtqueue; the ring's memory is written and, but for the used ring, never
 * read back. An entry of the used ring is believed only if its id is in flight and its length is
 * not more than the device could write there; the used index may not run ahead of what is in
 * flight. The first lie breaks the queue: everything is -EIO from then on, `complaint` says why,
 * and the owner resets the device before it calls virtqueue_abandon() for what is in flight.
 *
 * Locking: none; whoever owns the queue lets one CPU in at a time. virtqueue_interrupts_off() alone
 * may run beside the others: in the interrupt handler.
 *
 * Not here: the packed ring, which would save the device a cache line and us nothing.
 */
#pragma once

#include <linux/virtio_ring.h>

#include "lib/types.h"

enum { VIRTQUEUE_SIZE_MAX = 32768 };

/* A piece of memory for the device. */
struct virtqueue_segment {
	paddr_t  address;
	uint32_t length; /* not 0 */
};

/* What is handed to the device as one: it reads the first segments and writes the others. */
struct virtqueue_chain {
	const struct virtqueue_segment *segments;
	uint16_t nr_readable, nr_writable; /* together at least 1 */
	void    *token;                    /* comes back from virtqueue_take(); not NULL */
	/*
	 * Room for a descriptor a segment, the device's until the chain is taken: the chain then
	 * needs one descriptor of the ring. NULL, or no VIRTIO_RING_F_INDIRECT_DESC: one a segment.
	 */
	struct vring_desc *table;
	paddr_t  table_address;
};

/* What has come back. */
struct virtqueue_used {
	void    *token;
	uint32_t length; /* bytes that the device says it has written, at most what it could */
};

/* What we know of a descriptor. */
struct virtqueue_slot {
	void    *token;          /* NULL: it does not begin a chain in flight */
	uint32_t writable_bytes; /* of the chain that begins here */
	uint16_t nr_descriptors; /* of it in the ring */
	uint16_t next;           /* of the chain, or of the free ones */
};

struct virtqueue {
	struct vring_desc       *descriptors __const_after_init; /* shared: written only */
	struct vring_avail      *avail __const_after_init;       /* shared: written only */
	const struct vring_used *used __const_after_init;        /* shared: the device writes */
	struct virtqueue_slot   *slots __const_after_init;       /* ours */
	uint16_t size __const_after_init;                        /* a power of two */
	bool     has_event_index __const_after_init;             /* VIRTIO_RING_F_EVENT_IDX */
	bool     has_indirect __const_after_init;                /* VIRTIO_RING_F_INDIRECT_DESC */
	uint16_t first_free, nr_free;
	uint16_t nr_chains;   /* added and not taken */
	uint16_t avail_index; /* where the next chain goes */
	uint16_t published;   /* the avail index that the device sees */
	uint16_t used_index;  /* the next entry to take */
	const char *complaint; /* not NULL: the device has misbehaved */
	void      (*fence)(void); /* the owner's: more than a full barrier (<arch/io.h>), or NULL */
};

/* Bytes of ring memory and of slots for a queue of this size. */
size_t virtqueue_memory_bytes(uint16_t size);
size_t virtqueue_slots_bytes(uint16_t size);

/*
 * An empty queue. `size` is a power of two up to VIRTQUEUE_SIZE_MAX; `memory` is aligned to 16 and
 * cleared here, as are the slots; both stay the caller's. `features` are the negotiated ones.
 * Interrupts are on.
 */
void virtqueue_init(struct virtqueue *queue, uint16_t size, uint64_t features, void *memory,
                    struct virtqueue_slot *slots);

/* Where the parts lie behind the start of the memory, to tell the device. */
size_t virtqueue_avail_offset(uint16_t size);
size_t virtqueue_used_offset(uint16_t size);

/*
 * Puts the chain into the ring, not yet visible to the device. -EAGAIN: not enough descriptors are
 * free (never, once the ring is empty, for a chain of up to `size` segments). -EIO: broken.
 */
__must_check int virtqueue_add(struct virtqueue *queue, const struct virtqueue_chain *chain);

/* Shows the device all that was added; true if it wants to be notified. */
__must_check bool virtqueue_publish(struct virtqueue *queue);

/* What the device has done with one chain. -EAGAIN: nothing more. -EIO: broken. */
__must_check int virtqueue_take(struct virtqueue *queue, struct virtqueue_used *out);

/*
 * No interrupts are wanted while the used ring is being emptied; they may still come. Any context.
 */
void virtqueue_interrupts_off(struct virtqueue *queue);

/* The next entry shall interrupt; true: there is one already, for which no interrupt may come. */
__must_check bool virtqueue_interrupts_on(struct virtqueue *queue);

/*
 * The same when three quarters of what is in flight are done; with a device that knows no event
 * index, any entry may interrupt before.
 */
__must_check bool virtqueue_interrupts_on_later(struct virtqueue *queue);

/*
 * Takes back one chain that the device has not done: its token, NULL when none is left. The device
 * has been reset, or it would go on with the memory.
 */
void *virtqueue_abandon(struct virtqueue *queue);

static inline bool virtqueue_is_broken(const struct virtqueue *queue)
{
	return queue->complaint;
}

static inline bool virtqueue_is_empty(const struct virtqueue *queue)
{
	return queue->nr_chains == 0;
}
