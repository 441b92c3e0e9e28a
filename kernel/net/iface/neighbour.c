/*
 * Neighbours, over lwIP's tables. See net/iface/neighbour.h.
 *
 * lwIP's ARP knows entries that are resolved (its pending ones are nobody's business) and static
 * ones; which are static is remembered here, since it does not say. Its neighbour discovery has no
 * static entries: one is kept reachable for as long as its counter goes.
 */
#include "net/iface/neighbour.h"

#include <linux/errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <lwip/etharp.h>
#include <lwip/nd6.h>
#include <lwip/priv/nd6_priv.h>

#include "mem/alloc.h"
#include "net/iface/iface_impl.h"

/* A permanent entry of IPv4. */
struct permanent {
	struct list      link __guarded_by(config);
	struct neighbour neighbour __guarded_by(config);
};

static struct list permanents __guarded_by(config) = LIST_INIT(permanents);

static struct permanent *permanent_find(uint32_t iface_index, const struct ip_address *address)
{
	struct permanent *permanent;

	list_for_each_entry(permanent, &permanents, link) {
		if (permanent->neighbour.iface_index == iface_index &&
		    ip_address_equals(&permanent->neighbour.address, address))
			return permanent;
	}
	return NULL;
}

/* ---- reading lwIP's tables: core held ------------------------------------------------------ */

static bool arp_read(size_t i, struct neighbour *out)
{
	struct eth_addr *mac;
	ip4_addr_t *address;
	struct netif *netif;

	if (!etharp_get_entry(i, &address, &netif, &mac))
		return false;
	*out = (struct neighbour){
		.address = ip_address_v4(address_from_lwip4(address)),
		.iface_index = netif_to_iface(netif)->index,
		.state = NUD_REACHABLE,
		.has_mac = true,
	};
	memcpy(out->mac, mac->addr, sizeof(out->mac));
	return true;
}

static uint16_t discovery_state(const struct nd6_neighbor_cache_entry *entry)
{
	if (entry->state == ND6_REACHABLE && entry->counter.reachable_time > INT32_MAX)
		return NUD_PERMANENT;
	switch (entry->state) {
	case ND6_INCOMPLETE:
		return NUD_INCOMPLETE;
	case ND6_REACHABLE:
		return NUD_REACHABLE;
	case ND6_STALE:
		return NUD_STALE;
	case ND6_DELAY:
		return NUD_DELAY;
	default:
		return NUD_PROBE;
	}
}

static bool discovery_read(size_t i, struct neighbour *out)
{
	const struct nd6_neighbor_cache_entry *entry = &neighbor_cache[i];

	if (entry->state == ND6_NO_ENTRY || !entry->netif)
		return false;
	*out = (struct neighbour){
		.address = address_from_lwip6(&entry->next_hop_address),
		.iface_index = netif_to_iface(entry->netif)->index,
		.state = discovery_state(entry),
		.flags = entry->isrouter ? NTF_ROUTER : 0,
		.has_mac = entry->state != ND6_INCOMPLETE,
	};
	memcpy(out->mac, entry->lladdr, sizeof(out->mac));
	return true;
}

/* ---- listing ------------------------------------------------------------------------------- */

static int table_visit(struct netns *netns, size_t size,
                       bool (*read)(size_t i, struct neighbour *out),
                       int (*fn)(const struct neighbour *neighbour, void *data), void *data)
{
	struct neighbour neighbour;
	int answer = 0;

	for (size_t i = 0; i < size && !answer; i++) {
		bool is_used;

		stack_lock(netns);
		is_used = read(i, &neighbour);
		stack_unlock(netns);
		if (!is_used)
			continue;
		if (permanent_find(neighbour.iface_index, &neighbour.address))
			neighbour.state = NUD_PERMANENT;
		answer = fn(&neighbour, data);
	}
	return answer;
}

int neighbour_for_each(struct netns *netns, unsigned int family,
                       int (*fn)(const struct neighbour *neighbour, void *data), void *data)
{
	int answer = 0;

	iface_config_assert_locked(netns);
	if (!family || family == AF_INET)
		answer = table_visit(netns, ARP_TABLE_SIZE, arp_read, fn, data);
	if (!answer && (!family || family == AF_INET6))
		answer = table_visit(netns, LWIP_ND6_NUM_NEIGHBORS, discovery_read, fn, data);
	return answer;
}

/* ---- adding and removing ------------------------------------------------------------------- */

static int arp_set(struct iface *iface, const struct neighbour *neighbour)
{
	ip4_addr_t address = address_to_lwip4(neighbour->address.v4);
	struct eth_addr mac;
	int err;

	memcpy(mac.addr, neighbour->mac, sizeof(mac.addr));
	stack_lock(iface->netns);
	err = stack_errno(etharp_add_static_entry(&address, &mac));
	stack_unlock(iface->netns);
	return err == -ENOMEM ? -ENOBUFS : err;
}

static int arp_add(struct iface *iface, const struct neighbour *neighbour)
{
	struct permanent *permanent = permanent_find(iface->index, &neighbour->address);
	bool is_new = !permanent;
	int err;

	if (is_new)
		permanent = kzalloc(sizeof(*permanent), ALLOC_KERNEL);
	if (!permanent)
		return -ENOMEM;
	err = arp_set(iface, neighbour);
	if (err && is_new)
		kfree(permanent);
	if (err)
		return err;
	permanent->neighbour = *neighbour;
	permanent->neighbour.iface_index = iface->index;
	if (is_new)
		list_add_tail(&permanents, &permanent->link);
	return 0;
}

