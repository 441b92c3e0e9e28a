/*
 * Caches: slabs below, magazines above.
 *
 * A slab is a run of pages cut into objects of `stride` bytes from its first byte on; its struct
 * page holds cache, counts and the list of free objects (page.h). Objects beyond slab_carved have
 * never been used, so a new slab is not touched until its objects are. Slabs with a free object are
 * on the cache's list of partial ones, linked by frame numbers; full ones are on none. One slab
 * without objects in use is kept, further ones go back at once.
 *
 * A magazine is a stack of free objects that belongs to a CPU and a cache; magazines are objects
 * themselves, of a cache that has none (id 0). They appear when a cache has been turned to a few
 * times, so that small machines do not pay for caches that are hardly used.
 *
 * The debug kernel appends a trailer to each object: state, who allocated, who freed. The link of
 * free objects lies behind that, so that all of the object's bytes can hold poison.
 */
#include "mem/slab.h"

#include <linux/errno.h>

#include <arch/percpu.h>

#include "core/gauge.h"
#include "core/panic.h"
#include "core/printk.h"
#include "lib/bitmap.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc_fail.h"
#include "mem/buddy.h"
#include "mem/kasan.h"
#include "mem/slab_debug.h"

enum {
	CACHES_MAX = 128,
	MAGAZINE_OBJECTS = 62,       /* capacity for small objects: more than RCU frees at a time */
	MAGAZINE_WORTHWHILE = 16,    /* turns to the slabs after which a cache gets magazines */
	SLAB_ORDER_MAX = 3,
};

struct magazine {
	uint32_t count;
	uint32_t capacity;
	void    *objects[MAGAZINE_OBJECTS];
};
typedef struct magazine *magazine_slots[CACHES_MAX];
static DEFINE_PER_CPU(magazine_slots, magazines);

static struct cache magazine_cache = {
	.name = "magazine", .size = sizeof(struct magazine), .align = 8,
	.lock = SPINLOCK(RANK_SLAB), .is_internal = true,
};
static struct cache cache_cache = CACHE("cache", struct cache);

static struct {
	struct spinlock lock;
	uint64_t        ids[CACHES_MAX / 64] __guarded_by(lock); /* bit: taken */
	struct list     all __guarded_by(lock);
} caches = { .lock = SPINLOCK(RANK_SLAB_LIST), .ids = { 1 }, .all = LIST_INIT(caches.all) };

/* ---- set-up -------------------------------------------------------------------------------- */

/*
 * The smallest slab that wastes at most an eighth and holds at least four objects (two large ones).
 */
static unsigned int order_choose(uint32_t stride)
{
	uint32_t least = stride > PAGE_SIZE / 2 ? 2 : 4;

	for (unsigned int order = 0; order < SLAB_ORDER_MAX; order++) {
		uint32_t bytes = (uint32_t)PAGE_SIZE << order;

		if (bytes / stride >= least && bytes % stride <= bytes / 8)
			return order;
	}
	return SLAB_ORDER_MAX;
}

static uint16_t cache_id_take_locked(void)
{
	for (uint16_t id = 1; id < CACHES_MAX; id++)
		if (!bitmap_test(caches.ids, id)) {
			bitmap_set(caches.ids, id);
			return id;
		}
	return 0;
}

static void cache_set_up_locked(struct cache *cache)
{
	uint32_t align = max(cache->align, cache->size <= 8 ? 8u : 16u);
	uint32_t size = align_up(max(cache->size, 8u), 8u);

	cache->link_offset = SLAB_DEBUG ? size + SLAB_TRAILER_SIZE : 0;
	if (SLAB_DEBUG)
		size += SLAB_TRAILER_SIZE + 8;

	uint32_t stride = align_up(size, align);

	cache->order = (uint8_t)order_choose(stride);
	cache->per_slab = (uint16_t)((PAGE_SIZE << cache->order) / stride);
	cache->magazine_size = size <= 256 ? MAGAZINE_OBJECTS : size <= 1024 ? 22 : 6;
	cache->id = cache->is_internal ? 0 : cache_id_take_locked();
	list_add_tail(&caches.all, &cache->link);
	atomic_store_release(&cache->stride, stride); /* pairs with the acquire in cache_ensure() */
	assert(cache->per_slab);
}

/* The first allocation of a static cache finishes its initialisation. */
static void cache_ensure(struct cache *cache)
{
	if (likely(atomic_load_acquire(&cache->stride)))
		return;
	uint64_t flags = spin_lock_irqsave(&caches.lock);

	if (!cache->stride)
		cache_set_up_locked(cache);
	spin_unlock_irqrestore(&caches.lock, flags);
}

