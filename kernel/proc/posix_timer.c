/*
 * POSIX timers. See proc/posix_timer.h.
 *
 * A periodic timer that has queued its signal rests until that is taken; the periods meanwhile are
 * counted then. So the shortest period costs no more interrupts than its owner takes signals.
 *
 * One on a CPU-time clock is driven by an alarm on that clock (proc/cpu_clock.h), which starts the
 * timer to fire at once. It comes once a tick at most, so it never rests.
 */
#include "proc/posix_timer.h"

#include <asm/signal.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/time.h>

#include "id/cred.h"
#include "lib/math.h"
#include "mem/slab.h"
#include "proc/cpu_clock.h"
#include "proc/proc.h"
#include "proc/signal.h"
#include "proc/task.h"
#include "sched/clock.h"

#define OVERRUN_MAX INT32_MAX /* DELAYTIMER_MAX */
/* How often a timer fires whose signal nobody hears. */
#define UNHEARD_PERIOD_MIN (4 * NS_PER_MSEC)

struct posix_timer {
	struct list     link __guarded_by(proc->lock);
	struct proc    *proc __const_after_init;
	/* SIGEV_THREAD_ID: a reference; NULL: the process */
	struct task    *task __const_after_init;
	int             id __const_after_init;
	int             clock __const_after_init;
	bool            is_silent __const_after_init; /* SIGEV_NONE */
	bool            is_armed __guarded_by(proc->lock); /* or about to fire, or resting */
	bool            is_queued __guarded_by(proc->lock);
	/* fired, and goes on when its signal is taken */
	bool            is_resting __guarded_by(proc->lock);
	/* was started for later than the next period: nobody hears it */
	bool            is_ahead __guarded_by(proc->lock);
	/* off the list; a callback may still come */
	bool            is_deleted __guarded_by(proc->lock);
	ns_t            interval_ns __guarded_by(proc->lock);
	int64_t         overrun __guarded_by(proc->lock);      /* since the signal was queued */
	int32_t         last_overrun __guarded_by(proc->lock); /* told with the last signal */
	struct timer    timer;
	bool            has_alarm __const_after_init; /* the clock is one of CPU time */
	struct cpu_alarm alarm;
	struct sigqueue signal;
};

static struct cache timer_cache = CACHE("posix_timer", struct posix_timer);

/*
 * The expiration after `last`, but not before `earliest`; periods that are skipped are overrun.
 */
static ns_t next_locked(struct posix_timer *self, ns_t last, ns_t earliest)
{
	ns_t next;

	if (!checked_add(last, self->interval_ns, &next))
		next = INT64_MAX;
	if (next < earliest) {
		ns_t missed = (earliest - next) / self->interval_ns + 1;

		self->overrun = min(self->overrun + missed, (int64_t)OVERRUN_MAX);
		next += missed * self->interval_ns;
	}
	return next;
}

static void restart_locked(struct posix_timer *self, ns_t earliest)
{
	self->is_resting = false;
	timer_start(&self->timer, next_locked(self, self->timer.deadline, earliest));
}

/* The signal is delivered (or discarded): what was missed is told with it. */
static void signal_taken(struct sigqueue *queued)
{
	struct posix_timer *self = container_of(queued, struct posix_timer, signal);

	self->is_queued = false;
	if (self->is_resting && self->interval_ns)
		restart_locked(self, clock_monotonic());
	self->last_overrun = (int32_t)self->overrun;
	self->overrun = 0;
	queued->info.si_overrun = self->last_overrun;
}

/* The alarm has come at or after its deadline; a signal that still pends is overrun. */
static void go_on_by_alarm_locked(struct posix_timer *self, bool was_queued)
{
	if (!self->interval_ns)
		return;
	if (was_queued)
		self->overrun = min(self->overrun + 1, (int64_t)OVERRUN_MAX);
	cpu_alarm_start(&self->alarm,
			next_locked(self, self->alarm.deadline, self->alarm.seen + 1));
}

static void expire_locked(struct posix_timer *self)
{
	bool was_queued = self->is_queued;

	self->is_armed = self->interval_ns;
	if (!self->is_queued && !self->is_silent && !self->is_deleted)
		self->is_queued = signal_send_own_locked(self->proc, self->task, &self->signal);
	if (self->has_alarm)
		go_on_by_alarm_locked(self, was_queued);
	else if (self->is_queued)
		self->is_resting = true;
	else if (self->interval_ns) {
		self->is_ahead = true;
		restart_locked(self, clock_monotonic() + UNHEARD_PERIOD_MIN);
	}
}

/* Runs in the timer interrupt. */
static void timer_fired(struct timer *timer)
{
	struct posix_timer *self = container_of(timer, struct posix_timer, timer);
	unsigned long flags = spin_lock_irqsave(&self->proc->lock);

	if (!timer_was_cancelled(timer))
		expire_locked(self);
	spin_unlock_irqrestore(&self->proc->lock, flags);
}

