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

struct cpu_stacks;

/* Segments, task state, interrupt vectors, system-call entry of the boot CPU. Needs nothing. */
void traps_init(void);
void traps_init_cpu(struct cpu_stacks *stacks); /* the same for another CPU */
