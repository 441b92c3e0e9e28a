/*
 * TCP: life of a socket, shutting it down, polling, ioctls. See tcp_impl.h.
 */
#include "net/inet/tcp.h"

#include <asm/ioctls.h>
#include <linux/sockios.h>
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/in.h>

#include "abi/errno.h"
#include "core/gauge.h"
#include "core/panic.h"
#include "lib/math.h"
#include "mem/page.h"
#include "mem/slab.h"
#include "net/inet/errors.h"
#include "net/inet/tcp_impl.h"
#include "sched/clock.h"
#include "sched/poll.h"

static struct cache tcp_slab = CACHE("tcp_sock", struct tcp_sock);

static const struct socket_ops tcp_ops;

static int64_t tcp_count __atomic;

static int64_t tcp_gauge(void)
{
	return atomic_load_relaxed(&tcp_count);
}
GAUGE("tcp_sockets", tcp_gauge);

/* ---- life --------------------------------------------------------------------------- */

struct tcp_sock *tcp_sock_alloc(struct netns *netns, int family, unsigned int flags)
{
	struct tcp_sock *sock = cache_zalloc(&tcp_slab, flags);

	if (!sock)
		return NULL;
	atomic_inc(&tcp_count);
	inet_sock_init(&sock->inet, &tcp_ops, netns, family, SOCK_STREAM, IPPROTO_TCP);
	sock->inet.socket.send_buffer = TCP_SEND_DEFAULT;
	sock->inet.socket.receive_buffer = TCP_RECEIVE_DEFAULT;
	mutex_init(&sock->send_lock, RANK_SOCKET);
	mutex_init(&sock->receive_lock, RANK_SOCKET);
	list_init(&sock->chunks);
	list_init(&sock->in_group);
	list_init(&sock->half_open);
	list_init(&sock->accept_queue);
	list_init(&sock->deferred);
	list_init(&sock->in_accept);
	sock->state = TCP_IS_CLOSED;
	sock->fate = TCP_FATE_TIMEOUT;
	tcp_settings_init(&sock->settings);
	tcp_window_choose(sock);
	return sock;
}

int tcp_create(struct netns *netns, int family, int protocol, const struct cred *cred,
               struct socket **out)
{
	struct tcp_sock *sock = tcp_sock_alloc(netns, family, ALLOC_KERNEL);

	(void)protocol;
	(void)cred;
	if (!sock)
		return -ENOMEM;
	*out = &sock->inet.socket;
	return 0;
}

static void tcp_sock_free(struct socket *socket)
{
	struct tcp_sock *sock = to_tcp(socket);

	debug_assert(!sock->end && !sock->group && list_is_empty(&sock->accept_queue));
	tcp_queue_purge(sock);
	if (sock->room_page)
		page_put(sock->room_page);
	inet_sock_fini(&sock->inet);
	atomic_dec(&tcp_count);
	cache_free(&tcp_slab, sock);
}

/* Without unread data the peer gets an orderly end, with some a reset: RFC 2525, 2.17. */
static void connection_close(struct tcp_sock *sock, bool is_reset)
{
	struct tcp_end *end = sock->end;
	struct tcp_pcb *pcb = end->pcb;

	if (pcb->state == TIME_WAIT) {
		tcp_wait_begin(end);
	} else if (is_reset) {
		tcp_end_abort(end, TCP_FATE_CLEAN);
	} else {
		/* lwIP resets what has not been read; what is left here, we know. */
		pcb->rcv_wnd = TCP_WND_MAX(pcb);
		(void)tcp_close(pcb);
	}
}

void tcp_sock_close_locked(struct tcp_sock *sock, bool is_reset)
{
	sock->is_dead = true;
	tcp_sock_shut(sock, INET_NO_RECEIVE | INET_NO_SEND);
	sock->deferred_for = NULL;
	if (sock->state == TCP_IS_LISTENING)
		tcp_sock_unlisten(sock);
	if (tcp_pcb_of(sock))
		connection_close(sock, is_reset);
	/* Nothing but the port is left. */
	if (sock->end && !sock->end->pcb) {
		tcp_end_free(sock->end);
		sock->end = NULL;
	}
}

/* What was sent has not been acknowledged yet: who lingers, waits. */
static bool is_lingering(struct tcp_sock *sock)
{
	enum tcp_number state;

	stack_lock(tcp_netns(sock));
	state = tcp_state_of(sock);
	stack_unlock(tcp_netns(sock));
	return state == TCP_IS_FIN_WAIT1 || state == TCP_IS_CLOSING || state == TCP_IS_LAST_ACK;
}

