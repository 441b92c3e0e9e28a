/*
 * chmod(2), chown(2), utimensat(2) and their forms; umask(2).
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include <linux/utime.h>

#include "fs/attr.h"
#include "fs/context.h"
#include "fs/file.h"
#include "proc/task.h"
#include "syscall/place.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

#define UTIME_NOW_NSEC  ((1l << 30) - 1) /* UTIME_NOW */
#define UTIME_OMIT_NSEC ((1l << 30) - 2) /* UTIME_OMIT */

long sys_fchmodat(int dfd, const char __user *path, mode_t mode)
{
	struct path found;
	int err = place_lookup(dfd, path, LOOKUP_FOLLOW, &found);

	if (err)
		return err;
	err = path_chmod(&found, task_current()->cred, mode & 07777);
	path_put(&found);
	return err;
}

long sys_chmod(const char __user *path, mode_t mode)
{
	return sys_fchmodat(AT_FDCWD, path, mode);
}

long sys_fchmod(unsigned int fd, mode_t mode)
{
	struct fd_borrow ref;
	int err;

	if (!fd_borrow_io(task_current()->files, (int)fd, &ref))
		return -EBADF;
	err = path_chmod(&ref.file->path, task_current()->cred, mode & 07777);
	fd_return(&ref);
	return err;
}

long sys_fchownat(int dfd, const char __user *path, uid_t uid, gid_t gid, int flags)
{
	struct path found;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = place_lookup(dfd, path, place_lookup_flags(flags), &found);
	if (err)
		return err;
	err = path_chown(&found, task_current()->cred, uid, gid);
	path_put(&found);
	return err;
}

long sys_chown(const char __user *path, uid_t uid, gid_t gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

long sys_lchown(const char __user *path, uid_t uid, gid_t gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(unsigned int fd, uid_t uid, gid_t gid)
{
	struct fd_borrow ref;
	int err;

	if (!fd_borrow_io(task_current()->files, (int)fd, &ref))
		return -EBADF;
	err = path_chown(&ref.file->path, task_current()->cred, uid, gid);
	fd_return(&ref);
	return err;
}

/* A null path means the descriptor itself: futimens(3). */
static int change_times(int dfd, const char __user *path, const struct time_change *change,
                        int flags)
{
	const struct cred *cred = task_current()->cred;
	struct fd_borrow ref;
	struct path found;
	int err;

	if (!path && dfd != AT_FDCWD) {
		if (flags)
			return -EINVAL;
		if (!fd_borrow_io(task_current()->files, dfd, &ref))
			return -EBADF;
		err = path_utimes(&ref.file->path, cred, change);
		fd_return(&ref);
		return err;
	}
	err = place_lookup(dfd, path, place_lookup_flags(flags), &found);
	if (err)
		return err;
	err = path_utimes(&found, cred, change);
	path_put(&found);
	return err;
}

static int read_time(const struct __kernel_timespec *ts, int *how, ns_t *when)
{
	*how = UTIME_SET;
	if (ts->tv_nsec == UTIME_NOW_NSEC)
		*how = UTIME_SET_NOW;
	else if (ts->tv_nsec == UTIME_OMIT_NSEC)
		*how = UTIME_KEEP;
	else if ((uint64_t)ts->tv_nsec >= NS_PER_SEC)
		return -EINVAL;
	/* Times are kept in nanoseconds: what does not fit stands at the end of the range. */
	if (ts->tv_sec > INT64_MAX / NS_PER_SEC - 1)
		*when = INT64_MAX;
	else if (ts->tv_sec < INT64_MIN / NS_PER_SEC + 1)
		*when = INT64_MIN / NS_PER_SEC * NS_PER_SEC;
	else
		*when = ts->tv_sec * NS_PER_SEC + ts->tv_nsec;
	return 0;
}

static const struct time_change now_change = { .atime_how = UTIME_SET_NOW,
	                                       .mtime_how = UTIME_SET_NOW };

static int read_change(const struct __kernel_timespec ts[2], struct time_change *change)
{
	int atime_how, mtime_how;

	if (read_time(&ts[0], &atime_how, &change->atime) ||
	    read_time(&ts[1], &mtime_how, &change->mtime))
		return -EINVAL;
	change->atime_how = atime_how;
	change->mtime_how = mtime_how;
	return 0;
}

long sys_utimensat(int dfd, const char __user *path, const struct __kernel_timespec __user *times,
                   int flags)
{
	struct time_change change = now_change;
	struct __kernel_timespec ts[2];

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (times) {
		if (copy_from_user(ts, times, sizeof(ts)))
			return -EFAULT;
		if (ts[0].tv_nsec == UTIME_OMIT_NSEC && ts[1].tv_nsec == UTIME_OMIT_NSEC)
			return 0;
		if (read_change(ts, &change))
			return -EINVAL;
	}
	return change_times(dfd, path, &change, flags);
}

long sys_futimesat(int dfd, const char __user *path,
                   const struct __kernel_old_timeval __user *times)
{
	struct __kernel_old_timeval tv[2];
	struct time_change change = now_change;
	struct __kernel_timespec ts[2];

	if (times) {
		if (copy_from_user(tv, times, sizeof(tv)))
			return -EFAULT;
		for (int i = 0; i < 2; i++) {
			if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
				return -EINVAL;
			ts[i] = (struct __kernel_timespec){ tv[i].tv_sec,
				                            tv[i].tv_usec * NS_PER_USEC };
		}
		if (read_change(ts, &change))
			return -EINVAL;
	}
	return change_times(dfd, path, &change, 0);
}

long sys_utimes(const char __user *path, const struct __kernel_old_timeval __user *times)
{
	return sys_futimesat(AT_FDCWD, path, times);
}

long sys_utime(const char __user *path, const struct utimbuf __user *times)
{
	struct time_change change = now_change;
	struct __kernel_timespec ts[2];
	struct utimbuf in;

	if (times) {
		if (copy_from_user(&in, times, sizeof(in)))
			return -EFAULT;
		ts[0] = (struct __kernel_timespec){ .tv_sec = in.actime };
		ts[1] = (struct __kernel_timespec){ .tv_sec = in.modtime };
		if (read_change(ts, &change))
			return -EINVAL;
	}
	return change_times(AT_FDCWD, path, &change, 0);
}

long sys_umask(int mask)
{
	return fs_context_set_umask(task_current()->fs, (mode_t)mask & 0777);
}
