/*
 * stat(2) in all its forms, statx(2), access(2), statfs(2).
 */
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/securebits.h>
#include <linux/stat.h>

#include "abi/access.h"
#include "fs/attr.h"
#include "lib/devnum.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/super.h"
#include "lib/string.h"
#include "proc/task.h"
#include "syscall/place.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

static int copy_stat_out(const struct kstat *from, struct stat __user *to)
{
	struct stat st = {
		.st_dev = dev_encode(from->dev),
		.st_ino = from->ino,
		.st_nlink = from->nlink,
		.st_mode = from->mode,
		.st_uid = from->uid,
		.st_gid = from->gid,
		.st_rdev = dev_encode(from->rdev),
		.st_size = from->size,
		.st_blksize = from->block_size,
		.st_blocks = (long)from->blocks,
		.st_atime = (unsigned long)(from->atime / NS_PER_SEC),
		.st_atime_nsec = (unsigned long)(from->atime % NS_PER_SEC),
		.st_mtime = (unsigned long)(from->mtime / NS_PER_SEC),
		.st_mtime_nsec = (unsigned long)(from->mtime % NS_PER_SEC),
		.st_ctime = (unsigned long)(from->ctime / NS_PER_SEC),
		.st_ctime_nsec = (unsigned long)(from->ctime % NS_PER_SEC),
	};

	return copy_to_user(to, &st, sizeof(st));
}

/* The empty name with AT_EMPTY_PATH is fstat: no walk at all. */
static int stat_descriptor(int fd, struct kstat *stat)
{
	struct fd_borrow ref;
	int err;

	if (!fd_borrow(task_current()->files, fd, &ref))
		return -EBADF;
	err = path_stat(&ref.file->path, stat);
	fd_return(&ref);
	return err;
}

static int stat_at(int dfd, const char __user *path, int flags, struct kstat *stat)
{
	struct path found;
	char first;
	int err;

	if ((flags & AT_EMPTY_PATH) && dfd >= 0 && !get_user(first, path) && !first)
		return stat_descriptor(dfd, stat);
	err = place_lookup(dfd, path, place_lookup_flags(flags), &found);
	if (err)
		return err;
	err = path_stat(&found, stat);
	path_put(&found);
	return err;
}

long sys_newfstatat(int dfd, const char __user *path, struct stat __user *st, int flags)
{
	struct kstat stat;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	err = stat_at(dfd, path, flags, &stat);
	return err ? err : copy_stat_out(&stat, st);
}

long sys_stat(const char __user *path, struct stat __user *st)
{
	return sys_newfstatat(AT_FDCWD, path, st, 0);
}

long sys_lstat(const char __user *path, struct stat __user *st)
{
	return sys_newfstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

long sys_fstat(unsigned int fd, struct stat __user *st)
{
	struct kstat stat;
	int err = stat_descriptor((int)fd, &stat);

	return err ? err : copy_stat_out(&stat, st);
}

static struct statx_timestamp to_timestamp(ns_t ns)
{
	return (struct statx_timestamp){ .tv_sec = ns / NS_PER_SEC,
		                         .tv_nsec = (uint32_t)(ns % NS_PER_SEC) };
}

long sys_statx(int dfd, const char __user *path, unsigned int flags, unsigned int mask,
               struct statx __user *to)
{
	struct kstat stat;
	struct statx out;
	int err;

	if ((mask & STATX__RESERVED) || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
	    (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
	                         AT_STATX_SYNC_TYPE)))
		return -EINVAL;
	err = stat_at(dfd, path, (int)flags, &stat);
	if (err)
		return err;
	out = (struct statx){
		.stx_mask = stat.valid,
		.stx_blksize = stat.block_size,
		.stx_attributes = stat.attributes,
		.stx_nlink = stat.nlink,
		.stx_uid = stat.uid,
		.stx_gid = stat.gid,
		.stx_mode = (uint16_t)stat.mode,
		.stx_ino = stat.ino,
		.stx_size = (uint64_t)stat.size,
		.stx_blocks = stat.blocks,
		.stx_attributes_mask = stat.attributes_mask,
		.stx_atime = to_timestamp(stat.atime),
		.stx_btime = to_timestamp(stat.btime),
		.stx_ctime = to_timestamp(stat.ctime),
		.stx_mtime = to_timestamp(stat.mtime),
		.stx_rdev_major = dev_major(stat.rdev),
		.stx_rdev_minor = dev_minor(stat.rdev),
		.stx_dev_major = dev_major(stat.dev),
		.stx_dev_minor = dev_minor(stat.dev),
		.stx_mnt_id = stat.mount_id,
	};
	return copy_to_user(to, &out, sizeof(out));
}

