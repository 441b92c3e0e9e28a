/*
 * Changing how a thread is scheduled. A thread that is queued is taken off its queue, changed, and
 * put back, so that no class ever sees a key change under it.
 */
#include <linux/sched.h>

#include "abi/errno.h"
#include "lib/math.h"
#include "sched/clock.h"
#include "sched/policy.h"
#include "sched/runqueue_impl.h"
#include "sched/wait.h"

struct wait_queue sched_moved = WAIT_QUEUE(sched_moved);

static bool policy_is_fair(int policy)
{
	return policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE;
}

int sched_policy_check(const struct sched_policy *policy)
{
	bool rt = policy->policy == SCHED_FIFO || policy->policy == SCHED_RR;

	if (!rt && !policy_is_fair(policy->policy))
		return -EINVAL;
	if (rt && (policy->rt_priority < RT_PRIORITY_MIN || policy->rt_priority > RT_PRIORITY_MAX))
		return -EINVAL;
	return rt || policy->rt_priority == 0 ? 0 : -EINVAL;
}

static void policy_apply(struct thread *thread, const struct sched_policy *policy)
{
	thread->policy = (uint8_t)policy->policy;
	thread->nice = (int8_t)clamp(policy->nice, (int)NICE_MIN, (int)NICE_MAX);
	thread->rt_priority = (uint8_t)policy->rt_priority;
	thread->reset_on_fork = policy->reset_on_fork;
	fair_set_weight(thread);
}

/* Takes it off its queue, changes it, puts it back. Locked. */
static void policy_change_locked(struct runqueue *rq, struct thread *thread,
                                 const struct sched_policy *policy)
{
	bool queued = thread->on_queue;
	ns_t now = clock_monotonic();

	runqueue_update(rq, now);
	if (queued)
		runqueue_remove(rq, thread, now);
	if (policy_is_rt(thread->policy))
		thread->fair.lag = 0;
	policy_apply(thread, policy);
	if (!queued)
		return;
	thread->fair.slept_since = now;
	runqueue_add(rq, thread, now);
	if (rq->current == thread)
		runqueue_resched(rq);
	else
		runqueue_check_preempt(rq, thread);
}

static struct sched_policy policy_of(const struct thread *thread)
{
	return (struct sched_policy){
		.policy = thread->policy, .nice = thread->nice,
		.rt_priority = thread->rt_priority, .reset_on_fork = thread->reset_on_fork,
	};
}

void sched_policy_set(struct thread *thread, const struct sched_policy *policy)
{
	uint64_t flags = irq_save();
	struct runqueue *rq = thread_lock_queue(thread);

	policy_change_locked(rq, thread, policy);
	spin_unlock(&rq->lock);
	thread_wakes_send();
	irq_restore(flags);
}

void sched_policy_get(struct thread *thread, struct sched_policy *policy)
{
	uint64_t flags = irq_save();
	struct runqueue *rq = thread_lock_queue(thread);

	*policy = policy_of(thread);
	spin_unlock(&rq->lock);
	irq_restore(flags);
}

void sched_nice_set(struct thread *thread, int nice)
{
	uint64_t flags = irq_save();
	struct runqueue *rq = thread_lock_queue(thread);
	struct sched_policy policy = policy_of(thread);

	policy.nice = nice;
	policy_change_locked(rq, thread, &policy);
	spin_unlock(&rq->lock);
	thread_wakes_send();
	irq_restore(flags);
}

int sched_nice_get(const struct thread *thread)
{
	return READ_ONCE(thread->nice);
}

/* It runs where it may not any more. */
static bool thread_is_misplaced(struct thread *thread)
{
	uint64_t flags = irq_save();
	struct runqueue *rq = thread_lock_queue(thread);
	bool misplaced = rq->current == thread && !(thread->affinity >> rq->cpu & 1);

	spin_unlock(&rq->lock);
	irq_restore(flags);
	return misplaced;
}

/*
 * Its queue, locked, when it is not on its way to another: thread_place() is done soon, with
 * interrupts off, and may have chosen by the affinity that was.
 */
static struct runqueue *thread_lock_settled(struct thread *thread) __acquires(queue)
{
	for (;;) {
		struct runqueue *rq = thread_lock_queue(thread);

		if (likely(thread->on_queue || thread->is_idle ||
			   atomic_load_relaxed(&thread->state) != THREAD_RUNNABLE))
			return rq;
		spin_unlock(&rq->lock);
		cpu_relax();
	}
}

/* It is to leave the CPU: at once if it only waits there. Lets go of the queue. */
static void thread_evict(struct runqueue *rq, struct thread *thread) __releases(&rq->lock)
{
	if (thread->on_queue && rq->current != thread) {
		runqueue_remove(rq, thread, clock_monotonic());
		thread_place(rq, thread, false);
	} else {
		if (rq->current == thread) {
			rq->evicts = true;
			runqueue_resched(rq);
		}
		spin_unlock(&rq->lock);
	}
	thread_wakes_send();
}

int sched_affinity_set(struct thread *thread, uint64_t cpus)
{
	uint64_t flags;
	struct runqueue *rq;

	cpus &= ~0ul >> (64 - nr_cpus());
	if (!cpus)
		return -EINVAL;
	flags = irq_save();
	rq = thread_lock_settled(thread);
	thread->affinity = cpus;
	if (cpus >> rq->cpu & 1)
		spin_unlock(&rq->lock);
	else
		thread_evict(rq, thread);
	irq_restore(flags);
	wake_up_all(&sched_moved); /* others that wait for it to go where it need not go any more */
	if (thread == thread_current())
		cond_resched();
	else
		wait_event(&sched_moved, !thread_is_misplaced(thread));
	return 0;
}

uint64_t sched_affinity_get(struct thread *thread)
{
	return READ_ONCE(thread->affinity) & (~0ul >> (64 - nr_cpus()));
}

ns_t sched_interval(struct thread *thread)
{
	unsigned int policy = READ_ONCE(thread->policy);

	if (policy == SCHED_FIFO)
		return 0;
	return policy == SCHED_RR ? RR_SLICE : FAIR_SLICE;
}

int sched_priority_max(int policy)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return RT_PRIORITY_MAX;
	return policy_is_fair(policy) || policy == SCHED_DEADLINE ? 0 : -EINVAL;
}

int sched_priority_min(int policy)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return RT_PRIORITY_MIN;
	return policy_is_fair(policy) || policy == SCHED_DEADLINE ? 0 : -EINVAL;
}

int sched_priority_shown(const struct thread *thread)
{
	if (policy_is_rt(READ_ONCE(thread->policy)))
		return -1 - READ_ONCE(thread->rt_priority);
	return 20 + READ_ONCE(thread->nice);
}
