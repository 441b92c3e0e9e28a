/*
 * Links as messages, asked for: RTM_GETLINK. See rtnetlink_impl.h and rtnetlink(7).
 *
 * The attributes are those of Linux 6.1 in its order. What does not exist here (aliases, masters,
 * virtual functions, XDP programs) is not there or none.
 */
#include <linux/errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "dev/netdev.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "net/iface/iface.h"
#include "net/netlink/rtnetlink_impl.h"

enum {
	LINUX_GSO_SEGMENTS = 65535,
	LINUX_GSO_BYTES = 65536,
	LOOPBACK_TSO_BYTES = 524280,
	LINK_ROOM = 4096, /* of one message */
};

static bool has_carrier(const struct iface *iface)
{
	return !iface->netdev || READ_ONCE(iface->netdev->has_link);
}

static const char *queueing_of(const struct iface *iface)
{
	if (!(iface->flags & IFF_UP))
		return "noop";
	return iface->type == ARPHRD_LOOPBACK ? "noqueue" : "pfifo_fast";
}

static void put_limits(struct netlink_writer *writer, const struct iface *iface)
{
	uint8_t state = iface->flags & IFF_UP ? iface->operational_state : IF_OPER_DOWN;

	netlink_put_string(writer, IFLA_IFNAME, iface->name);
	netlink_put_u32(writer, IFLA_TXQLEN, iface->queue_length);
	netlink_put_u8(writer, IFLA_OPERSTATE, state);
	netlink_put_u8(writer, IFLA_LINKMODE, 0);
	netlink_put_u32(writer, IFLA_MTU, iface->mtu);
	netlink_put_u32(writer, IFLA_MIN_MTU, iface->min_mtu);
	netlink_put_u32(writer, IFLA_MAX_MTU, iface->max_mtu);
	netlink_put_u32(writer, IFLA_GROUP, 0);
	netlink_put_u32(writer, IFLA_PROMISCUITY, iface->nr_promiscuous);
	netlink_put_u32(writer, IFLA_ALLMULTI, iface->nr_all_multicast);
	netlink_put_u32(writer, IFLA_NUM_TX_QUEUES, 1);
	netlink_put_u32(writer, IFLA_GSO_MAX_SEGS, LINUX_GSO_SEGMENTS);
	netlink_put_u32(writer, IFLA_GSO_MAX_SIZE, LINUX_GSO_BYTES);
	netlink_put_u32(writer, IFLA_GRO_MAX_SIZE, LINUX_GSO_BYTES);
	netlink_put_u32(writer, IFLA_TSO_MAX_SIZE,
	                iface->netdev ? LINUX_GSO_BYTES : LOOPBACK_TSO_BYTES);
	netlink_put_u32(writer, IFLA_TSO_MAX_SEGS, LINUX_GSO_SEGMENTS);
	netlink_put_u32(writer, IFLA_NUM_RX_QUEUES, 1);
}

static void put_hardware(struct netlink_writer *writer, const struct iface *iface)
{
	const struct rtnl_link_ifmap map = { 0 };

	netlink_put_u8(writer, IFLA_CARRIER, has_carrier(iface));
	netlink_put_string(writer, IFLA_QDISC, queueing_of(iface));
	netlink_put_u32(writer, IFLA_CARRIER_CHANGES, iface->carrier_changes);
	netlink_put_u32(writer, IFLA_CARRIER_UP_COUNT, (iface->carrier_changes + 1) / 2);
	netlink_put_u32(writer, IFLA_CARRIER_DOWN_COUNT, iface->carrier_changes / 2);
	netlink_put_u8(writer, IFLA_PROTO_DOWN, 0);
	netlink_put(writer, IFLA_MAP, &map, sizeof(map));
	netlink_put(writer, IFLA_ADDRESS, iface->mac, sizeof(iface->mac));
	netlink_put(writer, IFLA_BROADCAST, iface->broadcast, sizeof(iface->broadcast));
}

