/*
 * Reading and setting clocks: time(2), gettimeofday(2), clock_gettime(2), adjtimex(2) and their
 * kin.
 */
#include <linux/capability.h>
#include <linux/time.h>
#include <linux/timex.h>

#include "abi/errno.h"
#include "lib/atomic.h"
#include "proc/cpu_clock.h"
#include "proc/task.h"
#include "sched/clock.h"
#include "sched/ntp.h"
#include "syscall/prototypes.h"
#include "syscall/timespec.h"

/* As Linux: room for 30 years of uptime below the largest time. */
#define SETTABLE_MAX_S (INT64_MAX / NS_PER_SEC - 30ll * 365 * 86400)

static bool may_set_time(void)
{
	return cred_capable(task_current()->cred, CAP_SYS_TIME);
}

long sys_time(int64_t __user *seconds)
{
	int64_t now = clock_realtime() / NS_PER_SEC;

	if (seconds && put_user(now, seconds))
		return -EFAULT;
	return now;
}

long sys_gettimeofday(struct __kernel_old_timeval __user *now, struct timezone __user *zone)
{
	ns_t ns = clock_realtime();
	struct __kernel_old_timeval tv = { .tv_sec = ns / NS_PER_SEC,
	                                   .tv_usec = ns % NS_PER_SEC / NS_PER_USEC };
	struct timezone tz;

	if (now && copy_to_user(now, &tv, sizeof(tv)))
		return -EFAULT;
	clock_timezone(&tz.tz_minuteswest, &tz.tz_dsttime);
	if (zone && copy_to_user(zone, &tz, sizeof(tz)))
		return -EFAULT;
	return 0;
}

/* The first time zone ever set, without a time, says that the hardware clock runs in local time. */
static int set_timezone(const struct timezone *tz, bool with_time)
{
	static uint32_t was_set __atomic;
	bool first = !atomic_xchg(&was_set, 1);

	clock_set_timezone(tz->tz_minuteswest, tz->tz_dsttime);
	if (!first || with_time || !tz->tz_minuteswest)
		return 0;
	return clock_set_realtime(clock_realtime() + tz->tz_minuteswest * 60 * NS_PER_SEC);
}

static int set_realtime(int64_t seconds, ns_t rest_ns)
{
	if (seconds < 0 || seconds > SETTABLE_MAX_S)
		return -EINVAL;
	ntp_clear();
	return clock_set_realtime(seconds * NS_PER_SEC + rest_ns);
}

long sys_settimeofday(const struct __kernel_old_timeval __user *now,
                      const struct timezone __user *zone)
{
	struct __kernel_old_timeval tv;
	struct timezone tz;
	int err = 0;

	if (now && copy_from_user(&tv, now, sizeof(tv)))
		return -EFAULT;
	if (now && (tv.tv_usec < 0 || tv.tv_usec > 1000000))
		return -EINVAL;
	if (zone && copy_from_user(&tz, zone, sizeof(tz)))
		return -EFAULT;
	if (now && (tv.tv_sec < 0 || tv.tv_sec > SETTABLE_MAX_S || tv.tv_usec == 1000000))
		return -EINVAL;
	if (!may_set_time())
		return -EPERM;
	if (zone && (tz.tz_minuteswest > 15 * 60 || tz.tz_minuteswest < -15 * 60))
		return -EINVAL;
	if (zone)
		err = set_timezone(&tz, now != NULL);
	if (!err && now)
		err = set_realtime(tv.tv_sec, tv.tv_usec * NS_PER_USEC);
	return err;
}

long sys_clock_gettime(int clock, struct __kernel_timespec __user *now)
{
	ns_t ns;
	int err = is_cpu_clock(clock) ? cpu_clock_read(clock, &ns) : clock_read(clock, &ns);

	return err ? err : timespec_write(now, ns);
}

long sys_clock_getres(int clock, struct __kernel_timespec __user *resolution)
{
	ns_t ns;
	int err = is_cpu_clock(clock) ? cpu_clock_resolution(clock, &ns)
	                              : clock_resolution(clock, &ns);

	if (err || !resolution)
		return err;
	return timespec_write(resolution, ns);
}

long sys_clock_settime(int clock, const struct __kernel_timespec __user *now)
{
	struct __kernel_timespec ts;
	ns_t ns;

	if (clock != CLOCK_REALTIME && !is_cpu_clock(clock))
		return -EINVAL;
	if (clock == CLOCK_THREAD_CPUTIME_ID || clock == CLOCK_PROCESS_CPUTIME_ID)
		return -EINVAL;
	if (copy_from_user(&ts, now, sizeof(ts)))
		return -EFAULT;
	if (clock != CLOCK_REALTIME)
		return cpu_clock_read(clock, &ns) ? -EINVAL : -EPERM;
	if (timespec_to_ns(&ts, &ns) || ts.tv_sec > SETTABLE_MAX_S)
		return -EINVAL;
	if (!may_set_time())
		return -EPERM;
	return set_realtime(ts.tv_sec, ts.tv_nsec);
}

static long adjust(struct __kernel_timex __user *user)
{
	struct __kernel_timex tx;
	long state;

	if (copy_from_user(&tx, user, sizeof(tx)))
		return -EFAULT;
	if (tx.modes && tx.modes != ADJ_OFFSET_SS_READ && !may_set_time())
		return -EPERM;
	state = clock_adjust(&tx);
	if (state >= 0 && copy_to_user(user, &tx, sizeof(tx)))
		return -EFAULT;
	return state;
}

long sys_adjtimex(struct __kernel_timex __user *user)
{
	return adjust(user);
}

long sys_clock_adjtime(int clock, struct __kernel_timex __user *user)
{
	ns_t now;

	if (clock == CLOCK_REALTIME)
		return adjust(user);
	if (is_cpu_clock(clock))
		return -EOPNOTSUPP;
	return clock_read(clock, &now) ? -EINVAL : -EOPNOTSUPP;
}
