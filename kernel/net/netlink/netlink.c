/*
 * AF_NETLINK: protocols, the life of a socket, options of SOL_NETLINK. See netlink_impl.h.
 */
#include "net/netlink/netlink.h"

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/rtnetlink.h>

#include "abi/errno.h"
#include "core/panic.h"
#include "id/cred.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/slab.h"
#include "net/netlink/port_impl.h"
#include "net/netlink/rtnetlink_impl.h"

static struct cache netlink_slab = CACHE("netlink_sock", struct netlink_sock);

/* What Linux's udev sends to the kernel goes back to its group; nothing here listens to it. */
int netlink_uevent_request(struct netlink_request *request)
{
	return request->is_admin ? -EOPNOTSUPP : -EPERM;
}

static const struct netlink_protocol protocols[NETLINK_PROTOCOLS] = {
	{ NETLINK_ROUTE, 3, RTNLGRP_MAX, NETLINK_ANYBODY_LISTENS, rtnetlink_request },
	{ NETLINK_USERSOCK, 0, 32, NETLINK_ANYBODY_TALKS, NULL },
	{ NETLINK_SOCK_DIAG, 4, 32, NETLINK_ANYBODY_LISTENS, netlink_diag_request },
	{ NETLINK_KOBJECT_UEVENT, 1, 32, NETLINK_ANYBODY_LISTENS, netlink_uevent_request },
	{ NETLINK_GENERIC, 2, 32, NETLINK_ANYBODY_LISTENS, netlink_generic_request },
};

