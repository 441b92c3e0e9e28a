/*
 * What init/main.c calls to bring the CPU and the platform up and that is no part of the contract
 * for other rooms. In the order of use; each says what must have happened before.
 */
#pragma once

#include "lib/types.h"

/*
 * Keeps the pristine image of the per-CPU section. After memmap_init(), before per-CPU data
 * changes.
 */
void percpu_init(void);

/* cpu_bugs.c: sets CPU_NEEDS_PTI; cpu_init() calls it last. */
void cpu_bugs_init(void);

/* cpu_bugs.c: a line in the log about what protects the kernel, a warning about what does not. */
void cpu_report(void);

struct cpu_stacks;

/* Segments, task state, interrupt vectors, system-call entry of the boot CPU. Needs nothing. */
void traps_init(void);
void traps_init_cpu(struct cpu_stacks *stacks); /* the same for another CPU */
