/*
 * The held-lock stacks and their checks. All of it is dead code in a release kernel: the callers
 * are guarded by LOCK_DEBUG.
 *
 * A stack is touched only by its CPU or thread, with interrupts off; an interrupt pushes and pops
 * above what it found. Once a panic has begun nothing is checked any more.
 */
#include "core/lockdep.h"

#include <arch/percpu.h>

#include "core/lock_names.h"
#include "core/panic.h"
#include "core/printk.h"
#include "core/spinlock.h"
#include "core/symbols.h"
#include "lib/printf.h"

static struct held_locks boot_thread_held;

static DEFINE_PER_CPU(struct held_locks, spin_held);
static DEFINE_PER_CPU(struct held_locks *, thread_held);
static DEFINE_PER_CPU(uint32_t, irq_depth);

/* What has been seen of the locks of each rank. */
enum { SEEN_IRQS_OFF = 1, SEEN_OVER_IPI = 2 };
static bool interrupts_began; /* start-up runs alone until they are turned on first */
static uint8_t seen_of_rank[RANK_COUNT] __atomic;

static struct held_locks *thread_stack(void)
{
	struct held_locks *held = this_cpu_read(thread_held);

	return held ? held : &boot_thread_held;
}

void lockdep_set_thread(struct held_locks *held)
{
	this_cpu_write(thread_held, held);
}

/* Orders below are of locks without a rank, or taken by trylock. */
#define ORDER_FIRST (1 << 4)

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

const char *lock_rank_name(unsigned int rank)
{
	static const char *const names[RANK_COUNT] = { LOCK_RANK_NAMES };

	return rank < RANK_COUNT ? names[rank] : "?";
}

struct order_name {
	char text[40];
};

/* "pid", or with a subclass "runqueue.2". */
static const char *order_name(uint32_t order, struct order_name *name)
{
	const char *rank = lock_rank_name(order >> 4);

	if (!(order & 15))
		return rank;
	snprintf(name->text, sizeof(name->text), "%s.%u", rank, order & 15);
	return name->text;
}

static void report(const char *what, const struct held_lock *held, const void *lock, uint32_t order)
{
	struct order_name name, held_name;
	char site[128];

	if (log_in_panic())
		return;
	if (!held)
		panic("lock order: %s: lock %p rank %s", what, lock, order_name(order, &name));
	symbol_format(held->site, true, site, sizeof(site));
	panic("lock order: %s: lock %p rank %s; held rank %s, taken at %s", what, lock,
	      order_name(order, &name), order_name((uint32_t)held->rank << 4 | (held->order & 15),
						   &held_name), site);
}

