/*
 * Messages of AF_UNIX: sockets of type SOCK_DGRAM and, once connected, SOCK_SEQPACKET. See
 * unix_impl.h.
 *
 * A message waits in the receiver's queue as one packet. The queue of a receiver that is not
 * connected back to the sender takes only so many; the send buffer limits the rest.
 */
#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "abi/errno.h"
#include "lib/math.h"
#include "net/filter/filter.h"
#include "net/unix_impl.h"
#include "vm/uio.h"

/* ---- connecting --------------------------------------------------------------------- */

/* Lets go of a peer: what it sent is lost, and it is told if it was connected here. */
static void peer_drop(struct unix_sock *sock, struct unix_sock *peer)
{
	struct list lost = LIST_INIT(lost);

	mutex_lock(&sock->receive_lock); /* who peeks copies from the queue without the spinlock */
	unix_lock_two(sock, peer);
	if (sock->nr_queued) {
		list_splice_tail(&lost, &sock->queue);
		WRITE_ONCE(sock->nr_queued, 0);
		if (!peer->is_dead && peer->peer == sock)
			WRITE_ONCE(peer->error, ECONNRESET);
	}
	unix_unlock_two(sock, peer);
	mutex_unlock(&sock->receive_lock);
	while (!list_is_empty(&lost)) {
		struct unix_packet *packet = list_first_entry(&lost, struct unix_packet, link);

		list_remove(&packet->link);
		unix_packet_free(packet);
	}
	unix_wake_all(sock);
	unix_wake_all(peer);
	unix_put(peer);
}

static bool may_send(const struct unix_sock *sock, const struct unix_sock *receiver)
{
	return !receiver->peer || receiver->peer == sock;
}

/* The peer becomes `peer` (a reference is consumed), or nobody. */
static int peer_change(struct unix_sock *sock, struct unix_sock *peer)
{
	struct unix_sock *old;
	int err = 0;

	unix_lock_two(sock, peer ? peer : sock);
	old = sock->peer;
	if (peer && !may_send(sock, peer)) {
		err = -EPERM;
	} else {
		sock->peer = peer;
		WRITE_ONCE(sock->state, peer ? UNIX_CONNECTED : UNIX_CLOSED);
	}
	unix_unlock_two(sock, peer ? peer : sock);
	if (err)
		unix_put(peer);
	else if (old && old != peer)
		peer_drop(sock, old);
	else if (old)
		unix_put(old);
	return err;
}

int unix_dgram_connect(struct socket *socket, const struct socket_name *given, bool nowait,
                       const struct socket_caller *caller)
{
	struct unix_sock *sock = to_unix(socket), *peer;
	struct socket_name name;
	int err;

	if (given->size < sizeof(given->family))
		return -EINVAL;
	if (given->family == AF_UNSPEC)
		return peer_change(sock, NULL);
	err = unix_name_check(given, &name);
	if (!err && socket->options & SOCKET_PASSCRED)
		err = unix_autobind(sock);
	if (!err)
		err = unix_find(socket->netns, &name, socket->type, caller, &peer);
	return err ? err : peer_change(sock, peer);
}

/* ---- sending ------------------------------------------------------------------------ */

/* Whom an unnamed message is for, with a reference. */
static int receiver_of(struct unix_sock *sock, struct unix_sock **out)
{
	spin_lock(&sock->lock);
	*out = sock->peer ? unix_get(sock->peer) : NULL;
	spin_unlock(&sock->lock);
	return *out ? 0 : -ENOTCONN;
}

static bool is_blocked(const struct unix_sock *sock, const struct unix_sock *receiver)
{
	return receiver != sock && READ_ONCE(receiver->peer) != sock && unix_is_full(receiver);
}

/* Queues the packet: 0 and it is consumed. EAGAIN: full. Otherwise why the receiver takes none. */
static int deliver_try(struct unix_sock *sock, struct unix_sock *receiver,
                       struct unix_packet *packet)
{
	int err = 0;

