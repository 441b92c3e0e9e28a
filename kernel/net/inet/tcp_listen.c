/*
 * listen(2), accept(2), and connections on their way there. See tcp_impl.h.
 *
 * A connection that a peer asks for is half-open until the peer has answered our answer: an end
 * without a socket, on its listener's list. Then a socket is made, which waits in the accept queue.
 *
 * Bounds: while more wait in the queue than the backlog says, requests are dropped, and the peer
 * asks again. Half-open ones are as many as the backlog, at least HALF_OPEN_MIN: the oldest gives
 * way to a new one, so that a flood of requests takes the place of nobody who answers soon.
 *
 * Sockets with SO_REUSEPORT that listen at one place share lwIP's pcb, a struct tcp_group; which
 * of them is asked depends on where a connection comes from.
 */
#include <lwip/ip.h>
#include <lwip/netif.h>

#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "abi/errno.h"
#include "core/random.h"
#include "lib/hash.h"
#include "lib/math.h"
#include "net/iface/stack_hooks.h"
#include "net/inet/tcp_impl.h"
#include "net/netns.h"
#include "sched/clock.h"
#include "sched/wait.h"

enum { HALF_OPEN_MIN = 16 };

static const struct tcp_ext_arg_callbacks listen_callbacks;

/* ---- groups ------------------------------------------------------------------------- */

static struct tcp_group *group_find(const struct tcp_end *end)
{
	struct tcp_pcb_listen *pcb;

	for (pcb = tcp_listen_pcbs.listen_pcbs; pcb; pcb = pcb->next) {
		if (pcb->local_port == end->use.port &&
		    IP_GET_TYPE(&pcb->local_ip) == IP_GET_TYPE(&end->use.local) &&
		    ip_addr_cmp(&pcb->local_ip, &end->use.local))
			return pcb->callback_arg;
	}
	return NULL;
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err);

/* A listening pcb of lwIP's for this place. */
static struct tcp_pcb *pcb_listening(const struct tcp_end *end)
{
	struct tcp_pcb *pcb = tcp_new(), *listening;

	if (!pcb)
		return NULL;
	ip_addr_copy(pcb->local_ip, end->use.local);
	pcb->local_port = end->use.port;
	listening = tcp_listen(pcb);
	if (!listening) {
		/* It is on no list, as nobody has bound it. */
		pcb->local_port = 0;
		(void)tcp_close(pcb);
		return NULL;
	}
	tcp_accept(listening, accepted);
	tcp_ext_arg_set_callbacks(listening, 0, &listen_callbacks);
	return listening;
}

static struct tcp_group *group_create(const struct tcp_end *end)
{
	struct tcp_group *group = kzalloc(sizeof(*group), ALLOC_ATOMIC);

	if (!group)
		return NULL;
	group->pcb = pcb_listening(end);
	if (!group->pcb) {
		kfree(group);
		return NULL;
	}
	list_init(&group->sockets);
	tcp_arg(group->pcb, group);
	return group;
}

static void group_leave(struct tcp_sock *sock)
{
	struct tcp_group *group = sock->group;

	sock->group = NULL;
	list_remove_init(&sock->in_group);
	if (--group->nr_sockets)
		return;
	(void)tcp_close(group->pcb);
	kfree(group);
}

/* Which of the sockets is asked: by where the packet comes from and went to. */
static struct tcp_sock *group_choose(const struct tcp_group *group, const struct tcp_pcb *pcb)
{
	uint32_t iface = netif_to_iface(ip_current_input_netif())->index;
	struct tcp_sock *sock, *fitting = NULL;
	uint32_t n = 0, wanted = 0;

	if (group->nr_sockets > 1) {
		uint64_t from = IP_IS_V6(&pcb->remote_ip)
					? ip_2_ip6(&pcb->remote_ip)->addr[3]
					: ip_2_ip4(&pcb->remote_ip)->addr;

		wanted = (uint32_t)(hash_u64(from << 16 | pcb->remote_port) % group->nr_sockets);
	}
	list_for_each_entry(sock, &group->sockets, in_group) {
		uint32_t bound = READ_ONCE(sock->inet.socket.bound_iface);

		if (bound && bound != iface)
			continue;
		if (!fitting || n <= wanted)
			fitting = sock;
		n++;
	}
	return fitting;
}

/* ---- listen ------------------------------------------------------------------------- */

static int listen_begin(struct tcp_sock *sock)
{
	struct tcp_end *end = sock->end;
	struct tcp_group *group;
	int err;

	tcp_end_describe(end, sock);
	err = port_listen(&end->use);
	if (err)
		return err;
	group = group_find(end);
	if (!group)
		group = group_create(end);
	if (!group) {
		end->use.flags &= (uint8_t)~PORT_LISTENING;
		return -ENOBUFS;
	}
	sock->group = group;
	group->nr_sockets++;
	list_add_tail(&group->sockets, &sock->in_group);
	WRITE_ONCE(sock->inet.shut, 0);
	WRITE_ONCE(sock->state, TCP_IS_LISTENING);
	return 0;
}

