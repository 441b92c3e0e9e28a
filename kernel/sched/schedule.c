/*
 * Switching and waking: schedule(), thread_wake() and the way a dead thread leaves.
 *
 * schedule() runs with the run queue's lock from its decision to the end of the switch. A sleeper
 * has set its state before; a waker that comes first makes it RUNNABLE again under the same lock
 * and schedule() lets it go on. The page-table root is loaded only when the next thread has a user
 * half that is not the active one: kernel threads and idle borrow what is there.
 */
#include <arch/irqchip.h>
#include <arch/mmu.h>
#include <arch/upcalls.h>

#include "core/panic.h"
#include "lib/bits.h"
#include "sched/balance_impl.h"
#include "sched/clock.h"
#include "sched/rcu.h"
#include "sched/rcu_impl.h"
#include "sched/wait.h"

DEFINE_PER_CPU(uint64_t, thread_wakes_due);

/* Interrupts off from here to the end of the switch. prev holds no lock. */
static void schedule_locked(struct runqueue *rq, struct thread *prev) __releases(&rq->lock)
{
	ns_t now = clock_monotonic();
	uint32_t state = atomic_load_relaxed(&prev->state);
	struct thread *next;

	runqueue_update(rq, now);
	if (state != THREAD_RUNNABLE && prev->on_queue) {
		runqueue_remove(rq, prev, now);
		prev->counts_as_load = state & (THREAD_UNINTERRUPTIBLE | THREAD_KILLABLE);
		rq->nr_uninterruptible += prev->counts_as_load;
	} else if (unlikely(rq->evicts) && !(prev->affinity >> rq->cpu & 1)) {
		runqueue_remove(rq, prev, now); /* thread_finish_switch() finds it a place */
	}
	runqueue_put_current(rq);
	next = runqueue_pick(rq);
	runqueue_set_current(rq, next, now);
	rq->skip = NULL;
	thread_clear_flag(prev, TF_NEED_RESCHED);
	rcu_note_switch();
	if (next == prev) {
		spin_unlock(&rq->lock);
		return;
	}
	if (unlikely(thread_test_flag(prev, TF_WORK))) {
		thread_clear_flag(prev, TF_WORK);
		thread_set_flag(next, TF_WORK);
	}
	if (state != THREAD_RUNNABLE)
		prev->switches_voluntary++;
	else
		prev->switches_involuntary++;
	rq->nr_switches++;
	if (next->mmu != prev->mmu) {
		if (next->mmu)
			mmu_activate(next->mmu);
		else
			mmu_borrow();
	}
	if (LOCK_DEBUG)
		lockdep_set_thread(thread_held_locks(next));
	prev = (struct thread *)(void *)arch_switch(&prev->arch, &next->arch);
	thread_finish_switch(prev);
}

void (*thread_unplug_hook)(void);

/*
 * A safe point. Who dies leaves the work to the next thread, behind which its own end is queued, so
 * that whoever waits for work waits for those who have died before.
 */
static __noinline void work_before_switch(struct thread *prev)
{
	if (thread_test_flag(prev, TF_PLUG))
		thread_unplug_hook();
	if (thread_test_flag(prev, TF_WORK) && atomic_load_relaxed(&prev->state) != THREAD_DEAD)
		work_run();
}

void schedule(void)
{
	struct thread *prev = thread_current();
	struct runqueue *rq;

	lock_assert_can_sleep();
	debug_assert(!prev->rcu_depth);
	if (unlikely(thread_test_flag(prev, TF_WORK | TF_PLUG)))
		work_before_switch(prev);
	irq_disable();
	rq = this_runqueue();
	spin_lock(&rq->lock);
	schedule_locked(rq, prev);
	irq_enable();
}

/* prev may not use this CPU any more and is off it. Others may wait for that. */
static void thread_evicted(struct runqueue *rq, struct thread *prev, uint32_t state)
	__releases(&rq->lock)
{
	rq->evicts = false;
	if (state == THREAD_RUNNABLE && !prev->on_queue && !prev->is_idle)
		thread_place(rq, prev, false);
	else
		spin_unlock(&rq->lock);
	thread_wakes_send();
	wake_up_all(&sched_moved);
}

void thread_finish_switch(struct thread *prev) __releases(this_runqueue()->lock)
{
	struct runqueue *rq = this_runqueue();
	uint32_t state = atomic_load_relaxed(&prev->state);

	if (unlikely(rq->evicts))
		thread_evicted(rq, prev, state);
	else
		spin_unlock(&rq->lock);
	if (unlikely(state == THREAD_DEAD)) {
		list_add_tail(&rq->dead, &prev->dead_link);
		work_queue(&rq->dead_work);
	}
}

void upcall_thread_first_run(struct arch_thread *prev) __releases(this_runqueue()->lock)
{
	thread_finish_switch((struct thread *)(void *)prev);
}

