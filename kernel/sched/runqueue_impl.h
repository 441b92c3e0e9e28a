/*
 * Run queues, one a CPU: the threads that want to run there and what the scheduling classes know of
 * them. Only this folder includes this; others use thread.h, policy.h and sched.h.
 *
 * A thread that is on_queue is counted in the queue of thread->cpu, whether it runs or waits; the
 * one that runs stays in its class's structure, save in the fair class's tree. The queue's lock
 * (irq-safe) guards all of it and all fields of threads marked "run queue". It is held across the
 * switch itself: the thread that comes lets it go (thread_finish_switch()), so nobody can run a
 * thread whose stack is still in use.
 *
 * A thread that is runnable, not on_queue and not running is on its way from one queue to another:
 * only who took it off puts it on again. thread->cpu changes only then, or under both queues' locks
 * while it waits.
 *
 * Two queues are never locked in the wrong order: a thread is put down before the next queue's lock
 * is taken, or that lock is only tried.
 *
 * Classes, in this order: real time (rt.c), fair (fair.c), idle thread.
 */
#pragma once

#include <arch/percpu.h>

#include "core/spinlock.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "sched/sched.h"
#include "sched/thread.h"
#include "sched/timer.h"
#include "sched/work.h"

#define TICK_NS      (4 * NS_PER_MSEC)   /* accounting and preemption while a CPU is busy */
#define FAIR_SLICE   (3 * NS_PER_MSEC)   /* what a fair thread asks for at a time */
#define FAIR_DEBIT   (12 * NS_PER_MSEC)  /* what a new fair thread waits, shared by all that run */
#define RR_SLICE     (100 * NS_PER_MSEC)

enum { RT_LEVELS = 100 };

/* Fair class. Virtual time is kept relative to base, so that the products stay small. */
struct fair_queue {
	struct rbtree tree;     /* by deadline; those that wait, not the one that runs */
	int64_t       base;     /* origin of `weighted` on the virtual time line */
	int64_t       weighted; /* sum over entities of weight * (vruntime - base) */
	int64_t       load;     /* sum of weights */
	uint32_t      nr;
};

struct rt_queue {
	uint64_t    levels[2]; /* bit n: list n is not empty */
	struct list lists[RT_LEVELS];
	uint32_t    nr;
	ns_t        period_start; /* of the period that `spent` belongs to */
	ns_t        spent;
};

struct runqueue {
	struct spinlock   lock;
	uint32_t          cpu __const_after_init;
	/* runnable, the running one included, idle not */
	uint32_t          nr __guarded_by(lock);
	struct thread    *current __guarded_by(lock); /* readers: READ_ONCE */
	struct thread    *idle __const_after_init;
	struct thread    *hint __guarded_by(lock);    /* woken synchronously: the next to run */
	struct thread    *skip __guarded_by(lock);    /* yields: anybody else first */
	bool              polls __atomic;             /* idle, and sees TF_NEED_RESCHED by itself */
	bool              evicts __guarded_by(lock);  /* current may not run here any more */
	struct fair_queue fair __guarded_by(lock);
	struct rt_queue   rt __guarded_by(lock);
	/* at the last update; good enough for a wake-up */
	ns_t              now __guarded_by(lock);
	ns_t              balance_at __guarded_by(lock); /* when to compare with other CPUs */
	uint64_t          nr_switches __guarded_by(lock);
	int64_t           nr_uninterruptible __guarded_by(lock); /* left here minus woken here */
	struct timer      tick __owned_by_cpu;
	struct list       dead __owned_by_cpu;        /* threads that wait for ops->dead */
	struct work       dead_work;
	struct cpu_times  times __owned_by_cpu;
	struct thread     idle_thread;
};

DECLARE_PER_CPU(struct runqueue, runqueue);

struct wait_queue;
/* Those who wait for a thread to leave a CPU that it may not use any more (policy.c). */
extern struct wait_queue sched_moved;

static inline struct runqueue *this_runqueue(void)
{
	return this_cpu_ptr(runqueue);
}

static inline bool policy_is_rt(unsigned int policy)
{
	return policy == 1 || policy == 2; /* SCHED_FIFO, SCHED_RR */
}

/* The queue of the thread's CPU, locked; interrupts are off. */
struct runqueue *thread_lock_queue(struct thread *thread) __acquires(queue);