/* A port of its own for who has none. `fresh` is taken. */
static int autobind(struct tcp_sock *sock, struct tcp_end **fresh)
{
	struct tcp_end *end = *fresh;
	int err;

	tcp_end_describe(end, sock);
	ip_addr_copy(end->use.local, sock->inet.local);
	err = port_bind(tcp_netns(sock), &end->use, 0);
	if (err)
		return err;
	sock->end = end;
	sock->inet.local_port = end->use.port;
	*fresh = NULL;
	return 0;
}

static int listen_locked(struct tcp_sock *sock, uint32_t backlog, struct tcp_end **fresh)
{
	int err = 0;

	if (sock->phase != TCP_UNCONNECTED ||
	    (sock->state != TCP_IS_CLOSED && sock->state != TCP_IS_LISTENING))
		return -EINVAL;
	sock->backlog = backlog;
	if (sock->state == TCP_IS_LISTENING)
		return 0;
	if (!sock->end)
		err = autobind(sock, fresh);
	return err ? err : listen_begin(sock);
}

int tcp_sock_listen(struct socket *socket, int backlog, const struct socket_caller *caller)
{
	uint32_t most = READ_ONCE(socket->netns->max_backlog);
	struct tcp_end *fresh = tcp_end_alloc(ALLOC_KERNEL);
	int err;

	(void)caller;
	if (!fresh)
		return -ENOMEM;
	stack_lock(socket->netns);
	err = listen_locked(to_tcp(socket), min((uint32_t)backlog, most), &fresh);
	stack_unlock(socket->netns);
	if (fresh)
		tcp_end_free(fresh);
	return err;
}

void tcp_sock_unlisten(struct tcp_sock *sock)
{
	while (!list_is_empty(&sock->half_open)) {
		struct tcp_end *end = list_first_entry(&sock->half_open, struct tcp_end, link);

		tcp_end_abort(end, TCP_FATE_CLEAN);
	}
	list_splice_tail(&sock->accept_queue, &sock->deferred);
	while (!list_is_empty(&sock->accept_queue)) {
		struct tcp_sock *child = list_first_entry(&sock->accept_queue, struct tcp_sock,
		                                          in_accept);

		list_remove_init(&child->in_accept);
		tcp_sock_close_locked(child, true);
		tcp_sock_put(child);
	}
	WRITE_ONCE(sock->nr_accept, 0);
	group_leave(sock);
	sock->end->use.flags &= (uint8_t)~PORT_LISTENING;
	WRITE_ONCE(sock->state, TCP_IS_CLOSED);
}

/* ---- requests ----------------------------------------------------------------------- */

static bool is_queue_full(const struct tcp_sock *sock)
{
	return sock->nr_accept > sock->backlog;
}

/* Room for one more half-open connection. */
static void half_open_bound(struct tcp_sock *sock)
{
	if (sock->nr_half_open < max(sock->backlog, (uint32_t)HALF_OPEN_MIN))
		return;
	tcp_abandon(list_first_entry(&sock->half_open, struct tcp_end, link)->pcb, 0);
}

/* lwIP is about to answer a request on this new pcb. Another answer than ERR_OK drops it. */
static err_t requested(u8_t id, struct tcp_pcb_listen *listening, struct tcp_pcb *pcb)
{
	struct tcp_sock *sock = group_choose(listening->callback_arg, pcb);
	struct tcp_end *end;

	(void)id;
	if (!sock || is_queue_full(sock))
		return ERR_MEM;
	end = tcp_end_alloc(ALLOC_ATOMIC | ALLOC_NOWARN);
	if (!end)
		return ERR_MEM;
	half_open_bound(sock);
	ip_addr_copy(end->use.local, pcb->local_ip);
	ip_addr_copy(end->use.remote, pcb->remote_ip);
	end->use.remote_port = pcb->remote_port;
	port_inherit(&end->use, &sock->end->use);
	end->listener = sock;
	end->since = clock_monotonic();
	list_add_tail(&sock->half_open, &end->link);
	sock->nr_half_open++;
	tcp_end_attach(end, pcb);
	tcp_window_begin(sock, pcb);
	tcp_settings_apply(sock, pcb);
	return ERR_OK;
}

/* What a connection has from its listener. */
static void inherit(struct tcp_sock *child, const struct tcp_sock *sock)
{
	struct socket *to = &child->inet.socket;
	const struct socket *from = &sock->inet.socket;

	to->options = from->options;
	to->send_buffer = from->send_buffer;
	to->receive_buffer = from->receive_buffer;
	to->send_timeout = from->send_timeout;
	to->receive_timeout = from->receive_timeout;
	to->receive_low = from->receive_low;
	to->priority = from->priority;
	to->linger_seconds = from->linger_seconds;
	to->uid = from->uid;
	to->mark = from->mark;
	to->bound_iface = from->bound_iface;
	child->settings = sock->settings;
	child->window = sock->window;
}

