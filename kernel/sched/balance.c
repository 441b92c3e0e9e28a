/*
 * Which CPU a thread runs on: placement when it becomes runnable, and what CPUs do for each other.
 *
 *   placed   a thread that wakes or starts goes to the CPU it ran on last if that is idle, else to
 *            an idle one, else stays where it was unless another CPU has clearly less to do. Who is
 *            woken by somebody that is about to sleep takes over that CPU.
 *   stolen   a CPU that runs out of threads takes one that waits elsewhere.
 *   kicked   a busy CPU where threads wait looks at each tick for an idle one that could have one,
 *            and makes it look: idle CPUs sleep and see nothing by themselves.
 *   balanced a busy CPU takes from one that has more load, every few ticks.
 *   pulled   a real-time thread that waits is taken by a CPU that runs something lesser. `waiting`
 *            names the CPUs where one waits; whoever adds one interrupts a CPU that should look.
 *
 * Other CPUs' queues are looked at without their locks, as a guess. A thread is moved under both
 * locks, the second only tried: who fails leaves it for the next occasion, at the latest a tick.
 */
#include <arch/irqchip.h>

#include "lib/bits.h"
#include "lib/math.h"
#include "sched/balance_impl.h"
#include "sched/clock.h"

#define BALANCE_NS (4 * TICK_NS)

enum { LOOK_AT_MOST = 16, MOVE_AT_MOST = 8 };

/* Bit n: on CPU n a real-time thread waits for another. Changed under the queue's lock. */
static uint64_t waiting __atomic;

static inline uint64_t cpus_online(void)
{
	return ~0ul >> (64 - nr_cpus());
}

static inline bool cpu_is_idle(uint32_t cpu)
{
	return READ_ONCE(per_cpu_ptr(runqueue, cpu)->nr) == 0;
}

static uint64_t cpus_idle(void)
{
	uint64_t idle = 0;

	for_each_cpu(cpu)
		idle |= (uint64_t)cpu_is_idle(cpu) << cpu;
	return idle;
}

/* The one nearest after cpu, around the corner. The set is not empty. */
static uint32_t cpu_next_in(uint64_t cpus, uint32_t cpu)
{
	uint64_t above = cpus & (~1ul << cpu);

	return bit_lowest(above ? above : cpus);
}

/* The highest real-time priority there; 0: none. */
static uint32_t rt_level(const struct runqueue *rq)
{
	uint64_t high = READ_ONCE(rq->rt.levels[1]), low = READ_ONCE(rq->rt.levels[0]);

	return high ? 64 + bit_highest(high) : low ? bit_highest(low) : 0;
}

/* ---- placement ----------------------------------------------------------------------------- */

/* Where the least stands in the way of a thread of this priority; MAX_CPUS if nowhere less. */
static uint32_t rt_lowest_cpu(uint64_t allowed, uint32_t priority)
{
	uint32_t lowest = priority, best = MAX_CPUS;

	for_each_cpu(cpu) {
		uint32_t level = rt_level(per_cpu_ptr(runqueue, cpu));

		if ((allowed >> cpu & 1) && level < lowest) {
			lowest = level;
			best = cpu;
		}
	}
	return best;
}

static uint32_t rt_choose_cpu(const struct thread *thread, uint64_t allowed)
{
	uint32_t last = thread->cpu, best;

	if ((allowed >> last & 1) && rt_level(per_cpu_ptr(runqueue, last)) < thread->rt_priority)
		return last;
	best = rt_lowest_cpu(allowed, thread->rt_priority);
	if (best < MAX_CPUS)
		return best;
	return allowed >> last & 1 ? last : bit_lowest(allowed);
}

/* None is idle: the last one, unless it has two more than the one with the least. */
static uint32_t fair_choose_busy(uint64_t allowed, uint32_t last)
{
	uint32_t best = last, least = UINT32_MAX;

	if (allowed >> last & 1)
		least = max(READ_ONCE(per_cpu_ptr(runqueue, last)->nr), 1u) - 1;
	for_each_cpu(cpu) {
		uint32_t nr = READ_ONCE(per_cpu_ptr(runqueue, cpu)->nr);

		if ((allowed >> cpu & 1) && nr < least) {
			least = nr;
			best = cpu;
		}
	}
	return best;
}

