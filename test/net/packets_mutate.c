/*
 * packets_mutate.c - frames completed (lengths, checksums) and frames spoilt.
 */
#include "packets_impl.h"

static uint32_t sum(uint32_t start, const uint8_t *data, size_t size)
{
	uint32_t total = start;

	for (size_t i = 0; i < size; i++)
		total += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	return total;
}

static uint16_t folded(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

/* The checksum of the transport protocol at data, where that protocol has one. */
static void complete_transport(uint8_t protocol, uint8_t *data, size_t size, uint32_t pseudo,
                               bool lengths)
{
	size_t place = protocol == TCP ? 16 : protocol == UDP ? 6 : 2;

	if (protocol != TCP && protocol != UDP && protocol != ICMP && protocol != IGMP &&
	    protocol != ICMPV6)
		return;
	if (size < place + 2)
		return;
	if (protocol == UDP && lengths)
		put16(data + 4, (uint32_t)size);
	if (protocol == ICMP || protocol == IGMP)
		pseudo = 0;
	put16(data + place, 0);
	put16(data + place, folded(sum(pseudo, data, size)));
}

static void complete_ip4(uint8_t *ip, size_t size, bool lengths)
{
	size_t header = (size_t)(ip[0] & 15) * 4;

	if (header < 20 || header > size)
		return;
	if (lengths)
		put16(ip + 2, (uint32_t)size);
	put16(ip + 10, 0);
	put16(ip + 10, folded(sum(0, ip, header)));
	if (!(get16(ip + 6) & 0x3fff))
		complete_transport(ip[9], ip + header, size - header,
				   sum(ip[9] + (uint32_t)(size - header), ip + 12, 8), lengths);
}

static void complete_ip6(uint8_t *ip, size_t size, bool lengths)
{
	size_t at = 40;
	uint8_t next = ip[6];

	if (size < 40)
		return;
	if (lengths)
		put16(ip + 4, (uint32_t)size - 40);
	while ((next == 0 || next == ROUTING || next == OPTIONS) && at + 8 <= size) {
		next = ip[at];
		at += ((size_t)ip[at + 1] + 1) * 8;
	}
	if (at < size)
		complete_transport(next, ip + at, size - at,
				   sum(next + (uint32_t)(size - at), ip + 8, 32), lengths);
}

void frame_complete(struct frame *frame, bool lengths)
{
	uint8_t *ip = frame->data + frame->ip;

	if (frame->size < frame->ip + 20)
		return;
	if (get16(ip - 2) == IPV4)
		complete_ip4(ip, frame->size - frame->ip, lengths);
	else if (get16(ip - 2) == IPV6)
		complete_ip6(ip, frame->size - frame->ip, lengths);
}

void frame_mutate(struct packets *p, struct frame *frame)
{
	static const uint8_t odd[] = { 0, 1, 2, 4, 7, 8, 0x3f, 0x40, 0x7f, 0x80, 0xfe, 0xff };
	uint32_t size = (uint32_t)frame->size;
	uint32_t at = packet_random(p, size < 90 || one_in(p, 3) ? size : 90);

	switch (packet_random(p, 7)) {
	case 0:
		frame->data[at] ^= (uint8_t)(1u << packet_random(p, 8));
		break;
	case 1:
		frame->data[at] = odd[packet_random(p, sizeof(odd))];
		break;
	case 2:
		frame->data[at] = (uint8_t)packet_random(p, 256);
		break;
	case 3:
		if (at + 2 <= size)
			put16(frame->data + at,
			      get16(frame->data + at) + packet_random(p, 17) - 8u);
		break;
	case 4:
		frame->size = ETHERNET + packet_random(p, size - ETHERNET + 1);
		break;
	case 5:
		frame_random_bytes(p, frame, packet_random(p, 64));
		break;
	default:
		if (at + 16 < size)
			memmove(frame->data + at, frame->data + packet_random(p, size - 15), 15);
		break;
	}
	if (frame->size < ETHERNET)
		frame->size = ETHERNET;
}
