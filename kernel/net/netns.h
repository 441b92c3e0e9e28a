/*
 * The network namespace: everything that sockets of one set of processes can see of each other by
 * name. There is one now; every function of this floor that looks something up takes it all the
 * same.
 *
 * Life: counted; id/nsproxy.h counts through the operations that netns_init() registers.
 */
#pragma once

#include "core/spinlock.h"
#include "lib/rbtree.h"
#include "lib/refcount.h"
#include "lib/types.h"

struct iface_table;

struct netns {
	struct refcount refs;
	struct spinlock names_lock; /* RANK_SPIN_OUTER */
	struct rbtree   unix_names __guarded_by(names_lock); /* abstract names of AF_UNIX */
	uint32_t        unix_autobind __guarded_by(names_lock); /* the last number given out */
	uint32_t        unix_max_queued __atomic; /* net.unix.max_dgram_qlen */
	uint32_t        max_backlog __atomic;     /* net.core.somaxconn */
	struct iface_table *ifaces __const_after_init; /* interfaces, addresses, routes */
};

extern struct netns netns_initial;

/* Once, before the first program: sockets work, and the first program has a namespace. */
void net_init(void);

struct netns *netns_get(struct netns *netns);
void netns_put(struct netns *netns);
