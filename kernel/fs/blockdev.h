/*
 * Block devices as files, and under file systems: the cache of what is on a device.
 *
 * A struct bdev is the inode of one block device (dev/block.h), whatever its nodes are called and
 * however many there are: its mapping is THE cache of the device's content, which nodes and a
 * mounted file system's metadata share. It exists while somebody has the device open; the last to
 * close it writes what is dirty and drops all pages, as on Linux.
 *
 *     err = bdev_open(device, holder, &bdev);     holder NULL: not exclusive
 *     page = ... disk_page_get(bdev_mapping(bdev), index, &page) ...
 *     bdev_close(bdev, holder);
 *
 * Blocks of the mapping are identical to those of the device. Its block size (1 << block_shift) is
 * the soft block size of BLKBSZGET: a file system sets it before it reads anything.
 *
 * Locking: `bdevs.lock` (RANK_DISK_OPEN) over opening and closing.
 */
#pragma once

#include "dev/block.h"
#include "fs/inode_cache.h"
#include "lib/types.h"

struct file;
struct file_ops;
struct fs_type;
struct mount_request;
struct superblock;
struct walk_from;

struct bdev {
	struct disk_inode    disk; /* first; inode.size is the device's in bytes */
	struct block_device *device __const_after_init; /* a reference */
	uint32_t             users __guarded_by(bdevs.lock);
};

static inline struct mapping *bdev_mapping(struct bdev *bdev)
{
	return &bdev->disk.content.mapping;
}

static inline struct bdev *to_bdev(struct inode *inode)
{
	return container_of(inode, struct bdev, disk.inode);
}

/*
 * Opens a device. The caller's reference to it is not consumed. holder: see block_device_open().
 * Sleeps. ENXIO: it is gone; EBUSY: another holder has it; ENOMEM.
 */
__must_check int bdev_open(struct block_device *device, const void *holder, struct bdev **out);
/* With the holder of open. The last one writes and drops the cache. Sleeps. */
void bdev_close(struct bdev *bdev, const void *holder);
/*
 * The device that a path names, with a reference, not opened. Sleeps. ENOTBLK; ENXIO: there is no
 * such device; EACCES: the node lies on a mount that has no devices; those of path_lookup().
 */
__must_check int bdev_find_path(const struct walk_from *from, const char *source,
                                struct block_device **out);

/*
 * The soft block size: a power of two from the logical block to a page. The cache is written and
 * dropped if it changes. EINVAL; EBUSY: pages are dirty again. Sleeps.
 */
__must_check int bdev_set_block_size(struct bdev *bdev, uint32_t bytes);
static inline uint32_t bdev_block_size(const struct bdev *bdev)
{
	return 1u << bdev->disk.content.block_shift;
}
/* Writes what is dirty of the cache, waits, and flushes the device. First error. Sleeps. */
__must_check int bdev_sync(struct bdev *bdev);

/*
 * fs_type.mount of a file system on a device (FS_NEEDS_DEVICE): finds the super block that has
 * request's device mounted already (EBUSY if one is read-only and the other not), or opens the
 * device exclusively (EACCES: read-only, and this is not), calls fill() and ties the super block to
 * it: super->bdev, super->dev; the device is closed when the super block has gone, after
 * ops->release(). fill() makes a super block by super_create() with a root; on failure it has put
 * what it made. Sleeps.
 */
typedef int bdev_fill_fn(const struct fs_type *type, const struct mount_request *request,
                         struct bdev *bdev, struct superblock **out);
__must_check int bdev_mount(const struct fs_type *type, const struct mount_request *request,
                            bdev_fill_fn *fill, struct superblock **out);

/* Files opened on S_IFBLK nodes. */
extern const struct file_ops bdev_file_ops;

/* What BLKPG wants, taken out of user memory (syscall/ioctl_block.c). */
struct bdev_partition_change {
	int     operation; /* BLKPG_* */
	int     number;
	int64_t start, length; /* bytes */
};
