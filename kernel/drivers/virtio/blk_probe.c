/*
 * virtio-blk: what the device says of itself, and the disk that is made of it. See blk_impl.h.
 *
 * Every number of the configuration is bounded before the block layer hears of it. The write cache
 * is volatile if the device can be told to flush, unless it says that it writes through.
 */
#define pr_fmt(fmt) "virtio-blk: " fmt

#include <arch/percpu.h>
#include <linux/errno.h>

#include "core/printk.h"
#include "drivers/virtio/blk_impl.h"
#include "drivers/virtio/drivers.h"
#include "lib/bits.h"
#include "lib/devnum.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"

enum {
	MINORS = 16, DISKS_MAX = 64,
	BLOCK_MAX = 4096, SEGMENT_BYTES_MAX = 1 << 20, SECTORS_MAX = 2560,
};

#define CAPACITY_MAX (1ul << 54)

static struct {
	uint64_t in_use __atomic;                /* bit n: the n-th name is taken */
	uint32_t major __const_after_init;       /* from the first probe on; 0: not yet */
} disks;

#define config_field(device, field) virtio_config_field(device, virtio_blk_config, field)

/* ---- configuration --------------------------------------------------------------------------- */

static uint64_t capacity_of(struct virtio_device *device)
{
	return min(config_field(device, capacity), CAPACITY_MAX);
}

static uint32_t block_size_of(struct virtio_device *device)
{
	uint64_t size = SECTOR_SIZE;

	if (virtio_has(device, VIRTIO_BLK_F_BLK_SIZE))
		size = config_field(device, blk_size);
	if (size >= SECTOR_SIZE && size <= BLOCK_MAX && !(size & (size - 1)))
		return (uint32_t)size;
	pr_warn("%s has blocks of %lu bytes: taken for 512\n", device->name, size);
	return SECTOR_SIZE;
}

static void topology_read(struct virtio_device *device, struct disk_limits *limits)
{
	uint64_t exponent, offset;

	if (!virtio_has(device, VIRTIO_BLK_F_TOPOLOGY))
		return;
	exponent = config_field(device, physical_block_exp);
	offset = config_field(device, alignment_offset);
	if (exponent <= 8)
		limits->physical_block = limits->logical_block << exponent;
	if (exponent <= 8 && offset < 1ul << exponent)
		limits->alignment_offset = (uint32_t)offset * limits->logical_block;
	limits->io_min = (uint32_t)config_field(device, min_io_size) * limits->logical_block;
	limits->io_opt = (uint32_t)min(config_field(device, opt_io_size) * limits->logical_block,
	                               (uint64_t)UINT32_MAX);
}

/* Sectors of one range, in whole blocks; 0: it cannot be done. */
static uint32_t range_sectors(uint64_t sectors, const struct disk_limits *limits)
{
	return (uint32_t)align_down(min(sectors, (uint64_t)UINT32_MAX),
	                            (uint64_t)limits->logical_block / SECTOR_SIZE);
}

static void ranges_read(struct virtio_device *device, struct disk_limits *limits)
{
	uint64_t alignment;

	if (virtio_has(device, VIRTIO_BLK_F_DISCARD)) {
		limits->max_discard_sectors =
			range_sectors(config_field(device, max_discard_sectors), limits);
		alignment = config_field(device, discard_sector_alignment) * SECTOR_SIZE;
		if (alignment % limits->logical_block == 0 && alignment <= UINT32_MAX)
			limits->discard_granularity = (uint32_t)alignment;
	}
	if (virtio_has(device, VIRTIO_BLK_F_WRITE_ZEROES))
		limits->max_write_zeroes_sectors =
			range_sectors(config_field(device, max_write_zeroes_sectors), limits);
}

static int limits_read(struct virtio_device *device, struct disk_limits *limits)
{
	uint64_t segments = 1, bytes = SEGMENT_BYTES_MAX;

	limits->logical_block = block_size_of(device);
	if (virtio_has(device, VIRTIO_BLK_F_SEG_MAX))
		segments = config_field(device, seg_max);
	if (virtio_has(device, VIRTIO_BLK_F_SIZE_MAX))
		bytes = config_field(device, size_max);
	limits->max_segments = (uint32_t)clamp(segments, 1ul, (uint64_t)BLK_SEGMENTS_MAX);
	bytes = align_down(min(bytes, (uint64_t)SEGMENT_BYTES_MAX), (uint64_t)BLOCK_MAX);
	if (!bytes)
		return -EINVAL;
	limits->max_segment_bytes = (uint32_t)bytes;
	limits->max_sectors = SECTORS_MAX;
	topology_read(device, limits);
	ranges_read(device, limits);
	return 0;
}

