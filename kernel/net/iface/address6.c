/*
 * IPv6 addresses. lwIP has them in slots of its netif, the first of which is for the link-local
 * one, and does duplicate address detection and ageing by its timer; what it changes discovery.c
 * brings here.
 *
 * An address is given to lwIP as one that has a lifetime, though it may be infinite: a static one
 * would be taken to lie in a network of /64, and the routes say that.
 */
#include <linux/errno.h>
#include <lwip/nd6.h>

#include "net/iface/iface_impl.h"

enum { LINK_LOCAL_SLOT = 0, FIRST_SLOT = 1 };
enum { SCOPE_HOST = 1, SCOPE_LINK = 2, SCOPE_SITE = 5, SCOPE_GLOBAL = 14 };

/* ---- scopes -------------------------------------------------------------------------------- */

static unsigned int scope6(const struct ip_address *address)
{
	if (ip_address_is_multicast(address))
		return address->bytes[1] & 0xf;
	if (ip_address_is_loopback(address))
		return SCOPE_HOST;
	if (ip_address_is_link_local(address))
		return SCOPE_LINK;
	return address->bytes[0] == 0xfe && address->bytes[1] >= 0xc0 ? SCOPE_SITE : SCOPE_GLOBAL;
}

uint8_t address6_scope(const struct ip_address *address)
{
	switch (scope6(address)) {
	case SCOPE_HOST:
		return RT_SCOPE_HOST;
	case SCOPE_LINK:
		return RT_SCOPE_LINK;
	case SCOPE_SITE:
		return RT_SCOPE_SITE;
	default:
		return RT_SCOPE_UNIVERSE;
	}
}

/* ---- slots --------------------------------------------------------------------------------- */

static int slot_find(const struct iface *iface, const struct ip_address *address)
{
	int first = FIRST_SLOT;

	if (iface_is_loopback(iface) || ip_address_is_link_local(address))
		first = LINK_LOCAL_SLOT;
	for (int i = first; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
		if (ip6_addr_isinvalid(netif_ip6_addr_state(iface->netif, i)))
			return i;
	}
	return NO_SLOT;
}

static uint32_t life_of(uint32_t seconds)
{
	return seconds == ADDRESS_LIFE_FOREVER ? IP6_ADDR_LIFE_INFINITE : seconds;
}

void address6_set_lifetimes(struct iface *iface, const struct address_entry *entry)
{
	netif_ip6_addr_set_valid_life(iface->netif, entry->slot,
	                              life_of(entry->address.valid_seconds));
	netif_ip6_addr_set_pref_life(iface->netif, entry->slot,
	                             life_of(entry->address.preferred_seconds));
	if (!(entry->address.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)))
		netif_ip6_addr_set_state(iface->netif, (s8_t)entry->slot,
		                         entry->address.flags & IFA_F_DEPRECATED
		                                 ? IP6_ADDR_DEPRECATED : IP6_ADDR_PREFERRED);
}

static void slot_fill(struct iface *iface, struct address_entry *entry)
{
	s8_t slot = (s8_t)entry->slot;
	ip6_addr_t address;

	address_to_lwip6(&entry->address.local, iface->netif, &address);
	netif_ip6_addr_set(iface->netif, slot, &address);
	address6_set_lifetimes(iface, entry);
	if (entry->address.flags & IFA_F_TENTATIVE)
		netif_ip6_addr_set_state(iface->netif, slot, IP6_ADDR_TENTATIVE);
}

/* Connections that have the address keep it, as on Linux: lwIP would reset them. */
static void slot_clear(struct iface *iface, int slot)
{
	nd6_adjust_mld_membership(iface->netif, (s8_t)slot, IP6_ADDR_INVALID);
	iface->netif->ip6_addr_state[slot] = IP6_ADDR_INVALID;
}

/* ---- adding and removing ------------------------------------------------------------------- */

static int address6_check(const struct iface *iface, const struct iface_address *address)
{
	if (READ_ONCE(iface->ipv6.disable_ipv6))
		return -EACCES;
	if (ip_address_is_any(&address->local) || ip_address_is_multicast(&address->local))
		return -EADDRNOTAVAIL;
	if (ip_address_is_loopback(&address->local) && !iface_is_loopback(iface))
		return -EADDRNOTAVAIL;
	return address_find(iface, &address->local) ? -EEXIST : 0;
}

static bool needs_detection(const struct iface *iface, const struct iface_address *address)
{
	return !(iface->flags & (IFF_NOARP | IFF_LOOPBACK)) && !(address->flags & IFA_F_NODAD) &&
	       READ_ONCE(iface->ipv6.dad_transmits) > 0;
}

int address6_add(struct iface *iface, const struct iface_address *wanted)
{
	const uint32_t given = IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR |
	                       IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;
	struct iface_address address = *wanted;
	struct address_entry *entry;
	int err = address6_check(iface, &address), slot = slot_find(iface, &address.local);

	if (err)
		return err;
	if (slot < 0)
		return -ENOBUFS;
	address.flags &= given;
	address.scope = address6_scope(&address.local);
	address.label[0] = '\0';
	if (needs_detection(iface, &address))
		address.flags |= IFA_F_TENTATIVE;
	if (address.valid_seconds == ADDRESS_LIFE_FOREVER)
		address.flags |= IFA_F_PERMANENT;
	if (!address.preferred_seconds)
		address.flags |= IFA_F_DEPRECATED;
	err = address_insert(iface, &address, slot, &entry);
	if (err)
		return err;
	stack_lock(iface->netns);
	slot_fill(iface, entry);
	stack_tick_start(STACK_TICK_SECOND);
	stack_unlock(iface->netns);
	if (iface_is_up(iface))
		route_connect(iface, &entry->address);
	return 0;
}

