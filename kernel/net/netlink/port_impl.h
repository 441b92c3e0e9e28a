/*
 * The table of all sockets of AF_NETLINK: port.c keeps it, send.c and netlink.c walk it.
 */
#pragma once

#include "net/netlink/netlink_impl.h"

struct netlink_table {
	struct spinlock lock;
	struct rbtree   ports __guarded_by(lock); /* struct netlink_sock, those that are bound */
	struct list     socks __guarded_by(lock); /* all, by cookie */
	/* members of each group by protocol->index; read without the lock for a hint */
	uint32_t        listeners[NETLINK_PROTOCOLS][NETLINK_GROUPS] __guarded_by(lock);
};

extern struct netlink_table netlink_table;
