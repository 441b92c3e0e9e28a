/*
 * Signals: rt_sigaction(2), rt_sigprocmask(2), kill(2) and all their kin.
 *
 * Sets are 64 bits; their size argument must say so.
 */
#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/signal.h>
#include <linux/time_types.h>

#include "abi/errno.h"
#include "abi/siginfo.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "sched/clock.h"
#include "sched/wait.h"
#include "syscall/prototypes.h"
#include "syscall/timespec.h"
#include "vm/usercopy.h"

#define SET_SIZE sizeof(uint64_t)

long sys_rt_sigaction(int sig, const struct sigaction __user *action,
                      struct sigaction __user *old_action, size_t set_size)
{
	struct k_sigaction fresh, old;
	int err;

	static_assert(sizeof(struct k_sigaction) == sizeof(struct sigaction), "layout is ABI");
	if (set_size != SET_SIZE)
		return -EINVAL;
	if (action && copy_from_user(&fresh, action, sizeof(fresh)))
		return -EFAULT;
	err = signal_action_set(sig, action ? &fresh : NULL, &old);
	if (!err && old_action && copy_to_user(old_action, &old, sizeof(old)))
		return -EFAULT;
	return err;
}

long sys_rt_sigprocmask(int how, const uint64_t __user *set, uint64_t __user *old_set,
                        size_t set_size)
{
	uint64_t old = task_current()->blocked, mask;

	if (set_size != SET_SIZE)
		return -EINVAL;
	if (set) {
		if (get_user(mask, set))
			return -EFAULT;
		if (how == SIG_BLOCK)
			signal_mask_set(old | mask);
		else if (how == SIG_UNBLOCK)
			signal_mask_set(old & ~mask);
		else if (how == SIG_SETMASK)
			signal_mask_set(mask);
		else
			return -EINVAL;
	}
	return old_set ? put_user(old, old_set) : 0;
}

long sys_rt_sigreturn(void)
{
	return signal_return(task_regs(task_current()));
}

long sys_rt_sigpending(uint64_t __user *set, size_t set_size)
{
	uint64_t pending = signal_pending_set() & task_current()->blocked;

	if (set_size > SET_SIZE)
		return -EINVAL;
	return copy_to_user(set, &pending, set_size);
}

/*
 * Sleeps until one of `set` pends, which must be blocked for that to be certain, or the deadline
 * comes.
 */
static int await_signal(uint64_t set, ns_t deadline, siginfo_t *info)
{
	struct task *task = task_current();
	struct wait_queue nobody;
	int sig = signal_dequeue(set, info), err;

	if (sig || deadline == 0)
		return sig ? sig : -EAGAIN;
	wait_queue_init(&nobody);
	spin_lock_irq(&task->proc->lock);
	task->awaited = set;
	spin_unlock_irq(&task->proc->lock);
	err = wait_event_interruptible_until(&nobody, (sig = signal_dequeue(set, info)) != 0,
	                                     deadline);
	spin_lock_irq(&task->proc->lock);
	task->awaited = 0;
	spin_unlock_irq(&task->proc->lock);
	if (sig)
		return sig;
	return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

/* A relative timeout as a point of the monotonic clock; 0: do not wait. */
static int read_deadline(const struct __kernel_timespec __user *timeout, ns_t *deadline)
{
	ns_t span;
	int err;

	*deadline = WAIT_FOREVER;
	if (!timeout)
		return 0;
	err = timespec_read(timeout, &span);
	if (!err)
		*deadline = span ? deadline_after(clock_monotonic(), span) : 0;
	return err;
}

long sys_rt_sigtimedwait(const uint64_t __user *set, struct siginfo __user *info,
			 const struct __kernel_timespec __user *timeout, size_t set_size)
{
	ns_t deadline;
	siginfo_t out;
	uint64_t mask;
	int sig, err;

	if (set_size != SET_SIZE)
		return -EINVAL;
	if (get_user(mask, set))
		return -EFAULT;
	err = read_deadline(timeout, &deadline);
	if (err)
		return err;
	sig = await_signal(mask & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP)), deadline, &out);
	if (sig > 0 && info && copy_to_user((siginfo_t __user *)info, &out, sizeof(out)))
		return -EFAULT;
	return sig;
}

/* Programs may not pretend to be the kernel or another's kill(2): rt_sigqueueinfo(2). */
static int read_info(pid_t target, int sig, const struct siginfo __user *user_info, siginfo_t *info)
{
	if (copy_from_user(info, (const siginfo_t __user *)user_info, sizeof(*info)))
		return -EFAULT;
	info->si_signo = sig;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) &&
	    target != proc_tgid(proc_current()))
		return -EPERM;
	return 0;
}

long sys_rt_sigqueueinfo(pid_t pid, int sig, const struct siginfo __user *user_info)
{
	siginfo_t info;
	int err = read_info(pid, sig, user_info, &info);

	if (err)
		return err;
	return pid > 0 ? signal_kill(pid, sig, &info) : -ESRCH;
}

long sys_rt_tgsigqueueinfo(pid_t tgid, pid_t tid, int sig, const struct siginfo __user *user_info)
{
	siginfo_t info;
	int err;

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	err = read_info(tgid, sig, user_info, &info);
	return err ? err : signal_tgkill(tgid, tid, sig, &info);
}

/* Sleeps until a signal is delivered. */
static long sleep_for_signal(void)
{
	struct wait_queue nobody;

	wait_queue_init(&nobody);
	return wait_event_interruptible(&nobody, false) ? -ERESTARTNOHAND : 0;
}

long sys_rt_sigsuspend(const uint64_t __user *set, size_t set_size)
{
	uint64_t mask;

	if (set_size != SET_SIZE)
		return -EINVAL;
	if (get_user(mask, set))
		return -EFAULT;
	signal_mask_set_until_return(mask);
	return sleep_for_signal();
}

long sys_pause(void)
{
	return sleep_for_signal();
}

long sys_sigaltstack(const struct sigaltstack __user *stack, struct sigaltstack __user *old_stack)
{
	struct task *task = task_current();
	uaddr_t sp = task_regs(task)->rsp;
	stack_t fresh, old;
	int err = 0;

	signal_altstack_state(task, sp, &old);
	if (stack) {
		if (copy_from_user(&fresh, stack, sizeof(fresh)))
			return -EFAULT;
		err = signal_altstack_set(task, &fresh, sp);
	}
	if (!err && old_stack)
		err = copy_to_user(old_stack, &old, sizeof(old));
	return err;
}

long sys_kill(pid_t pid, int sig)
{
	return signal_kill(pid, sig, SIGINFO_USER);
}

static long send_to_thread(pid_t tgid, pid_t tid, int sig)
{
	siginfo_t info;

	siginfo_init(&info, 0, SI_TKILL);
	info.si_pid = proc_tgid(proc_current());
	info.si_uid = task_current()->cred->uid;
	return signal_tgkill(tgid, tid, sig, &info);
}

long sys_tkill(pid_t tid, int sig)
{
	return send_to_thread(0, tid, sig);
}

long sys_tgkill(pid_t tgid, pid_t tid, int sig)
{
	return tgid > 0 ? send_to_thread(tgid, tid, sig) : -EINVAL;
}

long sys_restart_syscall(void)
{
	struct restart *restart = &task_current()->restart;

	return restart->again ? restart->again(restart) : -EINTR;
}
