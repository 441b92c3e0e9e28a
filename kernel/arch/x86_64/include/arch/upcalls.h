/*
 * The only calls from arch/ upward, with who implements them. Everything else that arch does for
 * others, others ask for.
 */
#pragma once

#include "arch/syscall.h"
#include "arch/thread.h"

/* What a page fault was. */
enum fault_access {
	FAULT_WRITE   = 1 << 0,
	FAULT_EXEC    = 1 << 1,
	FAULT_USER    = 1 << 2, /* by user code; else by the kernel in a user copy */
	FAULT_PRESENT = 1 << 3, /* a translation was there but forbids the access */
};

/* syscall/: a number that the table does not have. Gives -ENOSYS. */
long upcall_syscall_unknown(long nr);

/*
 * syscall/: a call of a thread whose word `traced` is not 0. All registers are in regs (rax is
 * -ENOSYS); the result is stored in regs->rax by the callee. Runs syscall_handlers[], not the
 * table.
 */
void upcall_syscall_traced(struct pt_regs *regs);

/*
 * syscall/: in the debug kernel, a call that is not traced begins. What a fast call does not save
 * is not in regs.
 */
void upcall_syscall_record(const struct pt_regs *regs);

/*
 * proc/: a fault on a user address, interrupts on; may sleep. 0: resolved, or (FAULT_USER) a signal
 * is pending: retry. -errno: for a kernel access only: the copy fails.
 */
int upcall_page_fault(struct pt_regs *regs, uaddr_t addr, uint32_t access);

/*
 * proc/: user code raised exception `trap` (0..31, not a page fault); interrupts on. addr is what
 * si_addr shall say (rip for most). Queues the signal.
 */
void upcall_user_exception(struct pt_regs *regs, uint32_t trap, uint64_t error_code, uaddr_t addr);

/* sched/: the timer of this CPU expired while regs ran. Interrupts off, on the interrupt stack. */
void upcall_timer_irq(struct pt_regs *regs);

/*
 * core/irq.c: a device interrupt. Interrupts off, on the interrupt stack; acknowledged at the APIC
 * behind it.
 */
void upcall_irq(uint8_t vector);

/*
 * core/nmi.c: an NMI. Whatever locks there are may be held by what it interrupted, and nothing here
 * may fault: the return from the fault would let the next NMI in, onto the same stack.
 */
void upcall_nmi(struct pt_regs *regs);

/* core/nmi.c: VECTOR_IPI_STOP came, for a CPU that did not see the NMI. Does not return. */
__noreturn void upcall_ipi_stop(struct pt_regs *regs);

/* sched/: VECTOR_IPI_WAKE came: look at the run queue. Interrupts off. */
void upcall_ipi_wake(void);

/*
 * proc/: about to enter user mode with the current thread's flags not 0. Interrupts on; may
 * sleep or not return. Must clear the flags that it dealt with: it is called again while any is
 * set.
 */
void upcall_exit_to_user(struct pt_regs *regs);

/*
 * sched/: the first code of a new thread, interrupts off; prev is the thread that ran here before.
 */
void upcall_thread_first_run(struct arch_thread *prev);
