/*
 * What goes beside a message: IP_PKTINFO and its kin, both ways. See dgram.h.
 *
 * An AF_INET6 socket that receives IPv4 tells both what it was asked for as IPv4 and, with mapped
 * addresses, IPV6_PKTINFO, as Linux does.
 */
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>

#include "lib/byteorder.h"
#include "lib/string.h"
#include "net/iface/address.h"
#include "net/iface/iface.h"
#include "net/iface/route.h"
#include "net/inet/dgram.h"

/* ---- sending ------------------------------------------------------------------------ */

/* A source that the sender names: it must be ours. */
static int source_set(struct inet_sock *sock, struct dgram_send *send, const void *bytes,
                      size_t size)
{
	struct ip_address plain;
	ip_addr_t source;

	inet_address_from_bytes(bytes, size, &source);
	if (ip_addr_isany(&source))
		return 0;
	plain = inet_to_ip_address(&source);
	if (!inet_has(sock, INET_FREEBIND | INET_TRANSPARENT) &&
	    !iface_source_is_local(sock->socket.netns, &plain, send->iface))
		return size == 4 ? -ENETUNREACH : -EINVAL;
	ip_addr_copy(send->source, source);
	return 0;
}

static int number_get(const struct control_item *item, int least, int most, int *out)
{
	int value;

	if (item->size != sizeof(value))
		return -EINVAL;
	memcpy(&value, item->data, sizeof(value));
	if (value < least || value > most)
		return -EINVAL;
	*out = value;
	return 0;
}

static int pktinfo4_read(struct inet_sock *sock, const struct control_item *item,
                         struct dgram_send *send)
{
	const struct in_pktinfo *info = item->data;

	if (item->size != sizeof(*info))
		return -EINVAL;
	if (info->ipi_ifindex)
		send->iface = (uint32_t)info->ipi_ifindex;
	return source_set(sock, send, &info->ipi_spec_dst, 4);
}

static int pktinfo6_read(struct inet_sock *sock, const struct control_item *item,
                         struct dgram_send *send)
{
	const struct in6_pktinfo *info = item->data;
	struct iface *iface;

	if (item->size < sizeof(*info))
		return -EINVAL;
	if (info->ipi6_ifindex) {
		if (send->iface && send->iface != (uint32_t)info->ipi6_ifindex)
			return -EINVAL;
		iface = iface_by_index(sock->socket.netns, (uint32_t)info->ipi6_ifindex);
		if (!iface)
			return -ENODEV;
		iface_put(iface);
		send->iface = (uint32_t)info->ipi6_ifindex;
	}
	return source_set(sock, send, &info->ipi6_addr, 16);
}

static int tos_read(const struct control_item *item, struct dgram_send *send)
{
	if (item->size != 1)
		return number_get(item, 0, 255, &send->tos);
	send->tos = *(const uint8_t *)item->data;
	return 0;
}

static int item4_read(struct inet_sock *sock, const struct control_item *item,
                      struct dgram_send *send)
{
	switch (item->type) {
	case IP_PKTINFO:
		return pktinfo4_read(sock, item, send);
	case IP_TTL:
		return number_get(item, 1, 255, &send->ttl);
	case IP_TOS:
		return tos_read(item, send);
	default:
		return -EINVAL;
	}
}

static int item6_read(struct inet_sock *sock, const struct control_item *item,
                      struct dgram_send *send)
{
	switch (item->type) {
	case IPV6_PKTINFO:
	case IPV6_2292PKTINFO:
		return pktinfo6_read(sock, item, send);
	case IPV6_HOPLIMIT:
	case IPV6_2292HOPLIMIT:
		return number_get(item, -1, 255, &send->ttl);
	case IPV6_TCLASS:
		return number_get(item, -1, 255, &send->tos);
	case IPV6_DONTFRAG:
		return number_get(item, 0, 1, &send->dont_fragment);
	case IPV6_FLOWINFO:
		if (item->size < 4)
			return -EINVAL;
		memcpy(&send->flow_label, item->data, 4);
		send->flow_label &= (__force uint32_t)cpu_to_be32(IPV6_FLOWINFO_FLOWLABEL);
		return 0;
	default:
		return -EINVAL;
	}
}

