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
 * A router says that packets of `mtu` bytes are the most; 0: an old one that does not say, of a
 * packet of `size` bytes. Returns the MTU that is now believed.
 */
uint32_t path_mtu_learn(const ip_addr_t *to, uint32_t mtu, uint32_t size);
