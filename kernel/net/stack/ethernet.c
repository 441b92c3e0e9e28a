/*
 * Ethernet below IP: both ways, and the queue. See ethernet.h.
 */
#include "net/stack/ethernet.h"

#include <linux/errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <lwip/netif.h>
#include <netif/ethernet.h>

#include "lib/byteorder.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "net/iface/iface.h"
#include "net/iface/stack_hooks.h"
#include "net/iface/tap.h"
#include "net/netns.h"
#include "net/stack/ethernet_impl.h"
#include "net/stack/guards.h"
#include "net/stack/stack_impl.h"

enum { QUEUE_LENGTH = 1000 };

#define CHECKS_OF_TRANSPORT \
	(NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP | NETIF_CHECKSUM_CHECK_ICMP6)

struct ethernet {
	struct netdev *netdev __const_after_init;
	struct iface  *iface __const_after_init; /* which outlives it */
	struct netif  *netif __const_after_init;
	struct list    waiting __guarded_by(core);   /* netbufs that the device had no room for */
	uint32_t       nr_waiting, queue_length __guarded_by(core);
	uint16_t       checks __guarded_by(core);    /* NETIF_CHECKSUM_* of the netif */
	bool           has_sent __guarded_by(core);  /* since the last commit */
	struct list    link __guarded_by(core);      /* of all */
};

static struct list all __guarded_by(core) = LIST_INIT(all);

static struct ethernet *ethernet_of(const struct netdev *netdev)
{
	return netdev ? netdev->client_data : NULL;
}

struct iface *ethernet_iface(const struct netdev *netdev)
{
	const struct ethernet *ethernet = ethernet_of(netdev);

	return ethernet ? ethernet->iface : NULL;
}

/* ---- out ------------------------------------------------------------------------------------- */

static int wait_for_room(struct ethernet *ethernet, struct netbuf *netbuf)
{
	if (ethernet->nr_waiting >= ethernet->queue_length) {
		ethernet->iface->counters.tx_dropped++;
		netbuf->done(netbuf);
		return -ENOBUFS;
	}
	ethernet->nr_waiting++;
	list_add_tail(&ethernet->waiting, &netbuf->link);
	return 0;
}

/* To the device, or to its queue. */
static int send(struct ethernet *ethernet, struct netbuf *netbuf)
{
	if (!list_is_empty(&ethernet->waiting))
		return wait_for_room(ethernet, netbuf);
	if (ethernet->netdev->ops->transmit(ethernet->netdev, netbuf))
		return wait_for_room(ethernet, netbuf);
	ethernet->has_sent = true;
	stack_note(STACK_COMMIT);
	return 0;
}

/* netbuf: a packet socket's; NULL: the frame is the stack's, or came in. */
static void tap(struct ethernet *ethernet, const struct pbuf *frame, uint8_t type,
                unsigned int flags, const struct netbuf *netbuf)
{
	const struct iface_frame seen = {
		.iface = ethernet->iface,
		.packet_type = type,
		.needs_checksum = flags & NETBUF_CHECKSUM_PARTIAL,
		.has_good_checksum = flags & NETBUF_CHECKSUM_GOOD,
		.protocol = ((const struct ethhdr *)frame->payload)->h_proto,
		.header_length = ETH_HLEN,
		.length = frame->tot_len,
		.pbuf = frame,
		.netbuf = netbuf,
	};

	iface_tap_frame(&seen);
}

static err_t ethernet_linkoutput(struct netif *netif, struct pbuf *frame)
{
	struct ethernet *ethernet = ethernet_of(netif_to_iface(netif)->netdev);
	struct netbuf *netbuf = ethernet ? frame_from_pbuf(frame) : NULL;

	if (!netbuf)
		return ethernet ? ERR_MEM : ERR_IF;
	if (!(netif->chksum_flags & NETIF_CHECKSUM_GEN_TCP))
		frame_leave_checksum(netbuf);
	if (unlikely(iface_has_taps(ethernet->iface)))
		tap(ethernet, frame, PACKET_OUTGOING, netbuf->flags, NULL);
	return send(ethernet, netbuf) ? ERR_MEM : ERR_OK;
}

int ethernet_transmit(struct netdev *netdev, struct netbuf *netbuf)
{
	struct ethernet *ethernet = ethernet_of(netdev);

	stack_assert_locked();
	if (!ethernet) {
		netbuf->done(netbuf);
		return -ENETDOWN;
	}
	if (unlikely(iface_has_taps(ethernet->iface))) {
		struct pbuf *view = frame_view(netbuf);

		if (view && view->len >= ETH_HLEN)
			tap(ethernet, view, PACKET_OUTGOING, netbuf->flags, netbuf);
		if (view)
			stack_pbuf_free(view);
	}
	return send(ethernet, netbuf);
}

void ethernet_commit(void)
{
	struct ethernet *ethernet;

	list_for_each_entry(ethernet, &all, link) {
		if (ethernet->has_sent)
			ethernet->netdev->ops->commit(ethernet->netdev);
		ethernet->has_sent = false;
	}
}

void ethernet_reclaim(void)
{
	struct ethernet *ethernet;

	list_for_each_entry(ethernet, &all, link)
		ethernet->has_sent = netif_is_up(ethernet->netif);
	stack_note(STACK_COMMIT);
}

void ethernet_writable(struct netdev *netdev)
{
	struct ethernet *ethernet;

	stack_lock(&netns_initial);
	ethernet = ethernet_of(netdev);
	while (ethernet && !list_is_empty(&ethernet->waiting)) {
		struct netbuf *netbuf = netbuf_take(&ethernet->waiting);

		if (netdev->ops->transmit(netdev, netbuf)) {
			list_add_head(&ethernet->waiting, &netbuf->link);
			break;
		}
		ethernet->nr_waiting--;
		ethernet->has_sent = true;
		stack_note(STACK_COMMIT);
	}
	stack_unlock(&netns_initial);
}

