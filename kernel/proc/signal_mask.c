/*
 * The current task's own view of signals: what it blocks, what pends, taking one off the queue.
 */
#include <linux/errno.h>

#include "lib/bits.h"
#include "proc/signal_impl.h"

bool signal_is_pending(void)
{
	return thread_test_flag(thread_current(), TF_SIGNAL | TF_KILLED);
}

bool signal_is_fatal_pending(void)
{
	return thread_test_flag(thread_current(), TF_KILLED);
}

void signal_mask_set(uint64_t blocked)
{
	signal_mask_change(task_current(), blocked);
}

void signal_mask_set_until_return(uint64_t blocked)
{
	struct task *task = task_current();

	task->saved_blocked = task->blocked;
	thread_set_flag(&task->thread, TF_RESTORE_MASK);
	signal_mask_set(blocked);
}

void signal_mask_restore(void)
{
	struct task *task = task_current();

	if (!thread_test_flag(&task->thread, TF_RESTORE_MASK))
		return;
	thread_clear_flag(&task->thread, TF_RESTORE_MASK);
	signal_mask_set(task->saved_blocked);
}

int signal_dequeue(uint64_t mask, siginfo_t *info)
{
	struct task *task = task_current();
	struct siginfo_core core;
	int sig;

	spin_lock_irq(&task->proc->lock);
	sig = signal_dequeue_locked(task, mask, &core);
	if (sig)
		signal_recalc_locked(task);
	spin_unlock_irq(&task->proc->lock);
	if (sig)
		siginfo_widen(info, &core);
	return sig;
}

uint64_t signal_pending_set(void)
{
	struct task *task = task_current();

	return READ_ONCE(task->pending.set) | READ_ONCE(task->proc->pending.set);
}
