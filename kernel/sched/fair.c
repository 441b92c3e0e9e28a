/*
 * The fair class: every thread gets time in proportion to its weight, soon for those who ask for
 * little (earliest eligible virtual deadline first, Stoica and Abdel-Wahab 1995).
 *
 * Virtual time of a thread (vruntime) advances by run time / weight. The average over the queue,
 * weighted, is where everybody would be had they all been served at once. A thread behind the
 * average (or at it) is eligible: it is owed time. Among the eligible, the one whose slice should
 * be done first (deadline = vruntime + slice / weight) runs. What a thread is owed when it goes to
 * sleep (its lag, bounded) is kept for its return, and who slept gets up to a slice on top, so
 * that an interactive thread overtakes one that computes. A new thread starts behind the average:
 * whoever forks goes on for a turn before the child runs, unless it sleeps.
 *
 * The running thread is counted in the sums but not in the tree: a thread that wakes another and
 * sleeps, the usual case, then meets trees of no or one node.
 * Sums are kept relative to fair->base: average = base + weighted / load.
 */
#include <linux/sched.h>

#include "lib/math.h"
#include "sched/runqueue_impl.h"

enum { WEIGHT_UNIT = 1024, WEIGHT_IDLE_POLICY = 3, INVERSE_SHIFT = 32 };

#define REBASE_DISTANCE (1ll << 32)

/* 1024 * 1.25^-nice, from nice -20 on. */
static const uint32_t weight_of_nice[40] = {
	88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921,
	9537, 7629, 6104, 4883, 3906, 3125, 2500, 2000, 1600, 1280,
	1024, 819, 655, 524, 419, 336, 268, 215, 172, 137,
	110, 88, 70, 56, 45, 36, 29, 23, 18, 15,
};

static inline struct thread *thread_of(struct rb_node *node)
{
	return container_of(node, struct thread, fair.node);
}

void fair_set_weight(struct thread *thread)
{
	uint32_t weight = thread->policy == SCHED_IDLE ? WEIGHT_IDLE_POLICY
	                                               : weight_of_nice[thread->nice + 20];

	thread->fair.weight = weight;
	thread->fair.inverse_weight =
		(uint32_t)(((uint64_t)WEIGHT_UNIT << INVERSE_SHIFT >> 10) / weight);
}

/* A span of run time on the thread's virtual time line: ns * 1024 / weight. */
static inline int64_t virtual_span(const struct thread *thread, ns_t ns)
{
	if (likely(thread->fair.weight == WEIGHT_UNIT))
		return ns;
	return (int64_t)mul_shift((uint64_t)ns, thread->fair.inverse_weight, INVERSE_SHIFT - 10);
}

static inline int64_t fair_average(const struct fair_queue *fair)
{
	return fair->load ? fair->base + fair->weighted / fair->load : fair->base;
}

bool fair_is_eligible(const struct fair_queue *fair, const struct thread *thread)
{
	return (thread->fair.vruntime - fair->base) * fair->load <= fair->weighted;
}

void fair_put(struct fair_queue *fair, struct thread *thread)
{
	struct rb_node *parent = NULL, **link = &fair->tree.root;

	while (*link) {
		parent = *link;
		link = thread->fair.deadline < thread_of(parent)->fair.deadline ? &parent->left
		                                                                : &parent->right;
	}
	rbtree_insert_at(&fair->tree, &thread->fair.node, parent, link);
}

void fair_take(struct fair_queue *fair, struct thread *thread)
{
	rbtree_remove(&fair->tree, &thread->fair.node);
}

/* Keeps |vruntime - base| small. */
static void fair_rebase(struct fair_queue *fair)
{
	int64_t distance = fair_average(fair) - fair->base;

	if (likely(distance < REBASE_DISTANCE && distance > -REBASE_DISTANCE))
		return;
	fair->base += distance;
	fair->weighted -= distance * fair->load;
}

void fair_add(struct fair_queue *fair, struct thread *thread, ns_t now)
{
	struct fair_entity *entity = &thread->fair;
	int64_t slice = virtual_span(thread, FAIR_SLICE);
	int64_t slept = now - entity->slept_since;
	int64_t credit = slept > 0 ? virtual_span(thread, min(slept, FAIR_SLICE)) : 0;

	entity->vruntime = fair_average(fair) - clamp(entity->lag + credit, -2 * slice, 2 * slice);
	entity->deadline = entity->vruntime + slice;
	fair->weighted += (entity->vruntime - fair->base) * entity->weight;
	fair->load += entity->weight;
	fair->nr++;
}

/*
 * Two equals, parent and child: the parent is owed 6 ms more than was charged at the last tick, and
 * the next one charges it with 4. Among many the wait is as long, and shared.
 */
void fair_place_new(const struct fair_queue *fair, struct thread *thread)
{
	int64_t load = READ_ONCE(fair->load) + thread->fair.weight;

	thread->fair.lag = -(FAIR_DEBIT * WEIGHT_UNIT / load);
}

void fair_remove(struct fair_queue *fair, struct thread *thread, ns_t now)
{
	struct fair_entity *entity = &thread->fair;
	int64_t average = fair_average(fair);
	int64_t slice = virtual_span(thread, FAIR_SLICE);

	entity->lag = clamp(average - entity->vruntime, -2 * slice, slice);
	entity->slept_since = now;
	fair->weighted -= (entity->vruntime - fair->base) * entity->weight;
	fair->load -= entity->weight;
	fair->nr--;
	if (!fair->nr) {
		fair->base = average;
		fair->weighted = 0;
	}
}

bool fair_charge(struct fair_queue *fair, struct thread *thread, ns_t ran_ns)
{
	struct fair_entity *entity = &thread->fair;
	int64_t span = virtual_span(thread, ran_ns);

	entity->vruntime += span;
	fair->weighted += span * entity->weight;
	fair_rebase(fair);
	if (likely(entity->vruntime < entity->deadline))
		return false;
	entity->deadline = entity->vruntime + virtual_span(thread, FAIR_SLICE);
	return true;
}

bool fair_preempts(const struct fair_queue *fair, const struct thread *woken,
                   const struct thread *current)
{
	if (current->policy == SCHED_IDLE && woken->policy != SCHED_IDLE)
		return true;
	return woken->policy == SCHED_NORMAL && woken->fair.deadline < current->fair.deadline &&
	       fair_is_eligible(fair, woken);
}

struct thread *fair_pick(const struct fair_queue *fair, const struct thread *skip)
{
	struct rb_node *node = rbtree_first(&fair->tree);
	struct thread *first = NULL;

	if (fair->nr == 1)
		return thread_of(node);
	for (; node; node = rb_next(node)) {
		struct thread *thread = thread_of(node);

		if (thread == skip)
			continue;
		if (fair_is_eligible(fair, thread))
			return thread;
		first = first ? first : thread;
	}
	return first;
}

void fair_yield(struct thread *thread)
{
	thread->fair.deadline += virtual_span(thread, FAIR_SLICE);
}
