/*
 * Names of sockets: struct sockaddr_in and sockaddr_in6 <-> addresses of the stack. See
 * inet_impl.h.
 *
 * A link-local address of IPv6 means something on one interface only: its zone in the stack, which
 * is that of the interface's netif, and sin6_scope_id in names, which is the interface's index.
 */
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <lwip/netif.h>

#include "lib/byteorder.h"
#include "lib/string.h"
#include "net/iface/address.h"
#include "net/iface/iface.h"
#include "net/iface/stack_hooks.h"
#include "net/inet/inet_impl.h"

enum { SOCKADDR_IN6_RFC2133 = 24 }; /* sockaddr_in6 before it had a scope */

/* ---- addresses ---------------------------------------------------------------------- */

void inet_address_any(const struct inet_sock *sock, ip_addr_t *out)
{
	if (sock->socket.family == AF_INET)
		ip_addr_set_any(false, out);
	else if (inet_has(sock, INET_V6_ONLY))
		ip_addr_set_any(true, out);
	else
		ip_addr_copy(*out, *IP_ANY_TYPE);
}

static bool is_mapped(const uint8_t bytes[16])
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(bytes, prefix, sizeof(prefix));
}

static void set_v4(ip_addr_t *ip, const void *bytes)
{
	memcpy(&ip_2_ip4(ip)->addr, bytes, sizeof(ip_2_ip4(ip)->addr));
	IP_SET_TYPE(ip, IPADDR_TYPE_V4);
}

void inet_address_from_bytes(const void *bytes, size_t size, ip_addr_t *out)
{
	memset(out, 0, sizeof(*out));
	if (size == 4) {
		set_v4(out, bytes);
	} else if (is_mapped(bytes)) {
		set_v4(out, (const uint8_t *)bytes + 12);
	} else {
		memcpy(ip_2_ip6(out)->addr, bytes, 16);
		IP_SET_TYPE(out, IPADDR_TYPE_V6);
	}
}

size_t inet_address_bytes(const struct inet_sock *sock, const ip_addr_t *ip, uint8_t bytes[16])
{
	bool is_v6 = sock->socket.family == AF_INET6;

	memset(bytes, 0, 16);
	if (!IP_IS_V4(ip)) {
		if (!IP_IS_ANY_TYPE_VAL(*ip))
			memcpy(bytes, ip_2_ip6(ip)->addr, 16);
	} else if (is_v6) {
		bytes[10] = bytes[11] = 0xff;
		memcpy(bytes + 12, &ip_2_ip4(ip)->addr, 4);
	} else {
		memcpy(bytes, &ip_2_ip4(ip)->addr, 4);
	}
	return is_v6 ? 16 : 4;
}

struct ip_address inet_to_ip_address(const ip_addr_t *ip)
{
	if (IP_IS_V4(ip))
		return ip_address_from(AF_INET, &ip_2_ip4(ip)->addr);
	return ip_address_from(AF_INET6, ip_2_ip6(ip)->addr);
}

void inet_from_ip_address(const struct ip_address *address, ip_addr_t *out)
{
	if (address->family == AF_UNSPEC)
		ip_addr_copy(*out, *IP_ANY_TYPE);
	else
		inet_address_from_bytes(address->bytes, ip_family_bytes(address->family), out);
}

struct owner_search {
	struct ip_address address;
	uint32_t          index;
};

static int address_compare(const struct iface_address *address, void *data)
{
	const struct owner_search *search = data;

	return ip_address_equals(&address->local, &search->address);
}

static int iface_search(struct iface *iface, void *data)
{
	struct owner_search *search = data;

	if (iface_address_for_each(iface, search->address.family, address_compare, search))
		search->index = iface->index;
	return search->index != 0;
}

uint32_t inet_iface_of_address(struct netns *netns, const ip_addr_t *ip)
{
	struct owner_search search = { .address = inet_to_ip_address(ip) };

	iface_config_lock(netns);
	iface_for_each(netns, iface_search, &search);
	iface_config_unlock(netns);
	return search.index;
}

bool inet_address_matches(const ip_addr_t *own, const ip_addr_t *ip)
{
	if (IP_IS_ANY_TYPE_VAL(*own))
		return true;
	if (IP_GET_TYPE(own) != IP_GET_TYPE(ip))
		return false;
	if (IP_IS_V4(own))
		return !ip_2_ip4(own)->addr || ip_2_ip4(own)->addr == ip_2_ip4(ip)->addr;
	return ip6_addr_isany(ip_2_ip6(own)) ||
	       ip6_addr_cmp_zoneless(ip_2_ip6(own), ip_2_ip6(ip));
}

static bool needs_scope(const ip_addr_t *ip)
{
	return IP_IS_V6_VAL(*ip) && ip6_addr_has_scope(ip_2_ip6(ip), IP6_UNKNOWN);
}

void inet_address_set_scope(struct netns *netns, ip_addr_t *ip, uint32_t index)
{
	struct iface *iface;

	if (!index || !needs_scope(ip))
		return;
	iface = iface_by_index(netns, index);
	if (!iface)
		return;
	ip6_addr_set_zone(ip_2_ip6(ip), netif_get_index(iface->netif));
	iface_put(iface);
}

/* ---- names in ----------------------------------------------------------------------- */

static int name4_read(const struct socket_name *name, struct inet_address *out)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)name->bytes;

	if (name->size < sizeof(*in))
		return -EINVAL;
	*out = (struct inet_address){ .port = be16_to_cpu(in->sin_port) };
	inet_address_from_bytes(&in->sin_addr, 4, &out->ip);
	return 0;
}

