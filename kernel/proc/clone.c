/*
 * fork(2), vfork(2), clone(2), clone3(2). See proc/clone.h.
 *
 * The parts are copied or shared one by one, each with its undo; then, in one critical section of
 * proc_tree_lock, the task gets its place among the others.
 */
#include "proc/clone.h"

#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/sched.h>

#include "abi/errno.h"
#include "arch/fpu.h"
#include "fs/context.h"
#include "fs/fdtable.h"
#include "fs/file.h"
#include "fs/mount.h"
#include "proc/pidfd.h"
#include "proc/signal.h"
#include "proc/sysvsem.h"
#include "proc/task_impl.h"
#include "sched/wait.h"
#include "vm/space.h"
#include "vm/usercopy.h"

#define CLONE_UNSUPPORTED \
	(CLONE_PTRACE | CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_INTO_CGROUP)

static int check_flags(uint64_t flags)
{
	struct proc *proc = proc_current();

	if (flags & CLONE_UNSUPPORTED & ~(uint64_t)CLONE_PTRACE)
		return -EINVAL;
	if ((flags & (CLONE_NEWNS | CLONE_FS)) == (CLONE_NEWNS | CLONE_FS))
		return -EINVAL;
	if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	if ((flags & CLONE_PIDFD) && (flags & CLONE_THREAD))
		return -EINVAL;
	if ((flags & CLONE_CLEAR_SIGHAND) && (flags & CLONE_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_PARENT) && proc == proc_init())
		return -EINVAL;
	if ((flags & (CLONE_NEWNS | CLONE_NEWUTS)) &&
	    !cred_capable(task_current()->cred, CAP_SYS_ADMIN))
		return -EPERM;
	return 0;
}

/* A bad address for a number is nobody's error: clone(2) succeeds all the same, as on Linux. */
static void put_tid(int32_t __user *where, int32_t tid)
{
	int err = copy_to_user(where, &tid, sizeof(tid));

	(void)err;
}

/* The first code of a new task: the number that it owes its own memory, then user mode. */
static void task_first_run(void *arg)
{
	struct task *task = arg;

	if (task->set_child_tid)
		put_tid((int32_t __user *)task->set_child_tid, task_tid(task));
	arch_enter_user();
}

static int copy_space(struct task *task, uint64_t flags)
{
	struct space *own = task_current()->space;
	int err = 0;

	if (flags & CLONE_VM) {
		space_get(own);
		task->space = own;
	} else {
		err = space_fork(own, &task->space);
	}
	if (!err)
		task->thread.mmu = &task->space->mmu;
	return err;
}

static int copy_files(struct task *task, uint64_t flags)
{
	struct fdtable *own = task_current()->files;

	if (!(flags & CLONE_FILES))
		return fdtable_copy(own, UINT32_MAX, &task->files);
	task->files = fdtable_get(own);
	return 0;
}

static int copy_fs(struct task *task, uint64_t flags)
{
	struct fs_context *own = task_current()->fs;

	if (!(flags & CLONE_FS))
		return fs_context_copy(own, &task->fs);
	if (fs_context_share(own))
		return -EAGAIN;
	task->fs = own;
	return 0;
}

/*
 * The current task's namespaces, or new ones of the kinds in `flags`; `fs` moves along into new
 * mounts.
 */
static int namespaces_for(uint64_t flags, struct fs_context *fs, struct nsproxy **out)
{
	struct nsproxy *own = task_current()->ns;
	struct mount_namespace *mounts = own->mounts;
	struct uts_namespace *uts = own->uts;
	int err = 0;

	if (!(flags & (CLONE_NEWNS | CLONE_NEWUTS))) {
		*out = nsproxy_get(own);
		return 0;
	}
	if (flags & CLONE_NEWUTS)
		err = uts_namespace_dup(own->uts, &uts);
	if (err)
		return err;
	if (flags & CLONE_NEWNS)
		err = mount_ns_copy(own->mounts, fs, &mounts);
	if (!err)
		err = nsproxy_create(uts, mounts, own->net, out);
	if (mounts != own->mounts && mounts)
		mount_ns_put(mounts);
	if (uts != own->uts)
		uts_namespace_put(uts);
	return err;
}

