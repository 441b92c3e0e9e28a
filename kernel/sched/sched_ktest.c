/*
 * Tests of the scheduler and of what sleeps: wait queues, locks, RCU, timers, work, fair shares.
 */
#include <linux/sched.h>

#include <arch/percpu.h>

#include "core/ktest.h"
#include "core/panic.h"
#include "lib/bits.h"
#include "mem/alloc.h"
#include "sched/clock.h"
#include "sched/mutex.h"
#include "sched/policy.h"
#include "sched/poll.h"
#include "sched/rcu.h"
#include "sched/rwlock.h"
#include "sched/thread.h"
#include "sched/timer.h"
#include "sched/wait.h"
#include "sched/work.h"

#define HANG (10 * NS_PER_SEC)

/* The other thread and what it and the test share. */
struct partner {
	struct thread    *thread;
	struct completion started, finished;
	struct wait_queue queue;
	struct mutex      mutex;
	struct rwlock     rwlock;
	struct completion proceed;
	uint32_t          flag __atomic;
	uint32_t          order __atomic;
	int               result;
	uint64_t          runtime_ns;
};

/* A test that counts on turns being taken: it and its threads stay on one CPU. */
static bool thread_start_beside(struct thread *thread)
{
	uint64_t here = BIT(cpu_id());

	if (sched_affinity_set(thread_current(), here) || sched_affinity_set(thread, here))
		return false;
	thread_start(thread);
	return true;
}

static bool partner_start(struct partner *partner, void (*fn)(void *arg))
{
	completion_init(&partner->started);
	completion_init(&partner->finished);
	completion_init(&partner->proceed);
	wait_queue_init(&partner->queue);
	mutex_init(&partner->mutex, RANK_SLEEPING);
	rwlock_init(&partner->rwlock, RANK_SLEEPING);
	if (kthread_create("ktest", fn, partner, &partner->thread))
		return false;
	return thread_start_beside(partner->thread);
}

static bool partner_join(struct partner *partner)
{
	return completion_wait_until(&partner->finished, clock_monotonic() + HANG) == 0;
}

static void wait_for_flag(void *arg)
{
	struct partner *partner = arg;

	complete(&partner->started);
	wait_event(&partner->queue, atomic_load_relaxed(&partner->flag));
	complete(&partner->finished);
}

KTEST(wait_event_returns_when_the_condition_holds_and_not_before)
{
	struct partner partner = { 0 };

	KTEST_NO_LEAK();
	KTEST_ASSERT(partner_start(&partner, wait_for_flag));
	completion_wait(&partner.started);
	thread_yield();
	wake_up(&partner.queue); /* for nothing: the condition is false */
	thread_yield();
	KTEST_ASSERT(!partner.finished.done);
	atomic_store(&partner.flag, 1);
	wake_up(&partner.queue);
	KTEST_ASSERT(partner_join(&partner));
	KTEST_ASSERT(wait_queue_is_empty(&partner.queue));
}

KTEST(wait_with_a_deadline_that_passes_returns_ETIMEDOUT_not_early)
{
	struct wait_queue queue = WAIT_QUEUE(queue);
	ns_t before = clock_monotonic();
	int err = wait_event_interruptible_until(&queue, false, before + 5 * NS_PER_MSEC);

	KTEST_ASSERT(err == -ETIMEDOUT);
	KTEST_ASSERT(clock_monotonic() >= before + 5 * NS_PER_MSEC);
	KTEST_ASSERT(wait_queue_is_empty(&queue));
}

static void wait_interruptibly(void *arg)
{
	struct partner *partner = arg;

	complete(&partner->started);
	partner->result =
		wait_event_interruptible(&partner->queue, atomic_load_relaxed(&partner->flag));
	complete(&partner->finished);
}

