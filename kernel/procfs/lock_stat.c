/*
 * /proc/lock_stat: who had to wait for locks, by rank. Linux's table
 * (Documentation/locking/lockstat.rst) without the columns that would cost something where nobody
 * waits: acquisitions, hold times, bounces. Times are microseconds. Writing 0 begins anew. There is
 * no switch: only waits are counted, always.
 */
#include <linux/errno.h>

#include "core/lockdep.h"
#include "core/lockrank.h"
#include "core/lockstat.h"
#include "procfs/root.h"

enum { NAME_WIDTH = 40, COLUMNS = 5, COLUMN_WIDTH = 14 };

static void rule(struct text *text)
{
	for (int i = 0; i < NAME_WIDTH + 1 + COLUMNS * (COLUMN_WIDTH + 1); i++)
		text_puts(text, "-");
	text_puts(text, "\n");
}

static void time_put(struct text *text, uint64_t ns)
{
	text_printf(text, " %11lu.%02lu", ns / 1000, ns % 1000 / 10);
}

int show_lock_stat(const struct node *node, struct text *text)
{
	struct lockstat stat;

	text_puts(text, "lock_stat version 0.4\n");
	rule(text);
	text_printf(text, "%40s %14s %14s %14s %14s %14s\n", "class name", "contentions",
		    "waittime-min", "waittime-max", "waittime-total", "waittime-avg");
	rule(text);
	text_puts(text, "\n");
	for (unsigned int rank = 0; rank < RANK_COUNT; rank++) {
		lockstat_read(rank, &stat);
		if (!stat.count)
			continue;
		text_printf(text, "%39s: %14lu", lock_rank_name(rank), stat.count);
		time_put(text, stat.min_ns);
		time_put(text, stat.max_ns);
		time_put(text, stat.total_ns);
		time_put(text, stat.total_ns / stat.count);
		text_puts(text, "\n");
	}
	return 0;
}

int write_lock_stat(const struct node *node, char *line, size_t len)
{
	if (!len || line[0] != '0')
		return -EINVAL;
	lockstat_reset();
	return 0;
}
