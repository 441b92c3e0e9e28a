/*
 * Options of SOL_IP. See options.h.
 */
#include "net/inet/options.h"

#include <linux/errno.h>
#include <linux/in.h>

#include "id/cred.h"
#include "lib/byteorder.h"
#include "lib/string.h"
#include "net/iface/iface.h"
#include "net/inet/errors.h"
#include "net/netns.h"
#include "net/stack/stack.h"

/* ---- flags -------------------------------------------------------------------------- */

static const struct inet_flag_option flags4[] = {
	{ IP_PKTINFO, INET_PKTINFO },
	{ IP_RECVTTL, INET_RECV_TTL },
	{ IP_RECVTOS, INET_RECV_TOS },
	{ IP_RECVOPTS, INET_RECV_OPTS },
	{ IP_RETOPTS, INET_RET_OPTS },
	{ IP_RECVORIGDSTADDR, INET_RECV_ORIGDST },
	{ IP_RECVERR, INET_RECV_ERR },
	{ IP_RECVERR_RFC4884, INET_RECV_ERR_RFC },
	{ IP_FREEBIND, INET_FREEBIND },
	{ IP_BIND_ADDRESS_NO_PORT, INET_BIND_NO_PORT },
	{ IP_MULTICAST_LOOP, INET_MULTICAST_LOOP },
	{ IP_MULTICAST_ALL, INET_MULTICAST_ALL },
	{ IP_RECVFRAGSIZE, INET_RECV_FRAGSIZE },
};

enum { BYTE_MAX = 255 };

enum { NR_FLAGS4 = sizeof(flags4) / sizeof(flags4[0]) };

uint32_t inet_flag_of(const struct inet_flag_option *table, size_t nr, int name)
{
	for (size_t i = 0; i < nr; i++)
		if (table[i].name == name)
			return table[i].flag;
	return 0;
}

void inet_flag_set(struct inet_sock *sock, uint32_t flag, bool on)
{
	if (on)
		atomic_or(&sock->flags, flag);
	else
		atomic_and(&sock->flags, ~flag);
	if (!on && flag & (INET_RECV_ERR | INET_RECV_ERR6))
		inet_errors_clear(sock);
}

/* ---- shared with options6.c --------------------------------------------------------- */

int inet_peer_mtu(struct inet_sock *sock, uint32_t *mtu)
{
	struct netns *netns = sock->socket.netns;
	struct inet_route route;
	int err = -ENOTCONN;

	stack_lock(netns);
	if (!ip_addr_isany(&sock->remote))
		err = inet_route(sock, &sock->remote, NULL, 0, &route);
	stack_unlock(netns);
	if (err)
		return -ENOTCONN;
	*mtu = route.mtu;
	return 0;
}

int inet_iface_check(const struct inet_sock *sock, uint32_t index, int err)
{
	uint32_t bound = READ_ONCE(sock->socket.bound_iface);
	struct iface *iface = iface_by_index(sock->socket.netns, index);

	if (!iface)
		return err;
	iface_put(iface);
	return bound && bound != index ? -EINVAL : 0;
}

/* ---- setting ------------------------------------------------------------------------ */

static int ttl_set(struct inet_sock *sock, int value)
{
	if (value != -1 && (value < 1 || value > BYTE_MAX))
		return -EINVAL;
	WRITE_ONCE(sock->ttl, (int16_t)value);
	return 0;
}

static int multicast_ttl_set(struct inet_sock *sock, int value)
{
	if (sock->socket.type == SOCK_STREAM || value < -1 || value > BYTE_MAX)
		return -EINVAL;
	WRITE_ONCE(sock->multicast_ttl, (int16_t)(value < 0 ? 1 : value));
	return 0;
}

static int mtu_discover_set(struct inet_sock *sock, int value)
{
	if (value < IP_PMTUDISC_DONT || value > IP_PMTUDISC_OMIT)
		return -EINVAL;
	WRITE_ONCE(sock->pmtu_discover, (uint8_t)value);
	return 0;
}

static int transparent_set(struct inet_sock *sock, const struct cred *cred, int value)
{
	if (value && !cred_capable(cred, CAP_NET_ADMIN) && !cred_capable(cred, CAP_NET_RAW))
		return -EPERM;
	inet_flag_set(sock, INET_TRANSPARENT, value);
	return 0;
}

