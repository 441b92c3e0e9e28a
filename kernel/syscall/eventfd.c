/*
 * eventfd(2), timerfd_create(2), timerfd_settime(2), timerfd_gettime(2).
 */
#include <linux/errno.h>
#include <linux/time.h>
#include <linux/timerfd.h>

#include "abi/eventfd.h"
#include "fs/eventfd.h"
#include "fs/fdtable.h"
#include "fs/timerfd.h"
#include "lib/math.h"
#include "proc/proc.h"
#include "syscall/fd.h"
#include "syscall/prototypes.h"
#include "syscall/timespec.h"
#include "vm/usercopy.h"

long sys_eventfd2(unsigned int count, int flags)
{
	struct file *file;
	int err;

	if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	err = eventfd_create(task_current()->cred, count, (unsigned int)flags, &file);
	return err ? err : fd_give(file, flags & EFD_CLOEXEC);
}

long sys_eventfd(unsigned int count)
{
	return sys_eventfd2(count, 0);
}

long sys_timerfd_create(int clock, int flags)
{
	struct file *file;
	int err;

	if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	err = timerfd_create(task_current()->cred, clock, (unsigned int)flags, &file);
	return err ? err : fd_give(file, flags & TFD_CLOEXEC);
}

/* EBADF; EINVAL if it is another kind of file. */
static int borrow_timerfd(int fd, struct fd_borrow *borrow)
{
	if (!fd_borrow_io(task_current()->files, fd, borrow))
		return -EBADF;
	if (file_is_timerfd(borrow->file))
		return 0;
	fd_return(borrow);
	return -EINVAL;
}

static int setting_read(const struct __kernel_itimerspec __user *value, struct timerfd_setting *out)
{
	struct __kernel_itimerspec spec;

	if (copy_from_user(&spec, value, sizeof(spec)))
		return -EFAULT;
	if (timespec_to_ns(&spec.it_value, &out->value_ns) ||
	    timespec_to_ns(&spec.it_interval, &out->interval_ns))
		return -EINVAL;
	return 0;
}

static int setting_write(struct __kernel_itimerspec __user *value,
			 const struct timerfd_setting *setting)
{
	const struct __kernel_itimerspec spec = {
		.it_value = timespec_from_ns(setting->value_ns),
		.it_interval = timespec_from_ns(setting->interval_ns),
	};

	return copy_to_user(value, &spec, sizeof(spec));
}

long sys_timerfd_settime(int fd, int flags, const struct __kernel_itimerspec __user *value,
			 struct __kernel_itimerspec __user *old_value)
{
	struct timerfd_setting new, old;
	struct fd_borrow borrow;
	int err = setting_read(value, &new);

	if (err)
		return err;
	if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return -EINVAL;
	err = borrow_timerfd(fd, &borrow);
	if (err)
		return err;
	err = timerfd_set(borrow.file, (unsigned int)flags, &new, &old);
	fd_return(&borrow);
	if (old_value && setting_write(old_value, &old))
		return -EFAULT;
	return err;
}

long sys_timerfd_gettime(int fd, struct __kernel_itimerspec __user *value)
{
	struct timerfd_setting now;
	struct fd_borrow borrow;
	int err = borrow_timerfd(fd, &borrow);

	if (err)
		return err;
	timerfd_get(borrow.file, &now);
	fd_return(&borrow);
	return setting_write(value, &now);
}
