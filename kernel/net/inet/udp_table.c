/*
 * UDP in: which socket a packet is for. See udp_impl.h and input.h.
 *
 * Sockets are found by their port; of those that match the most particular gets the packet: one
 * that is connected to its sender before one that is bound to its address, before a wildcard.
 * Among equals that share the port by SO_REUSEPORT the sender's address and port decide; otherwise
 * the latest wins. What goes to a group or to everybody goes to each that matches.
 */
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <lwip/inet_chksum.h>
#include <lwip/pbuf.h>
#include <lwip/prot/udp.h>

#include "lib/byteorder.h"
#include "lib/hash.h"
#include "mem/alloc.h"
#include "net/inet/errors.h"
#include "net/inet/input.h"
#include "net/inet/multicast.h"
#include "net/inet/udp_impl.h"

enum { TABLE_BUCKETS = 256 };

struct inet_statistics udp_statistics __atomic;

static struct hlist *table __guarded_by(core); /* NULL until the first socket has a port */

struct flow {
	const ip_addr_t *to, *from;
	uint16_t         port, from_port;
	uint32_t         iface;
};

static struct hlist *bucket_of(uint16_t port)
{
	return &table[port % TABLE_BUCKETS];
}

int udp_table_add(struct udp_sock *sock)
{
	if (!table)
		table = kzalloc(TABLE_BUCKETS * sizeof(*table), ALLOC_ATOMIC);
	if (!table)
		return -ENOMEM;
	hlist_add(bucket_of(sock->dgram.inet.local_port), &sock->in_table);
	return 0;
}

void udp_table_remove(struct udp_sock *sock)
{
	if (hlist_is_linked(&sock->in_table))
		hlist_remove(&sock->in_table);
}

/* ---- finding ------------------------------------------------------------------------ */

static bool matches(const struct udp_sock *sock, const struct flow *flow)
{
	const struct inet_sock *inet = &sock->dgram.inet;

	return inet->local_port == flow->port &&
	       (!sock->dgram.is_connected || inet->remote_port == flow->from_port) &&
	       dgram_matches(&sock->dgram, flow->to, flow->from, flow->iface);
}

static unsigned int score_of(const struct udp_sock *sock)
{
	const struct inet_sock *inet = &sock->dgram.inet;

	return 1 + (sock->dgram.is_connected ? 16u : 0) + (ip_addr_isany(&inet->local) ? 0 : 8u) +
	       (READ_ONCE(inet->socket.bound_iface) ? 4u : 0) +
	       (IP_IS_ANY_TYPE_VAL(inet->local) ? 0 : 1u);
}

static bool is_shared(const struct udp_sock *sock)
{
	return sock->port.flags & PORT_REUSE_PORT && !sock->dgram.is_connected;
}

static uint32_t flow_hash(const struct flow *flow)
{
	uint64_t hash = (uint64_t)flow->from_port << 16 | flow->port;

	if (IP_IS_V4(flow->from))
		return (uint32_t)(hash_u64(hash << 32 ^ ip_2_ip4(flow->from)->addr) >> 32);
	for (int i = 0; i < 4; i++)
		hash = hash_u64(hash ^ ip_2_ip6(flow->from)->addr[i]);
	return (uint32_t)(hash >> 32);
}

/* One of the `nr` equals, the same for each packet of the flow. */
static struct udp_sock *choose(const struct flow *flow, unsigned int score, uint32_t nr)
{
	uint32_t skip = (uint32_t)((uint64_t)flow_hash(flow) * nr >> 32);
	struct udp_sock *sock;

	hlist_for_each_entry(sock, bucket_of(flow->port), in_table)
		if (matches(sock, flow) && score_of(sock) == score && is_shared(sock) && !skip--)
			return sock;
	return NULL;
}

static struct udp_sock *find(const struct flow *flow)
{
	struct udp_sock *sock, *best = NULL;
	unsigned int best_score = 0;
	uint32_t nr_equal = 0;

	if (!table)
		return NULL;
	hlist_for_each_entry(sock, bucket_of(flow->port), in_table) {
		unsigned int score;

		if (!matches(sock, flow))
			continue;
		score = score_of(sock);
		if (score > best_score) {
			best = sock;
			best_score = score;
			nr_equal = is_shared(sock);
		} else if (score == best_score && is_shared(sock)) {
			nr_equal++;
		}
	}
	return nr_equal > 1 ? choose(flow, best_score, nr_equal) : best;
}

/* ---- packets ------------------------------------------------------------------------ */

