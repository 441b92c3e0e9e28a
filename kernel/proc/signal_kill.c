/*
 * Signals from program to program: kill(2), tgkill(2), and who may.
 */
#include <linux/errno.h>

#include "proc/session.h"
#include "proc/signal_impl.h"

static bool ids_match(const struct cred *own, const struct cred *target)
{
	return own->euid == target->suid || own->euid == target->uid || own->uid == target->suid ||
	       own->uid == target->uid;
}

static bool task_may_signal(struct task *target, int sig)
{
	const struct cred *own = task_current()->cred, *other;
	bool may;

	if (target->proc == proc_current())
		return true;
	other = task_cred_get(target);
	may = ids_match(own, other) || cred_capable(own, CAP_KILL) ||
	      (sig == SIGCONT && READ_ONCE(target->proc->session) == proc_current()->session);
	cred_put(other);
	return may;
}

int signal_may_send(struct proc *proc, int sig)
{
	struct task *leader;
	int err = -ESRCH;

	rcu_read_lock();
	leader = READ_ONCE(proc->leader);
	if (leader)
		err = task_may_signal(leader, sig) ? 0 : -EPERM;
	rcu_read_unlock();
	return err;
}

static int kill_proc(pid_t pid, int sig, const siginfo_t *info)
{
	struct proc *proc = proc_lookup(pid);
	struct task *task;
	int err;

	if (!proc) {
		/* kill(2) of a thread's number reaches its process, as on Linux. */
		task = task_lookup(pid);
		if (!task)
			return -ESRCH;
		proc = task->proc;
		proc_get(proc);
		task_put(task);
	}
	err = signal_may_send(proc, sig);
	if (!err)
		err = signal_send_proc(proc, sig, info);
	proc_put(proc);
	return err;
}

/* Counts successes and remembers the last refusal: one success is a success. */
struct tally {
	bool sent;
	int  err;
};

static void tally_send(struct tally *tally, struct proc *proc, int sig, const siginfo_t *info)
{
	int err = signal_may_send(proc, sig);

	if (!err)
		err = signal_send_proc(proc, sig, info);
	if (!err)
		tally->sent = true;
	else
		tally->err = err;
}

static int kill_pgrp(struct pid *pgid, int sig, const siginfo_t *info)
{
	struct tally tally = { .err = -ESRCH };
	struct pid_link *link;

	spin_lock(&proc_tree_lock);
	pid_for_each(link, pgid, PID_PGID)
		tally_send(&tally, container_of(link, struct proc, pgid_link), sig, info);
	spin_unlock(&proc_tree_lock);
	return tally.sent ? 0 : tally.err;
}

/* In one critical section, so that nobody forks ahead of it: a fork bomb ends here. */
static int kill_everybody(int sig, const siginfo_t *info)
{
	struct tally tally = { .err = -ESRCH };
	struct pid *pid;

	spin_lock(&proc_tree_lock);
	for (pid_t next = 2; (pid = pid_next(next)) != NULL; pid_put(pid)) {
		struct pid_link *link = pid_first(pid, PID_TGID);
		struct proc *proc = link ? container_of(link, struct proc, tgid_link) : NULL;

		next = pid_nr(pid) + 1;
		if (proc && proc != proc_current() && proc != proc_init())
			tally_send(&tally, proc, sig, info);
	}
	spin_unlock(&proc_tree_lock);
	return tally.sent ? 0 : tally.err;
}

static struct pid *own_pgrp_get(void)
{
	struct pid *pgid;

	spin_lock(&proc_tree_lock);
	pgid = pid_get(proc_current()->pgid);
	spin_unlock(&proc_tree_lock);
	return pgid;
}

static __noinline int kill_others(pid_t pid, int sig, const siginfo_t *info)
{
	struct pid *pgid;
	int err;

	if (pid > 0)
		return kill_proc(pid, sig, info);
	if (pid == -1)
		return kill_everybody(sig, info);
	if (pid == INT32_MIN)
		return -ESRCH;
	pgid = pid ? pid_lookup(-pid) : own_pgrp_get();
	if (!pgid)
		return -ESRCH;
	err = kill_pgrp(pgid, sig, info);
	pid_put(pgid);
	return err;
}

int signal_kill(pid_t pid, int sig, const siginfo_t *info)
{
	struct proc *self = proc_current();

	if (sig < 0 || sig > NR_SIGNALS)
		return -EINVAL;
	/* abort(3) and raise(3) mean the caller, who may. */
	if (pid == proc_tgid(self))
		return signal_send_proc(self, sig, info);
	return kill_others(pid, sig, info);
}

int signal_tgkill(pid_t tgid, pid_t tid, int sig, const siginfo_t *info)
{
	struct task *task;
	int err = 0;

	if (tid <= 0 || tgid < 0 || sig < 0 || sig > NR_SIGNALS)
		return -EINVAL;
	task = task_lookup(tid);
	if (!task)
		return -ESRCH;
	if (tgid && proc_tgid(task->proc) != tgid)
		err = -ESRCH;
	else if (!task_may_signal(task, sig))
		err = -EPERM;
	else
		err = signal_send_task(task, sig, info);
	task_put(task);
	return err;
}
