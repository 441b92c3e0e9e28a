/*
 * Interval timers and RLIMIT_CPU. See proc/itimer.h.
 *
 * CPU time is what accounting ticks have seen: proc->cpu_ns grows at each tick of any of its tasks,
 * exact to a tick, as on Linux. Nothing is counted for a process that has armed nothing.
 */
#include "proc/itimer.h"

#include <asm/signal.h>
#include <linux/time.h>

#include "lib/math.h"
#include "proc/cpu_clock.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "sched/clock.h"

/* A SIGALRM that comes while one pends is lost, so nobody can tell shorter periods apart. */
#define PERIOD_MIN (50 * NS_PER_USEC)

static void real_restart_locked(struct proc *proc)
{
	ns_t earliest = clock_monotonic() + PERIOD_MIN;
	ns_t next = proc->real_timer.deadline + proc->real_interval;

	if (next < earliest)
		next += ((earliest - next) / proc->real_interval + 1) * proc->real_interval;
	timer_start(&proc->real_timer, next);
}

/* Runs in the timer interrupt. */
static void real_timer_fired(struct timer *timer)
{
	struct proc *proc = container_of(timer, struct proc, real_timer);
	unsigned long flags = spin_lock_irqsave(&proc->lock);

	if (!timer_was_cancelled(timer)) {
		(void)signal_send_proc_locked(proc, SIGALRM, SIGINFO_KERNEL);
		if (proc->real_interval && !proc->is_exiting)
			real_restart_locked(proc);
	}
	spin_unlock_irqrestore(&proc->lock, flags);
}

void itimers_init(struct proc *proc)
{
	timer_init(&proc->real_timer, real_timer_fired);
}

void itimers_stop(struct proc *proc)
{
	unsigned long flags = spin_lock_irqsave(&proc->lock);

	proc->real_interval = 0;
	proc->virtual_timer = (struct itimer){ 0 };
	proc->prof_timer = (struct itimer){ 0 };
	spin_unlock_irqrestore(&proc->lock, flags);
	timer_cancel_sync(&proc->real_timer);
}

static void real_get_locked(struct proc *proc, struct itimer_setting *now)
{
	now->interval_ns = proc->real_interval;
	now->value_ns = 0;
	/* An armed timer never reads as disarmed: at least a microsecond is left. */
	if (timer_is_pending(&proc->real_timer))
		now->value_ns = max(proc->real_timer.deadline - clock_monotonic(), NS_PER_USEC);
}

static void cpu_get(const struct itimer *timer, uint64_t used, struct itimer_setting *now)
{
	now->interval_ns = (ns_t)timer->interval_ns;
	now->value_ns = 0;
	if (timer->deadline_ns)
		now->value_ns =
			timer->deadline_ns > used ? (ns_t)(timer->deadline_ns - used) : NS_PER_USEC;
}

static void get_locked(struct proc *proc, int which, struct itimer_setting *now)
{
	if (which == ITIMER_REAL)
		real_get_locked(proc, now);
	else if (which == ITIMER_VIRTUAL)
		cpu_get(&proc->virtual_timer, proc->user_ns, now);
	else
		cpu_get(&proc->prof_timer, proc->cpu_ns, now);
}

void itimer_get(struct proc *proc, int which, struct itimer_setting *now)
{
	unsigned long flags = spin_lock_irqsave(&proc->lock);

	get_locked(proc, which, now);
	spin_unlock_irqrestore(&proc->lock, flags);
}

static void real_set_locked(struct proc *proc, const struct itimer_setting *new)
{
	ns_t now = clock_monotonic();

	timer_cancel(&proc->real_timer);
	proc->real_interval = new->interval_ns;
	if (new->value_ns)
		timer_start(&proc->real_timer,
		            new->value_ns < INT64_MAX - now ? now + new->value_ns : INT64_MAX);
}

static struct itimer cpu_timer(const struct itimer_setting *new, uint64_t used)
{
	return (struct itimer){
		.deadline_ns = new->value_ns ? used + (uint64_t)new->value_ns : 0,
		.interval_ns = (uint64_t)new->interval_ns,
	};
}

void itimer_set(struct proc *proc, int which, const struct itimer_setting *new,
                struct itimer_setting *old)
{
	unsigned long flags = spin_lock_irqsave(&proc->lock);

	if (old)
		get_locked(proc, which, old);
	if (which == ITIMER_REAL)
		real_set_locked(proc, new);
	else if (which == ITIMER_VIRTUAL)
		proc->virtual_timer = cpu_timer(new, proc->user_ns);
	else
		proc->prof_timer = cpu_timer(new, proc->cpu_ns);
	spin_unlock_irqrestore(&proc->lock, flags);
}

static void check_cpu_timer_locked(struct proc *proc, struct itimer *timer, uint64_t used, int sig)
{
	if (!timer->deadline_ns || used < timer->deadline_ns)
		return;
	timer->deadline_ns = timer->interval_ns ? used + timer->interval_ns : 0;
	(void)signal_send_proc_locked(proc, sig, SIGINFO_KERNEL);
}

/*
 * setrlimit(2), RLIMIT_CPU: SIGXCPU at the soft limit and each second beyond, SIGKILL at the hard
 * one.
 */
static void check_limit_locked(struct proc *proc)
{
	uint64_t soft = rlimit_get(&proc->limits, RLIMIT_CPU),
		 hard = rlimit_hard(&proc->limits, RLIMIT_CPU);
	uint64_t seconds = proc->cpu_ns / NS_PER_SEC;

	if (seconds >= hard) {
		(void)signal_send_proc_locked(proc, SIGKILL, SIGINFO_KERNEL);
	} else if (seconds >= soft && seconds > proc->cpu_warned_s) {
		proc->cpu_warned_s = seconds;
		(void)signal_send_proc_locked(proc, SIGXCPU, SIGINFO_KERNEL);
	}
}

void itimers_tick(struct task *task)
{
	struct proc *proc = task->proc;
	uint64_t runtime = thread_runtime(&task->thread), step = runtime - task->cpu_seen_ns;
	bool in_user = task->thread.ticks_user != task->user_ticks_seen;

	task->cpu_seen_ns = runtime;
	task->user_ticks_seen = task->thread.ticks_user;
	atomic_add(&proc->cpu_ns, step);
	if (in_user)
		atomic_add(&proc->user_ns, step);
	cpu_alarms_tick(proc);
	if (!proc->virtual_timer.deadline_ns && !proc->prof_timer.deadline_ns &&
	    rlimit_get(&proc->limits, RLIMIT_CPU) == RLIM_INFINITY)
		return;
	spin_lock(&proc->lock);
	check_cpu_timer_locked(proc, &proc->virtual_timer, proc->user_ns, SIGVTALRM);
	check_cpu_timer_locked(proc, &proc->prof_timer, proc->cpu_ns, SIGPROF);
	check_limit_locked(proc);
	spin_unlock(&proc->lock);
}
