/*
 * BLAKE2s. The last block is held back until it is known to be the last, as it is hashed with a
 * flag of its own.
 */
#include "lib/blake2s.h"

#include "lib/bits.h"
#include "lib/byteorder.h"
#include "lib/math.h"
#include "lib/string.h"

static const uint32_t iv[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static const uint8_t sigma[10][16] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	{ 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
	{ 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
	{ 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
	{ 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
	{ 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
	{ 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
	{ 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
	{ 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
	{ 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

void blake2s_init(struct blake2s *blake, size_t digest_size, const void *key, size_t key_size)
{
	memset(blake, 0, sizeof(*blake));
	memcpy(blake->state, iv, sizeof(iv));
	blake->state[0] ^= 0x01010000u ^ (uint32_t)(key_size << 8) ^ (uint32_t)digest_size;
	blake->digest_size = digest_size;
	if (key_size) {
		memcpy(blake->block, key, key_size);
		blake->filled = BLAKE2S_BLOCK_SIZE;
	}
}

static __always_inline void mix(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d, uint32_t x,
                                uint32_t y)
{
	*a += *b + x;
	*d = rotate_right32(*d ^ *a, 16);
	*c += *d;
	*b = rotate_right32(*b ^ *c, 12);
	*a += *b + y;
	*d = rotate_right32(*d ^ *a, 8);
	*c += *d;
	*b = rotate_right32(*b ^ *c, 7);
}

static void compress(struct blake2s *blake, bool is_last)
{
	uint32_t v[16], m[16];

	for (int i = 0; i < 16; i++)
		m[i] = load_le32(blake->block + 4 * i);
	memcpy(v, blake->state, sizeof(blake->state));
	memcpy(v + 8, iv, sizeof(iv));
	v[12] ^= (uint32_t)blake->count;
	v[13] ^= (uint32_t)(blake->count >> 32);
	if (is_last)
		v[14] = ~v[14];
	for (int round = 0; round < 10; round++) {
		const uint8_t *s = sigma[round];

		mix(v + 0, v + 4, v + 8, v + 12, m[s[0]], m[s[1]]);
		mix(v + 1, v + 5, v + 9, v + 13, m[s[2]], m[s[3]]);
		mix(v + 2, v + 6, v + 10, v + 14, m[s[4]], m[s[5]]);
		mix(v + 3, v + 7, v + 11, v + 15, m[s[6]], m[s[7]]);
		mix(v + 0, v + 5, v + 10, v + 15, m[s[8]], m[s[9]]);
		mix(v + 1, v + 6, v + 11, v + 12, m[s[10]], m[s[11]]);
		mix(v + 2, v + 7, v + 8, v + 13, m[s[12]], m[s[13]]);
		mix(v + 3, v + 4, v + 9, v + 14, m[s[14]], m[s[15]]);
	}
	for (int i = 0; i < 8; i++)
		blake->state[i] ^= v[i] ^ v[i + 8];
}

void blake2s_update(struct blake2s *blake, const void *data, size_t size)
{
	const uint8_t *at = data;

	while (size) {
		size_t n;

		if (blake->filled == BLAKE2S_BLOCK_SIZE) {
			blake->count += BLAKE2S_BLOCK_SIZE;
			compress(blake, false);
			blake->filled = 0;
		}
		n = min(size, BLAKE2S_BLOCK_SIZE - blake->filled);
		memcpy(blake->block + blake->filled, at, n);
		blake->filled += n;
		at += n;
		size -= n;
	}
}

void blake2s_final(struct blake2s *blake, void *digest)
{
	uint8_t full[BLAKE2S_DIGEST_SIZE];

	blake->count += blake->filled;
	memset(blake->block + blake->filled, 0, BLAKE2S_BLOCK_SIZE - blake->filled);
	compress(blake, true);
	for (int i = 0; i < 8; i++)
		store_le32(full + 4 * i, blake->state[i]);
	memcpy(digest, full, blake->digest_size);
	mem_wipe(full, sizeof(full));
	mem_wipe(blake, sizeof(*blake));
}

void blake2s(void *digest, size_t digest_size, const void *key, size_t key_size, const void *data,
             size_t size)
{
	struct blake2s blake;

	blake2s_init(&blake, digest_size, key, key_size);
	blake2s_update(&blake, data, size);
	blake2s_final(&blake, digest);
}
