/*
 * Pids: the numbers of threads, processes, groups and sessions, and what stands behind them.
 *
 * A struct pid is one number (one a namespace level; one level now) and lives as long as somebody
 * refers to it: the thread that has it, groups and sessions named after it, a pidfd, a file's
 * owner. What is attached to it is listed by kind:
 *
 *     PID_TID   the one thread with this number
 *     PID_TGID  the one process (its leading thread)
 *     PID_PGID  the processes of this process group
 *     PID_SID   the processes of this session
 *
 * Owners embed a struct pid_link per kind. Lookups run under RCU without a lock; attaching and
 * detaching take the caller's tree lock (RANK_PROCESS_TREE), which also guards the lists. A number
 * is free again when nothing is attached to it any more (or what was never used is put); references
 * keep the memory, not the number.
 */
#pragma once

#include <asm/siginfo.h>

#include "lib/hlist.h"
#include "lib/refcount.h"
#include "lib/types.h"
#include "sched/rcu.h"
#include "sched/wait.h"

enum pid_kind { PID_TID, PID_TGID, PID_PGID, PID_SID, PID_KINDS };

enum { PID_LEVELS = 1, PID_MAX_DEFAULT = 32768, PID_MAX_LIMIT = 4194304, PID_RESERVED = 300 };

struct cred;

struct pid {
	struct refcount   refs;
	uint32_t          level __const_after_init;
	pid_t             numbers[PID_LEVELS] __const_after_init;
	/* struct pid_link; writers: process tree lock; readers: RCU */
	struct hlist      attached[PID_KINDS];
	bool              is_numbered __guarded_by(pids.lock); /* found by its number */
	/* pidfd pollers; woken when the process is a zombie */
	struct wait_queue exit_queue;
	struct rcu_head   rcu;
};

struct pid_link {
	struct hlist_node node;
	struct pid       *pid; /* NULL while detached. A reference. */
};

/*
 * Number 0: the group and session of the kernel itself, in which the first process begins. No
 * lookup finds it; it is never freed.
 */
extern struct pid pid_kernel;

/*
 * The next free number, counting up and around; one reference. May sleep. -EAGAIN: none is left;
 * -ENOMEM.
 */
__must_check int pid_alloc(struct pid **pid);
/* The same with a given number (clone3's set_tid). -EEXIST, -EINVAL. */
__must_check int pid_alloc_number(pid_t number, struct pid **pid);
/*
 * The last put frees the memory, after a grace period. NULL does nothing. Any context but hard
 * interrupts.
 */
void pid_put(struct pid *pid);
static inline struct pid *pid_get(struct pid *pid)
{
	refcount_get(&pid->refs);
	return pid;
}

static inline pid_t pid_nr(const struct pid *pid)
{
	return pid ? pid->numbers[0] : 0;
}

/* The pid with this number: borrowed under RCU; or with a reference. NULL: nobody has it. */
struct pid *pid_find(pid_t number);
struct pid *pid_lookup(pid_t number);
/* The first pid whose number is at least `number`, with a reference; NULL at the end. For /proc. */
struct pid *pid_next(pid_t number);

/* Under the process tree lock. attach takes a reference for the link, detach puts it. */
void pid_attach(struct pid *pid, enum pid_kind kind, struct pid_link *link);
void pid_detach(struct pid_link *link);

static inline bool pid_has(const struct pid *pid, enum pid_kind kind)
{
	return !hlist_is_empty(&pid->attached[kind]);
}

/* The first attached link of a kind, under RCU or the tree lock; NULL if none. */
static inline struct pid_link *pid_first(const struct pid *pid, enum pid_kind kind)
{
	return hlist_entry_or_null(hlist_first_rcu(&pid->attached[kind]), struct pid_link, node);
}

#define pid_for_each(link, pid, kind) hlist_for_each_entry_rcu(link, &(pid)->attached[kind], node)

/*
 * Signals from floors that know no process (tty, file owners): sends sig to what is attached as
 * `kind`. info NULL: from the kernel. Through the operation that proc/ registers. Any context but
 * hard interrupts. 0 or -ESRCH.
 */
int pid_signal(struct pid *pid, enum pid_kind kind, int sig, const siginfo_t *info);

/* The same, if someone with these credentials may do that (fcntl(2), F_SETOWN); NULL: anybody. */
int pid_signal_as(const struct cred *cred, struct pid *pid, enum pid_kind kind, int sig,
                  const siginfo_t *info);

struct pid_ops {
	int (*signal)(const struct cred *cred, struct pid *pid, enum pid_kind kind, int sig,
	              const siginfo_t *info);
};
void pid_ops_register(const struct pid_ops *ops);

/* /proc/sys/kernel/pid_max. -EINVAL outside 301 .. PID_MAX_LIMIT. */
int pid_max_get(void);
__must_check int pid_max_set(int max);
/* Numbers in use; the one given out last. */
int64_t pid_count(void);
pid_t pid_last(void);

