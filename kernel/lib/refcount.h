/*
 * Reference counts that saturate instead of wrapping: an object whose count was driven too far up,
 * or down below zero, is leaked and reported, and never freed under somebody's feet.
 *
 *     refcount_init(&file->refs, 1)        before the object is published
 *     refcount_get(&file->refs)            the caller has a reference already
 *     refcount_try_get(&file->refs)        found without one (RCU): fails once the count is zero
 *     if (refcount_put(&file->refs)) ...   true for the one who must destroy the object
 *
 * get is relaxed: the reference that the caller has orders everything. put releases, and the last
 * put acquires, so that the destroyer sees all that others did before they let go. The kernel says
 * what happens on misuse by setting refcount_warn_hook.
 */
#pragma once

#include "lib/atomic.h"
#include "lib/types.h"

#define REFCOUNT_SATURATED (INT32_MIN / 2)

struct refcount {
	int32_t value __atomic; /* negative: saturated */
};

#define REFCOUNT_INIT(n) { .value = (n) }

/* Called with what went wrong, in any context; NULL is silence. Set once, at start-up. */
extern void (*refcount_warn_hook)(const struct refcount *refcount, const char *what);

/* Reports, and pins the count at REFCOUNT_SATURATED. For the inline functions below. */
void refcount_saturate(struct refcount *refcount, const char *what);

static inline void refcount_init(struct refcount *refcount, int32_t n)
{
	atomic_store_relaxed(&refcount->value, n);
}

/* A snapshot, for statistics and for deciding under a lock that keeps others from getting. */
static inline int32_t refcount_read(const struct refcount *refcount)
{
	return atomic_load_relaxed(&refcount->value);
}

/* Adds n references; the caller has one. */
static inline void refcount_get_many(struct refcount *refcount, int32_t n)
{
	int32_t old = atomic_fetch_add_relaxed(&refcount->value, n);

	if (unlikely(old <= 0 || old > INT32_MAX - n))
		refcount_saturate(refcount, "get of a dead or saturated object");
}

static inline void refcount_get(struct refcount *refcount)
{
	refcount_get_many(refcount, 1);
}

/* False, and nothing done, if the count is zero: the object is going away. */
static inline bool __must_check refcount_try_get(struct refcount *refcount)
{
	int32_t old = atomic_load_relaxed(&refcount->value);

	do {
		if (old == 0)
			return false;
		if (unlikely(old < 0 || old == INT32_MAX)) {
			refcount_saturate(refcount, "try_get of a saturated object");
			return true;
		}
	} while (!atomic_cmpxchg_acquire(&refcount->value, &old, old + 1));
	return true;
}

/* Drops n references. True if they were the last: the caller destroys the object. */
static inline bool __must_check refcount_put_many(struct refcount *refcount, int32_t n)
{
	int32_t old = __atomic_fetch_sub(&refcount->value, n, __ATOMIC_RELEASE);

	if (old == n) {
		/* pairs with the release of every other put: their work on the object is done */
		smp_rmb();
		return true;
	}
	if (unlikely(old < n))
		refcount_saturate(refcount, "put without a reference");
	return false;
}

static inline bool __must_check refcount_put(struct refcount *refcount)
{
	return refcount_put_many(refcount, 1);
}
