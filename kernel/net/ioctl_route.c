/*
 * Routes and neighbours of IPv4 by ioctls: route(8), arp(7).
 */
#include <linux/errno.h>
#include <linux/if_arp.h>
#include <linux/in.h>
#include <linux/route.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>

#include "id/cred.h"
#include "lib/bits.h"
#include "lib/byteorder.h"
#include "lib/string.h"
#include "net/iface/neighbour.h"
#include "net/iface/route.h"
#include "net/ioctl.h"
#include "net/ioctl_impl.h"

static __be32 address_of(const struct sockaddr *name)
{
	struct sockaddr_in in;

	memcpy(&in, name, sizeof(in));
	return in.sin_addr.s_addr;
}

/* ---- routes ---------------------------------------------------------------------------------- */

/* The prefix's length: of a mask without holes, that covers the destination. */
static int prefix_read(const struct rtentry *entry, struct route *route)
{
	uint32_t mask = be32_to_cpu(address_of(&entry->rt_genmask));
	uint32_t host = be32_to_cpu(route->destination.v4);

	route->prefix_length = 32;
	if (entry->rt_flags & RTF_HOST)
		return 0;
	if (entry->rt_genmask.sa_family != AF_INET && (mask || entry->rt_genmask.sa_family))
		return -EAFNOSUPPORT;
	if (host & ~mask || (~mask & (~mask + 1)))
		return -EINVAL;
	route->prefix_length = (uint8_t)bit_count(mask);
	return 0;
}

static int gateway_read(const struct rtentry *entry, struct route *route)
{
	__be32 gateway = address_of(&entry->rt_gateway);

	if (entry->rt_gateway.sa_family == AF_INET && gateway) {
		route->gateway = ip_address_v4(gateway);
		if (entry->rt_flags & RTF_GATEWAY)
			route->scope = RT_SCOPE_UNIVERSE;
	}
	return 0;
}

static int device_read(struct netns *netns, const char name[IFNAMSIZ], struct route *route)
{
	struct iface *iface;
	int err;

	if (!name[0])
		return 0;
	err = ioctl_iface(netns, name, &iface);
	if (err)
		return err;
	route->iface_index = iface->index;
	iface_put(iface);
	return 0;
}

static int entry_read(struct netns *netns, const struct net_rtentry *request, struct route *route)
{
	const struct rtentry *entry = (const struct rtentry *)(const void *)request->entry;
	int err;

	if (entry->rt_dst.sa_family != AF_INET)
		return -EAFNOSUPPORT;
	route->destination = ip_address_v4(address_of(&entry->rt_dst));
	err = prefix_read(entry, route);
	if (err)
		return err;
	route->table = RT_TABLE_MAIN;
	if (entry->rt_metric)
		route->metric = (uint32_t)entry->rt_metric - 1;
	if (entry->rt_flags & RTF_REJECT) {
		route->type = RTN_UNREACHABLE;
		route->scope = RT_SCOPE_HOST;
		return 0;
	}
	route->type = RTN_UNICAST;
	route->scope = RT_SCOPE_LINK;
	err = device_read(netns, request->device, route);
	if (!err)
		err = gateway_read(entry, route);
	if (!err && entry->rt_flags & RTF_MTU)
		route->mtu = (uint32_t)entry->rt_mtu;
	return err;
}

long ioctl_route(struct netns *netns, unsigned int cmd, void *arg, const struct cred *cred)
{
	const struct net_rtentry *request = arg;
	const struct rtentry *entry = (const struct rtentry *)(const void *)request->entry;
	struct route route = { .mtu = 0 };
	long result;

	if (!cred_capable(cred, CAP_NET_ADMIN))
		return -EPERM;
	result = entry_read(netns, request, &route);
	if (result)
		return result;
	if (cmd == SIOCADDRT && entry->rt_flags & RTF_GATEWAY && !route.gateway.family)
		return -EINVAL;
	iface_config_lock(netns);
	if (cmd == SIOCADDRT) {
		route.protocol = RTPROT_BOOT;
		result = route_add(netns, &route, NLM_F_CREATE);
	} else {
		if (!route.gateway.family)
			route.scope = RT_SCOPE_NOWHERE; /* any */
		route.mtu = 0;
		result = route_remove(netns, &route);
	}
	iface_config_unlock(netns);
	return result;
}

