/*
 * Futexes: sleeping and waking on a word of user memory. futex(2), futex(7), set_robust_list(2).
 *
 * A word is known by a key: for private futexes address space and address, for shared ones the
 * object behind the mapping and the offset in it, so that processes with different mappings meet.
 * Waiters stand in hashed buckets, each with a spinlock; the value is compared under that lock,
 * after which a waker cannot be missed.
 */
#pragma once

#include "lib/types.h"

struct task;

/* The arguments of futex(2) as kernel values. */
struct futex_request {
	uaddr_t  address;
	unsigned op;        /* FUTEX_*, with FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME */
	uint32_t value;
	uint32_t value2;    /* of WAKE_OP and REQUEUE: how many at address2 */
	uint32_t value3;    /* bit set, compared value, or operation */
	uaddr_t  address2;
	bool     has_timeout;
	ns_t     timeout_ns; /* WAIT: a span; WAIT_BITSET: a point of its clock */
};

/* Start-up. */
void futex_init(void);

/* futex(2): a count, 0, or its errors; -ENOSYS for operations that do not exist here. May sleep. */
long futex_operate(const struct futex_request *request);

/* Wakes up to `nr` waiters of a private or shared futex at `address` of the current space. */
void futex_wake_address(uaddr_t address, int nr);

/* The task exits or execs: its robust list is walked, owned locks are marked FUTEX_OWNER_DIED. */
void futex_task_exits(struct task *task);
