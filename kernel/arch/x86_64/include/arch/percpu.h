/*
 * Per-CPU variables: one copy for each CPU, reached through GS.
 *
 *     DEFINE_PER_CPU(struct magazine, page_magazine);       in one .c
 *     DECLARE_PER_CPU(struct magazine, page_magazine);      in its header
 *     struct magazine *m = this_cpu_ptr(page_magazine);
 *     this_cpu_add(nr_switches, 1);                         one instruction
 *
 * The boot CPU uses the linked section itself (delta 0), so per-CPU data works from the first line
 * of C. Another CPU's copy is made from the section's initial image by percpu_create() before that
 * CPU starts. The kernel is not preempted: a pointer from this_cpu_ptr() stays right until the
 * caller sleeps. Against interrupt handlers, use irq_save() or the single-instruction operations.
 */
#pragma once

#include "lib/types.h"
#include "arch/cpu.h"

#define DEFINE_PER_CPU(type, name)  __section(".percpu") __typeof__(type) name
#define DECLARE_PER_CPU(type, name) extern __section(".percpu") __typeof__(type) name

DECLARE_PER_CPU(uint64_t, percpu_delta);  /* what this CPU adds to a variable's linked address */
DECLARE_PER_CPU(uint32_t, percpu_number); /* 0 is the boot CPU */

extern uint64_t percpu_deltas[MAX_CPUS];
extern uint32_t percpu_nr_cpus;

#define this_cpu_read(var) ({ \
	__typeof__(var) value_; \
	static_assert(sizeof(var) <= 8, "one register"); \
	__asm__ volatile("mov %%gs:%1, %0" : "=q"(value_) : "m"(var)); \
	value_; })

#define this_cpu_write(var, new_value) do { \
	__typeof__(var) value_ = (new_value); \
	__asm__ volatile("mov %1, %%gs:%0" : "=m"(var) : "q"(value_)); \
} while (0)

/* Safe against interrupts on this CPU. */
#define this_cpu_add(var, amount) do { \
	__typeof__(var) amount_ = (__typeof__(var))(amount); \
	__asm__ volatile("add %1, %%gs:%0" : "+m"(var) : "q"(amount_)); \
} while (0)

#define this_cpu_ptr(var) \
	((__typeof__(&(var)))((uintptr_t)&(var) + this_cpu_read(percpu_delta)))
#define per_cpu_ptr(var, cpu) \
	((__typeof__(&(var)))((uintptr_t)&(var) + percpu_deltas[cpu]))

static inline uint32_t cpu_id(void)
{
	return this_cpu_read(percpu_number);
}

/* CPUs that have been started; ids are 0 .. nr_cpus() - 1. */
static inline uint32_t nr_cpus(void)
{
	return READ_ONCE(percpu_nr_cpus);
}

#define for_each_cpu(cpu) for (uint32_t cpu = 0; (cpu) < nr_cpus(); (cpu)++)

/*
 * Makes the copy for a CPU that is about to start. -ENOMEM. The boot CPU calls it, in order of cpu.
 */
__must_check int percpu_create(uint32_t cpu);
