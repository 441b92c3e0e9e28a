/*
 * ChaCha20: 20 rounds over a 4 by 4 matrix of words, columns and diagonals by turns.
 */
#include "lib/chacha20.h"

#include "lib/bits.h"
#include "lib/byteorder.h"
#include "lib/math.h"
#include "lib/string.h"

void chacha20_init(struct chacha20 *chacha, const uint8_t key[CHACHA20_KEY_SIZE],
                   const uint8_t nonce[CHACHA20_NONCE_SIZE], uint32_t counter)
{
	static const char sigma[] = "expand 32-byte k";
	uint32_t *state = chacha->state;

	for (int i = 0; i < 4; i++)
		state[i] = load_le32(sigma + 4 * i);
	for (int i = 0; i < 8; i++)
		state[4 + i] = load_le32(key + 4 * i);
	state[12] = counter;
	for (int i = 0; i < 3; i++)
		state[13 + i] = load_le32(nonce + 4 * i);
}

static __always_inline void quarter_round(uint32_t *x, int a, int b, int c, int d)
{
	x[a] += x[b];
	x[d] = rotate_left32(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotate_left32(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotate_left32(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotate_left32(x[b] ^ x[c], 7);
}

void chacha20_block(struct chacha20 *chacha, uint8_t block[CHACHA20_BLOCK_SIZE])
{
	uint32_t x[16];

	memcpy(x, chacha->state, sizeof(x));
	for (int i = 0; i < 10; i++) {
		quarter_round(x, 0, 4, 8, 12);
		quarter_round(x, 1, 5, 9, 13);
		quarter_round(x, 2, 6, 10, 14);
		quarter_round(x, 3, 7, 11, 15);
		quarter_round(x, 0, 5, 10, 15);
		quarter_round(x, 1, 6, 11, 12);
		quarter_round(x, 2, 7, 8, 13);
		quarter_round(x, 3, 4, 9, 14);
	}
	for (int i = 0; i < 16; i++)
		store_le32(block + 4 * i, x[i] + chacha->state[i]);
	chacha->state[12]++;
}

void chacha20_stream(struct chacha20 *chacha, void *to, size_t size)
{
	uint8_t block[CHACHA20_BLOCK_SIZE];
	uint8_t *at = to;

	while (size) {
		size_t n = min(size, sizeof(block));

		chacha20_block(chacha, block);
		memcpy(at, block, n);
		at += n;
		size -= n;
	}
	mem_wipe(block, sizeof(block));
}
