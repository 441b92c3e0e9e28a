/*
 * Choice and calibration of the clock source.
 *
 * The TSC is the clock where it is promised to be steady: by the CPU (invariant), or by QEMU's
 * emulator, whose TSC is one clock for all CPUs. Else the first counter that the machine has; a TSC
 * without promise is the last resort, and so is one of which CPUs have different ones (smp.c
 * looks). `clocksource=` names another choice. The TSC's and the local APIC's frequencies are
 * measured against a known counter over a few milliseconds, each end read several times, of which
 * the tightest reading counts: what else the host does in between then does no harm.
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

/* What the others are measured by, and the clock when the TSC is none. */
static struct counter reference __ro_after_init;
static const char *wanted __ro_after_init = "";

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
static void measure(const struct counter *counter, uint64_t *tsc_hz)
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

	*tsc_hz = (end.tsc - start.tsc) * counter->frequency_hz / counted;
	if (measure_lapic) {
		lapic_timer_hz = (start.lapic - end.lapic) * counter->frequency_hz / counted;
		lapic_write(LAPIC_TIMER_COUNT, 0);
	}
}

/* CPUID's own word on the TSC (leaf 15h, where the crystal is named); 0: silent. */
static uint64_t tsc_hz_by_cpuid(void)
{
	uint32_t denominator, numerator, crystal_hz, d;

	if (cpu_identity.cpuid_level < 0x15)
		return 0;
	__cpuid(0x15, denominator, numerator, crystal_hz, d);
	return denominator ? (uint64_t)crystal_hz * numerator / denominator : 0;
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
	if (!strcmp(wanted, "acpi_pm") && counter_find_pm_timer(counter))
		return true;
	return counter_find_hpet(counter) || counter_find_pm_timer(counter) ||
	       counter_find_lapic(counter) || counter_find_pit(counter);
}

static bool reference_is_clock(void)
{
	return reference.mask > 0xffff && !reference.is_local;
}

static bool prefers_tsc(void)
{
	if (reference_is_clock() && !strcmp(wanted, reference.name))
		return false;
	return cpu_has(CPU_TSC_INVARIANT) || cpu_has(CPU_EMULATOR) || !reference_is_clock() ||
	       !strcmp(wanted, "tsc");
}

bool arch_clock_leave_tsc(void)
{
	if (!arch_clock.is_tsc || !reference_is_clock())
		return false;
	use_clock(&reference, false);
	return true;
}

void arch_clock_init(void)
{
	struct counter tsc = { .name = "tsc", .read = read_tsc, .mask = ~0ul };

	wall_clock_init();
	if (!find_reference(&reference))
		panic("this machine has no counter to measure time by");
	measure(&reference, &tsc.frequency_hz);
	if (tsc_hz_by_cpuid())
		tsc.frequency_hz = tsc_hz_by_cpuid();
	if (tsc.frequency_hz == 0 || lapic_timer_hz == 0)
		panic("the TSC or the local APIC's timer does not count");
	use_clock(prefers_tsc() ? &tsc : &reference, prefers_tsc());
	pr_info("%s at %lu kHz, measured by %s; TSC %lu kHz, APIC timer %lu kHz\n", arch_clock.name,
	        arch_clock.frequency_hz / 1000, reference.name, tsc.frequency_hz / 1000,
	        lapic_timer_hz / 1000);
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
	wanted = value ? value : "";
	return 0;
}

CMDLINE_EARLY("clocksource", parse_clocksource);
