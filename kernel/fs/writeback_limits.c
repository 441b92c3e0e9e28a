/*
 * How much may be dirty, and who waits for whom. See writeback.h.
 *
 * Limits are shares of what memory could hold: free pages and those of disks' files. They are
 * computed when the dirty pages have passed what was the background share last time, so that a
 * write normally compares two words.
 *
 * A writer above the limit waits for write-back to bring it below, but for no more than a second a
 * batch: a loop device's own writes are among those that it waits for.
 */
#include <linux/errno.h>

#include "fs/disk_impl.h"
#include "fs/super.h"
#include "fs/writeback.h"
#include "fs/writeback_impl.h"
#include "mem/buddy.h"
#include "sched/clock.h"
#include "sched/wait.h"

enum {
	ROOM_MIN = 256,             /* pages that may be under write-back in any case */
	LIMIT_MIN = 64,
	WAIT_NS = 100 * 1000 * 1000,
	WAITS_MAX = 10,
};

struct writeback_settings writeback_settings = {
	.background_ratio = 10,
	.ratio = 20,
	.expire_cs = 3000,
	.period_cs = 500,
};

static struct {
	struct wait_queue room;
	int64_t  pages __atomic;      /* under write-back */
	uint64_t background __atomic; /* as computed last */
	uint64_t limit __atomic;
} limits = {
	.room = WAIT_QUEUE(limits.room),
};

size_t writeback_pages(void)
{
	return (size_t)max(atomic_load_relaxed(&limits.pages), (int64_t)0);
}

static size_t share(size_t all, uint64_t bytes, int percent)
{
	return bytes ? (size_t)(bytes >> PAGE_SHIFT) : all / 100 * (size_t)percent;
}

void writeback_limits(size_t *background, size_t *limit)
{
	const struct writeback_settings *settings = &writeback_settings;
	size_t all = pages_free_count() + disk_file_pages() + disk_device_pages();

	*limit = max(share(all, settings->bytes, settings->ratio), (size_t)LIMIT_MIN);
	*background = share(all, settings->background_bytes, settings->background_ratio);
	*background = min(*background, *limit / 2);
	atomic_store_relaxed(&limits.background, *background);
	atomic_store_relaxed(&limits.limit, *limit);
}

static size_t pages_unclean(void)
{
	return dirty_pages() + writeback_pages();
}

bool writeback_is_over_background(void)
{
	size_t background, limit;

	if (dirty_pages() <= atomic_load_relaxed(&limits.background))
		return false;
	writeback_limits(&background, &limit);
	return dirty_pages() > background;
}

void writeback_pages_add(int64_t pages)
{
	atomic_add_return(&limits.pages, pages);
	if (pages < 0 && unlikely(wait_queue_is_active(&limits.room)) &&
	    pages_unclean() <= atomic_load_relaxed(&limits.limit))
		wake_up_all(&limits.room);
}

bool writeback_is_full(void)
{
	return writeback_pages() > atomic_load_relaxed(&limits.limit) / 2 + ROOM_MIN;
}

/* Above the limit nobody is woken before the dirty pages fall, too: look from time to time. */
void writeback_wait_room(void)
{
	enum { LOOK_NS = 5 * 1000 * 1000 };

	for (unsigned int i = 0; i < 2 * WAITS_MAX && writeback_is_full(); i++)
		(void)wait_event_until(&limits.room, !writeback_is_full(),
		                       clock_monotonic() + LOOK_NS);
}

void writeback_balance(struct mapping *mapping)
{
	size_t background, limit;

	if (likely(pages_unclean() <= atomic_load_relaxed(&limits.background)))
		return;
	writeback_limits(&background, &limit);
	if (pages_unclean() <= background)
		return;
	writeback_kick(mapping->host->super->writeback);
	for (unsigned int i = 0; i < WAITS_MAX && pages_unclean() > limit; i++) {
		writeback_kick_all();
		if (wait_event_loop(&limits.room, pages_unclean() <= limit, THREAD_KILLABLE,
		                    clock_monotonic() + WAIT_NS, false, , ) == -EINTR)
			break;
	}
}

void writeback_settings_changed(void)
{
	size_t background, limit;

	writeback_limits(&background, &limit);
	writeback_kick_all();
}
