/*
 * The caches of block devices: opening, closing, mounting. See blockdev.h.
 *
 * The inodes belong to one hidden super block, made when the first device is opened, through which
 * write-back finds them.
 */
#include "fs/blockdev.h"

#include <linux/errno.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "core/panic.h"
#include "core/printk.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/super.h"
#include "lib/math.h"
#include "mem/slab.h"

static struct {
	struct mutex       lock;     /* RANK_DISK_OPEN */
	struct mutex       mounting; /* RANK_DISK_OPEN, outside: one mount of a device at a time */
	struct superblock *super __guarded_by(lock); /* NULL: nothing was opened yet */
} bdevs = {
	.lock = MUTEX(bdevs.lock, RANK_DISK_OPEN),
	.mounting = MUTEX(bdevs.mounting, RANK_DISK_OPEN),
};

static struct cache bdev_slab = CACHE("bdev", struct bdev);

/* ---- the super block ----------------------------------------------------------------------- */

static void bdev_evict(struct inode *inode)
{
	disk_inode_evict(inode);
}

static void bdev_free(struct inode *inode)
{
	struct bdev *bdev = to_bdev(inode);

	block_device_put(bdev->device);
	cache_free(&bdev_slab, bdev);
}

static const struct super_ops bdev_super_ops = { .evict = bdev_evict, .free_inode = bdev_free };
static const struct fs_type bdev_type = { .name = "bdev", .flags = FS_HIDDEN };

static int super_make_locked(void)
{
	struct superblock *super;
	int err;

	if (bdevs.super)
		return 0;
	err = super_create(&bdev_type, &bdev_super_ops, 0, &super);
	if (err)
		return err;
	super->magic = BDEVFS_MAGIC;
	super->kind = SUPER_KERNEL;
	err = writeback_create(super);
	if (err)
		super_put(super);
	else
		bdevs.super = super;
	return err;
}

/* ---- the mapping --------------------------------------------------------------------------- */

static int bdev_map(struct mapping *mapping, uint64_t block, uint32_t count, unsigned int flags,
                    struct disk_extent *out)
{
	const uint32_t shift = to_disk_mapping(mapping)->block_shift;
	const uint64_t end = (uint64_t)READ_ONCE(mapping->host->size) >> shift;

	*out = (struct disk_extent){ .device_block = block, .count = count,
	                             .state = EXTENT_MAPPED };
	if (block >= end) {
		out->state = EXTENT_HOLE;
		return flags & MAP_ALLOCATE ? -ENOSPC : 0;
	}
	out->count = (uint32_t)min((uint64_t)count, end - block);
	return 0;
}

static const struct disk_mapping_ops bdev_mapping_ops = { .map = bdev_map };

/* The largest block up to a page that the device's size is a multiple of, as on Linux. */
static uint32_t shift_of(const struct block_device *device)
{
	const uint64_t bytes = block_device_sectors(device) << SECTOR_SHIFT;
	uint32_t block = block_device_block_size(device);

	while (block < PAGE_SIZE && !(bytes & block))
		block <<= 1;
	return (uint32_t)__builtin_ctz(block);
}

static int bdev_make_locked(struct block_device *device, struct bdev **out)
{
	const struct new_inode new = { .mode = S_IFBLK | 0600, .rdev = device->number };
	struct bdev *bdev;
	int err = super_make_locked();

	if (err)
		return err;
	bdev = cache_alloc(&bdev_slab, ALLOC_KERNEL | ALLOC_ZERO);
	if (!bdev)
		return -ENOMEM;
	inode_init(&bdev->disk.inode, bdevs.super, &new);
	disk_inode_init(&bdev->disk);
	bdev->device = block_device_get(device);
	bdev->disk.inode.mapping = bdev_mapping(bdev);
	disk_mapping_init(&bdev->disk.content, &bdev->disk.inode, &bdev_mapping_ops, device,
	                  shift_of(device));
	bdev->disk.content.is_device = true;
	*out = bdev;
	return 0;
}

/* ---- opening -------------------------------------------------------------------------------- */

static int open_locked(struct block_device *device, struct bdev **out)
{
	struct bdev *bdev = device->content;
	int err = 0;

	if (!bdev) {
		err = bdev_make_locked(device, &bdev);
		if (err)
			return err;
		device->content = bdev;
	}
	bdev->users++;
	WRITE_ONCE(bdev->disk.inode.size, (pos_t)(block_device_sectors(device) << SECTOR_SHIFT));
	*out = bdev;
	return 0;
}

