/*
 * Resource limits: the defaults of the first process, copying, changing.
 */
#include "id/rlimit.h"

#include <arch/layout.h>

#include "abi/errno.h"
#include "lib/math.h"
#include "lib/string.h"

#define UNLIMITED RLIM64_INFINITY

enum { THREADS_MIN = 20, THREADS_MAX = 0x3fffffff };

uint64_t rlimit_nr_open = 1024 * 1024;
uint64_t rlimit_threads_max = UINT64_MAX;

static const struct {
	uint64_t soft, hard;
} defaults[RLIM_NLIMITS] = {
	[RLIMIT_CPU]        = { UNLIMITED, UNLIMITED },
	[RLIMIT_FSIZE]      = { UNLIMITED, UNLIMITED },
	[RLIMIT_DATA]       = { UNLIMITED, UNLIMITED },
	[RLIMIT_STACK]      = { 8 << 20, UNLIMITED },
	[RLIMIT_CORE]       = { 0, UNLIMITED },
	[RLIMIT_RSS]        = { UNLIMITED, UNLIMITED },
	[RLIMIT_NPROC]      = { 0, 0 },
	[RLIMIT_NOFILE]     = { 1024, 4096 },
	[RLIMIT_MEMLOCK]    = { 8 << 20, 8 << 20 },
	[RLIMIT_AS]         = { UNLIMITED, UNLIMITED },
	[RLIMIT_LOCKS]      = { UNLIMITED, UNLIMITED },
	[RLIMIT_SIGPENDING] = { 0, 0 },
	[RLIMIT_MSGQUEUE]   = { 819200, 819200 },
	[RLIMIT_NICE]       = { 0, 0 },
	[RLIMIT_RTPRIO]     = { 0, 0 },
	[RLIMIT_RTTIME]     = { UNLIMITED, UNLIMITED },
};

void rlimits_init(struct rlimits *limits, uint64_t memory_bytes)
{
	/*
	 * As Linux: the stacks of all threads may fill an eighth of memory; half of that for one
	 * user.
	 */
	uint64_t threads = clamp(memory_bytes / (KSTACK_SIZE * 8), (uint64_t)THREADS_MIN,
	                         (uint64_t)THREADS_MAX);

	rlimit_threads_max = threads;
	spin_lock_init(&limits->lock, RANK_LEAF);
	for (unsigned int i = 0; i < RLIM_NLIMITS; i++) {
		limits->soft[i] = defaults[i].soft;
		limits->hard[i] = defaults[i].hard;
	}
	limits->soft[RLIMIT_NPROC] = limits->hard[RLIMIT_NPROC] = threads / 2;
	limits->soft[RLIMIT_SIGPENDING] = limits->hard[RLIMIT_SIGPENDING] = threads / 2;
}

void rlimits_copy(struct rlimits *to, struct rlimits *from)
{
	spin_lock_init(&to->lock, RANK_LEAF);
	spin_lock(&from->lock);
	memcpy(to->soft, from->soft, sizeof(to->soft));
	memcpy(to->hard, from->hard, sizeof(to->hard));
	spin_unlock(&from->lock);
}

int rlimit_change(struct rlimits *limits, unsigned int resource, const struct rlimit64 *new,
                  struct rlimit64 *old, bool may_raise)
{
	int err = 0;

	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	if (new && new->rlim_cur > new->rlim_max)
		return -EINVAL;
	if (new && resource == RLIMIT_NOFILE && new->rlim_max > rlimit_nr_open)
		return -EPERM;
	spin_lock(&limits->lock);
	if (old) {
		old->rlim_cur = limits->soft[resource];
		old->rlim_max = limits->hard[resource];
	}
	if (new && new->rlim_max > limits->hard[resource] && !may_raise) {
		err = -EPERM;
	} else if (new) {
		WRITE_ONCE(limits->soft[resource], new->rlim_cur);
		WRITE_ONCE(limits->hard[resource], new->rlim_max);
	}
	spin_unlock(&limits->lock);
	return err;
}