/* In 64 and in 32 bits a number. */
static void put_statistics(struct netlink_writer *writer, struct iface *iface)
{
	struct rtnl_link_stats64 wide;
	const uint64_t *from = (const uint64_t *)&wide;
	uint32_t *narrow;

	iface_statistics(iface, &wide);
	netlink_put(writer, IFLA_STATS64, &wide, sizeof(wide));
	narrow = netlink_reserve(writer, IFLA_STATS, sizeof(struct rtnl_link_stats));
	if (!narrow)
		return;
	for (size_t i = 0; i < sizeof(struct rtnl_link_stats) / sizeof(*narrow); i++)
		narrow[i] = (uint32_t)from[i];
}

static void put_families(struct netlink_writer *writer)
{
	uint32_t families = netlink_nest_begin(writer, IFLA_AF_SPEC);
	uint32_t inet6 = netlink_nest_begin(writer, AF_INET6);

	netlink_put_u8(writer, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_EUI64);
	netlink_nest_end(writer, inet6);
	netlink_nest_end(writer, families);
}

bool rtnetlink_link_put(struct netlink_writer *writer, const struct rtnetlink_head *head,
                        struct netlink_dump *dump, struct iface *iface,
                        const struct rtnetlink_link_detail *detail)
{
	struct ifinfomsg *message = rtnetlink_begin(writer, head, dump, sizeof(*message));
	uint32_t xdp;

	if (message) {
		message->ifi_type = iface->type;
		message->ifi_index = (int)iface->index;
		message->ifi_flags = iface->flags;
		message->ifi_change = detail->changed;
	}
	put_limits(writer, iface);
	put_hardware(writer, iface);
	if (!detail->without_stats)
		put_statistics(writer, iface);
	xdp = netlink_nest_begin(writer, IFLA_XDP);
	netlink_put_u8(writer, IFLA_XDP_ATTACHED, XDP_ATTACHED_NONE);
	netlink_nest_end(writer, xdp);
	put_families(writer);
	if (iface->netdev)
		netlink_put(writer, IFLA_PERM_ADDRESS, iface->permanent_mac,
		            sizeof(iface->permanent_mac));
	return netlink_end(writer);
}

/* The short form that IPv6 has of it: RTM_GETLINK of AF_INET6. */
static bool put_inet6(struct netlink_writer *writer, const struct rtnetlink_head *head,
                      struct netlink_dump *dump, const struct iface *iface)
{
	struct ifinfomsg *message = rtnetlink_begin(writer, head, dump, sizeof(*message));
	uint32_t nest;

	if (message) {
		message->ifi_family = AF_INET6;
		message->ifi_type = iface->type;
		message->ifi_index = (int)iface->index;
		message->ifi_flags = iface->flags;
	}
	netlink_put_string(writer, IFLA_IFNAME, iface->name);
	netlink_put(writer, IFLA_ADDRESS, iface->mac, sizeof(iface->mac));
	netlink_put_u32(writer, IFLA_MTU, iface->mtu);
	netlink_put_u8(writer, IFLA_OPERSTATE,
	               iface->flags & IFF_UP ? iface->operational_state : IF_OPER_DOWN);
	nest = netlink_nest_begin(writer, IFLA_PROTINFO);
	netlink_put_u8(writer, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_EUI64);
	netlink_nest_end(writer, nest);
	return netlink_end(writer);
}

/* ---- one ------------------------------------------------------------------------------------- */

static bool wants_no_stats(const struct nlattr **found)
{
	return found[IFLA_EXT_MASK] &&
	       attribute_u32(found[IFLA_EXT_MASK]) & RTEXT_FILTER_SKIP_STATS;
}

