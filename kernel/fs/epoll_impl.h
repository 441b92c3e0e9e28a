/*
 * epoll as its files see it: epoll.c (items, epoll_ctl), epoll_wait.c (ready list, epoll_wait,
 * polling), epoll_graph.c (epolls that watch epolls). The story is in epoll.h.
 *
 * An epoll's `level` is 0 if it watches no epoll, else one more than the highest that it watches.
 * Wake-ups go up along watchers, from the wait queue of a file through the queues of epolls of
 * growing level: the subclass of a queue's lock is its epoll's level + 1.
 */
#pragma once

#include <linux/eventpoll.h>

#include "fs/file.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/types.h"
#include "sched/mutex.h"
#include "sched/poll.h"
#include "sched/wait.h"

struct epoll;
struct user;

enum { EPOLL_NEST_MAX = 4 };

/* Bits of events that are no events. */
#define EPOLL_MODES (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)

/* One wait queue on which an item waits. */
struct epoll_hook {
	struct wait_entry   entry;
	struct wait_queue  *queue __const_after_init; /* NULL: not in use */
	struct epoll_item  *item __const_after_init;
	struct epoll_hook  *next __const_after_init;
};

struct epoll_item {
	struct rb_node     node __guarded_by(epoll->lock); /* by file and fd */
	struct list        ready __guarded_by(ready_lock); /* in the ready list, or self-linked */
	struct list        in_file __guarded_by(watch_lock); /* of file->watchers */
	struct epoll      *epoll __const_after_init;
	/* no reference: the file takes the item along */
	struct file       *file __const_after_init;
	int                fd __const_after_init;
	uint32_t           events __guarded_by(epoll->lock); /* callbacks read it without */
	uint64_t           data __guarded_by(epoll->lock);
	struct epoll_hook  hook;   /* of the first queue; the others are allocated */
};

struct epoll {
	struct mutex      lock;
	struct rbtree     items __guarded_by(lock);
	struct spinlock   ready_lock; /* irq-safe */
	struct list       ready __guarded_by(ready_lock);
	bool              is_scanning __guarded_by(ready_lock); /* the list is being gone through */
	struct wait_queue wait;  /* epoll_wait(2), and whoever polls the epoll itself */
	uint32_t          level __guarded_by(epoll_graph);
	uint64_t          visit __guarded_by(epoll_graph); /* of the last walk that came by */
	uint32_t          depth __guarded_by(epoll_graph); /* that this walk found below */
	uint32_t          height __guarded_by(epoll_graph); /* what that walk found, if upward */
	struct file      *file __const_after_init; /* itself, no reference */
	struct user      *user __const_after_init; /* whose epoll_watches the items count for */
};

extern const struct file_ops epoll_file_ops;
extern struct mutex epoll_graph;
extern struct spinlock watch_lock;

static inline struct epoll *to_epoll(const struct file *file)
{
	return file->private;
}

static inline struct epoll_item *to_item(struct rb_node *node)
{
	return rb_entry_or_null(node, struct epoll_item, node);
}

/* ---- epoll_wait.c ------------------------------------------------------------------- */

/*
 * What the item's file is ready for, of what was asked. With a poller, hooks are made. depth: locks
 * of epolls held. epoll->lock held.
 */
uint32_t epoll_item_poll(const struct epoll_item *item, struct poller *poller, unsigned int depth);
/* The callback of hooks. */
int epoll_hook_wake(struct wait_entry *entry, uint32_t mode, uintptr_t key);
/* The item goes to the ready list, if it is not there, and sleepers are told. */
void epoll_item_ready(struct epoll_item *item);
unsigned int epoll_poll(struct file *file, struct poller *poller);

/* ---- epoll_graph.c: under epoll_graph ----------------------------------------------- */

/* May `target`, an epoll, be watched by `epoll`? ELOOP. No epoll's lock held. */
int __must_check epoll_check_loop(struct epoll *epoll, struct epoll *target);
/*
 * An item was added to a watched epoll, or for an epoll: are all chains from files upward still
 * short and few enough? EINVAL. The lock of the item's epoll is held.
 */
int __must_check epoll_check_paths(struct epoll_item *item);
/* The levels of this epoll and of those that watch it follow a level below. */
void epoll_raise_level(struct epoll *epoll, uint32_t level);
