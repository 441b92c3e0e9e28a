/*
 * The table of ports. See port.h.
 *
 * Chains by protocol and port: what shares a chain mostly shares the port, since there are more
 * chains than a machine has busy ports.
 */
#include "net/inet/port.h"

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/in.h>

#include "core/random.h"
#include "id/cred.h"
#include "lib/hash.h"
#include "mem/alloc.h"
#include "net/stack/stack.h"

enum { NR_CHAINS = 1024, PORT_MAX = 65535 };

static struct {
	struct hlist        *chains __guarded_by(core); /* NULL: nobody has a port yet */
	struct port_settings settings __atomic;
} ports = {
	.settings = { .first = 32768, .last = 60999, .unprivileged_first = 1024 },
};

struct port_settings *port_settings(struct netns *netns)
{
	(void)netns;
	return &ports.settings;
}

int port_check_rights(struct netns *netns, uint16_t port, const struct cred *cred)
{
	if (!port || port >= READ_ONCE(port_settings(netns)->unprivileged_first))
		return 0;
	return cred_capable(cred, CAP_NET_BIND_SERVICE) ? 0 : -EACCES;
}

static struct hlist *chain_of(uint8_t protocol, uint16_t port)
{
	return &ports.chains[(port ^ (protocol == IPPROTO_UDP ? NR_CHAINS / 2 : 0)) % NR_CHAINS];
}

static int table_need(struct netns *netns)
{
	stack_assert_locked();
	if (!ports.chains)
		ports.chains = kzalloc(NR_CHAINS * sizeof(*ports.chains), ALLOC_ATOMIC);
	return ports.chains ? 0 : -ENOMEM;
}

static void table_add(struct netns *netns, struct port_use *use, uint16_t port)
{
	use->netns = netns;
	use->port = port;
	hlist_add(chain_of(use->protocol, port), &use->in_table);
}

void port_release(struct port_use *use)
{
	if (!port_is_bound(use))
		return;
	stack_assert_locked();
	hlist_remove(&use->in_table);
	use->port = 0;
	use->flags &= (uint8_t)~(PORT_LISTENING | PORT_CHOSEN | PORT_CONNECTED | PORT_TIME_WAIT |
				 PORT_REUSABLE);
}

/* ---- rivals ------------------------------------------------------------------------- */

static bool addresses_overlap(const ip_addr_t *a, const ip_addr_t *b)
{
	if (IP_IS_ANY_TYPE_VAL(*a) || IP_IS_ANY_TYPE_VAL(*b))
		return true;
	if (IP_GET_TYPE(a) != IP_GET_TYPE(b))
		return false;
	return ip_addr_isany_val(*a) || ip_addr_isany_val(*b) || ip_addr_cmp_zoneless(a, b);
}

/* One packet could be meant for either. */
static bool uses_overlap(const struct port_use *a, const struct port_use *b)
{
	if (a->bound_iface && b->bound_iface && a->bound_iface != b->bound_iface)
		return false;
	return addresses_overlap(&a->local, &b->local);
}

static bool may_share_port(const struct port_use *use, const struct port_use *other)
{
	return use->flags & other->flags & PORT_REUSE_PORT &&
	       (other->flags & PORT_TIME_WAIT || use->uid == other->uid);
}

/* is_any: the port was not asked for, so that sharing would be a surprise. */
static bool is_rival(const struct port_use *use, const struct port_use *other, bool is_any)
{
	if (use == other || use->netns != other->netns || !uses_overlap(use, other))
		return false;
	if (use->flags & other->flags & PORT_REUSE_ADDRESS &&
	    !(other->flags & PORT_LISTENING))
		return is_any;
	return is_any || !may_share_port(use, other);
}

static bool has_rival(const struct port_use *use, uint16_t port, bool is_any)
{
	struct port_use *other;

	hlist_for_each_entry(other, chain_of(use->protocol, port), in_table) {
		if (other->port == port && other->protocol == use->protocol &&
		    is_rival(use, other, is_any))
			return true;
	}
	return false;
}

