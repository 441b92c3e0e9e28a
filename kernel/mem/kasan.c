/*
 * The address sanitizer: the shadow, the checks that the compiler calls, global variables, the
 * quarantine. See mem/kasan.h. This file is not itself instrumented.
 */
#include "mem/kasan.h"

#include <linux/errno.h>

#include <arch/mmu.h>
#include <arch/thread.h>

#include "core/gauge.h"
#include "core/spinlock.h"
#include "lib/asan.h"
#include "mem/buddy.h"
#include "mem/memmap.h"
#include "mem/slab.h"

static bool is_ready;
static uint64_t ram_end __const_after_init;

/* ---- the shadow ---------------------------------------------------------------------------- */

/* Whether the address has shadow. */
static bool is_tracked(uintptr_t address)
{
	paddr_t paddr;

	if (address - direct_map_base < ram_end)
		return true;
	if (address - (uintptr_t)kernel_start < (uintptr_t)(kernel_end - kernel_start))
		return true;
	if ((address - vmalloc_base) % (VMALLOC_SIZE / 2) < KASAN_VMALLOC_READY &&
	    address - vmalloc_base < VMALLOC_SIZE)
		return true;
	return address - vmalloc_base < VMALLOC_SIZE &&
	       kmap_lookup((kaddr_t)kasan_shadow(address), &paddr);
}

/* memset() would be checked itself. */
static void fill(int8_t *to, int8_t value, size_t size)
{
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
}

void kasan_set_shadow(const void *start, size_t size, int8_t value)
{
	int8_t *shadow = kasan_shadow((uintptr_t)start);

	if (!is_ready || !size || !is_tracked((uintptr_t)start))
		return;
	fill(shadow, value, size >> KASAN_SHIFT);
	if (size % KASAN_GRANULE)
		shadow[size >> KASAN_SHIFT] = (int8_t)(size % KASAN_GRANULE);
}

/* The first byte of the granule that may not be used, at or after the address in it; 8: none. */
static unsigned int first_bad_in(int8_t shadow, unsigned int from, unsigned int to)
{
	if (shadow == 0 || (shadow > 0 && to <= (unsigned int)shadow))
		return KASAN_GRANULE;
	return shadow > 0 && from < (unsigned int)shadow ? (unsigned int)shadow : from;
}

bool kasan_is_poisoned(uintptr_t address, size_t size, uintptr_t *first)
{
	uintptr_t end = address + size;

	for (uintptr_t at = address; at < end;) {
		uintptr_t granule = at & ~7ul;
		unsigned int to = end - granule < KASAN_GRANULE ? (unsigned int)(end - granule)
		                                                : KASAN_GRANULE;
		unsigned int bad = first_bad_in(*kasan_shadow(at), at & 7, to);

		if (bad < KASAN_GRANULE) {
			*first = granule + bad;
			return true;
		}
		at = granule + KASAN_GRANULE;
	}
	return false;
}

static struct spinlock shadow_lock = SPINLOCK(RANK_VMALLOC);

static int shadow_page_make(kaddr_t at, unsigned int flags)
{
	struct page *page;
	paddr_t paddr;
	int err = 0;

	if (kmap_lookup(at, &paddr))
		return 0;
	page = page_alloc(flags | ALLOC_ZERO);
	if (!page)
		return -ENOMEM;
	spin_lock(&shadow_lock);
	bool is_there = kmap_lookup(at, &paddr);

	if (!is_there)
		err = kmap_pages(at, page_to_phys(page), 1, PROT_PTE_WRITE | PROT_PTE_DIRTY);
	spin_unlock(&shadow_lock);
	if (is_there || err)
		page_put(page);
	return err;
}

int kasan_shadow_make(kaddr_t start, size_t size, unsigned int flags)
{
	kaddr_t end = (kaddr_t)kasan_shadow(start + size - 1);

	for (kaddr_t at = (kaddr_t)kasan_shadow(start) & PAGE_MASK; at <= end; at += PAGE_SIZE) {
		int err = shadow_page_make(at, flags);

		if (err)
			return err;
	}
	kasan_unpoison((const void *)start, size);
	return 0;
}

/* ---- checks -------------------------------------------------------------------------------- */

static __always_inline void check(uintptr_t address, size_t size, bool is_write, void *site)
{
	uintptr_t first;

	if (unlikely(!is_ready || !size || !is_tracked(address)))
		return;
	if (unlikely(kasan_is_poisoned(address, size, &first)))
		kasan_report(address, size, is_write, (uintptr_t)site);
}

#define CALLER __builtin_return_address(0)

