/*
 * Addresses and routes of IPv6 by ioctls on sockets of AF_INET6, as ifconfig(8) and route(8) use.
 */
#include <linux/errno.h>
#include <linux/ipv6.h>
#include <linux/ipv6_route.h>
#include <linux/route.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>

#include "abi/errno.h"
#include "id/cred.h"
#include "net/iface/address.h"
#include "net/iface/route.h"
#include "net/ioctl_impl.h"

enum { USUAL_METRIC = 1024 };

static long address_change(struct netns *netns, unsigned int cmd, const struct in6_ifreq *request)
{
	struct iface_address address = {
		.local = ip_address_v6(&request->ifr6_addr),
		.prefix_length = (uint8_t)request->ifr6_prefixlen,
		.valid_seconds = ADDRESS_LIFE_FOREVER,
		.preferred_seconds = ADDRESS_LIFE_FOREVER,
	};
	struct iface *iface;
	long result;

	if (request->ifr6_prefixlen > 128)
		return -EINVAL;
	iface = iface_by_index(netns, (uint32_t)request->ifr6_ifindex);
	if (!iface)
		return -ENODEV;
	iface_config_lock(netns);
	result = cmd == SIOCSIFADDR ? iface_address_add(iface, &address)
				    : iface_address_remove(iface, &address);
	iface_config_unlock(netns);
	iface_put(iface);
	return result;
}

static long route_change(struct netns *netns, unsigned int cmd, const struct in6_rtmsg *request)
{
	struct route route = {
		.destination = ip_address_v6(&request->rtmsg_dst),
		.prefix_length = (uint8_t)request->rtmsg_dst_len,
		.table = RT_TABLE_MAIN,
		.metric = request->rtmsg_metric,
		.iface_index = (uint32_t)request->rtmsg_ifindex,
		.type = request->rtmsg_flags & RTF_REJECT ? RTN_UNREACHABLE : RTN_UNICAST,
	};
	long result;

	if (request->rtmsg_dst_len > 128 || request->rtmsg_src_len > 128)
		return -EINVAL;
	if (request->rtmsg_flags & RTF_GATEWAY)
		route.gateway = ip_address_v6(&request->rtmsg_gateway);
	ip_address_mask(&route.destination, route.prefix_length);
	iface_config_lock(netns);
	if (cmd == SIOCADDRT) {
		route.protocol = RTPROT_BOOT;
		if (!route.metric)
			route.metric = USUAL_METRIC;
		result = route_add(netns, &route, NLM_F_CREATE | NLM_F_EXCL);
	} else {
		route.type = 0; /* any */
		result = route_remove(netns, &route);
	}
	iface_config_unlock(netns);
	return result;
}

long ioctl_inet6(struct netns *netns, unsigned int cmd, void *arg, const struct cred *cred)
{
	switch (cmd) {
	case SIOCSIFADDR:
	case SIOCDIFADDR:
		return cred_capable(cred, CAP_NET_ADMIN) ? address_change(netns, cmd, arg) : -EPERM;
	case SIOCADDRT:
	case SIOCDELRT:
		return cred_capable(cred, CAP_NET_ADMIN) ? route_change(netns, cmd, arg) : -EPERM;
	case SIOCSIFDSTADDR:
		return cred_capable(cred, CAP_NET_ADMIN) ? -ENODEV : -EPERM; /* for tunnels */
	default:
		return -ENOIOCTLCMD;
	}
}
