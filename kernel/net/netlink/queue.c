/*
 * Packets of AF_NETLINK in the queue of their receiver. See netlink_impl.h.
 *
 * The queue takes packets until more than SO_RCVBUF is charged. What finds no room is lost: the
 * reader gets one ENOBUFS, and nothing more comes until the queue was empty once (congestion), so
 * that a reader knows that it has to ask anew. netlink(7)
 */
#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "abi/errno.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "net/filter/filter.h"
#include "net/netlink/netlink_impl.h"
#include "sched/poll.h"
#include "vm/uio.h"

enum { LINUX_HEADER = 256, LINUX_TRAILER = 320 }; /* sk_buff, skb_shared_info */

struct netlink_packet *netlink_packet_alloc(uint32_t size, unsigned int flags)
{
	struct netlink_packet *packet = kmalloc(sizeof(*packet) + size, flags);

	if (!packet)
		return NULL;
	memset(packet, 0, sizeof(*packet));
	refcount_init(&packet->refs, 1);
	packet->size = size;
	packet->charge = (uint32_t)round_up_pow2(align_up(size, 64u) + LINUX_TRAILER) +
			 LINUX_HEADER;
	return packet;
}

void netlink_packet_put(struct netlink_packet *packet)
{
	if (refcount_put(&packet->refs))
		kfree(packet);
}

/* ---- delivering ------------------------------------------------------------------------------ */

static bool has_room(const struct netlink_sock *sock)
{
	return READ_ONCE(sock->charged) <= READ_ONCE(sock->socket.receive_buffer) &&
	       !READ_ONCE(sock->is_congested);
}

/* Something is lost. */
static void overrun_locked(struct netlink_sock *sock)
{
	atomic_inc(&sock->socket.drops);
	if (READ_ONCE(sock->flags) & NETLINK_MAY_LOSE)
		return;
	sock->is_congested = true;
	WRITE_ONCE(sock->error, ENOBUFS);
}

static void wake_readers(struct netlink_sock *sock, unsigned int key)
{
	if (wait_queue_is_active(&sock->readable))
		wake_up_key(&sock->readable, key, 1);
}

/* 0 and the packet is queued; or it is not, and still the caller's. */
static int queue_try(struct netlink_sock *sock, struct netlink_packet *packet, bool is_lossy)
{
	int err = 0;

	spin_lock(&sock->lock);
	if (sock->is_dead) {
		err = -ECONNREFUSED;
	} else if (!has_room(sock)) {
		err = -EAGAIN;
		if (is_lossy)
			overrun_locked(sock);
	} else {
		list_add_tail(&sock->queue, &packet->link);
		WRITE_ONCE(sock->charged, sock->charged + packet->charge);
	}
	spin_unlock(&sock->lock);
	if (!err)
		wake_readers(sock, EPOLLIN | EPOLLRDNORM);
	else if (err == -EAGAIN && is_lossy)
		wake_readers(sock, EPOLLERR);
	return err;
}

/* The socket's filter cuts the packet, or wants none of it. */
static bool is_wanted(const struct netlink_sock *sock, struct netlink_packet *packet)
{
	if (likely(!socket_has_filter(&sock->socket)))
		return true;
	packet->size = socket_filter_bytes(&sock->socket, packet->bytes, packet->size);
	return packet->size;
}

int netlink_deliver(struct netlink_sock *sock, struct netlink_packet *packet)
{
	bool is_taken = is_wanted(sock, packet);
	int err = is_taken ? queue_try(sock, packet, true) : 0;

	if (err || !is_taken)
		netlink_packet_put(packet);
	return err == -EAGAIN ? -ENOBUFS : err;
}

static bool may_have_room(const struct netlink_sock *sock)
{
	return has_room(sock) || READ_ONCE(sock->is_dead);
}

int netlink_deliver_wait(struct netlink_sock *sock, struct netlink_packet *packet,
                         const struct netlink_sock *sender, bool nowait)
{
	ns_t timeout = sender->socket.send_timeout, deadline = socket_deadline(timeout);
	int err;

	if (!is_wanted(sock, packet)) {
		netlink_packet_put(packet);
		return 0;
	}
	for (;;) {
		err = queue_try(sock, packet, false);
		if (err != -EAGAIN || nowait)
			break;
		err = wait_event_interruptible_until(&sock->writable, may_have_room(sock),
		                                     deadline);
		if (err) {
			err = socket_interrupted(err, timeout);
			break;
		}
	}
	if (err)
		netlink_packet_put(packet);
	return err;
}

