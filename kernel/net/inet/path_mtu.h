/*
 * Path MTUs of IPv4 that routers told us by ICMP (RFC 1191); IPv6's the stack keeps itself.
 *
 * A small table that forgets: an entry lives ten minutes, and a newcomer takes the place of
 * whoever hashes to the same slot. Guarded by core.
 */
#pragma once

#include <lwip/ip_addr.h>

#include "lib/types.h"

/* What is known of the way to this address, at most mtu. */
uint32_t path_mtu_of(const ip_addr_t *to, uint32_t mtu);
/*
 * What a router means that says `mtu`: 0 is an old one that does not say, of a packet of `size`
 * bytes; too little is not believed.
 */
uint32_t path_mtu_told(uint32_t mtu, uint32_t size);
/* It is remembered. Only for what a socket of ours sent: anybody can send ICMP. */
void path_mtu_learn(const ip_addr_t *to, uint32_t mtu);
