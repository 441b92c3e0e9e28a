/*
 * Resource limits of a process: 16 pairs of soft and hard, getrlimit(2). The struct is embedded in
 * the process; each value is one word, read without a lock; pairs are changed under the lock.
 */
#pragma once

#include <linux/resource.h>

#include "core/spinlock.h"
#include "lib/types.h"

struct rlimits {
	struct spinlock lock;
	uint64_t soft[RLIM_NLIMITS] __guarded_by(lock); /* readers: READ_ONCE */
	uint64_t hard[RLIM_NLIMITS] __guarded_by(lock);
};

/* Linux's defaults for the first process; nproc and sigpending follow the memory size. */
void rlimits_init(struct rlimits *limits, uint64_t memory_bytes);
/* fork(2). */
void rlimits_copy(struct rlimits *to, struct rlimits *from);

static inline uint64_t rlimit_get(const struct rlimits *limits, unsigned int resource)
{
	return READ_ONCE(limits->soft[resource]);
}

static inline uint64_t rlimit_hard(const struct rlimits *limits, unsigned int resource)
{
	return READ_ONCE(limits->hard[resource]);
}

/*
 * prlimit(2): reads the old pair and/or sets a new one; either may be NULL. may_raise: the caller
 * has CAP_SYS_RESOURCE. -EINVAL (unknown resource, soft above hard), -EPERM (hard raised; NOFILE
 * above nr_open_max).
 */
__must_check int rlimit_change(struct rlimits *limits, unsigned int resource,
                               const struct rlimit64 *new, struct rlimit64 *old, bool may_raise);

/*
 * RLIMIT_DATA as it counts: a soft limit of 0 is none below the hard one (Linux is that kind to old
 * programs).
 */
static inline uint64_t rlimit_data(const struct rlimits *limits)
{
	uint64_t soft = rlimit_get(limits, RLIMIT_DATA);

	return soft ? soft : rlimit_hard(limits, RLIMIT_DATA);
}

/* /proc/sys/kernel/threads-max: tasks that may exist at a time. Set by rlimits_init(). */
extern uint64_t rlimit_threads_max;

/* /proc/sys/fs/nr_open: how far RLIMIT_NOFILE may go. */
extern uint64_t rlimit_nr_open;
