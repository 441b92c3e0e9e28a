/*
 * ioctls of block devices. See blockdev.h; errors are Linux's (block/ioctl.c there).
 *
 * Arguments are in kernel memory (syscall/ioctl_table.h). What a driver has of its own comes last.
 */
#include <linux/blkpg.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/hdreg.h>

#include "dev/disk.h"
#include "dev/partition.h"
#include "fs/blockdev.h"
#include "fs/blockdev_impl.h"
#include "fs/file.h"
#include "id/cred.h"
#include "lib/string.h"

/* Units of BLKRAGET. */
enum { READAHEAD_SECTORS = 256 };

static long put_int(void *arg, int value)
{
	memcpy(arg, &value, sizeof(value));
	return 0;
}

static long put_u64(void *arg, uint64_t value)
{
	memcpy(arg, &value, sizeof(value));
	return 0;
}

static long put_u16(void *arg, uint16_t value)
{
	memcpy(arg, &value, sizeof(value));
	return 0;
}

static int get_int(const void *arg)
{
	int value;

	memcpy(&value, arg, sizeof(value));
	return value;
}

/* ---- what it is ----------------------------------------------------------------------------- */

static long get_geometry(const struct block_device *device, void *arg)
{
	const uint64_t cylinders = block_device_sectors(device->disk->whole) >> 11;
	const struct hd_geometry geometry = {
		.heads = 64, .sectors = 32,
		.cylinders = (unsigned short)cylinders,
		.start = device->first_sector,
	};

	memcpy(arg, &geometry, sizeof(geometry));
	return 0;
}

static long ioctl_query(struct bdev *bdev, unsigned int command, void *arg)
{
	const struct block_device *device = bdev->device;
	const struct disk *disk = device->disk;
	const uint64_t sectors = block_device_sectors(device);

	switch (command) {
	case BLKGETSIZE:
		return put_u64(arg, sectors);
	case BLKGETSIZE64:
		return put_u64(arg, sectors << SECTOR_SHIFT);
	case BLKROGET:
		return put_int(arg, block_device_is_readonly(device));
	case BLKSSZGET:
		return put_int(arg, (int)disk->limits.logical_block);
	case BLKBSZGET:
		return put_int(arg, (int)bdev_block_size(bdev));
	case BLKPBSZGET:
		return put_int(arg, (int)disk->limits.physical_block);
	case BLKIOMIN:
		return put_int(arg, (int)disk->limits.io_min);
	case BLKIOOPT:
		return put_int(arg, (int)disk->limits.io_opt);
	case BLKALIGNOFF:
		return put_int(arg, (int)disk->limits.alignment_offset);
	case BLKDISCARDZEROES:
		return put_int(arg, 0);
	case BLKSECTGET:
		return put_u16(arg, (uint16_t)(disk->limits.max_sectors < UINT16_MAX
		                                       ? disk->limits.max_sectors : UINT16_MAX));
	case BLKROTATIONAL:
		return put_u16(arg, !!(disk->flags & DISK_ROTATIONAL));
	case BLKRAGET:
	case BLKFRAGET:
		return put_u64(arg, READAHEAD_SECTORS);
	case BLKGETDISKSEQ:
		return put_u64(arg, disk->sequence);
	case HDIO_GETGEO:
		return get_geometry(device, arg);
	default:
		return -ENOTTY;
	}
}

/* ---- what changes it ------------------------------------------------------------------------ */

static long change_partition(struct block_device *device,
                             const struct bdev_partition_change *change)
{
	const uint64_t block = block_device_block_size(device);
	uint64_t first, count;

	if (device->partition || change->number <= 0)
		return -EINVAL;
	if (change->operation == BLKPG_DEL_PARTITION)
		return partition_remove(device, (uint32_t)change->number);
	if (change->start < 0 || change->length <= 0 ||
	    change->start > INT64_MAX - change->length ||
	    (uint64_t)(change->start | change->length) & (block - 1))
		return -EINVAL;
	first = (uint64_t)change->start >> SECTOR_SHIFT;
	count = (uint64_t)change->length >> SECTOR_SHIFT;
	if (change->operation == BLKPG_ADD_PARTITION)
		return partition_add(device, (uint32_t)change->number, first, count);
	if (change->operation == BLKPG_RESIZE_PARTITION)
		return partition_resize(device, (uint32_t)change->number, first, count);
	return -EINVAL;
}

