/*
 * Memberships in groups. See multicast.h.
 */
#include "net/inet/multicast.h"

#include <linux/errno.h>
#include <lwip/igmp.h>
#include <lwip/mld6.h>
#include <lwip/netif.h>

#include "lib/list.h"
#include "mem/alloc.h"
#include "net/iface/iface.h"
#include "net/iface/route.h"
#include "net/stack/stack.h"

enum { SOURCES_MAX = 10 }; /* net.ipv4.igmp_max_msf */

struct membership {
	struct list link;
	ip_addr_t   group;
	uint32_t    iface;
	bool        is_include; /* of the sources; else all but those */
	uint32_t    nr_sources;
	ip_addr_t   sources[SOURCES_MAX];
};

struct inet_memberships {
	struct list all __guarded_by(core);
	uint32_t    nr __guarded_by(core);
};

/* ---- the host ----------------------------------------------------------------------- */

static int host_join(struct netif *netif, const ip_addr_t *group)
{
	err_t err;

	if (IP_IS_V4(group)) {
		err = igmp_joingroup_netif(netif, ip_2_ip4(group));
	} else {
		ip6_addr_t zoned = *ip_2_ip6(group);

		ip6_addr_assign_zone(&zoned, IP6_MULTICAST, netif);
		err = mld6_joingroup_netif(netif, &zoned);
	}
	stack_tick_start(STACK_TICK_MULTICAST);
	return err == ERR_OK ? 0 : stack_errno(err);
}

static void host_leave(struct netif *netif, const ip_addr_t *group)
{
	if (IP_IS_V4(group)) {
		igmp_leavegroup_netif(netif, ip_2_ip4(group));
	} else {
		ip6_addr_t zoned = *ip_2_ip6(group);

		ip6_addr_assign_zone(&zoned, IP6_MULTICAST, netif);
		mld6_leavegroup_netif(netif, &zoned);
	}
}

/* ---- which interface ---------------------------------------------------------------- */

static uint32_t iface_by_route(struct netns *netns, const ip_addr_t *to)
{
	const struct route_key key = { .destination = inet_to_ip_address(to) };
	struct route_result route;

	return route_lookup(netns, &key, &route) ? 0 : route.iface_index;
}


/* A reference; ENODEV. Sleeps. */
static int iface_find(struct netns *netns, const struct multicast_request *request,
                      struct iface **out)
{
	uint32_t index = request->iface;

	if (!index && !ip_addr_isany(&request->address))
		index = inet_iface_of_address(netns, &request->address);
	else if (!index)
		index = iface_by_route(netns, &request->group);
	*out = index ? iface_by_index(netns, index) : NULL;
	return *out ? 0 : -ENODEV;
}

/* ---- memberships -------------------------------------------------------------------- */

static struct membership *find(const struct inet_sock *sock, const ip_addr_t *group,
                               uint32_t iface)
{
	struct membership *at;

	if (!sock->memberships)
		return NULL;
	list_for_each_entry(at, &sock->memberships->all, link)
		if ((!iface || at->iface == iface) && inet_address_matches(&at->group, group))
			return at;
	return NULL;
}

static int add_locked(struct inet_sock *sock, struct iface *iface, const ip_addr_t *group,
                      struct membership **out)
{
	const struct inet_settings *settings = inet_settings(sock->socket.netns);
	struct membership *added;
	int err;

	if (!sock->memberships) {
		sock->memberships = kzalloc(sizeof(*sock->memberships), ALLOC_ATOMIC);
		if (!sock->memberships)
			return -ENOMEM;
		list_init(&sock->memberships->all);
	}
	if (IP_IS_V4(group) && sock->memberships->nr >= READ_ONCE(settings->multicast_max))
		return -ENOBUFS;
	added = kzalloc(sizeof(*added), ALLOC_ATOMIC);
	if (!added)
		return -ENOMEM;
	err = host_join(iface->netif, group);
	if (err) {
		kfree(added);
		return err;
	}
	ip_addr_copy(added->group, *group);
	added->iface = iface->index;
	list_add_tail(&sock->memberships->all, &added->link);
	sock->memberships->nr++;
	*out = added;
	return 0;
}

static void remove_locked(struct inet_sock *sock, struct membership *at, struct netif *netif)
{
	if (netif)
		host_leave(netif, &at->group);
	list_remove(&at->link);
	sock->memberships->nr--;
	kfree(at);
}

