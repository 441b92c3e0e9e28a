/*
 * What must be kept from lwIP, whose source stays as it is: what a hostile neighbour can do to it,
 * found by the fuzzer of test/net, which has the same guards. Core lock held.
 *
 * Frames that are too short: lwIP reads the fixed headers of ARP, IPv4 and IPv6 before it looks how
 * long the frame is. (The lengths of TCP options and of IPv6 extension headers, too, but those are
 * no more than 8 bytes behind a frame, which lies in pages.)
 *
 * Path MTUs that IPv6 does not know: lwIP believes whatever a neighbour says is too big, and sends
 * fragments of nothing for ever below 56.
 *
 * Segment sizes: lwIP takes the MSS option of any segment, and asserts that what waits to be sent
 * is not larger than the new size. The size follows the largest window that the peer has had, too:
 * from none at all to a small one, and to one with less room than the options of a segment take.
 *
 * Persist timers without data: where the byte of a window probe was the last that waited and is
 * acknowledged with the window still closed, lwIP leaves the timer on, and asserts at its next tick
 * that there is something to send.
 */
#pragma once

#include <lwip/tcp.h>

enum { FRAME_HEADER = 14, FRAME_ARP = 28, FRAME_IP4 = 20, FRAME_IP6 = 40, SEGMENT_MIN = 64 };

/* The first `length` bytes of the frame lie in one piece; are those too few for its protocol? */
static inline _Bool frame_is_short(const unsigned char *frame, unsigned int length)
{
	unsigned int type;

	if (length < FRAME_HEADER)
		return 1;
	type = (unsigned int)frame[12] << 8 | frame[13];
	return length < FRAME_HEADER + (type == 0x0806 ? FRAME_ARP :
	                                type == 0x0800 ? FRAME_IP4 :
	                                type == 0x86dd ? FRAME_IP6 : 0u);
}

/* An IP packet that begins so may have been about path MTUs of IPv6. */
static inline _Bool packet_is_control6(const unsigned char *packet, unsigned int length)
{
	return length > 6 && packet[0] >> 4 == 6 && packet[6] != 6 && packet[6] != 17;
}

/* After such a packet was input: none is less than 1280 (RFC 8201, section 4). */
void path_mtus_raise(void);

/* Before tcp_tmr(). */
void persist_timers_stop(void);

/* LWIP_HOOK_TCP_INPACKET_PCB: takes out options that do harm. */
struct tcp_hdr;
err_t stack_check_segment(struct tcp_hdr *header, u16_t length, u16_t first_length, u8_t *second);

/* Before tcp_write(). */
static inline void segment_size_settle(struct tcp_pcb *pcb)
{
	if (pcb->snd_wnd_max < 2 * SEGMENT_MIN)
		pcb->snd_wnd_max = 2 * SEGMENT_MIN;
}
