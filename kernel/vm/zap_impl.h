/*
 * Taking mappings away: pages are gathered while the leaf tables are locked, and given back only
 * after no processor can reach them any more.
 *
 *     zap_begin(&zap, space);
 *     zap_area(&zap, area, start, end); ...
 *     zap_end(&zap);
 *
 * Needs that nobody frees the tables meanwhile: the space's lock in any mode, or backing->lock
 * together with an area that is in the backing's tree.
 */
#pragma once

#include <arch/mmu.h>

#include "lib/types.h"

struct area;
struct page;
struct space;

#define ZAP_BATCH 64

struct zap {
	struct space *space;
	struct tlb_batch tlb;
	bool keeps_copies;          /* private copies stay, only pages of the object go */
	bool is_dying;              /* no processor runs the space: no flush before pages go */
	bool is_beside_readers;     /* the lock is only held for reading: shared tables stay */
	uint32_t nr_pages;
	struct page *pages[ZAP_BATCH];
};

void zap_begin(struct zap *zap, struct space *space);
/* Sleeps between batches. Inside the area. */
void zap_area(struct zap *zap, struct area *area, uaddr_t start, uaddr_t end);
void zap_end(struct zap *zap);
