/*
 * Deferred work: what an interrupt handler or a holder of spinlocks wants done a little later.
 *
 *     work_init(&work, fn);   work_queue(&work);            soon, on this CPU, at a safe point
 *     work_queue_sleeping(&work);                           in a thread: fn may sleep
 *
 * Safe points are the return to user mode, the switch of threads, cond_resched() and idle. There
 * fn runs with interrupts on, in the context of whatever thread is there: it may take spinlocks,
 * allocate with ALLOC_ATOMIC and free, not sleep. When much is waiting, the rest goes to a thread
 * of the CPU.
 *
 * A work is queued at most once at a time; fn may queue it again, or free the memory around it.
 */
#pragma once

#include "lib/list.h"
#include "lib/types.h"

struct work {
	struct list link;
	void (*fn)(struct work *work) __const_after_init;
	uint32_t queued __atomic; /* 1 from the queueing until just before fn */
};

void work_init(struct work *work, void (*fn)(struct work *work));
#define WORK(function) { .fn = (function) }

/* False if it was queued already. Any context. */
bool work_queue(struct work *work);
/* The same on another CPU. Any context. */
bool work_queue_on(struct work *work, uint32_t cpu);
/* In a thread, soon; fn may sleep. Any context. */
bool work_queue_sleeping(struct work *work);

/* Runs what waits on this CPU. At a safe point only: no locks, interrupts on. */
void work_run(void);
/*
 * Calls fn on each CPU as deferred work, here at once; returns when all have. Sleeps.
 */
void work_on_each_cpu(void (*fn)(void));
/*
 * Waits until everything queued before on any CPU or thread has run. Sleeps. For tests and
 * shutdown.
 */
void work_drain(void);
