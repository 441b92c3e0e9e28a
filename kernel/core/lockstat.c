/*
 * See core/lockstat.h. A wait that ends while its counters are being reset or read may be counted
 * in part: they are statistics.
 */
#include "core/lockstat.h"

#include <arch/percpu.h>
#include <arch/timer.h>

#include "core/lockrank.h"
#include "lib/math.h"

typedef struct lockstat lockstat_ranks[RANK_COUNT];
static DEFINE_PER_CPU(lockstat_ranks, lockstats);

uint64_t lockstat_begin(void)
{
	return likely(arch_clock.read) ? arch_clock.read() : 0;
}

uint64_t lockstat_elapsed(uint64_t begin)
{
	uint64_t delta = (lockstat_begin() - begin) & arch_clock.mask;

	return mul_shift(delta, arch_clock.mult, arch_clock.shift);
}

void lockstat_add(unsigned int rank, uint64_t waited_ns)
{
	struct lockstat *stat = &(*this_cpu_ptr(lockstats))[rank];

	WRITE_ONCE(stat->min_ns, stat->count ? min(stat->min_ns, waited_ns) : waited_ns);
	WRITE_ONCE(stat->max_ns, max(stat->max_ns, waited_ns));
	WRITE_ONCE(stat->total_ns, stat->total_ns + waited_ns);
	WRITE_ONCE(stat->count, stat->count + 1);
}

void lockstat_read(unsigned int rank, struct lockstat *out)
{
	*out = (struct lockstat){ 0 };
	for_each_cpu(cpu) {
		const struct lockstat *stat = &(*per_cpu_ptr(lockstats, cpu))[rank];
		uint64_t count = READ_ONCE(stat->count), shortest = READ_ONCE(stat->min_ns);

		if (!count)
			continue;
		out->min_ns = out->count ? min(out->min_ns, shortest) : shortest;
		out->max_ns = max(out->max_ns, READ_ONCE(stat->max_ns));
		out->total_ns += READ_ONCE(stat->total_ns);
		out->count += count;
	}
}

void lockstat_reset(void)
{
	for_each_cpu(cpu)
		for (unsigned int rank = 0; rank < RANK_COUNT; rank++)
			WRITE_ONCE((*per_cpu_ptr(lockstats, cpu))[rank].count, 0);
}
