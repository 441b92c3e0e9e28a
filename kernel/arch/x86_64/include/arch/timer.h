/*
 * The clock source and the one-shot timer.
 *
 * The clock: counter = arch_clock.read() (never steps back on one CPU), nanoseconds since some
 * start = counter delta * mult >> shift. The TSC is taken where it is invariant or emulated; else
 * KVM's clock, HPET, the ACPI PM timer, and last a TSC that is not promised to be steady.
 */
#pragma once

#include "lib/types.h"

struct arch_clock {
	const char *name;          /* as Linux has it: tsc, kvm-clock, hpet, acpi_pm */
	uint64_t  (*read)(void);
	uint64_t    mask;          /* the counter wraps at mask + 1 */
	uint64_t    frequency_hz;
	uint32_t    mult, shift;   /* ns = (delta * mult) >> shift; deltas up to 2^63 / mult */
	bool        is_tsc;        /* the vDSO may read it */
};

extern struct arch_clock arch_clock __const_after_init;

/* Chooses and calibrates (at most a few ms). After acpi_init() and irqchip_init(). */
void arch_clock_init(void);

/*
 * The TSC turned out to be no clock: arch_clock becomes the counter that it was measured by. False
 * if it was not the clock, or if there is no other. Boot CPU, before paging_seal();
 * clock_source_changed() must follow.
 */
bool arch_clock_leave_tsc(void);

/*
 * Seconds since 1970 by the CMOS clock, or the boot time that the firmware told; false if there is
 * none that makes sense.
 */
bool arch_wall_clock_read(int64_t *seconds);

/*
 * One-shot: upcall_timer_irq() on this CPU after at least delta (clipped to [1 us, what the
 * hardware holds]). Interrupts off.
 */
void arch_timer_arm(ns_t delta);
void arch_timer_cancel(void);

/* Sets up this CPU's timer, after arch_clock_init(). */
void arch_timer_init_cpu(void);

/* Busy wait, for device initialisation only: at most 1 ms at a time. */
void arch_delay_ns(ns_t ns);
