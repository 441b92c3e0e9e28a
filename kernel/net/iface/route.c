/*
 * The routing tables: adding, removing, listing. See net/iface/route.h; what is looked up is in
 * route_lookup.c, what comes with addresses in route_connected.c.
 *
 * main and local are one list a family, in the order in which Linux prints: main before local;
 * IPv4 by destination, a longer prefix of the same bits first; IPv6 as its tree is walked, what
 * lies inside a prefix before the prefix itself.
 */
#include "net/iface/route.h"

#include <linux/errno.h>
#include <linux/icmpv6.h>
#include <linux/ipv6_route.h>
#include <linux/netlink.h>

#include "lib/math.h"
#include "mem/slab.h"
#include "net/iface/iface_impl.h"

enum { METRIC6 = 1024 };

static struct cache route_cache = CACHE("route", struct route_entry);

static struct list *routes_of(struct iface_table *table, unsigned int family)
{
	return family == AF_INET ? &table->routes4 : &table->routes6;
}

/* ---- order --------------------------------------------------------------------------------- */

static int compare_destinations(const struct route *a, const struct route *b)
{
	uint32_t shorter = min(a->prefix_length, b->prefix_length);
	int order = memcmp(a->destination.bytes, b->destination.bytes,
	                   ip_family_bytes(a->destination.family));

	if (a->destination.family == AF_INET6 &&
	    ip_prefix_equals(&a->destination, &b->destination, shorter))
		return (int)b->prefix_length - (int)a->prefix_length;
	return order ? order : (int)b->prefix_length - (int)a->prefix_length;
}

/* Negative: a is printed before b. */
static int compare(const struct route *a, const struct route *b)
{
	int order;

	if (a->table != b->table)
		return a->table == RT_TABLE_LOCAL ? 1 : -1;
	order = compare_destinations(a, b);
	if (!order)
		order = (int)b->tos - (int)a->tos;
	if (!order && a->metric != b->metric)
		order = a->metric < b->metric ? -1 : 1;
	return order;
}

static bool is_same_place(const struct route *a, const struct route *b)
{
	return a->table == b->table && a->prefix_length == b->prefix_length && a->tos == b->tos &&
	       ip_address_equals(&a->destination, &b->destination);
}

/* ---- entries ------------------------------------------------------------------------------- */

static void entry_link(struct iface_table *table, struct route_entry *entry)
{
	struct list *routes = routes_of(table, entry->route.destination.family);
	struct list *before = routes->prev;

	while (before != routes &&
	       compare(&list_entry(before, struct route_entry, link)->route, &entry->route) > 0)
		before = before->prev;
	list_add_head(before, &entry->link);
}

static void entry_remove(struct netns *netns, struct route_entry *entry)
{
	stack_lock(netns);
	list_remove(&entry->link);
	iface_table_changed(table_of(netns));
	stack_unlock(netns);
	event_route(netns, IFACE_ROUTE_REMOVED, entry);
	cache_free(&route_cache, entry);
}

static int entry_add(struct netns *netns, const struct route *route, struct iface *iface)
{
	struct route_entry *entry = cache_alloc(&route_cache, ALLOC_KERNEL);

	if (!entry)
		return -ENOMEM;
	entry->route = *route;
	entry->route.iface_index = iface ? iface->index : 0;
	entry->iface = iface;
	stack_lock(netns);
	entry_link(table_of(netns), entry);
	iface_table_changed(table_of(netns));
	stack_unlock(netns);
	event_route(netns, IFACE_ROUTE_ADDED, entry);
	return 0;
}

/* The first entry of the same destination, table and metric; of IPv6, and the same next hop. */
static struct route_entry *entry_find(struct iface_table *table, const struct route *route,
                                      const struct iface *iface, bool with_hop)
{
	struct route_entry *entry;

	list_for_each_entry(entry, routes_of(table, route->destination.family), link) {
		if (!is_same_place(&entry->route, route) || entry->route.metric != route->metric)
			continue;
		if (!with_hop || (entry->iface == iface && entry->route.type == route->type &&
		                  ip_address_equals(&entry->route.gateway, &route->gateway)))
			return entry;
	}
	return NULL;
}

int route_insert(struct netns *netns, const struct route *route, struct iface *iface)
{
	iface_config_assert_locked(netns);
	if (entry_find(table_of(netns), route, iface, true))
		return -EEXIST;
	return entry_add(netns, route, iface);
}

