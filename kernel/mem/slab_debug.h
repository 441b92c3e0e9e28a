/*
 * What the debug kernel checks of slab objects, for mem/slab.c only.
 *
 * Behind each object (its size rounded up to 8) lies a trailer: a red zone that is also the state,
 * and the return addresses of who allocated and who freed it last. A free object is filled with
 * SLAB_POISON; a byte that differs when it is handed out was written after the free.
 */
#pragma once

#include "lib/types.h"

struct cache;

#define SLAB_DEBUG DEBUG

enum { SLAB_TRAILER_SIZE = 24, SLAB_POISON = 0x6b, SLAB_FRESH = 0x5a };

/* First use of an object's memory; it is free. */
void slab_debug_init(const struct cache *cache, void *object);
/* Panic unless it is a sound free (or used) object; then it is used (or free). */
void slab_debug_alloc(const struct cache *cache, void *object, uintptr_t site);
/* Who allocated it and who freed it last, 0 for nobody. */
void slab_debug_sites(const struct cache *cache, void *object, uintptr_t *allocated,
                      uintptr_t *freed);
void slab_debug_free(const struct cache *cache, void *object, uintptr_t site);
