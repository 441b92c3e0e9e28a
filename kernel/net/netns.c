/*
 * The network namespace, and the start of this floor. See netns.h.
 */
#include "net/netns.h"

#include "core/panic.h"
#include "id/nsproxy.h"
#include "net/iface/start.h"
#include "net/inet/inet.h"
#include "net/netlink/netlink.h"
#include "net/packet/packet.h"
#include "net/socket.h"
#include "net/stack/start.h"
#include "net/unix.h"

struct netns netns_initial = {
	.refs = REFCOUNT_INIT(1),
	.names_lock = SPINLOCK(RANK_SPIN_OUTER),
	.unix_max_queued = 10,
	.max_backlog = SOMAXCONN,
	.ifaces = &iface_table_initial,
};

struct netns *netns_get(struct netns *netns)
{
	refcount_get(&netns->refs);
	return netns;
}

void netns_put(struct netns *netns)
{
	bool is_last = refcount_put(&netns->refs);

	assert(!is_last); /* the first is never given back, and there is no other */
}

static void count_get(void *netns)
{
	netns_get(netns);
}

static void count_put(void *netns)
{
	netns_put(netns);
}

static const struct ns_ops netns_counting = { .get = count_get, .put = count_put };

void net_init(void)
{
	sockfs_init();
	unix_init();
	stack_init();
	iface_init();
	inet_init();
	packet_init();
	netlink_init();
	nsproxy_register_net(&netns_counting);
	nsproxy_initial.net = netns_get(&netns_initial);
}
