/*
 * /proc/net/snmp, snmp6, sockstat, sockstat6: what was counted, under Linux's names. snmp has all
 * of Linux's columns, since some read them by place; snmp6 has a line for what is counted.
 */
#include <linux/in.h>

#include "abi/socket.h"
#include "net/inet/inet.h"
#include "net/socket.h"
#include "net/stack/counters.h"
#include "procfs/net.h"
#include "procfs/text.h"

enum { NOT_FORWARDING = 2, STATE_ESTABLISHED = 1, STATE_CLOSE_WAIT = 8, STATE_TIME_WAIT = 6 };

/* ---- sockets, counted ------------------------------------------------------------------------ */

struct census {
	unsigned int used, time_wait, orphans, established, all; /* of one protocol */
	uint16_t     family; /* of those in `used` */
};

static int count(const struct inet_entry *entry, void *data)
{
	struct census *census = data;

	census->all++;
	census->time_wait += entry->state == STATE_TIME_WAIT;
	census->established += entry->state == STATE_ESTABLISHED ||
			       entry->state == STATE_CLOSE_WAIT;
	census->orphans += !entry->ino && entry->state != STATE_TIME_WAIT;
	census->used += entry->family == census->family && entry->ino;
	return 0;
}

static struct census census_of(struct netns *netns, int protocol, uint16_t family)
{
	struct census census = { .family = family };

	(void)inet_for_each(netns, protocol, count, &census);
	return census;
}

void show_net_sockstat(struct netns *netns, struct text *text)
{
	struct census tcp = census_of(netns, IPPROTO_TCP, AF_INET);
	struct census tcp6 = census_of(netns, IPPROTO_TCP, AF_INET6);
	struct census udp = census_of(netns, IPPROTO_UDP, AF_INET);
	struct census raw = census_of(netns, IPPROTO_RAW, AF_INET);

	text_printf(text, "sockets: used %lu\n", socket_count());
	text_printf(text, "TCP: inuse %u orphan %u tw %u alloc %u mem %u\n", tcp.used, tcp.orphans,
	            tcp.time_wait, tcp.used + tcp6.used, 0u);
	text_printf(text, "UDP: inuse %u mem %u\n", udp.used, 0u);
	text_puts(text, "UDPLITE: inuse 0\n");
	text_printf(text, "RAW: inuse %u\nFRAG: inuse 0 memory 0\n", raw.used);
}

void show_net_sockstat6(struct netns *netns, struct text *text)
{
	text_printf(text, "TCP6: inuse %u\n", census_of(netns, IPPROTO_TCP, AF_INET6).used);
	text_printf(text, "UDP6: inuse %u\n", census_of(netns, IPPROTO_UDP, AF_INET6).used);
	text_puts(text, "UDPLITE6: inuse 0\n");
	text_printf(text, "RAW6: inuse %u\nFRAG6: inuse 0 memory 0\n",
	            census_of(netns, IPPROTO_RAW, AF_INET6).used);
}

/* ---- snmp ------------------------------------------------------------------------------------ */

static void put_ip(const struct stack_counters *c, unsigned int ttl, struct text *text)
{
	text_puts(text, "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors "
	                "ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests "
	                "OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails "
	                "FragOKs FragFails FragCreates\n");
	text_printf(text, "Ip: %u %u %u %u %u 0 %u %u %u %u %u %u 0 %u %u %u %u %u %u\n",
	            (unsigned)NOT_FORWARDING, ttl, c->ip.in_receives, c->ip.in_header_errors,
	            c->ip.in_address_errors, c->ip.in_unknown_protocols, c->ip.in_discards,
	            c->ip.in_delivers, c->ip.out_requests, c->ip.out_discards,
	            c->ip.out_no_routes, c->ip.reassembly_requests, c->ip.reassembly_oks,
	            c->ip.reassembly_failures, c->ip.fragment_oks, c->ip.fragment_failures,
	            c->ip.fragment_creates);
}

