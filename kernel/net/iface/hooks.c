/*
 * What lwIP asks: which way out, and whether what came in is for us. See net/iface/stack_hooks.h.
 *
 * Out: the hook for routes finds the interface, by the routing tables alone, and gives a netif that
 * refuses everything where there is no way. The output functions of an Ethernet's netif then find
 * the next hop, which ARP or neighbour discovery resolve, and hand back to ourselves what is for
 * ourselves.
 *
 * In: lwIP's netif has one IPv4 address; it is given the one that a packet was sent to, if that is
 * ours. Martians (loopback's addresses on a wire) are dropped.
 */
#include <linux/if_ether.h>
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/igmp.h>
#include <lwip/ip.h>
#include <lwip/mld6.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/prot/icmp6.h>
#include <netif/ethernet.h>

#include "net/iface/iface_impl.h"

enum { ARP_TARGET = ETH_HLEN + 24, ARP_SIZE = ETH_HLEN + 28, IP4_LOOPBACK = 127 };

/* Where packets go that have no way to go. */
static struct netif nowhere __guarded_by(core);

struct iface *netif_to_iface(const struct netif *netif)
{
	return netif->state;
}

/* ---- out ----------------------------------------------------------------------------------- */

static struct route_key key4(const ip4_addr_t *destination, const ip4_addr_t *source)
{
	struct route_key key = { .destination = ip_address_v4(address_from_lwip4(destination)) };

	if (source && source->addr)
		key.source = ip_address_v4(address_from_lwip4(source));
	return key;
}

static struct route_key key6(const ip6_addr_t *destination, const ip6_addr_t *source)
{
	struct route_key key = { .destination = address_from_lwip6(destination) };

	if (source && !ip6_addr_isany(source))
		key.source = address_from_lwip6(source);
	return key;
}

static struct netif *route_netif(const struct route_key *key)
{
	const struct route_result *found;

	return route_lookup_remembered(table_of(&netns_initial), key, &found) ? &nowhere
	                                                                      : found->netif;
}

struct netif *iface_route4(const ip4_addr_t *source, const ip4_addr_t *destination)
{
	struct route_key key = key4(destination, source);

	return route_netif(&key);
}

struct netif *iface_route6(const ip6_addr_t *source, const ip6_addr_t *destination)
{
	struct route_key key = key6(destination, source);

	return route_netif(&key);
}

const ip4_addr_t *iface_gateway4(struct netif *netif, const ip4_addr_t *destination)
{
	return destination;
}

const ip6_addr_t *iface_gateway6(struct netif *netif, const ip6_addr_t *destination)
{
	static ip6_addr_t gateway __guarded_by(core);
	const struct route_result *found;
	struct route_key key = key6(destination, NULL);

	key.iface_index = netif_to_iface(netif)->index;
	key.source = key.destination; /* the source does not matter here */
	if (route_lookup_remembered(table_of(&netns_initial), &key, &found))
		return NULL;
	address_to_lwip6(&found->next_hop, netif, &gateway);
	return &gateway;
}

static void address_show(struct netif *netif, __be32 address, unsigned int length)
{
	*ip_2_ip4(&netif->ip_addr) = address_to_lwip4(address);
	*ip_2_ip4(&netif->netmask) =
		address_to_lwip4(cpu_to_be32(length ? ~0u << (32 - length) : 0));
}

static __be32 address_shown(const struct netif *netif)
{
	return address_from_lwip4(netif_ip4_addr(netif));
}

/* Comes in again, on `netif`; the packet itself may be changed afterwards. */
static void deliver_copy(struct netif *netif, struct pbuf *packet)
{
	struct netif *lo = iface_find(table_of(&netns_initial), IFACE_LOOPBACK_INDEX)->netif;
	struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_RAM, packet);

	if (!copy)
		return;
	lo->output(netif, copy, NULL);
	pbuf_free(copy);
}

static err_t deliver(struct netif *netif, struct pbuf *packet)
{
	struct netif *lo = iface_find(table_of(&netns_initial), IFACE_LOOPBACK_INDEX)->netif;

	return lo->output(netif, packet, NULL);
}

static err_t output_group4(struct netif *netif, struct pbuf *packet, const ip4_addr_t *to,
                           unsigned int type)
{
	if (type == RTN_BROADCAST) {
		deliver_copy(netif, packet);
		return ethernet_output(netif, packet, (struct eth_addr *)netif->hwaddr,
		                       &ethbroadcast, ETHTYPE_IP);
	}
	if (packet->flags & PBUF_FLAG_MCASTLOOP && igmp_lookfor_group(netif, to))
		deliver_copy(netif, packet);
	return etharp_output(netif, packet, to);
}

