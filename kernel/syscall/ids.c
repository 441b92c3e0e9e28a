/*
 * The numbers of processes, groups and sessions: getpid(2), setpgid(2), setsid(2) and their kin.
 */
#include <linux/errno.h>

#include "proc/proc.h"
#include "proc/session.h"
#include "syscall/prototypes.h"

long sys_getpid(void)
{
	return proc_tgid(proc_current());
}

long sys_gettid(void)
{
	return task_tid(task_current());
}

long sys_getppid(void)
{
	return proc_ppid(proc_current());
}

/* The process that `pid` means: 0 is the caller. With a reference; NULL: -ESRCH. */
static struct proc *proc_by_number(pid_t pid)
{
	if (pid)
		return proc_lookup(pid);
	proc_get(proc_current());
	return proc_current();
}

long sys_getpgid(pid_t pid)
{
	struct proc *proc = proc_by_number(pid);
	pid_t pgid;

	if (!proc)
		return -ESRCH;
	pgid = proc_pgid(proc);
	proc_put(proc);
	return pgid;
}

long sys_getpgrp(void)
{
	return proc_pgid(proc_current());
}

long sys_setpgid(pid_t pid, pid_t pgid)
{
	return proc_setpgid(pid, pgid);
}

long sys_getsid(pid_t pid)
{
	struct proc *proc = proc_by_number(pid);
	pid_t sid;

	if (!proc)
		return -ESRCH;
	sid = proc_sid(proc);
	proc_put(proc);
	return sid;
}

long sys_setsid(void)
{
	pid_t sid;
	int err = session_create(&sid);

	return err ? err : sid;
}