static int name6_read(const struct inet_sock *sock, const struct socket_name *name,
                      struct inet_address *out)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)name->bytes;

	if (name->size < SOCKADDR_IN6_RFC2133)
		return -EINVAL;
	*out = (struct inet_address){
		.port = be16_to_cpu(in6->sin6_port),
		.flow_label = (__force uint32_t)in6->sin6_flowinfo &
			      (__force uint32_t)cpu_to_be32(IPV6_FLOWINFO_FLOWLABEL),
	};
	inet_address_from_bytes(&in6->sin6_addr, 16, &out->ip);
	if (needs_scope(&out->ip)) {
		if (name->size >= sizeof(*in6))
			out->iface = in6->sin6_scope_id;
		inet_address_set_scope(sock->socket.netns, &out->ip,
		                       out->iface ? out->iface : sock->socket.bound_iface);
	}
	return 0;
}

/* Nowhere is here: the address the socket has, or loopback. */
static void any_to_loopback(const struct inet_sock *sock, struct inet_address *address)
{
	bool is_v4 = IP_IS_V4_VAL(address->ip) || IP_IS_V4_VAL(sock->local);

	if (!ip_addr_isany(&address->ip))
		return;
	if (!ip_addr_isany(&sock->local) && !ip_addr_ismulticast(&sock->local))
		ip_addr_copy(address->ip, sock->local);
	else if (is_v4)
		IP_ADDR4(&address->ip, 127, 0, 0, 1);
	else
		IP_ADDR6(&address->ip, 0, 0, 0, PP_HTONL(1));
}

int inet_address_of_peer(const struct inet_sock *sock, const struct socket_name *name,
                         struct inet_address *out)
{
	bool is_v6 = sock->socket.family == AF_INET6;
	int err;

	if (name->size < sizeof(name->family))
		return -EINVAL;
	if (is_v6 && name->family == AF_INET6)
		err = name6_read(sock, name, out);
	else if (name->family == AF_INET || (!is_v6 && name->family == AF_UNSPEC))
		err = name4_read(name, out);
	else
		err = -EAFNOSUPPORT;
	if (err)
		return err;
	if (is_v6 && inet_has(sock, INET_V6_ONLY) && IP_IS_V4_VAL(out->ip))
		return -ENETUNREACH;
	any_to_loopback(sock, out);
	return 0;
}

static int bind6_check(const struct inet_sock *sock, struct inet_address *address)
{
	if (inet_has(sock, INET_V6_ONLY) && IP_IS_V4_VAL(address->ip))
		return -EINVAL;
	if (IP_IS_V6_VAL(address->ip) && ip6_addr_islinklocal(ip_2_ip6(&address->ip))) {
		if (!address->iface)
			address->iface = sock->socket.bound_iface;
		if (!address->iface)
			return -EINVAL;
		if (!ip6_addr_has_zone(ip_2_ip6(&address->ip)))
			return -ENODEV;
	}
	return 0;
}

/* An address of this host, as far as the socket cares. */
static bool may_be_local(const struct inet_sock *sock, const struct inet_address *address)
{
	struct netns *netns = sock->socket.netns;
	struct ip_address plain = inet_to_ip_address(&address->ip);
	uint32_t iface = address->iface ? address->iface : sock->socket.bound_iface;

	return READ_ONCE(inet_settings(netns)->nonlocal_bind) ||
	       inet_has(sock, INET_FREEBIND | INET_TRANSPARENT) ||
	       ip_addr_isany(&address->ip) || iface_source_is_local(netns, &plain, iface);
}

int inet_address_of_bind(const struct inet_sock *sock, const struct socket_name *name,
                         struct inet_address *out)
{
	bool is_v6 = sock->socket.family == AF_INET6;
	int err;

	if (name->size < sizeof(name->family))
		return -EINVAL;
	err = is_v6 ? name6_read(sock, name, out) : name4_read(name, out);
	if (err)
		return err;
	if (is_v6 && name->family != AF_INET6)
		return -EAFNOSUPPORT;
	if (!is_v6 && name->family != AF_INET &&
	    (name->family != AF_UNSPEC || !ip_addr_isany(&out->ip)))
		return -EAFNOSUPPORT;
	err = is_v6 ? bind6_check(sock, out) : 0;
	if (err)
		return err;
	if (!may_be_local(sock, out))
		return -EADDRNOTAVAIL;
	if (is_v6 && IP_IS_V6_VAL(out->ip) && ip_addr_isany(&out->ip))
		inet_address_any(sock, &out->ip);
	return 0;
}

/* ---- names out ---------------------------------------------------------------------- */

static uint32_t scope_of(const struct inet_sock *sock, const ip_addr_t *ip)
{
	struct netif *netif;
	uint8_t zone;

	if (!needs_scope(ip))
		return 0;
	zone = ip6_addr_zone(ip_2_ip6(ip));
	netif = zone ? netif_get_by_index(zone) : NULL;
	return netif ? netif_to_iface(netif)->index : sock->socket.bound_iface;
}

void inet_address_tell(const struct inet_sock *sock, const ip_addr_t *ip, uint16_t port,
                       struct socket_name *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)out->bytes;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)out->bytes;

	if (sock->socket.family == AF_INET) {
		out->size = sizeof(*in);
		*in = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_port = cpu_to_be16(port),
		};
		in->sin_addr.s_addr = (__force __be32)(IP_IS_V4(ip) ? ip_2_ip4(ip)->addr : 0);
		return;
	}
	out->size = sizeof(*in6);
	*in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = cpu_to_be16(port) };
	inet_address_bytes(sock, ip, in6->sin6_addr.s6_addr);
	in6->sin6_scope_id = scope_of(sock, ip);
}

void inet_name_set_scope(struct socket_name *name, uint32_t index)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)name->bytes;

	if (name->family == AF_INET6)
		in6->sin6_scope_id = index;
}
