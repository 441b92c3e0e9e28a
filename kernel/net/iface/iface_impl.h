/*
 * What the files of net/iface share: the tables of one namespace, and the calls between them.
 *
 *     iface.c            the list of interfaces, their life
 *     change.c           up, down, MTU, MAC, names, flags
 *     device.c           network devices become interfaces, and go
 *     address*.c         addresses; IPv4; IPv6, which lwIP keeps in slots of its netif
 *     route*.c           the routes; which come with addresses; lookups and their cache
 *     hooks.c            what lwIP asks: the way out, the way in
 *     discovery.c        what routers announce becomes addresses and routes
 *
 * "config" is the configuration lock, "core" the stack's. What is guarded by config is written with
 * both held, and read with either.
 */
#pragma once

#include <lwip/netif.h>

#include "lib/list.h"
#include "net/iface/address.h"
#include "net/iface/event.h"
#include "net/iface/iface.h"
#include "net/iface/ip_address.h"
#include "net/iface/neighbour.h"
#include "net/iface/route.h"
#include "net/iface/stack_hooks.h"
#include "net/iface/start.h"
#include "net/netns.h"
#include "net/stack/stack.h"
#include "sched/mutex.h"

enum { ROUTE_CACHE_BITS = 4, NO_SLOT = -1 };

struct address_entry {
	struct list          link __guarded_by(config);
	struct iface_address address __guarded_by(config);
	int                  slot __guarded_by(config); /* IPv6: of the netif */
};

struct route_entry {
	struct list   link __guarded_by(config);
	struct route  route __guarded_by(config);
	struct iface *iface __guarded_by(config); /* NULL: leads nowhere; no reference */
};

/* A lookup's answer, kept until anything changes. */
struct route_cached {
	uint32_t generation; /* of the table when it was found; 0: none */
	int      err;
	struct route_key    key;
	struct route_result result;
};

/* All of one namespace. */
struct iface_table {
	struct mutex config; /* RANK_NETCONFIG */
	struct list  all __guarded_by(config); /* struct iface, by index */
	struct list  routes4, routes6 __guarded_by(config); /* in the order Linux prints */
	struct list  taps __guarded_by(core);        /* on all interfaces */
	uint32_t     generation __guarded_by(core);  /* of addresses, routes and flags; not 0 */
	uint32_t     nr_announced __guarded_by(core); /* routers and prefixes when last looked at */
	struct route_cached cache[1 << ROUTE_CACHE_BITS] __guarded_by(core);
};

static inline struct iface_table *table_of(const struct netns *netns)
{
	return netns->ifaces;
}

static inline bool iface_is_loopback(const struct iface *iface)
{
	return iface->flags & IFF_LOOPBACK;
}

static inline bool iface_is_up(const struct iface *iface)
{
	return iface->flags & IFF_UP;
}

/* ---- iface.c: borrowed; config or core held ------------------------------------------------ */

struct iface *iface_find(const struct iface_table *table, uint32_t index);
struct iface *iface_find_name(const struct iface_table *table, const char *name);
/* Core held: lookups that are remembered are forgotten. */
void iface_table_changed(struct iface_table *table);
/* Down, without a netif added to lwIP, on no list; one reference. ENOMEM. */
int iface_create(struct netns *netns, uint32_t index, const char *name, struct iface **out)
	__must_check;
/* On the list, with a name and an index; consumes the reference. Config held. */
void iface_publish(struct iface *iface);
/* Off the list, without addresses, routes or device. Config held. */
void iface_retire(struct iface *iface);

/* ---- change.c ------------------------------------------------------------------------------ */

/* IFF_UP goes; cannot fail. Config held. */
void iface_take_down(struct iface *iface);
/* The link came or went: RUNNING, LOWER_UP, operational state. Config held. */
void iface_link_update(struct iface *iface);

/* ---- event.c: config held ------------------------------------------------------------------ */

void event_link(struct iface *iface, enum iface_event_kind kind, uint32_t changed_flags);
void event_address(struct iface *iface, enum iface_event_kind kind,
                   const struct iface_address *address);
void event_route(struct netns *netns, enum iface_event_kind kind, const struct route_entry *entry);
void event_neighbour(struct iface *iface, enum iface_event_kind kind,
                     const struct neighbour *neighbour);

/* ---- address*.c: config held --------------------------------------------------------------- */

/* Puts it on the list, and tells. ENOMEM. */
int address_insert(struct iface *iface, const struct iface_address *address, int slot,
                   struct address_entry **out) __must_check;
/* Off the list with its routes, and tells. */
void address_discard(struct iface *iface, struct address_entry *entry);
struct address_entry *address_find(const struct iface *iface, const struct ip_address *local);

