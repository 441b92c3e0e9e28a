/*
 * The queue of a socket of messages: filled by the stack, emptied by readers. See dgram.h.
 */
#include "net/inet/dgram.h"

#include <asm/ioctls.h>
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/in.h>
#include <linux/sockios.h>
#include <lwip/pbuf.h>

#include "abi/errno.h"
#include "lib/byteorder.h"
#include "lib/math.h"
#include "mem/buddy.h"
#include "mem/slab.h"
#include "net/filter/filter.h"
#include "net/inet/errors.h"
#include "net/netns.h"
#include "net/stack/stack.h"
#include "sched/clock.h"
#include "sched/poll.h"
#include "vm/uio.h"

enum {
	CHARGE_OVERHEAD = 640, /* Linux's: its structures around a small packet */
	MEMORY_SHARE = 8,      /* all queues together hold at most this part of memory */
};

static struct cache datagram_cache = CACHE("datagram", struct datagram);

static uint64_t bytes_queued __atomic; /* of all sockets */

void dgram_init(struct dgram_sock *sock, const struct socket_ops *ops, struct netns *netns,
                int family, int type, int protocol)
{
	inet_sock_init(&sock->inet, ops, netns, family, type, protocol);
	list_init(&sock->queue);
}

static void datagram_put(struct datagram *datagram)
{
	if (!refcount_put(&datagram->refs))
		return;
	if (READ_ONCE(datagram->pbuf->ref) == 1) {
		stack_pbuf_free(datagram->pbuf);
	} else {
		stack_lock(&netns_initial);
		pbuf_free(datagram->pbuf);
		stack_unlock(&netns_initial);
	}
	cache_free(&datagram_cache, datagram);
}

static struct datagram *first_of(const struct dgram_sock *sock)
{
	return list_first_entry(&sock->queue, struct datagram, link);
}

static void unqueue_locked(struct dgram_sock *sock, struct datagram *datagram)
{
	list_remove(&datagram->link);
	WRITE_ONCE(sock->nr_queued, sock->nr_queued - 1);
	WRITE_ONCE(sock->charged, sock->charged - datagram->charge);
	atomic_sub(&bytes_queued, datagram->charge);
}

void dgram_fini(struct dgram_sock *sock)
{
	while (!list_is_empty(&sock->queue)) {
		struct datagram *datagram = first_of(sock);

		unqueue_locked(sock, datagram);
		datagram_put(datagram);
	}
	inet_sock_fini(&sock->inet);
}

/* ---- filling ------------------------------------------------------------------------ */

static bool has_room(const struct dgram_sock *sock, uint32_t charge)
{
	return sock->charged <= READ_ONCE(sock->inet.socket.receive_buffer) &&
	       READ_ONCE(bytes_queued) + charge <= pages_total() * PAGE_SIZE / MEMORY_SHARE;
}

static bool drop(struct dgram_sock *sock)
{
	atomic_add(&sock->inet.socket.drops, 1);
	return false;
}

static uint32_t filter_copy(const struct bpf_packet *packet, uint32_t offset, void *to,
                            uint32_t size)
{
	return pbuf_copy_partial(packet->owner, to, (u16_t)size, (u16_t)offset);
}

/* What the socket's filter leaves of the bytes from `at` on; 0: nothing, also no empty message. */
static __noinline uint32_t filtered(const struct dgram_sock *sock, const struct pbuf *pbuf,
                                    uint32_t at)
{
	struct bpf_packet packet = {
		.head = pbuf->payload,
		.nr_head = pbuf->len,
		.size = pbuf->tot_len,
		.data = at,
		.link = BPF_NONE,
		.copy = filter_copy,
		.owner = pbuf,
	};

	return socket_filter_run(&sock->inet.socket, &packet);
}

