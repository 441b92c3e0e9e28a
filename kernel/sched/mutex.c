/*
 * Mutex: the slow paths. The owner word is the thread's address, with two bits that change only
 * under wait_lock:
 *
 *   MUTEX_WAITERS  somebody is in the list: unlocking takes the slow path
 *   MUTEX_HANDOFF  the first waiter has lost the race once: the next unlock makes it the owner
 *
 * A free mutex has no address in the word, but may have the bits.
 */
#include "sched/mutex.h"

#include "abi/errno.h"
#include "core/lockdep.h"
#include "core/lockstat.h"
#include "core/panic.h"
#include "sched/clock.h"
#include "sched/thread.h"

#define MUTEX_WAITERS 1ul
#define MUTEX_HANDOFF 2ul
#define MUTEX_BITS    3ul

struct mutex_waiter {
	struct list    link;
	struct thread *thread;
};

void mutex_init(struct mutex *mutex, enum lock_rank rank)
{
	mutex->owner = 0;
	spin_lock_init(&mutex->wait_lock, RANK_SLEEP_WAITERS);
	list_init(&mutex->waiters);
	mutex->rank = rank;
}

static inline bool mutex_try_fast(struct mutex *mutex)
{
	uintptr_t free = 0;

	/* pairs with the release in mutex_unlock() */
	return atomic_cmpxchg_acquire(&mutex->owner, &free, (uintptr_t)thread_current());
}

/* Takes a free mutex, or notices that it was handed to the caller. Under wait_lock. */
static bool mutex_try_locked(struct mutex *mutex, bool first)
{
	uintptr_t self = (uintptr_t)thread_current();
	uintptr_t owner = atomic_load_relaxed(&mutex->owner);

	for (;;) {
		uintptr_t holder = owner & ~MUTEX_BITS;

		if (holder == self)
			return true;
		if (holder || ((owner & MUTEX_HANDOFF) && !first))
			return false;
		/* pairs with the release in mutex_unlock() */
		if (atomic_cmpxchg_acquire(&mutex->owner, &owner, self | (owner & MUTEX_WAITERS)))
			return true;
	}
}

static int mutex_wait_locked(struct mutex *mutex, struct mutex_waiter *waiter, uint32_t state)
	__must_hold(&mutex->wait_lock)
{
	for (;;) {
		bool first = mutex->waiters.next == &waiter->link;

		thread_set_state(state);
		if (mutex_try_locked(mutex, first))
			return 0;
		if (thread_must_wake(waiter->thread, state))
			return state == THREAD_KILLABLE ? -EINTR : -ERESTARTSYS;
		spin_unlock(&mutex->wait_lock);
		schedule();
		spin_lock(&mutex->wait_lock);
		if (mutex->waiters.next == &waiter->link)
			atomic_or(&mutex->owner, MUTEX_HANDOFF);
	}
}

static __noinline int mutex_lock_slow(struct mutex *mutex, uint32_t state)
{
	struct mutex_waiter waiter = { .thread = thread_current() };
	ns_t begin = clock_monotonic();
	int err = 0;

	lock_assert_can_sleep();
	debug_assert(!mutex_is_owned(mutex));
	spin_lock(&mutex->wait_lock);
	list_add_tail(&mutex->waiters, &waiter.link);
	atomic_or(&mutex->owner, MUTEX_WAITERS);
	err = mutex_wait_locked(mutex, &waiter, state);
	atomic_store_relaxed(&waiter.thread->state, THREAD_RUNNABLE);
	list_remove(&waiter.link);
	if (list_is_empty(&mutex->waiters))
		atomic_and(&mutex->owner, ~MUTEX_BITS);
	else if (!err)
		atomic_and(&mutex->owner, ~MUTEX_HANDOFF);
	spin_unlock(&mutex->wait_lock);
	lockstat_add(mutex->rank, (uint64_t)(clock_monotonic() - begin));
	return err;
}

static inline int mutex_lock_state(struct mutex *mutex, uint32_t state, unsigned int subclass)
{
	int err = 0;

	if (LOCK_DEBUG)
		lock_assert_can_sleep();
	if (unlikely(!mutex_try_fast(mutex)))
		err = mutex_lock_slow(mutex, state);
	if (LOCK_DEBUG && !err)
		lockdep_sleeping_acquired(mutex, mutex->rank, subclass, false);
	return err;
}

void mutex_lock(struct mutex *mutex)
{
	(void)mutex_lock_state(mutex, THREAD_UNINTERRUPTIBLE, 0);
}

void mutex_lock_nested(struct mutex *mutex, unsigned int subclass)
{
	(void)mutex_lock_state(mutex, THREAD_UNINTERRUPTIBLE, subclass);
}

int mutex_lock_killable(struct mutex *mutex)
{
	return mutex_lock_state(mutex, THREAD_KILLABLE, 0);
}

int mutex_lock_interruptible(struct mutex *mutex)
{
	return mutex_lock_state(mutex, THREAD_INTERRUPTIBLE, 0);
}

bool mutex_trylock(struct mutex *mutex)
{
	bool taken = mutex_try_fast(mutex);

	if (LOCK_DEBUG && taken)
		lockdep_sleeping_acquired(mutex, mutex->rank, 0, true);
	return taken;
}

static __noinline void mutex_unlock_slow(struct mutex *mutex)
{
	struct mutex_waiter *waiter;
	uintptr_t owner;

	spin_lock(&mutex->wait_lock);
	waiter = list_first_entry_or_null(&mutex->waiters, struct mutex_waiter, link);
	owner = atomic_load_relaxed(&mutex->owner) & MUTEX_BITS;
	if (waiter && (owner & MUTEX_HANDOFF))
		owner = (uintptr_t)waiter->thread | MUTEX_WAITERS;
	/* pairs with the acquire in mutex_try_fast() and mutex_try_locked() */
	atomic_store_release(&mutex->owner, owner);
	if (waiter)
		thread_wake_later(waiter->thread, false);
	spin_unlock(&mutex->wait_lock);
	thread_wakes_send();
}

void mutex_unlock(struct mutex *mutex)
{
	uintptr_t self = (uintptr_t)thread_current();

	debug_assert(mutex_is_owned(mutex));
	if (LOCK_DEBUG)
		lockdep_sleeping_released(mutex);
	/* pairs with the acquire in mutex_try_fast() */
	if (unlikely(!atomic_cmpxchg_release(&mutex->owner, &self, 0)))
		mutex_unlock_slow(mutex);
}

bool mutex_is_owned(const struct mutex *mutex)
{
	return (atomic_load_relaxed(&mutex->owner) & ~MUTEX_BITS) == (uintptr_t)thread_current();
}

bool mutex_is_locked(const struct mutex *mutex)
{
	return atomic_load_relaxed(&mutex->owner) & ~MUTEX_BITS;
}
