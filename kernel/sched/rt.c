/*
 * Real-time classes: a list for each of 99 priorities; the first of the highest list runs until it
 * sleeps or yields (SCHED_FIFO), or its slice is over and it goes to the end (SCHED_RR). The thread
 * that runs stays where it is in its list, so one that is preempted goes on first (sched(7)).
 *
 * Throttling (sched(7), "Limiting the CPU usage of real-time and deadline processes"): where they
 * have used what a period has for them, fair threads that wait run until the next one begins.
 */
#include <linux/sched.h>

#include "abi/errno.h"
#include "lib/bits.h"
#include "sched/policy.h"
#include "sched/runqueue_impl.h"

static struct {
	ns_t runtime __atomic; /* negative: as much as they like */
	ns_t period __atomic;
} limit = {
	.runtime = 950 * NS_PER_MSEC,
	.period = NS_PER_SEC,
};

void rt_init(struct rt_queue *rt)
{
	for (int level = 0; level < RT_LEVELS; level++)
		list_init(&rt->lists[level]);
}

void rt_add(struct rt_queue *rt, struct thread *thread)
{
	uint32_t level = thread->rt_priority;

	list_add_tail(&rt->lists[level], &thread->rt_link);
	rt->levels[level / 64] |= BIT(level % 64);
	rt->nr++;
	thread->rr_left = RR_SLICE;
}

void rt_remove(struct rt_queue *rt, struct thread *thread)
{
	uint32_t level = thread->rt_priority;

	list_remove(&thread->rt_link);
	if (list_is_empty(&rt->lists[level]))
		rt->levels[level / 64] &= ~BIT(level % 64);
	rt->nr--;
}

void rt_yield(struct rt_queue *rt, struct thread *thread)
{
	list_move_tail(&rt->lists[thread->rt_priority], &thread->rt_link);
	thread->rr_left = RR_SLICE;
}

bool rt_charge(struct rt_queue *rt, struct thread *thread, ns_t ran_ns)
{
	if (thread->policy != SCHED_RR)
		return false;
	thread->rr_left -= ran_ns;
	if (thread->rr_left > 0)
		return false;
	rt_yield(rt, thread);
	return true;
}

struct thread *rt_pick(const struct rt_queue *rt)
{
	uint64_t high = rt->levels[1];
	uint32_t level = high ? 64 + bit_highest(high) : bit_highest(rt->levels[0]);

	return list_first_entry(&rt->lists[level], struct thread, rt_link);
}

struct thread *rt_find(const struct rt_queue *rt, const struct thread *except, uint64_t cpus)
{
	struct thread *thread;

	for (int half = 1; half >= 0; half--) {
		for (uint64_t left = rt->levels[half]; left; left &= ~BIT(bit_highest(left))) {
			uint32_t level = (uint32_t)half * 64 + bit_highest(left);

			list_for_each_entry(thread, &rt->lists[level], rt_link)
				if (thread != except && (thread->affinity & cpus))
					return thread;
		}
	}
	return NULL;
}

bool rt_is_throttled(const struct rt_queue *rt, ns_t now)
{
	ns_t runtime = atomic_load_relaxed(&limit.runtime);

	return runtime >= 0 && rt->spent >= runtime &&
	       now - rt->period_start < atomic_load_relaxed(&limit.period);
}

void rt_spend(struct rt_queue *rt, ns_t now, ns_t ran_ns)
{
	if (now - rt->period_start >= atomic_load_relaxed(&limit.period)) {
		rt->period_start = now;
		rt->spent = 0;
	}
	rt->spent += ran_ns;
}

int sched_rt_limit_set(int64_t runtime_us, int64_t period_us)
{
	if (period_us <= 0 || runtime_us > period_us)
		return -EINVAL;
	atomic_store_relaxed(&limit.runtime, runtime_us < 0 ? -1 : runtime_us * NS_PER_USEC);
	atomic_store_relaxed(&limit.period, period_us * NS_PER_USEC);
	return 0;
}

int64_t sched_rt_runtime_us(void)
{
	ns_t runtime = atomic_load_relaxed(&limit.runtime);

	return runtime < 0 ? -1 : runtime / NS_PER_USEC;
}

int64_t sched_rt_period_us(void)
{
	return atomic_load_relaxed(&limit.period) / NS_PER_USEC;
}
