/*
 * timerfd(2). See timerfd.h.
 *
 * The timer fires once; periods that have passed since are counted when somebody looks (reads,
 * polls by a wake-up, asks for the time left), and the timer is started again then, as on Linux: a
 * timer that nobody reads costs one interrupt. What counts is the clock: a read does not miss a
 * deadline whose interrupt is late.
 *
 * Locking: `lock` (irq-safe) over each timer's state; `timerfds.lock` over the list of those that
 * follow the wall clock.
 */
#include "fs/timerfd.h"

#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/time.h>
#include <linux/timerfd.h>

#include "abi/errno.h"
#include "fs/file.h"
#include "id/cred.h"
#include "lib/list.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "mem/slab.h"
#include "sched/clock.h"
#include "sched/poll.h"
#include "sched/timer.h"
#include "vm/uio.h"

struct timerfd {
	struct spinlock   lock; /* irq-safe, RANK_IRQ_OUTER */
	struct timer      timer;
	int               clock_id __const_after_init;
	ns_t              deadline __guarded_by(lock); /* on base_clock(); 0: disarmed */
	ns_t              interval __guarded_by(lock);
	uint64_t          expirations __guarded_by(lock); /* not yet read */
	bool              has_fired __guarded_by(lock);   /* and is not started again */
	bool              is_absolute __guarded_by(lock);
	bool              is_cancelled_by_step __guarded_by(lock);
	uint32_t          seen_steps __guarded_by(lock); /* of the wall clock */
	unsigned int      set_flags __guarded_by(lock);  /* shown in fdinfo */
	struct wait_queue wait;
	struct list       link __guarded_by(timerfds.lock);
};

static struct {
	struct spinlock lock; /* RANK_SPIN_OUTER */
	struct list     all;  /* of the wall clock */
} timerfds = { .lock = SPINLOCK(RANK_SPIN_OUTER), .all = LIST_INIT(timerfds.all) };

static struct cache timerfd_slab = CACHE("timerfd", struct timerfd);

static struct timerfd *to_timerfd(const struct file *file)
{
	return file->private;
}

static bool is_wall_clock(const struct timerfd *self)
{
	return self->clock_id == CLOCK_REALTIME || self->clock_id == CLOCK_REALTIME_ALARM;
}

/* Spans are counted on the monotonic clock; alarms differ only while a machine sleeps. */
static int base_clock(const struct timerfd *self)
{
	if (!self->is_absolute || self->clock_id == CLOCK_MONOTONIC)
		return CLOCK_MONOTONIC;
	return is_wall_clock(self) ? CLOCK_REALTIME : CLOCK_BOOTTIME;
}

static ns_t now_of(const struct timerfd *self)
{
	ns_t now = 0;

	return clock_read(base_clock(self), &now) ? 0 : now;
}

/* ---- the timer ---------------------------------------------------------------------- */

static void start_locked(struct timerfd *self)
{
	ns_t monotonic;

	self->has_fired = false;
	if (clock_to_monotonic(base_clock(self), self->deadline, &monotonic))
		monotonic = self->deadline;
	timer_start(&self->timer, monotonic);
}

static void expire_locked(struct timerfd *self)
{
	self->has_fired = true;
	self->expirations++;
}

static void timer_fired(struct timer *timer)
{
	struct timerfd *self = container_of(timer, struct timerfd, timer);
	uint64_t flags = spin_lock_irqsave(&self->lock);
	bool is_due = self->deadline && !self->has_fired && !timer_was_cancelled(timer);

	if (is_due)
		expire_locked(self);
	spin_unlock_irqrestore(&self->lock, flags);
	if (is_due)
		wake_up_key(&self->wait, EPOLLIN, INT32_MAX);
}

/* Counts the periods that have passed since the timer fired, and starts it for the next. */
static void advance_locked(struct timerfd *self)
{
	ns_t passed;

	if (!self->has_fired || !self->interval)
		return;
	passed = (now_of(self) - self->deadline) / self->interval;
	passed = max(passed, (ns_t)0);
	self->expirations += (uint64_t)passed;
	if (!checked_add(self->deadline, (passed + 1) * self->interval, &self->deadline))
		self->deadline = INT64_MAX;
	start_locked(self);
}

