/*
 * Sleeping reader-writer lock: the slow paths. Who cannot take it at once stands in the list and is
 * given the lock by the one who lets go (no races to lose), under wait_lock.
 *
 * Invariant: RW_WAITERS is set while the list is not empty, and then somebody holds the lock. So
 * the last reader or the writer to let go finds the bit and hands the lock on.
 */
#include "sched/rwlock.h"

#include "abi/errno.h"
#include "core/lockdep.h"
#include "core/lockstat.h"
#include "core/panic.h"
#include "sched/clock.h"
#include "sched/thread.h"

#define RW_WRITER  1ul
#define RW_WAITERS 2ul
#define RW_READER  4ul /* one reader; the count is above the two bits */

struct rwlock_waiter {
	struct list    link;
	struct thread *thread;
	bool           is_writer;
	/* and read by the waiter after its wake-up */
	bool           granted __guarded_by(wait_lock);
};

void rwlock_init(struct rwlock *lock, enum lock_rank rank)
{
	lock->state = 0;
	spin_lock_init(&lock->wait_lock, RANK_SLEEP_WAITERS);
	list_init(&lock->waiters);
	lock->rank = rank;
}

static inline bool rwlock_try_read(struct rwlock *lock)
{
	uint64_t state = atomic_load_relaxed(&lock->state);

	while (!(state & (RW_WRITER | RW_WAITERS)))
		/* pairs with the release in rwlock_write_unlock() */
		if (atomic_cmpxchg_acquire(&lock->state, &state, state + RW_READER))
			return true;
	return false;
}

static inline bool rwlock_try_write(struct rwlock *lock)
{
	uint64_t free = 0;

	/* pairs with the releases in rwlock_read_unlock() and rwlock_write_unlock() */
	return atomic_cmpxchg_acquire(&lock->state, &free, RW_WRITER);
}

static void rwlock_grant(struct rwlock_waiter *waiter)
{
	struct thread *thread = waiter->thread;

	list_remove(&waiter->link);
	/* pairs with the acquire in rwlock_wait() */
	atomic_store_release(&waiter->granted, true);
	thread_wake_later(thread, false);
}

/* Lets all waiting readers in; returns what that adds to the state. Under wait_lock. */
static uint64_t rwlock_grant_readers(struct rwlock *lock)
{
	struct rwlock_waiter *waiter, *ahead;
	uint64_t added = 0;

	list_for_each_entry_safe(waiter, ahead, &lock->waiters, link) {
		if (waiter->is_writer)
			continue;
		rwlock_grant(waiter);
		added += RW_READER;
	}
	return added;
}

/*
 * Nobody holds the lock, and none can take it while RW_WAITERS is set: hands it on. Under
 * wait_lock.
 */
static void rwlock_hand_on(struct rwlock *lock, bool readers_first)
{
	struct rwlock_waiter *waiter;
	uint64_t state = readers_first ? rwlock_grant_readers(lock) : 0;

	if (!state && !list_is_empty(&lock->waiters)) {
		waiter = list_first_entry(&lock->waiters, struct rwlock_waiter, link);
		if (waiter->is_writer) {
			rwlock_grant(waiter);
			state = RW_WRITER;
		} else {
			state = rwlock_grant_readers(lock);
		}
	}
	atomic_store(&lock->state, state | (list_is_empty(&lock->waiters) ? 0 : RW_WAITERS));
}

/* Sets RW_WAITERS while somebody holds the lock, or takes it if nobody does. Under wait_lock. */
static bool rwlock_announce(struct rwlock *lock, bool is_writer)
{
	uint64_t state = atomic_load_relaxed(&lock->state);

	for (;;) {
		bool blocked = is_writer ? state != 0 : state & (RW_WRITER | RW_WAITERS);
		uint64_t value = blocked ? state | RW_WAITERS
		               : is_writer ? RW_WRITER : state + RW_READER;

		if (atomic_cmpxchg(&lock->state, &state, value))
			return blocked;
	}
}

/* The waiter gives up, unless it was granted meanwhile. Those it held up may go on. */
static int rwlock_give_up(struct rwlock *lock, struct rwlock_waiter *waiter)
{
	bool granted;

	spin_lock(&lock->wait_lock);
	granted = waiter->granted;
	if (!granted) {
		list_remove(&waiter->link);
		if (!(atomic_load(&lock->state) & RW_WRITER) && !list_is_empty(&lock->waiters) &&
		    !list_first_entry(&lock->waiters, struct rwlock_waiter, link)->is_writer)
			atomic_add_return(&lock->state, rwlock_grant_readers(lock));
		if (list_is_empty(&lock->waiters))
			atomic_and(&lock->state, ~RW_WAITERS);
	}
	spin_unlock(&lock->wait_lock);
	thread_wakes_send();
	return granted ? 0 : -EINTR;
}

static int rwlock_wait(struct rwlock *lock, struct rwlock_waiter *waiter, uint32_t state)
{
	for (;;) {
		thread_set_state(state);
		/* pairs with the release in rwlock_grant() */
		if (atomic_load_acquire(&waiter->granted))
			break;
		if (thread_must_wake(waiter->thread, state)) {
			atomic_store_relaxed(&waiter->thread->state, THREAD_RUNNABLE);
			return rwlock_give_up(lock, waiter);
		}
		schedule();
	}
	atomic_store_relaxed(&waiter->thread->state, THREAD_RUNNABLE);
	/* Who granted it has woken this thread before it lets go: it may exit from here on. */
	spin_lock(&lock->wait_lock);
	spin_unlock(&lock->wait_lock);
	return 0;
}

