/*
 * execve(2), execveat(2), exit(2), exit_group(2), wait4(2), waitid(2).
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <linux/wait.h>

#include "abi/siginfo.h"
#include "fs/fdtable.h"
#include "fs/file.h"
#include "proc/exec.h"
#include "proc/exit.h"
#include "proc/pidfd.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "proc/wait.h"
#include "syscall/prototypes.h"
#include "syscall/usage.h"
#include "vm/usercopy.h"

long sys_execve(const char __user *path, const char __user *const __user *argv,
		const char __user *const __user *envp)
{
	return exec_user(AT_FDCWD, path, (uaddr_t)argv, (uaddr_t)envp, 0);
}

long sys_execveat(int dfd, const char __user *path, const char __user *const __user *argv,
		  const char __user *const __user *envp, int flags)
{
	return exec_user(dfd, path, (uaddr_t)argv, (uaddr_t)envp, (unsigned)flags);
}

long sys_exit(int status)
{
	task_exit((status & 0xff) << 8);
}

long sys_exit_group(int status)
{
	proc_exit((status & 0xff) << 8);
}

/* Waits as `request` says for the group or process `nr`; 0 is the caller's own group. */
static long wait_for_number(struct wait_request *request, pid_t nr)
{
	long result;

	if (request->for_what == WAIT_PGID && !nr)
		nr = proc_pgid(proc_current());
	if (request->for_what != WAIT_ANY && !request->pid) {
		request->pid = pid_lookup(nr);
		if (!request->pid)
			return -ECHILD;
	}
	result = proc_wait(request);
	if (request->pid)
		pid_put(request->pid);
	return result;
}

static int copy_usage_out(struct rusage __user *out, const struct usage *usage)
{
	struct rusage rusage;

	if (!out)
		return 0;
	usage_to_rusage(usage, &rusage);
	return copy_to_user(out, &rusage, sizeof(rusage));
}

long sys_wait4(pid_t pid, int __user *status, int options, struct rusage __user *usage)
{
	struct wait_request request = { .options = (unsigned)options | WEXITED };
	long result;

	if ((unsigned)options &
	    ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	request.for_what = pid == -1 ? WAIT_ANY : pid > 0 ? WAIT_PID : WAIT_PGID;
	result = wait_for_number(&request, pid < -1 ? -pid : pid);
	if (result <= 0)
		return result;
	if (status && copy_to_user(status, &request.status, sizeof(request.status)))
		return -EFAULT;
	return copy_usage_out(usage, &request.usage) ? -EFAULT : result;
}

/* A pidfd without blocking makes the call one: waitid(2), P_PIDFD. */
static int pidfd_target(int fd, struct wait_request *request)
{
	struct fd_borrow ref;
	struct pid *pid;

	if (fd < 0)
		return -EINVAL;
	if (!fd_borrow(task_current()->files, fd, &ref))
		return -EBADF;
	pid = pidfd_pid(ref.file);
	if (pid) {
		request->for_what = WAIT_PID;
		request->pid = pid_get(pid);
		if ((ref.file->flags & O_NONBLOCK) && !(request->options & WNOHANG)) {
			request->options |= WNOHANG;
			request->is_nonblocking = true;
		}
	}
	fd_return(&ref);
	return pid ? 0 : -EBADF;
}

static int waitid_target(int which, pid_t id, struct wait_request *request)
{
	switch (which) {
	case P_ALL:
		request->for_what = WAIT_ANY;
		return 0;
	case P_PID:
		request->for_what = WAIT_PID;
		return id > 0 ? 0 : -EINVAL;
	case P_PGID:
		request->for_what = WAIT_PGID;
		return id >= 0 ? 0 : -EINVAL;
	case P_PIDFD:
		return pidfd_target(id, request);
	default:
		return -EINVAL;
	}
}

long sys_waitid(int which, pid_t id, struct siginfo __user *info, int options,
                struct rusage __user *usage)
{
	struct wait_request request = { .options = (unsigned)options };
	siginfo_t out;
	long result;
	int err;

	if ((unsigned)options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED |
	                          __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (!((unsigned)options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	err = waitid_target(which, id, &request);
	if (err)
		return err;
	result = wait_for_number(&request, id);
	if (result < 0)
		return result;
	siginfo_init(&out, 0, 0);
	if (!result && request.is_nonblocking)
		return -EAGAIN;
	if (result > 0) {
		out.si_signo = SIGCHLD;
		out.si_code = request.code;
		out.si_pid = (pid_t)result;
		out.si_uid = request.uid;
		out.si_status = request.value;
		if (copy_usage_out(usage, &request.usage))
			return -EFAULT;
	}
	if (info && copy_to_user((siginfo_t __user *)info, &out, sizeof(out)))
		return -EFAULT;
	return 0;
}
