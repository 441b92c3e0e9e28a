/*
 * Deferred work: a list for each CPU, run at its safe points; what is too much for one safe point
 * goes on in a thread of the CPU. Work that sleeps has a list of its own and a pool of threads that
 * grows while all of them are busy, up to WORKERS_MAX.
 *
 * TF_WORK of the running thread says that something waits; a switch hands the bit on.
 */
#include "sched/work.h"

#include <arch/irqchip.h>
#include <arch/percpu.h>

#include "core/gauge.h"
#include "core/panic.h"
#include "core/spinlock.h"
#include "lib/printf.h"
#include "sched/policy.h"
#include "sched/rcu_impl.h"
#include "sched/runqueue_impl.h"
#include "sched/wait.h"
#include "sched/work_impl.h"

enum { WORK_BUDGET = 64, WORKERS_MAX = 8 };

struct work_cpu {
	struct spinlock   lock;                    /* irq-safe */
	struct list       queue __guarded_by(lock);
	bool              running __atomic;        /* inside work_run(); its CPU writes it */
	bool              overflow __owned_by_cpu; /* the thread has been asked to go on */
	struct thread    *thread __const_after_init;
	struct wait_queue wait;                    /* the thread sleeps here */
	struct work       each_work;               /* work_on_each_cpu() */
};

static DEFINE_PER_CPU(struct work_cpu, work_cpu);

static struct {
	struct spinlock   lock;
	struct list       queue __guarded_by(lock);
	uint32_t          nr_workers __guarded_by(lock);
	uint32_t          nr_idle __guarded_by(lock);
	struct wait_queue wait;
	struct wait_queue idle; /* work_drain() waits for all workers to be idle */
} sleeping = {
	.lock = SPINLOCK(RANK_DEFER),
	.queue = LIST_INIT(sleeping.queue),
	.wait = WAIT_QUEUE(sleeping.wait),
	.idle = WAIT_QUEUE(sleeping.idle),
};

void work_init(struct work *work, void (*fn)(struct work *work))
{
	*work = (struct work){ .fn = fn };
}

static struct {
	struct mutex      lock;
	void            (*fn)(void) __guarded_by(lock);
	uint32_t          left __atomic; /* calls to come, and the caller itself */
	struct completion done;
} each = { .lock = MUTEX(each.lock, RANK_SLEEPING) };

static void each_arrive(void)
{
	/* pairs with the same in the other callers: what fn did is seen after completion_wait() */
	if (!atomic_dec_return(&each.left))
		complete(&each.done);
}

static void each_call(struct work *work)
{
	(void)work;
	each.fn();
	each_arrive();
}

void work_init_cpu(uint32_t cpu)
{
	struct work_cpu *own = per_cpu_ptr(work_cpu, cpu);

	spin_lock_init(&own->lock, RANK_DEFER);
	list_init(&own->queue);
	wait_queue_init(&own->wait);
	work_init(&own->each_work, each_call);
}

bool work_queue_on(struct work *work, uint32_t cpu)
{
	struct work_cpu *own = per_cpu_ptr(work_cpu, cpu);
	uint64_t flags;

	/* pairs with the exchange in work_call(): what the caller prepared is seen by fn */
	if (atomic_xchg(&work->queued, 1))
		return false;
	flags = spin_lock_irqsave(&own->lock);
	list_add_tail(&own->queue, &work->link);
	spin_unlock(&own->lock);
	if (cpu == cpu_id())
		thread_set_flag(thread_current(), TF_WORK);
	else
		irqchip_ipi(cpu, VECTOR_IPI_WAKE); /* work_look() sets the flag there */
	irq_restore(flags);
	return true;
}

void work_look(void)
{
	if (!list_is_empty(&this_cpu_ptr(work_cpu)->queue))
		thread_set_flag(thread_current(), TF_WORK);
}

bool work_queue(struct work *work)
{
	uint64_t flags = irq_save();
	bool queued = work_queue_on(work, cpu_id());

	irq_restore(flags);
	return queued;
}

static struct work *work_take(struct spinlock *lock, struct list *queue)
{
	uint64_t flags = spin_lock_irqsave(lock);
	struct work *work = list_first_entry_or_null(queue, struct work, link);

	if (work)
		list_remove(&work->link);
	spin_unlock_irqrestore(lock, flags);
	return work;
}

static void work_call(struct work *work)
{
	void (*fn)(struct work *work) = work->fn;

	/* From here on it may be queued again, or freed by fn. Pairs with work_queue_on(). */
	atomic_xchg(&work->queued, 0);
	fn(work);
}

void work_run(void)
{
	struct work_cpu *own = this_cpu_ptr(work_cpu);
	struct work *work = NULL;
	int budget = WORK_BUDGET;

	thread_clear_flag(thread_current(), TF_WORK);
	if (own->running)
		return;
	atomic_store_relaxed(&own->running, true); /* before the lock of the first taking */
	while (budget-- && (work = work_take(&own->lock, &own->queue)))
		work_call(work);
	rcu_run_callbacks();
	atomic_store_release(&own->running, false); /* pairs with is_busy() */
	if (work && !list_is_empty(&own->queue) && !own->overflow) {
		own->overflow = true;
		wake_up(&own->wait);
	}
}

