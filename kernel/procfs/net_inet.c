/*
 * /proc/net/tcp, udp, raw, icmp and their twins for IPv6: sockets of the internet families, as
 * netstat(8) and many others read them. Addresses in the kernel are told as 0.
 */
#include <linux/in.h>

#include "abi/socket.h"
#include "lib/byteorder.h"
#include "lib/string.h"
#include "net/inet/inet.h"
#include "procfs/net.h"
#include "procfs/text.h"

enum { TCP_LINE = 149, DATAGRAM_LINE = 127 };
enum { STATE_TIME_WAIT = 6, STATE_CLOSE = 7, STATE_LISTEN = 10 };
enum { CENTISECOND = 10000000 }; /* ns */

static const char heading4[] = "local_address rem_address   st tx_queue rx_queue tr tm->when "
			       "retrnsmt   uid  timeout inode";
static const char heading6[] = "  sl  local_address                         "
			       "remote_address                        st tx_queue rx_queue tr "
			       "tm->when retrnsmt   uid  timeout inode";

struct listing {
	struct text *text;
	uint16_t     family;
	unsigned int width; /* bytes of a line, padded; 0: as long as they are */
	unsigned int slot;  /* the first number */
};

static void line_end(const struct listing *listing, size_t start)
{
	if (listing->width)
		text_pad(listing->text, start, listing->width);
	text_puts(listing->text, "\n");
}

/* Words of four bytes, each as a number of this CPU. */
static void put_end(struct text *text, uint16_t family, const uint8_t *address, uint16_t port)
{
	for (int i = 0; i < (family == AF_INET ? 4 : 16); i += 4) {
		uint32_t word;

		memcpy(&word, address + i, sizeof(word));
		text_printf(text, "%08X", word);
	}
	text_printf(text, ":%04X ", (unsigned)port);
}

static void put_ends(const struct listing *listing, const struct inet_entry *entry)
{
	put_end(listing->text, listing->family, entry->local, entry->local_port);
	put_end(listing->text, listing->family, entry->remote, entry->remote_port);
}

static void put_queues(struct text *text, const struct inet_entry *entry)
{
	text_printf(text, "%02X %08X:%08X %02X:%08lX %08X %5u %8d %lu %d %016x",
	            (unsigned)entry->state, entry->state == STATE_LISTEN ? 0 : entry->send_queue,
	            entry->receive_queue, (unsigned)entry->timer,
	            entry->timer ? (unsigned long)(entry->timer_left / CENTISECOND) : 0ul,
	            entry->retransmits, entry->uid, (int)entry->probes, entry->ino,
	            (int)entry->refs, 0u);
}

/* ---- TCP ------------------------------------------------------------------------------------- */

static int put_tcp(const struct inet_entry *from, void *data)
{
	struct listing *listing = data;
	size_t start = listing->text->len;
	struct inet_entry entry = *from;

	if (entry.family != listing->family || entry.state == STATE_CLOSE)
		return 0;
	text_printf(listing->text, "%4u: ", listing->slot++);
	if (entry.state == STATE_LISTEN)
		entry.refs += entry.receive_queue; /* each connection that waits has one */
	put_ends(listing, &entry);
	put_queues(listing->text, &entry);
	if (entry.state != STATE_TIME_WAIT)
		text_printf(listing->text, " 100 0 0 10 %d",
		            entry.state == STATE_LISTEN ? 0 : -1);
	line_end(listing, start);
	return 0;
}

void show_net_tcp(struct netns *netns, struct text *text)
{
	struct listing listing = { .text = text, .family = AF_INET, .width = TCP_LINE };

	text_printf(text, "  sl  %s", heading4);
	line_end(&listing, 0);
	(void)inet_for_each(netns, IPPROTO_TCP, put_tcp, &listing);
}

void show_net_tcp6(struct netns *netns, struct text *text)
{
	struct listing listing = { .text = text, .family = AF_INET6 };

	text_printf(text, "%s\n", heading6);
	(void)inet_for_each(netns, IPPROTO_TCP, put_tcp, &listing);
}

/* ---- datagrams ------------------------------------------------------------------------------- */

/* Raw sockets have their protocol for a port; others are found when they have one. */
static int put_datagram(const struct inet_entry *from, void *data)
{
	struct listing *listing = data;
	size_t start = listing->text->len;
	struct inet_entry entry = *from;

	if (entry.type == SOCK_RAW)
		entry.local_port = entry.protocol;
	else if (!entry.local_port)
		return 0;
	if (entry.family != listing->family)
		return 0;
	if (entry.type == SOCK_RAW && entry.family == AF_INET)
		text_printf(listing->text, "%4u: ", (unsigned)entry.local_port);
	else
		text_printf(listing->text, "%5u: ", (unsigned)entry.local_port);
	entry.refs++; /* Linux counts its table's, too */
	put_ends(listing, &entry);
	put_queues(listing->text, &entry);
	text_printf(listing->text, " %lu", entry.drops);
	line_end(listing, start);
	return 0;
}

static void show_datagrams4(struct netns *netns, struct text *text, int protocol,
                            const char *first, unsigned int width)
{
	struct listing listing = { .text = text, .family = AF_INET, .width = width };

	text_printf(text, "%s%s ref pointer drops", first, heading4);
	line_end(&listing, 0);
	(void)inet_for_each(netns, protocol, put_datagram, &listing);
}

static void show_datagrams6(struct netns *netns, struct text *text, int protocol)
{
	struct listing listing = { .text = text, .family = AF_INET6 };

	text_printf(text, "%s ref pointer drops\n", heading6);
	(void)inet_for_each(netns, protocol, put_datagram, &listing);
}

void show_net_udp(struct netns *netns, struct text *text)
{
	show_datagrams4(netns, text, IPPROTO_UDP, "   sl  ", DATAGRAM_LINE);
}

void show_net_udp6(struct netns *netns, struct text *text)
{
	show_datagrams6(netns, text, IPPROTO_UDP);
}

void show_net_icmp(struct netns *netns, struct text *text)
{
	show_datagrams4(netns, text, IPPROTO_ICMP, "  sl  ", DATAGRAM_LINE);
}

void show_net_icmp6(struct netns *netns, struct text *text)
{
	show_datagrams6(netns, text, IPPROTO_ICMP);
}

void show_net_raw(struct netns *netns, struct text *text)
{
	show_datagrams4(netns, text, IPPROTO_RAW, "  sl  ", 0);
}

void show_net_raw6(struct netns *netns, struct text *text)
{
	show_datagrams6(netns, text, IPPROTO_RAW);
}
