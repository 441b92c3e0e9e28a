/*
 * fork(2), vfork(2), clone(2), clone3(2), unshare(2), and what threads tell the kernel about
 * themselves.
 */
#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/sched.h>

#include "fs/context.h"
#include "fs/fdtable.h"
#include "proc/clone.h"
#include "proc/proc.h"
#include "proc/sysvsem.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

#define CLONE_SIGNAL_MASK 0xffu

static const struct pt_regs *own_regs(void)
{
	return task_regs(task_current());
}

long sys_fork(void)
{
	struct clone_request request = { .exit_signal = SIGCHLD };

	return task_clone(&request, own_regs());
}

long sys_vfork(void)
{
	struct clone_request request = { .flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD };

	return task_clone(&request, own_regs());
}

long sys_clone(unsigned long flags, uaddr_t stack, int __user *parent_tid, int __user *child_tid,
	       uaddr_t tls)
{
	struct clone_request request = {
		.flags = (uint32_t)flags & ~CLONE_SIGNAL_MASK,
		.exit_signal = flags & CLONE_SIGNAL_MASK,
		.stack = stack,
		.tls = tls,
		.parent_tid = parent_tid,
		.child_tid = child_tid,
	};

	/* The pidfd goes where the parent's copy of the TID would: clone(2). */
	if (flags & CLONE_PIDFD) {
		if (flags & (CLONE_PARENT_SETTID | CLONE_DETACHED))
			return -EINVAL;
		request.pidfd = parent_tid;
	}
	request.flags &= ~(uint64_t)CLONE_DETACHED;
	return task_clone(&request, own_regs());
}

static int check_clone_args(const struct clone_args *args)
{
	uint64_t flags = args->flags;

	if ((flags & (CLONE_DETACHED | CLONE_SIGNAL_MASK)) || args->exit_signal > 64)
		return -EINVAL;
	if ((flags & (CLONE_THREAD | CLONE_PARENT)) && args->exit_signal)
		return -EINVAL;
	if (!args->stack != !args->stack_size)
		return -EINVAL;
	if (!args->set_tid != !args->set_tid_size || args->set_tid_size > 1)
		return -EINVAL;
	return args->stack && !user_range_ok((void __user *)args->stack, args->stack_size) ? -EINVAL
	                                                                                   : 0;
}

static int read_wanted_tid(const struct clone_args *args, pid_t *tid)
{
	*tid = 0;
	if (!args->set_tid_size)
		return 0;
	if (!cred_capable(task_current()->cred, CAP_SYS_ADMIN))
		return -EPERM;
	if (copy_from_user(tid, (const void __user *)args->set_tid, sizeof(*tid)))
		return -EFAULT;
	return *tid > 0 ? 0 : -EINVAL;
}

long sys_clone3(const struct clone_args __user *user_args, size_t size)
{
	struct clone_request request;
	struct clone_args args;
	pid_t wanted;
	int err;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	err = copy_struct_from_user(&args, sizeof(args), user_args, size);
	if (!err)
		err = check_clone_args(&args);
	if (!err)
		err = read_wanted_tid(&args, &wanted);
	if (err)
		return err;
	request = (struct clone_request){
		.flags = args.flags,
		.exit_signal = (int)args.exit_signal,
		.stack = args.stack ? args.stack + args.stack_size : 0,
		.tls = args.tls,
		.parent_tid = (int32_t __user *)args.parent_tid,
		.child_tid = (int32_t __user *)args.child_tid,
		.pidfd = (int32_t __user *)args.pidfd,
		.wanted_tid = wanted,
	};
	return task_clone(&request, own_regs());
}

static int unshare_fs(void)
{
	struct task *task = task_current();
	struct fs_context *old = task->fs, *own;
	int err;

	if (refcount_read(&old->refs) == 1)
		return 0;
	err = fs_context_copy(old, &own);
	if (err)
		return err;
	spin_lock(&task->resources_lock);
	task->fs = own;
	spin_unlock(&task->resources_lock);
	fs_context_put(old);
	return 0;
}

/*
 * Threads, memory and handlers cannot be taken apart again; asking for it is fine where nothing is
 * shared.
 */
static int unshare_check(unsigned long flags)
{
	const unsigned long known = CLONE_FILES | CLONE_FS | CLONE_NEWNS | CLONE_NEWUTS |
	                            CLONE_SYSVSEM | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;

	if (flags & ~known)
		return -EINVAL;
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) &&
	    READ_ONCE(proc_current()->nr_live) > 1)
		return -EINVAL;
	if ((flags & (CLONE_NEWNS | CLONE_NEWUTS)) &&
	    !cred_capable(task_current()->cred, CAP_SYS_ADMIN))
		return -EPERM;
	return 0;
}

long sys_unshare(unsigned long flags)
{
	int err = unshare_check(flags);

	if (!err && (flags & (CLONE_FS | CLONE_NEWNS)))
		err = unshare_fs();
	if (!err && (flags & CLONE_SYSVSEM))
		sysvsem_leave(task_current());
	if (!err && (flags & CLONE_FILES))
		err = task_unshare_files(UINT32_MAX);
	if (!err && (flags & (CLONE_NEWNS | CLONE_NEWUTS)))
		err = task_unshare_namespaces(flags);
	return err;
}

long sys_set_tid_address(int __user *tid)
{
	struct task *task = task_current();

	task->clear_child_tid = (uaddr_t)tid;
	return task_tid(task);
}