int task_unshare_namespaces(uint64_t flags)
{
	struct task *task = task_current();
	struct nsproxy *old = task->ns, *fresh;
	int err = namespaces_for(flags, task->fs, &fresh);

	if (err)
		return err;
	spin_lock(&task->resources_lock);
	task->ns = fresh;
	spin_unlock(&task->resources_lock);
	nsproxy_put(old);
	return 0;
}

static int copy_sighand(struct task *task, uint64_t flags)
{
	struct sighand *own = task_current()->sighand;
	int err;

	if (flags & CLONE_SIGHAND) {
		sighand_get(own);
		task->sighand = own;
		return 0;
	}
	err = sighand_create(own, &task->sighand);

	if (!err && (flags & CLONE_CLEAR_SIGHAND))
		sighand_clear(task->sighand);
	return err;
}

/* Gives back what the copies took, in a task that nobody has seen. */
static void drop_resources(struct task *task)
{
	if (task->sighand)
		sighand_put(task->sighand);
	sysvsem_leave(task);
	nsproxy_put(task->ns);
	if (task->fs)
		fs_context_put(task->fs);
	if (task->files)
		fdtable_put(task->files);
	if (task->space)
		space_put(task->space);
	task->space = NULL;
	task->thread.mmu = NULL;
}

static int copy_resources(struct task *task, uint64_t flags)
{
	int err = copy_files(task, flags);

	if (!err)
		err = copy_fs(task, flags);
	if (!err)
		err = namespaces_for(flags, task->fs, &task->ns);
	if (!err)
		err = copy_sighand(task, flags);
	if (!err && flags & CLONE_SYSVSEM)
		err = sysvsem_share(task_current(), task);
	if (!err)
		err = copy_space(task, flags);
	if (err)
		drop_resources(task);
	return err;
}

static void copy_registers(struct task *task, const struct clone_request *request,
			   const struct pt_regs *regs)
{
	struct task *own = task_current();
	struct pt_regs *child = task_regs(task);

	*child = *regs;
	child->rax = 0;
	if (request->stack)
		child->rsp = request->stack;
	fpu_state_copy_current(task->thread.arch.fpu);
	task->thread.arch.fs_base = arch_thread_fs_base(&own->thread.arch);
	task->thread.arch.gs_base = arch_thread_gs_base(&own->thread.arch);
}

static void copy_own_state(struct task *task, uint64_t flags)
{
	struct task *own = task_current();

	task->blocked = own->blocked;
	task->ioprio = own->ioprio;
	task->timer_slack_ns = own->timer_slack_ns;
	if (!(flags & CLONE_VM)) {
		task->rseq_area = own->rseq_area;
		task->rseq_signature = own->rseq_signature;
		thread_set_flag(&task->thread, TF_NOTIFY);
	}
	if (!(flags & CLONE_VM) || (flags & CLONE_VFORK))
		task->altstack = own->altstack;
	task->thread.arch.traced = own->thread.arch.traced;
}

/*
 * RLIMIT_NPROC counts tasks of the real user; root and the privileged are exempt. Nobody is from
 * kernel.threads-max.
 */
static int charge_user(const struct cred *cred)
{
	int64_t limit = (int64_t)proc_limit(RLIMIT_NPROC),
		now = atomic_inc_return(&cred->user->processes);
	bool is_exempt = limit < 0 || now <= limit || cred->uid == 0 ||
			 cred_capable(cred, CAP_SYS_RESOURCE) ||
			 cred_capable(cred, CAP_SYS_ADMIN);

	if (likely(is_exempt && (uint64_t)pid_count() < READ_ONCE(rlimit_threads_max))) {
		task_current()->has_exceeded_nproc = false;
		return 0;
	}
	atomic_dec(&cred->user->processes);
	return -EAGAIN;
}

