/*
 * Wait queues, sleeping with a deadline, completions.
 *
 * Non-exclusive entries stand before exclusive ones, so that a wake-up calls them all and then
 * stops after as many exclusive ones as it was told. The lock of a queue is held while callbacks
 * run; they wake threads (run queue lock inside). Other CPUs are interrupted when it was let go.
 */
#include "sched/wait.h"

#include "core/panic.h"
#include "sched/clock.h"
#include "sched/timer.h"

void wait_queue_init(struct wait_queue *queue)
{
	spin_lock_init(&queue->lock, RANK_WAITQUEUE);
	list_init(&queue->entries);
}

void wait_entry_init(struct wait_entry *entry, struct thread *thread,
                     int (*wake)(struct wait_entry *entry, uint32_t mode, uintptr_t key))
{
	list_init(&entry->link);
	entry->thread = thread;
	entry->wake = wake;
	entry->exclusive = false;
}

static void wait_add_locked(struct wait_queue *queue, struct wait_entry *entry)
{
	struct list *prev = entry->exclusive ? queue->entries.prev : &queue->entries;

	entry->link.prev = prev;
	entry->link.next = prev->next;
	prev->next->prev = &entry->link;
	/*
	 * A full barrier: pollers stand in the queue before they look at what they wait for. Pairs
	 * with wait_queue_is_active().
	 */
	(void)atomic_xchg(&prev->next, &entry->link);
}

void wait_add(struct wait_queue *queue, struct wait_entry *entry)
{
	uint64_t flags = spin_lock_irqsave(&queue->lock);

	wait_add_locked(queue, entry);
	spin_unlock_irqrestore(&queue->lock, flags);
}

void wait_remove(struct wait_queue *queue, struct wait_entry *entry)
{
	uint64_t flags = spin_lock_irqsave(&queue->lock);

	if (!list_is_empty(&entry->link))
		list_remove_init(&entry->link);
	spin_unlock_irqrestore(&queue->lock, flags);
}

int wait_wake_thread(struct wait_entry *entry, uint32_t mode, uintptr_t key)
{
	bool woken = thread_wake_later(entry->thread, mode & WAKE_SYNC);

	(void)key;
	if (woken)
		list_remove_init(&entry->link);
	return woken;
}

static int wake_up_locked(struct wait_queue *queue, uintptr_t key, int nr_exclusive, uint32_t mode)
{
	struct wait_entry *entry, *ahead;
	int nr_woken = 0;

	list_for_each_entry_safe(entry, ahead, &queue->entries, link) {
		bool exclusive = entry->exclusive;

		if (!entry->wake(entry, mode, key))
			continue;
		nr_woken++;
		if (exclusive && !--nr_exclusive)
			break;
	}
	return nr_woken;
}

int wake_up_waiters(struct wait_queue *queue, uintptr_t key, int nr_exclusive, uint32_t mode)
{
	uint64_t flags = spin_lock_irqsave(&queue->lock);
	int nr_woken = wake_up_locked(queue, key, nr_exclusive, mode);

	spin_unlock_irqrestore(&queue->lock, flags);
	thread_wakes_send();
	return nr_woken;
}

int wake_up_key_mode(struct wait_queue *queue, uintptr_t key, int nr_exclusive, uint32_t mode)
{
	if (!wait_queue_is_active(queue))
		return 0;
	return wake_up_waiters(queue, key, nr_exclusive, mode);
}

int wake_up_nested(struct wait_queue *queue, uintptr_t key, unsigned int depth)
{
	uint64_t flags = irq_save();
	int nr_woken;

	spin_lock_nested(&queue->lock, depth);
	nr_woken = wake_up_locked(queue, key, 1, 0);
	spin_unlock_irqrestore(&queue->lock, flags);
	thread_wakes_send();
	return nr_woken;
}

void wake_up_poll_free(struct wait_queue *queue)
{
	wake_up_key_mode(queue, 0, INT32_MAX, WAKE_FREE);
}

void wait_entry_let_go(struct wait_entry *entry)
{
	smp_mb(); /* pairs with the look at link.next and link.prev of who frees the entry */
	list_remove_init(&entry->link);
}

