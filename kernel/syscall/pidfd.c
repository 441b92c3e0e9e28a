/*
 * pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2).
 */
#include "proc/pidfd.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/pidfd.h>

#include "fs/fdtable.h"
#include "fs/file.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "procfs/procfs.h"
#include "syscall/fd.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

/* Only a leader's number opens: pidfd_open(2), EINVAL. */
static bool is_thread(pid_t tid)
{
	struct task *task = task_lookup(tid);

	if (task)
		task_put(task);
	return task;
}

long sys_pidfd_open(pid_t pid, unsigned int flags)
{
	struct proc *proc;
	struct file *file;
	int err;

	if ((flags & ~(unsigned)PIDFD_NONBLOCK) || pid <= 0)
		return -EINVAL;
	proc = proc_lookup(pid);
	if (!proc)
		return is_thread(pid) ? -EINVAL : -ESRCH;
	err = pidfd_create(proc->tgid, flags, &file);
	proc_put(proc);
	if (err)
		return err;
	return fd_give(file, true);
}

/* The process of a descriptor or /proc/PID directory, with a reference: -EBADF, -ESRCH. */
static int proc_of_fd(int fd, bool or_directory, struct proc **out)
{
	struct fd_borrow ref;
	struct pid *pid;
	int err = -EBADF;

	if (!fd_borrow_io(task_current()->files, fd, &ref))
		return -EBADF;
	pid = pidfd_pid(ref.file);
	if (!pid && or_directory)
		pid = procfs_pid(ref.file);
	if (pid) {
		*out = proc_of_pid(pid);
		err = *out ? 0 : -ESRCH;
	}
	fd_return(&ref);
	return err;
}

static long send_signal(struct proc *proc, int sig, const siginfo_t *info)
{
	int err = signal_may_send(proc, sig);

	return err ? err : signal_send_proc(proc, sig, info);
}

/*
 * siginfo from user space follows the rules of rt_sigqueueinfo(2), and must name the same signal.
 */
static int read_info(struct proc *proc, int sig, const struct siginfo __user *from, siginfo_t *info)
{
	if (copy_from_user(info, (const siginfo_t __user *)from, sizeof(*info)))
		return -EFAULT;
	if (info->si_signo != sig)
		return -EINVAL;
	if (proc != proc_current() && (info->si_code >= 0 || info->si_code == SI_TKILL))
		return -EPERM;
	return 0;
}

long sys_pidfd_send_signal(int pid_fd, int sig, const struct siginfo __user *user_info,
			   unsigned int flags)
{
	struct proc *proc;
	siginfo_t info;
	long result;

	if (flags)
		return -EINVAL;
	result = proc_of_fd(pid_fd, true, &proc);
	if (result)
		return result;
	if (user_info)
		result = read_info(proc, sig, user_info, &info);
	if (!result)
		result = sig < 0 || sig > NR_SIGNALS
				 ? -EINVAL
				 : send_signal(proc, sig, user_info ? &info : SIGINFO_USER);
	proc_put(proc);
	return result;
}

static int get_file_of(struct task *task, int fd, struct file **out)
{
	struct fdtable *files = task_files_look(task);

	if (!files)
		return -ESRCH;
	*out = fdtable_get_file(files, fd);
	fdtable_memory_put(files);
	return *out ? 0 : -EBADF;
}

static int borrow_foreign(struct proc *proc, int target_fd, struct file **out)
{
	struct task *leader = proc_leader_get(proc);
	unsigned int programs;
	int err;

	*out = NULL;
	if (!leader)
		return -ESRCH;
	do {
		if (*out)
			file_put(*out);
		*out = NULL;
		err = task_access_begin(leader, &programs);
		if (!err)
			err = get_file_of(leader, target_fd, out);
	} while (task_access_retry(leader, programs));
	task_put(leader);
	return err;
}

long sys_pidfd_getfd(int pid_fd, int target_fd, unsigned int flags)
{
	struct proc *proc;
	struct file *file;
	int err;

	if (flags)
		return -EINVAL;
	err = proc_of_fd(pid_fd, false, &proc);
	if (err)
		return err;
	err = borrow_foreign(proc, target_fd, &file);
	proc_put(proc);
	if (err)
		return err;
	return fd_give(file, true);
}
