/*
 * packets.c - frames and what is heard: Ethernet, ARP, TCP and the choice among all kinds. The
 * other protocols are in packets_ip.c, how frames are spoilt in packets_mutate.c.
 */
#include "packets_impl.h"

uint32_t packet_random(struct packets *p, uint32_t limit)
{
	uint64_t x = p->random += 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return (uint32_t)((x ^ (x >> 31)) % limit);
}

void packets_init(struct packets *p, uint64_t seed, const uint8_t mac[6],
                  const uint16_t ports[PACKET_PORTS])
{
	static const uint8_t prefix[16] = { 0xfd, 0, 0, 0x77 }, link[16] = { 0xfe, 0x80 };

	*p = (struct packets){ .random = seed * 0xd1b54a32d192ed03,
			       .own_mac = { 2, 0, 0, 0, 0x77, 1 },
			       .own_ip4 = { 10, 77, 0, 1 }, .ip4 = { 10, 77, 0, 2 } };
	memcpy(p->mac, mac, 6);
	memcpy(p->own_ip6, prefix, 16);
	memcpy(p->ip6, prefix, 16);
	p->own_ip6[15] = 1;
	p->ip6[15] = 2;
	memcpy(p->link_local, link, 16);
	memcpy(p->link_local + 8, mac, 3);
	p->link_local[8] ^= 2;
	p->link_local[11] = 0xff;
	p->link_local[12] = 0xfe;
	memcpy(p->link_local + 13, mac + 3, 3);
	memcpy(p->ports, ports, sizeof(p->ports));
}

void frame_begin(struct packets *p, struct frame *frame, uint16_t type)
{
	uint8_t *at;

	frame->size = 0;
	at = frame_add(frame, ETHERNET);
	if (one_in(p, 40))
		memset(at, 0xff, 6);
	else
		memcpy(at, p->mac, 6);
	memcpy(at + 6, p->own_mac, 6);
	put16(at + 12, type);
	frame->ip = frame->size;
	if (one_in(p, 60)) {
		put16(at + 12, VLAN);
		put16(frame_add(frame, 4) + 2, type);
		frame->ip = frame->size;
	}
}

void frame_random_bytes(struct packets *p, struct frame *frame, size_t size)
{
	uint8_t *at = frame_add(frame, size);

	for (size_t i = 0; at + i < frame->data + frame->size; i++)
		at[i] = (uint8_t)packet_random(p, 256);
}

static void make_arp(struct packets *p, struct frame *frame)
{
	uint8_t *at;

	frame_begin(p, frame, ARP);
	at = frame_add(frame, 28);
	put16(at, 1);
	put16(at + 2, IPV4);
	at[4] = 6;
	at[5] = 4;
	put16(at + 6, 1 + packet_random(p, 2));
	memcpy(at + 8, p->own_mac, 6);
	memcpy(at + 14, p->own_ip4, 4);
	if (one_in(p, 3))
		at[17] = (uint8_t)packet_random(p, 256);
	memcpy(at + 18, p->mac, 6);
	memcpy(at + 24, one_in(p, 8) ? p->own_ip4 : p->ip4, 4);
	frame_add(frame, packet_random(p, 20));
}

static void make_rubbish(struct packets *p, struct frame *frame)
{
	frame_begin(p, frame, (uint16_t)packet_random(p, 65536));
	frame_random_bytes(p, frame, packet_random(p, 300));
}

/* ---- TCP ------------------------------------------------------------------------------------ */

static void add_option(struct packets *p, struct frame *frame)
{
	uint8_t kind = (uint8_t)packet_random(p, 9), *at;
	static const uint8_t sizes[9] = { 1, 1, 4, 3, 2, 10, 6, 6, 10 };

	at = frame_add(frame, sizes[kind]);
	at[0] = kind;
	if (sizes[kind] == 1)
		return;
	at[1] = sizes[kind];
	for (int i = 2; i < sizes[kind]; i++)
		at[i] = (uint8_t)packet_random(p, 256);
	if (kind == 3)
		at[2] %= 16;
	if (one_in(p, 20))
		at[1] = (uint8_t)packet_random(p, 256);
}

