/*
 * /proc/PID/stat and statm: a line of numbers that ps, top and pgrep read. proc(5) numbers the
 * fields; what a kernel has no use for is 0 there and here.
 */
#include <linux/capability.h>

#include "lib/devnum.h"
#include "proc/dump.h"
#include "proc/proc.h"
#include "proc/session.h"
#include "proc/signal.h"
#include "procfs/pid.h"
#include "procfs/pid_state.h"
#include "sched/policy.h"
#include "vm/space.h"

#define TICK_NS (NS_PER_SEC / 100) /* of sysconf(_SC_CLK_TCK) */

/* Flags of a task that programs look for (Linux's include/linux/sched.h). */
enum { PF_EXITING = 0x4, PF_FORKNOEXEC = 0x40, PF_RANDOMIZE = 0x400000 };

struct pid_numbers {
	pid_t        ppid, pgid, sid, foreground;
	unsigned     tty;
	uint32_t     threads;
	struct usage own, children;
};

static void read_tty_locked(const struct session *session, struct pid_numbers *out)
{
	out->foreground = -1;
	out->tty = 0;
	if (!session->tty)
		return;
	out->tty = dev_encode(session->tty_ops->device(session->tty));
	out->foreground = session->tty_ops->foreground(session->tty);
}

static void read_numbers(struct task *task, bool whole, struct pid_numbers *out)
{
	struct proc *proc = task->proc;
	unsigned long flags;

	out->ppid = proc_ppid(proc);
	out->pgid = proc_pgid(proc);
	spin_lock(&proc_tree_lock);
	out->sid = pid_nr(proc->session->sid);
	read_tty_locked(proc->session, out);
	out->threads = proc->nr_live ? proc->nr_live : 1;
	if (whole)
		proc_usage_locked(proc, &out->own);
	else
		task_usage(task, &out->own);
	flags = spin_lock_irqsave(&proc->lock);
	out->children = proc->child_usage;
	spin_unlock_irqrestore(&proc->lock, flags);
	spin_unlock(&proc_tree_lock);
}

static unsigned task_flags(const struct task *task)
{
	return PF_RANDOMIZE | (task->has_execed ? 0 : PF_FORKNOEXEC) |
	       (task->is_exiting ? PF_EXITING : 0);
}

static void put_identity(struct text *text, const struct task *task,
                         const struct pid_numbers *numbers)
{
	const struct usage *own = &numbers->own, *children = &numbers->children;

	text_printf(text, "%d (%s) %c %d %d %d %d %d %u", task_tid(task), task->thread.name,
	            task_state_letter(task), numbers->ppid, numbers->pgid, numbers->sid,
	            (int)numbers->tty, numbers->foreground, task_flags(task));
	text_printf(text, " %lu %lu %lu %lu", own->min_faults, children->min_faults,
	            own->maj_faults, children->maj_faults);
	text_printf(text, " %lld %lld %lld %lld", own->user_ns / TICK_NS, own->system_ns / TICK_NS,
	            children->user_ns / TICK_NS, children->system_ns / TICK_NS);
	text_printf(text, " %d %d %u 0 %lld", sched_priority_shown(&task->thread),
	            sched_nice_get(&task->thread), numbers->threads, task->start_time / TICK_NS);
}

/* Sizes and, for those who may look into the process, places. */
static void put_memory(struct text *text, struct task *task, struct space *space, bool permitted)
{
	const struct space_bounds *bounds = space ? &space->bounds : NULL;

	text_printf(text, " %lu %lu %lu", space ? space->total_vm << PAGE_SHIFT : 0,
	            space ? space_rss(space) : 0, rlimit_get(&task->proc->limits, RLIMIT_RSS));
	text_printf(text, " %lu %lu %lu 0 0", bounds ? permitted ? bounds->start_code : 1 : 0,
	            bounds ? permitted ? bounds->end_code : 1 : 0,
	            bounds && permitted ? bounds->start_stack : 0);
}

static void put_signals(struct text *text, struct task *task)
{
	const uint64_t shown = 0x7fffffff; /* the first 31: the rest is in status */
	struct signal_sets sets;

	signal_sets_read(task, &sets);
	text_printf(text, " %lu %lu %lu %lu", sets.pending & shown, sets.blocked & shown,
	            sets.ignored & shown, sets.caught & shown);
}

static void put_bounds(struct text *text, const struct space *space, bool permitted)
{
	const struct space_bounds *bounds = space ? &space->bounds : NULL;

	if (!bounds || !permitted) {
		text_puts(text, " 0 0 0 0 0 0 0");
		return;
	}
	text_printf(text, " %lu %lu %lu %lu %lu %lu %lu", bounds->start_data, bounds->end_data,
	            space->brk_start, bounds->arg_start, bounds->arg_end, bounds->env_start,
	            bounds->env_end);
}

static int show_stat_of(struct task *task, bool whole, struct text *text)
{
	struct space *space;
	const bool permitted = !task_space_get_access(task, &space);
	struct pid_numbers numbers;
	bool sleeps;

	if (!permitted)
		space = task_space_get(task);
	read_numbers(task, whole, &numbers);
	put_identity(text, task, &numbers);
	put_memory(text, task, space, permitted);
	put_signals(text, task);
	sleeps = permitted && (!whole || numbers.threads < 2) && task_state_letter(task) != 'R';
	text_printf(text, " %d 0 0 %d %u %u %u 0 0 0", sleeps, task->exit_signal, task->thread.cpu,
	            task->thread.rt_priority, task->thread.policy);
	put_bounds(text, space, permitted);
	text_printf(text, " %d\n", permitted ? task->exit_code : 0);
	if (space)
		space_put(space);
	return 0;
}

int show_pid_stat(struct task *task, struct text *text)
{
	return show_stat_of(task, true, text);
}

int show_task_stat(struct task *task, struct text *text)
{
	return show_stat_of(task, false, text);
}

uint64_t space_text_pages(const struct space *space)
{
	uint64_t start = space->bounds.start_code >> PAGE_SHIFT;
	uint64_t end = (space->bounds.end_code + PAGE_SIZE - 1) >> PAGE_SHIFT;

	return end > start ? end - start : 0;
}

int show_pid_statm(struct task *task, struct text *text)
{
	struct space *space = task_space_get(task);

	if (!space) {
		text_puts(text, "0 0 0 0 0 0 0\n");
		return 0;
	}
	text_printf(text, "%lu %lu %lu %lu 0 %lu 0\n", space->total_vm, space_rss(space),
	            atomic_load_relaxed(&space->rss_file) + atomic_load_relaxed(&space->rss_shmem),
	            space_text_pages(space), space->data_vm + space->stack_vm);
	space_put(space);
	return 0;
}
