/*
 * Pages to and from the rest of the kernel: lists of single pages for each CPU in front of the
 * pools, watermarks, and what happens when they are reached.
 *
 * A CPU's list is touched by its CPU only, with interrupts on: handlers never allocate. What it
 * holds counts as free.
 */
#include "mem/page.h"

#include <arch/percpu.h>

#include "core/gauge.h"
#include "core/panic.h"
#include "core/printk.h"
#include "core/spinlock.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc_fail.h"
#include "mem/buddy.h"
#include "mem/buddy_impl.h"
#include "mem/kasan.h"

enum { CPU_LIST_MAX = 64, CPU_LIST_BATCH = 32, RETRIES_MAX = 64 };

/* Whatever is asked for, the way to kill a process keeps this much. */
enum { MIN_FREE_PAGES = 32 };

/* The share of memory that files and pipes leave free. */
enum { ROOM_FOR_PROGRAMS = 32 };

struct page_cpu {
	uint32_t     count;
	struct page *pages[CPU_LIST_MAX];
};
static DEFINE_PER_CPU(struct page_cpu, page_cpu);

static struct {
	uint64_t total __atomic;
	uint64_t min, low, high __atomic; /* watermarks_set() */
	uint64_t min_free_kib __atomic;   /* as it was asked for */
	int64_t  use[PAGE_USE_COUNT] __atomic;
	bool     wake_asked __atomic;
	const struct reclaim_hook *hook __atomic;
} stats;

/* ---- allocation ---------------------------------------------------------------------------- */

static uint64_t watermark(unsigned int flags)
{
	if (flags & ALLOC_RESERVE)
		return 0;
	if (flags & ALLOC_MAY_DIP)
		return atomic_load_relaxed(&stats.min) / 2;
	if (flags & ALLOC_IS_FILE)
		return atomic_load_relaxed(&stats.low) + pages_total() / ROOM_FOR_PROGRAMS;
	return atomic_load_relaxed(flags & ALLOC_IS_USER ? &stats.low : &stats.min);
}

bool pages_allow(unsigned int order, unsigned int flags)
{
	return pages_spare() >= watermark(flags) + (1ul << order) &&
	       (order == 0 || pools_have_run(order));
}

static void reclaim_wake(void)
{
	const struct reclaim_hook *hook = atomic_load_relaxed(&stats.hook);

	if (hook && hook->wake && !atomic_xchg(&stats.wake_asked, true))
		hook->wake();
}

/* A block out of the pools if the watermark allows; brings in sections as needed. */
static struct page *block_alloc(unsigned int order, unsigned int flags)
{
	uint64_t spare = pages_spare();
	struct page *page;

	if (unlikely(spare < atomic_load_relaxed(&stats.low) + (1ul << order)))
		reclaim_wake();
	if (unlikely(spare < watermark(flags) + (1ul << order)))
		return NULL;
	do {
		page = pools_take(order, flags);
	} while (!page && section_bring_in_next());
	return page;
}

static void run_init(struct page *page, unsigned int order)
{
	page->flags = order << PAGE_ORDER_SHIFT;
	kasan_unpoison(page_to_virt(page), PAGE_SIZE << order);
	page->refcount = 1;
	page->mapcount = 0;
	page->private_value = 0;
	page->owner = NULL;
	page->index = 0;
	for (uint32_t i = 1; i < 1u << order; i++) {
		page[i].flags = PAGE_TAIL;
		page[i].run_offset = i;
	}
}

static enum reclaim_result reclaim_run(unsigned int order, unsigned int flags, unsigned int tries)
{
	const struct reclaim_hook *hook = atomic_load_relaxed(&stats.hook);

	if (!(flags & ALLOC_MAY_RECLAIM) || !hook)
		return RECLAIM_NOTHING;
	pages_drain();
	return hook->reclaim(order, flags, tries);
}

static __noinline struct page *block_alloc_slow(unsigned int order, unsigned int flags)
{
	struct page *page = block_alloc(order, flags);

	for (unsigned int tries = 0; !page && tries < RETRIES_MAX; tries++) {
		enum reclaim_result result = reclaim_run(order, flags, tries);

		if (result == RECLAIM_NOTHING)
			break;
		if (result == RECLAIM_RETRY)
			page = block_alloc(order, flags);
		else
			return block_alloc(order, flags | (result == RECLAIM_RESERVE
			                                   ? ALLOC_RESERVE : ALLOC_MAY_DIP));
	}
	if (page)
		return page;
	if (!(flags & (ALLOC_NOWARN | ALLOC_IS_USER | ALLOC_IS_FILE)))
		pr_warn_ratelimited("out of memory: order %u, flags %#x, %lu pages free of %lu\n",
				    order, flags, pages_free_count(), stats.total);
	return NULL;
}

