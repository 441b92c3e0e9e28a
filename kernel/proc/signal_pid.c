/*
 * pid_signal(): what stands behind a pid is looked up again by its number, which takes a reference,
 * since the caller knows no tasks and holds no lock of ours.
 */
#include "proc/signal_pid.h"

#include <linux/errno.h>

#include "proc/proc.h"
#include "proc/signal.h"

static int signal_task_by_pid(struct pid *pid, int sig, const siginfo_t *info)
{
	struct task *task = task_lookup(pid_nr(pid));
	int err = -ESRCH;

	if (!task)
		return err;
	if (task->pid == pid) /* the number may belong to somebody else by now */
		err = signal_send_task(task, sig, info);
	task_put(task);
	return err;
}

static int signal_proc_by_pid(struct pid *pid, int sig, const siginfo_t *info)
{
	struct proc *proc = proc_lookup(pid_nr(pid));
	int err = -ESRCH;

	if (!proc)
		return err;
	if (proc->tgid == pid)
		err = signal_send_proc(proc, sig, info);
	proc_put(proc);
	return err;
}

static int signal_by_pid(struct pid *pid, enum pid_kind kind, int sig, const siginfo_t *info)
{
	if (!info)
		info = SIGINFO_KERNEL;
	switch (kind) {
	case PID_TID:
		return signal_task_by_pid(pid, sig, info);
	case PID_TGID:
		return signal_proc_by_pid(pid, sig, info);
	case PID_PGID:
		return signal_send_pgrp(pid, sig, info);
	default:
		return -EINVAL;
	}
}

void signal_pid_init(void)
{
	static const struct pid_ops ops = { .signal = signal_by_pid };

	pid_ops_register(&ops);
}
