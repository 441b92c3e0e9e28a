/*
 * Where the data of a packet begin. See payload.h.
 *
 * IPv4 and IPv6 are understood, of the latter's extension headers those that may stand before a
 * transport header, and of those at most as many as a sane packet has.
 */
#include "net/filter/payload.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>

#include "net/filter/bpf.h"

enum { IPV4_HEADER = 20, IPV6_HEADER = 40, EXTENSIONS_MAX = 8 };

static bool byte_at(const struct bpf_packet *packet, uint32_t at, uint8_t *out)
{
	if (at >= packet->size)
		return false;
	if (at < packet->nr_head) {
		*out = packet->head[at];
		return true;
	}
	return packet->copy && packet->copy(packet, at, out, 1) == 1;
}

/* Bytes of a header of a transport at `at`. */
static uint32_t transport_size(const struct bpf_packet *packet, uint8_t protocol, uint32_t at)
{
	uint8_t offset;

	switch (protocol) {
	case IPPROTO_TCP:
		if (!byte_at(packet, at + 12, &offset))
			return 0;
		return (offset >> 4) < 5 ? 20 : (uint32_t)(offset >> 4) * 4;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 8;
	case IPPROTO_IGMP:
		return 8;
	case IPPROTO_DCCP:
		return 12;
	case IPPROTO_SCTP:
		return 12;
	default:
		return 0;
	}
}

static uint32_t ipv4_payload(const struct bpf_packet *packet, uint32_t at)
{
	uint8_t first, protocol, fragment_high, fragment_low;

	if (!byte_at(packet, at, &first) || !byte_at(packet, at + 6, &fragment_high) ||
	    !byte_at(packet, at + 7, &fragment_low) || !byte_at(packet, at + 9, &protocol))
		return at;
	at += (uint32_t)(first & 0xf) * 4 < IPV4_HEADER ? IPV4_HEADER : (uint32_t)(first & 0xf) * 4;
	/* What is not the first fragment has no header of a transport. */
	if ((fragment_high & 0x1f) | fragment_low)
		return at;
	return at + transport_size(packet, protocol, at);
}

static uint32_t ipv6_payload(const struct bpf_packet *packet, uint32_t at)
{
	uint8_t next, length;

	if (!byte_at(packet, at + 6, &next))
		return at;
	at += IPV6_HEADER;
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		uint8_t protocol = next;

		if (protocol != IPPROTO_HOPOPTS && protocol != IPPROTO_ROUTING &&
		    protocol != IPPROTO_DSTOPTS)
			return at + transport_size(packet, protocol, at);
		if (!byte_at(packet, at, &next) || !byte_at(packet, at + 1, &length))
			return at;
		at += ((uint32_t)length + 1) * 8;
	}
	return at;
}

uint32_t payload_offset(const struct bpf_packet *packet)
{
	uint32_t at, start;

	if (packet->network == BPF_NONE)
		return 0;
	start = (uint32_t)packet->network;
	if (packet->protocol == ETH_P_IP)
		at = ipv4_payload(packet, start);
	else if (packet->protocol == ETH_P_IPV6)
		at = ipv6_payload(packet, start);
	else
		return 0;
	return at - packet->data;
}