void route_withdraw(struct netns *netns, const struct route *route)
{
	struct route_entry *entry;

	list_for_each_entry(entry, routes_of(table_of(netns), route->destination.family), link) {
		if (is_same_place(&entry->route, route) && entry->route.type == route->type &&
		    entry->route.metric == route->metric &&
		    entry->route.iface_index == route->iface_index &&
		    ip_address_equals(&entry->route.gateway, &route->gateway)) {
			entry_remove(netns, entry);
			return;
		}
	}
}

void route_flush(struct iface *iface, unsigned int family, bool with_locals)
{
	struct list *routes = routes_of(table_of(iface->netns), family);
	struct route_entry *entry, *ahead;

	list_for_each_entry_safe(entry, ahead, routes, link) {
		if (entry->iface == iface && (with_locals || entry->route.type != RTN_LOCAL))
			entry_remove(iface->netns, entry);
	}
}

void route_flush_source(struct netns *netns, const struct ip_address *source)
{
	struct list *routes = routes_of(table_of(netns), source->family);
	struct route_entry *entry, *ahead;

	list_for_each_entry_safe(entry, ahead, routes, link) {
		if (ip_address_equals(&entry->route.preferred_source, source))
			entry_remove(netns, entry);
	}
}

/* ---- what routers announce ----------------------------------------------------------------- */

static bool is_announced(const struct route *route)
{
	return route->expires && (route->protocol == RTPROT_RA || route->protocol == RTPROT_KERNEL);
}

static const struct route *announced_find(const struct route *route, const struct route *announced,
                                          unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		if (is_same_place(route, &announced[i]) &&
		    route->iface_index == announced[i].iface_index &&
		    ip_address_equals(&route->gateway, &announced[i].gateway))
			return &announced[i];
	}
	return NULL;
}

void route_set_announced(struct netns *netns, const struct route *announced, unsigned int nr)
{
	struct iface_table *table = table_of(netns);
	struct route_entry *entry, *ahead;

	list_for_each_entry_safe(entry, ahead, &table->routes6, link) {
		const struct route *still;

		if (!is_announced(&entry->route))
			continue;
		still = announced_find(&entry->route, announced, nr);
		if (still) {
			entry->route.expires = still->expires;
			entry->route.hop_limit = still->hop_limit;
		} else {
			entry_remove(netns, entry);
		}
	}
	for (unsigned int i = 0; i < nr; i++) {
		struct iface *iface = iface_find(table, announced[i].iface_index);
		int err = iface ? route_insert(netns, &announced[i], iface) : 0;

		if (err && err != -EEXIST)
			break; /* no memory: the next announcement brings it again */
	}
}

/* ---- what programs ask for ----------------------------------------------------------------- */

static bool leads_somewhere(unsigned int type)
{
	return type == RTN_UNICAST || type == RTN_LOCAL || type == RTN_BROADCAST ||
	       type == RTN_MULTICAST || type == RTN_ANYCAST;
}

/* What is not given becomes what Linux takes for it. */
static int route_complete(struct route *route)
{
	unsigned int bits = ip_family_bytes(route->destination.family) * 8;
	struct ip_address masked = route->destination;

	if (route->destination.family != AF_INET && route->destination.family != AF_INET6)
		return -EAFNOSUPPORT;
	if (!route->type)
		route->type = RTN_UNICAST;
	if (route->type > RTN_MAX || route->prefix_length > bits)
		return -EINVAL;
	ip_address_mask(&masked, route->prefix_length);
	if (route->destination.family == AF_INET &&
	    !ip_address_equals(&masked, &route->destination))
		return -EINVAL;
	route->destination = masked;
	if (!route->table)
		route->table = RT_TABLE_MAIN;
	if (route->table != RT_TABLE_MAIN && route->table != RT_TABLE_LOCAL)
		return -EOPNOTSUPP;
	if (route->destination.family == AF_INET6 && !route->metric)
		route->metric = METRIC6;
	if (route->destination.family == AF_INET6)
		route->scope = RT_SCOPE_UNIVERSE;
	return 0;
}

/* Over which interface the gateway is reached. */
static int gateway_resolve(struct iface_table *table, struct route *route, struct iface **iface)
{
	const struct route_entry *via;

	if (route->destination.family == AF_INET && route->scope >= RT_SCOPE_LINK)
		return -EINVAL;
	if (ip_address_is_multicast(&route->gateway))
		return -EINVAL;
	if (route->flags & RTNH_F_ONLINK)
		return *iface ? (iface_is_up(*iface) ? 0 : -ENETDOWN) : -ENODEV;
	if (route->destination.family == AF_INET6 && ip_address_is_link_local(&route->gateway))
		return *iface ? 0 : -EINVAL;
	via = route_find(table, &route->gateway, route->iface_index);
	if (!via || !leads_somewhere(via->route.type))
		return route->destination.family == AF_INET6 ? -EHOSTUNREACH : -ENETUNREACH;
	if (via->route.type != RTN_UNICAST)
		return -EINVAL;
	if (via->route.gateway.family || !via->iface)
		return route->destination.family == AF_INET6 ? -EHOSTUNREACH : -ENETUNREACH;
	*iface = via->iface;
	return 0;
}

