/*
 * Sessions and process groups. See proc/session.h.
 */
#include "proc/session.h"

#include <linux/errno.h>

#include "id/pid.h"
#include "mem/slab.h"
#include "proc/proc.h"
#include "proc/task_impl.h"

void session_get(struct session *session)
{
	refcount_get(&session->refs);
}

void session_put(struct session *session)
{
	if (!refcount_put(&session->refs))
		return;
	pid_put(session->sid);
	pid_put(session->hung_up_pgid);
	kfree(session);
}

int session_alloc(struct pid *sid, struct proc *leader, struct session **out)
{
	struct session *session = kzalloc(sizeof(*session), ALLOC_KERNEL);

	if (!session)
		return -ENOMEM;
	refcount_init(&session->refs, 1);
	pid_get(sid);
	session->sid = sid;
	session->leader = leader;
	*out = session;
	return 0;
}

static void move_to_pgrp_locked(struct proc *proc, struct pid *pgid)
{
	pid_detach(&proc->pgid_link);
	proc->pgid = pgid;
	pid_attach(pgid, PID_PGID, &proc->pgid_link);
}

int session_create(pid_t *sid)
{
	struct proc *proc = proc_current();
	struct session *fresh, *old;
	int err = session_alloc(proc->tgid, proc, &fresh);

	if (err)
		return err;
	spin_lock(&proc_tree_lock);
	/*
	 * A group of this number exists already: the caller leads it, or left members behind in it.
	 */
	if (proc->session->leader == proc || pid_has(proc->tgid, PID_PGID)) {
		spin_unlock(&proc_tree_lock);
		session_put(fresh);
		return -EPERM;
	}
	old = proc->session;
	proc->session = fresh;
	pid_detach(&proc->sid_link);
	pid_attach(proc->tgid, PID_SID, &proc->sid_link);
	move_to_pgrp_locked(proc, proc->tgid);
	spin_unlock(&proc_tree_lock);
	session_put(old);
	*sid = proc_tgid(proc);
	return 0;
}

static struct proc *find_proc_locked(pid_t nr)
{
	struct pid *pid = pid_find(nr);
	struct pid_link *link = pid ? pid_first(pid, PID_TGID) : NULL;

	return link ? container_of(link, struct proc, tgid_link) : NULL;
}

/* The member of the caller's session that setpgid(2) is about, or its error. */
static int setpgid_check_locked(struct proc *caller, struct proc *target)
{
	if (!target || (target != caller && target->parent != caller))
		return -ESRCH;
	if (target->session != caller->session)
		return -EPERM;
	if (target != caller && target->leader->has_execed)
		return -EACCES;
	return target->session->leader == target ? -EPERM : 0;
}

static int setpgid_locked(struct proc *caller, pid_t pid, pid_t pgid)
{
	struct proc *target = pid ? find_proc_locked(pid) : caller;
	int err = setpgid_check_locked(caller, target);
	struct pid_link *member;
	struct pid *group;

	if (err)
		return err;
	if (!pgid || pgid == proc_tgid(target)) {
		group = target->tgid;
	} else {
		group = pid_find(pgid);
		member = group ? pid_first(group, PID_PGID) : NULL;
		if (!member ||
		    container_of(member, struct proc, pgid_link)->session != caller->session)
			return -EPERM;
	}
	if (target->pgid != group)
		move_to_pgrp_locked(target, group);
	return 0;
}

int proc_setpgid(pid_t pid, pid_t pgid)
{
	int err;

	if (pgid < 0)
		return -EINVAL;
	rcu_read_lock();
	spin_lock(&proc_tree_lock);
	err = setpgid_locked(proc_current(), pid, pgid);
	spin_unlock(&proc_tree_lock);
	rcu_read_unlock();
	return err;
}

bool pgrp_is_orphaned_locked(struct pid *pgid, const struct proc *ignored)
{
	struct pid_link *link;

	pid_for_each(link, pgid, PID_PGID) {
		struct proc *member = container_of(link, struct proc, pgid_link);
		struct proc *parent = member->parent;

		if (member == ignored || (member->is_zombie && !member->nr_live) || !parent)
			continue;
		if (parent != proc_init() && parent->pgid != pgid &&
		    parent->session == member->session)
			return false;
	}
	return true;
}

bool pgrp_is_orphaned(struct pid *pgid)
{
	bool is_orphaned;

	spin_lock(&proc_tree_lock);
	is_orphaned = pgrp_is_orphaned_locked(pgid, NULL);
	spin_unlock(&proc_tree_lock);
	return is_orphaned;
}

bool pgrp_has_stopped_locked(struct pid *pgid)
{
	struct pid_link *link;

	pid_for_each(link, pgid, PID_PGID) {
		if (READ_ONCE(container_of(link, struct proc, pgid_link)->stop) == PROC_STOPPED)
			return true;
	}
	return false;
}
