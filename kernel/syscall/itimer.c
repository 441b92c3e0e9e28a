/*
 * alarm(2), getitimer(2), setitimer(2).
 */
#include <linux/errno.h>
#include <linux/time.h>
#include <linux/time_types.h>

#include "proc/itimer.h"
#include "proc/proc.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

static struct __kernel_old_timeval to_timeval(ns_t ns)
{
	return (struct __kernel_old_timeval){
		.tv_sec = ns / NS_PER_SEC,
		.tv_usec = ns % NS_PER_SEC / NS_PER_USEC,
	};
}

/* A valid span, or -EINVAL; more than the clock can count is as good as for ever. */
static int to_span(const struct __kernel_old_timeval *tv, ns_t *span)
{
	if (tv->tv_sec < 0 || tv->tv_usec < 0 || tv->tv_usec >= 1000000)
		return -EINVAL;
	*span = tv->tv_sec >= INT64_MAX / NS_PER_SEC / 2
			? INT64_MAX / 2
			: tv->tv_sec * NS_PER_SEC + tv->tv_usec * NS_PER_USEC;
	return 0;
}

static struct __kernel_old_itimerval to_itimerval(const struct itimer_setting *setting)
{
	return (struct __kernel_old_itimerval){
		.it_value = to_timeval(setting->value_ns),
		.it_interval = to_timeval(setting->interval_ns),
	};
}

long sys_alarm(unsigned int seconds)
{
	struct itimer_setting new = { .value_ns = seconds * NS_PER_SEC }, old;

	itimer_set(proc_current(), ITIMER_REAL, &new, &old);
	/* Rounded to the nearest second, but never to zero: alarm(2). */
	if (old.value_ns && old.value_ns < NS_PER_SEC)
		return 1;
	return (old.value_ns + NS_PER_SEC / 2) / NS_PER_SEC;
}

long sys_getitimer(int which, struct __kernel_old_itimerval __user *value)
{
	struct __kernel_old_itimerval out;
	struct itimer_setting now;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	itimer_get(proc_current(), which, &now);
	out = to_itimerval(&now);
	return copy_to_user(value, &out, sizeof(out));
}

long sys_setitimer(int which, const struct __kernel_old_itimerval __user *value,
		   struct __kernel_old_itimerval __user *old_value)
{
	struct __kernel_old_itimerval in = { 0 }, out;
	struct itimer_setting new, old;

	if (value && copy_from_user(&in, value, sizeof(in)))
		return -EFAULT;
	if (which < ITIMER_REAL || which > ITIMER_PROF || to_span(&in.it_value, &new.value_ns) ||
	    to_span(&in.it_interval, &new.interval_ns))
		return -EINVAL;
	itimer_set(proc_current(), which, &new, &old);
	out = to_itimerval(&old);
	return old_value ? copy_to_user(old_value, &out, sizeof(out)) : 0;
}
