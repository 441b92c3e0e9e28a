/*
 * Typed caches of objects of one size. A cache takes pages, cuts them into objects, and keeps for
 * each CPU a magazine of free ones, so that the usual allocation is a pop and the usual free a
 * push, without a lock.
 *
 *	static struct cache pipe_cache = CACHE("pipe", struct pipe);
 *	struct pipe *pipe = cache_alloc(&pipe_cache, ALLOC_KERNEL);
 *	cache_free(&pipe_cache, pipe);
 *
 * A static cache needs no initialisation: it sets itself up at its first allocation. Objects are
 * not constructed: content is undefined unless ALLOC_ZERO. Objects are aligned to 16 (8 if not
 * larger), or as their type asks. Works as soon as pages do; magazines begin with the eighth
 * object.
 *
 * The debug kernel fills free objects with 0x6b and checks that when they are handed out, puts red
 * zones behind them, finds double frees and names who allocated and who freed.
 *
 * Locking: a RANK_SLAB spinlock a cache; magazines belong to their CPU. Never in interrupts.
 */
#pragma once

#include "core/spinlock.h"
#include "lib/list.h"
#include "mem/alloc.h"

struct cache {
	const char     *name;
	uint32_t        size;   /* what the user asked for */
	uint32_t        align;
	uint32_t        stride; /* from object to object; 0: not yet set up */
	/* where a free object in a slab keeps the offset of the next */
	uint32_t        link_offset;
	uint16_t        id;     /* index of its magazines; 0: none */
	uint8_t         order;  /* pages of a slab */
	bool            is_internal; /* not counted as used by anyone */
	uint16_t        per_slab;
	uint16_t        magazine_size;
	struct spinlock lock;
	/* frame of a slab with free objects, 0 none */
	uint32_t        partial_first __guarded_by(lock);
	uint32_t        nr_empty __guarded_by(lock);      /* slabs without any object in use */
	uint32_t        nr_turns __atomic; /* without a magazine: a hint, may lose counts */
	uint64_t        nr_slabs __guarded_by(lock);
	uint64_t        nr_used __guarded_by(lock);       /* out of slabs, magazines included */
	struct list     link;   /* of all caches */
};

#define CACHE_SIZED(cache_name, object_size, object_align)                    \
	{ .name = (cache_name), .size = (object_size), .align = (object_align), \
	  .lock = SPINLOCK(RANK_SLAB) }
#define CACHE(cache_name, type) CACHE_SIZED(cache_name, sizeof(type), _Alignof(type))

/* An object, or NULL. */
void *cache_alloc(struct cache *cache, unsigned int flags) __must_check;

static inline void *__must_check cache_zalloc(struct cache *cache, unsigned int flags)
{
	return cache_alloc(cache, flags | ALLOC_ZERO);
}

/* Give it back; NULL is fine. */
void cache_free(struct cache *cache, void *object);

/* The address sanitizer's: of an object that cache_free() has laid to rest. */
void cache_free_rested(struct cache *cache, void *object);

/*
 * A cache made at run time (a loaded thing with a size of its own); all objects must be back at the
 * end.
 */
int __must_check cache_create(const char *name, size_t size, size_t align, struct cache **out);
void cache_destroy(struct cache *cache);

/* Empty this CPU's magazines and give back slabs without objects; pages that went. */
size_t cache_drain_all(void);

/* For /proc/slabinfo: calls fn for every cache, with numbers that agree. */
struct cache_info {
	const char *name;
	uint32_t    size, stride, per_slab, pages_per_slab;
	uint64_t    nr_slabs, nr_used; /* nr_used: in the hands of users */
};
void cache_for_each(void (*fn)(const struct cache_info *info, void *arg), void *arg);

/* Objects in the hands of users over all caches. */
int64_t cache_objects_used(void);
