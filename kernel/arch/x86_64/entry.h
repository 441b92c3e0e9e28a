/*
 * Between entry.S and C: selectors, offsets of struct pt_regs, and the functions that each calls in
 * the other. The offsets are asserted in traps.c.
 *
 * Selectors of user mode are ABI (Linux's): signal frames and debuggers show them.
 */
#pragma once

#define KERNEL_CS   0x10
#define KERNEL_DS   0x18
#define USER32_CS   0x23
#define USER_DS     0x2b
#define USER_CS     0x33
#define TSS_SELECTOR 0x40
#define CPU_SELECTOR 0x7b /* Linux's: its limit is the CPU's number, for the vDSO's getcpu */

#define REGS_R15    0
#define REGS_R14    8
#define REGS_R13    16
#define REGS_R12    24
#define REGS_RBP    32
#define REGS_RBX    40
#define REGS_R11    48
#define REGS_R10    56
#define REGS_R9     64
#define REGS_R8     72
#define REGS_RAX    80
#define REGS_RCX    88
#define REGS_RDX    96
#define REGS_RSI    104
#define REGS_RDI    112
#define REGS_ORIG_RAX 120
#define REGS_RIP    128
#define REGS_CS     136
#define REGS_EFLAGS 144
#define REGS_RSP    152
#define REGS_SS     160
#define REGS_SIZE   168

#define THREAD_FLAGS     0  /* struct arch_thread */
#define THREAD_TRACED    4
#define THREAD_CANARY    48
#define THREAD_KERNEL_SP 8

#define VECTOR_BIAS 160 /* device vectors are pushed as a signed byte: vector - bias */

#ifndef __ASSEMBLY__
#include <asm/ptrace.h>

#include "arch/percpu.h"

struct arch_thread;

/*
 * The kernel stack of the running thread (one past its end), and a place for the user's stack
 * pointer.
 */
DECLARE_PER_CPU(uint64_t, cpu_kernel_sp);
DECLARE_PER_CPU(uint64_t, cpu_user_sp);
DECLARE_PER_CPU(uint64_t, cpu_irq_stack_top);

void syscall_entry(void);
extern char exception_stubs[], interrupt_stubs[];
enum { STUB_SIZE = 16, INTERRUPT_STUB_SIZE = 8 };

struct arch_thread *switch_stacks(struct arch_thread *prev, struct arch_thread *next);
void thread_start_kernel(void);
void thread_start_user(void);

/* Called from entry.S. */
void exception_handle(struct pt_regs *regs, uint64_t vector);
void exception_handle_paranoid(struct pt_regs *regs, uint64_t vector);
void interrupt_handle(struct pt_regs *regs, uint64_t vector);
void exit_to_user(struct pt_regs *regs);
#endif
