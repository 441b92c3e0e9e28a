/*
 * The clock page that a hypervisor keeps for each CPU (pvclock: KVM, Xen): what its TSC was at a
 * time in nanoseconds, and how to go on from there. Plain arithmetic, tried on the host.
 *
 * The hypervisor makes the version odd before it writes, and even again after: a reader begins anew
 * when it saw an odd one, or when it changed meanwhile.
 */
#pragma once

#include "lib/atomic.h"
#include "lib/types.h"

enum { PVCLOCK_TSC_STABLE = 1 << 0 /* all CPUs' pages agree to the tick */ };

/* The hypervisor's layout (Documentation/virt/kvm/x86/msr.rst). */
struct pvclock_page {
	uint32_t version, pad;
	uint64_t tsc_timestamp, system_time_ns;
	uint32_t tsc_to_ns_mul; /* times 2^-32 */
	int8_t   tsc_shift;     /* before that, to the left */
	uint8_t  flags, pad_end[2];
};

static inline uint64_t pvclock_scale(uint64_t ticks, uint32_t mul, int shift)
{
	ticks = shift < 0 ? ticks >> -shift : ticks << shift;
	return (uint64_t)(((unsigned __int128)ticks * mul) >> 32);
}

/* The time by this CPU's page. */
static inline uint64_t pvclock_read(const struct pvclock_page *page, uint64_t (*read_tsc)(void),
                                    uint8_t *flags)
{
	uint32_t version;
	uint64_t ns;

	do {
		version = atomic_load_acquire(&page->version) & ~1u;
		ns = READ_ONCE(page->system_time_ns) +
		     pvclock_scale(read_tsc() - READ_ONCE(page->tsc_timestamp),
		                   READ_ONCE(page->tsc_to_ns_mul), READ_ONCE(page->tsc_shift));
		*flags = READ_ONCE(page->flags);
		smp_rmb(); /* the fields before the version once more */
	} while (READ_ONCE(page->version) != version);
	return ns;
}

/* How fast the TSC runs, by the same factors; 0: they make no sense. */
static inline uint64_t pvclock_tsc_hz(const struct pvclock_page *page)
{
	if (page->tsc_to_ns_mul == 0 || page->tsc_shift < -31 || page->tsc_shift > 31)
		return 0;
	uint64_t hz = (1000000000ul << 32) / page->tsc_to_ns_mul;

	return page->tsc_shift < 0 ? hz << -page->tsc_shift : hz >> page->tsc_shift;
}
