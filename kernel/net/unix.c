/*
 * AF_UNIX: life of a socket, polling, what is asked of it. See unix_impl.h.
 */
#include "net/unix.h"

#include <asm/ioctls.h>
#include <asm/sockios.h>
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/sockios.h>

#include "abi/errno.h"
#include "core/panic.h"
#include "id/cred.h"
#include "mem/slab.h"
#include "net/netns.h"
#include "net/unix_impl.h"
#include "sched/poll.h"

static struct cache unix_slab = CACHE("unix_sock", struct unix_sock);

/* ---- locks and wake-ups ------------------------------------------------------------- */

void unix_lock_two(struct unix_sock *a, struct unix_sock *b)
	__acquires(&a->lock) __acquires(&b->lock)
{
	struct unix_sock *first = a < b ? a : b, *second = a < b ? b : a;

	spin_lock(&first->lock);
	if (second != first)
		spin_lock_nested(&second->lock, 1);
	else
		__acquire(&second->lock);
}

void unix_unlock_two(struct unix_sock *a, struct unix_sock *b)
	__releases(&a->lock) __releases(&b->lock)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
	else
		__release(&b->lock);
}

void unix_wake_all(struct unix_sock *sock)
{
	wake_up_all(&sock->readable);
	wake_up_all(&sock->writable);
	wake_up_all(&sock->space);
}

int unix_error_take_locked(struct unix_sock *sock)
{
	int error = sock->error;

	WRITE_ONCE(sock->error, 0);
	return error;
}

bool unix_is_writable(const struct unix_sock *sock)
{
	return READ_ONCE(sock->state) != UNIX_LISTENING &&
	       atomic_load_relaxed(&sock->charged) * 4 <= READ_ONCE(sock->socket.send_buffer);
}

/* ---- life --------------------------------------------------------------------------- */

static const struct socket_ops *ops_of(int type)
{
	return type == SOCK_STREAM ? &unix_stream_ops
	       : type == SOCK_DGRAM ? &unix_dgram_ops
				    : &unix_seqpacket_ops;
}

int unix_alloc(struct netns *netns, int type, struct unix_sock **out)
{
	struct unix_sock *sock = cache_zalloc(&unix_slab, ALLOC_KERNEL);

	if (!sock)
		return -ENOMEM;
	socket_init(&sock->socket, ops_of(type), netns, AF_UNIX, (uint16_t)type);
	spin_lock_init(&sock->lock, RANK_SOCKET_QUEUE);
	mutex_init(&sock->receive_lock, RANK_SOCKET);
	wait_queue_init(&sock->readable);
	wait_queue_init(&sock->writable);
	wait_queue_init(&sock->space);
	list_init(&sock->queue);
	list_init(&sock->backlog);
	list_init(&sock->in_backlog);
	list_init(&sock->flight.link);
	sock->max_queued = netns->unix_max_queued;
	sock->peer_cred = (struct ucred){ .uid = (uint32_t)-1, .gid = (uint32_t)-1 };
	unix_list_add(sock);
	*out = sock;
	return 0;
}

static int unix_create(struct netns *netns, const struct cred *cred, int type, int protocol,
                       struct socket **out)
{
	struct unix_sock *sock;
	int err;

	(void)cred;
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if (type == SOCK_RAW)
		type = SOCK_DGRAM;
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	err = unix_alloc(netns, type, &sock);
	if (err)
		return err;
	*out = &sock->socket;
	return 0;
}

/* Tells the other end of a connection, or of a pair of datagram sockets, that this one is gone. */
static void peer_leave(struct unix_sock *sock, struct unix_sock *peer, bool lost_data)
{
	if (unix_is_connection(sock)) {
		spin_lock(&peer->lock);
		peer->shut = NO_BOTH;
		if (lost_data)
			peer->error = ECONNRESET;
		spin_unlock(&peer->lock);
	}
	unix_wake_all(peer);
	unix_put(peer);
}

