/*
 * Locks on files as lock.c (the two kinds of record locks) and lock_set.c (sets, flock, waiting,
 * showing) share them. The story is in lock.h.
 */
#pragma once

#include "core/spinlock.h"
#include "fs/lock.h"
#include "lib/list.h"
#include "sched/wait.h"

struct file_lock {
	struct list         in_set; /* all under file_locks.lock */
	struct list         in_all;
	struct inode       *inode;
	struct lock_request lock;
};

/* The locks of one inode. Entries of one owner stand together, by start. */
struct lock_set {
	struct list       records;
	struct list       flocks;
	struct wait_queue wait; /* first come, first served */
};

struct file_locks {
	struct spinlock lock; /* RANK_FILE_LOCKS */
	struct list     all;  /* struct file_lock, for /proc/locks */
	struct list     waiters; /* struct lock_waiter */
};
extern struct file_locks file_locks;

static inline bool lock_same_owner(const struct lock_request *a, const struct lock_request *b)
{
	return a->kind == b->kind && a->owner == b->owner;
}

/* Made while the lock is not held, used while it is: what an operation may need. */
struct lock_spares {
	struct file_lock *locks[2];
	int               nr;
};
struct file_lock *lock_spare_take(struct lock_spares *spares);

void lock_link(struct inode *inode, struct file_lock *lock, struct list *before);
void lock_unlink(struct file_lock *lock);

/* Under file_locks.lock: another's record that stands against this one. NULL: none. */
const struct file_lock *record_conflict(const struct lock_set *set,
                                        const struct lock_request *request);
/* Under file_locks.lock: own records become as requested; nothing stands against it. */
void record_change(struct inode *inode, const struct lock_request *request,
                   struct lock_spares *spares);
