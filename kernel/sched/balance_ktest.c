/*
 * Tests of which CPU threads run on: placement, stealing, affinity, real-time threads, wake-ups and
 * timers across CPUs. With one CPU most of them have nothing to do.
 */
#include <linux/sched.h>

#include <arch/cpu.h>
#include <arch/percpu.h>

#include "core/ktest.h"
#include "core/spinlock.h"
#include "lib/bits.h"
#include "sched/clock.h"
#include "sched/policy.h"
#include "sched/thread.h"
#include "sched/timer.h"
#include "sched/wait.h"

#define HANG (20 * NS_PER_SEC)

enum { ROUNDS = 100, STORM = 6 };

/* A thread that runs until it is told to stop, and says where. */
struct runner {
	struct thread    *thread;
	struct completion finished;
	struct wait_queue queue;
	struct runner    *other;
	uint32_t          stop __atomic;
	uint32_t          turns __atomic; /* goes up after each look at `where` */
	uint32_t          where __atomic;
	uint32_t          tokens __atomic;
};

static const struct sched_policy normal = { .policy = SCHED_NORMAL };

static bool runner_create(struct runner *runner, void (*fn)(void *arg), uint64_t cpus)
{
	completion_init(&runner->finished);
	wait_queue_init(&runner->queue);
	runner->where = MAX_CPUS;
	if (kthread_create("runner", fn, runner, &runner->thread))
		return false;
	return sched_affinity_set(runner->thread, cpus) == 0;
}

static bool runner_start(struct runner *runner, void (*fn)(void *arg), uint64_t cpus)
{
	if (!runner_create(runner, fn, cpus))
		return false;
	thread_start(runner->thread);
	return true;
}

static bool runner_stop(struct runner *runner)
{
	atomic_store(&runner->stop, 1);
	wake_up(&runner->queue);
	return completion_wait_until(&runner->finished, clock_monotonic() + HANG) == 0;
}

static void run_and_tell(void *arg)
{
	struct runner *runner = arg;

	while (!atomic_load_acquire(&runner->stop)) {
		atomic_store(&runner->where, cpu_id());
		atomic_inc_return(&runner->turns);
		cond_resched();
	}
	complete(&runner->finished);
}

/* Until it has said where it is after this call. This CPU is kept busy, and not given away. */
static uint32_t runner_where(struct runner *runner)
{
	uint32_t turns = atomic_load(&runner->turns);
	ns_t end = clock_monotonic() + HANG;

	while (atomic_load(&runner->turns) - turns < 2 && clock_monotonic() < end)
		cpu_relax();
	return atomic_load(&runner->where);
}

static bool stay_on(uint32_t cpu)
{
	return sched_affinity_set(thread_current(), BIT(cpu)) == 0;
}

static bool go_anywhere(void)
{
	return sched_affinity_set(thread_current(), ~0ul) == 0;
}

/* ---- placement ----------------------------------------------------------------------------- */

KTEST(thread_that_starts_runs_on_an_idle_cpu_while_its_maker_computes)
{
	struct runner runner = { 0 };
	uint32_t where;

	KTEST_NO_LEAK();
	if (nr_cpus() == 1)
		return;
	KTEST_ASSERT(stay_on(0) && runner_start(&runner, run_and_tell, ~0ul));
	where = runner_where(&runner);
	KTEST_ASSERT(runner_stop(&runner) && go_anywhere());
	KTEST_ASSERT(where != 0 && where < nr_cpus());
}

KTEST(idle_cpu_takes_a_thread_that_waits_for_a_busy_one)
{
	struct runner runner = { 0 };
	uint32_t where;

	KTEST_NO_LEAK();
	if (nr_cpus() == 1)
		return;
	KTEST_ASSERT(stay_on(0) && runner_start(&runner, run_and_tell, BIT(0)));
	KTEST_ASSERT(sched_affinity_set(runner.thread, ~0ul) == 0);
	where = runner_where(&runner); /* computes without a break: only another CPU helps */
	KTEST_ASSERT(runner_stop(&runner) && go_anywhere());
	KTEST_ASSERT(where != 0);
}

/* ---- affinity ------------------------------------------------------------------------------ */

