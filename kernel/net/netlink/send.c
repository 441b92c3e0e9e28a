/*
 * Sending through AF_NETLINK: to the kernel, to another program, to a group. See netlink_impl.h.
 */
#include <linux/capability.h>
#include <linux/errno.h>

#include "id/cred.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "net/netlink/port_impl.h"
#include "vm/uio.h"

/* ---- to groups ------------------------------------------------------------------------------- */

static bool is_meant(const struct netlink_sock *sock, const struct netlink_cast *cast)
{
	return sock->socket.protocol == cast->protocol && sock->socket.netns == cast->netns &&
	       sock->groups >> (cast->group - 1) & 1 && (!cast->skip || sock->port != cast->skip);
}

/* A copy for one member. */
static int cast_to(struct netlink_sock *sock, const struct netlink_cast *cast, const void *bytes,
                   uint32_t size)
{
	struct netlink_packet *packet = netlink_packet_alloc(size, ALLOC_ATOMIC);

	if (!packet) {
		atomic_inc(&sock->socket.drops);
		return -ENOBUFS;
	}
	memcpy(packet->bytes, bytes, size);
	packet->port = cast->sender;
	packet->group = cast->group;
	packet->ucred = cast->ucred;
	return netlink_deliver(sock, packet);
}

int netlink_multicast(const struct netlink_cast *cast, const void *bytes, uint32_t size)
{
	struct netlink_sock *sock;
	int result = -ESRCH;

	spin_lock(&netlink_table.lock);
	list_for_each_entry(sock, &netlink_table.socks, in_all) {
		if (!is_meant(sock, cast))
			continue;
		if (!cast_to(sock, cast, bytes, size))
			result = result == -ESRCH ? 0 : result;
		else if (READ_ONCE(sock->flags) & NETLINK_REPORTS_ERRORS)
			result = -ENOBUFS;
	}
	spin_unlock(&netlink_table.lock);
	return result;
}

/* ---- one message ----------------------------------------------------------------------------- */

/* Where to: a port, and perhaps a group. */
static int target_of(struct netlink_sock *sock, const struct message *message, uint32_t *port,
                     uint32_t *group)
{
	const struct socket_name *name = message->name;
	struct sockaddr_nl address;

	if (!name) {
		*port = READ_ONCE(sock->peer_port);
		*group = READ_ONCE(sock->peer_group);
		return 0;
	}
	if (name->size < sizeof(address) || name->family != AF_NETLINK)
		return -EINVAL;
	memcpy(&address, name->bytes, sizeof(address));
	*port = address.nl_pid;
	*group = (uint32_t)__builtin_ffs((int)address.nl_groups);
	if ((*port || *group) &&
	    !netlink_is_allowed(sock, NETLINK_ANYBODY_TALKS, socket_current_cred()))
		return -EPERM;
	return 0;
}

/* A descriptor may have been opened by one with more rights than who writes to it. */
static bool is_admin(const struct netlink_sock *sock, const struct message *message)
{
	return cred_capable(socket_current_cred(), CAP_NET_ADMIN) &&
	       (message->name || cred_capable(sock->opener, CAP_NET_ADMIN));
}

static int send_to_kernel(struct netlink_sock *sock, const struct message *message,
                          struct netlink_packet *packet)
{
	if (!sock->protocol->request) {
		netlink_packet_put(packet);
		return -ECONNREFUSED;
	}
	netlink_requests_run(sock, packet, is_admin(sock, message));
	netlink_packet_put(packet);
	return 0;
}

static int send_to_port(struct netlink_sock *sock, const struct message *message,
                        struct netlink_packet *packet, uint32_t port)
{
	struct netlink_sock *receiver;
	int err = netlink_port_find(sock, port, &receiver);

	if (err) {
		netlink_packet_put(packet);
		return err;
	}
	err = netlink_deliver_wait(receiver, packet, sock, message->flags & MSG_DONTWAIT);
	netlink_put_sock(receiver);
	return err;
}

static int packet_make(struct netlink_sock *sock, struct message *message,
                       struct netlink_packet **out)
{
	uint32_t size = (uint32_t)message->uio->remaining;
	struct netlink_packet *packet = netlink_packet_alloc(size, ALLOC_KERNEL);

	if (!packet)
		return -ENOBUFS;
	if (uio_copy_in(message->uio, packet->bytes, size) < size) {
		netlink_packet_put(packet);
		return -EFAULT;
	}
	packet->port = READ_ONCE(sock->port);
	if (message->has_ucred)
		packet->ucred = message->ucred;
	else
		socket_current_ucred(&packet->ucred);
	*out = packet;
	return 0;
}

ssize_t netlink_send(struct socket *socket, struct message *message)
{
	struct netlink_sock *sock = to_netlink(socket);
	size_t size = message->uio->remaining;
	struct netlink_packet *packet;
	uint32_t port, group;
	int err;

	if (message->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (!size)
		return -ENODATA;
	err = target_of(sock, message, &port, &group);
	if (!err)
		err = netlink_autobind(sock);
	if (err)
		return err;
	if (size > socket->send_buffer - 32)
		return -EMSGSIZE;
	err = packet_make(sock, message, &packet);
	if (err)
		return err;
	if (group) {
		const struct netlink_cast cast = {
			.netns = socket->netns, .protocol = socket->protocol, .group = group,
			.sender = packet->port, .skip = packet->port, .ucred = packet->ucred,
		};

		(void)netlink_multicast(&cast, packet->bytes, packet->size);
	}
	err = port == NETLINK_KERNEL_PORT ? send_to_kernel(sock, message, packet)
					  : send_to_port(sock, message, packet, port);
	return err ? err : (ssize_t)size;
}