void address6_remove(struct iface *iface, struct address_entry *entry)
{
	stack_lock(iface->netns);
	slot_clear(iface, entry->slot);
	stack_unlock(iface->netns);
	address_discard(iface, entry);
}

/* ---- up and down --------------------------------------------------------------------------- */

/* Of fe80::/64 and the MAC: RFC 2464. */
static struct ip_address link_local(const struct iface *iface)
{
	struct ip_address address = { .family = AF_INET6, .bytes = { 0xfe, 0x80 } };

	memcpy(address.bytes + 8, iface->mac, 3);
	address.bytes[8] ^= 2;
	address.bytes[11] = 0xff;
	address.bytes[12] = 0xfe;
	memcpy(address.bytes + 13, iface->mac + 3, 3);
	return address;
}

static void own_address_add(struct iface *iface)
{
	struct iface_address own = {
		.local = { .family = AF_INET6, .bytes[15] = 1 },
		.prefix_length = 128,
		.protocol = IFAPROT_KERNEL_LO,
		.valid_seconds = ADDRESS_LIFE_FOREVER,
		.preferred_seconds = ADDRESS_LIFE_FOREVER,
	};
	int err;

	if (!iface_is_loopback(iface)) {
		own.local = link_local(iface);
		own.prefix_length = 64;
		own.protocol = IFAPROT_KERNEL_LL;
	}
	/* there already, or no memory for it: the interface is up all the same */
	err = iface_address_add(iface, &own);
	(void)err;
}

static void groups_connect(struct iface *iface)
{
	struct route groups = {
		.destination = { .family = AF_INET6, .bytes = { 0xff } },
		.prefix_length = 8,
		.type = RTN_MULTICAST,
		.table = RT_TABLE_LOCAL,
		.protocol = RTPROT_KERNEL,
		.metric = 256,
		.iface_index = iface->index,
	};
	int err = route_insert(iface->netns, &groups, iface);

	(void)err; /* the same */
}

void address6_up(struct iface *iface)
{
	struct address_entry *entry;

	if (READ_ONCE(iface->ipv6.disable_ipv6) || !(iface->flags & IFF_LOWER_UP))
		return;
	own_address_add(iface);
	if (!iface_is_loopback(iface))
		groups_connect(iface);
	if (!iface_is_loopback(iface) && READ_ONCE(iface->ipv6.accept_ra)) {
		stack_lock(iface->netns);
		discovery_ask(iface);
		stack_unlock(iface->netns);
	}
	list_for_each_entry(entry, &iface->addresses, link) {
		if (entry->address.local.family == AF_INET6)
			route_connect(iface, &entry->address);
	}
}

void address6_down(struct iface *iface)
{
	struct address_entry *entry, *ahead;

	list_for_each_entry_safe(entry, ahead, &iface->addresses, link) {
		if (entry->address.local.family == AF_INET6)
			address6_remove(iface, entry);
	}
	route_flush(iface, AF_INET6, true);
}

int iface_set_ipv6_disabled(struct iface *iface, bool is_disabled)
{
	iface_config_assert_locked(iface->netns);
	if (is_disabled == READ_ONCE(iface->ipv6.disable_ipv6))
		return 0;
	WRITE_ONCE(iface->ipv6.disable_ipv6, is_disabled);
	if (is_disabled)
		address6_down(iface);
	else if (iface_is_up(iface))
		address6_up(iface);
	return 0;
}

/* ---- the source of what is sent: RFC 6724 ---------------------------------------------------- */

static unsigned int shared_prefix_length(const struct ip_address *a, const struct ip_address *b)
{
	unsigned int bits = 0;

	while (bits < 128 && ip_prefix_equals(a, b, bits + 1))
		bits++;
	return bits;
}

/* Is a better than b? */
static bool is_better_source(const struct iface_address *a, const struct iface_address *b,
                             const struct ip_address *destination)
{
	unsigned int wanted = scope6(destination);
	unsigned int scope_a = scope6(&a->local), scope_b = scope6(&b->local);
	bool is_old_a = a->flags & IFA_F_DEPRECATED, is_old_b = b->flags & IFA_F_DEPRECATED;

	if (ip_address_equals(&b->local, destination))
		return false;
	if (ip_address_equals(&a->local, destination))
		return true;
	if (scope_a != scope_b)
		return scope_a < scope_b ? scope_a >= wanted : scope_b < wanted;
	if (is_old_a != is_old_b)
		return is_old_b;
	return shared_prefix_length(&a->local, destination) >
	       shared_prefix_length(&b->local, destination);
}

static const struct iface_address *best_source(const struct iface *iface,
                                               const struct ip_address *destination)
{
	const struct iface_address *best = NULL;
	const struct address_entry *entry;

	list_for_each_entry(entry, &iface->addresses, link) {
		const struct iface_address *address = &entry->address;

		if (address->local.family != AF_INET6 ||
		    address->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED))
			continue;
		if (!best || is_better_source(address, best, destination))
			best = address;
	}
	return best;
}

bool address6_select(const struct iface_table *table, const struct iface *iface,
                     const struct ip_address *destination, struct ip_address *out)
{
	bool is_local = scope6(destination) <= SCOPE_LINK;
	const struct iface_address *best = best_source(iface, destination);
	const struct iface *other;

	if (!is_local && (!best || scope6(&best->local) <= SCOPE_LINK)) {
		list_for_each_entry(other, &table->all, link) {
			const struct iface_address *address = best_source(other, destination);

			if (address && scope6(&address->local) > SCOPE_LINK)
				best = address;
		}
	}
	if (best)
		*out = best->local;
	return best;
}
