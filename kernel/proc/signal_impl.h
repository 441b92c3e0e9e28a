/*
 * What the files about signals share: the classes of signals, the action table, and the steps that
 * want proc->lock held.
 */
#pragma once

#include <asm/signal.h>

#include "core/spinlock.h"
#include "lib/refcount.h"
#include "proc/proc.h"
#include "proc/signal.h"

#ifndef SI_KERNEL
#define SI_KERNEL 0x80
#endif

#define SIGNALS_KERNEL_ONLY (SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP))
#define SIGNALS_STOP \
	(SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))
#define SIGNALS_IGNORED_BY_DEFAULT \
	(SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGWINCH) | SIGNAL_BIT(SIGURG))
#define SIGNALS_SYNCHRONOUS \
	(SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGTRAP) | \
	 SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGSYS))

#define HANDLER_DEFAULT 0
#define HANDLER_IGNORE  1

/*
 * Actions are changed and read whole under `lock`, taken inside proc->lock: two processes may share
 * a table.
 */
struct sighand {
	struct refcount    refs;
	struct spinlock    lock;
	struct k_sigaction actions[NR_SIGNALS] __guarded_by(lock);
	struct wait_queue  readers; /* signalfds that wait for signals of these tasks */
	bool               is_polled __atomic; /* readers may be known to pollers */
	struct rcu_head    rcu;
};

/* A copy of the action of `sig`. */
struct k_sigaction sighand_action(struct sighand *sighand, int sig);

/* Its handler alone, for whoever decides by that: one word, read without the lock. */
static inline uaddr_t sighand_handler(const struct sighand *sighand, int sig)
{
	return READ_ONCE(sighand->actions[sig - 1].handler);
}

/* Resets the action of `sig` to default: SA_RESETHAND, and forced signals. */
void sighand_reset(struct sighand *sighand, int sig);

/* proc->lock held: does the process ignore `sig` as it stands (by SIG_IGN or by default)? */
bool signal_is_ignored_locked(struct task *task, int sig);

/* proc->lock held: sets or clears TF_SIGNAL of the current task by what pends. */
void signal_recalc_locked(struct task *task);

/* proc->lock held: something pends that `task` has to look at. */
bool signal_wants_attention_locked(const struct task *task);

/*
 * proc->lock held: picks tasks that can take what pends for the process, after a change of masks.
 */
void signal_retarget_locked(struct proc *proc, const struct task *except);

/* proc->lock held: the process dies of `code`; every task but `except` is killed. */
void signal_kill_tasks_locked(struct proc *proc, int code, const struct task *except);

/* proc->lock held, let go and not retaken: begins or joins a stop, sleeps until it is over. */
void signal_stop_begin_locked(struct task *task, int sig);
void signal_stop_join(struct task *task) __releases(task->proc->lock);

/* proc->lock held: SIGCONT or SIGKILL came: all tasks run again. */
void signal_stop_end_locked(struct proc *proc);

/* proc->lock held: one task less has to join the stop. True when that completes it. */
bool signal_stop_count_locked(struct proc *proc);

/* Tells the parent what proc->untold says. No locks held. */
void signal_tell_parent(struct proc *proc);

/* proc->lock held: signal_dequeue() for delivery. */
int signal_dequeue_locked(struct task *task, uint64_t mask, siginfo_t *info);
