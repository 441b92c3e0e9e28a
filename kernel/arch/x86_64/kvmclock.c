/*
 * Time by the hypervisor's word: KVM's clock pages, one a CPU (pvclock.h), and the frequencies of
 * TSC and APIC timer that KVM and VMware tell by CPUID 0x40000010.
 *
 * A page lies in the CPU's per-CPU data; its physical address, with bit 0 set, goes into an MSR,
 * and from then on the hypervisor keeps it right. Where it does not promise that all CPUs' pages
 * agree, the clock is held by the latest time that any CPU has read.
 */
#include "arch/x86_64/clock.h"

#include <cpuid.h>

#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/percpu.h>

#include "arch/x86_64/hypervisor.h"
#include "arch/x86_64/pvclock.h"
#include "arch/x86_64/regs.h"

enum {
	LEAF_KVM_FEATURES = 0x40000001, LEAF_FREQUENCIES = 0x40000010,
	FEATURE_CLOCK_OLD = 1 << 0, FEATURE_CLOCK = 1 << 3, PAGE_ENABLED = 1,
	MSR_CLOCK_OLD = 0x12, MSR_CLOCK = 0x4b564d01,
};

static DEFINE_PER_CPU(struct pvclock_page, clock_page) __aligned(CACHE_LINE_SIZE);

static struct {
	uint32_t msr __const_after_init; /* 0: there is no such clock */
	uint64_t last_ns __atomic;       /* the latest time read, where pages may disagree */
} kvmclock;

static bool is_kvm(void)
{
	return hypervisor_is("KVMKVMKVM\0\0");
}

/* The later of this time and what any CPU has been told before. */
static uint64_t not_before_last(uint64_t ns)
{
	uint64_t last = atomic_load_relaxed(&kvmclock.last_ns);

	while (last < ns && !atomic_cmpxchg(&kvmclock.last_ns, &last, ns))
		;
	return last < ns ? ns : last;
}

static uint64_t read_kvmclock(void)
{
	uint8_t flags;
	uint64_t ns = pvclock_read(this_cpu_ptr(clock_page), cpu_cycles_ordered, &flags);

	return flags & PVCLOCK_TSC_STABLE ? ns : not_before_last(ns);
}

void kvmclock_init_cpu(void)
{
	paddr_t paddr;

	if (kvmclock.msr && kmap_lookup((kaddr_t)this_cpu_ptr(clock_page), &paddr))
		msr_write(kvmclock.msr, paddr | PAGE_ENABLED);
}

bool counter_find_kvmclock(struct counter *counter)
{
	uint32_t features, b, c, d;

	if (!is_kvm())
		return false;
	__cpuid(LEAF_KVM_FEATURES, features, b, c, d);
	if (features & FEATURE_CLOCK)
		kvmclock.msr = MSR_CLOCK;
	else if (features & FEATURE_CLOCK_OLD)
		kvmclock.msr = MSR_CLOCK_OLD;
	kvmclock_init_cpu();
	if (!kvmclock.msr || pvclock_tsc_hz(this_cpu_ptr(clock_page)) == 0)
		return false;
	*counter = (struct counter){ .name = "kvm-clock", .read = read_kvmclock, .mask = ~0ul,
	                             .frequency_hz = NS_PER_SEC };
	return true;
}

void hypervisor_frequencies(uint64_t *tsc, uint64_t *lapic)
{
	uint32_t level, tsc_khz, bus_khz, c, d;

	*tsc = kvmclock.msr ? pvclock_tsc_hz(this_cpu_ptr(clock_page)) : 0;
	*lapic = 0;
	if (!is_kvm() && !hypervisor_is("VMwareVMware"))
		return;
	__cpuid(HYPERVISOR_SIGNATURE, level, tsc_khz, c, d);
	if (level < LEAF_FREQUENCIES)
		return;
	__cpuid(LEAF_FREQUENCIES, tsc_khz, bus_khz, c, d);
	*tsc = *tsc ? *tsc : tsc_khz * 1000ul;
	*lapic = bus_khz * 1000ul;
}
