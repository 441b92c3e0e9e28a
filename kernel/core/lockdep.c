/*
 * The held-lock stacks and their checks. All of it is dead code in a release kernel: the callers
 * are guarded by LOCK_DEBUG.
 *
 * A stack is touched only by its CPU or thread, with interrupts off; an interrupt pushes and pops
 * above what it found. Once a panic has begun nothing is checked any more.
 */
#include "core/lockdep.h"

#include <arch/percpu.h>

#include "core/panic.h"
#include "core/printk.h"
#include "core/spinlock.h"
#include "core/symbols.h"

static struct held_locks boot_thread_held;

static DEFINE_PER_CPU(struct held_locks, spin_held);
static DEFINE_PER_CPU(struct held_locks *, thread_held);
static DEFINE_PER_CPU(uint32_t, irq_depth);

/* What spinlock.contexts remembers. */
enum { SEEN_IN_IRQ = 1, SEEN_IRQS_ON = 2 };

static struct held_locks *thread_stack(void)
{
	struct held_locks *held = this_cpu_read(thread_held);

	return held ? held : &boot_thread_held;
}

void lockdep_set_thread(struct held_locks *held)
{
	this_cpu_write(thread_held, held);
}

static const struct held_lock *held_find(const struct held_locks *held, const void *lock)
{
	for (uint32_t i = 0; i < held->count; i++)
		if (held->stack[i].lock == lock)
			return &held->stack[i];
	return NULL;
}

static const struct held_lock *held_highest(const struct held_locks *held)
{
	const struct held_lock *highest = NULL;

	for (uint32_t i = held->base; i < held->count; i++)
		if (!highest || held->stack[i].order > highest->order)
			highest = &held->stack[i];
	return highest;
}

static void report(const char *what, const struct held_lock *held, const void *lock, uint32_t order)
{
	char site[128] = "";

	if (log_in_panic())
		return;
	if (held)
		symbol_format(held->site, true, site, sizeof(site));
	panic("lock order: %s: lock %p rank %u.%u; held rank %u.%u, taken at %s", what, lock,
	      order >> 4, order & 15, held ? held->order >> 4 : 0, held ? held->order & 15 : 0,
	      site);
}

static void check_order(const struct held_locks *held, const void *lock, uint32_t order)
{
	const struct held_lock *found = held_find(held, lock);

	if (found)
		report("taken twice", found, lock, order);
	if (order < 16)
		return;
	found = held_highest(held);
	if (found && found->order >= order)
		report("rank inversion", found, lock, order);
}

static uint32_t order_of(enum lock_rank rank, unsigned int subclass)
{
	return rank == RANK_NONE ? 0 : (uint32_t)rank << 4 | (subclass & 15);
}

/* Interrupts are off: a handler between the entry and the count would overwrite the entry. */
static void held_push_irqsoff(struct held_locks *held, const void *lock, uint32_t order,
			      uintptr_t site)
{
	if (held->count == HELD_MAX) {
		report("more locks held than can be recorded", NULL, lock, order);
		return;
	}
	held->stack[held->count++] =
		(struct held_lock){ .lock = lock, .site = site, .order = order };
}

static void held_push(struct held_locks *held, const void *lock, uint32_t order, uintptr_t site)
{
	uint64_t flags = irq_save();

	held_push_irqsoff(held, lock, order, site);
	irq_restore(flags);
}

static void held_pop_irqsoff(struct held_locks *held, const void *lock)
{
	uint32_t i = held->count;

	while (i > 0 && held->stack[i - 1].lock != lock)
		i--;
	if (i == 0) {
		report("released, but not held here", NULL, lock, 0);
		return;
	}
	for (; i < held->count; i++)
		held->stack[i - 1] = held->stack[i];
	held->count--;
}

static void held_pop(struct held_locks *held, const void *lock)
{
	uint64_t flags = irq_save();

	held_pop_irqsoff(held, lock);
	irq_restore(flags);
}

/* A lock that handlers take must never be held with interrupts on, or its holder meets itself. */
static void check_context(struct spinlock *lock)
{
	uint16_t seen = this_cpu_read(irq_depth) ? SEEN_IN_IRQ : irqs_enabled() ? SEEN_IRQS_ON : 0;
	uint16_t all = lock->contexts | seen;

	if (all == lock->contexts)
		return;
	__atomic_fetch_or(&lock->contexts, seen, __ATOMIC_RELAXED);
	if (all == (SEEN_IN_IRQ | SEEN_IRQS_ON))
		report("taken by an interrupt handler and elsewhere with interrupts on", NULL, lock,
		       order_of(lock->rank, 0));
}

