/*
 * Packet sockets: life, binding, the list of all. See packet_impl.h.
 */
#include "net/packet/packet.h"

#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/if_ether.h>

#include "abi/errno.h"
#include "core/panic.h"
#include "id/cred.h"
#include "lib/string.h"
#include "mem/slab.h"
#include "net/iface/event.h"
#include "net/packet/packet_impl.h"

static struct cache packet_slab = CACHE("packet_sock", struct packet_sock);
static const struct socket_ops packet_ops;

/* Of the one namespace. */
static struct {
	struct list list __guarded_by(config);
} all = { .list = LIST_INIT(all.list) };

/* ---- the tap ------------------------------------------------------------------------ */

static void tap_start(struct packet_sock *sock)
{
	if (sock->is_tapped || !sock->protocol || sock->is_lost)
		return;
	iface_tap_add(sock->socket.netns, sock->iface, &sock->tap);
	sock->is_tapped = true;
}

static void tap_stop(struct packet_sock *sock)
{
	if (sock->is_tapped)
		iface_tap_remove(sock->socket.netns, &sock->tap);
	sock->is_tapped = false;
}

static void error_post(struct packet_sock *sock, int error)
{
	WRITE_ONCE(sock->error, error);
	wake_up_all(&sock->readable);
}

/* The socket's interface is another one, whose reference is consumed. */
static void iface_change(struct packet_sock *sock, struct iface *iface)
{
	struct iface *before;

	spin_lock(&sock->lock);
	before = sock->iface;
	sock->iface = iface;
	spin_unlock(&sock->lock);
	if (before)
		iface_put(before);
}

struct iface *packet_iface_get(struct packet_sock *sock)
{
	struct iface *iface;

	spin_lock(&sock->lock);
	iface = sock->iface ? iface_get(sock->iface) : NULL;
	spin_unlock(&sock->lock);
	return iface;
}

int packet_error_take(struct packet_sock *sock)
{
	return READ_ONCE(sock->error) ? atomic_xchg(&sock->error, 0) : 0;
}

/* ---- binding ------------------------------------------------------------------------ */

/* iface: a reference, consumed; NULL: all. */
static void bind_to(struct packet_sock *sock, struct iface *iface, __be16 protocol)
{
	tap_stop(sock);
	iface_change(sock, iface);
	sock->is_lost = false;
	WRITE_ONCE(sock->protocol, protocol);
	if (iface && !(iface->flags & IFF_UP))
		error_post(sock, ENETDOWN);
	tap_start(sock);
}

static int bind_old(struct packet_sock *sock, const struct socket_name *name)
{
	char device[sizeof(struct sockaddr) - 1] = { 0 };
	struct iface *iface;

	if (name->size != sizeof(struct sockaddr))
		return -EINVAL;
	memcpy(device, name->bytes + sizeof(name->family), sizeof(device) - 1);
	iface = iface_by_name(sock->socket.netns, device);
	if (!iface)
		return -ENODEV;
	bind_to(sock, iface, sock->protocol);
	return 0;
}

static int bind_link(struct packet_sock *sock, const struct socket_name *name)
{
	struct sockaddr_ll address;
	struct iface *iface = NULL;

	if (name->size < sizeof(address))
		return -EINVAL;
	memcpy(&address, name->bytes, sizeof(address));
	if (address.sll_family != AF_PACKET)
		return -EINVAL;
	if (address.sll_ifindex) {
		iface = iface_by_index(sock->socket.netns, (uint32_t)address.sll_ifindex);
		if (!iface)
			return -ENODEV;
	}
	bind_to(sock, iface, address.sll_protocol ? address.sll_protocol : sock->protocol);
	return 0;
}

static int packet_bind(struct socket *socket, const struct socket_name *name,
                       const struct socket_caller *caller)
{
	struct packet_sock *sock = to_packet(socket);
	int err;

	(void)caller;
	iface_config_lock(socket->netns);
	err = socket->type == SOCK_PACKET ? bind_old(sock, name) : bind_link(sock, name);
	iface_config_unlock(socket->netns);
	return err;
}

static int name_old(const struct iface *iface, struct socket_name *out)
{
	struct sockaddr address = { .sa_family = AF_PACKET };

	if (iface)
		memcpy(address.sa_data, iface->name, sizeof(address.sa_data) - 1);
	out->size = sizeof(address);
	memcpy(out->bytes, &address, sizeof(address));
	return 0;
}

static int packet_name(struct socket *socket, bool of_peer, struct socket_name *out)
{
	struct packet_sock *sock = to_packet(socket);
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = sock->protocol };
	struct iface *iface;

	if (of_peer)
		return -EOPNOTSUPP;
	iface = packet_iface_get(sock);
	if (iface) {
		address.sll_ifindex = (int)iface->index;
		address.sll_hatype = iface->type;
		address.sll_halen = IFACE_MAC_BYTES;
		memcpy(address.sll_addr, iface->mac, IFACE_MAC_BYTES);
	}
	if (socket->type == SOCK_PACKET) {
		name_old(iface, out);
	} else {
		out->size = (uint32_t)offsetof(struct sockaddr_ll, sll_addr) + address.sll_halen;
		memcpy(out->bytes, &address, out->size);
	}
	if (iface)
		iface_put(iface);
	return 0;
}

/* ---- what happens to interfaces ----------------------------------------------------- */

static void link_lost(struct packet_sock *sock)
{
	tap_stop(sock);
	sock->is_lost = true;
	iface_change(sock, NULL);
	error_post(sock, ENETDOWN);
}

