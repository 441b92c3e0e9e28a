/*
 * Where lwIP asks us. Included by lwIP's sources in the middle of theirs: declarations only.
 */
#pragma once

#include <lwip/ip_addr.h>

struct netif;

/* RFC 6528: nobody can guess the sequence numbers of a connection. net/stack/random.c */
uint32_t stack_initial_sequence(const ip_addr_t *local, uint16_t local_port,
                                const ip_addr_t *remote, uint16_t remote_port);
#define LWIP_HOOK_TCP_ISN stack_initial_sequence