static void arp_clear(struct iface *iface, const struct ip_address *ip)
{
	ip4_addr_t address = address_to_lwip4(ip->v4);
	struct eth_addr none = { { 2 } };

	/* lwIP removes only what is static */
	stack_lock(iface->netns);
	if (etharp_add_static_entry(&address, &none) == ERR_OK)
		etharp_remove_static_entry(&address);
	stack_unlock(iface->netns);
}

static void permanent_remove(struct permanent *permanent)
{
	list_remove(&permanent->link);
	kfree(permanent);
}

/* A free entry, or the one of the address; NULL: the table is full. */
static struct nd6_neighbor_cache_entry *discovery_entry(const struct netif *netif,
                                                        const struct ip_address *address)
{
	struct nd6_neighbor_cache_entry *spare = NULL;

	for (int i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++) {
		struct nd6_neighbor_cache_entry *entry = &neighbor_cache[i];

		if (entry->state == ND6_NO_ENTRY)
			spare = entry;
		else if (entry->netif == netif &&
		         !memcmp(entry->next_hop_address.addr, address->bytes, 16))
			return entry;
	}
	return spare;
}

static int discovery_add(struct iface *iface, const struct neighbour *neighbour)
{
	struct nd6_neighbor_cache_entry *entry;

	stack_lock(iface->netns);
	entry = discovery_entry(iface->netif, &neighbour->address);
	if (entry) {
		address_to_lwip6(&neighbour->address, iface->netif, &entry->next_hop_address);
		entry->netif = iface->netif;
		memcpy(entry->lladdr, neighbour->mac, sizeof(entry->lladdr));
		entry->state = ND6_REACHABLE;
		entry->counter.reachable_time = UINT32_MAX;
		entry->isrouter = neighbour->flags & NTF_ROUTER ? 1 : 0;
	}
	stack_unlock(iface->netns);
	return entry ? 0 : -ENOBUFS;
}

/* It is asked for anew when it is used again: lwIP alone may free an entry. */
static void discovery_clear(struct iface *iface, const struct ip_address *address)
{
	struct nd6_neighbor_cache_entry *entry;

	stack_lock(iface->netns);
	entry = discovery_entry(iface->netif, address);
	if (entry && entry->state != ND6_NO_ENTRY && !entry->isrouter && !entry->q) {
		entry->state = ND6_NO_ENTRY;
		entry->netif = NULL;
		ip6_addr_set_zero(&entry->next_hop_address);
	}
	stack_unlock(iface->netns);
}

struct wanted {
	const struct ip_address *address;
	uint32_t                 iface_index;
	struct neighbour        *out;
};

static int neighbour_is_wanted(const struct neighbour *neighbour, void *data)
{
	struct wanted *wanted = data;

	if (neighbour->iface_index != wanted->iface_index ||
	    !ip_address_equals(&neighbour->address, wanted->address))
		return 0;
	*wanted->out = *neighbour;
	return 1;
}

static bool neighbour_find(struct iface *iface, const struct ip_address *address,
                           struct neighbour *out)
{
	struct wanted wanted = { address, iface->index, out };

	return neighbour_for_each(iface->netns, address->family, neighbour_is_wanted, &wanted);
}

int neighbour_add(struct iface *iface, const struct neighbour *neighbour, unsigned int flags)
{
	struct neighbour old, new = *neighbour;
	bool is_there;
	int err;

	iface_config_assert_locked(iface->netns);
	if (iface->is_dead || !iface->netdev)
		return iface->is_dead ? -ENODEV : -EINVAL;
	if (ip_address_is_any(&neighbour->address) || ip_address_is_multicast(&neighbour->address))
		return -EINVAL;
	is_there = neighbour_find(iface, &neighbour->address, &old);
	if (is_there && flags & NLM_F_EXCL)
		return -EEXIST;
	if (!is_there && !(flags & NLM_F_CREATE))
		return -ENOENT;
	if (!neighbour->has_mac)
		return is_there ? 0 : -EINVAL;
	new.iface_index = iface->index;
	new.state = NUD_PERMANENT;
	err = neighbour->address.family == AF_INET ? arp_add(iface, &new)
	                                           : discovery_add(iface, &new);
	if (!err)
		event_neighbour(iface, IFACE_NEIGHBOUR_ADDED, &new);
	return err;
}

int neighbour_remove(struct iface *iface, const struct ip_address *address)
{
	struct permanent *permanent = permanent_find(iface->index, address);
	struct neighbour old;

	iface_config_assert_locked(iface->netns);
	if (!neighbour_find(iface, address, &old))
		return -ENOENT;
	if (permanent)
		permanent_remove(permanent);
	if (address->family == AF_INET)
		arp_clear(iface, address);
	else
		discovery_clear(iface, address);
	event_neighbour(iface, IFACE_NEIGHBOUR_REMOVED, &old);
	return 0;
}

/* Before the interface goes down; lwIP empties its own tables then. */
void neighbour_forget(struct iface *iface)
{
	struct permanent *permanent, *ahead;

	list_for_each_entry_safe(permanent, ahead, &permanents, link) {
		if (permanent->neighbour.iface_index == iface->index)
			permanent_remove(permanent);
	}
}

void neighbour_flush(struct iface *iface)
{
	iface_config_assert_locked(iface->netns);
	neighbour_forget(iface);
	stack_lock(iface->netns);
	etharp_cleanup_netif(iface->netif);
	nd6_cleanup_netif(iface->netif);
	stack_unlock(iface->netns);
	discovery_soon();
}
