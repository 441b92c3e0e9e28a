/*
 * How a thread wants to be scheduled: policy, priority, nice, affinity. The kernel side of
 * sched_setscheduler(2), sched_setaffinity(2), setpriority(2); permissions are the caller's.
 *
 * Policies: SCHED_NORMAL, SCHED_BATCH, SCHED_IDLE (fair class), SCHED_FIFO, SCHED_RR.
 * SCHED_DEADLINE is -EINVAL, as on a kernel without it. All functions take the run queue's lock:
 * any context, unless they say that they may sleep.
 */
#pragma once

#include "lib/types.h"

struct thread;

enum { NICE_MIN = -20, NICE_MAX = 19, RT_PRIORITY_MIN = 1, RT_PRIORITY_MAX = 99 };

struct sched_policy {
	int      policy;      /* SCHED_*, without SCHED_RESET_ON_FORK */
	int      nice;        /* fair policies */
	int      rt_priority; /* 1..99 for FIFO and RR, else 0 */
	bool     reset_on_fork;
};

/* -EINVAL for a policy we do not have or a priority that does not suit it. */
__must_check int sched_policy_check(const struct sched_policy *policy);
void sched_policy_set(struct thread *thread, const struct sched_policy *policy);
void sched_policy_get(struct thread *thread, struct sched_policy *policy);

/*
 * nice is clamped to -20 .. 19; it takes effect for fair policies and is remembered by the others.
 */
void sched_nice_set(struct thread *thread, int nice);
int  sched_nice_get(const struct thread *thread);

/*
 * From its return on, the thread runs on CPUs of the mask only: waits for one that is running
 * elsewhere to reach a safe point. May sleep. -EINVAL if no CPU that exists is in the mask.
 */
__must_check int sched_affinity_set(struct thread *thread, uint64_t cpus);
uint64_t sched_affinity_get(struct thread *thread);

/* sched_rr_get_interval(2): the slice. 0 for FIFO. */
ns_t sched_interval(struct thread *thread);

/* sched_get_priority_max/min(2). -EINVAL for an unknown policy. */
int sched_priority_max(int policy);
int sched_priority_min(int policy);

/*
 * What real-time threads of a CPU may use of each period while others wait: sched(7). A negative
 * runtime: all. -EINVAL for a period of 0 or less, or a runtime that is longer.
 */
__must_check int sched_rt_limit_set(int64_t runtime_us, int64_t period_us);
int64_t sched_rt_runtime_us(void);
int64_t sched_rt_period_us(void);

/* The "priority" column of /proc/PID/stat: 20 + nice, or -1 - rt_priority. */
int sched_priority_shown(const struct thread *thread);
