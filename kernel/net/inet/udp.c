/*
 * UDP sockets: life, names, options. See udp_impl.h.
 */
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/udp.h>
#include <lwip/pbuf.h>

#include "id/cred.h"
#include "mem/slab.h"
#include "fs/path.h"
#include "net/inet/errors.h"
#include "net/inet/multicast.h"
#include "net/inet/options.h"
#include "net/inet/udp_impl.h"
#include "net/stack/stack.h"

static const struct socket_ops udp_ops;
static struct cache udp_cache = CACHE("udp socket", struct udp_sock);

int udp_create(struct netns *netns, int family, int protocol, const struct cred *cred,
               struct socket **out)
{
	struct udp_sock *sock = cache_zalloc(&udp_cache, ALLOC_KERNEL);

	(void)cred;
	if (!sock)
		return -ENOMEM;
	dgram_init(&sock->dgram, &udp_ops, netns, family, SOCK_DGRAM, protocol);
	sock->port.netns = netns;
	sock->port.protocol = IPPROTO_UDP;
	*out = &sock->dgram.inet.socket;
	return 0;
}

static void udp_free(struct socket *socket)
{
	struct udp_sock *sock = to_udp(socket);

	dgram_fini(&sock->dgram);
	cache_free(&udp_cache, sock);
}

static void port_leave_locked(struct udp_sock *sock)
{
	udp_table_remove(sock);
	port_release(&sock->port);
	sock->dgram.inet.local_port = 0;
}

static void udp_release(struct socket *socket)
{
	struct udp_sock *sock = to_udp(socket);

	multicast_leave_all(&sock->dgram.inet);
	stack_lock(socket->netns);
	sock->dgram.is_dead = true;
	udp_cork_drop_locked(sock);
	port_leave_locked(sock);
	stack_unlock(socket->netns);
}

/* ---- names -------------------------------------------------------------------------- */

static uint8_t sharing_of(const struct udp_sock *sock)
{
	uint32_t options = READ_ONCE(sock->dgram.inet.socket.options);

	return (options & SOCKET_REUSEADDR ? PORT_REUSE_ADDRESS : 0) |
	       (options & SOCKET_REUSEPORT ? PORT_REUSE_PORT : 0);
}

/* port 0: any that is free. */
static int port_take_locked(struct udp_sock *sock, uint16_t port)
{
	struct inet_sock *inet = &sock->dgram.inet;
	int err;

	ip_addr_copy(sock->port.local, inet->local);
	sock->port.bound_iface = READ_ONCE(inet->socket.bound_iface);
	sock->port.uid = READ_ONCE(inet->socket.uid);
	sock->port.flags = sharing_of(sock);
	err = port_bind(inet->socket.netns, &sock->port, port);
	if (err)
		return err;
	inet->local_port = sock->port.port;
	err = udp_table_add(sock);
	if (err)
		port_leave_locked(sock);
	return err;
}

int udp_autobind_locked(struct udp_sock *sock)
{
	if (sock->dgram.inet.local_port)
		return 0;
	return port_take_locked(sock, 0) ? -EAGAIN : 0;
}

static int bind_locked(struct udp_sock *sock, const struct inet_address *address)
{
	struct inet_sock *inet = &sock->dgram.inet;
	uint32_t bound_before = READ_ONCE(inet->socket.bound_iface);
	int err;

	if (inet->local_port || sock->dgram.is_connected)
		return -EINVAL;
	if (address->iface)
		WRITE_ONCE(inet->socket.bound_iface, address->iface);
	ip_addr_copy(inet->local, address->ip);
	err = port_take_locked(sock, address->port);
	if (err) {
		WRITE_ONCE(inet->socket.bound_iface, bound_before);
		inet_address_any(inet, &inet->local);
		return err;
	}
	sock->dgram.bound = (ip_addr_isany(&address->ip) ? 0 : DGRAM_BOUND_ADDRESS) |
			    (address->port ? DGRAM_BOUND_PORT : 0);
	return 0;
}

static int udp_bind(struct socket *socket, const struct socket_name *name,
                    const struct socket_caller *caller)
{
	struct udp_sock *sock = to_udp(socket);
	struct inet_address address;
	int err = inet_address_of_bind(&sock->dgram.inet, name, &address);

	if (!err)
		err = port_check_rights(socket->netns, address.port, caller->from->cred);
	if (err)
		return err;
	stack_lock(socket->netns);
	err = bind_locked(sock, &address);
	stack_unlock(socket->netns);
	return err;
}

