/*
 * Raw sockets: packets of one protocol, whole for IPv4, without the header for IPv6. raw(7)
 *
 * What they get are copies, since the stack goes on with the packet. Everything but the header's
 * checksum, length and empty fields is the user's if IP_HDRINCL is set.
 */
#include <linux/errno.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <lwip/inet_chksum.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>

#include "id/cred.h"
#include "lib/byteorder.h"
#include "lib/hlist.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/slab.h"
#include "net/inet/errors.h"
#include "net/inet/input.h"
#include "net/inet/multicast.h"
#include "net/inet/options.h"
#include "net/stack/stack.h"
#include "vm/uio.h"

enum { ICMPV6_CHECKSUM_OFFSET = 2 };

struct raw_sock {
	struct dgram_sock   dgram; /* first */
	struct hlist_node   in_all __guarded_by(core);
	int                 checksum_offset __atomic; /* IPV6_CHECKSUM; -1: none */
	struct icmp_filter  filter __atomic;  /* ICMP_FILTER: bits of types not wanted */
	struct icmp6_filter filter6 __guarded_by(core);
};

static const struct socket_ops raw_ops;
static struct cache raw_cache = CACHE("raw socket", struct raw_sock);
static struct hlist all __guarded_by(core);

static struct raw_sock *to_raw(struct socket *socket)
{
	return container_of(socket, struct raw_sock, dgram.inet.socket);
}

/* ---- life --------------------------------------------------------------------------- */

int raw_create(struct netns *netns, int family, int protocol, const struct cred *cred,
               struct socket **out)
{
	struct raw_sock *sock;
	int err;

	if (!cred_capable(cred, CAP_NET_RAW))
		return -EPERM;
	if (protocol > (int)UINT8_MAX)
		return -EPROTONOSUPPORT;
	sock = cache_zalloc(&raw_cache, ALLOC_KERNEL);
	if (!sock)
		return -ENOMEM;
	dgram_init(&sock->dgram, &raw_ops, netns, family, SOCK_RAW, protocol);
	sock->dgram.inet.local_port = (uint16_t)protocol;
	if (protocol == IPPROTO_RAW)
		sock->dgram.inet.flags |= INET_HDRINCL;
	sock->checksum_offset = family == AF_INET6 && protocol == IPPROTO_ICMPV6
					? ICMPV6_CHECKSUM_OFFSET
					: -1;
	stack_lock(netns);
	err = inet_input_add(protocol);
	if (!err)
		hlist_add(&all, &sock->in_all);
	stack_unlock(netns);
	if (err) {
		socket_put(&sock->dgram.inet.socket);
		return err;
	}
	*out = &sock->dgram.inet.socket;
	return 0;
}

static void raw_free(struct socket *socket)
{
	struct raw_sock *sock = to_raw(socket);

	dgram_fini(&sock->dgram);
	cache_free(&raw_cache, sock);
}

static void raw_release(struct socket *socket)
{
	struct raw_sock *sock = to_raw(socket);

	multicast_leave_all(&sock->dgram.inet);
	stack_lock(socket->netns);
	sock->dgram.is_dead = true;
	hlist_remove(&sock->in_all);
	inet_input_remove(socket->protocol);
	stack_unlock(socket->netns);
}

static int raw_bind(struct socket *socket, const struct socket_name *name,
                    const struct socket_caller *caller)
{
	struct inet_sock *inet = to_inet(socket);
	struct inet_address address;
	int err = inet_address_of_bind(inet, name, &address);

	(void)caller;
	if (err)
		return err;
	stack_lock(socket->netns);
	if (to_dgram(socket)->is_connected) {
		err = -EINVAL;
	} else {
		ip_addr_copy(inet->local, address.ip);
		if (address.iface)
			WRITE_ONCE(socket->bound_iface, address.iface);
		to_dgram(socket)->bound = ip_addr_isany(&address.ip) ? 0 : DGRAM_BOUND_ADDRESS;
	}
	stack_unlock(socket->netns);
	return err;
}

static const struct dgram_peering raw_peering = {
	.connect = dgram_connect_locked, .disconnect = dgram_disconnect_locked,
};

