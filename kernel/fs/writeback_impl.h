/*
 * Between writeback.c (inodes, threads), writeback_limits.c (how much may be dirty) and disk_sync.c
 * (pages and bios).
 */
#pragma once

#include "lib/types.h"

struct bio;
struct page_bios;
struct writeback;

/* ---- writeback.c ---------------------------------------------------------------------------- */

/* Counts the bio with the super block it is for: bio->private is the ticket. */
void writeback_bio_begin(struct page_bios *bios, struct bio *bio);
/* After the pages of the bio have been let go. */
void writeback_bio_done(uintptr_t ticket);
/* The thread of this super block looks now. Any context. */
void writeback_kick(struct writeback *writeback);

/* ---- writeback_limits.c --------------------------------------------------------------------- */

/* Pages under write-back; the last of many wakes who waits for room. */
void writeback_pages_add(int64_t pages);
/* So many pages are on their way that more would only cost memory. */
bool writeback_is_full(void);
void writeback_wait_room(void);
/* More is dirty than the background threads should leave. */
bool writeback_is_over_background(void);