/* Who gets the signal: -EINVAL for what sigevent(7) does not allow. */
static int resolve_event(const struct sigevent *event, struct posix_timer *self)
{
	struct task *task;

	self->is_silent = event->sigev_notify == SIGEV_NONE;
	if (!self->is_silent && (event->sigev_signo < 1 || event->sigev_signo > NR_SIGNALS))
		return -EINVAL;
	if (self->is_silent || event->sigev_notify == SIGEV_SIGNAL)
		return 0;
	if (event->sigev_notify != (SIGEV_SIGNAL | SIGEV_THREAD_ID))
		return -EINVAL;
	task = task_lookup(event->_sigev_un._tid);
	if (task && task->proc == proc_current()) {
		self->task = task;
		return 0;
	}
	if (task)
		task_put(task);
	return -EINVAL;
}

/* Takes references on a CPU-time clock. */
static int resolve_clock(int clock, struct posix_timer *self)
{
	struct cpu_clock cpu_clock;
	int err;

	self->clock = clock;
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return 0;
	case CLOCK_REALTIME_ALARM: /* nothing sleeps here that they would wake */
	case CLOCK_BOOTTIME_ALARM:
		return cred_capable(task_current()->cred, CAP_WAKE_ALARM) ? 0 : -EPERM;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	default:
		if (is_device_clock(clock))
			return -EOPNOTSUPP;
		if (!is_cpu_clock(clock))
			return -EINVAL;
	}
	err = cpu_clock_get(clock, &cpu_clock);
	if (err)
		return err;
	cpu_alarm_init(&self->alarm, &cpu_clock, &self->timer);
	self->has_alarm = true;
	return 0;
}

static void timer_free(struct posix_timer *self)
{
	if (self->task)
		task_put(self->task);
	if (self->has_alarm)
		cpu_clock_put(&self->alarm.clock);
	if (self->signal.user) {
		atomic_dec(&self->signal.user->pending_signals);
		user_put(self->signal.user);
	}
	cache_free(&timer_cache, self);
}

static int charge(struct posix_timer *self)
{
	struct user *user = user_hold(task_current()->cred->user);

	self->signal.user = user;
	return (uint64_t)atomic_inc_return(&user->pending_signals) > proc_limit(RLIMIT_SIGPENDING)
	               ? -EAGAIN
	               : 0;
}

static int publish(struct posix_timer *self, bool value_is_id)
{
	struct proc *proc = self->proc;

	spin_lock_irq(&proc->lock);
	self->id = proc->next_timer_id;
	proc->next_timer_id = (proc->next_timer_id + 1) & INT32_MAX;
	self->signal.info.si_tid = self->id;
	if (value_is_id)
		self->signal.info.si_int = self->id;
	list_add_tail(&proc->posix_timers, &self->link);
	spin_unlock_irq(&proc->lock);
	return self->id;
}

int posix_timer_create(int clock, const struct sigevent *event, bool value_is_id, int *id)
{
	struct posix_timer *self;
	int err;

	self = cache_zalloc(&timer_cache, ALLOC_KERNEL);
	if (!self)
		return -EAGAIN;
	self->proc = proc_current();
	list_init(&self->signal.link);
	self->signal.taken = signal_taken;
	self->signal.info.si_signo = event->sigev_signo;
	self->signal.info.si_code = SI_TIMER;
	timer_init(&self->timer, timer_fired);
	err = resolve_clock(clock, self);
	if (!err)
		err = charge(self);
	if (!err)
		err = resolve_event(event, self);
	if (err) {
		timer_free(self);
		return err;
	}
	self->signal.info.si_value = event->sigev_value;
	*id = publish(self, value_is_id);
	return 0;
}

static struct posix_timer *find_locked(struct proc *proc, int id)
{
	struct posix_timer *self;

	list_for_each_entry(self, &proc->posix_timers, link) {
		if (self->id == id)
			return self;
	}
	return NULL;
}

/*
 * What the timer's clock says, before its lock is taken: another process's CPU time is behind the
 * lock of that process. Any time if there is no such timer.
 */
static ns_t timer_clock_now(struct proc *proc, int id)
{
	struct cpu_clock clock = { 0 };
	struct posix_timer *self;
	ns_t now;

	spin_lock_irq(&proc->lock);
	self = find_locked(proc, id);
	if (self && self->has_alarm) {
		clock = self->alarm.clock;
		proc_get(clock.proc);
		if (clock.task)
			task_get(clock.task);
	}
	spin_unlock_irq(&proc->lock);
	if (!clock.proc)
		return clock_monotonic();
	now = cpu_clock_now(&clock);
	cpu_clock_put(&clock);
	return now;
}

