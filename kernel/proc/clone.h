/*
 * New tasks: fork(2), vfork(2), clone(2) and clone3(2) are one operation with flags.
 *
 * Everything that can fail is done before the new task is visible; task_publish() then cannot fail
 * except for a signal that came first, which restarts the call, so that a signal sent to a group
 * reaches either both parent and child or finds the fork not yet done.
 */
#pragma once

#include "lib/types.h"

struct pt_regs;
struct task;

struct clone_request {
	uint64_t        flags;       /* CLONE_*, without the signal in the low byte */
	int             exit_signal; /* 0: none */
	uaddr_t         stack;       /* top of the child's stack; 0: as the parent's */
	uaddr_t         tls;         /* CLONE_SETTLS */
	int32_t __user *parent_tid;  /* CLONE_PARENT_SETTID */
	int32_t __user *child_tid;   /* CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID */
	int32_t __user *pidfd;       /* CLONE_PIDFD: where the descriptor goes */
	pid_t           wanted_tid;  /* clone3's set_tid; 0: any */
};

/*
 * Makes a task that continues at `regs` with 0 as result. Sleeps; with CLONE_VFORK until the child
 * has exec'ed or exited. Returns the child's TID or clone(2)'s errors. Current task only.
 */
long task_clone(const struct clone_request *request, const struct pt_regs *regs);

/*
 * The first task, PID 1, running `main` in kernel mode until it execs. Called once by init/user.c.
 */
int task_create_init(void (*main)(void *task), struct task **out);

/*
 * unshare(2) of CLONE_NEWNS and CLONE_NEWUTS for the current task, whose fs context is its own.
 * -ENOMEM.
 */
int __must_check task_unshare_namespaces(uint64_t flags);

/* Wakes a parent that sleeps in vfork(2); called by exec at the point of no return, and by exit. */
void task_vfork_release(struct task *task);
