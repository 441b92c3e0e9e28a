/*
 * Signals from floors that know only pids: what pid_signal() and pid_signal_as() of id/pid.h do.
 */
#include "proc/signal_pid.h"

#include <linux/errno.h>

#include "proc/signal_impl.h"

/* As kill(2), but by credentials that were kept: fcntl(2), F_SETOWN. */
static bool may_signal(const struct cred *sender, struct task *target)
{
	const struct cred *cred;
	bool may;

	if (!sender || sender->euid == 0)
		return true;
	cred = task_cred_get(target);
	may = sender->euid == cred->suid || sender->euid == cred->uid ||
	      sender->uid == cred->suid || sender->uid == cred->uid;
	cred_put(cred);
	return may;
}

static int send_to_task(const struct cred *sender, struct pid *pid, int sig, const siginfo_t *info)
{
	struct pid_link *link = pid_first(pid, PID_TID);
	struct task *task;

	if (!link)
		return -ESRCH;
	task = container_of(link, struct task, pid_link);
	return may_signal(sender, task) ? signal_send_task(task, sig, info) : -EPERM;
}

static int send_to_procs(const struct cred *sender, struct pid *pid, enum pid_kind kind, int sig,
                         const siginfo_t *info)
{
	struct pid_link *link;
	struct proc *proc;
	int err = -ESRCH;

	pid_for_each(link, pid, kind) {
		proc = kind == PID_TGID ? container_of(link, struct proc, tgid_link)
					: container_of(link, struct proc, pgid_link);
		err = -EPERM;
		if (may_signal(sender, proc->leader))
			err = signal_send_proc(proc, sig, info);
	}
	return err;
}

static int pid_send(const struct cred *sender, struct pid *pid, enum pid_kind kind, int sig,
                    const siginfo_t *info)
{
	int err;

	if (!info)
		info = SIGINFO_KERNEL;
	spin_lock(&proc_tree_lock);
	if (kind == PID_TID)
		err = send_to_task(sender, pid, sig, info);
	else
		err = send_to_procs(sender, pid, kind, sig, info);
	spin_unlock(&proc_tree_lock);
	return err;
}

static const struct pid_ops pid_ops = { .signal = pid_send };

void signal_pid_init(void)
{
	pid_ops_register(&pid_ops);
}