static void add_tcp(struct packets *p, struct frame *frame, const struct packet_flow *flow,
                    uint8_t flags)
{
	size_t begin = frame->size;
	uint8_t *at = frame_add(frame, 20);

	put16(at, flow->own_port);
	put16(at + 2, flow->port);
	put32(at + 4, flow->seq);
	put32(at + 8, flags & ACK ? flow->ack : 0);
	at[13] = flags;
	put16(at + 14, one_in(p, 10) ? packet_random(p, 3) : 1000 + packet_random(p, 64000));
	for (uint32_t count = packet_random(p, 4); count > 0 && frame->size - begin < 40; count--)
		add_option(p, frame);
	while ((frame->size - begin) % 4)
		frame_add(frame, 1)[0] = (uint8_t)packet_random(p, 2);
	at[12] = (uint8_t)((frame->size - begin) / 4 << 4);
}

static void begin_ip(struct packets *p, struct frame *frame, bool six, uint8_t protocol)
{
	frame_begin(p, frame, six ? IPV6 : IPV4);
	(six ? frame_ip6 : frame_ip4)(p, frame, protocol);
}

static struct packet_flow *choose_flow(struct packets *p)
{
	struct packet_flow *flow = &p->flows[packet_random(p, PACKET_FLOWS)];

	if (!flow->port || (!flow->live && one_in(p, 60)) || one_in(p, 500))
		*flow = (struct packet_flow){
			.six = one_in(p, 3),
			.own_port = (uint16_t)(1024 + packet_random(p, 60000)),
			.port = p->ports[packet_random(p, PACKET_PORTS)],
			.seq = packet_random(p, UINT32_MAX),
		};
	return flow;
}

static uint8_t choose_flags(struct packets *p, const struct packet_flow *flow)
{
	static const uint8_t usual[] = { ACK, ACK, ACK, ACK | PSH, ACK | PSH, ACK | FIN, RST,
					 ACK | RST, SYN, SYN | ACK, ACK | URG };

	if (one_in(p, 25))
		return (uint8_t)packet_random(p, 256);
	if (!flow->live)
		return SYN;
	return one_in(p, 4) ? usual[packet_random(p, sizeof(usual))] : ACK;
}

/* Mostly what continues the connection; sometimes early, late, twice, or elsewhere. */
static void make_tcp(struct packets *p, struct frame *frame)
{
	struct packet_flow *flow = choose_flow(p), seen = *flow;
	uint8_t flags = choose_flags(p, flow);
	size_t size = !flow->live || one_in(p, 4) ? 0 : packet_random(p, 1400);

	if (flow->live && one_in(p, 4))
		seen.seq += packet_random(p, 6000) - 3000u;
	if (flow->live && one_in(p, 6))
		seen.ack += packet_random(p, 6000) - 3000u;
	if (one_in(p, 50))
		seen.seq = packet_random(p, UINT32_MAX);
	begin_ip(p, frame, flow->six, TCP);
	add_tcp(p, frame, &seen, flags);
	frame_random_bytes(p, frame, size);
	if (flow->live && seen.seq == flow->seq && !one_in(p, 5))
		flow->seq += (uint32_t)size + !!(flags & FIN);
	if (flags & RST && one_in(p, 2))
		flow->live = false;
}

static void learn_tcp(struct packets *p, const uint8_t *tcp, size_t size, bool six)
{
	size_t header = size >= 20 ? (size_t)(tcp[12] >> 4) * 4 : 0;

	for (int i = 0; header >= 20 && header <= size && i < PACKET_FLOWS; i++) {
		struct packet_flow *flow = &p->flows[i];

		if (flow->six != six || flow->own_port != get16(tcp + 2) ||
		    flow->port != get16(tcp))
			continue;
		if (tcp[13] & RST) {
			flow->live = false;
			return;
		}
		if ((tcp[13] & (SYN | ACK)) == (SYN | ACK) && !flow->live) {
			flow->live = true;
			p->nr_live++;
			flow->seq = get32(tcp + 8);
		}
		flow->ack = get32(tcp + 4) + (uint32_t)(size - header) + !!(tcp[13] & (SYN | FIN));
		return;
	}
}

/* ---- what is heard -------------------------------------------------------------------------- */