static void check_order(const struct held_locks *held, const void *lock, uint32_t order)
{
	const struct held_lock *found = held_find(held, lock);

	if (found)
		report("taken twice", found, lock, order);
	if (order < ORDER_FIRST)
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
static void held_push(struct held_locks *held, struct held_lock entry)
{
	uint64_t flags = irq_save();

	if (held->count == HELD_MAX)
		report("more locks held than can be recorded", NULL, entry.lock, entry.order);
	else
		held->stack[held->count++] = entry;
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

static bool is_irq_safe(uint32_t order)
{
	return order >> 4 >= RANK_FIRST_IRQ_SAFE;
}

/* One that was taken by trylock, without regard to the order, counts here too. */
static const struct held_lock *held_irq_safe(const struct held_locks *held)
{
	for (uint32_t i = held->base; i < held->count; i++)
		if (held->stack[i].rank >= RANK_FIRST_IRQ_SAFE)
			return &held->stack[i];
	return NULL;
}

static void rank_mark_seen(uint32_t rank, uint8_t what)
{
	if ((atomic_load_relaxed(&seen_of_rank[rank]) & what) != what)
		atomic_or(&seen_of_rank[rank], what);
}

/* The holder of an irq-safe lock is not interrupted, nor does it wait for one who is. */
static void check_context(const struct spinlock *lock, uint32_t order)
{
	const struct held_lock *held = held_irq_safe(this_cpu_ptr(spin_held));

	if (is_irq_safe(order)) {
		if (irqs_enabled())
			report("irq-safe by its rank, taken with interrupts on", NULL, lock, order);
		return;
	}
	if (this_cpu_read(irq_depth))
		report("not irq-safe by its rank, taken by an interrupt handler", NULL, lock,
		       order);
	if (held)
		report("not irq-safe, taken under a lock that is", held, lock, order);
	if (irqs_enabled()) {
		WRITE_ONCE(interrupts_began, true);
		return;
	}
	rank_mark_seen(lock->rank, SEEN_IRQS_OFF);
	if (atomic_load_relaxed(&seen_of_rank[lock->rank]) & SEEN_OVER_IPI)
		report("taken with interrupts off, while holders of its rank wait for other CPUs",
		       NULL, lock, order);
}

void lockdep_assert_may_wait_for_cpus(void)
{
	const struct held_locks *held = this_cpu_ptr(spin_held);

	if (log_in_panic())
		return;
	for (uint32_t i = 0; i < held->count; i++) {
		uint32_t rank = held->stack[i].rank;

		rank_mark_seen(rank, SEEN_OVER_IPI);
		if (rank >= RANK_FIRST_IRQ_SAFE ||
		    atomic_load_relaxed(&seen_of_rank[rank]) & SEEN_IRQS_OFF)
			report("waiting for other CPUs with a lock for which one may wait with "
			       "interrupts off", &held->stack[i], NULL, 0);
	}
}

void lockdep_spin_check(struct spinlock *lock, unsigned int subclass)
{
	uint32_t order = order_of(lock->rank, subclass);

	if (log_in_panic())
		return;
	check_order(this_cpu_ptr(spin_held), lock, order);
	if (!this_cpu_read(irq_depth))
		check_order(thread_stack(), lock, order);
	check_context(lock, (uint32_t)lock->rank << 4);
}

void lockdep_spin_acquired(struct spinlock *lock, unsigned int subclass, bool tried)
{
	uint32_t order = tried ? 0 : order_of(lock->rank, subclass);

	if (tried && lock->rank >= RANK_FIRST_IRQ_SAFE && irqs_enabled())
		report("irq-safe by its rank, tried with interrupts on", NULL, lock,
		       order_of(lock->rank, 0));

	atomic_store_relaxed(&lock->holder, (uint8_t)(cpu_id() + 1));
	if (!log_in_panic())
		held_push(this_cpu_ptr(spin_held),
			  (struct held_lock){ .lock = lock,
					      .site = (uintptr_t)__builtin_return_address(0),
					      .order = (uint16_t)order,
					      .rank = lock->rank });
}

void lockdep_spin_released(struct spinlock *lock)
{
	atomic_store_relaxed(&lock->holder, 0);
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
	held_push(thread_stack(),
		  (struct held_lock){ .lock = lock,
				      .site = (uintptr_t)__builtin_return_address(0),
				      .order = tried ? 0 : (uint16_t)order,
				      .rank = (uint16_t)rank });
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
		pr_emerg("  %s: %p rank %s%s at %s\n", whose, held->stack[i].lock,
			 lock_rank_name(held->stack[i].rank),
			 held->stack[i].order ? "" : ", tried", site);
	}
}

void lockdep_print_held(uint32_t cpu)
{
	const struct held_locks *spins, *sleeps;

	if (!LOCK_DEBUG)
		return;
	spins = per_cpu_ptr(spin_held, cpu);
	sleeps = *per_cpu_ptr(thread_held, cpu);
	sleeps = sleeps ? sleeps : &boot_thread_held;
	if (!spins->count && !sleeps->count)
		return;
	pr_emerg("Locks held on CPU %u:\n", cpu);
	print_stack("cpu", spins);
	print_stack("thread", sleeps);
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
	if (!irqs_enabled() && READ_ONCE(interrupts_began))
		report("sleeping with interrupts off", NULL, NULL, 0);
}

void lockdep_assert_none_held(void)
{
	const struct held_locks *held = this_cpu_ptr(spin_held);

	if (!held->count)
		held = thread_stack();
	if (unlikely(held->count) && !log_in_panic())
		report("held at the return to user mode", &held->stack[held->count - 1], NULL, 0);
}
