/*
 * Bring-up of the scheduler on each CPU, and the idle loop.
 */
#include <arch/mmu.h>
#include <arch/upcalls.h>
#include <linux/sched.h>

#include "core/gauge.h"
#include "core/idle.h"
#include "core/panic.h"
#include "core/printk.h"
#include "lib/string.h"
#include "mem/vmalloc.h"
#include "sched/balance_impl.h"
#include "sched/clock.h"
#include "sched/rcu_impl.h"
#include "sched/timer_impl.h"
#include "sched/watchdog_impl.h"
#include "sched/work_impl.h"

#define POLL_NS  (200 * NS_PER_USEC)
#define SHORT_NS (500 * NS_PER_USEC)

static struct thread boot_thread;
static DEFINE_PER_CPU(bool, rest_was_short);

static void static_thread_dead(struct thread *thread)
{
	(void)thread;
}

static const struct thread_ops static_thread_ops = {
	.dead = static_thread_dead,
};

static void idle_main(void *arg)
{
	(void)arg;
	sched_idle();
}

/* Interrupts off, nothing to do. A grace period that has just begun may still count on this CPU. */
static void halt(void)
{
	idle_enter();
	if (likely(!rcu_awaits_this_cpu()))
		cpu_idle_wait();
	irq_disable();
	idle_leave();
	irq_enable();
}

/*
 * Where threads of two CPUs answer each other, the next wake-up comes sooner than an interrupt
 * could end a halt: a CPU whose last rest was short waits awake for a moment, and sees its flag
 * without an interrupt.
 */
static void idle_poll(struct runqueue *rq)
{
	ns_t end;

	if (!this_cpu_read(rest_was_short))
		return;
	end = clock_monotonic() + POLL_NS;
	atomic_store(&rq->polls, true);
	while (!thread_test_flag(rq->idle, TF_SCHED_WORK)) {
		if (clock_monotonic() >= end) {
			this_cpu_write(rest_was_short, false);
			break;
		}
		cpu_relax();
	}
	/* Before the flag is looked at once more; pairs with runqueue_resched(). */
	atomic_store(&rq->polls, false);
}

void sched_idle(void)
{
	struct thread *idle = thread_current();
	ns_t since = clock_monotonic();

	if (!idle->is_idle)
		/* the boot CPU's start-up code is done: its idle thread takes over */
		thread_exit();
	for (;;) {
		do
			work_run();
		while (rcu_has_work());
		if (nr_cpus() > 1)
			idle_poll(this_runqueue());
		irq_disable();
		if (thread_test_flag(idle, TF_SCHED_WORK)) {
			irq_enable();
			if (!thread_test_flag(idle, TF_NEED_RESCHED))
				continue;
		} else {
			halt();
		}
		if (thread_test_flag(idle, TF_NEED_RESCHED)) {
			this_cpu_write(rest_was_short, clock_monotonic() - since < SHORT_NS);
			tick_start();
			schedule();
			since = clock_monotonic();
		}
	}
}

/* What a queue's idle thread has in common, whatever stack it runs on. */
static void idle_init(struct runqueue *rq, uint32_t cpu)
{
	struct thread *idle = &rq->idle_thread;

	idle->ops = &static_thread_ops;
	idle->is_idle = true;
	idle->state = THREAD_RUNNABLE;
	thread_set_name(idle, "swapper");
	thread_init_sched(idle, NULL, clock_monotonic());
	idle->cpu = cpu;
	idle->affinity = 1ul << cpu;
	rq->idle = idle;
	rq->current = idle; /* others may look before the CPU has come */
}

static void cpu_prepare(struct runqueue *rq, uint32_t cpu)
{
	runqueue_init(rq, cpu);
	work_init(&rq->dead_work, thread_dead_work);
	timer_init_cpu(cpu);
	rcu_init_cpu(cpu);
	work_init_cpu(cpu);
	idle_init(rq, cpu);
	watchdog_init_cpu(cpu);
}

static void boot_thread_adopt(struct runqueue *rq, uintptr_t stack_top)
{
	struct thread *thread = &boot_thread;
	ns_t now = clock_monotonic();

	thread->ops = &static_thread_ops;
	thread->state = THREAD_RUNNABLE;
	thread_set_name(thread, "boot");
	thread_init_sched(thread, NULL, now);
	arch_thread_init_boot(&thread->arch, stack_top);
	rq->current = thread;
	runqueue_add(rq, thread, now);
}

bool thread_is_on_cpu(const struct thread *thread)
{
	return READ_ONCE(per_cpu_ptr(runqueue, READ_ONCE(thread->cpu))->current) == thread;
}

static const char *current_name(int *pid)
{
	const struct thread *thread = arch_current() ? thread_current() : NULL;

	*pid = thread && thread->ops->number ? thread->ops->number(thread) : 0;
	return thread ? thread->name : "none";
}

void sched_init(uintptr_t boot_stack_top)
{
	struct runqueue *rq = this_runqueue();
	void *stack = kstack_alloc(ALLOC_KERNEL);
	uint64_t flags = irq_save();

	if (!stack)
		panic("no memory for the idle thread");
	cpu_prepare(rq, 0);
	arch_thread_init_kernel(&rq->idle->arch, (uintptr_t)stack + KSTACK_SIZE, idle_main, NULL);
	boot_thread_adopt(rq, boot_stack_top);
	if (LOCK_DEBUG)
		lockdep_set_thread(thread_held_locks(&boot_thread));
	panic_hooks.thread_name = current_name;
	gauge_on_each_cpu = work_on_each_cpu;
	irq_restore(flags);
	tick_start();
	work_start_threads();
}

int sched_prepare_cpu(uint32_t cpu)
{
	struct runqueue *rq = per_cpu_ptr(runqueue, cpu);

	cpu_prepare(rq, cpu);
	rq->current = rq->idle;
	return work_create_thread(cpu);
}

void sched_init_cpu(uintptr_t stack_top)
{
	struct runqueue *rq = this_runqueue();

	arch_thread_init_boot(&rq->idle->arch, stack_top);
	rq->idle->run_since = clock_monotonic();
	if (LOCK_DEBUG)
		lockdep_set_thread(thread_held_locks(rq->idle));
	work_start_thread();
}

void sched_notify_running(const struct arch_mmu *mmu)
{
	for_each_cpu(cpu) {
		struct runqueue *rq = per_cpu_ptr(runqueue, cpu);
		uint64_t flags = spin_lock_irqsave(&rq->lock);

		if (rq->current && rq->current->mmu == mmu)
			thread_set_flag(rq->current, TF_NOTIFY);
		spin_unlock_irqrestore(&rq->lock, flags);
	}
}

void upcall_ipi_wake(void)
{
	uint32_t base = LOCK_DEBUG ? lockdep_irq_enter() : 0;

	idle_leave();
	/* A rescheduling needs nothing here: its flag is looked at on the way out. */
	timer_reprogram();
	work_look();
	rcu_tick(false);
	balance_look();
	log_wake_readers();
	if (LOCK_DEBUG)
		lockdep_irq_exit(base);
}
