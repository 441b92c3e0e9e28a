/*
 * Dispatch: from the number in RAX to the handler.
 *
 * The entry code (<arch/syscall.h>) jumps through `syscall_table[number]` with the six argument
 * registers in place, as the C calling convention has them: a handler `long sys_read(int fd, ...)`
 * is called directly, with no thunk in between (a callee ignores the upper halves of 32-bit
 * arguments). Only a handler marked full_regs in syscalls.tbl is entered through a stub of the
 * entry code, which first completes the saved registers; the others must not read or change RBX,
 * RBP and R12 to R15 there.
 *
 * A traced call goes through syscall_handlers[], the handlers themselves, by
 * upcall_syscall_traced() in trace.c.
 */
#pragma once

#include "lib/types.h"
#include "syscall/numbers.h"

/*
 * What every number without a handler leads to: -ENOSYS (syscall(2), "Errors"), and one line in the
 * log for each number, the first time. Does not sleep.
 */
long sys_enosys(void);
