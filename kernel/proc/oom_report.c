/*
 * What the log says when memory has run out, in Linux's words, which the tools of others look for:
 *
 *	stress invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0
 *	Mem-Info: ...
 *	Tasks state (memory values in pages): ...
 *	oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,...,task=stress,pid=7,uid=0
 *	Out of memory: Killed process 7 (stress) total-vm:...kB, anon-rss:...kB, ...
 *
 * All but the last line come at most once a second.
 */
#include "core/printk.h"
#include "core/spinlock.h"
#include "fs/pagecache.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "proc/oom.h"
#include "proc/oom_impl.h"
#include "proc/proc.h"
#include "sched/clock.h"
#include "vm/space.h"

static struct {
	ns_t next __atomic; /* no report before */
} report;

void oom_title_read(struct proc *proc, struct oom_title *out)
{
	struct task *leader = proc_leader_get(proc);
	const struct cred *cred;

	*out = (struct oom_title){ 0 };
	if (!leader)
		return;
	memcpy(out->name, leader->thread.name, sizeof(out->name));
	out->name[sizeof(out->name) - 1] = '\0';
	cred = task_cred_get(leader);
	out->uid = cred->uid;
	cred_put(cred);
	task_put(leader);
}

static unsigned long kb(uint64_t pages)
{
	return pages << (PAGE_SHIFT - 10);
}

/* The request in Linux's terms. */
static const char *gfp_mask(unsigned int flags)
{
	if (!(flags & ALLOC_IS_USER))
		return "0xcc0(GFP_KERNEL)";
	return flags & ALLOC_ZERO ? "0x100dca(GFP_HIGHUSER_MOVABLE|__GFP_ZERO)"
	                          : "0x100cca(GFP_HIGHUSER_MOVABLE)";
}

static void report_memory(uint64_t anon, uint64_t mapped)
{
	const uint64_t cached = pagecache_pages();
	struct page_stats stats;

	page_stats_read(&stats);
	pr_warn("Mem-Info:\n");
	pr_warn("active_anon:%lu inactive_anon:0 isolated_anon:0\n"
		" active_file:0 inactive_file:0 isolated_file:0\n"
		" unevictable:0 dirty:0 writeback:0\n"
		" slab_reclaimable:0 slab_unreclaimable:%lu\n"
		" mapped:%lu shmem:%lu pagetables:%lu\n"
		" free:%lu free_pcp:%lu free_cma:0\n", anon, stats.slab, mapped, cached,
		stats.page_tables, stats.free - stats.cached_by_cpus, stats.cached_by_cpus);
	pr_warn("Node 0 free:%lukB min:%lukB low:%lukB high:%lukB managed:%lukB kernel_stack:%lukB pagetables:%lukB\n",
		kb(stats.free), kb(stats.min), kb(stats.low), kb(stats.high), kb(stats.total),
		kb(stats.kernel_stacks), kb(stats.page_tables));
	pr_warn("%lu total pagecache pages\n", cached);
	pr_warn("%lu pages RAM\n", stats.total);
}

static void report_task(struct proc *proc, const struct space *space)
{
	struct oom_title title;

	oom_title_read(proc, &title);
	pr_info("[%7d] %5u %5d %8lu %8lu %8lu        0         %5d %s\n", proc_tgid(proc),
		title.uid, proc_tgid(proc), space->total_vm, space_rss(space),
		atomic_load_relaxed(&space->mmu.nr_tables) << PAGE_SHIFT,
		atomic_load_relaxed(&proc->oom_score_adj), title.name);
}

/* The sums over all processes; and their table, if wished. */
static void walk_tasks(bool prints, uint64_t *anon, uint64_t *mapped)
{
	struct oom_candidate candidate;
	struct proc *proc;

	for (pid_t next = 1; (proc = proc_next(next)) != NULL; proc_put(proc)) {
		next = proc_tgid(proc) + 1;
		if (!oom_candidate_get(proc, &candidate))
			continue;
		*anon += atomic_load_relaxed(&candidate.space->rss_anon);
		*mapped += atomic_load_relaxed(&candidate.space->rss_file) +
			   atomic_load_relaxed(&candidate.space->rss_shmem);
		if (prints)
			report_task(proc, candidate.space);
		oom_candidate_put(&candidate);
	}
}

void oom_report(unsigned int order, unsigned int flags)
{
	struct thread *thread = thread_current();
	bool is_task = thread_is_task(thread);
	uint64_t anon = 0, mapped = 0;
	ns_t now = clock_monotonic();

	if (now < atomic_load_relaxed(&report.next))
		return;
	pr_warn("%s invoked oom-killer: gfp_mask=%s, order=%u, oom_score_adj=%d\n", thread->name,
		gfp_mask(flags), order,
		is_task ? atomic_load_relaxed(&proc_current()->oom_score_adj) : 0);
	pr_warn("CPU: %u PID: %d Comm: %s Not tainted\n", cpu_id(),
		is_task ? task_tid(task_current()) : 0, thread->name);
	walk_tasks(false, &anon, &mapped);
	report_memory(anon, mapped);
	if (atomic_load_relaxed(&oom_settings.dump_tasks)) {
		pr_info("Tasks state (memory values in pages):\n");
		pr_info("[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n");
		walk_tasks(true, &anon, &mapped);
	}
	atomic_store_relaxed(&report.next, clock_monotonic() + NS_PER_SEC);
}

void oom_report_victim(const struct oom_candidate *victim, bool was_allocating)
{
	const struct space *space = victim->space;
	struct oom_title title;

	oom_title_read(victim->proc, &title);
	pr_info("oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,"
		"global_oom,task_memcg=/,task=%s,pid=%d,uid=%u\n",
		title.name, proc_tgid(victim->proc), title.uid);
	pr_err("%s: Killed process %d (%s) total-vm:%lukB, anon-rss:%lukB, file-rss:%lukB, "
	       "shmem-rss:%lukB, UID:%u pgtables:%lukB oom_score_adj:%d\n",
	       was_allocating ? "Out of memory (oom_kill_allocating_task)" : "Out of memory",
	       proc_tgid(victim->proc), title.name, kb(space->total_vm),
	       kb(atomic_load_relaxed(&space->rss_anon)), kb(atomic_load_relaxed(&space->rss_file)),
	       kb(atomic_load_relaxed(&space->rss_shmem)), title.uid,
	       kb(atomic_load_relaxed(&space->mmu.nr_tables)),
	       atomic_load_relaxed(&victim->proc->oom_score_adj));
}
