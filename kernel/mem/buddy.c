/*
 * The buddy pools, the lists of single pages in front of them, and what happens when they are empty.
 *
 * A free block of order n begins at a multiple of 2^n frames; its buddy differs in bit n. Only the head of
 * a free block is marked (PAGE_FREE, free_order); all other pages of it have flags 0. Two free buddies are
 * always joined, up to PAGE_ORDER_MAX.
 *
 * Sections (128 MiB) whose struct pages are not yet initialised count as free; they are brought in from the
 * lowest address up when the pools cannot serve a request, and by pages_free_range().
 *
 * A CPU's list is touched by its CPU only, with interrupts on: handlers never allocate. What it holds
 * counts as free.
 */
#include "mem/buddy.h"

#include <arch/percpu.h>

#include "core/gauge.h"
#include "core/panic.h"
#include "core/printk.h"
#include "core/spinlock.h"
#include "lib/bitmap.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc_fail.h"
#include "mem/memmap.h"
#include "mem/memmap_impl.h"

enum {
	ORDERS = PAGE_ORDER_MAX + 1,
	SECTION_SHIFT = 27 - PAGE_SHIFT, SECTION_FRAMES = 1 << SECTION_SHIFT,
	SECTIONS_MAX = 1 << 16, /* 8 TiB of addresses */
	CPU_LIST_MAX = 64, CPU_LIST_BATCH = 32,
	BOOT_FRAMES = 64 << (20 - PAGE_SHIFT), /* brought in at start-up */
	RETRIES_MAX = 64,
};

#define LOW_FRAMES (0x100000000ul >> PAGE_SHIFT)

struct pool {
	struct spinlock lock;
	uint64_t        nr_free __guarded_by(lock); /* pages */
	uint64_t        nr_blocks[ORDERS] __guarded_by(lock);
	struct list     blocks[ORDERS] __guarded_by(lock);
};

static struct pool pools[2] = { /* below 4 GiB, above */
	{ .lock = SPINLOCK(RANK_BUDDY) }, { .lock = SPINLOCK(RANK_BUDDY) },
};

static struct {
	struct spinlock lock;
	uint64_t        present[SECTIONS_MAX / 64] __atomic; /* bit: its struct pages are valid */
	uint64_t        next __guarded_by(lock);             /* the first that is not */
	uint64_t        frames_absent __atomic;              /* usable frames in those to come */
} sections = { .lock = SPINLOCK(RANK_SECTION) };

struct page_cpu {
	uint32_t     count;
	struct page *pages[CPU_LIST_MAX];
};
static DEFINE_PER_CPU(struct page_cpu, page_cpu);

static struct {
	uint64_t total __atomic;
	uint64_t min, low, high __const_after_init;
	int64_t  use[PAGE_USE_COUNT] __atomic;
	bool     wake_asked __atomic;
	const struct reclaim_hook *hook __atomic;
} stats;

struct page *page_array __ro_after_init;
uint64_t page_array_end __ro_after_init;

/* ---- pools --------------------------------------------------------------------------------- */

static struct pool *pool_of(uint64_t frame)
{
	return &pools[frame >= LOW_FRAMES];
}

static void block_add_locked(struct pool *pool, struct page *page, unsigned int order)
{
	page->flags = PAGE_FREE;
	page->free_order = order;
	list_add_head(&pool->blocks[order], &page->link);
	pool->nr_blocks[order]++;
}

static void block_remove_locked(struct pool *pool, struct page *page, unsigned int order)
{
	page->flags = 0;
	list_unlink(&page->link);
	pool->nr_blocks[order]--;
}

static bool section_is_present(uint64_t frame)
{
	uint64_t section = frame >> SECTION_SHIFT;

	return atomic_load_acquire(&sections.present[section / 64]) >> section % 64 & 1;
}

static bool buddy_is_free(uint64_t frame, unsigned int order)
{
	if (frame + (1ul << order) > page_array_end || !section_is_present(frame))
		return false;
	const struct page *buddy = frame_to_page(frame);

	return page_is(buddy, PAGE_FREE) && buddy->free_order == order;
}

/* The run is free; join it with what is free around it. */
static void pool_give_locked(struct pool *pool, uint64_t frame, unsigned int order)
{
	pool->nr_free += 1ul << order;
	while (order < PAGE_ORDER_MAX && buddy_is_free(frame ^ 1ul << order, order)) {
		block_remove_locked(pool, frame_to_page(frame ^ 1ul << order), order);
		frame &= ~(1ul << order);
		order++;
	}
	block_add_locked(pool, frame_to_page(frame), order);
}

/* A block of exactly this order, split from a larger one if need be; NULL. */
static struct page *pool_take_locked(struct pool *pool, unsigned int order)
{
	unsigned int from = order;

	while (from < ORDERS && list_is_empty(&pool->blocks[from]))
		from++;
	if (from == ORDERS)
		return NULL;
	struct page *page = list_first_entry(&pool->blocks[from], struct page, link);

	block_remove_locked(pool, page, from);
	while (from-- > order)
		block_add_locked(pool, page + (1ul << from), from);
	pool->nr_free -= 1ul << order;
	return page;
}

