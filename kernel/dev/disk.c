/*
 * Disks: making, adding, failing, removing. See disk.h.
 *
 * The whole disk's block device is a part of the disk: they share one reference count. Memory is
 * freed after a grace period, because the end of the last bio looks at the disk once more.
 */
#include "dev/disk.h"

#include <linux/errno.h>

#include "core/panic.h"
#include "core/printk.h"
#include "dev/disk_impl.h"
#include "dev/partition.h"
#include "lib/devnum.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "sched/wait.h"

enum {
	DEFAULT_MAX_SECTORS = 2560,
	DEFAULT_MAX_SEGMENTS = 128,
	DEFAULT_SEGMENT_BYTES = 65536,
	DEFAULT_QUEUE_DEPTH = 64,
};

static uint64_t last_sequence __atomic;

static bool is_block_size(uint32_t size)
{
	return size >= SECTOR_SIZE && size <= PAGE_SIZE && !(size & (size - 1));
}

static void default_to(uint32_t *value, uint32_t otherwise)
{
	if (!*value)
		*value = otherwise;
}

/* Says explicitly what zeroes meant. */
static int limits_normalize(struct disk_limits *limits)
{
	uint32_t block, sectors;

	default_to(&limits->logical_block, SECTOR_SIZE);
	default_to(&limits->physical_block, limits->logical_block);
	default_to(&limits->io_min, limits->physical_block);
	default_to(&limits->max_sectors, DEFAULT_MAX_SECTORS);
	default_to(&limits->max_segments, DEFAULT_MAX_SEGMENTS);
	default_to(&limits->max_segment_bytes, DEFAULT_SEGMENT_BYTES);
	default_to(&limits->discard_granularity, limits->logical_block);
	block = limits->logical_block;
	if (!is_block_size(block) || limits->max_segment_bytes < PAGE_SIZE)
		return -EINVAL;
	sectors = block >> SECTOR_SHIFT;
	limits->max_segment_bytes = align_down(limits->max_segment_bytes, block);
	limits->max_sectors = align_down(limits->max_sectors, sectors);
	limits->max_discard_sectors = align_down(limits->max_discard_sectors, sectors);
	limits->max_write_zeroes_sectors = align_down(limits->max_write_zeroes_sectors, sectors);
	return limits->max_sectors ? 0 : -EINVAL;
}

static void disk_fill(struct disk *disk, const struct disk_params *params)
{
	disk->ops = params->ops;
	disk->private = params->private;
	disk->limits = params->limits;
	disk->flags = params->flags;
	disk->minors = params->minors ? params->minors : 1;
	disk->nr_queues = clamp(params->nr_queues, 1u, nr_cpus());
	disk->queue_depth = params->queue_depth ? params->queue_depth : DEFAULT_QUEUE_DEPTH;
	disk->request_bytes = params->request_bytes;
	disk->sequence = atomic_inc_return(&last_sequence);
	str_copy(disk->serial, params->serial ? params->serial : "", sizeof(disk->serial));
	str_copy(disk->model, params->model ? params->model : "", sizeof(disk->model));
	refcount_init(&disk->refs, 1);
	list_init(&disk->partitions);
	wait_queue_init(&disk->idle);
}

static int whole_create(struct disk *disk, const struct disk_params *params)
{
	struct block_device *whole = kzalloc(sizeof(*whole), ALLOC_KERNEL);

	if (!whole)
		return -ENOMEM;
	whole->disk = disk;
	whole->number = params->number;
	whole->nr_sectors = params->nr_sectors;
	whole->is_readonly = params->flags & DISK_READONLY;
	list_init(&whole->link);
	list_init(&whole->disk_link);
	disk->whole = whole;
	return str_copy(whole->name, params->name, sizeof(whole->name)) < 0 ? -ENAMETOOLONG : 0;
}

static void disk_free(struct disk *disk)
{
	if (disk->queues)
		disk_queues_destroy(disk);
	kfree(disk->flush);
	kfree(disk->whole);
	kfree(disk);
}

int disk_create(const struct disk_params *params, struct disk **out)
{
	struct disk *disk = kzalloc(sizeof(*disk), ALLOC_KERNEL);
	int err;

	if (!disk)
		return -ENOMEM;
	disk_fill(disk, params);
	err = limits_normalize(&disk->limits);
	if (!err)
		err = bio_reserve_create();
	if (!err)
		err = whole_create(disk, params);
	if (!err)
		err = disk_flush_create(disk);
	if (!err)
		err = disk_queues_create(disk);
	if (err)
		disk_free(disk);
	else
		*out = disk;
	return err;
}

struct disk *disk_get(struct disk *disk)
{
	refcount_get(&disk->refs);
	return disk;
}

static void disk_free_rcu(struct rcu_head *head)
{
	struct disk_flush *flush = container_of(head, struct disk_flush, rcu);

	disk_free(flush->bio.private);
}

void disk_put(struct disk *disk)
{
	if (!disk || !refcount_put(&disk->refs))
		return;
	assert(!disk->in_flight && list_is_empty(&disk->partitions));
	if (disk->ops->release)
		disk->ops->release(disk);
	disk->flush->bio.private = disk;
	rcu_call(&disk->flush->rcu, disk_free_rcu);
}

int disk_add(struct disk *disk)
{
	int err;

	mutex_lock(&block_registry);
	err = block_device_register(disk->whole);
	if (!err)
		atomic_or(&disk->state, DISK_ADDED);
	mutex_unlock(&block_registry);
	if (!err)
		partition_probe_start(disk);
	return err;
}

void disk_fail(struct disk *disk)
{
	atomic_or(&disk->state, DISK_FAILED);
	disk_kick(disk);
}

void disk_remove(struct disk *disk)
{
	disk_fail(disk);
	wait_event(&disk->idle, !atomic_load(&disk->in_flight));
	mutex_lock(&block_registry);
	if (atomic_load_relaxed(&disk->state) & DISK_ADDED) {
		partition_remove_all(disk);
		block_device_unregister(disk->whole);
	}
	mutex_unlock(&block_registry);
}

void disk_set_capacity(struct disk *disk, uint64_t nr_sectors)
{
	atomic_store_relaxed(&disk->whole->nr_sectors, nr_sectors);
}

int disk_set_limits(struct disk *disk, const struct disk_limits *limits)
{
	struct disk_limits wanted = *limits;
	int err = limits_normalize(&wanted);

	if (!err)
		disk->limits = wanted;
	return err;
}

void disk_set_readonly(struct disk *disk, bool readonly)
{
	if (readonly)
		atomic_or(&disk->flags, DISK_READONLY);
	else
		atomic_and(&disk->flags, ~(unsigned int)DISK_READONLY);
}
