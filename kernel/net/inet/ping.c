/*
 * Ping sockets: SOCK_DGRAM of IPPROTO_ICMP or ICMPV6, for users whom net.ipv4.ping_group_range
 * allows it. icmp(7)
 *
 * A socket sends echo requests alone, with its port for their id, and gets the replies to that id,
 * from the ICMP header on.
 */
#include <linux/errno.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <lwip/inet_chksum.h>
#include <lwip/pbuf.h>

#include "core/random.h"
#include "id/cred.h"
#include "lib/byteorder.h"
#include "lib/hlist.h"
#include "lib/string.h"
#include "mem/slab.h"
#include "net/inet/errors.h"
#include "net/inet/input.h"
#include "net/inet/multicast.h"
#include "net/inet/options.h"
#include "net/stack/stack.h"
#include "vm/uio.h"

struct echo {
	uint8_t type, code;
	__be16  checksum, id, sequence;
};

struct ping_sock {
	struct dgram_sock dgram; /* first */
	struct hlist_node in_all __guarded_by(core);
};

static const struct socket_ops ping_ops;
static struct cache ping_cache = CACHE("ping socket", struct ping_sock);
static struct hlist all __guarded_by(core); /* those with an id */

static struct ping_sock *to_ping(struct socket *socket)
{
	return container_of(socket, struct ping_sock, dgram.inet.socket);
}

/* ---- life --------------------------------------------------------------------------- */

static bool may_ping(struct netns *netns, const struct cred *cred)
{
	const struct inet_settings *settings = inet_settings(netns);
	int64_t first = READ_ONCE(settings->ping_group_first);
	int64_t last = READ_ONCE(settings->ping_group_last);
	const struct cred_groups *groups = cred->groups;

	if (cred->egid >= first && cred->egid <= last)
		return true;
	for (uint32_t i = 0; groups && i < groups->count; i++)
		if (groups->gids[i] >= first && groups->gids[i] <= last)
			return true;
	return false;
}

int ping_create(struct netns *netns, int family, int protocol, const struct cred *cred,
                struct socket **out)
{
	struct ping_sock *sock;

	if (!may_ping(netns, cred))
		return -EACCES;
	sock = cache_zalloc(&ping_cache, ALLOC_KERNEL);
	if (!sock)
		return -ENOMEM;
	dgram_init(&sock->dgram, &ping_ops, netns, family, SOCK_DGRAM, protocol);
	*out = &sock->dgram.inet.socket;
	return 0;
}

static void ping_free(struct socket *socket)
{
	struct ping_sock *sock = to_ping(socket);

	dgram_fini(&sock->dgram);
	cache_free(&ping_cache, sock);
}

static void id_leave_locked(struct ping_sock *sock)
{
	if (hlist_is_linked(&sock->in_all))
		hlist_remove(&sock->in_all);
	sock->dgram.inet.local_port = 0;
}

static void ping_release(struct socket *socket)
{
	struct ping_sock *sock = to_ping(socket);

	multicast_leave_all(&sock->dgram.inet);
	stack_lock(socket->netns);
	sock->dgram.is_dead = true;
	id_leave_locked(sock);
	stack_unlock(socket->netns);
}

static struct ping_sock *find(uint16_t id, uint16_t protocol)
{
	struct ping_sock *sock;

	hlist_for_each_entry(sock, &all, in_all)
		if (sock->dgram.inet.local_port == id &&
		    sock->dgram.inet.socket.protocol == protocol)
			return sock;
	return NULL;
}

/* id 0: any that is free; one that is named may be taken already, as on Linux. */
static int id_take_locked(struct ping_sock *sock, uint16_t id)
{
	uint16_t protocol = sock->dgram.inet.socket.protocol;

	for (uint32_t n = 0; !id && n <= UINT16_MAX; n++) {
		uint16_t candidate = (uint16_t)random_below(UINT16_MAX) + 1;

		if (!find(candidate, protocol))
			id = candidate;
	}
	if (!id)
		return -EAGAIN;
	sock->dgram.inet.local_port = id;
	hlist_add(&all, &sock->in_all);
	return 0;
}

/* ---- names -------------------------------------------------------------------------- */

static bool is_of_family(const struct ping_sock *sock, const ip_addr_t *ip)
{
	return (sock->dgram.inet.socket.family == AF_INET) == IP_IS_V4(ip);
}

static int ping_bind(struct socket *socket, const struct socket_name *name,
                     const struct socket_caller *caller)
{
	struct ping_sock *sock = to_ping(socket);
	struct inet_sock *inet = &sock->dgram.inet;
	struct inet_address address;
	int err = inet_address_of_bind(inet, name, &address);

	(void)caller;
	if (err)
		return err;
	stack_lock(socket->netns);
	err = inet->local_port ? -EINVAL : id_take_locked(sock, address.port);
	if (!err) {
		ip_addr_copy(inet->local, address.ip);
		if (address.iface)
			WRITE_ONCE(socket->bound_iface, address.iface);
		sock->dgram.bound = DGRAM_BOUND_PORT;
		if (!ip_addr_isany(&address.ip))
			sock->dgram.bound |= DGRAM_BOUND_ADDRESS;
	}
	stack_unlock(socket->netns);
	return err;
}

static void disconnect_locked(struct dgram_sock *dgram)
{
	dgram_disconnect_locked(dgram);
	if (!(dgram->bound & DGRAM_BOUND_PORT))
		id_leave_locked(to_ping(&dgram->inet.socket));
}

