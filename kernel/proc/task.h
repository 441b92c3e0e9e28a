/*
 * A task: one thread of a user program, what Linux calls a thread and numbers by its TID.
 *
 * The room has three nouns. A `struct task` runs; a `struct proc` (proc/proc.h) is the thread group
 * that programs call a process and waits, is killed and is counted as one; a `struct session`
 * (proc/session.h) is what a terminal belongs to. What a task uses but may share by clone(2)
 * flags, its address space, descriptors, file-system context, signal handlers and namespaces, is
 * reached by pointers that the task owns a reference on.
 *
 * Life of a task:
 *
 *   new       task_clone() builds it; nobody else can see it
 *   live      published: found by its TID, in its group's list, may run
 *   exiting   in task_exit(): gives its resources back one by one; still found by TID
 *   zombie    no resources left but the numbers; a group's leader waits there for wait4(2),
 *             any other task goes on at once
 *   dead      unlinked, off its stack; freed by RCU when the last reference goes
 *
 * Locking: a task's own pointers (space, files, fs, ns, cred) are changed only by the task itself.
 * It reads them without a lock; any other task takes `resources_lock`, or uses RCU for cred.
 * Links to other tasks are guarded by proc_tree_lock, signals by proc->lock.
 */
#pragma once

#include <asm/signal.h>

#include "core/spinlock.h"
#include "id/cred.h"
#include "id/nsproxy.h"
#include "id/pid.h"
#include "lib/list.h"
#include "lib/refcount.h"
#include "lib/types.h"
#include "proc/sigpending.h"
#include "sched/rcu.h"
#include "sched/thread.h"

struct completion;
struct fdtable;
struct fs_context;
struct proc;
struct sighand;
struct space;
struct sysvsem;

/* What CPU time and faults a task, a group, or its reaped children have used: getrusage(2). */
struct usage {
	ns_t     user_ns;
	ns_t     system_ns;
	uint64_t min_faults;
	uint64_t maj_faults;
	uint64_t voluntary_switches;
	uint64_t involuntary_switches;
	uint64_t max_rss_pages;
};

/* How an interrupted call goes on when restart_syscall(2) asks: ERESTART_RESTARTBLOCK. */
struct restart {
	long (*again)(struct restart *restart);
	uint64_t args[6]; /* whatever `again` needs: absolute deadlines, user addresses */
};

struct task {
	struct thread      thread; /* first: thread_current() is the task */
	struct refcount    refs;
	struct rcu_head    rcu;

	struct proc       *proc          __const_after_init;
	struct list        in_proc       __guarded_by(proc_tree_lock and proc->lock);
	/* the TID; exec may exchange it */
	struct pid        *pid           __guarded_by(proc_tree_lock);
	struct pid_link    pid_link      __guarded_by(proc_tree_lock);

	struct spinlock    resources_lock; /* others' view of the next four */
	struct space      *space         __guarded_by(resources_lock);
	struct fdtable    *files         __guarded_by(resources_lock);
	struct fs_context *fs            __guarded_by(resources_lock);
	struct nsproxy    *ns            __guarded_by(resources_lock);
	struct sighand    *sighand       __guarded_by(proc->lock);
	struct sysvsem    *sysvsem;      /* proc/sysvsem.h; NULL: none; own */
	const struct cred *cred; /* RCU: replaced whole by its task, see task_cred_commit() */

	/* Signals: proc/signal.h. */
	uint64_t           blocked       __guarded_by(proc->lock);
	uint64_t           saved_blocked; /* own; in force again after sigsuspend(2) and its kin */
	/* sigtimedwait(2) sleeps for these */
	uint64_t           awaited       __guarded_by(proc->lock);
	/* faults: even init dies of them */
	uint64_t           forced        __guarded_by(proc->lock);
	/* has yet to join the group's stop */
	bool               must_stop     __guarded_by(proc->lock);
	/* took a stop signal that it has not acted on; SIGCONT makes it void */
	bool               took_stop     __guarded_by(proc->lock);
	struct sigpending  pending       __guarded_by(proc->lock);
	stack_t            altstack; /* sigaltstack(2); own */
	struct restart     restart;  /* own */
	uint64_t           trap_number, trap_error, trap_address; /* last fault of user code; own */

	/* Threads: what clone(2), set_tid_address(2) and set_robust_list(2) said. Own. */
	uaddr_t            set_child_tid;
	uaddr_t            clear_child_tid;
	uaddr_t            robust_list;
	uaddr_t            rseq_area;
	uint32_t           rseq_signature;
	struct completion *vfork_done; /* the parent's, while it sleeps for exec or exit */

