/*
 * Who may do what: the mode bits, and the capabilities that override them (path_resolution(7),
 * capabilities(7)). Nothing here sleeps.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/mount.h>

#include "fs/context.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/mode_impl.h"
#include "fs/namei.h"
#include "fs/super.h"
#include "id/cred.h"

static_assert(MAY_EXEC == 1 && MAY_WRITE == 2 && MAY_READ == 4, "the bits of a mode's last digit");

int inode_check_mode(struct inode *inode, const struct cred *cred, unsigned int mask)
{
	if (inode_mode_allows(inode, cred, mask))
		return 0;
	if (inode_is_dir(inode)) {
		if (!(mask & MAY_WRITE) && cred_capable(cred, CAP_DAC_READ_SEARCH))
			return 0;
		return cred_capable(cred, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	}
	if ((mask & MAY_RWX) == MAY_READ && cred_capable(cred, CAP_DAC_READ_SEARCH))
		return 0;
	/* A file that nobody may execute, nobody may execute. */
	if ((!(mask & MAY_EXEC) || inode->mode & 0111) && cred_capable(cred, CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_permission(struct inode *inode, const struct cred *cred, unsigned int mask)
{
	if (unlikely(mask & MAY_WRITE)) {
		mode_t type = inode->mode & S_IFMT;

		if (inode->super->flags & MS_RDONLY &&
		    (type == S_IFREG || type == S_IFDIR || type == S_IFLNK))
			return -EROFS;
		if (inode->flags & INODE_IMMUTABLE)
			return -EPERM;
	}
	if (inode->ops->permission)
		return inode->ops->permission(inode, cred, mask);
	return inode_check_mode(inode, cred, mask);
}

int path_permission(const struct path *path, const struct cred *cred, unsigned int mask)
{
	struct inode *inode = path->dentry->inode;
	mode_t type = inode->mode & S_IFMT;
	int err;

	if (mask & MAY_EXEC && type == S_IFREG && path->mount->flags & MS_NOEXEC)
		return -EACCES;
	err = inode_permission(inode, cred, mask);
	if (err || !(mask & MAY_WRITE))
		return err;
	/* Devices, pipes and sockets are written through read-only mounts. */
	if (path->mount->flags & MS_RDONLY &&
	    (type == S_IFREG || type == S_IFDIR || type == S_IFLNK))
		return -EROFS;
	return 0;
}

int protected_symlinks = 1;
int protected_hardlinks = 1;
int protected_fifos;
int protected_regular;

int link_follow_check(const struct inode *dir, const struct inode *link, const struct cred *cred)
{
	const mode_t shared = S_ISVTX | S_IWOTH;

	if (!atomic_load_relaxed(&protected_symlinks) || cred->fsuid == link->uid)
		return 0;
	return (dir->mode & shared) != shared || dir->uid == link->uid ? 0 : -EACCES;
}

int link_source_check(struct inode *inode, const struct cred *cred)
{
	if (!atomic_load_relaxed(&protected_hardlinks) || inode_is_owner(inode, cred))
		return 0;
	if (!S_ISREG(inode->mode) || inode->mode & S_ISUID ||
	    (inode->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		return -EPERM;
	return inode_permission(inode, cred, MAY_READ | MAY_WRITE) ? -EPERM : 0;
}

/* Linux's may_create_in_sticky() */
int create_found_check(const struct inode *found, mode_t dir_mode, uid_t dir_uid,
		       const struct cred *cred)
{
	int level = 0;

	if (S_ISFIFO(found->mode))
		level = atomic_load_relaxed(&protected_fifos);
	else if (S_ISREG(found->mode))
		level = atomic_load_relaxed(&protected_regular);
	if (likely(!level) || !(dir_mode & S_ISVTX) || found->uid == dir_uid ||
	    found->uid == cred->fsuid)
		return 0;
	return dir_mode & S_IWOTH || (level >= 2 && dir_mode & S_IWGRP) ? -EACCES : 0;
}

bool inode_is_owner(const struct inode *inode, const struct cred *cred)
{
	return cred->fsuid == inode->uid || cred_capable(cred, CAP_FOWNER);
}

void inode_seed(const struct inode *dir, const struct walk_from *from, mode_t mode,
                struct new_inode *out)
{
	*out = (struct new_inode){
		.mode = mode & ~from->fs->umask,
		.uid = from->cred->fsuid,
		.gid = from->cred->fsgid,
	};
	if (S_ISLNK(mode))
		out->mode = S_IFLNK | 0777;
	if (!(dir->mode & S_ISGID))
		return;
	out->gid = dir->gid;
	if (S_ISDIR(mode))
		out->mode |= S_ISGID;
	else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
	         !cred_in_group(from->cred, dir->gid) && !cred_capable(from->cred, CAP_FSETID))
		out->mode &= ~(mode_t)S_ISGID;
}
