/*
 * inotify as its two files share it: notify.c (who watches an inode, and what is told to whom),
 * inotify.c (instances: files, their watches by number, the queue of events).
 *
 * A watch ties an inode, on which it holds a reference, to an instance. It goes by rm_watch(2),
 * with the instance, after its one event (IN_ONESHOT), when the inode loses its last name, or when
 * its super block ends.
 *
 * Locking: notify_lock (RANK_NOTIFY) over everything here: lists of watches, masks, queues. Events
 * are made under it, of memory that is there at once; without, the queue overflows.
 */
#pragma once

#include "core/spinlock.h"
#include "fs/notify.h"
#include "lib/hlist.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "sched/wait.h"

struct user;

extern struct spinlock notify_lock;

struct watch {
	struct hlist_node in_inode __guarded_by(notify_lock);
	struct rb_node    in_instance __guarded_by(notify_lock); /* by number */
	struct list       in_all __guarded_by(notify_lock); /* or of those that are to be freed */
	struct inode     *inode __const_after_init;        /* a reference */
	struct inotify   *instance __const_after_init;
	int               number __const_after_init;
	uint32_t          mask __guarded_by(notify_lock); /* IN_ALL_EVENTS, and flags */
};

struct event {
	struct list          link;
	uint32_t             room; /* bytes for the name that are told, zeroes included */
	struct inotify_event head; /* name behind it */
};

struct inotify {
	struct list       queue __guarded_by(notify_lock); /* struct event */
	uint32_t          nr_queued __guarded_by(notify_lock);
	bool              has_overflown __guarded_by(notify_lock); /* and `overflow` is queued */
	struct event      overflow;
	struct rbtree     watches __guarded_by(notify_lock);
	int               last_number __guarded_by(notify_lock);
	struct wait_queue wait;
	struct user      *user __const_after_init; /* whom instance and watches count for */
};

/* Puts an event on the queue, unless it is the same as the last. */
void inotify_queue_locked(struct inotify *instance, const struct inotify_event *head,
			  const struct component *name);
/* No watch of its instance any more. */
void inotify_forget_locked(struct watch *watch);

/* Makes it known to its inode. */
void watch_link_locked(struct watch *watch);
/* Takes it from inode and instance, tells IN_IGNORED, and puts it on `dead`. */
void watch_end_locked(struct watch *watch, struct list *dead);
/* Frees them. Their inodes are put: may sleep if the caller holds no references on them. */
void watches_free(struct list *dead);
