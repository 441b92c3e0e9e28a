/*
 * The OOM killer: who it is, and the killing. See proc/oom.h.
 *
 * oom.lock makes one choice at a time. It is taken by whoever needs memory, under any lock outside
 * RANK_RECLAIM; so nothing here drops a last reference that would close files or tear down a space.
 */
#include "proc/oom.h"

#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/oom.h>

#include "core/panic.h"
#include "core/printk.h"
#include "fs/fdtable.h"
#include "mem/buddy.h"
#include "proc/oom_impl.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "sched/mutex.h"
#include "vm/commit.h"
#include "vm/reclaim.h"
#include "vm/space.h"

struct oom_settings oom_settings = { .dump_tasks = 1 };

/* Who holds less than this share of memory is not killed for a call that can fail. */
enum { WORTH_KILLING_FOR_A_CALL = 16 };

static struct {
	struct mutex lock;
} oom = { .lock = MUTEX(oom.lock, RANK_OOM) };

/* ---- how bad a process is ------------------------------------------------------------------ */

/* A reference on the struct of the task's space, NULL if it has left it; what it shares by vfork
 * is its parent's. */
static struct space *task_space_ref(struct task *task, bool *is_vforked)
{
	struct space *space;

	spin_lock(&task->resources_lock);
	space = task->space;
	if (space) {
		space_ref(space);
		*is_vforked = task->vfork_done && refcount_read(&space->users) > 1;
	}
	spin_unlock(&task->resources_lock);
	return space;
}

/* The leader may be gone while other threads go on in the space. */
static struct space *proc_space_ref(struct proc *proc, bool *is_vforked)
{
	struct space *space = NULL;
	struct task *task;

	*is_vforked = false;
	spin_lock(&proc_tree_lock);
	list_for_each_entry(task, &proc->tasks, in_proc) {
		space = task_space_ref(task, is_vforked);
		if (space)
			break;
	}
	spin_unlock(&proc_tree_lock);
	return space;
}

/* Pages of the kernel that are there for the sake of the process's descriptors. */
static size_t pages_of_files(struct proc *proc)
{
	struct fdtable *files = NULL;
	struct task *task;
	size_t bytes;

	spin_lock(&proc_tree_lock);
	list_for_each_entry(task, &proc->tasks, in_proc) {
		files = task_files_look(task);
		if (files)
			break;
	}
	spin_unlock(&proc_tree_lock);
	if (!files)
		return 0;
	bytes = fdtable_footprint(files);
	fdtable_memory_put(files);
	return bytes >> PAGE_SHIFT;
}

static int64_t badness(struct proc *proc, struct space *space, size_t file_pages, bool is_vforked)
{
	int64_t adjust = atomic_load_relaxed(&proc->oom_score_adj);
	uint64_t pages;

	if (proc == proc_init() || adjust == OOM_SCORE_ADJ_MIN || is_vforked ||
	    atomic_load_relaxed(&space->is_passed_over))
		return INT64_MIN;
	pages = space_rss(space) + atomic_load_relaxed(&space->mmu.nr_tables) +
		atomic_load_relaxed(&proc->exec_pages) + file_pages;
	return (int64_t)pages + adjust * (int64_t)(pages_total() / 1000);
}

bool oom_candidate_get(struct proc *proc, struct oom_candidate *out)
{
	bool is_vforked;
	struct space *space = proc_space_ref(proc, &is_vforked);

	if (!space)
		return false;
	proc_get(proc);
	*out = (struct oom_candidate){ .proc = proc, .space = space };
	out->file_pages = pages_of_files(proc);
	out->points = badness(proc, space, out->file_pages, is_vforked);
	return true;
}

void oom_candidate_put(struct oom_candidate *candidate)
{
	space_unref(candidate->space);
	proc_put(candidate->proc);
}

int64_t oom_score(struct proc *proc)
{
	struct oom_candidate candidate;
	int64_t points;

	if (!oom_candidate_get(proc, &candidate))
		return 0;
	points = candidate.points;
	oom_candidate_put(&candidate);
	if (points == INT64_MIN)
		return 0;
	return (1000 + points * 1000 / (int64_t)pages_total()) * 2 / 3;
}

