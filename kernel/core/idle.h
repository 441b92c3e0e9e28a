/*
 * Which CPUs are halted with nothing running on them, not even an interrupt handler: nobody there
 * reads what RCU protects, so a grace period need not wake them.
 *
 * The idle loop calls idle_enter() before it halts; every interrupt handler that runs code above
 * arch/ calls idle_leave() first, and so does the idle loop after the halt.
 */
#pragma once

#include <arch/percpu.h>

#include "lib/atomic.h"
#include "lib/bits.h"

extern uint64_t idle_cpus __atomic; /* bit n: CPU n */
DECLARE_PER_CPU(bool, idle_here);

/* This CPU's idle loop, interrupts off. What it read before is read before others see the bit. */
static inline void idle_enter(void)
{
	this_cpu_write(idle_here, true);
	atomic_or(&idle_cpus, BIT(cpu_id())); /* pairs with the load in rcu_start_locked() */
}

/* Interrupts off. What the caller reads afterwards is read after others see the bit gone. */
static inline void idle_leave(void)
{
	if (!this_cpu_read(idle_here))
		return;
	this_cpu_write(idle_here, false);
	atomic_and(&idle_cpus, ~BIT(cpu_id())); /* pairs with the load in rcu_start_locked() */
}
