/*
 * What we tell others by ICMP: that nobody has a port. See input.h.
 *
 * Our own, because lwIP quotes eight bytes of the packet, and programs that read the error queue
 * expect what they sent. On a wire at most so many go out in a second (RFC 1812, 4.3.2.8).
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/pbuf.h>

#include "lib/byteorder.h"
#include "lib/math.h"
#include "lib/string.h"
#include "net/inet/input.h"
#include "sched/clock.h"

enum {
	MESSAGE_HEADER = 8,
	QUOTE4_MAX = 576 - IP_HLEN - MESSAGE_HEADER,
	QUOTE6_MAX = 1280 - IP6_HLEN - MESSAGE_HEADER,
	TOS_CONTROL = 0xc0,
	MESSAGES_A_SECOND = 1000,
	MESSAGES_AT_ONCE = 50,
};

static struct {
	ns_t     filled __guarded_by(core);
	uint32_t left __guarded_by(core);
} bucket;

static bool bucket_take(void)
{
	ns_t now = clock_monotonic_coarse();
	uint64_t fresh = (uint64_t)(now - bucket.filled) / (NS_PER_SEC / MESSAGES_A_SECOND);

	if (fresh) {
		bucket.left = (uint32_t)min(bucket.left + fresh, (uint64_t)MESSAGES_AT_ONCE);
		bucket.filled = now;
	}
	if (!bucket.left)
		return false;
	bucket.left--;
	return true;
}

static void checksum_fill(struct pbuf *message, const struct inet_packet *packet, bool is_v4)
{
	uint16_t sum = is_v4 ? inet_chksum_pbuf(message)
			     : ip_chksum_pseudo(message, IPPROTO_ICMPV6, message->tot_len,
			                        packet->to, packet->from);

	memcpy((uint8_t *)message->payload + 2, &sum, sizeof(sum));
}

void icmp_send_port_unreachable(const struct inet_packet *packet)
{
	bool is_v4 = IP_IS_V4(packet->from);
	uint16_t size = (uint16_t)min((uint32_t)packet->pbuf->tot_len,
	                              (uint32_t)(is_v4 ? QUOTE4_MAX : QUOTE6_MAX));
	struct pbuf *message;
	uint8_t *bytes;

	if (packet->iface != 1 && !bucket_take())
		return;
	message = pbuf_alloc(PBUF_IP, (u16_t)(MESSAGE_HEADER + size), PBUF_RAM);
	if (!message)
		return;
	bytes = message->payload;
	memset(bytes, 0, MESSAGE_HEADER);
	bytes[0] = is_v4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH;
	bytes[1] = is_v4 ? ICMP_PORT_UNREACH : ICMPV6_PORT_UNREACH;
	pbuf_copy_partial(packet->pbuf, bytes + MESSAGE_HEADER, size, 0);
	checksum_fill(message, packet, is_v4);
	ip_output(message, packet->to, packet->from, 64, is_v4 ? TOS_CONTROL : 0,
	          is_v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	pbuf_free(message);
}
