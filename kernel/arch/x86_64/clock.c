/*
 * Choice and calibration of the clock source.
 *
 * The TSC is the clock where it is promised to be steady: by the CPU (invariant), or by QEMU's
 * emulator, whose TSC is one clock for all CPUs. Else KVM's clock, else the first counter that the
 * machine has; a TSC without promise is the last resort, and so is one of which CPUs have different
 * ones (smp.c looks). `clocksource=` names another choice.
 *
 * The frequencies of the TSC and of the local APIC's timer are taken from who knows them: the
 * hypervisor, the CPU (leaf 15h, where it names its crystal). What nobody tells is measured against
 * a known counter over a few milliseconds, each end read several times, of which the tightest
 * reading counts: what else the host does in between then does no harm. Without such a counter the
 * CPU's nominal frequency (leaf 16h) must do.
 */
#define pr_fmt(fmt) "clock: " fmt

#include "arch/x86_64/clock.h"

#include <cpuid.h>

#include <arch/acpi.h>
#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/timer.h>

#include "arch/x86_64/lapic.h"
#include "boot/bootinfo.h"
#include "core/cmdline.h"
#include "core/panic.h"
#include "core/printk.h"
#include "lib/string.h"

enum { MEASURE_MS = 4, READINGS = 8, MULT_BITS = 22 };

struct arch_clock arch_clock __ro_after_init;
uint64_t lapic_timer_hz __ro_after_init;
uint64_t tsc_hz __ro_after_init;

static struct {
	const char *wanted;
	struct counter fallback; /* the clock when the TSC is none; no name: there is none */
} choice __ro_after_init = { .wanted = "" };

struct reading {
	uint64_t tsc, counter, lapic;
};

static uint64_t read_tsc(void)
{
	return cpu_cycles();
}

static struct reading read_all(const struct counter *counter)
{
	struct reading best = { 0 };
	uint64_t best_width = ~0ul;

	for (int i = 0; i < READINGS; i++) {
		uint64_t before = cpu_cycles();
		uint64_t value = counter->read();
		uint64_t after = cpu_cycles();

		if (after - before >= best_width)
			continue;
		best_width = after - before;
		best = (struct reading){ before + best_width / 2, value,
			                 lapic_read(LAPIC_TIMER_CURRENT) };
	}
	return best;
}

static uint64_t elapsed(const struct counter *counter, uint64_t start)
{
	return (counter->read() - start) & counter->mask;
}

/* What the TSC and the local APIC's timer do while the counter counts MEASURE_MS. */
static void measure(const struct counter *counter)
{
	uint64_t ticks = counter->frequency_hz * MEASURE_MS / 1000;
	bool measure_lapic = lapic_timer_hz == 0;

	if (measure_lapic) {
		lapic_write(LAPIC_TIMER_DIVIDE, LAPIC_DIVIDE_BY_1);
		lapic_write(LAPIC_TIMER_COUNT, ~0u);
	}
	struct reading start = read_all(counter);

	while (elapsed(counter, start.counter) < ticks)
		cpu_relax();
	struct reading end = read_all(counter);
	uint64_t counted = (end.counter - start.counter) & counter->mask;

	if (tsc_hz == 0)
		tsc_hz = (end.tsc - start.tsc) * counter->frequency_hz / counted;
	if (measure_lapic) {
		lapic_timer_hz = (start.lapic - end.lapic) * counter->frequency_hz / counted;
		lapic_write(LAPIC_TIMER_COUNT, 0);
	}
}

/* CPUID's own word on the TSC, where the crystal is named; 0: silent. */
static uint64_t tsc_hz_by_crystal(void)
{
	uint32_t denominator, numerator, crystal_hz, d;

	if (cpu_identity.cpuid_level < 0x15)
		return 0;
	__cpuid(0x15, denominator, numerator, crystal_hz, d);
	return denominator ? (uint64_t)crystal_hz * numerator / denominator : 0;
}

/* The nominal frequency of the CPU, at which the TSC runs but for some parts in a thousand. */
static uint64_t tsc_hz_by_name(void)
{
	uint32_t base_mhz, b, c, d;

	if (cpu_identity.cpuid_level < 0x16)
		return 0;
	__cpuid(0x16, base_mhz, b, c, d);
	return (base_mhz & 0xffff) * 1000000ul;
}

