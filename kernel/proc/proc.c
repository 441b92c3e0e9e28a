/*
 * Processes: making, finding, counting. See proc/proc.h.
 */
#include "proc/proc.h"

#include <linux/errno.h>

#include "core/panic.h"
#include "mem/buddy.h"
#include "mem/slab.h"
#include "proc/itimer.h"
#include "proc/session.h"
#include "proc/signal.h"
#include "proc/task_impl.h"
#include "proc/wait.h"
#include "sched/clock.h"
#include "vm/space.h"

struct spinlock proc_tree_lock = SPINLOCK(RANK_PROCESS_TREE);

static struct cache proc_cache = CACHE("proc", struct proc);

static struct proc *init_proc __const_after_init;

int proc_alloc(struct pid *tgid, struct proc *parent, struct proc **out)
{
	struct proc *proc = cache_alloc(&proc_cache, ALLOC_KERNEL | ALLOC_ZERO);

	if (!proc)
		return -ENOMEM;
	refcount_init(&proc->refs, 1);
	spin_lock_init(&proc->lock, RANK_SIGNAL);
	list_init(&proc->tasks);
	list_init(&proc->children);
	list_init(&proc->sibling);
	list_init(&proc->posix_timers);
	spin_lock_init(&proc->alarm_lock, RANK_CPU_ALARM);
	list_init(&proc->alarms);
	wait_queue_init(&proc->child_wait);
	sigpending_init(&proc->pending);
	itimers_init(proc);
	pid_get(tgid);
	proc->tgid = tgid;
	proc->start_time = clock_boottime();
	proc->is_dumpable = true;
	if (parent) {
		rlimits_copy(&proc->limits, &parent->limits);
		proc->personality = parent->personality;
		proc->oom_score_adj = parent->oom_score_adj;
		proc->oom_score_adj_least = parent->oom_score_adj_least;
		proc->is_dumpable = parent->is_dumpable;
	} else {
		rlimits_init(&proc->limits, pages_total() << PAGE_SHIFT);
	}
	*out = proc;
	return 0;
}

static void proc_free_rcu(struct rcu_head *head)
{
	cache_free(&proc_cache, container_of(head, struct proc, rcu));
}

void proc_get(struct proc *proc)
{
	refcount_get(&proc->refs);
}

void proc_put(struct proc *proc)
{
	if (!refcount_put(&proc->refs))
		return;
	assert(list_is_empty(&proc->tasks) && list_is_empty(&proc->children));
	assert(list_is_empty(&proc->alarms));
	sigpending_fini(&proc->pending);
	if (proc->session)
		session_put(proc->session);
	pid_put(proc->tgid);
	rcu_call(&proc->rcu, proc_free_rcu);
}

struct task *proc_leader_get(struct proc *proc)
{
	struct task *leader;

	rcu_read_lock();
	do
		leader = READ_ONCE(proc->leader);
	while (leader && !refcount_try_get(&leader->refs));
	rcu_read_unlock();
	return leader;
}

/* Who kills all tasks of a process says so and walks the list under one hold of its lock. */
int task_attach_locked(struct task *task)
{
	struct proc *proc = task->proc;
	bool is_dying;

	spin_lock_irq(&proc->lock);
	is_dying = proc->is_exiting || proc->execing;
	if (likely(!is_dying))
		list_add_tail(&proc->tasks, &task->in_proc);
	spin_unlock_irq(&proc->lock);
	if (unlikely(is_dying))
		return -EAGAIN;
	proc->nr_live++;
	atomic_inc(&proc->nr_active);
	pid_attach(task->pid, PID_TID, &task->pid_link);
	if (!proc->tgid_link.pid) /* with its leader it is complete: others may find it */
		pid_attach(proc->tgid, PID_TGID, &proc->tgid_link);
	return 0;
}

