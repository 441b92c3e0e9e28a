/*
 * The loopback interface below IP. See loopback.h.
 */
#include "net/stack/loopback.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/prot/ip.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/tcp.h>
#include <lwip/snmp.h>

#include "lib/byteorder.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/page.h"
#include "net/iface/stack_hooks.h"
#include "net/iface/tap.h"
#include "net/stack/guards.h"
#include "net/stack/stack_impl.h"

enum {
	QUEUE_SIZE = 1024,
	LOOPBACK_MTU = 65535,
	COPY_MAX = 512, /* to share less would cost more */
};

struct queued {
	struct pbuf  *packet;
	struct netif *netif;
};

/* Allocated with the first packet. Indices run freely. */
static struct {
	struct queued *ring __guarded_by(stack.lock);
	uint32_t       head, tail __guarded_by(stack.lock);
} queue;

/* ---- packets that others refer to ------------------------------------------------------------ */

/* Fragments that lwIP has cut refer to the packet that they were cut from. */
static bool is_ours_alone(const struct pbuf *packet)
{
	for (; packet; packet = packet->next) {
		if (packet->ref != 1 || PBUF_NEEDS_COPY(packet))
			return false;
	}
	return true;
}

static struct pbuf *copy_of(const struct pbuf *from)
{
	struct pbuf *to = pbuf_alloc(PBUF_RAW, from->len, PBUF_RAM);

	if (to)
		memcpy(to->payload, from->payload, from->len);
	return to;
}

/* The same bytes: shared if they lie in pages, else copied. */
static struct pbuf *share_of(const struct pbuf *from)
{
	uint32_t offset;
	struct page *page = stack_page_of(from->payload, &offset);
	struct pbuf *to;

	if (!page)
		return copy_of(from);
	to = stack_pbuf_from_page(page, offset, from->len);
	if (!to)
		page_put(page);
	return to;
}

/* All of a small packet in one piece. */
static struct pbuf *flat_copy_of(const struct pbuf *packet)
{
	struct pbuf *to = pbuf_alloc(PBUF_RAW, packet->tot_len, PBUF_RAM);
	uint8_t *at;

	if (!to)
		return NULL;
	at = to->payload;
	for (; packet; at += packet->len, packet = packet->next)
		memcpy(at, packet->payload, packet->len);
	return to;
}

/* A packet that may be written to where its headers are; NULL: no memory. */
static struct pbuf *clone(const struct pbuf *packet)
{
	struct pbuf *first;

	if (packet->tot_len <= COPY_MAX)
		return flat_copy_of(packet);
	first = copy_of(packet);
	for (const struct pbuf *at = packet->next; at && first; at = at->next) {
		struct pbuf *piece = share_of(at);

		if (piece) {
			pbuf_cat(first, piece);
		} else {
			stack_pbuf_free(first);
			first = NULL;
		}
	}
	return first;
}

/*
 * ---- what a connection over lo need not say ----------------------------------------------------
 */

enum { OPTION_END = 0, OPTION_NONE = 1, OPTION_TIMESTAMPS = 8 };

/* Blanks the time stamps among the options of a SYN. */
static void blank_timestamps(uint8_t *at, const uint8_t *end)
{
	while (at < end && *at != OPTION_END) {
		uint32_t size = *at == OPTION_NONE ? 1 : end - at > 1 ? at[1] : 0;

		if (!size || size > (size_t)(end - at))
			return;
		if (*at == OPTION_TIMESTAMPS)
			memset(at, OPTION_NONE, size);
		at += size;
	}
}

/*
 * Connections to ourselves go without time stamps: nothing is lost or delayed here that they could
 * tell of, and they cost as much as the rest of a small segment.
 */
static void refuse_timestamps(struct pbuf *packet)
{
	uint8_t *bytes = packet->payload;
	uint32_t start = bytes[0] >> 4 == 4 ? (bytes[0] & 0xfu) * 4 : IP6_HLEN;
	uint8_t protocol = bytes[0] >> 4 == 4 ? bytes[9] : bytes[6];
	struct tcp_hdr *tcp = (void *)(bytes + start);

	if (protocol != IP_PROTO_TCP || packet->len < start + TCP_HLEN)
		return;
	if (unlikely(TCPH_FLAGS(tcp) & TCP_SYN) && packet->len >= start + TCPH_HDRLEN_BYTES(tcp))
		blank_timestamps(bytes + start + TCP_HLEN, bytes + start + TCPH_HDRLEN_BYTES(tcp));
}