bool dgram_queue(struct dgram_sock *sock, struct pbuf *pbuf, uint32_t transport, uint32_t data,
                 uint32_t iface)
{
	struct socket *socket = &sock->inet.socket;
	uint32_t charge = pbuf->tot_len + CHARGE_OVERHEAD;
	bool is_raw = socket->type == SOCK_RAW, is_v6 = socket->family == AF_INET6;
	/* a filter sees what recv(2) gives, but UDP's with its header */
	uint32_t seen = is_raw && !is_v6 ? 0 : transport;
	uint32_t kept = pbuf->tot_len - seen;
	struct datagram *datagram;

	if (unlikely(socket_has_filter(socket)) && !(kept = filtered(sock, pbuf, seen)))
		return drop(sock);
	if (sock->is_dead || !has_room(sock, charge))
		return drop(sock);
	datagram = cache_alloc(&datagram_cache, ALLOC_ATOMIC);
	if (!datagram)
		return drop(sock);
	pbuf_ref(pbuf);
	datagram->pbuf = pbuf;
	refcount_init(&datagram->refs, 1);
	datagram->iface = iface;
	datagram->transport = (uint16_t)transport;
	datagram->data = (uint16_t)data;
	datagram->charge = charge;
	datagram->verdict = seen + kept > data ? seen + kept - data : 0;
	datagram->arrival = (struct message_arrival){ .drops = READ_ONCE(socket->drops) };
	if (socket_wants_time(socket))
		datagram->arrival.time = clock_realtime();
	atomic_add(&bytes_queued, charge);
	spin_lock(&sock->inet.lock);
	list_add_tail(&sock->queue, &datagram->link);
	WRITE_ONCE(sock->nr_queued, sock->nr_queued + 1);
	WRITE_ONCE(sock->charged, sock->charged + charge);
	spin_unlock(&sock->inet.lock);
	wake_up_sync_key(&sock->inet.readable, EPOLLIN | EPOLLRDNORM | EPOLLRDBAND);
	return true;
}

/* ---- reading ------------------------------------------------------------------------ */

/* The next one; with MSG_PEEK one of those that SO_PEEK_OFF has not passed. Lock held. */
static struct datagram *datagram_next(struct dgram_sock *sock, bool is_peek, uint32_t *offset)
{
	uint32_t skip = is_peek ? (uint32_t)max(READ_ONCE(sock->inet.socket.peek_offset), 0) : 0;
	struct datagram *datagram;

	list_for_each_entry(datagram, &sock->queue, link) {
		if (skip < datagram->verdict || !skip) {
			*offset = skip;
			return datagram;
		}
		skip -= datagram->verdict;
	}
	return NULL;
}

static int datagram_try(struct dgram_sock *sock, bool is_peek, struct datagram **out,
                        uint32_t *offset)
{
	int error = inet_error_take(&sock->inet);
	struct datagram *datagram;

	if (unlikely(error))
		return -error;
	spin_lock(&sock->inet.lock);
	datagram = datagram_next(sock, is_peek, offset);
	if (datagram && is_peek)
		refcount_get(&datagram->refs);
	else if (datagram)
		unqueue_locked(sock, datagram);
	spin_unlock(&sock->inet.lock);
	*out = datagram;
	return datagram ? 0 : -EAGAIN;
}

static bool has_news(const struct dgram_sock *sock, uint32_t seen)
{
	return READ_ONCE(sock->nr_queued) != seen || READ_ONCE(sock->inet.error) ||
	       READ_ONCE(sock->inet.shut) & INET_NO_RECEIVE;
}

/* 0 without a datagram: nobody will send any more. */
static int datagram_wait(struct dgram_sock *sock, const struct message *message,
                         struct datagram **out, uint32_t *offset)
{
	ns_t timeout = READ_ONCE(sock->inet.socket.receive_timeout);
	ns_t deadline = timeout ? socket_deadline(timeout) : WAIT_FOREVER;
	int err;

	for (;;) {
		uint32_t seen = READ_ONCE(sock->nr_queued);

		err = datagram_try(sock, message->flags & MSG_PEEK, out, offset);
		if (err != -EAGAIN || message->flags & MSG_DONTWAIT)
			return err;
		if (READ_ONCE(sock->inet.shut) & INET_NO_RECEIVE)
			return 0;
		err = wait_event_interruptible_exclusive_until(&sock->inet.readable,
		                                               has_news(sock, seen), deadline);
		if (err)
			return socket_interrupted(err, timeout);
	}
}

