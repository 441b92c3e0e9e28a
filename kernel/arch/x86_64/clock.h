/*
 * Counters to measure time by, for clock.c and timer.c.
 */
#pragma once

#include "lib/types.h"

/* A counter of known frequency. read() may wrap at mask + 1. */
struct counter {
	const char *name;
	uint64_t  (*read)(void);
	uint64_t    mask;
	uint64_t    frequency_hz;
	bool        is_local;      /* one a CPU: good to measure by, not as a clock */
};

/* counters.c: each is false if the machine has none. */
bool counter_find_hpet(struct counter *counter);
bool counter_find_pm_timer(struct counter *counter);
bool counter_find_pit(struct counter *counter);

/* kvmclock.c: KVM's, of all CPUs once each has been through kvmclock_init_cpu(). */
bool counter_find_kvmclock(struct counter *counter);
void kvmclock_init_cpu(void);

/* What the hypervisor tells about TSC and undivided APIC timer; 0: nothing. After the above. */
void hypervisor_frequencies(uint64_t *tsc, uint64_t *lapic);

/* timer.c: QEMU's emulated local APIC counts nanoseconds. Stops the timer. */
bool counter_find_lapic(struct counter *counter);

/* wall_clock.c: keeps what the firmware told. */
void wall_clock_init(void);

/* How fast the local APIC's timer counts undivided, and the TSC, once clock.c has found out. */
extern uint64_t lapic_timer_hz __const_after_init;
extern uint64_t tsc_hz __const_after_init;
enum { LAPIC_TIMER_DIVISOR = 16, LAPIC_DIVIDE_BY_16 = 3, LAPIC_DIVIDE_BY_1 = 11 };