/* The wall clock was stepped: points of it lie elsewhere now. */
static void timerfds_follow_step(void)
{
	struct timerfd *self;
	uint64_t flags;

	spin_lock(&timerfds.lock);
	list_for_each_entry(self, &timerfds.all, link) {
		flags = spin_lock_irqsave(&self->lock);
		if (self->is_absolute && self->deadline && !self->has_fired)
			start_locked(self);
		spin_unlock_irqrestore(&self->lock, flags);
		if (self->is_cancelled_by_step)
			wake_up_key(&self->wait, EPOLLIN, INT32_MAX);
	}
	spin_unlock(&timerfds.lock);
}

/* A step that has not been told yet; told now. */
static bool step_is_news_locked(struct timerfd *self)
{
	uint32_t steps = clock_step_count();

	if (!self->is_cancelled_by_step || self->seen_steps == steps)
		return false;
	self->seen_steps = steps;
	return true;
}

/* ---- reading ------------------------------------------------------------------------ */

/* What a read gets: true and the count, or an error. */
static bool expirations_take(struct timerfd *self, uint64_t *count, int *err)
{
	uint64_t flags = spin_lock_irqsave(&self->lock);
	bool done;

	*err = 0;
	if (self->deadline && !self->has_fired && self->deadline <= now_of(self)) {
		timer_cancel(&self->timer);
		expire_locked(self);
	}
	if (step_is_news_locked(self)) {
		self->expirations = 0;
		*err = -ECANCELED;
	} else if (self->expirations) {
		advance_locked(self);
	}
	*count = self->expirations;
	self->expirations = 0;
	done = *count || *err;
	spin_unlock_irqrestore(&self->lock, flags);
	return done;
}

static ssize_t timerfd_read(struct io *io)
{
	struct timerfd *self = to_timerfd(io->file);
	uint64_t count;
	int err, taken;

	if (io->uio->remaining < sizeof(count))
		return -EINVAL;
	if (!expirations_take(self, &count, &taken)) {
		if (!file_may_wait(io))
			return -EAGAIN;
		err = wait_event_interruptible(&self->wait, expirations_take(self, &count, &taken));
		if (err)
			return err;
	}
	if (taken)
		return taken;
	if (uio_copy_out(io->uio, &count, sizeof(count)) < sizeof(count))
		return -EFAULT;
	return sizeof(count);
}

static unsigned int timerfd_poll(struct file *file, struct poller *poller)
{
	struct timerfd *self = to_timerfd(file);
	bool is_stepped;

	poller_add(poller, &self->wait);
	is_stepped = READ_ONCE(self->is_cancelled_by_step) &&
		     READ_ONCE(self->seen_steps) != clock_step_count();
	return READ_ONCE(self->expirations) || is_stepped ? EPOLLIN : 0;
}

/* ---- setting ------------------------------------------------------------------------ */

static void get_locked(struct timerfd *self, struct timerfd_setting *out)
{
	advance_locked(self);
	out->interval_ns = self->interval;
	out->value_ns = 0;
	if (self->deadline && !self->has_fired)
		out->value_ns = max(self->deadline - now_of(self), (ns_t)1);
}

void timerfd_get(struct file *file, struct timerfd_setting *out)
{
	struct timerfd *self = to_timerfd(file);
	uint64_t flags = spin_lock_irqsave(&self->lock);

	get_locked(self, out);
	spin_unlock_irqrestore(&self->lock, flags);
}

/* Whether reads are cancelled by steps of the clock; in the list for that or for its deadline. */
static void follow_clock_locked(struct timerfd *self, unsigned int flags)
{
	const unsigned int both = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;

	self->is_absolute = flags & TFD_TIMER_ABSTIME;
	self->is_cancelled_by_step = is_wall_clock(self) && (flags & both) == both;
	self->set_flags = flags;
}

int timerfd_set(struct file *file, unsigned int flags, const struct timerfd_setting *new,
                struct timerfd_setting *old)
{
	struct timerfd *self = to_timerfd(file);
	uint64_t irq_flags;
	bool is_news;

