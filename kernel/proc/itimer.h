/*
 * Interval timers (setitimer(2), alarm(2)) and the CPU-time limit of a process (RLIMIT_CPU).
 *
 * ITIMER_REAL is a timer of the scheduler's room; VIRTUAL and PROF are compared with the CPU time
 * used at every accounting tick of a task that runs.
 */
#pragma once

#include "lib/types.h"

struct proc;
struct task;

/*
 * `which` is ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF. Spans in nanoseconds; value 0: disarmed.
 */
struct itimer_setting {
	ns_t value_ns;
	ns_t interval_ns;
};

void itimers_init(struct proc *proc);

/* Disarms all; called when the last task of the process exits. */
void itimers_stop(struct proc *proc);

void itimer_get(struct proc *proc, int which, struct itimer_setting *now);
/* `old` may be NULL. */
void itimer_set(struct proc *proc, int which, const struct itimer_setting *new,
                struct itimer_setting *old);

/* The accounting tick of a running task; interrupts off. */
void itimers_tick(struct task *task);
