/*
 * CPU-time clocks. See cpu_clock.h for their numbers.
 */
#include "syscall/cpu_clock.h"

#include <linux/errno.h>
#include <linux/time.h>

#include "proc/proc.h"
#include "proc/task.h"

#define KIND_TICK_NS (NS_PER_SEC / 250)

enum cpu_clock_kind { KIND_PROF, KIND_VIRT, KIND_SCHED };
enum { CLOCK_KIND_MASK = 3, CLOCK_PER_THREAD = 4, CLOCK_PID_SHIFT = 3 };

static ns_t usage_by_kind(const struct usage *usage, int kind)
{
	return kind == KIND_VIRT ? usage->user_ns : usage->user_ns + usage->system_ns;
}

static int thread_clock_read(pid_t tid, int kind, ns_t *now_ns)
{
	struct task *task = tid ? task_lookup(tid) : task_current();
	struct usage usage;
	int err = 0;

	if (!task)
		return -EINVAL;
	if (task->proc != proc_current())
		err = -EINVAL;
	else if (kind == KIND_SCHED)
		*now_ns = (ns_t)thread_runtime(&task->thread);
	else
		task_usage(task, &usage);
	if (!err && kind != KIND_SCHED)
		*now_ns = usage_by_kind(&usage, kind);
	if (tid)
		task_put(task);
	return err;
}

static int process_clock_read(pid_t tgid, int kind, ns_t *now_ns)
{
	struct proc *proc = tgid ? proc_lookup(tgid) : proc_current();
	struct usage usage;

	if (!proc)
		return -EINVAL;
	if (kind == KIND_SCHED) {
		*now_ns = proc_cpu_time(proc);
	} else {
		proc_usage(proc, &usage);
		*now_ns = usage_by_kind(&usage, kind);
	}
	if (tgid)
		proc_put(proc);
	return 0;
}

int cpu_clock_read(int clock, ns_t *now_ns)
{
	int kind = clock & CLOCK_KIND_MASK;
	pid_t pid = ~(clock >> CLOCK_PID_SHIFT);

	if (clock == CLOCK_PROCESS_CPUTIME_ID)
		return process_clock_read(0, KIND_SCHED, now_ns);
	if (clock == CLOCK_THREAD_CPUTIME_ID)
		return thread_clock_read(0, KIND_SCHED, now_ns);
	if (clock >= 0 || kind > KIND_SCHED || pid < 0)
		return -EINVAL;
	if (clock & CLOCK_PER_THREAD)
		return thread_clock_read(pid, kind, now_ns);
	return process_clock_read(pid, kind, now_ns);
}

int cpu_clock_resolution(int clock, ns_t *resolution_ns)
{
	ns_t now;
	int err = cpu_clock_read(clock, &now);
	bool exact = clock >= 0 || (clock & CLOCK_KIND_MASK) == KIND_SCHED;

	*resolution_ns = exact ? 1 : KIND_TICK_NS;
	return err;
}
