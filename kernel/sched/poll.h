/*
 * Polling: asking a file what it is ready for, and being told when that changes.
 *
 * A file operation poll(file, struct poller *) first hands each wait queue that could report a
 * change to poller_add(), then looks at its state and returns EPOLL* bits. With poller NULL, or one
 * that needs no notice any more, adding does nothing.
 *
 * Two kinds: struct poll_table sleeps (poll, select), this room implements it; epoll embeds a
 * struct poller with an add() of its own.
 *
 *     poll_table_init(&table);
 *     for (;;) {
 *             for each file: ready |= poll(file, &table.poller) & events;
 *             if (ready) break;
 *             err = poll_table_wait(&table, deadline_ns);     then again; -ETIMEDOUT ends it too
 *     }
 *     poll_table_fini(&table);
 *
 * The first round registers, later rounds do not register again. Queues must stay until
 * poll_table_fini(): the caller keeps its files.
 */
#pragma once

#include <linux/eventpoll.h>

#include "lib/types.h"
#include "sched/wait.h"

struct poller {
	/* NULL: nothing to register */
	void (*add)(struct poller *poller, struct wait_queue *queue);
	/* what is waited for: wakers whose key has none of these are ignored; 0: all */
	uint32_t events;
};

static inline void poller_add(struct poller *poller, struct wait_queue *queue)
{
	if (poller && poller->add)
		poller->add(poller, queue);
}

enum { POLL_INLINE = 8 };

struct poll_entry {
	struct wait_entry  entry;
	struct wait_queue *queue;
	struct poll_table *table;
	uint32_t           events;
};

struct poll_block;

struct poll_table {
	struct poller      poller;
	struct thread     *thread;
	uint32_t           triggered __atomic; /* a queue called since the last round */
	int                err;                /* -ENOMEM: an entry could not be allocated */
	uint32_t           nr_inline;
	struct poll_block *blocks;             /* pages of further entries */
	struct poll_entry  entries[POLL_INLINE];
};

void poll_table_init(struct poll_table *table);
/* Nothing needs registering any more (a file was ready, or the deadline is now). */
void poll_table_stop_adding(struct poll_table *table);
/*
 * Sleeps until a registered queue calls. 0: look again; -ETIMEDOUT at deadline_ns (WAIT_FOREVER:
 * none); -EINTR on a signal (the caller makes a restart code of it); -ENOMEM if registering failed.
 */
__must_check int poll_table_wait(struct poll_table *table, ns_t deadline_ns);
void poll_table_fini(struct poll_table *table);