static void use_clock(const struct counter *counter, bool is_tsc)
{
	uint32_t shift = 32;

	while (shift > 0 && ((uint64_t)NS_PER_SEC << shift) / counter->frequency_hz >> MULT_BITS)
		shift--;
	arch_clock = (struct arch_clock){
		.name = counter->name, .read = counter->read, .mask = counter->mask,
		.frequency_hz = counter->frequency_hz, .shift = shift, .is_tsc = is_tsc,
		.mult = (uint32_t)((((uint64_t)NS_PER_SEC << shift) + counter->frequency_hz / 2) /
		                   counter->frequency_hz),
	};
}

static bool find_reference(struct counter *counter)
{
	if (!strcmp(choice.wanted, "acpi_pm") && counter_find_pm_timer(counter))
		return true;
	return counter_find_hpet(counter) || counter_find_pm_timer(counter) ||
	       counter_find_lapic(counter) || counter_find_pit(counter);
}

/* Finds out how fast TSC and APIC timer are; returns by whose word. */
static const char *calibrate(const struct counter *reference, struct counter *tsc)
{
	const char *by = "the hypervisor";

	if (tsc_hz == 0) {
		tsc_hz = tsc_hz_by_crystal();
		by = "CPUID";
	}
	if (tsc_hz == 0 && !reference->name) {
		tsc_hz = tsc_hz_by_name();
		by = "the CPU's name";
	}
	tsc->frequency_hz = tsc_hz;
	if (tsc_hz == 0)
		by = reference->name;
	if (!by)
		panic("this machine has no counter to measure time by");
	if (tsc_hz == 0 || lapic_timer_hz == 0)
		measure(reference->name ? reference : tsc);
	if (tsc_hz == 0 || lapic_timer_hz == 0)
		panic("the TSC or the local APIC's timer does not count");
	tsc->frequency_hz = tsc_hz;
	return by;
}

static void choose_fallback(const struct counter *reference, const struct counter *kvm)
{
	bool is_clock = reference->name && reference->mask > 0xffff && !reference->is_local;
	bool is_wanted = is_clock && !strcmp(choice.wanted, reference->name);

	if (kvm->name && !is_wanted)
		choice.fallback = *kvm;
	else if (is_clock)
		choice.fallback = *reference;
}

static bool prefers_tsc(void)
{
	const char *other = choice.fallback.name;

	if (other && !strcmp(choice.wanted, other))
		return false;
	return cpu_has(CPU_TSC_INVARIANT) || cpu_has(CPU_EMULATOR) || !other ||
	       !strcmp(choice.wanted, "tsc");
}

bool arch_clock_leave_tsc(void)
{
	if (!arch_clock.is_tsc || !choice.fallback.name)
		return false;
	use_clock(&choice.fallback, false);
	return true;
}

void arch_clock_init(void)
{
	struct counter tsc = { .name = "tsc", .read = read_tsc, .mask = ~0ul };
	struct counter reference = { 0 }, kvm = { 0 };

	wall_clock_init();
	if (!counter_find_kvmclock(&kvm))
		kvm.name = NULL;
	hypervisor_frequencies(&tsc_hz, &lapic_timer_hz);
	if (!find_reference(&reference))
		reference.name = NULL;
	const char *by = calibrate(&reference, &tsc);

	choose_fallback(&reference, &kvm);
	use_clock(prefers_tsc() ? &tsc : &choice.fallback, prefers_tsc());
	pr_info("%s at %lu kHz; TSC %lu kHz by %s, APIC timer %lu kHz\n", arch_clock.name,
	        arch_clock.frequency_hz / 1000, tsc_hz / 1000, by, lapic_timer_hz / 1000);
}

void arch_delay_ns(ns_t ns)
{
	uint64_t start = arch_clock.read();
	uint64_t ticks = (uint64_t)ns * (arch_clock.frequency_hz / 1000) / (NS_PER_SEC / 1000) + 1;

	while (((arch_clock.read() - start) & arch_clock.mask) < ticks)
		cpu_relax();
}

static int parse_clocksource(const char *value)
{
	choice.wanted = value ? value : "";
	return 0;
}

CMDLINE_EARLY("clocksource", parse_clocksource);