void proc_attach_locked(struct proc *proc, struct proc *parent)
{
	proc->parent = parent;
	list_add_tail(&parent->children, &proc->sibling);
	session_get(parent->session);
	proc->session = parent->session;
	proc->pgid = parent->pgid;
	pid_attach(proc->pgid, PID_PGID, &proc->pgid_link);
	pid_attach(proc->session->sid, PID_SID, &proc->sid_link);
}

/* A process keeps its link from its first moment until it is reaped. */
struct proc *proc_of_pid(const struct pid *pid)
{
	struct pid_link *link;
	struct proc *proc;

	rcu_read_lock();
	link = pid_first(pid, PID_TGID);
	proc = link ? container_of(link, struct proc, tgid_link) : NULL;
	if (proc && !refcount_try_get(&proc->refs))
		proc = NULL;
	rcu_read_unlock();
	return proc;
}

struct proc *proc_lookup(pid_t tgid)
{
	struct proc *proc;
	struct pid *pid;

	rcu_read_lock();
	pid = pid_find(tgid);
	proc = pid ? proc_of_pid(pid) : NULL;
	rcu_read_unlock();
	return proc;
}

struct proc *proc_next(pid_t from)
{
	struct proc *proc = NULL;
	struct pid *pid;

	while (!proc && (pid = pid_next(from)) != NULL) {
		proc = proc_of_pid(pid);
		from = pid_nr(pid) + 1;
		pid_put(pid);
	}
	return proc;
}

pid_t proc_ppid(struct proc *proc)
{
	struct proc *parent;
	pid_t nr;

	rcu_read_lock();
	parent = rcu_dereference(&proc->parent);
	nr = parent ? proc_tgid(parent) : 0;
	rcu_read_unlock();
	return nr;
}

pid_t proc_pgid(struct proc *proc)
{
	pid_t nr;

	rcu_read_lock();
	nr = pid_nr(rcu_dereference(&proc->pgid));
	rcu_read_unlock();
	return nr;
}

pid_t proc_sid(struct proc *proc)
{
	pid_t nr;

	spin_lock(&proc_tree_lock);
	nr = pid_nr(proc->session->sid);
	spin_unlock(&proc_tree_lock);
	return nr;
}

void task_usage(struct task *task, struct usage *usage)
{
	uint64_t user_ns, system_ns;

	thread_times(&task->thread, &user_ns, &system_ns);
	*usage = (struct usage){
		.user_ns = (ns_t)user_ns,
		.system_ns = (ns_t)system_ns,
		.min_faults = task->min_faults,
		.maj_faults = task->maj_faults,
		.voluntary_switches = task->thread.switches_voluntary,
		.involuntary_switches = task->thread.switches_involuntary,
	};
}

static void add_max_rss(struct usage *usage, struct task *task)
{
	spin_lock(&task->resources_lock);
	if (task->space && space_hiwater_rss(task->space) > usage->max_rss_pages)
		usage->max_rss_pages = space_hiwater_rss(task->space);
	spin_unlock(&task->resources_lock);
}

void proc_usage_locked(struct proc *proc, struct usage *usage)
{
	unsigned long flags = spin_lock_irqsave(&proc->lock);
	struct task *task;

	*usage = proc->dead_usage;
	spin_unlock_irqrestore(&proc->lock, flags);
	list_for_each_entry(task, &proc->tasks, in_proc) {
		struct usage own;

		if (task->is_dead)
			continue;
		task_usage(task, &own);
		usage_add(usage, &own);
		add_max_rss(usage, task);
	}
}

void proc_usage(struct proc *proc, struct usage *usage)
{
	spin_lock(&proc_tree_lock);
	proc_usage_locked(proc, usage);
	spin_unlock(&proc_tree_lock);
}

ns_t proc_cpu_time(struct proc *proc)
{
	struct usage usage;

	proc_usage(proc, &usage);
	return usage.user_ns + usage.system_ns;
}

struct proc *proc_init(void)
{
	return init_proc;
}

void proc_set_init(struct proc *proc)
{
	init_proc = proc;
}
