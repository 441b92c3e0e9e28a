/*
 * Timers of each CPU: a tree by deadline, the hardware programmed for the first.
 *
 * The hardware is programmed only for an earlier deadline than it is programmed for; after a
 * cancellation it may fire once for nothing. A timer belongs to the CPU timer->cpu says, also while
 * its callback runs there (base->running), which is how timer_cancel_sync() knows what to wait for.
 */
#include "sched/timer.h"

#include <arch/irqchip.h>
#include <arch/percpu.h>
#include <arch/timer.h>

#include "core/panic.h"
#include "core/spinlock.h"
#include "sched/clock.h"
#include "sched/timer_impl.h"

struct timers {
	struct spinlock lock;
	struct rbtree   tree __guarded_by(lock);
	struct timer   *first __guarded_by(lock);
	struct timer   *running __guarded_by(lock); /* its callback runs; lock not held meanwhile */
	bool            revoked __guarded_by(lock); /* running was set anew since it began */
	ns_t            armed __guarded_by(lock);   /* what the hardware is programmed for */
	uint32_t        cpu __const_after_init;
};

static DEFINE_PER_CPU(struct timers, timers);

void timer_init_cpu(uint32_t cpu)
{
	struct timers *base = per_cpu_ptr(timers, cpu);

	spin_lock_init(&base->lock, RANK_TIMER);
	rbtree_init(&base->tree, NULL);
	base->armed = INT64_MAX;
	base->cpu = cpu;
}

void timer_init(struct timer *timer, void (*callback)(struct timer *timer))
{
	timer->callback = callback;
	timer->deadline = 0;
	timer->cpu = 0;
	timer->pending = false;
}

/* The timers that the timer belongs to, locked. Interrupts are off. */
static struct timers *timer_lock(const struct timer *timer) __acquires(base->lock)
{
	for (;;) {
		uint32_t cpu = READ_ONCE(timer->cpu);
		struct timers *base = per_cpu_ptr(timers, cpu);

		spin_lock(&base->lock);
		if (likely(timer->cpu == cpu))
			return base;
		spin_unlock(&base->lock);
	}
}

static void timers_program(struct timers *base, ns_t now)
{
	ns_t deadline = base->first->deadline;

	if (deadline >= base->armed)
		return;
	if (base->cpu == cpu_id()) {
		base->armed = deadline;
		arch_timer_arm(deadline > now ? deadline - now : 0);
	} else {
		irqchip_ipi(base->cpu, VECTOR_IPI_WAKE);
	}
}

static void timers_insert(struct timers *base, struct timer *timer)
{
	struct rb_node *parent = NULL, **link = &base->tree.root;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (timer->deadline < container_of(parent, struct timer, node)->deadline) {
			link = &parent->left;
		} else {
			link = &parent->right;
			leftmost = false;
		}
	}
	rbtree_insert_at(&base->tree, &timer->node, parent, link);
	timer->pending = true;
	if (leftmost)
		base->first = timer;
}

static void timers_remove(struct timers *base, struct timer *timer)
{
	if (base->first == timer)
		base->first = rb_entry_or_null(rb_next(&timer->node), struct timer, node);
	rbtree_remove(&base->tree, &timer->node);
	timer->pending = false;
}

/*
 * Moves a timer that neither waits nor runs to this CPU, where its owner is. Locked, as it returns.
 */
static struct timers *timer_bring_here(struct timers *base, struct timer *timer)
	__must_hold(base->lock)
{
	if (base->cpu == cpu_id())
		return base;
	if (base->running == timer) {
		base->revoked = true;
		return base;
	}
	timer->cpu = cpu_id();
	spin_unlock(&base->lock);
	base = timer_lock(timer);
	if (timer->pending)
		timers_remove(base, timer);
	return base;
}

void timer_start(struct timer *timer, ns_t deadline_ns)
{
	uint64_t flags = irq_save();
	struct timers *base = timer_lock(timer);

	debug_assert(timer->callback);
	if (timer->pending)
		timers_remove(base, timer);
	base = timer_bring_here(base, timer);
	timer->deadline = deadline_ns;
	timers_insert(base, timer);
	if (base->first == timer && !base->running)
		timers_program(base, clock_monotonic());
	spin_unlock(&base->lock);
	irq_restore(flags);
}

bool timer_cancel(struct timer *timer)
{
	uint64_t flags;
	struct timers *base;
	bool pending;

	if (!timer->callback)
		return false;
	flags = irq_save();
	base = timer_lock(timer);
	pending = timer->pending;
	if (pending)
		timers_remove(base, timer);
	else if (unlikely(base->running == timer))
		base->revoked = true;
	spin_unlock(&base->lock);
	irq_restore(flags);
	return pending;
}

/* What the canceller wrote is seen: it held the lock that the callback has taken since. */
bool timer_was_cancelled(const struct timer *timer)
{
	const struct timers *base = this_cpu_ptr(timers);

	debug_assert(base->running == timer);
	return READ_ONCE(base->revoked);
}

bool timer_cancel_sync(struct timer *timer)
{
	bool pending = false;

	for (;;) {
		uint64_t flags = irq_save();
		struct timers *base = timer_lock(timer);
		bool running = base->running == timer;

		if (timer->pending) {
			timers_remove(base, timer);
			pending = true;
		}
		spin_unlock(&base->lock);
		irq_restore(flags);
		if (!running)
			return pending;
		cpu_relax();
	}
}

bool timer_is_pending(const struct timer *timer)
{
	return READ_ONCE(timer->pending);
}

/* Only what is due at the start: a timer that starts itself again at once waits for its turn. */
void timer_run(void)
{
	struct timers *base = this_cpu_ptr(timers);
	struct timer *timer;
	ns_t now = clock_monotonic();

	spin_lock(&base->lock);
	base->armed = INT64_MAX;
	while ((timer = base->first) && timer->deadline <= now) {
		timers_remove(base, timer);
		base->running = timer;
		base->revoked = false;
		spin_unlock(&base->lock);
		timer->callback(timer);
		spin_lock(&base->lock);
		base->running = NULL;
	}
	if (base->first)
		timers_program(base, clock_monotonic());
	spin_unlock(&base->lock);
}

void timer_reprogram(void)
{
	struct timers *base = this_cpu_ptr(timers);

	spin_lock(&base->lock);
	if (base->first)
		timers_program(base, clock_monotonic());
	spin_unlock(&base->lock);
}
