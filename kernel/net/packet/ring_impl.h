/*
 * Memory that a packet socket shares with its program: ring.c (memory, frames of equal room:
 * TPACKET_V1 and V2) and block.c (blocks that are filled one packet behind the other: TPACKET_V3).
 *
 * Each slot or block belongs to the kernel or to the program, as its status word says. The program
 * may write anything anywhere at any time: nothing is read from the memory but status words, and
 * those are only compared with TP_STATUS_KERNEL.
 *
 * Life: counted; by the socket, and while the timer or its work is on its way, which has a
 * reference to the socket as well. Guards: the socket's lock.
 */
#pragma once

#include "lib/refcount.h"
#include "net/packet/packet_impl.h"
#include "sched/timer.h"
#include "sched/work.h"
#include "vm/backing.h"

struct packet_ring {
	struct backing      backing;
	struct refcount     refs;
	struct packet_sock *sock __const_after_init;
	int                 version __const_after_init;
	uint32_t            block_size, nr_blocks, frame_size, nr_frames __const_after_init;
	uint32_t            reserve, nr_pages __const_after_init;
	uint32_t            head;        /* V1, V2: the frame to be filled next */
	/* V3 */
	uint32_t            private_size, max_frame __const_after_init;
	ns_t                retire_ns __const_after_init;
	uint32_t            block;       /* the one to be filled */
	uint32_t            next, last;  /* in it: where the next packet goes, where the last is */
	uint32_t            nr_packets;
	uint64_t            sequence;
	ns_t                opened, last_time; /* monotonic; of the last packet */
	bool                is_open, is_frozen;
	bool                is_timed;    /* the timer or the work is on its way */
	bool                is_stopped;
	struct timer        timer;
	struct work         work;
	struct page        *pages[] __const_after_init; /* references */
};

/* Where a frame and its parts go in a slot, or from a packet's header on. */
struct packet_layout {
	uint32_t link, network; /* offsets of those headers */
	uint32_t size;          /* bytes of the frame that are kept */
};

/* ---- ring.c ------------------------------------------------------------------------- */

void packet_ring_put(struct packet_ring *ring);
/* Bytes before the link header: struct tpacket*_hdr and struct sockaddr_ll. */
uint32_t packet_ring_header(int version);
struct packet_layout packet_ring_layout(const struct packet_ring *ring,
                                        const struct iface_frame *frame, uint32_t wanted,
                                        uint32_t room);
void packet_ring_write(struct packet_ring *ring, uint64_t offset, const void *from, uint32_t size);
/* Bytes of the frame that the socket sees. */
void packet_ring_write_frame(struct packet_ring *ring, uint64_t offset,
                             const struct iface_frame *frame, uint32_t size);
/* A status word. */
bool packet_ring_is_kernels(const struct packet_ring *ring, uint64_t offset);
void packet_ring_give(struct packet_ring *ring, uint64_t offset, uint32_t status);

/* ---- block.c: the socket's lock held ------------------------------------------------ */

void packet_blocks_init(struct packet_ring *ring, const struct tpacket_req3 *request);
/* Bytes of a block before its first packet. */
uint32_t packet_block_header(uint32_t private_size);
bool packet_blocks_put_locked(struct packet_ring *ring, const struct iface_frame *frame,
                              uint32_t wanted);
bool packet_blocks_are_readable(const struct packet_ring *ring);
