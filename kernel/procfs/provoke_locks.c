/*
 * Breaches of the rules for locks (docs/locking.md), each of which the debug kernel must notice.
 */
#include <arch/cpu.h>

#include "core/lockdep.h"
#include "core/spinlock.h"
#include "mem/alloc.h"
#include "procfs/provoke.h"
#include "sched/clock.h"
#include "sched/mutex.h"
#include "sched/timer.h"

static struct spinlock plain = SPINLOCK(RANK_SPIN_OUTER);
static struct spinlock plain_leaf = SPINLOCK(RANK_LEAF);
static struct spinlock irq_safe = SPINLOCK(RANK_IRQ_OUTER);
static struct mutex mutex = MUTEX(mutex, RANK_SLEEPING);
static bool is_taken __atomic;

static __noinline void provoke_sleep(void)
{
	spin_lock(&plain);
	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	spin_unlock(&plain);
}

static __noinline void provoke_allocation(void)
{
	spin_lock(&plain);
	kfree(kmalloc(64, ALLOC_KERNEL));
	spin_unlock(&plain);
}

static __noinline void provoke_return(void)
{
	mutex_lock(&mutex);
}

static __noinline void provoke_twice(void)
{
	spin_lock(&plain);
	spin_lock(&plain);
	spin_unlock(&plain);
	spin_unlock(&plain);
}

static __noinline void provoke_irqs_on(void)
{
	spin_lock(&irq_safe);
	spin_unlock(&irq_safe);
}

/* Without regard to the order: a trylock has none. */
static __noinline void provoke_unsafe_inside(void)
{
	uint64_t flags = irq_save();

	if (spin_trylock(&irq_safe)) {
		spin_lock(&plain_leaf);
		spin_unlock(&plain_leaf);
		spin_unlock(&irq_safe);
	}
	irq_restore(flags);
}

static __noinline void provoke_in_handler(struct timer *timer)
{
	spin_lock(&plain);
	spin_unlock(&plain);
	atomic_store_relaxed(&is_taken, true);
}

static void provoke_handler(void)
{
	static struct timer timer;

	timer_init(&timer, provoke_in_handler);
	timer_start(&timer, clock_monotonic());
	while (!atomic_load_relaxed(&is_taken))
		cpu_relax();
}

static __noinline void provoke_wait_for_cpus(void)
{
	uint64_t flags = spin_lock_irqsave(&irq_safe);

	lock_assert_may_wait_for_cpus();
	spin_unlock_irqrestore(&irq_safe, flags);
}

const struct provocation lock_provocations[] = {
	{ "LOCK_SLEEP", provoke_sleep, true },
	{ "LOCK_ALLOCATION", provoke_allocation, true },
	{ "LOCK_RETURN", provoke_return, true },
	{ "LOCK_TWICE", provoke_twice, true },
	{ "LOCK_IRQS_ON", provoke_irqs_on, true },
	{ "LOCK_UNSAFE_INSIDE", provoke_unsafe_inside, true },
	{ "LOCK_IN_HANDLER", provoke_handler, true },
	{ "LOCK_OVER_IPI", provoke_wait_for_cpus, true },
	{ NULL, NULL, false },
};
