/*
 * Stopping and continuing a whole process: signal(7), "Signal dispositions" Stop and Cont; POSIX
 * job control.
 *
 * The task that takes a stop signal asks all others to stop too (must_stop) and counts them. Each
 * joins on its way to user mode; the one that makes the count zero completes the stop and tells the
 * parent. SIGCONT and SIGKILL end it at sending time, wherever it stands, so STOP then CONT cannot
 * race into a stuck process.
 */
#include <asm/siginfo.h>

#include "proc/family.h"
#include "proc/signal_impl.h"

bool signal_stop_count_locked(struct proc *proc)
{
	if (--proc->nr_to_stop)
		return false;
	proc->stop = PROC_STOPPED;
	proc->stop_unreported = true;
	proc->untold = CLD_STOPPED;
	return true;
}

void signal_stop_begin_locked(struct task *task, int sig)
{
	struct proc *proc = task->proc;
	struct task *other;

	if (proc->stop == PROC_STOPPING)
		return;
	proc->stop = PROC_STOPPING;
	proc->stop_signal = sig;
	proc->nr_to_stop = 0;
	list_for_each_entry(other, &proc->tasks, in_proc) {
		if (other->is_exiting)
			continue;
		other->must_stop = true;
		proc->nr_to_stop++;
		if (other != task)
			thread_signal_wake(&other->thread, false);
	}
}

/* Entered with proc->lock held and interrupts off; leaves without. */
void signal_stop_join(struct task *task) __releases(task->proc->lock)
{
	struct proc *proc = task->proc;
	bool is_complete;

	task->must_stop = false;
	is_complete = signal_stop_count_locked(proc);
	thread_set_state(THREAD_STOPPED);
	spin_unlock_irq(&proc->lock);
	if (is_complete)
		signal_tell_parent(proc);
	schedule();
}

void signal_stop_end_locked(struct proc *proc)
{
	struct task *task;

	if (proc->stop == PROC_STOPPED) {
		proc->stop = PROC_CONTINUED;
		proc->untold = CLD_CONTINUED;
	} else if (proc->stop == PROC_STOPPING) {
		proc->stop = PROC_RUNNING;
	} else {
		return;
	}
	proc->stop_unreported = false;
	list_for_each_entry(task, &proc->tasks, in_proc) {
		task->must_stop = false;
		if (!task->is_exiting) {
			thread_set_flag(&task->thread, TF_SIGNAL);
			thread_wake_if(&task->thread, THREAD_STOPPED);
		}
	}
}

void signal_tell_parent(struct proc *proc)
{
	int why;

	spin_lock(&proc_tree_lock);
	spin_lock_irq(&proc->lock);
	why = proc->untold;
	proc->untold = 0;
	spin_unlock_irq(&proc->lock);
	if (why)
		family_report_stop_locked(proc, why);
	spin_unlock(&proc_tree_lock);
}

void signal_task_exits(struct task *task)
{
	struct proc *proc = task->proc;
	bool is_complete = false;

	spin_lock_irq(&proc->lock);
	task->is_exiting = true;
	if (task->must_stop) {
		task->must_stop = false;
		is_complete = signal_stop_count_locked(proc);
	}
	if (proc->pending.set)
		signal_retarget_locked(proc, task);
	spin_unlock_irq(&proc->lock);
	if (is_complete)
		signal_tell_parent(proc);
}
