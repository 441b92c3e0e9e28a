/*
 * The device that tests make. See fake_ktest.h.
 */
#include "drivers/virtio/fake_ktest.h"

#include <arch/layout.h>
#include <linux/errno.h>

#include "dev/disk.h"
#include "drivers/virtio/blk_impl.h"
#include "lib/atomic.h"
#include "lib/bits.h"
#include "lib/byteorder.h"
#include "lib/string.h"
#include "mem/alloc.h"

static const struct virtio_transport fake_transport;

static struct fake *to_fake(struct virtio_device *device)
{
	return container_of(device, struct fake, device);
}

/* ---- registers ------------------------------------------------------------------------------- */

static uint64_t fake_features(struct virtio_device *device)
{
	uint64_t modern = to_fake(device)->behaviour == FAKE_LEGACY ? 0 : BIT(VIRTIO_F_VERSION_1);

	return modern | BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_RING_F_EVENT_IDX) |
	       BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_BLK_F_SEG_MAX);
}

static void fake_accept(struct virtio_device *device, uint64_t features)
{
	to_fake(device)->accepted = features;
}

static uint8_t fake_status(struct virtio_device *device)
{
	return to_fake(device)->status;
}

static void fake_set_status(struct virtio_device *device, uint8_t status)
{
	struct fake *fake = to_fake(device);

	fake->nr_resets += status == 0;
	fake->status = status;
	if (fake->behaviour == FAKE_REFUSES)
		fake->status &= (uint8_t)~VIRTIO_CONFIG_S_FEATURES_OK;
}

static uint32_t fake_generation(struct virtio_device *device)
{
	return to_fake(device)->generation;
}

static uint32_t fake_read(struct virtio_device *device, uint32_t offset, uint32_t size)
{
	struct fake *fake = to_fake(device);
	uint32_t value = 0;

	if (offset + size > sizeof(fake->config))
		return ~0u;
	memcpy(&value, (const char *)&fake->config + offset, size);
	return value;
}

static void fake_write8(struct virtio_device *device, uint32_t offset, uint8_t value)
{
}

static uint32_t fake_queue_size_max(struct virtio_device *device, uint16_t index)
{
	return index || to_fake(device)->behaviour == FAKE_NO_QUEUE ? 0 : 32;
}

static int fake_interrupts_start(struct virtio_device *device, uint16_t nr_queues)
{
	return 0;
}

static void fake_interrupts_stop(struct virtio_device *device)
{
}

static int fake_queue_start(struct virtio_queue *queue)
{
	to_fake(queue->device)->queue = queue;
	return 0;
}

static void fake_queue_stop(struct virtio_queue *queue)
{
	virtio_settle(); /* the device's own work */
	to_fake(queue->device)->queue = NULL;
}

static void fake_notify(struct virtio_queue *queue)
{
	work_queue(&to_fake(queue->device)->work);
}

/* ---- the device ------------------------------------------------------------------------------ */

static uint8_t transfer(struct fake *fake, const struct virtio_blk_outhdr *header,
                        const struct vring_desc *data, unsigned int nr)
{
	uint64_t at = le64_to_cpu((__force __le64)header->sector) * SECTOR_SIZE;
	bool is_read = (__force uint32_t)header->type == VIRTIO_BLK_T_IN;

	for (unsigned int i = 0; i < nr; i++) {
		void *memory = phys_to_virt((__force uint64_t)data[i].addr);
		uint32_t length = (__force uint32_t)data[i].len;

		if (at + length > sizeof(fake->data))
			return VIRTIO_BLK_S_IOERR;
		if (is_read)
			memcpy(memory, fake->data + at, length);
		else
			memcpy(fake->data + at, memory, length);
		at += length;
	}
	return VIRTIO_BLK_S_OK;
}

/* The requests of these tests are small: they come with a table. */
static void request_serve(struct fake *fake, const struct vring_desc *head)
{
	const struct vring_desc *table = phys_to_virt((__force uint64_t)head->addr);
	unsigned int nr = (__force uint32_t)head->len / sizeof(*table);
	const struct virtio_blk_outhdr *header = phys_to_virt((__force uint64_t)table[0].addr);
	uint8_t *status = phys_to_virt((__force uint64_t)table[nr - 1].addr);
	uint32_t type = (__force uint32_t)header->type;

	*status = type == VIRTIO_BLK_T_FLUSH ? VIRTIO_BLK_S_OK :
	          type == VIRTIO_BLK_T_GET_ID ? VIRTIO_BLK_S_UNSUPP :
	          transfer(fake, header, table + 1, nr - 2);
	if (fake->behaviour == FAKE_BAD_STATUS)
		*status = 0x7e;
}

