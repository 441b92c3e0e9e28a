/*
 * Tasks: making, finding, and letting go of them. See proc/task.h.
 */
#include "proc/task.h"

#include <linux/errno.h>
#include <linux/signal.h>

#include "arch/fpu.h"
#include "core/panic.h"
#include "fs/context.h"
#include "fs/fdtable.h"
#include "mem/slab.h"
#include "proc/clone.h"
#include "proc/itimer.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "proc/task_impl.h"
#include "sched/clock.h"
#include "vm/space.h"

static struct cache task_cache = CACHE("task", struct task);

static void task_free_rcu(struct rcu_head *head)
{
	struct task *task = container_of(head, struct task, rcu);

	cred_put(task->cred);
	cache_free(&task_cache, task);
}

static void task_destroy(struct task *task)
{
	assert(!task->space && !task->files && list_is_empty(&task->pending.queue));
	sighand_put(task->sighand);
	if (task->thread.arch.fpu)
		fpu_state_free(task->thread.arch.fpu);
	thread_fini(&task->thread);
	pid_put(task->pid);
	proc_put(task->proc);
	rcu_call(&task->rcu, task_free_rcu);
}

void task_get(struct task *task)
{
	refcount_get(&task->refs);
}

void task_put(struct task *task)
{
	if (refcount_put(&task->refs))
		task_destroy(task);
}

/* The scheduler's last word on a task: nobody runs on its stack any more. */
static void task_thread_dead(struct thread *thread)
{
	task_put(thread_to_task(thread));
}

static void task_tick(struct thread *thread)
{
	itimers_tick(thread_to_task(thread));
}

static int task_number(const struct thread *thread)
{
	return task_tid(container_of(thread, struct task, thread));
}

static const struct thread_ops task_thread_ops = {
	.dead = task_thread_dead,
	.tick = task_tick,
	.number = task_number,
};

bool thread_is_task(const struct thread *thread)
{
	return thread->ops == &task_thread_ops;
}

int task_alloc(const char *name, void (*fn)(void *), struct task *parent, struct task **out)
{
	struct task *task = cache_alloc(&task_cache, ALLOC_KERNEL | ALLOC_ZERO);
	struct thread_params params = {
		.name = name,
		.fn = fn,
		.arg = task,
		.ops = &task_thread_ops,
		.parent = parent ? &parent->thread : NULL,
	};

	if (!task)
		return -ENOMEM;
	if (thread_init(&task->thread, &params))
		goto out_free;
	if (fpu_state_alloc(&task->thread.arch.fpu))
		goto out_thread;
	refcount_init(&task->refs, 1);
	spin_lock_init(&task->resources_lock, RANK_TASK);
	sigpending_init(&task->pending);
	list_init(&task->in_proc);
	task->start_time = clock_boottime();
	task->timer_slack_ns = 50 * NS_PER_USEC;
	task->altstack.ss_flags = SS_DISABLE;
	*out = task;
	return 0;

out_thread:
	thread_fini(&task->thread);
out_free:
	cache_free(&task_cache, task);
	return -ENOMEM;
}

void task_free_new(struct task *task)
{
	fpu_state_free(task->thread.arch.fpu);
	thread_fini(&task->thread);
	if (task->cred)
		cred_put(task->cred);
	cache_free(&task_cache, task);
}

static struct task *task_of_pid_rcu(const struct pid *pid)
{
	struct pid_link *link = pid_first(pid, PID_TID);
	struct task *task = link ? container_of(link, struct task, pid_link) : NULL;

	return task && refcount_try_get(&task->refs) ? task : NULL;
}

/* Nobody has the number, or it goes from one task to another just now: exec(2) by a thread. */
static __noinline struct task *task_of_pid_slow(const struct pid *pid)
{
	struct task *task;

	spin_lock(&proc_tree_lock);
	task = task_of_pid_rcu(pid);
	spin_unlock(&proc_tree_lock);
	return task;
}

struct task *task_of_pid(const struct pid *pid)
{
	struct task *task;

	rcu_read_lock();
	task = task_of_pid_rcu(pid);
	if (!task)
		task = task_of_pid_slow(pid);
	rcu_read_unlock();
	return task;
}

struct task *task_lookup(pid_t tid)
{
	struct task *task;
	struct pid *pid;

	rcu_read_lock();
	pid = pid_find(tid);
	task = pid ? task_of_pid(pid) : NULL;
	rcu_read_unlock();
	return task;
}

