/*
 * Options of SOL_IPV6. See options.h.
 */
#include <linux/errno.h>
#include <linux/in6.h>
#include <linux/ipv6.h>

#include "id/cred.h"
#include "lib/string.h"
#include "net/inet/errors.h"
#include "net/inet/options.h"
#include "net/stack/stack.h"

enum { IPV6_MTU_LEAST = 1280, BYTE_MAX = 255 };

static const struct inet_flag_option flags6[] = {
	{ IPV6_RECVPKTINFO, INET_PKTINFO6 },
	{ IPV6_2292PKTINFO, INET_PKTINFO6 },
	{ IPV6_RECVHOPLIMIT, INET_RECV_HOPLIMIT },
	{ IPV6_2292HOPLIMIT, INET_RECV_HOPLIMIT_OLD },
	{ IPV6_RECVTCLASS, INET_RECV_TCLASS },
	{ IPV6_FLOWINFO, INET_RECV_FLOWINFO },
	{ IPV6_FLOWINFO_SEND, INET_FLOWINFO_SEND },
	{ IPV6_RECVORIGDSTADDR, INET_RECV_ORIGDST6 },
	{ IPV6_RECVPATHMTU, INET_PATHMTU },
	{ IPV6_RECVFRAGSIZE, INET_RECV_FRAGSIZE },
	{ IPV6_RECVERR, INET_RECV_ERR6 },
	{ IPV6_RECVERR_RFC4884, INET_RECV_ERR_RFC },
	{ IPV6_DONTFRAG, INET_DONTFRAG6 },
	{ IPV6_MULTICAST_ALL, INET_MULTICAST_ALL6 },
	{ IPV6_MULTICAST_LOOP, INET_MULTICAST_LOOP6 },
	{ IPV6_FREEBIND, INET_FREEBIND },
	{ IPV6_RECVHOPOPTS, INET_RECV_HDRS },
	{ IPV6_RECVDSTOPTS, INET_RECV_HDRS },
	{ IPV6_RECVRTHDR, INET_RECV_HDRS },
};

enum { NR_FLAGS6 = sizeof(flags6) / sizeof(flags6[0]) };

/* ---- setting ------------------------------------------------------------------------ */

static int v6_only_set(struct inet_sock *sock, bool on)
{
	struct netns *netns = sock->socket.netns;
	int err = 0;

	stack_lock(netns);
	if (sock->local_port && sock->socket.type != SOCK_RAW) {
		err = -EINVAL;
	} else {
		bool is_unbound = ip_addr_isany(&sock->local);

		inet_flag_set(sock, INET_V6_ONLY, on);
		if (is_unbound)
			inet_address_any(sock, &sock->local);
	}
	stack_unlock(netns);
	return err;
}

static int number_set(int16_t *field, int value)
{
	if (value < -1 || value > BYTE_MAX)
		return -EINVAL;
	WRITE_ONCE(*field, (int16_t)value);
	return 0;
}

static int class_set(struct inet_sock *sock, int value)
{
	if (value < -1 || value > BYTE_MAX)
		return -EINVAL;
	WRITE_ONCE(sock->traffic_class, (uint8_t)(value < 0 ? 0 : value));
	return 0;
}

static int mtu_discover_set(struct inet_sock *sock, int value)
{
	if (value < IPV6_PMTUDISC_DONT || value > IPV6_PMTUDISC_OMIT)
		return -EINVAL;
	WRITE_ONCE(sock->pmtu_discover6, (uint8_t)value);
	return 0;
}

static int multicast_iface_set(struct inet_sock *sock, int value)
{
	int err;

	if (sock->socket.type == SOCK_STREAM)
		return -ENOPROTOOPT;
	err = value ? inet_iface_check(sock, (uint32_t)value, -ENODEV) : 0;
	if (!err)
		WRITE_ONCE(sock->multicast_iface6, (uint32_t)value);
	return err;
}

static int unicast_iface_set(struct inet_sock *sock, int value)
{
	uint32_t index = __builtin_bswap32((uint32_t)value);
	int err = index ? inet_iface_check(sock, index, -EADDRNOTAVAIL) : 0;

	if (!err)
		WRITE_ONCE(sock->unicast_iface, index);
	return err;
}