static int connect_locked(struct dgram_sock *dgram, const struct inet_address *to)
{
	struct ping_sock *sock = to_ping(&dgram->inet.socket);
	int err = is_of_family(sock, &to->ip) ? 0 : -EAFNOSUPPORT;

	if (!err && !dgram->inet.local_port)
		err = id_take_locked(sock, 0);
	return err ? err : dgram_connect_locked(dgram, to);
}

static const struct dgram_peering ping_peering = {
	.connect = connect_locked, .disconnect = disconnect_locked,
};

static int ping_connect(struct socket *socket, const struct socket_name *name, bool nowait,
                        const struct socket_caller *caller)
{
	(void)nowait;
	(void)caller;
	return dgram_connect(socket, name, &ping_peering);
}

/* ---- out ---------------------------------------------------------------------------- */

static int target_read(struct ping_sock *sock, const struct message *message,
                       struct dgram_send *send)
{
	struct inet_sock *inet = &sock->dgram.inet;
	struct inet_address to;
	int err;

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
		return err == -EAFNOSUPPORT && inet->socket.family == AF_INET6 ? -EINVAL : err;
	if (!is_of_family(sock, &to.ip))
		return -EAFNOSUPPORT;
	ip_addr_copy(send->to, to.ip);
	send->iface = to.iface;
	return 0;
}

/* Id and checksum are ours to fill in. */
static void echo_fill(const struct ping_sock *sock, const struct inet_route *route,
                      const struct dgram_send *send, struct pbuf *packet)
{
	struct echo *echo = packet->payload;
	uint16_t sum;

	echo->id = cpu_to_be16(sock->dgram.inet.local_port);
	echo->checksum = 0;
	if (IP_IS_V4_VAL(send->to))
		sum = inet_chksum_pbuf(packet);
	else
		sum = ip_chksum_pseudo(packet, IPPROTO_ICMPV6, packet->tot_len, &route->source,
		                       &send->to);
	echo->checksum = (__force __be16)sum;
}

static int packet_send_locked(struct ping_sock *sock, const struct dgram_send *send,
                              struct pbuf *packet)
{
	struct inet_sock *inet = &sock->dgram.inet;
	struct inet_route route;
	int err = inet->local_port ? 0 : id_take_locked(sock, 0);

	if (!err)
		err = dgram_route_locked(inet, send, packet->tot_len, &route);
	if (err)
		return err;
	echo_fill(sock, &route, send, packet);
	return dgram_output_locked(inet, send, &route, packet);
}

static bool is_echo_request(const struct ping_sock *sock, const struct pbuf *packet)
{
	const struct echo *echo = packet->payload;
	bool is_v4 = sock->dgram.inet.socket.family == AF_INET;

	return echo->type == (is_v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST) && !echo->code;
}

static ssize_t ping_send(struct socket *socket, struct message *message)
{
	struct ping_sock *sock = to_ping(socket);
	struct dgram_send send = {
		.ttl = -1, .tos = -1, .dont_fragment = -1,
		.protocol = (uint8_t)socket->protocol,
	};
	size_t size = message->uio->remaining;
	struct pbuf *packet;
	int err;

	if (size > UINT16_MAX)
		return -EMSGSIZE;
	if (size < sizeof(struct echo))
		return -EINVAL;
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
	if (!is_echo_request(sock, packet)) {
		stack_pbuf_free(packet);
		return -EINVAL;
	}
	stack_lock(socket->netns);
	err = packet_send_locked(sock, &send, packet);
	pbuf_free(packet);
	stack_unlock(socket->netns);
	return err ? err : (ssize_t)size;
}

/* ---- in ----------------------------------------------------------------------------- */

void ping_input(const struct inet_packet *packet)
{
	bool is_v4 = IP_IS_V4(packet->from);
	const uint8_t *bytes = (const uint8_t *)packet->pbuf->payload + packet->transport;
	struct ping_sock *sock;
	struct pbuf *copy;

	if (bytes[0] != (is_v4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY))
		return;
	sock = find(load_be16(bytes + 4), packet->protocol);
	if (!sock || !dgram_matches(&sock->dgram, packet->to, packet->from, packet->iface))
		return;
	copy = pbuf_clone(PBUF_RAW, PBUF_RAM, packet->pbuf);
	if (!copy)
		return;
	dgram_queue(&sock->dgram, copy, packet->transport, packet->transport, packet->iface);
	pbuf_free(copy);
}

bool ping_error(const struct inet_error *error, const struct inet_quote *quote)
{
	bool is_v4 = error->protocol == IPPROTO_ICMP;
	const uint8_t *bytes = quote->bytes;
	struct ping_sock *sock;
	struct inet_sock *inet;

	if (bytes[0] != (is_v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST))
		return false;
	sock = find(load_be16(bytes + 4), error->protocol);
	if (!sock || !dgram_matches(&sock->dgram, &error->local, &error->remote, error->iface))
		return false;
	inet = &sock->dgram.inet;
	if (inet_wants_errors(inet, &error->remote)) {
		struct inet_error told = *error;

		told.remote_port = 0;
		inet_error_queue(inet, &told, quote);
	} else if (!error->is_hard || !sock->dgram.is_connected) {
		return true;
	}
	inet_error_post(inet, (int)error->err);
	return true;
}

static const struct socket_ops ping_ops = {
	.release = ping_release,
	.free = ping_free,
	.bind = ping_bind,
	.connect = ping_connect,
	.name = inet_name,
	.footprint = dgram_footprint,
	.shutdown = dgram_shutdown,
	.send = ping_send,
	.receive = dgram_receive,
	.poll = dgram_poll,
	.ioctl = dgram_ioctl,
	.take_error = inet_take_error,
	.is_listening = inet_is_not_listening,
	.set_option = inet_set_option,
	.get_option = inet_get_option,
};