static int raw_connect(struct socket *socket, const struct socket_name *name, bool nowait,
                       const struct socket_caller *caller)
{
	(void)nowait;
	(void)caller;
	return dgram_connect(socket, name, &raw_peering);
}

/* ---- in ----------------------------------------------------------------------------- */

static bool passes_filter(const struct raw_sock *sock, const struct inet_packet *packet)
{
	const uint8_t *bytes = packet->pbuf->payload;
	uint8_t type;

	if (packet->protocol != IPPROTO_ICMP && packet->protocol != IPPROTO_ICMPV6)
		return true;
	if (packet->pbuf->len <= packet->transport)
		return false;
	type = bytes[packet->transport];
	if (packet->protocol == IPPROTO_ICMP)
		return type >= 32 || !(sock->filter.data >> type & 1);
	return !(sock->filter6.data[type >> 5] >> (type & 31) & 1);
}

/* IPV6_CHECKSUM: what does not sum up is not for the socket. */
static bool has_good_checksum(const struct raw_sock *sock, const struct inet_packet *packet)
{
	struct pbuf *pbuf = packet->pbuf;
	uint16_t sum;

	if (READ_ONCE(sock->checksum_offset) < 0 || IP_IS_V4(packet->from) || packet->is_verified)
		return true;
	pbuf_remove_header(pbuf, packet->transport);
	sum = ip_chksum_pseudo(pbuf, packet->protocol, pbuf->tot_len, packet->from, packet->to);
	pbuf_add_header_force(pbuf, packet->transport);
	return sum == 0;
}

static bool wants(const struct raw_sock *sock, const struct inet_packet *packet)
{
	const struct socket *socket = &sock->dgram.inet.socket;

	return socket->protocol == packet->protocol &&
	       (socket->family == AF_INET) == IP_IS_V4(packet->from) &&
	       dgram_matches(&sock->dgram, packet->to, packet->from, packet->iface) &&
	       passes_filter(sock, packet) && has_good_checksum(sock, packet) &&
	       multicast_allows(&sock->dgram.inet, packet->to, packet->from, packet->iface);
}

/* On lo the stack sums up no headers; a raw socket gets a good one all the same. */
static void header_sum(struct pbuf *copy)
{
	struct ip_hdr *header = copy->payload;

	if (!IPH_CHKSUM(header))
		IPH_CHKSUM_SET(header, inet_chksum(header, IPH_HL_BYTES(header)));
}

bool raw_input_sockets(const struct inet_packet *packet)
{
	bool is_v4 = IP_IS_V4(packet->from), is_delivered = false;
	struct raw_sock *sock;

	hlist_for_each_entry(sock, &all, in_all) {
		struct pbuf *copy;

		if (!wants(sock, packet))
			continue;
		is_delivered = true;
		copy = pbuf_clone(PBUF_RAW, PBUF_RAM, packet->pbuf);
		if (!copy)
			continue;
		if (is_v4)
			header_sum(copy);
		dgram_queue(&sock->dgram, copy, packet->transport, is_v4 ? 0 : packet->transport,
		            packet->iface);
		pbuf_free(copy);
	}
	return is_delivered;
}

bool raw_error(const struct inet_error *error, const struct inet_quote *quote)
{
	struct raw_sock *sock;
	bool is_ours = false;

	hlist_for_each_entry(sock, &all, in_all) {
		struct inet_sock *inet = &sock->dgram.inet;
		bool is_wanted;

		if (inet->socket.protocol != error->protocol ||
		    (inet->socket.family == AF_INET) != IP_IS_V4_VAL(error->remote) ||
		    !dgram_matches(&sock->dgram, &error->local, &error->remote, error->iface))
			continue;
		is_ours = true;
		is_wanted = inet_wants_errors(inet, &error->remote);
		if (!is_wanted && !sock->dgram.is_connected)
			continue;
		if (is_wanted)
			inet_error_queue(inet, error, quote);
		if (is_wanted || error->is_hard)
			inet_error_post(inet, (int)error->err);
	}
	return is_ours;
}

/* ---- out ---------------------------------------------------------------------------- */

static int target_read(struct raw_sock *sock, const struct message *message,
                       struct dgram_send *send)
{
	struct inet_sock *inet = &sock->dgram.inet;
	struct inet_address to;
	int err;

