/*
 * Promised memory, against what the overcommit mode allows.
 */
#include "vm/commit.h"

#include <arch/layout.h>
#include <linux/errno.h>

#include "lib/atomic.h"
#include "lib/math.h"
#include "mem/buddy.h"
#include "vm/space.h"

/* Defaults as Linux's: a 32nd of memory, at most this. */
#define ADMIN_RESERVE_MAX_KIB (8ul << 10)
#define USER_RESERVE_MAX_KIB  (128ul << 10)

struct commit_settings commit_settings = { .ratio = 50 };

static struct {
	uint64_t total __atomic; /* pages promised */
	bool (*is_privileged)(void) __const_after_init;
} commit;

static uint64_t pages_of(const uint64_t *kib)
{
	return atomic_load_relaxed(kib) >> (PAGE_SHIFT - 10);
}

size_t commit_total(void)
{
	return atomic_load_relaxed(&commit.total);
}

size_t commit_limit(void)
{
	uint64_t pages = pages_of(&commit_settings.kbytes);

	return pages ? pages : pages_total() * atomic_load_relaxed(&commit_settings.ratio) / 100;
}

/* Mode 2: what may be promised in all, as Linux counts it. */
static int64_t allowance(const struct space *space)
{
	int64_t allowed = (int64_t)commit_limit();

	if (!commit.is_privileged || !commit.is_privileged())
		allowed -= (int64_t)pages_of(&commit_settings.admin_reserve_kbytes);
	if (space)
		allowed -= (int64_t)min(READ_ONCE(space->total_vm) / 32,
		                        pages_of(&commit_settings.user_reserve_kbytes));
	return allowed;
}

int commit_charge(const struct space *space, size_t nr_pages)
{
	int mode = atomic_load_relaxed(&commit_settings.mode);
	uint64_t total = atomic_add_return(&commit.total, nr_pages);

	bool is_granted = mode == COMMIT_GUESS ? nr_pages <= pages_total()
		: mode == COMMIT_ALWAYS || (int64_t)total < allowance(space);

	if (likely(is_granted))
		return 0;
	atomic_sub(&commit.total, nr_pages);
	return -ENOMEM;
}

void commit_uncharge(size_t nr_pages)
{
	atomic_sub(&commit.total, nr_pages);
}

bool commit_is_strict(void)
{
	return atomic_load_relaxed(&commit_settings.mode) == COMMIT_NEVER;
}

void commit_privilege_register(bool (*is_privileged)(void))
{
	commit.is_privileged = is_privileged;
}

void __init commit_init(void)
{
	uint64_t share_kib = pages_free_count() << (PAGE_SHIFT - 10) >> 5;

	commit_settings.admin_reserve_kbytes = min(share_kib, ADMIN_RESERVE_MAX_KIB);
	commit_settings.user_reserve_kbytes = min(share_kib, USER_RESERVE_MAX_KIB);
}
