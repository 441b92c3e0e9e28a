/*
 * Routes as messages, asked for: RTM_GETROUTE with NLM_F_DUMP. See rtnetlink_impl.h.
 */
#include <linux/errno.h>
#include <linux/rtnetlink.h>

#include "lib/string.h"
#include "net/iface/iface.h"
#include "net/iface/route.h"
#include "net/netlink/rtnetlink_impl.h"
#include "sched/clock.h"

enum { CENTISECOND = 10000000 }; /* ns */

static void put_address(struct netlink_writer *writer, uint16_t type,
                        const struct ip_address *address)
{
	netlink_put(writer, type, address->bytes, ip_family_bytes(address->family));
}

static void put_metrics(struct netlink_writer *writer, const struct route *route)
{
	uint32_t nest;

	if (!route->mtu && !route->hop_limit)
		return;
	nest = netlink_nest_begin(writer, RTA_METRICS);
	if (route->mtu)
		netlink_put_u32(writer, RTAX_MTU, route->mtu);
	if (route->hop_limit)
		netlink_put_u32(writer, RTAX_HOPLIMIT, route->hop_limit);
	netlink_nest_end(writer, nest);
}

static void put_next_hop(struct netlink_writer *writer, const struct route *route)
{
	if (route->gateway.family)
		put_address(writer, RTA_GATEWAY, &route->gateway);
	if (route->iface_index)
		netlink_put_u32(writer, RTA_OIF, route->iface_index);
}

static void put_ipv6_rest(struct netlink_writer *writer, const struct route *route)
{
	struct rta_cacheinfo cache = { 0 };

	if (route->expires)
		cache.rta_expires = (int32_t)((route->expires - clock_monotonic()) / CENTISECOND);
	netlink_put(writer, RTA_CACHEINFO, &cache, sizeof(cache));
	netlink_put_u8(writer, RTA_PREF, route->preference);
}

bool rtnetlink_route_put(struct netlink_writer *writer, const struct rtnetlink_head *head,
                         struct netlink_dump *dump, const struct route *route)
{
	struct rtmsg *message = rtnetlink_begin(writer, head, dump, sizeof(*message));
	uint32_t table = route->table ? route->table : RT_TABLE_MAIN;
	bool is_ipv6 = route->destination.family == AF_INET6;

	if (message) {
		message->rtm_family = (uint8_t)route->destination.family;
		message->rtm_dst_len = route->prefix_length;
		message->rtm_tos = route->tos;
		message->rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_COMPAT;
		message->rtm_protocol = route->protocol;
		message->rtm_scope = is_ipv6 ? RT_SCOPE_UNIVERSE : route->scope;
		message->rtm_type = route->type;
		message->rtm_flags = route->flags;
	}
	netlink_put_u32(writer, RTA_TABLE, table);
	if (route->prefix_length)
		put_address(writer, RTA_DST, &route->destination);
	if (is_ipv6 && route->preferred_source.family)
		put_address(writer, RTA_PREFSRC, &route->preferred_source);
	if (is_ipv6 || route->metric)
		netlink_put_u32(writer, RTA_PRIORITY, route->metric);
	put_metrics(writer, route);
	if (!is_ipv6 && route->preferred_source.family)
		put_address(writer, RTA_PREFSRC, &route->preferred_source);
	put_next_hop(writer, route);
	if (is_ipv6)
		put_ipv6_rest(writer, route);
	return netlink_end(writer);
}

/* ---- all ------------------------------------------------------------------------------------- */

struct filter {
	uint32_t table, iface; /* 0: all */
	uint8_t  family, protocol, type; /* 0: all */
	bool     is_empty; /* what is asked for does not exist here: cached routes */
};

struct routes_walk {
	struct netlink_dump   *dump;
	struct netlink_writer *writer;
	uint64_t               position;
};

static bool is_wanted(const struct filter *filter, const struct route *route)
{
	return (!filter->table || filter->table == route->table) &&
	       (!filter->iface || filter->iface == route->iface_index) &&
	       (!filter->protocol || filter->protocol == route->protocol) &&
	       (!filter->type || filter->type == route->type);
}

static int route_tell(const struct route *route, void *data)
{
	const struct rtnetlink_head head = { .type = RTM_NEWROUTE };
	struct routes_walk *walk = data;

	if (!is_wanted((const void *)walk->dump->filter, route) ||
	    !rtnetlink_is_next(walk->dump, &walk->position))
		return 0;
	if (!rtnetlink_route_put(walk->writer, &head, walk->dump, route))
		return 1;
	walk->dump->at[0]++;
	return 0;
}

/* A table that nothing was ever put into does not exist. */
static bool has_table(const struct filter *filter)
{
	return !filter->table || filter->table == RT_TABLE_MAIN || filter->table == RT_TABLE_LOCAL;
}

static int routes_next(struct netlink_dump *dump, struct netlink_writer *writer)
{
	const struct filter *filter = (const void *)dump->filter;
	struct routes_walk walk = { dump, writer, 0 };
	int result;

	if (filter->is_empty)
		return 0;
	if (!has_table(filter) && filter->family) {
		dump->fault = filter->family == AF_INET ? "ipv4: FIB table does not exist"
							: "FIB table does not exist";
		return -ENOENT;
	}
	iface_config_lock(dump->netns);
	result = route_for_each(dump->netns, filter->family, route_tell, &walk);
	iface_config_unlock(dump->netns);
	return result;
}

/* What a strict request may say more than a family. */
static int filter_read(struct netlink_request *request, struct filter *filter)
{
	const struct nlattr *found[RTA_MAX + 1];
	const struct attribute_table table = { NULL, found, RTA_MAX, true };
	const struct rtmsg *message = message_body(request->header);
	int err = message_parse(request->header, sizeof(*message), &table, &request->fault);

	if (err)
		return err;
	if (message->rtm_dst_len || message->rtm_src_len || message->rtm_tos ||
	    message->rtm_scope)
		return netlink_fault(request, -EINVAL,
		                     "Invalid values in header for FIB dump request");
	filter->table = message->rtm_table;
	filter->protocol = message->rtm_protocol;
	filter->type = message->rtm_type;
	for (uint16_t i = 1; i <= RTA_MAX; i++) {
		if (!found[i])
			continue;
		if ((i != RTA_TABLE && i != RTA_OIF) || attribute_size(found[i]) < 4)
			return netlink_fault_at(request, -EINVAL, found[i],
			                        "Unsupported attribute in dump request");
	}
	if (found[RTA_TABLE])
		filter->table = attribute_u32(found[RTA_TABLE]);
	if (found[RTA_OIF])
		filter->iface = attribute_u32(found[RTA_OIF]);
	return 0;
}

static int routes_dump(struct netlink_request *request)
{
	const struct rtmsg *message = message_body(request->header);
	struct filter filter = { .family = message->rtm_family };
	bool is_whole = request->header->nlmsg_len >= NLMSG_LENGTH(sizeof(*message));
	int err;

	if (filter.family != AF_INET && filter.family != AF_INET6)
		filter.family = AF_UNSPEC;
	if (request->is_strict) {
		err = filter_read(request, &filter);
		if (err)
			return err;
	}
	filter.is_empty = is_whole && message->rtm_flags & RTM_F_CLONED;
	return rtnetlink_dump(request, routes_next, &filter, sizeof(filter));
}

const struct rtnetlink_kind rtnetlink_routes = {
	.create = rtnetlink_route_create,
	.remove = rtnetlink_route_remove,
	.get = rtnetlink_route_get,
	.dump = routes_dump,
};
