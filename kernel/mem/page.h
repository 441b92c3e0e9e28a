/*
 * struct page: what the kernel knows of one frame of RAM, in 32 bytes. One array, indexed by frame
 * number, holds them all; 1/128 of memory is what it costs.
 *
 * A run is 2^order frames that were allocated together; its first page is the head and carries
 * flags, counts, owner and index for all; the others are tails and know only their distance to it.
 * Code that is handed an arbitrary page of a run goes to page_head() first.
 *
 * Life of a frame: reserved (firmware, kernel image; never leaves, one reference) or free (in the
 * buddy lists or a per-CPU list) -> allocated, reference count 1 -> free again when the last
 * reference is put.
 *
 * The fields are overlaid by use:
 *
 *	              cache and user pages      slab pages             free, head of a block
 *	flags         PAGE_*                    PAGE_SLAB              PAGE_FREE
 *	refcount      references                1                      0
 *	mapcount      PTEs that map it          objects in use         -
 *	private_value the owner's word;         first free object      order
 *	              tails: distance to head
 *	owner, index  mapping or anonymous      cache, list link       list link
 *	              root; page in it
 *
 * Guards: flags, refcount and mapcount are atomic. owner and index change only under the page lock,
 * by whoever adds the page to or removes it from its owner. private_value belongs to the owner.
 * vm/ and fs/ keep no list of pages here: reclaim walks the page array with a clock hand
 * (page_by_frame()), so that the fast paths maintain nothing for it.
 */
#pragma once

#include <arch/layout.h>

#include "core/spinlock.h"
#include "lib/atomic.h"
#include "lib/list.h"
#include "lib/types.h"

enum page_flags {
	PAGE_LOCKED     = 1 << 0,  /* sched/vm: page_lock(), waiters on a hashed wait queue */
	PAGE_WAITERS    = 1 << 1,  /* someone sleeps on this page's lock or write-back */
	PAGE_UPTODATE   = 1 << 2,  /* content is valid */
	PAGE_DIRTY      = 1 << 3,  /* content is newer than what is stored */
	PAGE_WRITEBACK  = 1 << 4,  /* being stored now */
	PAGE_REFERENCED = 1 << 5,  /* used since the clock hand passed */
	/* in a mapping's index: owner is a struct mapping-like backing */
	PAGE_CACHED     = 1 << 6,
	PAGE_ANON       = 1 << 7,  /* anonymous: owner is an anonymous root */
	PAGE_ERROR      = 1 << 8,  /* reading or writing it failed */
	PAGE_UNEVICTABLE = 1 << 9, /* tmpfs without swap, mlock: reclaim passes by */
	PAGE_PRIVATE    = 1 << 10, /* private_value is in use by the owner */
	PAGE_OWNER_1    = 1 << 11, /* two bits of the owner's own */
	PAGE_OWNER_2    = 1 << 12,
	PAGE_TABLE      = 1 << 13, /* a page table */

	PAGE_FREE       = 1 << 16, /* head of a free block in the buddy lists */
	PAGE_SLAB       = 1 << 17, /* belongs to a cache */
	PAGE_TAIL       = 1 << 18, /* not the first of its run */
	PAGE_RESERVED   = 1 << 19, /* never allocated */
	PAGE_LARGE      = 1 << 20, /* a kmalloc() above the size classes */
	PAGE_CPU_LIST   = 1 << 21, /* free, in a CPU's list */

	PAGE_ORDER_SHIFT = 24,     /* bits 24 to 27: order of the run, on its head */
	PAGE_ORDER_MASK  = 0xf << PAGE_ORDER_SHIFT,
};

struct page {
	uint32_t flags __atomic;
	uint32_t refcount __atomic;
	union {
		uint32_t mapcount __atomic;  /* number of PTEs, 0 for none */
		struct {
			uint16_t slab_used;   /* slab: objects handed out */
			/* slab: objects ever handed out; beyond is untouched */
			uint16_t slab_carved;
		};
	};
	union {
		uint32_t private_value;
		uint32_t run_offset;         /* tail: pages back to the head */
		uint32_t free_order;         /* free block: its order */
		uint32_t slab_free;          /* slab: offset of the first free object + 1, 0 none */
	};
	union {
		struct {
			void   *owner;
			pgoff_t index;       /* page within the owner */
		};
		struct list link;            /* free block: of its order's list */
		struct spinlock table_lock;  /* page table: of its entries */
		struct {
			struct cache *cache; /* slab: to whom it belongs */
			uint32_t slab_next;  /* slab: frame of the next partial slab, 0 none */
			uint32_t slab_prev;
		};
	};
};
static_assert(sizeof(struct page) == 32, "one page of RAM costs 32 bytes");

