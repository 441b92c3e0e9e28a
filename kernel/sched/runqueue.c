/*
 * What all classes share: adding and removing, accounting, preemption, choosing the next thread.
 * See runqueue_impl.h for what a run queue is, balance.c for how threads get onto one.
 */
#include <arch/irqchip.h>
#include <linux/sched.h>

#include "core/panic.h"
#include "lib/math.h"
#include "sched/balance_impl.h"

DEFINE_PER_CPU(struct runqueue, runqueue);

struct runqueue *thread_lock_queue(struct thread *thread) __acquires(queue)
{
	for (;;) {
		uint32_t cpu = READ_ONCE(thread->cpu);
		struct runqueue *rq = per_cpu_ptr(runqueue, cpu);

		spin_lock(&rq->lock);
		if (likely(thread->cpu == cpu))
			return rq;
		spin_unlock(&rq->lock);
	}
}

void runqueue_add(struct runqueue *rq, struct thread *thread, ns_t now)
{
	debug_assert(!thread->on_queue && !thread->is_idle);
	thread->on_queue = true;
	rq->nr++;
	if (unlikely(policy_is_rt(thread->policy))) {
		rt_add(&rq->rt, thread);
		balance_rt_added(rq);
		return;
	}
	fair_add(&rq->fair, thread, now);
	if (thread != rq->current)
		fair_put(&rq->fair, thread);
}

void runqueue_remove(struct runqueue *rq, struct thread *thread, ns_t now)
{
	debug_assert(thread->on_queue);
	thread->on_queue = false;
	rq->nr--;
	if (rq->hint == thread)
		rq->hint = NULL;
	if (unlikely(policy_is_rt(thread->policy))) {
		rt_remove(&rq->rt, thread);
		balance_rt_removed(rq);
		return;
	}
	if (thread != rq->current)
		fair_take(&rq->fair, thread);
	fair_remove(&rq->fair, thread, now);
}

void runqueue_put_current(struct runqueue *rq)
{
	struct thread *current = rq->current;

	if (!current->on_queue)
		return;
	if (likely(!policy_is_rt(current->policy)))
		fair_put(&rq->fair, current);
	else if (rt_pick(&rq->rt) != current)
		balance_rt_push(rq, current);
}

void runqueue_set_current(struct runqueue *rq, struct thread *next, ns_t now)
{
	if (next->on_queue && !policy_is_rt(next->policy))
		fair_take(&rq->fair, next);
	rq->current = next;
	next->run_since = now;
}

static __noinline bool rt_account(struct runqueue *rq, ns_t ran)
{
	bool over = rt_charge(&rq->rt, rq->current, ran);

	rt_spend(&rq->rt, rq->now, ran);
	return over || (rq->fair.nr && rt_is_throttled(&rq->rt, rq->now));
}

void runqueue_update(struct runqueue *rq, ns_t now)
{
	struct thread *current = rq->current;
	ns_t ran = now - current->run_since;
	bool over = false;

	rq->now = now;
	if (unlikely(ran <= 0))
		return;
	current->run_since = now;
	atomic_store_relaxed(&current->runtime_ns, current->runtime_ns + (uint64_t)ran);
	if (!current->on_queue)
		return;
	if (unlikely(policy_is_rt(current->policy)))
		over = rt_account(rq, ran);
	else
		over = fair_charge(&rq->fair, current, ran);
	if (over && rq->nr > 1)
		runqueue_resched(rq);
}

void runqueue_forgive(struct runqueue *rq, ns_t now)
{
	struct thread *current = rq->current;
	ns_t excess = now - current->run_since - TICK_NS;

	if (likely(excess <= 0))
		return;
	/* Not charged to the thread; but the period that its class may use up has gone on, too. */
	if (unlikely(policy_is_rt(current->policy)))
		rt_spend(&rq->rt, now, excess);
	current->run_since += excess;
	atomic_store_relaxed(&current->runtime_ns, current->runtime_ns + (uint64_t)excess);
}

void runqueue_resched(struct runqueue *rq)
{
	if (thread_test_flag(rq->current, TF_NEED_RESCHED))
		return;
	thread_set_flag(rq->current, TF_NEED_RESCHED);
	/* The flag is set before; pairs with the store in idle_poll(). */
	if (rq->cpu != cpu_id() && !atomic_load(&rq->polls))
		*this_cpu_ptr(thread_wakes_due) |= BIT(rq->cpu);
}

static void rt_check_preempt(struct runqueue *rq, struct thread *woken)
{
	struct thread *current = rq->current;

	if (!policy_is_rt(current->policy) && rt_is_throttled(&rq->rt, rq->now))
		return;
	if (!policy_is_rt(current->policy) || woken->rt_priority > current->rt_priority)
		runqueue_resched(rq);
	else
		balance_rt_push(rq, woken);
}

void runqueue_check_rt(struct runqueue *rq)
{
	if (rq->rt.nr && !policy_is_rt(rq->current->policy) && !rt_is_throttled(&rq->rt, rq->now))
		runqueue_resched(rq);
}

void runqueue_check_preempt(struct runqueue *rq, struct thread *woken)
{
	struct thread *current = rq->current;

	if (current->is_idle)
		runqueue_resched(rq);
	else if (unlikely(policy_is_rt(woken->policy)))
		rt_check_preempt(rq, woken);
	else if (!policy_is_rt(current->policy) && fair_preempts(&rq->fair, woken, current))
		runqueue_resched(rq);
}

static inline struct thread *pick_fair(struct runqueue *rq, struct thread *hint)
{
	struct thread *next;

	if (hint && fair_is_eligible(&rq->fair, hint))
		return hint;
	if (likely(rq->fair.nr))
		return fair_pick(&rq->fair, rq->skip);
	next = nr_cpus() > 1 ? balance_steal(rq, rq->now) : NULL;
	return next ? next : rq->idle;
}

static __noinline struct thread *pick_rt(struct runqueue *rq, struct thread *hint)
{
	if (rq->fair.nr && rt_is_throttled(&rq->rt, rq->now))
		return pick_fair(rq, hint);
	return rt_pick(&rq->rt);
}

struct thread *runqueue_pick(struct runqueue *rq)
{
	struct thread *hint = rq->hint;

	rq->hint = NULL;
	return unlikely(rq->rt.nr) ? pick_rt(rq, hint) : pick_fair(rq, hint);
}

void runqueue_init(struct runqueue *rq, uint32_t cpu)
{
	spin_lock_init(&rq->lock, RANK_RUNQUEUE);
	rq->cpu = cpu;
	rbtree_init(&rq->fair.tree, NULL);
	rt_init(&rq->rt);
	list_init(&rq->dead);
	tick_init(rq);
}
