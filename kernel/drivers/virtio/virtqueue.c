/*
 * The split virtqueue. See drivers/virtio/virtqueue.h.
 *
 * Memory: descriptors (16 bytes each), the available ring, then, aligned to 4, the used ring. Both
 * rings are followed by an event index: behind `avail` ours for the device's interrupts, behind
 * `used` the device's for our notifications.
 */
#include "drivers/virtio/virtqueue.h"

#include <linux/errno.h>

#include "core/panic.h"
#include "lib/atomic.h"
#include "lib/byteorder.h"
#include "lib/string.h"

/* virtio's integers are little-endian; its header has types of its own for them. */
static __virtio16 wire16(uint16_t value)
{
	return (__force __virtio16)cpu_to_le16(value);
}

static __virtio32 wire32(uint32_t value)
{
	return (__force __virtio32)cpu_to_le32(value);
}

static __virtio64 wire64(uint64_t value)
{
	return (__force __virtio64)cpu_to_le64(value);
}

static uint16_t from_wire16(__virtio16 value)
{
	return le16_to_cpu((__force __le16)value);
}

static uint32_t from_wire32(__virtio32 value)
{
	return le32_to_cpu((__force __le32)value);
}

/* An index, with order; sparse knows no atomic access to virtio's types. */
static void index_store_release(__virtio16 *at, uint16_t value)
{
	atomic_store_release((__force uint16_t *)at, (__force uint16_t)wire16(value));
}

static uint16_t index_load_acquire(const __virtio16 *at)
{
	return from_wire16((__force __virtio16)atomic_load_acquire((const __force uint16_t *)at));
}

size_t virtqueue_avail_offset(uint16_t size)
{
	return size * sizeof(struct vring_desc);
}

size_t virtqueue_used_offset(uint16_t size)
{
	size_t end = virtqueue_avail_offset(size) + sizeof(struct vring_avail) +
	             (size + 1ul) * sizeof(__virtio16);

	return (end + VRING_USED_ALIGN_SIZE - 1) & ~(VRING_USED_ALIGN_SIZE - 1ul);
}

size_t virtqueue_memory_bytes(uint16_t size)
{
	return virtqueue_used_offset(size) + sizeof(struct vring_used) +
	       size * sizeof(struct vring_used_elem) + sizeof(__virtio16);
}

size_t virtqueue_slots_bytes(uint16_t size)
{
	return size * sizeof(struct virtqueue_slot);
}

void virtqueue_init(struct virtqueue *queue, uint16_t size, uint64_t features, void *memory,
                    struct virtqueue_slot *slots)
{
	char *base = memory;

	memset(memory, 0, virtqueue_memory_bytes(size));
	memset(slots, 0, virtqueue_slots_bytes(size));
	*queue = (struct virtqueue){
		.descriptors = memory,
		.avail = (void *)(base + virtqueue_avail_offset(size)),
		.used = (void *)(base + virtqueue_used_offset(size)),
		.slots = slots, .size = size, .nr_free = size,
		.has_event_index = features >> VIRTIO_RING_F_EVENT_IDX & 1,
		.has_indirect = features >> VIRTIO_RING_F_INDIRECT_DESC & 1,
	};
	for (uint16_t i = 0; i < size; i++)
		slots[i].next = (uint16_t)(i + 1);
}

/* ---- giving ---------------------------------------------------------------------------------- */

static struct vring_desc describe(const struct virtqueue_chain *chain, unsigned int i,
                                  uint16_t next)
{
	unsigned int last = chain->nr_readable + chain->nr_writable - 1u;
	uint16_t flags = i >= chain->nr_readable ? VRING_DESC_F_WRITE : 0;

	if (i < last)
		flags |= VRING_DESC_F_NEXT;
	return (struct vring_desc){
		.addr = wire64(chain->segments[i].address),
		.len = wire32(chain->segments[i].length),
		.flags = wire16(flags),
		.next = wire16(i < last ? next : 0),
	};
}

/* One descriptor of the ring, for the table that the chain brought. How many it took. */
static uint16_t add_indirect(struct virtqueue *queue, const struct virtqueue_chain *chain)
{
	unsigned int nr = chain->nr_readable + chain->nr_writable;
	uint16_t head = queue->first_free;

	for (unsigned int i = 0; i < nr; i++)
		chain->table[i] = describe(chain, i, (uint16_t)(i + 1));
	queue->descriptors[head] = (struct vring_desc){
		.addr = wire64(chain->table_address),
		.len = wire32(nr * (uint32_t)sizeof(struct vring_desc)),
		.flags = wire16(VRING_DESC_F_INDIRECT),
	};
	queue->first_free = queue->slots[head].next;
	return 1;
}

static uint16_t add_direct(struct virtqueue *queue, const struct virtqueue_chain *chain)
{
	unsigned int nr = chain->nr_readable + chain->nr_writable;
	uint16_t at = queue->first_free;

	for (unsigned int i = 0; i < nr; i++) {
		queue->descriptors[at] = describe(chain, i, queue->slots[at].next);
		at = queue->slots[at].next;
	}
	queue->first_free = at;
	return (uint16_t)nr;
}

static uint32_t writable_bytes(const struct virtqueue_chain *chain)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < chain->nr_writable; i++)
		sum += chain->segments[chain->nr_readable + i].length;
	return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

