/*
 * Fault injection: one counter for all CPUs, looked at only while it is armed.
 */
#include "mem/alloc_fail.h"

#include <linux/errno.h>

#include "core/cmdline.h"
#include "lib/atomic.h"
#include "lib/parse.h"

bool alloc_fail_armed;

static struct {
	uint64_t left __atomic;   /* requests until the one that fails */
	uint64_t period __atomic; /* 0: only once */
	uint64_t wanted __const_after_init;
} injection;

bool alloc_fail_count(unsigned int flags)
{
	if (flags & ALLOC_NOFAIL_INJECT)
		return false;

	uint64_t left = atomic_load_relaxed(&injection.left);

	do {
		if (left == 0)
			return false;
	} while (!atomic_cmpxchg_relaxed(&injection.left, &left, left - 1));
	if (left != 1)
		return false;
	atomic_store_relaxed(&injection.left, atomic_load_relaxed(&injection.period));
	if (!atomic_load_relaxed(&injection.period))
		WRITE_ONCE(alloc_fail_armed, false);
	return true;
}

void alloc_fail_set(uint64_t n, bool every)
{
	atomic_store_relaxed(&injection.period, every ? n : 0);
	atomic_store_relaxed(&injection.left, n);
	WRITE_ONCE(alloc_fail_armed, n != 0);
}

uint64_t alloc_fail_remaining(void)
{
	return atomic_load_relaxed(&injection.left);
}

void alloc_fail_start(void)
{
	if (injection.wanted)
		alloc_fail_set(injection.wanted, false);
}

static int parse_alloc_fail(const char *value)
{
	return value ? parse_u64(value, &injection.wanted) : -EINVAL;
}

CMDLINE_PARAM("alloc_fail", parse_alloc_fail);