KTEST(signal_ends_an_interruptible_wait_with_ERESTARTSYS)
{
	struct partner partner = { 0 };

	KTEST_ASSERT(partner_start(&partner, wait_interruptibly));
	completion_wait(&partner.started);
	thread_yield();
	thread_signal_wake(partner.thread, false);
	KTEST_ASSERT(partner_join(&partner));
	KTEST_ASSERT(partner.result == -ERESTARTSYS);
	KTEST_ASSERT(wait_queue_is_empty(&partner.queue));
}

static void wait_killably(void *arg)
{
	struct partner *partner = arg;

	complete(&partner->started);
	partner->result = wait_event_killable(&partner->queue, atomic_load_relaxed(&partner->flag));
	complete(&partner->finished);
}

KTEST(only_a_fatal_signal_ends_a_killable_wait)
{
	struct partner partner = { 0 };

	KTEST_ASSERT(partner_start(&partner, wait_killably));
	completion_wait(&partner.started);
	thread_yield();
	thread_signal_wake(partner.thread, false);
	thread_yield();
	KTEST_ASSERT(!partner.finished.done);
	thread_signal_wake(partner.thread, true);
	KTEST_ASSERT(partner_join(&partner));
	KTEST_ASSERT(partner.result == -EINTR);
}

static void wait_exclusively(void *arg)
{
	struct partner *partner = arg;

	complete(&partner->started);
	(void)!wait_event_interruptible_exclusive(&partner->queue,
	                                          atomic_load_relaxed(&partner->flag));
	atomic_inc_return(&partner->order);
	complete(&partner->finished);
}

KTEST(wake_up_wakes_one_exclusive_waiter)
{
	struct partner partner = { 0 };
	struct thread *second;

	KTEST_ASSERT(partner_start(&partner, wait_exclusively));
	KTEST_ASSERT(kthread_create("ktest", wait_exclusively, &partner, &second) == 0);
	KTEST_ASSERT(thread_start_beside(second));
	completion_wait(&partner.started); /* on one CPU: who has said so, sleeps */
	completion_wait(&partner.started);
	atomic_store(&partner.flag, 1);
	KTEST_ASSERT(wake_up(&partner.queue) == 1);
	KTEST_ASSERT(partner_join(&partner));
	KTEST_ASSERT(atomic_load_relaxed(&partner.order) == 1);
	KTEST_ASSERT(wake_up(&partner.queue) == 1);
	KTEST_ASSERT(partner_join(&partner));
}

static void lock_mutex(void *arg)
{
	struct partner *partner = arg;

	complete(&partner->started);
	mutex_lock(&partner->mutex);
	partner->order = partner->order * 10 + 2;
	mutex_unlock(&partner->mutex);
	complete(&partner->finished);
}

KTEST(mutex_excludes_and_is_handed_to_a_waiter_that_lost_once)
{
	struct partner partner = { 0 };

	KTEST_NO_LEAK();
	KTEST_ASSERT(partner_start(&partner, lock_mutex));
	mutex_lock(&partner.mutex);
	completion_wait(&partner.started);
	thread_yield();
	KTEST_ASSERT(partner.order == 0);
	/* Retaken at once: the waiter loses the race once, then it is its turn. */
	for (int i = 0; i < 3; i++) {
		mutex_unlock(&partner.mutex);
		mutex_lock(&partner.mutex);
		partner.order = partner.order * 10 + 1;
		thread_yield();
	}
	mutex_unlock(&partner.mutex);
	KTEST_ASSERT(partner_join(&partner));
	KTEST_ASSERT(partner.order != 1112);
	KTEST_ASSERT(!mutex_is_locked(&partner.mutex) && !partner.mutex.owner);
}

static void lock_mutex_killably(void *arg)
{
	struct partner *partner = arg;

	complete(&partner->started);
	partner->result = mutex_lock_killable(&partner->mutex);
	complete(&partner->finished);
}