	irq_flags = spin_lock_irqsave(&self->lock);
	get_locked(self, old);
	timer_cancel(&self->timer);
	is_news = step_is_news_locked(self);
	follow_clock_locked(self, flags);
	if (!is_news)
		self->seen_steps = clock_step_count();
	self->expirations = 0;
	self->has_fired = false;
	self->interval = new->interval_ns;
	self->deadline = new->value_ns;
	if (new->value_ns && !(flags & TFD_TIMER_ABSTIME) &&
	    !checked_add(now_of(self), new->value_ns, &self->deadline))
		self->deadline = INT64_MAX;
	if (self->deadline)
		start_locked(self);
	spin_unlock_irqrestore(&self->lock, irq_flags);
	return is_news ? -ECANCELED : 0;
}

/* ---- life --------------------------------------------------------------------------- */

static void timerfd_release(struct file *file)
{
	struct timerfd *self = to_timerfd(file);

	spin_lock(&timerfds.lock);
	list_remove_init(&self->link);
	spin_unlock(&timerfds.lock);
	timer_cancel_sync(&self->timer);
	cache_free(&timerfd_slab, self);
}

static long timerfd_ioctl(struct file *file, unsigned int cmd, void *arg)
{
	struct timerfd *self = to_timerfd(file);
	uint64_t ticks, flags;
	int err = 0;

	if (cmd != TFD_IOC_SET_TICKS)
		return -ENOTTY;
	ticks = *(uint64_t *)arg;
	if (!ticks)
		return -EINVAL;
	flags = spin_lock_irqsave(&self->lock);
	if (step_is_news_locked(self))
		err = -ECANCELED;
	else
		self->expirations = ticks;
	spin_unlock_irqrestore(&self->lock, flags);
	if (!err)
		wake_up_key(&self->wait, EPOLLIN, INT32_MAX);
	return err;
}

static int timerfd_show_fdinfo(struct file *file, char *buf, size_t size)
{
	struct timerfd *self = to_timerfd(file);
	struct timerfd_setting setting;
	uint64_t flags = spin_lock_irqsave(&self->lock), ticks = self->expirations;
	unsigned int set_flags = self->set_flags;

	get_locked(self, &setting);
	spin_unlock_irqrestore(&self->lock, flags);
	return snprintf(buf, size,
			"clockid: %d\nticks: %lu\nsettime flags: 0%o\nit_value: (%lld, %lld)\n"
	                "it_interval: (%lld, %lld)\n",
	                self->clock_id, ticks, set_flags, setting.value_ns / NS_PER_SEC,
	                setting.value_ns % NS_PER_SEC, setting.interval_ns / NS_PER_SEC,
	                setting.interval_ns % NS_PER_SEC);
}

static const struct file_ops timerfd_file_ops = {
	.seek = file_seek_nowhere,
	.release = timerfd_release,
	.read = timerfd_read,
	.poll = timerfd_poll,
	.ioctl = timerfd_ioctl,
	.show_fdinfo = timerfd_show_fdinfo,
};

bool file_is_timerfd(const struct file *file)
{
	return file->ops == &timerfd_file_ops;
}

static int clock_check(const struct cred *cred, int clock_id)
{
	switch (clock_id) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		return 0;
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return cred_capable(cred, CAP_WAKE_ALARM) ? 0 : -EPERM;
	default:
		return -EINVAL;
	}
}

int timerfd_create(const struct cred *cred, int clock_id, unsigned int flags, struct file **out)
{
	int err = clock_check(cred, clock_id);
	struct timerfd *self;

	if (err)
		return err;
	self = cache_zalloc(&timerfd_slab, ALLOC_KERNEL);
	if (!self)
		return -ENOMEM;
	spin_lock_init(&self->lock, RANK_IRQ_OUTER);
	timer_init(&self->timer, timer_fired);
	self->clock_id = clock_id;
	self->seen_steps = clock_step_count();
	wait_queue_init(&self->wait);
	list_init(&self->link);
	err = file_create_anonymous("anon_inode:[timerfd]", &timerfd_file_ops, self, cred,
	                            O_RDWR | (flags & TFD_NONBLOCK), out);
	if (err) {
		cache_free(&timerfd_slab, self);
		return err;
	}
	if (is_wall_clock(self)) {
		spin_lock(&timerfds.lock);
		list_add_tail(&timerfds.all, &self->link);
		spin_unlock(&timerfds.lock);
	}
	return 0;
}

void timerfd_init(void)
{
	clock_on_step(timerfds_follow_step);
}
