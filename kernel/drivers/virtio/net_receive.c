/*
 * virtio-net: receiving. See net_impl.h.
 *
 * Under load the ring is drained without interrupts, a bounded number of buffers at a time. A
 * device that says impossible things of a frame loses the frame; one that says them of the ring is
 * put out of use (virtqueue.h).
 */
#include "drivers/virtio/net_impl.h"

#include <arch/layout.h>
#include <linux/errno.h>

#include "lib/byteorder.h"
#include "lib/math.h"
#include "mem/buddy.h"

enum { BUFFERS_PER_ROUND = 64, HEADER = sizeof(struct virtio_net_hdr_v1) };

/* ---- buffers --------------------------------------------------------------------------------- */

/* Gives the device another page; with the lock held. */
static int buffer_give(struct net *net, struct page *page)
{
	const struct virtqueue_segment segment = { page_to_phys(page), PAGE_SIZE };
	const struct virtqueue_chain chain = {
		.segments = &segment, .nr_writable = 1, .token = page,
	};
	struct virtqueue *ring = &net->queues[NET_RECEIVE_QUEUE]->ring;
	int err = net->is_gone ? -EIO : virtqueue_add(ring, &chain);

	if (!err)
		net->nr_buffers++;
	return err;
}

/* As many as fit, while there is memory. With the lock held. */
static void fill_locked(struct net *net)
{
	struct virtio_queue *queue = net->queues[NET_RECEIVE_QUEUE];

	while (net->is_open && net->nr_buffers < queue->ring.size) {
		struct page *page = page_alloc(ALLOC_NOWAIT | ALLOC_NOWARN);

		if (!page || buffer_give(net, page)) {
			if (page)
				page_put(page);
			break;
		}
	}
	if (net->is_open && net->nr_buffers < queue->ring.size / 4u)
		work_queue_sleeping(&net->refill);
	if (!net->is_gone)
		virtio_queue_publish(queue);
}

void net_refill(struct work *work)
{
	struct net *net = container_of(work, struct net, refill);
	struct page *page = page_alloc(ALLOC_KERNEL);

	spin_lock(&net->receiving);
	if (!page || !net->is_open || buffer_give(net, page)) {
		if (page)
			page_put(page);
	} else {
		fill_locked(net);
	}
	spin_unlock(&net->receiving);
}

int net_receive_start(struct net *net)
{
	int err;

	spin_lock(&net->receiving);
	net->is_open = true;
	fill_locked(net);
	err = net->is_gone ? -EIO : net->nr_buffers ? 0 : -ENOMEM;
	net->is_open = !err;
	spin_unlock(&net->receiving);
	return err;
}

void net_receive_fail(struct net *net)
{
	struct netbuf *partial;
	struct page *page;

	spin_lock(&net->receiving);
	net->is_open = false;
	while ((page = virtqueue_abandon(&net->queues[NET_RECEIVE_QUEUE]->ring)))
		page_put(page);
	net->nr_buffers = 0;
	partial = net->partial;
	net->partial = NULL;
	spin_unlock(&net->receiving);
	if (partial)
		netbuf_free(partial);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static uint16_t number(__virtio16 value)
{
	return le16_to_cpu((__force __le16)value);
}

/* What the device says of the frame, believed as far as it is possible. */
static void describe(struct netbuf *netbuf, const struct virtio_net_hdr_v1 *header)
{
	uint8_t gso = header->gso_type & ~VIRTIO_NET_HDR_GSO_ECN & 0xff;

	if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		netbuf->flags |= NETBUF_CHECKSUM_PARTIAL;
		netbuf->checksum_start = number(header->csum_start);
		netbuf->checksum_offset = number(header->csum_offset);
	} else if (header->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		netbuf->flags |= NETBUF_CHECKSUM_GOOD;
	}
	netbuf->kind = gso == VIRTIO_NET_HDR_GSO_TCPV4 ? NETBUF_TCP4 :
	               gso == VIRTIO_NET_HDR_GSO_TCPV6 ? NETBUF_TCP6 : NETBUF_PLAIN;
	netbuf->segment_size = netbuf->kind == NETBUF_PLAIN ? 0 : number(header->gso_size);
	netbuf->header_length = netbuf->kind == NETBUF_PLAIN ? 0 : number(header->hdr_len);
}

