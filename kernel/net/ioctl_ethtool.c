/*
 * SIOCETHTOOL: what ethtool(8), and programs that wait for a cable, ask of an interface. Settings
 * cannot be changed here.
 */
#include <linux/errno.h>
#include <linux/ethtool.h>
#include <linux/if_arp.h>

#include "dev/netdev.h"
#include "lib/string.h"
#include "net/ioctl.h"
#include "net/ioctl_impl.h"

static long drvinfo(const struct iface *iface, struct ethtool_drvinfo *info)
{
	if (!iface->netdev)
		return -EOPNOTSUPP;
	memset(info, 0, sizeof(*info));
	info->cmd = ETHTOOL_GDRVINFO;
	(void)str_copy(info->driver, "virtio_net", sizeof(info->driver));
	(void)str_copy(info->version, "1.0.0", sizeof(info->version));
	return 0;
}

static bool has_link(const struct iface *iface)
{
	return iface->flags & IFF_UP && (!iface->netdev || READ_ONCE(iface->netdev->has_link));
}

static long settings(const struct iface *iface, struct ethtool_cmd *settings)
{
	if (!iface->netdev)
		return -EOPNOTSUPP;
	memset(settings, 0, sizeof(*settings));
	settings->cmd = ETHTOOL_GSET;
	settings->speed = settings->speed_hi = UINT16_MAX; /* SPEED_UNKNOWN */
	settings->duplex = DUPLEX_UNKNOWN;
	settings->port = PORT_OTHER;
	return 0;
}

/* The first call learns how many words of masks there are: none, since nothing is advertised. */
static long link_settings(const struct iface *iface, struct ethtool_link_settings *settings)
{
	if (!iface->netdev)
		return -EOPNOTSUPP;
	memset(settings, 0, sizeof(*settings));
	settings->cmd = ETHTOOL_GLINKSETTINGS;
	settings->speed = (uint32_t)SPEED_UNKNOWN;
	settings->duplex = DUPLEX_UNKNOWN;
	settings->port = PORT_OTHER;
	settings->link_mode_masks_nwords = -(int8_t)1;
	return 0;
}

static long permanent_address(const struct iface *iface, const struct net_ethtool *request)
{
	struct ethtool_perm_addr *answer = request->data;

	if (answer->size < sizeof(iface->permanent_mac))
		return -EINVAL;
	answer->size = sizeof(iface->permanent_mac);
	memcpy(answer->data, iface->permanent_mac, sizeof(iface->permanent_mac));
	return 0;
}

static uint32_t feature(const struct iface *iface, uint32_t command)
{
	uint32_t features = iface->netdev ? iface->netdev->features
					  : NETDEV_CHECKSUM | NETDEV_LARGE_RECEIVE;

	switch (command) {
	case ETHTOOL_GTSO:
		return !!(features & (NETDEV_TSO4 | NETDEV_TSO6));
	case ETHTOOL_GGRO:
		return !!(features & NETDEV_LARGE_RECEIVE);
	case ETHTOOL_GUFO:
	case ETHTOOL_GMSGLVL:
		return 0;
	default:
		return !!(features & NETDEV_CHECKSUM);
	}
}

long ioctl_ethtool(struct iface *iface, const struct net_ethtool *request)
{
	struct ethtool_value *value = request->data;

	switch (request->command) {
	case ETHTOOL_GDRVINFO:
		return drvinfo(iface, request->data);
	case ETHTOOL_GSET:
		return settings(iface, request->data);
	case ETHTOOL_GLINKSETTINGS:
		return link_settings(iface, request->data);
	case ETHTOOL_GPERMADDR:
		return permanent_address(iface, request);
	case ETHTOOL_GLINK:
		value->data = has_link(iface);
		return 0;
	case ETHTOOL_GRXCSUM:
	case ETHTOOL_GTXCSUM:
	case ETHTOOL_GSG:
	case ETHTOOL_GTSO:
	case ETHTOOL_GGSO:
	case ETHTOOL_GUFO:
	case ETHTOOL_GGRO:
		value->data = feature(iface, request->command);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}
