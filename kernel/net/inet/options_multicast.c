/*
 * Options about groups, of SOL_IP and SOL_IPV6, with their structures. See options.h and
 * multicast.h.
 */
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/in6.h>

#include "lib/string.h"
#include "net/inet/multicast.h"
#include "net/inet/options.h"
#include "net/stack/stack.h"

/* As long as struct sockaddr_storage; <linux/in.h> has these with that in them. */
struct group_request {
	uint32_t interface, padding;
	uint8_t  group[128];
	uint8_t  source[128]; /* not in all */
};

enum { GROUP_REQUEST_SIZE = 136, GROUP_SOURCE_REQUEST_SIZE = 264 };

/* ---- IP_MULTICAST_IF ---------------------------------------------------------------- */

static int iface4_read(const struct socket_option *option, struct ip_mreqn *out)
{
	if (option->size < sizeof(struct in_addr))
		return -EINVAL;
	*out = (struct ip_mreqn){ 0 };
	if (option->size >= sizeof(*out))
		memcpy(out, option->bytes, sizeof(*out));
	else if (option->size >= sizeof(struct ip_mreq))
		memcpy(out, option->bytes, sizeof(struct ip_mreq));
	else
		memcpy(&out->imr_address, option->bytes, sizeof(struct in_addr));
	return 0;
}

static int iface4_set(struct inet_sock *sock, const struct socket_option *option)
{
	struct ip_mreqn request;
	uint32_t index;
	int err;

	if (sock->socket.type == SOCK_STREAM)
		return -EINVAL;
	err = iface4_read(option, &request);
	if (err)
		return err;
	index = (uint32_t)request.imr_ifindex;
	if (!index && request.imr_address.s_addr) {
		ip_addr_t address;

		inet_address_from_bytes(&request.imr_address, 4, &address);
		index = inet_iface_of_address(sock->socket.netns, &address);
		if (!index)
			return -EADDRNOTAVAIL;
	}
	err = index ? inet_iface_check(sock, index, -EADDRNOTAVAIL) : 0;
	if (err)
		return err;
	stack_lock(sock->socket.netns);
	WRITE_ONCE(sock->multicast_iface, index);
	sock->multicast_source = (__force uint32_t)request.imr_address.s_addr;
	stack_unlock(sock->socket.netns);
	return 0;
}

/* ---- memberships -------------------------------------------------------------------- */

static int member4_change(struct inet_sock *sock, const struct socket_option *option, bool is_join)
{
	struct multicast_request request = { 0 };
	struct ip_mreqn given = { 0 };

	if (option->size < sizeof(struct ip_mreq))
		return -EINVAL;
	memcpy(&given, option->bytes,
	       option->size >= sizeof(given) ? sizeof(given) : sizeof(struct ip_mreq));
	inet_address_from_bytes(&given.imr_multiaddr, 4, &request.group);
	inet_address_from_bytes(&given.imr_address, 4, &request.address);
	request.iface = (uint32_t)given.imr_ifindex;
	return is_join ? multicast_join(sock, &request) : multicast_leave(sock, &request);
}

static int source4_change(struct inet_sock *sock, const struct socket_option *option,
                          enum multicast_source what)
{
	struct multicast_request request = { 0 };
	struct ip_mreq_source given;

	if (option->size != sizeof(given))
		return -EINVAL;
	memcpy(&given, option->bytes, sizeof(given));
	inet_address_from_bytes(&given.imr_multiaddr, 4, &request.group);
	inet_address_from_bytes(&given.imr_interface, 4, &request.address);
	inet_address_from_bytes(&given.imr_sourceaddr, 4, &request.source);
	return multicast_source_change(sock, &request, what);
}

static int member6_change(struct inet_sock *sock, const struct socket_option *option, bool is_join)
{
	struct multicast_request request = { 0 };
	struct ipv6_mreq given;

	if (option->size < sizeof(given))
		return -EINVAL;
	memcpy(&given, option->bytes, sizeof(given));
	inet_address_from_bytes(&given.ipv6mr_multiaddr, 16, &request.group);
	ip_addr_set_any(true, &request.address);
	request.iface = (uint32_t)given.ipv6mr_ifindex;
	if (!IP_IS_V6_VAL(request.group) || !ip_addr_ismulticast(&request.group))
		return -EINVAL;
	return is_join ? multicast_join(sock, &request) : multicast_leave(sock, &request);
}

