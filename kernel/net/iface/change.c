/*
 * Changes of an interface: up and down, the link, MTU, MAC, names, flags. See net/iface/iface.h.
 */
#include <linux/errno.h>
#include <linux/if_ether.h>

#include "dev/netdev.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "net/iface/iface_impl.h"
#include "net/stack/ethernet.h"

enum { MTU6_MIN = 1280, NAMES_MAX = 1024, NETIF_MTU_MAX = 65535 };

/* What a program may set without more ado. */
enum { PLAIN_FLAGS = IFF_DEBUG | IFF_NOTRAILERS | IFF_NOARP | IFF_DYNAMIC | IFF_MULTICAST |
                     IFF_PORTSEL | IFF_AUTOMEDIA };

static void flags_write(struct iface *iface, uint32_t flags)
{
	stack_lock(iface->netns);
	WRITE_ONCE(iface->flags, flags);
	iface_table_changed(table_of(iface->netns));
	stack_unlock(iface->netns);
}

/* ---- up, down, link ------------------------------------------------------------------------ */

static bool has_link(const struct iface *iface)
{
	return iface_is_loopback(iface) ||
	       (iface->netdev && READ_ONCE(iface->netdev->has_link));
}

/* RUNNING, LOWER_UP and the operational state follow from IFF_UP and the link. */
static void link_derive(struct iface *iface)
{
	const uint32_t derived = IFF_RUNNING | IFF_LOWER_UP;
	bool is_running = iface_is_up(iface) && has_link(iface);

	flags_write(iface, is_running ? iface->flags | derived : iface->flags & ~derived);
	iface->operational_state = !is_running                ? IF_OPER_DOWN
	                           : iface_is_loopback(iface) ? IF_OPER_UNKNOWN
	                                                      : IF_OPER_UP;
	stack_lock(iface->netns);
	if (has_link(iface))
		netif_set_link_up(iface->netif);
	else
		netif_set_link_down(iface->netif);
	if (!READ_ONCE(iface->ipv6.accept_ra))
		iface->netif->rs_count = 0; /* nobody wants to hear of routers */
	stack_unlock(iface->netns);
}

void iface_link_update(struct iface *iface)
{
	uint32_t before = iface->flags;

	link_derive(iface);
	if (before == iface->flags)
		return;
	iface->carrier_changes++;
	if (iface->flags & IFF_RUNNING)
		address6_up(iface);
	event_link(iface, IFACE_LINK_CHANGED, before ^ iface->flags);
}

static int bring_up(struct iface *iface)
{
	uint32_t before = iface->flags;
	int err = iface->netdev ? netdev_open(iface->netdev) : 0;

	if (err)
		return err;
	flags_write(iface, iface->flags | IFF_UP);
	stack_lock(iface->netns);
	netif_set_up(iface->netif);
	stack_unlock(iface->netns);
	link_derive(iface);
	event_link(iface, IFACE_LINK_CHANGED, before ^ iface->flags);
	address4_up(iface);
	address6_up(iface);
	return 0;
}

void iface_take_down(struct iface *iface)
{
	uint32_t before = iface->flags;

	flags_write(iface, iface->flags & ~(uint32_t)IFF_UP);
	address4_down(iface);
	address6_down(iface);
	neighbour_forget(iface);
	stack_lock(iface->netns);
	unanswered_forget(iface->netif);
	netif_set_down(iface->netif);
	stack_unlock(iface->netns);
	link_derive(iface);
	if (iface->netdev) {
		netdev_close(iface->netdev);
		ethernet_flush(iface->netdev);
	}
	discovery_sync(table_of(iface->netns));
	event_link(iface, IFACE_LINK_CHANGED, before ^ iface->flags);
}

int iface_set_up(struct iface *iface, bool is_up)
{
	iface_config_assert_locked(iface->netns);
	if (iface->is_dead)
		return -ENODEV;
	if (is_up == iface_is_up(iface))
		return 0;
	if (is_up)
		return bring_up(iface);
	iface_take_down(iface);
	return 0;
}

/* ---- flags --------------------------------------------------------------------------------- */

static int count_change(struct iface *iface, uint32_t *count, uint32_t flag, int change)
{
	uint32_t before = iface->flags;

	iface_config_assert_locked(iface->netns);
	if (change < 0 && !*count)
		return 0;
	if (change > 0 && *count == UINT32_MAX)
		return -EOVERFLOW;
	*count += (uint32_t)change;
	flags_write(iface, *count ? iface->flags | flag : iface->flags & ~flag);
	if (before != iface->flags)
		event_link(iface, IFACE_LINK_CHANGED, before ^ iface->flags);
	return 0;
}

int iface_promiscuous_add(struct iface *iface, int change)
{
	return count_change(iface, &iface->nr_promiscuous, IFF_PROMISC, change);
}

int iface_all_multicast_add(struct iface *iface, int change)
{
	return count_change(iface, &iface->nr_all_multicast, IFF_ALLMULTI, change);
}

/* A program's own wish counts as one of those who want it. */
static int wish_set(struct iface *iface, uint32_t flags, uint32_t flag,
                    int (*add)(struct iface *iface, int change))
{
	if (!((iface->wished_flags ^ flags) & flag))
		return 0;
	iface->wished_flags ^= flag;
	return add(iface, flags & flag ? 1 : -1);
}