/* access(2) asks with the real ids, and with their capabilities. */
static int real_cred(struct cred **out)
{
	const struct cred *own = task_current()->cred;
	int err = cred_dup(own, out);

	if (err)
		return err;
	(*out)->fsuid = own->uid;
	(*out)->fsgid = own->gid;
	if (!(own->securebits & SECBIT_NO_SETUID_FIXUP))
		(*out)->effective = own->uid ? 0 : own->permitted;
	return 0;
}

static int check_access(const struct path *path, const struct cred *cred, int mode)
{
	unsigned mask = (mode & R_OK ? MAY_READ : 0) | (mode & W_OK ? MAY_WRITE : 0) |
			(mode & X_OK ? MAY_EXEC : 0);

	return mask ? path_permission(path, cred, mask) : 0;
}

static int access_as(int dfd, const char __user *path, int mode, int flags, const struct cred *cred)
{
	struct place place;
	struct path found;
	int err = place_init(&place, dfd, path, place_lookup_flags(flags));

	if (err)
		return err;
	place.from.cred = cred;
	err = path_lookup(&place.from, place.name, place_lookup_flags(flags), &found);
	if (!err) {
		err = check_access(&found, cred, mode);
		path_put(&found);
	}
	place_fini(&place);
	return err;
}

long sys_faccessat2(int dfd, const char __user *path, int mode, int flags)
{
	const struct cred *own = task_current()->cred;
	struct cred *real;
	int err;

	if ((mode & ~(R_OK | W_OK | X_OK)) ||
	    (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	if ((flags & AT_EACCESS) || (own->uid == own->fsuid && own->gid == own->fsgid))
		return access_as(dfd, path, mode, flags, own);
	err = real_cred(&real);
	if (err)
		return err;
	err = access_as(dfd, path, mode, flags, real);
	cred_put(real);
	return err;
}

long sys_faccessat(int dfd, const char __user *path, int mode)
{
	return sys_faccessat2(dfd, path, mode, 0);
}

long sys_access(const char __user *path, int mode)
{
	return sys_faccessat2(AT_FDCWD, path, mode, 0);
}

/* Mount flags as statvfs(3) shows them; ST_VALID says that they are. */
static long shown_flags(const struct mount *mount, const struct fs_stat *stat)
{
	static const struct {
		unsigned ms, st;
	} map[] = {
		{ MS_RDONLY, 0x1 },	 { MS_NOSUID, 0x2 },	  { MS_NODEV, 0x4 },
		{ MS_NOEXEC, 0x8 },	 { MS_NOATIME, 0x400 },	  { MS_NODIRATIME, 0x800 },
		{ MS_RELATIME, 0x1000 }, { MS_NOSYMFOLLOW, 0x2000 },
	};
	long shown = (long)stat->flags | 0x20;

	for (size_t i = 0; i < array_size(map); i++) {
		if (mount->flags & map[i].ms)
			shown |= map[i].st;
	}
	return shown;
}

static int statfs_place(const struct path *path, struct statfs __user *to)
{
	struct fs_stat stat;
	struct statfs out;
	int err = super_statfs(path->mount->super, &stat);

	if (err)
		return err;
	out = (struct statfs){
		.f_type = (long)stat.type,
		.f_bsize = (long)stat.block_size,
		.f_blocks = (long)stat.blocks,
		.f_bfree = (long)stat.blocks_free,
		.f_bavail = (long)stat.blocks_available,
		.f_files = (long)stat.files,
		.f_ffree = (long)stat.files_free,
		.f_namelen = (long)stat.name_max,
		.f_frsize = (long)stat.fragment_size,
		.f_flags = shown_flags(path->mount, &stat),
	};
	memcpy(&out.f_fsid, &stat.id, sizeof(out.f_fsid));
	return copy_to_user(to, &out, sizeof(out));
}

long sys_statfs(const char __user *path, struct statfs __user *st)
{
	struct path found;
	int err = place_lookup(AT_FDCWD, path, LOOKUP_FOLLOW, &found);

	if (err)
		return err;
	err = statfs_place(&found, st);
	path_put(&found);
	return err;
}

long sys_fstatfs(unsigned int fd, struct statfs __user *st)
{
	struct fd_borrow ref;
	int err;

	if (!fd_borrow(task_current()->files, (int)fd, &ref))
		return -EBADF;
	err = statfs_place(&ref.file->path, st);
	fd_return(&ref);
	return err;
}
