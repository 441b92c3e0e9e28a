/*
 * Changing routes, and asking where a packet would go: RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE
 * (`ip route get`). See rtnetlink_impl.h.
 *
 * A route has one next hop: several are EOPNOTSUPP, and so are tunnels and next-hop objects.
 */
#include <linux/errno.h>
#include <linux/icmpv6.h>
#include <linux/in_route.h>
#include <linux/ipv6_route.h>
#include <linux/rtnetlink.h>

#include "lib/math.h"
#include "lib/string.h"
#include "net/iface/iface.h"
#include "net/iface/route.h"
#include "net/netlink/rtnetlink_impl.h"
#include "sched/clock.h"

enum { IPV6_USUAL_METRIC = 1024 };

static const struct attribute_policy policy[RTA_MAX + 1] = {
	[RTA_IIF] = { ATTRIBUTE_U32, 0 },
	[RTA_OIF] = { ATTRIBUTE_U32, 0 },
	[RTA_PRIORITY] = { ATTRIBUTE_U32, 0 },
	[RTA_METRICS] = { ATTRIBUTE_NEST, 0 },
	[RTA_TABLE] = { ATTRIBUTE_U32, 0 },
	[RTA_MARK] = { ATTRIBUTE_U32, 0 },
	[RTA_PREF] = { ATTRIBUTE_U8, 0 },
	[RTA_EXPIRES] = { ATTRIBUTE_U32, 0 },
	[RTA_UID] = { ATTRIBUTE_U32, 0 },
	[RTA_IP_PROTO] = { ATTRIBUTE_U8, 0 },
	[RTA_SPORT] = { ATTRIBUTE_U16, 0 },
	[RTA_DPORT] = { ATTRIBUTE_U16, 0 },
};

/* Nothing is fine, too: AF_UNSPEC. EINVAL: too short for the family. */
static int address_read(const struct nlattr *attribute, unsigned int family,
                        struct ip_address *out)
{
	*out = (struct ip_address){ .family = AF_UNSPEC };
	if (!attribute)
		return 0;
	if (attribute_size(attribute) < ip_family_bytes(family))
		return -EINVAL;
	*out = ip_address_from(family, attribute_data(attribute));
	return 0;
}

static int metrics_read(struct netlink_request *request, const struct nlattr *metrics,
                        struct route *route)
{
	const struct nlattr *found[RTAX_MAX + 1];
	const struct attribute_table table = { NULL, found, RTAX_MAX, false };
	int err;

	if (!metrics)
		return 0;
	err = attributes_parse(attribute_inside(metrics), &table, &request->fault);
	if (err)
		return err;
	if (found[RTAX_MTU] && attribute_size(found[RTAX_MTU]) >= 4)
		route->mtu = attribute_u32(found[RTAX_MTU]);
	return 0;
}

static int addresses_read(struct netlink_request *request, const struct nlattr **found,
                          struct route *route)
{
	const struct rtmsg *message = message_body(request->header);
	struct ip_address masked;
	int err = address_read(found[RTA_DST], message->rtm_family, &route->destination);

	if (!err)
		err = address_read(found[RTA_GATEWAY], message->rtm_family, &route->gateway);
	if (!err)
		err = address_read(found[RTA_PREFSRC], message->rtm_family,
		                   &route->preferred_source);
	if (err)
		return err;
	if (ip_address_is_any(&route->gateway))
		route->gateway.family = AF_UNSPEC;
	if (!route->destination.family)
		route->destination = (struct ip_address){ .family = message->rtm_family };
	masked = route->destination;
	ip_address_mask(&masked, message->rtm_dst_len);
	if (ip_address_equals(&masked, &route->destination))
		return 0;
	if (message->rtm_family == AF_INET)
		return netlink_fault(request, -EINVAL, "Invalid prefix for given prefix length");
	route->destination = masked;
	return 0;
}