static int number6_set(struct inet_sock *sock, const struct socket_option *option, int value)
{
	switch (option->name) {
	case IPV6_V6ONLY:
		return v6_only_set(sock, value);
	case IPV6_UNICAST_HOPS:
		return number_set(&sock->hop_limit, value);
	case IPV6_MULTICAST_HOPS:
		return sock->socket.type == SOCK_STREAM
			       ? -ENOPROTOOPT
			       : number_set(&sock->multicast_hops, value);
	case IPV6_TCLASS:
		return class_set(sock, value);
	case IPV6_MTU_DISCOVER:
		return mtu_discover_set(sock, value);
	case IPV6_MULTICAST_IF:
		return multicast_iface_set(sock, value);
	case IPV6_UNICAST_IF:
		return unicast_iface_set(sock, value);
	case IPV6_MTU:
		return value && value < IPV6_MTU_LEAST ? -EINVAL : 0;
	case IPV6_MINHOPCOUNT:
		if (value < 0 || value > BYTE_MAX)
			return -EINVAL;
		WRITE_ONCE(sock->min_ttl, (uint8_t)value);
		return 0;
	case IPV6_TRANSPARENT:
		if (value && !cred_capable(option->cred, CAP_NET_ADMIN) &&
		    !cred_capable(option->cred, CAP_NET_RAW))
			return -EPERM;
		inet_flag_set(sock, INET_TRANSPARENT, value);
		return 0;
	case IPV6_AUTOFLOWLABEL:
	case IPV6_ADDR_PREFERENCES:
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* Extension headers to send: none, and nobody but root may try. */
static int headers_set(const struct socket_option *option)
{
	if (!option->size)
		return 0;
	return cred_capable(option->cred, CAP_NET_RAW) ? -EINVAL : -EPERM;
}

static bool is_headers(int name)
{
	return name == IPV6_HOPOPTS || name == IPV6_DSTOPTS || name == IPV6_RTHDR ||
	       name == IPV6_RTHDRDSTOPTS;
}

int inet6_set_option(struct inet_sock *sock, const struct socket_option *option)
{
	uint32_t flag = inet_flag_of(flags6, NR_FLAGS6, option->name);
	int err = inet6_set_multicast_option(sock, option);

	if (err != -ENOPROTOOPT)
		return err;
	if (is_headers(option->name))
		return headers_set(option);
	if (option->size < sizeof(int))
		return flag || number6_set(sock, option, -2) != -ENOPROTOOPT ? -EINVAL
									     : -ENOPROTOOPT;
	if (!flag)
		return number6_set(sock, option, option->value);
	if (option->name == IPV6_MULTICAST_LOOP && option->value != 0 && option->value != 1)
		return -EINVAL;
	inet_flag_set(sock, flag, option->value);
	return 0;
}

/* ---- asking ------------------------------------------------------------------------- */

static int mtu_get(struct inet_sock *sock, struct socket_option *option)
{
	uint32_t mtu;
	int err = inet_peer_mtu(sock, &mtu);

	return err ? err : socket_option_answer_int(option, (int)mtu);
}

static int path_mtu_get(struct inet_sock *sock, struct socket_option *option)
{
	struct ip6_mtuinfo info = { .ip6m_addr.sin6_family = AF_INET6 };
	int err;

	if (option->size < sizeof(info))
		return -EINVAL;
	err = inet_peer_mtu(sock, &info.ip6m_mtu);
	if (err)
		return err;
	stack_lock(sock->socket.netns);
	inet_address_bytes(sock, &sock->remote, info.ip6m_addr.sin6_addr.s6_addr);
	stack_unlock(sock->socket.netns);
	return socket_option_answer(option, &info, sizeof(info));
}

int inet6_get_option(struct inet_sock *sock, struct socket_option *option)
{
	const struct inet_settings *settings = inet_settings(sock->socket.netns);
	uint32_t flag = inet_flag_of(flags6, NR_FLAGS6, option->name);
	int hops = READ_ONCE(sock->hop_limit), group_hops = READ_ONCE(sock->multicast_hops);

	if (flag)
		return socket_option_answer_int(option, inet_has(sock, flag));
	switch (option->name) {
	case IPV6_V6ONLY:
		return socket_option_answer_int(option, inet_has(sock, INET_V6_ONLY));
	case IPV6_UNICAST_HOPS:
		return socket_option_answer_int(
			option, hops < 0 ? (int)READ_ONCE(settings->default_hop_limit) : hops);
	case IPV6_MULTICAST_HOPS:
		return socket_option_answer_int(option, group_hops < 0 ? 1 : group_hops);
	case IPV6_TCLASS:
		return socket_option_answer_int(option, READ_ONCE(sock->traffic_class));
	case IPV6_MTU_DISCOVER:
		return socket_option_answer_int(option, READ_ONCE(sock->pmtu_discover6));
	case IPV6_MULTICAST_IF:
		return socket_option_answer_int(option, (int)READ_ONCE(sock->multicast_iface6));
	case IPV6_UNICAST_IF:
		return socket_option_answer_int(
			option, (int)__builtin_bswap32(READ_ONCE(sock->unicast_iface)));
	case IPV6_MTU:
		return mtu_get(sock, option);
	case IPV6_PATHMTU:
		return path_mtu_get(sock, option);
	case IPV6_MINHOPCOUNT:
		return socket_option_answer_int(option, READ_ONCE(sock->min_ttl));
	case IPV6_TRANSPARENT:
		return socket_option_answer_int(option, inet_has(sock, INET_TRANSPARENT));
	case IPV6_AUTOFLOWLABEL:
		return socket_option_answer_int(option, 0);
	case IPV6_ADDR_PREFERENCES:
		return socket_option_answer_int(option, IPV6_PREFER_SRC_PUBLIC);
	case IPV6_HOPOPTS:
	case IPV6_DSTOPTS:
	case IPV6_RTHDR:
	case IPV6_RTHDRDSTOPTS:
		return socket_option_answer(option, NULL, 0);
	default:
		return -ENOPROTOOPT;
	}
}
