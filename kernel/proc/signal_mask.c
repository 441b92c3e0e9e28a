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

static void mask_set_locked(struct task *task, uint64_t blocked)
{
	uint64_t newly = blocked & ~task->blocked;

	task->blocked = blocked;
	if (task->proc->pending.set & newly)
		signal_retarget_locked(task->proc, task);
	signal_recalc_locked(task);
}

void signal_mask_set(uint64_t blocked)
{
	struct task *task = task_current();

	blocked &= ~SIGNALS_KERNEL_ONLY;
	if (blocked == task->blocked)
		return;
	spin_lock_irq(&task->proc->lock);
	mask_set_locked(task, blocked);
	spin_unlock_irq(&task->proc->lock);
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

/* The next signal to take: faults of one's own first, then the lowest number. */
static int next_of(uint64_t set)
{
	if (set & SIGNALS_SYNCHRONOUS)
		set &= SIGNALS_SYNCHRONOUS;
	return set ? __builtin_ctzll(set) + 1 : 0;
}

static int dequeue_locked(struct task *task, uint64_t mask, siginfo_t *info)
{
	int sig = next_of(task->pending.set & mask);

	if (sig) {
		sigpending_take(&task->pending, sig, info);
		return sig;
	}
	sig = next_of(task->proc->pending.set & mask);
	if (sig)
		sigpending_take(&task->proc->pending, sig, info);
	return sig;
}

int signal_dequeue_locked(struct task *task, uint64_t mask, siginfo_t *info)
{
	int sig = dequeue_locked(task, mask, info);

	if (sig)
		signal_recalc_locked(task);
	return sig;
}

int signal_dequeue(uint64_t mask, siginfo_t *info)
{
	struct task *task = task_current();
	int sig;

	spin_lock_irq(&task->proc->lock);
	sig = signal_dequeue_locked(task, mask, info);
	spin_unlock_irq(&task->proc->lock);
	return sig;
}

uint64_t signal_pending_set(void)
{
	struct task *task = task_current();

	return READ_ONCE(task->pending.set) | READ_ONCE(task->proc->pending.set);
}
