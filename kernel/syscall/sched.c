/*
 * Scheduling: policies and priorities (sched(7)), affinity, yielding. Nice values are in
 * priority.c.
 */
#include <linux/errno.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>

#include "lib/math.h"
#include "proc/proc.h"
#include "sched/policy.h"
#include "syscall/prototypes.h"
#include "syscall/sched_target.h"
#include "syscall/timespec.h"
#include "vm/usercopy.h"

bool sched_is_own(struct task *task)
{
	const struct cred *own = task_current()->cred, *other = task_cred_get(task);
	bool same = own->euid == other->euid || own->euid == other->uid;

	cred_put(other);
	return same;
}

int sched_target(pid_t pid, struct task **task)
{
	if (pid < 0)
		return -EINVAL;
	if (!pid)
		task_get(task_current());
	*task = pid ? task_lookup(pid) : task_current();
	return *task ? 0 : -ESRCH;
}

static bool may_nice(void)
{
	return cred_capable(task_current()->cred, CAP_SYS_NICE);
}

long sys_sched_yield(void)
{
	thread_yield();
	return 0;
}

int sched_may_set(struct task *task, const struct sched_policy *old,
                  const struct sched_policy *new)
{
	uint64_t limit = rlimit_get(&task->proc->limits, RLIMIT_RTPRIO);
	uint64_t nice_limit = rlimit_get(&task->proc->limits, RLIMIT_NICE);

	if (may_nice())
		return 0;
	if (new->rt_priority) {
		if (new->policy != old->policy && !limit)
			return -EPERM;
		if (new->rt_priority > old->rt_priority && (uint64_t)new->rt_priority > limit)
			return -EPERM;
	}
	if (new->policy == SCHED_DEADLINE)
		return -EPERM;
	if (!new->rt_priority && new->nice < old->nice && (uint64_t)(20 - new->nice) > nice_limit)
		return -EPERM;
	if (old->policy == SCHED_IDLE && new->policy != SCHED_IDLE &&
	    (uint64_t)(20 - old->nice) > nice_limit)
		return -EPERM;
	if (!sched_is_own(task))
		return -EPERM;
	return old->reset_on_fork && !new->reset_on_fork ? -EPERM : 0;
}

/* policy -1 keeps the one it has. */
static long policy_set(pid_t pid, int policy, const struct sched_param __user *user_param)
{
	struct sched_policy old, new;
	struct sched_param param;
	struct task *task;
	int err;

	if (pid < 0 || !user_param)
		return -EINVAL;
	if (copy_from_user(&param, user_param, sizeof(param)))
		return -EFAULT;
	err = sched_target(pid, &task);
	if (err)
		return err;
	sched_policy_get(&task->thread, &old);
	new = old;
	new.rt_priority = param.sched_priority;
	if (policy != -1) {
		new.policy = policy & ~SCHED_RESET_ON_FORK;
		new.reset_on_fork = policy & SCHED_RESET_ON_FORK;
	}
	err = sched_policy_check(&new);
	if (!err)
		err = sched_may_set(task, &old, &new);
	if (!err)
		sched_policy_set(&task->thread, &new);
	task_put(task);
	return err;
}

long sys_sched_setscheduler(pid_t pid, int policy, const struct sched_param __user *param)
{
	return policy < 0 ? -EINVAL : policy_set(pid, policy, param);
}

long sys_sched_setparam(pid_t pid, const struct sched_param __user *param)
{
	return policy_set(pid, -1, param);
}

static long policy_get(pid_t pid, struct sched_policy *policy)
{
	struct task *task;
	int err = sched_target(pid, &task);

	if (err)
		return err;
	sched_policy_get(&task->thread, policy);
	task_put(task);
	return 0;
}

long sys_sched_getscheduler(pid_t pid)
{
	struct sched_policy policy;
	long err = policy_get(pid, &policy);

	return err ? err : policy.policy | (policy.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
}

long sys_sched_getparam(pid_t pid, struct sched_param __user *param)
{
	struct sched_policy policy;
	struct sched_param out;
	long err = param ? policy_get(pid, &policy) : -EINVAL;

	if (err)
		return err;
	out.sched_priority = policy.rt_priority;
	return copy_to_user(param, &out, sizeof(out));
}

long sys_sched_get_priority_max(int policy)
{
	return sched_priority_max(policy);
}

long sys_sched_get_priority_min(int policy)
{
	return sched_priority_min(policy);
}

long sys_sched_rr_get_interval(pid_t pid, struct __kernel_timespec __user *interval)
{
	struct task *task;
	ns_t slice;
	int err = sched_target(pid, &task);

	if (err)
		return err;
	slice = sched_interval(&task->thread);
	task_put(task);
	return timespec_write(interval, slice);
}

long sys_sched_setaffinity(pid_t pid, unsigned int size, const unsigned long __user *user_mask)
{
	uint64_t mask = 0;
	struct task *task;
	int err;

	if (copy_from_user(&mask, user_mask, min_t(size_t, size, sizeof(mask))))
		return -EFAULT;
	err = pid < 0 ? -ESRCH : sched_target(pid, &task);
	if (err)
		return err;
	if (!sched_is_own(task) && !may_nice())
		err = -EPERM;
	else
		err = sched_affinity_set(&task->thread, mask);
	task_put(task);
	return err;
}

/* The size of the mask that was written, as the bare call does; the C library makes 0 of it. */
long sys_sched_getaffinity(pid_t pid, unsigned int size, unsigned long __user *user_mask)
{
	struct task *task;
	uint64_t mask;
	int err;

	if (size < sizeof(mask) || size % sizeof(mask))
		return -EINVAL;
	err = pid < 0 ? -ESRCH : sched_target(pid, &task);
	if (err)
		return err;
	mask = sched_affinity_get(&task->thread);
	task_put(task);
	return copy_to_user(user_mask, &mask, sizeof(mask)) ? -EFAULT : (long)sizeof(mask);
}

long sys_getcpu(unsigned int __user *cpu, unsigned int __user *node, void __user *unused)
{
	const unsigned int number = cpu_id(), zero = 0;

	if ((cpu && put_user(number, cpu)) || (node && put_user(zero, node)))
		return -EFAULT;
	return 0;
}
