/*
 * The addresses of interfaces: what both families share. See net/iface/address.h.
 */
#include "net/iface/address.h"

#include <linux/errno.h>

#include "mem/slab.h"
#include "net/iface/iface_impl.h"
#include "sched/clock.h"

static struct cache address_cache = CACHE("iface_address", struct address_entry);

struct address_entry *address_find(const struct iface *iface, const struct ip_address *local)
{
	struct address_entry *entry;

	list_for_each_entry(entry, &iface->addresses, link) {
		if (ip_address_equals(&entry->address.local, local))
			return entry;
	}
	return NULL;
}

/*
 * Where Linux keeps it in the list. IPv4: secondaries last, primaries by scope, the narrowest
 * first. IPv6: by scope, the widest first, and the newest of equals.
 */
static bool comes_behind(const struct iface_address *old, const struct iface_address *new)
{
	if (old->local.family != new->local.family)
		return old->local.family == AF_INET6;
	if (old->local.family == AF_INET6)
		return old->scope >= new->scope;
	if (new->flags & IFA_F_SECONDARY)
		return false;
	return old->flags & IFA_F_SECONDARY || old->scope < new->scope;
}

int address_insert(struct iface *iface, const struct iface_address *address, int slot,
                   struct address_entry **out)
{
	struct address_entry *entry = cache_alloc(&address_cache, ALLOC_KERNEL);
	struct list *before;

	iface_config_assert_locked(iface->netns);
	if (!entry)
		return -ENOMEM;
	entry->address = *address;
	entry->slot = slot;
	entry->address.created = entry->address.updated = clock_monotonic();
	stack_lock(iface->netns);
	before = iface->addresses.prev;
	while (before != &iface->addresses &&
	       comes_behind(&list_entry(before, struct address_entry, link)->address,
	                   &entry->address))
		before = before->prev;
	list_add_head(before, &entry->link);
	iface_table_changed(table_of(iface->netns));
	stack_unlock(iface->netns);
	event_address(iface, IFACE_ADDRESS_ADDED, &entry->address);
	*out = entry;
	return 0;
}

void address_discard(struct iface *iface, struct address_entry *entry)
{
	iface_config_assert_locked(iface->netns);
	stack_lock(iface->netns);
	list_remove(&entry->link);
	iface_table_changed(table_of(iface->netns));
	stack_unlock(iface->netns);
	event_address(iface, IFACE_ADDRESS_REMOVED, &entry->address);
	route_disconnect(iface, &entry->address);
	cache_free(&address_cache, entry);
}

static int address_check(const struct iface *iface, const struct iface_address *address)
{
	unsigned int family = address->local.family;

	iface_config_assert_locked(iface->netns);
	if (iface->is_dead)
		return -ENODEV;
	if (family != AF_INET && family != AF_INET6)
		return -EAFNOSUPPORT;
	if (address->prefix_length > ip_family_bytes(family) * 8)
		return -EINVAL;
	if (!address->valid_seconds || address->preferred_seconds > address->valid_seconds)
		return -EINVAL;
	return 0;
}

int iface_address_add(struct iface *iface, const struct iface_address *address)
{
	struct iface_address full = *address;
	int err = address_check(iface, address);

	if (err)
		return err;
	if (!full.peer.family)
		full.peer = full.local;
	if (full.peer.family != full.local.family)
		return -EINVAL;
	return full.local.family == AF_INET ? address4_add(iface, &full)
	                                    : address6_add(iface, &full);
}

static struct address_entry *address_match(const struct iface *iface,
                                           const struct iface_address *match)
{
	unsigned int family = match->local.family ? match->local.family : match->peer.family;
	struct address_entry *entry;

	list_for_each_entry(entry, &iface->addresses, link) {
		const struct iface_address *address = &entry->address;

		if (family && address->local.family != family)
			continue;
		if (match->local.family && !ip_address_equals(&address->local, &match->local))
			continue;
		if (match->label[0] && strncmp(match->label, address->label, IFNAMSIZ))
			continue;
		if (match->peer.family &&
		    (address->prefix_length != match->prefix_length ||
		     !ip_prefix_equals(&address->peer, &match->peer, match->prefix_length)))
			continue;
		return entry;
	}
	return NULL;
}

