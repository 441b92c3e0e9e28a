/*
 * Timers: a callback at a point of the monotonic clock, with nanosecond resolution.
 *
 *     timer_init(&timer, callback);  timer_start(&timer, clock_monotonic() + 5 * NS_PER_MSEC);
 *
 * Each CPU has a tree of its timers and programs its one-shot hardware timer for the first. A
 * timer fires on the CPU that started it. Callbacks run in the timer interrupt, interrupts off, no
 * lock held: short, no sleep, no allocation or free; they may wake, queue work (sched/work.h), and
 * start their own timer again.
 *
 * timer_cancel() returns at once, perhaps while the callback has been called on another CPU and
 * waits there for the lock that the canceller holds. Such a callback begins with
 *
 *     spin_lock(&object->lock); if (timer_was_cancelled(timer)) unlock and return
 *
 * so that what is cancelled, or set anew, under that lock never expires for what it was before.
 * timer_cancel_sync() waits for the callback, so that the memory may be freed after it; it is not
 * called with a lock that the callback takes.
 */
#pragma once

#include "lib/rbtree.h"
#include "lib/types.h"

struct timer {
	struct rb_node   node     __guarded_by(timers.lock);
	ns_t             deadline __guarded_by(timers.lock);
	void           (*callback)(struct timer *timer) __const_after_init;
	uint32_t         cpu      __guarded_by(timers.lock); /* where it was started last */
	bool             pending  __guarded_by(timers.lock);
};

void timer_init(struct timer *timer, void (*callback)(struct timer *timer));
/*
 * Starts, or moves if it is pending. deadline_ns on CLOCK_MONOTONIC; the past fires at once. Any
 * context.
 */
void timer_start(struct timer *timer, ns_t deadline_ns);
/* True if it was pending and will not fire. Any context but the callback. */
bool timer_cancel(struct timer *timer);
/* The same, and the callback does not run any more when it returns. Not from the callback. */
bool timer_cancel_sync(struct timer *timer);
/* In its callback: another CPU has cancelled it, or started it anew, since that was called. */
bool timer_was_cancelled(const struct timer *timer);
bool timer_is_pending(const struct timer *timer);

