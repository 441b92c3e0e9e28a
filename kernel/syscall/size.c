/*
 * Sizes and stable storage: truncate(2), fallocate(2), fsync(2) and their kin, and advice about
 * reading.
 */
#include <linux/errno.h>
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#include "fs/attr.h"
#include "fs/disk_mapping.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/super.h"
#include "lib/math.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "syscall/place.h"
#include "syscall/prototypes.h"

static long finish_resize(int err)
{
	if (err == -EFBIG)
		(void)signal_send_task(task_current(), SIGXFSZ, SIGINFO_KERNEL);
	return err;
}

long sys_truncate(const char __user *path, long length)
{
	struct path found;
	int err;

	if (length < 0)
		return -EINVAL;
	err = place_lookup(AT_FDCWD, path, LOOKUP_FOLLOW, &found);
	if (err)
		return err;
	err = path_truncate(&found, task_current()->cred, length, proc_limit(RLIMIT_FSIZE));
	path_put(&found);
	return finish_resize(err);
}

long sys_ftruncate(int fd, unsigned long length)
{
	struct fd_borrow ref;
	int err;

	if ((long)length < 0)
		return -EINVAL;
	if (!fd_borrow_io(task_current()->files, fd, &ref))
		return -EBADF;
	err = file_truncate(ref.file, (pos_t)length, proc_limit(RLIMIT_FSIZE));
	fd_return(&ref);
	return finish_resize(err);
}

long sys_fallocate(int fd, int mode, pos_t offset, pos_t count)
{
	struct fd_borrow ref;
	int err;

	if (!fd_borrow_io(task_current()->files, fd, &ref))
		return -EBADF;
	err = file_fallocate(ref.file, mode, offset, count, proc_limit(RLIMIT_FSIZE));
	fd_return(&ref);
	return finish_resize(err);
}

static long sync_descriptor(int fd, bool data_only)
{
	struct fd_borrow ref;
	int err;

	if (!fd_borrow_io(task_current()->files, fd, &ref))
		return -EBADF;
	err = file_sync(ref.file, 0, INT64_MAX, data_only);
	fd_return(&ref);
	return err;
}

long sys_fsync(int fd)
{
	return sync_descriptor(fd, false);
}

long sys_fdatasync(int fd)
{
	return sync_descriptor(fd, true);
}

long sys_sync(void)
{
	super_sync_all(true);
	return 0;
}

long sys_syncfs(int fd)
{
	struct fd_borrow ref;
	int err;

	if (!fd_borrow_io(task_current()->files, fd, &ref))
		return -EBADF;
	err = file_sync_super(ref.file);
	fd_return(&ref);
	return err;
}

/* Regular files, devices and directories have something to write; pipes and sockets do not. */
static bool is_storable(const struct file *file)
{
	mode_t mode = file->inode->mode;

	return S_ISREG(mode) || S_ISBLK(mode) || S_ISDIR(mode) || S_ISLNK(mode);
}

long sys_sync_file_range(int fd, pos_t offset, pos_t count, unsigned int flags)
{
	const unsigned known = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
			       SYNC_FILE_RANGE_WAIT_AFTER;
	struct fd_borrow ref;
	pos_t end;
	int err = 0;

	if ((flags & ~known) || offset < 0 || count < 0 ||
	    __builtin_add_overflow(offset, count, &end))
		return -EINVAL;
	if (!fd_borrow_io(task_current()->files, fd, &ref))
		return -EBADF;
	if (!is_storable(ref.file))
		err = -ESPIPE;
	else if (ref.file->mode & FILE_DIRECT)
		err = disk_file_sync_range(ref.file, offset, count ? end - 1 : INT64_MAX, flags);
	fd_return(&ref);
	return err;
}

long sys_fadvise64(int fd, pos_t offset, size_t count, int advice)
{
	struct fd_borrow ref;
	int err = 0;

	if (!fd_borrow_io(task_current()->files, fd, &ref))
		return -EBADF;
	if (S_ISFIFO(ref.file->inode->mode))
		err = -ESPIPE;
	else if ((pos_t)count < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
		err = -EINVAL;
	else if (ref.file->mode & FILE_DIRECT)
		disk_file_advise(ref.file, max(offset, (pos_t)0), (pos_t)count, advice);
	fd_return(&ref);
	return err;
}

long sys_readahead(int fd, pos_t offset, size_t count)
{
	struct fd_borrow ref;
	int err = 0;

	if (!fd_borrow_io(task_current()->files, fd, &ref))
		return -EBADF;
	if (!(ref.file->mode & FILE_READ))
		err = -EBADF;
	else if (!ref.file->mapping || !(S_ISREG(ref.file->inode->mode) ||
	                                 S_ISBLK(ref.file->inode->mode)))
		err = -EINVAL;
	else if (ref.file->mode & FILE_DIRECT && offset >= 0)
		disk_file_advise(ref.file, offset, (pos_t)min(count, (size_t)INT64_MAX),
		                 POSIX_FADV_WILLNEED);
	fd_return(&ref);
	return err;
}
