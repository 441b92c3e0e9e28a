/*
 * Waiting for flags of pages. See page_lock.h.
 *
 * A waiter sets PAGE_WAITERS each time before it looks at the flag; the waker clears both in one
 * atomic step and wakes everybody of the queue, who look again. So no wake-up is lost: either the
 * waiter's look comes after the flag went, or the waker sees PAGE_WAITERS, and the waiter is on
 * the queue by then.
 */
#include "sched/page_lock.h"

#include "lib/hash.h"
#include "sched/wait.h"

enum { NR_QUEUES = 16 };

#define QUEUE(n) [n] = WAIT_QUEUE(queues[n])

static struct wait_queue queues[NR_QUEUES] = {
	QUEUE(0), QUEUE(1), QUEUE(2),  QUEUE(3),  QUEUE(4),  QUEUE(5),  QUEUE(6),  QUEUE(7),
	QUEUE(8), QUEUE(9), QUEUE(10), QUEUE(11), QUEUE(12), QUEUE(13), QUEUE(14), QUEUE(15),
};

static struct wait_queue *queue_of(const struct page *page)
{
	return &queues[hash_pointer(page) % NR_QUEUES];
}

/* True when none of the flags is set; else somebody is known to wait. */
static bool is_clear(struct page *page, uint32_t flags)
{
	if (!(atomic_load_acquire(&page->flags) & flags))
		return true;
	return !(__atomic_fetch_or(&page->flags, PAGE_WAITERS, __ATOMIC_ACQ_REL) & flags);
}

/* True when the lock is ours. */
static bool is_locked_now(struct page *page)
{
	return page_trylock(page) || (is_clear(page, PAGE_LOCKED) && page_trylock(page));
}

void page_lock(struct page *page)
{
	wait_event(queue_of(page), is_locked_now(page));
}

int page_lock_killable(struct page *page)
{
	return wait_event_killable(queue_of(page), is_locked_now(page));
}

void page_wait(struct page *page, uint32_t flags)
{
	wait_event(queue_of(page), is_clear(page, flags));
}

int page_wait_killable(struct page *page, uint32_t flags)
{
	return wait_event_killable(queue_of(page), is_clear(page, flags));
}

void page_clear_and_wake(struct page *page, uint32_t flags)
{
	/* The page may be gone as soon as the flag is. */
	struct wait_queue *queue = queue_of(page);
	uint32_t old = __atomic_fetch_and(&page->flags, ~(flags | PAGE_WAITERS), __ATOMIC_RELEASE);

	if (old & PAGE_WAITERS)
		wake_up_all(queue);
}