static int route_resolve(struct netns *netns, struct route *route, struct iface **out)
{
	struct iface_table *table = table_of(netns);
	struct iface *iface = NULL;
	int err = 0;

	*out = NULL;
	if (!leads_somewhere(route->type)) {
		/* Linux keeps IPv6's dead ends on lo */
		if (route->destination.family == AF_INET6)
			*out = iface_find(table, IFACE_LOOPBACK_INDEX);
		return route->gateway.family ? -EINVAL : 0;
	}
	if (route->iface_index && !(iface = iface_find(table, route->iface_index)))
		return -ENODEV;
	if (route->gateway.family)
		err = gateway_resolve(table, route, &iface);
	if (!err && !iface)
		err = -ENODEV;
	if (!err && !iface_is_up(iface))
		err = -ENETDOWN;
	if (!err && route->preferred_source.family &&
	    !iface_source_is_local(netns, &route->preferred_source, 0))
		err = -EINVAL;
	*out = iface;
	return err;
}

int route_add(struct netns *netns, const struct route *wanted, unsigned int flags)
{
	struct iface_table *table = table_of(netns);
	struct route route = *wanted;
	struct route_entry *same;
	struct iface *iface;
	int err = route_complete(&route);

	iface_config_assert_locked(netns);
	if (!err)
		err = route_resolve(netns, &route, &iface);
	if (err)
		return err;
	route.iface_index = iface ? iface->index : 0;
	same = entry_find(table, &route, iface, false);
	if (same && flags & NLM_F_EXCL)
		return -EEXIST;
	if (same && flags & NLM_F_REPLACE) {
		struct route_entry *old = same;

		err = entry_add(netns, &route, iface);
		if (!err)
			entry_remove(netns, old);
		return err;
	}
	if (entry_find(table, &route, iface, true))
		return -EEXIST;
	if (!same && !(flags & NLM_F_CREATE))
		return -ENOENT;
	if (same && !(flags & (NLM_F_APPEND | NLM_F_CREATE)))
		return -EEXIST;
	return entry_add(netns, &route, iface);
}

static bool is_match(const struct route *route, const struct route *match)
{
	if (route->prefix_length != match->prefix_length ||
	    !ip_address_equals(&route->destination, &match->destination))
		return false;
	if (route->table != (match->table ? match->table : RT_TABLE_MAIN))
		return false;
	return (!match->metric || route->metric == match->metric) &&
	       (!match->iface_index || route->iface_index == match->iface_index) &&
	       (!match->type || route->type == match->type) &&
	       (!match->protocol || route->protocol == match->protocol) &&
	       (!match->tos || route->tos == match->tos) &&
	       (!match->gateway.family || ip_address_equals(&route->gateway, &match->gateway)) &&
	       (!match->preferred_source.family ||
	        ip_address_equals(&route->preferred_source, &match->preferred_source)) &&
	       (match->destination.family == AF_INET6 || !match->scope ||
	        match->scope == RT_SCOPE_NOWHERE ||
	        route->scope == match->scope);
}

int route_remove(struct netns *netns, const struct route *match)
{
	struct route_entry *entry;

	iface_config_assert_locked(netns);
	if (match->destination.family != AF_INET && match->destination.family != AF_INET6)
		return -EAFNOSUPPORT;
	list_for_each_entry(entry, routes_of(table_of(netns), match->destination.family), link) {
		if (is_match(&entry->route, match)) {
			entry_remove(netns, entry);
			return 0;
		}
	}
	return -ESRCH;
}

static int list_visit(const struct list *routes,
                      int (*fn)(const struct route *route, void *data), void *data)
{
	const struct route_entry *entry;
	int answer = 0;

	list_for_each_entry(entry, routes, link) {
		answer = fn(&entry->route, data);
		if (answer)
			break;
	}
	return answer;
}

int route_for_each(struct netns *netns, unsigned int family,
                   int (*fn)(const struct route *route, void *data), void *data)
{
	int answer = 0;

	iface_config_assert_locked(netns);
	if (!family || family == AF_INET)
		answer = list_visit(&table_of(netns)->routes4, fn, data);
	if (!answer && (!family || family == AF_INET6))
		answer = list_visit(&table_of(netns)->routes6, fn, data);
	return answer;
}
