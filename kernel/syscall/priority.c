/*
 * Nice values: getpriority(2), setpriority(2), for a thread, a process group or a user.
 */
#include <linux/errno.h>
#include <linux/resource.h>

#include "lib/math.h"
#include "proc/proc.h"
#include "sched/policy.h"
#include "syscall/prototypes.h"
#include "syscall/sched_target.h"

struct priority_walk {
	int  (*visit)(struct task *task, struct priority_walk *walk);
	int  nice; /* to set; or the least found */
	int  err;  /* of the last that could not be changed; -ESRCH before the first */
};

/*
 * A value as the bare call returns it: 40 for nice -20, 1 for nice 19, so that it is never
 * negative.
 */
static int visit_get(struct task *task, struct priority_walk *walk)
{
	int nice = sched_nice_get(&task->thread);

	if (walk->err == -ESRCH || nice < walk->nice)
		walk->nice = nice;
	return 0;
}

static int visit_set(struct task *task, struct priority_walk *walk)
{
	const struct cred *own = task_current()->cred, *other = task_cred_get(task);
	bool privileged = cred_capable(own, CAP_SYS_NICE);
	bool same = other->uid == own->euid || other->euid == own->euid;
	uint64_t limit = rlimit_get(&task->proc->limits, RLIMIT_NICE);

	cred_put(other);
	if (!same && !privileged)
		return -EPERM;
	if (walk->nice < sched_nice_get(&task->thread) && !privileged &&
	    (uint64_t)(20 - walk->nice) > limit)
		return -EACCES;
	sched_nice_set(&task->thread, walk->nice);
	return 0;
}

static void visit_one(struct task *task, struct priority_walk *walk)
{
	int err = walk->visit(task, walk);

	if (err || walk->err == -ESRCH)
		walk->err = err;
}

static void visit_tasks_locked(struct proc *proc, struct priority_walk *walk)
{
	struct task *task;

	list_for_each_entry(task, &proc->tasks, in_proc)
		visit_one(task, walk);
}

static void walk_thread(pid_t tid, struct priority_walk *walk)
{
	struct task *task;

	if (sched_target(tid, &task))
		return;
	visit_one(task, walk);
	task_put(task);
}

static void walk_group(pid_t number, struct priority_walk *walk)
{
	struct pid *pid = pid_lookup(number ? number : proc_pgid(proc_current()));
	struct pid_link *link;

	if (!pid)
		return;
	spin_lock(&proc_tree_lock);
	pid_for_each(link, pid, PID_PGID)
		visit_tasks_locked(container_of(link, struct proc, pgid_link), walk);
	spin_unlock(&proc_tree_lock);
	pid_put(pid);
}

static bool proc_is_of(struct proc *proc, uid_t uid)
{
	const struct cred *cred;
	bool same;

	if (!proc->leader)
		return false;
	cred = task_cred_get(proc->leader);
	same = cred->uid == uid;
	cred_put(cred);
	return same;
}

static void walk_user(uid_t uid, struct priority_walk *walk)
{
	struct proc *proc;

	for (pid_t from = 1; (proc = proc_next(from)); from++) {
		from = proc_tgid(proc);
		spin_lock(&proc_tree_lock);
		if (proc_is_of(proc, uid))
			visit_tasks_locked(proc, walk);
		spin_unlock(&proc_tree_lock);
		proc_put(proc);
	}
}

static int priority_walk(int which, int who, struct priority_walk *walk)
{
	walk->err = -ESRCH;
	switch (which) {
	case PRIO_PROCESS:
		walk_thread(who, walk);
		return walk->err;
	case PRIO_PGRP:
		walk_group(who, walk);
		return walk->err;
	case PRIO_USER:
		walk_user(who ? (uid_t)who : task_current()->cred->uid, walk);
		return walk->err;
	default:
		return -EINVAL;
	}
}

long sys_getpriority(int which, int who)
{
	struct priority_walk walk = { .visit = visit_get };
	int err = priority_walk(which, who, &walk);

	return err ? err : 20 - walk.nice;
}

long sys_setpriority(int which, int who, int nice)
{
	struct priority_walk walk = {
		.visit = visit_set,
		.nice = clamp(nice, (int)NICE_MIN, (int)NICE_MAX),
	};

	return priority_walk(which, who, &walk);
}