static int udp_item_read(const struct control_item *item, struct dgram_send *send)
{
	uint16_t segment;

	if (item->type != UDP_SEGMENT || item->size != sizeof(segment))
		return -EINVAL;
	memcpy(&segment, item->data, sizeof(segment));
	send->segment = segment;
	return 0;
}

int dgram_control_read(struct inet_sock *sock, const struct message *message,
                       struct dgram_send *send)
{
	struct control_item item = { 0 };
	bool is_v4 = IP_IS_V4_VAL(send->to);
	int err = 0;

	while (!err && message_control_next(message, &item)) {
		if (item.level == SOL_UDP && send->protocol == IPPROTO_UDP)
			err = udp_item_read(&item, send);
		else if (item.level == SOL_IP && is_v4)
			err = item4_read(sock, &item, send);
		else if (item.level == SOL_IPV6 &&
		         (!is_v4 || (sock->socket.family == AF_INET6 && item.type == IPV6_PKTINFO)))
			err = item6_read(sock, &item, send);
	}
	return err;
}

/* ---- receiving ---------------------------------------------------------------------- */

static const struct ip_hdr *header4(const struct datagram *datagram)
{
	return datagram->pbuf->payload;
}

static const struct ip6_hdr *header6(const struct datagram *datagram)
{
	return datagram->pbuf->payload;
}

static bool is_v4(const struct datagram *datagram)
{
	return IPH_V(header4(datagram)) == 4;
}

void datagram_source(const struct datagram *datagram, ip_addr_t *from)
{
	if (is_v4(datagram))
		inet_address_from_bytes(&header4(datagram)->src, 4, from);
	else
		inet_address_from_bytes(&header6(datagram)->src, 16, from);
}

void datagram_target(const struct datagram *datagram, ip_addr_t *to)
{
	if (is_v4(datagram))
		inet_address_from_bytes(&header4(datagram)->dest, 4, to);
	else
		inet_address_from_bytes(&header6(datagram)->dest, 16, to);
}

/* Which own address an answer should have: that of the packet, or what leads to its sender. */
static __be32 own_address(const struct inet_sock *sock, const struct datagram *datagram)
{
	struct route_key key = { .iface_index = datagram->iface };
	struct route_result route;
	ip_addr_t to, from;
	struct ip_address plain;

	datagram_target(datagram, &to);
	plain = inet_to_ip_address(&to);
	if (!ip_addr_ismulticast(&to) && iface_source_is_local(sock->socket.netns, &plain, 0) &&
	    !ip_address_is_all_ones(&plain))
		return plain.v4;
	datagram_source(datagram, &from);
	key.destination = inet_to_ip_address(&from);
	if (route_lookup(sock->socket.netns, &key, &route))
		return plain.v4;
	return route.source.v4;
}

static void pktinfo4_put(struct inet_sock *sock, const struct datagram *datagram,
                         struct message *message)
{
	struct in_pktinfo info = { .ipi_ifindex = (int)datagram->iface };

	info.ipi_spec_dst.s_addr = own_address(sock, datagram);
	info.ipi_addr.s_addr = (__force __be32)header4(datagram)->dest.addr;
	message_control_put(message, SOL_IP, IP_PKTINFO, &info, sizeof(info));
}

static void origdst4_put(const struct datagram *datagram, struct message *message)
{
	const uint8_t *transport = (const uint8_t *)datagram->pbuf->payload + datagram->transport;
	struct sockaddr_in name = { .sin_family = AF_INET };

	memcpy(&name.sin_port, transport + 2, 2);
	name.sin_addr.s_addr = (__force __be32)header4(datagram)->dest.addr;
	message_control_put(message, SOL_IP, IP_ORIGDSTADDR, &name, sizeof(name));
}

