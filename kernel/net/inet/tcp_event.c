/*
 * What lwIP tells of a connection: data, acknowledgements, ends, the clock. See tcp_impl.h.
 *
 * All callbacks are called with core held, while lwIP is at work on the pcb: they take locks of
 * queues and wake, and call back only what lwIP allows there. One that frees the pcb answers
 * ERR_ABRT. The argument is the struct tcp_end.
 */
#include <linux/errno.h>

#include "core/panic.h"
#include "lib/math.h"
#include "net/inet/tcp.h"
#include "net/inet/tcp_impl.h"

enum {
	CLOCK_INTERVAL = 2, /* of TCP_SLOW_INTERVAL */
	CLOCK_MS = CLOCK_INTERVAL * TCP_TMR_INTERVAL * 2,
	SYN_COUNT_DEFAULT = 6,
	FIRST_RTO = 1000 / (2 * TCP_TMR_INTERVAL),
	RTO_SHIFT_MAX = 7,
};

void tcp_sock_over(struct tcp_sock *sock, int fate)
{
	int error = fate == TCP_FATE_TIMEOUT ? ETIMEDOUT : fate;

	WRITE_ONCE(sock->state, TCP_IS_CLOSED);
	tcp_sock_shut(sock, INET_NO_RECEIVE | INET_NO_SEND);
	if (error && !sock->is_dead)
		WRITE_ONCE(sock->inet.error, error);
	inet_wake_all(&sock->inet);
}

/* ---- data --------------------------------------------------------------------------- */

/* The peer sends no more. */
static err_t received_end(struct tcp_end *end, struct tcp_pcb *pcb)
{
	struct tcp_sock *sock = end->sock;

	WRITE_ONCE(sock->has_end, true);
	tcp_sock_shut(sock, INET_NO_RECEIVE);
	if (sock->deferred_for)
		tcp_deferred_queue(sock);
	if (pcb->state == TIME_WAIT) {
		if (sock->is_dead)
			return tcp_wait_begin(end) ? ERR_ABRT : ERR_OK;
		tcp_sock_over(sock, TCP_FATE_CLEAN);
	}
	inet_wake_all(&sock->inet);
	return ERR_OK;
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *pbuf, err_t err)
{
	struct tcp_end *end = arg;

	(void)err;
	/* A packet that was on its way when the socket was let go of. */
	if (unlikely(!end->sock)) {
		if (pbuf)
			pbuf_free(pbuf);
		return ERR_OK;
	}
	if (!pbuf)
		return received_end(end, pcb);
	tcp_queue_add(end->sock, pbuf);
	end->sock->is_unanswered = true;
	if (end->sock->quick_left && !end->sock->is_dialogue) {
		end->sock->quick_left--;
		tcp_set_flags(pcb, TF_ACK_NOW);
	}
	if (unlikely(end->sock->deferred_for))
		tcp_deferred_queue(end->sock);
	tcp_wake_readers(end->sock);
	return ERR_OK;
}

/*
 * Writers are woken, if one has asked for room since they were last: an edge-triggered epoll is
 * not told of each acknowledgement.
 */
static void room_tell(struct tcp_sock *sock)
{
	smp_mb(); /* pairs with the one in tcp_room_ask() */
	if (!atomic_load_relaxed(&sock->wants_room))
		return;
	atomic_store_relaxed(&sock->wants_room, false);
	tcp_wake_writers(sock);
}

static err_t acknowledged(void *arg, struct tcp_pcb *pcb, u16_t n)
{
	struct tcp_end *end = arg;
	struct tcp_sock *sock = end->sock;

	(void)pcb;
	if (unlikely(!sock))
		return ERR_OK;
	tcp_chunks_acked(sock, n);
	if (tcp_is_writable(sock))
		room_tell(sock);
	if (unlikely(sock->is_dead))
		tcp_wake_writers(sock);
	return ERR_OK;
}

/* ---- beginning and end -------------------------------------------------------------- */

err_t tcp_event_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct tcp_end *end = arg;
	struct tcp_sock *sock = end->sock;

	(void)err;
	tcp_window_begin(sock, pcb);
	tcp_window_settle(sock, pcb);
	WRITE_ONCE(sock->state, TCP_IS_ESTABLISHED);
	inet_wake_all(&sock->inet);
	return ERR_OK;
}

/* By which error a reset is told depends on what was expected. tcp(7), tcp_reset() of Linux */
static int fate_of_reset(const struct tcp_sock *sock)
{
	if (sock->state == TCP_IS_SYN_SENT)
		return ECONNREFUSED;
	return sock->end->pcb->state == CLOSE_WAIT ? EPIPE : ECONNRESET;
}

