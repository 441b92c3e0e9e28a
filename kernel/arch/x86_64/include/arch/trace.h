/*
 * Looking at a stack and at registers, in any state the machine may be in. Nothing here faults,
 * allocates or takes a lock.
 */
#pragma once

#include <asm/ptrace.h>

#include "lib/types.h"

/*
 * Return addresses, innermost first, by frame pointers: at most max, stops at the first frame that
 * does not lie on a kernel stack or does not go up. regs NULL: the caller's own. Count.
 */
size_t backtrace_collect(const struct pt_regs *regs, uint64_t *addresses, size_t max);

/* The same for a thread that is switched out, from its kernel_sp. */
size_t backtrace_collect_switched(uint64_t kernel_sp, uint64_t *addresses, size_t max);

/*
 * Prints the registers through printk, level LOG_*: rip with its symbol, the general ones, the
 * flags.
 */
void regs_print(int level, const struct pt_regs *regs);

/* Prints this CPU's control registers. */
void regs_print_control(void);

/* The CPU was waiting for an interrupt, with interrupts on (cpu_idle_wait()). */
bool regs_are_idle(const struct pt_regs *regs);

/* What the interrupt that is being handled on this CPU has interrupted; NULL outside of one. */
const struct pt_regs *trap_regs_interrupted(void);

/* The registers of the exception that is being handled on this CPU, or NULL; for panic. */
const struct pt_regs *trap_regs_current(void);
