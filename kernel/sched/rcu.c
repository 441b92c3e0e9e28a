/*
 * Grace periods and callbacks.
 *
 * A grace period n begins when somebody needs one and none runs; it ends when every CPU has
 * reported a quiescent state since. A CPU collects its callbacks in `next`; at a safe point they
 * become `wait` with the number of the first grace period that begins later, and run when it is
 * over.
 *
 * Idle CPUs are not waited for (core/idle.h), and not woken. A busy CPU reports at its next switch
 * or tick, a few milliseconds away; where somebody sleeps until the end of the period (it is
 * urgent), an interrupt makes it report at once. At the end the CPUs whose callbacks wait are told.
 *
 * With one CPU no period is needed: a safe point is outside all read-side sections, so whatever was
 * queued before it may run at once.
 *
 * A batch is asked for when RCU_BATCH callbacks have gathered, at each tick, and before idling, so
 * that a system call that frees one object does not take the slow way out because of it.
 *
 * Locking: a CPU's lists belong to it (threads and deferred work, not interrupts). rcu.lock guards
 * the numbers and the set of CPUs waited for.
 */
#include "sched/rcu.h"

#include <arch/irqchip.h>

#include "core/gauge.h"
#include "core/idle.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "sched/rcu_impl.h"
#include "sched/wait.h"
#include "sched/work.h"

enum { RCU_BATCH = 64 };

struct rcu_list {
	struct rcu_head  *first;
	struct rcu_head **tail;
};

struct rcu_cpu {
	struct rcu_list next __owned_by_cpu;
	struct rcu_list wait __owned_by_cpu;
	uint64_t        wait_for __owned_by_cpu; /* the period whose end `wait` awaits */
	uint32_t        gathered __owned_by_cpu; /* in next */
	int64_t         pending __owned_by_cpu;  /* queued and not yet run */
	struct work     barrier_work;
	struct rcu_head barrier_head;
};

static DEFINE_PER_CPU(struct rcu_cpu, rcu_cpu);

uint64_t rcu_waiting_cpus __atomic; /* those that have yet to report; writers hold rcu.lock */

static struct {
	struct spinlock   lock;
	uint64_t          started __guarded_by(lock);   /* the latest period that began */
	uint64_t          completed __atomic;           /* the latest that ended */
	bool              another __guarded_by(lock);   /* one more is needed after this one */
	uint32_t          urgent __atomic;              /* how many sleep until an end */
	uint64_t          callers __atomic;             /* bit n: callbacks wait on CPU n */
	struct wait_queue ended;                        /* those in rcu_synchronize() */
	struct mutex      barrier_lock;
	struct completion barrier_done;
	uint32_t          barrier_left __atomic;
} rcu = {
	.lock = SPINLOCK(RANK_RCU),
	.ended = WAIT_QUEUE(rcu.ended),
	.barrier_lock = MUTEX(rcu.barrier_lock, RANK_SLEEPING),
};

static void rcu_list_init(struct rcu_list *list)
{
	list->first = NULL;
	list->tail = &list->first;
}

/* Moves all of from to the end of list. */
static void rcu_list_move(struct rcu_list *list, struct rcu_list *from)
{
	if (!from->first)
		return;
	*list->tail = from->first;
	list->tail = from->tail;
	rcu_list_init(from);
}

static void rcu_barrier_arrive(struct rcu_head *head)
{
	(void)head;
	if (!atomic_dec_return(&rcu.barrier_left))
		complete(&rcu.barrier_done);
}

static void rcu_barrier_queue(struct work *work)
{
	struct rcu_cpu *cpu = container_of(work, struct rcu_cpu, barrier_work);

	rcu_call(&cpu->barrier_head, rcu_barrier_arrive);
	thread_set_flag(thread_current(), TF_WORK);
}

void rcu_init_cpu(uint32_t cpu)
{
	struct rcu_cpu *own = per_cpu_ptr(rcu_cpu, cpu);

	rcu_list_init(&own->next);
	rcu_list_init(&own->wait);
	work_init(&own->barrier_work, rcu_barrier_queue);
}

/* These CPUs look whether they can report or go on (upcall_ipi_wake, rcu_tick). */
static void rcu_kick(uint64_t cpus)
{
	for (cpus &= ~BIT(cpu_id()); cpus; cpus &= cpus - 1)
		irqchip_ipi(bit_lowest(cpus), VECTOR_IPI_WAKE);
}

/*
 * Begins the next period. Who becomes idle meanwhile sees that it is awaited, or is seen here to be
 * idle; pairs with idle_enter() and rcu_awaits_this_cpu() in the idle loop.
 */
static void rcu_start_locked(void)
{
	uint64_t all = ~0ul >> (64 - nr_cpus());

	rcu.started++;
	rcu.another = false;
	atomic_store(&rcu_waiting_cpus, all);
	/* This CPU runs, whatever its bit says: so the period does not end here. */
	atomic_store(&rcu_waiting_cpus,
	             all & ~(atomic_load(&idle_cpus) & ~BIT(cpu_id())));
	if (atomic_load(&rcu.urgent))
		rcu_kick(rcu_waiting_cpus);
}

