/*
 * CPU-time clocks and alarms on them. See proc/cpu_clock.h.
 */
#include "proc/cpu_clock.h"

#include <linux/errno.h>
#include <linux/time.h>

#include "proc/proc.h"
#include "proc/task.h"

#define KIND_TICK_NS (NS_PER_SEC / 250)

enum cpu_clock_kind { KIND_PROF, KIND_VIRT, KIND_SCHED, KIND_NONE };
enum { CLOCK_KIND_MASK = 3, CLOCK_PER_THREAD = 4, CLOCK_PID_SHIFT = 3 };

/* ---- which clock --------------------------------------------------------------------------- */

static int thread_clock_get(pid_t tid, struct cpu_clock *out)
{
	struct task *task = tid ? task_lookup(tid) : task_current();

	if (!task)
		return -EINVAL;
	if (task->proc != proc_current()) {
		task_put(task);
		return -EINVAL;
	}
	if (!tid)
		task_get(task);
	out->task = task;
	out->proc = task->proc;
	proc_get(out->proc);
	return 0;
}

static int process_clock_get(pid_t tgid, struct cpu_clock *out)
{
	struct proc *proc = tgid ? proc_lookup(tgid) : proc_current();

	if (!proc)
		return -EINVAL;
	if (!tgid)
		proc_get(proc);
	out->task = NULL;
	out->proc = proc;
	return 0;
}

int cpu_clock_get(int clock, struct cpu_clock *out)
{
	pid_t pid = ~(clock >> CLOCK_PID_SHIFT);

	out->kind = clock >= 0 ? KIND_SCHED : clock & CLOCK_KIND_MASK;
	if (clock == CLOCK_PROCESS_CPUTIME_ID)
		return process_clock_get(0, out);
	if (clock == CLOCK_THREAD_CPUTIME_ID)
		return thread_clock_get(0, out);
	if (clock >= 0 || out->kind == KIND_NONE || pid < 0)
		return -EINVAL;
	return clock & CLOCK_PER_THREAD ? thread_clock_get(pid, out) : process_clock_get(pid, out);
}

void cpu_clock_put(struct cpu_clock *clock)
{
	if (clock->task)
		task_put(clock->task);
	proc_put(clock->proc);
}

/* ---- what it says -------------------------------------------------------------------------- */

static ns_t usage_by_kind(const struct usage *usage, int kind)
{
	return kind == KIND_VIRT ? usage->user_ns : usage->user_ns + usage->system_ns;
}

static ns_t task_time(struct task *task, int kind)
{
	struct usage usage;

	if (kind == KIND_SCHED)
		return (ns_t)thread_runtime(&task->thread);
	task_usage(task, &usage);
	return usage_by_kind(&usage, kind);
}

static ns_t now_locked(const struct cpu_clock *clock) __must_hold(clock->proc->lock)
{
	struct proc *proc = clock->proc;
	struct task *task;
	ns_t sum;

	if (clock->task)
		return task_time(clock->task, clock->kind);
	sum = usage_by_kind(&proc->dead_usage, clock->kind);
	list_for_each_entry(task, &proc->tasks, in_proc) {
		if (!task->is_dead)
			sum += task_time(task, clock->kind);
	}
	return sum;
}

ns_t cpu_clock_now(const struct cpu_clock *clock)
{
	unsigned long flags = spin_lock_irqsave(&clock->proc->lock);
	ns_t now = now_locked(clock);

	spin_unlock_irqrestore(&clock->proc->lock, flags);
	return now;
}

int cpu_clock_read(int number, ns_t *now_ns)
{
	struct cpu_clock clock;
	int err = cpu_clock_get(number, &clock);

	if (err)
		return err;
	*now_ns = cpu_clock_now(&clock);
	cpu_clock_put(&clock);
	return 0;
}

int cpu_clock_resolution(int number, ns_t *resolution_ns)
{
	struct cpu_clock clock;
	int err = cpu_clock_get(number, &clock);

	if (err)
		return err;
	*resolution_ns = clock.kind == KIND_SCHED ? 1 : KIND_TICK_NS;
	cpu_clock_put(&clock);
	return 0;
}

/* ---- alarms -------------------------------------------------------------------------------- */

void cpu_alarm_init(struct cpu_alarm *alarm, const struct cpu_clock *clock, struct timer *timer)
{
	list_init(&alarm->link);
	alarm->clock = *clock;
	alarm->timer = timer;
	alarm->deadline = alarm->seen = 0;
}

void cpu_alarm_start(struct cpu_alarm *alarm, ns_t deadline)
{
	struct proc *proc = alarm->clock.proc;
	unsigned long flags = spin_lock_irqsave(&proc->alarm_lock);

	alarm->deadline = deadline;
	if (list_is_empty(&alarm->link))
		list_add_tail(&proc->alarms, &alarm->link);
	spin_unlock_irqrestore(&proc->alarm_lock, flags);
}

void cpu_alarm_stop(struct cpu_alarm *alarm)
{
	struct proc *proc = alarm->clock.proc;
	unsigned long flags = spin_lock_irqsave(&proc->alarm_lock);

	list_remove_init(&alarm->link);
	spin_unlock_irqrestore(&proc->alarm_lock, flags);
}

/* The clocks of the process, by kind, are read once a tick however many alarms there are. */
static void alarms_check_locked(struct proc *proc)
	__must_hold(proc->lock) __must_hold(proc->alarm_lock)
{
	ns_t process_now[KIND_NONE] = { -1, -1, -1 };
	struct cpu_alarm *alarm, *next;

	list_for_each_entry_safe(alarm, next, &proc->alarms, link) {
		ns_t *known = &process_now[alarm->clock.kind], now;

		if (alarm->clock.task)
			now = now_locked(&alarm->clock);
		else
			now = *known = *known < 0 ? now_locked(&alarm->clock) : *known;
		if (now < alarm->deadline)
			continue;
		alarm->seen = now;
		list_remove_init(&alarm->link);
		timer_start(alarm->timer, 0);
	}
}

void cpu_alarms_tick(struct proc *proc)
{
	if (likely(list_is_empty(&proc->alarms)))
		return;
	spin_lock(&proc->lock);
	spin_lock(&proc->alarm_lock);
	alarms_check_locked(proc);
	spin_unlock(&proc->alarm_lock);
	spin_unlock(&proc->lock);
}
