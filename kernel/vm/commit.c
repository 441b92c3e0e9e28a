/*
 * Promised memory, against what the overcommit mode allows.
 */
#include "vm/commit.h"

#include <linux/errno.h>

#include "lib/atomic.h"
#include "mem/buddy.h"

static struct {
	uint64_t total __atomic; /* pages promised */
	int mode __atomic;
	unsigned ratio __atomic; /* percent of memory that mode 2 allows */
} commit = { .ratio = 50 };

size_t commit_total(void)
{
	return atomic_load_relaxed(&commit.total);
}

size_t commit_limit(void)
{
	return pages_total() * atomic_load_relaxed(&commit.ratio) / 100;
}

int commit_charge(size_t nr_pages)
{
	int mode = atomic_load_relaxed(&commit.mode);

	if (mode == 0 && nr_pages > pages_total())
		return -ENOMEM;
	if (atomic_add_return(&commit.total, nr_pages) > commit_limit() && mode == 2) {
		atomic_sub(&commit.total, nr_pages);
		return -ENOMEM;
	}
	return 0;
}

void commit_uncharge(size_t nr_pages)
{
	atomic_sub(&commit.total, nr_pages);
}

int commit_mode(void)
{
	return atomic_load_relaxed(&commit.mode);
}

int commit_set_mode(int mode)
{
	if (mode < 0 || mode > 2)
		return -EINVAL;
	atomic_store_relaxed(&commit.mode, mode);
	return 0;
}

unsigned commit_ratio(void)
{
	return atomic_load_relaxed(&commit.ratio);
}

int commit_set_ratio(unsigned percent)
{
	if (percent > 1000)
		return -EINVAL;
	atomic_store_relaxed(&commit.ratio, percent);
	return 0;
}