/* ---- who listens ----------------------------------------------------------------------------- */

/* Linux shows a packet twice, on its way out and in, behind an Ethernet header of zeroes. */
static void tap(struct netif *netif, const struct pbuf *packet, uint8_t type)
{
	const uint8_t *bytes = packet->payload;
	bool is_v4 = bytes[0] >> 4 == 4;
	struct ethhdr header = { .h_proto = cpu_to_be16(is_v4 ? ETH_P_IP : ETH_P_IPV6) };
	const struct iface_frame seen = {
		.iface = netif_to_iface(netif),
		.packet_type = type,
		.has_good_checksum = true,
		.protocol = header.h_proto,
		.header_length = ETH_HLEN,
		.length = ETH_HLEN + packet->tot_len,
		.head = (const uint8_t *)&header,
		.nr_head = ETH_HLEN,
		.pbuf = packet,
	};

	iface_tap_frame(&seen);
}

/* ---- the queue ------------------------------------------------------------------------------- */

static err_t enqueue(struct netif *netif, struct pbuf *packet)
{
	if (unlikely(!queue.ring)) {
		queue.ring = kmalloc_array(QUEUE_SIZE, sizeof(*queue.ring),
		                           ALLOC_ATOMIC | ALLOC_NOWARN);
		if (!queue.ring)
			return ERR_MEM;
	}
	if (queue.head - queue.tail == QUEUE_SIZE) {
		MIB2_STATS_NETIF_INC(netif, ifoutdiscards);
		return ERR_MEM;
	}
	if (unlikely(iface_has_taps(netif_to_iface(netif))))
		tap(netif, packet, PACKET_OUTGOING);
	pbuf_ref(packet);
	queue.ring[queue.head++ % QUEUE_SIZE] = (struct queued){ packet, netif };
	stack_note(STACK_LOOPBACK);
	return ERR_OK;
}

static void input(struct netif *netif, struct pbuf *packet)
{
	bool is_control;

	if (!is_ours_alone(packet)) {
		struct pbuf *copy = clone(packet);

		pbuf_free(packet);
		packet = copy;
	}
	if (!packet)
		return;
	stack_tcp_stir();
	if (packet->len >= IP_HLEN)
		refuse_timestamps(packet);
	if (unlikely(iface_has_taps(netif_to_iface(netif))))
		tap(netif, packet, PACKET_HOST);
	is_control = packet_is_control6(packet->payload, packet->len);
	if (ip_input(packet, netif) != ERR_OK)
		pbuf_free(packet);
	if (is_control)
		path_mtus_raise();
}

bool loopback_deliver(void)
{
	for (int n = 0; n < STACK_ROUND && queue.head != queue.tail; n++) {
		struct queued next = queue.ring[queue.tail++ % QUEUE_SIZE];

		input(next.netif, next.packet);
	}
	return queue.head != queue.tail;
}

/* ---- the interface --------------------------------------------------------------------------- */

static err_t loopback_output4(struct netif *netif, struct pbuf *packet, const ip4_addr_t *to)
{
	return enqueue(netif, packet);
}

static err_t loopback_output6(struct netif *netif, struct pbuf *packet, const ip6_addr_t *to)
{
	return enqueue(netif, packet);
}

err_t loopback_netif_init(struct netif *netif)
{
	netif->name[0] = 'l';
	netif->name[1] = 'o';
	netif->flags = NETIF_FLAG_IGMP | NETIF_FLAG_MLD6; /* it has groups */
	netif->mtu = LOOPBACK_MTU;
	netif->output = loopback_output4;
	netif->output_ip6 = loopback_output6;
	/* but those that raw sockets look at */
	NETIF_SET_CHECKSUM_CTRL(netif, NETIF_CHECKSUM_GEN_ICMP | NETIF_CHECKSUM_GEN_ICMP6);
	return ERR_OK;
}
