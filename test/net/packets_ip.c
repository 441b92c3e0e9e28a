/*
 * packets_ip.c - IPv4 and IPv6 and what lies over them, but TCP: options and extension headers,
 * fragments, ICMP that quotes, IGMP and MLD, neighbour discovery, DHCP, DNS.
 */
#include "packets_impl.h"

static void add_ip4_options(struct packets *p, struct frame *frame)
{
	size_t begin = frame->size;
	uint8_t *at;

	while (frame->size - begin < 32 && !one_in(p, 3)) {
		static const uint8_t kinds[] = { 0, 1, 7, 68, 131, 137, 148, 200 };
		uint8_t kind = kinds[packet_random(p, sizeof(kinds))];

		at = frame_add(frame, kind < 2 ? 1 : 4);
		at[0] = kind;
		if (kind >= 2) {
			at[1] = one_in(p, 6) ? (uint8_t)packet_random(p, 256) : 4;
			at[2] = 4;
		}
	}
	while ((frame->size - begin) % 4)
		frame_add(frame, 1);
}

void frame_ip4(struct packets *p, struct frame *frame, uint8_t protocol)
{
	uint8_t *at = frame_add(frame, 20);

	put16(at + 4, packet_random(p, 8));
	at[8] = one_in(p, 20) ? (uint8_t)packet_random(p, 3) : 64;
	at[9] = protocol;
	memcpy(at + 12, p->own_ip4, 4);
	memcpy(at + 16, p->ip4, 4);
	if (one_in(p, 20))
		put32(at + 12, packet_random(p, UINT32_MAX));
	if (one_in(p, 20)) {
		static const uint32_t odd[] = { 0xffffffff, 0xe0000001, 0x0a4d00ff, 0x7f000001, 0 };
		put32(at + 16, odd[packet_random(p, 5)]);
	}
	if (one_in(p, 8))
		add_ip4_options(p, frame);
	at[0] = (uint8_t)(0x40 | (frame->size - frame->ip) / 4);
}

/* A chain of extension headers that ends in the protocol. */
static void add_ip6_headers(struct packets *p, struct frame *frame, uint8_t *next, uint8_t protocol)
{
	static const uint8_t kinds[] = { 0, ROUTING, OPTIONS, FRAGMENT, 51, NO_NEXT, 135 };

	for (uint32_t count = packet_random(p, 6); count > 0; count--) {
		uint8_t kind = kinds[packet_random(p, sizeof(kinds))];
		uint8_t units = (uint8_t)packet_random(p, 3), *at;

		*next = kind;
		at = frame_add(frame, kind == FRAGMENT ? 8 : 8u * (units + 1u));
		next = at;
		if (kind == FRAGMENT)
			continue;
		at[1] = one_in(p, 10) ? (uint8_t)packet_random(p, 256) : units;
		at[2] = (uint8_t)packet_random(p, 8);
		at[3] = one_in(p, 5) ? (uint8_t)packet_random(p, 256) : 4;
	}
	*next = protocol;
}

void frame_ip6(struct packets *p, struct frame *frame, uint8_t protocol)
{
	uint8_t *at = frame_add(frame, 40);

	at[0] = 0x60;
	at[6] = protocol;
	at[7] = one_in(p, 20) ? (uint8_t)packet_random(p, 3) : 64;
	memcpy(at + 8, p->own_ip6, 16);
	memcpy(at + 24, one_in(p, 4) ? p->link_local : p->ip6, 16);
	if (one_in(p, 20)) {
		memset(at + 24, 0, 16);
		at[24] = 0xff;
		at[25] = (uint8_t)(1 + packet_random(p, 5));
		at[39] = (uint8_t)(1 + packet_random(p, 2));
	}
	if (one_in(p, 30))
		memset(at + 8, 0, 16);
	if (one_in(p, 6))
		add_ip6_headers(p, frame, at + 6, protocol);
}

/* What the target is said to have sent: the beginning of one of its segments or datagrams. */
static void add_quote4(struct packets *p, struct frame *frame)
{
	const struct packet_flow *flow = &p->flows[packet_random(p, PACKET_FLOWS)];
	uint8_t *at = frame_add(frame, 28);

	at[0] = 0x45;
	put16(at + 2, 40);
	at[8] = 60;
	at[9] = one_in(p, 2) ? TCP : UDP;
	memcpy(at + 12, p->ip4, 4);
	memcpy(at + 16, p->own_ip4, 4);
	put16(at + 20, flow->port);
	put16(at + 22, flow->own_port);
	put32(at + 24, flow->ack - packet_random(p, 3000));
}