int multicast_join(struct inet_sock *sock, const struct multicast_request *request)
{
	struct netns *netns = sock->socket.netns;
	struct membership *added;
	struct iface *iface;
	int err;

	if (!ip_addr_ismulticast(&request->group))
		return -EINVAL;
	err = iface_find(netns, request, &iface);
	if (err)
		return err;
	stack_lock(netns);
	err = find(sock, &request->group, iface->index)
		      ? -EADDRINUSE
		      : add_locked(sock, iface, &request->group, &added);
	stack_unlock(netns);
	iface_put(iface);
	return err;
}

int multicast_leave(struct inet_sock *sock, const struct multicast_request *request)
{
	struct netns *netns = sock->socket.netns;
	struct membership *at;
	struct iface *iface;
	int err = iface_find(netns, request, &iface);

	if (err && !ip_addr_isany(&request->address))
		return err;
	stack_lock(netns);
	at = find(sock, &request->group, err ? 0 : iface->index);
	if (at)
		remove_locked(sock, at, err ? NULL : iface->netif);
	stack_unlock(netns);
	if (!err)
		iface_put(iface);
	return at ? 0 : err && request->iface ? err : -EADDRNOTAVAIL;
}

/* ---- sources ------------------------------------------------------------------------ */

static int source_index(const struct membership *at, const ip_addr_t *source)
{
	for (uint32_t i = 0; i < at->nr_sources; i++)
		if (inet_address_matches(&at->sources[i], source))
			return (int)i;
	return -1;
}

static int source_put(struct membership *at, const ip_addr_t *source)
{
	if (source_index(at, source) >= 0)
		return -EADDRNOTAVAIL;
	if (at->nr_sources == SOURCES_MAX)
		return -ENOBUFS;
	ip_addr_copy(at->sources[at->nr_sources], *source);
	at->nr_sources++;
	return 0;
}

static int source_take(struct membership *at, const ip_addr_t *source)
{
	int i = source_index(at, source);

	if (i < 0)
		return -EADDRNOTAVAIL;
	at->sources[i] = at->sources[--at->nr_sources];
	return 0;
}

static int source_change_locked(struct inet_sock *sock, const struct multicast_request *request,
                                enum multicast_source what, struct iface *iface)
{
	bool is_include = what == MULTICAST_SOURCE_ADD || what == MULTICAST_SOURCE_DROP;
	struct membership *at = find(sock, &request->group, iface->index);
	int err;

	if (!at) {
		if (what != MULTICAST_SOURCE_ADD)
			return -EINVAL;
		err = add_locked(sock, iface, &request->group, &at);
		if (err)
			return err;
		at->is_include = true;
	}
	if (at->is_include != is_include) {
		if (at->nr_sources)
			return -EINVAL;
		at->is_include = is_include;
	}
	if (what == MULTICAST_SOURCE_ADD || what == MULTICAST_BLOCK)
		return source_put(at, &request->source);
	err = source_take(at, &request->source);
	if (!err && what == MULTICAST_SOURCE_DROP && !at->nr_sources)
		remove_locked(sock, at, iface->netif);
	return err;
}

int multicast_source_change(struct inet_sock *sock, const struct multicast_request *request,
                            enum multicast_source what)
{
	struct netns *netns = sock->socket.netns;
	struct iface *iface;
	int err;

	if (!ip_addr_ismulticast(&request->group))
		return -EINVAL;
	err = iface_find(netns, request, &iface);
	if (err)
		return err;
	stack_lock(netns);
	err = source_change_locked(sock, request, what, iface);
	stack_unlock(netns);
	iface_put(iface);
	return err;
}

/* ---- the end, and packets ----------------------------------------------------------- */

void multicast_leave_all(struct inet_sock *sock)
{
	struct netns *netns = sock->socket.netns;
	struct inet_memberships *memberships = sock->memberships;

	if (likely(!memberships))
		return;
	while (!list_is_empty(&memberships->all)) {
		struct membership *at = list_first_entry(&memberships->all, struct membership,
		                                         link);
		struct iface *iface = iface_by_index(netns, at->iface);

		stack_lock(netns);
		remove_locked(sock, at, iface ? iface->netif : NULL);
		stack_unlock(netns);
		if (iface)
			iface_put(iface);
	}
	stack_lock(netns);
	sock->memberships = NULL;
	stack_unlock(netns);
	kfree(memberships);
}

bool multicast_allows(const struct inet_sock *sock, const ip_addr_t *to, const ip_addr_t *from,
                      uint32_t iface)
{
	const struct membership *at;
	bool is_v4 = IP_IS_V4(to);

	if (!ip_addr_ismulticast(to))
		return true;
	at = find(sock, to, is_v4 ? iface : 0);
	if (!at)
		return inet_has(sock, is_v4 ? INET_MULTICAST_ALL : INET_MULTICAST_ALL6);
	return at->is_include == (source_index(at, from) >= 0);
}