int  address4_add(struct iface *iface, const struct iface_address *address) __must_check;
void address4_remove(struct iface *iface, struct address_entry *entry);
/* Seconds from now, and the flags that follow from them. Core held. */
void address_set_lifetimes(struct iface *iface, struct address_entry *entry, uint32_t valid,
                           uint32_t preferred);
void address6_set_lifetimes(struct iface *iface, const struct address_entry *entry);
uint8_t address6_scope(const struct ip_address *address); /* RT_SCOPE_* */
int  address6_add(struct iface *iface, const struct iface_address *address) __must_check;
void address6_remove(struct iface *iface, struct address_entry *entry);
/* An interface came up: lo's own addresses, a link-local one, routes. */
void address4_up(struct iface *iface);
void address6_up(struct iface *iface);
/* It went down. */
void address4_down(struct iface *iface);
void address6_down(struct iface *iface);
/* All of them, for good. */
void address_flush(struct iface *iface);
/* When the next lifetime of an IPv4 address ends: see to it then. */
void address_lifetimes_arm(struct iface_table *table);

/* IPv4's address of the interface that suits the scope and, if it can, is in one network with
 * `near`; 0: none. Config or core held. */
__be32 address4_select(const struct iface *iface, __be32 near, unsigned int scope);
/* The address of IPv6 to send from; false: none. */
bool address6_select(const struct iface_table *table, const struct iface *iface,
                     const struct ip_address *destination, struct ip_address *out);

/* ---- route*.c ------------------------------------------------------------------------------ */

/* Without the checks of what a program may ask for; EEXIST, ENOMEM. Config held. */
int  route_insert(struct netns *netns, const struct route *route, struct iface *iface)
	__must_check;
/* The first that equals it in destination, table, type, metric and interface, if there is one. */
void route_withdraw(struct netns *netns, const struct route *route);
/* Those of a family over the interface; locals stay unless all are meant. */
void route_flush(struct iface *iface, unsigned int family, bool with_locals);
/* Those of IPv4 that prefer this source. */
void route_flush_source(struct netns *netns, const struct ip_address *source);
/* The routes that come with an address. */
void route_connect(struct iface *iface, const struct iface_address *address);
void route_disconnect(struct iface *iface, const struct iface_address *address);

void route_withdraw_local(struct iface *iface, const struct ip_address *local);
/* Those that routers announce are these from now on, and no others. */
void route_set_announced(struct netns *netns, const struct route *announced, unsigned int nr);

/* The best in the tables local and main; NULL: none. oif 0: any. Core or config held. */
const struct route_entry *route_find(const struct iface_table *table,
                                     const struct ip_address *destination, uint32_t oif);

/* As route_lookup_locked(), borrowed until the lock is given back. Key and result as there. */
int route_lookup_remembered(struct iface_table *table, const struct route_key *key,
                            const struct route_result **out);

/* ---- hooks.c ------------------------------------------------------------------------------- */

/* For netif_add() of an Ethernet. */
err_t hooks_netif_init(struct netif *netif);
/* Addresses changed: lwIP sees each interface's primary one. Core held. */
void hooks_reset(struct iface_table *table);
/* The netif that throws packets away: no route. */
void hooks_init(void);

/* ---- discovery.c --------------------------------------------------------------------------- */

/* lwIP's view of addresses and routers becomes ours, with events. Config held. */
void discovery_sync(struct iface_table *table);
void discovery_init(void);
/* The same, by a sleeping work. Any context. */
void discovery_soon(void);
/* Asks at once who routes; of an interface that is up, has a link and wants to know. Core held. */
void discovery_ask(struct iface *iface);

/* ---- unanswered.c: core held ----------------------------------------------------------------- */

/* The packet is about to leave for the hop, which may not be resolved. */
void unanswered_sent(struct netif *netif, const struct ip_address *hop, const struct pbuf *packet);
void unanswered_second(void);
void unanswered_forget(const struct netif *netif);

/* ---- neighbour.c: config held -------------------------------------------------------------- */

/* Permanent entries of an interface that goes down. */
void neighbour_forget(struct iface *iface);

/* ---- lwIP's addresses and ours ------------------------------------------------------------- */

static inline __be32 address_from_lwip4(const ip4_addr_t *address)
{
	return (__force __be32)address->addr;
}

static inline ip4_addr_t address_to_lwip4(__be32 address)
{
	return (ip4_addr_t){ .addr = (__force uint32_t)address };
}

static inline struct ip_address address_from_lwip6(const ip6_addr_t *address)
{
	return ip_address_v6(address->addr);
}

static inline void address_to_lwip6(const struct ip_address *address, const struct netif *netif,
                                    ip6_addr_t *out)
{
	memcpy(out->addr, address->bytes, sizeof(out->addr));
	ip6_addr_clear_zone(out);
	if (netif)
		ip6_addr_assign_zone(out, IP6_UNKNOWN, netif);
}