/* ---- slabs --------------------------------------------------------------------------------- */

static void partial_add_locked(struct cache *cache, struct page *slab)
{
	uint32_t frame = (uint32_t)page_to_frame(slab);

	slab->slab_prev = 0;
	slab->slab_next = cache->partial_first;
	if (slab->slab_next)
		frame_to_page(slab->slab_next)->slab_prev = frame;
	cache->partial_first = frame;
}

static void partial_remove_locked(struct cache *cache, struct page *slab)
{
	if (slab->slab_prev)
		frame_to_page(slab->slab_prev)->slab_next = slab->slab_next;
	else
		cache->partial_first = slab->slab_next;
	if (slab->slab_next)
		frame_to_page(slab->slab_next)->slab_prev = slab->slab_prev;
}

static struct page *slab_create(struct cache *cache, unsigned int flags)
{
	struct page *slab = pages_alloc(cache->order, (flags & ~ALLOC_ZERO));

	if (!slab)
		return NULL;
	slab->flags |= PAGE_SLAB;
	slab->slab_used = 0;
	slab->slab_carved = 0;
	slab->slab_free = 0;
	slab->cache = cache;
	kasan_poison(page_to_virt(slab), PAGE_SIZE << cache->order, KASAN_SLAB_REDZONE);
	page_use_add(PAGE_USE_SLAB, 1l << cache->order);
	return slab;
}

static void slab_destroy(struct cache *cache, struct page *slab)
{
	page_use_add(PAGE_USE_SLAB, -(1l << cache->order));
	page_clear(slab, PAGE_SLAB);
	slab->mapcount = 0;
	pages_free(slab, cache->order);
}

static uint32_t *link_of(const struct cache *cache, void *object)
{
	return (uint32_t *)(void *)((char *)object + cache->link_offset);
}

/* An object of a slab that has one; a slab that becomes full leaves the list. */
static void *slab_take_locked(struct cache *cache, struct page *slab)
{
	char *base = page_to_virt(slab);
	void *object;

	if (slab->slab_free) {
		object = base + slab->slab_free - 1;
		slab->slab_free = *link_of(cache, object);
	} else {
		object = base + (size_t)slab->slab_carved++ * cache->stride;
		kasan_unpoison(object, cache->size);
		if (SLAB_DEBUG)
			slab_debug_init(cache, object);
		kasan_poison(object, cache->size, KASAN_SLAB_REDZONE);
	}
	if (slab->slab_used++ == 0)
		cache->nr_empty--;
	if (slab->slab_used == cache->per_slab)
		partial_remove_locked(cache, slab);
	cache->nr_used++;
	return object;
}

/* Put an object back; the slab if it is empty now and there is one already, to be destroyed. */
static struct page *slab_give_locked(struct cache *cache, void *object)
{
	struct page *slab = page_head(virt_to_page(object));

	*link_of(cache, object) = slab->slab_free;
	slab->slab_free = (uint32_t)((char *)object - (char *)page_to_virt(slab)) + 1;
	if (slab->slab_used == cache->per_slab)
		partial_add_locked(cache, slab);
	cache->nr_used--;
	if (--slab->slab_used)
		return NULL;
	if (cache->nr_empty == 0) {
		cache->nr_empty++;
		return NULL;
	}
	partial_remove_locked(cache, slab);
	cache->nr_slabs--;
	return slab;
}

/* Put objects back; slabs that are destroyed for it wait in a list by slab_next. */
static void objects_give(struct cache *cache, void **objects, uint32_t count)
{
	uint64_t flags = spin_lock_irqsave(&cache->lock);
	struct page *empty;
	uint32_t empties = 0;

	while (count--) {
		empty = slab_give_locked(cache, *objects++);
		if (empty) {
			empty->slab_next = empties;
			empties = (uint32_t)page_to_frame(empty);
		}
	}
	spin_unlock_irqrestore(&cache->lock, flags);
	while (empties) {
		empty = frame_to_page(empties);
		empties = empty->slab_next;
		slab_destroy(cache, empty);
	}
}

/* Up to `count` objects from the partial slabs. */
static uint32_t objects_take(struct cache *cache, void **objects, uint32_t count)
{
	uint32_t got = 0;
	uint64_t flags = spin_lock_irqsave(&cache->lock);

	while (got < count && cache->partial_first)
		objects[got++] = slab_take_locked(cache, frame_to_page(cache->partial_first));
	spin_unlock_irqrestore(&cache->lock, flags);
	return got;
}