KTEST(killable_mutex_wait_ends_by_a_fatal_signal)
{
	struct partner partner = { 0 };

	KTEST_ASSERT(partner_start(&partner, lock_mutex_killably));
	mutex_lock(&partner.mutex);
	completion_wait(&partner.started);
	thread_yield();
	thread_signal_wake(partner.thread, true);
	KTEST_ASSERT(partner_join(&partner));
	KTEST_ASSERT(partner.result == -EINTR);
	mutex_unlock(&partner.mutex);
	KTEST_ASSERT(!partner.mutex.owner);
}

static void lock_for_writing(void *arg)
{
	struct partner *partner = arg;

	complete(&partner->started);
	rwlock_write_lock(&partner->rwlock);
	partner->order = partner->order * 10 + 2;
	rwlock_write_unlock(&partner->rwlock);
	complete(&partner->finished);
}

KTEST(waiting_writer_keeps_new_readers_out_and_goes_first)
{
	struct partner partner = { 0 };

	KTEST_ASSERT(partner_start(&partner, lock_for_writing));
	rwlock_read_lock(&partner.rwlock);
	completion_wait(&partner.started);
	thread_yield();
	KTEST_ASSERT(rwlock_is_contended(&partner.rwlock));
	KTEST_ASSERT(!rwlock_read_trylock(&partner.rwlock));
	rwlock_read_unlock(&partner.rwlock);
	rwlock_read_lock(&partner.rwlock);
	KTEST_ASSERT(partner.order == 2);
	rwlock_read_unlock(&partner.rwlock);
	KTEST_ASSERT(partner_join(&partner));
	KTEST_ASSERT(!partner.rwlock.state);
}

static void lock_for_reading(void *arg)
{
	struct partner *partner = arg;

	complete(&partner->started);
	rwlock_read_lock(&partner->rwlock);
	complete(&partner->finished);
	completion_wait(&partner->proceed);
	rwlock_read_unlock(&partner->rwlock);
	complete(&partner->finished);
}

KTEST(downgrade_lets_waiting_readers_in_and_keeps_writers_out)
{
	struct partner partner = { 0 };

	KTEST_ASSERT(partner_start(&partner, lock_for_reading));
	rwlock_write_lock(&partner.rwlock);
	completion_wait(&partner.started);
	thread_yield();
	KTEST_ASSERT(!partner.finished.done);
	rwlock_downgrade(&partner.rwlock);
	KTEST_ASSERT(partner_join(&partner));
	KTEST_ASSERT(!rwlock_write_trylock(&partner.rwlock));
	rwlock_read_unlock(&partner.rwlock);
	complete(&partner.proceed);
	KTEST_ASSERT(partner_join(&partner));
	KTEST_ASSERT(!partner.rwlock.state);
}

struct counted_timer {
	struct timer timer;
	uint32_t     fired __atomic;
	uint32_t     place;
};

static uint32_t timers_fired __atomic;

static void counted_timer_fire(struct timer *timer)
{
	struct counted_timer *counted = container_of(timer, struct counted_timer, timer);

	counted->place = atomic_inc_return(&timers_fired);
	counted->fired++;
}

KTEST(timers_fire_in_order_of_their_deadlines_and_a_cancelled_one_does_not)
{
	struct counted_timer timers[4] = { 0 };
	ns_t now = clock_monotonic();
	static const int delay_ms[4] = { 6, 2, 4, 3 };

	timers_fired = 0;
	KTEST_ASSERT(sched_affinity_set(thread_current(), BIT(cpu_id())) == 0); /* one clock */
	uint64_t flags = irq_save(); /* none fires before all are set, however slow the machine */

	for (int i = 0; i < 4; i++) {
		timer_init(&timers[i].timer, counted_timer_fire);
		timer_start(&timers[i].timer, now + delay_ms[i] * NS_PER_MSEC);
	}
	bool cancelled = timer_cancel(&timers[3].timer), again = timer_cancel(&timers[3].timer);

	irq_restore(flags);
	KTEST_ASSERT(cancelled && !again);
	sleep_until_uninterruptible(now + 10 * NS_PER_MSEC);
	KTEST_ASSERT(timers[1].place == 1 && timers[2].place == 2 && timers[0].place == 3);
	KTEST_ASSERT(!timers[3].fired && !timer_is_pending(&timers[0].timer));
}

