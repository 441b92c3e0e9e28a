/*
 * The lock bit of a page, and waiting for its flags: PAGE_LOCKED, PAGE_WRITEBACK.
 *
 *     page_lock(page); ... page_unlock(page);
 *     page_wait(page, PAGE_WRITEBACK);             until the flag is clear
 *     page_clear_and_wake(page, PAGE_WRITEBACK);   whoever ends it
 *
 * Whoever locks or waits has a reference on the page. The holder need not be a thread: pages that
 * are read are locked by one and unlocked by the bio's end, in any context that may spin. Nothing
 * is tracked about holders; the order is that of fs/disk_mapping.h.
 *
 * Waiters sleep on a few queues shared by all pages, by hash; PAGE_WAITERS says that there may be
 * one, so that unlocking without waiters is one atomic instruction.
 */
#pragma once

#include "lib/compiler.h"
#include "lib/types.h"
#include "mem/page.h"

static inline bool __must_check page_trylock(struct page *page)
{
	return !page_test_and_set(page, PAGE_LOCKED);
}
/* Sleep. */
void page_lock(struct page *page);
__must_check int page_lock_killable(struct page *page); /* -EINTR: a fatal signal came first */

/* Until none of the flags is set. Sleep. */
void page_wait(struct page *page, uint32_t flags);
__must_check int page_wait_killable(struct page *page, uint32_t flags);

/* Clears the flags, with release order, and wakes who waits. Any context that may spin. */
void page_clear_and_wake(struct page *page, uint32_t flags);

static inline void page_unlock(struct page *page)
{
	page_clear_and_wake(page, PAGE_LOCKED);
}
