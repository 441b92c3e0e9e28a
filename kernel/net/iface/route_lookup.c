/*
 * Looking routes up: for sockets that want to know where a packet would go and from which address,
 * and for lwIP's hooks, packet by packet. See net/iface/route.h.
 *
 * Answers are kept in a small cache until anything changes: the tables, an address, a flag. Only
 * the core lock is needed.
 */
#include <linux/errno.h>

#include "net/iface/iface_impl.h"

enum { HASH_FACTOR = 0x61c88647 }; /* spreads what differs in any byte */

/* ---- the tables ---------------------------------------------------------------------------- */

static bool is_better(const struct route_entry *entry, const struct route_entry *best)
{
	const struct route *a = &entry->route, *b = &best->route;

	if (a->table != b->table)
		return a->table == RT_TABLE_LOCAL;
	if (a->prefix_length != b->prefix_length)
		return a->prefix_length > b->prefix_length;
	return a->metric < b->metric;
}

/* The interface of it is down: only what is local still works, as on Linux. */
static bool is_usable(const struct route_entry *entry)
{
	return !entry->iface || entry->route.type == RTN_LOCAL || iface_is_up(entry->iface);
}

const struct route_entry *route_find(const struct iface_table *table,
                                     const struct ip_address *destination, uint32_t oif)
{
	bool is_v4 = destination->family == AF_INET;
	const struct list *routes = is_v4 ? &table->routes4 : &table->routes6;
	const struct route_entry *entry, *best = NULL;

	list_for_each_entry(entry, routes, link) {
		if (oif && entry->iface && entry->iface->index != oif)
			continue;
		if (!ip_prefix_equals(&entry->route.destination, destination,
		                      entry->route.prefix_length))
			continue;
		if ((!best || is_better(entry, best)) && is_usable(entry) &&
		    entry->route.type != RTN_THROW)
			best = entry;
	}
	return best;
}

static int dead_end(unsigned int type)
{
	switch (type) {
	case RTN_BLACKHOLE:
		return -EINVAL;
	case RTN_PROHIBIT:
		return -EACCES;
	case RTN_UNREACHABLE:
		return -EHOSTUNREACH;
	default:
		return 0;
	}
}

static void result_over(struct route_result *out, struct iface *iface)
{
	out->netif = iface->netif;
	out->iface_index = iface->index;
	out->mtu = iface->mtu;
}

static void result_by(struct route_result *out, const struct route_entry *entry)
{
	const struct route *route = &entry->route;

	out->table = route->table;
	out->metric = route->metric;
	out->type = route->type;
	out->scope = route->scope;
	out->protocol = route->protocol;
	out->prefix_length = route->prefix_length;
	if (route->gateway.family) {
		out->next_hop = route->gateway;
		out->has_gateway = true;
	}
	if (route->mtu && route->mtu < out->mtu)
		out->mtu = route->mtu;
}

/* ---- IPv4 ------------------------------------------------------------------------------------ */

static struct iface *owner4(const struct iface_table *table, const struct ip_address *source)
{
	struct iface *iface;

	list_for_each_entry(iface, &table->all, link) {
		if (address_find(iface, source))
			return iface;
	}
	return NULL;
}

static void source4_choose(const struct iface_table *table, struct iface *iface,
                           struct route_result *out)
{
	__be32 source = address4_select(iface, out->next_hop.v4, out->scope);
	struct iface *other;

	if (!source) {
		list_for_each_entry(other, &table->all, link) {
			if (iface_is_up(other) && !iface_is_loopback(other))
				source = address4_select(other, 0, RT_SCOPE_UNIVERSE);
			if (source)
				break;
		}
	}
	out->source = ip_address_v4(source);
}

/* Without a route: the destination is taken to be on the link. */
static int on_link4(const struct iface_table *table, struct iface *iface, struct route_result *out)
{
	out->type = RTN_UNICAST;
	out->scope = RT_SCOPE_LINK;
	out->table = RT_TABLE_MAIN;
	result_over(out, iface);
	source4_choose(table, iface, out);
	return 0;
}

static int by_entry4(const struct iface_table *table, const struct route_entry *entry,
                     struct route_result *out)
{
	struct iface *iface = entry->iface;

	if (dead_end(entry->route.type))
		return dead_end(entry->route.type);
	if (entry->route.type == RTN_LOCAL)
		iface = iface_find(table, IFACE_LOOPBACK_INDEX);
	result_over(out, iface);
	result_by(out, entry);
	if (entry->route.preferred_source.family)
		out->source = entry->route.preferred_source;
	else if (entry->route.type == RTN_LOCAL)
		out->source = out->next_hop;
	else
		source4_choose(table, iface, out);
	return 0;
}

