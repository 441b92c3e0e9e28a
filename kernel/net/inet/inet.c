/*
 * The internet families: which protocol a socket gets, its common part, and the list of all.
 * See inet.h and inet_impl.h.
 *
 * A socket is in the list from inet_sock_init() to inet_sock_fini(), so that a walk which holds a
 * reference may go on from where it was.
 */
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/in.h>
#include <linux/in6.h>

#include "abi/errno.h"
#include "core/panic.h"
#include "lib/string.h"
#include "net/inet/dgram.h"
#include "net/inet/errors.h"
#include "net/inet/inet_impl.h"
#include "net/inet/input.h"
#include "net/inet/tcp.h"
#include "net/stack/stack.h"

static struct {
	struct spinlock      lock;
	struct list          all __guarded_by(lock);
	struct inet_settings settings __atomic;
} inet = {
	.lock = SPINLOCK(RANK_LEAF),
	.all = LIST_INIT(inet.all),
	.settings = {
		.ping_group_first = 1,
		.ping_group_last = 0,
		.multicast_max = 20,
		.default_ttl = 64,
		.default_hop_limit = 64,
	},
};

static const struct inet_protocol protocols[] = {
	{ .type = SOCK_STREAM, .protocol = IPPROTO_TCP, .create = tcp_create,
	  .describe = tcp_describe },
	{ .type = SOCK_DGRAM, .protocol = IPPROTO_UDP, .create = udp_create,
	  .describe = dgram_describe },
	{ .type = SOCK_DGRAM, .protocol = IPPROTO_ICMP, .create = ping_create,
	  .describe = dgram_describe },
	{ .type = SOCK_DGRAM, .protocol = IPPROTO_ICMPV6, .create = ping_create,
	  .describe = dgram_describe },
	{ .type = SOCK_RAW, .protocol = IPPROTO_IP, .create = raw_create,
	  .describe = dgram_describe },
};

enum { NR_PROTOCOLS = sizeof(protocols) / sizeof(protocols[0]) };

struct inet_settings *inet_settings(struct netns *netns)
{
	(void)netns;
	return &inet.settings;
}

/* ---- making ------------------------------------------------------------------------- */

/* ICMP is of one family each. */
static bool is_of_family(const struct inet_protocol *entry, int family)
{
	if (entry->protocol == IPPROTO_ICMP)
		return family == AF_INET;
	if (entry->protocol == IPPROTO_ICMPV6)
		return family == AF_INET6;
	return true;
}

/* The entry, and the protocol that the socket is for: Linux's search through its own table. */
static int protocol_find(int family, int type, int *protocol, const struct inet_protocol **out)
{
	int err = -ESOCKTNOSUPPORT;

	if (*protocol < 0 || *protocol >= IPPROTO_MAX)
		return -EINVAL;
	for (size_t i = 0; i < NR_PROTOCOLS; i++) {
		const struct inet_protocol *entry = &protocols[i];

		if (entry->type != type || !is_of_family(entry, family))
			continue;
		err = -EPROTONOSUPPORT;
		if (!*protocol && !entry->protocol)
			continue;
		if (*protocol && entry->protocol && *protocol != entry->protocol)
			continue;
		if (!*protocol)
			*protocol = entry->protocol;
		*out = entry;
		return 0;
	}
	return err;
}

static int create(struct netns *netns, const struct cred *cred, int family, int type, int protocol,
                  struct socket **out)
{
	const struct inet_protocol *entry;
	int err = protocol_find(family, type, &protocol, &entry);

	if (!err)
		err = inet_input_start(netns);
	return err ? err : entry->create(netns, family, protocol, cred, out);
}

static int inet4_create(struct netns *netns, const struct cred *cred, int type, int protocol,
                        struct socket **out)
{
	return create(netns, cred, AF_INET, type, protocol, out);
}

static int inet6_create(struct netns *netns, const struct cred *cred, int type, int protocol,
                        struct socket **out)
{
	return create(netns, cred, AF_INET6, type, protocol, out);
}

static const struct inet_protocol *protocol_entry(const struct socket *socket)
{
	const struct inet_protocol *last = &protocols[NR_PROTOCOLS - 1];

	for (const struct inet_protocol *entry = protocols; entry < last; entry++)
		if (entry->type == socket->type && entry->protocol == socket->protocol)
			return entry;
	return last;
}

void inet_sock_init(struct inet_sock *sock, const struct socket_ops *ops, struct netns *netns,
                    int family, int type, int protocol)
{
	const struct inet_settings *settings = inet_settings(netns);

	socket_init(&sock->socket, ops, netns, (uint16_t)family, (uint16_t)type);
	sock->socket.protocol = (uint16_t)protocol;
	spin_lock_init(&sock->lock, RANK_SOCKET_QUEUE);
	wait_queue_init(&sock->readable);
	wait_queue_init(&sock->writable);
	list_init(&sock->errors);
	inet_address_any(sock, &sock->local);
	inet_address_any(sock, &sock->remote);
	sock->flags = INET_MULTICAST_LOOP | INET_MULTICAST_LOOP6 | INET_MULTICAST_ALL |
		      INET_MULTICAST_ALL6;
	if (family == AF_INET6 && READ_ONCE(settings->v6_only))
		sock->flags |= INET_V6_ONLY;
	sock->ttl = sock->hop_limit = sock->multicast_hops = -1;
	sock->multicast_ttl = 1;
	sock->pmtu_discover = sock->pmtu_discover6 = IP_PMTUDISC_WANT;
	sock->inet_protocol = protocol_entry(&sock->socket);
	spin_lock(&inet.lock);
	list_add_tail(&inet.all, &sock->in_all);
	spin_unlock(&inet.lock);
}

