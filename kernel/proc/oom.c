/*
 * The OOM killer. See proc/oom.h.
 *
 * One victim at a time: while one that was chosen has not given its memory back, others wait for it
 * a moment instead of choosing the next. Nobody is chosen twice: a victim that takes long to die
 * has lost its anonymous memory already.
 */
#include "proc/oom.h"

#include <asm/signal.h>

#include "core/printk.h"
#include "lib/math.h"
#include "mem/buddy.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "sched/clock.h"
#include "vm/reclaim.h"
#include "vm/space.h"

#define NEVER (-1000)
#define VICTIM_TIME (100 * NS_PER_MSEC) /* for a victim to die before the next is chosen */

static struct {
	struct spinlock lock;
	ns_t            next_choice __guarded_by(lock);
} oom = { .lock = SPINLOCK(RANK_LEAF) };

/* The leader may be gone while other threads go on in the space. */
static struct space *space_of(struct proc *proc)
{
	struct space *space = NULL;
	struct task *task;

	spin_lock(&proc_tree_lock);
	list_for_each_entry(task, &proc->tasks, in_proc) {
		space = task_space_get(task);
		if (space)
			break;
	}
	spin_unlock(&proc_tree_lock);
	return space;
}

/*
 * Resident pages and page tables of the process, plus its adjustment in thousandths of all memory.
 */
static int64_t badness(struct proc *proc)
{
	int64_t adjust = atomic_load_relaxed(&proc->oom_score_adj), pages = 0;
	struct space *space;

	if (proc == proc_init() || adjust == NEVER)
		return INT64_MIN;
	space = space_of(proc);
	if (space) {
		pages = (int64_t)space_rss(space);
		space_put(space);
	}
	return pages ? pages + adjust * (int64_t)pages_total() / 1000 : INT64_MIN;
}

int oom_score(struct proc *proc)
{
	int64_t points = badness(proc);

	if (points == INT64_MIN)
		return 0;
	return (int)clamp(1000 + points * 1000 / (int64_t)pages_total() * 2 / 3, 0, 2000);
}

struct choice {
	struct proc *worst;     /* with a reference, or NULL */
	bool         has_dying; /* an earlier victim still has its address space */
};

static void choice_weigh(struct choice *choice, struct proc *proc, int64_t *most)
{
	int64_t points = badness(proc);

	if (points == INT64_MIN)
		return;
	if (atomic_load_relaxed(&proc->is_oom_victim)) {
		choice->has_dying = true;
	} else if (points > *most) {
		*most = points;
		if (choice->worst)
			proc_put(choice->worst);
		proc_get(proc);
		choice->worst = proc;
	}
}

static struct choice choose(void)
{
	struct choice choice = { 0 };
	int64_t most = INT64_MIN;
	struct proc *proc;

	for (pid_t next = 1; (proc = proc_next(next)) != NULL; proc_put(proc)) {
		next = proc_tgid(proc) + 1;
		choice_weigh(&choice, proc, &most);
	}
	return choice;
}

/* Kills whoever else lives in the space, as after vfork(2); false if one of them must not die. */
static bool kill_sharers(struct space *space)
{
	bool is_all = true;
	struct proc *proc;

	for (pid_t next = 1; (proc = proc_next(next)) != NULL; proc_put(proc)) {
		struct space *theirs = space_of(proc);

		next = proc_tgid(proc) + 1;
		if (theirs == space && badness(proc) == INT64_MIN) {
			is_all = false;
		} else if (theirs == space && !atomic_xchg(&proc->is_oom_victim, true)) {
			(void)signal_send_proc(proc, SIGKILL, SIGINFO_KERNEL);
		}
		if (theirs)
			space_put(theirs);
	}
	return is_all;
}

/* Returns how many pages came back at once. */
static size_t kill_victim(struct proc *victim)
{
	struct space *space = space_of(victim);
	size_t freed = 0;

	pr_err("Out of memory: Killed process %d (%s) total-vm:%lukB, anon-rss:%lukB, oom_score_adj:%d\n",
	       proc_tgid(victim), victim->leader->thread.name, space ? space->total_vm * 4 : 0,
	       space ? atomic_load_relaxed(&space->rss_anon) * 4 : 0, victim->oom_score_adj);
	atomic_store_relaxed(&victim->is_oom_victim, true);
	(void)signal_send_proc(victim, SIGKILL, SIGINFO_KERNEL);
	if (!space)
		return 0;
	if (kill_sharers(space))
		freed = space_reap(space);
	space_put(space);
	if (freed)
		pr_info("oom_reaper: reaped process %d, now %zu pages free\n", proc_tgid(victim),
		        freed);
	return freed;
}

static bool may_choose_now(void)
{
	ns_t now = clock_monotonic();
	bool may;

	spin_lock(&oom.lock);
	may = now >= oom.next_choice;
	if (may)
		oom.next_choice = now + VICTIM_TIME;
	spin_unlock(&oom.lock);
	return may;
}

void oom_victim_gone(void)
{
	spin_lock(&oom.lock);
	oom.next_choice = 0;
	spin_unlock(&oom.lock);
}

/* True: memory is on its way, try again. */
static bool oom_kill(void)
{
	struct page_stats stats;
	struct choice choice;

	if (thread_is_task(thread_current()) && signal_is_fatal_pending())
		return false;
	page_stats_read(&stats);
	if (stats.free > stats.high)
		return true;
	if (!may_choose_now()) {
		sleep_until_uninterruptible(clock_monotonic() + NS_PER_MSEC);
		return true;
	}
	choice = choose();
	if (!choice.worst)
		return choice.has_dying;
	if (kill_victim(choice.worst))
		oom_victim_gone();
	proc_put(choice.worst);
	return true;
}

void __init oom_init(void)
{
	oom_hook_register(oom_kill);
}