KTEST(monotonic_clock_never_steps_back_and_realtime_can)
{
	ns_t before = clock_monotonic(), wall = clock_realtime();

	for (int i = 0; i < 10000; i++) {
		ns_t now = clock_monotonic();

		KTEST_ASSERT(now >= before);
		before = now;
	}
	KTEST_ASSERT(clock_set_realtime(wall + 3600 * NS_PER_SEC) == 0);
	KTEST_ASSERT(clock_realtime() >= wall + 3600 * NS_PER_SEC);
	KTEST_ASSERT(clock_monotonic() - before < NS_PER_SEC);
	KTEST_ASSERT(clock_set_realtime(clock_realtime() - 3600 * NS_PER_SEC) == 0);
}

struct rcu_thing {
	struct rcu_head rcu;
	bool            freed;
};

static void rcu_thing_free(struct rcu_head *head)
{
	container_of(head, struct rcu_thing, rcu)->freed = true;
}

KTEST(rcu_callbacks_wait_for_readers_and_have_run_after_a_barrier)
{
	struct rcu_thing thing = { 0 };

	rcu_read_lock();
	rcu_call(&thing.rcu, rcu_thing_free);
	KTEST_ASSERT(!thing.freed);
	rcu_read_unlock();
	rcu_barrier();
	KTEST_ASSERT(thing.freed);
	KTEST_ASSERT(rcu_pending() == 0);
	rcu_synchronize();
}

static uint32_t work_done __atomic;

static void count_work(struct work *work)
{
	atomic_inc(&work_done);
}

static void count_work_asleep(struct work *work)
{
	sleep_until_uninterruptible(clock_monotonic() + NS_PER_MSEC);
	atomic_inc(&work_done);
}

KTEST(work_runs_once_for_each_queueing_and_may_sleep_in_its_thread)
{
	struct work soon = WORK(count_work), asleep[3] = {
		WORK(count_work_asleep), WORK(count_work_asleep), WORK(count_work_asleep),
	};

	work_done = 0;
	KTEST_ASSERT(work_queue(&soon));
	KTEST_ASSERT(!work_queue(&soon));
	cond_resched();
	KTEST_ASSERT(work_done == 1);
	for (int i = 0; i < 3; i++)
		KTEST_ASSERT(work_queue_sleeping(&asleep[i]));
	work_drain();
	KTEST_ASSERT(work_done == 4);
}

static void burn(void *arg)
{
	struct partner *partner = arg;

	while (!atomic_load_relaxed(&partner->flag))
		cond_resched();
	partner->runtime_ns = thread_runtime(thread_current());
	complete(&partner->finished);
}

/* Runs the two side by side for a while; 1.25^5 is 3.05. */
static bool five_nice_levels_are_a_factor_of_three(struct partner *heavy, struct partner *light)
{
	*heavy = *light = (struct partner){ 0 };
	if (!partner_start(heavy, burn) || !partner_start(light, burn))
		return false;
	sched_nice_set(light->thread, 5);
	sleep_until_uninterruptible(clock_monotonic() + 400 * NS_PER_MSEC);
	atomic_store(&heavy->flag, 1);
	atomic_store(&light->flag, 1);
	return partner_join(heavy) && partner_join(light) &&
	       heavy->runtime_ns > 2 * light->runtime_ns &&
	       heavy->runtime_ns < 5 * light->runtime_ns;
}

KTEST(cpu_time_is_shared_in_proportion_to_the_weight_of_nice)
{
	static struct partner heavy, light;
	bool shared = false;

	/* The host's time slices count as whose turn it was: a busy one deserves another try. */
	for (int tries = 0; tries < 5 && !shared; tries++)
		shared = five_nice_levels_are_a_factor_of_three(&heavy, &light);
	KTEST_ASSERT(shared);
}