static void linger(struct tcp_sock *sock)
{
	const struct socket *socket = &sock->inet.socket;
	ns_t span = (ns_t)(uint32_t)READ_ONCE(socket->linger_seconds) * NS_PER_SEC;

	if (!(socket->options & SOCKET_LINGER) || !span)
		return;
	(void)wait_event_interruptible_until(&sock->inet.writable, !is_lingering(sock),
	                                     clock_monotonic() + span);
}

static void tcp_sock_release(struct socket *socket)
{
	struct tcp_sock *sock = to_tcp(socket);
	bool is_reset = socket->options & SOCKET_LINGER && !READ_ONCE(socket->linger_seconds);

	stack_lock(socket->netns);
	if (tcp_queue_purge(sock))
		is_reset = true;
	tcp_sock_close_locked(sock, is_reset);
	stack_unlock(socket->netns);
	linger(sock);
}

/* ---- what is asked ------------------------------------------------------------------ */

static const uint8_t numbers_of_states[] = {
	[CLOSED] = TCP_IS_CLOSED,
	[LISTEN] = TCP_IS_LISTENING,
	[SYN_SENT] = TCP_IS_SYN_SENT,
	[SYN_RCVD] = TCP_IS_SYN_RECEIVED,
	[ESTABLISHED] = TCP_IS_ESTABLISHED,
	[FIN_WAIT_1] = TCP_IS_FIN_WAIT1,
	[FIN_WAIT_2] = TCP_IS_FIN_WAIT2,
	[CLOSE_WAIT] = TCP_IS_CLOSE_WAIT,
	[CLOSING] = TCP_IS_CLOSING,
	[LAST_ACK] = TCP_IS_LAST_ACK,
	/* Whose socket is closed already. */
	[TIME_WAIT] = TCP_IS_CLOSED,
};

enum tcp_number tcp_state_of(const struct tcp_sock *sock)
{
	const struct tcp_pcb *pcb = tcp_pcb_of(sock);

	return sock->state == TCP_IS_LISTENING || !pcb ? sock->state
						       : numbers_of_states[pcb->state];
}

static int tcp_sock_name(struct socket *socket, bool of_peer, struct socket_name *out)
{
	struct tcp_sock *sock = to_tcp(socket);
	uint8_t state = READ_ONCE(sock->state);
	/* accept(2) tells who it was, even if it is over by now. */
	bool is_unseen = READ_ONCE(sock->is_unseen);

	WRITE_ONCE(sock->is_unseen, false);
	if (of_peer && !is_unseen &&
	    (state == TCP_IS_CLOSED || state == TCP_IS_SYN_SENT || state == TCP_IS_LISTENING))
		return -ENOTCONN;
	return inet_name(socket, of_peer, out);
}

static bool tcp_is_listening(const struct socket *socket)
{
	const struct tcp_sock *sock = container_of(socket, struct tcp_sock, inet.socket);

	return READ_ONCE(sock->state) == TCP_IS_LISTENING;
}

static size_t tcp_sock_footprint(const struct socket *socket)
{
	const struct tcp_sock *sock = container_of(socket, struct tcp_sock, inet.socket);

	return READ_ONCE(sock->queue_memory) + tcp_unacked(sock);
}

/* Bytes to read, or almost all that may come: whoever waits for more would wait for ever. */
static bool is_readable(const struct tcp_sock *sock)
{
	uint32_t queued = READ_ONCE(sock->queued);
	uint32_t wanted = (uint32_t)READ_ONCE(sock->inet.socket.receive_low);

	return queued && (queued >= wanted || queued >= READ_ONCE(sock->window) / 2);
}

static unsigned int poll_connection(struct tcp_sock *sock, uint8_t state, uint32_t shut)
{
	unsigned int ready = 0;

	if (state == TCP_IS_SYN_SENT)
		return 0;
	if (is_readable(sock))
		ready |= EPOLLIN | EPOLLRDNORM;
	if (shut & INET_NO_SEND || tcp_room_ask(sock))
		ready |= EPOLLOUT | EPOLLWRNORM;
	return ready;
}

static unsigned int tcp_sock_poll(struct socket *socket, struct poller *poller)
{
	struct tcp_sock *sock = to_tcp(socket);
	unsigned int ready = 0;
	uint32_t shut;
	uint8_t state;

	poller_add(poller, &sock->inet.readable);
	poller_add(poller, &sock->inet.writable);
	state = READ_ONCE(sock->state);
	if (state == TCP_IS_LISTENING)
		return READ_ONCE(sock->nr_accept) ? EPOLLIN | EPOLLRDNORM : 0;
	shut = READ_ONCE(sock->inet.shut);
	if (shut == (INET_NO_RECEIVE | INET_NO_SEND) || state == TCP_IS_CLOSED)
		ready |= EPOLLHUP;
	if (shut & INET_NO_RECEIVE)
		ready |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
	ready |= poll_connection(sock, state, shut);
	if (READ_ONCE(sock->inet.error) || READ_ONCE(sock->inet.nr_errors))
		ready |= EPOLLERR;
	return ready;
}

