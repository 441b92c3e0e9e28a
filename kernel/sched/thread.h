/*
 * Threads: what the scheduler knows of a flow of control. Upper floors embed it (struct task in
 * proc/) or use it bare (kernel threads).
 *
 *     thread_init(&thread, &params);   stack, first frame; state THREAD_NEW
 *     thread_start(&thread);           runnable; from now on it belongs to the scheduler
 *     ... thread_exit() in the thread: switches away for ever ...
 *     ops->dead(thread)                called later, in a context that may take locks but not sleep
 *     thread_fini(&thread);            gives the stack back; then the memory may go
 *
 * A thread sleeps by: set state, check the condition, schedule(). Only sched/wait.h and the locks
 * of this folder do so; everybody else uses those. A wake-up makes the state RUNNABLE under the run
 * queue's lock, so one that comes between check and schedule() is never lost.
 *
 * Kernel code is not preempted. It gives up the CPU in schedule(), thread_yield() and
 * cond_resched() only. User code is preempted on return from any interrupt (TF_NEED_RESCHED).
 *
 * Flags: bits of one word in struct arch_thread. While any is set, the way out to user mode goes
 * through upcall_exit_to_user() (proc), which clears what it dealt with and calls
 * sched_exit_work(). Upper floors set TF_SIGNAL, TF_KILLED, TF_NOTIFY; this floor tests them to end
 * sleeps.
 */
#pragma once

#include <arch/thread.h>

#include "core/lockdep.h"
#include "lib/atomic.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/types.h"

struct arch_mmu;
struct thread;

enum thread_state {
	THREAD_RUNNABLE        = 0,      /* runs, or stands in a run queue */
	THREAD_INTERRUPTIBLE   = 1 << 0, /* any signal ends the sleep */
	THREAD_KILLABLE        = 1 << 1, /* a fatal signal ends the sleep */
	THREAD_UNINTERRUPTIBLE = 1 << 2,
	/* job control or tracing: only thread_wake_if() or a kill */
	THREAD_STOPPED         = 1 << 3,
	THREAD_NEW             = 1 << 4, /* not started yet */
	THREAD_DEAD            = 1 << 5, /* runs no more */
};

/* What thread_wake() wakes. */
#define THREAD_SLEEPING (THREAD_INTERRUPTIBLE | THREAD_KILLABLE | THREAD_UNINTERRUPTIBLE)

enum thread_flag {
	TF_NEED_RESCHED = 1 << 0, /* somebody better should run; honoured on the way to user mode */
	TF_SIGNAL       = 1 << 1, /* there are signals to look at */
	TF_KILLED       = 1 << 2, /* a fatal signal is pending: killable sleeps end */
	TF_NOTIFY       = 1 << 3, /* an upper floor wants to work before the return to user mode */
	TF_WORK         = 1 << 4, /* deferred work or RCU callbacks wait on this CPU */
	/* the signal mask saved by sigsuspend, ppoll ... is to be restored */
	TF_RESTORE_MASK = 1 << 5,
	TF_PLUG         = 1 << 6, /* I/O is gathered (thread.plug): it is sent before a switch */
};

/* What sched_exit_work() deals with; the rest is proc's. */
#define TF_SCHED_WORK (TF_NEED_RESCHED | TF_WORK)

enum trace_flag { /* bits of a word of its own: system calls of the thread take the traced way */
	TF_TRACE       = 1 << 0, /* a debugger wants to see entry and exit */
	TF_TRACE_LOG   = 1 << 1, /* the built-in tracer prints them */
	TF_TRACE_FILTER = 1 << 2, /* a seccomp filter decides */
};

enum { THREAD_NAME_SIZE = 16 };

struct block_plug;

struct thread_ops {
	/*
	 * The thread will never run again, its stack is idle. Locks may be taken; no sleep.
	 * Required.
	 */
	void (*dead)(struct thread *thread);
	/*
	 * Accounting tick while the thread runs; in the timer interrupt, interrupts off. May be
	 * NULL.
	 */
	void (*tick)(struct thread *thread);
	/* Its number in the last words of a panic. May be NULL, which is 0. */
	int (*number)(const struct thread *thread);
};