	/* the leader's: sent to the parent at the end */
	int                exit_signal   __guarded_by(proc_tree_lock);
	int                exit_code     __guarded_by(proc_tree_lock); /* as wait4(2) shows it */
	/* has left proc->nr_live and is summed up */
	bool               is_dead       __guarded_by(proc_tree_lock);
	int                parent_death_signal; /* PR_SET_PDEATHSIG; own */
	bool               is_exiting    __guarded_by(proc->lock);
	bool               has_execed;   /* since fork: setpgid(2) asks; own */
	/* its new user had too many processes already: execve(2) looks again; own */
	bool               has_exceeded_nproc;
	ns_t               start_time    __const_after_init; /* boot-time clock */
	uint64_t           timer_slack_ns; /* PR_SET_TIMERSLACK; own */
	int                ioprio        __atomic; /* ioprio_set(2) */
	uint64_t           cpu_seen_ns;     /* of its run time, what itimers_tick() has counted */
	uint64_t           user_ticks_seen; /* by itimers_tick() */
	/* proc/hung.c: how often it was seen in the same sleep, which, and since when */
	uint32_t           hung_looks;
	uint64_t           hung_switches;
	ns_t               hung_since;
	uint64_t           min_faults; /* own */
	uint64_t           maj_faults; /* own */
};

/* True when the thread is a user task and not a kernel thread. */
bool thread_is_task(const struct thread *thread);

/*
 * The task that is running; only meaningful in a user task, never NULL there. No reference taken.
 */
static inline struct task *task_current(void)
{
	return container_of(thread_current(), struct task, thread);
}

/* Of a thread for which thread_is_task() holds. */
static inline struct task *thread_to_task(struct thread *thread)
{
	return container_of(thread, struct task, thread);
}

/* Its number as user space sees it. */
static inline pid_t task_tid(const struct task *task)
{
	return pid_nr(task->pid);
}

/*
 * Finds a task by TID. Returns a reference (task_put) or NULL. Never sleeps. A zombie is found
 * until it is reaped.
 */
struct task *task_lookup(pid_t tid);
/* The same by a pid that the caller has a reference on, whoever has its number by now. */
struct task *task_of_pid(const struct pid *pid);
void task_get(struct task *task);
void task_put(struct task *task);

/*
 * References on others' resources: NULL once the task has given them back. The last is given back
 * by fs_context_leave().
 */
struct space *task_space_get(struct task *task);
/* Of this only the memory, to look into: fdtable_memory_put(). */
struct fdtable *task_files_look(struct task *task);
struct fs_context *task_fs_get(struct task *task);

/*
 * Gives the current task a descriptor table of its own if it shares one, with the descriptors below
 * `limit` (UINT32_MAX: all). -ENOMEM.
 */
int __must_check task_unshare_files(uint32_t limit);

/* The cred of another task, with a reference; cred_put() it. */
const struct cred *task_cred_get(struct task *task);

/*
 * Makes `cred` the current task's; its reference is consumed. A change of effective or file-system
 * ids makes the process undumpable and clears the parent-death signal (prctl(2), PR_SET_DUMPABLE).
 * The user's count of processes moves along. May sleep. -ENOMEM: nothing has changed.
 */
int __must_check task_cred_commit(struct cred *cred);

/*
 * May the current task look into `task` (ptrace(2), "Ptrace access mode checking")? 0 or -EPERM.
 * Used by /proc, process_vm_readv(2), prlimit64(2).
 */
int task_may_access(struct task *task);

/*
 * The same for something that is then taken from the task: if a new program came by execve(2)
 * meanwhile, it may be the program's, and is given back unseen.
 *
 *	do {
 *		put what was taken before, if anything
 *		err = task_access_begin(task, &programs);
 *		if (!err) take
 *	} while (task_access_retry(task, programs));
 */
int task_access_begin(struct task *task, unsigned int *programs);
bool __must_check task_access_retry(const struct task *task, unsigned int programs);

/* The task's memory with a reference, to look into: 0, -EPERM. *out is NULL when it has none. */
int task_space_get_access(struct task *task, struct space **out);

/* The times and counts of one task; max_rss_pages is left at zero. */
void task_usage(struct task *task, struct usage *usage);

/* The user registers of a task that is not in user mode just now: the frame on its kernel stack. */
struct pt_regs *task_regs(struct task *task);
