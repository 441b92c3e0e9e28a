/*
 * exit(2), from the decision to the last switch. See proc/exit.h for the order of things.
 *
 * Two counts decide. nr_active says which task is the last to begin: it stops the timers and leaves
 * the terminal. nr_live (proc_tree_lock) says which is the last to be done: it buries the process.
 *
 * check-style: includes: it gives back everything that a task may own.
 */
#include "proc/exit.h"

#include "abi/errno.h"
#include "core/panic.h"
#include "fs/context.h"
#include "fs/fdtable.h"
#include "fs/file.h"
#include "proc/clone.h"
#include "proc/family.h"
#include "proc/futex.h"
#include "proc/itimer.h"
#include "proc/oom.h"
#include "proc/posix_timer.h"
#include "proc/session.h"
#include "proc/signal.h"
#include "proc/sysvsem.h"
#include "proc/task_impl.h"
#include "proc/wait.h"
#include "vm/space.h"
#include "vm/usercopy.h"

static void leave_user_memory(struct task *task)
{
	uint32_t zero = 0;

	futex_task_exits(task);
	if (task->clear_child_tid && refcount_read(&task->space->users) > 1) {
		if (!copy_to_user((void __user *)task->clear_child_tid, &zero, sizeof(zero)))
			futex_wake_address(task->clear_child_tid, 1);
	}
	task->clear_child_tid = 0;
}

static void keep_max_rss(struct task *task)
{
	uint64_t pages = space_hiwater_rss(task->space);
	unsigned long flags = spin_lock_irqsave(&task->proc->lock);

	if (pages > task->proc->dead_usage.max_rss_pages)
		task->proc->dead_usage.max_rss_pages = pages;
	spin_unlock_irqrestore(&task->proc->lock, flags);
}

static void leave_files(struct task *task)
{
	struct fdtable *files = task->files;
	struct fs_context *fs = task->fs;
	struct nsproxy *ns = task->ns;

	spin_lock(&task->resources_lock);
	task->files = NULL;
	task->fs = NULL;
	task->ns = NULL;
	spin_unlock(&task->resources_lock);
	fdtable_put(files);
	fs_context_put(fs);
	nsproxy_put(ns);
}

static void leave_exe(struct proc *proc)
{
	unsigned long flags = spin_lock_irqsave(&proc->lock);
	struct file *exe = proc->exe;

	proc->exe = NULL;
	spin_unlock_irqrestore(&proc->lock, flags);
	if (exe)
		file_put(exe);
}

/* A session leader takes the terminal away from its session: setsid(2), NOTES. */
static void leave_session(struct proc *proc)
{
	const struct session_tty_ops *ops = NULL;
	struct session *session;
	void *tty = NULL;

	spin_lock(&proc_tree_lock);
	session = proc->session;
	if (session->leader == proc) {
		session->leader = NULL;
		tty = session->tty;
		ops = session->tty_ops;
		if (!tty && session->hung_up_pgid) {
			signal_send_pgrp_locked(session->hung_up_pgid, SIGHUP, SIGINFO_KERNEL);
			signal_send_pgrp_locked(session->hung_up_pgid, SIGCONT, SIGINFO_KERNEL);
		}
	}
	spin_unlock(&proc_tree_lock);
	if (tty)
		ops->leader_exit(session, tty);
}

static void sum_up_locked(struct task *task)
{
	struct proc *proc = task->proc;
	struct usage usage;
	unsigned long flags;

	task_usage(task, &usage);
	flags = spin_lock_irqsave(&proc->lock);
	usage_add(&proc->dead_usage, &usage);
	task->is_dead = true;
	spin_unlock_irqrestore(&proc->lock, flags);
}

/* The task leaves the living: its group sees one less, and the last one buries the process. */
static void leave_group(struct task *task, int code)
{
	struct proc *proc = task->proc;
	bool is_leader;

	spin_lock(&proc_tree_lock);
	sum_up_locked(task);
	task->exit_code = code;
	is_leader = proc->leader == task;
	if (!is_leader) {
		pid_detach(&task->pid_link);
		task_uncount(task);
		spin_lock_irq(&proc->lock);
		list_remove_init(&task->in_proc);
		spin_unlock_irq(&proc->lock);
	}
	proc->nr_live--;
	if (proc->nr_live == 0)
		family_bury_locked(proc);
	else if (proc->nr_live == 1 && proc->execing)
		thread_wake(&proc->execing->thread);
	spin_unlock(&proc_tree_lock);
	if (!is_leader)
		task_put(task);
}

/* The status of a process is decided by exit_group, or else by whoever leaves last. */
static void decide_status(struct proc *proc, int code)
{
	unsigned long flags = spin_lock_irqsave(&proc->lock);

	if (!proc->is_exiting) {
		proc->is_exiting = true;
		proc->exit_code = code;
	}
	spin_unlock_irqrestore(&proc->lock, flags);
}

static void forget_signals(struct task *task)
{
	unsigned long flags = spin_lock_irqsave(&task->proc->lock);

	sigpending_fini(&task->pending);
	spin_unlock_irqrestore(&task->proc->lock, flags);
}

void task_exit(int code)
{
	struct task *task = task_current();
	struct proc *proc = task->proc;
	bool is_last = atomic_dec_return(&proc->nr_active) == 0, is_oom_victim;

	if (proc == proc_init() && is_last)
		panic("Attempted to kill init! exitcode=0x%08x",
		      proc->is_exiting ? proc->exit_code : code);
	if (is_last)
		decide_status(proc, code);
	signal_task_exits(task);
	leave_user_memory(task);
	keep_max_rss(task);
	space_put(task_space_exchange(task, NULL));
	is_oom_victim = atomic_load_relaxed(&proc->is_oom_victim);
	if (is_oom_victim)
		oom_victim_gone();
	task_vfork_release(task);
	sysvsem_leave(task);
	leave_files(task);
	if (is_last) {
		itimers_stop(proc);
		posix_timers_destroy(proc);
		leave_exe(proc);
		leave_session(proc);
	}
	forget_signals(task);
	leave_group(task, code);
	if (is_oom_victim)
		oom_victim_gone();
	thread_exit();
}

void proc_exit(int code)
{
	task_exit(signal_kill_group_for_exit(code));
}
