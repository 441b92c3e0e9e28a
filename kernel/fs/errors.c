/*
 * Error sequences. See errors.h.
 *
 * The word: the error in the low bits, then "somebody has seen it", then a count that moves only
 * when a seen error is followed by another, so that it lasts.
 */
#include "fs/errors.h"

#include <linux/errno.h>

#include "lib/atomic.h"

enum {
	ERROR_MASK = 0xfff,
	SEEN       = 1 << 12,
	COUNT_ONE  = 1 << 13,
};

void error_sequence_set(uint32_t *sequence, int err)
{
	uint32_t old = atomic_load_relaxed(sequence), new;

	do {
		new = (old & ~(uint32_t)(ERROR_MASK | SEEN)) | (uint32_t)-err;
		if (old & SEEN)
			new += COUNT_ONE;
	} while (new != old && !atomic_cmpxchg(sequence, &old, new));
}

uint32_t error_sequence_sample(const uint32_t *sequence)
{
	uint32_t now = atomic_load_acquire(sequence);

	/* Nobody has heard of this one: the new file shall. */
	return now & SEEN ? now : 0;
}

int error_sequence_check_and_advance(uint32_t *sequence, uint32_t *sample)
{
	uint32_t old = atomic_load_acquire(sequence), new = old | SEEN;

	if (likely(old == atomic_load_relaxed(sample)))
		return 0;
	/* Who sets a newer one meanwhile is told next time. */
	if (new != old && atomic_cmpxchg(sequence, &old, new))
		old = new;
	atomic_store_relaxed(sample, new);
	return -(int)(new & ERROR_MASK);
}
