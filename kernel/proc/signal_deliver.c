/*
 * Delivery: what happens to pending signals on the way to user mode.
 *
 * Each round takes one signal: ignored ones vanish, stops stop, deadly ones do not return, and a
 * handler gets a frame on the user stack. After handlers, or without any, the interrupted system
 * call is ended or made again (signal(7), "Interruption of system calls and library functions by
 * signal handlers").
 */
#include <linux/errno.h>
#include <linux/signal.h>
#include <linux/unistd.h>

#include "abi/errno.h"
#include "arch/fpu.h"
#include "arch/signal.h"
#include "lib/string.h"
#include "proc/exit.h"
#include "proc/rseq.h"
#include "proc/session.h"
#include "proc/signal_impl.h"
#include "vm/usercopy.h"

#define MIN_ALTSTACK 2048 /* MINSIGSTKSZ */

/* A stop by terminal is not for orphaned groups: nobody could continue them. */
static bool stop_is_void(struct task *task, int sig)
{
	bool is_orphaned;

	if (sig == SIGSTOP)
		return false;
	spin_lock(&proc_tree_lock);
	is_orphaned = pgrp_is_orphaned_locked(task->proc->pgid, NULL);
	spin_unlock(&proc_tree_lock);
	return is_orphaned;
}

/* Default action; proc->lock is not held. Returns when life goes on. */
static void act_by_default(struct task *task, int sig)
{
	uint64_t bit = SIGNAL_BIT(sig);

	if (bit & SIGNALS_IGNORED_BY_DEFAULT)
		return;
	if (task->proc == proc_init() && !(task->forced & bit))
		return;
	if (!(bit & SIGNALS_STOP))
		proc_exit(sig);
	if (stop_is_void(task, sig))
		return;
	spin_lock_irq(&task->proc->lock);
	if (task->took_stop && !task->proc->is_exiting &&
	    !(task->pending.set & SIGNAL_BIT(SIGKILL)))
		signal_stop_begin_locked(task, sig);
	task->took_stop = false;
	spin_unlock_irq(&task->proc->lock);
}

/*
 * What comes before signals: death of the group, news for the parent, a stop to join. True: the
 * lock was let go in between, look again.
 */
static bool attend_group_locked(struct task *task) __must_hold(task->proc->lock)
{
	struct proc *proc = task->proc;

	if (proc->is_exiting || (task->pending.set & SIGNAL_BIT(SIGKILL))) {
		spin_unlock_irq(&proc->lock);
		task_exit(proc->is_exiting ? proc->exit_code : SIGKILL);
	}
	if (proc->untold) {
		spin_unlock_irq(&proc->lock);
		signal_tell_parent(proc);
		spin_lock_irq(&proc->lock);
		return true;
	}
	if (task->must_stop) {
		signal_stop_join(task);
		spin_lock_irq(&proc->lock);
		return true;
	}
	return false;
}

/* A signal on its way to a handler. */
struct delivery {
	int                 sig;
	struct siginfo_core info;
	struct k_sigaction  action;
	uint64_t            blocked_before; /* the mask while nothing was delivered */
};

/* Its action counts as of now, and what that blocks is blocked from now on. */
static void take_action_locked(struct task *task, struct delivery *next)
	__must_hold(task->proc->lock)
{
	struct k_sigaction *action = &next->action;
	uint64_t bit = SIGNAL_BIT(next->sig);

	sighand_action_copy(task->sighand, next->sig, action);
	task->took_stop = bit & SIGNALS_STOP;
	if (action->handler <= HANDLER_IGNORE)
		return;
	if (unlikely(action->flags & SA_RESETHAND))
		sighand_reset(task->sighand, next->sig);
	next->blocked_before = task->blocked;
	signal_block_locked(task, task->blocked | action->mask |
					  (action->flags & SA_NODEFER ? 0 : bit));
}

