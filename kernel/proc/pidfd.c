/*
 * pidfd. See proc/pidfd.h.
 */
#include "proc/pidfd.h"

#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>

#include "fs/file.h"
#include "lib/printf.h"
#include "proc/proc.h"
#include "sched/poll.h"

static bool has_ended(struct pid *pid)
{
	struct proc *proc = proc_of_pid(pid);
	bool ended = !proc || READ_ONCE(proc->is_zombie);

	if (proc)
		proc_put(proc);
	return ended;
}

static unsigned int pidfd_poll(struct file *file, struct poller *poller)
{
	struct pid *pid = file->private;

	poller_add(poller, &pid->exit_queue);
	return has_ended(pid) ? EPOLLIN | EPOLLRDNORM : 0;
}

static void pidfd_release(struct file *file)
{
	pid_put(file->private);
}

/* Pid is -1 once the process is gone: proc(5), fdinfo of pidfds. */
static int pidfd_show(struct file *file, char *buf, size_t size)
{
	struct proc *proc = proc_of_pid(file->private);
	pid_t nr = proc ? proc_tgid(proc) : -1;

	if (proc)
		proc_put(proc);
	return snprintf(buf, size, "Pid:\t%d\nNSpid:\t%d\n", nr, nr);
}

static const struct file_ops pidfd_ops = {
	.poll = pidfd_poll,
	.release = pidfd_release,
	.show_fdinfo = pidfd_show,
};

int pidfd_create(struct pid *pid, unsigned int flags, struct file **out)
{
	int err = file_create_anonymous("anon_inode:[pidfd]", &pidfd_ops, pid_get(pid),
					task_current()->cred, O_RDWR | flags, out);

	if (err)
		pid_put(pid);
	return err;
}

struct pid *pidfd_pid(const struct file *file)
{
	return file->ops == &pidfd_ops ? file->private : NULL;
}
