/*
 * What nobody may guess: lwIP's random numbers and initial sequence numbers.
 *
 * RFC 6528: the sequence numbers of one pair of addresses and ports grow with a clock of 4 us from
 * a place that a keyed hash of the four chooses: an old segment of an earlier connection lies
 * before a new one's, and a stranger knows nothing.
 */
#include <lwip/ip_addr.h>

#include "core/random.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "net/stack/port/arch/cc.h"
#include "net/stack/port/hooks.h"
#include "sched/clock.h"

enum { NS_PER_STEP = 4000 };

uint32_t stack_random(void)
{
	return (uint32_t)random_u64();
}

static struct siphash_key key;

uint32_t stack_initial_sequence(const ip_addr_t *local, uint16_t local_port,
                                const ip_addr_t *remote, uint16_t remote_port)
{
	struct {
		uint8_t  local[16], remote[16];
		uint16_t local_port, remote_port;
	} connection = { .local_port = local_port, .remote_port = remote_port };
	size_t size = IP_IS_V6(remote) ? 16 : 4;

	if (!key.low)
		random_bytes(&key, sizeof(key));
	memcpy(connection.local, local, size);
	memcpy(connection.remote, remote, size);
	return (uint32_t)siphash24(&key, &connection, sizeof(connection)) +
	       (uint32_t)(clock_monotonic() / NS_PER_STEP);
}
