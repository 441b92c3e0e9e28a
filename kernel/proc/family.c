/*
 * Parents and children. See proc/family.h; the rules are those of wait(2), _exit(2), prctl(2)
 * (PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG) and POSIX's orphaned process groups.
 */
#include "proc/family.h"

#include <asm/signal.h>

#include "abi/siginfo.h"
#include "core/panic.h"
#include "proc/proc.h"
#include "proc/session.h"
#include "proc/signal.h"
#include "proc/task_impl.h"
#include "proc/wait.h"

#define NS_PER_TICK (NS_PER_SEC / 100) /* siginfo counts times in clock ticks, USER_HZ */

int family_exit_status_locked(const struct proc *proc)
{
	return proc->is_exiting ? proc->exit_code : proc->leader->exit_code;
}

static void siginfo_for_child(struct proc *child, int code, int status, siginfo_t *info)
{
	struct usage usage;

	proc_usage_locked(child, &usage);
	siginfo_init(info, SIGCHLD, code);
	info->si_pid = proc_tgid(child);
	info->si_uid = child->leader->cred->uid;
	info->si_status = status;
	info->si_utime = usage.user_ns / NS_PER_TICK;
	info->si_stime = usage.system_ns / NS_PER_TICK;
}

void family_report_stop_locked(struct proc *proc, int why)
{
	struct proc *parent = proc->parent;
	unsigned long flags;
	siginfo_t info;

	if (!parent)
		return;
	siginfo_for_child(proc, why, why == CLD_CONTINUED ? SIGCONT : proc->stop_signal, &info);
	flags = spin_lock_irqsave(&parent->lock);
	if (!sighand_ignores_stops_locked(parent))
		(void)signal_send_proc_locked(parent, SIGCHLD, &info);
	spin_unlock_irqrestore(&parent->lock, flags);
	wake_up(&parent->child_wait);
}

/* Tells the parent that `proc` is a zombie. True when the parent wants no zombie left. */
static bool report_death_locked(struct proc *proc)
{
	struct proc *parent = proc->parent;
	int status = family_exit_status_locked(proc), sig = proc->leader->exit_signal;
	bool is_ignored = false, reap = false;
	unsigned long flags;
	siginfo_t info;

	siginfo_for_child(proc, CLD_EXITED, status >> 8 & 0xff, &info);
	if (status & 0x7f) {
		info.si_code = status & 0x80 ? CLD_DUMPED : CLD_KILLED;
		info.si_status = status & 0x7f;
	}
	info.si_signo = sig;
	flags = spin_lock_irqsave(&parent->lock);
	if (sig == SIGCHLD)
		reap = sighand_reaps_children_locked(parent, &is_ignored);
	/* clone(2) takes any low byte of its flags; what is no signal is not sent. */
	if (sig && sig <= NR_SIGNALS && !is_ignored)
		(void)signal_send_proc_locked(parent, sig, &info);
	spin_unlock_irqrestore(&parent->lock, flags);
	wake_up(&parent->child_wait);
	return reap;
}

static struct proc *reaper_of_locked(const struct proc *proc)
{
	for (struct proc *up = proc->parent; up; up = up->parent) {
		if (up->is_subreaper && up->nr_live)
			return up;
	}
	return proc_init();
}

/* A group that becomes orphaned while a member is stopped gets SIGHUP and SIGCONT. */
static void orphan_pgrp_locked(struct proc *child, const struct proc *parent,
                               const struct proc *ignored)
{
	if (parent->pgid == child->pgid || parent->session != child->session)
		return;
	if (!pgrp_is_orphaned_locked(child->pgid, ignored) || !pgrp_has_stopped_locked(child->pgid))
		return;
	signal_send_pgrp_locked(child->pgid, SIGHUP, SIGINFO_KERNEL);
	signal_send_pgrp_locked(child->pgid, SIGCONT, SIGINFO_KERNEL);
}

static void send_parent_death_locked(struct proc *child)
{
	struct task *task;

	list_for_each_entry(task, &child->tasks, in_proc) {
		if (task->parent_death_signal)
			(void)signal_send_task(task, task->parent_death_signal, SIGINFO_USER);
	}
}

static void orphan_children_locked(struct proc *proc)
{
	struct proc *reaper = reaper_of_locked(proc), *child, *ahead;

	list_for_each_entry_safe(child, ahead, &proc->children, sibling) {
		list_move_tail(&reaper->children, &child->sibling);
		child->parent = reaper;
		child->leader->exit_signal = SIGCHLD;
		send_parent_death_locked(child);
		orphan_pgrp_locked(child, proc, proc);
		if (child->is_zombie && report_death_locked(child))
			family_unlink_locked(child);
	}
}

void family_bury_locked(struct proc *proc)
{
	assert(proc->nr_live == 0 && proc->parent);
	orphan_children_locked(proc);
	orphan_pgrp_locked(proc, proc->parent, proc);
	proc->is_zombie = true;
	wake_up_all(&proc->tgid->exit_queue);
	if (report_death_locked(proc))
		family_unlink_locked(proc);
}

void family_unlink_locked(struct proc *proc)
{
	struct task *leader = proc->leader;
	unsigned long flags;

	assert(proc->is_zombie && list_is_empty(&proc->children));
	list_remove_init(&proc->sibling);
	pid_detach(&proc->sid_link);
	pid_detach(&proc->pgid_link);
	pid_detach(&proc->tgid_link);
	pid_detach(&leader->pid_link);
	task_uncount(leader);
	flags = spin_lock_irqsave(&proc->lock);
	list_remove_init(&leader->in_proc);
	WRITE_ONCE(proc->leader, NULL);
	spin_unlock_irqrestore(&proc->lock, flags);
	task_put(leader);
	proc_put(proc);
}
