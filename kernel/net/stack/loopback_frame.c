/*
 * Whole frames on lo, from packet sockets: who listens sees them go out and come in, and IP gets
 * what is for it. See loopback.h.
 *
 * The frame is copied into one piece: IP wants its headers so, and it is not what programs send
 * much of.
 */
#include <linux/errno.h>
#include <linux/if_ether.h>
#include <lwip/ip.h>

#include "dev/netdev.h"
#include "lib/byteorder.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "net/iface/stack_hooks.h"
#include "net/iface/tap.h"
#include "net/stack/loopback.h"
#include "net/stack/stack.h"

static struct pbuf *copy_of(const struct netbuf *netbuf)
{
	struct pbuf *copy = NULL;
	uint8_t *at;

	if (netbuf->length <= UINT16_MAX)
		copy = pbuf_alloc(PBUF_RAW, (uint16_t)netbuf->length, PBUF_RAM);
	if (!copy)
		return NULL;
	at = copy->payload;
	memcpy(at, netbuf->head, netbuf->head_length);
	at += netbuf->head_length;
	for (uint32_t i = 0; i < netbuf->nr_segments; i++) {
		const struct netbuf_segment *segment = &netbuf->segments[i];

		memcpy(at, (const uint8_t *)page_to_virt(segment->page) + segment->offset,
		       segment->length);
		at += segment->length;
	}
	return copy;
}

/* lo's own address is all zeroes, and so is the one for all: Ethernet's is a group here. */
static uint8_t packet_type(const struct ethhdr *header)
{
	static const uint8_t zero[ETH_ALEN];

	if (!memcmp(header->h_dest, zero, ETH_ALEN))
		return PACKET_HOST;
	return header->h_dest[0] & 1 ? PACKET_MULTICAST : PACKET_OTHERHOST;
}

static void tap(struct iface *iface, const struct netbuf *netbuf, const struct pbuf *frame,
                uint8_t type)
{
	const struct ethhdr *header = frame->payload;
	const struct iface_frame seen = {
		.iface = iface,
		.packet_type = type,
		.protocol = header->h_proto,
		.header_length = ETH_HLEN,
		.length = frame->tot_len,
		.pbuf = frame,
		.netbuf = type == PACKET_OUTGOING ? netbuf : NULL,
	};

	if (iface_has_taps(iface))
		iface_tap_frame(&seen);
}

int loopback_transmit(struct iface *iface, struct netbuf *netbuf)
{
	struct pbuf *frame = copy_of(netbuf);
	uint8_t type;
	uint16_t protocol;

	stack_assert_locked();
	if (!frame || frame->len < ETH_HLEN) {
		if (frame)
			stack_pbuf_free(frame);
		netbuf->done(netbuf);
		return -ENOBUFS;
	}
	type = packet_type(frame->payload);
	protocol = load_be16((const uint8_t *)frame->payload + ETH_HLEN - 2);
	tap(iface, netbuf, frame, PACKET_OUTGOING);
	netbuf->done(netbuf);
	tap(iface, NULL, frame, type);
	if (type == PACKET_OTHERHOST || (protocol != ETH_P_IP && protocol != ETH_P_IPV6) ||
	    pbuf_remove_header(frame, ETH_HLEN) || !frame->len ||
	    ip_input(frame, iface->netif) != ERR_OK)
		stack_pbuf_free(frame);
	return 0;
}
