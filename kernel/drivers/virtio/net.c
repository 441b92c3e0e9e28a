/*
 * virtio-net: the device, and sending. See net_impl.h.
 */
#include <arch/layout.h>
#include <linux/errno.h>

#include "core/printk.h"
#include "core/random.h"
#include "drivers/virtio/drivers.h"
#include "drivers/virtio/net_impl.h"
#include "lib/bits.h"
#include "lib/byteorder.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/page.h"

enum { MTU = 1500, MTU_MIN = 68, MTU_MAX = 65535 };

#define LARGE_RECEIVE (BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6))
#define config_field(device, field) virtio_config_field(device, virtio_net_config, field)

static struct net *to_net(struct netdev *netdev)
{
	return container_of(netdev, struct net, netdev);
}

/* ---- sending --------------------------------------------------------------------------------- */

static __virtio16 wire(uint32_t value)
{
	return (__force __virtio16)cpu_to_le16((uint16_t)value);
}

/* Right before the frame's own head, so that they are one piece. */
static void *header_of(struct netbuf *netbuf)
{
	static_assert(sizeof(struct virtio_net_hdr_v1) <= NETBUF_HEADER_ROOM, "there is room");
	static_assert(offsetof(struct netbuf, head) ==
	              offsetof(struct netbuf, header) + NETBUF_HEADER_ROOM, "one piece");
	return netbuf->head - sizeof(struct virtio_net_hdr_v1);
}

static void header_set(struct netbuf *netbuf)
{
	struct virtio_net_hdr_v1 *header = header_of(netbuf);

	*header = (struct virtio_net_hdr_v1){
		.gso_type = netbuf->kind == NETBUF_TCP4 ? VIRTIO_NET_HDR_GSO_TCPV4 :
		            netbuf->kind == NETBUF_TCP6 ? VIRTIO_NET_HDR_GSO_TCPV6 :
		            VIRTIO_NET_HDR_GSO_NONE,
	};
	if (netbuf->flags & NETBUF_CHECKSUM_PARTIAL) {
		header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		header->csum_start = wire(netbuf->checksum_start);
		header->csum_offset = wire(netbuf->checksum_offset);
	}
	if (netbuf->kind != NETBUF_PLAIN) {
		header->hdr_len = wire(netbuf->header_length);
		header->gso_size = wire(netbuf->segment_size);
	}
}

static int chain_add(struct net *net, struct netbuf *netbuf)
{
	struct virtqueue_segment segments[NETBUF_SEGMENTS_MAX + 1] = {
		{ virt_to_phys(header_of(netbuf)),
		  sizeof(struct virtio_net_hdr_v1) + netbuf->head_length },
	};

	for (unsigned int i = 0; i < netbuf->nr_segments; i++)
		segments[i + 1] = (struct virtqueue_segment){
			page_to_phys(netbuf->segments[i].page) + netbuf->segments[i].offset,
			netbuf->segments[i].length,
		};
	const struct virtqueue_chain chain = {
		.segments = segments, .nr_readable = (uint16_t)(netbuf->nr_segments + 1),
		.token = netbuf,
	};

	return virtqueue_add(&net->queues[NET_TRANSMIT_QUEUE]->ring, &chain);
}

/* What the device has sent, with the lock held; done() is called without. */
static void reclaim(struct net *net, struct list *sent)
{
	struct virtqueue *ring = &net->queues[NET_TRANSMIT_QUEUE]->ring;
	struct virtqueue_used used;

	while (!net->is_gone && !virtqueue_take(ring, &used)) {
		struct netbuf *netbuf = used.token;

		net->statistics.sent_frames++;
		net->statistics.sent_bytes += netbuf->length;
		list_add_tail(sent, &netbuf->link);
		net->has_room = true;
	}
}

/*
 * Whoever takes back the frames whose interrupt was waited for must see to it that the waiting are
 * told, which is not done under the locks of a sender. With the lock held.
 */
static void tell_waiting(struct net *net)
{
	if (net->is_full && net->has_room)
		work_queue(&net->queues[NET_TRANSMIT_QUEUE]->work);
}

static void all_done(struct list *frames)
{
	while (!list_is_empty(frames)) {
		struct netbuf *netbuf = list_first_entry(frames, struct netbuf, link);

		list_remove(&netbuf->link);
		netbuf->done(netbuf);
	}
}

/*
 * Interrupts for what was sent are wanted only while somebody waits for room: frames are taken back
 * when others are sent. With the lock held.
 */