/* What routes here cannot have. */
static int refuse(struct netlink_request *request, const struct nlattr **found)
{
	const struct rtmsg *message = message_body(request->header);

	if (message->rtm_family != AF_INET && message->rtm_family != AF_INET6)
		return -EOPNOTSUPP;
	if (message->rtm_dst_len > ip_family_bytes(message->rtm_family) * 8)
		return netlink_fault(request, -EINVAL, "Invalid prefix length");
	if (message->rtm_type > RTN_MAX)
		return netlink_fault(request, -EINVAL, "Invalid route type");
	if (found[RTA_MULTIPATH] || found[RTA_VIA] || found[RTA_ENCAP] || found[RTA_NH_ID] ||
	    found[RTA_SRC])
		return -EOPNOTSUPP;
	return 0;
}

static int route_read(struct netlink_request *request, struct route *route)
{
	const struct nlattr *found[RTA_MAX + 1];
	const struct attribute_table table = { policy, found, RTA_MAX, false };
	const struct rtmsg *message = message_body(request->header);
	int err = message_parse(request->header, sizeof(*message), &table, &request->fault);

	memset(route, 0, sizeof(*route));
	if (!err)
		err = refuse(request, found);
	if (!err)
		err = addresses_read(request, found, route);
	if (!err)
		err = metrics_read(request, found[RTA_METRICS], route);
	if (err)
		return err;
	route->prefix_length = message->rtm_dst_len;
	route->table = found[RTA_TABLE] ? attribute_u32(found[RTA_TABLE]) : message->rtm_table;
	route->protocol = message->rtm_protocol;
	route->scope = message->rtm_scope;
	route->type = message->rtm_type;
	route->tos = message->rtm_tos;
	route->flags = message->rtm_flags & RTNH_F_ONLINK;
	if (found[RTA_PRIORITY])
		route->metric = attribute_u32(found[RTA_PRIORITY]);
	if (found[RTA_OIF])
		route->iface_index = attribute_u32(found[RTA_OIF]);
	if (found[RTA_PREF])
		route->preference = attribute_u8(found[RTA_PREF]);
	if (found[RTA_EXPIRES])
		route->expires = clock_monotonic() +
				 (ns_t)attribute_u32(found[RTA_EXPIRES]) * NS_PER_SEC;
	return 0;
}

int rtnetlink_route_create(struct netlink_request *request)
{
	struct route route;
	int err = route_read(request, &route);

	if (err)
		return err;
	if (!route.type)
		route.type = RTN_UNICAST;
	if (route.destination.family == AF_INET6 && !route.metric)
		route.metric = IPV6_USUAL_METRIC;
	err = route_add(request->netns, &route, request->header->nlmsg_flags);
	if (err == -ENETUNREACH && route.gateway.family == AF_INET)
		return netlink_fault(request, err, "Nexthop has invalid gateway");
	return err;
}

int rtnetlink_route_remove(struct netlink_request *request)
{
	struct route route;
	int err = route_read(request, &route);

	return err ? err : route_remove(request->netns, &route);
}

/* ---- where to -------------------------------------------------------------------------------- */

static void put_address(struct netlink_writer *writer, uint16_t type,
                        const struct ip_address *address)
{
	netlink_put(writer, type, address->bytes, ip_family_bytes(address->family));
}

static uint32_t cache_flags(const struct route_result *result)
{
	switch (result->type) {
	case RTN_LOCAL:
		return RTCF_LOCAL | RTM_F_CLONED;
	case RTN_BROADCAST:
		return RTCF_BROADCAST | RTCF_LOCAL | RTM_F_CLONED;
	case RTN_MULTICAST:
		return RTCF_MULTICAST | RTM_F_CLONED;
	default:
		return RTM_F_CLONED;
	}
}

static void fill_header(struct rtmsg *message, const struct route_key *key,
                        const struct route_result *result)
{
	bool is_ipv6 = key->destination.family == AF_INET6;

	message->rtm_family = (uint8_t)key->destination.family;
	message->rtm_dst_len = (uint8_t)(ip_family_bytes(message->rtm_family) * 8);
	message->rtm_type = result->type;
	message->rtm_src_len = is_ipv6 ? 128 : 0;
	message->rtm_protocol = is_ipv6 ? result->protocol : RTPROT_UNSPEC;
	message->rtm_flags = is_ipv6 ? 0 : cache_flags(result);
}

