/*
 * Spinlock: mutual exclusion for a few dozen instructions. A byte, and tickets for those who wait.
 *
 *	static struct {
 *		struct spinlock lock;
 *		struct list     all;
 *	} table = { .lock = SPINLOCK(RANK_PID) };
 *	spin_lock(&table.lock); ... spin_unlock(&table.lock);
 *
 * Kernel code is not preempted, so a holder runs to the unlock unless an interrupt comes. A lock
 * that an interrupt handler takes too is called irq-safe, has one of the last ranks, and is taken
 * by spin_lock_irqsave() everywhere (or spin_lock_irq() where interrupts are known to be on). Never
 * sleep, touch user memory or call an unknown operation while holding one.
 *
 * Who waits is served in the order of coming, except that somebody who comes just when the lock is
 * given back may be faster than the one whose turn it is. In a virtual machine there is no order:
 * the one whose turn it is may be a CPU that its host does not run, and everybody would wait.
 *
 * Every lock has a rank (core/lockrank.h); in the debug kernel each taking is checked and recorded
 * (core/lockdep.h). Who has to wait is counted by rank (core/lockstat.h). The lock is eight bytes
 * in both kernels.
 */
#pragma once

#include <arch/cpu.h>

#include "core/lockdep.h"
#include "lib/atomic.h"
#include "lib/types.h"

struct spinlock {
	uint8_t  is_held __atomic;
	uint8_t  holder __atomic; /* debug: number + 1 of the CPU that has it */
	uint16_t rank __const_after_init;
	uint16_t next __atomic;   /* the ticket that the next one who waits draws */
	uint16_t served __atomic; /* the ticket whose turn it is; written with the lock held */
};

#define SPINLOCK(lock_rank) ((struct spinlock){ .rank = (lock_rank) })

static inline void spin_lock_init(struct spinlock *lock, enum lock_rank rank)
{
	*lock = SPINLOCK(rank);
}

/* For assertions: somebody holds it (in the debug kernel: this CPU does). */
static inline bool spin_is_held(const struct spinlock *lock)
{
	if (LOCK_DEBUG)
		return lockdep_is_held(lock);
	return READ_ONCE(lock->is_held);
}

/* Wait for the lock and take it; counts the wait. For spin_lock() alone, by arch_spin_wait(). */
void spin_wait(struct spinlock *lock) __cold;

/* Take the lock, waiting for it; any context in which the rank allows it. */
static inline void spin_lock_nested(struct spinlock *lock, unsigned int subclass) __acquires(lock)
{
	if (LOCK_DEBUG)
		lockdep_spin_check(lock, subclass);
	/* Pairs with the release in spin_unlock(). */
	if (unlikely(__atomic_exchange_n(&lock->is_held, 1, __ATOMIC_ACQUIRE)))
		arch_spin_wait(lock);
	if (LOCK_DEBUG)
		lockdep_spin_acquired(lock, subclass, false);
	__acquire(lock);
}

static inline void spin_lock(struct spinlock *lock) __acquires(lock)
{
	spin_lock_nested(lock, 0);
}

/* Take the lock if nobody has it; never waits, so any rank may be held. */
static inline bool __must_check spin_trylock(struct spinlock *lock)
{
	if (READ_ONCE(lock->is_held))
		return false;
	/* Pairs with the release in spin_unlock(). */
	if (__atomic_exchange_n(&lock->is_held, 1, __ATOMIC_ACQUIRE))
		return false;
	if (LOCK_DEBUG)
		lockdep_spin_acquired(lock, 0, true);
	return true;
}

#ifdef __CHECKER__ /* sparse: held where it was true */
bool spin_trylock_opaque(struct spinlock *lock);
#define spin_trylock(lock) (spin_trylock_opaque(lock) ? ({ __acquire(lock); 1; }) : 0)
#endif

static inline void spin_unlock(struct spinlock *lock) __releases(lock)
{
	if (LOCK_DEBUG)
		lockdep_spin_released(lock);
	/* Pairs with the acquire in spin_lock(), spin_trylock() and spin_wait(). */
	__atomic_store_n(&lock->is_held, 0, __ATOMIC_RELEASE);
	__release(lock);
}

/* Take an irq-safe lock; the result goes to spin_unlock_irqrestore() unread. */
static inline __must_check uint64_t spin_lock_irqsave(struct spinlock *lock) __acquires(lock)
{
	uint64_t flags = irq_save();

	spin_lock(lock);
	return flags;
}

static inline void spin_unlock_irqrestore(struct spinlock *lock, uint64_t flags)
	__releases(lock)
{
	spin_unlock(lock);
	irq_restore(flags);
}

/* The same where interrupts are known to be on before and shall be on afterwards. */
static inline void spin_lock_irq(struct spinlock *lock) __acquires(lock)
{
	irq_disable();
	spin_lock(lock);
}

static inline void spin_unlock_irq(struct spinlock *lock) __releases(lock)
{
	spin_unlock(lock);
	irq_enable();
}