int iface_set_flags(struct iface *iface, uint32_t flags, uint32_t mask)
{
	uint32_t before = iface->flags, plain = mask & PLAIN_FLAGS;
	int err = 0;

	iface_config_assert_locked(iface->netns);
	if (iface->is_dead)
		return -ENODEV;
	if ((iface->flags ^ flags) & plain) {
		flags_write(iface, (iface->flags & ~plain) | (flags & plain));
		event_link(iface, IFACE_LINK_CHANGED, before ^ iface->flags);
	}
	if (mask & IFF_UP)
		err = iface_set_up(iface, flags & IFF_UP);
	if (!err && mask & IFF_PROMISC)
		err = wish_set(iface, flags, IFF_PROMISC, iface_promiscuous_add);
	if (!err && mask & IFF_ALLMULTI)
		err = wish_set(iface, flags, IFF_ALLMULTI, iface_all_multicast_add);
	return err;
}

/* ---- MTU, MAC, queue ----------------------------------------------------------------------- */

int iface_set_mtu(struct iface *iface, uint32_t mtu)
{
	uint32_t before = iface->mtu;

	iface_config_assert_locked(iface->netns);
	if (iface->is_dead)
		return -ENODEV;
	if (mtu < iface->min_mtu || mtu > INT32_MAX || (iface->max_mtu && mtu > iface->max_mtu))
		return -EINVAL;
	if (mtu == before)
		return 0;
	stack_lock(iface->netns);
	iface->mtu = mtu;
	iface->netif->mtu = (uint16_t)min(mtu, (uint32_t)NETIF_MTU_MAX);
	iface->netif->mtu6 = iface->netif->mtu;
	iface_table_changed(table_of(iface->netns));
	stack_unlock(iface->netns);
	if (mtu < MTU6_MIN)
		address6_down(iface);
	else if (before < MTU6_MIN && iface_is_up(iface))
		address6_up(iface);
	event_link(iface, IFACE_LINK_CHANGED, 0);
	return 0;
}

int iface_set_mac(struct iface *iface, const uint8_t *mac)
{
	static const uint8_t zero[IFACE_MAC_BYTES];

	iface_config_assert_locked(iface->netns);
	if (iface->is_dead)
		return -ENODEV;
	if (iface_is_loopback(iface))
		return -EOPNOTSUPP;
	if (mac[0] & 1 || !memcmp(mac, zero, sizeof(zero)))
		return -EADDRNOTAVAIL;
	stack_lock(iface->netns);
	memcpy(iface->mac, mac, sizeof(iface->mac));
	memcpy(iface->netif->hwaddr, mac, sizeof(iface->mac));
	stack_unlock(iface->netns);
	event_link(iface, IFACE_LINK_CHANGED, 0);
	return 0;
}

int iface_set_queue_length(struct iface *iface, uint32_t length)
{
	iface_config_assert_locked(iface->netns);
	if (iface->is_dead)
		return -ENODEV;
	iface->queue_length = length;
	if (iface->netdev)
		ethernet_set_queue_length(iface->netdev, length);
	event_link(iface, IFACE_LINK_CHANGED, 0);
	return 0;
}

/* ---- names --------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
	if (!*name || strnlen(name, IFNAMSIZ) == IFNAMSIZ || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return false;
	for (; *name; name++) {
		if (*name == '/' || *name == ':' || *name == ' ' ||
		    (*name >= '\t' && *name <= '\r'))
			return false;
	}
	return true;
}

/* "eth%d" becomes the first free of "eth0", "eth1", ... */
static int name_expand(const struct iface_table *table, const char *pattern, char name[IFNAMSIZ])
{
	const char *percent = strchr(pattern, '%');

	if (!percent) {
		snprintf(name, IFNAMSIZ, "%s", pattern);
		return iface_find_name(table, name) ? -EEXIST : 0;
	}
	if (percent[1] != 'd' || strchr(percent + 2, '%'))
		return -EINVAL;
	for (unsigned int n = 0; n < NAMES_MAX; n++) {
		int length = snprintf(name, IFNAMSIZ, "%.*s%u%s", (int)(percent - pattern), pattern,
		                      n, percent + 2);

		if (length < IFNAMSIZ && !iface_find_name(table, name))
			return 0;
	}
	return -ENFILE;
}

/* Labels are the name, from the second on with something behind a colon: as Linux has it. */
static void labels_rename(struct iface *iface, const char *name)
{
	struct address_entry *entry;
	unsigned int nr = 0;

	list_for_each_entry(entry, &iface->addresses, link) {
		const char *colon = strchr(entry->address.label, ':');
		char label[IFNAMSIZ], number[16] = "";

		if (entry->address.local.family != AF_INET)
			continue;
		if (++nr > 1)
			snprintf(number, sizeof(number), ":%u", nr);
		snprintf(label, sizeof(label), "%s%s", name,
		         nr > 1 && colon ? colon : number);
		memcpy(entry->address.label, label, sizeof(label));
	}
}

int iface_rename(struct iface *iface, const char *pattern)
{
	struct iface_table *table = table_of(iface->netns);
	char name[IFNAMSIZ] = "";
	int err;

	iface_config_assert_locked(iface->netns);
	if (iface->is_dead)
		return -ENODEV;
	if (!strncmp(iface->name, pattern, IFNAMSIZ))
		return 0;
	if (iface_is_up(iface))
		return -EBUSY;
	if (!is_name(pattern))
		return -EINVAL;
	err = name_expand(table, pattern, name);
	if (err)
		return err;
	stack_lock(iface->netns);
	memcpy(iface->name, name, sizeof(name));
	labels_rename(iface, name);
	stack_unlock(iface->netns);
	event_link(iface, IFACE_LINK_CHANGED, 0);
	return 0;
}