static void put_ipv4_answer(struct netlink_writer *writer, const struct route_key *key,
                            const struct route_result *result)
{
	struct ucred ucred;

	if (key->source.family)
		put_address(writer, RTA_SRC, &key->source);
	netlink_put_u32(writer, RTA_OIF, result->iface_index);
	if (!ip_address_equals(&result->source, &key->source))
		put_address(writer, RTA_PREFSRC, &result->source);
	if (result->has_gateway)
		put_address(writer, RTA_GATEWAY, &result->next_hop);
	socket_current_ucred(&ucred);
	netlink_put_u32(writer, RTA_UID, ucred.uid);
}

static void put_ipv6_answer(struct netlink_writer *writer, const struct route_key *key,
                            const struct route_result *result)
{
	static const struct ip_address any = { .family = AF_INET6 };

	put_address(writer, RTA_SRC, key->source.family ? &key->source : &any);
	if (result->source.family)
		put_address(writer, RTA_PREFSRC, &result->source);
	netlink_put_u32(writer, RTA_PRIORITY, result->metric);
	if (result->has_gateway)
		put_address(writer, RTA_GATEWAY, &result->next_hop);
	netlink_put_u32(writer, RTA_OIF, result->iface_index);
}

static int answer(struct netlink_request *request, const struct route_key *key,
                  const struct route_result *result)
{
	/* Without rules of one's own, IPv4's local table is seen as a part of main. */
	uint32_t table = key->destination.family == AF_INET ? RT_TABLE_MAIN : result->table;
	const struct rtnetlink_head head = rtnetlink_answer(request, RTM_NEWROUTE);
	const struct rta_cacheinfo cache = { 0 };
	uint8_t room[512];
	struct netlink_writer writer = { .bytes = room, .room = sizeof(room) };
	struct rtmsg *message = rtnetlink_begin(&writer, &head, NULL, sizeof(*message));

	if (message) {
		fill_header(message, key, result);
		message->rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_COMPAT;
	}
	netlink_put_u32(&writer, RTA_TABLE, table);
	put_address(&writer, RTA_DST, &key->destination);
	if (key->destination.family == AF_INET)
		put_ipv4_answer(&writer, key, result);
	else
		put_ipv6_answer(&writer, key, result);
	netlink_put(&writer, RTA_CACHEINFO, &cache, sizeof(cache));
	if (key->destination.family == AF_INET6)
		netlink_put_u8(&writer, RTA_PREF, ICMPV6_ROUTER_PREF_MEDIUM);
	return netlink_end(&writer) ? netlink_reply(request, &writer) : -EMSGSIZE;
}

int rtnetlink_route_get(struct netlink_request *request)
{
	const struct nlattr *found[RTA_MAX + 1];
	const struct attribute_table table = { policy, found, RTA_MAX, request->is_strict };
	const struct rtmsg *message = message_body(request->header);
	struct route_key key = { .iface_index = 0 };
	struct route_result result;
	int err = message_parse(request->header, sizeof(*message), &table, &request->fault);

	if (err)
		return err;
	if (message->rtm_family != AF_INET && message->rtm_family != AF_INET6)
		return -EOPNOTSUPP;
	if (found[RTA_IIF] || message->rtm_flags & RTM_F_FIB_MATCH)
		return -EOPNOTSUPP;
	err = address_read(found[RTA_DST], message->rtm_family, &key.destination);
	if (!err)
		err = address_read(found[RTA_SRC], message->rtm_family, &key.source);
	if (err)
		return err;
	if (!key.destination.family)
		key.destination = (struct ip_address){ .family = message->rtm_family };
	if (found[RTA_OIF])
		key.iface_index = attribute_u32(found[RTA_OIF]);
	err = route_lookup(request->netns, &key, &result);
	return err ? err : answer(request, &key, &result);
}
