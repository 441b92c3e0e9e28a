/*
 * Making threads and getting rid of them: stacks, defaults, bare kernel threads, the count.
 *
 * A thread that has exited is put on its CPU's list of the dead by the one that runs next
 * (schedule.c); deferred work calls ops->dead from there, when nobody is on its stack any more.
 */
#include <linux/sched.h>

#include "abi/errno.h"
#include "core/gauge.h"
#include "core/panic.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/vmalloc.h"
#include "sched/clock.h"
#include "sched/runqueue_impl.h"
#include "sched/work_impl.h"

static struct {
	int64_t  nr __atomic;
	uint64_t nr_started __atomic;
} threads;

void thread_set_name(struct thread *thread, const char *name)
{
	size_t len = strnlen(name, THREAD_NAME_SIZE - 1);

	memcpy(thread->name, name, len);
	memset(thread->name + len, 0, THREAD_NAME_SIZE - len);
}

void thread_init_sched(struct thread *thread, const struct thread *parent, ns_t now)
{
	thread->affinity = parent ? parent->affinity : ~0ul;
	thread->policy = parent && !parent->reset_on_fork ? parent->policy : SCHED_NORMAL;
	thread->nice = parent ? parent->nice : 0;
	if (parent && parent->reset_on_fork && thread->nice < 0)
		thread->nice = 0;
	thread->rt_priority = policy_is_rt(thread->policy) ? parent->rt_priority : 0;
	thread->cpu = cpu_id();
	thread->fair.slept_since = INT64_MAX; /* not at all: no credit for that */
	fair_set_weight(thread);
	thread->start_ns = now;
	thread->run_since = now;
}

int thread_init(struct thread *thread, const struct thread_params *params)
{
	uintptr_t stack_top;

	thread->stack = kstack_alloc(ALLOC_KERNEL);
	if (!thread->stack)
		return -ENOMEM;
	stack_top = (uintptr_t)thread->stack + KSTACK_SIZE;
	thread->state = THREAD_NEW;
	thread->mmu = params->mmu;
	thread->ops = params->ops;
	thread_set_name(thread, params->name);
	thread_init_sched(thread, params->parent, clock_monotonic());
	if (params->regs)
		arch_thread_init_user(&thread->arch, stack_top, params->regs);
	else
		arch_thread_init_kernel(&thread->arch, stack_top, params->fn, params->arg);
	atomic_inc(&threads.nr);
	return 0;
}

void thread_fini(struct thread *thread)
{
	assert(thread->state == THREAD_NEW || thread->state == THREAD_DEAD);
	kstack_free(thread->stack);
	thread->stack = NULL;
	atomic_dec(&threads.nr);
}

void thread_start(struct thread *thread)
{
	atomic_inc(&threads.nr_started);
	fair_place_new(&per_cpu_ptr(runqueue, READ_ONCE(thread->cpu))->fair, thread);
	thread_wake_if(thread, THREAD_NEW);
}

void thread_start_sync(struct thread *thread)
{
	atomic_inc(&threads.nr_started);
	thread_wake_new_sync(thread);
}

void thread_dead_work(struct work *work)
{
	struct runqueue *rq = container_of(work, struct runqueue, dead_work);

	for (;;) {
		uint64_t flags = irq_save();
		struct thread *thread =
			list_first_entry_or_null(&rq->dead, struct thread, dead_link);

		if (thread)
			list_remove(&thread->dead_link);
		irq_restore(flags);
		if (!thread)
			return;
		thread->ops->dead(thread);
	}
}

/* A bare kernel thread, with what it runs. */
struct kthread {
	struct thread thread;
	void (*fn)(void *arg);
	void  *arg;
};

static void kthread_dead(struct thread *thread)
{
	thread_fini(thread);
	kfree(container_of(thread, struct kthread, thread));
}

static const struct thread_ops kthread_ops = {
	.dead = kthread_dead,
};

static void kthread_main(void *arg)
{
	struct kthread *kthread = arg;

	kthread->fn(kthread->arg);
	thread_exit();
}

int kthread_create(const char *name, void (*fn)(void *arg), void *arg, struct thread **thread)
{
	struct kthread *kthread = kzalloc(sizeof(*kthread), ALLOC_KERNEL);
	struct thread_params params = {
		.name = name, .fn = kthread_main, .arg = kthread, .ops = &kthread_ops,
	};
	int err;

	if (!kthread)
		return -ENOMEM;
	kthread->fn = fn;
	kthread->arg = arg;
	err = thread_init(&kthread->thread, &params);
	if (err) {
		kfree(kthread);
		return err;
	}
	*thread = &kthread->thread;
	return 0;
}

int64_t thread_count(void)
{
	return atomic_load_relaxed(&threads.nr);
}

uint64_t sched_nr_started(void)
{
	return atomic_load_relaxed(&threads.nr_started);
}

GAUGE("threads", thread_count);