/* ---- the choice ---------------------------------------------------------------------------- */

/* The worst of all; false if none may be chosen. */
static bool choose(struct oom_candidate *worst)
{
	struct oom_candidate candidate;
	bool is_found = false;
	struct proc *proc;

	for (pid_t next = 1; (proc = proc_next(next)) != NULL; proc_put(proc)) {
		next = proc_tgid(proc) + 1;
		if (!oom_candidate_get(proc, &candidate))
			continue;
		if (candidate.points == INT64_MIN ||
		    (is_found && candidate.points <= worst->points)) {
			oom_candidate_put(&candidate);
			continue;
		}
		if (is_found)
			oom_candidate_put(worst);
		*worst = candidate;
		is_found = true;
	}
	return is_found;
}

/* vm.oom_kill_allocating_task: who asks is who dies, if that is allowed. */
static bool choose_current(struct oom_candidate *out)
{
	if (!atomic_load_relaxed(&oom_settings.kill_allocating_task) ||
	    !thread_is_task(thread_current()) || !oom_candidate_get(proc_current(), out))
		return false;
	if (out->points != INT64_MIN)
		return true;
	oom_candidate_put(out);
	return false;
}

/* Whoever else lives in the space dies too; init lives, and then the space is left alone. */
static void kill_sharers(const struct oom_candidate *victim)
{
	struct proc *proc;

	for (pid_t next = 1; (proc = proc_next(next)) != NULL; proc_put(proc)) {
		bool is_vforked, is_sharer;
		struct space *theirs = proc_space_ref(proc, &is_vforked);

		next = proc_tgid(proc) + 1;
		is_sharer = theirs == victim->space && proc != victim->proc;
		if (theirs)
			space_unref(theirs);
		if (!is_sharer)
			continue;
		if (proc == proc_init()) {
			atomic_store_relaxed(&victim->space->is_passed_over, true);
		} else {
			atomic_store_relaxed(&proc->is_oom_victim, true);
			(void)signal_send_proc(proc, SIGKILL, SIGINFO_KERNEL);
		}
	}
}

static void kill_victim(const struct oom_candidate *victim)
{
	atomic_store_relaxed(&victim->proc->is_oom_victim, true);
	(void)signal_send_proc(victim->proc, SIGKILL, SIGINFO_KERNEL);
	kill_sharers(victim);
	if (!atomic_load_relaxed(&victim->space->is_passed_over))
		oom_reaper_add(victim);
}

static void kill_worst(const struct oom_candidate *victim, unsigned int order, unsigned int flags,
                       bool was_allocating)
{
	int panic_on_oom = atomic_load_relaxed(&oom_settings.panic_on_oom);

	/* Who is dying anyway needs only a hand. */
	if (!READ_ONCE(victim->proc->is_exiting)) {
		oom_report(order, flags);
		if (panic_on_oom)
			panic("Out of memory: %s panic_on_oom is enabled",
			      panic_on_oom == 2 ? "compulsory" : "system-wide");
		oom_report_victim(victim, was_allocating);
	}
	kill_victim(victim);
}

/* A program cannot go on without the page: somebody has to die. */
static void kill_for_program(unsigned int order, unsigned int flags)
{
	struct oom_candidate victim;
	bool was_allocating = choose_current(&victim);

	if (!was_allocating && !choose(&victim)) {
		oom_report(order, flags);
		pr_warn("Out of memory and no killable processes...\n");
		panic("System is deadlocked on memory");
	}
	kill_worst(&victim, order, flags, was_allocating);
	oom_candidate_put(&victim);
}

bool oom_kill_now(void)
{
	struct oom_candidate victim;
	bool is_found;

	mutex_lock(&oom.lock);
	is_found = choose(&victim);
	if (is_found) {
		oom_report(0, 0);
		oom_report_victim(&victim, false);
		kill_victim(&victim);
		oom_candidate_put(&victim);
	}
	mutex_unlock(&oom.lock);
	return is_found;
}