static void queue_purge(struct list *queue)
{
	while (!list_is_empty(queue)) {
		struct unix_packet *packet = list_first_entry(queue, struct unix_packet, link);

		list_remove(&packet->link);
		unix_packet_free(packet);
	}
}

void unix_close(struct unix_sock *sock, bool is_embryo)
{
	struct list queue = LIST_INIT(queue), backlog = LIST_INIT(backlog);
	struct unix_sock *peer;

	unix_unname(sock);
	spin_lock(&sock->lock);
	sock->is_dead = true;
	sock->shut = NO_BOTH;
	sock->state = UNIX_CLOSED;
	peer = sock->peer;
	sock->peer = NULL;
	list_splice_tail(&queue, &sock->queue);
	list_splice_tail(&backlog, &sock->backlog);
	sock->nr_queued = 0;
	spin_unlock(&sock->lock);
	unix_wake_all(sock);
	if (peer)
		peer_leave(sock, peer, is_embryo || !list_is_empty(&queue));
	queue_purge(&queue);
	while (!list_is_empty(&backlog)) {
		struct unix_sock *child = list_first_entry(&backlog, struct unix_sock, in_backlog);

		list_remove_init(&child->in_backlog);
		unix_close(child, true);
		unix_put(child);
	}
}

static void unix_release(struct socket *socket)
{
	unix_close(to_unix(socket), false);
	unix_collect_later();
}

static void unix_free_rcu(struct rcu_head *head)
{
	struct socket *socket = container_of(head, struct socket, rcu);

	cache_free(&unix_slab, to_unix(socket));
}

static void unix_free(struct socket *socket)
{
	struct unix_sock *sock = to_unix(socket);

	unix_list_remove(sock);
	unix_address_put(sock->address);
	if (sock->peer_groups)
		cred_groups_put(sock->peer_groups);
	socket_fini(socket);
	if (!sock->was_polled) {
		cache_free(&unix_slab, sock);
		return;
	}
	/* Another socket's poller may still wait for room here. */
	wake_up_poll_free(&sock->space);
	rcu_call(&socket->rcu, unix_free_rcu);
}

/* ---- asking ------------------------------------------------------------------------- */

/* What the state alone says. */
static unsigned int poll_state(const struct unix_sock *sock)
{
	uint32_t shut = READ_ONCE(sock->shut);
	unsigned int ready = READ_ONCE(sock->error) ? EPOLLERR : 0;

	if (shut == NO_BOTH)
		ready |= EPOLLHUP;
	if (shut & NO_RECEIVE)
		ready |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(sock->nr_queued))
		ready |= EPOLLIN | EPOLLRDNORM;
	if (unix_is_connection(sock) && READ_ONCE(sock->state) == UNIX_CLOSED)
		ready |= EPOLLHUP;
	return ready;
}

static unsigned int unix_stream_poll(struct socket *socket, struct poller *poller)
{
	struct unix_sock *sock = to_unix(socket);

	poller_add(poller, &sock->readable);
	poller_add(poller, &sock->writable);
	return poll_state(sock) | (READ_ONCE(sock->urgent) ? EPOLLPRI : 0) |
	       (unix_is_writable(sock) ? EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND : 0);
}

/* The peer's queue is full, and it may not answer to make room: writing would wait. */
static bool peer_is_full(struct unix_sock *sock, struct poller *poller)
{
	struct unix_sock *peer;
	bool is_full = false;

	spin_lock(&sock->lock);
	peer = sock->peer;
	if (peer && READ_ONCE(peer->peer) != sock) {
		unix_get(peer);
		spin_unlock(&sock->lock);
		atomic_store_relaxed(&peer->was_polled, true);
		poller_add(poller, &peer->space);
		is_full = unix_is_full(peer);
		unix_put(peer);
		return is_full;
	}
	spin_unlock(&sock->lock);
	return false;
}

unsigned int unix_dgram_poll(struct socket *socket, struct poller *poller)
{
	struct unix_sock *sock = to_unix(socket);
	unsigned int ready;

	poller_add(poller, &sock->readable);
	poller_add(poller, &sock->writable);
	ready = poll_state(sock);
	if (unix_is_writable(sock) && !peer_is_full(sock, poller))
		ready |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	return ready;
}