static err_t iface_output4(struct netif *netif, struct pbuf *packet, const ip4_addr_t *to)
{
	const struct route_result *found;
	struct route_key key = key4(to, NULL);
	ip4_addr_t next_hop;

	key.iface_index = netif_to_iface(netif)->index;
	if (route_lookup_remembered(table_of(&netns_initial), &key, &found))
		return ERR_RTE;
	if (found->type == RTN_LOCAL)
		return deliver(found->netif, packet);
	if (found->source.v4 != address_shown(netif))
		address_show(netif, found->source.v4, 32);
	if (found->type != RTN_UNICAST)
		return output_group4(netif, packet, to, found->type);
	next_hop = address_to_lwip4(found->next_hop.v4);
	unanswered_sent(netif, &found->next_hop, packet);
	return etharp_output(netif, packet, &next_hop);
}

static err_t iface_output6(struct netif *netif, struct pbuf *packet, const ip6_addr_t *to)
{
	const ip6_addr_t *gateway;

	if (ip6_addr_ismulticast(to)) {
		if (packet->flags & PBUF_FLAG_MCASTLOOP &&
		    (ip6_addr_isallnodes_linklocal(to) || mld6_lookfor_group(netif, to)))
			deliver_copy(netif, packet);
	} else {
		s8_t slot = netif_get_ip6_addr_match(netif, to);

		if (slot >= 0 && ip6_addr_isvalid(netif_ip6_addr_state(netif, slot)))
			return deliver(netif, packet);
		gateway = iface_gateway6(netif, to);
		if (gateway) {
			struct ip_address hop = address_from_lwip6(gateway);

			unanswered_sent(netif, &hop, packet);
		}
	}
	return ethip6_output(netif, packet, to);
}

static err_t refuse4(struct netif *netif, struct pbuf *packet, const ip4_addr_t *to)
{
	return ERR_RTE;
}

static err_t refuse6(struct netif *netif, struct pbuf *packet, const ip6_addr_t *to)
{
	return ERR_RTE;
}

/* ---- in ------------------------------------------------------------------------------------ */

static void address_show_entry(struct netif *netif, const struct address_entry *entry)
{
	address_show(netif, entry->address.local.v4, entry->address.prefix_length);
}

/* The interface's own address, as lwIP sees it while nothing else is asked. */
static void address_show_primary(struct iface *iface)
{
	const struct address_entry *entry;

	list_for_each_entry(entry, &iface->addresses, link) {
		if (entry->address.local.family == AF_INET) {
			address_show_entry(iface->netif, entry);
			return;
		}
	}
	address_show(iface->netif, 0, 0);
}

void hooks_reset(struct iface_table *table)
{
	struct iface *iface;

	list_for_each_entry(iface, &table->all, link)
		address_show_primary(iface);
}

static void address_show_broadcast(struct iface *iface, __be32 destination)
{
	const struct address_entry *entry;
	struct ip_address address = ip_address_v4(destination);

	list_for_each_entry(entry, &iface->addresses, link) {
		if (entry->address.local.family == AF_INET &&
		    ip_prefix_equals(&entry->address.local, &address,
		                     entry->address.prefix_length)) {
			address_show_entry(iface->netif, entry);
			return;
		}
	}
	address_show(iface->netif, destination, 32);
}

/* Shows lwIP the address that it is sent to, if that is ours. */
static void address_show_destination(struct iface *iface, __be32 destination)
{
	struct ip_address address = ip_address_v4(destination);
	const struct address_entry *entry;
	const struct route_entry *route;

	if (ip_address_is_multicast(&address) || ip_address_is_all_ones(&address)) {
		address_show_primary(iface);
		if (!address_shown(iface->netif) && ip_address_is_all_ones(&address))
			address_show(iface->netif, destination, 32);
		return;
	}
	route = route_find(table_of(iface->netns), &address, 0);
	if (!route || route->route.table != RT_TABLE_LOCAL) {
		address_show_primary(iface);
	} else if (route->route.type == RTN_BROADCAST) {
		address_show_broadcast(iface, destination);
	} else {
		entry = address_find(iface, &address);
		if (entry)
			address_show_entry(iface->netif, entry);
		else
			address_show(iface->netif, destination, 32);
	}
}

static void count_loopback(struct iface *iface, const struct pbuf *packet)
{
	iface->counters.rx_packets++;
	iface->counters.rx_bytes += packet->tot_len;
}