/* The same, of SOL_IP and SOL_IPV6. */
static void inherit_ip(struct inet_sock *to, const struct inet_sock *from)
{
	to->flags = from->flags;
	to->ttl = from->ttl;
	to->hop_limit = from->hop_limit;
	to->multicast_ttl = from->multicast_ttl;
	to->multicast_hops = from->multicast_hops;
	to->tos = from->tos;
	to->traffic_class = from->traffic_class;
	to->pmtu_discover = from->pmtu_discover;
	to->pmtu_discover6 = from->pmtu_discover6;
	to->min_ttl = from->min_ttl;
	to->unicast_iface = from->unicast_iface;
}

static void accept_queue_add(struct tcp_sock *sock, struct tcp_sock *child)
{
	list_add_tail(&sock->accept_queue, &child->in_accept);
	WRITE_ONCE(sock->nr_accept, sock->nr_accept + 1);
	/* Not "sync": who connects goes on, and would fill the queue. */
	wake_up_key(&sock->inet.readable, EPOLLIN | EPOLLRDNORM, 1);
}

void tcp_deferred_queue(struct tcp_sock *child)
{
	struct tcp_sock *sock = child->deferred_for;

	child->deferred_for = NULL;
	list_remove_init(&child->in_accept);
	child->waited_ms = 0;
	accept_queue_add(sock, child);
}

void tcp_deferred_drop(struct tcp_sock *child)
{
	child->deferred_for = NULL;
	child->is_dead = true;
	list_remove_init(&child->in_accept);
	tcp_sock_put(child);
}

/* The peer has answered: a socket for the connection. */
static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct tcp_end *end = arg;
	struct tcp_sock *sock, *child;

	/* No memory for a pcb: the argument is the group. */
	if (err != ERR_OK || !pcb)
		return ERR_OK;
	sock = end->listener;
	child = tcp_sock_alloc(tcp_netns(sock), sock->inet.socket.family,
	                       ALLOC_ATOMIC | ALLOC_NOWARN);
	if (!child)
		return ERR_MEM;
	inherit(child, sock);
	inherit_ip(&child->inet, &sock->inet);
	list_remove_init(&end->link);
	sock->nr_half_open--;
	end->listener = NULL;
	ip_addr_copy(child->inet.local, end->use.local);
	ip_addr_copy(child->inet.remote, end->use.remote);
	child->inet.local_port = end->use.port;
	child->inet.remote_port = end->use.remote_port;
	child->state = TCP_IS_ESTABLISHED;
	child->phase = TCP_CONNECTED;
	child->is_unseen = true;
	tcp_end_adopt(end, child);
	tcp_window_settle(child, pcb);
	if (sock->settings.defer_accept) {
		child->deferred_for = sock;
		list_add_tail(&sock->deferred, &child->in_accept);
	} else {
		accept_queue_add(sock, child);
	}
	return ERR_OK;
}

/* ---- accept ------------------------------------------------------------------------- */

static struct tcp_sock *accept_try(struct tcp_sock *sock)
{
	struct tcp_sock *child = NULL;

	stack_lock(tcp_netns(sock));
	if (!list_is_empty(&sock->accept_queue)) {
		child = list_first_entry(&sock->accept_queue, struct tcp_sock, in_accept);
		list_remove_init(&child->in_accept);
		WRITE_ONCE(sock->nr_accept, sock->nr_accept - 1);
	}
	stack_unlock(tcp_netns(sock));
	return child;
}

static bool has_news(const struct tcp_sock *sock)
{
	return READ_ONCE(sock->nr_accept) || READ_ONCE(sock->state) != TCP_IS_LISTENING;
}

int tcp_sock_accept(struct socket *socket, bool nowait, struct socket **out)
{
	struct tcp_sock *sock = to_tcp(socket), *child;
	ns_t timeout = READ_ONCE(socket->receive_timeout);
	ns_t deadline = nowait ? 0 : socket_deadline(timeout);
	int err;

	for (;;) {
		if (READ_ONCE(sock->state) != TCP_IS_LISTENING)
			return -EINVAL;
		child = accept_try(sock);
		if (child)
			break;
		if (nowait)
			return -EAGAIN;
		err = wait_event_interruptible_exclusive_until(&sock->inet.readable,
		                                               has_news(sock), deadline);
		if (err)
			return socket_interrupted(err, timeout);
	}
	*out = &child->inet.socket;
	return 0;
}

static const struct tcp_ext_arg_callbacks listen_callbacks = { .passive_open = requested };
