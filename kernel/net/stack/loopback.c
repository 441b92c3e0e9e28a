/*
 * The loopback interface below IP. See loopback.h.
 */
#include "net/stack/loopback.h"

#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/snmp.h>

#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/page.h"
#include "net/stack/stack_impl.h"

enum { QUEUE_SIZE = 1024, LOOPBACK_MTU = 65535 };

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

static bool is_ours_alone(const struct pbuf *packet)
{
	for (; packet; packet = packet->next)
		if (packet->ref != 1)
			return false;
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

/* A packet that may be written to where its headers are; NULL: no memory. */
static struct pbuf *clone(const struct pbuf *packet)
{
	struct pbuf *first = copy_of(packet);

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
	pbuf_ref(packet);
	queue.ring[queue.head++ % QUEUE_SIZE] = (struct queued){ packet, netif };
	stack_note(STACK_LOOPBACK);
	return ERR_OK;
}

static void input(struct netif *netif, struct pbuf *packet)
{
	if (!is_ours_alone(packet)) {
		struct pbuf *copy = clone(packet);

		pbuf_free(packet);
		packet = copy;
	}
	if (!packet)
		return;
	packet->if_idx = 0;
	if (ip_input(packet, netif) != ERR_OK)
		pbuf_free(packet);
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
	netif->mtu = LOOPBACK_MTU;
	netif->output = loopback_output4;
	netif->output_ip6 = loopback_output6;
	NETIF_SET_CHECKSUM_CTRL(netif, NETIF_CHECKSUM_DISABLE_ALL);
	return ERR_OK;
}
