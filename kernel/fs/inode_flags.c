/*
 * Flags of inodes. See fs/inode_flags.h.
 */
#include "fs/inode_flags.h"

#include <linux/capability.h>
#include <linux/errno.h>

#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "id/cred.h"
#include "lib/math.h"

static const struct {
	uint32_t inode, fs, extended;
} flags_known[] = {
	{ 0, FS_SYNC_FL, FS_XFLAG_SYNC },
	{ INODE_IMMUTABLE, FS_IMMUTABLE_FL, FS_XFLAG_IMMUTABLE },
	{ INODE_APPEND, FS_APPEND_FL, FS_XFLAG_APPEND },
	{ INODE_NODUMP, FS_NODUMP_FL, FS_XFLAG_NODUMP },
	{ INODE_NOATIME, FS_NOATIME_FL, FS_XFLAG_NOATIME },
};

/* Those that both ioctls can say. */
#define FLAGS_OF_BOTH (FS_SYNC_FL | FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL)

uint32_t inode_flags_to_fs(uint32_t flags)
{
	uint32_t fs_flags = 0;

	for (unsigned int i = 0; i < array_size(flags_known); i++)
		fs_flags |= flags & flags_known[i].inode ? flags_known[i].fs : 0;
	return fs_flags;
}

uint32_t inode_flags_from_fs(uint32_t fs_flags)
{
	uint32_t flags = 0;

	for (unsigned int i = 0; i < array_size(flags_known); i++)
		flags |= fs_flags & flags_known[i].fs ? flags_known[i].inode : 0;
	return flags;
}

int file_flags_get(const struct file *file, uint32_t *fs_flags)
{
	struct inode *inode = file->inode;

	if (!inode->ops->flags_get)
		return -ENOTTY;
	*fs_flags = inode->ops->flags_get(inode);
	return 0;
}

/* The inode is locked. keep: flags that stay as they are, whatever is wanted. */
static int set_locked(struct inode *inode, const struct cred *cred, uint32_t wanted, uint32_t keep)
{
	const uint32_t old = inode->ops->flags_get(inode);

	wanted = (wanted & ~keep) | (old & keep);
	if ((wanted ^ old) & (FS_APPEND_FL | FS_IMMUTABLE_FL) &&
	    !cred_capable(cred, CAP_LINUX_IMMUTABLE))
		return -EPERM;
	return inode->ops->flags_set(inode, wanted);
}

static int set_kept(struct file *file, const struct cred *cred, uint32_t wanted, uint32_t keep)
{
	struct inode *inode = file->inode;
	int err = mount_write_get(file->path.mount);

	if (err)
		return err;
	if (!inode->ops->flags_set) {
		err = -ENOTTY;
	} else if (!inode_is_owner(inode, cred)) {
		err = -EPERM;
	} else {
		rwlock_write_lock(&inode->lock);
		err = set_locked(inode, cred, wanted, keep);
		rwlock_write_unlock(&inode->lock);
	}
	mount_write_put(file->path.mount);
	return err;
}

int file_flags_set(struct file *file, const struct cred *cred, uint32_t fs_flags)
{
	return set_kept(file, cred, fs_flags, 0);
}

int file_xflags_get(const struct file *file, struct fsxattr *out)
{
	uint32_t fs_flags;
	int err = file_flags_get(file, &fs_flags);

	if (err)
		return err;
	*out = (struct fsxattr){ 0 };
	for (unsigned int i = 0; i < array_size(flags_known); i++)
		out->fsx_xflags |= fs_flags & flags_known[i].fs ? flags_known[i].extended : 0;
	return 0;
}

int file_xflags_set(struct file *file, const struct cred *cred, const struct fsxattr *wanted)
{
	uint32_t fs_flags = 0, left = wanted->fsx_xflags;

	for (unsigned int i = 0; i < array_size(flags_known); i++) {
		fs_flags |= left & flags_known[i].extended ? flags_known[i].fs : 0;
		left &= ~flags_known[i].extended;
	}
	if (left || wanted->fsx_extsize || wanted->fsx_projid || wanted->fsx_cowextsize)
		return file->inode->ops->flags_set ? -EOPNOTSUPP : -ENOTTY;
	return set_kept(file, cred, fs_flags, ~(uint32_t)FLAGS_OF_BOTH);
}
