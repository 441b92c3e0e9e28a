/*
 * What the files of this room know of tasks and processes and nobody else may: how they are made,
 * and how a task lets go of its parts.
 */
#pragma once

#include "lib/types.h"
#include "proc/proc.h"
#include "proc/task.h"

struct session;

/*
 * A task with a stack, FPU state and nothing else; `fn(task)` is the first code that it runs.
 * `parent` lends scheduling parameters (NULL: defaults). -ENOMEM. task_free_new() undoes it, before
 * publication.
 */
int task_alloc(const char *name, void (*fn)(void *), struct task *parent, struct task **out);
void task_free_new(struct task *task);

/*
 * The current task runs in `space` from now on (reference consumed; NULL: none). Returns the old
 * one, for the caller to put.
 */
struct space *task_space_exchange(struct task *task, struct space *space);

/*
 * A process without tasks for `tgid`. `parent` lends limits, personality and the like (NULL:
 * init's). -ENOMEM.
 */
int proc_alloc(struct pid *tgid, struct proc *parent, struct proc **out);

/*
 * Makes the task findable and a member of its process, and with the leader the process; tree lock
 * held. -EAGAIN: all tasks of the process are being killed.
 */
int __must_check task_attach_locked(struct task *task);

/* Its user has one task less, now that its number is given back: zombies count, as on Linux. */
void task_uncount(struct task *task);

/*
 * Makes the process a child of `parent` and a member of its group and session, before its leader is
 * attached; tree lock held.
 */
void proc_attach_locked(struct proc *proc, struct proc *parent);

/* A session without a terminal for `sid`. -ENOMEM. */
int session_alloc(struct pid *sid, struct proc *leader, struct session **out);

/* Init becomes known as the reaper. */
void proc_set_init(struct proc *proc);
