/*
 * Mutex: a lock whose waiters sleep. The holder may sleep; interrupt handlers and holders of
 * spinlocks may not take it.
 *
 *     struct mutex lock = MUTEX(name, RANK_...);   or mutex_init(&lock, rank)
 *     mutex_lock(&lock); ... mutex_unlock(&lock);
 *
 * Taking and releasing without contention is one atomic instruction each. A waiter that was
 * overtaken once is handed the lock directly, so nobody starves. Only the owner unlocks.
 * Ranks as for spinlocks (core/lockrank.h), checked by the debug kernel; two of one rank nest by
 * mutex_lock_nested() with a growing subclass.
 */
#pragma once

#include "core/lockrank.h"
#include "core/spinlock.h"
#include "lib/list.h"
#include "lib/types.h"

struct mutex {
	uintptr_t       owner __atomic;  /* struct thread *, with MUTEX_* in the low bits */
	struct spinlock wait_lock;
	struct list     waiters __guarded_by(wait_lock); /* struct mutex_waiter, first come first */
	uint32_t        rank __const_after_init;
};

#define MUTEX(name, lock_rank)                                            \
	{ .wait_lock = SPINLOCK(RANK_SLEEP_WAITERS), .waiters = LIST_INIT((name).waiters), \
	  .rank = (lock_rank) }

void mutex_init(struct mutex *mutex, enum lock_rank rank);
void mutex_lock(struct mutex *mutex);
void mutex_lock_nested(struct mutex *mutex, unsigned int subclass);
/* 0, or -EINTR if a fatal signal came first. */
__must_check int mutex_lock_killable(struct mutex *mutex);
/* 0, or -ERESTARTSYS if a signal came first. */
__must_check int mutex_lock_interruptible(struct mutex *mutex);
__must_check bool mutex_trylock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

/* The current thread holds it. */
bool mutex_is_owned(const struct mutex *mutex);
/* Somebody holds it. */
bool mutex_is_locked(const struct mutex *mutex);
