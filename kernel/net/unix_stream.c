/*
 * Bytes through a connection of type SOCK_STREAM. See unix_impl.h.
 *
 * A read takes what the first packets hold, but does not go beyond one that brought open files, and
 * does not mix writers with different credentials if it tells them.
 */
#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "abi/errno.h"
#include "lib/math.h"
#include "net/unix_impl.h"
#include "vm/uio.h"

/* ---- sending ------------------------------------------------------------------------ */

static int packet_deliver(struct unix_sock *peer, struct unix_packet *packet, bool is_urgent)
{
	bool is_open;

	spin_lock(&peer->lock);
	is_open = !peer->is_dead && !(peer->shut & NO_RECEIVE);
	if (is_open)
		unix_packet_queue_locked(peer, packet);
	if (is_open && is_urgent)
		unix_urgent_queue_locked(peer, packet);
	spin_unlock(&peer->lock);
	if (!is_open) {
		unix_packet_free(packet);
		return -EPIPE;
	}
	wake_up_sync_key(&peer->readable, EPOLLIN | EPOLLRDNORM | EPOLLRDBAND |
	                 (is_urgent ? EPOLLPRI : 0));
	return 0;
}

/* One packet's worth of the message, of which all but `kept` bytes may go. */
static int chunk_send(struct unix_sock *sock, struct unix_sock *peer, struct message *message,
                      size_t kept)
{
	uint32_t max = min((uint32_t)UNIX_CHUNK_MAX, sock->socket.send_buffer / 2 - 64);
	bool is_urgent = message->flags & MSG_OOB && !kept;
	uint32_t n = (uint32_t)min(message->uio->remaining - kept, (size_t)max);
	struct unix_packet *packet;
	int err = unix_packet_create(sock, message->uio, n, message->flags & MSG_DONTWAIT, &packet);

	if (err)
		return err;
	err = unix_packet_attach(packet, message, peer);
	if (err) {
		unix_packet_free(packet);
		return err;
	}
	return packet_deliver(peer, packet, is_urgent);
}

ssize_t unix_stream_send(struct socket *socket, struct message *message)
{
	struct unix_sock *sock = to_unix(socket), *peer = READ_ONCE(sock->peer);
	size_t before = message->uio->remaining, done = 0;
	bool is_urgent = message->flags & MSG_OOB;
	int err = 0;

	if (is_urgent && !before)
		return -EOPNOTSUPP;
	if (message->name)
		return sock->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	if (!peer)
		return -ENOTCONN;
	if (READ_ONCE(sock->shut) & NO_SEND)
		return -EPIPE;
	while (done < before) {
		err = chunk_send(sock, peer, message, is_urgent && done + 1 < before);
		if (err)
			break;
		done = before - message->uio->remaining;
	}
	return done ? (ssize_t)done : err;
}

/* ---- receiving ---------------------------------------------------------------------- */

struct stream_read {
	struct unix_sock *sock;
	struct message   *message;
	size_t            wanted; /* bytes yet to come */
	size_t            target; /* enough to return without waiting */
	size_t            done;
	size_t            skip;   /* MSG_PEEK: bytes of the queue that are passed by */
	ns_t              timeout, deadline;
	bool              is_peek;
	bool              has_ucred; /* the first packet's are told; others must agree */
	bool              is_over;   /* stop here, whatever follows */
	struct list       gone;      /* marks that were passed, to be freed */
};

/* The packet to read from next, and where in it. Lock held. */
static struct unix_packet *packet_at(struct stream_read *read, uint32_t *offset)
{
	size_t skip = read->is_peek ? read->skip : 0;
	struct unix_packet *packet;

	list_for_each_entry(packet, &read->sock->queue, link) {
		uint32_t size = packet->size - packet->offset;

		if (skip < size) {
			*offset = packet->offset + (uint32_t)skip;
			return packet;
		}
		skip -= size;
	}
	return NULL;
}

/* Nothing there: 1 to wait, 0 or an error to end with. Lock held. */
static int queue_end(struct stream_read *read)
{
	struct unix_sock *sock = read->sock;
	int error;

	if (read->done >= read->target)
		return 0;
	error = unix_error_take_locked(sock);
	if (error)
		return -error;
	if (sock->shut & NO_RECEIVE)
		return 0;
	return read->message->flags & MSG_DONTWAIT ? -EAGAIN : 1;
}

static bool has_news(const struct unix_sock *sock, uint32_t seen)
{
	return READ_ONCE(sock->nr_queued) != seen || READ_ONCE(sock->error) ||
	       READ_ONCE(sock->shut) & NO_RECEIVE;
}