int bdev_open(struct block_device *device, const void *holder, struct bdev **out)
{
	int err = block_device_open(device, holder);

	if (err)
		return err;
	mutex_lock_nested(&bdevs.lock, 1);
	err = open_locked(device, out);
	mutex_unlock(&bdevs.lock);
	if (err)
		block_device_close(device, holder);
	return err;
}

static int write_back(struct bdev *bdev)
{
	struct mapping *mapping = bdev_mapping(bdev);
	int err = mapping_write_back(mapping, 0, INT64_MAX, true);

	mapping_wait(mapping, 0, INT64_MAX);
	return err;
}

void bdev_close(struct bdev *bdev, const void *holder)
{
	struct block_device *device = block_device_get(bdev->device);

	/* Most of it without the lock; who comes now, and opens, keeps what is cached. */
	if (atomic_load_relaxed(&bdev->users) == 1)
		(void)write_back(bdev);
	mutex_lock_nested(&bdevs.lock, 1);
	if (!--bdev->users) {
		device->content = NULL;
		(void)write_back(bdev);
		disk_mapping_drop(bdev_mapping(bdev));
		inode_put(&bdev->disk.inode);
	}
	mutex_unlock(&bdevs.lock);
	block_device_close(device, holder);
	block_device_put(device);
}

int bdev_find_path(const struct walk_from *from, const char *source, struct block_device **out)
{
	struct path path;
	const struct inode *inode;
	int err;

	if (!*source)
		return -EINVAL;
	err = path_lookup(from, source, LOOKUP_FOLLOW, &path);
	if (err)
		return err;
	inode = path.dentry->inode;
	if (!S_ISBLK(inode->mode))
		err = -ENOTBLK;
	else if (path.mount->flags & MS_NODEV)
		err = -EACCES;
	else
		*out = block_device_find(inode->rdev);
	if (!err && !*out)
		err = -ENXIO;
	path_put(&path);
	return err;
}

/* ---- changes -------------------------------------------------------------------------------- */

int bdev_sync(struct bdev *bdev)
{
	int err = write_back(bdev), flush_err = block_flush(bdev->device);

	return err ? err : flush_err;
}

int bdev_set_block_size(struct bdev *bdev, uint32_t bytes)
{
	struct inode *inode = &bdev->disk.inode;
	int err = 0;

	if (bytes < SECTOR_SIZE || bytes > PAGE_SIZE || bytes & (bytes - 1) ||
	    bytes < block_device_block_size(bdev->device))
		return -EINVAL;
	if (bytes == bdev_block_size(bdev))
		return 0;
	rwlock_write_lock(&inode->lock);
	(void)write_back(bdev);
	err = disk_mapping_invalidate(bdev_mapping(bdev), 0, INT64_MAX);
	if (!err)
		bdev->disk.content.block_shift = (uint32_t)__builtin_ctz(bytes);
	rwlock_write_unlock(&inode->lock);
	return err;
}

/* ---- mounting ------------------------------------------------------------------------------- */

static int mount_fresh(const struct fs_type *type, const struct mount_request *request,
                       bdev_fill_fn *fill, struct superblock **out)
{
	struct superblock *super;
	struct bdev *bdev;
	int err;

	if (!(request->flags & MS_RDONLY) && block_device_is_readonly(request->device))
		return -EACCES;
	err = bdev_open(request->device, type, &bdev);
	if (err)
		return err;
	err = fill(type, request, bdev, &super);
	if (err) {
		bdev_close(bdev, type);
		return err;
	}
	super_set_bdev(super, bdev);
	*out = super;
	return 0;
}

int bdev_mount(const struct fs_type *type, const struct mount_request *request, bdev_fill_fn *fill,
               struct superblock **out)
{
	struct superblock *super;
	int err = 0;

	if (!request->device)
		return -ENOTBLK;
	mutex_lock(&bdevs.mounting);
	super = super_find_device(type, request->device);
	if (!super) {
		err = mount_fresh(type, request, fill, out);
	} else if ((super->flags ^ request->flags) & MS_RDONLY) {
		super_put(super);
		err = -EBUSY;
	} else {
		*out = super;
	}
	mutex_unlock(&bdevs.mounting);
	return err;
}
