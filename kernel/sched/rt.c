/*
 * Real-time classes: a list for each of 99 priorities; the first of the highest list runs until it
 * sleeps or yields (SCHED_FIFO), or its slice is over and it goes to the end (SCHED_RR). The thread
 * that runs stays where it is in its list, so one that is preempted goes on first (sched(7)).
 *
 * There is no throttling: a real-time thread that never sleeps owns its CPU, as with Linux's
 * sched_rt_runtime_us = -1.
 */
#include <linux/sched.h>

#include "lib/bits.h"
#include "sched/runqueue_impl.h"

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
