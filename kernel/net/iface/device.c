/*
 * Network devices become interfaces, and go; lo is there from the start.
 *
 * An interface has its device's index and, at first, its name. When the device is unplugged the
 * interface goes with all that hangs on it; who still holds a reference finds it dead. Nothing in
 * lwIP refers to its netif any more by then: addresses, neighbours, routes and groups went with it,
 * and packets of it that are still on their way to ourselves are delivered before.
 */
#include <linux/errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>

#include "core/panic.h"
#include "core/printk.h"
#include "dev/netdev.h"
#include "net/iface/iface_impl.h"
#include "net/stack/ethernet.h"
#include "net/stack/loopback.h"

enum {
	MTU_MIN = 68,
	LOOPBACK_MTU = 65536,
	QUEUE_ROUNDS = 32, /* of stack_unlock(), until loopback's queue has been through */
};

/* ---- coming -------------------------------------------------------------------------------- */

static int netif_attach(struct iface *iface, struct netdev *netdev)
{
	int err;

	stack_lock(iface->netns);
	netif_add_noaddr(iface->netif, iface, hooks_netif_init, netif_input);
	stack_unlock(iface->netns);
	err = ethernet_attach(iface, netdev);
	if (err) {
		stack_lock(iface->netns);
		netif_remove(iface->netif);
		stack_unlock(iface->netns);
	}
	return err;
}

static int device_adopt(struct netns *netns, struct netdev *netdev)
{
	struct iface *iface;
	int err = iface_create(netns, netdev->index, netdev->name, &iface);

	if (err)
		return err;
	iface->type = ARPHRD_ETHER;
	iface->flags = IFF_BROADCAST | IFF_MULTICAST;
	iface->mtu = netdev->mtu;
	iface->min_mtu = MTU_MIN;
	iface->max_mtu = netdev->max_mtu;
	iface->netdev = netdev;
	memcpy(iface->mac, netdev->mac, IFACE_MAC_BYTES);
	memcpy(iface->permanent_mac, netdev->mac, IFACE_MAC_BYTES);
	memset(iface->broadcast, 0xff, IFACE_MAC_BYTES);
	err = netif_attach(iface, netdev);
	if (err) {
		iface->is_dead = true;
		iface_put(iface);
		return err;
	}
	iface_publish(iface);
	return 0;
}

static void device_added(struct netdev *netdev)
{
	struct netns *netns = &netns_initial;
	int err;

	iface_config_lock(netns);
	err = ethernet_iface(netdev) ? 0 : device_adopt(netns, netdev);
	iface_config_unlock(netns);
	if (err)
		pr_err("%s: no interface: error %d\n", netdev->name, err);
}

/* ---- going --------------------------------------------------------------------------------- */

static void queue_drain(struct netns *netns)
{
	for (int i = 0; i < QUEUE_ROUNDS; i++) {
		stack_lock(netns);
		stack_unlock(netns);
	}
}

static void device_removed(struct netdev *netdev)
{
	struct netns *netns = &netns_initial;
	struct iface *iface;

	iface_config_lock(netns);
	iface = ethernet_iface(netdev);
	if (iface) {
		iface_retire(iface);
		ethernet_detach(netdev);
		queue_drain(netns);
	}
	iface_config_unlock(netns);
	if (iface)
		iface_put(iface);
}

static void device_link_changed(struct netdev *netdev)
{
	struct netns *netns = &netns_initial;
	struct iface *iface;

	iface_config_lock(netns);
	iface = ethernet_iface(netdev);
	if (iface)
		iface_link_update(iface);
	iface_config_unlock(netns);
}

static const struct netdev_client device_client = {
	.added = device_added,
	.removed = device_removed,
	.received = ethernet_received,
	.writable = ethernet_writable,
	.link_changed = device_link_changed,
};

/* ---- the start ----------------------------------------------------------------------------- */

static __init void loopback_add(struct netns *netns)
{
	struct iface *iface;
	int err = iface_create(netns, IFACE_LOOPBACK_INDEX, "lo", &iface);

	assert(!err); /* there is memory yet */
	iface->type = ARPHRD_LOOPBACK;
	iface->flags = IFF_LOOPBACK;
	iface->mtu = LOOPBACK_MTU;
	iface->ipv6.accept_ra = 0;
	stack_lock(netns);
	netif_add_noaddr(iface->netif, iface, loopback_netif_init, netif_input);
	stack_unlock(netns);
	iface_config_lock(netns);
	iface_publish(iface);
	iface_config_unlock(netns);
}

__init void iface_init(void)
{
	hooks_init();
	discovery_init();
	loopback_add(&netns_initial);
	netdev_set_client(&device_client);
}

/* ---- counters ------------------------------------------------------------------------------ */

static void device_statistics(struct netdev *netdev, struct rtnl_link_stats64 *out)
{
	struct netdev_statistics counted = { 0 };

	netdev->ops->statistics(netdev, &counted);
	out->rx_packets += counted.received_frames;
	out->rx_bytes += counted.received_bytes;
	out->rx_errors += counted.received_errors;
	out->rx_dropped += counted.received_dropped;
	out->tx_packets += counted.sent_frames;
	out->tx_bytes += counted.sent_bytes;
	out->tx_errors += counted.sent_errors;
	out->tx_dropped += counted.sent_dropped;
}

void iface_statistics(struct iface *iface, struct rtnl_link_stats64 *out)
{
	stack_lock(iface->netns);
	*out = iface->counters;
	if (iface->netdev && iface->netdev->ops->statistics)
		device_statistics(iface->netdev, out);
	if (iface_is_loopback(iface)) {
		out->tx_packets = out->rx_packets;
		out->tx_bytes = out->rx_bytes;
	}
	stack_unlock(iface->netns);
}
