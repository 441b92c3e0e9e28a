/*
 * The table of path MTUs. See path_mtu.h.
 */
#include "net/inet/path_mtu.h"

#include "lib/hash.h"
#include "lib/math.h"
#include "mem/alloc.h"
#include "net/stack/stack.h"
#include "sched/clock.h"

enum { PATH_SLOTS = 64, PATH_MTU_LEAST = 552, IPV4_MTU_LEAST = 68 };

#define PATH_LIFE (600 * NS_PER_SEC)

struct path {
	uint32_t address; /* network order; 0: free */
	uint32_t mtu;
	ns_t     until;
};

static struct path *paths __guarded_by(core); /* NULL until the first is learnt */

static struct path *path_slot(const ip_addr_t *to)
{
	return &paths[hash_u64(ip_2_ip4(to)->addr) % PATH_SLOTS];
}

uint32_t path_mtu_of(const ip_addr_t *to, uint32_t mtu)
{
	const struct path *path;

	if (!IP_IS_V4(to))
		return mtu;
	mtu = min(mtu, (uint32_t)UINT16_MAX);
	if (likely(!paths))
		return mtu;
	path = path_slot(to);
	if (path->address != ip_2_ip4(to)->addr || path->until < clock_monotonic_coarse())
		return mtu;
	return min(path->mtu, mtu);
}

/* The plateaus of RFC 1191: what a router meant that does not say. */
static uint32_t plateau_below(uint32_t size)
{
	static const uint16_t plateaus[] = { 32000, 17914, 8166, 4352, 2002, 1492, 576, 296, 216 };

	for (size_t i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++)
		if (plateaus[i] < size)
			return plateaus[i];
	return IPV4_MTU_LEAST;
}

uint32_t path_mtu_told(uint32_t mtu, uint32_t size)
{
	return max(mtu ? mtu : plateau_below(size), (uint32_t)PATH_MTU_LEAST);
}

void path_mtu_learn(const ip_addr_t *to, uint32_t mtu)
{
	struct path *path;

	stack_assert_locked();
	if (!IP_IS_V4(to))
		return;
	if (!paths)
		paths = kzalloc(PATH_SLOTS * sizeof(*paths), ALLOC_ATOMIC);
	if (!paths)
		return;
	path = path_slot(to);
	*path = (struct path){
		.address = ip_2_ip4(to)->addr,
		.mtu = mtu,
		.until = clock_monotonic_coarse() + PATH_LIFE,
	};
}