static struct page *pools_take(unsigned int order, unsigned int flags)
{
	struct page *page = NULL;

	for (int i = flags & ALLOC_DMA32 ? 0 : 1; i >= 0 && !page; i--) {
		struct pool *pool = &pools[i];

		if (READ_ONCE(pool->nr_free) < 1ul << order)
			continue;
		spin_lock(&pool->lock);
		page = pool_take_locked(pool, order);
		spin_unlock(&pool->lock);
	}
	return page;
}

static void pool_give(struct page *page, unsigned int order)
{
	uint64_t frame = page_to_frame(page);
	struct pool *pool = pool_of(frame);

	spin_lock(&pool->lock);
	pool_give_locked(pool, frame, order);
	spin_unlock(&pool->lock);
}

/* Frames [start, end) with valid struct pages become free, in the largest blocks that fit. */
static void frames_give(uint64_t start, uint64_t end)
{
	while (start < end) {
		unsigned int order = start ? min(bit_lowest(start), (unsigned)PAGE_ORDER_MAX)
					   : (unsigned)PAGE_ORDER_MAX;

		while (start + (1ul << order) > end)
			order--;
		pool_give(frame_to_page(start), order);
		start += 1ul << order;
	}
}

/* ---- sections ------------------------------------------------------------------------------ */

/* Call fn for each usable stretch of the section; returns the frames in all. */
static uint64_t section_usable(uint64_t section, void (*fn)(uint64_t start, uint64_t end))
{
	uint64_t first = section << SECTION_SHIFT, last = first + SECTION_FRAMES, frames = 0;
	const struct memmap_region *region;

	for (unsigned int i = 0; (region = memmap_region(i)); i++) {
		uint64_t start = max(first, region->start >> PAGE_SHIFT);
		uint64_t end = min(last, region->end >> PAGE_SHIFT);

		if (region->kind != MEMMAP_USABLE || start >= end)
			continue;
		frames += end - start;
		if (fn)
			fn(start, end);
	}
	return frames;
}

static void frames_clear_reserved(uint64_t start, uint64_t end)
{
	memset(frame_to_page(start), 0, (end - start) * sizeof(struct page));
}

static void section_bring_in_locked(uint64_t section)
{
	uint64_t first = section << SECTION_SHIFT;
	uint64_t end = min(first + SECTION_FRAMES, page_array_end);

	if (section_is_present(first))
		return;
	for (uint64_t frame = first; frame < end; frame++)
		*frame_to_page(frame) = (struct page){ .flags = PAGE_RESERVED, .refcount = 1 };
	uint64_t frames = section_usable(section, frames_clear_reserved);

	/* Pairs with the acquire in section_is_present(). */
	__atomic_fetch_or(&sections.present[section / 64], 1ul << section % 64, __ATOMIC_RELEASE);
	section_usable(section, frames_give);
	atomic_sub(&sections.frames_absent, frames);
}

/* One more section of memory; false if all are in. */
static bool section_bring_in_next(void)
{
	spin_lock(&sections.lock);
	while (sections.next << SECTION_SHIFT < page_array_end &&
	       section_is_present(sections.next << SECTION_SHIFT))
		sections.next++;
	bool more = sections.next << SECTION_SHIFT < page_array_end;

	if (more)
		section_bring_in_locked(sections.next++);
	spin_unlock(&sections.lock);
	return more;
}

struct page *page_by_frame(uint64_t frame)
{
	return frame < page_array_end && section_is_present(frame) ? frame_to_page(frame) : NULL;
}

/* ---- allocation ---------------------------------------------------------------------------- */

static uint64_t pages_spare(void)
{
	return READ_ONCE(pools[0].nr_free) + READ_ONCE(pools[1].nr_free) +
	       atomic_load_relaxed(&sections.frames_absent);
}

