/*
 * The start of the stack, for those who know nothing of lwIP.
 */
#pragma once

/* Once, from net_init(), before interfaces and the internet families. Allocates nothing. */
void stack_init(void);
