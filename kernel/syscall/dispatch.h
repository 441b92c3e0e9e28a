/*
 * Dispatch: from the number in RAX to the handler.
 *
 * The entry code of the arch floor calls `syscall_table[number]` with the six argument registers
 * in place, as the C calling convention has them: a handler `long sys_read(int fd, ...)` is called
 * directly, with no thunk in between (upper halves of 32-bit arguments are ignored by the callee).
 * A number at or above NR_SYSCALLS goes to sys_enosys(). `none` calls and holes lead there too.
 *
 * A handler marked full_regs in syscalls.tbl is entered through `syscall_full_<name>`, which the
 * entry code makes from the generated list "syscall/full_regs.h" by a macro SYSCALL_FULL_REGS: it stores
 * the callee-saved registers into the saved `struct pt_regs` and goes on to sys_<name>. A handler
 * that is not so marked must not read or change RBX, RBP and R12 to R15 of the saved registers.
 *
 * The saved registers always hold the number (orig_rax) and the six arguments, for the tracer, for
 * restarting, and for sys_enosys().
 */
#pragma once

#include "lib/types.h"
#include "syscall/numbers.h"

typedef long (*syscall_fn)(long, long, long, long, long, long);

extern const syscall_fn syscall_table[NR_SYSCALLS];

/* One bit a number: calls that take no lock and touch no user memory, free to run with interrupts off. */
extern const uint64_t syscall_irqsoff[(NR_SYSCALLS + 63) / 64];

/*
 * What every number without a handler leads to: -ENOSYS (syscall(2), "Errors"), and one line in the
 * log for each number, the first time. Does not sleep.
 */
long sys_enosys(void);
