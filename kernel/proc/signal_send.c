/*
 * Sending signals: from "may it be forgotten" over the queue to "who wakes up".
 *
 * Everything happens under the target's proc->lock. A signal whose default is to kill, and that
 * somebody can take now, decides the death of the group here and not at delivery, so that every
 * task dies even while it sleeps killably.
 */
#include <linux/errno.h>

#include "proc/signal_impl.h"
#include "proc/signalfd.h"

static bool is_live(const struct task *task)
{
	return !task->is_exiting;
}

/* A stopped task takes nothing but its death: the rest waits for SIGCONT. */
static __always_inline bool can_take(const struct task *task, int sig)
{
	if (sig == SIGKILL)
		return is_live(task);
	return is_live(task) && !((task->blocked & ~task->awaited) & SIGNAL_BIT(sig)) &&
	       atomic_load_relaxed(&task->thread.state) != THREAD_STOPPED;
}

/*
 * The task that shall take a signal for the whole process: the leader by preference, NULL if all
 * block it.
 */
static __noinline struct task *choose_locked(struct proc *proc, int sig)
{
	struct task *task;

	list_for_each_entry(task, &proc->tasks, in_proc) {
		if (can_take(task, sig) && !thread_test_flag(&task->thread, TF_SIGNAL))
			return task;
	}
	list_for_each_entry(task, &proc->tasks, in_proc) {
		if (can_take(task, sig))
			return task;
	}
	return NULL;
}

void signal_kill_tasks_locked(struct proc *proc, int code, const struct task *except)
{
	struct task *task;

	proc->is_exiting = true;
	proc->exit_code = code;
	signal_stop_end_locked(proc);
	list_for_each_entry(task, &proc->tasks, in_proc) {
		if (task == except || !is_live(task))
			continue;
		task->pending.set |= SIGNAL_BIT(SIGKILL);
		thread_signal_wake(&task->thread, true);
	}
}

void signal_kill_siblings_locked(struct task *survivor)
{
	struct task *task;

	list_for_each_entry(task, &survivor->proc->tasks, in_proc) {
		if (task == survivor || !is_live(task))
			continue;
		task->pending.set |= SIGNAL_BIT(SIGKILL);
		thread_signal_wake(&task->thread, true);
	}
}

int signal_kill_group_for_exit(int code)
{
	struct task *task = task_current();
	struct proc *proc = task->proc;
	unsigned long flags = spin_lock_irqsave(&proc->lock);

	if (proc->is_exiting)
		code = proc->exit_code;
	else
		signal_kill_tasks_locked(proc, code, task);
	spin_unlock_irqrestore(&proc->lock, flags);
	return code;
}

/* Init dies only of faults of its own: other signals that it does not handle do not reach it. */
static bool is_protected(const struct task *task, int sig)
{
	return task->proc == proc_init() &&
	       sighand_handler(task->sighand, sig) == HANDLER_DEFAULT;
}

static bool is_fatal_locked(struct task *task, int sig)
{
	uint64_t bit = SIGNAL_BIT(sig);

	if (sighand_handler(task->sighand, sig) != HANDLER_DEFAULT)
		return false;
	return sig == SIGKILL ||
	       !((SIGNALS_STOP | SIGNALS_IGNORED_BY_DEFAULT | task->blocked) & bit);
}

/* Job control acts at sending: a stop forgets pending SIGCONTs, and the other way round. */
static __noinline void apply_job_control_locked(struct proc *proc, int sig)
{
	uint64_t forget = sig == SIGCONT ? SIGNALS_STOP : SIGNAL_BIT(SIGCONT);
	struct task *task;

	sigpending_discard(&proc->pending, forget);
	list_for_each_entry(task, &proc->tasks, in_proc) {
		sigpending_discard(&task->pending, forget);
		task->took_stop = task->took_stop && sig != SIGCONT;
	}
	if (sig == SIGCONT)
		signal_stop_end_locked(proc);
}

/* Not as kill(2) or the kernel send: by sigqueue(3), whose caller wants to know. */
static bool has_own_code(const siginfo_t *info)
{
	return info != SIGINFO_USER && info != SIGINFO_KERNEL && info->si_code != SI_USER &&
	       info->si_code != SI_KERNEL;
}

static void fill_info(int sig, const siginfo_t *info, struct siginfo_core *out)
{
	if (info != SIGINFO_USER && info != SIGINFO_KERNEL) {
		siginfo_narrow(out, info);
		out->si_signo = sig;
		return;
	}
	siginfo_core_init(out, sig, SI_KERNEL);
	if (info == SIGINFO_USER) {
		out->si_code = SI_USER;
		out->si_pid = proc_tgid(proc_current());
		out->si_uid = task_current()->cred->uid;
	}
}

/*
 * Puts it on the queue. A real-time signal of sigqueue(3) that finds no room is an error, others
 * only lose details.
 */
static int enqueue_locked(struct task *target, struct sigpending *pending, int sig,
                          const siginfo_t *info)
{
	uint64_t limit =
		sig < SIGRTMIN ? ~0ull : rlimit_get(&target->proc->limits, RLIMIT_SIGPENDING);
	struct siginfo_core *queued;

	if (sig < SIGRTMIN && (pending->set & SIGNAL_BIT(sig)))
		return 0;
	/* Without details nothing is allocated: timers and terminals send from interrupts. */
	if (info == SIGINFO_KERNEL && sig < SIGRTMIN) {
		pending->by_kernel |= SIGNAL_BIT(sig);
		pending->set |= SIGNAL_BIT(sig);
		return 0;
	}
	queued = sigpending_queue(pending, target->cred->user, limit);
	if (queued)
		fill_info(sig, info, queued);
	else if (sig >= SIGRTMIN && has_own_code(info))
		return -EAGAIN;
	pending->set |= SIGNAL_BIT(sig);
	return 0;
}

