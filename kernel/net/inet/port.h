/*
 * Who has which port: one table for TCP and UDP, with Linux's rules. socket(7): SO_REUSEADDR,
 * SO_REUSEPORT; ip(7): ip_local_port_range; ipv6(7): IPV6_V6ONLY.
 *
 *     use.protocol, local, bound_iface, uid, flags = ...;      zeroed before
 *     err = port_bind(netns, &use, port);                      bind(2); 0: any that is free
 *     err = port_listen(&use);                                 listen(2): not two of the same
 *     err = port_connect(netns, &use);                         connect(2) without a bind(2)
 *     port_inherit(&use, &listener_use);                       a connection that was accepted
 *     port_release(&use);
 *
 * A use is a socket's claim, or what a connection leaves behind for TIME_WAIT. Two claims on one
 * port are rivals if the same packet could be meant for both: their interfaces and addresses
 * overlap. Rivals go together if both sides say SO_REUSEPORT and have one owner, or SO_REUSEADDR
 * and neither listens (TCP). The wildcard IPADDR_TYPE_ANY overlaps with both families, an IPv6
 * wildcard only with IPv6.
 *
 * A port that connect(2) chose is shared by connections to different places, and with nothing else.
 *
 * Locking: all functions are called with the stack's lock ("core"), which guards the table and all
 * fields of a use that is in it. None sleeps; the table itself is allocated with the first use.
 */
#pragma once

#include <lwip/ip_addr.h>

#include "lib/hlist.h"
#include "lib/types.h"
#include "net/inet/inet.h"

struct cred;
struct netns;

enum port_flags {
	PORT_REUSE_ADDRESS = 1 << 0, /* SO_REUSEADDR when it was bound, or later */
	PORT_REUSE_PORT    = 1 << 1, /* SO_REUSEPORT */
	PORT_LISTENING     = 1 << 2,
	PORT_CHOSEN        = 1 << 3, /* by connect(2): others may have it for other remotes */
	PORT_CONNECTED     = 1 << 4, /* remote is valid */
	PORT_TIME_WAIT     = 1 << 5, /* of nobody any more */
	PORT_REUSABLE      = 1 << 6, /* ... and the same connection may be made anew */
};

struct port_use {
	struct hlist_node in_table;
	struct netns     *netns; /* borrowed: of the socket */
	ip_addr_t         local, remote;
	uint16_t          port, remote_port; /* host order; 0: not in the table */
	uint8_t           protocol;          /* IPPROTO_TCP, IPPROTO_UDP */
	uint8_t           flags;             /* PORT_* */
	uint32_t          bound_iface;       /* index; 0: any */
	uint32_t          uid;               /* SO_REUSEPORT: of one user only */
};

static inline bool port_is_bound(const struct port_use *use)
{
	return use->port != 0;
}

/* EACCES: a low port without CAP_NET_BIND_SERVICE. No lock needed. */
__must_check int port_check_rights(struct netns *netns, uint16_t port, const struct cred *cred);

/* port 0: any that is free. EADDRINUSE (also if none is free), ENOMEM. */
__must_check int port_bind(struct netns *netns, struct port_use *use, uint16_t port);

/* A bound TCP use becomes a listener. EADDRINUSE: there is one. */
__must_check int port_listen(struct port_use *use);

/*
 * Chooses a port for local, remote and remote_port, which are filled in. EADDRNOTAVAIL: all are in
 * use; ENOMEM.
 */
__must_check int port_connect(struct netns *netns, struct port_use *use);

/* The same for a use that is bound: its remote becomes that. EADDRNOTAVAIL: such a one exists. */
__must_check int port_connect_bound(struct port_use *use, const ip_addr_t *remote,
                                    uint16_t remote_port);

/* Adds a connection on the listener's port; local, remote, remote_port are filled in. */
void port_inherit(struct port_use *use, const struct port_use *listener);

/* Out of the table; harmless for one that is not in it. */
void port_release(struct port_use *use);