static void entry_put(struct fake *fake, struct vring_used *used, uint16_t head)
{
	uint16_t size = fake->queue->ring.size;
	struct vring_used_elem *entry = &used->ring[fake->used++ % size];
	uint32_t id = fake->behaviour == FAKE_WRONG_ID ? head ^ 1u : head;
	uint32_t length = fake->behaviour == FAKE_TOO_LONG ? 1u << 20 : 1;

	entry->id = (__force __virtio32)id;
	entry->len = (__force __virtio32)length;
	if (fake->behaviour == FAKE_RUNS_AHEAD)
		fake->used = (uint16_t)(fake->used + size);
	smp_wmb(); /* the entry before the index; pairs with virtqueue_take() */
	WRITE_ONCE(used->idx, (__force __virtio16)fake->used);
}

static void device_run(struct work *work)
{
	struct fake *fake = container_of(work, struct fake, work);
	struct virtqueue *ring = fake->queue ? &fake->queue->ring : NULL;
	char *memory = fake->queue ? fake->queue->memory : NULL;

	if (!ring || !(fake->status & VIRTIO_CONFIG_S_DRIVER_OK))
		return;
	struct vring_avail *avail = (void *)(memory + virtqueue_avail_offset(ring->size));
	struct vring_used *used = (void *)(memory + virtqueue_used_offset(ring->size));
	const struct vring_desc *table = (void *)memory;

	while (fake->behaviour != FAKE_SILENT &&
	       fake->seen != (__force uint16_t)READ_ONCE(avail->idx)) {
		uint16_t head = (__force uint16_t)avail->ring[fake->seen++ % ring->size];

		if (fake->behaviour != FAKE_WRONG_ID &&
		    (__force uint16_t)table[head].flags & VRING_DESC_F_INDIRECT)
			request_serve(fake, &table[head]);
		entry_put(fake, used, head);
	}
	WRITE_ONCE(*(__virtio16 *)(void *)&used->ring[ring->size], (__force __virtio16)fake->seen);
	virtio_queue_interrupt(fake->queue);
}

/* ---- for tests ------------------------------------------------------------------------------- */

struct fake *fake_create(enum fake_behaviour behaviour)
{
	struct fake *fake = kzalloc(sizeof(*fake), ALLOC_KERNEL);

	if (!fake)
		return NULL;
	fake->behaviour = behaviour;
	fake->config.capacity = (__force __virtio64)cpu_to_le64(FAKE_SECTORS);
	fake->config.seg_max = (__force __virtio32)cpu_to_le32(8);
	fake->device.transport = &fake_transport;
	fake->device.id = VIRTIO_ID_BLOCK;
	fake->device.parent = "a test";
	work_init(&fake->work, device_run);
	return fake;
}

void fake_destroy(struct fake *fake, bool was_added)
{
	if (was_added)
		virtio_device_remove(&fake->device);
	virtio_settle();
	kfree(fake);
}

struct block_device *fake_disk(struct fake *fake)
{
	struct blk *blk = fake->device.driver ? fake->device.private : NULL;

	return blk ? block_device_get(blk->disk->whole) : NULL;
}

void fake_resize(struct fake *fake, uint64_t nr_sectors)
{
	fake->config.capacity = (__force __virtio64)cpu_to_le64(nr_sectors);
	fake->generation++;
	virtio_config_interrupt(&fake->device);
	work_drain();
}

static const struct virtio_transport fake_transport = {
	.name = "fake",
	.features = fake_features,
	.accept = fake_accept,
	.status = fake_status,
	.set_status = fake_set_status,
	.generation = fake_generation,
	.read = fake_read,
	.write8 = fake_write8,
	.queue_size_max = fake_queue_size_max,
	.interrupts_start = fake_interrupts_start,
	.interrupts_stop = fake_interrupts_stop,
	.queue_start = fake_queue_start,
	.queue_stop = fake_queue_stop,
	.notify = fake_notify,
};
