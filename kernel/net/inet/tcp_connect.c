/*
 * bind(2), connect(2), and back to an unconnected socket. See tcp_impl.h.
 *
 * lwIP is given pcbs whose addresses and port are set already: whether they may be used was
 * decided by net/inet/port.c, with rules that lwIP does not have. So tcp_bind() is not called.
 */
#include <linux/errno.h>

#include "abi/errno.h"
#include "fs/path.h"
#include "net/inet/tcp_impl.h"
#include "sched/wait.h"

/* ---- bind --------------------------------------------------------------------------- */

static int bind_locked(struct tcp_sock *sock, struct tcp_end *end,
                       const struct inet_address *address)
{
	int err;

	if (sock->state != TCP_IS_CLOSED || sock->end)
		return -EINVAL;
	tcp_end_describe(end, sock);
	ip_addr_copy(end->use.local, address->ip);
	err = port_bind(tcp_netns(sock), &end->use, address->port);
	if (err)
		return err;
	sock->end = end;
	ip_addr_copy(sock->inet.local, address->ip);
	sock->inet.local_port = end->use.port;
	sock->is_port_bound = address->port != 0;
	sock->is_address_bound = !ip_addr_isany(&address->ip);
	return 0;
}

int tcp_sock_bind(struct socket *socket, const struct socket_name *name,
                  const struct socket_caller *caller)
{
	struct tcp_sock *sock = to_tcp(socket);
	struct inet_address address;
	struct tcp_end *end;
	int err = inet_address_of_bind(&sock->inet, name, &address);

	if (!err && IP_IS_V6(&address.ip) && ip_addr_ismulticast(&address.ip))
		err = -EINVAL; /* of IPv4 Linux lets it pass */
	if (!err)
		err = port_check_rights(socket->netns, address.port, caller->from->cred);
	if (err)
		return err;
	end = tcp_end_alloc(ALLOC_KERNEL);
	if (!end)
		return -ENOMEM;
	stack_lock(socket->netns);
	if (address.iface && !READ_ONCE(socket->bound_iface))
		WRITE_ONCE(socket->bound_iface, address.iface);
	err = bind_locked(sock, end, &address);
	if (err)
		tcp_end_free(end);
	stack_unlock(socket->netns);
	return err;
}

/* ---- back to nothing ---------------------------------------------------------------- */

static void forget_addresses(struct tcp_sock *sock)
{
	if (!sock->is_address_bound)
		inet_address_any(&sock->inet, &sock->inet.local);
	if (sock->end && !sock->is_address_bound)
		ip_addr_copy(sock->end->use.local, sock->inet.local);
	inet_address_any(&sock->inet, &sock->inet.remote);
	sock->inet.remote_port = 0;
}

static void disconnect_locked(struct tcp_sock *sock)
{
	struct tcp_pcb *pcb = tcp_pcb_of(sock);
	int error = pcb && pcb->state != TIME_WAIT ? ECONNRESET : 0;

	if (sock->state == TCP_IS_LISTENING)
		tcp_sock_unlisten(sock);
	if (pcb && pcb->state == TIME_WAIT)
		tcp_wait_begin(sock->end);
	else if (pcb)
		tcp_end_abort(sock->end, TCP_FATE_CLEAN);
	WRITE_ONCE(sock->state, TCP_IS_CLOSED);
	sock->phase = TCP_UNCONNECTED;
	tcp_sock_unport(sock);
	forget_addresses(sock);
	WRITE_ONCE(sock->inet.shut, 0);
	WRITE_ONCE(sock->has_end, false);
	if (error)
		WRITE_ONCE(sock->inet.error, error);
}

void tcp_sock_disconnect(struct tcp_sock *sock)
{
	mutex_lock(&sock->receive_lock);
	tcp_queue_purge(sock);
	sock->untold = 0;
	stack_lock(tcp_netns(sock));
	disconnect_locked(sock);
	stack_unlock(tcp_netns(sock));
	mutex_unlock(&sock->receive_lock);
	inet_wake_all(&sock->inet);
}

/* ---- connect ------------------------------------------------------------------------ */

/* The port, and both addresses, as the claim says. */
static int claim(struct tcp_sock *sock, struct tcp_end *end, const struct inet_address *address,
                 const struct inet_route *route)
{
	ip_addr_t before;
	int err;

	tcp_end_describe(end, sock);
	ip_addr_copy(before, end->use.local);
	ip_addr_copy(end->use.local, route->source);
	if (port_is_bound(&end->use)) {
		err = port_connect_bound(&end->use, &address->ip, address->port);
		if (err)
			ip_addr_copy(end->use.local, before);
		return err;
	}
	ip_addr_copy(end->use.remote, address->ip);
	end->use.remote_port = address->port;
	return port_connect(tcp_netns(sock), &end->use);
}