static void disconnect_locked(struct dgram_sock *dgram)
{
	struct udp_sock *sock = to_udp(&dgram->inet.socket);

	dgram_disconnect_locked(dgram);
	if (!(dgram->bound & DGRAM_BOUND_PORT))
		port_leave_locked(sock);
	else
		ip_addr_copy(sock->port.local, dgram->inet.local);
}

static int connect_locked(struct dgram_sock *dgram, const struct inet_address *to)
{
	struct udp_sock *sock = to_udp(&dgram->inet.socket);
	int err = udp_autobind_locked(sock);

	if (!err)
		err = dgram_connect_locked(dgram, to);
	if (!err)
		ip_addr_copy(sock->port.local, dgram->inet.local);
	return err;
}

static const struct dgram_peering udp_peering = {
	.connect = connect_locked, .disconnect = disconnect_locked,
};

static int udp_connect(struct socket *socket, const struct socket_name *name, bool nowait,
                       const struct socket_caller *caller)
{
	(void)nowait;
	(void)caller;
	return dgram_connect(socket, name, &udp_peering);
}

/* ---- options ------------------------------------------------------------------------ */

static int cork_set(struct udp_sock *sock, bool on)
{
	struct netns *netns = sock->dgram.inet.socket.netns;

	WRITE_ONCE(sock->wants_cork, on);
	if (on)
		return 0;
	stack_lock(netns);
	/* an error of what waited is lost, as on Linux */
	(void)udp_uncork_locked(sock);
	stack_unlock(netns);
	return 0;
}

static int udp_set_option(struct socket *socket, const struct socket_option *option)
{
	struct udp_sock *sock = to_udp(socket);
	int value;

	if (option->level != SOL_UDP)
		return inet_set_option(socket, option);
	if (option->size < sizeof(value))
		return -EINVAL;
	value = option->value;
	switch (option->name) {
	case UDP_CORK:
		return cork_set(sock, value);
	case UDP_NO_CHECK6_TX:
		WRITE_ONCE(sock->no_check6, !!value);
		return 0;
	case UDP_NO_CHECK6_RX:
		WRITE_ONCE(sock->takes_unchecked6, !!value);
		return 0;
	case UDP_SEGMENT:
		if (value < 0 || value > (int)UINT16_MAX)
			return -EINVAL;
		WRITE_ONCE(sock->segment, (uint32_t)value);
		return 0;
	case UDP_GRO:
		WRITE_ONCE(sock->wants_gro, !!value);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/* Whoever shares a port, or has it on one interface only, may say so late. */
static void udp_option_changed(struct socket *socket, int name)
{
	struct udp_sock *sock = to_udp(socket);

	if (name != SO_REUSEADDR && name != SO_REUSEPORT && name != SO_BINDTODEVICE)
		return;
	stack_lock(socket->netns);
	sock->port.flags = sharing_of(sock);
	sock->port.bound_iface = READ_ONCE(socket->bound_iface);
	stack_unlock(socket->netns);
}

static int udp_get_option(struct socket *socket, struct socket_option *option)
{
	struct udp_sock *sock = to_udp(socket);

	if (option->level != SOL_UDP)
		return inet_get_option(socket, option);
	switch (option->name) {
	case UDP_CORK:
		return socket_option_answer_int(option, READ_ONCE(sock->wants_cork));
	case UDP_ENCAP:
		return socket_option_answer_int(option, 0);
	case UDP_NO_CHECK6_TX:
		return socket_option_answer_int(option, READ_ONCE(sock->no_check6));
	case UDP_NO_CHECK6_RX:
		return socket_option_answer_int(option, READ_ONCE(sock->takes_unchecked6));
	case UDP_SEGMENT:
		return socket_option_answer_int(option, (int)READ_ONCE(sock->segment));
	case UDP_GRO:
		return socket_option_answer_int(option, READ_ONCE(sock->wants_gro));
	default:
		return -ENOPROTOOPT;
	}
}

static const struct socket_ops udp_ops = {
	.release = udp_release,
	.free = udp_free,
	.bind = udp_bind,
	.connect = udp_connect,
	.name = inet_name,
	.footprint = dgram_footprint,
	.shutdown = dgram_shutdown,
	.send = udp_message_send,
	.receive = dgram_receive,
	.poll = dgram_poll,
	.ioctl = dgram_ioctl,
	.take_error = inet_take_error,
	.is_listening = inet_is_not_listening,
	.can_peek_offset = true,
	.option_changed = udp_option_changed,
	.set_option = udp_set_option,
	.get_option = udp_get_option,
};