void lockdep_spin_check(struct spinlock *lock, unsigned int subclass)
{
	uint32_t order = order_of(lock->rank, subclass);

	if (log_in_panic())
		return;
	check_order(this_cpu_ptr(spin_held), lock, order);
	if (!this_cpu_read(irq_depth))
		check_order(thread_stack(), lock, order);
	check_context(lock);
}

void lockdep_spin_acquired(struct spinlock *lock, unsigned int subclass, bool tried)
{
	uint32_t order = tried ? 0 : order_of(lock->rank, subclass);

	if (!log_in_panic())
		held_push(this_cpu_ptr(spin_held), lock, order,
			  (uintptr_t)__builtin_return_address(0));
}

void lockdep_spin_released(struct spinlock *lock)
{
	if (!log_in_panic())
		held_pop(this_cpu_ptr(spin_held), lock);
}

void lockdep_sleeping_acquired(const void *lock, enum lock_rank rank, unsigned int subclass,
			       bool tried)
{
	uint32_t order = order_of(rank, subclass);

	if (log_in_panic())
		return;
	if (!tried)
		check_order(thread_stack(), lock, order);
	held_push(thread_stack(), lock, tried ? 0 : order, (uintptr_t)__builtin_return_address(0));
}

void lockdep_sleeping_released(const void *lock)
{
	if (!log_in_panic())
		held_pop(thread_stack(), lock);
}

void lockdep_assert_may_take(enum lock_rank rank)
{
	const struct held_lock *found = held_highest(this_cpu_ptr(spin_held));

	if (!found)
		found = held_highest(thread_stack());
	if (found && found->order >= order_of(rank, 0))
		report("an operation of a lower rank", found, NULL, order_of(rank, 0));
}

uint32_t lockdep_irq_enter(void)
{
	struct held_locks *held = this_cpu_ptr(spin_held);
	uint32_t saved = held->base;

	held->base = held->count;
	this_cpu_add(irq_depth, 1);
	return saved;
}

void lockdep_irq_exit(uint32_t saved_base)
{
	struct held_locks *held = this_cpu_ptr(spin_held);

	if (held->count != held->base)
		report("held at the end of an interrupt", &held->stack[held->count - 1], NULL, 0);
	this_cpu_add(irq_depth, -1);
	held->base = saved_base;
}

bool lockdep_is_spinning(void)
{
	return this_cpu_ptr(spin_held)->count != 0;
}

bool lockdep_is_held(const void *lock)
{
	return log_in_panic() || held_find(this_cpu_ptr(spin_held), lock) ||
	       held_find(thread_stack(), lock);
}

static void print_stack(const char *whose, const struct held_locks *held)
{
	char site[128];

	for (uint32_t i = 0; i < held->count && i < HELD_MAX; i++) {
		symbol_format(held->stack[i].site, true, site, sizeof(site));
		pr_emerg("  %s: %p rank %u.%u at %s\n", whose, held->stack[i].lock,
			 held->stack[i].order >> 4, held->stack[i].order & 15, site);
	}
}

void lockdep_print_held(void)
{
	if (!LOCK_DEBUG || (!this_cpu_ptr(spin_held)->count && !thread_stack()->count))
		return;
	pr_emerg("Locks held:\n");
	print_stack("cpu", this_cpu_ptr(spin_held));
	print_stack("thread", thread_stack());
}

void lockdep_assert_can_sleep(void)
{
	const struct held_locks *held = this_cpu_ptr(spin_held);

	if (log_in_panic())
		return;
	if (held->count)
		report("sleeping with a spinlock held", &held->stack[held->count - 1], NULL, 0);
	if (this_cpu_read(irq_depth))
		report("sleeping in an interrupt handler", NULL, NULL, 0);
}

void lockdep_assert_none_held(void)
{
	lockdep_assert_can_sleep();
	if (thread_stack()->count && !log_in_panic())
		report("held at the return to user mode", &thread_stack()->stack[0], NULL, 0);
}
