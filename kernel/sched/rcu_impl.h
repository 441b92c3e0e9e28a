/*
 * What the rest of the folder tells rcu.c: quiescent states and safe points.
 */
#pragma once

#include <arch/percpu.h>

#include "lib/atomic.h"
#include "lib/bits.h"
#include "lib/types.h"

extern uint64_t rcu_waiting_cpus;

/* Reports a quiescent state of this CPU to a grace period that waits for it. Any context. */
void rcu_report(void);

/* At every switch, with the run queue's lock: nearly always nothing. */
static inline void rcu_note_switch(void)
{
	if (unlikely(atomic_load_relaxed(&rcu_waiting_cpus)))
		rcu_report();
}

/* A grace period waits for this CPU. */
static inline bool rcu_awaits_this_cpu(void)
{
	return atomic_load(&rcu_waiting_cpus) & BIT(cpu_id());
}

void rcu_init_cpu(uint32_t cpu);
/* In the tick: user mode is quiescent; callbacks that wait ask for a safe point. */
void rcu_tick(bool user);
/* At a safe point of this CPU: runs the callbacks whose time has come. */
void rcu_run_callbacks(void);
/* Callbacks wait on this CPU and could be moved on. */
bool rcu_has_work(void);