void netlink_queue_close(struct netlink_sock *sock)
{
	struct list queue = LIST_INIT(queue);

	spin_lock(&sock->lock);
	sock->is_dead = true;
	list_splice_tail(&queue, &sock->queue);
	WRITE_ONCE(sock->charged, 0);
	spin_unlock(&sock->lock);
	wake_up_all(&sock->readable);
	wake_up_all(&sock->writable);
	while (!list_is_empty(&queue)) {
		struct netlink_packet *packet =
			list_first_entry(&queue, struct netlink_packet, link);

		list_remove(&packet->link);
		netlink_packet_put(packet);
	}
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void unqueue_locked(struct netlink_sock *sock, struct netlink_packet *packet)
{
	list_remove(&packet->link);
	WRITE_ONCE(sock->charged, sock->charged - packet->charge);
	if (list_is_empty(&sock->queue))
		WRITE_ONCE(sock->is_congested, false);
}

/* EAGAIN: nothing there. The reference of the queue, or with is_peek another one. */
static int packet_get(struct netlink_sock *sock, bool is_peek, struct netlink_packet **out)
{
	struct netlink_packet *packet;
	int err = 0;

	spin_lock(&sock->lock);
	packet = list_first_entry_or_null(&sock->queue, struct netlink_packet, link);
	if (sock->error) {
		err = -sock->error;
		WRITE_ONCE(sock->error, 0);
	} else if (!packet) {
		err = -EAGAIN;
	} else if (is_peek) {
		refcount_get(&packet->refs);
	} else {
		unqueue_locked(sock, packet);
	}
	spin_unlock(&sock->lock);
	*out = packet;
	return err;
}

static bool has_news(const struct netlink_sock *sock)
{
	return !list_is_empty(&sock->queue) || READ_ONCE(sock->error);
}

static int packet_wait(struct netlink_sock *sock, unsigned int flags, struct netlink_packet **out)
{
	ns_t timeout = sock->socket.receive_timeout, deadline = socket_deadline(timeout);
	int err;

	for (;;) {
		err = packet_get(sock, flags & MSG_PEEK, out);
		if (err != -EAGAIN || flags & MSG_DONTWAIT)
			return err;
		err = wait_event_interruptible_exclusive_until(&sock->readable, has_news(sock),
		                                               deadline);
		if (err)
			return socket_interrupted(err, timeout);
	}
}

static void tell_sender(const struct netlink_packet *packet, struct socket_name *name)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_pid = packet->port,
		.nl_groups = netlink_group_mask(packet->group),
	};

	memcpy(name->bytes, &address, sizeof(address));
	name->size = sizeof(address);
}

static ssize_t packet_read(struct netlink_sock *sock, struct message *message,
                           const struct netlink_packet *packet)
{
	uint32_t n = (uint32_t)min((size_t)packet->size, message->uio->remaining);
	struct nl_pktinfo info = { .group = packet->group };

	if (uio_copy_out(message->uio, packet->bytes, n) < n)
		return -EFAULT;
	if (n < packet->size)
		message->seen |= MSG_TRUNC;
	if (message->name)
		tell_sender(packet, message->name);
	message->has_ucred = sock->socket.options & SOCKET_PASSCRED;
	message->ucred = packet->ucred;
	if (READ_ONCE(sock->flags) & NETLINK_WANTS_PKTINFO)
		message_control_put(message, SOL_NETLINK, NETLINK_PKTINFO, &info, sizeof(info));
	return message->flags & MSG_TRUNC ? packet->size : n;
}

ssize_t netlink_receive(struct socket *socket, struct message *message)
{
	struct netlink_sock *sock = to_netlink(socket);
	uint32_t room = (uint32_t)min(message->uio->remaining, (size_t)NETLINK_PIECE_MAX);
	struct netlink_packet *packet;
	ssize_t result;

	if (message->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (room > READ_ONCE(sock->largest_read))
		WRITE_ONCE(sock->largest_read, room);
	result = packet_wait(sock, message->flags, &packet);
	if (result)
		return result;
	result = packet_read(sock, message, packet);
	netlink_packet_put(packet);
	netlink_dump_continue(sock);
	if (has_room(sock))
		wake_up_all(&sock->writable);
	return result;
}

unsigned int netlink_poll(struct socket *socket, struct poller *poller)
{
	struct netlink_sock *sock = to_netlink(socket);
	unsigned int ready = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

	poller_add(poller, &sock->readable);
	if (READ_ONCE(sock->error))
		ready |= EPOLLERR;
	if (!list_is_empty(&sock->queue))
		ready |= EPOLLIN | EPOLLRDNORM;
	return ready;
}