int iface_address_change(struct iface *iface, const struct iface_address *address)
{
	const uint32_t changeable = IFA_F_NOPREFIXROUTE | IFA_F_NODAD | IFA_F_HOMEADDRESS |
	                            IFA_F_MANAGETEMPADDR;
	struct address_entry *entry;
	int err = address_check(iface, address);

	if (err)
		return err;
	entry = address_find(iface, &address->local);
	if (!entry || (entry->address.local.family == AF_INET &&
	               entry->address.prefix_length != address->prefix_length))
		return -EADDRNOTAVAIL;
	route_disconnect(iface, &entry->address);
	stack_lock(iface->netns);
	entry->address.flags = (entry->address.flags & ~changeable) |
	                       (address->flags & changeable);
	entry->address.metric = address->metric;
	address_set_lifetimes(iface, entry, address->valid_seconds, address->preferred_seconds);
	iface_table_changed(table_of(iface->netns));
	stack_unlock(iface->netns);
	route_connect(iface, &entry->address);
	event_address(iface, IFACE_ADDRESS_ADDED, &entry->address);
	address_lifetimes_arm(table_of(iface->netns));
	return 0;
}

int iface_address_remove(struct iface *iface, const struct iface_address *match)
{
	struct address_entry *entry;

	iface_config_assert_locked(iface->netns);
	entry = address_match(iface, match);
	if (!entry)
		return -EADDRNOTAVAIL;
	if (entry->address.local.family == AF_INET)
		address4_remove(iface, entry);
	else
		address6_remove(iface, entry);
	return 0;
}

void address_flush(struct iface *iface)
{
	while (!list_is_empty(&iface->addresses)) {
		struct address_entry *entry =
			list_first_entry(&iface->addresses, struct address_entry, link);

		if (entry->address.local.family == AF_INET)
			address4_remove(iface, entry);
		else
			address6_remove(iface, entry);
	}
}

/* Lifetimes are told as they are now. */
static struct iface_address address_now(const struct address_entry *entry)
{
	struct iface_address now = entry->address;
	uint32_t age = (uint32_t)((clock_monotonic() - now.updated) / NS_PER_SEC);

	if (now.valid_seconds != ADDRESS_LIFE_FOREVER)
		now.valid_seconds = now.valid_seconds > age ? now.valid_seconds - age : 0;
	if (now.preferred_seconds != ADDRESS_LIFE_FOREVER)
		now.preferred_seconds =
			now.preferred_seconds > age ? now.preferred_seconds - age : 0;
	return now;
}

int iface_address_for_each(struct iface *iface, unsigned int family,
                           int (*fn)(const struct iface_address *address, void *data),
                           void *data)
{
	const struct address_entry *entry;
	int answer = 0;

	iface_config_assert_locked(iface->netns);
	list_for_each_entry(entry, &iface->addresses, link) {
		struct iface_address now = address_now(entry);

		if (family && now.local.family != family)
			continue;
		answer = fn(&now, data);
		if (answer)
			break;
	}
	return answer;
}

bool iface_address_first(struct iface *iface, unsigned int family, const char *label,
                         struct iface_address *out)
{
	const struct address_entry *entry;
	bool is_found = false;

	stack_lock(iface->netns);
	list_for_each_entry(entry, &iface->addresses, link) {
		if (entry->address.local.family != family ||
		    (label && strncmp(entry->address.label, label, IFNAMSIZ)))
			continue;
		*out = address_now(entry);
		is_found = true;
		break;
	}
	stack_unlock(iface->netns);
	return is_found;
}

/* ---- bind(2) --------------------------------------------------------------------------------- */

static bool is_own(const struct iface_table *table, const struct ip_address *address,
                   uint32_t iface_index)
{
	const struct route_entry *entry;
	struct iface *iface;

	if (address->family == AF_INET) {
		entry = route_find(table, address, 0);
		return entry && (entry->route.type == RTN_LOCAL ||
		                 entry->route.type == RTN_BROADCAST);
	}
	list_for_each_entry(iface, &table->all, link) {
		const struct address_entry *own;

		if (iface_index && iface->index != iface_index &&
		    ip_address_is_link_local(address))
			continue;
		own = address_find(iface, address);
		if (own && !(own->address.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)))
			return true;
	}
	return false;
}

bool iface_source_is_local(struct netns *netns, const struct ip_address *address,
                           uint32_t iface_index)
{
	bool is_local = ip_address_is_any(address) || ip_address_is_multicast(address) ||
	                ip_address_is_all_ones(address);

	if (!is_local) {
		stack_lock(netns);
		is_local = is_own(table_of(netns), address, iface_index);
		stack_unlock(netns);
	}
	return is_local;
}
