/*
 * What tasks are doing, for the log: SysRq `t` and `w`, and hung tasks; and SysRq's other keys that
 * are about processes.
 */
#pragma once

#include "core/printk.h"

struct task;

/* R, S, D, T or Z, as ps(1) explains. Any context; under RCU or with a reference. */
char task_state_letter(const struct task *task);

/*
 * Linux's line about a task, and its backtrace, if it does not run just now. The task may be about
 * to run or to end: what is read is then useless, not harmful. Any context but an NMI; under RCU or
 * with a reference.
 */
void task_print(enum log_level level, struct task *task);

/* Registers the keys e, f, i, m, n, t and w. */
void proc_sysrq_init(void);