static __noinline int rwlock_lock_slow(struct rwlock *lock, bool is_writer, uint32_t state)
{
	struct rwlock_waiter waiter = { .thread = thread_current(), .is_writer = is_writer };
	ns_t begin;
	int err;

	lock_assert_can_sleep();
	spin_lock(&lock->wait_lock);
	if (!rwlock_announce(lock, is_writer)) {
		spin_unlock(&lock->wait_lock);
		return 0;
	}
	list_add_tail(&lock->waiters, &waiter.link);
	spin_unlock(&lock->wait_lock);
	begin = clock_monotonic();
	err = rwlock_wait(lock, &waiter, state);
	lockstat_add(lock->rank, (uint64_t)(clock_monotonic() - begin));
	return err;
}

static inline int rwlock_read_lock_state(struct rwlock *lock, uint32_t state)
{
	int err = 0;

	if (LOCK_DEBUG)
		lock_assert_can_sleep();
	if (unlikely(!rwlock_try_read(lock)))
		err = rwlock_lock_slow(lock, false, state);
	if (LOCK_DEBUG && !err)
		lockdep_sleeping_acquired(lock, lock->rank, 0, false);
	return err;
}

static inline int rwlock_write_lock_state(struct rwlock *lock, uint32_t state,
                                          unsigned int subclass)
{
	int err = 0;

	if (LOCK_DEBUG)
		lock_assert_can_sleep();
	if (unlikely(!rwlock_try_write(lock)))
		err = rwlock_lock_slow(lock, true, state);
	if (LOCK_DEBUG && !err)
		lockdep_sleeping_acquired(lock, lock->rank, subclass, false);
	return err;
}

void rwlock_read_lock(struct rwlock *lock)
{
	(void)rwlock_read_lock_state(lock, THREAD_UNINTERRUPTIBLE);
}

int rwlock_read_lock_killable(struct rwlock *lock)
{
	return rwlock_read_lock_state(lock, THREAD_KILLABLE);
}

bool rwlock_read_trylock(struct rwlock *lock)
{
	bool taken = rwlock_try_read(lock);

	if (LOCK_DEBUG && taken)
		lockdep_sleeping_acquired(lock, lock->rank, 0, true);
	return taken;
}

bool rwlock_read_trylock_ahead(struct rwlock *lock)
{
	uint64_t state = atomic_load_relaxed(&lock->state);
	bool taken = false;

	/* While there is a reader, nobody is handing the lock on. */
	while (!taken && !(state & RW_WRITER) && (state >= RW_READER || !state))
		taken = atomic_cmpxchg_acquire(&lock->state, &state, state + RW_READER);
	if (LOCK_DEBUG && taken)
		lockdep_sleeping_acquired(lock, lock->rank, 0, true);
	return taken;
}

void rwlock_read_unlock(struct rwlock *lock)
{
	debug_assert(atomic_load_relaxed(&lock->state) >= RW_READER);
	if (LOCK_DEBUG)
		lockdep_sleeping_released(lock);
	/* pairs with the acquire in rwlock_try_write() */
	if (likely(atomic_sub_return(&lock->state, RW_READER) != RW_WAITERS))
		return;
	spin_lock(&lock->wait_lock);
	if (atomic_load(&lock->state) == RW_WAITERS)
		rwlock_hand_on(lock, false);
	spin_unlock(&lock->wait_lock);
	thread_wakes_send();
}

void rwlock_write_lock(struct rwlock *lock)
{
	(void)rwlock_write_lock_state(lock, THREAD_UNINTERRUPTIBLE, 0);
}

void rwlock_write_lock_nested(struct rwlock *lock, unsigned int subclass)
{
	(void)rwlock_write_lock_state(lock, THREAD_UNINTERRUPTIBLE, subclass);
}

int rwlock_write_lock_killable(struct rwlock *lock)
{
	return rwlock_write_lock_state(lock, THREAD_KILLABLE, 0);
}

bool rwlock_write_trylock(struct rwlock *lock)
{
	bool taken = rwlock_try_write(lock);

	if (LOCK_DEBUG && taken)
		lockdep_sleeping_acquired(lock, lock->rank, 0, true);
	return taken;
}

void rwlock_write_unlock(struct rwlock *lock)
{
	uint64_t alone = RW_WRITER;

	debug_assert(rwlock_is_write_held(lock));
	if (LOCK_DEBUG)
		lockdep_sleeping_released(lock);
	/* pairs with the acquires in rwlock_try_read() and rwlock_try_write() */
	if (likely(atomic_cmpxchg_release(&lock->state, &alone, 0)))
		return;
	spin_lock(&lock->wait_lock);
	rwlock_hand_on(lock, true);
	spin_unlock(&lock->wait_lock);
	thread_wakes_send();
}

void rwlock_downgrade(struct rwlock *lock)
{
	uint64_t alone = RW_WRITER;

	debug_assert(rwlock_is_write_held(lock));
	/* pairs with the acquire in rwlock_try_read() */
	if (likely(atomic_cmpxchg_release(&lock->state, &alone, RW_READER)))
		return;
	spin_lock(&lock->wait_lock);
	atomic_store(&lock->state, RW_READER + rwlock_grant_readers(lock) +
	                           (list_is_empty(&lock->waiters) ? 0 : RW_WAITERS));
	spin_unlock(&lock->wait_lock);
	thread_wakes_send();
}

bool rwlock_is_held(const struct rwlock *lock)
{
	return atomic_load_relaxed(&lock->state) & ~RW_WAITERS;
}

bool rwlock_is_write_held(const struct rwlock *lock)
{
	return atomic_load_relaxed(&lock->state) & RW_WRITER;
}

bool rwlock_is_contended(const struct rwlock *lock)
{
	return atomic_load_relaxed(&lock->state) & RW_WAITERS;
}
