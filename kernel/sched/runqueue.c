/*
 * What all classes share: adding and removing, accounting, choosing the next thread and the CPU for
 * one that wakes. See runqueue_impl.h for what a run queue is.
 *
 * Two queues are never locked in the wrong order: a wake-up lets go of the old queue before it
 * takes the new one, and an idle CPU that looks for work only tries the locks of others.
 */
#include <arch/irqchip.h>
#include <linux/sched.h>

#include "core/panic.h"
#include "lib/math.h"
#include "sched/runqueue_impl.h"

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
		return;
	}
	if (thread != rq->current)
		fair_take(&rq->fair, thread);
	fair_remove(&rq->fair, thread, now);
}

void runqueue_put_current(struct runqueue *rq)
{
	struct thread *current = rq->current;

	if (current->on_queue && !policy_is_rt(current->policy))
		fair_put(&rq->fair, current);
}

void runqueue_set_current(struct runqueue *rq, struct thread *next, ns_t now)
{
	if (next->on_queue && !policy_is_rt(next->policy))
		fair_take(&rq->fair, next);
	rq->current = next;
	next->run_since = now;
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
		over = rt_charge(&rq->rt, current, ran);
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
	current->run_since += excess;
	atomic_store_relaxed(&current->runtime_ns, current->runtime_ns + (uint64_t)excess);
}

void runqueue_resched(struct runqueue *rq)
{
	thread_set_flag(rq->current, TF_NEED_RESCHED);
	if (rq->cpu != cpu_id())
		irqchip_ipi(rq->cpu, VECTOR_IPI_WAKE);
}

void runqueue_check_preempt(struct runqueue *rq, struct thread *woken)
{
	struct thread *current = rq->current;
	bool woken_rt = policy_is_rt(woken->policy), current_rt = policy_is_rt(current->policy);

	if (current->is_idle)
		runqueue_resched(rq);
	else if (woken_rt && (!current_rt || woken->rt_priority > current->rt_priority))
		runqueue_resched(rq);
	else if (!woken_rt && !current_rt && fair_preempts(&rq->fair, woken, current))
		runqueue_resched(rq);
}

/* A thread that waits on another CPU and may run here; moved to this queue. */
static struct thread *runqueue_steal_from(struct runqueue *rq, struct runqueue *victim, ns_t now)
{
	struct thread *thread;

	for (struct rb_node *node = rbtree_last(&victim->fair.tree); node; node = rb_prev(node)) {
		thread = container_of(node, struct thread, fair.node);
		if (thread == victim->current || !(thread->affinity >> rq->cpu & 1))
			continue;
		runqueue_remove(victim, thread, now);
		thread->cpu = rq->cpu;
		runqueue_add(rq, thread, now);
		return thread;
	}
	return NULL;
}

static struct thread *runqueue_try_steal(struct runqueue *rq, struct runqueue *victim, ns_t now)
{
	struct thread *stolen;

	if (READ_ONCE(victim->nr) < 2)
		return NULL;
	if (!spin_trylock(&victim->lock))
		return NULL;
	stolen = runqueue_steal_from(rq, victim, now);
	spin_unlock(&victim->lock);
	return stolen;
}

static struct thread *runqueue_steal(struct runqueue *rq, ns_t now)
{
	struct thread *stolen = NULL;

	for (uint32_t step = 1; step < nr_cpus() && !stolen; step++)
		stolen = runqueue_try_steal(
			rq, per_cpu_ptr(runqueue, (rq->cpu + step) % nr_cpus()), now);
	return stolen;
}

struct thread *runqueue_pick(struct runqueue *rq, ns_t now)
{
	struct thread *hint = rq->hint;
	struct thread *next;

	rq->hint = NULL;
	if (unlikely(rq->rt.nr))
		return rt_pick(&rq->rt);
	if (hint && fair_is_eligible(&rq->fair, hint))
		return hint;
	if (likely(rq->fair.nr))
		return fair_pick(&rq->fair, rq->skip);
	next = nr_cpus() > 1 ? runqueue_steal(rq, now) : NULL;
	return next ? next : rq->idle;
}

static bool cpu_is_idle(uint32_t cpu)
{
	const struct runqueue *rq = per_cpu_ptr(runqueue, cpu);

	return READ_ONCE(rq->nr) == 0;
}

uint32_t runqueue_choose_cpu(const struct thread *thread, bool sync)
{
	uint64_t allowed = thread->affinity;
	uint32_t last = thread->cpu, here = cpu_id();

	if (nr_cpus() == 1)
		return 0;
	if (sync && (allowed >> here & 1))
		return here;
	if ((allowed >> last & 1) && cpu_is_idle(last))
		return last;
	if ((allowed >> here & 1) && cpu_is_idle(here))
		return here;
	for_each_cpu(cpu)
		if ((allowed >> cpu & 1) && cpu_is_idle(cpu))
			return cpu;
	if (allowed >> last & 1)
		return last;
	return bit_lowest(allowed & (~0ul >> (64 - nr_cpus())));
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