static int drop(struct iface *iface, struct pbuf *packet)
{
	iface->counters.rx_dropped++;
	pbuf_free(packet);
	return 1;
}

/* Who has no address yet asks groups, or everybody: DHCP. */
static bool is_for_many(const struct ip_hdr *header)
{
	struct ip_address to = ip_address_v4((__force __be32)header->dest.addr);

	return ip_address_is_multicast(&to) || ip_address_is_all_ones(&to);
}

int iface_input4(struct pbuf *packet, struct netif *netif)
{
	struct iface *iface = netif_to_iface(netif);
	const struct ip_hdr *header = packet->payload;
	bool is_loopback = iface_is_loopback(iface);
	__be32 destination;

	if (!iface_is_up(iface))
		return drop(iface, packet);
	if (packet->len < IP_HLEN)
		return 0; /* lwIP counts and drops it */
	if (is_loopback)
		count_loopback(iface, packet);
	else if (((const uint8_t *)&header->src)[0] == IP4_LOOPBACK ||
	         ((const uint8_t *)&header->dest)[0] == IP4_LOOPBACK ||
	         (!header->src.addr && !is_for_many(header)))
		return drop(iface, packet);
	destination = (__force __be32)header->dest.addr;
	if (destination != address_shown(netif))
		address_show_destination(iface, destination);
	return 0;
}

/* An announcement of a router, if it is not hidden behind other headers; lwIP has checked none. */
static bool is_announcement(const struct pbuf *packet, const struct ip6_hdr *header)
{
	return header->_nexth == IP6_NEXTH_ICMP6 && packet->len > IP6_HLEN &&
	       ((const uint8_t *)packet->payload)[IP6_HLEN] == ICMP6_TYPE_RA;
}

/* lwIP does not look at what hop limit an announcement wants. */
static void hop_limit_take(struct iface *iface, const struct pbuf *packet,
                           const struct ip6_hdr *header)
{
	enum { CURRENT_HOP_LIMIT = IP6_HLEN + 4 };
	uint8_t limit = packet->len > CURRENT_HOP_LIMIT
	                ? ((const uint8_t *)packet->payload)[CURRENT_HOP_LIMIT] : 0;

	if (!limit || header->_hoplim != ND6_HOPLIM)
		return;
	iface->announced_hop_limit = limit;
	WRITE_ONCE(iface->ipv6.hop_limit, limit);
}

static bool is_loopback6(const void *address)
{
	struct ip_address ip = ip_address_v6(address);

	return ip_address_is_loopback(&ip);
}

int iface_input6(struct pbuf *packet, struct netif *netif)
{
	struct iface *iface = netif_to_iface(netif);
	const struct ip6_hdr *header = packet->payload;

	if (!iface_is_up(iface) || READ_ONCE(iface->ipv6.disable_ipv6))
		return drop(iface, packet);
	if (packet->len < IP6_HLEN)
		return 0;
	if (iface_is_loopback(iface))
		count_loopback(iface, packet);
	else if (is_loopback6(&header->src) || is_loopback6(&header->dest))
		return drop(iface, packet);
	if (unlikely(is_announcement(packet, header))) {
		if (!READ_ONCE(iface->ipv6.accept_ra))
			return drop(iface, packet);
		netif_set_ip6_autoconfig_enabled(netif, READ_ONCE(iface->ipv6.autoconf) != 0);
		hop_limit_take(iface, packet, header);
		discovery_soon();
	}
	return 0;
}

void iface_input_arp(struct pbuf *frame, struct netif *netif)
{
	__be32 target;

	if (frame->len < ARP_SIZE)
		return;
	memcpy(&target, (const uint8_t *)frame->payload + ARP_TARGET, sizeof(target));
	if (target != address_shown(netif) &&
	    ((const uint8_t *)&target)[0] != IP4_LOOPBACK)
		address_show_destination(netif_to_iface(netif), target);
}

/* ---- the start ----------------------------------------------------------------------------- */

err_t hooks_netif_init(struct netif *netif)
{
	netif->name[0] = 'e';
	netif->name[1] = 't';
	netif->output = iface_output4;
	netif->output_ip6 = iface_output6;
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
	               NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
	netif->hwaddr_len = ETH_HWADDR_LEN;
	netif_set_ip6_autoconfig_enabled(netif, 1);
	return ERR_OK;
}

void hooks_init(void)
{
	nowhere.output = refuse4;
	nowhere.output_ip6 = refuse6;
	nowhere.flags = NETIF_FLAG_UP | NETIF_FLAG_LINK_UP;
	nowhere.mtu = nowhere.mtu6 = UINT16_MAX;
}
