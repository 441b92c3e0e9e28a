/*
 * What lwIP's neighbour discovery finds out becomes addresses and routes here, with events:
 * addresses that are no duplicates or are, addresses and routes that routers announce, and the end
 * of all these.
 *
 * lwIP is asked to tell as little as it can: that an address changed its state. Then, after an
 * announcement, and when a router or a prefix has gone, a sleeping work compares its tables with
 * ours.
 */
#include <linux/errno.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip6.h>
#include <lwip/nd6.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/prot/icmp6.h>
#include <lwip/prot/nd6.h>

#include "net/iface/iface_impl.h"
#include "sched/clock.h"
#include "sched/work.h"

enum { METRIC6_PREFIX = 256, METRIC6_ROUTER = 1024, ANNOUNCED_MAX = LWIP_ND6_NUM_ROUTERS +
                                                                    LWIP_ND6_NUM_PREFIXES };

static void discovery_run(struct work *work);
static struct work discovery_work = WORK(discovery_run);

/* ---- addresses ----------------------------------------------------------------------------- */

/* A slot of lwIP's netif. */
struct slot {
	struct ip_address address;
	uint32_t valid_seconds, preferred_seconds;
	uint32_t flags; /* IFA_F_* that lwIP knows of */
	bool     is_used;
};

enum { LWIP_FLAGS = IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED };

static struct slot slot_read(const struct netif *netif, int i)
{
	unsigned int state = netif_ip6_addr_state(netif, i);
	struct slot slot = {
		.is_used = !ip6_addr_isinvalid(state),
		.address = address_from_lwip6(netif_ip6_addr(netif, i)),
		.valid_seconds = netif_ip6_addr_valid_life(netif, i),
		.preferred_seconds = netif_ip6_addr_pref_life(netif, i),
	};

	if (ip6_addr_istentative(state))
		slot.flags |= IFA_F_TENTATIVE;
	if (ip6_addr_isduplicated(state))
		slot.flags |= IFA_F_DADFAILED | IFA_F_TENTATIVE;
	if (state == IP6_ADDR_DEPRECATED)
		slot.flags |= IFA_F_DEPRECATED;
	if (ip6_addr_life_isinfinite(slot.valid_seconds))
		slot.valid_seconds = ADDRESS_LIFE_FOREVER;
	if (ip6_addr_life_isinfinite(slot.preferred_seconds))
		slot.preferred_seconds = ADDRESS_LIFE_FOREVER;
	return slot;
}

static void announced_add(struct iface *iface, const struct slot *slot, int i)
{
	struct iface_address address = {
		.local = slot->address,
		.peer = slot->address,
		.prefix_length = 64,
		.scope = address6_scope(&slot->address),
		.protocol = IFAPROT_KERNEL_RA,
		.flags = slot->flags | IFA_F_MANAGETEMPADDR,
		.valid_seconds = slot->valid_seconds,
		.preferred_seconds = slot->preferred_seconds,
	};
	struct address_entry *entry;

	if (!address_insert(iface, &address, i, &entry))
		route_connect(iface, &entry->address);
}

static void slot_compare(struct iface *iface, struct address_entry *entry, const struct slot *slot)
{
	uint32_t changed = (entry->address.flags ^ slot->flags) & LWIP_FLAGS;

	stack_lock(iface->netns);
	entry->address.flags ^= changed;
	entry->address.valid_seconds = slot->valid_seconds;
	entry->address.preferred_seconds = slot->preferred_seconds;
	entry->address.updated = clock_monotonic();
	if (changed)
		iface_table_changed(table_of(iface->netns));
	stack_unlock(iface->netns);
	if (!changed)
		return;
	if (slot->flags & IFA_F_DADFAILED)
		route_withdraw_local(iface, &entry->address.local);
	route_connect(iface, &entry->address);
	event_address(iface, IFACE_ADDRESS_ADDED, &entry->address);
}

static struct address_entry *entry_of_slot(const struct iface *iface, int i)
{
	struct address_entry *entry;

	list_for_each_entry(entry, &iface->addresses, link) {
		if (entry->slot == i)
			return entry;
	}
	return NULL;
}

static void addresses_sync(struct iface *iface)
{
	struct slot slots[LWIP_IPV6_NUM_ADDRESSES];

	stack_lock(iface->netns);
	for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
		slots[i] = slot_read(iface->netif, i);
	stack_unlock(iface->netns);
	for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
		struct address_entry *entry = entry_of_slot(iface, i);

		if (entry && (!slots[i].is_used ||
		              !ip_address_equals(&entry->address.local, &slots[i].address))) {
			address_discard(iface, entry);
			entry = NULL;
		}
		if (entry)
			slot_compare(iface, entry, &slots[i]);
		else if (slots[i].is_used)
			announced_add(iface, &slots[i], i);
	}
}

/* ---- routes -------------------------------------------------------------------------------- */