const struct netlink_protocol *netlink_protocol_find(int number)
{
	for (size_t i = 0; i < array_size(protocols); i++) {
		if (protocols[i].number == number && protocols[i].nr_groups)
			return &protocols[i];
	}
	return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static const struct socket_ops netlink_ops;

static int netlink_create(struct netns *netns, const struct cred *cred, int type, int protocol,
                          struct socket **out)
{
	const struct netlink_protocol *found = netlink_protocol_find(protocol);
	struct netlink_sock *sock;

	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (!found)
		return -EPROTONOSUPPORT;
	sock = cache_zalloc(&netlink_slab, ALLOC_KERNEL);
	if (!sock)
		return -ENOMEM;
	socket_init(&sock->socket, &netlink_ops, netns, AF_NETLINK, (uint16_t)type);
	sock->socket.protocol = (uint16_t)protocol;
	sock->protocol = found;
	sock->opener = cred_get(cred);
	spin_lock_init(&sock->lock, RANK_SOCKET_QUEUE);
	mutex_init(&sock->request_lock, RANK_NETLINK);
	wait_queue_init(&sock->readable);
	wait_queue_init(&sock->writable);
	list_init(&sock->queue);
	netlink_table_add(sock);
	*out = &sock->socket;
	return 0;
}

static void netlink_release(struct socket *socket)
{
	struct netlink_sock *sock = to_netlink(socket);

	netlink_table_remove(sock);
	netlink_dump_end(sock);
	netlink_queue_close(sock);
}

static void netlink_free(struct socket *socket)
{
	struct netlink_sock *sock = to_netlink(socket);

	cred_put(sock->opener);
	socket_fini(socket);
	cache_free(&netlink_slab, sock);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static size_t netlink_footprint(const struct socket *socket)
{
	return READ_ONCE(container_of(socket, const struct netlink_sock, socket)->charged);
}

static int netlink_shutdown(struct socket *socket, bool read, bool write)
{
	return -EOPNOTSUPP;
}

static int netlink_take_error(struct socket *socket)
{
	struct netlink_sock *sock = to_netlink(socket);
	int error;

	spin_lock(&sock->lock);
	error = sock->error;
	WRITE_ONCE(sock->error, 0);
	spin_unlock(&sock->lock);
	return error;
}

static bool netlink_is_listening(const struct socket *socket)
{
	return false;
}

/* ---- options --------------------------------------------------------------------------------- */

static uint32_t flag_of(int name)
{
	switch (name) {
	case NETLINK_PKTINFO:
		return NETLINK_WANTS_PKTINFO;
	case NETLINK_BROADCAST_ERROR:
		return NETLINK_REPORTS_ERRORS;
	case NETLINK_NO_ENOBUFS:
		return NETLINK_MAY_LOSE;
	case NETLINK_CAP_ACK:
		return NETLINK_CAPS_ACK;
	case NETLINK_EXT_ACK:
		return NETLINK_WANTS_EXT_ACK;
	case NETLINK_GET_STRICT_CHK:
		return NETLINK_IS_STRICT;
	case NETLINK_LISTEN_ALL_NSID:
		return NETLINK_ALL_NSIDS;
	default:
		return 0;
	}
}

/* Nothing is lost any more that has to be told. */
static void congestion_end(struct netlink_sock *sock)
{
	spin_lock(&sock->lock);
	WRITE_ONCE(sock->is_congested, false);
	spin_unlock(&sock->lock);
	wake_up_all(&sock->writable);
}

static int netlink_set_option(struct socket *socket, const struct socket_option *option)
{
	struct netlink_sock *sock = to_netlink(socket);
	int value = option->size >= sizeof(int) ? option->value : 0;

	if (option->level != SOL_NETLINK)
		return -ENOPROTOOPT;
	if (option->name == NETLINK_ADD_MEMBERSHIP || option->name == NETLINK_DROP_MEMBERSHIP)
		return netlink_group_set(sock, (uint32_t)value,
		                         option->name == NETLINK_ADD_MEMBERSHIP, option->cred);
	if (!flag_of(option->name))
		return -ENOPROTOOPT;
	if (option->name == NETLINK_LISTEN_ALL_NSID &&
	    !cred_capable(option->cred, CAP_NET_BROADCAST))
		return -EPERM;
	if (value)
		atomic_or(&sock->flags, flag_of(option->name));
	else
		atomic_and(&sock->flags, ~flag_of(option->name));
	if (option->name == NETLINK_NO_ENOBUFS && value)
		congestion_end(sock);
	return 0;
}

/* As many whole words as there is room for; the size is that of all. */
static int memberships_get(struct netlink_sock *sock, struct socket_option *option)
{
	uint32_t size = align_up(div_round_up((uint32_t)sock->protocol->nr_groups, 8u), 4u);
	uint64_t groups = READ_ONCE(sock->groups);

	memcpy(option->bytes, &groups, min(option->size & ~3u, size));
	option->size = size;
	return 0;
}

static int netlink_get_option(struct socket *socket, struct socket_option *option)
{
	struct netlink_sock *sock = to_netlink(socket);

	if (option->level != SOL_NETLINK)
		return -ENOPROTOOPT;
	if (option->name == NETLINK_LIST_MEMBERSHIPS)
		return memberships_get(sock, option);
	if (!flag_of(option->name) || option->name == NETLINK_LISTEN_ALL_NSID)
		return -ENOPROTOOPT;
	if (option->size < sizeof(int))
		return -EINVAL;
	return socket_option_answer_int(option, !!(sock->flags & flag_of(option->name)));
}

/* ---- /proc/net/netlink ----------------------------------------------------------------------- */

static void describe_locked(const struct netlink_sock *sock, struct netlink_info *info)
{
	*info = (struct netlink_info){
		.protocol = sock->socket.protocol,
		.port = sock->port,
		.groups = (uint32_t)sock->groups,
		.queued = READ_ONCE(sock->charged),
		.refs = (uint32_t)refcount_read(&sock->socket.refs),
		.drops = READ_ONCE(sock->socket.drops),
		.has_dump = READ_ONCE(sock->has_dump),
		.ino = sock->socket.ino,
	};
}

/* The first of the protocol whose cookie is larger than *cookie, which becomes its own. */
static bool next_of(const struct netns *netns, int protocol, uint64_t *cookie,
                    struct netlink_info *info)
{
	struct netlink_sock *sock;
	bool is_found = false;

	spin_lock(&netlink_table.lock);
	list_for_each_entry(sock, &netlink_table.socks, in_all) {
		if (sock->socket.netns != netns || sock->socket.protocol != protocol ||
		    sock->socket.cookie <= *cookie)
			continue;
		*cookie = sock->socket.cookie;
		describe_locked(sock, info);
		is_found = true;
		break;
	}
	spin_unlock(&netlink_table.lock);
	return is_found;
}

void netlink_for_each(const struct netns *netns,
                      void (*fn)(const struct netlink_info *info, void *data), void *data)
{
	for (int number = 0; number < MAX_LINKS; number++) {
		const struct netlink_protocol *protocol = netlink_protocol_find(number);
		struct netlink_info info = { .protocol = (uint32_t)number, .refs = 2 };
		uint64_t cookie = 0;

		if (!protocol)
			continue;
		if (protocol->request)
			fn(&info, data);
		while (next_of(netns, number, &cookie, &info))
			fn(&info, data);
	}
}

/* ---- the family ------------------------------------------------------------------------------ */

static const struct socket_ops netlink_ops = {
	.release = netlink_release,
	.free = netlink_free,
	.bind = netlink_bind,
	.connect = netlink_connect,
	.name = netlink_name,
	.footprint = netlink_footprint,
	.shutdown = netlink_shutdown,
	.send = netlink_send,
	.receive = netlink_receive,
	.poll = netlink_poll,
	.take_error = netlink_take_error,
	.is_listening = netlink_is_listening,
	.set_option = netlink_set_option,
	.get_option = netlink_get_option,
};

static const struct socket_family netlink_family = {
	.family = AF_NETLINK,
	.create = netlink_create,
};

void netlink_init(void)
{
	if (socket_family_register(&netlink_family))
		panic("AF_NETLINK is registered twice");
	rtnetlink_init();
}