/* What goes in front of each packet; routes by source are for nobody. */
static int ip_options_set(struct inet_sock *sock, const struct socket_option *option)
{
	uint32_t size = (option->size + 3) & ~3u;

	if (option->size > INET_IP_OPTIONS_MAX)
		return -EINVAL;
	for (uint32_t at = 0; at < option->size;) {
		uint8_t kind = option->bytes[at];

		if (kind == 0)
			break;
		if (kind == 1) {
			at++;
			continue;
		}
		if (kind == 0x83 || kind == 0x89 || at + 1 >= option->size ||
		    option->bytes[at + 1] < 2 || at + option->bytes[at + 1] > option->size)
			return -EINVAL;
		at += option->bytes[at + 1];
	}
	stack_lock(sock->socket.netns);
	memset(sock->ip_options, 0, sizeof(sock->ip_options));
	memcpy(sock->ip_options, option->bytes, option->size);
	sock->ip_options_size = (uint8_t)size;
	stack_unlock(sock->socket.netns);
	return 0;
}

static int unicast_iface_set(struct inet_sock *sock, const struct socket_option *option)
{
	uint32_t index;
	int err;

	if (option->size != sizeof(int))
		return -EINVAL;
	index = load_be32(option->bytes);
	err = index ? inet_iface_check(sock, index, -EADDRNOTAVAIL) : 0;
	if (!err)
		WRITE_ONCE(sock->unicast_iface, index);
	return err;
}