KTEST(running_thread_is_where_its_affinity_says_when_the_call_returns)
{
	struct runner runner = { 0 };
	int wrong = 0;

	KTEST_NO_LEAK();
	KTEST_ASSERT(runner_start(&runner, run_and_tell, ~0ul));
	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t cpu = i % nr_cpus();

		KTEST_ASSERT(sched_affinity_set(runner.thread, BIT(cpu)) == 0);
		wrong += READ_ONCE(runner.thread->cpu) != cpu;
		/* what it said before it left may still be there once, never twice */
		if (cpu_id() != cpu && nr_cpus() > 1)
			wrong += runner_where(&runner) != cpu;
	}
	KTEST_ASSERT(runner_stop(&runner));
	KTEST_ASSERT(!wrong);
}

KTEST(thread_sends_itself_to_each_cpu_in_turn)
{
	for (uint32_t i = 0; i < ROUNDS; i++) {
		KTEST_ASSERT(stay_on(i % nr_cpus()));
		KTEST_ASSERT(cpu_id() == i % nr_cpus());
	}
	KTEST_ASSERT(go_anywhere());
}

KTEST(affinity_without_a_cpu_that_exists_is_EINVAL_and_changes_nothing)
{
	uint64_t before = sched_affinity_get(thread_current());

	KTEST_ASSERT(sched_affinity_set(thread_current(), 0) == -EINVAL);
	if (nr_cpus() < 64)
		KTEST_ASSERT(sched_affinity_set(thread_current(), BIT(63)) == -EINVAL);
	KTEST_ASSERT(sched_affinity_get(thread_current()) == before);
}

/* ---- wake-ups ------------------------------------------------------------------------------ */

/* Passes a token back and forth. */
static void pass_token(void *arg)
{
	struct runner *runner = arg;

	while (!atomic_load(&runner->stop)) {
		wait_event(&runner->queue,
		           atomic_load(&runner->tokens) || atomic_load(&runner->stop));
		if (!atomic_load(&runner->tokens))
			break;
		atomic_store(&runner->tokens, 0);
		atomic_inc_return(&runner->turns);
		atomic_store(&runner->other->tokens, 1);
		wake_up(&runner->other->queue);
	}
	complete(&runner->finished);
}

static bool turns_reach(struct runner *runner, uint32_t turns)
{
	ns_t end = clock_monotonic() + HANG;

	while (atomic_load(&runner->turns) < turns && clock_monotonic() < end)
		sleep_until_uninterruptible(clock_monotonic() + NS_PER_MSEC);
	return atomic_load(&runner->turns) >= turns;
}

KTEST(wake_ups_between_two_cpus_are_never_lost)
{
	struct runner a = { 0 }, b = { .other = &a };
	bool passed;

	KTEST_NO_LEAK();
	a.other = &b;
	KTEST_ASSERT(runner_start(&a, pass_token, BIT(0)));
	KTEST_ASSERT(runner_start(&b, pass_token, BIT(nr_cpus() - 1)));
	atomic_store(&a.tokens, 1);
	wake_up(&a.queue);
	passed = turns_reach(&b, ROUNDS);
	KTEST_ASSERT(runner_stop(&a) && runner_stop(&b));
	KTEST_ASSERT(passed);
}

KTEST(storm_of_wake_ups_migrations_and_policies_loses_no_thread)
{
	static const struct sched_policy policies[] = {
		{ .policy = SCHED_FIFO, .rt_priority = 5 }, { .policy = SCHED_BATCH, .nice = 5 },
		{ .policy = SCHED_RR, .rt_priority = 9 }, { .policy = SCHED_NORMAL },
	};
	static struct runner runners[STORM];
	bool passed = true;

	KTEST_NO_LEAK();
	for (uint32_t i = 0; i < STORM; i++)
		runners[i] = (struct runner){ .other = &runners[i ^ 1] };
	for (uint32_t i = 0; i < STORM; i++)
		KTEST_ASSERT(runner_start(&runners[i], pass_token, ~0ul));
	for (uint32_t i = 0; i < STORM; i += 2) {
		atomic_store(&runners[i].tokens, 1);
		wake_up(&runners[i].queue);
	}
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct thread *thread = runners[i % STORM].thread;

		KTEST_ASSERT(sched_affinity_set(thread, BIT(i * 7 % nr_cpus())) == 0);
		sched_policy_set(thread, &policies[i % array_size(policies)]);
		if (i % 3 == 0)
			KTEST_ASSERT(sched_affinity_set(thread, ~0ul) == 0);
	}
	for (uint32_t i = 0; i < STORM; i++)
		passed &= turns_reach(&runners[i], runners[i].turns + 10);
	for (uint32_t i = 0; i < STORM; i++)
		KTEST_ASSERT(runner_stop(&runners[i]));
	KTEST_ASSERT(passed);
}

