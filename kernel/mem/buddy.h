/*
 * Frames of RAM: a binary buddy allocator of runs of 2^0 to 2^10 pages, and in front of it a list
 * of single pages for each CPU, from which page_alloc() takes and to which page_free() gives in
 * about 25 instructions without lock.
 *
 * Watermarks: below `low` the hook is told to wake background reclaim; contents of files stop a
 * 32nd of memory above `low`, user pages at `low`, kernel pages at `min`, and go on when reclaim
 * has made progress; ALLOC_MAY_DIP goes to min / 2, ALLOC_RESERVE to nothing. There are two pools,
 * frames below 4 GiB and above; the upper one is preferred.
 *
 * struct page of a section of 128 MiB is initialised when the allocator first needs the section, so
 * a machine with much memory boots as fast as a small one.
 *
 * Locking: one RANK_BUDDY spinlock a pool; per-CPU lists belong to their CPU. Never in interrupts.
 */
#pragma once

#include "mem/alloc.h"
#include "mem/page.h"

enum { PAGE_ORDER_MAX = 10 };

/* A run of 2^order pages with reference count 1, its head returned; NULL if there is none. */
struct page *pages_alloc(unsigned int order, unsigned int flags) __must_check;
/* One page. */
struct page *page_alloc(unsigned int flags) __must_check;

/* The same by address in the direct map. */
void *page_alloc_virt(unsigned int flags) __must_check;
void pages_free_virt(void *address, unsigned int order);

/* Up to `count` single pages into pages[]; returns how many. One call instead of many. */
unsigned int pages_alloc_bulk(struct page **pages, unsigned int count,
			      unsigned int flags) __must_check;

/* Give back a run that nobody else refers to, but for lookups of what was there before. */
void pages_free(struct page *head, unsigned int order);

/* Make 2^order independent pages, each with its own reference count, of a run. */
void pages_split(struct page *head);

/* Pages of a range that was reserved at boot (initramfs, __init) become free memory. */
void pages_free_range(paddr_t start, paddr_t end);

/*
 * The one way to more memory, registered by vm/. reclaim() gets the flags of the allocation, among
 * them ALLOC_MAY_RECLAIM, and how often it has been called for it; no spinlock is held and it may
 * sleep. RECLAIM_RETRY: try again, something was freed or a victim chosen. RECLAIM_DIP and
 * RECLAIM_RESERVE: try a last time, with half or all of the reserve. wake() asks for reclaim in the
 * background; it must not sleep and may come under any spinlock outside RANK_BUDDY, so it only sets
 * a flag or queues deferred work.
 */
enum reclaim_result { RECLAIM_NOTHING, RECLAIM_RETRY, RECLAIM_DIP, RECLAIM_RESERVE };
struct reclaim_hook {
	enum reclaim_result (*reclaim)(unsigned int order, unsigned int flags,
				       unsigned int tries);
	void                (*wake)(void);
};
void reclaim_hook_register(const struct reclaim_hook *hook);

/*
 * Such a request could be met now, by its watermark and the runs that are free: it is worth trying
 * again.
 */
bool pages_allow(unsigned int order, unsigned int flags);

/* Per-CPU lists of this CPU go back to the pools. */
void pages_drain(void);

/* Pages, for /proc/meminfo, sysinfo(2), reclaim. Not exact while others allocate. */
struct page_stats {
	uint64_t total; /* managed */
	uint64_t free;
	uint64_t cached_by_cpus; /* counted in free too */
	uint64_t min, low, high; /* watermarks */
	uint64_t slab;
	uint64_t vmalloc;
	uint64_t page_tables;
	uint64_t kernel_stacks;
};
void page_stats_read(struct page_stats *stats);
uint64_t pages_free_count(void);

/* /proc/sys/vm/min_free_kbytes: the watermarks follow it; a small rest is kept whatever it says. */
void watermarks_set(uint64_t min_free_kib);
uint64_t watermarks_min_free_kib(void);
uint64_t pages_total(void);

/* Free blocks of one order in one pool (0 low, 1 high), for /proc/buddyinfo. */
uint64_t pages_free_blocks(unsigned int pool, unsigned int order);

/* Statistics kept by others: page tables by arch, stacks by sched. */
enum page_use { PAGE_USE_SLAB, PAGE_USE_VMALLOC, PAGE_USE_TABLE, PAGE_USE_STACK, PAGE_USE_COUNT };
void page_use_add(enum page_use use, int64_t pages);

/* Take over from memmap_early_alloc(): from here on page_alloc() works. Once. */
void buddy_init(void);