/* What the compiler calls before each access. */
#define DEFINE_CHECKS(size) \
	void __asan_load##size##_noabort(void *address); \
	void __asan_store##size##_noabort(void *address); \
	void __asan_load##size##_noabort(void *address) \
	{ \
		check((uintptr_t)address, size, false, CALLER); \
	} \
	void __asan_store##size##_noabort(void *address) \
	{ \
		check((uintptr_t)address, size, true, CALLER); \
	}

DEFINE_CHECKS(1)
DEFINE_CHECKS(2)
DEFINE_CHECKS(4)
DEFINE_CHECKS(8)
DEFINE_CHECKS(16)

void __asan_loadN_noabort(void *address, long size)
{
	check((uintptr_t)address, (size_t)size, false, CALLER);
}

void __asan_storeN_noabort(void *address, long size)
{
	check((uintptr_t)address, (size_t)size, true, CALLER);
}

/* Before a call that does not return: the frames from here to the stack's top are done with. */
void __asan_handle_no_return(void);
void __asan_handle_no_return(void)
{
	const struct arch_thread *thread = arch_current();
	uintptr_t from = (uintptr_t)__builtin_frame_address(0) & ~7ul;

	if (thread && thread->stack_top - from <= KSTACK_SIZE)
		kasan_unpoison((void *)from, thread->stack_top - from);
}

/* ---- global variables ---------------------------------------------------------------------- */

/* The compiler's; a variable with its red zone. */
struct asan_global {
	const void *start;
	size_t      size, size_with_redzone;
	const char *name, *module;
	size_t      has_dynamic_init;
	const void *location, *odr_indicator;
};

void __asan_register_globals(void *list, long count);
void __asan_unregister_globals(void *list, long count);

void __asan_register_globals(void *list, long count)
{
	const struct asan_global *globals = list;

	for (long i = 0; i < count; i++) {
		kasan_poison(globals[i].start, globals[i].size_with_redzone, KASAN_GLOBAL);
		kasan_unpoison(globals[i].start, globals[i].size);
	}
}

void __asan_unregister_globals(void *list, long count)
{
}

void kasan_start(void)
{
	ram_end = memmap_end();
	is_ready = true;
	for (void (*const *fn)(void) = constructors_start; fn < constructors_end; fn++)
		(*fn)();
}

/* ---- quarantine ---------------------------------------------------------------------------- */

enum { RESTING_MAX = 2048 };

struct resting {
	struct cache *cache;
	void         *object;
};

static struct {
	struct spinlock lock;
	uint32_t        first, count __guarded_by(lock);
	struct resting  objects[RESTING_MAX] __guarded_by(lock);
} quarantine = { .lock = SPINLOCK(RANK_SLAB) };

void kasan_check_free(const struct cache *cache, void *object, uintptr_t site)
{
	if ((uint8_t)*kasan_shadow((uintptr_t)object) == KASAN_SLAB_FREE)
		kasan_report_free((uintptr_t)object, "double-free", site);
	kasan_unpoison(object, cache->size); /* the debug kernel fills it */
}

/*
 * Lays an object to rest. True: another, which has rested long enough, is to be freed in its place.
 */
bool kasan_quarantine(struct cache **cache, void **object)
{
	struct resting in = { *cache, *object };
	uint64_t flags = spin_lock_irqsave(&quarantine.lock);
	struct resting *slot =
		&quarantine.objects[(quarantine.first + quarantine.count) % RESTING_MAX];
	bool is_full = quarantine.count == RESTING_MAX;

	kasan_poison(in.object, in.cache->size, KASAN_SLAB_FREE);
	if (is_full) {
		*cache = slot->cache;
		*object = slot->object;
		quarantine.first = (quarantine.first + 1) % RESTING_MAX;
	} else {
		quarantine.count++;
	}
	*slot = in;
	spin_unlock_irqrestore(&quarantine.lock, flags);
	return is_full;
}

static bool quarantine_take(struct resting *out)
{
	uint64_t flags = spin_lock_irqsave(&quarantine.lock);
	bool has = quarantine.count > 0;

	if (has) {
		*out = quarantine.objects[quarantine.first];
		quarantine.first = (quarantine.first + 1) % RESTING_MAX;
		quarantine.count--;
	}
	spin_unlock_irqrestore(&quarantine.lock, flags);
	return has;
}

void kasan_quarantine_drain(void)
{
	struct resting it;

	while (quarantine_take(&it))
		cache_free_rested(it.cache, it.object);
}

GAUGE_DRAIN(kasan_quarantine_drain);