/* ---- ARP ------------------------------------------------------------------------------------- */

enum { NUD_VALID = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY };

struct search {
	struct ip_address address;
	uint32_t          iface_index;
	struct neighbour  found;
};

static int compare(const struct neighbour *neighbour, void *data)
{
	struct search *search = data;

	if (neighbour->iface_index != search->iface_index ||
	    !ip_address_equals(&neighbour->address, &search->address))
		return 0;
	search->found = *neighbour;
	return 1;
}

static long arp_get(struct iface *iface, struct arpreq *request)
{
	struct search search = {
		.address = ip_address_v4(address_of(&request->arp_pa)),
		.iface_index = iface->index,
	};

	if (!neighbour_for_each(iface->netns, AF_INET, compare, &search) ||
	    !(search.found.state & NUD_VALID))
		return -ENXIO;
	memset(&request->arp_ha, 0, sizeof(request->arp_ha));
	memcpy(request->arp_ha.sa_data, search.found.mac, sizeof(search.found.mac));
	request->arp_ha.sa_family = iface->type;
	request->arp_flags = ATF_COM | (search.found.state & NUD_PERMANENT ? ATF_PERM : 0);
	memcpy(request->arp_dev, iface->name, sizeof(request->arp_dev));
	return 0;
}

static long arp_set(struct iface *iface, const struct arpreq *request)
{
	struct neighbour neighbour = {
		.address = ip_address_v4(address_of(&request->arp_pa)),
		.iface_index = iface->index,
		.state = request->arp_flags & ATF_PERM ? NUD_PERMANENT : NUD_STALE,
		.has_mac = request->arp_flags & ATF_COM,
	};

	memcpy(neighbour.mac, request->arp_ha.sa_data, sizeof(neighbour.mac));
	return neighbour_add(iface, &neighbour, NLM_F_CREATE | NLM_F_REPLACE);
}

static long arp_run(struct iface *iface, unsigned int cmd, struct arpreq *request)
{
	struct ip_address address = ip_address_v4(address_of(&request->arp_pa));
	int err;

	if (request->arp_flags & ATF_COM && request->arp_ha.sa_family &&
	    request->arp_ha.sa_family != iface->type)
		return -EINVAL;
	if (cmd == SIOCGARP)
		return arp_get(iface, request);
	if (request->arp_flags & ATF_PUBL)
		return -EOPNOTSUPP;
	if (cmd == SIOCSARP)
		return arp_set(iface, request);
	err = neighbour_remove(iface, &address);
	return err == -ENOENT ? -ENXIO : err;
}

/* The interface that is named, or over which the address is reached: a reference. */
static int arp_iface(struct netns *netns, unsigned int cmd, const struct arpreq *request,
                     struct iface **out)
{
	struct route_key key = { .destination = ip_address_v4(address_of(&request->arp_pa)) };
	struct route_result result;
	int err;

	*out = NULL;
	if (request->arp_dev[0]) {
		*out = iface_by_name(netns, request->arp_dev);
		return *out ? 0 : -ENODEV;
	}
	if (cmd == SIOCGARP)
		return -ENODEV;
	err = route_lookup(netns, &key, &result);
	if (err)
		return err;
	*out = iface_by_index(netns, result.iface_index);
	return *out ? 0 : -EINVAL;
}

long ioctl_arp(struct netns *netns, unsigned int cmd, void *arg, const struct cred *cred)
{
	struct arpreq *request = arg;
	struct iface *iface;
	long result;

	if (cmd != SIOCGARP && !cred_capable(cred, CAP_NET_ADMIN))
		return -EPERM;
	if (request->arp_pa.sa_family != AF_INET)
		return -EPFNOSUPPORT;
	if (!(request->arp_flags & ATF_PUBL) && request->arp_flags & (ATF_NETMASK | ATF_DONTPUB))
		return -EINVAL;
	request->arp_dev[sizeof(request->arp_dev) - 1] = '\0';
	result = arp_iface(netns, cmd, request, &iface);
	if (result)
		return result;
	iface_config_lock(netns);
	result = arp_run(iface, cmd, request);
	iface_config_unlock(netns);
	iface_put(iface);
	return result;
}