/* Set once by memmap_init(): the array, and the frame after the last one that has an entry. */
extern struct page *page_array __const_after_init;
extern uint64_t page_array_end __const_after_init;

static inline uint64_t page_to_frame(const struct page *page)
{
	return (uint64_t)(page - page_array);
}

static inline struct page *frame_to_page(uint64_t frame)
{
	return page_array + frame;
}

static inline paddr_t page_to_phys(const struct page *page)
{
	return page_to_frame(page) << PAGE_SHIFT;
}

static inline struct page *phys_to_page(paddr_t phys)
{
	return frame_to_page(phys >> PAGE_SHIFT);
}

/* Address of the frame in the direct map, and back (for addresses in the direct map only). */
static inline void *page_to_virt(const struct page *page)
{
	return assume_aligned(phys_to_virt(page_to_phys(page)), PAGE_SIZE);
}

static inline struct page *virt_to_page(const void *address)
{
	return phys_to_page(virt_to_phys(address));
}

/* The page for a frame number that may lie in a hole or not be in use yet: NULL then. For scans. */
struct page *page_by_frame(uint64_t frame);

static inline uint32_t page_flags(const struct page *page)
{
	return __atomic_load_n(&page->flags, __ATOMIC_RELAXED);
}

static inline bool page_is(const struct page *page, uint32_t any_of)
{
	return page_flags(page) & any_of;
}

static inline void page_set(struct page *page, uint32_t flags)
{
	__atomic_fetch_or(&page->flags, flags, __ATOMIC_RELAXED);
}

static inline void page_clear(struct page *page, uint32_t flags)
{
	__atomic_fetch_and(&page->flags, ~flags, __ATOMIC_RELAXED);
}

/* Set or clear one flag and say what it was; orders what comes after or before it. */
static inline bool page_test_and_set(struct page *page, uint32_t flag)
{
	return __atomic_fetch_or(&page->flags, flag, __ATOMIC_ACQ_REL) & flag;
}

static inline bool page_test_and_clear(struct page *page, uint32_t flag)
{
	return __atomic_fetch_and(&page->flags, ~flag, __ATOMIC_ACQ_REL) & flag;
}

/* Order of the run whose head this is, and the head of the run that contains any page. */
static inline unsigned int page_order(const struct page *page)
{
	return (page_flags(page) & PAGE_ORDER_MASK) >> PAGE_ORDER_SHIFT;
}

static inline struct page *page_head(struct page *page)
{
	return page_is(page, PAGE_TAIL) ? page - page->run_offset : page;
}

/* References, always on the head. page_put() frees the run with the last one; never sleeps. */
static inline uint32_t page_refs(const struct page *page)
{
	return __atomic_load_n(&page->refcount, __ATOMIC_RELAXED);
}

static inline void page_get(struct page *page)
{
	__atomic_fetch_add(&page->refcount, 1, __ATOMIC_RELAXED);
}

static inline void page_get_many(struct page *page, uint32_t n)
{
	__atomic_fetch_add(&page->refcount, n, __ATOMIC_RELAXED);
}

/* A reference unless the count is zero: for lookups without a lock; check the owner afterwards. */
bool __must_check page_try_get(struct page *page);

/* If exactly `expected` references exist, take them all (count becomes 0) and return true. */
static inline bool __must_check page_freeze(struct page *page, uint32_t expected)
{
	return __atomic_compare_exchange_n(&page->refcount, &expected, 0, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

static inline void page_unfreeze(struct page *page, uint32_t refs)
{
	__atomic_store_n(&page->refcount, refs, __ATOMIC_RELEASE);
}

/* The last reference is gone already (refcount 0, owner cleared): give the run back. */
void page_free(struct page *page);

static inline void page_put(struct page *page)
{
	if (__atomic_sub_fetch(&page->refcount, 1, __ATOMIC_ACQ_REL) == 0)
		page_free(page);
}

/* PTEs that map the page, on the head. Each mapping also holds a reference. */
static inline uint32_t page_mapcount(const struct page *page)
{
	return __atomic_load_n(&page->mapcount, __ATOMIC_RELAXED);
}