/* In the debug kernel every request that might sleep proves that it could. */
static inline void check_context(unsigned int flags)
{
	if (LOCK_DEBUG && (flags & ALLOC_MAY_RECLAIM)) {
		lock_assert_can_sleep();
		lockdep_assert_may_take(RANK_RECLAIM);
	}
}

struct page *pages_alloc(unsigned int order, unsigned int flags)
{
	if (order == 0)
		return page_alloc(flags);
	check_context(flags);
	if (order > PAGE_ORDER_MAX || alloc_fail_now(flags))
		return NULL;
	struct page *page = block_alloc_slow(order, flags);

	if (!page)
		return NULL;
	run_init(page, order);
	if (flags & ALLOC_ZERO)
		memset(page_to_virt(page), 0, PAGE_SIZE << order);
	return page;
}

static __noinline struct page *page_zero(struct page *page)
{
	memset(page_to_virt(page), 0, PAGE_SIZE);
	return page;
}

/* A batch of pages into this CPU's list. */
static void page_cpu_fill(struct page_cpu *list, unsigned int flags)
{
	const uint64_t floor = max(watermark(flags), atomic_load_relaxed(&stats.low));
	struct page *page;

	if (pages_spare() >= floor + CPU_LIST_BATCH)
		list->count += pools_take_pages(list->pages + list->count,
		                                CPU_LIST_BATCH - list->count);
	for (uint32_t i = 0; i < list->count; i++)
		list->pages[i]->flags = PAGE_CPU_LIST;
	while (list->count < CPU_LIST_BATCH && (page = block_alloc(0, flags))) {
		page->flags = PAGE_CPU_LIST;
		list->pages[list->count++] = page;
	}
}

static __noinline struct page *page_alloc_slow(unsigned int flags)
{
	struct page_cpu *list = this_cpu_ptr(page_cpu);
	struct page *page;

	if (alloc_fail_now(flags))
		return NULL;
	if (!list->count)
		page_cpu_fill(list, flags);
	if (list->count && !(flags & ALLOC_DMA32))
		page = list->pages[--list->count];
	else
		page = block_alloc_slow(0, flags);
	if (!page)
		return NULL;
	run_init(page, 0);
	return flags & ALLOC_ZERO ? page_zero(page) : page;
}

struct page *page_alloc(unsigned int flags)
{
	struct page_cpu *list = this_cpu_ptr(page_cpu);

	check_context(flags);
	if (unlikely(!list->count || flags & ALLOC_DMA32 || READ_ONCE(alloc_fail_armed)))
		return page_alloc_slow(flags);
	struct page *page = list->pages[--list->count];

	debug_assert(page->flags == PAGE_CPU_LIST);
	run_init(page, 0);
	return flags & ALLOC_ZERO ? page_zero(page) : page;
}

unsigned int pages_alloc_bulk(struct page **pages, unsigned int count, unsigned int flags)
{
	unsigned int got = 0;

	while (got < count && (pages[got] = page_alloc(flags)))
		got++;
	return got;
}

void *page_alloc_virt(unsigned int flags)
{
	struct page *page = page_alloc(flags);

	return page ? page_to_virt(page) : NULL;
}

/* ---- freeing ------------------------------------------------------------------------------- */

static __noinline void page_cpu_flush(struct page_cpu *list, uint32_t keep)
{
	if (list->count > keep) {
		pools_give_pages(list->pages + keep, list->count - keep);
		list->count = keep;
	}
	if (pages_spare() >= atomic_load_relaxed(&stats.high))
		atomic_store_relaxed(&stats.wake_asked, false);
}

static void check_free(const struct page *page)
{
	debug_assert(page_refs(page) == 0);
	debug_assert(!page_is(page,
			      PAGE_FREE | PAGE_CPU_LIST | PAGE_TAIL | PAGE_RESERVED | PAGE_CACHED));
	debug_assert(page_is(page, PAGE_SLAB) || page_mapcount(page) == 0);
}

static __noinline void run_free(struct page *page, unsigned int order)
{
	for (uint32_t i = 0; i < 1u << order; i++)
		page[i].flags = 0;
	pools_give(page, order);
}