/* Until something comes; other readers may go first. */
static int wait_for_news(struct stream_read *read, uint32_t seen)
{
	struct unix_sock *sock = read->sock;
	int err;

	mutex_unlock(&sock->receive_lock);
	err = wait_event_interruptible_until(&sock->readable, has_news(sock, seen), read->deadline);
	mutex_lock(&sock->receive_lock);
	return err ? socket_interrupted(err, read->timeout) : 0;
}

static bool same_writer(const struct ucred *a, const struct ucred *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

static void packet_consume(struct unix_sock *sock, struct unix_packet *packet, uint32_t n)
{
	spin_lock(&sock->lock);
	packet->offset += n;
	if (packet->offset < packet->size)
		packet = NULL;
	else
		unix_packet_unqueue_locked(sock, packet);
	spin_unlock(&sock->lock);
	if (packet)
		unix_packet_free(packet);
}

/* Takes what is wanted of one packet. EFAULT. */
static int packet_take(struct stream_read *read, struct unix_packet *packet, uint32_t offset)
{
	struct message *message = read->message;
	uint32_t n = (uint32_t)min((size_t)(packet->size - offset), read->wanted), copied;
	struct rights *before = message->rights;

	if (read->has_ucred && !same_writer(&packet->ucred, &message->ucred)) {
		read->is_over = true;
		return 0;
	}
	copied = unix_packet_read(packet, offset, message->uio, n);
	if (copied < n && !copied)
		return -EFAULT;
	if (!read->done && message->name)
		unix_name_of(packet->sender, message->name);
	unix_packet_detach(packet, message, read->sock, read->is_peek);
	read->has_ucred = message->has_ucred;
	read->done += copied;
	read->wanted -= copied;
	read->skip += copied;
	read->is_over = copied < n || message->rights != before;
	if (!read->is_peek)
		packet_consume(read->sock, packet, copied);
	return 0;
}

/* The same, but not beyond a byte out of band, or where one was. Lock held. */
static struct unix_packet *packet_at_mark(struct stream_read *read, struct unix_packet *packet,
                                          uint32_t *offset)
{
	if (read->is_peek) {
		if (!packet || !unix_urgent_hides_locked(read->sock, packet, read->done))
			return packet;
		read->is_over = read->done;
		return NULL;
	}
	read->is_over = unix_marks_pass_locked(read->sock, read->done, &read->gone);
	return read->is_over ? NULL : packet_at(read, offset);
}

/* One step: 1 to go on, 0 at the end, or an error. receive_lock held. */
static int stream_step(struct stream_read *read)
{
	struct unix_sock *sock = read->sock;
	struct unix_packet *packet;
	uint32_t offset, seen;
	int result = 0;

	spin_lock(&sock->lock);
	packet = packet_at(read, &offset);
	if (sock->nr_marks)
		packet = packet_at_mark(read, packet, &offset);
	seen = sock->nr_queued;
	if (!packet && !read->is_over)
		result = queue_end(read);
	spin_unlock(&sock->lock);
	if (packet) {
		result = packet_take(read, packet, offset);
		return result ? result : read->wanted && !read->is_over;
	}
	if (result == 1) {
		result = wait_for_news(read, seen);
		return result ? result : 1;
	}
	return result;
}

static void peek_offset_move(struct stream_read *read)
{
	int *offset = &read->sock->socket.peek_offset;
	int done = (int)read->done;

	if (*offset < 0)
		return;
	WRITE_ONCE(*offset, read->is_peek ? *offset + done : max(*offset - done, 0));
}

static void marks_free(struct list *gone)
{
	struct unix_packet *mark, *next;

	list_for_each_entry_safe(mark, next, gone, link)
		unix_packet_free(mark);
}

ssize_t unix_stream_receive(struct socket *socket, struct message *message)
{
	struct unix_sock *sock = to_unix(socket);
	size_t size = message->uio->remaining;
	struct stream_read read = {
		.sock = sock,
		.message = message,
		.wanted = size,
		.timeout = socket->receive_timeout,
		.is_peek = message->flags & MSG_PEEK,
	};
	int result;

	if (READ_ONCE(sock->state) != UNIX_CONNECTED)
		return -EINVAL;
	if (message->flags & MSG_OOB)
		return unix_urgent_receive(sock, message);
	list_init(&read.gone);
	read.target = size;
	if (!(message->flags & MSG_WAITALL))
		read.target = min((size_t)socket->receive_low, size);
	read.target = max(read.target, (size_t)1);
	read.deadline = socket_deadline(read.timeout);
	mutex_lock(&sock->receive_lock);
	read.skip = (size_t)max(socket->peek_offset, 0);
	do {
		result = stream_step(&read);
	} while (result > 0);
	peek_offset_move(&read);
	marks_free(&read.gone);
	mutex_unlock(&sock->receive_lock);
	return read.done ? (ssize_t)read.done : result;
}
