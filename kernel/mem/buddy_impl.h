/*
 * Between page.c (per-CPU lists, watermarks) and buddy.c (pools, sections).
 */
#pragma once

#include "lib/types.h"

struct page;

/*
 * A block of exactly this order out of a pool, its struct pages blank; NULL. ALLOC_DMA32 matters
 * only.
 */
struct page *pools_take(unsigned int order, unsigned int flags) __must_check;
void pools_give(struct page *page, unsigned int order);
/* The same for single pages, many in one turn of the lock: how many there were, of at most nr. */
unsigned int pools_take_pages(struct page **pages, unsigned int nr) __must_check;
void pools_give_pages(struct page *const *pages, unsigned int nr);

/* There is a free run of this order, or a larger one to be split. May change at once. */
bool pools_have_run(unsigned int order);

/* One more section of memory into the pools; false if all are in. */
bool section_bring_in_next(void);

/* Pages in the pools and in the sections to come. */
uint64_t pages_spare(void);

/* Managed pages grow; the watermarks for that many. Start-up. */
void pages_total_add(uint64_t pages);
void watermarks_init(uint64_t pages);
