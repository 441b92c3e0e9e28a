/*
 * IPv4 addresses: any number an interface; lwIP is told of none (hooks.c). Of those in one network
 * the first is the primary one, the others are secondary and go with it, as on Linux.
 */
#include <linux/errno.h>

#include "lib/math.h"
#include "net/iface/iface_impl.h"
#include "sched/clock.h"
#include "sched/timer.h"
#include "sched/work.h"

static bool is_same_network(const struct iface_address *a, const struct iface_address *b)
{
	return a->prefix_length == b->prefix_length &&
	       ip_prefix_equals(&a->peer, &b->peer, a->prefix_length);
}

/* EEXIST; EINVAL; else whether there is a primary address before it. */
static int primary_find(const struct iface *iface, const struct iface_address *address,
                        bool *is_secondary)
{
	const struct address_entry *entry;

	*is_secondary = false;
	list_for_each_entry(entry, &iface->addresses, link) {
		if (entry->address.local.family != AF_INET ||
		    !is_same_network(&entry->address, address))
			continue;
		if (ip_address_equals(&entry->address.local, &address->local))
			return -EEXIST;
		if (entry->address.scope != address->scope)
			return -EINVAL;
		*is_secondary = true;
	}
	return 0;
}

void address_set_lifetimes(struct iface *iface, struct address_entry *entry, uint32_t valid,
                           uint32_t preferred)
{
	struct iface_address *address = &entry->address;

	stack_assert_locked();
	address->valid_seconds = valid;
	address->preferred_seconds = preferred;
	address->updated = clock_monotonic();
	address->flags &= ~(uint32_t)(IFA_F_PERMANENT | IFA_F_DEPRECATED);
	if (valid == ADDRESS_LIFE_FOREVER)
		address->flags |= IFA_F_PERMANENT;
	if (!preferred)
		address->flags |= IFA_F_DEPRECATED;
	if (entry->slot >= 0)
		address6_set_lifetimes(iface, entry);
}

int address4_add(struct iface *iface, const struct iface_address *wanted)
{
	struct iface_address address = *wanted;
	struct address_entry *entry;
	bool is_secondary;
	int err;

	if (ip_address_is_any(&address.local)) /* as Linux takes it: nothing to add */
		return 0;
	if (ip_address_is_all_ones(&address.local))
		return -EADDRNOTAVAIL;
	if (!address.label[0])
		memcpy(address.label, iface->name, IFNAMSIZ);
	address.flags &= IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;
	if (ip_address_is_loopback(&address.local))
		address.scope = RT_SCOPE_HOST;
	err = primary_find(iface, &address, &is_secondary);
	if (err)
		return err;
	if (is_secondary)
		address.flags |= IFA_F_SECONDARY;
	if (address.valid_seconds == ADDRESS_LIFE_FOREVER)
		address.flags |= IFA_F_PERMANENT;
	if (!address.preferred_seconds)
		address.flags |= IFA_F_DEPRECATED;
	err = address_insert(iface, &address, NO_SLOT, &entry);
	if (err)
		return err;
	route_connect(iface, &entry->address);
	address_lifetimes_arm(table_of(iface->netns));
	return 0;
}

static bool has_address4(const struct iface *iface)
{
	const struct address_entry *entry;

	list_for_each_entry(entry, &iface->addresses, link) {
		if (entry->address.local.family == AF_INET)
			return true;
	}
	return false;
}

void address4_remove(struct iface *iface, struct address_entry *entry)
{
	struct iface_address gone = entry->address;
	struct address_entry *other, *ahead;

	if (!(gone.flags & IFA_F_SECONDARY)) {
		list_for_each_entry_safe(other, ahead, &iface->addresses, link) {
			struct ip_address local = other->address.local;

			if (other == entry || local.family != AF_INET ||
			    !(other->address.flags & IFA_F_SECONDARY) ||
			    !is_same_network(&other->address, &gone))
				continue;
			address_discard(iface, other);
			route_flush_source(iface->netns, &local);
		}
	}
	address_discard(iface, entry);
	route_flush_source(iface->netns, &gone.local);
	if (!has_address4(iface))
		route_flush(iface, AF_INET, true);
}

