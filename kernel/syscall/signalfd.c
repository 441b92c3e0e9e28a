/*
 * signalfd(2), signalfd4(2).
 */
#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/signalfd.h>

#include "fs/fdtable.h"
#include "lib/math.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "proc/signalfd.h"
#include "syscall/fd.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

static long signalfd_change(int fd, uint64_t mask)
{
	struct fd_borrow borrow;

	if (!fd_borrow_io(task_current()->files, fd, &borrow))
		return -EBADF;
	if (!file_is_signalfd(borrow.file)) {
		fd_return(&borrow);
		return -EINVAL;
	}
	signalfd_set_mask(borrow.file, mask);
	fd_return(&borrow);
	return fd;
}

long sys_signalfd4(int fd, const uint64_t __user *set, size_t set_size, int flags)
{
	struct file *file;
	uint64_t mask;
	int err;

	if (set_size != sizeof(mask))
		return -EINVAL;
	if (get_user(mask, set))
		return -EFAULT;
	if (flags & ~(SFD_CLOEXEC | SFD_NONBLOCK))
		return -EINVAL;
	mask &= ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
	if (fd != -1)
		return signalfd_change(fd, mask);
	err = signalfd_create(mask, (unsigned int)flags, &file);
	if (err)
		return err;
	return fd_give(file, flags & SFD_CLOEXEC);
}

long sys_signalfd(int fd, const uint64_t __user *set, size_t set_size)
{
	return sys_signalfd4(fd, set, set_size, 0);
}
