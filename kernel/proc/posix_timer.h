/*
 * POSIX timers: timer_create(2) and its kin, on the clocks that have a point on the monotonic one
 * (CLOCK_REALTIME, MONOTONIC, BOOTTIME, TAI) and on CPU-time clocks. The _ALARM forms want
 * CAP_WAKE_ALARM.
 *
 * A timer belongs to a process and dies with it or at exec. Its signal is queued at most once, in
 * an element of the timer's own; expirations meanwhile are counted as overrun and told by the next
 * signal and timer_getoverrun(2).
 *
 * Locks: the list and every timer are guarded by proc->lock.
 */
#pragma once

#include <asm/siginfo.h>

#include "lib/types.h"

struct proc;

struct posix_timer_setting {
	ns_t value_ns; /* 0: disarmed */
	ns_t interval_ns;
};

/*
 * `event` is validated here: -EINVAL. With `value_is_id` the signal's value is the timer's id
 * (timer_create(2) without an event). -EAGAIN: no memory or RLIMIT_SIGPENDING. May sleep.
 */
int __must_check posix_timer_create(int clock, const struct sigevent *event, bool value_is_id,
                                    int *id);

/*
 * -EINVAL: no such timer. With `absolute`, value_ns is a point of the timer's clock. `old` may be
 * NULL.
 */
int __must_check posix_timer_set(int id, bool absolute, const struct posix_timer_setting *new,
				 struct posix_timer_setting *old);
int __must_check posix_timer_get(int id, struct posix_timer_setting *now);
int __must_check posix_timer_overrun(int id);
int __must_check posix_timer_delete(int id);

/* Deletes all timers of the process; called by exec and by the last exit. May sleep. */
void posix_timers_destroy(struct proc *proc);