uint32_t balance_choose_cpu(const struct thread *thread, bool sync)
{
	uint64_t allowed = thread->affinity & cpus_online(), idle;
	uint32_t last = thread->cpu, here = cpu_id();

	if (sync && (allowed >> here & 1) && READ_ONCE(this_runqueue()->nr) <= 1)
		return here;
	if ((allowed >> last & 1) && cpu_is_idle(last))
		return last;
	idle = allowed & cpus_idle();
	if (idle >> here & 1)
		return here;
	if (idle)
		return cpu_next_in(idle, last);
	return policy_is_rt(thread->policy) ? rt_choose_cpu(thread, allowed)
	                                    : fair_choose_busy(allowed, last);
}

/* ---- moving -------------------------------------------------------------------------------- */

void thread_set_cpu(struct thread *thread, uint32_t cpu)
{
	thread->cpu = cpu;
	if (thread->mmu)
		thread_set_flag(thread, TF_NOTIFY);
}

/* Both are locked; the thread waits in `from`. What it is owed goes with it. */
static void thread_move(struct thread *thread, struct runqueue *from, struct runqueue *to, ns_t now)
{
	runqueue_remove(from, thread, now);
	thread_set_cpu(thread, to->cpu);
	runqueue_add(to, thread, now);
}

/* Of those that wait longest for their turn, one that may run on `to` and is no heavier. */
static struct thread *fair_find(const struct runqueue *from, const struct runqueue *to,
                                int64_t weight_max)
{
	struct rb_node *node = rbtree_last(&from->fair.tree);

	for (int i = 0; node && i < LOOK_AT_MOST; i++, node = rb_prev(node)) {
		struct thread *thread = container_of(node, struct thread, fair.node);

		if (thread != from->hint && (thread->affinity >> to->cpu & 1) &&
		    thread->fair.weight <= weight_max)
			return thread;
	}
	return NULL;
}

/* ---- real time ----------------------------------------------------------------------------- */

void balance_rt_added(struct runqueue *rq)
{
	if (rq->rt.nr == 2)
		atomic_or(&waiting, BIT(rq->cpu));
}

void balance_rt_removed(struct runqueue *rq)
{
	if (rq->rt.nr == 1)
		atomic_and(&waiting, ~BIT(rq->cpu));
	/* It may run something lesser now than what waits elsewhere. */
	if (unlikely(atomic_load(&waiting) & ~BIT(rq->cpu)))
		irqchip_ipi(rq->cpu, VECTOR_IPI_WAKE);
}

void balance_rt_push(struct runqueue *rq, const struct thread *thread)
{
	uint64_t others = thread->affinity & cpus_online() & ~BIT(rq->cpu);
	uint32_t cpu = rt_lowest_cpu(others, thread->rt_priority);

	if (cpu < MAX_CPUS)
		irqchip_ipi(cpu, VECTOR_IPI_WAKE);
}

static struct thread *rt_pull_from(struct runqueue *rq, struct runqueue *from, ns_t now)
{
	struct thread *thread;

	if (rt_level(from) <= rt_level(rq) || !spin_trylock(&from->lock))
		return NULL;
	thread = rt_find(&from->rt, from->current, BIT(rq->cpu));
	if (thread && thread->rt_priority > rt_level(rq))
		thread_move(thread, from, rq, now);
	else
		thread = NULL;
	spin_unlock(&from->lock);
	return thread;
}

/* Takes a thread that waits elsewhere and should rather run here. Locked. */
static struct thread *rt_pull(struct runqueue *rq, ns_t now)
{
	uint64_t others = atomic_load(&waiting) & ~BIT(rq->cpu);
	struct thread *thread = NULL;

