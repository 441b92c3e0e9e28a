/*
 * Attributes: stat, and the changes that chmod, chown, utimes, truncate and writing make. See
 * attr.h.
 */
#include "fs/attr.h"

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "fs/file.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "fs/super.h"
#include "id/cred.h"

void kstat_fill(const struct inode *inode, struct kstat *stat)
{
	*stat = (struct kstat){
		.valid = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID,
		.mode = inode->mode,
		.nlink = inode->nlink,
		.uid = inode->uid,
		.gid = inode->gid,
		.dev = inode->super->dev,
		.rdev = inode->rdev,
		.ino = inode->ino,
		.size = inode->size,
		.blocks = inode->blocks,
		.block_size = inode->super->block_size,
		.attributes_mask = STATX_ATTR_APPEND | STATX_ATTR_IMMUTABLE | STATX_ATTR_AUTOMOUNT |
		                   STATX_ATTR_MOUNT_ROOT | STATX_ATTR_NODUMP,
		.attributes = (inode->flags & INODE_APPEND ? STATX_ATTR_APPEND : 0) |
		              (inode->flags & INODE_IMMUTABLE ? STATX_ATTR_IMMUTABLE : 0) |
		              (inode->flags & INODE_NODUMP ? STATX_ATTR_NODUMP : 0),
		.atime = inode->atime,
		.mtime = inode->mtime,
		.ctime = inode->ctime,
		.btime = inode->btime,
	};
}

int path_stat(const struct path *path, struct kstat *stat)
{
	struct inode *inode = path->dentry->inode;
	int err;

	kstat_fill(inode, stat);
	err = inode->ops->getattr ? inode->ops->getattr(inode, stat) : 0;
	stat->mount_id = (uint64_t)path->mount->id;
	if (path->dentry == path->mount->root)
		stat->attributes |= STATX_ATTR_MOUNT_ROOT;
	return err;
}

/* ---- changes ------------------------------------------------------------------------------- */

void attr_apply(struct inode *inode, const struct attr_change *change)
{
	if (change->valid & ATTR_MODE)
		WRITE_ONCE(inode->mode, (inode->mode & S_IFMT) | (change->mode & 07777));
	if (change->valid & ATTR_UID)
		WRITE_ONCE(inode->uid, change->uid);
	if (change->valid & ATTR_GID)
		WRITE_ONCE(inode->gid, change->gid);
	spin_lock(&inode->short_lock);
	if (change->valid & ATTR_ATIME)
		inode->atime = change->atime;
	if (change->valid & ATTR_MTIME)
		inode->mtime = change->mtime;
	if (change->valid & ATTR_CTIME)
		inode->ctime = change->ctime;
	spin_unlock(&inode->short_lock);
}

/* Lets the file system apply it. inode->lock held for writing. */
static int setattr(struct inode *inode, const struct attr_change *change)
{
	if (inode->ops->setattr)
		return inode->ops->setattr(inode, change);
	if (change->valid & ATTR_SIZE)
		return -EPERM;
	attr_apply(inode, change);
	return 0;
}

