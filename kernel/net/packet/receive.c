/*
 * Receiving from packet sockets, and their readiness. See packet_impl.h.
 */
#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "abi/errno.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "net/packet/packet_impl.h"
#include "sched/poll.h"
#include "vm/uio.h"

enum { KNOWN_FLAGS = MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_ERRQUEUE | MSG_CMSG_CLOEXEC };

void packet_queue_purge(struct packet_sock *sock)
{
	struct packet_captured *captured, *next;

	list_for_each_entry_safe(captured, next, &sock->queue, link)
		kfree(captured);
	list_init(&sock->queue);
}

/* ---- waiting ------------------------------------------------------------------------ */

/* The first frame, taken away unless it is only looked at. EAGAIN, or the pending error. */
static int captured_get(struct packet_sock *sock, bool is_peek, struct packet_captured **out)
{
	int error = packet_error_take(sock);

	*out = NULL;
	if (error)
		return -error;
	spin_lock(&sock->lock);
	if (!list_is_empty(&sock->queue)) {
		*out = list_first_entry(&sock->queue, struct packet_captured, link);
		if (!is_peek) {
			list_remove(&(*out)->link);
			sock->nr_queued--;
			sock->charged -= (*out)->charge;
		}
	}
	spin_unlock(&sock->lock);
	return *out ? 0 : -EAGAIN;
}

static bool has_news(const struct packet_sock *sock)
{
	return READ_ONCE(sock->nr_queued) || READ_ONCE(sock->error);
}

/* receive_lock held, dropped while waiting. */
static int captured_wait(struct packet_sock *sock, const struct message *message,
                         struct packet_captured **out)
{
	ns_t timeout = sock->socket.receive_timeout, deadline = socket_deadline(timeout);
	int err;

	for (;;) {
		err = captured_get(sock, message->flags & MSG_PEEK, out);
		if (err != -EAGAIN || message->flags & MSG_DONTWAIT)
			return err;
		mutex_unlock(&sock->receive_lock);
		err = wait_event_interruptible_exclusive_until(&sock->readable, has_news(sock),
		                                               deadline);
		mutex_lock(&sock->receive_lock);
		if (err)
			return socket_interrupted(err, timeout);
	}
}

/* ---- telling ------------------------------------------------------------------------ */

static void name_tell(struct packet_sock *sock, const struct packet_captured *captured,
                      struct socket_name *name)
{
	struct sockaddr_pkt old = { .spkt_family = captured->from.sll_hatype,
				    .spkt_protocol = captured->from.sll_protocol };
	struct iface *iface;

	if (sock->socket.type != SOCK_PACKET) {
		name->size = sizeof(captured->from);
		memcpy(name->bytes, &captured->from, sizeof(captured->from));
		return;
	}
	iface = iface_by_index(sock->socket.netns, (uint32_t)captured->from.sll_ifindex);
	if (iface) {
		memcpy(old.spkt_device, iface->name, sizeof(old.spkt_device) - 1);
		iface_put(iface);
	}
	name->size = sizeof(old);
	memcpy(name->bytes, &old, sizeof(old));
}

static void auxdata_tell(const struct packet_captured *captured, struct message *message)
{
	const struct tpacket_auxdata auxdata = {
		.tp_status = captured->status,
		.tp_len = captured->length,
		.tp_snaplen = captured->size,
		.tp_net = (uint16_t)captured->network,
	};

	message_control_put(message, SOL_PACKET, PACKET_AUXDATA, &auxdata, sizeof(auxdata));
}

static ssize_t captured_read(struct packet_sock *sock, struct message *message,
                             const struct packet_captured *captured)
{
	uint32_t n = (uint32_t)min((size_t)captured->size, message->uio->remaining);

	if (n < captured->size)
		message->seen |= MSG_TRUNC;
	if (uio_copy_out(message->uio, captured->bytes, n) < n)
		return -EFAULT;
	socket_arrival_put(&sock->socket, message, &captured->arrival);
	if (message->name)
		name_tell(sock, captured, message->name);
	if (sock->has_auxdata)
		auxdata_tell(captured, message);
	return message->flags & MSG_TRUNC ? captured->size : n;
}

ssize_t packet_receive(struct socket *socket, struct message *message)
{
	struct packet_sock *sock = to_packet(socket);
	struct packet_captured *captured = NULL;
	ssize_t result;

	if (message->flags & ~(unsigned int)KNOWN_FLAGS)
		return -EINVAL;
	if (message->flags & MSG_ERRQUEUE)
		return -EAGAIN;
	mutex_lock(&sock->receive_lock);
	result = captured_wait(sock, message, &captured);
	if (captured) {
		result = captured_read(sock, message, captured);
		if (!(message->flags & MSG_PEEK))
			kfree(captured);
	}
	mutex_unlock(&sock->receive_lock);
	return result;
}

unsigned int packet_poll(struct socket *socket, struct poller *poller)
{
	struct packet_sock *sock = to_packet(socket);
	unsigned int ready = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

	poller_add(poller, &sock->readable);
	if (READ_ONCE(sock->error))
		ready |= EPOLLERR;
	spin_lock(&sock->lock);
	if (sock->nr_queued || (sock->ring && packet_ring_is_readable(sock->ring)))
		ready |= EPOLLIN | EPOLLRDNORM;
	spin_unlock(&sock->lock);
	return ready;
}