static void items4_put(struct inet_sock *sock, const struct datagram *datagram,
                       struct message *message)
{
	const struct ip_hdr *header = header4(datagram);
	uint32_t flags = READ_ONCE(sock->flags);

	if (flags & INET_PKTINFO)
		pktinfo4_put(sock, datagram, message);
	if (flags & INET_RECV_TTL)
		message_control_put(message, SOL_IP, IP_TTL, &(int){ IPH_TTL(header) },
		                    sizeof(int));
	if (flags & INET_RECV_TOS)
		message_control_put(message, SOL_IP, IP_TOS, &(uint8_t){ IPH_TOS(header) }, 1);
	if (flags & INET_RECV_OPTS && IPH_HL_BYTES(header) > IP_HLEN)
		message_control_put(message, SOL_IP, IP_RECVOPTS, header + 1,
		                    IPH_HL_BYTES(header) - IP_HLEN);
	if (flags & INET_RECV_ORIGDST && sock->socket.type != SOCK_RAW)
		origdst4_put(datagram, message);
}

static void pktinfo6_put(const struct inet_sock *sock, const struct datagram *datagram,
                         struct message *message)
{
	struct in6_pktinfo info = { .ipi6_ifindex = (int)datagram->iface };
	ip_addr_t to;

	datagram_target(datagram, &to);
	inet_address_bytes(sock, &to, info.ipi6_addr.s6_addr);
	message_control_put(message, SOL_IPV6, IPV6_PKTINFO, &info, sizeof(info));
}

static void origdst6_put(const struct inet_sock *sock, const struct datagram *datagram,
                         struct message *message)
{
	const uint8_t *transport = (const uint8_t *)datagram->pbuf->payload + datagram->transport;
	struct socket_name name;
	ip_addr_t to;

	datagram_target(datagram, &to);
	inet_address_tell(sock, &to, load_be16(transport + 2), &name);
	message_control_put(message, SOL_IPV6, IPV6_ORIGDSTADDR, name.bytes, name.size);
}

static void items6_put(const struct inet_sock *sock, const struct datagram *datagram,
                       struct message *message)
{
	const struct ip6_hdr *header = header6(datagram);
	uint32_t flags = READ_ONCE(sock->flags);

	if (flags & INET_RECV_HOPLIMIT)
		message_control_put(message, SOL_IPV6, IPV6_HOPLIMIT,
		                    &(int){ IP6H_HOPLIM(header) }, sizeof(int));
	if (flags & INET_RECV_TCLASS)
		message_control_put(message, SOL_IPV6, IPV6_TCLASS, &(int){ IP6H_TC(header) },
		                    sizeof(int));
	if (flags & INET_RECV_FLOWINFO && header->_v_tc_fl & PP_HTONL(0x0fffffff))
		message_control_put(message, SOL_IPV6, IPV6_FLOWINFO,
		                    &(uint32_t){ header->_v_tc_fl & PP_HTONL(0x0fffffff) }, 4);
	if (flags & INET_RECV_ORIGDST6 && sock->socket.type != SOCK_RAW)
		origdst6_put(sock, datagram, message);
	if (flags & INET_RECV_HOPLIMIT_OLD)
		message_control_put(message, SOL_IPV6, IPV6_2292HOPLIMIT,
		                    &(int){ IP6H_HOPLIM(header) }, sizeof(int));
}

void dgram_control_put(struct inet_sock *sock, const struct datagram *datagram,
                       struct message *message)
{
	if (sock->socket.family == AF_INET6 && inet_has(sock, INET_PKTINFO6))
		pktinfo6_put(sock, datagram, message);
	if (is_v4(datagram))
		items4_put(sock, datagram, message);
	else
		items6_put(sock, datagram, message);
}
