/*
 * Interfaces: lo, and one for each network device. netdevice(7), rtnetlink(7)
 *
 * An interface exists from the day its device is registered (lo: from net_init() on), down and
 * without an address, as on Linux. It is found by index or by name, with a reference. When the
 * device goes, the interface is taken off the list, loses its addresses and routes and its device,
 * and lives on, dead, until the last reference is put: operations on it then say ENODEV.
 *
 * Locking: changes are made with the configuration lock of the namespace held, a mutex; what the
 * stack reads while it moves packets is written with the stack's core lock held as well. So fields
 * "guarded by config" may be read with either lock. The functions here may sleep and take the core
 * lock themselves, unless they say otherwise. References may be taken and put anywhere.
 *
 * Errors are those that rtnetlink(7) and netdevice(7) give.
 */
#pragma once

#include <linux/if.h>
#include <linux/if_link.h>

#include "abi/socket.h"
#include "lib/list.h"
#include "lib/refcount.h"
#include "lib/types.h"

struct netbuf;
struct netdev;
struct netif;
struct netns;

enum { IFACE_LOOPBACK_INDEX = 1, IFACE_MAC_BYTES = 6 };

/* net.ipv4.conf.*, net.ipv6.conf.*: words, read without a lock. */
struct iface_ipv6_config {
	int32_t disable_ipv6; /* change it by iface_set_ipv6_disabled() */
	int32_t accept_ra, autoconf, dad_transmits;
	int32_t hop_limit; /* as the last router to announce one would have it, or 64 */
};

struct iface {
	struct refcount refs;
	uint32_t     index __const_after_init;
	uint16_t     type __const_after_init;              /* ARPHRD_ETHER, ARPHRD_LOOPBACK */
	bool         is_dead __guarded_by(config);
	uint8_t      operational_state __guarded_by(config); /* IF_OPER_* */
	char         name[IFNAMSIZ] __guarded_by(config);
	uint32_t     flags __guarded_by(config);           /* IFF_*, IFF_RUNNING and LOWER_UP too */
	uint32_t     wished_flags __guarded_by(config);    /* PROMISC, ALLMULTI by programs */
	uint32_t     mtu, min_mtu, max_mtu __guarded_by(config); /* max_mtu 0: any */
	uint32_t     queue_length __guarded_by(config);    /* txqueuelen */
	uint32_t     nr_promiscuous, nr_all_multicast __guarded_by(config); /* who wants it */
	uint8_t      mac[IFACE_MAC_BYTES] __guarded_by(config);
	uint8_t      permanent_mac[IFACE_MAC_BYTES] __const_after_init;
	uint8_t      broadcast[IFACE_MAC_BYTES] __const_after_init;
	uint32_t     carrier_changes __guarded_by(config);
	uint8_t      announced_hop_limit __guarded_by(core); /* by a router; 0: none */
	struct iface_ipv6_config ipv6 __atomic;
	struct netns  *netns __const_after_init;
	struct netdev *netdev __guarded_by(config);        /* NULL: lo, or dead */
	struct netif  *netif __const_after_init;           /* the stack's: inet's and the stack's */
	struct list    addresses __guarded_by(config);     /* address_impl.h */
	struct list    taps __guarded_by(core);            /* tap.h */
	struct rtnl_link_stats64 counters __guarded_by(core); /* lo's, and what the stack dropped */
	struct list    link __guarded_by(config);
};

/* Over all changes of interfaces, addresses, routes and neighbours. Sleeps. */
void iface_config_lock(struct netns *netns);
void iface_config_unlock(struct netns *netns);
void iface_config_assert_locked(const struct netns *netns);

/* A reference, or NULL. Take the core lock; no sleep. */
struct iface *iface_by_index(struct netns *netns, uint32_t index);
struct iface *iface_by_name(struct netns *netns, const char *name);
static inline struct iface *iface_get(struct iface *iface)
{
	refcount_get(&iface->refs);
	return iface;
}
void iface_put(struct iface *iface);

/* In the order of indices; ends with the first answer but 0, which it returns. Config lock held. */
int iface_for_each(struct netns *netns, int (*fn)(struct iface *iface, void *data), void *data);

/* ---- changes: the configuration lock is held --------------------------------------------- */

/* IFF_UP. ENODEV, and what the device says. */
int iface_set_up(struct iface *iface, bool is_up);
/* The flags in `mask` become as in `flags`: UP, PROMISC, ALLMULTI, NOARP, MULTICAST, DYNAMIC. */
int iface_set_flags(struct iface *iface, uint32_t flags, uint32_t mask);
/* EINVAL outside of what the device can do. */
int iface_set_mtu(struct iface *iface, uint32_t mtu);
/* EOPNOTSUPP on lo; EADDRNOTAVAIL: it is a group, or zero. */
int iface_set_mac(struct iface *iface, const uint8_t *mac);
int iface_set_queue_length(struct iface *iface, uint32_t length);
/* EINVAL: no name; EEXIST. "%d" in it becomes the first free number. */
int iface_rename(struct iface *iface, const char *name);
/* For packet sockets: one more, or one less, who wants all frames (IFF_PROMISC), all groups. */
int iface_promiscuous_add(struct iface *iface, int change);
int iface_all_multicast_add(struct iface *iface, int change);
/* net.ipv6.conf.NAME.disable_ipv6: addresses and routes of IPv6 go, or the link-local one comes. */
int iface_set_ipv6_disabled(struct iface *iface, bool is_disabled);

/* ---- asked without the lock -------------------------------------------------------------- */

/* Takes the core lock. */
void iface_statistics(struct iface *iface, struct rtnl_link_stats64 *out);

/*
 * A whole frame, link header first, as a packet socket sends it. Consumes the netbuf, also on
 * failure. ENETDOWN, ENOBUFS. Takes the core lock; no sleep.
 */
int iface_transmit_raw(struct iface *iface, struct netbuf *netbuf);
