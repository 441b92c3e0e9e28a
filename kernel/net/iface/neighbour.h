/*
 * Neighbours: who has which hardware address on the link. arp(7), rtnetlink(7)
 *
 * The tables are lwIP's: ARP for IPv4, neighbour discovery for IPv6; shown as Linux shows its own,
 * by states NUD_*. Entries made here are permanent.
 *
 * Locking: with the configuration lock held (iface.h); the core lock is taken inside.
 */
#pragma once

#include <linux/neighbour.h>

#include "net/iface/iface.h"
#include "net/iface/ip_address.h"

struct neighbour {
	struct ip_address address;
	uint32_t iface_index;
	uint16_t state;  /* NUD_* */
	uint8_t  flags;  /* NTF_ROUTER */
	bool     has_mac;
	uint8_t  mac[IFACE_MAC_BYTES];
	ns_t     confirmed, used, updated; /* ago */
};

/*
 * flags: NLM_F_CREATE, EXCL, REPLACE. EEXIST, ENOENT, EINVAL (the address or state), ENODEV,
 * ENOBUFS (the table is full).
 */
int __must_check neighbour_add(struct iface *iface, const struct neighbour *neighbour,
                               unsigned int flags);
/* ENOENT. */
int __must_check neighbour_remove(struct iface *iface, const struct ip_address *address);
/* family 0: all. Ends with the first answer but 0, which it returns. */
int neighbour_for_each(struct netns *netns, unsigned int family,
                       int (*fn)(const struct neighbour *neighbour, void *data), void *data);
/* All of an interface: RTM_NEWLINK down, `ip neigh flush`. */
void neighbour_flush(struct iface *iface);
