/*
 * Whom a scheduling call means, and whether it is the caller's to change.
 */
#pragma once

#include "proc/task.h"
#include "sched/policy.h"

/*
 * The task with this number (0: the caller), with a reference. -EINVAL for a negative one, -ESRCH.
 */
__must_check int sched_target(pid_t pid, struct task **task);

/*
 * What an unprivileged caller may change: sched(7), "Privileges and resource limits". 0 or -EPERM.
 */
__must_check int sched_may_set(struct task *task, const struct sched_policy *old,
                               const struct sched_policy *new);

/* The caller's effective uid is the task's effective or real one. */
bool sched_is_own(struct task *task);