/* The number of a period that begins after now. Urgent: counted in rcu.urgent before. */
static uint64_t rcu_request(bool urgent)
{
	uint64_t flags = spin_lock_irqsave(&rcu.lock);
	uint64_t number;

	if (rcu.started == rcu.completed) {
		rcu_start_locked();
		number = rcu.started;
	} else {
		if (urgent)
			rcu_kick(rcu_waiting_cpus);
		rcu.another = true;
		number = rcu.started + 1;
	}
	spin_unlock_irqrestore(&rcu.lock, flags);
	return number;
}

void rcu_report(void)
{
	uint64_t bit = 1ul << cpu_id();
	uint64_t flags;

	if (!(atomic_load_relaxed(&rcu_waiting_cpus) & bit))
		return;
	flags = spin_lock_irqsave(&rcu.lock);
	if (rcu_waiting_cpus & bit) {
		atomic_store(&rcu_waiting_cpus, rcu_waiting_cpus & ~bit);
		if (!rcu_waiting_cpus) {
			/* pairs with the acquire in rcu_is_over() */
			atomic_store_release(&rcu.completed, rcu.started);
			if (rcu.another)
				rcu_start_locked();
			rcu_kick(atomic_load(&rcu.callers));
			thread_set_flag(thread_current(), TF_WORK);
		}
	}
	spin_unlock_irqrestore(&rcu.lock, flags);
}

static bool rcu_is_over(uint64_t number)
{
	/* pairs with the release in rcu_report() */
	return atomic_load_acquire(&rcu.completed) >= number;
}

void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	struct rcu_cpu *cpu = this_cpu_ptr(rcu_cpu);

	head->next = NULL;
	head->fn = fn;
	*cpu->next.tail = head;
	cpu->next.tail = &head->next;
	cpu->pending++;
	if (++cpu->gathered >= RCU_BATCH)
		thread_set_flag(thread_current(), TF_WORK);
}

static void rcu_run_list(struct rcu_cpu *cpu, struct rcu_list *list)
{
	struct rcu_head *head = list->first, *next;

	for (; head; head = next) {
		next = head->next;
		head->fn(head);
		cpu->pending--;
	}
}

void rcu_run_callbacks(void)
{
	struct rcu_cpu *cpu = this_cpu_ptr(rcu_cpu);
	struct rcu_list ready;

	rcu_report();
	if (unlikely(wait_queue_is_active(&rcu.ended)))
		wake_up_all(&rcu.ended);
	if (!cpu->wait.first && !cpu->next.first)
		return;
	rcu_list_init(&ready);
	if (nr_cpus() == 1) {
		rcu_list_move(&ready, &cpu->wait);
		rcu_list_move(&ready, &cpu->next);
		cpu->gathered = 0;
	} else if (cpu->wait.first && rcu_is_over(cpu->wait_for)) {
		rcu_list_move(&ready, &cpu->wait);
	}
	if (!cpu->wait.first && cpu->next.first) {
		rcu_list_move(&cpu->wait, &cpu->next);
		cpu->gathered = 0;
		atomic_or(&rcu.callers, BIT(cpu_id()));
		cpu->wait_for = rcu_request(atomic_load_relaxed(&rcu.urgent));
	} else if (!cpu->wait.first) {
		atomic_and(&rcu.callers, ~BIT(cpu_id()));
	}
	rcu_run_list(cpu, &ready);
}

bool rcu_has_work(void)
{
	struct rcu_cpu *cpu = this_cpu_ptr(rcu_cpu);

	if (atomic_load_relaxed(&rcu_waiting_cpus) >> cpu_id() & 1)
		return true;
	if (cpu->wait.first)
		return nr_cpus() == 1 || rcu_is_over(cpu->wait_for);
	return cpu->next.first != NULL;
}

void rcu_tick(bool user)
{
	if (user)
		rcu_note_switch();
	if (rcu_has_work() || !wait_queue_is_empty(&rcu.ended))
		thread_set_flag(thread_current(), TF_WORK);
}

void rcu_synchronize(void)
{
	uint64_t number;

	lock_assert_can_sleep();
	debug_assert(!thread_current()->rcu_depth);
	if (nr_cpus() == 1)
		return;
	atomic_add_return(&rcu.urgent, 1);
	number = rcu_request(true);
	rcu_report();
	wait_event(&rcu.ended, rcu_is_over(number));
	atomic_sub_return(&rcu.urgent, 1);
}

void rcu_barrier(void)
{
	mutex_lock(&rcu.barrier_lock);
	atomic_add_return(&rcu.urgent, 1);
	completion_init(&rcu.barrier_done);
	/* One for this thread, so that the count ends only after all are queued. */
	atomic_store(&rcu.barrier_left, 1);
	for_each_cpu(cpu) {
		if (!READ_ONCE(per_cpu_ptr(rcu_cpu, cpu)->pending))
			continue;
		atomic_add_return(&rcu.barrier_left, 1);
		work_queue_on(&per_cpu_ptr(rcu_cpu, cpu)->barrier_work, cpu);
	}
	rcu_kick(atomic_load(&rcu_waiting_cpus)); /* a period that began without hurry */
	rcu_barrier_arrive(NULL);
	completion_wait(&rcu.barrier_done);
	atomic_sub_return(&rcu.urgent, 1);
	mutex_unlock(&rcu.barrier_lock);
}

int64_t rcu_pending(void)
{
	int64_t nr = 0;

	for_each_cpu(cpu)
		nr += READ_ONCE(per_cpu_ptr(rcu_cpu, cpu)->pending);
	return nr;
}

GAUGE("rcu_callbacks", rcu_pending);
GAUGE_DRAIN(rcu_barrier);