/* ---- real time ----------------------------------------------------------------------------- */

KTEST(realtime_thread_that_waits_is_taken_by_the_first_cpu_with_less_to_do)
{
	static const struct sched_policy test = { .policy = SCHED_FIFO, .rt_priority = 50 };
	static const struct sched_policy hog = { .policy = SCHED_FIFO, .rt_priority = 30 };
	static const struct sched_policy low = { .policy = SCHED_FIFO, .rt_priority = 10 };
	static struct runner hogs[MAX_CPUS], waiter;
	uint32_t last = nr_cpus() - 1, early, where;

	if (nr_cpus() == 1)
		return;
	waiter = (struct runner){ 0 };
	sched_policy_set(thread_current(), &test);
	KTEST_ASSERT(stay_on(0));
	for_each_cpu(cpu) {
		hogs[cpu] = (struct runner){ 0 };
		KTEST_ASSERT(runner_create(&hogs[cpu], run_and_tell, BIT(cpu)));
		sched_policy_set(hogs[cpu].thread, &hog);
		thread_start(hogs[cpu].thread);
	}
	for_each_cpu(cpu)
		KTEST_ASSERT(turns_reach(&hogs[cpu], 1));
	KTEST_ASSERT(runner_create(&waiter, run_and_tell, ~0ul));
	sched_policy_set(waiter.thread, &low);
	thread_start(waiter.thread);
	sleep_until_uninterruptible(clock_monotonic() + 10 * NS_PER_MSEC);
	early = atomic_load(&waiter.turns);
	KTEST_ASSERT(runner_stop(&hogs[last]));
	where = runner_where(&waiter);
	for (uint32_t cpu = 0; cpu < last; cpu++)
		KTEST_ASSERT(runner_stop(&hogs[cpu]));
	KTEST_ASSERT(runner_stop(&waiter) && go_anywhere());
	sched_policy_set(thread_current(), &normal);
	KTEST_ASSERT(!early && where == last);
}

KTEST(spinning_realtime_thread_leaves_time_to_fair_ones_that_wait)
{
	static const struct sched_policy hog = { .policy = SCHED_FIFO, .rt_priority = 30 };
	int64_t runtime = sched_rt_runtime_us(), period = sched_rt_period_us();
	struct runner runner = { 0 };
	ns_t start;

	KTEST_NO_LEAK();
	KTEST_ASSERT(sched_rt_limit_set(40000, 20000) == -EINVAL);
	KTEST_ASSERT(sched_rt_limit_set(20000, 40000) == 0);
	KTEST_ASSERT(stay_on(0) && runner_create(&runner, run_and_tell, BIT(0)));
	sched_policy_set(runner.thread, &hog);
	start = clock_monotonic();
	thread_start(runner.thread);
	for (int i = 0; i < 3; i++) {
		thread_yield();
		clock_delay(20 * NS_PER_MSEC); /* its turn comes again and again */
	}
	KTEST_ASSERT(atomic_load(&runner.turns) && clock_monotonic() - start > 60 * NS_PER_MSEC);
	KTEST_ASSERT(runner_stop(&runner) && go_anywhere());
	KTEST_ASSERT(sched_rt_limit_set(runtime, period) == 0);
}

/* ---- timers -------------------------------------------------------------------------------- */

struct slow_timer {
	struct timer timer;
	uint32_t     runs __atomic;    /* its callback is on its way */
	uint32_t     started __atomic; /* how often it has begun */
	bool         again;
};

static void slow_timer_fire(struct timer *timer)
{
	struct slow_timer *slow = container_of(timer, struct slow_timer, timer);

	atomic_store(&slow->runs, 1);
	atomic_inc_return(&slow->started);
	if (slow->again)
		timer_start(timer, 0);
	clock_delay(100 * NS_PER_USEC);
	atomic_store(&slow->runs, 0);
}

