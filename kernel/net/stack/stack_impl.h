/*
 * What the files of net/stack share.
 */
#pragma once

#include "net/stack/stack.h"

/* timers.c: with lwIP ready; starts the timer for what is due first. Core lock held. */
void stack_timers_init(void);
void stack_timers_arm(void);

/* loopback.c: inputs what was sent to ourselves, up to STACK_ROUND packets. True: there is more. */
bool loopback_deliver(void);

/* ethernet.c: tells devices that have been given frames. Core lock held. */
void ethernet_commit(void);
/* Once a second: the memory of frames that were sent comes back. Core lock held. */
void ethernet_reclaim(void);

/*
 * pbuf.c: stack_pbuf_from_page(), and what it is counted as: a page that nobody else holds is held
 * whole for any byte in it.
 */
struct pbuf *stack_pbuf_over(struct page *page, uint32_t offset, uint16_t length,
                             uint32_t memory) __must_check;

/* memory.c: how many of lwIP's objects of a type there are. Core lock held. */
enum stack_counted { COUNT_TCP, COUNT_REASSEMBLY, COUNT_GROUPS, COUNTS };
uint32_t stack_count(enum stack_counted what);
