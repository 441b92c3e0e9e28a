/*
 * What a debug kernel knows of the locks that are held: a stack of them for each CPU (spinlocks)
 * and one for each thread (sleeping locks). Spinlocks and the locks of sched/ report here, in a
 * debug kernel only (LOCK_DEBUG); each finding is a panic that names both places.
 *
 *   - taking a lock whose rank is not greater than that of every lock held (core/lockrank.h)
 *   - taking a lock twice; releasing one that is not held here
 *   - sleeping while a spinlock is held; returning to user mode with any lock held
 *   - taking an irq-safe lock with interrupts on; any other in an interrupt handler, or while an
 *     irq-safe one is held
 *   - waiting for other CPUs to answer an interrupt while holding a lock for which others wait with
 *     interrupts off
 *   - spinning for longer than a second (core/spinlock.c)
 *
 * Locks taken inside an interrupt are ordered among themselves only: lockdep_irq_enter() hides what
 * the interrupted code holds. That the order between the two is safe follows from the rules above:
 * handlers take irq-safe locks only, whose holders are never interrupted, and which all come after
 * the others, so that no holder of an irq-safe lock waits for somebody who can be interrupted.
 *
 * A trylock cannot deadlock, so it is recorded without the rank check.
 */
#pragma once

#include "core/lockrank.h"
#include "lib/types.h"

#define LOCK_DEBUG DEBUG

struct held_lock {
	const void *lock;
	uintptr_t   site;  /* return address of the taker */
	uint16_t    order; /* rank << 4 | subclass; 0: taken by trylock or without rank */
	uint16_t    rank;
};

enum { HELD_MAX = 24 };

/* Embedded in struct thread for its sleeping locks; one a CPU for spinlocks. Zeroed is empty. */
struct held_locks {
	uint32_t         count;
	uint32_t         base; /* entries below belong to the code that an interrupt interrupted */
	struct held_lock stack[HELD_MAX];
};

/*
 * The sleeping locks of the thread that this CPU runs; sched/ sets it at every switch, before the
 * first thread it is a stack of the boot CPU's own. Any context with interrupts off.
 */
void lockdep_set_thread(struct held_locks *held);

/* A lock of sched/ that sleeps has been taken or is let go by the current thread. */
void lockdep_sleeping_acquired(const void *lock, enum lock_rank rank, unsigned int subclass,
			       bool tried);
void lockdep_sleeping_released(const void *lock);

/* The same for spinlocks; called by core/spinlock.h only. */
struct spinlock;
void lockdep_spin_check(struct spinlock *lock, unsigned int subclass);
void lockdep_spin_acquired(struct spinlock *lock, unsigned int subclass, bool tried);
void lockdep_spin_released(struct spinlock *lock);

/* Panic if taking a lock of this rank would break the order now (RANK_RECLAIM for allocations). */
void lockdep_assert_may_take(enum lock_rank rank);

/* Around every interrupt, by upcall_irq. */
uint32_t lockdep_irq_enter(void);
void lockdep_irq_exit(uint32_t saved_base);

/* The rank's name, as in the enum, in small letters. Both kernels. */
const char *lock_rank_name(unsigned int rank);

/* True if this CPU holds a spinlock. Debug kernel only. */
bool lockdep_is_spinning(void);

/* True if this CPU's spinlock stack, or this thread's stack, has the lock. Debug kernel only. */
bool lockdep_is_held(const void *lock);

/* Print what a CPU and its thread hold, for a panic: it is stopped, or this one. No lock. */
void lockdep_print_held(uint32_t cpu);

/* Panic unless no spinlock is held and no handler runs: first line of everything that sleeps. */
void lockdep_assert_can_sleep(void);
static inline void lock_assert_can_sleep(void)
{
	if (LOCK_DEBUG)
		lockdep_assert_can_sleep();
}

/*
 * Panic unless this CPU may wait for the others to answer an interrupt: no holder of its spinlocks
 * is waited for with interrupts off.
 */
void lockdep_assert_may_wait_for_cpus(void);
static inline void lock_assert_may_wait_for_cpus(void)
{
	if (LOCK_DEBUG)
		lockdep_assert_may_wait_for_cpus();
}

/* Panic unless no lock at all is held: the way to user mode calls it, in entry.S. */
void lockdep_assert_none_held(void);