static struct slow_timer slow;

/* Starts it on its CPU again and again. */
static void start_timer(void *arg)
{
	struct runner *runner = arg;

	while (!atomic_load(&runner->stop)) {
		if (atomic_load(&runner->tokens)) {
			timer_start(&slow.timer, 0);
			atomic_store(&runner->tokens, 0);
		}
		cond_resched();
	}
	complete(&runner->finished);
}

static int cancel_while_it_runs(struct runner *runner)
{
	ns_t end = clock_monotonic() + HANG;
	uint32_t started;
	int wrong = 0;

	for (int i = 0; i < ROUNDS && clock_monotonic() < end; i++) {
		started = atomic_load(&slow.started);
		slow.again = i & 1;
		atomic_store(&runner->tokens, 1);
		while (atomic_load(&slow.started) == started && clock_monotonic() < end)
			cpu_relax();
		timer_cancel_sync(&slow.timer);
		wrong += atomic_load(&slow.runs) || timer_is_pending(&slow.timer);
		while (atomic_load(&runner->tokens) && clock_monotonic() < end)
			cpu_relax();
		timer_cancel_sync(&slow.timer); /* started once more, or not */
	}
	return wrong;
}

KTEST(timer_cancelled_on_another_cpu_does_not_run_any_more_when_the_call_returns)
{
	struct runner runner = { 0 };
	int wrong;

	if (nr_cpus() == 1)
		return;
	slow = (struct slow_timer){ 0 };
	timer_init(&slow.timer, slow_timer_fire);
	KTEST_ASSERT(stay_on(0) && runner_start(&runner, start_timer, BIT(nr_cpus() - 1)));
	wrong = cancel_while_it_runs(&runner);
	KTEST_ASSERT(runner_stop(&runner) && go_anywhere());
	KTEST_ASSERT(!wrong && slow.started);
}

/* What is set anew under the lock that the callback waits for does not expire for the old time. */
struct guarded_timer {
	struct timer    timer;
	struct spinlock lock; /* irq-safe */
	uint32_t        called __atomic;
	uint32_t        expired __guarded_by(lock);
	bool            again; /* start it anew, do not only cancel it */
};

static void guarded_timer_fire(struct timer *timer)
{
	struct guarded_timer *guarded = container_of(timer, struct guarded_timer, timer);

	atomic_store(&guarded->called, 1);
	spin_lock(&guarded->lock);
	if (!timer_was_cancelled(timer))
		guarded->expired++;
	spin_unlock(&guarded->lock);
}

static void start_guarded(void *arg)
{
	struct guarded_timer *guarded = arg;

	timer_start(&guarded->timer, 0);
}

static bool change_while_it_waits(struct guarded_timer *guarded)
{
	ns_t end = clock_monotonic() + HANG;
	struct thread *thread;

	if (kthread_create("starter", start_guarded, guarded, &thread) ||
	    sched_affinity_set(thread, BIT(nr_cpus() - 1)))
		return false;
	spin_lock_irq(&guarded->lock);
	thread_start(thread);
	while (!atomic_load(&guarded->called) && clock_monotonic() < end)
		cpu_relax();
	if (guarded->again)
		timer_start(&guarded->timer, INT64_MAX - 1);
	else
		timer_cancel(&guarded->timer);
	spin_unlock_irq(&guarded->lock);
	timer_cancel_sync(&guarded->timer);
	return guarded->called;
}

KTEST(timer_set_anew_while_its_callback_waits_for_the_lock_does_not_expire)
{
	struct guarded_timer guarded = { .lock = SPINLOCK(RANK_IRQ_OUTER) };

	if (nr_cpus() == 1)
		return;
	timer_init(&guarded.timer, guarded_timer_fire);
	KTEST_ASSERT(stay_on(0));
	KTEST_ASSERT(change_while_it_waits(&guarded));
	guarded.called = 0;
	guarded.again = true;
	KTEST_ASSERT(change_while_it_waits(&guarded));
	KTEST_ASSERT(go_anywhere() && !guarded.expired);
}