	send->protocol = (uint8_t)inet->socket.protocol;
	if (!message->name || !message->name->size) {
		if (!sock->dgram.is_connected)
			return -EDESTADDRREQ;
		stack_lock(inet->socket.netns);
		ip_addr_copy(send->to, inet->remote);
		stack_unlock(inet->socket.netns);
		return 0;
	}
	err = inet_address_of_peer(inet, message->name, &to);
	if (err)
		return err;
	if (inet->socket.family == AF_INET6) {
		if (IP_IS_V4_VAL(to.ip))
			return -EINVAL;
		if (to.port > UINT8_MAX)
			return -EINVAL;
		if (to.port && to.port != send->protocol && send->protocol != IPPROTO_RAW)
			return -EINVAL;
		if (to.port)
			send->protocol = (uint8_t)to.port;
	}
	ip_addr_copy(send->to, to.ip);
	send->iface = to.iface;
	return 0;
}

/* IPV6_CHECKSUM: the sum of what is sent, at the offset. */
static int checksum_fill(const struct raw_sock *sock, const struct dgram_send *send,
                         const struct inet_route *route, struct pbuf *packet)
{
	int offset = READ_ONCE(sock->checksum_offset);
	uint16_t sum = 0;

	if (offset < 0 || IP_IS_V4_VAL(send->to))
		return 0;
	if (offset + 2 > packet->len)
		return -EINVAL;
	memcpy((uint8_t *)packet->payload + offset, &sum, sizeof(sum));
	sum = ip_chksum_pseudo(packet, send->protocol, packet->tot_len, &route->source, &send->to);
	if (!sum)
		sum = 0xffff;
	memcpy((uint8_t *)packet->payload + offset, &sum, sizeof(sum));
	return 0;
}

/* The user's own IPv4 header, made good as Linux does. */
static int header4_mend(const struct inet_route *route, struct pbuf *packet)
{
	struct ip_hdr *header = packet->payload;
	uint32_t size;

	if (packet->len < IP_HLEN)
		return -EINVAL;
	size = IPH_HL_BYTES(header);
	if (size < IP_HLEN || size > packet->len)
		return -EINVAL;
	if (packet->tot_len > route->netif->mtu && route->netif->mtu)
		return -EMSGSIZE;
	if (!header->src.addr)
		header->src.addr = ip_2_ip4(&route->source)->addr;
	IPH_LEN_SET(header, lwip_htons(packet->tot_len));
	IPH_CHKSUM_SET(header, 0);
	IPH_CHKSUM_SET(header, inet_chksum(header, (uint16_t)size));
	return 0;
}

static int header6_check(const struct inet_route *route, const struct pbuf *packet)
{
	if (packet->len < IP6_HLEN)
		return -EINVAL;
	return packet->tot_len > route->mtu ? -EMSGSIZE : 0;
}

static int packet_send_locked(struct raw_sock *sock, struct dgram_send *send, struct pbuf *packet)
{
	struct inet_sock *inet = &sock->dgram.inet;
	bool is_ready = inet_has(inet, INET_HDRINCL);
	struct inet_route route;
	int err = dgram_route_locked(inet, send, is_ready ? 0 : packet->tot_len, &route);

	if (!err && is_ready) {
		err = IP_IS_V4_VAL(send->to) ? header4_mend(&route, packet)
					     : header6_check(&route, packet);
		return err ? err : dgram_output_raw_locked(inet, &route, packet);
	}
	if (!err)
		err = checksum_fill(sock, send, &route, packet);
	if (!err)
		err = dgram_output_locked(inet, send, &route, packet);
	return err;
}

static ssize_t raw_send(struct socket *socket, struct message *message)
{
	struct raw_sock *sock = to_raw(socket);
	struct dgram_send send = { .ttl = -1, .tos = -1, .dont_fragment = -1 };
	size_t size = message->uio->remaining;
	struct pbuf *packet;
	int err;

	if (size > UINT16_MAX)
		return -EMSGSIZE;
	if (message->flags & MSG_OOB)
		return -EOPNOTSUPP;
	ip_addr_copy(send.source, *IP_ANY_TYPE);
	err = target_read(sock, message, &send);
	if (!err && message->control)
		err = dgram_control_read(&sock->dgram.inet, message, &send);
	if (!err)
		err = dgram_build(message->uio, size, &packet);
	if (err)
		return err;
	stack_lock(socket->netns);
	err = packet_send_locked(sock, &send, packet);
	pbuf_free(packet);
	stack_unlock(socket->netns);
	if (err == -ENOBUFS && !inet_wants_errors(&sock->dgram.inet, &send.to))
		err = 0;
	return err ? err : (ssize_t)size;
}