static void note_order(void *arg)
{
	struct partner *partner = arg;

	partner->runtime_ns = atomic_inc_return(&partner->order);
	complete(&partner->finished);
}

KTEST(realtime_thread_runs_before_a_fair_one)
{
	static const struct sched_policy fifo = { .policy = SCHED_FIFO, .rt_priority = 10 };
	static struct partner fair;
	struct thread *urgent;

	fair = (struct partner){ 0 };
	KTEST_ASSERT(partner_start(&fair, burn));
	KTEST_ASSERT(kthread_create("ktest", note_order, &fair, &urgent) == 0);
	sched_policy_set(urgent, &fifo);
	KTEST_ASSERT(thread_start_beside(urgent));
	thread_yield();
	KTEST_ASSERT(fair.order == 1);
	atomic_store(&fair.flag, 1);
	KTEST_ASSERT(partner_join(&fair) && partner_join(&fair));
}

/* Spins over the next tick: this thread's slice is shorter than from one tick to the next. */
static void spin_over_a_tick(void)
{
	uint64_t before = READ_ONCE(thread_current()->ticks_system);

	while (READ_ONCE(thread_current()->ticks_system) == before)
		cpu_relax();
}

KTEST(thread_that_starts_another_goes_on_when_a_tick_ends_its_slice)
{
	struct partner child = { 0 };
	uint64_t cpus = sched_affinity_get(thread_current());
	int turns = 0;

	KTEST_ASSERT(sched_affinity_set(thread_current(), 1) == 0);
	spin_over_a_tick();
	ns_t began = clock_monotonic();

	KTEST_ASSERT(partner_start(&child, note_order));
	spin_over_a_tick();
	cond_resched();
	/* Six milliseconds are owed; a machine that stood still meanwhile has used them up. */
	if (atomic_load_relaxed(&child.order) && clock_monotonic() - began < 5 * NS_PER_MSEC)
		turns = -1;
	while (turns >= 0 && turns < 10 && !atomic_load_relaxed(&child.order)) {
		spin_over_a_tick();
		cond_resched();
		turns++;
	}
	KTEST_ASSERT(partner_join(&child));
	KTEST_ASSERT(sched_affinity_set(thread_current(), cpus) == 0);
	KTEST_ASSERT(turns >= 0); /* not before */
	KTEST_ASSERT(turns < 10); /* and not never, although this thread did not sleep */
}

static void wake_with_key(void *arg)
{
	struct partner *partner = arg;

	wake_up_key(&partner->queue, EPOLLOUT, 1);
	thread_yield();
	wake_up_key(&partner->queue, EPOLLIN, 1);
	complete(&partner->finished);
}

KTEST(poll_table_sleeps_until_a_key_that_it_asked_for)
{
	static struct poll_table table;
	struct wait_queue others[POLL_INLINE + 2];
	struct partner partner = { 0 };

	KTEST_NO_LEAK();
	poll_table_init(&table);
	for (size_t i = 0; i < array_size(others); i++) {
		wait_queue_init(&others[i]);
		poller_add(&table.poller, &others[i]);
	}
	KTEST_ASSERT(poll_table_wait(&table, clock_monotonic() + NS_PER_MSEC) == -ETIMEDOUT);
	poll_table_fini(&table);
	for (size_t i = 0; i < array_size(others); i++)
		KTEST_ASSERT(wait_queue_is_empty(&others[i]));

	KTEST_ASSERT(partner_start(&partner, wake_with_key));
	poll_table_init(&table);
	table.poller.events = EPOLLIN;
	poller_add(&table.poller, &partner.queue);
	KTEST_ASSERT(poll_table_wait(&table, clock_monotonic() + HANG) == 0);
	poll_table_fini(&table);
	KTEST_ASSERT(partner_join(&partner));
}