static uint8_t preference_of(unsigned int flags)
{
	return (uint8_t)(flags >> 3 & 3); /* as on the wire: RFC 4191 */
}

/* lwIP's tables as routes; how many. Core held. */
static unsigned int announced_read(struct route out[ANNOUNCED_MAX], ns_t now)
{
	unsigned int nr = 0;

	for (int i = 0; i < LWIP_ND6_NUM_ROUTERS; i++) {
		const struct nd6_router_list_entry *router = &default_router_list[i];
		const struct iface *iface;

		if (!router->neighbor_entry || !router->invalidation_timer)
			continue;
		iface = netif_to_iface(router->neighbor_entry->netif);
		out[nr++] = (struct route){
			.destination.family = AF_INET6,
			.gateway = address_from_lwip6(&router->neighbor_entry->next_hop_address),
			.metric = METRIC6_ROUTER,
			.iface_index = iface->index,
			.protocol = RTPROT_RA,
			.hop_limit = iface->announced_hop_limit,
			.preference = preference_of(router->flags),
			.expires = now + (ns_t)router->invalidation_timer * NS_PER_SEC,
		};
	}
	for (int i = 0; i < LWIP_ND6_NUM_PREFIXES; i++) {
		const struct nd6_prefix_list_entry *prefix = &prefix_list[i];

		if (!prefix->netif || !prefix->invalidation_timer)
			continue;
		out[nr] = (struct route){
			.destination = address_from_lwip6(&prefix->prefix),
			.prefix_length = 64,
			.metric = METRIC6_PREFIX,
			.iface_index = netif_to_iface(prefix->netif)->index,
			.protocol = RTPROT_KERNEL,
			.expires = now + (ns_t)prefix->invalidation_timer * NS_PER_SEC,
		};
		ip_address_mask(&out[nr++].destination, 64);
	}
	return nr;
}

static void routes_sync(struct iface_table *table)
{
	struct route announced[ANNOUNCED_MAX];
	unsigned int nr;

	stack_lock(&netns_initial);
	nr = announced_read(announced, clock_monotonic());
	table->nr_announced = nr;
	stack_unlock(&netns_initial);
	for (unsigned int i = 0; i < nr; i++) {
		announced[i].type = RTN_UNICAST;
		announced[i].table = RT_TABLE_MAIN;
	}
	route_set_announced(&netns_initial, announced, nr);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* lwIP asks too, but only every fourth second, and has not begun to count now. */
void discovery_ask(struct iface *iface)
{
	struct pbuf *pbuf = pbuf_alloc(PBUF_IP, sizeof(struct rs_header), PBUF_RAM);
	struct rs_header *message;
	ip6_addr_t routers;

	stack_assert_locked();
	if (!pbuf)
		return;
	ip6_addr_set_allrouters_linklocal(&routers);
	ip6_addr_assign_zone(&routers, IP6_MULTICAST, iface->netif);
	message = pbuf->payload;
	*message = (struct rs_header){ .type = ICMP6_TYPE_RS };
	message->chksum = ip6_chksum_pseudo(pbuf, IP6_NEXTH_ICMP6, pbuf->tot_len, IP6_ADDR_ANY6,
	                                    &routers);
	ip6_output_if(pbuf, IP6_ADDR_ANY6, &routers, ND6_HOPLIM, 0, IP6_NEXTH_ICMP6, iface->netif);
	pbuf_free(pbuf);
}

/* ---- when ---------------------------------------------------------------------------------- */

void discovery_sync(struct iface_table *table)
{
	struct iface *iface;

	list_for_each_entry(iface, &table->all, link)
		addresses_sync(iface);
	routes_sync(table);
}

static void discovery_run(struct work *work)
{
	iface_config_lock(&netns_initial);
	discovery_sync(table_of(&netns_initial));
	iface_config_unlock(&netns_initial);
}

void discovery_soon(void)
{
	work_queue_sleeping(&discovery_work);
}

/* From lwIP, in the middle of a change. Core held. */
static void netif_changed(struct netif *netif, netif_nsc_reason_t reason,
                          const netif_ext_callback_args_t *args)
{
	if (reason & LWIP_NSC_IPV6_ADDR_STATE_CHANGED)
		discovery_soon();
}

void iface_discovery_ran(struct netns *netns)
{
	uint32_t nr = 0;

	unanswered_second();
	for (int i = 0; i < LWIP_ND6_NUM_ROUTERS; i++)
		nr += default_router_list[i].neighbor_entry &&
		      default_router_list[i].invalidation_timer;
	for (int i = 0; i < LWIP_ND6_NUM_PREFIXES; i++)
		nr += prefix_list[i].netif && prefix_list[i].invalidation_timer;
	if (nr != table_of(netns)->nr_announced)
		discovery_soon();
}

void discovery_init(void)
{
	static netif_ext_callback_t callback;

	stack_lock(&netns_initial);
	netif_add_ext_callback(&callback, netif_changed);
	stack_unlock(&netns_initial);
}
