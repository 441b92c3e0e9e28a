/*
 * TIME_WAIT: a connection that is over, whose last packets may still be on their way. See
 * tcp_impl.h.
 *
 * Only the end is left of it, which keeps the port: bind(2) without SO_REUSEADDR fails for a
 * minute, and the lists show it. For connections with another host lwIP keeps its pcb, to
 * acknowledge an end that is sent again. Between two sockets of this host nothing is ever late:
 * there the pcb goes at once, since lwIP searches through all of them for each new connection.
 *
 * Bounds: of ends without a pcb at most WAIT_MAX, the oldest goes first; of pcbs what lwIP
 * allows, which recycles its oldest too. A timer, started with the first, lets them go.
 */

#include "core/gauge.h"
#include "net/inet/tcp_impl.h"
#include "net/netns.h"
#include "sched/clock.h"
#include "sched/timer.h"
#include "sched/work.h"

enum { WAIT_MAX = 2048 };

#define WAIT_SPAN (60 * NS_PER_SEC)

static void waiting_expire(struct work *work);
static void waiting_timer(struct timer *timer);

static struct {
	struct list  ends __guarded_by(core); /* oldest first */
	uint32_t     nr __guarded_by(core);
	struct timer timer;
	struct work  work;
} waiting = {
	.ends = LIST_INIT(waiting.ends),
	.timer = { .callback = waiting_timer },
	.work = WORK(waiting_expire),
};

static void waiting_timer(struct timer *timer)
{
	(void)timer;
	work_queue(&waiting.work);
}

static struct tcp_end *oldest(void)
{
	return list_is_empty(&waiting.ends)
		       ? NULL
		       : list_first_entry(&waiting.ends, struct tcp_end, link);
}

void tcp_wait_remove(struct tcp_end *end)
{
	if (list_is_empty(&end->link))
		return;
	list_remove_init(&end->link);
	waiting.nr--;
}

/* One that has no pcb: with one, it is lwIP's to end. */
static void waiting_end(struct tcp_end *end)
{
	tcp_wait_remove(end);
	if (!end->pcb)
		tcp_end_free(end);
}

static void waiting_expire(struct work *work)
{
	ns_t now = clock_monotonic();
	struct tcp_end *end;

	(void)work;
	stack_lock(&netns_initial);
	while ((end = oldest()) && end->since + WAIT_SPAN <= now)
		waiting_end(end);
	if (end)
		timer_start(&waiting.timer, end->since + WAIT_SPAN);
	stack_unlock(&netns_initial);
}

static void waiting_add(struct tcp_end *end)
{
	end->since = clock_monotonic();
	end->use.flags |= PORT_TIME_WAIT;
	if (waiting.nr >= WAIT_MAX)
		waiting_end(oldest());
	list_add_tail(&waiting.ends, &end->link);
	if (!waiting.nr++)
		timer_start(&waiting.timer, end->since + WAIT_SPAN);
}

static bool is_within_host(const struct tcp_pcb *pcb)
{
	return ip_addr_isloopback(&pcb->remote_ip) || ip_addr_cmp(&pcb->local_ip, &pcb->remote_ip);
}

bool tcp_wait_begin(struct tcp_end *end)
{
	struct tcp_pcb *pcb = end->pcb;
	bool is_within = is_within_host(pcb);

	tcp_end_disown(end);
	waiting_add(end);
	if (!is_within)
		return false;
	/* The acknowledgement of the peer's end, which lwIP would send when it has done here. */
	if (pcb->flags & TF_ACK_NOW)
		(void)tcp_send_empty_ack(pcb);
	end->use.flags |= PORT_REUSABLE;
	end->pcb = NULL;
	tcp_ext_arg_set(pcb, 0, NULL);
	tcp_abort(pcb);
	return true;
}

/* Nobody waits for them: to a test that counts, they are a cache. */
static void waiting_drain(void)
{
	struct tcp_end *end;

	stack_lock(&netns_initial);
	while ((end = oldest())) {
		if (end->pcb)
			tcp_abort(end->pcb);
		else
			waiting_end(end);
	}
	stack_unlock(&netns_initial);
}
GAUGE_DRAIN(waiting_drain);

struct tcp_end *tcp_wait_at(uint32_t n)
{
	struct tcp_end *end;

	list_for_each_entry(end, &waiting.ends, link)
		if (!n--)
			return end;
	return NULL;
}