static void put_icmp(const struct stack_counters *c, struct text *text)
{
	text_puts(text, "Icmp: InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds "
	                "InParmProbs InSrcQuenchs InRedirects InEchos InEchoReps InTimestamps "
	                "InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors "
	                "OutRateLimitGlobal OutRateLimitHost OutDestUnreachs "
	                "OutTimeExcds OutParmProbs OutSrcQuenchs OutRedirects "
	                "OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks "
	                "OutAddrMaskReps\n");
	text_printf(text, "Icmp: %u %u 0 %u %u %u 0 %u %u %u 0 0 0 0 ", c->icmp.in_messages,
	            c->icmp.in_errors, c->icmp.in_unreachable, c->icmp.in_time_exceeded,
	            c->icmp.in_parameter, c->icmp.in_redirects, c->icmp.in_echos,
	            c->icmp.in_echo_replies);
	text_printf(text, "%u %u 0 0 %u %u 0 0 0 %u %u 0 0 0 0\n", c->icmp.out_messages,
	            c->icmp.out_errors, c->icmp.out_unreachable, c->icmp.out_time_exceeded,
	            c->icmp.out_echos, c->icmp.out_echo_replies);
}

static void put_tcp(const struct stack_counters *c, unsigned int established, struct text *text)
{
	text_puts(text, "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens "
	                "AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs "
	                "OutRsts InCsumErrors\n");
	text_printf(text, "Tcp: 1 200 120000 -1 %u %u %u %u %u %u %u %u %u %u 0\n",
	            c->tcp.active_opens, c->tcp.passive_opens, c->tcp.failed_attempts,
	            c->tcp.resets_of_established, established, c->tcp.in_segments,
	            c->tcp.out_segments, c->tcp.retransmitted, c->tcp.in_errors,
	            c->tcp.out_resets);
}

/* Of both families together: the stack does not keep them apart. */
static void put_udp(const struct stack_counters *c, struct text *text)
{
	static const char columns[] = "InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors "
				      "SndbufErrors InCsumErrors IgnoredMulti MemErrors";

	text_printf(text, "Udp: %s\nUdp: %u %u %u %u 0 0 0 0 0\n", columns, c->udp.in_datagrams,
	            c->udp.no_ports, c->udp.in_errors, c->udp.out_datagrams);
	text_printf(text, "UdpLite: %s\nUdpLite: 0 0 0 0 0 0 0 0 0\n", columns);
}

void show_net_snmp(struct netns *netns, struct text *text)
{
	struct stack_counters counters;

	stack_counters_read(netns, &counters);
	put_ip(&counters, READ_ONCE(inet_settings(netns)->default_ttl), text);
	put_icmp(&counters, text);
	put_tcp(&counters, census_of(netns, IPPROTO_TCP, AF_INET).established, text);
	put_udp(&counters, text);
}

static void put_line(struct text *text, const char *name, uint64_t value)
{
	text_printf(text, "%-32s\t%lu\n", name, value);
}

void show_net_snmp6(struct netns *netns, struct text *text)
{
	struct stack_counters c;

	stack_counters_read(netns, &c);
	put_line(text, "Ip6InReceives", c.ip6.in_receives);
	put_line(text, "Ip6InHdrErrors", c.ip6.in_header_errors);
	put_line(text, "Ip6InUnknownProtos", c.ip6.in_unknown_protocols);
	put_line(text, "Ip6InDiscards", c.ip6.in_discards);
	put_line(text, "Ip6OutRequests", c.ip6.out_requests);
	put_line(text, "Ip6OutNoRoutes", c.ip6.out_no_routes);
	put_line(text, "Icmp6InMsgs", c.icmp6.in_messages);
	put_line(text, "Icmp6InErrors", c.icmp6.in_errors);
	put_line(text, "Icmp6OutMsgs", c.icmp6.out_messages);
}
