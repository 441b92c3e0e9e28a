/*
 * lwIP's timers: stands for its timeouts.c. See enum stack_tick.
 *
 * A group that has nothing to wait for has no deadline. One timer of the kernel is set to the first
 * deadline; its interrupt queues work that runs what is due under the core lock. With nothing open
 * and no interface up nothing ticks.
 *
 * While no connection has anything to send, to acknowledge or to put in order, TCP's clock is
 * asleep: it is put right once a second, for keep-alives and TIME_WAIT, and by stack_tcp_stir()
 * when a packet comes or a segment is made.
 */
#include <lwip/etharp.h>
#include <lwip/igmp.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/mld6.h>
#include <lwip/nd6.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>

#include "net/iface/stack_hooks.h"
#include "net/netns.h"
#include "net/stack/guards.h"
#include "net/stack/stack_impl.h"
#include "sched/clock.h"
#include "sched/timer.h"
#include "sched/work.h"

enum {
	TICKS_TO_CATCH_UP = 4,
	RUNS_ASLEEP = 4, /* of tcp_tmr(), each second: two slow ones, so that pollers are called */
	SLOW_RUNS_ASLEEP = RUNS_ASLEEP / 2,
};

static void timers_work(struct work *work);
static void timers_expired(struct timer *timer);

static struct {
	ns_t         deadlines[STACK_TICKS] __guarded_by(stack.lock); /* 0: none */
	struct timer timer;
	struct work  work;
	ns_t         tcp_time __guarded_by(stack.lock); /* up to which tcp_ticks has counted */
} timers = { .timer.callback = timers_expired, .work = WORK(timers_work) };

/* ---- the groups ------------------------------------------------------------------------------ */

static bool tcp_is_waiting(void)
{
	return tcp_active_pcbs || tcp_tw_pcbs;
}

static bool pcb_is_idle(const struct tcp_pcb *pcb)
{
	enum { BUSY = TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND | TF_NAGLEMEMERR };

	return (pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT) && !pcb->unacked &&
	       !pcb->unsent && !pcb->ooseq && !pcb->refused_data && !(pcb->flags & BUSY);
}

static bool tcp_is_idle(void)
{
	for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
		if (!pcb_is_idle(pcb))
			return false;
	return true;
}

/* The slow ticks that were slept through, but for some that will be run. */
static void tcp_catch_up(uint32_t nr_to_run)
{
	ns_t slow = TCP_SLOW_INTERVAL * NS_PER_MSEC;
	uint32_t missed = (uint32_t)((clock_monotonic() - timers.tcp_time) / slow);

	timers.tcp_time += missed * slow;
	if (missed > nr_to_run)
		tcp_ticks += missed - nr_to_run;
}

void stack_tcp_wake(void)
{
	stack.is_tcp_asleep = false;
	tcp_catch_up(0);
	timers.deadlines[STACK_TICK_TCP] = 0;
	stack_tick_start(STACK_TICK_TCP);
}

static void tcp_run(void)
{
	persist_timers_stop();
	if (!stack.is_tcp_asleep) {
		tcp_tmr();
		return;
	}
	tcp_catch_up(SLOW_RUNS_ASLEEP);
	for (int i = 0; i < RUNS_ASLEEP; i++)
		tcp_tmr();
}

/* After its ticks: when the next one is. */
static void tcp_rest(ns_t now)
{
	if (!timers.deadlines[STACK_TICK_TCP]) {
		stack.is_tcp_asleep = false;
	} else if (!tcp_is_idle()) {
		stack_tcp_stir();
	} else {
		if (!stack.is_tcp_asleep)
			timers.tcp_time = now;
		stack.is_tcp_asleep = true;
		timers.deadlines[STACK_TICK_TCP] = now + NS_PER_SEC;
	}
}

static void second_run(void)
{
	ip_reass_tmr();
	ip6_reass_tmr();
	etharp_tmr();
	nd6_tmr();
	iface_discovery_ran(&netns_initial);
	ethernet_reclaim();
}

