/*
 * Groups: which ones a socket is a member of, and from whom it wants their packets. ip(7):
 * IP_ADD_MEMBERSHIP, IP_ADD_SOURCE_MEMBERSHIP, IP_BLOCK_SOURCE; MCAST_* of RFC 3678.
 *
 * The host is in a group as long as one socket is, on that interface; the stack tells routers, by
 * IGMPv2 and MLDv1, which know no sources: those are sorted out here.
 */
#pragma once

#include "net/inet/inet_impl.h"

struct multicast_request {
	ip_addr_t group, source; /* source: only for the calls with one */
	ip_addr_t address;       /* of the interface, if iface is 0; or a wildcard */
	uint32_t  iface;         /* index; 0: by the address, or by the route to the group */
};

/* EINVAL (no group), ENODEV, EADDRINUSE, ENOBUFS (igmp_max_memberships), ENOMEM. */
__must_check int multicast_join(struct inet_sock *sock, const struct multicast_request *request);
/* EINVAL, ENODEV, EADDRNOTAVAIL. */
__must_check int multicast_leave(struct inet_sock *sock, const struct multicast_request *request);

enum multicast_source { MULTICAST_SOURCE_ADD, MULTICAST_SOURCE_DROP, MULTICAST_BLOCK,
	                MULTICAST_UNBLOCK };
/*
 * Members by source: only those that were added (the first makes the membership), or all but those
 * that were blocked. EINVAL, ENODEV, EADDRNOTAVAIL, ENOBUFS.
 */
__must_check int multicast_source_change(struct inet_sock *sock,
                                         const struct multicast_request *request,
                                         enum multicast_source what);

/* At the end of a socket. No lock held. */
void multicast_leave_all(struct inet_sock *sock);
/* Does the socket want a packet that goes to this group? Core held. */
bool multicast_allows(const struct inet_sock *sock, const ip_addr_t *to, const ip_addr_t *from,
                      uint32_t iface);
