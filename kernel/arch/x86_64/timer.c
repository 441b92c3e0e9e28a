/*
 * The one-shot timer: the local APIC's, or its TSC-deadline mode where the CPU has it and its TSC
 * is steady.
 */
#include <arch/timer.h>

#include <arch/cpu.h>
#include <arch/irqchip.h>
#include <arch/percpu.h>

#include "arch/x86_64/clock.h"
#include "arch/x86_64/lapic.h"
#include "arch/x86_64/regs.h"
#include "core/printk.h"

enum { EMULATED_LAPIC_HZ = 1000000000, DELTA_MIN_NS = 1000 };

static struct {
	bool     by_deadline;
	uint64_t ticks_per_ns_q32; /* timer ticks in a nanosecond, 32 fraction bits */
	ns_t     delta_max;
} timer __ro_after_init;

static uint64_t read_lapic_counter(void)
{
	return ~0u - lapic_read(LAPIC_TIMER_CURRENT);
}

bool counter_find_lapic(struct counter *counter)
{
	if (!cpu_has(CPU_EMULATOR))
		return false;
	lapic_timer_hz = EMULATED_LAPIC_HZ;
	lapic_write(LAPIC_TIMER_DIVIDE, LAPIC_DIVIDE_BY_1);
	lapic_write(LAPIC_TIMER_COUNT, ~0u);
	*counter = (struct counter){ .name = "lapic", .read = read_lapic_counter, .mask = ~0u,
	                             .frequency_hz = EMULATED_LAPIC_HZ, .is_local = true };
	return true;
}

static void choose_mode(void)
{
	uint64_t hz = lapic_timer_hz / LAPIC_TIMER_DIVISOR;

	timer.by_deadline = cpu_has(CPU_TSC_DEADLINE) && cpu_has(CPU_TSC_INVARIANT);
	if (timer.by_deadline) {
		hz = tsc_hz;
		pr_info("timer: by TSC deadline\n");
	}
	timer.ticks_per_ns_q32 = (hz << 24) / (NS_PER_SEC >> 8);
	/* Neither past what the count register holds nor past half the clock's period. */
	timer.delta_max = (ns_t)(0xffffffffu / (hz / 1000 + 1)) * NS_PER_MSEC;
	uint64_t half_period_s = arch_clock.mask / 2 / arch_clock.frequency_hz;

	if ((uint64_t)(timer.delta_max / NS_PER_SEC) >= half_period_s)
		timer.delta_max = (ns_t)(half_period_s ? half_period_s : 1) * NS_PER_SEC;
}

void arch_timer_init_cpu(void)
{
	if (cpu_id() == 0)
		choose_mode();
	else
		kvmclock_init_cpu();
	lapic_write(LAPIC_TIMER_DIVIDE, LAPIC_DIVIDE_BY_16);
	lapic_write(LAPIC_TIMER, VECTOR_TIMER | (timer.by_deadline ? LAPIC_TIMER_DEADLINE : 0));
	/* The mode, a write to memory, must have come before a deadline in an MSR does. */
	__asm__ volatile("mfence" : : : "memory");
}

void arch_timer_arm(ns_t delta)
{
	delta = delta < DELTA_MIN_NS ? DELTA_MIN_NS : delta;
	delta = delta > timer.delta_max ? timer.delta_max : delta;
	uint64_t ticks = (uint64_t)(((unsigned __int128)delta * timer.ticks_per_ns_q32) >> 32) + 1;

	if (timer.by_deadline)
		msr_write(MSR_TSC_DEADLINE, cpu_cycles() + ticks);
	else
		lapic_write(LAPIC_TIMER_COUNT, (uint32_t)ticks);
}

void arch_timer_cancel(void)
{
	if (timer.by_deadline)
		msr_write(MSR_TSC_DEADLINE, 0);
	else
		lapic_write(LAPIC_TIMER_COUNT, 0);
}
