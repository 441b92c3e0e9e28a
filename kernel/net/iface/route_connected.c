/*
 * The routes that come and go with addresses. As Linux 6.1 makes them: to the address itself
 * ("local"), to its broadcast addresses, and to its network.
 */
#include <linux/errno.h>
#include <linux/if_addr.h>

#include "core/printk.h"
#include "net/iface/iface_impl.h"

enum { NR_CONNECTED = 4, METRIC6_CONNECTED = 256 };

static __be32 mask4(unsigned int length)
{
	return cpu_to_be32(length ? ~0u << (32 - length) : 0);
}

static struct route connected(struct iface *iface, const struct ip_address *destination,
                              unsigned int length, unsigned int type)
{
	bool is_local = type == RTN_LOCAL;
	bool is_in_local = type != RTN_UNICAST;

	return (struct route){
		.destination = *destination,
		.prefix_length = (uint8_t)length,
		.type = (uint8_t)type,
		.table = is_in_local ? RT_TABLE_LOCAL : RT_TABLE_MAIN,
		.protocol = RTPROT_KERNEL,
		.scope = is_local ? RT_SCOPE_HOST : RT_SCOPE_LINK,
		.iface_index = iface->index,
	};
}

/* Of a secondary address the primary one, else itself. */
static struct ip_address primary_of(const struct iface *iface, const struct iface_address *address)
{
	const struct address_entry *entry;

	list_for_each_entry(entry, &iface->addresses, link) {
		const struct iface_address *other = &entry->address;

		if (address->flags & IFA_F_SECONDARY && !(other->flags & IFA_F_SECONDARY) &&
		    other->prefix_length == address->prefix_length &&
		    ip_prefix_equals(&other->peer, &address->peer, address->prefix_length))
			return other->local;
	}
	return address->local;
}

/* How many it fills in; `is_down`: only what an interface has that is not up. */
static unsigned int connected4(struct iface *iface, const struct iface_address *address,
                               bool is_down, struct route out[NR_CONNECTED])
{
	__be32 mask = mask4(address->prefix_length), peer = address->peer.v4;
	struct ip_address network = ip_address_v4(peer & mask);
	struct ip_address last = ip_address_v4(peer | ~mask);
	unsigned int nr = 0;

	out[nr++] = connected(iface, &address->local, 32, RTN_LOCAL);
	if (is_down)
		goto out_sources;
	if (address->broadcast.family && !ip_address_is_all_ones(&address->broadcast) &&
	    (address->prefix_length >= 31 || !ip_address_equals(&address->broadcast, &last)))
		out[nr++] = connected(iface, &address->broadcast, 32, RTN_BROADCAST);
	if (!(address->flags & IFA_F_SECONDARY) && network.v4 & cpu_to_be32(0xff000000) &&
	    !ip_address_is_multicast(&network) &&
	    (network.v4 != address->local.v4 || address->prefix_length < 32)) {
		if (!(address->flags & IFA_F_NOPREFIXROUTE)) {
			out[nr] = connected(iface, &network, address->prefix_length,
			                    iface_is_loopback(iface) ? RTN_LOCAL : RTN_UNICAST);
			out[nr++].metric = address->metric;
		}
		if (address->prefix_length < 31)
			out[nr++] = connected(iface, &last, 32, RTN_BROADCAST);
	}
out_sources:
	for (unsigned int i = 0; i < nr; i++)
		out[i].preferred_source = primary_of(iface, address);
	return nr;
}

static unsigned int connected6(struct iface *iface, const struct iface_address *address,
                               struct route out[NR_CONNECTED])
{
	struct ip_address network = address->peer;
	unsigned int nr = 0;

	if (!(address->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)))
		out[nr++] = connected(iface, &address->local, 128, RTN_LOCAL);
	/* with an announced one comes an announced route, with ::1 none */
	if (!(address->flags & IFA_F_NOPREFIXROUTE) && address->protocol != IFAPROT_KERNEL_RA &&
	    !ip_address_is_loopback(&address->local)) {
		ip_address_mask(&network, address->prefix_length);
		out[nr] = connected(iface, &network, address->prefix_length, RTN_UNICAST);
		out[nr++].metric = address->metric ? address->metric : METRIC6_CONNECTED;
	}
	for (unsigned int i = 0; i < nr; i++)
		out[i].scope = RT_SCOPE_UNIVERSE;
	return nr;
}

static unsigned int connected_routes(struct iface *iface, const struct iface_address *address,
                                     bool is_down, struct route out[NR_CONNECTED])
{
	return address->local.family == AF_INET ? connected4(iface, address, is_down, out)
	                                        : connected6(iface, address, out);
}

void route_connect(struct iface *iface, const struct iface_address *address)
{
	struct route routes[NR_CONNECTED];
	unsigned int nr = connected_routes(iface, address, !iface_is_up(iface), routes);

	for (unsigned int i = 0; i < nr; i++) {
		int err = route_insert(iface->netns, &routes[i], iface);

		if (err && err != -EEXIST)
			pr_warn("%s: a route to its network is missing: no memory\n", iface->name);
	}
}

/* Another address of the interface needs the same route. */
static bool is_needed(struct iface *iface, const struct iface_address *but,
                      const struct route *route)
{
	struct route routes[NR_CONNECTED];
	const struct address_entry *other;

	list_for_each_entry(other, &iface->addresses, link) {
		unsigned int nr;

		if (&other->address == but || other->address.local.family != but->local.family)
			continue;
		nr = connected_routes(iface, &other->address, !iface_is_up(iface), routes);
		for (unsigned int i = 0; i < nr; i++) {
			if (routes[i].prefix_length == route->prefix_length &&
			    routes[i].type == route->type && routes[i].metric == route->metric &&
			    ip_address_equals(&routes[i].destination, &route->destination))
				return true;
		}
	}
	return false;
}

void route_disconnect(struct iface *iface, const struct iface_address *address)
{
	struct route routes[NR_CONNECTED];
	unsigned int nr = connected_routes(iface, address, false, routes);

	while (nr--) {
		if (!is_needed(iface, address, &routes[nr]))
			route_withdraw(iface->netns, &routes[nr]);
	}
}

void route_withdraw_local(struct iface *iface, const struct ip_address *local)
{
	struct route route = connected(iface, local, 128, RTN_LOCAL);

	route_withdraw(iface->netns, &route);
}