/*
 * A system call that can say ENOMEM: only somebody else dies for it, and only one who holds much of
 * memory. So a hoarder is told, and the shell can still start a program. False: nobody did.
 */
static bool kill_for_call(unsigned int order, unsigned int flags)
{
	struct oom_candidate victim;
	bool is_worth_it;

	if (!choose(&victim))
		return false;
	is_worth_it = victim.points >= (int64_t)pages_total() / WORTH_KILLING_FOR_A_CALL &&
		!(thread_is_task(thread_current()) && victim.proc == proc_current());
	if (is_worth_it)
		kill_worst(&victim, order, flags, false);
	oom_candidate_put(&victim);
	return is_worth_it;
}

/* What waits for a grace period, and what this CPU keeps, may be enough. */
static bool memory_is_back(unsigned int order, unsigned int flags)
{
	pages_drain();
	if (pages_allow(order, flags))
		return true;
	rcu_barrier();
	pages_drain();
	return pages_allow(order, flags);
}

/* The hook of vm/reclaim.h. */
static bool out_of_memory(unsigned int order, unsigned int flags)
{
	bool has_hope = true;

	if (!oom_reaper_is_busy()) {
		if (flags & ALLOC_IS_FILE || mutex_lock_killable(&oom.lock))
			return false;
		if (oom_reaper_is_busy())
			;
		else if (memory_is_back(order, flags))
			;
		else if (flags & ALLOC_MAY_OOM)
			kill_for_program(order, flags);
		else
			has_hope = kill_for_call(order, flags);
		mutex_unlock(&oom.lock);
	}
	if (has_hope)
		oom_reaper_wait();
	return has_hope;
}

/* ---- adjustments --------------------------------------------------------------------------- */

static void adjust_locked(struct proc *proc, int adjust, bool sets_least)
{
	atomic_store_relaxed(&proc->oom_score_adj, adjust);
	if (sets_least)
		proc->oom_score_adj_least = adjust;
}

/* Those that share the memory die together, so they are weighed alike. */
static void adjust_sharers_locked(struct proc *except, const struct space *space, int adjust,
                                  bool sets_least)
{
	struct proc *proc;

	for (pid_t next = 1; (proc = proc_next(next)) != NULL; proc_put(proc)) {
		bool is_vforked;
		struct space *theirs = proc_space_ref(proc, &is_vforked);

		next = proc_tgid(proc) + 1;
		if (theirs == space && proc != except && proc != proc_init() && !is_vforked)
			adjust_locked(proc, adjust, sets_least);
		if (theirs)
			space_unref(theirs);
	}
}

int oom_set_adjustment(struct task *task, int adjust, bool is_old_scale)
{
	bool is_capable = cred_capable(task_current()->cred, CAP_SYS_RESOURCE), is_vforked;
	bool sets_least = is_capable && !is_old_scale;
	struct proc *proc = task->proc;
	struct space *space = proc_space_ref(proc, &is_vforked);
	int least, err = 0;

	mutex_lock(&oom.lock);
	least = is_old_scale ? atomic_load_relaxed(&proc->oom_score_adj)
	                     : proc->oom_score_adj_least;
	if (adjust < least && !is_capable) {
		err = -EACCES;
	} else {
		adjust_locked(proc, adjust, sets_least);
		if (space && !is_vforked && refcount_read(&space->users) > 1)
			adjust_sharers_locked(proc, space, adjust, sets_least);
	}
	mutex_unlock(&oom.lock);
	if (space)
		space_unref(space);
	return err;
}

static bool current_is_admin(void)
{
	return thread_is_task(thread_current()) &&
	       cred_capable(task_current()->cred, CAP_SYS_ADMIN);
}

void __init oom_init(void)
{
	commit_privilege_register(current_is_admin);
	oom_reaper_init();
	oom_hook_register(out_of_memory);
}
