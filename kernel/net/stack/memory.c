/*
 * lwIP's memory, from the kernel's heap: stands for lwIP's own mem.c and memp.c. See
 * struct stack_memory.
 *
 * lwIP gives back by itself what it can do without when a pool is empty (a connection in TIME_WAIT,
 * old incomplete datagrams), so the pools of connections and of reassembly have a limit in number.
 * The rest is bounded in bytes by stack_memory.high.
 *
 * Locking: counts by number under the core lock; bytes are atomic, since pbufs are freed without.
 */
#include <lwip/etharp.h>
#include <lwip/igmp.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/mem.h>
#include <lwip/memp.h>
#include <lwip/mld6.h>
#include <lwip/nd6.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/raw.h>
#include <lwip/tcp.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/udp.h>

#include "lib/atomic.h"
#include "mem/alloc.h"
#include "mem/buddy.h"
#include "mem/slab.h"
#include "net/stack/stack_impl.h"

enum { REASSEMBLY_MAX = 64, GROUPS_MAX = 4096 };

#define NO_COUNT COUNTS

struct stack_memory stack_memory;

static uint32_t counts[COUNTS] __guarded_by(stack.lock);

/* From what is free when the first byte is wanted, as Linux chooses tcp_mem. */
static void choose_limits(void)
{
	uint64_t free = pages_free_count() * PAGE_SIZE;

	stack_memory.low = free / 16;
	stack_memory.pressure = free / 12;
	stack_memory.max_connections = (uint32_t)(free / 16384);
	atomic_store_release(&stack_memory.high, free / 8); /* pairs with is_allowed() */
}

static void *refuse(void)
{
	atomic_inc(&stack_memory.nr_refused);
	return NULL;
}

/* ---- the heap -------------------------------------------------------------------------------- */

/*
 * What comes and goes with every packet: segments and pbufs that refer to data, and their headers.
 */
enum { SMALL_SIZE = 64, PACKET_SIZE = 192 };
static struct cache small_cache = CACHE_SIZED("stack-small", SMALL_SIZE, 8);
static struct cache packet_cache = CACHE_SIZED("stack-packet", PACKET_SIZE, 8);

/* May size more bytes be held? */
static bool is_allowed(size_t size)
{
	uint64_t high = atomic_load_acquire(&stack_memory.high); /* pairs with choose_limits() */

	if (unlikely(!high))
		return choose_limits(), true;
	return likely(READ_ONCE(stack_memory.used) + size <= high);
}

static void *object_alloc(struct cache *cache, uint32_t size)
{
	void *object = is_allowed(size) ? cache_alloc(cache, ALLOC_ATOMIC | ALLOC_NOWARN) : NULL;

	if (unlikely(!object))
		return refuse();
	atomic_add(&stack_memory.used, size);
	return object;
}

static void *large_alloc(size_t size)
{
	void *object = is_allowed(size) ? kmalloc(size, ALLOC_ATOMIC | ALLOC_NOWARN) : NULL;

	if (!object)
		return refuse();
	atomic_add(&stack_memory.used, ksize(object));
	return object;
}

void mem_init(void)
{
}

void *mem_malloc(mem_size_t size)
{
	if (size <= SMALL_SIZE)
		return object_alloc(&small_cache, SMALL_SIZE);
	if (size <= PACKET_SIZE)
		return object_alloc(&packet_cache, PACKET_SIZE);
	return large_alloc(size);
}

void *mem_calloc(mem_size_t count, mem_size_t size)
{
	void *memory = mem_malloc(count * size);

	return memory ? __builtin_memset(memory, 0, count * size) : NULL;
}

/* The rest of a shortened object stays with it. */
void *mem_trim(void *memory, mem_size_t size)
{
	return memory;
}

void mem_free(void *memory)
{
	struct page *page = page_head(virt_to_page(memory));

	if (unlikely(!page_is(page, PAGE_SLAB))) {
		atomic_sub(&stack_memory.used, ksize(memory));
		kfree(memory);
		return;
	}
	atomic_sub(&stack_memory.used, page->cache->size);
	cache_free(page->cache, memory);
}

/* ---- objects of one type --------------------------------------------------------------------- */

static const uint16_t sizes[MEMP_MAX] = {
#define LWIP_MEMPOOL(name, number, size, description) [MEMP_##name] = (size),
#include <lwip/priv/memp_std.h>
};

static enum stack_counted counted_as(memp_t type)
{
	switch (type) {
	case MEMP_TCP_PCB:
		return COUNT_TCP;
	case MEMP_REASSDATA:
	case MEMP_IP6_REASSDATA:
		return COUNT_REASSEMBLY;
	case MEMP_IGMP_GROUP:
	case MEMP_MLD6_GROUP:
		return COUNT_GROUPS;
	default:
		return NO_COUNT;
	}
}

static uint32_t limit_of(enum stack_counted what)
{
	return what == COUNT_TCP ? READ_ONCE(stack_memory.max_connections) :
	       what == COUNT_REASSEMBLY ? REASSEMBLY_MAX : GROUPS_MAX;
}

static void note_first(enum stack_counted what)
{
	if (what == COUNT_REASSEMBLY)
		stack_tick_start(STACK_TICK_SECOND);
	else if (what == COUNT_GROUPS)
		stack_tick_start(STACK_TICK_MULTICAST);
}

uint32_t stack_count(enum stack_counted what)
{
	return counts[what];
}

void memp_init(void)
{
}

void *memp_malloc(memp_t type)
{
	enum stack_counted what = counted_as(type);
	void *object;

	if (type == MEMP_TCP_SEG)
		stack_tcp_stir();
	if (what == NO_COUNT)
		return mem_malloc(sizes[type]);
	if (unlikely(!stack_memory.high))
		choose_limits();
	if (counts[what] >= limit_of(what))
		return refuse();
	object = mem_malloc(sizes[type]);
	if (object) {
		counts[what]++;
		note_first(what);
	}
	return object;
}

void memp_free(memp_t type, void *object)
{
	enum stack_counted what = counted_as(type);

	if (!object)
		return;
	if (what != NO_COUNT)
		counts[what]--;
	mem_free(object);
}