static int number4_set(struct inet_sock *sock, const struct socket_option *option, int value)
{
	bool is_raw = sock->socket.type == SOCK_RAW;

	switch (option->name) {
	case IP_TTL:
		return option->size ? ttl_set(sock, value) : -EINVAL;
	case IP_TOS:
		WRITE_ONCE(sock->tos, (uint8_t)(sock->socket.type == SOCK_STREAM
							? (value & ~3) | (sock->tos & 3)
							: value));
		return 0;
	case IP_MTU_DISCOVER:
		return mtu_discover_set(sock, value);
	case IP_MULTICAST_TTL:
		return option->size ? multicast_ttl_set(sock, value) : -EINVAL;
	case IP_MINTTL:
		if (!option->size || value < 0 || value > BYTE_MAX)
			return -EINVAL;
		WRITE_ONCE(sock->min_ttl, (uint8_t)value);
		return 0;
	case IP_HDRINCL:
		if (!is_raw)
			return -ENOPROTOOPT;
		inet_flag_set(sock, INET_HDRINCL, value);
		return 0;
	case IP_NODEFRAG:
		if (!is_raw)
			return -ENOPROTOOPT;
		inet_flag_set(sock, INET_NODEFRAG, value);
		return 0;
	case IP_ROUTER_ALERT:
		if (!is_raw || sock->socket.protocol == IPPROTO_RAW)
			return -EINVAL;
		inet_flag_set(sock, INET_ROUTER_ALERT, value);
		return 0;
	case IP_TRANSPARENT:
		return option->size ? transparent_set(sock, option->cred, value) : -EINVAL;
	case IP_PASSSEC:
	case IP_CHECKSUM:
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int inet4_set_option(struct inet_sock *sock, const struct socket_option *option)
{
	uint32_t flag = inet_flag_of(flags4, NR_FLAGS4, option->name);
	int value = 0, err;

	err = inet_set_multicast_option(sock, option);
	if (err != -ENOPROTOOPT)
		return err;
	if (option->name == IP_OPTIONS)
		return ip_options_set(sock, option);
	if (option->name == IP_UNICAST_IF)
		return unicast_iface_set(sock, option);
	/* nothing at all is a zero to most of them */
	if (option->size && socket_option_int(option, &value))
		return -EINVAL;
	if (!flag)
		return number4_set(sock, option, value);
	if (option->name == IP_MULTICAST_ALL && value != 0 && value != 1)
		return -EINVAL;
	inet_flag_set(sock, flag, value);
	return 0;
}

/* ---- asking ------------------------------------------------------------------------- */

static int ip_options_get(struct inet_sock *sock, struct socket_option *option)
{
	uint8_t bytes[INET_IP_OPTIONS_MAX];
	uint32_t size;

	stack_lock(sock->socket.netns);
	size = sock->ip_options_size;
	memcpy(bytes, sock->ip_options, size);
	stack_unlock(sock->socket.netns);
	return socket_option_answer(option, bytes, size);
}

static int mtu_get(struct inet_sock *sock, struct socket_option *option)
{
	uint32_t mtu;
	int err = inet_peer_mtu(sock, &mtu);

	return err ? err : socket_option_answer_byte(option, (int)mtu);
}

static int multicast_iface_get(struct inet_sock *sock, struct socket_option *option)
{
	uint32_t source;

	stack_lock(sock->socket.netns);
	source = sock->multicast_source;
	stack_unlock(sock->socket.netns);
	return socket_option_answer(option, &source, sizeof(source));
}

static int inet4_get_option(struct inet_sock *sock, struct socket_option *option)
{
	const struct inet_settings *settings = inet_settings(sock->socket.netns);
	uint32_t flag = inet_flag_of(flags4, NR_FLAGS4, option->name);
	int ttl = READ_ONCE(sock->ttl);

	if (flag)
		return socket_option_answer_byte(option, inet_has(sock, flag));
	switch (option->name) {
	case IP_TTL:
		return socket_option_answer_byte(
			option, ttl < 0 ? (int)READ_ONCE(settings->default_ttl) : ttl);
	case IP_TOS:
		return socket_option_answer_byte(option, READ_ONCE(sock->tos));
	case IP_MTU_DISCOVER:
		return socket_option_answer_byte(option, READ_ONCE(sock->pmtu_discover));
	case IP_MULTICAST_TTL:
		return socket_option_answer_byte(option, READ_ONCE(sock->multicast_ttl));
	case IP_MINTTL:
		return socket_option_answer_byte(option, READ_ONCE(sock->min_ttl));
	case IP_HDRINCL:
		return socket_option_answer_byte(option, inet_has(sock, INET_HDRINCL));
	case IP_NODEFRAG:
		return socket_option_answer_byte(option, inet_has(sock, INET_NODEFRAG));
	case IP_TRANSPARENT:
		return socket_option_answer_byte(option, inet_has(sock, INET_TRANSPARENT));
	case IP_PASSSEC:
	case IP_CHECKSUM:
		return socket_option_answer_byte(option, 0);
	case IP_UNICAST_IF:
		return socket_option_answer_int(
			option, (int)__builtin_bswap32(READ_ONCE(sock->unicast_iface)));
	case IP_MTU:
		return mtu_get(sock, option);
	case IP_OPTIONS:
		return ip_options_get(sock, option);
	case IP_MULTICAST_IF:
		return multicast_iface_get(sock, option);
	case IP_PKTOPTIONS:
		if (sock->socket.type != SOCK_STREAM)
			return -ENOPROTOOPT;
		return socket_option_answer(option, NULL, 0);
	default:
		return -ENOPROTOOPT;
	}
}

/* ---- levels ------------------------------------------------------------------------- */

/* An AF_INET6 socket has both, unless it is raw. */
static bool is_level4(const struct socket *socket, int level)
{
	return level == SOL_IP && (socket->family == AF_INET || socket->type != SOCK_RAW);
}

int inet_set_option(struct socket *socket, const struct socket_option *option)
{
	struct inet_sock *sock = to_inet(socket);

	if (is_level4(socket, option->level))
		return inet4_set_option(sock, option);
	if (option->level == SOL_IPV6 && socket->family == AF_INET6)
		return inet6_set_option(sock, option);
	return -ENOPROTOOPT;
}

int inet_get_option(struct socket *socket, struct socket_option *option)
{
	struct inet_sock *sock = to_inet(socket);

	if (is_level4(socket, option->level))
		return inet4_get_option(sock, option);
	if (option->level == SOL_IPV6 && socket->family == AF_INET6)
		return inet6_get_option(sock, option);
	return option->level == SOL_IP || option->level == SOL_IPV6 ? -ENOPROTOOPT : -EOPNOTSUPP;
}