/* One object, from a new slab if need be. May sleep if the flags say so. */
static void *object_take(struct cache *cache, unsigned int flags)
{
	void *object;

	while (!objects_take(cache, &object, 1)) {
		struct page *slab = slab_create(cache, flags);

		if (!slab)
			return NULL;
		uint64_t irqs = spin_lock_irqsave(&cache->lock);

		partial_add_locked(cache, slab);
		cache->nr_empty++;
		cache->nr_slabs++;
		spin_unlock_irqrestore(&cache->lock, irqs);
	}
	return object;
}

/* ---- magazines ----------------------------------------------------------------------------- */

static struct magazine *magazine_of(const struct cache *cache)
{
	return (*this_cpu_ptr(magazines))[cache->id];
}

/* Give this CPU a magazine for the cache, if the cache is worth it; never sleeps. */
static struct magazine *magazine_create(struct cache *cache)
{
	if (!cache->id)
		return NULL;
	if (READ_ONCE(cache->nr_turns) < MAGAZINE_WORTHWHILE) {
		WRITE_ONCE(cache->nr_turns, READ_ONCE(cache->nr_turns) + 1);
		return NULL;
	}
	cache_ensure(&magazine_cache);
	struct magazine *magazine =
		object_take(&magazine_cache, ALLOC_NOWARN | ALLOC_NOFAIL_INJECT);

	if (!magazine)
		return NULL;
	magazine->count = 0;
	magazine->capacity = cache->magazine_size;
	(*this_cpu_ptr(magazines))[cache->id] = magazine;
	return magazine;
}

/* From the magazine, refilled if need be, else from a slab. */
static void *object_alloc(struct cache *cache, unsigned int flags)
{
	cache_ensure(cache);

	struct magazine *magazine = magazine_of(cache);

	if (!magazine)
		magazine = magazine_create(cache);
	if (magazine && magazine->count == 0)
		magazine->count =
			objects_take(cache, magazine->objects, (magazine->capacity + 1) / 2);
	if (magazine && magazine->count)
		return magazine->objects[--magazine->count];
	/* may sleep: the CPU's magazine may be another afterwards */
	return object_take(cache, flags);
}

/* All that is not a plain pop; every allocation of a debug kernel. */
static __noinline void *cache_alloc_slow(struct cache *cache, unsigned int flags, uintptr_t site)
{
	if (LOCK_DEBUG && (flags & ALLOC_MAY_RECLAIM)) {
		lock_assert_can_sleep();
		lockdep_assert_may_take(RANK_RECLAIM);
	}
	if (alloc_fail_now(flags))
		return NULL;
	void *object = object_alloc(cache, flags);

	if (!object)
		return NULL;
	kasan_unpoison(object, cache->size);
	if (SLAB_DEBUG)
		slab_debug_alloc(cache, object, site);
	return flags & ALLOC_ZERO ? memset(object, 0, cache->size) : object;
}

void *cache_alloc(struct cache *cache, unsigned int flags)
{
	struct magazine *magazine = magazine_of(cache);

	if (SLAB_DEBUG || unlikely(!magazine || !magazine->count || READ_ONCE(alloc_fail_armed)))
		return cache_alloc_slow(cache, flags,
					SLAB_DEBUG ? (uintptr_t)__builtin_return_address(0) : 0);
	void *object = magazine->objects[--magazine->count];

	return flags & ALLOC_ZERO ? memset(object, 0, cache->size) : object;
}

static void magazine_flush(struct cache *cache, struct magazine *magazine, uint32_t keep)
{
	objects_give(cache, &magazine->objects[keep], magazine->count - keep);
	magazine->count = keep;
}

static __noinline void cache_free_slow(struct cache *cache, void *object)
{
	struct magazine *magazine = magazine_of(cache);

	if (!magazine)
		magazine = magazine_create(cache);
	if (!magazine) {
		objects_give(cache, &object, 1);
		return;
	}
	if (magazine->count == magazine->capacity)
		magazine_flush(cache, magazine, magazine->capacity / 2);
	magazine->objects[magazine->count++] = object;
}

void cache_free_rested(struct cache *cache, void *object)
{
	struct magazine *magazine = magazine_of(cache);

	if (magazine && magazine->count < magazine->capacity)
		magazine->objects[magazine->count++] = object;
	else
		cache_free_slow(cache, object);
}

void cache_free(struct cache *cache, void *object)
{
	struct magazine *magazine = magazine_of(cache);

	if (unlikely(!object))
		return;
	debug_assert(page_head(virt_to_page(object))->cache == cache);
	if (KASAN)
		kasan_check_free(cache, object, (uintptr_t)__builtin_return_address(0));
	if (SLAB_DEBUG)
		slab_debug_free(cache, object, (uintptr_t)__builtin_return_address(0));
	if (KASAN) {
		if (!cache->is_internal && kasan_quarantine(&cache, &object))
			cache_free_rested(cache, object);
		return;
	}
	if (likely(magazine && magazine->count < magazine->capacity))
		magazine->objects[magazine->count++] = object;
	else
		cache_free_slow(cache, object);
}

