/*
 * Interfaces as sockets of every family know them: netdevice(7). See ioctl.h.
 */
#include "net/ioctl.h"

#include <linux/errno.h>
#include <linux/in.h>
#include <linux/sockios.h>

#include "abi/errno.h"
#include "id/cred.h"
#include "lib/string.h"
#include "net/iface/address.h"
#include "net/ioctl_impl.h"

int net_iface_index(struct netns *netns, const char *name, uint32_t *out)
{
	struct iface *iface = iface_by_name(netns, name);

	if (!iface)
		return -ENODEV;
	*out = iface->index;
	iface_put(iface);
	return 0;
}

int net_iface_name(struct netns *netns, uint32_t index, char name[static 16])
{
	struct iface *iface = iface_by_index(netns, index);

	if (!iface)
		return -ENODEV;
	memcpy(name, iface->name, IFNAMSIZ);
	iface_put(iface);
	return 0;
}

int ioctl_iface(struct netns *netns, const char name[IFNAMSIZ], struct iface **out)
{
	char base[IFNAMSIZ];
	char *colon;

	memcpy(base, name, IFNAMSIZ);
	base[IFNAMSIZ - 1] = '\0';
	colon = strchr(base, ':');
	if (colon)
		*colon = '\0';
	*out = iface_by_name(netns, base);
	return *out ? 0 : -ENODEV;
}

/* ---- SIOCGIFCONF ----------------------------------------------------------------------------- */

struct listing {
	struct net_ifconf *conf;
	struct iface      *iface;
	uint32_t           size;
};

static int address_list(const struct iface_address *address, void *data)
{
	struct listing *listing = data;
	struct ifreq ifreq = { 0 };
	struct sockaddr_in *name = (struct sockaddr_in *)&ifreq.ifr_addr;

	if (listing->conf->list) {
		if (listing->conf->size - listing->size < sizeof(ifreq))
			return 1;
		memcpy(ifreq.ifr_name, address->label[0] ? address->label : listing->iface->name,
		       IFNAMSIZ);
		name->sin_family = AF_INET;
		name->sin_addr.s_addr = address->local.v4;
		memcpy((uint8_t *)listing->conf->list + listing->size, &ifreq, sizeof(ifreq));
	}
	listing->size += (uint32_t)sizeof(ifreq);
	return 0;
}

static int iface_list(struct iface *iface, void *data)
{
	struct listing *listing = data;

	listing->iface = iface;
	return iface_address_for_each(iface, AF_INET, address_list, listing);
}

static long addresses_list(struct netns *netns, struct net_ifconf *conf)
{
	struct listing listing = { .conf = conf };

	iface_config_lock(netns);
	(void)iface_for_each(netns, iface_list, &listing);
	iface_config_unlock(netns);
	conf->size = listing.size;
	return 0;
}

/* ---- one interface --------------------------------------------------------------------------- */

static long ask(struct iface *iface, unsigned int cmd, struct ifreq *ifreq)
{
	switch (cmd) {
	case SIOCGIFFLAGS:
		ifreq->ifr_flags = (short)iface->flags;
		return 0;
	case SIOCGIFMETRIC:
		ifreq->ifr_metric = 0;
		return 0;
	case SIOCGIFMTU:
		ifreq->ifr_mtu = (int)iface->mtu;
		return 0;
	case SIOCGIFHWADDR:
		memset(&ifreq->ifr_hwaddr, 0, sizeof(ifreq->ifr_hwaddr));
		ifreq->ifr_hwaddr.sa_family = iface->type;
		memcpy(ifreq->ifr_hwaddr.sa_data, iface->mac, sizeof(iface->mac));
		return 0;
	case SIOCGIFINDEX:
		ifreq->ifr_ifindex = (int)iface->index;
		return 0;
	case SIOCGIFTXQLEN:
		ifreq->ifr_qlen = (int)iface->queue_length;
		return 0;
	case SIOCGIFMAP:
		memset(&ifreq->ifr_map, 0, sizeof(ifreq->ifr_map));
		return 0;
	default:
		return -EINVAL; /* SIOCGIFSLAVE */
	}
}

static long mac_change(struct iface *iface, const struct ifreq *ifreq)
{
	if (ifreq->ifr_hwaddr.sa_family != iface->type)
		return -EINVAL;
	return iface_set_mac(iface, (const uint8_t *)ifreq->ifr_hwaddr.sa_data);
}

static long flags_change(struct iface *iface, uint32_t flags)
{
	const uint32_t settable = IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_NOARP |
				  IFF_MULTICAST | IFF_DYNAMIC;

	return iface_set_flags(iface, flags & settable, settable);
}