/* ---- options ------------------------------------------------------------------------ */

static int filter_set(struct raw_sock *sock, const struct socket_option *option)
{
	size_t size = min((size_t)option->size, sizeof(sock->filter));

	if (sock->dgram.inet.socket.protocol != IPPROTO_ICMP || option->name != ICMP_FILTER)
		return sock->dgram.inet.socket.protocol != IPPROTO_ICMP ? -EOPNOTSUPP
									: -ENOPROTOOPT;
	memcpy(&sock->filter, option->bytes, size);
	return 0;
}

static int filter6_set(struct raw_sock *sock, const struct socket_option *option)
{
	struct netns *netns = sock->dgram.inet.socket.netns;

	if (sock->dgram.inet.socket.protocol != IPPROTO_ICMPV6)
		return -EOPNOTSUPP;
	if (option->name != ICMPV6_FILTER)
		return -ENOPROTOOPT;
	stack_lock(netns);
	memcpy(&sock->filter6, option->bytes, min((size_t)option->size, sizeof(sock->filter6)));
	stack_unlock(netns);
	return 0;
}

static int checksum_set(struct raw_sock *sock, const struct socket_option *option)
{
	if (option->size < sizeof(int))
		return -EINVAL;
	if (sock->dgram.inet.socket.protocol == IPPROTO_ICMPV6 && option->level == SOL_IPV6)
		return -EINVAL;
	if (option->value > 0 && option->value & 1)
		return -EINVAL;
	WRITE_ONCE(sock->checksum_offset, option->value < 0 ? -1 : option->value);
	return 0;
}

static bool is_checksum(const struct socket *socket, const struct socket_option *option)
{
	return socket->family == AF_INET6 && option->name == IPV6_CHECKSUM &&
	       (option->level == SOL_IPV6 || option->level == SOL_RAW);
}

static int raw_set_option(struct socket *socket, const struct socket_option *option)
{
	struct raw_sock *sock = to_raw(socket);

	if (is_checksum(socket, option))
		return checksum_set(sock, option);
	if (option->level == SOL_RAW && socket->family == AF_INET)
		return filter_set(sock, option);
	if (option->level == SOL_ICMPV6 && socket->family == AF_INET6)
		return filter6_set(sock, option);
	return inet_set_option(socket, option);
}

static int raw_get_option(struct socket *socket, struct socket_option *option)
{
	struct raw_sock *sock = to_raw(socket);

	if (is_checksum(socket, option))
		return socket_option_answer_int(option, READ_ONCE(sock->checksum_offset));
	if (option->level == SOL_RAW && socket->family == AF_INET) {
		if (option->name != ICMP_FILTER)
			return -ENOPROTOOPT;
		if (socket->protocol != IPPROTO_ICMP)
			return -EOPNOTSUPP;
		return socket_option_answer(option, &sock->filter, sizeof(sock->filter));
	}
	if (option->level == SOL_ICMPV6 && socket->family == AF_INET6) {
		if (socket->protocol != IPPROTO_ICMPV6)
			return -EOPNOTSUPP;
		if (option->name != ICMPV6_FILTER)
			return -ENOPROTOOPT;
		return socket_option_answer(option, &sock->filter6, sizeof(sock->filter6));
	}
	return inet_get_option(socket, option);
}

static const struct socket_ops raw_ops = {
	.release = raw_release,
	.free = raw_free,
	.bind = raw_bind,
	.connect = raw_connect,
	.name = inet_name,
	.footprint = dgram_footprint,
	.shutdown = dgram_shutdown,
	.send = raw_send,
	.receive = dgram_receive,
	.poll = dgram_poll,
	.ioctl = dgram_ioctl,
	.take_error = inet_take_error,
	.is_listening = inet_is_not_listening,
	.set_option = raw_set_option,
	.get_option = raw_get_option,
};
