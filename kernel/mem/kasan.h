/*
 * The address sanitizer (build with KASAN=1; nothing of it is in other kernels).
 *
 * For each eight bytes of kernel memory there is a byte of shadow: 0 all may be used, 1 to 7 only
 * so many, else none, and why. The compiler calls a check before each access; allocators say here
 * what may be used. What is freed to a cache rests in a quarantine, so that a use after the free
 * finds it poisoned. A wrong access is told with its backtrace and who allocated and freed the
 * object, and is a panic.
 *
 * Shadow exists for RAM in the direct map, for the image and for what vmalloc has given out.
 * Accesses elsewhere (devices) and those of assembly (user memory) are not checked, nor are files
 * that the Makefile names: the sanitizer itself, the slab allocator, the way to the page tables.
 *
 * These functions take no locks unless it says so, and work in every context.
 */
#pragma once

#include <arch/layout.h>

#include "lib/types.h"

struct cache;

enum kasan_poison {
	KASAN_STACK_LEFT = 0xf1, KASAN_STACK_MIDDLE = 0xf2, KASAN_STACK_RIGHT = 0xf3,
	KASAN_GLOBAL = 0xf9, KASAN_SLAB_FREE = 0xfb, KASAN_SLAB_REDZONE = 0xfc,
	KASAN_PAGE_FREE = 0xff,
};

enum { KASAN_GRANULE = 8, KASAN_SHIFT = 3 };

/* The beginnings of the halves of the vmalloc area have their shadow from the start. */
#define KASAN_VMALLOC_READY (64ul << 20)

static inline int8_t *kasan_shadow(uintptr_t address)
{
	return (int8_t *)((address >> KASAN_SHIFT) + KASAN_SHADOW_OFFSET);
}

/* kasan.c; behind the inline functions below. */
void kasan_set_shadow(const void *start, size_t size, int8_t value);
bool kasan_is_poisoned(uintptr_t address, size_t size, uintptr_t *first);
int __must_check kasan_shadow_make(kaddr_t start, size_t size, unsigned int flags);
void kasan_check_free(const struct cache *cache, void *object, uintptr_t site);
bool kasan_quarantine(struct cache **cache, void **object);
void kasan_quarantine_drain(void);

/* One for each file, gathered by the linker; they register global variables. */
extern void (*const constructors_start[])(void);
extern void (*const constructors_end[])(void);

/* From here on accesses are checked. paging_init() calls it when all shadow is there. */
void kasan_start(void);

/* kasan_report.c: tells and panics, unless a test expects it. */
void kasan_report(uintptr_t address, size_t size, bool is_write, uintptr_t site);
void kasan_report_free(uintptr_t address, const char *what, uintptr_t site);

/* For tests: reports from now on only count; the kind of the last, NULL if there was none. */
void kasan_expect_begin(void);
const char *kasan_expect_end(void);

/* start at a multiple of 8. All size bytes may be used; the rest of the last eight may not. */
static inline void kasan_unpoison(const void *start, size_t size)
{
	if (KASAN)
		kasan_set_shadow(start, size, 0);
}

/* start at a multiple of 8, size rounded up to one. */
static inline void kasan_poison(const void *start, size_t size, enum kasan_poison why)
{
	if (KASAN)
		kasan_set_shadow(start, (size + 7) & ~7ul, (int8_t)why);
}

/* Of an object with room for `room` bytes only `size` were asked for. */
static inline void kasan_trim(const void *object, size_t size, size_t room)
{
	if (!KASAN || !object)
		return;
	kasan_poison(object, room, KASAN_SLAB_REDZONE);
	kasan_unpoison(object, size);
}

/* Shadow for a range of the vmalloc area. May sleep as the flags say. 0, or -ENOMEM. */
static inline int __must_check kasan_prepare(kaddr_t start, size_t size, unsigned int flags)
{
	return KASAN ? kasan_shadow_make(start, size, flags) : 0;
}