static bool has_ethernet(void)
{
	struct netif *netif;

	NETIF_FOREACH(netif) {
		if (netif_is_up(netif) && netif->flags & NETIF_FLAG_ETHERNET)
			return true;
	}
	return false;
}

static bool groups_are_waiting(void)
{
	struct netif *netif;

	NETIF_FOREACH(netif) {
		for (struct igmp_group *at = netif_igmp_data(netif); at; at = at->next)
			if (at->timer)
				return true;
		for (struct mld_group *at = netif_mld6_data(netif); at; at = at->next)
			if (at->timer)
				return true;
	}
	return false;
}

/* Who asks for reports has put a time into the groups. */
static bool second_is_waiting(void)
{
	if (stack_count(COUNT_GROUPS) && groups_are_waiting())
		stack_tick_start(STACK_TICK_MULTICAST);
	return has_ethernet() || stack_count(COUNT_REASSEMBLY);
}

static void multicast_run(void)
{
	igmp_tmr();
	mld6_tmr();
}

static const struct {
	ns_t   interval;
	void (*run)(void);
	bool (*is_waiting)(void);
} groups[STACK_TICKS] = {
	[STACK_TICK_TCP] = { TCP_TMR_INTERVAL * NS_PER_MSEC, tcp_run, tcp_is_waiting },
	[STACK_TICK_SECOND] = { NS_PER_SEC, second_run, second_is_waiting },
	[STACK_TICK_MULTICAST] = { IGMP_TMR_INTERVAL * NS_PER_MSEC, multicast_run,
	                           groups_are_waiting },
};

/* ---- running them ---------------------------------------------------------------------------- */

void stack_tick_start(enum stack_tick tick)
{
	stack_assert_locked();
	if (timers.deadlines[tick])
		return;
	timers.deadlines[tick] = clock_monotonic() + groups[tick].interval;
	stack_note(STACK_TIMER);
}

/* Time that was missed (the machine was stopped, nobody let us run) is made good in part. */
static void group_run(enum stack_tick tick, ns_t now)
{
	ns_t due = timers.deadlines[tick];

	int most = tick == STACK_TICK_TCP && stack.is_tcp_asleep ? 1 : TICKS_TO_CATCH_UP;

	for (int n = 0; n < most && due <= now; n++) {
		groups[tick].run();
		due += groups[tick].interval;
	}
	if (due <= now)
		due = now + groups[tick].interval;
	timers.deadlines[tick] = groups[tick].is_waiting() ? due : 0;
	if (tick == STACK_TICK_TCP)
		tcp_rest(now);
}

static void timers_work(struct work *work)
{
	ns_t now = clock_monotonic();

	stack_lock(&netns_initial);
	for (enum stack_tick tick = 0; tick < STACK_TICKS; tick++)
		if (timers.deadlines[tick] && timers.deadlines[tick] <= now)
			group_run(tick, now);
	stack_note(STACK_TIMER);
	stack_unlock(&netns_initial);
}

static void timers_expired(struct timer *timer)
{
	work_queue(&timers.work);
}

void stack_timers_arm(void)
{
	ns_t first = 0;

	for (enum stack_tick tick = 0; tick < STACK_TICKS; tick++)
		if (timers.deadlines[tick] && (!first || timers.deadlines[tick] < first))
			first = timers.deadlines[tick];
	if (first)
		timer_start(&timers.timer, first);
}

/* An interface went up: there may be routers to ask, addresses to try. */
static void netif_changed(struct netif *netif, netif_nsc_reason_t reason,
                          const netif_ext_callback_args_t *args)
{
	if (reason & LWIP_NSC_STATUS_CHANGED && netif_is_up(netif))
		stack_tick_start(STACK_TICK_SECOND);
}

void stack_timers_init(void)
{
	static netif_ext_callback_t callback;

	netif_add_ext_callback(&callback, netif_changed);
}

/* ---- for lwIP -------------------------------------------------------------------------------- */

void tcp_timer_needed(void)
{
	stack_tcp_stir();
	if (tcp_is_waiting())
		stack_tick_start(STACK_TICK_TCP);
}

uint32_t sys_now(void)
{
	return (uint32_t)(clock_monotonic() / NS_PER_MSEC);
}
