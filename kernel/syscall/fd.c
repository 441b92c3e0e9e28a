/*
 * Descriptors: dup(2), dup2(2), dup3(2), fcntl(2). Record locks and owners are in their own files.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "fs/fdtable.h"
#include "fs/file.h"
#include "fs/tmpfs/tmpfs.h"
#include "proc/proc.h"
#include "syscall/fcntl.h"
#include "syscall/fd.h"
#include "syscall/prototypes.h"

long fd_give(struct file *file, bool cloexec)
{
	int fd = fd_add(task_current()->files, file, fd_limit(), cloexec);

	if (fd < 0)
		file_put(file);
	return fd;
}

/* A second descriptor for the file of `fd`, the lowest free one from `from` on. */
static long dup_from(int fd, uint32_t from, bool cloexec)
{
	struct fdtable *files = task_current()->files;
	struct file *file = fdtable_get_file(files, fd);
	int copy;

	if (!file)
		return -EBADF;
	copy = fd_reserve(files, from, fd_limit(), cloexec);
	if (copy < 0)
		file_put(file);
	else
		fd_install(files, copy, file);
	return copy;
}

long sys_dup(unsigned int fd)
{
	return dup_from((int)fd, 0, false);
}

static long dup_onto(unsigned int old_fd, unsigned int new_fd, bool cloexec)
{
	struct fdtable *files = task_current()->files;
	struct file *file;
	int err;

	if (new_fd >= fd_limit())
		return -EBADF;
	file = fdtable_get_file(files, (int)old_fd);
	if (!file)
		return -EBADF;
	err = fd_replace(files, (int)new_fd, file, fd_limit(), cloexec);
	if (err < 0) {
		file_put(file);
		return err;
	}
	return new_fd;
}

long sys_dup2(unsigned int old_fd, unsigned int new_fd)
{
	struct fd_borrow ref;

	if (old_fd == new_fd) {
		if (!fd_borrow(task_current()->files, (int)old_fd, &ref))
			return -EBADF;
		fd_return(&ref);
		return new_fd;
	}
	return dup_onto(old_fd, new_fd, false);
}

long sys_dup3(unsigned int old_fd, unsigned int new_fd, int flags)
{
	if ((flags & ~O_CLOEXEC) || old_fd == new_fd)
		return -EINVAL;
	return dup_onto(old_fd, new_fd, flags & O_CLOEXEC);
}

/*
 * Commands that work on the descriptor and not on the file; also with O_PATH. -ENOIOCTLCMD: not one
 * of them.
 */
static long fcntl_descriptor(int fd, unsigned int command, unsigned long arg, struct file *file)
{
	struct fdtable *files = task_current()->files;

	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return arg >= fd_limit() ? -EINVAL
					 : dup_from(fd, (uint32_t)arg, command == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_get_cloexec(files, fd);
	case F_SETFD:
		return fd_set_cloexec(files, fd, arg & FD_CLOEXEC);
	case F_GETFL:
		return file->flags;
	default:
		return -ENOIOCTLCMD;
	}
}

static long fcntl_file(struct file *file, int fd, unsigned int command, unsigned long arg)
{
	switch (command) {
	case F_SETFL:
		return file_set_flags(file, (unsigned)arg);
	case F_ADD_SEALS:
		return file->mode & FILE_WRITE ? tmpfs_add_seals(file, (unsigned)arg) : -EPERM;
	case F_GET_SEALS:
		return tmpfs_get_seals(file);
	default:
		return fcntl_other(file, fd, command, arg);
	}
}

long sys_fcntl(unsigned int fd, unsigned int command, unsigned long arg)
{
	struct fd_borrow ref;
	long result;

	if (!fd_borrow(task_current()->files, (int)fd, &ref))
		return -EBADF;
	result = fcntl_descriptor((int)fd, command, arg, ref.file);
	if (result == -ENOIOCTLCMD)
		result = ref.file->mode & FILE_PATH ? -EBADF
		                                    : fcntl_file(ref.file, (int)fd, command, arg);
	fd_return(&ref);
	return result;
}