static unsigned int flags_of(struct virtio_device *device)
{
	bool has_cache = virtio_has(device, VIRTIO_BLK_F_FLUSH);

	if (has_cache && virtio_has(device, VIRTIO_BLK_F_CONFIG_WCE))
		has_cache = config_field(device, wce);
	return (virtio_has(device, VIRTIO_BLK_F_RO) ? DISK_READONLY : 0) |
	       (has_cache ? DISK_WRITE_CACHE : 0);
}

static uint32_t nr_queues_of(struct virtio_device *device)
{
	uint64_t nr = virtio_has(device, VIRTIO_BLK_F_MQ) ? config_field(device, num_queues) : 1;

	return (uint32_t)clamp(nr, 1ul, (uint64_t)nr_cpus());
}

/* ---- queues ---------------------------------------------------------------------------------- */

static int queue_init(struct blk *blk, uint32_t index)
{
	struct blk_queue *queue = &blk->queues[index];
	char name[16];
	const struct virtio_queue_params params = {
		.index = (uint16_t)index, .name = name, .size = BLK_RING_SIZE, .cpu = index,
		.serve = blk_serve, .private = queue,
	};

	snprintf(name, sizeof(name), "req.%u", index);
	spin_lock_init(&queue->lock, RANK_LEAF);
	queue->blk = blk;
	queue->slots = kmalloc(BLK_QUEUE_DEPTH * sizeof(struct blk_slot), ALLOC_KERNEL);
	queue->segments = kmalloc((BLK_SEGMENTS_MAX + 2) * sizeof(struct virtqueue_segment),
	                          ALLOC_KERNEL);
	if (!queue->slots || !queue->segments)
		return -ENOMEM;
	return virtio_queue_create(blk->device, &params, &queue->queue);
}

static int queues_init(struct blk *blk)
{
	int err = virtio_queues_prepare(blk->device, (uint16_t)blk->nr_queues);

	for (uint32_t i = 0; i < blk->nr_queues && !err; i++)
		err = queue_init(blk, i);
	return err;
}

/* The device has been reset: it touches none of it any more. */
static void blk_free(struct blk *blk)
{
	for (uint32_t i = 0; i < blk->nr_queues; i++) {
		kfree(blk->queues[i].slots);
		kfree(blk->queues[i].segments);
	}
	kfree(blk->question);
	kfree(blk);
}

/* ---- the disk -------------------------------------------------------------------------------- */

/* As many as the alphabet has after "vd", then two letters, as on Linux. */
static void name_of(uint32_t index, char name[8])
{
	char *at = name;

	*at++ = 'v';
	*at++ = 'd';
	if (index >= 26)
		*at++ = (char)('a' + index / 26 - 1);
	*at++ = (char)('a' + index % 26);
	*at = 0;
}

static int index_take(uint32_t *index)
{
	uint64_t in_use = atomic_load_relaxed(&disks.in_use);

	do {
		if (!~in_use)
			return -ENOSPC;
		*index = (uint32_t)__builtin_ctzl(~in_use);
	} while (!atomic_cmpxchg(&disks.in_use, &in_use, in_use | BIT(*index)));
	return 0;
}

static void index_put(uint32_t index)
{
	atomic_and(&disks.in_use, ~BIT(index));
}

/* Every ring can hold the largest request, header and status included. */
static int fit_rings(const struct blk *blk, struct disk_limits *limits)
{
	for (uint32_t i = 0; i < blk->nr_queues; i++) {
		uint32_t size = blk->queues[i].queue->ring.size;

		if (size < 3)
			return -EINVAL;
		limits->max_segments = min(limits->max_segments, size - 2);
	}
	return 0;
}

