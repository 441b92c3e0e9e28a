/*
 * Tasks in words. See proc/dump.h.
 *
 * A key on a console comes in an interrupt, perhaps because nothing else works any more: so `t` and
 * `w` walk the numbers under RCU and take no lock. What sends signals is done in a thread.
 */
#include "proc/dump.h"

#include <arch/trace.h>
#include <linux/sched.h>

#include "core/backtrace.h"
#include "core/sysrq.h"
#include "fs/pagecache.h"
#include "lib/atomic.h"
#include "mem/buddy.h"
#include "proc/oom.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "sched/policy.h"
#include "sched/rcu.h"
#include "sched/sched.h"
#include "sched/work.h"

/* ---- one task -------------------------------------------------------------------------------- */

char task_state_letter(const struct task *task)
{
	uint32_t state = atomic_load_relaxed(&task->thread.state);

	if (state & THREAD_DEAD)
		return 'Z';
	if (state & THREAD_STOPPED)
		return 'T';
	if (state & (THREAD_KILLABLE | THREAD_UNINTERRUPTIBLE))
		return 'D';
	return state & THREAD_INTERRUPTIBLE ? 'S' : 'R';
}

static pid_t parent_number(const struct task *task)
{
	const struct proc *parent = READ_ONCE(task->proc->parent);

	return parent ? proc_tgid(parent) : 0;
}

void task_print(enum log_level level, struct task *task)
{
	const struct thread *thread = &task->thread;
	uint64_t addresses[BACKTRACE_MAX];
	size_t nr;

	log_printf(level, "task:%-15.15s state:%c pid:%-5d ppid:%-6d flags:0x%08x\n", thread->name,
	           task_state_letter(task), task_tid(task),
	           parent_number(task), atomic_load_relaxed(&thread->arch.flags));
	if (thread_is_on_cpu(thread)) {
		log_printf(level, "running task on CPU %u\n", READ_ONCE(thread->cpu));
		return;
	}
	nr = backtrace_collect_switched(READ_ONCE(thread->arch.kernel_sp), addresses,
	                                BACKTRACE_MAX);
	backtrace_print_addresses(level, addresses, nr, false);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static struct task *task_find(pid_t number)
{
	const struct pid *pid = pid_find(number);
	struct pid_link *link = pid ? pid_first(pid, PID_TID) : NULL;

	return link ? container_of(link, struct task, pid_link) : NULL;
}

/* Those that are in one of the states; 0: all. */
static void print_tasks(uint32_t states)
{
	pid_t max = pid_max_get();

	rcu_read_lock();
	for (pid_t number = 1; number < max; number++) {
		struct task *task = task_find(number);

		if (task && (!states || atomic_load_relaxed(&task->thread.state) & states))
			task_print(LOG_INFO, task);
	}
	rcu_read_unlock();
}

static void press_states(char key)
{
	print_tasks(0);
}

static void press_blocked(char key)
{
	print_tasks(THREAD_UNINTERRUPTIBLE | THREAD_KILLABLE);
}

/* Only sums that are kept: nothing is walked. */
static void press_memory_usage(char key)
{
	struct page_stats stats;

	page_stats_read(&stats);
	pr_info("Mem-Info:\n");
	pr_info("slab:%lu pagecache:%lu pagetables:%lu kernel_stack:%lu free:%lu free_pcp:%lu\n",
	        stats.slab, pagecache_pages(), stats.page_tables, stats.kernel_stacks,
	        stats.free - stats.cached_by_cpus, stats.cached_by_cpus);
	pr_info("min:%lu low:%lu high:%lu\n", stats.min, stats.low, stats.high);
	pr_info("%lu pages RAM\n", stats.total);
}

/* ---- signals, and other work for a thread ---------------------------------------------------- */

static void signal_all(int sig)
{
	struct proc *proc;

	for (pid_t next = 1; (proc = proc_next(next)) != NULL; proc_put(proc)) {
		next = proc_tgid(proc) + 1;
		if (proc != proc_init())
			(void)signal_send_proc(proc, sig, SIGINFO_KERNEL);
	}
}

static void terminate_all(struct work *work)
{
	signal_all(SIGTERM);
}

static void kill_all(struct work *work)
{
	signal_all(SIGKILL);
}

static void make_ordinary(struct thread *thread)
{
	struct sched_policy policy;

	sched_policy_get(thread, &policy);
	if (policy.policy != SCHED_FIFO && policy.policy != SCHED_RR)
		return;
	sched_policy_set(thread, &(struct sched_policy){ .policy = SCHED_NORMAL });
}

static void make_all_ordinary(struct work *work)
{
	struct pid *pid;

	for (pid_t next = 1; (pid = pid_next(next)) != NULL; pid_put(pid)) {
		struct task *task = task_of_pid(pid);

		next = pid_nr(pid) + 1;
		if (task) {
			make_ordinary(&task->thread);
			task_put(task);
		}
	}
}

static void kill_for_memory(struct work *work)
{
	if (!oom_kill_now())
		pr_info("sysrq: OOM request ignored. No task eligible\n");
}

static struct work terminate_work = WORK(terminate_all);
static struct work kill_work = WORK(kill_all);
static struct work ordinary_work = WORK(make_all_ordinary);
static struct work memory_work = WORK(kill_for_memory);

static void press_terminate(char key)
{
	work_queue_sleeping(&terminate_work);
}

static void press_kill(char key)
{
	work_queue_sleeping(&kill_work);
}

static void press_ordinary(char key)
{
	work_queue_sleeping(&ordinary_work);
}

static void press_memory(char key)
{
	work_queue_sleeping(&memory_work);
}

static const struct sysrq_key keys[] = {
	{ 'e', 'e', SYSRQ_SIGNAL, "terminate-all-tasks(e)", "Terminate All Tasks",
	  press_terminate },
	{ 'f', 'f', SYSRQ_SIGNAL, "memory-full-oom-kill(f)", "Manual OOM execution",
	  press_memory },
	{ 'i', 'i', SYSRQ_SIGNAL, "kill-all-tasks(i)", "Kill All Tasks", press_kill },
	{ 'm', 'm', SYSRQ_DUMP, "show-memory-usage(m)", "Show Memory", press_memory_usage },
	{ 'n', 'n', SYSRQ_NICE, "nice-all-RT-tasks(n)", "Nice All RT Tasks", press_ordinary },
	{ 't', 't', SYSRQ_DUMP, "show-task-states(t)", "Show State", press_states },
	{ 'w', 'w', SYSRQ_DUMP, "show-blocked-tasks(w)", "Show Blocked State", press_blocked },
};

void proc_sysrq_init(void)
{
	sysrq_register(keys, array_size(keys));
}