static uint64_t watermark(unsigned int flags)
{
	if (flags & ALLOC_RESERVE)
		return 0;
	if (flags & ALLOC_MAY_DIP)
		return stats.min / 2;
	return flags & ALLOC_IS_USER ? stats.low : stats.min;
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

	if (unlikely(spare < stats.low + (1ul << order)))
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

/* Ask for reclaim; true if trying again makes sense. */
static bool reclaim_run(unsigned int order, unsigned int flags)
{
	const struct reclaim_hook *hook = atomic_load_relaxed(&stats.hook);

	if (!(flags & ALLOC_MAY_RECLAIM) || !hook)
		return false;
	pages_drain();
	return hook->reclaim(order, flags) == RECLAIM_RETRY;
}

static __noinline struct page *block_alloc_slow(unsigned int order, unsigned int flags)
{
	for (int tries = 0; tries < RETRIES_MAX; tries++) {
		struct page *page = block_alloc(order, flags);

		if (page)
			return page;
		if (!reclaim_run(order, flags))
			break;
	}
	if (!(flags & (ALLOC_NOWARN | ALLOC_IS_USER)))
		pr_warn_ratelimited("out of memory: order %u, flags %#x, %lu pages free of %lu\n", order,
				    flags, pages_free_count(), stats.total);
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

/* Fill the CPU's list by up to a batch, of which the caller gets the last page. */
static __noinline struct page *page_alloc_slow(unsigned int flags)
{
	struct page *page = NULL;

	if (alloc_fail_now(flags))
		return NULL;
	if (!(flags & ALLOC_DMA32))
		for (uint32_t i = 0; i < CPU_LIST_BATCH; i++) {
			struct page_cpu *list = this_cpu_ptr(page_cpu);

			if (list->count == CPU_LIST_MAX)
				break;
			page = block_alloc(0, flags | ALLOC_NOWARN);
			if (!page)
				break;
			page->flags = PAGE_CPU_LIST;
			list->pages[list->count++] = page;
		}
	struct page_cpu *list = this_cpu_ptr(page_cpu);

	if (list->count && !(flags & ALLOC_DMA32))
		page = list->pages[--list->count];
	else
		page = block_alloc_slow(0, flags);
	if (page)
		run_init(page, 0);
	return page;
}

struct page *page_alloc(unsigned int flags)
{
	struct page_cpu *list = this_cpu_ptr(page_cpu);
	struct page *page;

	check_context(flags);
	if (likely(list->count && !(flags & ALLOC_DMA32) && !READ_ONCE(alloc_fail_armed))) {
		page = list->pages[--list->count];
		debug_assert(page->flags == PAGE_CPU_LIST);
		run_init(page, 0);
	} else {
		page = page_alloc_slow(flags);
		if (!page)
			return NULL;
	}
	if (flags & ALLOC_ZERO)
		memset(page_to_virt(page), 0, PAGE_SIZE);
	return page;
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
	while (list->count > keep) {
		struct page *page = list->pages[--list->count];

		page->flags = 0;
		pool_give(page, 0);
	}
	if (pages_spare() >= stats.high)
		atomic_store_relaxed(&stats.wake_asked, false);
}

static void check_free(const struct page *page)
{
	debug_assert(page_refs(page) == 0);
	debug_assert(!page_is(page, PAGE_FREE | PAGE_CPU_LIST | PAGE_TAIL | PAGE_RESERVED | PAGE_CACHED));
	debug_assert(page_is(page, PAGE_SLAB) || page_mapcount(page) == 0);
}

void page_free(struct page *page)
{
	unsigned int order = page_order(page);

	check_free(page);
	if (likely(order == 0)) {
		struct page_cpu *list = this_cpu_ptr(page_cpu);

		if (unlikely(list->count == CPU_LIST_MAX))
			page_cpu_flush(list, CPU_LIST_MAX - CPU_LIST_BATCH);
		page->flags = PAGE_CPU_LIST;
		list->pages[list->count++] = page;
		return;
	}
	for (uint32_t i = 0; i < 1u << order; i++)
		page[i].flags = 0;
	pool_give(page, order);
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
	debug_assert(page_refs(head) == 1 && page_order(head) == order);
	head->refcount = 0;
	page_free(head);
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

void pages_free_range(paddr_t start, paddr_t end)
{
	uint64_t first = align_up(start, PAGE_SIZE) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

	if (first >= last)
		return;
	spin_lock(&sections.lock);
	for (uint64_t section = first >> SECTION_SHIFT; section <= (last - 1) >> SECTION_SHIFT; section++)
		section_bring_in_locked(section);
	spin_unlock(&sections.lock);
	for (uint64_t frame = first; frame < last; frame++)
		assert(page_is(frame_to_page(frame), PAGE_RESERVED));
	frames_clear_reserved(first, last);
	atomic_add(&stats.total, last - first);
	frames_give(first, last);
}

/* ---- statistics and start ------------------------------------------------------------------ */

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

uint64_t pages_free_blocks(unsigned int pool, unsigned int order)
{
	return pool < 2 && order < ORDERS ? READ_ONCE(pools[pool].nr_blocks[order]) : 0;
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

/* As Linux: the reserve grows with the square root of memory. */
static void __init watermarks_set(uint64_t pages)
{
	uint64_t kib = pages << (PAGE_SHIFT - 10), root = 1;

	while (root * root < 16 * kib)
		root++;
	stats.min = root >> (PAGE_SHIFT - 10);
	stats.low = stats.min * 5 / 4;
	stats.high = stats.min * 3 / 2;
}

void __init buddy_init(void)
{
	uint64_t frames = 0;

	memmap_close();
	for (int i = 0; i < 2; i++)
		for (int order = 0; order < ORDERS; order++)
			list_init(&pools[i].blocks[order]);
	for (uint64_t section = 0; section << SECTION_SHIFT < page_array_end; section++)
		frames += section_usable(section, NULL);
	sections.frames_absent = frames;
	stats.total = frames;
	watermarks_set(frames);
	while (pools[0].nr_free < BOOT_FRAMES && section_bring_in_next())
		;
}

static int64_t gauge_pages(void)
{
	return (int64_t)(pages_total() - pages_free_count());
}

GAUGE("pages", gauge_pages);
GAUGE_DRAIN(pages_drain);
