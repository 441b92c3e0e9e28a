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

/* The same where interrupts are off, as under proc->lock. */
static inline void sighand_action_copy(struct sighand *sighand, int sig, struct k_sigaction *out)
{
	spin_lock_nested(&sighand->lock, 1);
	*out = sighand->actions[sig - 1];
	spin_unlock(&sighand->lock);
}

/* Its handler alone, for whoever decides by that: one word, read without the lock. */
static inline uaddr_t sighand_handler(const struct sighand *sighand, int sig)
{
	return READ_ONCE(sighand->actions[sig - 1].handler);
}

/* Resets the action of `sig` to default: SA_RESETHAND, and forced signals. */
void sighand_reset(struct sighand *sighand, int sig);

/* proc->lock held: does the process ignore `sig` as it stands (by SIG_IGN or by default)? */
bool signal_is_ignored_locked(struct task *task, int sig);

/* proc->lock held: something pends that `task` has to look at. */
static inline bool signal_wants_attention_locked(const struct task *task)
{
	return ((task->pending.set | task->proc->pending.set) & ~task->blocked) ||
	       task->must_stop || task->proc->untold;
}

/* proc->lock held: sets or clears TF_SIGNAL of the current task by what pends. */
static inline void signal_recalc_locked(struct task *task)
{
	if (signal_wants_attention_locked(task))
		thread_set_flag(&task->thread, TF_SIGNAL);
	else
		thread_clear_flag(&task->thread, TF_SIGNAL);
}

/*
 * proc->lock held: picks tasks that can take what pends for the process, after a change of masks.
 */
void signal_retarget_locked(struct proc *proc, const struct task *except);

/*
 * proc->lock held: the current task blocks `blocked` from here on; signal_recalc_locked() is the
 * caller's.
 */
static inline void signal_block_locked(struct task *task, uint64_t blocked)
{
	uint64_t newly = blocked & ~task->blocked;

	task->blocked = blocked;
	if (unlikely(task->proc->pending.set & newly))
		signal_retarget_locked(task->proc, task);
}

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

/* signal_mask_set(); `task` is the current one. */
static inline void signal_mask_change(struct task *task, uint64_t blocked)
{
	blocked &= ~SIGNALS_KERNEL_ONLY;
	if (blocked == task->blocked)
		return;
	spin_lock_irq(&task->proc->lock);
	signal_block_locked(task, blocked);
	signal_recalc_locked(task);
	spin_unlock_irq(&task->proc->lock);
}

/* The next signal to take: faults of one's own first, then the lowest number. */
static inline int signal_next_of(uint64_t set)
{
	if (set & SIGNALS_SYNCHRONOUS)
		set &= SIGNALS_SYNCHRONOUS;
	return set ? __builtin_ctzll(set) + 1 : 0;
}

/* proc->lock held: signal_dequeue() for delivery; signal_recalc_locked() is the caller's. */
static inline int signal_dequeue_locked(struct task *task, uint64_t mask, struct siginfo_core *info)
{
	int sig = signal_next_of(task->pending.set & mask);

	if (sig) {
		sigpending_take(&task->pending, sig, info);
		return sig;
	}
	sig = signal_next_of(task->proc->pending.set & mask);
	if (sig)
		sigpending_take(&task->proc->pending, sig, info);
	return sig;
}

/* Field by field: stack_t has a hole, and goes out to programs. */
static inline void signal_altstack_clear(struct task *task, int flags)
{
	task->altstack.ss_sp = NULL;
	task->altstack.ss_size = 0;
	task->altstack.ss_flags = flags;
}
