/*
 * Sleeping reader-writer lock: many readers, or one writer. Holders may sleep.
 *
 * Fair by turns: who comes while others wait goes behind them; a writer's unlock lets all readers
 * in that wait by then, the last reader's unlock lets the first writer in. So neither side starves.
 * A read lock must therefore not be taken twice by one thread (a writer between would deadlock it).
 * Without contention each operation is one atomic instruction. Ranks as for mutexes.
 */
#pragma once

#include "core/lockrank.h"
#include "core/spinlock.h"
#include "lib/list.h"
#include "lib/types.h"

struct rwlock {
	uint64_t        state __atomic; /* RW_WRITER, RW_WAITERS, readers above them */
	struct spinlock wait_lock;
	struct list     waiters __guarded_by(wait_lock);
	uint32_t        rank __const_after_init;
};

#define RWLOCK(name, lock_rank)                                           \
	{ .wait_lock = SPINLOCK(RANK_SLEEP_WAITERS), .waiters = LIST_INIT((name).waiters), \
	  .rank = (lock_rank) }

void rwlock_init(struct rwlock *lock, enum lock_rank rank);

void rwlock_read_lock(struct rwlock *lock);
__must_check int rwlock_read_lock_killable(struct rwlock *lock); /* -EINTR */
__must_check bool rwlock_read_trylock(struct rwlock *lock);
/* The same beside present readers even if a writer waits: for who must not wait for those. */
__must_check bool rwlock_read_trylock_ahead(struct rwlock *lock);
void rwlock_read_unlock(struct rwlock *lock);

void rwlock_write_lock(struct rwlock *lock);
void rwlock_write_lock_nested(struct rwlock *lock, unsigned int subclass);
__must_check int rwlock_write_lock_killable(struct rwlock *lock); /* -EINTR */
__must_check bool rwlock_write_trylock(struct rwlock *lock);
void rwlock_write_unlock(struct rwlock *lock);

/* The writer becomes a reader without letting another writer in between. */
void rwlock_downgrade(struct rwlock *lock);

/* For assertions: held in any mode; held for writing. */
bool rwlock_is_held(const struct rwlock *lock);
bool rwlock_is_write_held(const struct rwlock *lock);
/* Somebody waits: a long reader may want to let go for a moment. */
bool rwlock_is_contended(const struct rwlock *lock);
