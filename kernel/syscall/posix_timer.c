/*
 * timer_create(2), timer_settime(2), timer_gettime(2), timer_getoverrun(2), timer_delete(2).
 */
#include "proc/posix_timer.h"

#include <linux/errno.h>
#include <linux/signal.h>
#include <linux/time.h>
#include <linux/time_types.h>

#include "syscall/prototypes.h"
#include "syscall/timespec.h"
#include "vm/usercopy.h"

long sys_timer_create(int clock, const struct sigevent __user *user_event, int __user *timer)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	int id, err;

	if (user_event && copy_from_user(&event, user_event, sizeof(event)))
		return -EFAULT;
	err = posix_timer_create(clock, &event, !user_event, &id);
	if (err)
		return err;
	if (put_user(id, timer)) {
		err = posix_timer_delete(id);
		return -EFAULT;
	}
	return 0;
}

static int write_setting(struct __kernel_itimerspec __user *to,
                         const struct posix_timer_setting *setting)
{
	struct __kernel_itimerspec out = {
		.it_value = timespec_from_ns(setting->value_ns),
		.it_interval = timespec_from_ns(setting->interval_ns),
	};

	return copy_to_user(to, &out, sizeof(out));
}

long sys_timer_settime(int timer, int flags, const struct __kernel_itimerspec __user *value,
		       struct __kernel_itimerspec __user *old_value)
{
	struct posix_timer_setting new, old;
	struct __kernel_itimerspec in;
	int err;

	if (!value)
		return -EINVAL;
	if (copy_from_user(&in, value, sizeof(in)))
		return -EFAULT;
	if (timespec_to_ns(&in.it_value, &new.value_ns) ||
	    timespec_to_ns(&in.it_interval, &new.interval_ns))
		return -EINVAL;
	err = posix_timer_set(timer, flags & TIMER_ABSTIME, &new, &old);
	if (!err && old_value)
		err = write_setting(old_value, &old);
	return err;
}

long sys_timer_gettime(int timer, struct __kernel_itimerspec __user *value)
{
	struct posix_timer_setting now;
	int err = posix_timer_get(timer, &now);

	return err ? err : write_setting(value, &now);
}

long sys_timer_getoverrun(int timer)
{
	return posix_timer_overrun(timer);
}

long sys_timer_delete(int timer)
{
	return posix_timer_delete(timer);
}
