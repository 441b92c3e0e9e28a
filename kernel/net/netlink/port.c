/*
 * Ports and groups of AF_NETLINK: bind(2), connect(2), names. See netlink_impl.h and netlink(7).
 *
 * A port is a number in (namespace, protocol). Sockets are found by it in one tree, and listed, for
 * groups and /proc, in the order of their making.
 */
#include <linux/capability.h>
#include <linux/errno.h>

#include "core/panic.h"
#include "core/random.h"
#include "fs/path.h"
#include "id/cred.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "net/netlink/port_impl.h"
#include "net/netns.h"

enum { TRIES = 64, LOWEST_OTHER = 4096 };

struct netlink_table netlink_table = {
	.lock = SPINLOCK(RANK_SPIN_OUTER),
	.socks = LIST_INIT(netlink_table.socks),
};

/* ---- the tree ------------------------------------------------------------------------------- */

struct place {
	const struct netns *netns;
	uint32_t            protocol, port;
};

static struct place place_of(const struct netlink_sock *sock)
{
	return (struct place){ sock->socket.netns, sock->socket.protocol, sock->port };
}

static int place_compare(const struct place *a, const struct place *b)
{
	if (a->netns != b->netns)
		return a->netns < b->netns ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	return a->port == b->port ? 0 : a->port < b->port ? -1 : 1;
}

static struct netlink_sock *find_locked(const struct place *place)
{
	struct rb_node *node = netlink_table.ports.root;

	while (node) {
		struct netlink_sock *sock = container_of(node, struct netlink_sock, in_ports);
		const struct place there = place_of(sock);
		int order = place_compare(place, &there);

		if (!order)
			return sock;
		node = order < 0 ? node->left : node->right;
	}
	return NULL;
}

static bool is_less(const struct rb_node *a, const struct rb_node *b)
{
	const struct place first = place_of(container_of(a, const struct netlink_sock, in_ports));
	const struct place second = place_of(container_of(b, const struct netlink_sock, in_ports));

	return place_compare(&first, &second) < 0;
}

/* EADDRINUSE: another has it; EBUSY: this one has another. */
static int port_take_locked(struct netlink_sock *sock, uint32_t port)
{
	const struct place place = { sock->socket.netns, sock->socket.protocol, port };

	if (sock->is_bound)
		return sock->port == port ? 0 : -EBUSY;
	if (find_locked(&place))
		return -EADDRINUSE;
	sock->port = port;
	sock->is_bound = true;
	rbtree_insert(&netlink_table.ports, &sock->in_ports, is_less);
	return 0;
}

int netlink_autobind(struct netlink_sock *sock)
{
	struct ucred ucred;
	uint32_t port;
	int err;

	if (READ_ONCE(sock->is_bound))
		return 0;
	socket_current_ucred(&ucred);
	port = ucred.pid;
	for (int i = 0; i < TRIES; i++) {
		spin_lock(&netlink_table.lock);
		err = port_take_locked(sock, port);
		spin_unlock(&netlink_table.lock);
		if (err != -EADDRINUSE)
			return 0; /* EBUSY: another thread was faster */
		port = (uint32_t)-LOWEST_OTHER - (uint32_t)random_below(INT32_MAX - LOWEST_OTHER);
	}
	return -EADDRINUSE;
}

int netlink_port_find(struct netlink_sock *sender, uint32_t port, struct netlink_sock **out)
{
	const struct place place = { sender->socket.netns, sender->socket.protocol, port };
	struct netlink_sock *sock;
	int err = 0;

	spin_lock(&netlink_table.lock);
	sock = find_locked(&place);
	if (!sock || (sock->is_connected && sock->peer_port != sender->port))
		err = -ECONNREFUSED;
	else
		socket_get(&sock->socket);
	spin_unlock(&netlink_table.lock);
	*out = sock;
	return err;
}

void netlink_table_add(struct netlink_sock *sock)
{
	spin_lock(&netlink_table.lock);
	list_add_tail(&netlink_table.socks, &sock->in_all);
	spin_unlock(&netlink_table.lock);
}

/* ---- groups --------------------------------------------------------------------------------- */

static void groups_set_locked(struct netlink_sock *sock, uint64_t groups)
{
	uint64_t changed = sock->groups ^ groups;
	uint32_t *listeners = netlink_table.listeners[sock->protocol->index];

	sock->groups = groups;
	for (; changed; changed &= changed - 1) {
		unsigned int bit = bit_lowest(changed);

		WRITE_ONCE(listeners[bit], listeners[bit] + (groups >> bit & 1 ? 1u : -1u));
	}
}