static void get_locked(struct posix_timer *self, ns_t now, struct posix_timer_setting *out)
{
	ns_t left = (self->has_alarm ? self->alarm.deadline : self->timer.deadline) - now;

	if (self->interval_ns && left <= 0)
		left += (-left / self->interval_ns + 1) * self->interval_ns;
	if (self->is_ahead && left > self->interval_ns)
		left = (left - 1) % self->interval_ns + 1;
	out->interval_ns = self->interval_ns;
	out->value_ns = self->is_armed ? max(left, (ns_t)1) : 0;
}

static ns_t deadline_of(const struct posix_timer *self, bool absolute, ns_t now, ns_t value)
{
	ns_t deadline;

	if (absolute && self->has_alarm)
		return value;
	if (absolute && !clock_to_monotonic(self->clock, value, &deadline))
		return deadline;
	return value < INT64_MAX - now ? now + value : INT64_MAX;
}

static void stop_locked(struct posix_timer *self)
{
	if (self->has_alarm)
		cpu_alarm_stop(&self->alarm);
	timer_cancel(&self->timer);
	self->is_resting = false;
	self->is_armed = false;
	self->is_ahead = false;
}

static void start_locked(struct posix_timer *self, ns_t now, ns_t deadline)
{
	self->is_armed = true;
	if (!self->has_alarm) {
		timer_start(&self->timer, deadline);
		return;
	}
	self->alarm.deadline = deadline;
	self->alarm.seen = now;
	if (deadline <= now)
		timer_start(&self->timer, 0);
	else
		cpu_alarm_start(&self->alarm, deadline);
}

int posix_timer_set(int id, bool absolute, const struct posix_timer_setting *new,
		    struct posix_timer_setting *old)
{
	struct proc *proc = proc_current();
	ns_t now = timer_clock_now(proc, id);
	struct posix_timer *self;
	int err = -EINVAL;

	spin_lock_irq(&proc->lock);
	self = find_locked(proc, id);
	if (self) {
		err = 0;
		if (!self->has_alarm)
			now = clock_monotonic();
		if (old)
			get_locked(self, now, old);
		stop_locked(self);
		self->interval_ns = new->interval_ns;
		self->overrun = 0;
		self->last_overrun = 0;
		if (new->value_ns)
			start_locked(self, now, deadline_of(self, absolute, now, new->value_ns));
	}
	spin_unlock_irq(&proc->lock);
	return err;
}

int posix_timer_get(int id, struct posix_timer_setting *out)
{
	struct proc *proc = proc_current();
	ns_t now = timer_clock_now(proc, id);
	struct posix_timer *self;

	spin_lock_irq(&proc->lock);
	self = find_locked(proc, id);
	/* Again: it may have fired, and be on its way to the next point, since the first look. */
	if (self && !self->has_alarm)
		now = clock_monotonic();
	if (self)
		get_locked(self, now, out);
	spin_unlock_irq(&proc->lock);
	return self ? 0 : -EINVAL;
}

int posix_timer_overrun(int id)
{
	struct proc *proc = proc_current();
	struct posix_timer *self;
	int overrun = -EINVAL;

	spin_lock_irq(&proc->lock);
	self = find_locked(proc, id);
	if (self)
		overrun = self->last_overrun;
	spin_unlock_irq(&proc->lock);
	return overrun;
}

/* Off the process's list, never to fire again; its signal, if it pends, is taken back. */
static void unlink_locked(struct proc *proc, struct posix_timer *self)
{
	struct sigpending *pending = self->task ? &self->task->pending : &proc->pending;

	list_remove_init(&self->link);
	self->is_deleted = true;
	self->interval_ns = 0;
	if (self->has_alarm)
		cpu_alarm_stop(&self->alarm);
	if (self->is_queued)
		sigpending_remove_own(pending, &self->signal);
}

int posix_timer_delete(int id)
{
	struct proc *proc = proc_current();
	struct posix_timer *self;

	spin_lock_irq(&proc->lock);
	self = find_locked(proc, id);
	if (self)
		unlink_locked(proc, self);
	spin_unlock_irq(&proc->lock);
	if (!self)
		return -EINVAL;
	timer_cancel_sync(&self->timer);
	timer_free(self);
	return 0;
}

void posix_timers_destroy(struct proc *proc)
{
	struct posix_timer *self;

	for (;;) {
		spin_lock_irq(&proc->lock);
		self = list_first_entry_or_null(&proc->posix_timers, struct posix_timer, link);
		if (self)
			unlink_locked(proc, self);
		spin_unlock_irq(&proc->lock);
		if (!self)
			return;
		timer_cancel_sync(&self->timer);
		timer_free(self);
	}
}