static size_t answer_arp(struct packets *p, const uint8_t *arp, struct frame *frame)
{
	uint8_t *at;

	if (get16(arp + 6) != 1 || memcmp(arp + 24, p->own_ip4, 4) != 0)
		return 0;
	frame_begin(p, frame, ARP);
	at = frame_add(frame, 28);
	memcpy(at, arp, 8);
	at[7] = 2;
	memcpy(at + 8, p->own_mac, 6);
	memcpy(at + 14, p->own_ip4, 4);
	memcpy(at + 18, arp + 8, 10);
	return frame->size;
}

static size_t answer_solicitation(struct packets *p, const uint8_t *ip, struct frame *frame)
{
	uint8_t *at;

	if (memcmp(ip + 48, p->own_ip6, 16) != 0)
		return 0;
	frame_begin(p, frame, IPV6);
	frame_ip6(p, frame, ICMPV6);
	memcpy(frame->data + frame->ip + 8, p->own_ip6, 16);
	memcpy(frame->data + frame->ip + 24, ip + 8, 16);
	frame->data[frame->ip + 7] = 255;
	at = frame_add(frame, 32);
	at[0] = 136;
	at[4] = 0x60;
	memcpy(at + 8, p->own_ip6, 16);
	at[24] = 2;
	at[25] = 1;
	memcpy(at + 26, p->own_mac, 6);
	frame_complete(frame, true);
	return frame->size;
}

size_t packet_heard(struct packets *p, const uint8_t *heard, size_t size, uint8_t data[PACKET_MAX])
{
	struct frame frame = { .data = data };
	const uint8_t *ip = heard + ETHERNET;
	size_t header;

	if (size < ETHERNET + 28)
		return 0;
	size -= ETHERNET;
	header = (size_t)(ip[0] & 15) * 4;
	if (get16(heard + 12) == ARP)
		return answer_arp(p, ip, &frame);
	if (get16(heard + 12) == IPV4 && ip[9] == TCP && get16(ip + 2) <= size &&
	    get16(ip + 2) > header)
		learn_tcp(p, ip + header, get16(ip + 2) - header, false);
	if (get16(heard + 12) != IPV6 || size < 60)
		return 0;
	if (ip[6] == TCP && get16(ip + 4) + 40 <= size)
		learn_tcp(p, ip + 40, get16(ip + 4), true);
	if (ip[6] != ICMPV6 || ip[40] != 135 || size < 64)
		return 0;
	return answer_solicitation(p, ip, &frame);
}

/* ---- the choice ----------------------------------------------------------------------------- */

size_t packet_next(struct packets *p, uint8_t data[PACKET_MAX])
{
	static void (*const makers[])(struct packets *p, struct frame *frame) = {
		make_arp, make_icmp4, make_fragment4, make_fragment4, make_igmp, make_udp, make_udp,
		make_icmp6, make_neighbour, make_neighbour, make_fragment6, make_rubbish,
		make_tcp, make_tcp, make_tcp, make_tcp, make_tcp, make_tcp,
	};
	struct frame frame = { .data = data };

	makers[packet_random(p, sizeof(makers) / sizeof(*makers))](p, &frame);
	frame_complete(&frame, true);
	if (one_in(p, 2)) {
		p->nr_mutated++;
		for (uint32_t count = 1 + packet_random(p, 4); count > 0; count--)
			frame_mutate(p, &frame);
		if (!one_in(p, 4))
			frame_complete(&frame, one_in(p, 3));
	}
	p->nr_sent++;
	return frame.size;
}

size_t packet_flood(struct packets *p, uint8_t data[PACKET_MAX])
{
	struct packet_flow flow = { .own_port = (uint16_t)(1024 + packet_random(p, 60000)),
				    .port = p->ports[0], .seq = packet_random(p, UINT32_MAX) };
	struct frame frame = { .data = data };

	frame_begin(p, &frame, IPV4);
	frame_ip4(p, &frame, TCP);
	put32(data + frame.ip + 12, 0x0a4d0000 + 10 + packet_random(p, 60000));
	add_tcp(p, &frame, &flow, SYN);
	frame_complete(&frame, true);
	memcpy(data, p->mac, 6);
	p->nr_sent++;
	return frame.size;
}