static int make_proc(struct task *task, const struct clone_request *request)
{
	struct proc *own = proc_current();

	if (request->flags & CLONE_THREAD) {
		proc_get(own);
		task->proc = own;
		return 0;
	}
	return proc_alloc(task->pid, own, &task->proc);
}

static int make_pid(const struct clone_request *request, struct pid **pid)
{
	return request->wanted_tid ? pid_alloc_number(request->wanted_tid, pid) : pid_alloc(pid);
}

static void adopt_proc_locked(struct task *task, const struct clone_request *request)
{
	struct proc *own = proc_current(), *proc = task->proc;
	bool is_sibling = request->flags & CLONE_PARENT;

	spin_lock_irq(&own->lock);
	proc->exe = own->exe ? file_get(own->exe) : NULL;
	spin_unlock_irq(&own->lock);
	proc->leader = task;
	proc_get(proc); /* the tree's */
	task_get(task); /* the leader's, dropped with the zombie */
	task->exit_signal = is_sibling ? own->leader->exit_signal : request->exit_signal;
	proc_attach_locked(proc, is_sibling ? own->parent : own);
}

/*
 * Gives the task its place. A signal that came first is dealt with first, then the call is made
 * again.
 */
static int publish(struct task *task, const struct clone_request *request)
{
	int err = 0;

	spin_lock(&proc_tree_lock);
	if (signal_is_pending()) {
		err = -ERESTARTNOINTR;
	} else if (request->flags & CLONE_THREAD) {
		/* On SMP, another task may have begun to kill this one just now. */
		err = task_attach_locked(task) ? -ERESTARTNOINTR : 0;
		if (!err)
			task_get(task); /* the tree's */
	} else {
		adopt_proc_locked(task, request);
		err = task_attach_locked(task);
	}
	spin_unlock(&proc_tree_lock);
	return err;
}

static void set_tid_words(struct task *task, const struct clone_request *request)
{
	uint64_t flags = request->flags;

	if (flags & CLONE_PARENT_SETTID)
		put_tid(request->parent_tid, task_tid(task));
	if (flags & CLONE_CHILD_SETTID)
		task->set_child_tid = (uaddr_t)request->child_tid;
	if (flags & CLONE_CHILD_CLEARTID)
		task->clear_child_tid = (uaddr_t)request->child_tid;
}

/* A descriptor for the child, told to the parent's memory before the child exists. */
struct pidfd_reservation {
	struct file *file; /* NULL: not asked for */
	int          fd;
};

static void cancel_pidfd(const struct pidfd_reservation *pidfd)
{
	if (!pidfd->file)
		return;
	fd_release(task_current()->files, pidfd->fd);
	file_put(pidfd->file);
}

static int reserve_pidfd(struct task *task, const struct clone_request *request,
			 struct pidfd_reservation *pidfd)
{
	struct fdtable *files = task_current()->files;
	int32_t fd;
	int err;

	pidfd->file = NULL;
	if (!(request->flags & CLONE_PIDFD))
		return 0;
	fd = fd_reserve(files, 0, (uint32_t)proc_limit(RLIMIT_NOFILE), true);
	if (fd < 0)
		return fd;
	err = pidfd_create(task->pid, 0, &pidfd->file);
	if (err) {
		fd_release(files, fd);
		return err;
	}
	pidfd->fd = fd;
	err = copy_to_user(request->pidfd, &fd, sizeof(fd));
	if (err)
		cancel_pidfd(pidfd);
	return err;
}

