/*
 * gauges.h - the kernel's counts of live things, for the runner to find leaks by.
 *
 * /proc/gauges has a line `NAME COUNT` for each kind of thing (pages, inodes, files, threads...).
 * Linux has no such file: there is nothing to read then, and nothing leaks. What is only cached is
 * given back first, through /proc/sys/vm/drop_caches.
 */
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { GAUGES_MAX = 64, GAUGE_NAME_MAX = 32, LEAK_RUNS = 8 };

struct gauges {
	int count;
	struct {
		char name[GAUGE_NAME_MAX];
		long long value;
	} of[GAUGES_MAX];
};

static inline void caches_drop(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd >= 0 && write(fd, "3\n", 2) != 2)
		dprintf(STDOUT_FILENO, "runner: caches cannot be dropped\n");
	close(fd);
}

static inline void gauges_read(struct gauges *gauges)
{
	FILE *file = fopen("/proc/gauges", "re");

	gauges->count = 0;
	if (!file)
		return;
	fclose(file);
	caches_drop();
	file = fopen("/proc/gauges", "re");
	while (file && gauges->count < GAUGES_MAX &&
	       fscanf(file, "%31s %lld", gauges->of[gauges->count].name,
		      &gauges->of[gauges->count].value) == 2)
		gauges->count++;
	if (file)
		fclose(file);
}

/* What rose from one reading to the next stays `rising`; returns whether anything still is. */
static inline bool gauges_still_rise(const struct gauges *before, const struct gauges *after,
				     bool rising[GAUGES_MAX])
{
	bool any = false;

	for (int i = 0; i < GAUGES_MAX; i++) {
		rising[i] = rising[i] && i < before->count && i < after->count &&
			    after->of[i].value > before->of[i].value;
		any |= rising[i];
	}
	return any;
}

/* Says what rose in every run: what rises only at times is a first use or a cache, not a leak. */
static inline void leaks_say(const char *program, const struct gauges *first,
			     const struct gauges *last, const bool rising[GAUGES_MAX])
{
	for (int i = 0; i < GAUGES_MAX; i++)
		if (rising[i])
			dprintf(STDOUT_FILENO, "leak: %s: %s +%lld in %d runs\n", program,
				first->of[i].name, last->of[i].value - first->of[i].value,
				LEAK_RUNS);
}
