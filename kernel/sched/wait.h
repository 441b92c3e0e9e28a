/*
 * Wait queues: the only way to sleep until something happens.
 *
 *     wait_event(&queue, condition);                         until the condition is true
 *     err = wait_event_interruptible(&queue, condition);     ... or a signal: -ERESTARTSYS
 *     err = wait_event_killable(&queue, condition);          ... or a fatal signal: -EINTR
 *     err = wait_event_interruptible_until(&queue, condition, deadline_ns);      ... or -ETIMEDOUT
 *
 *     make the condition true; wake_up(&queue);
 *
 * The condition is evaluated again after every wake-up, without the queue's lock; it may take
 * locks that sleep only if it does not sleep in practice (the state is set to sleeping while it
 * is evaluated: a sleep inside just makes the loop spin once more). It is evaluated once before
 * anything is queued, so that a condition that holds costs nothing.
 *
 * Forms that drop a lock around the sleep take a mutex or spinlock that the caller holds and that
 * guards the condition; it is held again when they return, whatever they return:
 *
 *     err = wait_event_interruptible_unlock(&queue, condition, &pipe->mutex);
 *     err = wait_event_killable_unlock(&queue, condition, &mutex);
 *     wait_event_unlock(&queue, condition, &mutex);
 *     ..._spin(&queue, condition, &spinlock)                 the same with a (non-irq) spinlock
 *
 * Entries are callbacks, so that poll, epoll and futex wait on the same queues. wake(entry, mode,
 * key) runs under the queue's lock with interrupts off and says whether it woke somebody; what it
 * does must be short and may only take locks below RANK_WAITQUEUE; an epoll that is watched by
 * another calls wake_up_nested() with a growing depth.
 * key is what the waker said (a mask of EPOLL* events as a pointer-sized number; 0: anything).
 *
 * Non-exclusive entries are all called; exclusive ones, kept behind them, until nr of them said
 * that they woke somebody. An entry made by wait_prepare() leaves the queue when it is woken.
 *
 * A queue may be freed when no entry is on it. Who frees one that pollers may have found calls
 * wake_up_poll_free() first, and frees after a grace period.
 */
#pragma once

#include "abi/errno.h"
#include "core/spinlock.h"
#include "lib/list.h"
#include "lib/types.h"
#include "sched/mutex.h"
#include "sched/thread.h"

struct wait_queue {
	struct spinlock lock;                 /* irq-safe */
	struct list     entries __guarded_by(lock);
};

#define WAIT_QUEUE(name) { .lock = SPINLOCK(RANK_WAITQUEUE), .entries = LIST_INIT((name).entries) }

enum wake_mode {
	WAKE_SYNC = 1 << 0, /* the waker is about to sleep: hand the CPU over */
	WAKE_FREE = 1 << 1, /* the queue is going away: entries must leave it (epoll) */
};

struct wait_entry {
	struct list    link __guarded_by(queue lock); /* self-linked when on no queue */
	struct thread *thread;                        /* whom the default callback wakes */
	int (*wake)(struct wait_entry *entry, uint32_t mode, uintptr_t key);
	bool           exclusive;
};

#define WAIT_FOREVER INT64_MAX

void wait_queue_init(struct wait_queue *queue);
static inline bool wait_queue_is_empty(const struct wait_queue *queue)
{
	return list_is_empty(&queue->entries);
}

/* True if somebody waits; with the barrier that a waker without a lock needs after its store. */
static inline bool wait_queue_is_active(const struct wait_queue *queue)
{
	smp_mb(); /* pairs with the barriers in thread_set_state() and wait_add() */
	return !list_is_empty(&queue->entries);
}

/* An entry with a callback of the caller's own. */
void wait_entry_init(struct wait_entry *entry, struct thread *thread,
                     int (*wake)(struct wait_entry *entry, uint32_t mode, uintptr_t key));
/* Adds by entry->exclusive: at the front, or at the end. Any context. A full barrier. */
void wait_add(struct wait_queue *queue, struct wait_entry *entry);
/* Removes it if it is (still) there. Afterwards the callback does not run. Any context. */
void wait_remove(struct wait_queue *queue, struct wait_entry *entry);

/*
 * Wake. Any context. Return how many callbacks said that they woke somebody. wake_up wakes all that
 * are not exclusive and one that is; wake_up_all wakes everybody; wake_up_nr up to nr exclusive
 * ones.
 */
int wake_up_key_mode(struct wait_queue *queue, uintptr_t key, int nr_exclusive, uint32_t mode);
/* The same for a caller that has asked wait_queue_is_active(). */
int wake_up_waiters(struct wait_queue *queue, uintptr_t key, int nr_exclusive, uint32_t mode);

