/*
 * Frames as they pass an interface, on their way into packet sockets. See packet_impl.h.
 *
 * Everything here runs under the stack's core lock, in any context.
 */
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/if_ether.h>

#include "dev/netdev.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "net/filter/filter.h"
#include "net/packet/packet_impl.h"
#include "sched/clock.h"

enum {
	HEAD = 128,            /* bytes that a filter finds in one piece */
	LINUX_OVERHEAD = 576,  /* what Linux counts for a packet beside its bytes */
};

/* What a frame carries: a length in the place of the protocol is an old kind. */
static __be16 protocol_of(const struct iface_frame *frame)
{
	return be16_to_cpu(frame->protocol) >= ETH_P_802_3_MIN ? frame->protocol
							       : cpu_to_be16(ETH_P_802_2);
}

/* Does the socket look at such frames? What it has sent itself it does not see. */
static bool is_concerned(const struct packet_sock *sock, const struct iface_frame *frame)
{
	__be16 protocol = READ_ONCE(sock->protocol);

	if (protocol != cpu_to_be16(ETH_P_ALL) && protocol != protocol_of(frame))
		return false;
	if (frame->packet_type != PACKET_OUTGOING)
		return true;
	return protocol == cpu_to_be16(ETH_P_ALL) && !sock->ignores_outgoing &&
	       !(frame->netbuf && frame->netbuf->private == sock);
}

static uint32_t frame_copy(const struct bpf_packet *packet, uint32_t offset, void *to,
                           uint32_t size)
{
	return iface_frame_copy(packet->owner, offset, to, size);
}

/* Bytes that the socket's filter leaves, of those that it sees. */
static uint32_t wanted_of(const struct packet_sock *sock, const struct iface_frame *frame)
{
	uint32_t skipped = packet_skipped(sock, frame);
	uint8_t head[HEAD];
	struct bpf_packet packet;

	if (frame->length <= skipped)
		return 0;
	if (!socket_has_filter(&sock->socket))
		return frame->length - skipped;
	packet = (struct bpf_packet){
		.head = head,
		.nr_head = iface_frame_copy(frame, 0, head, min(frame->length, (uint32_t)HEAD)),
		.size = frame->length,
		.data = skipped,
		.link = 0,
		.network = (int32_t)frame->header_length,
		.copy = frame_copy,
		.owner = frame,
		.iface = frame->iface->index,
		.hardware_type = frame->iface->type,
		.protocol = be16_to_cpu(protocol_of(frame)),
		.packet_type = frame->packet_type,
		.cpu = cpu_id(),
	};
	return socket_filter_run(&sock->socket, &packet);
}

uint32_t packet_frame_status(const struct iface_frame *frame)
{
	uint32_t status = TP_STATUS_USER;

	if (frame->needs_checksum)
		status |= TP_STATUS_CSUMNOTREADY;
	else if (frame->packet_type != PACKET_OUTGOING && frame->has_good_checksum)
		status |= TP_STATUS_CSUM_VALID;
	return status;
}

void packet_frame_name(const struct iface_frame *frame, struct sockaddr_ll *out)
{
	struct ethhdr header = { .h_proto = 0 };

	if (iface_frame_copy(frame, 0, &header, sizeof(header)) < sizeof(header))
		memset(&header, 0, sizeof(header));
	*out = (struct sockaddr_ll){
		.sll_family = AF_PACKET,
		.sll_protocol = protocol_of(frame),
		.sll_ifindex = (int)frame->iface->index,
		.sll_hatype = frame->iface->type,
		.sll_pkttype = frame->packet_type,
		.sll_halen = ETH_ALEN,
	};
	memcpy(out->sll_addr, header.h_source, ETH_ALEN);
}

/* ---- into the queue ----------------------------------------------------------------- */

static struct packet_captured *capture(const struct packet_sock *sock,
                                       const struct iface_frame *frame, uint32_t wanted)
{
	uint32_t skipped = packet_skipped(sock, frame);
	struct packet_captured *captured =
		kmalloc(sizeof(*captured) + wanted, ALLOC_ATOMIC | ALLOC_NOWARN);

	if (!captured)
		return NULL;
	packet_frame_name(frame, &captured->from);
	captured->arrival = (struct message_arrival){
		.time = socket_wants_time(&sock->socket) ? clock_realtime() : 0,
	};
	captured->length = frame->length - skipped;
	captured->network = frame->header_length - skipped;
	captured->status = packet_frame_status(frame);
	captured->charge = wanted + LINUX_OVERHEAD;
	captured->size = iface_frame_copy(frame, skipped, captured->bytes, wanted);
	return captured;
}

static bool queue_put(struct packet_sock *sock, const struct iface_frame *frame, uint32_t wanted)
{
	struct packet_captured *captured = NULL;
	bool is_taken;

	if (READ_ONCE(sock->charged) < READ_ONCE(sock->socket.receive_buffer))
		captured = capture(sock, frame, wanted);
	spin_lock(&sock->lock);
	is_taken = captured;
	if (is_taken) {
		captured->arrival.drops = sock->socket.drops;
		list_add_tail(&sock->queue, &captured->link);
		sock->nr_queued++;
		sock->charged += captured->charge;
		sock->nr_frames++;
	} else {
		sock->nr_dropped++;
		sock->socket.drops++;
	}
	spin_unlock(&sock->lock);
	return is_taken;
}

/* False: the socket has no ring. */
static bool ring_put(struct packet_sock *sock, const struct iface_frame *frame, uint32_t wanted,
                     bool *is_taken)
{
	bool has_ring;

	spin_lock(&sock->lock);
	has_ring = sock->ring;
	if (has_ring) {
		*is_taken = packet_ring_put_locked(sock, frame, wanted);
		if (*is_taken)
			sock->nr_frames++;
		else
			sock->nr_dropped++;
	}
	spin_unlock(&sock->lock);
	return has_ring;
}

void packet_tap_frame(struct iface_tap *tap, const struct iface_frame *frame)
{
	struct packet_sock *sock = container_of(tap, struct packet_sock, tap);
	bool is_taken;
	uint32_t wanted;

	if (!is_concerned(sock, frame))
		return;
	wanted = wanted_of(sock, frame);
	if (!wanted)
		return;
	if (!ring_put(sock, frame, wanted, &is_taken))
		is_taken = queue_put(sock, frame, wanted);
	if (is_taken)
		wake_up_sync_key(&sock->readable, EPOLLIN | EPOLLRDNORM);
}
