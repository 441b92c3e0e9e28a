/*
 * The TCP/IP stack, lwIP, and the one lock around it.
 *
 *	stack_lock(netns);
 *	err = stack_errno(tcp_write(pcb, data, size, 0));
 *	tcp_output(pcb);
 *	stack_unlock(netns);          what went to ourselves is delivered here
 *
 * lwIP is one critical section (RANK_NETCORE, spinning): under it nobody sleeps, copies from or to
 * user memory or allocates with ALLOC_KERNEL. Its callbacks run under it as well; they may take
 * locks of inner ranks (socket queues, wait queues), and never call what takes the core lock.
 * Whoever waits for something from the stack sleeps without it.
 *
 * stack_unlock() first finishes what the holder has begun: packets for loopback are input, in the
 * caller's context, until there are no more (at most STACK_ROUND of them; what is left goes to
 * deferred work), devices that were given frames are told to send them, and the timer is started
 * if lwIP has something to wait for. Whoever has nothing of that pays one test.
 *
 * pbufs. One that was handed to a recv callback belongs to the receiver alone (all of its
 * references are 1), and may be read and freed without the lock (stack_pbuf_free()). One that was
 * given to udp_sendto(), raw_sendto() or the like is not to be used again but for freeing it.
 *
 * Only net/stack, net/iface and net/inet include this or lwIP.
 */
#pragma once

#include <lwip/err.h>
#include <lwip/pbuf.h>

#include "core/spinlock.h"
#include "lib/types.h"

struct netns;
struct page;

enum { STACK_ROUND = 64 };

/* ---- the core lock --------------------------------------------------------------------------- */

/* What stack_unlock() has to do. */
enum stack_pending {
	STACK_LOOPBACK = 1 << 0, /* packets wait to be input */
	STACK_COMMIT   = 1 << 1, /* devices were given frames */
	STACK_TIMER    = 1 << 2, /* the timer must be started, or moved */
};

extern struct stack {
	struct spinlock lock; /* RANK_NETCORE */
	uint32_t        pending __guarded_by(lock); /* enum stack_pending */
	bool            is_tcp_asleep __guarded_by(lock); /* no connection waits for time */
} stack;

/* For stack_unlock(): does all that is pending. */
void stack_finish(void);

/* Any context but interrupts, with locks of outer ranks only. Never sleeps. */
static inline void stack_lock(struct netns *netns) __acquires(&stack.lock)
{
	spin_lock(&stack.lock);
}

static inline void stack_unlock(struct netns *netns) __releases(&stack.lock)
{
	if (stack.pending)
		stack_finish();
	spin_unlock(&stack.lock);
}

/* The debug kernel panics unless this CPU holds it. */
void stack_assert_locked(void);

/* Core lock held: before it is given back, this is done. */
static inline void stack_note(enum stack_pending what)
{
	stack.pending |= what;
}

/* 0 or -errno for what lwIP says. */
int stack_errno(err_t err) __must_check;

/* ---- memory ---------------------------------------------------------------------------------- */

/*
 * What the stack holds in all: pcbs, segments, pbufs and what they refer to. Above `high` nothing
 * is allocated any more (packets are dropped, connections refused, TIME_WAIT recycled); above
 * `pressure` sockets should not grow their windows. The limits are net.ipv4.tcp_mem, in bytes.
 */
struct stack_memory {
	uint64_t used __atomic;
	uint64_t low, pressure, high __atomic;
	uint32_t max_connections __atomic; /* TCP pcbs, TIME_WAIT included */
	uint64_t nr_refused __atomic;      /* allocations, by `high` or for want of memory */
};
extern struct stack_memory stack_memory;

static inline bool stack_is_short(void)
{
	return READ_ONCE(stack_memory.used) > READ_ONCE(stack_memory.pressure);
}

/* ---- packets --------------------------------------------------------------------------------- */

/*
 * A pbuf over length bytes that begin offset bytes into the page (or run of pages, by its head).
 * Takes over a reference to it, which is put when the pbuf is freed. NULL: no memory, and the
 * reference stays the caller's. Needs no lock.
 */
struct pbuf *stack_pbuf_from_page(struct page *page, uint32_t offset, uint16_t length) __must_check;

/*
 * Frees a chain that is the caller's alone; without the core lock, in any context but interrupts.
 */
void stack_pbuf_free(struct pbuf *pbuf);

/*
 * If the bytes at payload lie in pages that others may hold as well (not in the heap): the head of
 * the run, with a reference, and where in it they begin. Else NULL: they must be copied.
 */
struct page *stack_page_of(const void *payload, uint32_t *offset) __must_check;

/*
 * The bytes that a chain from a recv callback keeps in memory, for limits of queues: for one byte
 * in a page that a device has filled, a page.
 */
uint32_t stack_pbuf_memory(const struct pbuf *pbuf);

/* ---- timers ---------------------------------------------------------------------------------- */

/* Groups of lwIP's timers; each ticks only while it has something to wait for. */
enum stack_tick {
	STACK_TICK_TCP,       /* connections, 50 ms; a second while all of them are idle */
	STACK_TICK_SECOND,    /* reassembly, ARP, neighbours */
	STACK_TICK_MULTICAST, /* IGMP and MLD reports, 100 ms */
	STACK_TICKS,
};

/* Core lock held: from now on there is something. */
void stack_tick_start(enum stack_tick tick);

/* Core lock held, before a connection has something to do: TCP's clock is right, and goes on. */
void stack_tcp_wake(void);
static inline void stack_tcp_stir(void)
{
	if (unlikely(stack.is_tcp_asleep))
		stack_tcp_wake();
}
