/*
 * Sequence count: readers of a few words that must agree take no lock; they look again if a writer
 * was there meanwhile.
 *
 *	unsigned int seq;
 *	do {
 *		seq = seqcount_begin(&clock.seq);
 *		now = clock.base + ...;
 *	} while (seqcount_retry(&clock.seq, seq));
 *
 * Writers exclude each other by a lock of their own, named beside the count. A reader may see torn
 * values before it retries, so it must not follow pointers that RCU does not keep alive, and the
 * fields are read by READ_ONCE() where the compiler could split them. A writer that can be
 * interrupted by a reader turns interrupts off.
 */
#pragma once

#include <arch/cpu.h>

#include "lib/types.h"

struct seqcount {
	uint32_t sequence __atomic; /* odd while a writer is inside */
};

#define SEQCOUNT ((struct seqcount){ 0 })

/* The count to hand to seqcount_retry(); waits for a writer to finish. */
static inline unsigned int seqcount_begin(const struct seqcount *count)
{
	unsigned int seq;

	/* Pairs with the release in seqcount_write_end(). */
	while (unlikely((seq = __atomic_load_n(&count->sequence, __ATOMIC_ACQUIRE)) & 1))
		cpu_relax();
	return seq;
}

/* The count without waiting: odd means a writer is inside, and the caller falls back at once. */
static inline unsigned int seqcount_peek(const struct seqcount *count)
{
	/* Pairs with the release in seqcount_write_end(). */
	return __atomic_load_n(&count->sequence, __ATOMIC_ACQUIRE);
}

/* True if what was read since seqcount_begin() may be torn. */
static inline bool __must_check seqcount_retry(const struct seqcount *count, unsigned int seq)
{
	/*
	 * The reads of the data come before this one; pairs with the fence in
	 * seqcount_write_begin().
	 */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return unlikely(__atomic_load_n(&count->sequence, __ATOMIC_RELAXED) != seq);
}

static inline void seqcount_write_begin(struct seqcount *count)
{
	__atomic_store_n(&count->sequence, count->sequence + 1, __ATOMIC_RELAXED);
	/*
	 * The odd count is seen before any of the data; pairs with the fence in seqcount_retry().
	 */
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void seqcount_write_end(struct seqcount *count)
{
	/* Pairs with the acquire in seqcount_begin(). */
	__atomic_store_n(&count->sequence, count->sequence + 1, __ATOMIC_RELEASE);
}
