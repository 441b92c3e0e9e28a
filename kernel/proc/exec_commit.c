/*
 * The point of no return of execve(2), and what a new program does not inherit (execve(2), "Effect
 * on process attributes"; ABI-wise the order is: siblings die, memory changes, identity changes).
 *
 * check-style: includes: it replaces everything that a program may own.
 */
#include <asm/signal.h>
#include <linux/errno.h>

#include "abi/errno.h"
#include "arch/fpu.h"
#include "core/panic.h"
#include "fs/fdtable.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/namei.h"
#include "lib/string.h"
#include "proc/clone.h"
#include "proc/exec_impl.h"
#include "proc/futex.h"
#include "proc/posix_timer.h"
#include "proc/signal.h"
#include "proc/task_impl.h"
#include "vm/space.h"

/* What may fail and is only needed after the point of no return. */
static int prepare(struct exec *exec)
{
	struct task *task = task_current();
	int err = 0;

	if (refcount_read(&task->files->users) > 1)
		err = fdtable_copy(task->files, UINT32_MAX, &exec->own_files);
	if (!err && sighand_is_shared(task->sighand))
		err = sighand_create(task->sighand, &exec->own_sighand);
	return err;
}

/* Kills all other tasks of the process and waits until they are gone. */
static int become_single(void)
{
	struct task *task = task_current();
	struct proc *proc = task->proc;
	unsigned long flags = spin_lock_irqsave(&proc->lock);

	if (proc->is_exiting || proc->execing) {
		spin_unlock_irqrestore(&proc->lock, flags);
		return -EINTR;
	}
	proc->execing = task;
	signal_kill_siblings_locked(task);
	spin_unlock_irqrestore(&proc->lock, flags);

	for (;;) {
		uint32_t nr_live;

		thread_set_state(THREAD_UNINTERRUPTIBLE);
		spin_lock(&proc_tree_lock);
		nr_live = proc->nr_live;
		spin_unlock(&proc_tree_lock);
		if (nr_live == 1)
			break;
		schedule();
	}
	thread_set_state(THREAD_RUNNABLE);
	return 0;
}

/* A thread that is not the leader takes the leader's place: the process keeps its number. */
static void become_leader(void)
{
	struct task *task = task_current(), *old;
	struct proc *proc = task->proc;
	struct pid *own_pid = NULL;

	spin_lock(&proc_tree_lock);
	old = proc->leader;
	if (old != task) {
		pid_detach(&old->pid_link);
		task_uncount(old);
		pid_detach(&task->pid_link);
		own_pid = task->pid;
		task->pid = pid_get(old->pid);
		pid_attach(task->pid, PID_TID, &task->pid_link);
		task->exit_signal = old->exit_signal;
		WRITE_ONCE(proc->leader, task);
	}
	spin_lock_irq(&proc->lock);
	if (old != task)
		list_remove_init(&old->in_proc);
	proc->execing = NULL;
	spin_unlock_irq(&proc->lock);
	spin_unlock(&proc_tree_lock);
	if (own_pid) {
		task_put(old); /* the leader's; ours has been the tree's all along */
		pid_put(own_pid);
	}
}

/*
 * Memory and identity change together for those who ask whether they may look (exec_seq). Nothing
 * sleeps meanwhile: a program's real user stays, so its counters are there.
 */
static void become(struct exec *exec)
{
	struct task *task = task_current();
	struct proc *proc = task->proc;
	bool identity_stays =
		exec->cred->euid == task->cred->euid && exec->cred->egid == task->cred->egid;
	/* Who may run but not read a program does not read its memory either. */
	bool is_readable = !inode_permission(exec->file->inode, task->cred, MAY_READ);
	struct space *old;
	int err;

	seqcount_write_begin(&proc->exec_seq);
	old = task_space_exchange(task, exec->space);
	err = task_cred_commit(exec->cred);
	atomic_store_relaxed(&proc->is_dumpable, identity_stays && is_readable && !exec->secure);
	seqcount_write_end(&proc->exec_seq);
	exec->space = NULL;
	exec->cred = NULL;
	if (old)
		space_put(old);
	if (err)
		signal_force(SIGKILL, SIGINFO_KERNEL);
}

static void replace_shared(struct exec *exec)
{
	struct task *task = task_current();
	struct fdtable *files = exec->own_files;
	struct sighand *sighand = exec->own_sighand;

	if (files) {
		spin_lock(&task->resources_lock);
		exec->own_files = task->files;
		task->files = files;
		spin_unlock(&task->resources_lock);
	}
	if (sighand) {
		spin_lock_irq(&task->proc->lock);
		exec->own_sighand = task->sighand;
		task->sighand = sighand;
		spin_unlock_irq(&task->proc->lock);
	}
}

static void replace_exe(struct proc *proc, struct file *file)
{
	struct file *old;

	spin_lock_irq(&proc->lock);
	old = proc->exe;
	proc->exe = file_get(file);
	spin_unlock_irq(&proc->lock);
	if (old)
		file_put(old);
}

static void reset_thread(struct task *task)
{
	int err;

	task->clear_child_tid = 0;
	task->set_child_tid = 0;
	task->robust_list = 0;
	task->rseq_area = 0;
	task->has_execed = true;
	err = arch_thread_set_fs_base(&task->thread.arch, 0);
	err |= arch_thread_set_gs_base(&task->thread.arch, 0);
	assert(!err);
	fpu_state_reset_current();
}

static void set_name(struct exec *exec)
{
	const char *slash = strrchr(exec->name, '/');

	thread_set_name(&task_current()->thread, slash ? slash + 1 : exec->name);
}

int exec_commit(struct exec *exec)
{
	struct task *task = task_current();
	struct proc *proc = task->proc;
	int err = prepare(exec);

	if (!err)
		err = become_single();
	if (err)
		return err;
	/* Nothing fails from here on, but for the user's counters in the cred. */
	become_leader();
	if (task->space)
		futex_task_exits(task);
	posix_timers_destroy(proc);
	become(exec);
	replace_shared(exec);
	sighand_exec_reset();
	replace_exe(proc, exec->file);
	reset_thread(task);
	set_name(exec);

	proc->personality = exec_personality(exec);
	arch_regs_init_user(task_regs(task), exec->entry, exec->sp);

	/* Others learn of the exec by these two: /proc shows the new program by then. */
	task_vfork_release(task);
	fd_close_on_exec(task->files);
	return 0;
}
