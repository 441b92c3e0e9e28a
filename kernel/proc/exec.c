/*
 * execve(2): opens the program, finds out its kind, and drives the parts. See proc/exec.h.
 *
 * check-style: includes: it touches everything that a program may own.
 */
#include "proc/exec.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "fs/context.h"
#include "fs/fdtable.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/slab.h"
#include "proc/exec_impl.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "vm/space.h"
#include "vm/usercopy.h"

#define INTERPRETERS_MAX 5

/* What the exec has taken so far, for the choice of an OOM victim. */
static void note_memory(const struct exec *exec)
{
	uint64_t pages = exec->args.nr_pages + (exec->space ? space_rss(exec->space) : 0);

	atomic_store_relaxed(&proc_current()->exec_pages, (uint32_t)pages);
}

/* How many tasks of the process share the current one's root and working directory. */
static uint32_t nr_own_fs_users(void)
{
	const struct fs_context *fs = task_current()->fs;
	struct proc *proc = proc_current();
	const struct task *task;
	uint32_t nr = 0;

	spin_lock_irq(&proc->lock);
	list_for_each_entry(task, &proc->tasks, in_proc)
		nr += READ_ONCE(task->fs) == fs;
	spin_unlock_irq(&proc->lock);
	return nr;
}

static void exec_free(struct exec *exec)
{
	fs_context_exec_end(task_current()->fs);
	atomic_store_relaxed(&proc_current()->exec_pages, 0);
	exec_args_fini(&exec->args);
	if (exec->space)
		space_put(exec->space);
	if (exec->file)
		file_put(exec->file);
	if (exec->own_files)
		fdtable_put(exec->own_files);
	if (exec->own_sighand)
		sighand_put(exec->own_sighand);
	cred_put(exec->cred);
	kfree(exec->name);
	kfree(exec);
}

static int exec_alloc(struct exec **out)
{
	struct exec *exec = kzalloc(sizeof(*exec), ALLOC_KERNEL);
	int err;

	if (!exec)
		return -ENOMEM;
	err = exec_args_init(&exec->args, proc_limit(RLIMIT_STACK));
	if (err) {
		kfree(exec);
		return err;
	}
	exec->is_fs_own = fs_context_exec_begin(task_current()->fs, nr_own_fs_users());
	*out = exec;
	return 0;
}

/* Set-id bits count only of the file that is mapped in the end, on a mount without nosuid. */
static int prepare_cred(struct exec *exec)
{
	const struct cred *own = task_current()->cred;
	struct inode *inode = exec->file->inode;
	bool honoured = !(exec->file->path.mount->flags & MS_NOSUID) && !own->no_new_privs;
	bool set_uid = honoured && (inode->mode & S_ISUID);
	bool set_gid = honoured && (inode->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
	int err;

	cred_put(exec->cred);
	exec->cred = NULL;
	err = cred_dup(own, &exec->cred);
	if (!err)
		exec->secure = cred_fix_for_exec(exec->cred, own, &(struct cred_exec){
			.set_uid = set_uid, .uid = inode->uid,
			.set_gid = set_gid, .gid = inode->gid,
			.is_unsafe = !exec->is_fs_own,
		});
	return err;
}

static int read_head(struct exec *exec)
{
	ssize_t got = file_read_kernel(exec->file, exec->head, EXEC_HEAD_SIZE, 0);

	exec->head_size = got < 0 ? 0 : (size_t)got;
	return got < 0 ? (int)got : 0;
}

/* Scripts lead to their interpreters, which may be scripts, until something can be mapped. */
static int load_program(struct exec *exec, const struct walk_from *from)
{
	int err;

	for (unsigned depth = 0;; depth++) {
		err = read_head(exec);
		if (!err)
			err = exec_load_script(exec, from);
		if (err == -ENOEXEC)
			break;
		if (err)
			return err;
		if (depth == INTERPRETERS_MAX)
			return -ELOOP;
	}
	err = prepare_cred(exec);
	return err ? err : exec_load_elf(exec, from);
}

static int run(struct exec *exec, const struct walk_from *from)
{
	int err;

	note_memory(exec);
	err = load_program(exec, from);
	note_memory(exec);
	return err ? err : exec_commit(exec);
}

static int open_program(struct exec *exec, const struct walk_from *from, const char *name,
			unsigned flags)
{
	unsigned lookup = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
			  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);

	return file_open_exec(from, name, lookup, &exec->file);
}