/* The whole frame is there: do the numbers fit it? */
static bool is_possible(const struct netbuf *netbuf)
{
	if (netbuf->length < NET_FRAME_MIN)
		return false;
	if (netbuf->kind != NETBUF_PLAIN && !netbuf->segment_size)
		return false;
	return !(netbuf->flags & NETBUF_CHECKSUM_PARTIAL) ||
	       netbuf->checksum_start + netbuf->checksum_offset + 2u <= netbuf->length;
}

/* The first buffer of a frame; with the lock held. The page is ours. */
static void frame_begin(struct net *net, struct page *page, uint32_t length)
{
	struct virtio_net_hdr_v1 header = { 0 };
	struct netbuf *netbuf = NULL;

	if (length > HEADER) {
		header = *(const struct virtio_net_hdr_v1 *)page_to_virt(page);
		/* without merging the field means nothing */
		net->nr_missing = virtio_has(net->device, VIRTIO_NET_F_MRG_RXBUF) ?
		                  number(header.num_buffers) : 1;
		netbuf = net->nr_missing ? netbuf_alloc(ALLOC_NOWAIT | ALLOC_NOWARN) : NULL;
	}
	if (!netbuf) {
		page_put(page);
		net->nr_missing -= net->nr_missing != 0;
		net->statistics.received_dropped++;
		return;
	}
	net->nr_missing--;
	describe(netbuf, &header);
	(void)!netbuf_add(netbuf, page, HEADER, length - HEADER);
	net->partial = netbuf;
}

/* Another buffer of a frame, or of one that is being dropped. With the lock held. */
static void frame_continue(struct net *net, struct page *page, uint32_t length)
{
	net->nr_missing--;
	if (net->partial && length && netbuf_add(net->partial, page, 0, length))
		return;
	page_put(page);
	if (!net->partial)
		return;
	netbuf_free(net->partial);
	net->partial = NULL;
	net->statistics.received_errors++;
}

/* The frame if it is whole now, or NULL. With the lock held. */
static struct netbuf *frame_end(struct net *net)
{
	struct netbuf *netbuf = net->nr_missing ? NULL : net->partial;

	if (!netbuf)
		return NULL;
	net->partial = NULL;
	if (!is_possible(netbuf) || !net->is_open) {
		net->statistics.received_errors += net->is_open;
		netbuf_free(netbuf);
		return NULL;
	}
	net->statistics.received_frames++;
	net->statistics.received_bytes += netbuf->length;
	return netbuf;
}

/* Buffers into frames. True: there may be more. With the lock held. */
static bool collect(struct net *net, struct list *frames)
{
	struct virtqueue *ring = &net->queues[NET_RECEIVE_QUEUE]->ring;
	struct virtqueue_used used;
	struct netbuf *whole;
	int n = 0;

	while (n < BUFFERS_PER_ROUND && !net->is_gone && !virtqueue_take(ring, &used)) {
		net->nr_buffers--;
		n++;
		if (net->nr_missing)
			frame_continue(net, used.token, used.length);
		else
			frame_begin(net, used.token, used.length);
		whole = frame_end(net);
		if (whole)
			list_add_tail(frames, &whole->link);
	}
	fill_locked(net);
	return n == BUFFERS_PER_ROUND ||
	       (!net->is_gone && virtqueue_interrupts_on(ring) && !virtqueue_is_broken(ring));
}

void net_receive(struct virtio_queue *queue)
{
	struct net *net = queue->private;
	struct list frames = LIST_INIT(frames);
	bool more;

	spin_lock(&net->receiving);
	more = collect(net, &frames);
	spin_unlock(&net->receiving);
	if (!list_is_empty(&frames))
		netdev_received(&net->netdev, &frames);
	if (more)
		work_queue(&queue->work);
}
