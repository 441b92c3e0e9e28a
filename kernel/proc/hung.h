/*
 * Hung tasks: those that sleep uninterruptibly, where not even SIGKILL reaches them, for longer
 * than `hung_task_timeout_secs`. Linux's kernel/hung_task.c, and its words.
 *
 * A thread looks twice in that time, and only while somebody sleeps so. A task is told of when it
 * was seen asleep three times without having run in between: a jump of the clock, because the host
 * has not run this machine, is not three looks.
 */
#pragma once

#include "lib/types.h"

struct hung_settings {
	int panics __atomic;    /* `hung_task_panic` */
	int warnings __atomic;  /* how many are told yet; -1: no end */
	int shows_all __atomic; /* `hung_task_all_cpu_backtrace` */
};
extern struct hung_settings hung_settings;

/* `hung_task_timeout_secs`; 0: nobody looks. */
int64_t hung_timeout_get(void);
int hung_timeout_set(int64_t seconds);

/* Starts to look. Before the first program. */
void hung_init(void);
