/*
 * The checksum of the internet protocols. See checksum.h.
 *
 * 64 bits at a time with the carry added back (a word of 64 bits is four of 16, and a carry out of
 * the top is worth 1 in one's complement).
 */
#include "lib/checksum.h"

static uint64_t load(const void *at)
{
	uint64_t word;

	__builtin_memcpy(&word, at, sizeof(word));
	return word;
}

static inline uint64_t add_carry(uint64_t sum, uint64_t word)
{
	uint64_t total;

	return total = sum + word, total + (total < word);
}

/* Fewer than eight bytes, zeroes behind them. */
static uint64_t load_tail(const uint8_t *at, size_t size)
{
	uint64_t word = 0;

	for (size_t i = 0; i < size; i++)
		word |= (uint64_t)at[i] << 8 * i;
	return word;
}

uint64_t checksum_add(uint64_t sum, const void *data, size_t size)
{
	const uint8_t *at = data;

	for (; size >= 32; size -= 32, at += 32) {
		sum = add_carry(sum, load(at));
		sum = add_carry(sum, load(at + 8));
		sum = add_carry(sum, load(at + 16));
		sum = add_carry(sum, load(at + 24));
	}
	for (; size >= 8; size -= 8, at += 8)
		sum = add_carry(sum, load(at));
	return size ? add_carry(sum, load_tail(at, size)) : sum;
}
