/*
 * Errors that ICMP tells: what they mean as an errno, and to whom they belong. See input.h.
 *
 * A message quotes the header of the packet that it is about, ours, and at least eight bytes of
 * what was behind it: enough for the ports.
 */
#include <linux/errno.h>
#include <linux/time.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <lwip/pbuf.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>

#include "lib/byteorder.h"
#include "lib/math.h"
#include "net/inet/errors.h"
#include "net/inet/input.h"
#include "net/inet/path_mtu.h"
#include "net/inet/tcp.h"
#include "net/netns.h"

enum { ICMP_HEADER = 8, QUOTE_MAX = 1232, PORTS_BYTES = 8 };

struct meaning {
	uint8_t err;
	bool    is_hard;
};

/* ---- what it means ------------------------------------------------------------------ */

static struct meaning unreachable4(uint8_t code)
{
	static const struct meaning table[] = {
		[ICMP_NET_UNREACH] = { ENETUNREACH, false },
		[ICMP_HOST_UNREACH] = { EHOSTUNREACH, false },
		[ICMP_PROT_UNREACH] = { ENOPROTOOPT, true },
		[ICMP_PORT_UNREACH] = { ECONNREFUSED, true },
		[ICMP_FRAG_NEEDED] = { EMSGSIZE, false },
		[ICMP_SR_FAILED] = { EOPNOTSUPP, false },
		[ICMP_NET_UNKNOWN] = { ENETUNREACH, true },
		[ICMP_HOST_UNKNOWN] = { EHOSTDOWN, true },
		[ICMP_HOST_ISOLATED] = { ENONET, true },
		[ICMP_NET_ANO] = { ENETUNREACH, true },
		[ICMP_HOST_ANO] = { EHOSTUNREACH, true },
		[ICMP_NET_UNR_TOS] = { ENETUNREACH, false },
		[ICMP_HOST_UNR_TOS] = { EHOSTUNREACH, false },
		[ICMP_PKT_FILTERED] = { EHOSTUNREACH, true },
		[ICMP_PREC_VIOLATION] = { EHOSTUNREACH, true },
		[ICMP_PREC_CUTOFF] = { EHOSTUNREACH, true },
	};

	return code < sizeof(table) / sizeof(table[0]) ? table[code]
						       : (struct meaning){ EHOSTUNREACH, false };
}

static struct meaning unreachable6(uint8_t code)
{
	static const struct meaning table[] = {
		[ICMPV6_NOROUTE] = { ENETUNREACH, false },
		[ICMPV6_ADM_PROHIBITED] = { EACCES, true },
		[ICMPV6_NOT_NEIGHBOUR] = { EHOSTUNREACH, false },
		[ICMPV6_ADDR_UNREACH] = { EHOSTUNREACH, false },
		[ICMPV6_PORT_UNREACH] = { ECONNREFUSED, true },
		[ICMPV6_POLICY_FAIL] = { EACCES, true },
		[ICMPV6_REJECT_ROUTE] = { EACCES, true },
	};

	return code < sizeof(table) / sizeof(table[0]) ? table[code]
						       : (struct meaning){ EPROTO, true };
}

/* False: no error. */
static bool meaning4(uint8_t type, uint8_t code, struct meaning *out)
{
	switch (type) {
	case ICMP_DEST_UNREACH:
		*out = unreachable4(code);
		return true;
	case ICMP_TIME_EXCEEDED:
		*out = (struct meaning){ EHOSTUNREACH, false };
		return true;
	case ICMP_PARAMETERPROB:
		*out = (struct meaning){ EPROTO, true };
		return true;
	default:
		return false;
	}
}

static bool meaning6(uint8_t type, uint8_t code, struct meaning *out)
{
	switch (type) {
	case ICMPV6_DEST_UNREACH:
		*out = unreachable6(code);
		return true;
	case ICMPV6_PKT_TOOBIG:
		*out = (struct meaning){ EMSGSIZE, false };
		return true;
	case ICMPV6_TIME_EXCEED:
		*out = (struct meaning){ EHOSTUNREACH, false };
		return true;
	case ICMPV6_PARAMPROB:
		*out = (struct meaning){ EPROTO, true };
		return true;
	default:
		return false;
	}
}

/* ---- what it is about --------------------------------------------------------------- */

