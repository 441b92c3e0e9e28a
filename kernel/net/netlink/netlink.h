/*
 * AF_NETLINK: how programs ask for and change the configuration of the network, and hear of changes
 * by others. netlink(7), rtnetlink(7), sock_diag(7)
 *
 * The protocols NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_GENERIC, NETLINK_KOBJECT_UEVENT and
 * NETLINK_USERSOCK; others are EPROTONOSUPPORT, as on a Linux without them. Inside: netlink_impl.h.
 */
#pragma once

#include "lib/types.h"

struct netns;

/* Registers the family, and hears of changes of interfaces. Once, after iface_init(). */
void netlink_init(void);

/* A socket as /proc/net/netlink shows it. The kernel's own have port and inode 0. */
struct netlink_info {
	uint32_t protocol, port, groups;
	uint32_t queued; /* bytes in its queue */
	uint32_t refs, drops;
	bool     has_dump; /* an answer in pieces is on its way */
	ino_t    ino;
};

/* Calls fn for every socket of the namespace, without locks; new ones may be missed. */
void netlink_for_each(const struct netns *netns,
                      void (*fn)(const struct netlink_info *info, void *data), void *data);
