/*
 * Whom a scheduling call means, and whether it is the caller's to change.
 */
#pragma once

#include "proc/task.h"

/*
 * The task with this number (0: the caller), with a reference. -EINVAL for a negative one, -ESRCH.
 */
__must_check int sched_target(pid_t pid, struct task **task);

/* The caller's effective uid is the task's effective or real one. */
bool sched_is_own(struct task *task);
