/*
 * The way from "no page is free" to "try again": shrinkers in turn, what the allocators keep for
 * reuse, then the choice of a victim. Only requests that say ALLOC_MAY_OOM may cost a process its
 * life; others wait for one that is dying already.
 *
 * What CPUs keep for themselves (pages, objects) only they can give back: each is sent a piece of
 * work that does so at its next safe point. Nobody waits for it; the next try finds the pages.
 */
#include "vm/reclaim.h"

#include <arch/percpu.h>

#include "core/spinlock.h"
#include "lib/math.h"
#include "mem/buddy.h"
#include "mem/slab.h"
#include "mem/vmalloc.h"
#include "sched/mutex.h"
#include "sched/thread.h"
#include "sched/work.h"

/* One round asks for at least this many pages, so that not every allocation ends here. */
#define ROUND_PAGES 64

/* Beyond this order a request may fail: no process dies for contiguous pages. As Linux. */
#define ORDER_WORTH_A_LIFE 3

/* So often a shrinker's word for progress is taken before somebody has to die. */
#define TRIES_IN_GOOD_FAITH 8

/* reclaim_all stops here even if others fill the caches as fast as it empties them. */
#define ROUNDS_MAX 16

static struct {
	struct mutex lock; /* one round at a time; also guards the list */
	struct list shrinkers __guarded_by(lock);
	/* who reclaims now: its own allocations must not come here */
	const struct thread *owner __atomic;
	oom_hook_fn oom_hook __const_after_init;
} reclaim = {
	.lock = MUTEX(reclaim.lock, RANK_RECLAIM),
	.shrinkers = LIST_INIT(reclaim.shrinkers),
};

void shrinker_register(struct shrinker *shrinker)
{
	mutex_lock(&reclaim.lock);
	list_add_tail(&reclaim.shrinkers, &shrinker->in_shrinkers);
	mutex_unlock(&reclaim.lock);
}

static void drain_this_cpu(struct work *work)
{
	cache_drain_all();
	pages_drain();
}

static DEFINE_PER_CPU(struct work, drain_work) = WORK(drain_this_cpu);

static void drain_other_cpus(void)
{
	for_each_cpu(cpu)
		if (cpu != cpu_id())
			work_queue_on(per_cpu_ptr(drain_work, cpu), cpu);
}

size_t reclaim_pages(size_t nr_pages)
{
	struct shrinker *shrinker;
	size_t freed = 0;

	mutex_lock(&reclaim.lock);
	atomic_store_relaxed(&reclaim.owner, thread_current());
	list_for_each_entry(shrinker, &reclaim.shrinkers, in_shrinkers) {
		if (freed >= nr_pages)
			break;
		freed += shrinker->shrink(shrinker, nr_pages - freed);
	}
	freed += cache_drain_all();
	atomic_store_relaxed(&reclaim.owner, NULL);
	mutex_unlock(&reclaim.lock);
	return freed;
}

size_t reclaim_count(void)
{
	struct shrinker *shrinker;
	size_t count = 0;

	mutex_lock(&reclaim.lock);
	list_for_each_entry(shrinker, &reclaim.shrinkers, in_shrinkers)
		count += shrinker->count ? shrinker->count(shrinker) : 0;
	mutex_unlock(&reclaim.lock);
	return count;
}

void reclaim_all(void)
{
	for (unsigned round = 0; round < ROUNDS_MAX && reclaim_pages(SIZE_MAX / 2); round++)
		cond_resched();
}

void oom_hook_register(oom_hook_fn hook)
{
	reclaim.oom_hook = hook;
}

bool oom_invoke(unsigned int order, unsigned int flags)
{
	return reclaim.oom_hook && reclaim.oom_hook(order, flags);
}

static enum reclaim_result reclaim_for(unsigned int order, unsigned int flags, unsigned int tries)
{
	size_t nr_pages = max((size_t)ROUND_PAGES, (size_t)1 << order);

	if (atomic_load_relaxed(&reclaim.owner) == thread_current())
		return RECLAIM_RESERVE;
	if (reclaim_pages(nr_pages) && tries < TRIES_IN_GOOD_FAITH)
		return RECLAIM_RETRY;
	if (thread_test_flag(thread_current(), TF_KILLED))
		return RECLAIM_DIP;
	drain_other_cpus();
	vmalloc_drain();
	if (order <= ORDER_WORTH_A_LIFE && oom_invoke(order, flags))
		return RECLAIM_RETRY;
	return RECLAIM_NOTHING;
}

static void background_run(struct work *work)
{
	struct page_stats stats;

	page_stats_read(&stats);
	if (stats.free < stats.high)
		reclaim_pages(stats.high - stats.free);
}

static struct work background = WORK(background_run);

static void background_wake(void)
{
	work_queue_sleeping(&background);
}

static const struct reclaim_hook hook = {
	.reclaim = reclaim_for,
	.wake = background_wake,
};

void reclaim_init(void)
{
	reclaim_hook_register(&hook);
}
