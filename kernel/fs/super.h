/*
 * File-system types and super blocks.
 *
 * A type (fs_type_register()) makes a super block from a source and an option string; a super block
 * is one mounted instance of it: the root dentry, the counters, the operations. It lives as long as
 * mounts (fs/mount.h) or kernel users hold references; when the last is dropped all its dentries
 * are shrunk away, inodes are evicted and release() ends it.
 *
 * Locking: `lock` (RANK_SUPERBLOCK) over remount and sync. The registry of types only grows.
 */
#pragma once

#include "lib/list.h"
#include "lib/refcount.h"
#include "lib/types.h"
#include "sched/mutex.h"

struct bdev;
struct block_device;
struct dentry;
struct fs_type;
struct inode;
struct superblock;
struct writeback;

/* What statfs(2) says; super_statfs() fills type, block size, name length, flags and id. */
struct fs_stat {
	uint64_t type, block_size, fragment_size, name_max;
	uint64_t blocks, blocks_free, blocks_available;
	uint64_t files, files_free;
	uint64_t id;
	uint64_t flags; /* ST_* */
};

struct super_ops {
	/*
	 * The last reference is gone: free the content. nlink 0: the file is deleted. NULL:
	 * nothing.
	 */
	void (*evict)(struct inode *inode);
	/*
	 * Give the memory of the inode back; called after a grace period, in any context. Required.
	 */
	void (*free_inode)(struct inode *inode);
	/*
	 * File systems on disks (fs/inode_cache.h): make the inode of that number, one reference,
	 * from what the disk says. ENOMEM, EIO, ESTALE or what else is wrong with it. Sleeps.
	 */
	int  (*read_inode)(struct superblock *super, ino_t ino, struct inode **out);
	/*
	 * Put the attributes into what will be written (wait: and that they rest on the disk).
	 * Called by write-back and fsync(2), not with the inode's lock. NULL: nothing.
	 */
	int  (*write_inode)(struct inode *inode, bool wait);
	/* inode_touch() changed times; spinlocks only. disk_inode_dirty_times(); NULL: nothing. */
	void (*dirty_inode)(struct inode *inode);
	int  (*statfs)(struct superblock *super, struct fs_stat *stat); /* NULL: zeroes */
	/*
	 * Write metadata and the device's cache out, after data and inodes were written
	 * (fs/writeback.h). NULL: nothing to write.
	 */
	int  (*sync)(struct superblock *super, bool wait);
	int  (*remount)(struct superblock *super, unsigned int *flags, const char *options);
	/* Write ",size=4k" and the like to buf, like snprintf(). For /proc/mounts. */
	int  (*show_options)(struct superblock *super, char *buf, size_t size);
	/* The super block is unused; free what private holds. */
	void (*release)(struct superblock *super);
};

enum {
	SUPER_NOEXEC_NODES = 1 << 0, /* device nodes and programs on it never work: procfs */
	SUPER_NOCACHE      = 1 << 1, /* unused dentries are dropped at once: procfs */
	/* kernel-internal (pipes, sockets, memfd): never mounted by users */
	SUPER_KERNEL       = 1 << 2,
};

struct superblock {
	const struct fs_type   *type __const_after_init;
	const struct super_ops *ops __const_after_init;
	struct dentry          *root __const_after_init;
	dev_t                   dev __const_after_init; /* st_dev */
	struct bdev            *bdev __const_after_init; /* what it lies on; NULL: no device */
	unsigned int            flags __guarded_by(lock); /* MS_RDONLY, MS_SYNCHRONOUS ... */
	unsigned int            kind __const_after_init; /* SUPER_* */
	uint32_t                magic __const_after_init; /* f_type */
	uint32_t                block_size __const_after_init;
	uint32_t                name_max __const_after_init;
	pos_t                   max_size __const_after_init; /* of a file */
	struct refcount         refs;
	struct mutex            lock;
	uint64_t                next_ino __atomic;
	int64_t                 inodes __atomic; /* alive: release() asserts zero */
	uint32_t                nr_shrinking __atomic; /* dentries freed by who holds no mount */
	int32_t                 writers __atomic; /* files open for writing: read-only is EBUSY */
	void                   *private __const_after_init;
	/* dirty inodes and who writes them; NULL: not on a disk */
	struct writeback       *writeback __const_after_init;
	uint32_t                errors __atomic; /* fs/errors.h, for syncfs(2) */
	struct list             link __guarded_by(supers.lock); /* of all super blocks */
	struct mutex            rename_lock; /* RANK_RENAME: renames that move directories */
};

enum {
	FS_NEEDS_DEVICE = 1 << 0, /* not "nodev" in /proc/filesystems */
	FS_HIDDEN       = 1 << 1, /* not to be had by mount(2) nor listed */
};

/* What mount(2) or the kernel asks of a type. */
struct mount_request {
	const char  *source;  /* as given, "" for none */
	const char  *options; /* NUL-terminated, "" for none */
	unsigned int flags;   /* MS_* that concern the super block */
	const struct cred *cred;
	struct block_device *device; /* FS_NEEDS_DEVICE: what source is; lent (bdev_mount()) */
};

struct fs_type {
	const char  *name;
	unsigned int flags; /* FS_* */
	/* Make a super block, or find the one there is and take a reference. */
	int (*mount)(const struct fs_type *type, const struct mount_request *request,
	             struct superblock **out);
};

int fs_type_register(const struct fs_type *type); /* EBUSY: the name is taken */
const struct fs_type *fs_type_find(const char *name); /* NULL: none */
/* The index-th type, NULL behind the last: for /proc/filesystems. */
const struct fs_type *fs_type_at(unsigned int index);

/* A fresh super block with one reference, an anonymous device number and no root. */
int super_create(const struct fs_type *type, const struct super_ops *ops, unsigned int flags,
                 struct superblock **out);
/* Fresh, and on a device: it is closed with the super block, and its number is st_dev. */
void super_set_bdev(struct superblock *super, struct bdev *bdev);
/*
 * The super block of this type on the device, with a reference; NULL: none, also after waiting for
 * one that was on its way out. Sleeps.
 */
struct superblock *super_find_device(const struct fs_type *type, const struct block_device *device);
struct superblock *super_get(struct superblock *super);
void super_put(struct superblock *super); /* may sleep */

/* statfs(2) of the file system; the mount's flags are added by the caller. */
int super_statfs(struct superblock *super, struct fs_stat *stat);
int super_sync(struct superblock *super, bool wait);
/* All of them: sync(2). */
void super_sync_all(bool wait);
/* mount(2) with MS_REMOUNT for the super block's part. EBUSY: files are open for writing. */
int super_remount(struct superblock *super, unsigned int flags, const char *options);
/* Those on devices, read-only, files that are open for writing or not: an emergency. */
void super_remount_all_readonly(void);