	for (; others && !thread; others &= others - 1)
		thread = rt_pull_from(rq, per_cpu_ptr(runqueue, bit_lowest(others)), now);
	return thread;
}

/* ---- an idle CPU --------------------------------------------------------------------------- */

static struct thread *fair_steal(struct runqueue *rq, struct runqueue *from, ns_t now)
{
	struct thread *thread = NULL;

	if (READ_ONCE(from->nr) < 2 || !spin_trylock(&from->lock))
		return NULL;
	thread = fair_find(from, rq, INT64_MAX);
	if (thread)
		thread_move(thread, from, rq, now);
	spin_unlock(&from->lock);
	return thread;
}

struct thread *balance_steal(struct runqueue *rq, ns_t now)
{
	struct thread *stolen = rt_pull(rq, now);

	for (uint32_t step = 1; step < nr_cpus() && !stolen; step++)
		stolen = fair_steal(rq, per_cpu_ptr(runqueue, (rq->cpu + step) % nr_cpus()), now);
	return stolen;
}

static bool others_wait(uint32_t here)
{
	for_each_cpu(cpu)
		if (cpu != here && READ_ONCE(per_cpu_ptr(runqueue, cpu)->nr) > 1)
			return true;
	return false;
}

void balance_look(void)
{
	struct runqueue *rq = this_runqueue();

	if (thread_current()->is_idle && others_wait(rq->cpu))
		thread_set_flag(thread_current(), TF_NEED_RESCHED);
	if (likely(!(atomic_load(&waiting) & ~BIT(rq->cpu))))
		return;
	spin_lock(&rq->lock);
	struct thread *pulled = rt_pull(rq, clock_monotonic());

	if (pulled)
		runqueue_check_preempt(rq, pulled);
	spin_unlock(&rq->lock);
}

/* ---- a busy CPU, at its tick --------------------------------------------------------------- */

/* Makes an idle CPU look that could take one of those that wait here. */
static void kick_idle(struct runqueue *rq)
{
	uint64_t idle = cpus_idle();
	struct rb_node *node = rbtree_last(&rq->fair.tree);

	for (int i = 0; idle && node && i < LOOK_AT_MOST; i++, node = rb_prev(node)) {
		uint64_t may = idle & container_of(node, struct thread, fair.node)->affinity;

		if (may) {
			irqchip_ipi(cpu_next_in(may, rq->cpu), VECTOR_IPI_WAKE);
			return;
		}
	}
}

static struct runqueue *busiest_other(const struct runqueue *rq)
{
	struct runqueue *busiest = NULL;
	int64_t most = READ_ONCE(rq->fair.load);

	for_each_cpu(cpu) {
		struct runqueue *other = per_cpu_ptr(runqueue, cpu);
		int64_t load = READ_ONCE(other->fair.load);

		if (load > most && READ_ONCE(other->fair.nr) > 1) {
			most = load;
			busiest = other;
		}
	}
	return busiest;
}

/* Takes what makes the loads of the two more equal. */
static void pull_from(struct runqueue *rq, struct runqueue *from, ns_t now)
{
	for (int i = 0; i < MOVE_AT_MOST; i++) {
		struct thread *thread =
			fair_find(from, rq, from->fair.load - rq->fair.load - 1);

		if (!thread)
			return;
		thread_move(thread, from, rq, now);
		runqueue_check_preempt(rq, thread);
	}
}

void balance_tick(struct runqueue *rq, ns_t now)
{
	struct runqueue *from;

	rq->hint = NULL; /* who woke it did not go to sleep */
	if (rq->rt.nr > 1) {
		struct thread *thread = rt_find(&rq->rt, rq->current, cpus_online());

		if (thread)
			balance_rt_push(rq, thread);
	}
	if (rq->nr > 1)
		kick_idle(rq);
	if (now < rq->balance_at)
		return;
	rq->balance_at = now + BALANCE_NS;
	from = busiest_other(rq);
	if (!from || !spin_trylock(&from->lock))
		return;
	pull_from(rq, from, now);
	spin_unlock(&from->lock);
}
