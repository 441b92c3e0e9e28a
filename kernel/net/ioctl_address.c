/*
 * Addresses of IPv4 by ioctls: SIOCGIFADDR, SIOCSIFADDR and their kin. netdevice(7)
 *
 * A name with a colon is the label of a further address of an interface. One address is changed by
 * taking it away and putting the other in its place, as Linux does.
 */
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>

#include "id/cred.h"
#include "lib/bits.h"
#include "lib/byteorder.h"
#include "lib/string.h"
#include "net/iface/address.h"
#include "net/ioctl_impl.h"

bool ioctl_is_address(unsigned int cmd)
{
	switch (cmd) {
	case SIOCGIFADDR:
	case SIOCGIFBRDADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFDSTADDR:
	case SIOCSIFADDR:
	case SIOCSIFBRDADDR:
	case SIOCSIFNETMASK:
	case SIOCSIFDSTADDR:
	case SIOCSIFFLAGS:
		return true;
	default:
		return false;
	}
}

static uint32_t mask_of(unsigned int prefix_length)
{
	return prefix_length ? UINT32_MAX << (32 - prefix_length) : 0;
}

/* The network part of an address by its class; -1: it has none. */
static int class_length(uint32_t address)
{
	if (!(address >> 24) || address == UINT32_MAX)
		return 0;
	if (!(address >> 31))
		return 8;
	if (address >> 30 == 2)
		return 16;
	if (address >> 29 == 6)
		return 24;
	return address >> 28 == 15 ? 32 : -1;
}

/* ---- which address --------------------------------------------------------------------------- */

struct search {
	const char          *label;
	__be32               wanted; /* 0: any */
	struct iface        *iface;
	struct iface_address found;
	bool                 has_found;
};

static int compare(const struct iface_address *address, void *data)
{
	struct search *search = data;
	const char *label = address->label[0] ? address->label : search->iface->name;

	if (strcmp(label, search->label) ||
	    (search->wanted && address->local.v4 != search->wanted))
		return 0;
	search->found = *address;
	search->has_found = true;
	return 1;
}

/* By label, and first by the address that is given with it: 4.3BSD's way. */
static bool address_find(struct iface *iface, const char *label, __be32 wanted,
                         struct iface_address *out)
{
	struct search search = { .label = label, .wanted = wanted, .iface = iface };

	(void)iface_address_for_each(iface, AF_INET, compare, &search);
	if (!search.has_found && wanted) {
		search.wanted = 0;
		(void)iface_address_for_each(iface, AF_INET, compare, &search);
	}
	*out = search.found;
	return search.has_found;
}