int virtqueue_add(struct virtqueue *queue, const struct virtqueue_chain *chain)
{
	unsigned int nr = chain->nr_readable + chain->nr_writable;
	bool is_indirect = chain->table && queue->has_indirect;
	uint16_t head = queue->first_free, taken;

	if (unlikely(queue->complaint))
		return -EIO;
	if (queue->nr_free < (is_indirect ? 1 : nr))
		return -EAGAIN;
	debug_assert(nr > 0 && chain->token);
	taken = is_indirect ? add_indirect(queue, chain) : add_direct(queue, chain);
	struct virtqueue_slot *slot = &queue->slots[head];

	slot->token = chain->token;
	slot->writable_bytes = writable_bytes(chain);
	slot->nr_descriptors = taken;
	queue->nr_free = (uint16_t)(queue->nr_free - taken);
	queue->nr_chains++;
	queue->avail->ring[queue->avail_index & (queue->size - 1)] = wire16(head);
	queue->avail_index++;
	return 0;
}

/* Stores before it are seen by the device before loads behind it are done. */
static void fence(const struct virtqueue *queue)
{
	smp_mb();
	if (unlikely(queue->fence))
		queue->fence();
}

bool virtqueue_publish(struct virtqueue *queue)
{
	const struct vring_used *used = queue->used;
	uint16_t old = queue->published, now = queue->avail_index;

	if (old == now)
		return false;
	queue->published = now;
	/* entries and descriptors before the index; pairs with the device's reading of it */
	index_store_release(&queue->avail->idx, now);
	/* the index before the question; pairs with the device's, which asks the other way round */
	fence(queue);
	if (queue->has_event_index) {
		const void *event = &used->ring[queue->size];

		return vring_need_event(from_wire16(READ_ONCE(*(const __virtio16 *)event)), now,
		                        old);
	}
	return !(from_wire16(READ_ONCE(used->flags)) & VRING_USED_F_NO_NOTIFY);
}

/* ---- taking ---------------------------------------------------------------------------------- */

static int complain(struct virtqueue *queue, const char *what)
{
	queue->complaint = what;
	return -EIO;
}

/* Gives the chain's descriptors back to the free ones. */
static void release(struct virtqueue *queue, uint16_t head)
{
	struct virtqueue_slot *slot = &queue->slots[head];
	uint16_t last = head;

	for (unsigned int i = 1; i < slot->nr_descriptors; i++)
		last = queue->slots[last].next;
	queue->slots[last].next = queue->first_free;
	queue->first_free = head;
	queue->nr_free = (uint16_t)(queue->nr_free + slot->nr_descriptors);
	queue->nr_chains--;
	slot->token = NULL;
}

static uint16_t nr_waiting(const struct virtqueue *queue)
{
	/* entries after the index; pairs with the device's writing of it */
	return (uint16_t)(index_load_acquire(&queue->used->idx) - queue->used_index);
}

int virtqueue_take(struct virtqueue *queue, struct virtqueue_used *out)
{
	uint16_t waiting = nr_waiting(queue);
	const struct vring_used_elem *entry;
	struct virtqueue_slot *slot;
	uint32_t id;

	if (unlikely(queue->complaint))
		return -EIO;
	if (!waiting)
		return -EAGAIN;
	if (unlikely(waiting > queue->nr_chains))
		return complain(queue, "its used index runs ahead");
	entry = &queue->used->ring[queue->used_index & (queue->size - 1)];
	id = from_wire32(READ_ONCE(entry->id));
	if (unlikely(id >= queue->size || !queue->slots[id].token))
		return complain(queue, "it has used what it was not given");
	slot = &queue->slots[id];
	out->length = from_wire32(READ_ONCE(entry->len));
	if (unlikely(out->length > slot->writable_bytes))
		return complain(queue, "it has written more than there is room for");
	out->token = slot->token;
	queue->used_index++;
	release(queue, (uint16_t)id);
	return 0;
}

/* With event indices nothing need be done: the index that was asked for has passed. */
void virtqueue_interrupts_off(struct virtqueue *queue)
{
	if (!queue->has_event_index)
		WRITE_ONCE(queue->avail->flags, wire16(VRING_AVAIL_F_NO_INTERRUPT));
}

/* The entry behind so many others shall interrupt; true: it is there already. */
static bool interrupt_behind(struct virtqueue *queue, uint16_t others)
{
	if (queue->has_event_index)
		WRITE_ONCE(queue->avail->ring[queue->size],
		           wire16((uint16_t)(queue->used_index + others)));
	else
		WRITE_ONCE(queue->avail->flags, wire16(0));
	/* the wish before the look; pairs with the device's index before its look at the wish */
	fence(queue);
	return nr_waiting(queue) > others;
}

bool virtqueue_interrupts_on(struct virtqueue *queue)
{
	return interrupt_behind(queue, 0);
}

bool virtqueue_interrupts_on_later(struct virtqueue *queue)
{
	return interrupt_behind(queue, (uint16_t)(queue->nr_chains * 3u / 4));
}

void *virtqueue_abandon(struct virtqueue *queue)
{
	for (uint16_t head = 0; queue->nr_chains && head < queue->size; head++) {
		void *token = queue->slots[head].token;

		if (!token)
			continue;
		release(queue, head);
		return token;
	}
	return NULL;
}
