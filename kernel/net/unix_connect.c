/*
 * Connections of AF_UNIX: listening, connecting, accepting, pairs, half-closing. unix(7)
 *
 * connect(2) makes the other end itself and puts it into the listener's backlog: both ends can be
 * used at once, before accept(2) gives the other one a file.
 */
#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "abi/errno.h"
#include "id/cred.h"
#include "lib/math.h"
#include "net/netns.h"
#include "net/unix_impl.h"

/* Who made or listens on a socket, as SO_PEERCRED shows it. */
static struct ucred peer_cred_of(const struct socket_caller *caller)
{
	const struct cred *cred = caller->from->cred;

	return (struct ucred){
		.pid = caller->ucred.pid,
		.uid = cred->euid,
		.gid = cred->egid,
	};
}

static struct cred_groups *peer_groups_of(const struct socket_caller *caller)
{
	struct cred_groups *groups = caller->from->cred->groups;

	refcount_get(&groups->refs);
	return groups;
}

/* ---- listening ---------------------------------------------------------------------- */

int unix_listen(struct socket *socket, int backlog, const struct socket_caller *caller)
{
	struct unix_sock *sock = to_unix(socket);
	struct cred_groups *groups = peer_groups_of(caller), *before = groups;
	int err = 0;

	backlog = (int)min((uint32_t)backlog, socket->netns->max_backlog);
	spin_lock(&sock->lock);
	if (!sock->address || sock->state == UNIX_CONNECTED) {
		err = -EINVAL;
	} else {
		sock->max_queued = (uint32_t)backlog;
		sock->state = UNIX_LISTENING;
		sock->peer_cred = peer_cred_of(caller);
		before = sock->peer_groups;
		sock->peer_groups = groups;
	}
	spin_unlock(&sock->lock);
	if (before)
		cred_groups_put(before);
	if (!err)
		wake_up_all(&sock->space);
	return err;
}

static bool can_accept(const struct unix_sock *sock)
{
	return READ_ONCE(sock->nr_queued) || READ_ONCE(sock->state) != UNIX_LISTENING ||
	       READ_ONCE(sock->shut) & NO_RECEIVE;
}

static int backlog_take(struct unix_sock *sock, struct unix_sock **out)
{
	struct unix_sock *child = NULL;
	int err = -EAGAIN;

	spin_lock(&sock->lock);
	if (sock->state != UNIX_LISTENING) {
		err = -EINVAL;
	} else if (!list_is_empty(&sock->backlog)) {
		child = list_first_entry(&sock->backlog, struct unix_sock, in_backlog);
		list_remove_init(&child->in_backlog);
		WRITE_ONCE(sock->nr_queued, sock->nr_queued - 1);
		err = 0;
	} else if (sock->shut & NO_RECEIVE) {
		err = -EINVAL;
	}
	spin_unlock(&sock->lock);
	*out = child;
	return err;
}

int unix_accept(struct socket *socket, bool nowait, struct socket **out)
{
	struct unix_sock *sock = to_unix(socket), *child;
	ns_t timeout = socket->receive_timeout, deadline = socket_deadline(timeout);
	int err;

	for (;;) {
		err = backlog_take(sock, &child);
		if (err != -EAGAIN || nowait)
			break;
		err = wait_event_interruptible_exclusive_until(&sock->readable, can_accept(sock),
		                                               deadline);
		if (err)
			return socket_interrupted(err, timeout);
	}
	if (err)
		return err;
	wake_up(&sock->space);
	*out = &child->socket;
	return 0;
}

/* ---- connecting --------------------------------------------------------------------- */

/* Whether the listener takes a connection now: EAGAIN if its backlog is full. Locked. */
static int listener_check(const struct unix_sock *listener)
{
	if (listener->is_dead || listener->state != UNIX_LISTENING || listener->shut & NO_RECEIVE)
		return -ECONNREFUSED;
	return unix_is_full(listener) ? -EAGAIN : 0;
}