/* FIONREAD: all that a stream holds, the next packet of others. EINVAL for a listener. */
static long bytes_queued(struct unix_sock *sock, int *bytes)
{
	const struct unix_packet *packet;
	long err = 0;

	*bytes = 0;
	spin_lock(&sock->lock);
	if (sock->state == UNIX_LISTENING)
		err = -EINVAL;
	list_for_each_entry(packet, &sock->queue, link) {
		*bytes += (int)(packet->size - packet->offset);
		if (!unix_is_connection(sock))
			break;
	}
	spin_unlock(&sock->lock);
	return err;
}

static long unix_ioctl(struct socket *socket, unsigned int cmd, void *arg)
{
	struct unix_sock *sock = to_unix(socket);

	switch (cmd) {
	case FIONREAD:
		return bytes_queued(sock, arg);
	case SIOCATMARK:
		if (socket->type != SOCK_STREAM)
			return -EOPNOTSUPP;
		*(int *)arg = unix_is_at_mark(sock);
		return 0;
	case SIOCUNIXFILE:
		return unix_open_name(sock, socket_current_cred(), arg);
	case TIOCOUTQ:
		*(int *)arg = (int)atomic_load_relaxed(&sock->charged);
		return 0;
	default:
		return -ENOIOCTLCMD;
	}
}

static int unix_take_error(struct socket *socket)
{
	struct unix_sock *sock = to_unix(socket);
	int error;

	spin_lock(&sock->lock);
	error = unix_error_take_locked(sock);
	spin_unlock(&sock->lock);
	return error;
}

static bool unix_is_listening(const struct socket *socket)
{
	return READ_ONCE(container_of(socket, struct unix_sock, socket)->state) == UNIX_LISTENING;
}

static void unix_peer_cred(struct socket *socket, struct ucred *out)
{
	struct unix_sock *sock = to_unix(socket);

	spin_lock(&sock->lock);
	*out = sock->peer_cred;
	spin_unlock(&sock->lock);
}

static struct cred_groups *unix_peer_groups(struct socket *socket)
{
	struct unix_sock *sock = to_unix(socket);
	struct cred_groups *groups;

	spin_lock(&sock->lock);
	groups = sock->peer_groups;
	if (groups)
		refcount_get(&groups->refs);
	spin_unlock(&sock->lock);
	return groups;
}

static const struct socket_family unix_family = { .family = AF_UNIX, .create = unix_create };

void unix_init(void)
{
	if (socket_family_register(&unix_family))
		panic("AF_UNIX is registered twice");
}

static size_t unix_footprint(const struct socket *socket)
{
	const struct unix_sock *sock = container_of(socket, const struct unix_sock, socket);

	int64_t charged = atomic_load_relaxed(&sock->charged);

	return charged > 0 ? (size_t)charged : 0;
}

#define UNIX_OPS                                                                       \
	.release = unix_release, .free = unix_free, .bind = unix_bind,                 \
	.pair = unix_pair, .name = unix_name, .shutdown = unix_shutdown,               \
	.ioctl = unix_ioctl, .take_error = unix_take_error,                            \
	.is_listening = unix_is_listening, .peer_cred = unix_peer_cred,                \
	.peer_groups = unix_peer_groups, .footprint = unix_footprint,                  \
	.can_peek_offset = true

const struct socket_ops unix_stream_ops = {
	UNIX_OPS,
	.connect = unix_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.send = unix_stream_send,
	.receive = unix_stream_receive,
	.poll = unix_stream_poll,
};

const struct socket_ops unix_seqpacket_ops = {
	UNIX_OPS,
	.connect = unix_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.send = unix_dgram_send,
	.receive = unix_dgram_receive,
	.poll = unix_dgram_poll,
};

const struct socket_ops unix_dgram_ops = {
	UNIX_OPS,
	.connect = unix_dgram_connect,
	.send = unix_dgram_send,
	.receive = unix_dgram_receive,
	.poll = unix_dgram_poll,
};
