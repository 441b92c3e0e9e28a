/*
 * Frames between the pbufs of lwIP and the netbufs of devices. See ethernet.h.
 */
#include <linux/if_ether.h>
#include <lwip/def.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/tcp.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip.h>

#include "lib/byteorder.h"
#include "lib/checksum.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "net/stack/ethernet_impl.h"
#include "net/stack/stack_impl.h"

enum {
	COPY_MAX = 256, /* a frame up to this is copied and leaves its page */
	FRAME_MAX = 65535,
	CHECKSUM_OFFSET = offsetof(struct tcp_hdr, chksum),
};

/* ---- in -------------------------------------------------------------------------------------- */

static const uint8_t *segment_bytes(const struct netbuf_segment *segment)
{
	return (const uint8_t *)page_to_virt(segment->page) + segment->offset;
}

static struct pbuf *copy_of(const void *bytes, uint32_t length)
{
	struct pbuf *pbuf = pbuf_alloc(PBUF_RAW, (uint16_t)length, PBUF_RAM);

	if (pbuf)
		memcpy(pbuf->payload, bytes, length);
	return pbuf;
}

static struct pbuf *pbuf_of(const struct netbuf_segment *segment)
{
	struct pbuf *pbuf;

	page_get(segment->page);
	pbuf = stack_pbuf_over(segment->page, segment->offset, (uint16_t)segment->length,
	                       PAGE_SIZE);
	if (!pbuf)
		page_put(segment->page);
	return pbuf;
}

/* Puts piece behind chain; either may be missing, and then both are freed. */
static struct pbuf *chain_add(struct pbuf *chain, struct pbuf *piece)
{
	if (chain && piece) {
		pbuf_cat(chain, piece);
		return chain;
	}
	if (chain)
		stack_pbuf_free(chain);
	if (piece)
		stack_pbuf_free(piece);
	return NULL;
}

struct pbuf *frame_view(const struct netbuf *netbuf)
{
	uint32_t i = 0;
	struct pbuf *chain;

	if (netbuf->length > FRAME_MAX || !netbuf->length)
		return NULL;
	chain = netbuf->head_length ? copy_of(netbuf->head, netbuf->head_length) :
	                              pbuf_of(&netbuf->segments[i++]);
	for (; i < netbuf->nr_segments && chain; i++)
		chain = chain_add(chain, pbuf_of(&netbuf->segments[i]));
	return chain;
}

struct pbuf *frame_to_pbuf(struct netbuf *netbuf)
{
	struct pbuf *frame;

	if (netbuf->length <= COPY_MAX && netbuf->nr_segments == 1 && !netbuf->head_length)
		frame = copy_of(segment_bytes(&netbuf->segments[0]), netbuf->length);
	else
		frame = frame_view(netbuf);
	netbuf_free(netbuf);
	return frame;
}

bool frame_is_fragment(const struct pbuf *frame)
{
	const uint8_t *bytes = frame->payload;
	const struct ip_hdr *ip4 = (const void *)(bytes + ETH_HLEN);
	const struct ip6_hdr *ip6 = (const void *)(bytes + ETH_HLEN);

	if (frame->len < ETH_HLEN + sizeof(*ip4))
		return true;
	if (load_be16(bytes + ETH_HLEN - 2) == ETH_P_IP)
		return ip4->_offset & PP_HTONS(IP_OFFMASK | IP_MF);
	return ip6->_nexth != IP6_NEXTH_TCP && ip6->_nexth != IP6_NEXTH_UDP;
}

/* ---- out ------------------------------------------------------------------------------------- */

/* Bytes that lie in the heap go to a page of their own, behind one another. */
struct gathering {
	struct netbuf *netbuf;
	struct page   *page; /* the last segment's, which may grow; NULL: none */
	uint32_t       used;
};

static bool copy_piece(struct gathering *to, const uint8_t *bytes, uint32_t length)
{
	while (length) {
		uint32_t part = min(length, (uint32_t)PAGE_SIZE - to->used);

		if (!to->page || !part) {
			to->page = page_alloc(ALLOC_ATOMIC | ALLOC_NOWARN);
			to->used = 0;
			if (!to->page || !netbuf_add(to->netbuf, to->page, 0, 0))
				return false;
			continue;
		}
		memcpy((uint8_t *)page_to_virt(to->page) + to->used, bytes, part);
		to->netbuf->segments[to->netbuf->nr_segments - 1].length += part;
		to->netbuf->length += part;
		to->used += part;
		bytes += part;
		length -= part;
	}
	return true;
}

