/*
 * Segments and the task-state segment of each CPU: nothing but what 64-bit mode still asks for.
 */
#pragma once

#include "lib/types.h"

/* Interrupt stack table entries. */
enum { IST_NONE, IST_DEBUG, IST_NMI, IST_DOUBLE_FAULT, IST_MACHINE_CHECK, IST_COUNT };

enum { IST_STACK_SIZE = 8192 << KASAN, IRQ_STACK_SIZE = 16384 << KASAN };

/*
 * The memory that a CPU's entry needs: its stacks. 8 KiB for each IST entry, 16 KiB for interrupts
 * (twice that with the address sanitizer).
 */
struct cpu_stacks {
	char ist[IST_COUNT - 1][IST_STACK_SIZE];
	char irq[IRQ_STACK_SIZE];
} __aligned(4096);

/*
 * Loads this CPU's descriptor table, task state and per-CPU base; its stacks from then on are
 * these.
 */
void segments_init_cpu(struct cpu_stacks *stacks);

/* Where entries from user mode put their registers: one past the running thread's kernel stack. */
void segments_set_kernel_stack(uint64_t stack_top);

/* True if the address lies in one of this CPU's own stacks; *end is one past that stack. */
bool segments_find_stack(uint64_t address, uint64_t *end);