static int chain_add_or_wait(struct net *net, struct netbuf *netbuf, struct list *sent)
{
	int err = chain_add(net, netbuf);

	if (err != -EAGAIN || net->is_full)
		return err;
	net->is_full = true;
	net->has_room = false;
	if (!virtqueue_interrupts_on_later(&net->queues[NET_TRANSMIT_QUEUE]->ring))
		return err;
	reclaim(net, sent);
	err = chain_add(net, netbuf);
	net->is_full = err == -EAGAIN;
	return err;
}

static int net_transmit(struct netdev *netdev, struct netbuf *netbuf)
{
	struct net *net = to_net(netdev);
	struct list sent = LIST_INIT(sent);
	int err;

	header_set(netbuf);
	spin_lock(&net->sending);
	reclaim(net, &sent);
	err = net->is_gone ? -EIO : chain_add_or_wait(net, netbuf, &sent);
	tell_waiting(net);
	net->statistics.sent_dropped += err == -EIO;
	spin_unlock(&net->sending);
	all_done(&sent);
	if (err != -EIO)
		return err;
	netbuf->done(netbuf);
	return 0;
}

static void net_commit(struct netdev *netdev)
{
	struct net *net = to_net(netdev);
	struct list sent = LIST_INIT(sent);

	spin_lock(&net->sending);
	if (!net->is_gone)
		virtio_queue_publish(net->queues[NET_TRANSMIT_QUEUE]);
	reclaim(net, &sent);
	tell_waiting(net);
	spin_unlock(&net->sending);
	all_done(&sent);
}