static void deliver(struct udp_sock *sock, const struct inet_packet *packet)
{
	bool is_v4 = IP_IS_V4(packet->from);

	if (dgram_queue(&sock->dgram, packet->pbuf, packet->transport,
	                packet->transport + UDP_HLEN, packet->iface))
		(is_v4 ? &udp_statistics.udp_in : &udp_statistics.udp6_in)[0]++;
	else
		(is_v4 ? &udp_statistics.udp_receive_errors
		       : &udp_statistics.udp6_receive_errors)[0]++;
}

static void deliver_all(const struct flow *flow, const struct inet_packet *packet)
{
	struct udp_sock *sock;

	if (!table)
		return;
	hlist_for_each_entry(sock, bucket_of(flow->port), in_table)
		if (matches(sock, flow) &&
		    multicast_allows(&sock->dgram.inet, flow->to, flow->from, flow->iface))
			deliver(sock, packet);
}

/* Length and checksum; the packet is cut to what UDP says. */
static bool is_sound(const struct inet_packet *packet, bool *is_unchecked)
{
	struct pbuf *pbuf = packet->pbuf;
	const struct udp_hdr *header;
	uint32_t size;
	uint16_t sum;

	if (pbuf->len < packet->transport + UDP_HLEN)
		return false;
	header = (const struct udp_hdr *)(const void *)((const uint8_t *)pbuf->payload +
							packet->transport);
	size = lwip_ntohs(header->len);
	if (size < UDP_HLEN || size > pbuf->tot_len - packet->transport)
		return false;
	if (size < pbuf->tot_len - packet->transport)
		pbuf_realloc(pbuf, (u16_t)(packet->transport + size));
	*is_unchecked = !header->chksum && !packet->is_verified;
	if (packet->is_verified || !header->chksum)
		return true;
	pbuf_remove_header(pbuf, packet->transport);
	sum = ip_chksum_pseudo(pbuf, IPPROTO_UDP, (u16_t)size, packet->from, packet->to);
	pbuf_add_header_force(pbuf, packet->transport);
	return sum == 0;
}

void udp_packet_input(const struct inet_packet *packet)
{
	bool is_v4 = IP_IS_V4(packet->from), is_unchecked;
	const uint8_t *header = (const uint8_t *)packet->pbuf->payload + packet->transport;
	struct flow flow = { .to = packet->to, .from = packet->from, .iface = packet->iface };
	struct udp_sock *sock;

	if (!is_sound(packet, &is_unchecked)) {
		(is_v4 ? &udp_statistics.udp_in_errors : &udp_statistics.udp6_in_errors)[0]++;
		return;
	}
	flow.from_port = load_be16(header);
	flow.port = load_be16(header + 2);
	if (packet->is_multicast || packet->is_broadcast) {
		deliver_all(&flow, packet);
		return;
	}
	sock = find(&flow);
	if (!sock) {
		(is_v4 ? &udp_statistics.udp_no_ports : &udp_statistics.udp6_no_ports)[0]++;
		if (is_v4 || !is_unchecked)
			icmp_send_port_unreachable(packet);
		return;
	}
	if (is_v4 || !is_unchecked || READ_ONCE(sock->takes_unchecked6))
		deliver(sock, packet);
}

/* ---- errors ------------------------------------------------------------------------- */

/* Path MTU: whoever lets packets be cut is not told. */
static bool is_ignored(const struct inet_sock *inet, const struct inet_error *error)
{
	return error->err == EMSGSIZE && IP_IS_V4_VAL(error->remote) &&
	       READ_ONCE(inet->pmtu_discover) == IP_PMTUDISC_DONT;
}

static bool is_hard(const struct inet_sock *inet, const struct inet_error *error)
{
	if (error->err != EMSGSIZE)
		return error->is_hard;
	return IP_IS_V4_VAL(error->remote) ||
	       READ_ONCE(inet->pmtu_discover6) == IPV6_PMTUDISC_DO;
}

bool udp_error(const struct inet_error *error, const struct inet_quote *quote)
{
	const struct flow flow = {
		.to = &error->local, .port = error->local_port,
		.from = &error->remote, .from_port = error->remote_port,
		.iface = error->iface,
	};
	struct inet_quote payload = {
		.bytes = (const uint8_t *)quote->bytes + UDP_HLEN, .size = quote->size - UDP_HLEN,
	};
	struct udp_sock *sock = find(&flow);
	struct inet_sock *inet;

	if (!sock)
		return false;
	if (is_ignored(&sock->dgram.inet, error))
		return true;
	inet = &sock->dgram.inet;
	if (inet_wants_errors(inet, &error->remote))
		inet_error_queue(inet, error, &payload);
	else if (!is_hard(inet, error) || !sock->dgram.is_connected)
		return true;
	inet_error_post(inet, (int)error->err);
	return true;
}
