/*
 * The pool is a running BLAKE2s; a reseed finishes it, splits the digest into a new seed for the
 * generators and the first bytes of the next pool. `generation` counts reseeds: a CPU's generator
 * that is behind takes a new key, mixed from the seed and the CPU's number, before it gives
 * anything out.
 *
 * A generator makes a block of key stream at a time: the first half replaces its key, the second
 * half is handed out and wiped as it goes. It belongs to its CPU with interrupts off; large
 * requests take one key from it and run on their own with interrupts on.
 *
 * Credit: the CPU's generator and a firmware seed are trusted (as Debian's Linux is configured);
 * else the jitter of a few thousand timed memory walks, and of interrupts, one bit for every four.
 */
#include "core/random.h"

#include <arch/percpu.h>

#include "core/spinlock.h"
#include "lib/blake2s.h"
#include "lib/chacha20.h"
#include "lib/math.h"
#include "lib/string.h"

enum {
	KEY_SIZE = CHACHA20_KEY_SIZE,
	READY_BITS = 256,
	OUTPUT_SIZE = 32,
	RESEED_CYCLES_LOG2 = 38,
	INTERRUPTS_A_BIT = 4
};

static struct {
	struct spinlock lock;
	struct blake2s  hash __guarded_by(lock);
	uint8_t         seed[KEY_SIZE] __guarded_by(lock);
	uint64_t        seeded_at __guarded_by(lock); /* cycle counter */
	uint64_t        generation __atomic;
	uint32_t        bits __atomic;
	void          (*ready_hook)(void) __atomic;
} pool = { .lock = SPINLOCK(RANK_RANDOM) };

struct generator {
	uint64_t generation;
	uint8_t  key[KEY_SIZE];
	uint32_t used; /* bytes of output given out */
	uint8_t  output[OUTPUT_SIZE];
};
static DEFINE_PER_CPU(struct generator, generator);

struct jitter {
	uint64_t words[8];
	uint32_t count;
};
static DEFINE_PER_CPU(struct jitter, jitter);

/* One block of key stream: the first half becomes a key, the second half is used. */
static void expand(const uint8_t key[KEY_SIZE], const uint32_t nonce[3],
		   uint8_t block[CHACHA20_BLOCK_SIZE])
{
	struct chacha20 chacha;
	uint8_t bytes[CHACHA20_NONCE_SIZE];

	memcpy(bytes, nonce, sizeof(bytes));
	chacha20_init(&chacha, key, bytes, 0);
	chacha20_block(&chacha, block);
	mem_wipe(&chacha, sizeof(chacha));
}

static const uint32_t nonce_zero[3];

/* A new seed out of all that has been stirred in. */
static void pool_reseed_locked(void)
{
	uint8_t key[KEY_SIZE];
	uint8_t block[CHACHA20_BLOCK_SIZE];

	blake2s_final(&pool.hash, key);
	for (int i = 0; i < KEY_SIZE; i++)
		key[i] ^= pool.seed[i];
	expand(key, nonce_zero, block);
	memcpy(pool.seed, block, KEY_SIZE);
	blake2s_init(&pool.hash, KEY_SIZE, block + KEY_SIZE, KEY_SIZE);
	pool.seeded_at = cpu_cycles();
	mem_wipe(key, sizeof(key));
	mem_wipe(block, sizeof(block));
	/* pairs with generator_get() */
	atomic_store_release(&pool.generation, pool.generation + 1);
}

static bool pool_is_stale(void)
{
	return (cpu_cycles() - READ_ONCE(pool.seeded_at)) >> RESEED_CYCLES_LOG2;
}

static void generator_rekey(struct generator *gen)
{
	uint8_t block[CHACHA20_BLOCK_SIZE];
	uint64_t word = 0;

	spin_lock(&pool.lock);
	if (pool_is_stale()) {
		if (cpu_random(&word))
			blake2s_update(&pool.hash, &word, sizeof(word));
		pool_reseed_locked();
	}
	uint32_t nonce[3] = { cpu_id(), (uint32_t)pool.generation, (uint32_t)cpu_cycles() };

	expand(pool.seed, nonce, block);
	gen->generation = pool.generation;
	spin_unlock(&pool.lock);
	for (int i = 0; i < KEY_SIZE; i++)
		gen->key[i] ^= block[i];
	mem_wipe(block, sizeof(block));
	gen->used = OUTPUT_SIZE;
}

/* This CPU's generator with a key of today; interrupts off. */
static struct generator *generator_get(void)
{
	struct generator *gen = this_cpu_ptr(generator);

	/* Pairs with the release in pool_reseed_locked(). */
	if (unlikely(gen->generation != atomic_load_acquire(&pool.generation) || pool_is_stale()))
		generator_rekey(gen);
	return gen;
}