/* Bytes out of the chain; short only on a fault. */
static size_t pbuf_read(const struct pbuf *pbuf, size_t at, struct uio *uio, size_t n)
{
	size_t done = 0;

	for (; pbuf && done < n; pbuf = pbuf->next) {
		size_t part, copied;

		if (at >= pbuf->len) {
			at -= pbuf->len;
			continue;
		}
		part = min(pbuf->len - at, n - done);
		copied = uio_copy_out(uio, (const uint8_t *)pbuf->payload + at, part);
		done += copied;
		if (copied < part)
			break;
		at = 0;
	}
	return done;
}

static void name_tell(struct dgram_sock *sock, const struct datagram *datagram,
                      struct socket_name *out)
{
	const uint8_t *header = (const uint8_t *)datagram->pbuf->payload + datagram->transport;
	bool is_udp = sock->inet.socket.type != SOCK_RAW &&
		      sock->inet.socket.protocol == IPPROTO_UDP;
	ip_addr_t from;

	datagram_source(datagram, &from);
	inet_address_tell(&sock->inet, &from, is_udp ? load_be16(header) : 0, out);
	if (IP_IS_V6_VAL(from) && ip6_addr_islinklocal(ip_2_ip6(&from)))
		inet_name_set_scope(out, datagram->iface);
}

static ssize_t datagram_read(struct dgram_sock *sock, struct message *message,
                             const struct datagram *datagram, uint32_t offset)
{
	uint32_t size = datagram->verdict - offset;
	uint32_t n = (uint32_t)min((size_t)size, message->uio->remaining);

	if (n < size)
		message->seen |= MSG_TRUNC;
	if (pbuf_read(datagram->pbuf, datagram->data + offset, message->uio, n) < n)
		return -EFAULT;
	socket_arrival_put(&sock->inet.socket, message, &datagram->arrival);
	if (message->name)
		name_tell(sock, datagram, message->name);
	if (message->control)
		dgram_control_put(&sock->inet, datagram, message);
	return message->flags & MSG_TRUNC ? (ssize_t)size : (ssize_t)n;
}

static void peek_offset_move(struct dgram_sock *sock, const struct message *message,
                             const struct datagram *datagram, ssize_t n)
{
	int *offset = &sock->inet.socket.peek_offset;

	if (READ_ONCE(*offset) < 0 || n < 0)
		return;
	if (message->flags & MSG_PEEK)
		WRITE_ONCE(*offset, *offset + (int)n);
	else
		WRITE_ONCE(*offset, max(*offset - (int)datagram->verdict, 0));
}

ssize_t dgram_receive(struct socket *socket, struct message *message)
{
	struct dgram_sock *sock = to_dgram(socket);
	struct datagram *datagram = NULL;
	uint32_t offset = 0;
	ssize_t result;

	if (message->flags & MSG_ERRQUEUE)
		return inet_errors_receive(&sock->inet, message);
	if (message->flags & MSG_OOB && socket->type == SOCK_RAW)
		return -EOPNOTSUPP;
	result = datagram_wait(sock, message, &datagram, &offset);
	if (!datagram)
		return result;
	result = datagram_read(sock, message, datagram, offset);
	peek_offset_move(sock, message, datagram, result);
	datagram_put(datagram);
	return result;
}

/* ---- what is asked of it ------------------------------------------------------------ */

unsigned int dgram_poll(struct socket *socket, struct poller *poller)
{
	struct dgram_sock *sock = to_dgram(socket);
	uint32_t shut;
	unsigned int ready = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

	poller_add(poller, &sock->inet.readable);
	shut = READ_ONCE(sock->inet.shut);
	if (READ_ONCE(sock->inet.error) || READ_ONCE(sock->inet.nr_errors))
		ready |= EPOLLERR;
	if (READ_ONCE(sock->inet.nr_errors) &&
	    READ_ONCE(socket->options) & SOCKET_SELECT_ERR_QUEUE)
		ready |= EPOLLPRI;
	if (shut & INET_NO_RECEIVE)
		ready |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (shut == (INET_NO_RECEIVE | INET_NO_SEND))
		ready |= EPOLLHUP;
	if (READ_ONCE(sock->nr_queued))
		ready |= EPOLLIN | EPOLLRDNORM;
	return ready;
}

