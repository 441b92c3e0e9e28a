/*
 * What the files of semaphores share.
 */
#pragma once

#include "ipc/object.h"
#include "ipc/sem.h"
#include "lib/list.h"
#include "sched/wait.h"

enum { SEM_VALUE_MAX = 32767, SEM_ADJUST_MAX = 32767, SEM_WAITS = 1 };

struct semaphore {
	int   value;
	pid_t pid; /* who operated last */
};

struct sem_set {
	struct ipc_object ipc;
	uint32_t    nr __const_after_init;
	int64_t     operated, changed __guarded_by(ipc.lock); /* seconds */
	struct list waiters __guarded_by(ipc.lock);
	struct list undos __guarded_by(ipc.lock); /* by in_set */
	struct semaphore values[] __guarded_by(ipc.lock);
};

/* What the end of the tasks of one list adds to the values of one set. */
struct sem_undo {
	struct list     in_list; /* list->lock */
	struct list     in_set;  /* the set's lock; self-linked once the set is removed */
	struct sem_set *set;     /* a reference */
	int16_t         adjust[] __guarded_by(set->ipc.lock);
};

/* Operations of one call; it waits with them on the stack of its thread. */
struct sem_wait {
	struct list          link __guarded_by(set lock);
	const struct sembuf *ops;
	uint32_t             nr;
	uint32_t             blocked_by __guarded_by(set lock); /* which of them */
	struct sem_undo     *undo; /* NULL: none of them is to be undone */
	pid_t                pid;
	bool                 alters; /* some value changes */
	int                  result __guarded_by(set lock); /* SEM_WAITS, 0 or -errno */
	struct wait_queue    queue;
};

extern struct ipc_ids sem_ids;

static inline struct sem_set *to_set(struct ipc_object *object)
{
	return container_of(object, struct sem_set, ipc);
}

/* A set by number, counted, and its lock held: ipc_lock(). */
int __must_check sem_lock(int id, struct sem_set **out);

/* sem_op.c; the set is locked. */
/* Does the operations of w: 0, SEM_WAITS or -errno. */
int  sem_try(struct sem_set *set, struct sem_wait *w);
/* Values have changed: does what has waited for that. */
void sem_update(struct sem_set *set);
/* The set goes: all who wait say so. */
void sem_wake_all(struct sem_set *set, int result);

/* sem_undo.c */
/*
 * The current task's adjustments for the set, made if there are none yet. ENOMEM, EIDRM. The set is
 * not locked; the reference is the list's.
 */
int __must_check sem_undo_find(struct sem_set *set, struct sem_undo **out);
/* The set is locked: nothing is to be undone for this semaphore (index < 0: for none). */
void sem_undo_clear(struct sem_set *set, int index);
void sem_undo_detach_all(struct sem_set *set);
void sem_undo_init(void);