static void generator_refill(struct generator *gen)
{
	uint8_t block[CHACHA20_BLOCK_SIZE];

	expand(gen->key, nonce_zero, block);
	memcpy(gen->key, block, sizeof(gen->key));
	memcpy(gen->output, block + sizeof(gen->key), OUTPUT_SIZE);
	mem_wipe(block, sizeof(block));
	gen->used = 0;
}

static void random_bytes_short(void *buf, size_t len)
{
	uint64_t flags = irq_save();
	struct generator *gen = generator_get();

	if (gen->used + len > OUTPUT_SIZE)
		generator_refill(gen);
	memcpy(buf, gen->output + gen->used, len);
	memset(gen->output + gen->used, 0, len);
	gen->used += (uint32_t)len;
	irq_restore(flags);
}

void random_bytes(void *buf, size_t len)
{
	struct chacha20 chacha;
	uint8_t key[KEY_SIZE];

	if (len <= OUTPUT_SIZE) {
		random_bytes_short(buf, len);
		return;
	}
	random_bytes_short(key, sizeof(key));
	chacha20_init(&chacha, key, (const uint8_t *)nonce_zero, 0);
	chacha20_stream(&chacha, buf, len);
	mem_wipe(key, sizeof(key));
	mem_wipe(&chacha, sizeof(chacha));
}

uint64_t random_u64(void)
{
	uint64_t value;

	random_bytes_short(&value, sizeof(value));
	return value;
}

uint64_t random_below(uint64_t bound)
{
	for (;;) {
		unsigned __int128 product = (unsigned __int128)random_u64() * bound;

		/* Lemire: the low half says whether this draw belongs to the uneven rest. */
		if (likely((uint64_t)product >= bound) || (uint64_t)product >= -bound % bound)
			return (uint64_t)(product >> 64);
	}
}

void random_add(const void *data, size_t len, unsigned int bits)
{
	uint64_t now = cpu_cycles();
	uint64_t flags = spin_lock_irqsave(&pool.lock);
	bool was_ready = random_is_ready();

	blake2s_update(&pool.hash, &now, sizeof(now));
	blake2s_update(&pool.hash, data, len);
	bits += pool.bits;
	atomic_store_relaxed(&pool.bits, min(bits, (uint32_t)READY_BITS));

	bool became_ready = !was_ready && random_is_ready();

	if (became_ready)
		pool_reseed_locked();
	spin_unlock_irqrestore(&pool.lock, flags);

	void (*hook)(void) = atomic_load(&pool.ready_hook);

	if (became_ready && hook)
		hook();
}

void random_add_interrupt(uint64_t where)
{
	struct jitter *j = this_cpu_ptr(jitter);
	uint32_t i = j->count++ & 63;

	j->words[i & 7] = rotate_left64(j->words[i & 7], 19) ^ cpu_cycles() ^ where;
	if (unlikely(i == 63) && (!random_is_ready() || !(j->count & 0xfff)))
		random_add(j->words, sizeof(j->words), 64 / INTERRUPTS_A_BIT);
}

bool random_is_ready(void)
{
	return atomic_load_relaxed(&pool.bits) >= READY_BITS;
}

unsigned int random_entropy(void)
{
	return atomic_load_relaxed(&pool.bits);
}

void random_set_ready_hook(void (*ready)(void))
{
	atomic_store(&pool.ready_hook, ready);
}

/* Times small pieces of work whose duration depends on caches and the host; credits what varied. */
static void __init add_execution_jitter(void)
{
	uint64_t times[64], last_delta = 0;
	unsigned int bits = 0;

	for (unsigned int round = 0; round < 2048 && bits < 2 * READY_BITS; round++) {
		uint64_t start = cpu_cycles();
		volatile uint8_t *walk = (volatile uint8_t *)times;

		for (unsigned int i = 0; i < 64; i++)
			walk[(i * 67 + round) % sizeof(times)] += (uint8_t)start;

		uint64_t delta = cpu_cycles() - start;

		times[round % 64] ^= delta;
		bits += delta != last_delta;
		last_delta = delta;
		if (round % 64 == 63)
			random_add(times, sizeof(times), 0);
	}
	random_add(times, sizeof(times), bits / 2);
}

void __init random_init(const void *seed, size_t len)
{
	uint64_t words[8];
	unsigned int n = 0;

	blake2s_init(&pool.hash, KEY_SIZE, NULL, 0);
	while (n < array_size(words) && cpu_random(&words[n]))
		n++;
	random_add(words, n * sizeof(words[0]), n * 32);
	random_add(seed, len, (unsigned)min(len * 8, (size_t)READY_BITS));
	if (!random_is_ready())
		add_execution_jitter();
	mem_wipe(words, sizeof(words));
}