static int disk_make(struct blk *blk)
{
	struct virtio_device *device = blk->device;
	char name[8], serial[VIRTIO_BLK_ID_BYTES + 1] = "";
	struct disk_params params = {
		.name = name, .ops = &blk_disk_ops, .private = blk,
		.number = dev_make(disks.major, blk->index * MINORS), .minors = MINORS,
		.flags = flags_of(device), .nr_sectors = blk->nr_sectors,
		.nr_queues = blk->nr_queues, .queue_depth = BLK_QUEUE_DEPTH, .serial = serial,
	};
	int err = limits_read(device, &params.limits);

	if (!err)
		err = fit_rings(blk, &params.limits);
	if (err)
		return err;
	name_of(blk->index, name);
	if (blk_ask_serial(blk, serial))
		serial[0] = 0;
	err = disk_create(&params, &blk->disk);
	if (err)
		return err;
	pr_info("%s is %s: %lu MiB, blocks of %u, %u queue%s%s%s\n", device->name, name,
	        blk->nr_sectors >> (20 - SECTOR_SHIFT), params.limits.logical_block,
	        blk->nr_queues, blk->nr_queues == 1 ? "" : "s",
	        params.flags & DISK_WRITE_CACHE ? ", write cache" : "",
	        params.flags & DISK_READONLY ? ", read-only" : "");
	err = disk_add(blk->disk);
	if (err)
		disk_put(blk->disk);
	return err;
}

static int blk_start(struct blk *blk)
{
	int err = queues_init(blk);

	if (!err) {
		virtio_device_start(blk->device);
		err = disk_make(blk);
	}
	if (err)
		virtio_device_silence(blk->device);
	return err;
}

static int blk_probe(struct virtio_device *device)
{
	uint32_t nr_queues = nr_queues_of(device), index;
	struct blk *blk;
	int err = disks.major ? 0 : block_major_register(0, "virtblk", &disks.major);

	if (!err)
		err = index_take(&index);
	if (err)
		return err;
	blk = kzalloc(sizeof(*blk) + nr_queues * sizeof(blk->queues[0]), ALLOC_KERNEL);
	if (!blk) {
		index_put(index);
		return -ENOMEM;
	}
	blk->device = device;
	blk->index = index;
	blk->nr_queues = nr_queues;
	blk->nr_sectors = capacity_of(device);
	blk->may_unmap = virtio_has(device, VIRTIO_BLK_F_WRITE_ZEROES) &&
	                 config_field(device, write_zeroes_may_unmap);
	device->private = blk;
	err = blk_start(blk);
	if (err) {
		index_put(index);
		blk_free(blk);
	}
	return err;
}

static void blk_config_changed(struct virtio_device *device)
{
	struct blk *blk = device->private;
	uint64_t nr_sectors = capacity_of(device);

	if (nr_sectors == blk->nr_sectors)
		return;
	pr_notice("%s: %lu sectors now, %lu before\n", blk->disk->whole->name, nr_sectors,
	          blk->nr_sectors);
	blk->nr_sectors = nr_sectors;
	disk_set_capacity(blk->disk, nr_sectors);
}

static void blk_broken(struct virtio_device *device)
{
	struct blk *blk = device->private;

	disk_fail(blk->disk);
	for (uint32_t i = 0; i < blk->nr_queues; i++)
		blk_queue_fail(&blk->queues[i]);
}

static void blk_remove(struct virtio_device *device)
{
	struct blk *blk = device->private;

	disk_remove(blk->disk);
	disk_put(blk->disk);
	index_put(blk->index);
	blk_free(blk);
}

const struct virtio_driver virtio_blk_driver = {
	.name = "disk",
	.id = VIRTIO_ID_BLOCK,
	.features = BIT(VIRTIO_BLK_F_SIZE_MAX) | BIT(VIRTIO_BLK_F_SEG_MAX) |
	            BIT(VIRTIO_BLK_F_RO) | BIT(VIRTIO_BLK_F_BLK_SIZE) |
	            BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_BLK_F_TOPOLOGY) |
	            BIT(VIRTIO_BLK_F_CONFIG_WCE) | BIT(VIRTIO_BLK_F_MQ) |
	            BIT(VIRTIO_BLK_F_DISCARD) | BIT(VIRTIO_BLK_F_WRITE_ZEROES),
	.probe = blk_probe,
	.config_changed = blk_config_changed,
	.broken = blk_broken,
	.remove = blk_remove,
};