/* Everything up to publication. */
static int build(const struct clone_request *request, const struct pt_regs *regs, struct task **out)
{
	struct task *own = task_current(), *task;
	struct pidfd_reservation pidfd;
	int err = charge_user(own->cred);

	if (err)
		return err;
	err = task_alloc(own->thread.name, task_first_run, own, &task);
	if (err)
		goto out_uncharge;
	task->cred = cred_get(own->cred);
	err = make_pid(request, &task->pid);
	if (err)
		goto out_task;
	err = make_proc(task, request);
	if (err)
		goto out_pid;
	err = copy_resources(task, request->flags);
	if (err)
		goto out_proc;
	err = reserve_pidfd(task, request, &pidfd);
	if (err)
		goto out_resources;
	copy_registers(task, request, regs);
	copy_own_state(task, request->flags);
	if (request->flags & CLONE_SETTLS)
		err = arch_thread_set_fs_base(&task->thread.arch, request->tls);
	if (!err)
		err = publish(task, request);
	if (err)
		goto out_pidfd;
	if (pidfd.file)
		fd_install(own->files, pidfd.fd, pidfd.file);
	*out = task;
	return 0;

out_pidfd:
	cancel_pidfd(&pidfd);
out_resources:
	drop_resources(task);
out_proc:
	proc_put(task->proc);
out_pid:
	pid_put(task->pid);
out_task:
	task_free_new(task);
out_uncharge:
	atomic_dec(&own->cred->user->processes);
	return err;
}

void task_vfork_release(struct task *task)
{
	spin_lock(&task->resources_lock);
	if (task->vfork_done)
		complete(task->vfork_done);
	task->vfork_done = NULL;
	spin_unlock(&task->resources_lock);
}

/* Sleeps until the child has left our memory alone; a fatal signal ends that too. */
static void vfork_wait(struct task *child, struct completion *done)
{
	if (completion_wait_killable(done) == 0)
		return;
	spin_lock(&child->resources_lock);
	child->vfork_done = NULL;
	spin_unlock(&child->resources_lock);
}

long task_clone(const struct clone_request *request, const struct pt_regs *regs)
{
	bool is_vfork = request->flags & CLONE_VFORK;
	struct completion done;
	struct task *task;
	int err = check_flags(request->flags);
	pid_t tid;

	if (!err)
		err = build(request, regs, &task);
	if (err)
		return err;
	tid = task_tid(task);
	set_tid_words(task, request);
	if (is_vfork) {
		completion_init(&done);
		task->vfork_done = &done;
		task_get(task);
	}
	if (is_vfork) {
		thread_start_sync(&task->thread);
		vfork_wait(task, &done);
		task_put(task);
	} else {
		thread_start(&task->thread);
	}
	return tid;
}

int __init task_create_init(void (*main)(void *task), struct task **out)
{
	struct session *session;
	struct task *task;
	struct proc *proc;
	int err = task_alloc("init", main, NULL, &task);

	if (err)
		return err;
	task->cred = cred_get(&cred_root);
	err = pid_alloc(&task->pid);
	if (!err)
		err = proc_alloc(task->pid, NULL, &proc);
	if (!err)
		err = session_alloc(&pid_kernel, NULL, &session);
	if (!err)
		err = sighand_create(NULL, &task->sighand);
	if (!err)
		err = fdtable_create(&task->files);
	if (err)
		return err; /* nothing is undone: the caller panics */
	task->ns = nsproxy_get(&nsproxy_initial);
	atomic_inc(&cred_root.user->processes);

	spin_lock(&proc_tree_lock);
	task->proc = proc;
	task->exit_signal = SIGCHLD;
	proc->leader = task;
	proc->session = session;
	proc->pgid = &pid_kernel;
	proc_get(proc);
	task_get(task);
	pid_attach(&pid_kernel, PID_PGID, &proc->pgid_link);
	pid_attach(&pid_kernel, PID_SID, &proc->sid_link);
	err = task_attach_locked(task);
	proc_set_init(proc);
	spin_unlock(&proc_tree_lock);
	*out = task;
	return err;
}
