/*
 * What the rest of the folder needs of balance.c: the choice of a CPU, and the occasions on which
 * CPUs help each other. With one CPU none of it does anything.
 */
#pragma once

#include "sched/runqueue_impl.h"

/*
 * The CPU that suits a thread best that is on no queue; sync: who wakes it is about to sleep. The
 * queue of thread->cpu is locked.
 */
uint32_t balance_choose_cpu(const struct thread *thread, bool sync);
/* It belongs to another CPU from now on: user mode will want to know (rseq). Old queue locked. */
void thread_set_cpu(struct thread *thread, uint32_t cpu);

/* This CPU has nothing to run: takes a thread from another. NULL: none. Locked. */
struct thread *balance_steal(struct runqueue *rq, ns_t now);
/* Another CPU wants this one to look for threads that wait. Interrupts off, not locked. */
void balance_look(void);
/* At the tick of a busy CPU. Locked. */
void balance_tick(struct runqueue *rq, ns_t now);

/* A real-time thread came to a queue, or left it. Locked. */
void balance_rt_added(struct runqueue *rq);
void balance_rt_removed(struct runqueue *rq);
/* A real-time thread will not run here at once: makes another CPU look. Locked. */
void balance_rt_push(struct runqueue *rq, const struct thread *thread);
