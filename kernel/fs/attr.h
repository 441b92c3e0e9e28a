/*
 * Attributes of inodes: what stat says and chmod, chown, utimes and truncate change; extended
 * attributes.
 *
 * The path_* functions take a place that has been walked to, check the mount, owner and
 * capabilities, compute the complete change (setuid bits that fall, times that follow) and let the
 * file system apply it under the inode's lock. All may sleep.
 */
#pragma once

#include "fs/inode.h"
#include "fs/path.h"
#include "lib/types.h"

struct cred;
struct file;

/* What stat(2) and statx(2) are made of. */
struct kstat {
	uint32_t valid; /* STATX_* */
	mode_t   mode;
	uint32_t nlink;
	uid_t    uid;
	gid_t    gid;
	dev_t    dev, rdev;
	ino_t    ino;
	pos_t    size;
	uint64_t blocks; /* of 512 bytes */
	uint32_t block_size;
	uint64_t attributes, attributes_mask; /* STATX_ATTR_* */
	ns_t     atime, mtime, ctime, btime;
	uint64_t mount_id;
};

void kstat_fill(const struct inode *inode, struct kstat *stat);
int  path_stat(const struct path *path, struct kstat *stat);

/* The default of inode_ops.setattr: store the fields. inode->lock held for writing. */
void attr_apply(struct inode *inode, const struct attr_change *change);

int path_chmod(const struct path *path, const struct cred *cred, mode_t mode);
/* -1 leaves an id as it is. */
int path_chown(const struct path *path, const struct cred *cred, uid_t uid, gid_t gid);

/* utimensat(2): each time is a value, UTIME_SET_NOW or UTIME_KEEP. */
struct time_change {
	enum { UTIME_SET, UTIME_SET_NOW, UTIME_KEEP } atime_how, mtime_how;
	ns_t atime, mtime;
};
int path_utimes(const struct path *path, const struct cred *cred, const struct time_change *change);

/* truncate(2), ftruncate(2). EFBIG beyond size_limit (the caller raises SIGXFSZ). */
int path_truncate(const struct path *path, const struct cred *cred, pos_t size,
                  uint64_t size_limit);
int file_truncate(struct file *file, pos_t size, uint64_t size_limit);
/* O_TRUNC of an open that is allowed: to size 0. */
int inode_truncate_open(struct inode *inode, const struct cred *cred);
/*
 * A write changed the file: times, and the setuid bits of those who may not keep them. inode->lock
 * held.
 */
int file_wrote(struct file *file);

/* xattr(7). value NULL removes. Sizes as in getxattr(2): 0 asks. */
ssize_t path_xattr_get(const struct path *path, const struct cred *cred, const char *name,
                       void *value, size_t size);
struct xattr_value {
	const void *bytes; /* NULL: remove */
	size_t      size;
	int         flags; /* XATTR_CREATE, XATTR_REPLACE */
};
int path_xattr_set(const struct path *path, const struct cred *cred, const char *name,
                   const struct xattr_value *value);
ssize_t path_xattr_list(const struct path *path, const struct cred *cred, char *names, size_t size);