static bool is_alone(const struct iface_address *address)
{
	return !address->peer.family || ip_address_equals(&address->peer, &address->local);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static __be32 answer_of(const struct iface_address *address, unsigned int cmd)
{
	switch (cmd) {
	case SIOCGIFADDR:
		return address->local.v4;
	case SIOCGIFBRDADDR:
		return address->broadcast.family ? address->broadcast.v4 : 0;
	case SIOCGIFDSTADDR:
		return is_alone(address) ? address->local.v4 : address->peer.v4;
	default:
		return cpu_to_be32(mask_of(address->prefix_length));
	}
}

/* ---- changing -------------------------------------------------------------------------------- */

static long replace(struct iface *iface, const struct iface_address *old,
                    const struct iface_address *new)
{
	long err = old ? iface_address_remove(iface, old) : 0;

	if (err || !new->local.v4)
		return err;
	return iface_address_add(iface, new);
}

static void broadcast_set(const struct iface *iface, struct iface_address *address)
{
	uint32_t host = be32_to_cpu(address->local.v4);

	address->broadcast.family = AF_UNSPEC;
	if (iface->flags & IFF_BROADCAST && address->prefix_length < 31)
		address->broadcast = ip_address_v4(
			cpu_to_be32(host | ~mask_of(address->prefix_length)));
}

static long local_set(struct iface *iface, const char *label, const struct iface_address *old,
                      __be32 value)
{
	struct iface_address new = {
		.valid_seconds = ADDRESS_LIFE_FOREVER,
		.preferred_seconds = ADDRESS_LIFE_FOREVER,
	};
	int length = class_length(be32_to_cpu(value));

	if (length < 0)
		return -EINVAL;
	if (old && old->local.v4 == value)
		return 0;
	new.local = ip_address_v4(value);
	new.prefix_length = (uint8_t)length;
	new.scope = ip_address_is_loopback(&new.local) ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
	memcpy(new.label, label, IFNAMSIZ);
	broadcast_set(iface, &new);
	return replace(iface, old, &new);
}

static long mask_set(struct iface *iface, const struct iface_address *old, __be32 value)
{
	uint32_t mask = be32_to_cpu(value);
	unsigned int length = bit_count(mask);
	struct iface_address new = *old, usual = *old;

	if (mask != mask_of(length))
		return -EINVAL;
	if (length == old->prefix_length)
		return 0;
	broadcast_set(iface, &usual);
	new.prefix_length = (uint8_t)length;
	if (ip_address_equals(&usual.broadcast, &old->broadcast))
		broadcast_set(iface, &new);
	return replace(iface, old, &new);
}

static long broadcast_change(struct iface *iface, const struct iface_address *old, __be32 value)
{
	struct iface_address new = *old;

	if (old->broadcast.family && old->broadcast.v4 == value)
		return 0;
	new.broadcast = ip_address_v4(value);
	return replace(iface, old, &new);
}

static long peer_change(struct iface *iface, const struct iface_address *old, __be32 value)
{
	struct iface_address new = *old;

	if (answer_of(old, SIOCGIFDSTADDR) == value)
		return 0;
	if (class_length(be32_to_cpu(value)) < 0)
		return -EINVAL;
	new.peer = ip_address_v4(value);
	return replace(iface, old, &new);
}

/* Down takes an alias away; up does nothing to it. */
static long flags_change(struct iface *iface, const struct ifreq *ifreq,
                         const struct iface_address *address)
{
	const uint32_t settable = IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_NOARP |
				  IFF_MULTICAST | IFF_DYNAMIC;

	if (!strchr(ifreq->ifr_name, ':'))
		return iface_set_flags(iface, (uint16_t)ifreq->ifr_flags & settable, settable);
	if (!address)
		return -EADDRNOTAVAIL;
	return ifreq->ifr_flags & IFF_UP ? 0 : iface_address_remove(iface, address);
}

static long change(struct iface *iface, unsigned int cmd, const struct ifreq *ifreq,
                   const struct iface_address *old)
{
	const struct sockaddr_in *name = (const struct sockaddr_in *)&ifreq->ifr_addr;

	switch (cmd) {
	case SIOCSIFFLAGS:
		return flags_change(iface, ifreq, old);
	case SIOCSIFADDR:
		return local_set(iface, ifreq->ifr_name, old, name->sin_addr.s_addr);
	case SIOCSIFNETMASK:
		return mask_set(iface, old, name->sin_addr.s_addr);
	case SIOCSIFBRDADDR:
		return broadcast_change(iface, old, name->sin_addr.s_addr);
	default:
		return peer_change(iface, old, name->sin_addr.s_addr);
	}
}

/* ---- both ------------------------------------------------------------------------------------ */

static bool is_change(unsigned int cmd)
{
	return cmd == SIOCSIFADDR || cmd == SIOCSIFBRDADDR || cmd == SIOCSIFNETMASK ||
	       cmd == SIOCSIFDSTADDR || cmd == SIOCSIFFLAGS;
}

static long run_locked(struct iface *iface, unsigned int cmd, struct ifreq *ifreq)
{
	struct sockaddr_in *name = (struct sockaddr_in *)&ifreq->ifr_addr;
	bool has_wanted = cmd != SIOCSIFFLAGS && !is_change(cmd) && name->sin_family == AF_INET;
	struct iface_address address;
	bool is_found = address_find(iface, ifreq->ifr_name,
	                             has_wanted ? name->sin_addr.s_addr : 0, &address);

	if (!is_found && cmd != SIOCSIFADDR && cmd != SIOCSIFFLAGS)
		return -EADDRNOTAVAIL;
	if (is_change(cmd))
		return change(iface, cmd, ifreq, is_found ? &address : NULL);
	memset(name, 0, sizeof(*name));
	name->sin_family = AF_INET;
	name->sin_addr.s_addr = answer_of(&address, cmd);
	return 0;
}

long ioctl_address(struct netns *netns, unsigned int cmd, struct ifreq *ifreq,
                   const struct cred *cred)
{
	struct iface *iface;
	long result;

	ifreq->ifr_name[IFNAMSIZ - 1] = '\0';
	if (is_change(cmd) && !cred_capable(cred, CAP_NET_ADMIN))
		return -EPERM;
	if (is_change(cmd) && cmd != SIOCSIFFLAGS && ifreq->ifr_addr.sa_family != AF_INET)
		return -EINVAL;
	result = ioctl_iface(netns, ifreq->ifr_name, &iface);
	if (result)
		return result;
	iface_config_lock(netns);
	result = run_locked(iface, cmd, ifreq);
	iface_config_unlock(netns);
	iface_put(iface);
	return result;
}
