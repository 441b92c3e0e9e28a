/*
 * The built-in tracer: prints the system calls of programs to the kernel log, like strace(1).
 *
 *     [17] openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC, 0) = 3
 *
 * `strace=1` on the command line traces every process from the first program on; with `strace=2` a
 * call is also printed when it begins, so that one that never returns is seen. A thread is traced
 * while TF_TRACE_LOG is set in its trace word (sched/thread.h); children inherit it. Costs nothing
 * while it is off: the entry code tests that word anyway.
 */
#pragma once

#include "lib/types.h"

struct task;

/* Called for the first program's task before it runs: traces it if the command line says so. */
void trace_task_begin(struct task *task);

/* Of a call by number: its name, NULL if there is none, and how many arguments it has. */
const char *trace_call_name(uint32_t nr);
unsigned int trace_call_args(uint32_t nr);

/* record.c: a panic tells the latest calls from now on. */
void syscall_record_init(void);
