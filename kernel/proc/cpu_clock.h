/*
 * CPU-time clocks: CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, and the numbers that
 * clock_getcpuclockid(3) and pthread_getcpuclockid(3) make: ~pid << 3 | for one thread << 2 | kind.
 * And alarms on them, for clock_nanosleep(2) and timer_create(2).
 *
 * An alarm hangs on the process whose time it waits for. The accounting ticks of that process look
 * whether its clock has come so far, and then start an ordinary timer that fires at once, whose
 * callback and cancellation are as in sched/timer.h. So an alarm is up to a tick late, as on Linux,
 * and that of a process which ends never comes.
 *
 * Locks: proc->alarm_lock (irq-safe, inside any process's proc->lock) guards the list.
 */
#pragma once

#include "lib/list.h"
#include "lib/types.h"
#include "sched/timer.h"

struct proc;
struct task;

struct cpu_clock {
	struct proc *proc; /* a reference */
	struct task *task; /* a reference; NULL: the whole process */
	int          kind; /* user and system time by ticks, user time, or run time */
};

struct cpu_alarm {
	struct list      link __guarded_by(clock.proc->alarm_lock);
	struct cpu_clock clock __const_after_init;
	ns_t             deadline __guarded_by(clock.proc->alarm_lock);
	ns_t             seen __guarded_by(clock.proc->alarm_lock); /* the clock when it came */
	struct timer    *timer __const_after_init; /* the caller's, to be started then */
};

static inline bool is_cpu_clock(int clock)
{
	/* CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID */
	return clock < 0 || clock == 2 || clock == 3;
}

/* A negative number of the kind that stands for a character device (FD_TO_CLOCKID). */
static inline bool is_device_clock(int clock)
{
	return clock < 0 && (clock & 7) == 3;
}

/* -EINVAL: no such process, a thread of another one, or no such kind. */
__must_check int cpu_clock_get(int clock, struct cpu_clock *out);
void             cpu_clock_put(struct cpu_clock *clock);
/* Takes the lock of the clock's process. */
ns_t             cpu_clock_now(const struct cpu_clock *clock);

/* The same for a number. */
__must_check int cpu_clock_read(int clock, ns_t *now_ns);
__must_check int cpu_clock_resolution(int clock, ns_t *resolution_ns);

/* Takes the references of `clock`; the caller ends by cpu_clock_put(&alarm->clock). */
void cpu_alarm_init(struct cpu_alarm *alarm, const struct cpu_clock *clock, struct timer *timer);
/* From the next tick on; the caller has seen that the clock has not come so far. Any context. */
void cpu_alarm_start(struct cpu_alarm *alarm, ns_t deadline);
/* Its timer will not be started from now on; timer_cancel() follows. Any context. */
void cpu_alarm_stop(struct cpu_alarm *alarm);

/* The accounting tick of a task of the process; interrupts off. */
void cpu_alarms_tick(struct proc *proc);
