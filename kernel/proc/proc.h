/*
 * A process: a thread group, found by its TGID, with what POSIX says a process has once: parent and
 * children, process group and session, shared pending signals, stop state, limits, timers, usage.
 *
 * Invariants, each under proc_tree_lock:
 *  - `tasks` holds every task that is not dead; `leader` is the one whose TID is the TGID. The
 *    leader stays in the list as a zombie until all others are gone.
 *  - `parent` is NULL only for init; a process whose parent exits goes to the nearest subreaper
 *    above, else to init, in the same critical section.
 *  - a process is in exactly one process group and one session, which are pids with links
 *    (id/pid.h), so a group lives exactly as long as it has members.
 *
 * Locks: proc_tree_lock guards the shape of the tree, group and session membership, and exit
 * states. proc->lock (irq-safe, taken inside it) guards signals, stop state and the group-exit
 * decision.
 */
#pragma once

#include "core/seqcount.h"
#include "core/spinlock.h"
#include "id/pid.h"
#include "id/rlimit.h"
#include "lib/list.h"
#include "lib/refcount.h"
#include "lib/types.h"
#include "proc/sigpending.h"
#include "proc/task.h"
#include "sched/rcu.h"
#include "sched/timer.h"
#include "sched/wait.h"

struct file;
struct session;

extern struct spinlock proc_tree_lock;

/* Stop state, guarded by proc->lock: waitpid's WSTOPPED and WCONTINUED. */
enum proc_stop {
	PROC_RUNNING,
	PROC_STOPPING,  /* asked to stop; tasks stop one by one on their way to user mode */
	PROC_STOPPED,   /* all tasks have stopped; the parent has been told */
	PROC_CONTINUED, /* running again, and nobody has waited for that yet */
};

/* ITIMER_VIRTUAL and ITIMER_PROF: points of the CPU time used. */
struct itimer {
	uint64_t deadline_ns; /* 0: disarmed */
	uint64_t interval_ns;
};

struct proc {
	struct refcount    refs;
	struct rcu_head    rcu;
	struct spinlock    lock; /* irq-safe */

	struct task       *leader        __guarded_by(proc_tree_lock);
	/* either to read it */
	struct list        tasks         __guarded_by(proc_tree_lock and lock);
	uint32_t           nr_active     __atomic; /* tasks that have not begun to exit */
	/* tasks that are not done with it */
	uint32_t           nr_live       __guarded_by(proc_tree_lock);
	struct proc       *parent        __guarded_by(proc_tree_lock);
	struct list        children      __guarded_by(proc_tree_lock);
	struct list        sibling       __guarded_by(proc_tree_lock);
	struct pid        *tgid          __const_after_init;
	struct pid_link    tgid_link     __guarded_by(proc_tree_lock);
	struct pid_link    pgid_link     __guarded_by(proc_tree_lock);
	struct pid_link    sid_link      __guarded_by(proc_tree_lock);
	struct pid        *pgid          __guarded_by(proc_tree_lock);
	struct session    *session       __guarded_by(proc_tree_lock);
	bool               is_subreaper;      /* PR_SET_CHILD_SUBREAPER */
	bool               is_zombie     __guarded_by(proc_tree_lock); /* reapable by wait4(2) */
	struct wait_queue  child_wait;   /* wait4(2) of this process sleeps here; own lock */

	/* sent to the process, not to one task */
	struct sigpending  pending       __guarded_by(lock);
	enum proc_stop     stop          __guarded_by(lock);
	/* wait4(WUNTRACED) has not seen it yet */
	bool               stop_unreported __guarded_by(lock);
	int                stop_signal   __guarded_by(lock);
	/* CLD_*: news that the parent has to be sent */
	int                untold        __guarded_by(lock);
	uint32_t           nr_to_stop    __guarded_by(lock); /* tasks that have yet to stop */
	/* exit_group(2) or a fatal signal decided */
	bool               is_exiting    __guarded_by(lock);
	/* what the group dies of, valid with is_exiting */
	int                exit_code     __guarded_by(lock);
	struct task       *execing       __guarded_by(lock); /* waits for its siblings to die */

	struct rlimits     limits;       /* own lock, see id/rlimit.h */
	struct timer       real_timer;   /* ITIMER_REAL and alarm(2); proc/itimer.h */
	ns_t               real_interval __guarded_by(lock);
	struct itimer      virtual_timer __guarded_by(lock);
	struct itimer      prof_timer    __guarded_by(lock);
	/* CPU time as ticks saw it, for the three below */
	uint64_t           user_ns       __atomic;
	uint64_t           cpu_ns        __atomic;
	struct spinlock    alarm_lock;   /* irq-safe; proc/cpu_clock.h */
	struct list        alarms        __guarded_by(alarm_lock); /* on its CPU time, anyone's */
	struct list        posix_timers  __guarded_by(lock); /* proc/posix_timer.h */
	int                next_timer_id __guarded_by(lock);
	/* RLIMIT_CPU: seconds at the last SIGXCPU */
	uint64_t           cpu_warned_s  __guarded_by(lock);

	struct usage       dead_usage    __guarded_by(lock); /* of tasks that are gone */
	struct usage       child_usage   __guarded_by(lock); /* of children that were waited for */
	struct file       *exe           __guarded_by(lock); /* /proc/PID/exe */
	/* odd: memory and identity change; see task_access_begin() */
	struct seqcount    exec_seq;
	uint32_t           personality   __atomic; /* personality(2) */
	int                oom_score_adj __atomic;
	int                oom_score_adj_least __guarded_by(oom.lock); /* for the unprivileged */
	uint32_t           exec_pages    __atomic; /* memory of an exec under way (proc/exec.c) */
	bool               is_oom_victim __atomic; /* was killed for its memory (proc/oom.c) */
	bool               is_dumpable   __atomic; /* PR_SET_DUMPABLE */
	ns_t               start_time    __const_after_init; /* boot-time clock */
};

static inline struct proc *proc_current(void)
{
	return task_current()->proc;
}

/* Finds a process by TGID; returns a reference or NULL. Zombies are found until they are reaped. */
struct proc *proc_lookup(pid_t tgid);
/* The same by a pid that the caller has a reference on, or borrows under RCU. */
struct proc *proc_of_pid(const struct pid *pid);
void proc_get(struct proc *proc);

/* The leader with a reference; NULL once the process has been reaped. */
struct task *proc_leader_get(struct proc *proc);
void proc_put(struct proc *proc);

/*
 * The process with the least TGID >= `from`, with a reference, or NULL: /proc and kill(-1) walk by
 * it.
 */
struct proc *proc_next(pid_t from);

/* Its numbers as user space sees them (0 for a parent that is outside, as for init). */
static inline pid_t proc_tgid(const struct proc *proc)
{
	return pid_nr(proc->tgid);
}
pid_t proc_ppid(struct proc *proc);
pid_t proc_pgid(struct proc *proc);
pid_t proc_sid(struct proc *proc);

/*
 * Sum over living and dead tasks; the children's is child_usage. Never sleeps. _locked: with
 * proc_tree_lock.
 */
void proc_usage(struct proc *proc, struct usage *usage);
void proc_usage_locked(struct proc *proc, struct usage *usage);

/* The CPU time used so far by the group, for CLOCK_PROCESS_CPUTIME_ID and RLIMIT_CPU. */
ns_t proc_cpu_time(struct proc *proc);

/* The soft limit `resource` of the current process. */
static inline uint64_t proc_limit(unsigned resource)
{
	return rlimit_get(&proc_current()->limits, resource);
}

/* Init, the reaper of last resort, or NULL before user_start(). */
struct proc *proc_init(void);
