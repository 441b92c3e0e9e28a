/*
 * What is told of connections: TCP_INFO, and the lists behind /proc/net/tcp and ss(8). See
 * tcp_impl.h.
 */
#include <linux/in.h>
#include <linux/tcp.h>

#include "lib/math.h"
#include "lib/string.h"
#include "net/inet/tcp.h"
#include "net/inet/tcp_impl.h"
#include "sched/clock.h"

enum { TICK_MS = 2 * TCP_TMR_INTERVAL, RTO_FIRST_US = 1000000, CWND_FIRST = 10 };

enum inet_timer { TIMER_NONE, TIMER_RETRANSMIT, TIMER_KEEP_ALIVE, TIMER_WAIT, TIMER_PROBE };

/* ---- TCP_INFO ----------------------------------------------------------------------- */

static uint32_t microseconds(int ticks)
{
	return ticks > 0 ? (uint32_t)ticks * TICK_MS * 1000 : 0;
}

static uint8_t options_of(const struct tcp_pcb *pcb)
{
	uint8_t options = 0;

	if (pcb->flags & TF_TIMESTAMP)
		options |= TCPI_OPT_TIMESTAMPS;
	if (pcb->flags & TF_SACK)
		options |= TCPI_OPT_SACK;
	if (pcb->flags & TF_WND_SCALE)
		options |= TCPI_OPT_WSCALE;
	return options;
}

static uint32_t segments(uint32_t bytes, uint32_t mss)
{
	return (bytes + mss - 1) / mss;
}

static void info_of_pcb(const struct tcp_sock *sock, const struct tcp_pcb *pcb,
                        struct tcp_info *out)
{
	uint32_t mss = max((uint32_t)tcp_mss(pcb), 1u), idle = (tcp_ticks - pcb->tmr) * TICK_MS;

	out->tcpi_ca_state = pcb->flags & TF_RTO ? TCP_CA_Loss
			     : pcb->flags & TF_INFR ? TCP_CA_Recovery : TCP_CA_Open;
	out->tcpi_retransmits = out->tcpi_backoff = pcb->nrtx;
	out->tcpi_probes = pcb->persist_probe ? pcb->persist_probe : pcb->keep_cnt_sent;
	out->tcpi_options = options_of(pcb);
	out->tcpi_snd_wscale = pcb->snd_scale & 15;
	out->tcpi_rcv_wscale = pcb->rcv_scale & 15;
	out->tcpi_rto = microseconds(pcb->rto);
	out->tcpi_snd_mss = out->tcpi_rcv_mss = out->tcpi_advmss = mss;
	out->tcpi_unacked = segments(pcb->snd_nxt - pcb->lastack, mss);
	out->tcpi_last_data_sent = out->tcpi_last_data_recv = out->tcpi_last_ack_recv = idle;
	out->tcpi_rcv_ssthresh = out->tcpi_rcv_space = sock->window;
	out->tcpi_rtt = microseconds(pcb->sa) / 8;
	out->tcpi_rttvar = microseconds(pcb->sv) / 4;
	out->tcpi_snd_ssthresh = segments(pcb->ssthresh, mss);
	out->tcpi_snd_cwnd = max(segments(pcb->cwnd, mss), 1u);
	out->tcpi_notsent_bytes = pcb->snd_lbb - pcb->snd_nxt;
	out->tcpi_snd_wnd = pcb->snd_wnd;
	out->tcpi_pmtu = mss + 40;
	out->tcpi_bytes_acked = sock->acked;
}

