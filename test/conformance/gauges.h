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

enum { GAUGES_MAX = 64, GAUGE_NAME_MAX = 32 };

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

static inline bool gauges_have_risen(const struct gauges *before, const struct gauges *after)
{
	for (int i = 0; i < before->count && i < after->count; i++)
		if (after->of[i].value > before->of[i].value)
			return true;
	return false;
}

/* Says which gauges rose in both of two runs: what rises only once is a first use, not a leak. */
static inline void leaks_say(const char *program, const struct gauges run[3])
{
	for (int i = 0; i < run[0].count && i < run[2].count; i++) {
		long long first = run[1].of[i].value - run[0].of[i].value;
		long long second = run[2].of[i].value - run[1].of[i].value;

		if (first > 0 && second > 0)
			dprintf(STDOUT_FILENO, "leak: %s: %s +%lld, +%lld\n", program,
				run[0].of[i].name, first, second);
	}
}