struct space *task_space_get(struct task *task)
{
	struct space *space;

	spin_lock(&task->resources_lock);
	space = task->space;
	if (space)
		space_get(space);
	spin_unlock(&task->resources_lock);
	return space;
}

struct fdtable *task_files_look(struct task *task)
{
	struct fdtable *files;

	spin_lock(&task->resources_lock);
	files = task->files;
	if (files)
		fdtable_memory_get(files);
	spin_unlock(&task->resources_lock);
	return files;
}

int task_unshare_files(uint32_t limit)
{
	struct task *task = task_current();
	struct fdtable *old = task->files, *own;
	int err;

	if (refcount_read(&old->users) == 1)
		return 0;
	err = fdtable_copy(old, limit, &own);
	if (err)
		return err;
	spin_lock(&task->resources_lock);
	task->files = own;
	spin_unlock(&task->resources_lock);
	fdtable_put(old);
	return 0;
}

struct fs_context *task_fs_get(struct task *task)
{
	struct fs_context *fs;

	spin_lock(&task->resources_lock);
	fs = task->fs;
	if (fs)
		fs_context_visit(fs);
	spin_unlock(&task->resources_lock);
	return fs;
}

struct space *task_space_exchange(struct task *task, struct space *space)
{
	struct space *old = task->space;

	spin_lock(&task->resources_lock);
	task->space = space;
	spin_unlock(&task->resources_lock);
	thread_switch_mmu(space ? &space->mmu : NULL);
	return old;
}

const struct cred *task_cred_get(struct task *task)
{
	return cred_lookup(&task->cred);
}

static bool cred_changes_identity(const struct cred *old, const struct cred *new)
{
	return old->euid != new->euid || old->egid != new->egid || old->fsuid != new->fsuid ||
	       old->fsgid != new->fsgid || (new->permitted & ~old->permitted);
}

int task_cred_commit(struct cred *cred)
{
	struct task *task = task_current();
	bool changes = cred_changes_identity(task->cred, cred);
	struct user *old_user = user_hold(task->cred->user);
	bool was_dumpable = atomic_load_relaxed(&task->proc->is_dumpable);
	int err;

	/* Before the new ids are seen, which others may have, too: as task_may_access() reads. */
	if (changes)
		atomic_store(&task->proc->is_dumpable, false);
	err = cred_commit(&task->cred, cred);
	if (!err && old_user != task->cred->user) {
		int64_t others = atomic_inc_return(&task->cred->user->processes) - 1;

		atomic_dec(&old_user->processes);
		task->has_exceeded_nproc = task->cred->uid &&
			(uint64_t)others > proc_limit(RLIMIT_NPROC);
	}
	user_put(old_user);
	if (!err && changes)
		task->parent_death_signal = 0;
	else if (changes)
		atomic_store_relaxed(&task->proc->is_dumpable, was_dumpable);
	return err;
}

void task_uncount(struct task *task)
{
	atomic_dec(&task->cred->user->processes);
}

int task_may_access(struct task *task)
{
	const struct cred *own = task_current()->cred, *other;
	bool same_ids, may;

	if (task->proc == proc_current())
		return 0;
	other = task_cred_get(task);
	same_ids = own->uid == other->euid && own->uid == other->suid && own->uid == other->uid &&
		   own->gid == other->egid && own->gid == other->sgid && own->gid == other->gid;
	/* The cred is read first; pairs with task_cred_commit(). */
	may = cred_capable(own, CAP_SYS_PTRACE) ||
	      (same_ids && atomic_load_acquire(&task->proc->is_dumpable) &&
	       !(other->permitted & ~own->permitted));
	cred_put(other);
	return may ? 0 : -EPERM;
}

int task_access_begin(struct task *task, unsigned int *programs)
{
	*programs = seqcount_begin(&task->proc->exec_seq);
	return task_may_access(task);
}

bool task_access_retry(const struct task *task, unsigned int programs)
{
	return seqcount_retry(&task->proc->exec_seq, programs);
}

int task_space_get_access(struct task *task, struct space **out)
{
	unsigned int programs;
	int err;

	*out = NULL;
	do {
		if (*out)
			space_put(*out);
		err = task_access_begin(task, &programs);
		*out = err ? NULL : task_space_get(task);
	} while (task_access_retry(task, programs));
	return err;
}

struct pt_regs *task_regs(struct task *task)
{
	return arch_user_regs(task->thread.arch.stack_top);
}
