/*
 * Where a packet of a socket goes, and from which address. See inet_impl.h.
 */
#include <linux/errno.h>
#include <lwip/netif.h>

#include "net/iface/route.h"
#include "net/inet/inet_impl.h"
#include "net/inet/path_mtu.h"
#include "net/stack/stack.h"

/* A group's traffic leaves where IP_MULTICAST_IF says; other where IP_UNICAST_IF does. */
static uint32_t iface_choose(const struct inet_sock *sock, const ip_addr_t *to, uint32_t iface)
{
	uint32_t bound = READ_ONCE(sock->socket.bound_iface);

	if (bound || iface)
		return bound ? bound : iface;
	if (!ip_addr_ismulticast(to))
		return READ_ONCE(sock->unicast_iface);
	return IP_IS_V4(to) ? READ_ONCE(sock->multicast_iface) : READ_ONCE(sock->multicast_iface6);
}

static void source_choose(const struct inet_sock *sock, const ip_addr_t *to,
                          const ip_addr_t *source, struct ip_address *out)
{
	if (source && !ip_addr_isany(source))
		*out = inet_to_ip_address(source);
	else if (!ip_addr_isany(&sock->local) && !ip_addr_ismulticast(&sock->local) &&
	         !inet_has(sock, INET_LOCAL_IS_BROADCAST))
		*out = inet_to_ip_address(&sock->local);
	else if (ip_addr_ismulticast(to) && IP_IS_V4(to) && sock->multicast_source)
		*out = ip_address_v4((__force __be32)sock->multicast_source);
	else
		out->family = AF_UNSPEC;
}

int inet_route(const struct inet_sock *sock, const ip_addr_t *to, const ip_addr_t *source,
               uint32_t iface, struct inet_route *out)
{
	struct route_key key = {
		.destination = inet_to_ip_address(to),
		.iface_index = iface_choose(sock, to, iface),
	};
	struct route_result found;
	int err;

	source_choose(sock, to, source, &key.source);
	if (key.source.family && key.source.family != key.destination.family)
		return -ENETUNREACH;
	err = route_lookup_locked(sock->socket.netns, &key, &found);
	if (err)
		return err;
	out->netif = found.netif;
	out->iface = found.iface_index;
	out->is_local = found.type == RTN_LOCAL;
	out->is_broadcast = found.type == RTN_BROADCAST;
	out->is_multicast = ip_addr_ismulticast(to);
	out->mtu = path_mtu_of(to, found.mtu);
	inet_from_ip_address(&found.source, &out->source);
	if (out->is_broadcast && !(READ_ONCE(sock->socket.options) & SOCKET_BROADCAST))
		return -EACCES;
	return 0;
}
