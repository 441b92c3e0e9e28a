/*
 * The heap for any size: a cache for each size class, whole runs of pages above the largest.
 */
#include <linux/errno.h>

#include "core/panic.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/buddy.h"
#include "mem/kasan.h"
#include "mem/slab.h"
#include "mem/vmalloc.h"

enum { CLASS_SIZE_MAX = 8192, TABLE_SIZE_MAX = 1024, CLASSES = 18 };

#define CLASS(size) CACHE_SIZED("kmalloc-" #size, size, 8)
static struct cache classes[CLASSES] = {
	CLASS(8),   CLASS(16),  CLASS(32),  CLASS(48),   CLASS(64),   CLASS(96),
	CLASS(128), CLASS(192), CLASS(256), CLASS(384),  CLASS(512),  CLASS(768),
	CLASS(1024), CLASS(1536), CLASS(2048), CLASS(3072), CLASS(4096), CLASS(8192),
};

/* The class for (size + 7) / 8, up to TABLE_SIZE_MAX. */
static const uint8_t class_of[TABLE_SIZE_MAX / 8 + 1] = {
	[0 ... 1] = 0, [2] = 1, [3 ... 4] = 2, [5 ... 6] = 3, [7 ... 8] = 4, [9 ... 12] = 5,
	[13 ... 16] = 6, [17 ... 24] = 7, [25 ... 32] = 8, [33 ... 48] = 9, [49 ... 64] = 10,
	[65 ... 96] = 11, [97 ... 128] = 12,
};

static struct cache *class_for(size_t size)
{
	if (likely(size <= TABLE_SIZE_MAX))
		return &classes[class_of[(size + 7) / 8]];
	for (int i = 13; i < CLASSES; i++)
		if (size <= classes[i].size)
			return &classes[i];
	return NULL;
}

static unsigned int order_for(size_t size)
{
	return size <= PAGE_SIZE ? 0 : bit_highest((size - 1) >> PAGE_SHIFT) + 1;
}

static __noinline void *kmalloc_large(size_t size, unsigned int flags)
{
	struct page *page =
		size > PAGE_SIZE << PAGE_ORDER_MAX ? NULL : pages_alloc(order_for(size), flags);

	if (!page)
		return NULL;
	page_set(page, PAGE_LARGE);
	return page_to_virt(page);
}

void *kmalloc(size_t size, unsigned int flags)
{
	if (unlikely(size > CLASS_SIZE_MAX))
		return kmalloc_large(size, flags);
	struct cache *cache = class_for(size);
	void *object = cache_alloc(cache, flags);

	kasan_trim(object, size, cache->size);
	return object;
}

void *kmalloc_array(size_t n, size_t size, unsigned int flags)
{
	size_t bytes;

	if (!checked_mul(n, size, &bytes))
		return NULL;
	return kmalloc(bytes, flags);
}

/* The address without the promise not to write there: the object is the allocator's again. */
static void *unconst(const void *object)
{
	return (void *)(uintptr_t)object;
}

void kfree(const void *object)
{
	if (!object)
		return;
	struct page *page = page_head(virt_to_page(object));

	if (likely(page_is(page, PAGE_SLAB))) {
		cache_free(page->cache, unconst(object));
		return;
	}
	assert(page_is(page, PAGE_LARGE));
	page_clear(page, PAGE_LARGE);
	pages_free(page, page_order(page));
}

size_t ksize(const void *object)
{
	struct page *page = page_head(virt_to_page(object));

	if (page_is(page, PAGE_SLAB))
		return page->cache->size;
	assert(page_is(page, PAGE_LARGE));
	return PAGE_SIZE << page_order(page);
}

void *krealloc(void *old, size_t size, unsigned int flags)
{
	size_t old_size = old ? ksize(old) : 0;

	if (old)
		kasan_unpoison(old, old_size);

	if (old && size <= old_size && (size > old_size / 2 || old_size <= 64))
		return old;
	void *new = kmalloc(size, flags);

	if (!new || !old)
		return new;
	memcpy(new, old, min(size, old_size));
	kfree(old);
	return new;
}

char *kstrdup(const char *text, unsigned int flags)
{
	return kmemdup(text, strlen(text) + 1, flags);
}

void *kmemdup(const void *data, size_t size, unsigned int flags)
{
	void *copy = kmalloc(size, flags);

	if (copy)
		memcpy(copy, data, size);
	return copy;
}

void *kvmalloc(size_t size, unsigned int flags)
{
	enum { LIKELY_TO_WORK = 32 * 1024 };
	void *object = NULL;

	if (size <= LIKELY_TO_WORK)
		object = kmalloc(size, flags | ALLOC_NOWARN);
	return object ? object : vmalloc(size, flags);
}

void kvfree(const void *object)
{
	if (is_vmalloc_address(object))
		vfree(object);
	else
		kfree(object);
}
