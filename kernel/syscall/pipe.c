/*
 * pipe(2), pipe2(2); and tee, splice, vmsplice, sendfile are in splice.c.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "fs/fdtable.h"
#include "fs/pipe.h"
#include "lib/math.h"
#include "proc/proc.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

static int reserve_two(struct fdtable *table, bool cloexec, int fds[2])
{
	uint32_t limit = (uint32_t)min(proc_limit(RLIMIT_NOFILE), (uint64_t)FD_MAX);

	fds[0] = fd_reserve(table, 0, limit, cloexec);
	if (fds[0] < 0)
		return fds[0];
	fds[1] = fd_reserve(table, 0, limit, cloexec);
	if (fds[1] >= 0)
		return 0;
	fd_release(table, fds[0]);
	return fds[1];
}

long sys_pipe2(int __user *user_fds, int flags)
{
	struct task *task = task_current();
	struct file *files[2];
	int fds[2], err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = pipe_create(task->cred, (unsigned int)flags, files);
	if (err)
		return err;
	err = reserve_two(task->files, flags & O_CLOEXEC, fds);
	if (err)
		goto out_files;
	err = copy_to_user(user_fds, fds, sizeof(fds));
	if (err)
		goto out_fds;
	fd_install(task->files, fds[0], files[0]);
	fd_install(task->files, fds[1], files[1]);
	return 0;

out_fds:
	fd_release(task->files, fds[0]);
	fd_release(task->files, fds[1]);
out_files:
	file_put(files[0]);
	file_put(files[1]);
	return err;
}

long sys_pipe(int __user *fds)
{
	return sys_pipe2(fds, 0);
}