void inet_sock_fini(struct inet_sock *sock)
{
	spin_lock(&inet.lock);
	list_remove(&sock->in_all);
	spin_unlock(&inet.lock);
	inet_errors_clear(sock);
	debug_assert(!sock->memberships);
	socket_fini(&sock->socket);
}

/* ---- what they have in common ------------------------------------------------------- */

void inet_wake_all(struct inet_sock *sock)
{
	wake_up_key(&sock->readable, 0, INT32_MAX);
	wake_up_key(&sock->writable, 0, INT32_MAX);
}

int inet_name(struct socket *socket, bool of_peer, struct socket_name *out)
{
	struct inet_sock *sock = to_inet(socket);
	int err = 0;

	stack_lock(socket->netns);
	if (!of_peer)
		inet_address_tell(sock, &sock->local, sock->local_port, out);
	else if (sock->remote_port)
		inet_address_tell(sock, &sock->remote, sock->remote_port, out);
	else
		err = -ENOTCONN;
	stack_unlock(socket->netns);
	return err;
}

int inet_take_error(struct socket *socket)
{
	return inet_error_take(to_inet(socket));
}

bool inet_is_not_listening(const struct socket *socket)
{
	(void)socket;
	return false;
}

/* ---- the list ----------------------------------------------------------------------- */

static bool is_listed(const struct inet_sock *sock, const struct netns *netns, int protocol)
{
	if (sock->socket.netns != netns)
		return false;
	switch (protocol) {
	case IPPROTO_RAW:
		return sock->socket.type == SOCK_RAW;
	case IPPROTO_ICMP:
		return sock->socket.type == SOCK_DGRAM && sock->socket.protocol != IPPROTO_UDP;
	default:
		return sock->socket.type != SOCK_RAW && sock->socket.protocol == protocol;
	}
}

/* The one behind, with a reference; NULL previous: the first. */
static struct inet_sock *list_next(const struct netns *netns, int protocol,
                                   const struct inet_sock *previous)
{
	const struct list *at = previous ? &previous->in_all : &inet.all;
	struct inet_sock *found = NULL;

	spin_lock(&inet.lock);
	for (struct list *link = at->next; link != &inet.all && !found; link = link->next) {
		struct inet_sock *sock = container_of(link, struct inet_sock, in_all);

		if (is_listed(sock, netns, protocol) && refcount_try_get(&sock->socket.refs))
			found = sock;
	}
	spin_unlock(&inet.lock);
	return found;
}

static void entry_fill(struct inet_sock *sock, struct inet_entry *out)
{
	const struct socket *socket = &sock->socket;

	*out = (struct inet_entry){
		.family = socket->family,
		.type = socket->type,
		.protocol = socket->protocol,
		.v6_only = inet_has(sock, INET_V6_ONLY),
		.uid = READ_ONCE(socket->uid),
		.ino = READ_ONCE(socket->ino),
		.cookie = socket->cookie,
		.refs = (uint32_t)READ_ONCE(socket->refs.value) - 1,
		.drops = READ_ONCE(socket->drops),
		.bound_iface = READ_ONCE(socket->bound_iface),
		.shut = READ_ONCE(sock->shut),
	};
	stack_lock(socket->netns);
	inet_address_bytes(sock, &sock->local, out->local);
	inet_address_bytes(sock, &sock->remote, out->remote);
	out->local_port = sock->local_port;
	out->remote_port = sock->remote_port;
	stack_unlock(socket->netns);
	sock->inet_protocol->describe(sock, out);
}

int inet_for_each(struct netns *netns, int protocol,
                  int (*fn)(const struct inet_entry *entry, void *data), void *data)
{
	struct inet_sock *sock = list_next(netns, protocol, NULL);
	int result = 0;

	while (sock && !result) {
		struct inet_sock *next;
		struct inet_entry entry;

		entry_fill(sock, &entry);
		result = fn(&entry, data);
		next = list_next(netns, protocol, sock);
		socket_put(&sock->socket);
		sock = next;
	}
	if (sock)
		socket_put(&sock->socket);
	return result || protocol != IPPROTO_TCP ? result
						 : tcp_for_each_remnant(netns, fn, data);
}

/* ---- start -------------------------------------------------------------------------- */

static const struct socket_family inet4 = { .family = AF_INET, .create = inet4_create };
static const struct socket_family inet6 = { .family = AF_INET6, .create = inet6_create };

void inet_init(void)
{
	int err;

	err = socket_family_register(&inet4);
	assert(!err);
	err = socket_family_register(&inet6);
	assert(!err);
}
