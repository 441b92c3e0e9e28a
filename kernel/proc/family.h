/*
 * Parents and children: who is told of a death, who inherits the orphans, when a zombie is gone.
 *
 * All functions want proc_tree_lock held and never sleep; they take proc->lock inside it.
 */
#pragma once

#include "lib/types.h"
#include "proc/task.h"

struct proc;

/*
 * Makes the process, whose last task is done, a zombie: children go to the reaper, the parent is
 * told. A process whose parent does not care is unlinked at once.
 */
void family_bury_locked(struct proc *proc);

/* Takes a zombie out of every list and index and drops the tree's reference. */
void family_unlink_locked(struct proc *proc);

/*
 * Sends SIGCHLD for a stop or continue (`why` is CLD_STOPPED or CLD_CONTINUED) and wakes the
 * parent.
 */
void family_report_stop_locked(struct proc *proc, int why);

/* The wait status that `proc` died with. */
int family_exit_status_locked(const struct proc *proc);