/* Puts a runnable thread on the queue of its CPU, or takes it off. Locked. */
void runqueue_add(struct runqueue *rq, struct thread *thread, ns_t now);
void runqueue_remove(struct runqueue *rq, struct thread *thread, ns_t now);
/* Brings the running thread's accounts up to now. Locked. */
void runqueue_update(struct runqueue *rq, ns_t now);
/*
 * The running thread pays for a tick at most, however long ago the last one was: the machine stood
 * still (an emulator's host had other things to do). Before runqueue_update(). Locked.
 */
void runqueue_forgive(struct runqueue *rq, ns_t now);
/*
 * The running thread is asked to make way. Locked; if it may be on another CPU, the caller calls
 * thread_wakes_send() once it has let go: that CPU would spin for the lock while it is interrupted.
 */
void runqueue_resched(struct runqueue *rq);
/* A thread became runnable: should it run at once? Locked. */
void runqueue_check_preempt(struct runqueue *rq, struct thread *woken);
/* At the tick: real-time threads that were throttled go on when a new period begins. Locked. */
void runqueue_check_rt(struct runqueue *rq);
/* The running thread waits for its turn again; the next one, which waited, runs. Locked. */
void runqueue_put_current(struct runqueue *rq);
void runqueue_set_current(struct runqueue *rq, struct thread *next, ns_t now);
/* Who runs next; takes a thread from another CPU when there is none here. Locked. */
struct thread *runqueue_pick(struct runqueue *rq);
/* Empties a new queue. */
void runqueue_init(struct runqueue *rq, uint32_t cpu);

/* Fair class. Locked, all of them. */
void fair_set_weight(struct thread *thread);
/* Counts a thread in and out; it is not in the tree then. */
void fair_add(struct fair_queue *fair, struct thread *thread, ns_t now);
void fair_remove(struct fair_queue *fair, struct thread *thread, ns_t now);
/* What a thread that never ran is owed when it joins. The queue need not be locked. */
void fair_place_new(const struct fair_queue *fair, struct thread *thread);
/* It waits for its turn (into the tree); it is about to run or to leave (out of it). */
void fair_put(struct fair_queue *fair, struct thread *thread);
void fair_take(struct fair_queue *fair, struct thread *thread);
/* The running thread used ran_ns; true if its slice is over. */
bool fair_charge(struct fair_queue *fair, struct thread *thread, ns_t ran_ns);
bool fair_preempts(const struct fair_queue *fair, const struct thread *woken,
                   const struct thread *current);
bool fair_is_eligible(const struct fair_queue *fair, const struct thread *thread);
/* The best one except skip, if there is another. */
struct thread *fair_pick(const struct fair_queue *fair, const struct thread *skip);
/* The running thread wants less. */
void fair_yield(struct thread *thread);

/* Real-time classes. Locked. */
void rt_init(struct rt_queue *rt);
void rt_add(struct rt_queue *rt, struct thread *thread);
void rt_remove(struct rt_queue *rt, struct thread *thread);
bool rt_charge(struct rt_queue *rt, struct thread *thread, ns_t ran_ns);
/* The running thread used ran_ns of what real-time threads may use in a period. */
void rt_spend(struct rt_queue *rt, ns_t now, ns_t ran_ns);
/* They have used it up: fair threads, if there are any, go first. */
bool rt_is_throttled(const struct rt_queue *rt, ns_t now);
struct thread *rt_pick(const struct rt_queue *rt);
/* The best one except one, among those that may run on one of the CPUs; or NULL. */
struct thread *rt_find(const struct rt_queue *rt, const struct thread *except, uint64_t cpus);
void rt_yield(struct rt_queue *rt, struct thread *thread);

/* thread_start_sync()'s half. Any context. */
void thread_wake_new_sync(struct thread *thread);
/*
 * A runnable thread that is on no queue goes onto one, that of the best CPU, and runs if it should.
 * rq is its CPU's, locked; lets go of it. The caller calls thread_wakes_send() afterwards.
 */
void thread_place(struct runqueue *rq, struct thread *thread, bool sync) __releases(&rq->lock);
/* Second half of a switch, on the new thread's stack: prev is off the CPU. Interrupts off. */
void thread_finish_switch(struct thread *prev) __releases(this_runqueue()->lock);
/* Starts the tick when this CPU leaves idle. */
void tick_start(void);
void tick_init(struct runqueue *rq);
/* The load averages, brought up to date. Any context. */
void loadavg_update(ns_t now);
/* Makes a thread that is on no queue known: fields of the scheduler at their defaults. */
void thread_init_sched(struct thread *thread, const struct thread *parent, ns_t now);