void tcp_info_fill(struct tcp_sock *sock, struct tcp_info *out)
{
	const struct tcp_pcb *pcb;

	memset(out, 0, sizeof(*out));
	out->tcpi_rto = RTO_FIRST_US;
	out->tcpi_snd_mss = out->tcpi_rcv_mss = TCP_MSS_UNKNOWN;
	out->tcpi_snd_cwnd = CWND_FIRST;
	out->tcpi_snd_ssthresh = INT32_MAX;
	out->tcpi_reordering = 3;
	out->tcpi_pacing_rate = out->tcpi_max_pacing_rate = UINT64_MAX;
	stack_lock(tcp_netns(sock));
	out->tcpi_state = (uint8_t)tcp_state_of(sock);
	pcb = tcp_pcb_of(sock);
	if (sock->state == TCP_IS_LISTENING) {
		out->tcpi_unacked = sock->nr_accept;
		out->tcpi_sacked = sock->backlog;
	} else if (pcb) {
		info_of_pcb(sock, pcb, out);
	}
	stack_unlock(tcp_netns(sock));
}

/* ---- lists -------------------------------------------------------------------------- */

static void describe_timer(const struct tcp_pcb *pcb, struct inet_entry *out)
{
	if (pcb->persist_backoff) {
		out->timer = TIMER_PROBE;
		out->probes = pcb->persist_probe;
	} else if (pcb->rtime >= 0) {
		out->timer = TIMER_RETRANSMIT;
		out->timer_left = (ns_t)max(pcb->rto - pcb->rtime, 0) * TICK_MS * NS_PER_MSEC;
		out->retransmits = pcb->nrtx;
	} else if (ip_get_option(pcb, SOF_KEEPALIVE)) {
		uint32_t idle = (tcp_ticks - pcb->tmr) * TICK_MS;

		out->timer = TIMER_KEEP_ALIVE;
		out->timer_left = pcb->keep_idle > idle
					  ? (ns_t)(pcb->keep_idle - idle) * NS_PER_MSEC
					  : 0;
		out->probes = pcb->keep_cnt_sent;
	}
}

void tcp_describe(struct inet_sock *inet, struct inet_entry *out)
{
	struct tcp_sock *sock = to_tcp(&inet->socket);
	const struct tcp_pcb *pcb;

	stack_lock(tcp_netns(sock));
	out->state = (uint8_t)tcp_state_of(sock);
	pcb = tcp_pcb_of(sock);
	if (sock->state == TCP_IS_LISTENING) {
		out->receive_queue = sock->nr_accept;
		out->send_queue = sock->backlog;
	} else {
		out->receive_queue = READ_ONCE(sock->queued);
		out->send_queue = pcb ? tcp_unacked(sock) : 0;
	}
	if (pcb)
		describe_timer(pcb, out);
	stack_unlock(tcp_netns(sock));
	if (sock->is_dead)
		out->ino = 0;
}

static void address_fill(const ip_addr_t *ip, uint8_t bytes[16])
{
	if (IP_IS_V6(ip))
		memcpy(bytes, ip_2_ip6(ip)->addr, 16);
	else
		memcpy(bytes, &ip_2_ip4(ip)->addr, 4);
}

static void remnant_fill(const struct tcp_end *end, struct inet_entry *out)
{
	ns_t left = end->since + 60 * NS_PER_SEC - clock_monotonic();

	*out = (struct inet_entry){
		.family = IP_IS_V6(&end->use.remote) ? AF_INET6 : AF_INET,
		.type = SOCK_STREAM,
		.protocol = IPPROTO_TCP,
		.state = TCP_IS_TIME_WAIT,
		.timer = TIMER_WAIT,
		.timer_left = max(left, (ns_t)0),
		.local_port = end->use.port,
		.remote_port = end->use.remote_port,
		.refs = 1,
	};
	address_fill(&end->use.local, out->local);
	address_fill(&end->use.remote, out->remote);
}

int tcp_for_each_remnant(struct netns *netns,
                         int (*fn)(const struct inet_entry *entry, void *data), void *data)
{
	struct inet_entry entry;
	int result = 0;

	for (uint32_t n = 0; !result; n++) {
		const struct tcp_end *end;

		stack_lock(netns);
		end = tcp_wait_at(n);
		if (end)
			remnant_fill(end, &entry);
		stack_unlock(netns);
		if (!end)
			break;
		result = fn(&entry, data);
	}
	return result;
}
