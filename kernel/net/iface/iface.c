/*
 * The list of interfaces, and their life. See net/iface/iface.h.
 */
#include "net/iface/iface.h"

#include <linux/errno.h>
#include <lwip/nd6.h>

#include "core/panic.h"
#include "mem/alloc.h"
#include "net/iface/iface_impl.h"

struct iface_table iface_table_initial = {
	.config = MUTEX(iface_table_initial.config, RANK_NETCONFIG),
	.all = LIST_INIT(iface_table_initial.all),
	.routes4 = LIST_INIT(iface_table_initial.routes4),
	.routes6 = LIST_INIT(iface_table_initial.routes6),
	.taps = LIST_INIT(iface_table_initial.taps),
	.generation = 1,
};

void iface_config_lock(struct netns *netns)
{
	mutex_lock(&table_of(netns)->config);
}

void iface_config_unlock(struct netns *netns)
{
	mutex_unlock(&table_of(netns)->config);
}

void iface_config_assert_locked(const struct netns *netns)
{
	debug_assert(mutex_is_owned(&table_of(netns)->config));
}

void iface_table_changed(struct iface_table *table)
{
	stack_assert_locked();
	if (!++table->generation)
		table->generation = 1;
	hooks_reset(table);
	nd6_clear_destination_cache();
}

/* ---- finding ------------------------------------------------------------------------------- */

struct iface *iface_find(const struct iface_table *table, uint32_t index)
{
	struct iface *iface;

	list_for_each_entry(iface, &table->all, link) {
		if (iface->index == index)
			return iface;
	}
	return NULL;
}

struct iface *iface_find_name(const struct iface_table *table, const char *name)
{
	struct iface *iface;

	list_for_each_entry(iface, &table->all, link) {
		if (!strncmp(iface->name, name, IFNAMSIZ))
			return iface;
	}
	return NULL;
}

struct iface *iface_by_index(struct netns *netns, uint32_t index)
{
	struct iface *iface;

	stack_lock(netns);
	iface = iface_find(table_of(netns), index);
	if (iface)
		iface_get(iface);
	stack_unlock(netns);
	return iface;
}

struct iface *iface_by_name(struct netns *netns, const char *name)
{
	struct iface *iface;

	stack_lock(netns);
	iface = iface_find_name(table_of(netns), name);
	if (iface)
		iface_get(iface);
	stack_unlock(netns);
	return iface;
}

int iface_for_each(struct netns *netns, int (*fn)(struct iface *iface, void *data), void *data)
{
	struct iface *iface;
	int answer = 0;

	iface_config_assert_locked(netns);
	list_for_each_entry(iface, &table_of(netns)->all, link) {
		answer = fn(iface, data);
		if (answer)
			break;
	}
	return answer;
}

/* ---- life ---------------------------------------------------------------------------------- */

int iface_create(struct netns *netns, uint32_t index, const char *name, struct iface **out)
{
	struct iface *iface = kzalloc(sizeof(*iface), ALLOC_KERNEL);

	if (!iface)
		return -ENOMEM;
	iface->netif = kzalloc(sizeof(*iface->netif), ALLOC_KERNEL);
	if (!iface->netif) {
		kfree(iface);
		return -ENOMEM;
	}
	refcount_init(&iface->refs, 1);
	iface->index = index;
	iface->netns = netns;
	memcpy(iface->name, name, strnlen(name, IFNAMSIZ - 1));
	iface->queue_length = 1000;
	iface->operational_state = IF_OPER_DOWN;
	iface->ipv6 = (struct iface_ipv6_config){ .accept_ra = 1, .autoconf = 1,
	                                          .dad_transmits = 1, .hop_limit = 64 };
	list_init(&iface->addresses);
	list_init(&iface->taps);
	*out = iface;
	return 0;
}

void iface_put(struct iface *iface)
{
	if (!refcount_put(&iface->refs))
		return;
	assert(iface->is_dead && list_is_empty(&iface->addresses));
	kfree(iface->netif);
	kfree(iface);
}

static void list_insert(struct iface_table *table, struct iface *iface)
{
	struct list *before = table->all.prev;

	while (before != &table->all &&
	       list_entry(before, struct iface, link)->index > iface->index)
		before = before->prev;
	list_add_head(before, &iface->link);
}

void iface_publish(struct iface *iface)
{
	struct iface_table *table = table_of(iface->netns);

	iface_config_assert_locked(iface->netns);
	stack_lock(iface->netns);
	list_insert(table, iface);
	iface_table_changed(table);
	stack_unlock(iface->netns);
	event_link(iface, IFACE_LINK_ADDED, ~0u);
}

void iface_retire(struct iface *iface)
{
	struct netns *netns = iface->netns;

	iface_config_assert_locked(netns);
	if (iface_is_up(iface))
		iface_take_down(iface);
	address_flush(iface);
	route_flush(iface, AF_INET, true);
	route_flush(iface, AF_INET6, true);
	stack_lock(netns);
	list_remove(&iface->link);
	ip_addr_set_zero_ip4(&iface->netif->ip_addr); /* else lwIP resets connections */
	netif_remove(iface->netif);
	iface->netdev = NULL;
	iface->is_dead = true;
	iface_table_changed(table_of(netns));
	stack_unlock(netns);
	event_link(iface, IFACE_LINK_REMOVED, ~0u);
}