/* ---- caches made at run time, draining, statistics ----------------------------------------- */

int cache_create(const char *name, size_t size, size_t align, struct cache **out)
{
	struct cache *cache = cache_zalloc(&cache_cache, ALLOC_KERNEL);

	if (!cache)
		return -ENOMEM;
	*cache = (struct cache)CACHE_SIZED(name, (uint32_t)size, (uint32_t)align);
	cache_ensure(cache);
	*out = cache;
	return 0;
}

/* A CPU's magazine of the cache goes, with what is in it: this CPU's, or nobody uses the cache. */
static void magazine_destroy(struct cache *cache, uint32_t cpu)
{
	struct magazine *magazine = (*per_cpu_ptr(magazines, cpu))[cache->id];

	if (!cache->id || !magazine)
		return;
	(*per_cpu_ptr(magazines, cpu))[cache->id] = NULL;
	magazine_flush(cache, magazine, 0);
	objects_give(&magazine_cache, (void **)&magazine, 1);
}

/* An empty slab off the list; NULL: there is none. */
static struct page *empty_take_locked(struct cache *cache)
{
	uint32_t frame = cache->partial_first;

	if (!cache->nr_empty)
		return NULL;
	while (frame_to_page(frame)->slab_used)
		frame = frame_to_page(frame)->slab_next;
	partial_remove_locked(cache, frame_to_page(frame));
	cache->nr_empty--;
	cache->nr_slabs--;
	return frame_to_page(frame);
}

/* The empty slabs that were kept go too; pages freed. */
static size_t cache_shrink(struct cache *cache)
{
	size_t pages = 0;

	magazine_destroy(cache, cpu_id());
	for (;;) {
		uint64_t flags = spin_lock_irqsave(&cache->lock);
		struct page *slab = empty_take_locked(cache);

		spin_unlock_irqrestore(&cache->lock, flags);
		if (!slab)
			return pages;
		slab_destroy(cache, slab);
		pages += 1ul << cache->order;
	}
}

/*
 * Caches are only ever removed by cache_destroy(), whose caller sees that nobody drains meanwhile.
 */
size_t cache_drain_all(void)
{
	struct cache *cache;
	size_t pages = 0;

	list_for_each_entry(cache, &caches.all, link)
		if (cache != &magazine_cache)
			pages += cache_shrink(cache);
	if (magazine_cache.stride)
		pages += cache_shrink(&magazine_cache);
	return pages;
}

void cache_destroy(struct cache *cache)
{
	if (KASAN)
		kasan_quarantine_drain();
	for_each_cpu(cpu)
		magazine_destroy(cache, cpu);
	cache_shrink(cache);
	assert(cache->nr_slabs == 0);

	uint64_t flags = spin_lock_irqsave(&caches.lock);

	list_remove(&cache->link);
	if (cache->id)
		bitmap_clear(caches.ids, cache->id);
	spin_unlock_irqrestore(&caches.lock, flags);
	cache_free(&cache_cache, cache);
}

static uint64_t cache_used(const struct cache *cache)
{
	uint64_t idle = 0;

	if (cache->id)
		for_each_cpu(cpu) {
			const struct magazine *magazine = (*per_cpu_ptr(magazines, cpu))[cache->id];

			idle += magazine ? READ_ONCE(magazine->count) : 0;
		}
	uint64_t used = READ_ONCE(cache->nr_used);

	return used > idle ? used - idle : 0;
}

void cache_for_each(void (*fn)(const struct cache_info *info, void *arg), void *arg)
{
	struct cache *cache;

	list_for_each_entry(cache, &caches.all, link) {
		struct cache_info info = {
			.name = cache->name, .size = cache->size, .stride = cache->stride,
			.per_slab = cache->per_slab, .pages_per_slab = 1u << cache->order,
			.nr_slabs = READ_ONCE(cache->nr_slabs), .nr_used = cache_used(cache),
		};

		fn(&info, arg);
	}
}

int64_t cache_objects_used(void)
{
	const struct cache *cache;
	int64_t used = 0;

	list_for_each_entry(cache, &caches.all, link)
		if (!cache->is_internal)
			used += (int64_t)cache_used(cache);
	return used;
}

static void drain(void)
{
	cache_drain_all();
}

GAUGE("slab_objects", cache_objects_used);
GAUGE_DRAIN_CPU(drain);