/* An address of the level's family in a struct sockaddr_storage. */
static int storage_read(const uint8_t *storage, int level, ip_addr_t *out)
{
	uint16_t family;

	memcpy(&family, storage, sizeof(family));
	if (family != (level == SOL_IP ? AF_INET : AF_INET6))
		return level == SOL_IP ? -EINVAL : -EADDRNOTAVAIL;
	if (family == AF_INET)
		inet_address_from_bytes(storage + offsetof(struct sockaddr_in, sin_addr), 4, out);
	else
		inet_address_from_bytes(storage + offsetof(struct sockaddr_in6, sin6_addr), 16,
		                        out);
	return 0;
}

static int group_read(const struct socket_option *option, size_t size,
                      struct multicast_request *request)
{
	struct group_request given;
	int err;

	if (option->size < size)
		return -EINVAL;
	memcpy(&given, option->bytes, size);
	err = storage_read(given.group, option->level, &request->group);
	if (!err && size == GROUP_SOURCE_REQUEST_SIZE)
		err = storage_read(given.source, option->level, &request->source);
	ip_addr_set_any(option->level == SOL_IPV6, &request->address);
	request->iface = given.interface;
	return err;
}

/* MCAST_*, the same for both levels. */
static int group_option(struct inet_sock *sock, const struct socket_option *option)
{
	struct multicast_request request = { 0 };
	bool has_source = option->name != MCAST_JOIN_GROUP && option->name != MCAST_LEAVE_GROUP;
	int err = group_read(option, has_source ? GROUP_SOURCE_REQUEST_SIZE : GROUP_REQUEST_SIZE,
	                     &request);

	if (err)
		return err;
	switch (option->name) {
	case MCAST_JOIN_GROUP:
		return multicast_join(sock, &request);
	case MCAST_LEAVE_GROUP:
		return multicast_leave(sock, &request);
	case MCAST_JOIN_SOURCE_GROUP:
		return multicast_source_change(sock, &request, MULTICAST_SOURCE_ADD);
	case MCAST_LEAVE_SOURCE_GROUP:
		return multicast_source_change(sock, &request, MULTICAST_SOURCE_DROP);
	case MCAST_BLOCK_SOURCE:
		return multicast_source_change(sock, &request, MULTICAST_BLOCK);
	default:
		return multicast_source_change(sock, &request, MULTICAST_UNBLOCK);
	}
}

static bool is_group_option(int name)
{
	return name >= MCAST_JOIN_GROUP && name <= MCAST_LEAVE_SOURCE_GROUP;
}

int inet_set_multicast_option(struct inet_sock *sock, const struct socket_option *option)
{
	if (is_group_option(option->name))
		return group_option(sock, option);
	switch (option->name) {
	case IP_MULTICAST_IF:
		return iface4_set(sock, option);
	case IP_ADD_MEMBERSHIP:
		return member4_change(sock, option, true);
	case IP_DROP_MEMBERSHIP:
		return member4_change(sock, option, false);
	case IP_ADD_SOURCE_MEMBERSHIP:
		return source4_change(sock, option, MULTICAST_SOURCE_ADD);
	case IP_DROP_SOURCE_MEMBERSHIP:
		return source4_change(sock, option, MULTICAST_SOURCE_DROP);
	case IP_BLOCK_SOURCE:
		return source4_change(sock, option, MULTICAST_BLOCK);
	case IP_UNBLOCK_SOURCE:
		return source4_change(sock, option, MULTICAST_UNBLOCK);
	default:
		return -ENOPROTOOPT;
	}
}

int inet6_set_multicast_option(struct inet_sock *sock, const struct socket_option *option)
{
	if (is_group_option(option->name))
		return group_option(sock, option);
	switch (option->name) {
	case IPV6_ADD_MEMBERSHIP:
		return member6_change(sock, option, true);
	case IPV6_DROP_MEMBERSHIP:
		return member6_change(sock, option, false);
	default:
		return -ENOPROTOOPT;
	}
}