/*
 * ERR_RST and ERR_CLSD come before the pcb is freed; ERR_ABRT afterwards, when the end may be
 * gone too, and says nothing that is not known.
 */
static void failed(void *arg, err_t err)
{
	struct tcp_end *end = arg;

	if (err == ERR_ABRT || !end->sock)
		return;
	end->sock->fate = err == ERR_RST ? (int16_t)fate_of_reset(end->sock) : TCP_FATE_CLEAN;
}

static struct tcp_end *end_find(const struct inet_error *error)
{
	struct tcp_pcb *pcb;

	for (pcb = tcp_active_pcbs; pcb; pcb = pcb->next) {
		if (pcb->local_port == error->local_port &&
		    pcb->remote_port == error->remote_port &&
		    ip_addr_cmp_zoneless(&pcb->local_ip, &error->local) &&
		    ip_addr_cmp_zoneless(&pcb->remote_ip, &error->remote))
			return pcb->callback_arg;
	}
	return NULL;
}

void tcp_unreachable(struct netns *netns, const struct inet_error *error)
{
	struct tcp_end *end = end_find(error);
	struct tcp_sock *sock = end ? end->sock : NULL;

	(void)netns;
	if (!sock)
		return;
	if (end->pcb->state == SYN_SENT)
		tcp_end_abort(end, (int)error->err);
	else if (inet_has(&sock->inet, IP_IS_V6(&error->remote) ? INET_RECV_ERR6 : INET_RECV_ERR))
		inet_error_post(&sock->inet, (int)error->err);
}

/* ---- the clock ---------------------------------------------------------------------- */

/* TCP_USER_TIMEOUT: what was sent has waited too long. */
static bool is_stalled(struct tcp_sock *sock, const struct tcp_pcb *pcb)
{
	uint32_t limit = READ_ONCE(sock->settings.user_timeout_ms);

	if (sock->acked != sock->stalled_at || (!pcb->unacked && !pcb->unsent)) {
		sock->stalled_at = sock->acked;
		sock->stalled_ms = 0;
		return false;
	}
	sock->stalled_ms += CLOCK_MS;
	return limit && sock->stalled_ms >= limit;
}

/* TCP_LINGER2: how long a closed socket waits for the peer's end. */
static bool is_abandoned(struct tcp_sock *sock, const struct tcp_pcb *pcb)
{
	int seconds = READ_ONCE(sock->settings.linger2);

	if (!sock->is_dead || pcb->state != FIN_WAIT_2)
		return false;
	sock->waited_ms += CLOCK_MS;
	return seconds < 0 || (seconds && sock->waited_ms >= (uint32_t)seconds * 1000);
}

/* TCP_DEFER_ACCEPT: as long as so many retransmissions take, the first after a second. */
static bool has_deferred_long(struct tcp_sock *sock)
{
	uint32_t doublings = min(sock->settings.defer_accept, (uint8_t)RTO_SHIFT_MAX);

	sock->waited_ms += CLOCK_MS;
	return sock->waited_ms >= ((1u << doublings) - 1) * 1000;
}

static err_t clock_ticked(void *arg, struct tcp_pcb *pcb)
{
	struct tcp_end *end = arg;
	struct tcp_sock *sock = end->sock;
	uint32_t syns;

	if (!sock)
		return ERR_OK;
	syns = READ_ONCE(sock->settings.syn_count);
	/* lwIP does not wait longer from request to request. */
	if (pcb->state == SYN_SENT)
		pcb->rto = (int16_t)(FIRST_RTO << min(pcb->nrtx, (uint8_t)RTO_SHIFT_MAX));
	if (pcb->state == SYN_SENT ? pcb->nrtx > (syns ? syns : SYN_COUNT_DEFAULT)
				   : is_stalled(sock, pcb)) {
		tcp_end_abort(end, ETIMEDOUT);
		return ERR_ABRT;
	}
	if (is_abandoned(sock, pcb)) {
		sock->fate = TCP_FATE_CLEAN;
		tcp_abandon(pcb, 0);
		return ERR_ABRT;
	}
	if (sock->deferred_for && has_deferred_long(sock))
		tcp_deferred_queue(sock);
	/* Memory that a sender waits for is not announced, nor is the end of lingering. */
	if (sock->is_dead)
		tcp_wake_writers(sock);
	else
		room_tell(sock);
	/* lwIP sends what there is unless told not to: what is corked, from the second tick on. */
	if (sock->held == 1) {
		sock->held = 2;
		return ERR_INPROGRESS;
	}
	return ERR_OK;
}

void tcp_event_install(struct tcp_pcb *pcb)
{
	tcp_recv(pcb, received);
	tcp_sent(pcb, acknowledged);
	tcp_err(pcb, failed);
	tcp_poll(pcb, clock_ticked, CLOCK_INTERVAL);
}
