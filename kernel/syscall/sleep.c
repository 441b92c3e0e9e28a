/*
 * Sleeping for a time: nanosleep(2), clock_nanosleep(2).
 *
 * A relative sleep is a deadline on the monotonic clock, whatever clock was named: steps of the
 * wall clock do not change it. Interrupted, it tells what remains and goes on through
 * restart_syscall(2) towards the same deadline. An absolute sleep on a clock that can be stepped
 * looks again after each step; interrupted, it is simply made again. On a CPU-time clock both kinds
 * sleep towards a point of that clock.
 */
#include <linux/capability.h>
#include <linux/time.h>

#include "abi/errno.h"
#include "proc/cpu_clock.h"
#include "proc/task.h"
#include "sched/clock.h"
#include "sched/wait.h"
#include "syscall/prototypes.h"
#include "syscall/timespec.h"

/* restart->args of a relative sleep. */
enum { ARG_DEADLINE, ARG_REMAIN, ARG_CLOCK };

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

/* ---- on CPU-time clocks -------------------------------------------------------------------- */

struct cpu_sleep {
	struct cpu_alarm  alarm;
	struct timer      timer;
	struct wait_queue wait;
	bool              is_over __atomic;
};

/* Runs in the timer interrupt. */
static void cpu_time_has_come(struct timer *timer)
{
	struct cpu_sleep *self = container_of(timer, struct cpu_sleep, timer);

	WRITE_ONCE(self->is_over, true);
	wake_up(&self->wait);
}

/* 0 when the clock has come to `deadline`, or -ERESTARTSYS. */
static int wait_for_cpu_time(const struct cpu_clock *clock, ns_t deadline)
{
	struct cpu_sleep self = { .is_over = false };
	int err;

	if (cpu_clock_now(clock) >= deadline)
		return 0;
	timer_init(&self.timer, cpu_time_has_come);
	wait_queue_init(&self.wait);
	cpu_alarm_init(&self.alarm, clock, &self.timer);
	cpu_alarm_start(&self.alarm, deadline);
	err = wait_event_interruptible(&self.wait, READ_ONCE(self.is_over));
	cpu_alarm_stop(&self.alarm);
	timer_cancel_sync(&self.timer);
	return err;
}

static long sleep_again_on_cpu_time(struct restart *restart);

static long sleep_on_cpu_time(int clock_number, const struct cpu_clock *clock, ns_t deadline,
			      struct __kernel_timespec __user *remain)
{
	struct restart *restart = &task_current()->restart;
	ns_t left;

	if (!wait_for_cpu_time(clock, deadline))
		return 0;
	left = deadline - cpu_clock_now(clock);
	if (left <= 0)
		return 0;
	if (remain && timespec_write(remain, left))
		return -EFAULT;
	restart->again = sleep_again_on_cpu_time;
	restart->args[ARG_DEADLINE] = (uint64_t)deadline;
	restart->args[ARG_REMAIN] = (uint64_t)(__force void *)remain;
	restart->args[ARG_CLOCK] = (uint64_t)clock_number;
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_again_on_cpu_time(struct restart *restart)
{
	struct __kernel_timespec __user *remain =
		(__force struct __kernel_timespec __user *)restart->args[ARG_REMAIN];
	int clock_number = (int)restart->args[ARG_CLOCK];
	struct cpu_clock clock;
	long err = cpu_clock_get(clock_number, &clock);

	if (err)
		return err;
	err = sleep_on_cpu_time(clock_number, &clock, (ns_t)restart->args[ARG_DEADLINE], remain);
	cpu_clock_put(&clock);
	return err;
}

static long sleep_by_cpu_clock(int clock_number, ns_t span, bool is_absolute,
			       struct __kernel_timespec __user *remain)
{
	struct cpu_clock clock;
	long err = cpu_clock_get(clock_number, &clock);

	if (err)
		return err;
	if (clock.task == task_current())
		err = -EINVAL;
	else if (!is_absolute)
		err = sleep_on_cpu_time(clock_number, &clock,
					deadline_after(cpu_clock_now(&clock), span), remain);
	else if (wait_for_cpu_time(&clock, span))
		err = -ERESTARTNOHAND;
	cpu_clock_put(&clock);
	return err;
}

/* ---- the calls ----------------------------------------------------------------------------- */

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
	case CLOCK_PROCESS_CPUTIME_ID:
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_REALTIME_COARSE:
		return -EOPNOTSUPP;
	default:
		if (is_device_clock(clock))
			return -EOPNOTSUPP;
		return is_cpu_clock(clock) ? 0 : -EINVAL;
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
	if (is_cpu_clock(clock))
		return sleep_by_cpu_clock(clock, span, flags & TIMER_ABSTIME, remain);
	if (flags & TIMER_ABSTIME)
		return sleep_absolute(clock, span);
	return sleep_relative(deadline_after(clock_monotonic(), span), remain);
}