/* May it be forgotten at once? `target` stands for the process when that is meant. */
static inline bool is_void_locked(struct proc *proc, struct task *target, int sig)
{
	uint64_t bit = SIGNAL_BIT(sig);

	if (proc->is_exiting || !is_live(target))
		return true;
	/* What is blocked is kept: its action may be another one when it is taken. */
	if (target->blocked & bit)
		return false;
	if (likely(sighand_handler(target->sighand, sig) > HANDLER_IGNORE))
		return false;
	return (is_protected(target, sig) && !(target->forced & bit)) ||
	       signal_is_ignored_locked(target, sig);
}

/*
 * It pends: wakes who can take it, and decides the group's death if it is deadly. For a process it
 * is `target`, its representative, who takes it by preference.
 */
static inline void wake_locked(struct proc *proc, struct task *task, struct task *target, int sig)
{
	if (!task && thread_test_flag(&target->thread, TF_SIGNAL))
		target = choose_locked(proc, sig);
	else if (!can_take(target, sig))
		target = task ? NULL : choose_locked(proc, sig);
	if (!target)
		return;
	if (is_fatal_locked(target, sig))
		signal_kill_tasks_locked(proc, sig, NULL);
	else
		thread_signal_wake(&target->thread, false);
}

/* Who stands for the process: the leader may be gone while others live. */
static struct task *representative_locked(struct proc *proc)
{
	struct task *task;

	list_for_each_entry(task, &proc->tasks, in_proc) {
		if (is_live(task))
			return task;
	}
	return proc->leader;
}

/* `task` NULL: to the process. */
static int send_locked(struct proc *proc, struct task *task, int sig, const siginfo_t *info)
{
	struct task *target = task ? task : representative_locked(proc);
	int err;

	if (!proc->is_exiting && (SIGNAL_BIT(sig) & (SIGNALS_STOP | SIGNAL_BIT(SIGCONT))))
		apply_job_control_locked(proc, sig);
	if (is_void_locked(proc, target, sig))
		return 0;
	err = enqueue_locked(target, task ? &task->pending : &proc->pending, sig, info);
	if (!err) {
		wake_locked(proc, task, target, sig);
		if (unlikely(wait_queue_is_active(&target->sighand->readers)))
			signalfd_notify_locked(target);
	}
	return err;
}

bool signal_send_own_locked(struct proc *proc, struct task *task, struct sigqueue *queued)
{
	struct task *target = task ? task : representative_locked(proc);
	int sig = queued->info.si_signo;

	if (is_void_locked(proc, target, sig))
		return false;
	sigpending_queue_own(task ? &task->pending : &proc->pending, queued);
	wake_locked(proc, task, target, sig);
	signalfd_notify_locked(target);
	return true;
}

int signal_send_proc_locked(struct proc *proc, int sig, const siginfo_t *info)
{
	return sig ? send_locked(proc, NULL, sig, info) : 0;
}

int signal_send_proc(struct proc *proc, int sig, const siginfo_t *info)
{
	unsigned long flags = spin_lock_irqsave(&proc->lock);
	int err = signal_send_proc_locked(proc, sig, info);

	spin_unlock_irqrestore(&proc->lock, flags);
	return err;
}

int signal_send_task(struct task *task, int sig, const siginfo_t *info)
{
	unsigned long flags = spin_lock_irqsave(&task->proc->lock);
	int err = sig ? send_locked(task->proc, task, sig, info) : 0;

	spin_unlock_irqrestore(&task->proc->lock, flags);
	return err;
}

void signal_force(int sig, const siginfo_t *info)
{
	struct task *task = task_current();
	unsigned long flags = spin_lock_irqsave(&task->proc->lock);
	uint64_t bit = SIGNAL_BIT(sig);

	if ((task->blocked & bit) || sighand_handler(task->sighand, sig) == HANDLER_IGNORE)
		sighand_reset(task->sighand, sig);
	task->blocked &= ~bit;
	task->forced |= bit;
	(void)send_locked(task->proc, task, sig, info);
	signal_recalc_locked(task);
	spin_unlock_irqrestore(&task->proc->lock, flags);
}

void signal_retarget_locked(struct proc *proc, const struct task *except)
{
	struct task *task;

	list_for_each_entry(task, &proc->tasks, in_proc) {
		if (task == except || !is_live(task))
			continue;
		if (proc->pending.set & ~task->blocked)
			thread_signal_wake(&task->thread, false);
	}
}

void signal_send_pgrp_locked(struct pid *pgid, int sig, const siginfo_t *info)
{
	struct pid_link *link;

	pid_for_each(link, pgid, PID_PGID)
		(void)signal_send_proc(container_of(link, struct proc, pgid_link), sig, info);
}

int signal_send_pgrp(struct pid *pgid, int sig, const siginfo_t *info)
{
	int err = -ESRCH;

	spin_lock(&proc_tree_lock);
	if (pid_has(pgid, PID_PGID)) {
		signal_send_pgrp_locked(pgid, sig, info);
		err = 0;
	}
	spin_unlock(&proc_tree_lock);
	return err;
}