static inline int wake_up(struct wait_queue *queue)
{
	return wake_up_key_mode(queue, 0, 1, 0);
}

/* The first exclusive entry, and all others: the same as wake_up(); the name says what is meant. */
static inline int wake_up_one(struct wait_queue *queue)
{
	return wake_up_key_mode(queue, 0, 1, 0);
}

static inline int wake_up_all(struct wait_queue *queue)
{
	return wake_up_key_mode(queue, 0, INT32_MAX, 0);
}

static inline int wake_up_key(struct wait_queue *queue, uintptr_t key, int nr)
{
	return wake_up_key_mode(queue, key, nr, 0);
}

static inline int wake_up_sync(struct wait_queue *queue)
{
	return wake_up_key_mode(queue, 0, 1, WAKE_SYNC);
}

/* For busy paths: no call where nobody waits. */
static inline int wake_up_sync_key(struct wait_queue *queue, uintptr_t key)
{
	return wait_queue_is_active(queue) ? wake_up_waiters(queue, key, 1, WAKE_SYNC) : 0;
}

/*
 * For a queue that is woken from a callback of another (epoll in epoll): depth is the lock's
 * subclass.
 */
int wake_up_nested(struct wait_queue *queue, uintptr_t key, unsigned int depth);

/* The queue is about to be freed (after a grace period): epoll and pollers let go of it. */
void wake_up_poll_free(struct wait_queue *queue);
/*
 * The last thing that a callback does with its entry for WAKE_FREE: off the queue. Whoever sees
 * both ends of the link point home may free the entry, without any lock.
 */
void wait_entry_let_go(struct wait_entry *entry);

/*
 * The building blocks:
 *
 *     struct wait_entry entry = WAIT_ENTRY(entry);
 *     for (;;) {
 *             err = wait_prepare(&queue, &entry, THREAD_INTERRUPTIBLE);
 *             if (condition || err) break;
 *             err = wait_sleep(deadline_ns);
 *             if (err) { wait_finish(&queue, &entry); look at the condition a last time; break; }
 *     }
 *     wait_finish(&queue, &entry);
 *
 * wait_prepare queues the entry (unless it is queued) and sets the state; 0, or -ERESTARTSYS or
 * -EINTR if a signal forbids the sleep (the entry is then off the queue: a wake-up meant for one
 * goes to another). wait_sleep is schedule() with an end: 0, or -ETIMEDOUT when deadline_ns
 * (CLOCK_MONOTONIC; WAIT_FOREVER: none) has passed. wait_finish makes the thread runnable and
 * removes the entry; twice is once.
 */
int wait_wake_thread(struct wait_entry *entry, uint32_t mode, uintptr_t key);
#define WAIT_ENTRY(name) \
	{ .link = LIST_INIT((name).link), .thread = thread_current(), .wake = wait_wake_thread }
#define WAIT_ENTRY_EXCLUSIVE(name) \
	{ .link = LIST_INIT((name).link), .thread = thread_current(), .wake = wait_wake_thread, \
	  .exclusive = true }

int wait_prepare(struct wait_queue *queue, struct wait_entry *entry, uint32_t state);
int wait_sleep(ns_t deadline_ns);
void wait_finish(struct wait_queue *queue, struct wait_entry *entry);

/* Sleeps until the monotonic clock reaches deadline_ns. 0, or -ERESTARTSYS by a signal. */
__must_check int sleep_until(ns_t deadline_ns);
/* The same, not to be interrupted. */
void sleep_until_uninterruptible(ns_t deadline_ns);

/* The loop behind all forms; before and after let go of the caller's lock and retake it. */
#define wait_event_loop(queue, condition, sleep_state, deadline, is_exclusive, before, after)  \
	({                                                                                     \
		int wait_err_ = 0;                                                             \
		if (!(condition)) {                                                            \
			struct wait_entry wait_entry_ = WAIT_ENTRY(wait_entry_);               \
			const ns_t wait_until_ = (deadline);                                   \
			wait_entry_.exclusive = (is_exclusive);                                \
			for (;;) {                                                             \
				if (wait_err_)                                                 \
					wait_finish(queue, &wait_entry_);                      \
				else                                                           \
					wait_err_ = wait_prepare(queue, &wait_entry_,          \
					                         sleep_state);                 \
				if (condition) {                                               \
					wait_err_ = 0;                                         \
					break;                                                 \
				}                                                              \
				if (wait_err_)                                                 \
					break;                                                 \
				before;                                                        \
				wait_err_ = wait_sleep(wait_until_);                           \
				after;                                                         \
				if (!wait_err_ && (condition))                                 \
					break;                                                 \
			}                                                                      \
			wait_finish(queue, &wait_entry_);                                      \
		}                                                                              \
		wait_err_;                                                                     \
	})