/* Deferred work of the transmit queue: there is room, or should be. */
static void net_sent(struct virtio_queue *queue)
{
	struct net *net = queue->private;
	struct list sent = LIST_INIT(sent);
	bool again, has_room;

	spin_lock(&net->sending);
	reclaim(net, &sent);
	has_room = net->is_full && net->has_room;
	net->is_full &= !has_room;
	again = net->is_full && !net->is_gone && virtqueue_interrupts_on(&queue->ring) &&
	        !virtqueue_is_broken(&queue->ring);
	spin_unlock(&net->sending);
	all_done(&sent);
	if (has_room)
		netdev_writable(&net->netdev);
	if (again)
		work_queue(&queue->work);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int net_open(struct netdev *netdev)
{
	return net_receive_start(to_net(netdev));
}

/* The buffers stay with the device, which fills them for nobody. */
static void net_close(struct netdev *netdev)
{
	struct net *net = to_net(netdev);

	spin_lock(&net->receiving);
	net->is_open = false;
	spin_unlock(&net->receiving);
}

static void net_statistics(struct netdev *netdev, struct netdev_statistics *out)
{
	struct net *net = to_net(netdev);

	net_commit(netdev); /* counts what was sent meanwhile */
	spin_lock(&net->receiving);
	spin_lock_nested(&net->sending, 1);
	*out = net->statistics;
	spin_unlock(&net->sending);
	spin_unlock(&net->receiving);
}

static const struct netdev_ops net_ops = {
	.open = net_open,
	.close = net_close,
	.transmit = net_transmit,
	.commit = net_commit,
	.statistics = net_statistics,
};

/* ---- the device ------------------------------------------------------------------------------ */

/* Frames beyond a page can be received only in several buffers. */
static uint64_t net_choose(uint64_t offered)
{
	return offered & BIT(VIRTIO_NET_F_MRG_RXBUF) ? offered : offered & ~LARGE_RECEIVE;
}

static bool has_link(struct virtio_device *device)
{
	return !virtio_has(device, VIRTIO_NET_F_STATUS) ||
	       config_field(device, status) & VIRTIO_NET_S_LINK_UP;
}

static void mac_read(struct virtio_device *device, uint8_t mac[MAC_BYTES])
{
	if (virtio_has(device, VIRTIO_NET_F_MAC)) {
		virtio_config_read(device, 0, mac, MAC_BYTES);
		return;
	}
	random_bytes(mac, MAC_BYTES);
	mac[0] = (uint8_t)((mac[0] & ~1u) | 2); /* one station; ours to give */
}

static unsigned int features_of(const struct virtio_device *device)
{
	bool can_sum = virtio_has(device, VIRTIO_NET_F_CSUM);

	return (can_sum ? NETDEV_CHECKSUM : 0) |
	       (can_sum && virtio_has(device, VIRTIO_NET_F_HOST_TSO4) ? NETDEV_TSO4 : 0) |
	       (can_sum && virtio_has(device, VIRTIO_NET_F_HOST_TSO6) ? NETDEV_TSO6 : 0) |
	       (device->features & LARGE_RECEIVE ? NETDEV_LARGE_RECEIVE : 0);
}

static void mtu_read(struct virtio_device *device, struct netdev *netdev)
{
	uint64_t mtu = MTU;

	netdev->max_mtu = virtio_has(device, VIRTIO_NET_F_MRG_RXBUF) ? MTU_MAX : MTU;
	if (virtio_has(device, VIRTIO_NET_F_MTU))
		mtu = config_field(device, mtu);
	if (mtu >= MTU_MIN && mtu <= netdev->max_mtu && virtio_has(device, VIRTIO_NET_F_MTU))
		netdev->max_mtu = (uint32_t)mtu;
	netdev->mtu = min(netdev->max_mtu, (uint32_t)MTU);
}

static int queues_create(struct virtio_device *device, struct net *net)
{
	const struct virtio_queue_params params[] = {
		{ .index = NET_RECEIVE_QUEUE, .name = "input.0", .size = NET_RING_SIZE,
		  .serve = net_receive, .private = net, .cpu = IRQ_ANY_CPU },
		{ .index = NET_TRANSMIT_QUEUE, .name = "output.0", .size = NET_RING_SIZE,
		  .serve = net_sent, .private = net, .cpu = IRQ_ANY_CPU },
	};
	int err = virtio_queues_prepare(device, NET_QUEUES);

	for (unsigned int i = 0; i < NET_QUEUES && !err; i++)
		err = virtio_queue_create(device, &params[i], &net->queues[i]);
	/* a frame of as many pieces as there can be must fit an empty ring */
	if (!err && net->queues[NET_TRANSMIT_QUEUE]->ring.size < NETBUF_SEGMENTS_MAX + 1)
		err = -EINVAL;
	if (!err)
		virtqueue_interrupts_off(&net->queues[NET_TRANSMIT_QUEUE]->ring);
	return err;
}

static int net_probe(struct virtio_device *device)
{
	struct net *net = kzalloc(sizeof(*net), ALLOC_KERNEL);
	int err;

	if (!net)
		return -ENOMEM;
	net->device = device;
	net->netdev.ops = &net_ops;
	net->netdev.features = features_of(device);
	net->netdev.has_link = has_link(device);
	mac_read(device, net->netdev.mac);
	mtu_read(device, &net->netdev);
	spin_lock_init(&net->receiving, RANK_NETDEV);
	spin_lock_init(&net->sending, RANK_NETDEV);
	work_init(&net->refill, net_refill);
	device->private = net;
	err = queues_create(device, net);
	if (err) {
		virtio_device_silence(device);
		kfree(net);
		return err;
	}
	virtio_device_start(device);
	netdev_register(&net->netdev);
	pr_info("virtio-net: %s is %s: %02x:%02x:%02x:%02x:%02x:%02x, MTU %u%s\n", device->name,
	        net->netdev.name, net->netdev.mac[0], net->netdev.mac[1], net->netdev.mac[2],
	        net->netdev.mac[3], net->netdev.mac[4], net->netdev.mac[5], net->netdev.mtu,
	        net->netdev.has_link ? "" : ", no link");
	return 0;
}

static void net_config_changed(struct virtio_device *device)
{
	struct net *net = device->private;

	netdev_set_link(&net->netdev, has_link(device));
}

static void net_broken(struct virtio_device *device)
{
	struct net *net = device->private;
	struct list lost = LIST_INIT(lost);
	struct netbuf *netbuf;

	spin_lock(&net->receiving);
	spin_lock_nested(&net->sending, 1);
	net->is_gone = true;
	while ((netbuf = virtqueue_abandon(&net->queues[NET_TRANSMIT_QUEUE]->ring))) {
		net->statistics.sent_errors++;
		list_add_tail(&lost, &netbuf->link);
	}
	spin_unlock(&net->sending);
	spin_unlock(&net->receiving);
	all_done(&lost);
	net_receive_fail(net);
	netdev_set_link(&net->netdev, false);
}

static void net_remove(struct virtio_device *device)
{
	struct net *net = device->private;

	netdev_unregister(&net->netdev);
	work_drain(); /* refilling */
	kfree(net);
}

const struct virtio_driver virtio_net_driver = {
	.name = "network device",
	.id = VIRTIO_ID_NET,
	.features = BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) |
	            BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) |
	            BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_MAC) |
	            BIT(VIRTIO_NET_F_MTU) | BIT(VIRTIO_NET_F_STATUS) | LARGE_RECEIVE,
	.choose = net_choose,
	.probe = net_probe,
	.config_changed = net_config_changed,
	.broken = net_broken,
	.remove = net_remove,
};
