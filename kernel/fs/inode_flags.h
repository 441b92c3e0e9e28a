/*
 * Flags of inodes as programs see them: chattr(1), ioctl_iflags(2), FS_IOC_FSGETXATTR.
 *
 * A file system that keeps some gives inode_ops.flags_get and flags_set; what they mean to
 * everybody (append, immutable ...) is in inode->flags, where the rest of this folder looks.
 */
#pragma once

#include <linux/fs.h>

#include "lib/types.h"

struct cred;
struct file;
struct inode;

/* FS_*_FL for INODE_*, and back; what has no counterpart is left out. */
uint32_t inode_flags_to_fs(uint32_t flags);
uint32_t inode_flags_from_fs(uint32_t fs_flags);

/* FS_IOC_GETFLAGS. ENOTTY: this file system has none. */
int __must_check file_flags_get(const struct file *file, uint32_t *fs_flags);
/*
 * FS_IOC_SETFLAGS, by the inode's owner or CAP_FOWNER (EPERM); append and immutable change only
 * with CAP_LINUX_IMMUTABLE (EPERM). EROFS, ENOTTY, EOPNOTSUPP: the file system does not keep one of
 * them. Sleeps.
 */
int __must_check file_flags_set(struct file *file, const struct cred *cred, uint32_t fs_flags);

/* FS_IOC_FSGETXATTR and FS_IOC_FSSETXATTR; errors as above, EOPNOTSUPP for projects and extents. */
int __must_check file_xflags_get(const struct file *file, struct fsxattr *out);
int __must_check file_xflags_set(struct file *file, const struct cred *cred,
                                 const struct fsxattr *wanted);
