/*
 * Packets out: what Linux checks before, and the header of IP. See dgram.h.
 *
 * The header is built here, not by the stack, which knows nothing of "don't fragment".
 */
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>

#include "core/random.h"
#include "lib/math.h"
#include "lib/string.h"
#include "net/inet/dgram.h"
#include "net/inet/errors.h"
#include "net/stack/stack.h"

static struct {
	uint16_t next_id __guarded_by(core);
	bool     has_id __guarded_by(core);
} sending;

/* ---- before ------------------------------------------------------------------------- */

static unsigned int pmtu_mode(const struct inet_sock *sock, bool is_v4)
{
	return is_v4 ? READ_ONCE(sock->pmtu_discover) : READ_ONCE(sock->pmtu_discover6);
}

/* May a packet be cut that is larger than the MTU? */
static bool may_fragment(const struct inet_sock *sock, const struct dgram_send *send)
{
	bool is_v4 = IP_IS_V4_VAL(send->to);
	unsigned int mode = pmtu_mode(sock, is_v4);

	if (!is_v4 && (send->dont_fragment > 0 ||
	               (send->dont_fragment < 0 && inet_has(sock, INET_DONTFRAG6))))
		return false;
	return mode < IP_PMTUDISC_DO || mode == IP_PMTUDISC_OMIT;
}

int dgram_route_locked(struct inet_sock *sock, const struct dgram_send *send, size_t size,
                       struct inet_route *route)
{
	bool is_v4 = IP_IS_V4_VAL(send->to);
	size_t header = is_v4 ? IP_HLEN + sock->ip_options_size : IP6_HLEN;
	int err = inet_route(sock, &send->to, &send->source, send->iface, route);

	if (err)
		return err;
	err = inet_error_take(sock);
	if (err)
		return -err;
	if (READ_ONCE(sock->shut) & INET_NO_SEND)
		return -EPIPE;
	/* of IPv6, too: the stack counts a packet with its header in 16 bits */
	if (size + header > UINT16_MAX)
		return -EMSGSIZE;
	if (size + header > route->mtu && !may_fragment(sock, send)) {
		inet_error_queue_local(sock, EMSGSIZE, send, route->mtu);
		return -EMSGSIZE;
	}
	return 0;
}

/* ---- headers ------------------------------------------------------------------------ */

static uint8_t ttl_of(const struct inet_sock *sock, const struct dgram_send *send,
                      const struct inet_route *route)
{
	const struct inet_settings *settings = inet_settings(sock->socket.netns);
	bool is_v4 = IP_IS_V4_VAL(send->to);
	int ttl = send->ttl;

	if (ttl >= 0)
		return (uint8_t)ttl;
	if (route->is_multicast) {
		ttl = is_v4 ? READ_ONCE(sock->multicast_ttl) : READ_ONCE(sock->multicast_hops);
		return (uint8_t)(ttl < 0 ? 1 : ttl);
	}
	ttl = is_v4 ? READ_ONCE(sock->ttl) : READ_ONCE(sock->hop_limit);
	if (ttl < 0)
		ttl = (int)READ_ONCE(*(is_v4 ? &settings->default_ttl
					     : &settings->default_hop_limit));
	return (uint8_t)ttl;
}

static uint16_t id_next(void)
{
	if (!sending.has_id) {
		sending.next_id = (uint16_t)random_u64();
		sending.has_id = true;
	}
	return sending.next_id++;
}

static bool wants_df(const struct inet_sock *sock, const struct inet_route *route, size_t size)
{
	unsigned int mode = READ_ONCE(sock->pmtu_discover);

	return mode == IP_PMTUDISC_DO || mode == IP_PMTUDISC_PROBE ||
	       (mode == IP_PMTUDISC_WANT && size <= route->mtu);
}

static int header4_add(const struct inet_sock *sock, const struct dgram_send *send,
                       const struct inet_route *route, struct pbuf *packet)
{
	uint32_t options = sock->ip_options_size, size = IP_HLEN + options;
	struct ip_hdr *header;
	bool is_df;

	if (pbuf_add_header(packet, size))
		return -ENOBUFS;
	header = packet->payload;
	is_df = wants_df(sock, route, packet->tot_len);
	IPH_VHL_SET(header, 4, size / 4);
	IPH_TOS_SET(header, (uint8_t)(send->tos >= 0 ? send->tos : READ_ONCE(sock->tos)));
	IPH_LEN_SET(header, lwip_htons(packet->tot_len));
	IPH_ID_SET(header, is_df ? 0 : lwip_htons(id_next()));
	IPH_OFFSET_SET(header, is_df ? PP_HTONS(IP_DF) : 0);
	IPH_TTL_SET(header, ttl_of(sock, send, route));
	IPH_PROTO_SET(header, send->protocol);
	IPH_CHKSUM_SET(header, 0);
	header->src.addr = ip_2_ip4(&route->source)->addr;
	header->dest.addr = ip_2_ip4(&send->to)->addr;
	if (unlikely(options))
		memcpy(header + 1, sock->ip_options, options);
	if (route->netif->chksum_flags & NETIF_CHECKSUM_GEN_IP)
		IPH_CHKSUM_SET(header, inet_chksum(header, (uint16_t)size));
	return 0;
}

static int header6_add(const struct inet_sock *sock, const struct dgram_send *send,
                       const struct inet_route *route, struct pbuf *packet)
{
	uint8_t class = (uint8_t)(send->tos >= 0 ? send->tos : READ_ONCE(sock->traffic_class));
	uint16_t size = packet->tot_len;
	struct ip6_hdr *header;

	if (pbuf_add_header(packet, IP6_HLEN))
		return -ENOBUFS;
	header = packet->payload;
	IP6H_VTCFL_SET(header, 6, class, lwip_ntohl(send->flow_label));
	IP6H_PLEN_SET(header, size);
	IP6H_NEXTH_SET(header, send->protocol);
	IP6H_HOPLIM_SET(header, ttl_of(sock, send, route));
	memcpy(&header->src, ip_2_ip6(&route->source)->addr, 16);
	memcpy(&header->dest, ip_2_ip6(&send->to)->addr, 16);
	return 0;
}

/* ---- out ---------------------------------------------------------------------------- */

int dgram_output_raw_locked(const struct inet_sock *sock, const struct inet_route *route,
                            struct pbuf *packet)
{
	bool is_v4 = IP_IS_V4_VAL(route->source); /* a header of the user's may say what it likes */
	err_t err;

	if (unlikely(route->is_multicast) &&
	    inet_has(sock, is_v4 ? INET_MULTICAST_LOOP : INET_MULTICAST_LOOP6))
		packet->flags |= PBUF_FLAG_MCASTLOOP;
	if (is_v4)
		err = ip4_output_if(packet, ip_2_ip4(&route->source), LWIP_IP_HDRINCL, 0, 0, 0,
		                    route->netif);
	else
		err = ip6_output_if_src(packet, ip_2_ip6(&route->source), LWIP_IP_HDRINCL, 0, 0, 0,
		                        route->netif);
	return err == ERR_OK ? 0 : stack_errno(err);
}

int dgram_output_locked(struct inet_sock *sock, const struct dgram_send *send,
                        const struct inet_route *route, struct pbuf *packet)
{
	int err = IP_IS_V4_VAL(send->to) ? header4_add(sock, send, route, packet)
					 : header6_add(sock, send, route, packet);

	return err ? err : dgram_output_raw_locked(sock, route, packet);
}
