/*
 * The end of tasks and processes: exit(2), exit_group(2), fatal signals.
 *
 * A task gives its resources back in an order that others rely on: user memory last touched (robust
 * futexes, clear_child_tid), then the address space, then files (whose close may block), then the
 * terminal, then the news to the parent. The last task of a group takes the process to its zombie
 * state; only then can wait4(2) see it.
 */
#pragma once

#include "lib/types.h"

/* Ends the current task. `code` is a wait status (exit code << 8, or a signal, 0x80: core). */
void task_exit(int code) __noreturn;

/* Ends the current process: all its tasks. The code counts unless another was decided before. */
void proc_exit(int code) __noreturn;