/* lwIP sends the first packet. `end` has its claim. */
static int launch(struct tcp_sock *sock, struct tcp_end *end, const struct inet_route *route)
{
	struct tcp_pcb *pcb = tcp_new();
	err_t err;

	if (!pcb)
		return -ENOBUFS;
	ip_addr_copy(pcb->local_ip, end->use.local);
	ip_addr_copy(pcb->remote_ip, end->use.remote);
	pcb->local_port = end->use.port;
	if (end->use.bound_iface)
		tcp_bind_netif(pcb, route->netif);
	tcp_end_attach(end, pcb);
	tcp_end_adopt(end, sock);
	WRITE_ONCE(sock->state, TCP_IS_SYN_SENT);
	err = tcp_connect(pcb, &end->use.remote, end->use.remote_port, tcp_event_connected);
	if (err == ERR_OK)
		return 0;
	sock->fate = TCP_FATE_CLEAN;
	tcp_abandon(pcb, 0);
	return err == ERR_USE ? -EADDRNOTAVAIL : stack_errno(err);
}

/* The first half of connect(2). `fresh` is taken if it is needed. Core held. */
static int connect_begin(struct tcp_sock *sock, const struct inet_address *address,
                         struct tcp_end **fresh)
{
	struct tcp_end *end = sock->end ? sock->end : *fresh;
	struct inet_route route;
	int err;

	/* Another thread has just undone what it was about. */
	if (!end)
		return -ECONNABORTED;
	err = inet_route(&sock->inet, &address->ip, &sock->inet.local, address->iface, &route);
	if (err)
		return err == -EACCES ? -ENETUNREACH : err;
	if (route.is_broadcast || route.is_multicast)
		return -ENETUNREACH;
	err = claim(sock, end, address, &route);
	if (err)
		return err;
	if (end == *fresh) {
		sock->end = end;
		*fresh = NULL;
	}
	ip_addr_copy(sock->inet.local, end->use.local);
	sock->inet.local_port = end->use.port;
	ip_addr_copy(sock->inet.remote, address->ip);
	sock->inet.remote_port = address->port;
	WRITE_ONCE(sock->inet.shut, 0);
	WRITE_ONCE(sock->has_end, false);
	WRITE_ONCE(sock->written, 0);
	WRITE_ONCE(sock->acked, 0);
	err = launch(sock, end, &route);
	if (err) {
		WRITE_ONCE(sock->state, TCP_IS_CLOSED);
		WRITE_ONCE(sock->inet.shut, 0);
		tcp_sock_unport(sock);
		forget_addresses(sock);
	}
	return err;
}

/* What connect(2) is to a socket in this state: -EINPROGRESS to wait for the outcome. Core held. */
static int connect_locked(struct tcp_sock *sock, const struct inet_address *address,
                          struct tcp_end **fresh)
{
	int err;

	switch (sock->phase) {
	case TCP_CONNECTED:
		return -EISCONN;
	case TCP_CONNECTING:
		return -EALREADY;
	default:
		if (sock->state != TCP_IS_CLOSED)
			return -EISCONN;
		err = connect_begin(sock, address, fresh);
		if (err)
			return err;
		sock->phase = TCP_CONNECTING;
		return -EINPROGRESS;
	}
}

static bool is_undecided(const struct tcp_sock *sock)
{
	return READ_ONCE(sock->state) == TCP_IS_SYN_SENT;
}

/* The second half: until it is decided. `unfinished` is the error if it is not. */
static int connect_finish(struct tcp_sock *sock, bool nowait, int unfinished)
{
	struct socket *socket = &sock->inet.socket;
	ns_t timeout = READ_ONCE(socket->send_timeout);
	int err;

	/* Who does not wait is told so once, even if it is decided by now, as within a host. */
	if (nowait && (is_undecided(sock) || unfinished == -EINPROGRESS))
		return unfinished;
	err = wait_event_interruptible_until(&sock->inet.writable, !is_undecided(sock),
	                                     socket_deadline(timeout));
	if (err)
		return err == -ETIMEDOUT ? unfinished : socket_interrupted(err, timeout);
	if (READ_ONCE(sock->state) == TCP_IS_CLOSED) {
		err = inet_error_take(&sock->inet);
		tcp_sock_disconnect(sock);
		return err ? -err : -ECONNABORTED;
	}
	stack_lock(socket->netns);
	if (sock->phase == TCP_CONNECTING)
		sock->phase = TCP_CONNECTED;
	stack_unlock(socket->netns);
	return 0;
}

int tcp_sock_connect(struct socket *socket, const struct socket_name *name, bool nowait,
                     const struct socket_caller *caller)
{
	struct tcp_sock *sock = to_tcp(socket);
	struct inet_address address;
	struct tcp_end *fresh = NULL;
	int err, name_err;

	(void)caller;
	if (name->size < sizeof(name->family))
		return -EINVAL;
	if (name->family == AF_UNSPEC) {
		tcp_sock_disconnect(sock);
		return 0;
	}
	name_err = inet_address_of_peer(&sock->inet, name, &address);
	if (!name_err && READ_ONCE(sock->phase) == TCP_UNCONNECTED) {
		fresh = tcp_end_alloc(ALLOC_KERNEL);
		if (!fresh)
			return -ENOMEM;
	}
	stack_lock(socket->netns);
	if (sock->phase != TCP_UNCONNECTED || sock->state != TCP_IS_CLOSED || !name_err)
		err = connect_locked(sock, &address, &fresh);
	else
		err = name_err;
	stack_unlock(socket->netns);
	if (fresh)
		tcp_end_free(fresh);
	return err == -EINPROGRESS || err == -EALREADY ? connect_finish(sock, nowait, err) : err;
}