/* Ties sock and child together and queues the child. Sock and listener are locked. */
static void link_ends(struct unix_sock *sock, struct unix_sock *child, struct unix_sock *listener,
                      const struct socket_caller *caller)
{
	child->peer = unix_get(sock);
	child->state = UNIX_CONNECTED;
	child->peer_cred = peer_cred_of(caller);
	child->peer_groups = peer_groups_of(caller);
	child->address = listener->address;
	refcount_get(&child->address->refs);
	child->socket.options = listener->socket.options & SOCKET_PASSCRED;
	sock->peer = unix_get(child);
	sock->peer_cred = listener->peer_cred;
	sock->peer_groups = listener->peer_groups;
	refcount_get(&sock->peer_groups->refs);
	WRITE_ONCE(sock->state, UNIX_CONNECTED);
	list_add_tail(&listener->backlog, &child->in_backlog);
	WRITE_ONCE(listener->nr_queued, listener->nr_queued + 1);
}

static int connect_try(struct unix_sock *sock, struct unix_sock *child, struct unix_sock *listener,
                       const struct socket_caller *caller)
{
	int err;

	unix_lock_two(sock, listener);
	err = listener_check(listener);
	if (!err && sock->state != UNIX_CLOSED)
		err = sock->state == UNIX_CONNECTED ? -EISCONN : -EINVAL;
	if (!err)
		link_ends(sock, child, listener, caller);
	unix_unlock_two(sock, listener);
	if (!err)
		wake_up_sync_key(&listener->readable, EPOLLIN | EPOLLRDNORM);
	return err;
}

static bool may_have_room(const struct unix_sock *listener)
{
	return !unix_is_full(listener) || READ_ONCE(listener->is_dead) ||
	       READ_ONCE(listener->shut) & NO_RECEIVE ||
	       READ_ONCE(listener->state) != UNIX_LISTENING;
}

/* Finds the listener and connects to it, waiting for room in its backlog. */
static int connect_child(struct unix_sock *sock, struct unix_sock *child,
                         const struct socket_name *name, bool nowait,
                         const struct socket_caller *caller)
{
	ns_t timeout = sock->socket.send_timeout, deadline = socket_deadline(timeout);
	struct unix_sock *listener;
	int err;

	for (;;) {
		err = unix_find(sock->socket.netns, name, sock->socket.type, caller, &listener);
		if (err)
			return err;
		err = connect_try(sock, child, listener, caller);
		if (err != -EAGAIN || nowait)
			break;
		err = wait_event_interruptible_exclusive_until(&listener->space,
		                                               may_have_room(listener), deadline);
		if (err) {
			err = socket_interrupted(err, timeout);
			break;
		}
		unix_put(listener);
	}
	unix_put(listener);
	return err;
}

int unix_connect(struct socket *socket, const struct socket_name *given, bool nowait,
                 const struct socket_caller *caller)
{
	struct unix_sock *sock = to_unix(socket), *child;
	struct socket_name name;
	int err = unix_name_check(given, &name);

	if (!err && socket->options & SOCKET_PASSCRED)
		err = unix_autobind(sock);
	if (!err)
		err = unix_alloc(socket->netns, socket->type, &child);
	if (err)
		return err;
	err = connect_child(sock, child, &name, nowait, caller);
	if (err)
		unix_put(child);
	return err;
}

int unix_pair(struct socket *first, struct socket *second, const struct socket_caller *caller)
{
	struct unix_sock *a = to_unix(first), *b = to_unix(second);

	a->peer = unix_get(b);
	b->peer = unix_get(a);
	a->peer_cred = b->peer_cred = peer_cred_of(caller);
	a->peer_groups = peer_groups_of(caller);
	b->peer_groups = peer_groups_of(caller);
	a->state = b->state = UNIX_CONNECTED;
	return 0;
}

/* ---- half-closing ------------------------------------------------------------------- */

int unix_shutdown(struct socket *socket, bool read, bool write)
{
	struct unix_sock *sock = to_unix(socket), *peer;

	spin_lock(&sock->lock);
	WRITE_ONCE(sock->shut, sock->shut | (read ? NO_RECEIVE : 0) | (write ? NO_SEND : 0));
	peer = sock->peer ? unix_get(sock->peer) : NULL;
	spin_unlock(&sock->lock);
	unix_wake_all(sock);
	if (!peer)
		return 0;
	if (unix_is_connection(sock)) {
		spin_lock(&peer->lock);
		WRITE_ONCE(peer->shut,
		           peer->shut | (read ? NO_SEND : 0) | (write ? NO_RECEIVE : 0));
		spin_unlock(&peer->lock);
		unix_wake_all(peer);
	}
	unix_put(peer);
	return 0;
}
