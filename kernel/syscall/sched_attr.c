/*
 * sched_setattr(2), sched_getattr(2): policy, nice and priority in one structure that may grow.
 *
 * A deadline is refused with -EBUSY, the answer of a kernel that has no time left to promise.
 */
#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/sched/types.h>

#include "lib/math.h"
#include "proc/proc.h"
#include "sched/policy.h"
#include "syscall/prototypes.h"
#include "syscall/sched_target.h"
#include "vm/usercopy.h"

/* What a program may say; clamping of utilisation is refused as where it is not configured. */
#define FLAGS_KNOWN                                                                               \
	(SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_RECLAIM | SCHED_FLAG_DL_OVERRUN |                  \
	 SCHED_FLAG_KEEP_ALL | SCHED_FLAG_UTIL_CLAMP)

/* -E2BIG, and the size that we know told, if there is more in it than that. */
static int attr_read(struct sched_attr *attr, struct sched_attr __user *user)
{
	const uint32_t own_size = sizeof(*attr);
	uint32_t size;
	int err = get_user(size, &user->size);

	if (err)
		return err;
	size = size ? size : SCHED_ATTR_SIZE_VER0;
	err = size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE
		      ? -E2BIG
		      : copy_struct_from_user(attr, sizeof(*attr), user, size);
	if (err == -E2BIG)
		return put_user(own_size, &user->size) ? -EFAULT : -E2BIG;
	if (!err && (attr->sched_flags & SCHED_FLAG_UTIL_CLAMP) && size < SCHED_ATTR_SIZE_VER1)
		return -EINVAL;
	return err;
}

/* sched_setattr(2), "SCHED_DEADLINE": runtime <= deadline <= period, neither tiny nor immense. */
static bool deadline_is_sane(const struct sched_attr *attr)
{
	uint64_t period = attr->sched_period ? attr->sched_period : attr->sched_deadline;

	return attr->sched_deadline && attr->sched_runtime >= 1024 &&
	       !(attr->sched_deadline >> 63) && !(period >> 63) &&
	       attr->sched_runtime <= attr->sched_deadline && attr->sched_deadline <= period;
}

/* What a task that has the policy `old` is to have. -EINVAL, -EOPNOTSUPP, -EBUSY. */
static int attr_apply(const struct sched_attr *attr, const struct sched_policy *old,
                      struct sched_policy *new)
{
	bool keeps_params = attr->sched_flags & SCHED_FLAG_KEEP_PARAMS;

	*new = *old;
	if (!(attr->sched_flags & SCHED_FLAG_KEEP_POLICY)) {
		new->policy = (int)attr->sched_policy;
		new->reset_on_fork = attr->sched_flags & SCHED_FLAG_RESET_ON_FORK;
	}
	if (attr->sched_flags & ~(uint64_t)FLAGS_KNOWN)
		return -EINVAL;
	if (new->policy == SCHED_DEADLINE)
		return !attr->sched_priority && deadline_is_sane(attr) ? -EBUSY : -EINVAL;
	if (!keeps_params || !old->rt_priority)
		new->rt_priority = (int)min(attr->sched_priority, (uint32_t)RT_PRIORITY_MAX + 1);
	if (!keeps_params && !new->rt_priority)
		new->nice = clamp(attr->sched_nice, (int)NICE_MIN, (int)NICE_MAX);
	return sched_policy_check(new);
}

/* To keep the parameters keeps the policy, too: Linux checks the new one and leaves the old. */
static void attr_keep(const struct sched_attr *attr, const struct sched_policy *old,
                      struct sched_policy *new)
{
	bool resets = new->reset_on_fork;

	if (!(attr->sched_flags & SCHED_FLAG_KEEP_PARAMS))
		return;
	*new = *old;
	new->reset_on_fork = resets;
}

long sys_sched_setattr(pid_t pid, struct sched_attr __user *user_attr, unsigned int flags)
{
	struct sched_policy old, new;
	struct sched_attr attr;
	struct task *task;
	int err;

	if (!user_attr || pid < 0 || flags)
		return -EINVAL;
	err = attr_read(&attr, user_attr);
	if (err)
		return err;
	if ((int)attr.sched_policy < 0)
		return -EINVAL;
	err = sched_target(pid, &task);
	if (err)
		return err;
	sched_policy_get(&task->thread, &old);
	err = attr_apply(&attr, &old, &new);
	if (!err || err == -EBUSY)
		err = sched_may_set(task, &old, &new) ?: err;
	if (!err && (attr.sched_flags & SCHED_FLAG_UTIL_CLAMP))
		err = -EOPNOTSUPP;
	attr_keep(&attr, &old, &new);
	if (!err)
		sched_policy_set(&task->thread, &new);
	task_put(task);
	return err;
}

long sys_sched_getattr(pid_t pid, struct sched_attr __user *user_attr, unsigned int size,
                       unsigned int flags)
{
	struct sched_policy policy;
	struct sched_attr attr = { .size = min(size, (unsigned int)sizeof(attr)) };
	struct task *task;
	int err;

	if (!user_attr || pid < 0 || flags || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
		return -EINVAL;
	err = sched_target(pid, &task);
	if (err)
		return err;
	sched_policy_get(&task->thread, &policy);
	task_put(task);
	attr.sched_policy = (uint32_t)policy.policy;
	attr.sched_flags = policy.reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	attr.sched_priority = (uint32_t)policy.rt_priority;
	attr.sched_nice = policy.rt_priority ? 0 : policy.nice;
	return copy_to_user(user_attr, &attr, attr.size);
}
