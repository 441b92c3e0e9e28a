/*
 * What lwIP has counted. See counters.h.
 */
#include "net/stack/counters.h"

#include <lwip/stats.h>

static void read_ip(struct stack_counters *out)
{
	const struct stats_mib2 *mib = &lwip_stats.mib2;

	out->ip.in_receives = mib->ipinreceives;
	out->ip.in_header_errors = mib->ipinhdrerrors;
	out->ip.in_address_errors = mib->ipinaddrerrors;
	out->ip.in_unknown_protocols = mib->ipinunknownprotos;
	out->ip.in_discards = mib->ipindiscards;
	out->ip.in_delivers = mib->ipindelivers;
	out->ip.out_requests = mib->ipoutrequests;
	out->ip.out_discards = mib->ipoutdiscards;
	out->ip.out_no_routes = mib->ipoutnoroutes;
	out->ip.reassembly_requests = mib->ipreasmreqds;
	out->ip.reassembly_oks = mib->ipreasmoks;
	out->ip.reassembly_failures = mib->ipreasmfails;
	out->ip.fragment_oks = mib->ipfragoks;
	out->ip.fragment_failures = mib->ipfragfails;
	out->ip.fragment_creates = mib->ipfragcreates;
}

static void read_icmp(struct stack_counters *out)
{
	const struct stats_mib2 *mib = &lwip_stats.mib2;

	out->icmp.in_messages = mib->icmpinmsgs;
	out->icmp.in_errors = mib->icmpinerrors;
	out->icmp.in_unreachable = mib->icmpindestunreachs;
	out->icmp.in_time_exceeded = mib->icmpintimeexcds;
	out->icmp.in_parameter = mib->icmpinparmprobs;
	out->icmp.in_redirects = mib->icmpinredirects;
	out->icmp.in_echos = mib->icmpinechos;
	out->icmp.in_echo_replies = mib->icmpinechoreps;
	out->icmp.out_messages = mib->icmpoutmsgs;
	out->icmp.out_errors = mib->icmpouterrors;
	out->icmp.out_unreachable = mib->icmpoutdestunreachs;
	out->icmp.out_time_exceeded = mib->icmpouttimeexcds;
	out->icmp.out_echos = mib->icmpoutechos;
	out->icmp.out_echo_replies = mib->icmpoutechoreps;
}

static void read_tcp(struct stack_counters *out)
{
	const struct stats_mib2 *mib = &lwip_stats.mib2;

	out->tcp.active_opens = mib->tcpactiveopens;
	out->tcp.passive_opens = mib->tcppassiveopens;
	out->tcp.failed_attempts = mib->tcpattemptfails;
	out->tcp.resets_of_established = mib->tcpestabresets;
	out->tcp.in_segments = mib->tcpinsegs;
	out->tcp.out_segments = mib->tcpoutsegs;
	out->tcp.retransmitted = mib->tcpretranssegs;
	out->tcp.in_errors = mib->tcpinerrs;
	out->tcp.out_resets = mib->tcpoutrsts;
}

static void read_udp(struct stack_counters *out)
{
	const struct stats_mib2 *mib = &lwip_stats.mib2;

	out->udp.in_datagrams = mib->udpindatagrams;
	out->udp.no_ports = mib->udpnoports;
	out->udp.in_errors = mib->udpinerrors;
	out->udp.out_datagrams = mib->udpoutdatagrams;
}

static void read_ipv6(struct stack_counters *out)
{
	const struct stats_proto *ip6 = &lwip_stats.ip6, *icmp6 = &lwip_stats.icmp6;

	out->ip6.in_receives = (uint32_t)ip6->recv;
	out->ip6.in_discards = (uint32_t)(ip6->drop + ip6->memerr);
	out->ip6.in_header_errors = (uint32_t)(ip6->lenerr + ip6->opterr);
	out->ip6.in_unknown_protocols = (uint32_t)ip6->proterr;
	out->ip6.out_requests = (uint32_t)ip6->xmit;
	out->ip6.out_no_routes = (uint32_t)ip6->rterr;
	out->icmp6.in_messages = (uint32_t)icmp6->recv;
	out->icmp6.in_errors = (uint32_t)(icmp6->chkerr + icmp6->lenerr);
	out->icmp6.out_messages = (uint32_t)icmp6->xmit;
}

void stack_counters_read(const struct netns *netns, struct stack_counters *out)
{
	*out = (struct stack_counters){ .ip.in_receives = 0 };
	read_ip(out);
	read_icmp(out);
	read_tcp(out);
	read_udp(out);
	read_ipv6(out);
}
