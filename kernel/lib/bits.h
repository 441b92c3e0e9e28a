/*
 * Single bits and whole words: masks, searching, counting, rotating. Bit 0 is the lowest.
 * Sets of many bits are in lib/bitmap.h, byte order in lib/byteorder.h.
 */
#pragma once

#include "lib/types.h"

#define BIT(n)              (1ul << (n))
/* Bits low to high, both included: BIT_RANGE(7, 4) is 0xf0. */
#define BIT_RANGE(high, low) ((~0ul << (low)) & (~0ul >> (63 - (high))))

/* Index of the lowest bit set; word must not be 0. */
static inline unsigned bit_lowest(uint64_t word)
{
	return (unsigned)__builtin_ctzl(word);
}

/* Index of the highest bit set; word must not be 0. */
static inline unsigned bit_highest(uint64_t word)
{
	return 63u - (unsigned)__builtin_clzl(word);
}

/* How many bits are set. By hand: the builtin would call libgcc on a CPU without popcnt. */
static inline unsigned bit_count(uint64_t word)
{
	word -= (word >> 1) & 0x5555555555555555ul;
	word = (word & 0x3333333333333333ul) + ((word >> 2) & 0x3333333333333333ul);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0ful;
	return (unsigned)((word * 0x0101010101010101ul) >> 56);
}

static inline uint32_t rotate_left32(uint32_t word, unsigned n)
{
	return (word << (n & 31)) | (word >> (-n & 31));
}

static inline uint32_t rotate_right32(uint32_t word, unsigned n)
{
	return (word >> (n & 31)) | (word << (-n & 31));
}

static inline uint64_t rotate_left64(uint64_t word, unsigned n)
{
	return (word << (n & 63)) | (word >> (-n & 63));
}
