/*
 * inotify_init(2), inotify_init1(2), inotify_add_watch(2), inotify_rm_watch(2).
 */
#include "fs/inotify.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/inotify.h>

#include "fs/fdtable.h"
#include "fs/namei.h"
#include "proc/proc.h"
#include "syscall/fd.h"
#include "syscall/place.h"
#include "syscall/prototypes.h"

/* All that add_watch takes. */
#define KNOWN_BITS \
	(IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW | \
	 IN_EXCL_UNLINK | IN_MASK_ADD | IN_MASK_CREATE | IN_ISDIR | IN_ONESHOT)

long sys_inotify_init1(int flags)
{
	struct file *file;
	int err;

	if (flags & ~(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	err = inotify_create(task_current()->cred, (unsigned int)flags, &file);
	return err ? err : fd_give(file, flags & IN_CLOEXEC);
}

long sys_inotify_init(void)
{
	return sys_inotify_init1(0);
}

/* EBADF; EINVAL if it is another kind of file. */
static int borrow_inotify(int fd, struct fd_borrow *borrow)
{
	if (!fd_borrow_io(task_current()->files, fd, borrow))
		return -EBADF;
	if (file_is_inotify(borrow->file))
		return 0;
	fd_return(borrow);
	return -EINVAL;
}

static int add_place(struct file *file, const char __user *name, uint32_t mask)
{
	unsigned int flags = (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) |
			     (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0);
	struct path path;
	int err = place_lookup(AT_FDCWD, name, flags, &path);

	if (err)
		return err;
	err = path_permission(&path, task_current()->cred, MAY_READ);
	if (!err)
		err = inotify_add(file, &path, mask);
	path_put(&path);
	return err;
}

long sys_inotify_add_watch(int fd, const char __user *path, uint32_t mask)
{
	struct fd_borrow borrow;
	long result;

	if (mask & ~(uint32_t)KNOWN_BITS || !mask)
		return -EINVAL;
	result = borrow_inotify(fd, &borrow);
	if (result)
		return result;
	if (mask & IN_MASK_ADD && mask & IN_MASK_CREATE)
		result = -EINVAL;
	else
		result = add_place(borrow.file, path, mask);
	fd_return(&borrow);
	return result;
}

long sys_inotify_rm_watch(int fd, int watch)
{
	struct fd_borrow borrow;
	long result = borrow_inotify(fd, &borrow);

	if (result)
		return result;
	result = inotify_remove(borrow.file, watch);
	fd_return(&borrow);
	return result;
}
