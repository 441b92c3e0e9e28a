/*
 * Poison, red zones and owners of slab objects.
 */
#include "mem/slab_debug.h"

#include "core/panic.h"
#include "core/symbols.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/slab.h"

#define STATE_FREE 0xf4eef4eef4eef4eeul
#define STATE_USED 0xa110ca7eda110ca7ul

struct trailer {
	uint64_t  state;
	uintptr_t allocated_by;
	uintptr_t freed_by;
};
static_assert(sizeof(struct trailer) == SLAB_TRAILER_SIZE, "slab.c leaves this room");

static struct trailer *trailer_of(const struct cache *cache, void *object)
{
	return (struct trailer *)(void *)((char *)object + align_up(max(cache->size, 8u), 8u));
}

static void __noreturn report(const struct cache *cache, const void *object,
			      const struct trailer *trailer, const char *what)
{
	char allocated[128], freed[128];

	symbol_format(trailer->allocated_by, true, allocated, sizeof(allocated));
	symbol_format(trailer->freed_by, true, freed, sizeof(freed));
	panic("slab %s: object %p: %s; allocated by %s; freed by %s", cache->name, object, what,
	      allocated, freed);
}

void slab_debug_init(const struct cache *cache, void *object)
{
	memset(object, SLAB_POISON, cache->size);
	*trailer_of(cache, object) = (struct trailer){ .state = STATE_FREE };
}

static bool is_poisoned(const uint8_t *bytes, size_t size)
{
	while (size && *bytes == SLAB_POISON) {
		bytes++;
		size--;
	}
	return size == 0;
}

void slab_debug_alloc(const struct cache *cache, void *object, uintptr_t site)
{
	struct trailer *trailer = trailer_of(cache, object);

	if (trailer->state == STATE_USED)
		report(cache, object, trailer, "handed out twice");
	if (trailer->state != STATE_FREE)
		report(cache, object, trailer, "red zone overwritten while free");
	if (!is_poisoned(object, cache->size))
		report(cache, object, trailer, "written after it was freed");
	memset(object, SLAB_FRESH, cache->size);
	trailer->state = STATE_USED;
	trailer->allocated_by = site;
}

void slab_debug_free(const struct cache *cache, void *object, uintptr_t site)
{
	struct trailer *trailer = trailer_of(cache, object);

	if (trailer->state == STATE_FREE)
		report(cache, object, trailer, "freed twice");
	if (trailer->state != STATE_USED)
		report(cache, object, trailer, "red zone overwritten");
	memset(object, SLAB_POISON, cache->size);
	trailer->state = STATE_FREE;
	trailer->freed_by = site;
}

void slab_debug_sites(const struct cache *cache, void *object, uintptr_t *allocated,
                      uintptr_t *freed)
{
	*allocated = trailer_of(cache, object)->allocated_by;
	*freed = trailer_of(cache, object)->freed_by;
}
