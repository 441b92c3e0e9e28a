/*
 * Contention counters: how often, and for how long, somebody had to wait for a lock, for each rank
 * (core/lockrank.h), in both kernels. /proc/lock_stat shows them.
 *
 * Only the slow paths count, so a lock that is free costs nothing. Each CPU counts for itself: the
 * locks of one rank are waited for either with interrupts off or never in a handler, so no update
 * meets another one on its CPU.
 */
#pragma once

#include "lib/types.h"

struct lockstat {
	uint64_t count;
	uint64_t total_ns;
	uint64_t min_ns; /* the shortest and the longest wait; 0 if there was none */
	uint64_t max_ns;
};

/*
 * A count to measure a wait from, and the nanoseconds since then; on one CPU. 0 while the machine
 * has no clock yet. Any context.
 */
uint64_t lockstat_begin(void);
uint64_t lockstat_elapsed(uint64_t begin);

/* This CPU has waited that long for a lock of the rank. */
void lockstat_add(unsigned int rank, uint64_t waited_ns);

/* The sum over all CPUs; updates under way may be missing. */
void lockstat_read(unsigned int rank, struct lockstat *out);

/* All counters begin again from nothing; updates under way may survive. */
void lockstat_reset(void);