long dgram_ioctl(struct socket *socket, unsigned int cmd, void *arg)
{
	struct dgram_sock *sock = to_dgram(socket);

	switch (cmd) {
	case SIOCINQ:
		spin_lock(&sock->inet.lock);
		*(int *)arg = list_is_empty(&sock->queue)
				      ? 0
				      : (int)first_of(sock)->verdict;
		spin_unlock(&sock->inet.lock);
		return 0;
	case SIOCOUTQ:
		*(int *)arg = 0;
		return 0;
	default:
		return -ENOIOCTLCMD;
	}
}

size_t dgram_footprint(const struct socket *socket)
{
	const struct dgram_sock *sock = container_of(socket, struct dgram_sock, inet.socket);

	return READ_ONCE(sock->charged);
}

void dgram_describe(struct inet_sock *inet, struct inet_entry *out)
{
	struct dgram_sock *sock = to_dgram(&inet->socket);

	out->receive_queue = READ_ONCE(sock->charged);
	out->state = READ_ONCE(sock->is_connected) ? 1 : 7;
}

int dgram_shutdown(struct socket *socket, bool read, bool write)
{
	struct dgram_sock *sock = to_dgram(socket);
	uint32_t what = (read ? INET_NO_RECEIVE : 0u) | (write ? INET_NO_SEND : 0u);

	/* Linux marks the end also where it then says that there is no connection. */
	atomic_or(&sock->inet.shut, what);
	inet_wake_all(&sock->inet);
	return READ_ONCE(sock->is_connected) ? 0 : -ENOTCONN;
}

/* ---- addresses ---------------------------------------------------------------------- */

int dgram_connect_locked(struct dgram_sock *sock, const struct inet_address *to)
{
	struct inet_sock *inet = &sock->inet;
	struct inet_route route;
	int err;

	if (IP_IS_V6_VAL(to->ip) && ip6_addr_islinklocal(ip_2_ip6(&to->ip))) {
		uint32_t bound = READ_ONCE(inet->socket.bound_iface);

		if (to->iface && bound && bound != to->iface)
			return -EINVAL;
		if (!to->iface && !bound)
			return -EINVAL;
		WRITE_ONCE(inet->socket.bound_iface, bound ? bound : to->iface);
	}
	err = inet_route(inet, &to->ip, NULL, to->iface, &route);
	if (err)
		return err;
	if (ip_addr_isany(&inet->local))
		ip_addr_copy(inet->local, route.source);
	ip_addr_copy(inet->remote, to->ip);
	inet->remote_port = to->port;
	inet->flow_label = to->flow_label;
	WRITE_ONCE(sock->is_connected, true);
	return 0;
}

void dgram_disconnect_locked(struct dgram_sock *sock)
{
	struct inet_sock *inet = &sock->inet;

	inet_address_any(inet, &inet->remote);
	inet->remote_port = 0;
	WRITE_ONCE(sock->is_connected, false);
	if (!(sock->bound & DGRAM_BOUND_ADDRESS))
		inet_address_any(inet, &inet->local);
}

int dgram_connect(struct socket *socket, const struct socket_name *name,
                  const struct dgram_peering *peering)
{
	struct dgram_sock *sock = to_dgram(socket);
	struct inet_address to;
	int err = 0;

	if (name->size < sizeof(name->family))
		return -EINVAL;
	if (name->family != AF_UNSPEC)
		err = inet_address_of_peer(&sock->inet, name, &to);
	if (err)
		return err;
	stack_lock(socket->netns);
	if (name->family == AF_UNSPEC)
		peering->disconnect(sock);
	else
		err = peering->connect(sock, &to);
	stack_unlock(socket->netns);
	return err;
}

bool dgram_matches(const struct dgram_sock *sock, const ip_addr_t *to, const ip_addr_t *from,
                   uint32_t iface)
{
	const struct inet_sock *inet = &sock->inet;
	uint32_t bound = READ_ONCE(inet->socket.bound_iface);

	if (!inet_address_matches(&inet->local, to))
		return false;
	if (sock->is_connected && !inet_address_matches(&inet->remote, from))
		return false;
	return !bound || bound == iface;
}