static long set_block_size(struct file *file, struct bdev *bdev, int bytes)
{
	int err;

	if (!(file->mode & FILE_HOLDER)) {
		err = block_device_open(bdev->device, &bytes);
		if (err)
			return err;
	}
	err = bytes > 0 ? bdev_set_block_size(bdev, (uint32_t)bytes) : -EINVAL;
	if (!(file->mode & FILE_HOLDER))
		block_device_close(bdev->device, &bytes);
	return err;
}

/* The table is read from the disk itself: what is cached goes there before. */
static long read_partitions(struct bdev *bdev)
{
	int err;

	if (bdev->device->partition)
		return -EINVAL;
	err = bdev_sync(bdev);
	return err ? err : partition_rescan(bdev->device);
}

static long flush_cache(struct bdev *bdev)
{
	int err = bdev_sync(bdev);

	(void)disk_mapping_invalidate(bdev_mapping(bdev), 0, INT64_MAX);
	return err;
}

static long ioctl_admin(struct file *file, unsigned int command, void *arg)
{
	struct bdev *bdev = file->private;

	if (!cred_capable(file->cred, CAP_SYS_ADMIN))
		return -EACCES;
	switch (command) {
	case BLKROSET:
		block_device_set_readonly(bdev->device, get_int(arg));
		return 0;
	case BLKFLSBUF:
		return flush_cache(bdev);
	case BLKBSZSET:
		return set_block_size(file, bdev, get_int(arg));
	case BLKRRPART:
		return read_partitions(bdev);
	case BLKPG:
		return change_partition(bdev->device, arg);
	default:
		/* BLKRASET, BLKFRASET: the windows of read-ahead grow by themselves. */
		return 0;
	}
}

static long clear_range(struct file *file, unsigned int command, const void *arg)
{
	struct bdev *bdev = file->private;
	const uint64_t size = block_device_sectors(bdev->device) << SECTOR_SHIFT;
	const bool discards = command == BLKDISCARD;
	uint64_t range[2];

	if (!(file->mode & FILE_WRITE))
		return -EBADF;
	if (discards && !bdev->device->disk->limits.max_discard_sectors)
		return -EOPNOTSUPP;
	memcpy(range, arg, sizeof(range));
	if ((range[0] | range[1]) & (block_device_block_size(bdev->device) - 1))
		return -EINVAL;
	if (range[0] > size || range[1] > size - range[0] || (!discards && !range[1]))
		return -EINVAL;
	if (block_device_is_readonly(bdev->device))
		return -EPERM;
	if (!range[1])
		return 0;
	return bdev_clear(bdev, discards ? BLOCK_DISCARD : BLOCK_WRITE_ZEROES, range[0], range[1],
	                  discards ? 0 : BIO_KEEP);
}

long bdev_file_ioctl(struct file *file, unsigned int command, void *arg)
{
	struct bdev *bdev = file->private;
	struct disk *disk = bdev->device->disk;

	switch (command) {
	case BLKROSET:
	case BLKFLSBUF:
	case BLKBSZSET:
	case BLKRRPART:
	case BLKPG:
	case BLKRASET:
	case BLKFRASET:
		return ioctl_admin(file, command, arg);
	case BLKDISCARD:
	case BLKZEROOUT:
		return clear_range(file, command, arg);
	case BLKSECDISCARD:
		return file->mode & FILE_WRITE ? -EOPNOTSUPP : -EBADF;
	default: {
		long result = ioctl_query(bdev, command, arg);

		if (result == -ENOTTY && disk->ops->ioctl)
			result = disk->ops->ioctl(bdev->device, file, command, arg);
		return result;
	}
	}
}
