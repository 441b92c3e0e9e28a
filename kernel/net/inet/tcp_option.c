/*
 * SOL_TCP: setsockopt(2) and getsockopt(2). tcp(7); see tcp_impl.h.
 *
 * What lwIP has no use for is checked, kept and read back if a program may live without what it
 * does (TCP_FASTOPEN: connections are made without; TCP_QUICKACK is a hint); the rest is refused as
 * by a Linux without it.
 */
#include <linux/errno.h>
#include <linux/tcp.h>
#include <lwip/sys.h>

#include "lib/math.h"
#include "lib/string.h"
#include "net/inet/options.h"
#include "net/inet/tcp_impl.h"

enum {
	KEEP_IDLE = 7200, KEEP_INTERVAL = 75, KEEP_COUNT = 9, KEEP_MAX = 32767, COUNT_MAX = 127,
	SYN_COUNT = 6, MSS_MIN = 88, MSS_MAX = 32767, CLAMP_MIN = 1152, CONGESTION_NAME = 16,
	RTO_MAX_SECONDS = 120, FIRST_RTO_MS = 1000,
};

static const char congestion[CONGESTION_NAME] = "reno";

void tcp_settings_init(struct tcp_settings *settings)
{
	settings->keep_idle = KEEP_IDLE;
	settings->keep_interval = KEEP_INTERVAL;
	settings->keep_count = KEEP_COUNT;
}

static uint8_t ttl_of(const struct inet_sock *sock, bool is_v6)
{
	const struct inet_settings *all = inet_settings(sock->socket.netns);
	int own = is_v6 ? READ_ONCE(sock->hop_limit) : READ_ONCE(sock->ttl);

	if (own >= 0)
		return (uint8_t)own;
	return (uint8_t)(is_v6 ? READ_ONCE(all->default_hop_limit) : READ_ONCE(all->default_ttl));
}

void tcp_settings_apply(const struct tcp_sock *sock, struct tcp_pcb *pcb)
{
	const struct tcp_settings *settings = &sock->settings;
	bool is_v6 = IP_IS_V6(&pcb->remote_ip);

	pcb->ttl = ttl_of(&sock->inet, is_v6);
	pcb->tos = is_v6 ? READ_ONCE(sock->inet.traffic_class) : READ_ONCE(sock->inet.tos);
	pcb->keep_idle = settings->keep_idle * 1000;
	pcb->keep_intvl = settings->keep_interval * 1000;
	pcb->keep_cnt = settings->keep_count;
	if (READ_ONCE(sock->inet.socket.options) & SOCKET_KEEPALIVE)
		ip_set_option(pcb, SOF_KEEPALIVE);
	else
		ip_reset_option(pcb, SOF_KEEPALIVE);
	if (settings->no_delay)
		tcp_nagle_disable(pcb);
	else
		tcp_nagle_enable(pcb);
	/* Before the first measurement: a second, as RFC 6298 has it. */
	if (pcb->state == CLOSED || pcb->state == SYN_RCVD) {
		pcb->rto = FIRST_RTO_MS / (2 * TCP_TMR_INTERVAL);
		pcb->sv = FIRST_RTO_MS / (2 * TCP_TMR_INTERVAL);
	}
	if (settings->max_segment && pcb->mss > settings->max_segment)
		pcb->mss = settings->max_segment;
}

/* Brings the pcb in line; `pushes`: what was held back may go. */
static int apply(struct tcp_sock *sock, bool pushes)
{
	stack_lock(tcp_netns(sock));
	if (tcp_pcb_of(sock))
		tcp_settings_apply(sock, tcp_pcb_of(sock));
	if (pushes)
		tcp_push(sock);
	stack_unlock(tcp_netns(sock));
	return 0;
}

void tcp_sock_option_changed(struct socket *socket, int name)
{
	struct tcp_sock *sock = to_tcp(socket);

	if (name == SO_SNDBUF || name == SO_SNDBUFFORCE)
		WRITE_ONCE(sock->settings.is_send_locked, true);
	if (name == SO_RCVBUF || name == SO_RCVBUFFORCE)
		WRITE_ONCE(sock->settings.is_receive_locked, true);
	stack_lock(socket->netns);
	tcp_window_choose(sock);
	if (sock->end)
		tcp_end_describe(sock->end, sock);
	if (tcp_pcb_of(sock))
		tcp_settings_apply(sock, tcp_pcb_of(sock));
	stack_unlock(socket->netns);
	tcp_wake_readers(sock);
	tcp_wake_writers(sock);
}

/* ---- units of Linux ----------------------------------------------------------------- */

/* Seconds as a number of retransmissions that double their distance, and back. */
static uint8_t retransmissions_of(int seconds)
{
	int timeout = 1, period = 1;
	uint8_t n = 1;

	if (seconds <= 0)
		return 0;
	while (seconds > period && n < UINT8_MAX) {
		n++;
		timeout = min(timeout * 2, (int)RTO_MAX_SECONDS);
		period += timeout;
	}
	return n;
}