/* AT_EXECFN, and what a script's interpreter is told to open: execveat(2), NOTES. */
static int name_program(struct exec *exec, int dirfd, const char *name)
{
	size_t size = strlen(name) + 32;

	exec->name = kmalloc(size, ALLOC_KERNEL);
	if (!exec->name)
		return -ENOMEM;
	if (name[0] == '/' || dirfd == AT_FDCWD) {
		snprintf(exec->name, size, "%s", name);
		return 0;
	}
	snprintf(exec->name, size, "/dev/fd/%d%s%s", dirfd, *name ? "/" : "", name);
	exec->is_hidden = fd_get_cloexec(task_current()->files, dirfd) == 1;
	return 0;
}

static int exec_from(struct exec *exec, const struct walk_from *from, const char *name, int dirfd,
		     unsigned flags)
{
	int err = name_program(exec, dirfd, name);

	if (!err)
		err = open_program(exec, from, name, flags);
	return err ? err : run(exec, from);
}

static int exec_at(struct exec *exec, int dirfd, const char *name, unsigned flags)
{
	struct task *task = task_current();
	struct walk_from from = { .fs = task->fs, .cred = task->cred };
	struct fd_borrow base;
	int err;

	if (name[0] == '/' || dirfd == AT_FDCWD)
		return exec_from(exec, &from, name, dirfd, flags);
	if (!fd_borrow(task->files, dirfd, &base))
		return -EBADF;
	/* The table may be exchanged and the descriptor closed on the way: hold on to the file. */
	file_get(base.file);
	fd_return(&base);
	from.base = &base.file->path;
	err = exec_from(exec, &from, name, dirfd, flags);
	file_put(base.file);
	return err;
}

static int read_name(const char __user *name, unsigned flags, char **out)
{
	char *copy = kmalloc(PATH_LEN_MAX, ALLOC_KERNEL);
	ssize_t len;

	if (!copy)
		return -ENOMEM;
	len = strncpy_from_user(copy, name, PATH_LEN_MAX);
	if (len == 0 && !(flags & AT_EMPTY_PATH))
		len = -ENOENT;
	if (len < 0) {
		kfree(copy);
		return (int)len;
	}
	*out = copy;
	return 0;
}

/*
 * setuid(2) cannot fail for too many processes of the new user, programs would overlook that; it is
 * made up for here. execve(2), EAGAIN.
 */
static bool exceeds_nproc(void)
{
	struct task *task = task_current();
	uint64_t count = (uint64_t)atomic_load_relaxed(&task->cred->user->processes);

	task->has_exceeded_nproc = task->has_exceeded_nproc && count > proc_limit(RLIMIT_NPROC);
	return task->has_exceeded_nproc;
}

long exec_user(int dirfd, const char __user *name, uaddr_t argv, uaddr_t envp, unsigned flags)
{
	struct exec *exec;
	char *path = NULL;
	int err;

	if (flags & ~(unsigned)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	if (exceeds_nproc())
		return -EAGAIN;
	err = read_name(name, flags, &path);
	if (err)
		return err;
	err = exec_alloc(&exec);
	if (!err) {
		err = exec_args_from_user(&exec->args, argv, envp);
		if (!err)
			err = exec_at(exec, dirfd, path, flags);
		exec_free(exec);
	}
	kfree(path);
	return err;
}

long exec_kernel(const char *name, const char *const argv[], const char *const envp[])
{
	struct exec *exec;
	int err = exec_alloc(&exec);

	if (err)
		return err;
	err = exec_args_from_kernel(&exec->args, argv, envp);
	if (!err)
		err = exec_at(exec, AT_FDCWD, name, 0);
	exec_free(exec);
	return err;
}
