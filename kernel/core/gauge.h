/*
 * Gauges: numbers of live things (pages, slab objects, threads, inodes, files) that each room
 * registers where it counts them, so that a test can compare before and after and name what leaked.
 *
 *	GAUGE("files", files_count);
 *
 * drain functions give back what is only cached (magazines, free stacks, pending RCU):
 * GAUGE_DRAIN(fn), which may sleep, and GAUGE_DRAIN_CPU(fn) for what a CPU keeps for itself, which
 * runs on each CPU and may not. Read through procfs (/proc/gauges: names are one word) and by the
 * in-kernel tests.
 */
#pragma once

#include "lib/types.h"

struct gauge {
	const char *name;
	int64_t   (*read)(void);
};

struct gauge_drain {
	void (*drain)(void);
	bool   each_cpu;
};

#define GAUGE(gauge_name, fn)                                                 \
	static const struct gauge gauge_##fn __used __section(".gauges")      \
		__aligned(8) = { gauge_name, fn }
#define GAUGE_DRAIN_WHERE(fn, each)                                           \
	static const struct gauge_drain gauge_drain_##fn __used               \
		__section(".gauge_drains") __aligned(8) = { fn, each }
#define GAUGE_DRAIN(fn)     GAUGE_DRAIN_WHERE(fn, false)
#define GAUGE_DRAIN_CPU(fn) GAUGE_DRAIN_WHERE(fn, true)

/* All of them, gathered by the linker. */
extern const struct gauge gauges_start[];
extern const struct gauge gauges_end[];
extern const struct gauge_drain gauge_drains_start[];
extern const struct gauge_drain gauge_drains_end[];

enum { GAUGE_MAX = 48 };

/* Number of gauges, and the index-th. */
unsigned int gauge_count(void);
const struct gauge *gauge_at(unsigned int index);

/* Give back all that is only cached. May sleep. */
void gauge_drain_all(void);

/*
 * Calls fn on every CPU, one after the other or all at once, and returns when all have; sched/ puts
 * its own in place of the first one, which knows only this CPU.
 */
extern void (*gauge_on_each_cpu)(void (*fn)(void)) __const_after_init;

/* All values at one time; and a line in the log for each that differs; the number of those. */
struct gauge_snapshot {
	int64_t value[GAUGE_MAX];
};
void gauge_snapshot(struct gauge_snapshot *out);
unsigned int gauge_report_changes(const struct gauge_snapshot *before,
				  const struct gauge_snapshot *after);