	spin_lock(&receiver->lock);
	if (!may_send(sock, receiver))
		err = -EPERM;
	else if (receiver->is_dead)
		err = -ECONNREFUSED;
	else if (receiver->shut & NO_RECEIVE)
		err = -EPIPE;
	else if (is_blocked(sock, receiver))
		err = -EAGAIN;
	else
		unix_packet_queue_locked(receiver, packet);
	spin_unlock(&receiver->lock);
	if (!err)
		wake_up_sync_key(&receiver->readable, EPOLLIN | EPOLLRDNORM | EPOLLRDBAND);
	return err;
}

/* The receiver is gone: a datagram socket that was connected to it is so no more. */
static int receiver_lost(struct unix_sock *sock, struct unix_sock *receiver)
{
	bool was_peer;

	if (unix_is_connection(sock))
		return -EPIPE;
	spin_lock(&sock->lock);
	was_peer = sock->peer == receiver;
	if (was_peer) {
		sock->peer = NULL;
		WRITE_ONCE(sock->state, UNIX_CLOSED);
	}
	spin_unlock(&sock->lock);
	if (was_peer)
		peer_drop(sock, receiver);
	return -ECONNREFUSED;
}

static bool may_have_room(const struct unix_sock *sock, const struct unix_sock *receiver)
{
	return !is_blocked(sock, receiver) || READ_ONCE(receiver->is_dead) ||
	       READ_ONCE(receiver->shut) & NO_RECEIVE;
}

static int deliver(struct unix_sock *sock, struct unix_sock *receiver, struct unix_packet *packet,
                   bool nowait)
{
	ns_t timeout = sock->socket.send_timeout, deadline = socket_deadline(timeout);
	int err;

	for (;;) {
		err = deliver_try(sock, receiver, packet);
		if (err != -EAGAIN || nowait)
			break;
		err = wait_event_interruptible_exclusive_until(
			&receiver->space, may_have_room(sock, receiver), deadline);
		if (err)
			return socket_interrupted(err, timeout);
	}
	return err == -ECONNREFUSED ? receiver_lost(sock, receiver) : err;
}

/* The message as a packet, ready to be queued. */
static int message_pack(struct unix_sock *sock, struct unix_sock *receiver, struct message *message,
                        struct unix_packet **out)
{
	int err = unix_packet_create(sock, message->uio, (uint32_t)message->uio->remaining,
	                             message->flags & MSG_DONTWAIT, out);

	if (err)
		return err;
	err = unix_packet_attach(*out, message, receiver);
	if (err)
		unix_packet_free(*out);
	return err;
}

static int message_receiver(struct unix_sock *sock, const struct message *message,
                            struct unix_sock **out)
{
	struct socket_name name;
	int err;

	if (!message->name || unix_is_connection(sock))
		return receiver_of(sock, out);
	err = unix_name_check(message->name, &name);
	if (err)
		return err;
	return unix_find(sock->socket.netns, &name, sock->socket.type, message->caller, out);
}

