/*
 * Accounting: the tick of a busy CPU, run times split into user and system, the times of CPUs, the
 * load averages.
 *
 * Run time is exact, taken at every switch. Which part of it was user mode is sampled by the tick,
 * and the exact sum is split in the ratio of the samples (as Linux does without
 * VIRT_CPU_ACCOUNTING); what was reported never goes backwards. An idle CPU has no tick.
 */
#include <arch/upcalls.h>

#include "core/idle.h"
#include "core/printk.h"
#include "lib/math.h"
#include "sched/balance_impl.h"
#include "sched/clock.h"
#include "sched/rcu_impl.h"
#include "sched/timer_impl.h"
#include "sched/watchdog_impl.h"

enum { LOAD_SHIFT = 11, LOAD_ONE = 1 << LOAD_SHIFT };

#define LOAD_PERIOD (5 * NS_PER_SEC)

/* exp(-5 s / 1, 5, 15 min) in 11-bit fixed point. */
static const uint32_t load_decay[3] = { 1884, 2014, 2037 };

static struct {
	struct spinlock lock;
	ns_t     next __guarded_by(lock);       /* when the next sample is due */
	uint64_t average[3] __guarded_by(lock);
} loadavg = { .lock = SPINLOCK(RANK_IRQ_LEAF), .next = LOAD_PERIOD };

static DEFINE_PER_CPU(bool, tick_in_user);

static uint32_t nr_active(void)
{
	int64_t nr = 0;

	for_each_cpu(cpu) {
		const struct runqueue *rq = per_cpu_ptr(runqueue, cpu);
		nr += READ_ONCE(rq->nr) + READ_ONCE(rq->nr_uninterruptible);
	}
	return nr > 0 ? (uint32_t)nr : 0;
}

static void loadavg_sample(uint64_t active)
{
	for (int i = 0; i < 3; i++) {
		uint64_t sum = loadavg.average[i] * load_decay[i] +
		               active * LOAD_ONE * (LOAD_ONE - load_decay[i]);

		if (active * LOAD_ONE >= loadavg.average[i])
			sum += LOAD_ONE - 1;
		loadavg.average[i] = sum >> LOAD_SHIFT;
	}
}

void loadavg_update(ns_t now)
{
	uint64_t flags;
	uint32_t active;

	if (now < READ_ONCE(loadavg.next))
		return;
	active = nr_active();
	flags = spin_lock_irqsave(&loadavg.lock);
	/*
	 * Periods that passed without a tick were idle; beyond an hour nothing is left of the rest.
	 */
	if (now - loadavg.next > 3600 * NS_PER_SEC)
		loadavg.next = now - 3600 * NS_PER_SEC;
	while (now >= loadavg.next) {
		loadavg.next += LOAD_PERIOD;
		loadavg_sample(now >= loadavg.next ? 0 : active);
	}
	spin_unlock_irqrestore(&loadavg.lock, flags);
}

void sched_loadavg(uint64_t load[3])
{
	loadavg_update(clock_monotonic());
	for (int i = 0; i < 3; i++)
		load[i] = READ_ONCE(loadavg.average[i]);
}

static void tick_account(struct runqueue *rq, struct thread *current, bool user)
{
	if (user) {
		current->ticks_user++;
		if (current->nice > 0)
			rq->times.nice_ns += TICK_NS;
		else
			rq->times.user_ns += TICK_NS;
	} else {
		current->ticks_system++;
		rq->times.system_ns += TICK_NS;
	}
}

static void tick_fire(struct timer *timer)
{
	struct runqueue *rq = container_of(timer, struct runqueue, tick);
	struct thread *current = thread_current();
	bool user = this_cpu_read(tick_in_user);
	ns_t now = clock_monotonic();

	loadavg_update(now);
	rcu_tick(user);
	if (current->is_idle && !READ_ONCE(rq->nr))
		return;
	timer_start(timer, now + TICK_NS);
	if (current->is_idle)
		return;
	tick_account(rq, current, user);
	watchdog_tick(now, user);
	spin_lock(&rq->lock);
	runqueue_forgive(rq, now);
	runqueue_update(rq, now);
	runqueue_check_rt(rq);
	if (nr_cpus() > 1)
		balance_tick(rq, now);
	spin_unlock(&rq->lock);
	if (current->ops->tick)
		current->ops->tick(current);
}

void tick_init(struct runqueue *rq)
{
	timer_init(&rq->tick, tick_fire);
}

void tick_start(void)
{
	struct timer *tick = &this_runqueue()->tick;

	if (timer_is_pending(tick))
		return;
	timer_start(tick, clock_monotonic() + TICK_NS);
	watchdog_busy();
}

void upcall_timer_irq(struct pt_regs *regs)
{
	uint32_t base = LOCK_DEBUG ? lockdep_irq_enter() : 0;

	idle_leave();
	this_cpu_write(tick_in_user, arch_regs_from_user(regs));
	timer_run();
	log_wake_readers();
	if (LOCK_DEBUG)
		lockdep_irq_exit(base);
}

uint64_t thread_runtime(struct thread *thread)
{
	uint64_t flags = irq_save();
	struct runqueue *rq = thread_lock_queue(thread);
	uint64_t runtime = thread->runtime_ns;

	if (rq->current == thread)
		runtime += (uint64_t)max(clock_monotonic() - thread->run_since, 0l);
	spin_unlock(&rq->lock);
	irq_restore(flags);
	return runtime;
}

/* What of the run time was system time, by the samples. */
static uint64_t system_share(const struct thread *thread, uint64_t runtime_ns)
{
	uint64_t user = thread->ticks_user, system = thread->ticks_system;

	if (!system)
		return 0;
	return user ? mul_div(runtime_ns, system, user + system) : runtime_ns;
}

void thread_times(struct thread *thread, uint64_t *user_ns, uint64_t *system_ns)
{
	static struct spinlock lock = SPINLOCK(RANK_IRQ_LEAF); /* over *_reported of all threads */
	uint64_t runtime = thread_runtime(thread);
	uint64_t flags = spin_lock_irqsave(&lock);

	if (runtime > thread->user_reported + thread->system_reported) {
		uint64_t system = system_share(thread, runtime);

		thread->system_reported = clamp(system, thread->system_reported,
		                                runtime - thread->user_reported);
		thread->user_reported = runtime - thread->system_reported;
	}
	*user_ns = thread->user_reported;
	*system_ns = thread->system_reported;
	spin_unlock_irqrestore(&lock, flags);
}

void sched_cpu_times(uint32_t cpu, struct cpu_times *out)
{
	struct runqueue *rq = per_cpu_ptr(runqueue, cpu);

	*out = rq->times;
	out->idle_ns = thread_runtime(rq->idle);
}

uint32_t sched_nr_runnable(void)
{
	uint32_t nr = 0;

	for_each_cpu(cpu)
		nr += READ_ONCE(per_cpu_ptr(runqueue, cpu)->nr);
	return nr;
}

int64_t sched_nr_uninterruptible(void)
{
	int64_t nr = 0;

	for_each_cpu(cpu)
		nr += READ_ONCE(per_cpu_ptr(runqueue, cpu)->nr_uninterruptible);
	return nr;
}

uint64_t sched_nr_switches(void)
{
	uint64_t nr = 0;

	for_each_cpu(cpu)
		nr += READ_ONCE(per_cpu_ptr(runqueue, cpu)->nr_switches);
	return nr;
}