/* The first choice, or, if its affinity has changed since, another. Returns that CPU's queue. */
static __noinline struct runqueue *thread_carry(struct runqueue *rq, struct thread *thread,
                                                uint32_t cpu)
{
	do {
		thread_set_cpu(thread, cpu);
		spin_unlock(&rq->lock);
		rq = thread_lock_queue(thread);
		if (thread->affinity >> cpu & 1)
			break;
		cpu = balance_choose_cpu(thread, false);
	} while (cpu != rq->cpu);
	return rq;
}

void thread_place(struct runqueue *rq, struct thread *thread, bool sync) __releases(&rq->lock)
{
	if (unlikely(nr_cpus() > 1)) {
		uint32_t cpu = balance_choose_cpu(thread, sync);

		if (cpu != rq->cpu)
			rq = thread_carry(rq, thread, cpu);
		if (rq->cpu != cpu_id()) {
			runqueue_add(rq, thread, rq->now);
			runqueue_check_preempt(rq, thread);
			spin_unlock(&rq->lock);
			return;
		}
	}
	runqueue_add(rq, thread, rq->now);
	if (sync && rq->cpu == cpu_id() && !rq->current->is_idle)
		rq->hint = thread;
	else
		runqueue_check_preempt(rq, thread);
	spin_unlock(&rq->lock);
}

static bool thread_wake_mode(struct thread *thread, uint32_t states, bool sync)
{
	uint64_t flags = irq_save();
	struct runqueue *rq = thread_lock_queue(thread); /* pairs with thread_set_state() */
	bool slept = atomic_load_relaxed(&thread->state) & states;

	if (slept)
		atomic_store_relaxed(&thread->state, THREAD_RUNNABLE);
	if (slept && !thread->on_queue) {
		rq->nr_uninterruptible -= thread->counts_as_load;
		thread->counts_as_load = false;
		thread_place(rq, thread, sync);
	} else {
		spin_unlock(&rq->lock);
	}
	irq_restore(flags);
	return slept;
}

void thread_wakes_send_due(void)
{
	uint64_t flags = irq_save(), cpus = this_cpu_read(thread_wakes_due);

	this_cpu_write(thread_wakes_due, 0);
	irq_restore(flags);
	for (; cpus; cpus &= cpus - 1)
		irqchip_ipi(bit_lowest(cpus), VECTOR_IPI_WAKE);
}

void thread_wake_new_sync(struct thread *thread)
{
	thread_wake_mode(thread, THREAD_NEW, true);
	thread_wakes_send();
}

bool thread_wake_later(struct thread *thread, bool sync)
{
	return thread_wake_mode(thread, THREAD_SLEEPING, sync);
}

bool thread_wake(struct thread *thread)
{
	return thread_wake_if(thread, THREAD_SLEEPING);
}

bool thread_wake_if(struct thread *thread, uint32_t states)
{
	bool woken = thread_wake_mode(thread, states, false);

	thread_wakes_send();
	return woken;
}

void thread_signal_end_sleep(struct thread *thread, bool fatal)
{
	uint32_t states = THREAD_INTERRUPTIBLE | (fatal ? THREAD_KILLABLE | THREAD_STOPPED : 0);

	if (thread_wake_if(thread, states) || thread == thread_current())
		return;
	/* It runs, perhaps in user mode: the interrupt makes it look at its flags. */
	uint32_t cpu = READ_ONCE(thread->cpu);
	if (cpu != cpu_id() && READ_ONCE(per_cpu_ptr(runqueue, cpu)->current) == thread)
		irqchip_ipi(cpu, VECTOR_IPI_WAKE);
}

void thread_yield(void)
{
	struct thread *current = thread_current();
	struct runqueue *rq;

	cond_resched();
	irq_disable();
	rq = this_runqueue();
	if (rq->nr == 1) { /* nobody else is here; who comes now may as well have come later */
		irq_enable();
		return;
	}
	spin_lock(&rq->lock);
	if (policy_is_rt(current->policy))
		rt_yield(&rq->rt, current);
	else
		fair_yield(current);
	rq->skip = current;
	schedule_locked(rq, current);
	irq_enable();
}

bool cond_resched(void)
{
	struct thread *current = thread_current();

	if (likely(!thread_test_flag(current, TF_SCHED_WORK)))
		return false;
	lock_assert_can_sleep();
	if (thread_test_flag(current, TF_WORK))
		work_run();
	if (!thread_test_flag(current, TF_NEED_RESCHED))
		return false;
	schedule();
	return true;
}

bool sched_exit_work(void)
{
	return cond_resched();
}

void thread_switch_mmu(struct arch_mmu *mmu)
{
	uint64_t flags = irq_save();

	thread_current()->mmu = mmu;
	if (mmu)
		mmu_activate(mmu);
	else
		mmu_borrow();
	irq_restore(flags);
}

void thread_exit(void)
{
	atomic_store_relaxed(&thread_current()->state, THREAD_DEAD);
	schedule();
	panic("a dead thread runs");
}
