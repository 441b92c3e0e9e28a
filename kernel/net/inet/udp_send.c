/*
 * UDP out. See udp_impl.h.
 *
 * The bytes are copied from the user first, with no lock held; then, under core, the way is looked
 * up, the headers are put in front, and the packet goes.
 */
#include <linux/errno.h>
#include <linux/in.h>
#include <lwip/inet_chksum.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/udp.h>

#include "lib/math.h"
#include "net/inet/errors.h"
#include "net/inet/udp_impl.h"
#include "net/stack/stack.h"
#include "vm/uio.h"

/* ---- one packet --------------------------------------------------------------------- */

static bool needs_checksum(const struct udp_sock *sock, const struct dgram_send *send,
                           const struct inet_route *route, const struct pbuf *packet)
{
	bool is_v4 = IP_IS_V4_VAL(send->to);

	if (is_v4 ? READ_ONCE(sock->dgram.inet.socket.options) & SOCKET_NO_CHECK
	          : READ_ONCE(sock->no_check6))
		return false;
	if (route->netif->chksum_flags & NETIF_CHECKSUM_GEN_UDP)
		return true;
	/* a device can sum up one frame, not what it gets in pieces */
	return route->iface != 1 && packet->tot_len + 40u > route->netif->mtu;
}

static int header_add(const struct udp_sock *sock, const struct dgram_send *send,
                      const struct inet_route *route, struct pbuf *packet)
{
	struct udp_hdr *header;

	if (pbuf_add_header(packet, UDP_HLEN))
		return -ENOBUFS;
	header = packet->payload;
	header->src = lwip_htons(sock->dgram.inet.local_port);
	header->dest = lwip_htons(send->port);
	header->len = lwip_htons(packet->tot_len);
	header->chksum = 0;
	if (needs_checksum(sock, send, route, packet)) {
		uint16_t sum = ip_chksum_pseudo(packet, IPPROTO_UDP, packet->tot_len,
		                                &route->source, &send->to);

		header->chksum = sum ? sum : 0xffff;
	}
	return 0;
}

static int packet_send_locked(struct udp_sock *sock, const struct dgram_send *send,
                              struct pbuf *packet)
{
	struct inet_sock *inet = &sock->dgram.inet;
	bool is_v4 = IP_IS_V4_VAL(send->to);
	struct inet_route route;
	int err = dgram_route_locked(inet, send, packet->tot_len + UDP_HLEN, &route);

	if (!err)
		err = header_add(sock, send, &route, packet);
	if (!err)
		err = dgram_output_locked(inet, send, &route, packet);
	if (!err) {
		(is_v4 ? &udp_statistics.udp_out : &udp_statistics.udp6_out)[0]++;
	} else if (err == -ENOBUFS) {
		(is_v4 ? &udp_statistics.udp_send_errors
		       : &udp_statistics.udp6_send_errors)[0]++;
		if (!inet_wants_errors(inet, &send->to))
			err = 0;
	}
	return err;
}

/* ---- corked ------------------------------------------------------------------------- */

void udp_cork_drop_locked(struct udp_sock *sock)
{
	if (sock->corked)
		pbuf_free(sock->corked);
	sock->corked = NULL;
}

int udp_uncork_locked(struct udp_sock *sock)
{
	struct pbuf *packet = sock->corked;
	int err;

	if (!packet)
		return 0;
	sock->corked = NULL;
	err = packet_send_locked(sock, &sock->corked_send, packet);
	pbuf_free(packet);
	return err;
}

/* Behind what waits already, whose target counts; out, unless there is more. Consumes. */
static int cork_locked(struct udp_sock *sock, const struct dgram_send *send, struct pbuf *packet,
                       bool has_more)
{
	if (!sock->corked) {
		sock->corked = packet;
		sock->corked_send = *send;
	} else if (sock->corked->tot_len + packet->tot_len > UINT16_MAX - UDP_HLEN - IP_HLEN) {
		pbuf_free(packet);
		udp_cork_drop_locked(sock);
		return -EMSGSIZE;
	} else {
		pbuf_cat(sock->corked, packet);
	}
	return has_more ? 0 : udp_uncork_locked(sock);
}