/* The overflow thread: a safe point that comes again and again until the list is empty. */
static void work_thread(void *arg)
{
	struct work_cpu *own = arg;

	for (;;) {
		(void)!wait_event_interruptible(&own->wait, !list_is_empty(&own->queue));
		own->overflow = false;
		work_run();
		thread_yield();
	}
}

bool work_queue_sleeping(struct work *work)
{
	uint64_t flags;

	/* pairs with the exchange in work_call() */
	if (atomic_xchg(&work->queued, 1))
		return false;
	flags = spin_lock_irqsave(&sleeping.lock);
	list_add_tail(&sleeping.queue, &work->link);
	spin_unlock_irqrestore(&sleeping.lock, flags);
	wake_up(&sleeping.wait);
	return true;
}

static void worker_main(void *arg);

static int worker_create(void)
{
	struct thread *thread;
	int err = kthread_create("kworker", worker_main, NULL, &thread);

	if (!err)
		thread_start(thread);
	return err;
}

/* A worker becomes busy (or idle again). If it was the last idle one, another is made. */
static void worker_set_busy(bool busy)
{
	uint64_t flags = spin_lock_irqsave(&sleeping.lock);
	bool grow;

	sleeping.nr_idle += busy ? -1u : 1;
	grow = busy && !sleeping.nr_idle && sleeping.nr_workers < WORKERS_MAX &&
	       !list_is_empty(&sleeping.queue);
	sleeping.nr_workers += grow;
	sleeping.nr_idle += grow;
	spin_unlock_irqrestore(&sleeping.lock, flags);
	if (!grow || !worker_create())
		return;
	flags = spin_lock_irqsave(&sleeping.lock);
	sleeping.nr_workers--;
	sleeping.nr_idle--;
	spin_unlock_irqrestore(&sleeping.lock, flags);
}

static void worker_main(void *arg)
{
	struct work *work;

	(void)arg;
	for (;;) {
		(void)!wait_event_interruptible_exclusive(&sleeping.wait,
		                                          !list_is_empty(&sleeping.queue));
		worker_set_busy(true);
		while ((work = work_take(&sleeping.lock, &sleeping.queue)))
			work_call(work);
		worker_set_busy(false);
		wake_up_all(&sleeping.idle);
	}
}

int work_create_thread(uint32_t cpu)
{
	struct work_cpu *own = per_cpu_ptr(work_cpu, cpu);
	struct thread *thread;
	char name[THREAD_NAME_SIZE];
	int err;

	snprintf(name, sizeof(name), "kwork/%u", cpu);
	err = kthread_create(name, work_thread, own, &thread);
	if (err)
		return err;
	thread->affinity = 1ul << cpu;
	thread->cpu = cpu;
	own->thread = thread;
	return 0;
}

void work_start_thread(void)
{
	thread_start(this_cpu_ptr(work_cpu)->thread);
}

void work_start_threads(void)
{
	sleeping.nr_workers = sleeping.nr_idle = 1;
	if (work_create_thread(0) || worker_create())
		panic("no memory for the worker threads");
	work_start_thread();
}

void work_on_each_cpu(void (*fn)(void))
{
	mutex_lock(&each.lock);
	completion_init(&each.done);
	each.fn = fn;
	atomic_store(&each.left, nr_cpus() + 1);
	for_each_cpu(cpu)
		work_queue_on(&per_cpu_ptr(work_cpu, cpu)->each_work, cpu);
	each_arrive();
	completion_wait(&each.done);
	mutex_unlock(&each.lock);
}

/* Passed through a queue to find out that all before it is done. */
struct work_marker {
	struct work       work;
	struct completion done;
};

static void work_marker_pass(struct work *work)
{
	complete(&container_of(work, struct work_marker, work)->done);
}

static bool workers_are_idle(void)
{
	uint64_t flags = spin_lock_irqsave(&sleeping.lock);
	bool idle = sleeping.nr_idle == sleeping.nr_workers && list_is_empty(&sleeping.queue);

	spin_unlock_irqrestore(&sleeping.lock, flags);
	return idle;
}

static bool is_busy(struct work_cpu *own)
{
	uint64_t flags = spin_lock_irqsave(&own->lock);
	bool busy = !list_is_empty(&own->queue);

	spin_unlock_irqrestore(&own->lock, flags);
	/* What it took from the list is done when this is false; pairs with work_run(). */
	return busy || atomic_load_acquire(&own->running);
}

void work_drain(void)
{
	struct work_marker marker;

	completion_init(&marker.done);
	work_init(&marker.work, work_marker_pass);
	for_each_cpu(cpu) {
		if (!is_busy(per_cpu_ptr(work_cpu, cpu)))
			continue;
		work_queue_on(&marker.work, cpu);
		completion_wait(&marker.done);
	}
	wait_event(&sleeping.idle, workers_are_idle());
}

GAUGE_DRAIN(work_drain);
