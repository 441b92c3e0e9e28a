/*
 * The OOM killer. See proc/oom.h.
 *
 * One victim at a time: while one that was chosen has not given its memory back, others wait for it
 * a moment instead of choosing the next.
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

/*
 * Resident pages and page tables of the process, plus its adjustment in thousandths of all memory.
 */
static int64_t badness(struct proc *proc)
{
	int64_t adjust = atomic_load_relaxed(&proc->oom_score_adj), pages = 0;
	struct space *space;

	if (proc == proc_init() || adjust == NEVER)
		return INT64_MIN;
	space = task_space_get(proc->leader);
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

static struct proc *choose(void)
{
	struct proc *worst = NULL, *proc;
	int64_t most = INT64_MIN;

	for (pid_t next = 1; (proc = proc_next(next)) != NULL;) {
		int64_t points = badness(proc);

		next = proc_tgid(proc) + 1;
		if (points > most) {
			most = points;
			if (worst)
				proc_put(worst);
			worst = proc;
			continue;
		}
		proc_put(proc);
	}
	return worst;
}

static void kill_victim(struct proc *victim)
{
	struct space *space = task_space_get(victim->leader);
	size_t freed = 0;

	pr_err("Out of memory: Killed process %d (%s) total-vm:%lukB, anon-rss:%lukB, oom_score_adj:%d\n",
	       proc_tgid(victim), victim->leader->thread.name, space ? space->total_vm * 4 : 0,
	       space ? atomic_load_relaxed(&space->rss_anon) * 4 : 0, victim->oom_score_adj);
	(void)signal_send_proc(victim, SIGKILL, SIGINFO_KERNEL);
	if (space) {
		freed = space_reap(space);
		space_put(space);
	}
	if (freed)
		pr_info("oom_reaper: reaped process %d, now %zu pages free\n", proc_tgid(victim),
		        freed);
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

/* True: memory is on its way, try again. */
static bool oom_kill(void)
{
	struct proc *victim;

	if (thread_is_task(thread_current()) && signal_is_fatal_pending())
		return false;
	if (!may_choose_now()) {
		sleep_until_uninterruptible(clock_monotonic() + NS_PER_MSEC);
		return true;
	}
	victim = choose();
	if (!victim)
		return false;
	kill_victim(victim);
	proc_put(victim);
	return true;
}

void __init oom_init(void)
{
	oom_hook_register(oom_kill);
}
