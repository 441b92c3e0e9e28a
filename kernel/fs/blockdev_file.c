/*
 * Block devices as files: what opening an S_IFBLK node gives. See blockdev.h.
 *
 * The file's mapping is that of the device, whatever the node's inode is; size and locks are those
 * of the device's own inode.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "dev/disk.h"
#include "fs/blockdev.h"
#include "fs/blockdev_impl.h"
#include "fs/file.h"
#include "lib/math.h"
#include "vm/uio.h"

static int bdev_file_open(struct inode *node, struct file *file)
{
	struct block_device *device = block_device_find(node->rdev);
	struct bdev *bdev;
	int err;

	if (!device)
		return -ENXIO;
	err = bdev_open(device, file->flags & O_EXCL ? file : NULL, &bdev);
	block_device_put(device);
	if (err)
		return err;
	file->private = bdev;
	file->mapping = bdev_mapping(bdev);
	if (file->flags & O_EXCL)
		file->mode |= FILE_HOLDER;
	return disk_file_open(&bdev->disk.inode, file);
}

static void bdev_file_release(struct file *file)
{
	bdev_close(file->private, file->mode & FILE_HOLDER ? file : NULL);
}

static ssize_t bdev_file_write(struct io *io)
{
	const struct bdev *bdev = io->file->private;
	const pos_t size = READ_ONCE(bdev->disk.inode.size);

	if (block_device_is_readonly(bdev->device))
		return -EPERM;
	if (!io->uio->remaining)
		return 0;
	if (io->position >= size)
		return -ENOSPC;
	if (io->uio->remaining > (uint64_t)(size - io->position))
		uio_truncate(io->uio, (size_t)(size - io->position));
	io->size_limit = UINT64_MAX;
	return disk_file_write(io);
}

static pos_t bdev_file_seek(struct file *file, pos_t offset, int whence)
{
	const struct bdev *bdev = file->private;
	const pos_t size = READ_ONCE(bdev->disk.inode.size);
	const pos_t base = whence == SEEK_CUR ? file->position : whence == SEEK_END ? size : 0;

	if (whence <= SEEK_END && offset > size - base)
		return -EINVAL;
	return file_seek_size(file, offset, whence, size);
}

static int bdev_file_fsync(struct file *file, pos_t from, pos_t to, bool data_only)
{
	const struct bdev *bdev = file->private;
	int err = disk_file_sync_data(file, from, to), flush_err = block_flush(bdev->device);

	return err ? err : flush_err;
}

int bdev_clear(struct bdev *bdev, enum block_operation operation, uint64_t start, uint64_t len,
               unsigned int bio_flags)
{
	struct inode *inode = &bdev->disk.inode;
	int err;

	rwlock_write_lock(&inode->lock);
	err = disk_mapping_punch(bdev_mapping(bdev), (pos_t)start, (pos_t)(start + len));
	if (!err)
		err = block_clear(bdev->device, operation, start >> SECTOR_SHIFT,
		                  len >> SECTOR_SHIFT, bio_flags);
	/* What was read meanwhile, through a mapping, is old. */
	(void)disk_mapping_invalidate(bdev_mapping(bdev), (pos_t)start, (pos_t)(start + len) - 1);
	rwlock_write_unlock(&inode->lock);
	return err;
}

static int bdev_file_fallocate(struct file *file, int mode, pos_t offset, pos_t len)
{
	struct bdev *bdev = file->private;
	const pos_t size = READ_ONCE(bdev->disk.inode.size);
	const uint64_t block = block_device_block_size(bdev->device);
	const bool punches = mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);

	if (!punches && (mode & ~FALLOC_FL_KEEP_SIZE) != FALLOC_FL_ZERO_RANGE)
		return -EOPNOTSUPP;
	if (offset >= size)
		return -EINVAL;
	if (len > size - offset) {
		if (!(mode & FALLOC_FL_KEEP_SIZE))
			return -EINVAL;
		len = size - offset;
	}
	if (((uint64_t)offset | (uint64_t)len) & (block - 1))
		return -EINVAL;
	if (block_device_is_readonly(bdev->device))
		return -EPERM;
	if (punches && !bdev->device->disk->limits.max_write_zeroes_sectors)
		return -EOPNOTSUPP;
	return bdev_clear(bdev, BLOCK_WRITE_ZEROES, (uint64_t)offset, (uint64_t)len,
	                  punches ? 0 : BIO_KEEP);
}

const struct file_ops bdev_file_ops = {
	.open = bdev_file_open,
	.release = bdev_file_release,
	.read = disk_file_read,
	.write = bdev_file_write,
	.seek = bdev_file_seek,
	.mmap = disk_file_mmap,
	.fsync = bdev_file_fsync,
	.fallocate = bdev_file_fallocate,
	.ioctl = bdev_file_ioctl,
};
