/*
 * ioprio_get(2), ioprio_set(2): kept per thread, for the block layer to honour.
 */
#include <linux/errno.h>
#include <linux/ioprio.h>

#include "proc/proc.h"
#include "syscall/prototypes.h"

enum { WHO_PROCESS = 1, WHO_PGRP, WHO_USER };

static int check_ioprio(int ioprio)
{
	int level = ioprio & IOPRIO_PRIO_MASK;

	switch (ioprio >> IOPRIO_CLASS_SHIFT) {
	case IOPRIO_CLASS_RT:
		if (!cred_capable(task_current()->cred, CAP_SYS_ADMIN) &&
		    !cred_capable(task_current()->cred, CAP_SYS_NICE))
			return -EPERM;
		return level < IOPRIO_NR_LEVELS ? 0 : -EINVAL;
	case IOPRIO_CLASS_BE:
		return level < IOPRIO_NR_LEVELS ? 0 : -EINVAL;
	case IOPRIO_CLASS_IDLE:
		return 0;
	case IOPRIO_CLASS_NONE:
		return level ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* What the call does with each task that is meant; true ends the walk. */
struct ioprio_visit {
	bool is_set;
	int  ioprio;
	int  best; /* of a get: the highest priority among all */
	int  err;
};

static int better_of(int a, int b)
{
	int rank_a = a >> IOPRIO_CLASS_SHIFT
			     ? a
			     : IOPRIO_CLASS_BE << IOPRIO_CLASS_SHIFT | IOPRIO_BE_NORM;
	int rank_b = b >> IOPRIO_CLASS_SHIFT
			     ? b
			     : IOPRIO_CLASS_BE << IOPRIO_CLASS_SHIFT | IOPRIO_BE_NORM;

	return rank_a < rank_b ? a : b;
}

static void visit(struct ioprio_visit *call, struct task *task)
{
	const struct cred *own = task_current()->cred, *other = task_cred_get(task);
	bool may = own->euid == other->uid || own->uid == other->uid ||
		   cred_capable(own, CAP_SYS_NICE);

	if (call->is_set && !may) {
		call->err = -EPERM;
	} else if (call->is_set) {
		atomic_store_relaxed(&task->ioprio, call->ioprio);
		call->err = 0;
	} else {
		call->best = call->err ? task->ioprio : better_of(call->best, task->ioprio);
		call->err = 0;
	}
	cred_put(other);
}

static void visit_one(struct ioprio_visit *call, int who)
{
	struct task *task = task_current();

	if (who)
		task = task_lookup(who);
	else
		task_get(task);
	if (!task)
		return;
	visit(call, task);
	task_put(task);
}

static bool has_uid(struct task *task, uid_t uid)
{
	const struct cred *cred = task_cred_get(task);
	bool same = cred->uid == uid;

	cred_put(cred);
	return same;
}

/* Leaders stand for their processes, as the calls are by process for groups and users. */
static void visit_many(struct ioprio_visit *call, int which, int who)
{
	pid_t pgid = who ? who : proc_pgid(proc_current());
	uid_t uid = who ? (uid_t)who : task_current()->cred->uid;
	struct proc *proc;

	for (pid_t next = 1; (proc = proc_next(next)) != NULL; proc_put(proc)) {
		struct task *leader = proc_leader_get(proc);

		next = proc_tgid(proc) + 1;
		if (!leader)
			continue;
		if (which == WHO_PGRP ? proc_pgid(proc) == pgid : has_uid(leader, uid))
			visit(call, leader);
		task_put(leader);
	}
}

static int visit_all(struct ioprio_visit *call, int which, int who)
{
	call->err = -ESRCH;
	switch (which) {
	case WHO_PROCESS:
		visit_one(call, who);
		return call->err;
	case WHO_PGRP:
	case WHO_USER:
		visit_many(call, which, who);
		return call->err;
	default:
		return -EINVAL;
	}
}

long sys_ioprio_set(int which, int who, int ioprio)
{
	struct ioprio_visit call = { .is_set = true, .ioprio = ioprio };
	int err = check_ioprio(ioprio);

	return err ? err : visit_all(&call, which, who);
}

long sys_ioprio_get(int which, int who)
{
	struct ioprio_visit call = { 0 };
	int err = visit_all(&call, which, who);

	return err ? err : call.best;
}