/* The next signal that has a handler; false when nothing is left. */
static bool next_handled(struct task *task, struct delivery *next)
{
	for (;;) {
		spin_lock_irq(&task->proc->lock);
		while (attend_group_locked(task))
			;
		next->sig = signal_dequeue_locked(task, ~task->blocked, &next->info);
		if (next->sig)
			take_action_locked(task, next);
		signal_recalc_locked(task);
		spin_unlock_irq(&task->proc->lock);
		if (!next->sig || next->action.handler > HANDLER_IGNORE)
			return next->sig;
		if (next->action.handler == HANDLER_DEFAULT)
			act_by_default(task, next->sig);
	}
}

static bool is_on_altstack(const struct task *task, uaddr_t sp)
{
	const stack_t *alt = &task->altstack;

	if (alt->ss_flags & (int)SS_AUTODISARM)
		return false;
	return sp - (uaddr_t)alt->ss_sp - 1 < alt->ss_size;
}

/* How sigaltstack(2) describes the stack now. */
void signal_altstack_state(const struct task *task, uaddr_t sp, stack_t *out)
{
	memcpy(out, &task->altstack, sizeof(*out)); /* with its hole, which is zero */
	out->ss_flags &= (int)SS_AUTODISARM;
	if (!out->ss_size)
		out->ss_flags |= SS_DISABLE;
	else if (is_on_altstack(task, sp))
		out->ss_flags |= SS_ONSTACK;
}

