/*
 * Sleeping for a time: nanosleep(2), clock_nanosleep(2).
 *
 * A relative sleep is a deadline on the monotonic clock, whatever clock was named: steps of the
 * wall clock do not change it. Interrupted, it tells what remains and goes on through
 * restart_syscall(2) towards the same deadline. An absolute sleep on a clock that can be stepped
 * looks again after each step; interrupted, it is simply made again.
 */
#include <linux/capability.h>
#include <linux/time.h>

#include "abi/errno.h"
#include "proc/task.h"
#include "sched/clock.h"
#include "sched/wait.h"
#include "syscall/cpu_clock.h"
#include "syscall/prototypes.h"
#include "syscall/timespec.h"

/* restart->args of a relative sleep. */
enum { ARG_DEADLINE, ARG_REMAIN };

static long sleep_relative(ns_t deadline, struct __kernel_timespec __user *remain);

static long sleep_again(struct restart *restart)
{
	return sleep_relative((ns_t)restart->args[ARG_DEADLINE],
	                      (__force struct __kernel_timespec __user *)restart->args[ARG_REMAIN]);
}

static long sleep_relative(ns_t deadline, struct __kernel_timespec __user *remain)
{
	struct restart *restart = &task_current()->restart;
	ns_t left;

	if (!sleep_until(deadline))
		return 0;
	left = deadline - clock_monotonic();
	if (left <= 0)
		return 0;
	if (remain && timespec_write(remain, left))
		return -EFAULT;
	restart->again = sleep_again;
	restart->args[ARG_DEADLINE] = (uint64_t)deadline;
	restart->args[ARG_REMAIN] = (uint64_t)(__force void *)remain;
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_absolute(int clock, ns_t when)
{
	uint32_t steps;
	ns_t deadline;
	int err;

	do {
		steps = clock_step_count();
		err = clock_to_monotonic(clock, when, &deadline);
		if (err)
			return err;
		err = wait_event_interruptible_until(&clock_step_queue, clock_step_count() != steps,
		                                     deadline);
	} while (!err);
	return err == -ETIMEDOUT ? 0 : -ERESTARTNOHAND;
}

/* Whether one can sleep on the clock: 0, -EINVAL for none at all, -EOPNOTSUPP, -EPERM. */
static int clock_check_sleep(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return 0;
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return cred_capable(task_current()->cred, CAP_WAKE_ALARM) ? 0 : -EPERM;
	case CLOCK_THREAD_CPUTIME_ID:
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_REALTIME_COARSE:
		return -EOPNOTSUPP;
	default:
		return is_cpu_clock(clock) ? -EOPNOTSUPP : -EINVAL;
	}
}

long sys_nanosleep(const struct __kernel_timespec __user *request,
                   struct __kernel_timespec __user *remain)
{
	ns_t span;
	int err = timespec_read(request, &span);

	return err ? err : sleep_relative(deadline_after(clock_monotonic(), span), remain);
}

long sys_clock_nanosleep(int clock, int flags, const struct __kernel_timespec __user *request,
                         struct __kernel_timespec __user *remain)
{
	ns_t span;
	int err = clock_check_sleep(clock);

	if (err)
		return err;
	err = timespec_read(request, &span);
	if (err)
		return err;
	if (flags & TIMER_ABSTIME)
		return sleep_absolute(clock, span);
	return sleep_relative(deadline_after(clock_monotonic(), span), remain);
}