/* ---- messages ----------------------------------------------------------------------- */

/* Where to by the message's name, or false: to the peer. */
static int target_read(struct udp_sock *sock, const struct message *message,
                       struct dgram_send *send, bool *is_named)
{
	struct inet_sock *inet = &sock->dgram.inet;
	const struct socket_name *name = message->name;
	struct inet_address to;
	int err;

	if (name && inet->socket.family == AF_INET6 && name->size >= sizeof(name->family) &&
	    name->family == AF_UNSPEC)
		name = NULL;
	*is_named = name && name->size;
	if (!*is_named)
		return READ_ONCE(sock->dgram.is_connected) || READ_ONCE(sock->corked)
			       ? 0
			       : -EDESTADDRREQ;
	err = inet_address_of_peer(inet, name, &to);
	if (err)
		return err == -EAFNOSUPPORT && inet->socket.family == AF_INET6 ? -EINVAL : err;
	if (!to.port)
		return -EINVAL;
	ip_addr_copy(send->to, to.ip);
	send->port = to.port;
	send->iface = to.iface;
	if (inet_has(inet, INET_FLOWINFO_SEND))
		send->flow_label = to.flow_label;
	return 0;
}

static void target_peer_locked(const struct udp_sock *sock, struct dgram_send *send)
{
	const struct inet_sock *inet = &sock->dgram.inet;

	ip_addr_copy(send->to, inet->remote);
	send->port = inet->remote_port;
	if (inet_has(inet, INET_FLOWINFO_SEND))
		send->flow_label = inet->flow_label;
}

/* One message, or one segment of it. */
static int piece_send(struct udp_sock *sock, struct dgram_send *send, struct uio *uio, size_t size,
                      bool to_peer, bool has_more)
{
	struct netns *netns = sock->dgram.inet.socket.netns;
	struct pbuf *packet;
	int err = dgram_build(uio, size, &packet);

	if (err)
		return err;
	stack_lock(netns);
	if (to_peer)
		target_peer_locked(sock, send);
	if (unlikely(!sock->dgram.inet.local_port))
		err = udp_autobind_locked(sock);
	if (!err && to_peer && !sock->dgram.is_connected && !sock->corked)
		err = -EDESTADDRREQ;
	if (err) {
		pbuf_free(packet);
	} else if (unlikely(has_more || sock->corked)) {
		err = cork_locked(sock, send, packet, has_more);
	} else {
		err = packet_send_locked(sock, send, packet);
		pbuf_free(packet);
	}
	stack_unlock(netns);
	return err;
}

static int control_read(struct udp_sock *sock, const struct message *message,
                        struct dgram_send *send, bool to_peer)
{
	struct netns *netns = sock->dgram.inet.socket.netns;

	if (to_peer) {
		stack_lock(netns);
		target_peer_locked(sock, send);
		stack_unlock(netns);
	}
	return dgram_control_read(&sock->dgram.inet, message, send);
}

ssize_t udp_message_send(struct socket *socket, struct message *message)
{
	struct udp_sock *sock = to_udp(socket);
	struct dgram_send send = {
		.ttl = -1, .tos = -1, .dont_fragment = -1, .protocol = IPPROTO_UDP,
		.segment = READ_ONCE(sock->segment),
	};
	size_t size = message->uio->remaining, left = size;
	bool is_named, has_more = message->flags & MSG_MORE || READ_ONCE(sock->wants_cork);
	int err;

	if (size > UINT16_MAX)
		return -EMSGSIZE;
	if (message->flags & MSG_OOB)
		return -EOPNOTSUPP;
	ip_addr_copy(send.source, *IP_ANY_TYPE);
	err = target_read(sock, message, &send, &is_named);
	if (!err && message->control)
		err = control_read(sock, message, &send, !is_named);
	while (!err) {
		size_t part = send.segment ? min(left, (size_t)send.segment) : left;

		err = piece_send(sock, &send, message->uio, part, !is_named, has_more);
		left -= part;
		if (!left)
			break;
	}
	return err ? err : (ssize_t)size;
}