static bool add_piece(struct gathering *to, const struct pbuf *piece)
{
	uint32_t offset;
	struct page *page = stack_page_of(piece->payload, &offset);

	/* as long as one place is left for copies of all that follows */
	if (page && to->netbuf->nr_segments < NETBUF_SEGMENTS_MAX - 1) {
		to->page = NULL;
		return netbuf_add(to->netbuf, page, offset, piece->len);
	}
	if (page)
		page_put(page);
	return copy_piece(to, piece->payload, piece->len);
}

/* All of it in pages of its own: more pieces than a netbuf takes. */
static bool copy_whole(struct netbuf *netbuf, const struct pbuf *frame)
{
	struct gathering to = { .netbuf = netbuf };

	for (; frame; frame = frame->next)
		if (!copy_piece(&to, frame->payload, frame->len))
			return false;
	return true;
}

static bool gather(struct netbuf *netbuf, const struct pbuf *frame)
{
	struct gathering to = { .netbuf = netbuf };

	if (frame->len <= NETBUF_HEAD_ROOM) {
		memcpy(netbuf->head, frame->payload, frame->len);
		netbuf->length = netbuf->head_length = frame->len;
		frame = frame->next;
	}
	if (frame && pbuf_clen(frame) > NETBUF_SEGMENTS_MAX - 1)
		return copy_whole(netbuf, frame);
	for (; frame; frame = frame->next)
		if (frame->len && !add_piece(&to, frame))
			return false;
	return true;
}

struct netbuf *frame_from_pbuf(const struct pbuf *frame)
{
	struct netbuf *netbuf = netbuf_alloc(ALLOC_ATOMIC | ALLOC_NOWARN);

	if (netbuf && !gather(netbuf, frame)) {
		netbuf_free(netbuf);
		return NULL;
	}
	return netbuf;
}

/* ---- sums that the device completes ---------------------------------------------------------- */

/* The sum over addresses, length and protocol, which the device goes on from. */
static uint16_t pseudo_sum(const void *addresses, size_t size, uint32_t length)
{
	uint64_t sum = checksum_add(0, addresses, size);

	return checksum_fold(sum + lwip_htonl(length) + lwip_htonl(IP_PROTO_TCP));
}

/* Where TCP begins in a frame that is whole; 0: it does not. */
static uint32_t tcp_start(const uint8_t *frame, uint16_t *sum, uint32_t length)
{
	const struct ip_hdr *ip4 = (const void *)(frame + ETH_HLEN);
	const struct ip6_hdr *ip6 = (const void *)(frame + ETH_HLEN);
	uint32_t start;

	if (load_be16(frame + ETH_HLEN - 2) == ETH_P_IP) {
		start = ETH_HLEN + IPH_HL_BYTES(ip4);
		if (ip4->_proto != IP_PROTO_TCP || ip4->_offset & PP_HTONS(IP_OFFMASK | IP_MF))
			return 0;
		*sum = pseudo_sum(&ip4->src, 2 * sizeof(ip4->src), length - start);
		return start;
	}
	start = ETH_HLEN + sizeof(*ip6);
	if (load_be16(frame + ETH_HLEN - 2) != ETH_P_IPV6 || ip6->_nexth != IP6_NEXTH_TCP)
		return 0;
	*sum = pseudo_sum(&ip6->src, 2 * sizeof(ip6->src), length - start);
	return start;
}

/* The headers were copied: to the head, or to a page of the netbuf's own. */
static uint8_t *headers_of(struct netbuf *netbuf, uint32_t *size)
{
	const struct netbuf_segment *first = &netbuf->segments[0];

	*size = netbuf->head_length ? netbuf->head_length : first->length;
	return netbuf->head_length ? netbuf->head :
	                             (uint8_t *)page_to_virt(first->page) + first->offset;
}

void frame_leave_checksum(struct netbuf *netbuf)
{
	enum { IP_MIN = ETH_HLEN + 20, IP6_MIN = ETH_HLEN + 40 };
	uint32_t start, nr_contiguous;
	uint8_t *frame = headers_of(netbuf, &nr_contiguous);
	uint16_t sum;

	if (nr_contiguous < IP_MIN ||
	    (load_be16(frame + ETH_HLEN - 2) == ETH_P_IPV6 && nr_contiguous < IP6_MIN))
		return;
	start = tcp_start(frame, &sum, netbuf->length);
	if (!start || start + TCP_HLEN > nr_contiguous)
		return;
	memcpy(frame + start + CHECKSUM_OFFSET, &sum, sizeof(sum));
	netbuf->flags |= NETBUF_CHECKSUM_PARTIAL;
	netbuf->checksum_start = (uint16_t)start;
	netbuf->checksum_offset = CHECKSUM_OFFSET;
}
