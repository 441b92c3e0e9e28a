/*
 * What happens when memory runs out. mem's allocator calls one hook when it falls below its
 * watermark; this file is behind it: it asks the registered shrinkers (dentries, inodes, clean page
 * cache) to give pages back, and if all of them together gave nothing, and the request is one that
 * must not simply fail, the OOM hook (proc's choice of a victim).
 *
 * Shrinkers run in the context of whoever allocates: they may not allocate with ALLOC_KERNEL, not
 * start file-system writes, and only try_lock what their caller may hold.
 */
#pragma once

#include "lib/list.h"
#include "lib/types.h"

struct shrinker {
	const char *name __const_after_init;
	/* Tries to free nr_pages pages; returns about how many it freed. NULL is not allowed. */
	size_t (*shrink)(struct shrinker *shrinker, size_t nr_pages);
	/* About how many pages it could free, for MemAvailable and drop_caches. NULL: 0. */
	size_t (*count)(struct shrinker *shrinker);
	struct list in_shrinkers __guarded_by(reclaim.lock);
};

/* Start-up: registers the hook with mem. */
void reclaim_init(void);

/* For ever. Shrinkers are asked in the order of registration. */
void shrinker_register(struct shrinker *shrinker);

/* Asks all shrinkers for nr_pages in all; returns about how many pages came. May sleep. */
size_t reclaim_pages(size_t nr_pages);

/* About how many pages the shrinkers could free. */
size_t reclaim_count(void);

/* Drops everything that the shrinkers can drop: /proc/sys/vm/drop_caches and leak checks. */
void reclaim_all(void);

/*
 * Out of memory: called by reclaim when nothing could be freed and by whoever sees -ENOMEM from
 * space_fault. order and flags are those of the request. The hook kills a process (ALLOC_MAY_OOM
 * only) or waits for a dying one, for a bounded time; true if trying again makes sense. May sleep.
 */
typedef bool (*oom_hook_fn)(unsigned int order, unsigned int flags);
void oom_hook_register(oom_hook_fn hook);
bool __must_check oom_invoke(unsigned int order, unsigned int flags);
