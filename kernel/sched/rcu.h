/*
 * RCU: readers walk shared structures without locks; what is taken out of them is freed only after
 * every reader that could have seen it has finished.
 *
 *     rcu_read_lock(); p = rcu_dereference(&table[i]); ... rcu_read_unlock();
 *     rcu_assign(&table[i], new); rcu_call(&old->rcu, old_free);
 *
 * The kernel is not preempted, so a reader is done when its CPU switches threads, idles or is in
 * user mode (a quiescent state). rcu_read_lock() is therefore nothing at all, except in the debug
 * kernel, which panics on a sleep inside. Callbacks run at safe points of the CPU that queued them,
 * as deferred work: they may take spinlocks, not sleep. With one CPU, a grace period is over as
 * soon as the caller's is.
 */
#pragma once

#include "lib/atomic.h"
#include "lib/types.h"
#include "sched/thread.h"

struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *head);
};

static inline void rcu_read_lock(void)
{
	if (DEBUG)
		thread_current()->rcu_depth++;
	barrier();
}

static inline void rcu_read_unlock(void)
{
	barrier();
	if (DEBUG)
		thread_current()->rcu_depth--;
}

/* Loads a pointer that rcu_assign() publishes: what it points to is seen initialised. */
#define rcu_dereference(ptr) atomic_load_acquire(ptr) /* pairs with rcu_assign() */
#define rcu_assign(ptr, value) atomic_store_release(ptr, value) /* pairs with rcu_dereference() */

/* Calls fn(head) after a grace period. Thread context or deferred work (not hard interrupts). */
void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *head));
/* Waits until all readers that may have begun before have finished. Sleeps. */
void rcu_synchronize(void);
/* Waits until all callbacks queued before have run. Sleeps. */
void rcu_barrier(void);
/* Callbacks that wait: for gauges. */
int64_t rcu_pending(void);
