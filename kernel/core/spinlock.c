/*
 * Waiting for a spinlock: the slow path of spin_lock().
 *
 * Who waits draws a ticket, and looks the less often the further back in the queue it stands, so
 * that the holder's cache line is left to those who come next. In a virtual machine all may take
 * the lock. The time is counted by rank (core/lockstat.h).
 *
 * The debug kernel panics when a wait exceeds a second. Only time that this CPU spends looking
 * counts: a virtual CPU that its host has not run for a while sees a jump of the clock, not a wait.
 */
#include "core/spinlock.h"

#include "core/lockstat.h"
#include "core/panic.h"
#include "core/printk.h"
#include "lib/math.h"

#define SPIN_LIMIT_NS    1000000000ul
#define SPIN_STEP_MAX_NS 10000000ul

struct spin_watch {
	uint64_t last;      /* the clock when it was looked at */
	uint64_t waited_ns; /* without jumps */
};

static void spin_watch_look(struct spin_watch *watch, const struct spinlock *lock)
{
	watch->waited_ns += min(lockstat_elapsed(watch->last), SPIN_STEP_MAX_NS);
	watch->last = lockstat_begin();
	if (likely(watch->waited_ns < SPIN_LIMIT_NS) || log_in_panic())
		return;
	panic("spinlock: CPU waits for more than a second: lock %p rank %s, held by CPU "
	      "%d", (const void *)lock, lock_rank_name(lock->rank),
	      (int)atomic_load_relaxed(&lock->holder) - 1);
}

static void spin_wait_for_turn(const struct spinlock *lock, uint16_t ticket,
			       struct spin_watch *watch)
{
	uint16_t ahead;

	while ((ahead = ticket - atomic_load_relaxed(&lock->served))) {
		for (; ahead; ahead--)
			cpu_relax();
		if (LOCK_DEBUG)
			spin_watch_look(watch, lock);
	}
}

void spin_wait(struct spinlock *lock)
{
	uint64_t begin = lockstat_begin();
	struct spin_watch watch = { .last = begin };
	uint16_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);

	if (!cpu_has(CPU_HYPERVISOR))
		spin_wait_for_turn(lock, ticket, &watch);
	/* Pairs with the release in spin_unlock(). */
	while (READ_ONCE(lock->is_held) ||
	       __atomic_exchange_n(&lock->is_held, 1, __ATOMIC_ACQUIRE)) {
		cpu_relax();
		if (LOCK_DEBUG)
			spin_watch_look(&watch, lock);
	}
	atomic_store_relaxed(&lock->served, (uint16_t)(lock->served + 1));
	lockstat_add(lock->rank, lockstat_elapsed(begin));
}