static long name_change(struct iface *iface, const struct ifreq *ifreq)
{
	char name[IFNAMSIZ];

	memcpy(name, ifreq->ifr_newname, sizeof(name));
	name[IFNAMSIZ - 1] = '\0';
	return iface_rename(iface, name);
}

/* Config lock held. */
static long change(struct iface *iface, unsigned int cmd, const struct ifreq *ifreq)
{
	switch (cmd) {
	case SIOCSIFFLAGS:
		return flags_change(iface, (uint16_t)ifreq->ifr_flags);
	case SIOCSIFMTU:
		return ifreq->ifr_mtu < 0 ? -EINVAL
					  : iface_set_mtu(iface, (uint32_t)ifreq->ifr_mtu);
	case SIOCSIFHWADDR:
		return mac_change(iface, ifreq);
	case SIOCSIFTXQLEN:
		return ifreq->ifr_qlen < 0 ? -EINVAL
					   : iface_set_queue_length(iface,
		                                                    (uint32_t)ifreq->ifr_qlen);
	case SIOCSIFNAME:
		return name_change(iface, ifreq);
	case SIOCADDMULTI:
	case SIOCDELMULTI:
	case SIOCSIFHWBROADCAST:
		return -EINVAL;
	default:
		return -EOPNOTSUPP; /* SIOCSIFMETRIC, SIOCSIFMAP, SIOCGMIIPHY ... */
	}
}

static bool is_question(unsigned int cmd)
{
	switch (cmd) {
	case SIOCGIFFLAGS:
	case SIOCGIFMETRIC:
	case SIOCGIFMTU:
	case SIOCGIFHWADDR:
	case SIOCGIFINDEX:
	case SIOCGIFTXQLEN:
	case SIOCGIFMAP:
	case SIOCGIFSLAVE:
		return true;
	default:
		return false;
	}
}

static bool is_change(unsigned int cmd)
{
	switch (cmd) {
	case SIOCSIFFLAGS:
	case SIOCSIFMETRIC:
	case SIOCSIFMTU:
	case SIOCSIFHWADDR:
	case SIOCSIFHWBROADCAST:
	case SIOCSIFTXQLEN:
	case SIOCSIFNAME:
	case SIOCSIFMAP:
	case SIOCSIFSLAVE:
	case SIOCADDMULTI:
	case SIOCDELMULTI:
	case SIOCGMIIPHY:
	case SIOCGMIIREG:
	case SIOCSMIIREG:
		return true;
	default:
		return false;
	}
}

static long device(struct netns *netns, unsigned int cmd, struct ifreq *ifreq,
                   const struct cred *cred)
{
	struct iface *iface;
	long result;

	if (!is_question(cmd) && !is_change(cmd))
		return -ENOTTY;
	if (is_change(cmd) && !cred_capable(cred, CAP_NET_ADMIN))
		return -EPERM;
	result = ioctl_iface(netns, ifreq->ifr_name, &iface);
	if (result)
		return result;
	iface_config_lock(netns);
	result = is_question(cmd) ? ask(iface, cmd, ifreq) : change(iface, cmd, ifreq);
	iface_config_unlock(netns);
	iface_put(iface);
	return result;
}

static long ethtool(struct netns *netns, const struct net_ethtool *request)
{
	struct iface *iface;
	long result = ioctl_iface(netns, request->name, &iface);

	if (result)
		return result;
	iface_config_lock(netns);
	result = ioctl_ethtool(iface, request);
	iface_config_unlock(netns);
	iface_put(iface);
	return result;
}

/* ---- which it is ----------------------------------------------------------------------------- */

static bool is_ipv4(int family)
{
	return family == AF_INET || family == AF_PACKET;
}

long net_ioctl(struct netns *netns, int family, unsigned int cmd, void *arg,
               const struct cred *cred)
{
	struct ifreq *ifreq = arg;
	long result;

	if (family == AF_INET6) {
		result = ioctl_inet6(netns, cmd, arg, cred);
		if (result != -ENOIOCTLCMD)
			return result;
	}
	if (is_ipv4(family) && ioctl_is_address(cmd))
		return ioctl_address(netns, cmd, arg, cred);
	switch (cmd) {
	case SIOCGIFCONF:
		return addresses_list(netns, arg);
	case SIOCETHTOOL:
		return ethtool(netns, arg);
	case SIOCGIFNAME:
		return net_iface_name(netns, (uint32_t)ifreq->ifr_ifindex, ifreq->ifr_name);
	case SIOCADDRT:
	case SIOCDELRT:
		return is_ipv4(family) ? ioctl_route(netns, cmd, arg, cred) : -ENOTTY;
	case SIOCGARP:
	case SIOCSARP:
	case SIOCDARP:
		return is_ipv4(family) ? ioctl_arp(netns, cmd, arg, cred) : -ENOTTY;
	default:
		return device(netns, cmd, arg, cred);
	}
}