static int seconds_of(uint8_t retransmissions)
{
	int timeout = 1, period = 1;

	if (!retransmissions)
		return 0;
	while (--retransmissions) {
		timeout = min(timeout * 2, (int)RTO_MAX_SECONDS);
		period += timeout;
	}
	return period;
}

/* ---- setting ------------------------------------------------------------------------ */

static bool is_within(int value, int least, int most)
{
	return value >= least && value <= most;
}

static int linger2_set(struct tcp_settings *settings, int value)
{
	settings->linger2 = (int16_t)(value < 0 ? -1 : min(value, (int)TCP_LINGER2_MAX));
	return 0;
}

static int window_clamp_set(struct tcp_sock *sock, int value)
{
	if (!value && READ_ONCE(sock->state) != TCP_IS_CLOSED)
		return -EINVAL;
	stack_lock(tcp_netns(sock));
	sock->settings.window_clamp = value ? max((uint32_t)value, (uint32_t)CLAMP_MIN) : 0;
	tcp_window_choose(sock);
	stack_unlock(tcp_netns(sock));
	return 0;
}

static int fast_open_set(struct tcp_sock *sock, int value)
{
	uint8_t state = READ_ONCE(sock->state);

	if (value < 0 || (state != TCP_IS_CLOSED && state != TCP_IS_LISTENING))
		return -EINVAL;
	sock->settings.fast_open = (uint8_t)min(value, (int)UINT8_MAX);
	return 0;
}

static int flag_set(bool *flag, int value)
{
	if (!is_within(value, 0, 1))
		return -EINVAL;
	WRITE_ONCE(*flag, value);
	return 0;
}

/* A number between bounds. */
static int number_set(uint32_t *number, int value, int least, int most)
{
	if (!is_within(value, least, most))
		return -EINVAL;
	WRITE_ONCE(*number, (uint32_t)value);
	return 0;
}

static int keep_set(struct tcp_sock *sock, uint32_t *number, int value, int most)
{
	int err = number_set(number, value, 1, most);

	return err ? err : apply(sock, false);
}

static int max_segment_set(struct tcp_sock *sock, int value)
{
	if (value && !is_within(value, MSS_MIN, MSS_MAX))
		return -EINVAL;
	WRITE_ONCE(sock->settings.max_segment, (uint16_t)value);
	return 0;
}

/* What is rarely set, and what only looks as if. */
static int rare_set(struct tcp_sock *sock, int name, int value)
{
	struct tcp_settings *settings = &sock->settings;
	uint32_t count;
	int err;

	switch (name) {
	case TCP_SYNCNT:
		err = number_set(&count, value, 1, COUNT_MAX);
		if (!err)
			settings->syn_count = (uint8_t)count;
		return err;
	case TCP_WINDOW_CLAMP:
		return window_clamp_set(sock, value);
	case TCP_USER_TIMEOUT:
		return number_set(&settings->user_timeout_ms, value, 0, INT32_MAX);
	case TCP_NOTSENT_LOWAT:
		WRITE_ONCE(settings->unsent_low, (uint32_t)value);
		return 0;
	case TCP_FASTOPEN:
		return fast_open_set(sock, value);
	case TCP_FASTOPEN_CONNECT:
		if (READ_ONCE(sock->state) != TCP_IS_CLOSED)
			return -EINVAL;
		return flag_set(&settings->fast_open_connect, value);
	case TCP_SAVE_SYN:
		return flag_set(&settings->save_syn, value);
	case TCP_INQ:
		return flag_set(&settings->wants_queue_size, value);
	case TCP_THIN_LINEAR_TIMEOUTS:
		return flag_set(&settings->thin_linear, value);
	case TCP_THIN_DUPACK:
		return is_within(value, 0, 1) ? 0 : -EINVAL;
	case TCP_REPAIR:
	case TCP_REPAIR_QUEUE:
	case TCP_QUEUE_SEQ:
	case TCP_TIMESTAMP:
		return -EPERM;
	default:
		return -ENOPROTOOPT;
	}
}

static int set(struct tcp_sock *sock, int name, int value)
{
	struct tcp_settings *settings = &sock->settings;

	switch (name) {
	case TCP_NODELAY:
		WRITE_ONCE(settings->no_delay, value != 0);
		return apply(sock, value);
	case TCP_CORK:
		WRITE_ONCE(settings->cork, value != 0);
		return apply(sock, !value);
	case TCP_QUICKACK:
		WRITE_ONCE(settings->quick_ack, value & 1);
		return 0;
	case TCP_KEEPIDLE:
		return keep_set(sock, &settings->keep_idle, value, KEEP_MAX);
	case TCP_KEEPINTVL:
		return keep_set(sock, &settings->keep_interval, value, KEEP_MAX);
	case TCP_KEEPCNT:
		return keep_set(sock, &settings->keep_count, value, COUNT_MAX);
	case TCP_MAXSEG:
		return max_segment_set(sock, value);
	case TCP_LINGER2:
		return linger2_set(settings, value);
	case TCP_DEFER_ACCEPT:
		WRITE_ONCE(settings->defer_accept, retransmissions_of(value));
		return 0;
	default:
		return rare_set(sock, name, value);
	}
}

