/*
 * packets_impl.h - what packets.c, packets_ip.c and packets_mutate.c share: a frame that grows at
 * its end, and the layers.
 *
 * A layer is begun, filled by what follows, and completed from the inside to the outside by
 * frame_complete(), which writes lengths and checksums where the headers say.
 */
#pragma once

#include <string.h>

#include "packets.h"

enum {
	SLACK = 256,      /* which is written but not sent when a frame is full */
	ETHERNET = 14,
	ARP = 0x0806, IPV4 = 0x0800, IPV6 = 0x86dd, VLAN = 0x8100,
	ICMP = 1, IGMP = 2, TCP = 6, UDP = 17, ROUTING = 43, FRAGMENT = 44, ICMPV6 = 58,
	NO_NEXT = 59, OPTIONS = 60,
	FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32,
};

struct frame {
	uint8_t *data;
	size_t   size;
	size_t   ip;        /* where the outermost IP header begins */
};

static inline uint8_t *frame_add(struct frame *frame, size_t size)
{
	uint8_t *at = frame->data + frame->size;

	if (frame->size + size > PACKET_MAX - SLACK)
		size = PACKET_MAX - SLACK - frame->size;
	memset(at, 0, size);
	frame->size += size;
	return at;
}

static inline void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static inline uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

static inline bool one_in(struct packets *p, uint32_t count)
{
	return packet_random(p, count) == 0;
}

void frame_begin(struct packets *p, struct frame *frame, uint16_t type);
void frame_random_bytes(struct packets *p, struct frame *frame, size_t size);

/* Headers up to the payload; the payload follows by frame_add(). */
void frame_ip4(struct packets *p, struct frame *frame, uint8_t protocol);
void frame_ip6(struct packets *p, struct frame *frame, uint8_t protocol);

/* Lengths and checksums of whatever the frame holds, as far as its headers make sense. */
void frame_complete(struct frame *frame, bool lengths);

/* Bits, bytes, pieces, ends. */
void frame_mutate(struct packets *p, struct frame *frame);

/* One of each family; see packets_ip.c. */
void make_icmp4(struct packets *p, struct frame *frame);
void make_fragment4(struct packets *p, struct frame *frame);
void make_igmp(struct packets *p, struct frame *frame);
void make_udp(struct packets *p, struct frame *frame);
void make_icmp6(struct packets *p, struct frame *frame);
void make_neighbour(struct packets *p, struct frame *frame);
void make_fragment6(struct packets *p, struct frame *frame);