#define wait_event(queue, condition) \
	((void)wait_event_loop(queue, condition, THREAD_UNINTERRUPTIBLE, WAIT_FOREVER, false, , ))
#define wait_event_until(queue, condition, deadline_ns) \
	wait_event_loop(queue, condition, THREAD_UNINTERRUPTIBLE, deadline_ns, false, , )
#define wait_event_killable(queue, condition) \
	wait_event_loop(queue, condition, THREAD_KILLABLE, WAIT_FOREVER, false, , )
#define wait_event_interruptible(queue, condition) \
	wait_event_loop(queue, condition, THREAD_INTERRUPTIBLE, WAIT_FOREVER, false, , )
#define wait_event_interruptible_exclusive(queue, condition) \
	wait_event_loop(queue, condition, THREAD_INTERRUPTIBLE, WAIT_FOREVER, true, , )
#define wait_event_interruptible_until(queue, condition, deadline_ns) \
	wait_event_loop(queue, condition, THREAD_INTERRUPTIBLE, deadline_ns, false, , )
#define wait_event_interruptible_exclusive_until(queue, condition, deadline_ns) \
	wait_event_loop(queue, condition, THREAD_INTERRUPTIBLE, deadline_ns, true, , )

/* With a mutex that is dropped for the sleep. */
#define wait_event_unlock(queue, condition, mutex)                                             \
	((void)wait_event_loop(queue, condition, THREAD_UNINTERRUPTIBLE, WAIT_FOREVER, false,  \
	                       mutex_unlock(mutex), wait_relock_mutex(mutex)))
#define wait_event_killable_unlock(queue, condition, mutex)                                    \
	wait_event_loop(queue, condition, THREAD_KILLABLE, WAIT_FOREVER, false,                \
	                mutex_unlock(mutex), wait_relock_mutex(mutex))
#define wait_event_interruptible_unlock(queue, condition, mutex)                               \
	wait_event_loop(queue, condition, THREAD_INTERRUPTIBLE, WAIT_FOREVER, false,           \
	                mutex_unlock(mutex), wait_relock_mutex(mutex))
#define wait_event_interruptible_exclusive_unlock(queue, condition, mutex)                     \
	wait_event_loop(queue, condition, THREAD_INTERRUPTIBLE, WAIT_FOREVER, true,            \
	                mutex_unlock(mutex), wait_relock_mutex(mutex))
#define wait_event_interruptible_unlock_until(queue, condition, mutex, deadline_ns)            \
	wait_event_loop(queue, condition, THREAD_INTERRUPTIBLE, deadline_ns, false,            \
	                mutex_unlock(mutex), wait_relock_mutex(mutex))

/* With a spinlock (not irq-safe) that is dropped for the sleep. */
#define wait_event_spin(queue, condition, spinlock)                                            \
	((void)wait_event_loop(queue, condition, THREAD_UNINTERRUPTIBLE, WAIT_FOREVER, false,  \
	                       spin_unlock(spinlock), spin_lock(spinlock)))
#define wait_event_killable_spin(queue, condition, spinlock)                                   \
	wait_event_loop(queue, condition, THREAD_KILLABLE, WAIT_FOREVER, false,                \
	                spin_unlock(spinlock), spin_lock(spinlock))
#define wait_event_interruptible_spin(queue, condition, spinlock)                              \
	wait_event_loop(queue, condition, THREAD_INTERRUPTIBLE, WAIT_FOREVER, false,           \
	                spin_unlock(spinlock), spin_lock(spinlock))
#define wait_event_interruptible_spin_until(queue, condition, spinlock, deadline_ns)           \
	wait_event_loop(queue, condition, THREAD_INTERRUPTIBLE, deadline_ns, false,            \
	                spin_unlock(spinlock), spin_lock(spinlock))

/* Takes the mutex back after the sleep, for the forms above. */
void wait_relock_mutex(struct mutex *mutex);

/*
 * A gate: each complete() lets one waiter pass, the present one or the next.
 */
struct completion {
	struct wait_queue queue;
	uint32_t done __guarded_by(queue.lock);
};

void completion_init(struct completion *completion);
void complete(struct completion *completion);
void completion_wait(struct completion *completion);
__must_check int completion_wait_killable(struct completion *completion);
__must_check int completion_wait_until(struct completion *completion, ns_t deadline_ns);