static __noinline void page_free_slow(struct page_cpu *list, struct page *page)
{
	page_cpu_flush(list, CPU_LIST_MAX - CPU_LIST_BATCH);
	page_free(page);
}

void page_free(struct page *page)
{
	struct page_cpu *list = this_cpu_ptr(page_cpu);

	check_free(page);
	kasan_poison(page_to_virt(page), PAGE_SIZE << page_order(page), KASAN_PAGE_FREE);
	if (unlikely(page_order(page))) {
		run_free(page, page_order(page));
		return;
	}
	if (unlikely(list->count == CPU_LIST_MAX)) {
		page_free_slow(list, page);
		return;
	}
	page->flags = PAGE_CPU_LIST;
	list->pages[list->count++] = page;
}

bool page_try_get(struct page *page)
{
	uint32_t refs = page_refs(page);

	while (refs)
		if (atomic_cmpxchg(&page->refcount, &refs, refs + 1))
			return true;
	return false;
}

void pages_free(struct page *head, unsigned int order)
{
	debug_assert(page_order(head) == order);
	/*
	 * Who found the frame in the page cache just before it was freed there may hold a reference
	 * for a moment, until it looks again: then it is the one to free the run.
	 */
	page_put(head);
}

void pages_free_virt(void *address, unsigned int order)
{
	pages_free(virt_to_page(address), order);
}

void pages_split(struct page *head)
{
	uint32_t nr = 1u << page_order(head);
	uint32_t refs = page_refs(head);

	for (uint32_t i = 0; i < nr; i++) {
		run_init(&head[i], 0);
		head[i].refcount = refs;
	}
}

void pages_drain(void)
{
	page_cpu_flush(this_cpu_ptr(page_cpu), 0);
}

/* ---- statistics --------------------------------------------------------------------------- */

void reclaim_hook_register(const struct reclaim_hook *hook)
{
	atomic_store_release(&stats.hook, hook); /* the table is constant */
}

static uint64_t pages_in_cpu_lists(void)
{
	uint64_t pages = 0;

	for_each_cpu(cpu)
		pages += READ_ONCE(per_cpu_ptr(page_cpu, cpu)->count);
	return pages;
}

uint64_t pages_free_count(void)
{
	return pages_spare() + pages_in_cpu_lists();
}

uint64_t pages_total(void)
{
	return atomic_load_relaxed(&stats.total);
}

void page_use_add(enum page_use use, int64_t pages)
{
	atomic_add(&stats.use[use], pages);
}

void page_stats_read(struct page_stats *out)
{
	*out = (struct page_stats){
		.total = pages_total(),
		.free = pages_free_count(),
		.cached_by_cpus = pages_in_cpu_lists(),
		.min = stats.min, .low = stats.low, .high = stats.high,
		.slab = (uint64_t)atomic_load_relaxed(&stats.use[PAGE_USE_SLAB]),
		.vmalloc = (uint64_t)atomic_load_relaxed(&stats.use[PAGE_USE_VMALLOC]),
		.page_tables = (uint64_t)atomic_load_relaxed(&stats.use[PAGE_USE_TABLE]),
		.kernel_stacks = (uint64_t)atomic_load_relaxed(&stats.use[PAGE_USE_STACK]),
	};
}

void pages_total_add(uint64_t pages)
{
	atomic_add(&stats.total, pages);
}

/* As Linux: the reserve grows with the square root of memory. */
void __init watermarks_init(uint64_t pages)
{
	uint64_t kib = pages << (PAGE_SHIFT - 10), root = 1;

	while (root * root < 16 * kib)
		root++;
	watermarks_set(root);
}

void watermarks_set(uint64_t min_free_kib)
{
	uint64_t min = max(min_free_kib >> (PAGE_SHIFT - 10), (uint64_t)MIN_FREE_PAGES);

	atomic_store_relaxed(&stats.min_free_kib, min_free_kib);
	atomic_store_relaxed(&stats.min, min);
	atomic_store_relaxed(&stats.low, min * 5 / 4);
	atomic_store_relaxed(&stats.high, min * 3 / 2);
}

uint64_t watermarks_min_free_kib(void)
{
	return atomic_load_relaxed(&stats.min_free_kib);
}

static int64_t gauge_pages(void)
{
	return (int64_t)(pages_total() - pages_free_count());
}

GAUGE("pages", gauge_pages);
GAUGE_DRAIN_CPU(pages_drain);