void make_icmp4(struct packets *p, struct frame *frame)
{
	static const uint8_t kinds[] = { 8, 8, 0, 3, 3, 4, 5, 11, 12, 13, 17 };
	uint8_t *at;

	frame_begin(p, frame, IPV4);
	frame_ip4(p, frame, ICMP);
	at = frame_add(frame, 8);
	at[0] = kinds[packet_random(p, sizeof(kinds))];
	at[1] = (uint8_t)packet_random(p, one_in(p, 4) ? 256 : 5);
	put32(at + 4, one_in(p, 2) ? packet_random(p, UINT32_MAX) : packet_random(p, 2000));
	if (at[0] == 3 || at[0] == 5 || at[0] == 11 || at[0] == 12)
		add_quote4(p, frame);
	else
		frame_random_bytes(p, frame, packet_random(p, 1400));
}

/* Few identifiers and offsets, so that pieces meet, overlap, and leave gaps. */
void make_fragment4(struct packets *p, struct frame *frame)
{
	uint8_t *ip;

	frame_begin(p, frame, IPV4);
	frame_ip4(p, frame, one_in(p, 2) ? UDP : ICMP);
	ip = frame->data + frame->ip;
	put16(ip + 6, (one_in(p, 3) ? 0u : 0x2000u) |
		      packet_random(p, one_in(p, 10) ? 0x2000 : 24));
	frame_random_bytes(p, frame, one_in(p, 4) ? packet_random(p, 64)
						  : 8 * (1 + packet_random(p, 12)));
}

void make_igmp(struct packets *p, struct frame *frame)
{
	static const uint8_t kinds[] = { 0x11, 0x11, 0x12, 0x16, 0x17, 0x22, 0x13 };
	uint8_t *at;

	frame_begin(p, frame, IPV4);
	frame_ip4(p, frame, IGMP);
	frame->data[frame->ip + 8] = 1;
	put32(frame->data + frame->ip + 16, 0xe0000001);
	at = frame_add(frame, 8);
	at[0] = kinds[packet_random(p, sizeof(kinds))];
	at[1] = (uint8_t)packet_random(p, 256);
	put32(at + 4, one_in(p, 2) ? 0 : 0xe0000000 + packet_random(p, 300));
	frame_random_bytes(p, frame, one_in(p, 2) ? 0 : packet_random(p, 40));
}

static void add_dhcp(struct packets *p, struct frame *frame)
{
	uint8_t *at = frame_add(frame, 240);

	at[0] = 2;
	at[1] = 1;
	at[2] = 6;
	put32(at + 4, packet_random(p, UINT32_MAX));
	memcpy(at + 16, p->ip4, 4);
	memcpy(at + 28, p->mac, 6);
	put32(at + 236, 0x63825363);
	for (int i = 0; i < 8; i++) {
		uint8_t size = (uint8_t)packet_random(p, 12);

		at = frame_add(frame, 2);
		at[0] = i ? (uint8_t)packet_random(p, 256) : 53;
		at[1] = one_in(p, 10) ? (uint8_t)packet_random(p, 256) : size;
		frame_random_bytes(p, frame, size);
	}
	frame_add(frame, 1)[0] = 255;
}

static void add_dns(struct packets *p, struct frame *frame)
{
	uint8_t *at = frame_add(frame, 12);

	put16(at, packet_random(p, 65536));
	put16(at + 2, 0x8180);
	for (int i = 4; i < 12; i += 2)
		put16(at + i, packet_random(p, 3));
	for (uint32_t count = packet_random(p, 6); count > 0; count--) {
		at = frame_add(frame, 2);
		put16(at, one_in(p, 2) ? 0xc000 + packet_random(p, 300) : 0x0161);
		frame_random_bytes(p, frame, packet_random(p, 14));
	}
}

