/*
 * Packets in: raw pcbs of the stack, and who gets what they see. See input.h.
 */
#include "net/inet/input.h"

#include <linux/errno.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/prot/ip6.h>
#include <lwip/raw.h>

#include "lib/list.h"
#include "mem/alloc.h"
#include "net/iface/iface.h"
#include "net/iface/stack_hooks.h"
#include "net/inet/inet_impl.h"
#include "net/netns.h"
#include "net/stack/stack.h"

struct watch {
	struct list     link;
	struct raw_pcb *pcb;
	uint32_t        nr_users;
};

static struct {
	struct list watches __guarded_by(core);
	bool        is_started __guarded_by(core);
} input = { .watches = LIST_INIT(input.watches) };

/* ---- one packet --------------------------------------------------------------------- */

/* The protocol behind the extension headers of IPv6, which the stack has judged. */
static uint8_t protocol_behind(const struct pbuf *pbuf, uint32_t transport)
{
	const uint8_t *bytes = pbuf->payload;
	uint8_t protocol = IP6H_NEXTH((const struct ip6_hdr *)pbuf->payload);
	uint32_t at = IP6_HLEN;

	while (at + 8 <= transport && transport <= pbuf->len) {
		protocol = bytes[at];
		at += 8 * (bytes[at + 1] + 1u);
	}
	return protocol;
}

static bool checks(const struct netif *netif, uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_UDP:
		return netif->chksum_flags & NETIF_CHECKSUM_CHECK_UDP;
	case IPPROTO_ICMP:
		return netif->chksum_flags & NETIF_CHECKSUM_CHECK_ICMP;
	case IPPROTO_ICMPV6:
		return netif->chksum_flags & NETIF_CHECKSUM_CHECK_ICMP6;
	default:
		return false;
	}
}

/* An ICMP message that is what it was when it was sent. */
static bool icmp_is_intact(const struct inet_packet *packet)
{
	struct pbuf *pbuf = packet->pbuf;
	uint16_t sum;

	if (pbuf->len < packet->transport + 8)
		return false;
	if (packet->is_verified)
		return true;
	pbuf_remove_header(pbuf, packet->transport);
	if (packet->protocol == IPPROTO_ICMP)
		sum = inet_chksum_pbuf(pbuf);
	else
		sum = ip_chksum_pseudo(pbuf, IPPROTO_ICMPV6, pbuf->tot_len, packet->from,
		                       packet->to);
	pbuf_add_header_force(pbuf, packet->transport);
	return sum == 0;
}

static void icmp_input(const struct inet_packet *packet)
{
	if (!icmp_is_intact(packet))
		return;
	icmp_input_errors(packet);
	ping_input(packet);
}

/* A raw pcb's callback: 1 if we keep the packet. */
static u8_t packet_input(void *data, struct raw_pcb *pcb, struct pbuf *pbuf, const ip_addr_t *from)
{
	struct netif *netif = ip_current_input_netif();
	struct inet_packet packet = {
		.pbuf = pbuf,
		.from = from,
		.to = ip_current_dest_addr(),
		.iface = netif_to_iface(netif)->index,
		.transport = ip_current_header_tot_len(),
		.protocol = pcb->protocol,
	};

	if (IP_IS_V6(from) && packet.transport > IP6_HLEN)
		packet.protocol = protocol_behind(pbuf, packet.transport);
	packet.is_multicast = ip_addr_ismulticast(packet.to);
	packet.is_broadcast = IP_IS_V4(from) && !packet.is_multicast &&
			      ip_addr_isbroadcast(packet.to, ip_current_netif());
	packet.is_verified = !checks(netif, packet.protocol);
	raw_input_sockets(&packet);
	if (packet.protocol == IPPROTO_UDP) {
		udp_packet_input(&packet);
		pbuf_free(pbuf);
		return 1;
	}
	if (packet.protocol == (IP_IS_V4(from) ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		icmp_input(&packet);
	return 0;
}

/* ---- which protocols ---------------------------------------------------------------- */

static struct watch *watch_find(int protocol)
{
	struct watch *watch;

	list_for_each_entry(watch, &input.watches, link)
		if (watch->pcb->protocol == protocol)
			return watch;
	return NULL;
}

int inet_input_add(int protocol)
{
	struct watch *watch = watch_find(protocol);

	if (watch) {
		watch->nr_users++;
		return 0;
	}
	watch = kmalloc(sizeof(*watch), ALLOC_ATOMIC);
	if (!watch)
		return -ENOMEM;
	watch->pcb = raw_new_ip_type(IPADDR_TYPE_ANY, (u8_t)protocol);
	if (!watch->pcb) {
		kfree(watch);
		return -ENOMEM;
	}
	watch->nr_users = 1;
	raw_recv(watch->pcb, packet_input, NULL);
	list_add_tail(&input.watches, &watch->link);
	return 0;
}

void inet_input_remove(int protocol)
{
	struct watch *watch = watch_find(protocol);

	if (!watch || --watch->nr_users)
		return;
	list_remove(&watch->link);
	raw_remove(watch->pcb);
	kfree(watch);
}

int inet_input_start(struct netns *netns)
{
	/* the last three: extension headers of IPv6, behind which the others may be */
	static const uint8_t always[] = {
		IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS,
		IPPROTO_UDP,
	};
	size_t n = 0;
	int err = 0;

	if (likely(READ_ONCE(input.is_started)))
		return 0;
	stack_lock(netns);
	for (; n < sizeof(always) && !err && !input.is_started; n++)
		err = inet_input_add(always[n]);
	if (err)
		while (--n > 0)
			inet_input_remove(always[n - 1]);
	else
		WRITE_ONCE(input.is_started, true);
	stack_unlock(netns);
	return err;
}
