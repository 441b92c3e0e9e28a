/*
 * Starting the other CPUs.
 *
 * CPU 0 is the one that booted. The others get the numbers 1 .. nr_cpus() - 1 in the order of the
 * firmware's table, without gaps: one that does not answer in time, or for which memory is lacking,
 * is left out with a line in the log. Command line: nosmp, maxcpus=N (start so many), nr_cpus=N
 * (there are no more than that).
 */
#pragma once

#include "lib/types.h"

/*
 * Starts all of them at once and returns when they take interrupts and are counted in nr_cpus(), or
 * have been left out; within a second of the last answer (ten where a host runs the CPUs). Before a
 * CPU starts, the boot CPU calls prepare(cpu), which may fail with -errno; the CPU itself then
 * calls main() with interrupts off, on a stack of KSTACK_SIZE that ends at stack_top. Boot CPU,
 * once, interrupts on, after the clock works.
 */
void smp_start(int (*prepare)(uint32_t cpu), void (*main)(uintptr_t stack_top));

/*
 * Whether the TSCs of all started CPUs were seen to be in step; asked once smp_start() has
 * returned. The emulator's is one for all, and is not looked at.
 */
bool smp_tsc_is_in_step(void);

/* The id of a started CPU's local APIC, as /proc/cpuinfo shows it. */
uint32_t smp_apic_id(uint32_t cpu);