/* The fair class's view of a thread (sched/fair.c). All guarded by the run queue's lock. */
struct fair_entity {
	struct rb_node node;
	int64_t  vruntime;     /* weighted run time, on the queue's scale */
	int64_t  deadline;     /* virtual time at which its current slice should be done */
	int64_t  lag;          /* while it sleeps: how far it was behind the queue's average */
	ns_t     slept_since;  /* when it left the queue */
	uint32_t weight;
	uint32_t inverse_weight;
};

struct thread {
	struct arch_thread arch;        /* first: arch code casts between the two */

	uint32_t state   __atomic;      /* enum thread_state; set by itself, RUNNABLE by wakers */
	uint32_t cpu     __guarded_by(run queue); /* whose run queue it is on, or was last */
	bool     on_queue __guarded_by(run queue); /* counted there: queued or running */
	bool     is_idle __const_after_init;
	bool     counts_as_load __guarded_by(run queue); /* sleeps, and /proc/loadavg counts it */
	uint8_t  policy  __guarded_by(run queue); /* SCHED_* */
	bool     reset_on_fork __guarded_by(run queue);
	int8_t   nice    __guarded_by(run queue); /* -20 .. 19 */
	uint8_t  rt_priority __guarded_by(run queue); /* 1 .. 99 for FIFO and RR, else 0 */
	uint64_t affinity __guarded_by(run queue); /* bit n: may run on CPU n */
	struct fair_entity fair;
	struct list rt_link __guarded_by(run queue);
	ns_t     rr_left    __guarded_by(run queue); /* what is left of the round-robin slice */

	/* user half; NULL: a kernel thread, borrows any. By itself only */
	struct arch_mmu *mmu;
	void    *stack    __const_after_init; /* lowest address of the kernel stack */
	const struct thread_ops *ops __const_after_init;
	struct list dead_link;          /* on the list of the dead (exit.c) */

	ns_t     start_ns __const_after_init; /* clock_monotonic() at thread_init */
	ns_t     run_since __guarded_by(run queue);  /* when it was last accounted */
	uint64_t runtime_ns __atomic;   /* exact time on a CPU up to run_since */
	uint64_t ticks_user __owned_by_cpu, ticks_system __owned_by_cpu;
	uint64_t user_reported, system_reported; /* what thread_times() said last; its lock */
	uint64_t switches_voluntary __guarded_by(run queue), switches_involuntary
		__guarded_by(run queue);

	struct block_plug *plug;        /* the block layer's; by itself only */
	uint32_t rcu_depth;             /* debug: read-side sections open */
	char     name[THREAD_NAME_SIZE];
#if LOCK_DEBUG
	struct held_locks held;
#endif
};

struct thread_params {
	const char *name;               /* copied, cut to 15 bytes */
	/* first code of a kernel thread; returning exits the thread */
	void      (*fn)(void *arg);
	void       *arg;
	/* instead of fn: it starts in user mode with these (fork) */
	const struct pt_regs *regs;
	/* NULL: kernel thread. Borrowed: the owner outlives the thread */
	struct arch_mmu *mmu;
	const struct thread_ops *ops;   /* required */
	/* policy, nice, affinity are inherited as by fork(2); or NULL */
	const struct thread *parent;
};

/* The thread that runs this code. */
static inline struct thread *thread_current(void)
{
	return (struct thread *)(void *)arch_current();
}

/* Its stack of sleeping locks, for core/lockdep.h; NULL in a kernel that does not check. */
static inline struct held_locks *thread_held_locks(struct thread *thread)
{
#if LOCK_DEBUG
	return &thread->held;
#else
	(void)thread;
	return NULL;
#endif
}

/* Prepares a zeroed thread in place; it runs after thread_start(). May sleep. -ENOMEM. */
__must_check int thread_init(struct thread *thread, const struct thread_params *params);

/* Gives the kernel stack back. The thread is dead (ops->dead was called) or was never started. */
void thread_fini(struct thread *thread);

/*
 * Makes a new thread runnable. The caller goes on: on the same CPU, the new thread gets its first
 * turn when the caller sleeps or has had a full one since. Any context.
 */
void thread_start(struct thread *thread);
/* The same; the caller is about to sleep: the new thread takes over this CPU when it does. */
void thread_start_sync(struct thread *thread);

/* A bare kernel thread, not started; it frees itself when fn returns. May sleep. -ENOMEM. */
__must_check int kthread_create(const char *name, void (*fn)(void *arg), void *arg,
                                struct thread **thread);

