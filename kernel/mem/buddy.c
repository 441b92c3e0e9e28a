/*
 * The buddy pools, and the sections by which memory comes into them.
 *
 * A free block of order n begins at a multiple of 2^n frames; its buddy differs in bit n. Only the
 * head of a free block is marked (PAGE_FREE, free_order); all other pages of it have flags 0. Two
 * free buddies are always joined, up to PAGE_ORDER_MAX.
 *
 * Sections (128 MiB) whose struct pages are not yet initialised count as free; they are brought in
 * from the lowest address up when the pools cannot serve a request, and by pages_free_range().
 */
#include "mem/buddy.h"

#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/bits.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/buddy_impl.h"
#include "mem/memmap.h"
#include "mem/memmap_impl.h"

enum {
	ORDERS = PAGE_ORDER_MAX + 1,
	SECTION_SHIFT = 27 - PAGE_SHIFT, SECTION_FRAMES = 1 << SECTION_SHIFT,
	SECTIONS_MAX = 1 << 16, /* 8 TiB of addresses */
	BOOT_FRAMES = 64 << (20 - PAGE_SHIFT), /* brought in at start-up */
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
	uint64_t        next __guarded_by(lock);             /* the first that is not */
	uint64_t        frames_absent __atomic;              /* usable frames in those to come */
} sections = { .lock = SPINLOCK(RANK_SECTION) };

/* Bit: the struct pages of the section are valid. Set under sections.lock. */
static uint64_t sections_present[SECTIONS_MAX / 64] __atomic;

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

	return atomic_load_acquire(&sections_present[section / 64]) >> section % 64 & 1;
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

struct page *pools_take(unsigned int order, unsigned int flags)
{
	struct page *page = NULL;

	for (int i = flags & ALLOC_DMA32 ? 0 : 1; i >= 0 && !page; i--) {
		struct pool *pool = &pools[i];

		if (READ_ONCE(pool->nr_free) < 1ul << order)
			continue;
		uint64_t irqs = spin_lock_irqsave(&pool->lock);

		page = pool_take_locked(pool, order);
		spin_unlock_irqrestore(&pool->lock, irqs);
	}
	return page;
}

void pools_give(struct page *page, unsigned int order)
{
	uint64_t frame = page_to_frame(page);
	struct pool *pool = pool_of(frame);
	uint64_t flags = spin_lock_irqsave(&pool->lock);

	pool_give_locked(pool, frame, order);
	spin_unlock_irqrestore(&pool->lock, flags);
}

unsigned int pools_take_pages(struct page **pages, unsigned int nr)
{
	unsigned int got = 0;

	for (int i = 1; i >= 0 && !got; i--) {
		struct pool *pool = &pools[i];

		if (!READ_ONCE(pool->nr_free))
			continue;
		uint64_t irqs = spin_lock_irqsave(&pool->lock);

		while (got < nr && (pages[got] = pool_take_locked(pool, 0)))
			got++;
		spin_unlock_irqrestore(&pool->lock, irqs);
	}
	return got;
}

void pools_give_pages(struct page *const *pages, unsigned int nr)
{
	for (unsigned int i = 0; i < nr;) {
		struct pool *pool = pool_of(page_to_frame(pages[i]));
		uint64_t irqs = spin_lock_irqsave(&pool->lock);

		for (; i < nr && pool_of(page_to_frame(pages[i])) == pool; i++) {
			pages[i]->flags = 0;
			pool_give_locked(pool, page_to_frame(pages[i]), 0);
		}
		spin_unlock_irqrestore(&pool->lock, irqs);
	}
}

/* Frames [start, end) with valid struct pages become free, in the largest blocks that fit. */
static void frames_give(uint64_t start, uint64_t end)
{
	while (start < end) {
		unsigned int order = start ? min(bit_lowest(start), (unsigned)PAGE_ORDER_MAX)
					   : (unsigned)PAGE_ORDER_MAX;

		while (start + (1ul << order) > end)
			order--;
		pools_give(frame_to_page(start), order);
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
	__atomic_fetch_or(&sections_present[section / 64], 1ul << section % 64, __ATOMIC_RELEASE);
	section_usable(section, frames_give);
	atomic_sub(&sections.frames_absent, frames);
}

/* One more section of memory; false if all are in. */
bool section_bring_in_next(void)
{
	uint64_t flags = spin_lock_irqsave(&sections.lock);

	while (sections.next << SECTION_SHIFT < page_array_end &&
	       section_is_present(sections.next << SECTION_SHIFT))
		sections.next++;
	bool more = sections.next << SECTION_SHIFT < page_array_end;

	if (more)
		section_bring_in_locked(sections.next++);
	spin_unlock_irqrestore(&sections.lock, flags);
	return more;
}

struct page *page_by_frame(uint64_t frame)
{
	return frame < page_array_end && section_is_present(frame) ? frame_to_page(frame) : NULL;
}

/* The sections of these frames. */
static void sections_bring_in(uint64_t first, uint64_t last)
{
	uint64_t flags = spin_lock_irqsave(&sections.lock);

	for (uint64_t section = first >> SECTION_SHIFT; section <= (last - 1) >> SECTION_SHIFT;
	     section++)
		section_bring_in_locked(section);
	spin_unlock_irqrestore(&sections.lock, flags);
}

/*
 * Pages of the kernel itself may be mapped by programs (the vDSO's data): they need their struct
 * page.
 */
static void __init image_bring_in(void)
{
	const struct memmap_region *region;

	for (unsigned int i = 0; (region = memmap_region(i)) != NULL; i++) {
		if (region->kind == MEMMAP_KERNEL)
			sections_bring_in(region->start >> PAGE_SHIFT,
					  align_up(region->end, PAGE_SIZE) >> PAGE_SHIFT);
	}
}

void pages_free_range(paddr_t start, paddr_t end)
{
	uint64_t first = align_up(start, PAGE_SIZE) >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

	if (first >= last)
		return;
	sections_bring_in(first, last);
	for (uint64_t frame = first; frame < last; frame++)
		assert(page_is(frame_to_page(frame), PAGE_RESERVED));
	frames_clear_reserved(first, last);
	pages_total_add(last - first);
	frames_give(first, last);
}

uint64_t pages_spare(void)
{
	return READ_ONCE(pools[0].nr_free) + READ_ONCE(pools[1].nr_free) +
	       atomic_load_relaxed(&sections.frames_absent);
}

bool pools_have_run(unsigned int order)
{
	if (atomic_load_relaxed(&sections.frames_absent))
		return true;
	for (unsigned int i = 0; i < array_size(pools); i++)
		for (unsigned int larger = order; larger < ORDERS; larger++)
			if (READ_ONCE(pools[i].nr_blocks[larger]))
				return true;
	return false;
}

uint64_t pages_free_blocks(unsigned int pool, unsigned int order)
{
	return pool < 2 && order < ORDERS ? READ_ONCE(pools[pool].nr_blocks[order]) : 0;
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
	pages_total_add(frames);
	watermarks_init(frames);
	image_bring_in();
	while (pools[0].nr_free < BOOT_FRAMES && section_bring_in_next())
		;
}