/* ---- ports for the asking ----------------------------------------------------------- */

/*
 * The first port of the range, from a random one on, that `is_taken` does not refuse; 0: none.
 */
static uint16_t port_choose(struct netns *netns, const struct port_use *use,
                            bool (*is_taken)(const struct port_use *use, uint16_t port))
{
	uint32_t first = READ_ONCE(port_settings(netns)->first);
	uint32_t last = READ_ONCE(port_settings(netns)->last), nr, offset, i;

	if (!first || first > last || last > PORT_MAX)
		return 0;
	nr = last - first + 1;
	offset = (uint32_t)random_below(nr);
	for (i = 0; i < nr; i++) {
		uint16_t port = (uint16_t)(first + (offset + i) % nr);

		if (!is_taken(use, port))
			return port;
	}
	return 0;
}

static bool is_taken_for_bind(const struct port_use *use, uint16_t port)
{
	return has_rival(use, port, true);
}

int port_bind(struct netns *netns, struct port_use *use, uint16_t port)
{
	int err = table_need(netns);

	if (err)
		return err;
	use->netns = netns;
	if (!port)
		port = port_choose(netns, use, is_taken_for_bind);
	else if (has_rival(use, port, false))
		port = 0;
	if (!port)
		return -EADDRINUSE;
	table_add(netns, use, port);
	return 0;
}

int port_listen(struct port_use *use)
{
	stack_assert_locked();
	if (has_rival(use, use->port, false))
		return -EADDRINUSE;
	use->flags |= PORT_LISTENING;
	return 0;
}

/* ---- connections -------------------------------------------------------------------- */

static bool is_same_connection(const struct port_use *other, const struct port_use *use)
{
	return other != use && other->netns == use->netns && other->flags & PORT_CONNECTED &&
	       !(other->flags & PORT_REUSABLE) && other->remote_port == use->remote_port &&
	       ip_addr_cmp(&other->remote, &use->remote) &&
	       ip_addr_cmp(&other->local, &use->local);
}

static bool is_taken_for_connect(const struct port_use *use, uint16_t port)
{
	struct port_use *other;

	hlist_for_each_entry(other, chain_of(use->protocol, port), in_table) {
		if (other->port != port || other->protocol != use->protocol)
			continue;
		if (!(other->flags & PORT_CHOSEN) || is_same_connection(other, use))
			return true;
	}
	return false;
}

int port_connect(struct netns *netns, struct port_use *use)
{
	int err = table_need(netns);
	uint16_t port;

	if (err)
		return err;
	use->netns = netns;
	port = port_choose(netns, use, is_taken_for_connect);
	if (!port)
		return -EADDRNOTAVAIL;
	use->flags |= PORT_CHOSEN | PORT_CONNECTED;
	table_add(netns, use, port);
	return 0;
}

int port_connect_bound(struct port_use *use, const ip_addr_t *remote, uint16_t remote_port)
{
	struct port_use *other;

	stack_assert_locked();
	ip_addr_copy(use->remote, *remote);
	use->remote_port = remote_port;
	hlist_for_each_entry(other, chain_of(use->protocol, use->port), in_table) {
		if (other->port == use->port && other->protocol == use->protocol &&
		    is_same_connection(other, use))
			return -EADDRNOTAVAIL;
	}
	use->flags |= PORT_CONNECTED;
	return 0;
}

void port_inherit(struct port_use *use, const struct port_use *listener)
{
	stack_assert_locked();
	use->protocol = listener->protocol;
	use->bound_iface = listener->bound_iface;
	use->uid = listener->uid;
	use->flags = (listener->flags & (PORT_REUSE_ADDRESS | PORT_REUSE_PORT)) | PORT_CONNECTED;
	table_add(listener->netns, use, listener->port);
}