/* The quoted IPv4 header; its length, 0: nonsense. */
static uint32_t quoted4(const uint8_t *bytes, uint32_t size, struct inet_error *error)
{
	const struct ip_hdr *header = (const struct ip_hdr *)(const void *)bytes;
	uint32_t length;

	if (size < IP_HLEN)
		return 0;
	length = IPH_HL_BYTES(header);
	if (IPH_V(header) != 4 || length < IP_HLEN || IPH_OFFSET(header) & PP_HTONS(IP_OFFMASK))
		return 0;
	error->protocol = IPH_PROTO(header);
	inet_address_from_bytes(&header->src, 4, &error->local);
	inet_address_from_bytes(&header->dest, 4, &error->remote);
	return length;
}

static uint32_t quoted6(const uint8_t *bytes, uint32_t size, struct inet_error *error)
{
	const struct ip6_hdr *header = (const struct ip6_hdr *)(const void *)bytes;

	if (size < IP6_HLEN || IP6H_V(header) != 6)
		return 0;
	error->protocol = IP6H_NEXTH(header);
	inet_address_from_bytes(&header->src, 16, &error->local);
	inet_address_from_bytes(&header->dest, 16, &error->remote);
	if (error->protocol != IPPROTO_FRAGMENT)
		return IP6_HLEN;
	if (size < IP6_HLEN + 8 || bytes[IP6_HLEN + 2] || bytes[IP6_HLEN + 3] & 0xf8)
		return 0;
	error->protocol = bytes[IP6_HLEN];
	return IP6_HLEN + 8;
}

static bool is_about_mtu(const struct inet_error *error)
{
	return IP_IS_V4_VAL(error->remote) && error->type == ICMP_DEST_UNREACH &&
	       error->code == ICMP_FRAG_NEEDED;
}

/* The path's MTU, or which parameter is wrong. */
static void info_read(const uint8_t *message, struct inet_error *error, uint32_t quoted_size)
{
	if (IP_IS_V6_VAL(error->remote) && error->type == ICMPV6_PKT_TOOBIG)
		error->info = load_be32(message + 4);
	else if (is_about_mtu(error))
		error->info = path_mtu_told(load_be16(message + 6), quoted_size);
	else if (error->type == ICMP_PARAMETERPROB && IP_IS_V4_VAL(error->remote))
		error->info = load_be32(message + 4) >> 24;
	else if (error->type == ICMPV6_PARAMPROB && IP_IS_V6_VAL(error->remote))
		error->info = load_be32(message + 4);
}

static void dispatch(const struct inet_error *error, const struct inet_quote *transport)
{
	bool is_ours = false;

	switch (error->protocol) {
	case IPPROTO_TCP:
		tcp_unreachable(&netns_initial, error);
		break;
	case IPPROTO_UDP:
		is_ours = udp_error(error, transport);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		is_ours = ping_error(error, transport);
		break;
	}
	is_ours |= raw_error(error, transport);
	if (is_ours && is_about_mtu(error))
		path_mtu_learn(&error->remote, error->info);
}

void icmp_input_errors(const struct inet_packet *packet)
{
	bool is_v4 = IP_IS_V4(packet->from);
	uint8_t bytes[ICMP_HEADER + QUOTE_MAX];
	struct inet_error error = { .iface = packet->iface };
	struct meaning meaning;
	struct inet_quote transport;
	uint32_t size, header;

	size = pbuf_copy_partial(packet->pbuf, bytes, sizeof(bytes), (u16_t)packet->transport);
	if (size < ICMP_HEADER ||
	    !(is_v4 ? meaning4 : meaning6)(bytes[0], bytes[1], &meaning))
		return;
	header = (is_v4 ? quoted4 : quoted6)(bytes + ICMP_HEADER, size - ICMP_HEADER, &error);
	if (!header || size < ICMP_HEADER + header + PORTS_BYTES)
		return;
	transport.bytes = bytes + ICMP_HEADER + header;
	transport.size = size - ICMP_HEADER - header;
	error.err = meaning.err;
	error.is_hard = meaning.is_hard;
	error.origin = is_v4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6;
	error.type = bytes[0];
	error.code = bytes[1];
	ip_addr_copy(error.offender, *packet->from);
	error.local_port = load_be16(transport.bytes);
	error.remote_port = load_be16((const uint8_t *)transport.bytes + 2);
	info_read(bytes, &error, load_be16(bytes + ICMP_HEADER + 2));
	dispatch(&error, &transport);
}