void netlink_table_remove(struct netlink_sock *sock)
{
	spin_lock(&netlink_table.lock);
	groups_set_locked(sock, 0);
	if (sock->is_bound)
		rbtree_remove(&netlink_table.ports, &sock->in_ports);
	list_remove(&sock->in_all);
	spin_unlock(&netlink_table.lock);
}

bool netlink_has_listeners(int protocol, uint32_t group)
{
	uint16_t index = netlink_protocol_find(protocol)->index;

	return READ_ONCE(netlink_table.listeners[index][group - 1]);
}

bool netlink_is_allowed(const struct netlink_sock *sock, uint8_t what, const struct cred *cred)
{
	return sock->protocol->flags & what || cred_capable(cred, CAP_NET_ADMIN);
}

int netlink_group_set(struct netlink_sock *sock, uint32_t group, bool is_member,
                      const struct cred *cred)
{
	uint64_t bit;

	if (!netlink_is_allowed(sock, NETLINK_ANYBODY_LISTENS, cred))
		return -EPERM;
	if (!group || group > sock->protocol->nr_groups)
		return -EINVAL;
	bit = 1ul << (group - 1);
	spin_lock(&netlink_table.lock);
	groups_set_locked(sock, is_member ? sock->groups | bit : sock->groups & ~bit);
	spin_unlock(&netlink_table.lock);
	return 0;
}

/* ---- names ---------------------------------------------------------------------------------- */

static int name_read(const struct socket_name *name, struct sockaddr_nl *out)
{
	if (name->size < sizeof(*out) || name->family != AF_NETLINK)
		return -EINVAL;
	memcpy(out, name->bytes, sizeof(*out));
	return 0;
}

static int port_take(struct netlink_sock *sock, uint32_t port)
{
	int err;

	if (!port)
		return netlink_autobind(sock);
	spin_lock(&netlink_table.lock);
	err = port_take_locked(sock, port);
	spin_unlock(&netlink_table.lock);
	return err;
}

int netlink_bind(struct socket *socket, const struct socket_name *name,
                 const struct socket_caller *caller)
{
	struct netlink_sock *sock = to_netlink(socket);
	uint16_t nr_groups = sock->protocol->nr_groups;
	struct sockaddr_nl address;
	int err = name_read(name, &address);

	if (err)
		return err;
	if (address.nl_groups &&
	    !netlink_is_allowed(sock, NETLINK_ANYBODY_LISTENS, caller->from->cred))
		return -EPERM;
	if (READ_ONCE(sock->is_bound) && address.nl_pid != sock->port)
		return -EINVAL;
	err = port_take(sock, address.nl_pid);
	if (err)
		return err;
	if (nr_groups < 32)
		address.nl_groups &= (1u << nr_groups) - 1;
	spin_lock(&netlink_table.lock);
	groups_set_locked(sock, (sock->groups & ~(uint64_t)UINT32_MAX) | address.nl_groups);
	spin_unlock(&netlink_table.lock);
	return 0;
}

static void peer_set(struct netlink_sock *sock, bool is_connected, uint32_t port, uint32_t group)
{
	spin_lock(&netlink_table.lock);
	sock->is_connected = is_connected;
	sock->peer_port = port;
	sock->peer_group = group;
	spin_unlock(&netlink_table.lock);
}

int netlink_connect(struct socket *socket, const struct socket_name *name, bool nowait,
                    const struct socket_caller *caller)
{
	struct netlink_sock *sock = to_netlink(socket);
	struct sockaddr_nl address;
	int err;

	if (name->size < sizeof(name->family))
		return -EINVAL;
	if (name->family == AF_UNSPEC) {
		peer_set(sock, false, 0, 0);
		return 0;
	}
	err = name_read(name, &address);
	if (err)
		return err;
	if ((address.nl_groups || address.nl_pid) &&
	    !netlink_is_allowed(sock, NETLINK_ANYBODY_TALKS, caller->from->cred))
		return -EPERM;
	err = netlink_autobind(sock);
	if (!err)
		peer_set(sock, true, address.nl_pid,
		         (uint32_t)__builtin_ffs((int)address.nl_groups));
	return err;
}

int netlink_name(struct socket *socket, bool of_peer, struct socket_name *out)
{
	struct netlink_sock *sock = to_netlink(socket);
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };

	spin_lock(&netlink_table.lock);
	address.nl_pid = of_peer ? sock->peer_port : sock->port;
	address.nl_groups = of_peer ? netlink_group_mask(sock->peer_group)
				    : (uint32_t)sock->groups;
	spin_unlock(&netlink_table.lock);
	memcpy(out->bytes, &address, sizeof(address));
	out->size = sizeof(address);
	return 0;
}