/* Of the set-id bits, those that fall when somebody without CAP_FSETID changes the file. */
static mode_t privileged_bits(const struct inode *inode, const struct cred *cred)
{
	mode_t bits = inode->mode & S_ISUID;

	if ((inode->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		bits |= S_ISGID;
	if (likely(!bits) || !S_ISREG(inode->mode) || cred_capable(cred, CAP_FSETID))
		return 0;
	return bits;
}

static int mount_and_flags_check(const struct path *path)
{
	int err = mount_write_get(path->mount);

	if (!err && path->dentry->inode->flags & (INODE_IMMUTABLE | INODE_APPEND)) {
		mount_write_put(path->mount);
		return -EPERM;
	}
	return err;
}

/* Takes the mount and the lock for a change, or says why not; change_end() gives both back. */
static int change_begin(const struct path *path)
{
	int err = mount_and_flags_check(path);

	if (!err)
		rwlock_write_lock(&path->dentry->inode->lock);
	return err;
}

static void change_end(const struct path *path, const struct attr_change *change, int err)
{
	rwlock_write_unlock(&path->dentry->inode->lock);
	mount_write_put(path->mount);
	if (!err)
		notify_dentry(path->dentry, notify_event_of_change(change->valid));
}

int path_chmod(const struct path *path, const struct cred *cred, mode_t mode)
{
	struct inode *inode = path->dentry->inode;
	struct attr_change change = { .valid = ATTR_MODE | ATTR_CTIME, .mode = mode & 07777 };
	int err;

	if (S_ISLNK(inode->mode))
		return -EOPNOTSUPP;
	err = change_begin(path);
	if (err)
		return err;
	if (!inode_is_owner(inode, cred))
		err = -EPERM;
	if (!cred_in_group(cred, inode->gid) && !cred_capable(cred, CAP_FSETID))
		change.mode &= ~(mode_t)S_ISGID;
	change.ctime = inode_now();
	if (!err)
		err = setattr(inode, &change);
	change_end(path, &change, err);
	return err;
}

static bool may_chown(const struct inode *inode, const struct cred *cred, uid_t uid, gid_t gid)
{
	if (cred_capable(cred, CAP_CHOWN))
		return true;
	if (uid != (uid_t)-1 && (cred->fsuid != inode->uid || uid != inode->uid))
		return false;
	return gid == (gid_t)-1 ||
	       (cred->fsuid == inode->uid && (gid == inode->gid || cred_in_group(cred, gid)));
}

int path_chown(const struct path *path, const struct cred *cred, uid_t uid, gid_t gid)
{
	struct inode *inode = path->dentry->inode;
	struct attr_change change = { .valid = ATTR_CTIME, .uid = uid, .gid = gid };
	int err = change_begin(path);

	if (err)
		return err;
	change.valid |= (uid != (uid_t)-1 ? ATTR_UID : 0) | (gid != (gid_t)-1 ? ATTR_GID : 0);
	change.ctime = inode_now();
	if (!S_ISDIR(inode->mode)) {
		/* Set-id bits fall even for the superuser. */
		change.mode = inode->mode & 07777 & ~(mode_t)S_ISUID;
		if (inode->mode & S_IXGRP)
			change.mode &= ~(mode_t)S_ISGID;
		if (change.mode != (inode->mode & 07777))
			change.valid |= ATTR_MODE;
	}
	err = may_chown(inode, cred, uid, gid) ? setattr(inode, &change) : -EPERM;
	change_end(path, &change, err);
	return err;
}

int path_utimes(const struct path *path, const struct cred *cred,
                const struct time_change *times)
{
	struct inode *inode = path->dentry->inode;
	struct attr_change change = { .valid = ATTR_CTIME, .atime = times->atime,
	                             .mtime = times->mtime };
	const bool both_now = times->atime_how == UTIME_SET_NOW &&
	                      times->mtime_how == UTIME_SET_NOW;
	int err;

	if (times->atime_how == UTIME_KEEP && times->mtime_how == UTIME_KEEP)
		return 0;
	err = mount_write_get(path->mount);
	if (err)
		return err;
	rwlock_write_lock(&inode->lock);
	if (inode->flags & INODE_IMMUTABLE || (inode->flags & INODE_APPEND && !both_now))
		err = -EPERM;
	else if (!inode_is_owner(inode, cred))
		err = both_now ? inode_permission(inode, cred, MAY_WRITE) : -EPERM;
	change.ctime = inode_now();
	if (times->atime_how != UTIME_KEEP)
		change.valid |= ATTR_ATIME;
	if (times->mtime_how != UTIME_KEEP)
		change.valid |= ATTR_MTIME;
	if (times->atime_how == UTIME_SET_NOW)
		change.atime = change.ctime;
	if (times->mtime_how == UTIME_SET_NOW)
		change.mtime = change.ctime;
	if (!err)
		err = setattr(inode, &change);
	change_end(path, &change, err);
	return err;
}

/* ---- size ---------------------------------------------------------------------------------- */

/* inode->lock held for writing. */
static int truncate_locked(struct inode *inode, const struct cred *cred, pos_t size)
{
	struct attr_change change = { .valid = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME, .size = size };
	mode_t falling = privileged_bits(inode, cred);

	change.mtime = change.ctime = inode_now();
	if (falling) {
		change.valid |= ATTR_MODE;
		change.mode = inode->mode & 07777 & ~falling;
	}
	return setattr(inode, &change);
}

int inode_truncate_open(struct inode *inode, const struct cred *cred)
{
	int err;

	rwlock_write_lock(&inode->lock);
	err = truncate_locked(inode, cred, 0);
	rwlock_write_unlock(&inode->lock);
	return err;
}

static int size_check(const struct inode *inode, pos_t size, uint64_t size_limit)
{
	if (size > inode->size && (uint64_t)size > size_limit)
		return -EFBIG;
	return size > inode->super->max_size ? -EFBIG : 0;
}

int path_truncate(const struct path *path, const struct cred *cred, pos_t size, uint64_t size_limit)
{
	struct inode *inode = path->dentry->inode;
	int err;

	if (S_ISDIR(inode->mode))
		return -EISDIR;
	if (!S_ISREG(inode->mode))
		return -EINVAL;
	err = mount_write_get(path->mount);
	if (err)
		return err;
	err = inode_permission(inode, cred, MAY_WRITE);
	if (!err && inode->flags & INODE_APPEND)
		err = -EPERM;
	if (!err)
		err = inode_write_get(inode);
	if (err) {
		mount_write_put(path->mount);
		return err;
	}
	rwlock_write_lock(&inode->lock);
	err = size_check(inode, size, size_limit);
	if (!err)
		err = truncate_locked(inode, cred, size);
	rwlock_write_unlock(&inode->lock);
	inode_write_put(inode);
	mount_write_put(path->mount);
	if (!err)
		notify_dentry(path->dentry, IN_MODIFY);
	return err;
}

int file_truncate(struct file *file, pos_t size, uint64_t size_limit)
{
	struct inode *inode = file->inode;
	int err;

	if (!S_ISREG(inode->mode) || !(file->mode & FILE_WRITE))
		return -EINVAL;
	if (inode->flags & INODE_APPEND)
		return -EPERM;
	rwlock_write_lock(&inode->lock);
	err = size_check(inode, size, size_limit);
	if (!err)
		err = truncate_locked(inode, file->cred, size);
	rwlock_write_unlock(&inode->lock);
	if (!err)
		notify_file(file, IN_MODIFY);
	return err;
}

int file_wrote(struct file *file)
{
	struct inode *inode = file->inode;
	mode_t falling = privileged_bits(inode, file->cred);

	if (unlikely(falling))
		WRITE_ONCE(inode->mode, inode->mode & ~falling);
	if (!(inode->flags & INODE_NO_CMTIME))
		inode_stamp(inode, ATTR_MTIME | ATTR_CTIME);
	return 0;
}