/* Wakes it from any sleep but a stop; true if it slept. Any context. */
bool thread_wake(struct thread *thread);
/*
 * The same for a caller that holds locks which the thread will want: if another CPU must be
 * interrupted, that is left to thread_wakes_send(), which the caller calls when it has let go.
 * sync: it is about to sleep then, and the woken thread takes over this CPU when it does.
 */
bool thread_wake_later(struct thread *thread, bool sync);
DECLARE_PER_CPU(uint64_t, thread_wakes_due); /* CPUs to be interrupted. Interrupts off. */
void thread_wakes_send_due(void);
/* Any context. */
static inline void thread_wakes_send(void)
{
	if (unlikely(this_cpu_read(thread_wakes_due)))
		thread_wakes_send_due();
}
/* Wakes it if its state is one of `states`. */
bool thread_wake_if(struct thread *thread, uint32_t states);

/* The second half of thread_signal_wake(). */
void thread_signal_end_sleep(struct thread *thread, bool fatal);

/* Sends what the current thread has gathered: called by schedule() under TF_PLUG. dev/bio.c's. */
extern void (*thread_unplug_hook)(void) __atomic;

/* Gives up the CPU until woken (if the caller set a sleeping state), else lets others run. */
void schedule(void);
/* sched_yield(2): behind all others of its class. */
void thread_yield(void);
/* In long loops: lets others run if somebody should. True if it did. May sleep. */
bool cond_resched(void);

/* Ends the current thread. Holds no locks. */
__noreturn void thread_exit(void);

/*
 * Sets the state for a sleep; a full barrier, so that the condition is checked after it is visible
 * (pairs with the lock taken by thread_wake_if(), after the waker made the condition true).
 */
static inline void thread_set_state(uint32_t state)
{
	atomic_store(&thread_current()->state, state);
}

/*
 * The current thread runs in another address space from now on (exec, exit); NULL: none of its own.
 */
void thread_switch_mmu(struct arch_mmu *mmu);

void thread_set_name(struct thread *thread, const char *name);

/* Flags: set and clear from any context and CPU; fully ordered. */
static inline void thread_set_flag(struct thread *thread, uint32_t flags)
{
	atomic_or(&thread->arch.flags, flags);
}

static inline void thread_clear_flag(struct thread *thread, uint32_t flags)
{
	atomic_and(&thread->arch.flags, ~flags);
}

static inline bool thread_test_flag(const struct thread *thread, uint32_t flags)
{
	return atomic_load_relaxed(&thread->arch.flags) & flags;
}

/*
 * Sets TF_SIGNAL (and TF_KILLED if fatal) and ends a sleep that they end: INTERRUPTIBLE for all,
 * KILLABLE and STOPPED too for fatal ones. A thread in user mode on another CPU is interrupted.
 */
static inline void thread_signal_wake(struct thread *thread, bool fatal)
{
	thread_set_flag(thread, fatal ? TF_SIGNAL | TF_KILLED : TF_SIGNAL);
	/* The current thread's state is its own: unless it is about to sleep, it sees the flag. */
	if (thread != thread_current() || atomic_load_relaxed(&thread->state) != THREAD_RUNNABLE)
		thread_signal_end_sleep(thread, fatal);
}

/* True if a sleep in `state` must end because of a pending signal. */
static inline bool thread_must_wake(const struct thread *thread, uint32_t state)
{
	if (state == THREAD_UNINTERRUPTIBLE)
		return false;
	return thread_test_flag(thread, state == THREAD_INTERRUPTIBLE ? TF_SIGNAL | TF_KILLED
	                                                              : TF_KILLED);
}

static inline void thread_set_trace(struct thread *thread, uint32_t flags)
{
	atomic_or(&thread->arch.traced, flags);
}

static inline void thread_clear_trace(struct thread *thread, uint32_t flags)
{
	atomic_and(&thread->arch.traced, ~flags);
}

static inline bool thread_test_trace(const struct thread *thread, uint32_t flags)
{
	return atomic_load_relaxed(&thread->arch.traced) & flags;
}

/* Exact CPU time so far, current stretch included. Any thread. */
uint64_t thread_runtime(struct thread *thread);
/* The same split by sampling; neither part ever goes back. Any context. */
void thread_times(struct thread *thread, uint64_t *user_ns, uint64_t *system_ns);

/* Threads that exist, idle ones excluded. */
int64_t thread_count(void);