void address4_up(struct iface *iface)
{
	struct address_entry *entry;

	if (iface_is_loopback(iface)) {
		struct iface_address own = {
			.local = ip_address_v4(cpu_to_be32(0x7f000001)),
			.peer = ip_address_v4(cpu_to_be32(0x7f000001)),
			.prefix_length = 8,
			.valid_seconds = ADDRESS_LIFE_FOREVER,
			.preferred_seconds = ADDRESS_LIFE_FOREVER,
		};
		/* there already, or no memory for it: the interface is up all the same */
		int err = address4_add(iface, &own);

		(void)err;
	}
	list_for_each_entry(entry, &iface->addresses, link) {
		if (entry->address.local.family != AF_INET)
			continue;
		route_connect(iface, &entry->address);
		}
}

void address4_down(struct iface *iface)
{
	route_flush(iface, AF_INET, false);
}

__be32 address4_select(const struct iface *iface, __be32 near, unsigned int scope)
{
	struct ip_address target = ip_address_v4(near);
	const struct address_entry *entry;
	__be32 first = 0;

	list_for_each_entry(entry, &iface->addresses, link) {
		const struct iface_address *address = &entry->address;

		if (address->local.family != AF_INET || address->flags & IFA_F_SECONDARY ||
		    address->scope > scope)
			continue;
		if (ip_prefix_equals(&address->peer, &target, address->prefix_length))
			return address->local.v4;
		if (!first)
			first = address->local.v4;
	}
	return first;
}

/* ---- lifetimes ----------------------------------------------------------------------------- */

static void lifetimes_run(struct work *work);
static struct work lifetimes_work = WORK(lifetimes_run);

static void lifetimes_due(struct timer *timer)
{
	work_queue_sleeping(&lifetimes_work);
}

static struct timer lifetimes_timer = { .callback = lifetimes_due };

/* When something happens to it next; INT64_MAX: nothing. */
static ns_t address_next_change(const struct iface_address *address)
{
	ns_t next = INT64_MAX;

	if (address->valid_seconds != ADDRESS_LIFE_FOREVER)
		next = address->updated + (ns_t)address->valid_seconds * NS_PER_SEC;
	if (address->preferred_seconds != ADDRESS_LIFE_FOREVER &&
	    !(address->flags & IFA_F_DEPRECATED))
		next = min(next, address->updated +
		                 (ns_t)address->preferred_seconds * NS_PER_SEC);
	return next;
}

void address_lifetimes_arm(struct iface_table *table)
{
	const struct address_entry *entry;
	const struct iface *iface;
	ns_t next = INT64_MAX;

	list_for_each_entry(iface, &table->all, link) {
		list_for_each_entry(entry, &iface->addresses, link) {
			if (entry->slot == NO_SLOT)
				next = min(next, address_next_change(&entry->address));
		}
	}
	if (next == INT64_MAX)
		timer_cancel(&lifetimes_timer);
	else
		timer_start(&lifetimes_timer, next);
}

/* True if it has ended. */
static bool address_age(struct iface *iface, struct address_entry *entry, ns_t now)
{
	struct iface_address *address = &entry->address;

	if (address->valid_seconds != ADDRESS_LIFE_FOREVER &&
	    now >= address->updated + (ns_t)address->valid_seconds * NS_PER_SEC)
		return true;
	if (now >= address_next_change(address)) {
		stack_lock(iface->netns);
		address->flags |= IFA_F_DEPRECATED;
		iface_table_changed(table_of(iface->netns));
		stack_unlock(iface->netns);
		event_address(iface, IFACE_ADDRESS_ADDED, address);
	}
	return false;
}

/* The first whose time is over; one at a time, since secondary ones go with it. */
static bool lifetimes_expire(struct iface *iface, ns_t now)
{
	struct address_entry *entry;

	list_for_each_entry(entry, &iface->addresses, link) {
		if (entry->slot == NO_SLOT && address_age(iface, entry, now)) {
			address4_remove(iface, entry);
			return true;
		}
	}
	return false;
}

static void lifetimes_run(struct work *work)
{
	struct netns *netns = &netns_initial;
	struct iface *iface;
	ns_t now = clock_monotonic();

	iface_config_lock(netns);
	list_for_each_entry(iface, &table_of(netns)->all, link) {
		while (lifetimes_expire(iface, now))
			;
	}
	address_lifetimes_arm(table_of(netns));
	iface_config_unlock(netns);
}