/* The name of the one algorithm there is. */
static int congestion_set(const struct socket_option *option)
{
	char name[CONGESTION_NAME] = { 0 };

	if (option->size < 1)
		return -EINVAL;
	memcpy(name, option->bytes, min(option->size, (uint32_t)sizeof(name) - 1));
	return strcmp(name, congestion) ? -ENOENT : 0;
}

int tcp_sock_set_option(struct socket *socket, const struct socket_option *option)
{
	struct tcp_sock *sock = to_tcp(socket);
	int err;

	if (option->level != SOL_TCP) {
		err = inet_set_option(socket, option);
		return err ? err : apply(sock, false);
	}
	if (option->name == TCP_CONGESTION)
		return congestion_set(option);
	if (option->name == TCP_ULP)
		return option->size < 1 ? -EINVAL : -ENOENT;
	if (option->size < sizeof(int))
		return -EINVAL;
	return set(sock, option->name, option->value);
}

/* ---- asking ------------------------------------------------------------------------- */

static int max_segment_get(struct tcp_sock *sock)
{
	uint8_t state = READ_ONCE(sock->state);
	int wanted = READ_ONCE(sock->settings.max_segment), value = TCP_MSS_UNKNOWN;

	if (wanted && (state == TCP_IS_CLOSED || state == TCP_IS_LISTENING))
		return wanted;
	stack_lock(tcp_netns(sock));
	if (tcp_pcb_of(sock) && state == TCP_IS_ESTABLISHED)
		value = tcp_mss(tcp_pcb_of(sock));
	stack_unlock(tcp_netns(sock));
	return value;
}

static int rare_get(struct tcp_sock *sock, int name, int *value)
{
	const struct tcp_settings *settings = &sock->settings;

	switch (name) {
	case TCP_SYNCNT:
		*value = settings->syn_count ? settings->syn_count : SYN_COUNT;
		return 0;
	case TCP_WINDOW_CLAMP:
		*value = (int)settings->window_clamp;
		return 0;
	case TCP_USER_TIMEOUT:
		*value = (int)settings->user_timeout_ms;
		return 0;
	case TCP_NOTSENT_LOWAT:
		*value = (int)settings->unsent_low;
		return 0;
	case TCP_FASTOPEN:
		*value = settings->fast_open;
		return 0;
	case TCP_FASTOPEN_CONNECT:
		*value = settings->fast_open_connect;
		return 0;
	case TCP_SAVE_SYN:
		*value = settings->save_syn;
		return 0;
	case TCP_INQ:
		*value = settings->wants_queue_size;
		return 0;
	case TCP_THIN_LINEAR_TIMEOUTS:
		*value = settings->thin_linear;
		return 0;
	case TCP_THIN_DUPACK:
	case TCP_REPAIR:
		*value = 0;
		return 0;
	case TCP_TIMESTAMP:
		*value = (int)sys_now();
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

static int get(struct tcp_sock *sock, int name, int *value)
{
	const struct tcp_settings *settings = &sock->settings;

	switch (name) {
	case TCP_NODELAY:
		*value = settings->no_delay;
		return 0;
	case TCP_CORK:
		*value = settings->cork;
		return 0;
	case TCP_QUICKACK:
		*value = settings->quick_ack;
		return 0;
	case TCP_KEEPIDLE:
		*value = (int)settings->keep_idle;
		return 0;
	case TCP_KEEPINTVL:
		*value = (int)settings->keep_interval;
		return 0;
	case TCP_KEEPCNT:
		*value = (int)settings->keep_count;
		return 0;
	case TCP_MAXSEG:
		*value = max_segment_get(sock);
		return 0;
	case TCP_LINGER2:
		*value = settings->linger2 ? settings->linger2 : TCP_FIN_SECONDS;
		return 0;
	case TCP_DEFER_ACCEPT:
		*value = seconds_of(settings->defer_accept);
		return 0;
	default:
		return rare_get(sock, name, value);
	}
}

int tcp_sock_get_option(struct socket *socket, struct socket_option *option)
{
	struct tcp_sock *sock = to_tcp(socket);
	struct tcp_info info;
	int value, err;

	if (option->level != SOL_TCP)
		return inet_get_option(socket, option);
	switch (option->name) {
	case TCP_INFO:
		tcp_info_fill(sock, &info);
		return socket_option_answer(option, &info, sizeof(info));
	case TCP_CONGESTION:
		return socket_option_answer(option, congestion, sizeof(congestion));
	case TCP_ULP:
	case TCP_CC_INFO:
	case TCP_SAVED_SYN:
		return socket_option_answer(option, "", 0);
	default:
		err = get(sock, option->name, &value);
		return err ? err : socket_option_answer_int(option, value);
	}
}