ssize_t unix_dgram_send(struct socket *socket, struct message *message)
{
	struct unix_sock *sock = to_unix(socket), *receiver;
	size_t size = message->uio->remaining;
	struct unix_packet *packet;
	int err;

	if (unix_is_connection(sock) && READ_ONCE(sock->state) != UNIX_CONNECTED)
		return -ENOTCONN;
	if (message->flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = message_receiver(sock, message, &receiver);
	if (!err && socket->options & SOCKET_PASSCRED)
		err = unix_autobind(sock);
	if (err)
		return err;
	err = size > socket->send_buffer - 32 ? -EMSGSIZE
					      : message_pack(sock, receiver, message, &packet);
	if (!err && socket_has_filter(&receiver->socket) && !unix_packet_filter(receiver, packet)) {
		/* Nobody hears that it was not wanted. */
		unix_packet_free(packet);
	} else if (!err) {
		err = deliver(sock, receiver, packet, message->flags & MSG_DONTWAIT);
		if (err)
			unix_packet_free(packet);
	}
	unix_put(receiver);
	return err ? err : (ssize_t)size;
}

/* ---- receiving ---------------------------------------------------------------------- */

/* The next message; with MSG_PEEK one of those that SO_PEEK_OFF has not passed. Lock held. */
static struct unix_packet *packet_next(struct unix_sock *sock, bool is_peek, uint32_t *offset)
{
	uint32_t skip = is_peek ? (uint32_t)max(sock->socket.peek_offset, 0) : 0;
	struct unix_packet *packet;

	list_for_each_entry(packet, &sock->queue, link) {
		if (skip < packet->size || !skip) {
			*offset = skip;
			return packet;
		}
		skip -= packet->size;
	}
	return NULL;
}

/* EAGAIN: nothing there. A packet that is not only looked at leaves the queue. */
static int packet_get(struct unix_sock *sock, bool is_peek, struct unix_packet **out,
                      uint32_t *offset)
{
	int error;

	spin_lock(&sock->lock);
	error = unix_error_take_locked(sock);
	*out = error ? NULL : packet_next(sock, is_peek, offset);
	if (*out && !is_peek)
		unix_packet_unqueue_locked(sock, *out);
	spin_unlock(&sock->lock);
	return error ? -error : *out ? 0 : -EAGAIN;
}

static bool has_news(const struct unix_sock *sock, uint32_t seen)
{
	return READ_ONCE(sock->nr_queued) != seen || READ_ONCE(sock->error) ||
	       READ_ONCE(sock->shut) & NO_RECEIVE;
}

/* Waits for a packet; 0 without one: nobody will send any more. receive_lock held. */
static int packet_wait(struct unix_sock *sock, struct message *message, struct unix_packet **out,
                       uint32_t *offset)
{
	ns_t timeout = sock->socket.receive_timeout, deadline = socket_deadline(timeout);
	bool is_peek = message->flags & MSG_PEEK, nowait = message->flags & MSG_DONTWAIT;
	int err;

	for (;;) {
		uint32_t seen = READ_ONCE(sock->nr_queued);

		err = packet_get(sock, is_peek, out, offset);
		if (err != -EAGAIN)
			return err;
		if (READ_ONCE(sock->shut) & NO_RECEIVE && (!nowait || unix_is_connection(sock)))
			return 0;
		if (nowait)
			return -EAGAIN;
		mutex_unlock(&sock->receive_lock);
		err = wait_event_interruptible_exclusive_until(&sock->readable,
		                                               has_news(sock, seen), deadline);
		mutex_lock(&sock->receive_lock);
		if (err)
			return socket_interrupted(err, timeout);
	}
}

static ssize_t packet_read(struct unix_sock *sock, struct message *message,
                           struct unix_packet *packet, uint32_t offset)
{
	uint32_t size = packet->size - offset;
	uint32_t n = (uint32_t)min((size_t)size, message->uio->remaining);

	if (message->name)
		unix_name_of(packet->sender, message->name);
	if (n < size)
		message->seen |= MSG_TRUNC;
	if (unix_packet_read(packet, offset, message->uio, n) < n)
		return -EFAULT;
	if (unlikely(sock->socket.options & SOCKET_TIMESTAMP)) {
		const struct message_arrival arrival = { .time = packet->time };

		socket_arrival_put(&sock->socket, message, &arrival);
	}
	unix_packet_detach(packet, message, sock, message->flags & MSG_PEEK);
	return message->flags & MSG_TRUNC ? size : n;
}

static void peek_offset_move(struct unix_sock *sock, const struct unix_packet *packet,
                             const struct message *message, size_t n)
{
	int *offset = &sock->socket.peek_offset;

	if (*offset < 0)
		return;
	if (message->flags & MSG_PEEK)
		WRITE_ONCE(*offset, *offset + (int)n);
	else
		WRITE_ONCE(*offset, max(*offset - (int)packet->size, 0));
}

ssize_t unix_dgram_receive(struct socket *socket, struct message *message)
{
	struct unix_sock *sock = to_unix(socket);
	bool is_peek = message->flags & MSG_PEEK;
	size_t before = message->uio->remaining;
	struct unix_packet *packet = NULL;
	uint32_t offset = 0;
	ssize_t result;

	if (message->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (unix_is_connection(sock) && READ_ONCE(sock->state) != UNIX_CONNECTED)
		return -ENOTCONN;
	mutex_lock(&sock->receive_lock);
	result = packet_wait(sock, message, &packet, &offset);
	if (packet) {
		wake_up_sync_key(&sock->space, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
		result = packet_read(sock, message, packet, offset);
		peek_offset_move(sock, packet, message, before - message->uio->remaining);
		if (!is_peek)
			unix_packet_free(packet);
	}
	mutex_unlock(&sock->receive_lock);
	return result;
}