static int lookup4(const struct iface_table *table, const struct route_key *key,
                   struct route_result *out)
{
	bool has_source = !ip_address_is_any(&key->source);
	bool is_group = ip_address_is_multicast(&key->destination) ||
	                ip_address_is_all_ones(&key->destination);
	const struct route_entry *entry;
	struct iface *iface = NULL;
	int err;

	out->next_hop = key->destination;
	if (ip_address_is_any(&key->destination))
		out->next_hop = has_source ? key->source : ip_address_v4(cpu_to_be32(0x7f000001));
	if (key->iface_index)
		iface = iface_find(table, key->iface_index);
	else if (has_source && is_group)
		iface = owner4(table, &key->source);
	if (key->iface_index && !iface)
		return -ENODEV;
	if (iface && !iface_is_up(iface))
		return -ENETUNREACH;
	entry = is_group && iface ? NULL : route_find(table, &out->next_hop, key->iface_index);
	if (!entry && !iface)
		return -ENETUNREACH;
	err = entry ? by_entry4(table, entry, out) : on_link4(table, iface, out);
	if (ip_address_is_multicast(&key->destination))
		out->type = RTN_MULTICAST;
	else if (ip_address_is_all_ones(&key->destination))
		out->type = RTN_BROADCAST;
	if (is_group) {
		out->next_hop = key->destination;
		out->has_gateway = false;
	}
	return err;
}

/* ---- IPv6 ------------------------------------------------------------------------------------ */

static int lookup6(const struct iface_table *table, const struct route_key *key,
                   struct route_result *out)
{
	const struct route_entry *entry;
	struct iface *iface;

	out->next_hop = key->destination;
	if (ip_address_is_any(&key->destination))
		out->next_hop.bytes[15] = 1; /* ::1 */
	if (key->iface_index && !iface_find(table, key->iface_index))
		return -ENODEV;
	entry = route_find(table, &out->next_hop, key->iface_index);
	if (!entry)
		return -ENETUNREACH;
	if (dead_end(entry->route.type))
		return dead_end(entry->route.type);
	iface = entry->iface;
	/* what is local to one link stays with its interface, which knows that it is its own */
	if (entry->route.type == RTN_LOCAL && !ip_address_is_link_local(&out->next_hop))
		iface = iface_find(table, IFACE_LOOPBACK_INDEX);
	result_over(out, iface);
	result_by(out, entry);
	if (entry->route.type == RTN_LOCAL)
		out->source = out->next_hop;
	else if (entry->route.preferred_source.family)
		out->source = entry->route.preferred_source;
	else if (!address6_select(table, iface, &key->destination, &out->source) &&
	         ip_address_is_any(&key->source))
		return -EADDRNOTAVAIL;
	return 0;
}

/* ---- the cache ----------------------------------------------------------------------------- */

static uint32_t address_bits(const struct ip_address *address)
{
	__be32 bits = address->words[0];

	return (__force uint32_t)(address->family == AF_INET6 ? bits ^ address->words[3] : bits);
}

static struct route_cached *cache_slot(struct iface_table *table, const struct route_key *key)
{
	uint32_t mixed = address_bits(&key->destination) ^ key->iface_index;

	return &table->cache[mixed * HASH_FACTOR >> (32 - ROUTE_CACHE_BITS)];
}

static bool key_equals(const struct route_key *a, const struct route_key *b)
{
	return a->iface_index == b->iface_index &&
	       ip_address_equals(&a->destination, &b->destination) &&
	       ip_address_equals(&a->source, &b->source);
}

int route_lookup_remembered(struct iface_table *table, const struct route_key *key,
                            const struct route_result **out)
{
	struct route_cached *cached = cache_slot(table, key);

	if (likely(cached->generation == table->generation && key_equals(&cached->key, key))) {
		*out = &cached->result;
		return cached->err;
	}
	cached->key = *key;
	cached->generation = table->generation;
	cached->result = (struct route_result){ .netif = NULL };
	if (key->destination.family == AF_INET)
		cached->err = lookup4(table, key, &cached->result);
	else if (key->destination.family == AF_INET6)
		cached->err = lookup6(table, key, &cached->result);
	else
		cached->err = -EAFNOSUPPORT;
	if (!cached->err && !ip_address_is_any(&key->source))
		cached->result.source = key->source;
	*out = &cached->result;
	return cached->err;
}

int route_lookup_locked(struct netns *netns, const struct route_key *key,
                        struct route_result *out)
{
	const struct route_result *found;
	int err = route_lookup_remembered(table_of(netns), key, &found);

	*out = *found;
	return err;
}

int route_lookup(struct netns *netns, const struct route_key *key, struct route_result *out)
{
	int err;

	stack_lock(netns);
	err = route_lookup_locked(netns, key, out);
	stack_unlock(netns);
	return err;
}
