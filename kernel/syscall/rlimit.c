/*
 * Resource limits: getrlimit(2), setrlimit(2), prlimit(2).
 *
 * A process's limits are read where they matter; the address space keeps copies of its own, which
 * follow here.
 */
#include "id/rlimit.h"

#include <linux/errno.h>

#include "proc/proc.h"
#include "syscall/prototypes.h"
#include "vm/space.h"
#include "vm/usercopy.h"

static_assert(sizeof(struct rlimit) == sizeof(struct rlimit64), "one form of limits in 64 bits");

static void space_follow(struct task *task)
{
	const struct rlimits *limits = &task->proc->limits;
	struct space *space = task_space_get(task);
	const struct cred *cred;
	struct space_limits space_limits;

	if (!space)
		return;
	cred = task_cred_get(task);
	space_limits = (struct space_limits){
		.as = rlimit_get(limits, RLIMIT_AS),
		.data = rlimit_data(limits),
		.stack = rlimit_get(limits, RLIMIT_STACK),
		.memlock = cred_capable(cred, CAP_IPC_LOCK) ? ~0ul
		                                            : rlimit_get(limits, RLIMIT_MEMLOCK),
	};
	space_set_limits(space, &space_limits);
	cred_put(cred);
	space_put(space);
}

static bool concerns_space(unsigned int resource)
{
	return resource == RLIMIT_AS || resource == RLIMIT_DATA || resource == RLIMIT_STACK ||
	       resource == RLIMIT_MEMLOCK;
}

static int limit_change(struct task *task, unsigned int resource, const struct rlimit64 *new,
                        struct rlimit64 *old)
{
	bool may_raise = cred_capable(task_current()->cred, CAP_SYS_RESOURCE);
	int err = rlimit_change(&task->proc->limits, resource, new, old, may_raise);

	if (!err && new && concerns_space(resource))
		space_follow(task);
	return err;
}

/* prlimit(2), DESCRIPTION: all ids of the other must be the caller's real ones. */
static int limit_may_touch(struct task *task)
{
	const struct cred *own = task_current()->cred, *other;
	bool may;

	if (task == task_current())
		return 0;
	other = task_cred_get(task);
	may = (own->uid == other->euid && own->uid == other->suid && own->uid == other->uid &&
	       own->gid == other->egid && own->gid == other->sgid && own->gid == other->gid) ||
	      cred_capable(own, CAP_SYS_RESOURCE);
	cred_put(other);
	return may ? 0 : -EPERM;
}

long sys_prlimit64(pid_t pid, unsigned int resource, const struct rlimit64 __user *new_limit,
                   struct rlimit64 __user *old_limit)
{
	struct rlimit64 new, old;
	struct task *task;
	int err;

	if (new_limit && copy_from_user(&new, new_limit, sizeof(new)))
		return -EFAULT;
	task = pid ? task_lookup(pid) : task_current();
	if (!task)
		return -ESRCH;
	err = limit_may_touch(task);
	if (!err)
		err = limit_change(task, resource, new_limit ? &new : NULL, &old);
	if (pid)
		task_put(task);
	if (!err && old_limit)
		err = copy_to_user(old_limit, &old, sizeof(old));
	return err;
}

long sys_getrlimit(unsigned int resource, struct rlimit __user *limit)
{
	struct rlimit64 old;
	int err = limit_change(task_current(), resource, NULL, &old);

	return err ? err : copy_to_user(limit, &old, sizeof(old));
}

long sys_setrlimit(unsigned int resource, const struct rlimit __user *limit)
{
	struct rlimit64 new;

	if (copy_from_user(&new, limit, sizeof(new)))
		return -EFAULT;
	return limit_change(task_current(), resource, &new, NULL);
}