void make_udp(struct packets *p, struct frame *frame)
{
	static const uint16_t from[] = { 67, 53, 123, 5353, 7, 40000 };
	bool six = one_in(p, 3);
	uint32_t kind = packet_random(p, 6);
	uint8_t *at;

	frame_begin(p, frame, six ? IPV6 : IPV4);
	(six ? frame_ip6 : frame_ip4)(p, frame, UDP);
	at = frame_add(frame, 8);
	put16(at, from[kind]);
	put16(at + 2, kind == 0 ? 68 : one_in(p, 4) ? packet_random(p, 65536)
						    : p->ports[packet_random(p, PACKET_PORTS)]);
	if (kind == 0)
		add_dhcp(p, frame);
	else if (kind == 1)
		add_dns(p, frame);
	else
		frame_random_bytes(p, frame, packet_random(p, 1400));
}

void make_icmp6(struct packets *p, struct frame *frame)
{
	static const uint8_t kinds[] = { 128, 128, 129, 1, 2, 2, 3, 4, 130, 131, 132, 143, 200 };
	const struct packet_flow *flow = &p->flows[packet_random(p, PACKET_FLOWS)];
	uint8_t *at;

	frame_begin(p, frame, IPV6);
	frame_ip6(p, frame, ICMPV6);
	at = frame_add(frame, 8);
	at[0] = kinds[packet_random(p, sizeof(kinds))];
	at[1] = (uint8_t)packet_random(p, 4);
	put32(at + 4, packet_random(p, 2000));
	if (at[0] >= 128) {
		frame_random_bytes(p, frame, packet_random(p, 1200));
		return;
	}
	at = frame_add(frame, 48);
	at[0] = 0x60;
	at[6] = TCP;
	memcpy(at + 8, p->ip6, 16);
	memcpy(at + 24, p->own_ip6, 16);
	put16(at + 40, flow->port);
	put16(at + 42, flow->own_port);
}

static void add_nd_option(struct packets *p, struct frame *frame)
{
	static const uint8_t sizes[] = { 0, 1, 1, 4, 6, 1, 2, 1 };
	uint8_t kind = (uint8_t)(1 + packet_random(p, 7)), *at;

	at = frame_add(frame, 8u * sizes[kind]);
	at[0] = kind == 6 ? 25 : kind == 7 ? 24 : kind;
	at[1] = one_in(p, 12) ? (uint8_t)packet_random(p, 256) : sizes[kind];
	if (kind <= 2)
		memcpy(at + 2, p->own_mac, 6);
	if (kind == 5)
		put32(at + 4, packet_random(p, 3000));
	if (kind == 3) {
		at[2] = one_in(p, 4) ? (uint8_t)packet_random(p, 129) : 64;
		at[3] = 0xc0;
		put32(at + 4, packet_random(p, 100));
		put32(at + 8, packet_random(p, 100));
		memcpy(at + 16, p->own_ip6, 8);
		at[19] = (uint8_t)packet_random(p, 20);
	}
}

/* Solicitations and advertisements of routers and neighbours, redirects. */
void make_neighbour(struct packets *p, struct frame *frame)
{
	static const uint8_t bodies[] = { 8, 16, 24, 24, 40 };
	uint32_t kind = packet_random(p, 5);
	uint8_t *at;

	frame_begin(p, frame, IPV6);
	frame_ip6(p, frame, ICMPV6);
	at = frame->data + frame->ip;
	at[7] = 255;
	if (!one_in(p, 3)) {
		memset(at + 8, 0, 16);
		at[8] = 0xfe;
		at[9] = 0x80;
		at[23] = (uint8_t)(1 + packet_random(p, 3));
	}
	at = frame_add(frame, bodies[kind]);
	at[0] = (uint8_t)(133 + kind);
	at[4] = (uint8_t)packet_random(p, 256);
	if (kind == 1)
		put16(at + 6, packet_random(p, 3) * 600);
	if (kind >= 2)
		memcpy(at + 8, one_in(p, 2) ? p->ip6 : p->own_ip6, 16);
	for (uint32_t count = packet_random(p, 4); count > 0; count--)
		add_nd_option(p, frame);
}

void make_fragment6(struct packets *p, struct frame *frame)
{
	uint8_t *at;

	frame_begin(p, frame, IPV6);
	frame_ip6(p, frame, FRAGMENT);
	at = frame_add(frame, 8);
	at[0] = one_in(p, 2) ? UDP : ICMPV6;
	put16(at + 2, packet_random(p, one_in(p, 10) ? 0x2000 : 24) << 3 | !one_in(p, 3));
	put32(at + 4, packet_random(p, 8));
	frame_random_bytes(p, frame, one_in(p, 4) ? packet_random(p, 64)
						  : 8 * (1 + packet_random(p, 12)));
}