/* Bytes of the stream that are not acknowledged, or not even sent. */
static uint32_t send_queue(struct tcp_sock *sock, bool is_unsent)
{
	const struct tcp_pcb *pcb;
	uint32_t n = 0;

	stack_lock(tcp_netns(sock));
	pcb = tcp_pcb_of(sock);
	if (pcb && pcb->state != SYN_SENT)
		n = is_unsent ? pcb->snd_lbb - pcb->snd_nxt : tcp_unacked(sock);
	stack_unlock(tcp_netns(sock));
	return n;
}

static long tcp_sock_ioctl(struct socket *socket, unsigned int cmd, void *arg)
{
	struct tcp_sock *sock = to_tcp(socket);
	int *answer = arg;

	if (cmd != SIOCINQ && cmd != SIOCOUTQ && cmd != SIOCOUTQNSD && cmd != SIOCATMARK)
		return -ENOIOCTLCMD;
	if (cmd == SIOCATMARK)
		return *answer = 0;
	if (READ_ONCE(sock->state) == TCP_IS_LISTENING)
		return -EINVAL;
	*answer = (int)(cmd == SIOCINQ ? READ_ONCE(sock->queued)
				       : send_queue(sock, cmd == SIOCOUTQNSD));
	return 0;
}

/* ---- waking ------------------------------------------------------------------------- */

void tcp_wake_readers(struct tcp_sock *sock)
{
	wake_up_sync_key(&sock->inet.readable, EPOLLIN | EPOLLRDNORM);
}

void tcp_wake_writers(struct tcp_sock *sock)
{
	if (wait_queue_is_active(&sock->inet.writable))
		wake_up_waiters(&sock->inet.writable, EPOLLOUT | EPOLLWRNORM, INT32_MAX, 0);
}

/* ---- shutting down ------------------------------------------------------------------ */

/* No more is sent: the end is told behind the last byte. */
static void send_end(struct tcp_sock *sock, struct tcp_pcb *pcb)
{
	if (pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT || pcb->state == SYN_RCVD)
		(void)tcp_shutdown(pcb, 0, 1);
}

static int shutdown_locked(struct tcp_sock *sock, uint32_t which, bool *ends)
{
	struct tcp_pcb *pcb = tcp_pcb_of(sock);

	*ends = false;
	if (sock->phase == TCP_CONNECTING && sock->state == TCP_IS_ESTABLISHED)
		sock->phase = TCP_CONNECTED;
	switch (sock->state) {
	case TCP_IS_LISTENING:
		*ends = which & INET_NO_RECEIVE;
		return 0;
	case TCP_IS_SYN_SENT:
		*ends = true;
		return 0;
	case TCP_IS_CLOSED:
		tcp_sock_shut(sock, which);
		return -ENOTCONN;
	default:
		tcp_sock_shut(sock, which);
		if (pcb && which & INET_NO_SEND)
			send_end(sock, pcb);
		return 0;
	}
}

static int tcp_sock_shutdown(struct socket *socket, bool read, bool write)
{
	struct tcp_sock *sock = to_tcp(socket);
	uint32_t which = (read ? INET_NO_RECEIVE : 0) | (write ? INET_NO_SEND : 0);
	bool ends;
	int err;

	stack_lock(socket->netns);
	err = shutdown_locked(sock, which, &ends);
	stack_unlock(socket->netns);
	if (ends)
		tcp_sock_disconnect(sock);
	inet_wake_all(&sock->inet);
	return err;
}

static const struct socket_ops tcp_ops = {
	.release = tcp_sock_release,
	.free = tcp_sock_free,
	.bind = tcp_sock_bind,
	.connect = tcp_sock_connect,
	.listen = tcp_sock_listen,
	.accept = tcp_sock_accept,
	.name = tcp_sock_name,
	.footprint = tcp_sock_footprint,
	.shutdown = tcp_sock_shutdown,
	.send = tcp_sock_send,
	.receive = tcp_sock_receive,
	.poll = tcp_sock_poll,
	.ioctl = tcp_sock_ioctl,
	.send_pages = tcp_sock_send_pages,
	.take_error = inet_take_error,
	.is_listening = tcp_is_listening,
	.option_changed = tcp_sock_option_changed,
	.set_option = tcp_sock_set_option,
	.get_option = tcp_sock_get_option,
};
