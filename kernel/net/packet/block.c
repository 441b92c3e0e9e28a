/*
 * Blocks of TPACKET_V3: packets lie one behind the other in a block, which is given to the program
 * when it is full, or a while after it was opened. See ring_impl.h.
 */
#include <linux/eventpoll.h>

#include "lib/math.h"
#include "net/packet/ring_impl.h"
#include "sched/clock.h"

enum {
	BLOCK_ALIGNMENT = 8,
	RETIRE_DEFAULT_MS = 8,
	DESCRIPTOR = 48, /* struct tpacket_block_desc, aligned */
	STATUS = offsetof(struct tpacket_block_desc, hdr.bh1.block_status),
};

static_assert(sizeof(struct tpacket_block_desc) <= DESCRIPTOR, "");

uint32_t packet_block_header(uint32_t private_size)
{
	return DESCRIPTOR + align_up(private_size, (uint32_t)BLOCK_ALIGNMENT);
}

static uint64_t block_offset(const struct packet_ring *ring, uint32_t block)
{
	return (uint64_t)block * ring->block_size;
}

bool packet_blocks_are_readable(const struct packet_ring *ring)
{
	uint32_t before = (ring->block ? ring->block : ring->nr_blocks) - 1;

	return !packet_ring_is_kernels(ring, block_offset(ring, before) + STATUS);
}

/* ---- opening and closing ------------------------------------------------------------ */

/* One reference each to the ring and its socket go with the timer, and then the work. */
static void timer_need(struct packet_ring *ring)
{
	if (ring->is_timed || ring->is_stopped)
		return;
	ring->is_timed = true;
	refcount_get(&ring->refs);
	socket_get(&ring->sock->socket);
	timer_start(&ring->timer, ring->opened + ring->retire_ns);
}

/* The next block, if the program has given it back. */
static bool block_open(struct packet_ring *ring)
{
	if (!packet_ring_is_kernels(ring, block_offset(ring, ring->block) + STATUS)) {
		if (!ring->is_frozen)
			ring->sock->nr_freezes++;
		ring->is_frozen = true;
		return false;
	}
	ring->is_frozen = false;
	ring->is_open = true;
	ring->next = packet_block_header(ring->private_size);
	ring->nr_packets = 0;
	ring->opened = clock_monotonic();
	timer_need(ring);
	return true;
}

static struct tpacket_bd_ts time_of(ns_t time)
{
	return (struct tpacket_bd_ts){
		.ts_sec = (uint32_t)(time / NS_PER_SEC),
		.ts_nsec = (uint32_t)(time % NS_PER_SEC),
	};
}

static void block_close(struct packet_ring *ring, uint32_t reason)
{
	uint64_t at = block_offset(ring, ring->block);
	ns_t first = ring->last_time - (clock_monotonic() - ring->opened);
	uint32_t status = TP_STATUS_USER | reason, end = 0;
	const struct tpacket_block_desc block = {
		.version = TPACKET_V3,
		.offset_to_priv = DESCRIPTOR,
		.hdr.bh1 = {
			.num_pkts = ring->nr_packets,
			.offset_to_first_pkt = packet_block_header(ring->private_size),
			.blk_len = ring->next,
			.seq_num = ++ring->sequence,
			.ts_first_pkt = time_of(max(first, (ns_t)0)),
			.ts_last_pkt = time_of(ring->last_time),
		},
	};

	if (ring->sock->nr_dropped)
		status |= TP_STATUS_LOSING;
	/* behind the last packet comes none */
	packet_ring_write(ring, at + ring->last, &end, sizeof(end));
	packet_ring_write(ring, at, &block, sizeof(block));
	packet_ring_give(ring, at + STATUS, status);
	ring->block = (ring->block + 1) % ring->nr_blocks;
	ring->is_open = false;
}

/* ---- packets ------------------------------------------------------------------------ */

static void packet_describe(struct packet_ring *ring, uint64_t at, const struct iface_frame *frame,
                            const struct packet_layout *layout, uint32_t next)
{
	ns_t now = clock_realtime();
	const struct tpacket3_hdr header = {
		.tp_next_offset = next,
		.tp_sec = (uint32_t)(now / NS_PER_SEC),
		.tp_nsec = (uint32_t)(now % NS_PER_SEC),
		.tp_snaplen = layout->size,
		.tp_len = frame->length - packet_skipped(ring->sock, frame),
		.tp_status = packet_frame_status(frame) | TP_STATUS_TS_SOFTWARE,
		.tp_mac = (uint16_t)layout->link,
		.tp_net = (uint16_t)layout->network,
	};
	struct sockaddr_ll from;

	packet_frame_name(frame, &from);
	packet_ring_write(ring, at, &header, sizeof(header));
	packet_ring_write(ring, at + TPACKET_ALIGN(sizeof(header)), &from, sizeof(from));
	ring->last_time = now;
}

bool packet_blocks_put_locked(struct packet_ring *ring, const struct iface_frame *frame,
                              uint32_t wanted)
{
	struct packet_layout layout = packet_ring_layout(ring, frame, wanted, ring->max_frame);
	uint32_t size = align_up(layout.link + layout.size, (uint32_t)BLOCK_ALIGNMENT);
	uint64_t at;

	if (ring->is_open && ring->next + size >= ring->block_size)
		block_close(ring, 0);
	if (!ring->is_open && !block_open(ring))
		return false;
	at = block_offset(ring, ring->block) + ring->next;
	packet_describe(ring, at, frame, &layout, size);
	packet_ring_write_frame(ring, at + layout.link, frame, layout.size);
	ring->last = ring->next;
	ring->next += size;
	ring->nr_packets++;
	return true;
}

/* ---- time --------------------------------------------------------------------------- */

/* True: the block has waited long enough, and the program has something to read. Lock held. */
static bool block_retire(struct packet_ring *ring)
{
	bool is_due;

	ring->is_timed = false;
	if (ring->is_stopped || !ring->is_open)
		return false;
	is_due = clock_monotonic() >= ring->opened + ring->retire_ns;
	if (is_due)
		block_close(ring, TP_STATUS_BLK_TMO);
	else
		timer_need(ring); /* it is another block than the one that the timer was for */
	return is_due;
}

static void retire_work(struct work *work)
{
	struct packet_ring *ring = container_of(work, struct packet_ring, work);
	struct packet_sock *sock = ring->sock;
	bool is_due;

	spin_lock(&sock->lock);
	is_due = block_retire(ring);
	spin_unlock(&sock->lock);
	if (is_due)
		wake_up_sync_key(&sock->readable, EPOLLIN | EPOLLRDNORM);
	packet_ring_put(ring);
	socket_put(&sock->socket);
}

static void retire_timer(struct timer *timer)
{
	work_queue(&container_of(timer, struct packet_ring, timer)->work);
}

void packet_blocks_init(struct packet_ring *ring, const struct tpacket_req3 *request)
{
	uint32_t retire_ms = request->tp_retire_blk_tov;

	ring->private_size = request->tp_sizeof_priv;
	ring->max_frame = ring->block_size - packet_block_header(ring->private_size);
	ring->retire_ns = (retire_ms ? retire_ms : RETIRE_DEFAULT_MS) * NS_PER_MSEC;
	timer_init(&ring->timer, retire_timer);
	work_init(&ring->work, retire_work);
}