int wait_prepare(struct wait_queue *queue, struct wait_entry *entry, uint32_t state)
{
	uint64_t flags = spin_lock_irqsave(&queue->lock);

	if (list_is_empty(&entry->link))
		wait_add_locked(queue, entry);
	thread_set_state(state);
	spin_unlock_irqrestore(&queue->lock, flags);
	/* A signal that came before the state was set has woken nobody. */
	if (likely(!thread_must_wake(entry->thread, state)))
		return 0;
	wait_finish(queue, entry);
	return state == THREAD_INTERRUPTIBLE ? -ERESTARTSYS : -EINTR;
}

void wait_finish(struct wait_queue *queue, struct wait_entry *entry)
{
	atomic_store_relaxed(&entry->thread->state, THREAD_RUNNABLE);
	/* Both ends point home: a waker has unlinked it and has finished with it. */
	if (READ_ONCE(entry->link.next) == &entry->link &&
	    READ_ONCE(entry->link.prev) == &entry->link)
		return;
	wait_remove(queue, entry);
}

void wait_relock_mutex(struct mutex *mutex)
{
	mutex_lock(mutex);
}

struct sleep_timer {
	struct timer   timer;
	struct thread *thread;
};

static void sleep_timer_fire(struct timer *timer)
{
	thread_wake(container_of(timer, struct sleep_timer, timer)->thread);
}

static int sleep_by_timer(ns_t deadline_ns)
{
	struct sleep_timer sleep;

	if (deadline_ns == WAIT_FOREVER) {
		schedule();
		return 0;
	}
	sleep.thread = thread_current();
	timer_init(&sleep.timer, sleep_timer_fire);
	timer_start(&sleep.timer, deadline_ns);
	schedule();
	return timer_cancel_sync(&sleep.timer) ? 0 : -ETIMEDOUT;
}

int wait_sleep(ns_t deadline_ns)
{
	if (deadline_ns == WAIT_FOREVER || deadline_ns > clock_monotonic())
		return sleep_by_timer(deadline_ns);
	atomic_store_relaxed(&thread_current()->state, THREAD_RUNNABLE);
	return -ETIMEDOUT;
}

/* By the timer even when the deadline has passed: what was due before it has fired then. */
static int sleep_in(uint32_t state, ns_t deadline_ns)
{
	struct thread *current = thread_current();
	int err;

	do {
		thread_set_state(state);
		if (thread_must_wake(current, state)) {
			atomic_store_relaxed(&current->state, THREAD_RUNNABLE);
			return -ERESTARTSYS;
		}
		err = sleep_by_timer(deadline_ns);
	} while (!err);
	return 0;
}

int sleep_until(ns_t deadline_ns)
{
	return sleep_in(THREAD_INTERRUPTIBLE, deadline_ns);
}

void sleep_until_uninterruptible(ns_t deadline_ns)
{
	(void)sleep_in(THREAD_UNINTERRUPTIBLE, deadline_ns);
}

void completion_init(struct completion *completion)
{
	wait_queue_init(&completion->queue);
	completion->done = 0;
}

void complete(struct completion *completion)
{
	uint64_t flags = spin_lock_irqsave(&completion->queue.lock);

	completion->done++;
	wake_up_locked(&completion->queue, 0, 1, 0);
	spin_unlock_irqrestore(&completion->queue.lock, flags);
	thread_wakes_send();
}

/* Passes if it may. Takes the lock also to pass: complete() has let go of the memory then. */
static bool completion_try(struct completion *completion)
{
	uint64_t flags = spin_lock_irqsave(&completion->queue.lock);
	bool done = completion->done;

	if (done)
		completion->done--;
	spin_unlock_irqrestore(&completion->queue.lock, flags);
	return done;
}

void completion_wait(struct completion *completion)
{
	(void)wait_event_loop(&completion->queue, completion_try(completion),
	                      THREAD_UNINTERRUPTIBLE, WAIT_FOREVER, true, , );
}

int completion_wait_killable(struct completion *completion)
{
	return wait_event_loop(&completion->queue, completion_try(completion), THREAD_KILLABLE,
	                       WAIT_FOREVER, true, , );
}

int completion_wait_until(struct completion *completion, ns_t deadline_ns)
{
	return wait_event_loop(&completion->queue, completion_try(completion),
	                       THREAD_UNINTERRUPTIBLE, deadline_ns, true, , );
}
