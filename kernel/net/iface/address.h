/*
 * The addresses of interfaces. rtnetlink(7), netdevice(7)
 *
 * An interface may have any number of IPv4 addresses and a handful of IPv6 ones. With an address
 * come routes (route.h): to the address itself in the table "local", and to its network. IPv6
 * addresses begin tentative, until duplicate address detection is through; those that routers
 * announce come and go by themselves.
 *
 * Locking: changes with the configuration lock held (iface.h); iface_address_for_each() too.
 */
#pragma once

#include <linux/if.h>
#include <linux/if_addr.h>

#include "net/iface/ip_address.h"

struct iface;
struct netns;

enum { ADDRESS_LIFE_FOREVER = 0xffffffffu };

struct iface_address {
	struct ip_address local;
	struct ip_address peer;      /* the other end of a line; the same as local: none */
	struct ip_address broadcast; /* IPv4; none: AF_UNSPEC */
	uint8_t  prefix_length;      /* of peer, or local */
	uint8_t  scope;              /* RT_SCOPE_* */
	uint8_t  protocol;           /* IFAPROT_*; 0: user space */
	uint32_t flags;              /* IFA_F_* */
	uint32_t metric;             /* of the route to its network; 0: the usual */
	/* seconds from now; ADDRESS_LIFE_FOREVER */
	uint32_t valid_seconds, preferred_seconds;
	ns_t     created, updated;   /* CLOCK_MONOTONIC; not looked at when it is added */
	char     label[IFNAMSIZ];    /* IPv4; empty: the interface's name */
};

/*
 * A missing scope, label or peer is filled in as Linux does. EEXIST, EINVAL (prefix length, family,
 * flags, lifetimes), EADDRNOTAVAIL (no address of a host), ENOBUFS (no room for more of IPv6),
 * ENOMEM, EACCES (IPv6 is disabled), ENODEV.
 */
int __must_check iface_address_add(struct iface *iface, const struct iface_address *address);
/* Lifetimes, flags and metric of one that exists: RTM_NEWADDR with NLM_F_REPLACE. EADDRNOTAVAIL. */
int __must_check iface_address_change(struct iface *iface, const struct iface_address *address);
/*
 * The first that has what is given: local, peer, label, prefix_length with any of the two; an
 * AF_UNSPEC and an empty label match all. When a primary address goes, so do its secondary ones.
 * EADDRNOTAVAIL.
 */
int __must_check iface_address_remove(struct iface *iface, const struct iface_address *match);

/* family 0: all. Ends with the first answer but 0, which it returns. */
int iface_address_for_each(struct iface *iface, unsigned int family,
                           int (*fn)(const struct iface_address *address, void *data),
                           void *data);

/*
 * The first of the family, if there is one; for IPv4 by the label if it is not NULL: SIOCGIFADDR.
 */
bool iface_address_first(struct iface *iface, unsigned int family, const char *label,
                         struct iface_address *out);

/*
 * What bind(2) asks: may a socket have this as its own address? Ours, any, multicast, IPv4
 * broadcast. iface_index (0: any): where link-local ones must be. Takes the core lock; no sleep.
 */
bool iface_source_is_local(struct netns *netns, const struct ip_address *address,
                           uint32_t iface_index);
