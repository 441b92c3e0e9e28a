/*
 * Signals: sending, blocking, waiting, stopping, and delivery on the way to user mode. signal(7).
 *
 * Sending marks the signal pending under the target's proc->lock, chooses a task that may take it,
 * and sets TF_SIGNAL there (TF_KILLED too when it will be fatal), which ends its sleep. The
 * receiver acts in signal_deliver(), called by the slow exit to user mode, until nothing is left to
 * do.
 *
 * Masks are 64 bits, bit sig-1. SIGKILL and SIGSTOP never enter a blocked mask.
 */
#pragma once

#include <asm/signal.h>
#include <asm/siginfo.h>

#include "lib/types.h"

struct k_sigaction;
struct pid;
struct proc;
struct pt_regs;
struct sighand;
struct sigqueue;
struct task;

#define NR_SIGNALS     64
#define SIGNAL_BIT(s)  (1ull << ((s) - 1))

/* A sender that has no siginfo of its own passes one of these. */
#define SIGINFO_USER   ((const siginfo_t *)0) /* from the current task, as by kill(2) */
#define SIGINFO_KERNEL ((const siginfo_t *)1) /* SI_KERNEL, no sender */

/* An action as rt_sigaction(2) takes it from user space. */
struct k_sigaction {
	uaddr_t  handler; /* or 0 SIG_DFL, 1 SIG_IGN */
	uint64_t flags;
	uaddr_t  restorer;
	uint64_t mask;
};

/*
 * ---- sending: none sleeps; each may be called with interrupts off ------------------------------
 */

/*
 * To the process as a whole. 0, -EAGAIN (a real-time queue is full). SIGKILL and SIGCONT always
 * arrive.
 */
int signal_send_proc(struct proc *proc, int sig, const siginfo_t *info);

/* As above when the caller holds proc_tree_lock and proc->lock already (exit's SIGCHLD). */
int signal_send_proc_locked(struct proc *proc, int sig, const siginfo_t *info);

/* To one task (tgkill(2), timers with SIGEV_THREAD_ID). */
int signal_send_task(struct task *task, int sig, const siginfo_t *info);

/*
 * Queues an element of the sender's own, to `task` or, when that is NULL, to the process.
 * proc->lock held. False: the signal is ignored, or the target is dying, and the element stays the
 * sender's.
 */
bool signal_send_own_locked(struct proc *proc, struct task *task, struct sigqueue *queued);

/*
 * To the current task for a fault of its own code: unblocks it, and resets an ignored one to
 * default.
 */
void signal_force(int sig, const siginfo_t *info);

/* To every member of a process group; -ESRCH when it has none. Takes proc_tree_lock. */
int signal_send_pgrp(struct pid *pgid, int sig, const siginfo_t *info);

/* As above with proc_tree_lock held; a group without members is nobody's error. */
void signal_send_pgrp_locked(struct pid *pgid, int sig, const siginfo_t *info);

/*
 * kill(2) as the current task, with its permission checks and its meaning of pid 0, -1 and
 * negatives.
 */
int signal_kill(pid_t pid, int sig, const siginfo_t *info);

/* tgkill(2), tkill(2) (tgid 0) and their queueing kin, as the current task. */
int signal_tgkill(pid_t tgid, pid_t tid, int sig, const siginfo_t *info);

/* May the current task signal `proc` (kill(2), DESCRIPTION)? 0 or -EPERM. */
int signal_may_send(struct proc *proc, int sig);

/*
 * ---- the current task's own
 * ----------------------------------------------------------------------
 */

/* True when a signal is to be handled before user mode: interruptible sleeps end then. */
bool signal_is_pending(void);
bool signal_is_fatal_pending(void);

/*
 * rt_sigaction(2) on kernel values; 0 or -EINVAL. `act`, `old` may be NULL. Discards what becomes
 * ignored.
 */
int signal_action_set(int sig, const struct k_sigaction *act, struct k_sigaction *old);

/*
 * Sets the blocked mask (SIGKILL, SIGSTOP are left out) and retargets what another task may take
 * now.
 */
void signal_mask_set(uint64_t blocked);

/* Puts `blocked` in force until the call has returned to user mode: sigsuspend(2), ppoll(2), ... */
void signal_mask_set_until_return(uint64_t blocked);

/* After a call that used it and was not interrupted: the old mask back at once. */
void signal_mask_restore(void);

/*
 * Takes one pending signal of `mask` off the queues: its number, or 0. sigtimedwait(2),
 * signalfd(2).
 */
int signal_dequeue(uint64_t mask, siginfo_t *info);

/* All that pends for the current task, blocked or not: sigpending(2). */
uint64_t signal_pending_set(void);

/*
 * The slow exit to user mode: stops, dies, or sets up handlers' frames in `regs`, and restarts or
 * ends the interrupted call. May not return. Called with interrupts on.
 */
void signal_deliver(struct pt_regs *regs);

/* sigaltstack(2): what is set, with SS_ONSTACK when `sp` lies in it. */
void signal_altstack_state(const struct task *task, uaddr_t sp, stack_t *out);

/*
 * sigaltstack(2): sets the stack of the current task. -EPERM while `sp` lies in the old one,
 * -EINVAL (flags), -ENOMEM (too small).
 */
int signal_altstack_set(struct task *task, const stack_t *fresh, uaddr_t sp);

/*
 * rt_sigreturn(2): takes the frame on the user stack back; the value for rax. A bad frame is a
 * SIGSEGV.
 */
long signal_return(struct pt_regs *regs);

/*
 * ---- sighand: the table of actions, shared by CLONE_SIGHAND
 * ---------------------------------------
 */

/* A new table with all defaults, or with the actions of `from`. -ENOMEM. */
int sighand_create(const struct sighand *from, struct sighand **out);
void sighand_get(struct sighand *sighand);
void sighand_put(struct sighand *sighand);

/* True when the table has a second user, so that exec needs one of its own. */
bool sighand_is_shared(const struct sighand *sighand);

/*
 * execve(2): handlers back to default in the current task's (own) table, ignores kept; altstack
 * gone.
 */
void sighand_exec_reset(void);

/* What exec and CLONE_CLEAR_SIGHAND do: all that is not ignored has its default again. */
void sighand_clear(struct sighand *sighand);

/*
 * SIGCHLD of `proc` is ignored (*is_ignored) or SA_NOCLDWAIT: its children leave no zombies.
 * proc->lock held.
 */
bool sighand_reaps_children_locked(struct proc *proc, bool *is_ignored);

/* SA_NOCLDSTOP: no SIGCHLD when a child stops or continues. proc->lock held. */
bool sighand_ignores_stops_locked(struct proc *proc);

/*
 * What /proc shows of a task's signals. `queued` counts those of its user that wait with details.
 */
struct signal_sets {
	uint64_t pending, shared_pending, blocked, ignored, caught;
	int64_t  queued;
};
void signal_sets_read(struct task *task, struct signal_sets *out);

/*
 * ---- what exit and exec need
 * ------------------------------------------------------------------------
 */

/*
 * Decides that the current group dies with `code` (a wait status) and kills all other tasks.
 * Returns the code that the group dies of: another's when that had been decided already.
 */
int signal_kill_group_for_exit(int code);

/* Kills all other tasks of the group, with proc->lock held: exec's first half. */
void signal_kill_siblings_locked(struct task *survivor);

/*
 * The exiting task is no candidate any more: its group's pending signals go to another, stop counts
 * agree.
 */
void signal_task_exits(struct task *task);
