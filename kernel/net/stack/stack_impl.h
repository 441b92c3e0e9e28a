/*
 * What the files of net/stack share.
 */
#pragma once

#include "net/stack/stack.h"

/* timers.c: starts the timer for what is due first. Core lock held. */
void stack_timers_arm(void);

/* loopback.c: inputs what was sent to ourselves, up to STACK_ROUND packets. True: there is more. */
bool loopback_deliver(void);

/* memory.c: how many of lwIP's objects of a type there are. Core lock held. */
enum stack_counted { COUNT_TCP, COUNT_REASSEMBLY, COUNT_GROUPS, COUNTS };
uint32_t stack_count(enum stack_counted what);