int signal_altstack_set(struct task *task, const stack_t *fresh, uaddr_t sp)
{
	int mode = fresh->ss_flags & ~(int)SS_AUTODISARM;

	if (is_on_altstack(task, sp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		signal_altstack_clear(task, fresh->ss_flags);
		return 0;
	}
	if (fresh->ss_size < MIN_ALTSTACK)
		return -ENOMEM;
	task->altstack.ss_sp = fresh->ss_sp;
	task->altstack.ss_size = fresh->ss_size;
	task->altstack.ss_flags = fresh->ss_flags;
	return 0;
}

/* As sigaltstack(2) would, but what cannot be set stays as it was, without an error. */
static void restore_altstack(struct task *task, const stack_t *saved, uaddr_t sp)
{
	const stack_t *now = &task->altstack;

	if (likely(saved->ss_sp == now->ss_sp && saved->ss_size == now->ss_size &&
		   saved->ss_flags == now->ss_flags))
		return;
	(void)signal_altstack_set(task, saved, sp);
}

static int copy_frame_out(const struct arch_signal_frame *frame)
{
	if (fpu_image_save(frame->fpu_address))
		return -EFAULT;
	return copy_to_user((void __user *)frame->address, &frame->image, frame->size);
}

/* On the alternate stack, the frame has to lie in it. */
static bool frame_fits(const struct task *task, const struct arch_signal_request *request,
		       const struct arch_signal_frame *frame)
{
	bool uses_altstack = request->on_altstack || is_on_altstack(task, frame->address);

	return !uses_altstack || frame->address >= (uaddr_t)task->altstack.ss_sp;
}

static int push_frame(struct task *task, struct pt_regs *regs, struct arch_signal_request *request)
{
	struct arch_signal_frame frame;
	int err = arch_signal_frame_build(&frame, regs, request);

	if (!err && !frame_fits(task, request, &frame))
		err = -EFAULT;
	if (!err)
		err = copy_frame_out(&frame);
	if (!err)
		arch_signal_frame_enter(&frame, request, regs);
	return err;
}

/* What sigreturn shall put back: a mask that was set for one call only is not it. */
static uint64_t mask_to_restore(struct task *task, uint64_t blocked_before)
{
	if (likely(!thread_test_flag(&task->thread, TF_RESTORE_MASK)))
		return blocked_before;
	thread_clear_flag(&task->thread, TF_RESTORE_MASK);
	return task->saved_blocked;
}

/* No frame for the handler: the task dies of it, unless it has a stack for SIGSEGV. */
static __cold void fail_handler(struct task *task, const struct delivery *delivery)
{
	signal_mask_set(delivery->blocked_before);
	if (delivery->sig == SIGSEGV)
		sighand_reset(task->sighand, SIGSEGV);
	signal_force(SIGSEGV, SIGINFO_KERNEL);
}

static void enter_handler(struct task *task, struct pt_regs *regs, const struct delivery *delivery)
{
	const struct k_sigaction *action = &delivery->action;
	bool wants_altstack = (action->flags & SA_ONSTACK) && task->altstack.ss_size &&
			      !is_on_altstack(task, regs->rsp);
	struct arch_signal_request request = {
		.signal = delivery->sig,
		.info = action->flags & SA_SIGINFO ? &delivery->info : NULL,
		.old_mask = mask_to_restore(task, delivery->blocked_before),
		.handler = action->handler,
		.restorer = action->restorer,
		.on_altstack = wants_altstack,
		.altstack = &task->altstack,
		.trap_number = task->trap_number,
		.error_code = task->trap_error,
		.fault_address = task->trap_address,
	};

	rseq_resume(regs);
	if (!(action->flags & SA_RESTORER) || push_frame(task, regs, &request))
		fail_handler(task, delivery);
	else if (unlikely(task->altstack.ss_flags & (int)SS_AUTODISARM))
		signal_altstack_clear(task, SS_DISABLE);
}

/* The interrupted call, when a handler runs: made again afterwards, or over. */
static void finish_call_for_handler(struct pt_regs *regs, const struct k_sigaction *action)
{
	long result = arch_syscall_result(regs);
	bool again = result == -ERESTARTNOINTR ||
	             (result == -ERESTARTSYS && (action->flags & SA_RESTART));

	if (arch_syscall_nr(regs) < 0)
		return;
	if (again)
		arch_syscall_restart(regs, arch_syscall_nr(regs));
	else if (result == -ERESTARTSYS || result == -ERESTARTNOHAND ||
	         result == -ERESTART_RESTARTBLOCK)
		arch_syscall_set_result(regs, -EINTR);
	regs->orig_rax = ~0ul;
}

/* Without a handler it is always made again, as if nothing had been. */
static void finish_call(struct pt_regs *regs)
{
	long result = arch_syscall_result(regs), nr = arch_syscall_nr(regs);

	if (nr < 0)
		return;
	if (result == -ERESTART_RESTARTBLOCK)
		arch_syscall_restart(regs, __NR_restart_syscall);
	else if (result == -ERESTARTSYS || result == -ERESTARTNOINTR || result == -ERESTARTNOHAND)
		arch_syscall_restart(regs, nr);
	else
		return;
	regs->orig_rax = ~0ul;
}

__no_stack_protector void signal_deliver(struct pt_regs *regs)
{
	struct task *task = task_current();
	struct delivery next;

	while (next_handled(task, &next)) {
		finish_call_for_handler(regs, &next.action);
		enter_handler(task, regs, &next);
		if (!thread_test_flag(&task->thread, TF_SIGNAL | TF_KILLED))
			return;
	}
	finish_call(regs);
	signal_mask_restore();
}

__no_stack_protector long signal_return(struct pt_regs *regs)
{
	struct task *task = task_current();
	struct arch_signal_restore restore;
	struct rt_sigframe image;
	int err;

	task->restart.again = NULL;
	err = copy_from_user(&image, (const void __user *)arch_signal_frame_address(regs),
	                     offsetof(struct rt_sigframe, info));
	if (!err)
		err = arch_signal_frame_read(regs, &image, &restore);
	if (!err)
		err = fpu_image_load(restore.fpu_address);
	if (err) {
		signal_force(SIGSEGV, SIGINFO_KERNEL);
		return 0;
	}
	signal_mask_change(task, restore.mask);
	restore_altstack(task, restore.altstack, regs->rsp);
	return (long)regs->rax;
}
