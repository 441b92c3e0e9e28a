/*
 * Routes: where packets go. ip-route(8), rtnetlink(7), route(8)
 *
 * There are the tables "main" and "local". Local has what is delivered here and what is broadcast,
 * made with addresses; it is asked first. In a table the longest prefix wins, then the smallest
 * metric. Routes over an interface that is down do not exist; on Linux, too, they go when it goes
 * down. IPv6 routes that routers announce are in main with protocol RTPROT_RA and an end.
 *
 * Locking: changes and route_for_each() with the configuration lock held (iface.h). Lookups take
 * the core lock; route_lookup_locked() has it from its caller. A lookup never sleeps.
 */
#pragma once

#include <linux/rtnetlink.h>

#include "net/iface/ip_address.h"

struct iface;
struct netif;
struct netns;

struct route {
	struct ip_address destination;      /* its family is the route's; with prefix_length */
	struct ip_address gateway;          /* AF_UNSPEC: on the link */
	struct ip_address preferred_source; /* AF_UNSPEC: by the interface */
	uint32_t table;         /* RT_TABLE_MAIN, RT_TABLE_LOCAL; 0: main */
	uint32_t metric;        /* smaller is better; IPv6's usual is 1024 */
	uint32_t iface_index;   /* 0: to be found by the gateway, or none is needed */
	uint32_t mtu;           /* RTAX_MTU; 0: the interface's */
	uint32_t flags;         /* RTNH_F_ONLINK */
	uint8_t  prefix_length;
	uint8_t  type;          /* RTN_UNICAST, LOCAL, BROADCAST, BLACKHOLE ... */
	uint8_t  protocol;      /* RTPROT_* */
	uint8_t  scope;         /* RT_SCOPE_*; of IPv4 */
	uint8_t  tos;
	uint8_t  preference;    /* of a router: ICMPV6_ROUTER_PREF_* */
	uint8_t  hop_limit;     /* RTAX_HOPLIMIT; 0: the usual */
	ns_t     expires;       /* CLOCK_MONOTONIC; 0: never */
};

/*
 * flags: NLM_F_CREATE, EXCL, REPLACE, APPEND as RTM_NEWROUTE has them. EEXIST, ENOENT (to be
 * replaced), ENETUNREACH (the gateway is not on a link), EINVAL, ENODEV, ENETDOWN, ENOMEM.
 */
int __must_check route_add(struct netns *netns, const struct route *route, unsigned int flags);
/*
 * The first that has what is given; zero and AF_UNSPEC match all but destinations,
 * RT_SCOPE_NOWHERE all scopes. ESRCH.
 */
int __must_check route_remove(struct netns *netns, const struct route *match);
/* family 0: all. In the order Linux prints. Ends with the first answer but 0, which it returns. */
int route_for_each(struct netns *netns, unsigned int family,
                   int (*fn)(const struct route *route, void *data), void *data);

/* What is asked. */
struct route_key {
	struct ip_address destination;
	struct ip_address source;      /* AF_UNSPEC or zero: to be chosen */
	uint32_t          iface_index; /* only over this one; 0: any */
};

/* And found. */
struct route_result {
	struct ip_address source;      /* the one asked for, or the one to use */
	struct ip_address next_hop;    /* the gateway, or the destination */
	struct netif     *netif;       /* inet's and the stack's; valid under the core lock */
	uint32_t          iface_index; /* over which the packet goes: lo's for local ones */
	uint32_t          mtu;
	uint32_t          table, metric;
	uint8_t           type;        /* RTN_UNICAST, LOCAL, BROADCAST, MULTICAST */
	uint8_t           scope, protocol, prefix_length;
	bool              has_gateway;
};

/*
 * ENETUNREACH (no route), EHOSTUNREACH, EACCES, EINVAL (unreachable, prohibit, blackhole),
 * EADDRNOTAVAIL (IPv6: no source address for it). ENODEV: no such interface.
 */
int __must_check route_lookup(struct netns *netns, const struct route_key *key,
                              struct route_result *out);
int __must_check route_lookup_locked(struct netns *netns, const struct route_key *key,
                                     struct route_result *out);
