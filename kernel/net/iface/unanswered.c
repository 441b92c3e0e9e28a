/*
 * Next hops that do not answer. lwIP drops what waits for them without a word; programs are to hear
 * EHOSTUNREACH, as on Linux, which after three seconds tells its own host by ICMP.
 *
 * The head of a packet that leaves for a hop which nobody has resolved yet is kept. Once a second
 * it is looked whether the hop answered; after three, the packet's sender gets "host unreachable"
 * (ICMPv6: "address unreachable") from ourselves, with that head, and whoever the packet belongs to
 * learns of it as of any other message. A few packets at a time; what has no room is lost quietly.
 *
 * Locking: the core lock, from the callers.
 */
#include <linux/icmpv6.h>
#include <lwip/etharp.h>
#include <lwip/icmp.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/nd6.h>
#include <lwip/priv/nd6_priv.h>

#include "lib/math.h"
#include "net/iface/iface_impl.h"
#include "sched/clock.h"

enum { KEPT_MAX = 16, HEAD_MAX = 128, PATIENCE_SECONDS = 3, MESSAGE_HEADER = 8 };

struct kept {
	struct netif     *netif; /* NULL: free */
	struct ip_address hop;
	struct pbuf      *head;
	uint32_t          seconds;
};

static struct {
	struct kept       kept[KEPT_MAX] __guarded_by(core);
	uint32_t          nr __guarded_by(core);
	/* the hop that was found resolved last, which is believed for a second */
	struct ip_address hop __guarded_by(core);
	struct netif     *netif __guarded_by(core);
	ns_t              until __guarded_by(core);
} unanswered;

/* ---- has it answered? ------------------------------------------------------------------------ */

static bool is_resolved4(struct netif *netif, const struct ip_address *hop)
{
	ip4_addr_t address = address_to_lwip4(hop->v4);
	const ip4_addr_t *found;
	struct eth_addr *mac;

	return etharp_find_addr(netif, &address, &mac, &found) >= 0;
}

static bool is_resolved6(const struct netif *netif, const struct ip_address *hop)
{
	for (int i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++) {
		const struct nd6_neighbor_cache_entry *entry = &neighbor_cache[i];

		if (entry->netif == netif && entry->state > ND6_INCOMPLETE &&
		    !memcmp(entry->next_hop_address.addr, hop->bytes, 16))
			return true;
	}
	return false;
}

static bool is_resolved(struct netif *netif, const struct ip_address *hop)
{
	return hop->family == AF_INET ? is_resolved4(netif, hop) : is_resolved6(netif, hop);
}

static bool is_believed(const struct netif *netif, const struct ip_address *hop)
{
	return unanswered.netif == netif && ip_address_equals(&unanswered.hop, hop) &&
	       clock_monotonic_coarse() < unanswered.until;
}

/* ---- keeping --------------------------------------------------------------------------------- */

static void keep(struct netif *netif, const struct ip_address *hop, const struct pbuf *packet)
{
	uint16_t size = min(packet->tot_len, (uint16_t)HEAD_MAX);
	struct kept *kept = unanswered.kept;

	if (unanswered.nr == KEPT_MAX)
		return;
	while (kept->netif)
		kept++;
	kept->head = pbuf_alloc(PBUF_RAW, size, PBUF_RAM);
	if (!kept->head)
		return;
	pbuf_copy_partial(packet, kept->head->payload, size, 0);
	kept->netif = netif;
	kept->hop = *hop;
	kept->seconds = 0;
	unanswered.nr++;
}

void unanswered_sent(struct netif *netif, const struct ip_address *hop, const struct pbuf *packet)
{
	if (likely(is_believed(netif, hop)))
		return;
	if (!is_resolved(netif, hop)) {
		keep(netif, hop, packet);
		return;
	}
	unanswered.netif = netif;
	unanswered.hop = *hop;
	unanswered.until = clock_monotonic_coarse() + NS_PER_SEC;
}

static void forget(struct kept *kept)
{
	pbuf_free(kept->head);
	kept->netif = NULL;
	unanswered.nr--;
}

void unanswered_forget(const struct netif *netif)
{
	for (int i = 0; i < KEPT_MAX; i++) {
		if (unanswered.kept[i].netif == netif)
			forget(&unanswered.kept[i]);
	}
	unanswered.netif = NULL;
}

/* ---- telling --------------------------------------------------------------------------------- */

/* lwIP's own function answers only what is being input. */
static void tell6(struct netif *netif, const struct pbuf *head)
{
	const struct ip6_hdr *header = head->payload;
	struct icmp6hdr *message;
	struct pbuf *pbuf = pbuf_alloc(PBUF_IP, (uint16_t)(MESSAGE_HEADER + head->len), PBUF_RAM);
	ip6_addr_t self;

	if (!pbuf)
		return;
	ip6_addr_copy_from_packed(self, header->src);
	ip6_addr_assign_zone(&self, IP6_UNICAST, netif);
	message = pbuf->payload;
	*message = (struct icmp6hdr){ .icmp6_type = ICMPV6_DEST_UNREACH,
	                              .icmp6_code = ICMPV6_ADDR_UNREACH };
	memcpy(message + 1, head->payload, head->len);
	message->icmp6_cksum = (__force __sum16)ip6_chksum_pseudo(pbuf, IP6_NEXTH_ICMP6,
	                                                          pbuf->tot_len, &self, &self);
	netif = ip6_route(&self, &self);
	if (netif)
		ip6_output_if(pbuf, &self, &self, ICMP_TTL, 0, IP6_NEXTH_ICMP6, netif);
	pbuf_free(pbuf);
}

static void tell(const struct kept *kept)
{
	if (kept->hop.family == AF_INET && kept->head->len >= IP_HLEN)
		icmp_dest_unreach(kept->head, ICMP_DUR_HOST);
	else if (kept->hop.family == AF_INET6 && kept->head->len >= IP6_HLEN)
		tell6(kept->netif, kept->head);
}

void unanswered_second(void)
{
	for (int i = 0; i < KEPT_MAX && unanswered.nr; i++) {
		struct kept *kept = &unanswered.kept[i];

		if (!kept->netif)
			continue;
		if (is_resolved(kept->netif, &kept->hop)) {
			forget(kept);
		} else if (++kept->seconds >= PATIENCE_SECONDS) {
			tell(kept);
			forget(kept);
		}
	}
}