static void iface_event(const struct iface_event *event)
{
	struct packet_sock *sock;

	if (event->kind != IFACE_LINK_CHANGED && event->kind != IFACE_LINK_REMOVED)
		return;
	list_for_each_entry(sock, &all.list, in_all) {
		if (!sock->iface || sock->iface != event->iface)
			continue;
		if (event->kind == IFACE_LINK_REMOVED)
			link_lost(sock);
		else if (event->changed_flags & IFF_UP && !(event->iface->flags & IFF_UP))
			error_post(sock, ENETDOWN);
	}
}

static struct iface_watcher watcher = { .event = iface_event };

/* ---- life --------------------------------------------------------------------------- */

static int packet_create(struct netns *netns, const struct cred *cred, int type, int protocol,
                         struct socket **out)
{
	struct packet_sock *sock;

	if (!cred_capable(cred, CAP_NET_RAW))
		return -EPERM;
	if (type != SOCK_RAW && type != SOCK_DGRAM && type != SOCK_PACKET)
		return -ESOCKTNOSUPPORT;
	sock = cache_zalloc(&packet_slab, ALLOC_KERNEL);
	if (!sock)
		return -ENOMEM;
	socket_init(&sock->socket, &packet_ops, netns, AF_PACKET, (uint16_t)type);
	spin_lock_init(&sock->lock, RANK_SOCKET_QUEUE);
	mutex_init(&sock->receive_lock, RANK_SOCKET);
	wait_queue_init(&sock->readable);
	list_init(&sock->queue);
	list_init(&sock->memberships);
	sock->tap.frame = packet_tap_frame;
	sock->protocol = (__force __be16)protocol;
	iface_config_lock(netns);
	list_add_tail(&all.list, &sock->in_all);
	tap_start(sock);
	iface_config_unlock(netns);
	*out = &sock->socket;
	return 0;
}

static void packet_release(struct socket *socket)
{
	struct packet_sock *sock = to_packet(socket);

	iface_config_lock(socket->netns);
	tap_stop(sock);
	packet_members_free(sock);
	list_remove(&sock->in_all);
	iface_config_unlock(socket->netns);
	packet_ring_stop(sock);
	iface_change(sock, NULL);
	packet_queue_purge(sock);
}

/* Also from deferred work: nothing here sleeps. */
static void packet_free(struct socket *socket)
{
	struct packet_sock *sock = to_packet(socket);

	if (sock->ring)
		packet_ring_free(sock->ring);
	socket_fini(socket);
	cache_free(&packet_slab, sock);
}

/* ---- asking ------------------------------------------------------------------------- */

static int packet_take_error(struct socket *socket)
{
	return packet_error_take(to_packet(socket));
}

static bool packet_is_listening(const struct socket *socket)
{
	(void)socket;
	return false;
}

static int packet_connect(struct socket *socket, const struct socket_name *name, bool nowait,
                          const struct socket_caller *caller)
{
	(void)socket;
	(void)name;
	(void)nowait;
	(void)caller;
	return -EOPNOTSUPP;
}

static int packet_shutdown(struct socket *socket, bool read, bool write)
{
	(void)socket;
	(void)read;
	(void)write;
	return -EOPNOTSUPP;
}

static long packet_ioctl(struct socket *socket, unsigned int cmd, void *arg)
{
	struct packet_sock *sock = to_packet(socket);

	switch (cmd) {
	case FIONREAD:
		spin_lock(&sock->lock);
		*(int *)arg = list_is_empty(&sock->queue)
				      ? 0
				      : (int)list_first_entry(&sock->queue, struct packet_captured,
							      link)->size;
		spin_unlock(&sock->lock);
		return 0;
	case TIOCOUTQ:
		*(int *)arg = 0; /* what is sent is the interface's at once */
		return 0;
	default:
		return -ENOIOCTLCMD;
	}
}

static size_t packet_footprint(const struct socket *socket)
{
	return READ_ONCE(container_of(socket, const struct packet_sock, socket)->charged);
}

static void entry_fill(const struct packet_sock *sock, struct packet_entry *out)
{
	*out = (struct packet_entry){
		.refs = (uint32_t)atomic_load_relaxed(&sock->socket.refs.value),
		.type = sock->socket.type,
		.protocol = be16_to_cpu(sock->protocol),
		.iface = sock->iface ? sock->iface->index : 0,
		.is_running = sock->is_tapped,
		.queued = READ_ONCE(sock->charged),
		.uid = sock->socket.uid,
		.ino = sock->socket.ino,
	};
}

int packet_for_each(struct netns *netns, int (*fn)(const struct packet_entry *entry, void *data),
                    void *data)
{
	const struct packet_sock *sock;
	struct packet_entry entry;
	int result = 0;

	iface_config_lock(netns);
	list_for_each_entry(sock, &all.list, in_all) {
		entry_fill(sock, &entry);
		result = fn(&entry, data);
		if (result)
			break;
	}
	iface_config_unlock(netns);
	return result;
}

static const struct socket_family packet_family = { .family = AF_PACKET, .create = packet_create };

void packet_init(void)
{
	if (socket_family_register(&packet_family))
		panic("AF_PACKET is registered twice");
	iface_watch(&watcher);
}

static const struct socket_ops packet_ops = {
	.release = packet_release,
	.free = packet_free,
	.bind = packet_bind,
	.connect = packet_connect,
	.name = packet_name,
	.footprint = packet_footprint,
	.shutdown = packet_shutdown,
	.send = packet_send,
	.receive = packet_receive,
	.poll = packet_poll,
	.ioctl = packet_ioctl,
	.mmap = packet_mmap,
	.take_error = packet_take_error,
	.is_listening = packet_is_listening,
	.set_option = packet_set_option,
	.get_option = packet_get_option,
};
