/*
 * CPU-time clocks: CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, and the numbers that
 * clock_getcpuclockid(3) and pthread_getcpuclockid(3) make: ~pid << 3 | for one thread << 2 | kind.
 */
#pragma once

#include "lib/types.h"

static inline bool is_cpu_clock(int clock)
{
	/* CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID */
	return clock < 0 || clock == 2 || clock == 3;
}

/* What the clock says now. -EINVAL: no such process, a thread of another one, or no such kind. */
__must_check int cpu_clock_read(int clock, ns_t *now_ns);
__must_check int cpu_clock_resolution(int clock, ns_t *resolution_ns);