/* ---- in -------------------------------------------------------------------------------------- */

static uint8_t packet_type(const struct ethernet *ethernet, const uint8_t *frame)
{
	if (!(frame[0] & 1))
		return memcmp(frame, ethernet->iface->mac, ETH_ALEN) ? PACKET_OTHERHOST :
		                                                       PACKET_HOST;
	return memcmp(frame, ethernet->iface->broadcast, ETH_ALEN) ? PACKET_MULTICAST :
	                                                             PACKET_BROADCAST;
}

static bool is_summed(const struct pbuf *frame, unsigned int flags)
{
	return flags & (NETBUF_CHECKSUM_GOOD | NETBUF_CHECKSUM_PARTIAL) &&
	       !frame_is_fragment(frame);
}

static void input(struct ethernet *ethernet, struct netbuf *netbuf)
{
	unsigned int flags = netbuf->flags;
	struct pbuf *frame = frame_to_pbuf(netbuf);
	struct netif *netif = ethernet->netif;
	bool is_control;
	uint8_t type;

	if (!frame || frame_is_short(frame->payload, frame->len)) {
		ethernet->iface->counters.rx_dropped++;
		if (frame)
			stack_pbuf_free(frame);
		return;
	}
	type = packet_type(ethernet, frame->payload);
	if (unlikely(iface_has_taps(ethernet->iface)))
		tap(ethernet, frame, type, flags, NULL);
	if (type == PACKET_OTHERHOST || !netif_is_up(netif)) {
		stack_pbuf_free(frame);
		return;
	}
	if (type == PACKET_MULTICAST) {
		ethernet->iface->counters.multicast++;
		stack_tick_start(STACK_TICK_MULTICAST); /* it may ask for reports */
	}
	stack_tcp_stir();
	netif->chksum_flags = is_summed(frame, flags) ?
	                      ethernet->checks & (uint16_t)~CHECKS_OF_TRANSPORT : ethernet->checks;
	if (load_be16((const uint8_t *)frame->payload + ETH_HLEN - 2) == ETH_P_ARP)
		iface_input_arp(frame, netif);
	is_control = packet_is_control6((uint8_t *)frame->payload + ETH_HLEN,
	                                frame->len - ETH_HLEN);
	if (ethernet_input(frame, netif) != ERR_OK)
		pbuf_free(frame);
	if (is_control)
		path_mtus_raise();
}

void ethernet_received(struct netdev *netdev, struct list *netbufs)
{
	struct ethernet *ethernet;

	stack_lock(&netns_initial);
	ethernet = ethernet_of(netdev);
	while (ethernet && !list_is_empty(netbufs))
		input(ethernet, netbuf_take(netbufs));
	stack_unlock(&netns_initial);
	netbufs_free(netbufs);
}

/* ---- coming and going ------------------------------------------------------------------------ */

int ethernet_attach(struct iface *iface, struct netdev *netdev)
{
	struct ethernet *ethernet = kzalloc(sizeof(*ethernet), ALLOC_KERNEL);
	struct netif *netif = iface->netif;

	if (!ethernet)
		return -ENOMEM;
	ethernet->netdev = netdev;
	ethernet->iface = iface;
	ethernet->netif = netif;
	ethernet->queue_length = QUEUE_LENGTH;
	ethernet->checks = NETIF_CHECKSUM_ENABLE_ALL;
	if (netdev->features & NETDEV_CHECKSUM)
		ethernet->checks &= (uint16_t)~NETIF_CHECKSUM_GEN_TCP;
	list_init(&ethernet->waiting);
	stack_lock(&netns_initial);
	netif->hwaddr_len = ETH_ALEN;
	memcpy(netif->hwaddr, netdev->mac, ETH_ALEN);
	netif->mtu = (uint16_t)netdev->mtu;
	netif->flags |= NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
	                NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
	netif->linkoutput = ethernet_linkoutput;
	netif->chksum_flags = ethernet->checks;
	list_add_tail(&all, &ethernet->link);
	netdev->client_data = ethernet;
	stack_unlock(&netns_initial);
	return 0;
}

void ethernet_detach(struct netdev *netdev)
{
	struct ethernet *ethernet;

	ethernet_flush(netdev);
	stack_lock(&netns_initial);
	ethernet = ethernet_of(netdev);
	netdev->client_data = NULL;
	if (ethernet)
		list_remove(&ethernet->link);
	stack_unlock(&netns_initial);
	kfree(ethernet);
}

void ethernet_set_queue_length(struct netdev *netdev, uint32_t length)
{
	struct ethernet *ethernet;

	stack_lock(&netns_initial);
	ethernet = ethernet_of(netdev);
	if (ethernet)
		ethernet->queue_length = length;
	stack_unlock(&netns_initial);
}

void ethernet_flush(struct netdev *netdev)
{
	struct list dropped = LIST_INIT(dropped);
	struct ethernet *ethernet;

	stack_lock(&netns_initial);
	ethernet = ethernet_of(netdev);
	while (ethernet && !list_is_empty(&ethernet->waiting)) {
		list_add_tail(&dropped, &netbuf_take(&ethernet->waiting)->link);
		ethernet->nr_waiting--;
	}
	stack_unlock(&netns_initial);
	while (!list_is_empty(&dropped)) {
		struct netbuf *netbuf = netbuf_take(&dropped);

		netbuf->done(netbuf);
	}
}