static int link_get(struct netlink_request *request)
{
	const struct nlattr *found[IFLA_MAX + 1];
	const struct attribute_table table = { rtnetlink_link_policy, found, IFLA_MAX,
		                               request->is_strict };
	const struct rtnetlink_head head = rtnetlink_answer(request, RTM_NEWLINK);
	struct rtnetlink_link_detail detail = { 0 };
	struct netlink_writer writer = { .room = LINK_ROOM };
	struct iface *iface;
	int err;

	if (request->header->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifinfomsg)))
		return netlink_fault(request, -EINVAL, "Invalid header for get link");
	err = message_parse(request->header, sizeof(struct ifinfomsg), &table, &request->fault);
	if (!err)
		err = rtnetlink_link_find(request, found, &iface);
	if (err)
		return err;
	detail.without_stats = wants_no_stats(found);
	writer.bytes = kmalloc(LINK_ROOM, ALLOC_KERNEL);
	err = -ENOBUFS;
	if (writer.bytes)
		err = rtnetlink_link_put(&writer, &head, NULL, iface, &detail)
			      ? netlink_reply(request, &writer) : -EMSGSIZE;
	kfree(writer.bytes);
	iface_put(iface);
	return err;
}

/* ---- all ------------------------------------------------------------------------------------- */

struct links_walk {
	struct netlink_dump   *dump;
	struct netlink_writer *writer;
	uint64_t               position;
};

static int link_tell(struct iface *iface, void *data)
{
	const struct rtnetlink_head head = { .type = RTM_NEWLINK };
	struct links_walk *walk = data;
	const struct rtnetlink_link_detail *detail = (const void *)walk->dump->filter;
	bool is_put;

	if (!rtnetlink_is_next(walk->dump, &walk->position))
		return 0;
	if (detail->family == AF_INET6)
		is_put = put_inet6(walk->writer, &head, walk->dump, iface);
	else
		is_put = rtnetlink_link_put(walk->writer, &head, walk->dump, iface, detail);
	if (!is_put)
		return 1;
	walk->dump->at[0]++;
	return 0;
}

static int links_next(struct netlink_dump *dump, struct netlink_writer *writer)
{
	struct links_walk walk = { dump, writer, 0 };
	int result;

	iface_config_lock(dump->netns);
	result = iface_for_each(dump->netns, link_tell, &walk);
	iface_config_unlock(dump->netns);
	return result;
}

static int none_next(struct netlink_dump *dump, struct netlink_writer *writer)
{
	return 0;
}

/* No link has a master or a kind here, nor is in a bridge. */
static bool asks_for_none(const struct netlink_request *request, const struct nlattr **found)
{
	const struct rtgenmsg *generic = message_body(request->header);

	return generic->rtgen_family == AF_BRIDGE || found[IFLA_LINKINFO] ||
	       (found[IFLA_MASTER] && attribute_u32(found[IFLA_MASTER]));
}

/* Old programs send no more than a struct rtgenmsg. */
static int links_dump(struct netlink_request *request)
{
	const struct nlattr *found[IFLA_MAX + 1] = { NULL };
	const struct attribute_table table = { rtnetlink_link_policy, found, IFLA_MAX,
		                               request->is_strict };
	const struct ifinfomsg *message = message_body(request->header);
	struct rtnetlink_link_detail detail = { .family = message->ifi_family };
	bool is_short = request->header->nlmsg_len < NLMSG_LENGTH(sizeof(*message));
	int err = 0;

	if (is_short && request->is_strict)
		return netlink_fault(request, -EINVAL, "Invalid header for link dump");
	if (request->is_strict && (message->ifi_type || message->ifi_flags || message->ifi_change))
		return netlink_fault(request, -EINVAL,
		                     "Invalid values in header for link dump request");
	if (request->is_strict && message->ifi_index)
		return netlink_fault(request, -EINVAL,
		                     "Filter by device index not supported for link dumps");
	if (!is_short)
		err = message_parse(request->header, sizeof(*message), &table, &request->fault);
	if (err && request->is_strict)
		return err;
	detail.without_stats = wants_no_stats(found);
	return rtnetlink_dump(request, asks_for_none(request, found) ? none_next : links_next,
	                      &detail, sizeof(detail));
}

const struct rtnetlink_kind rtnetlink_links = {
	.create = rtnetlink_link_create,
	.remove = rtnetlink_link_remove,
	.get = link_get,
	.dump = links_dump,
	.set = rtnetlink_link_set,
};
