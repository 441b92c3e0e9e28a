/*
 * Sets of many bits in arrays of uint64_t.
 *
 *     uint64_t used[bitmap_words(1024)];      zeroed: all clear
 *     size_t fd = bitmap_find_first_zero(used, 1024);   1024 if there is none
 *
 * Nothing here is atomic; the caller's lock guards the array. Searches return nr_bits for "none";
 * bits of the last word beyond nr_bits are never looked at.
 */
#pragma once

#include "lib/bits.h"
#include "lib/types.h"

#define bitmap_words(nr_bits) (((nr_bits) + 63) / 64)

static inline bool bitmap_test(const uint64_t *map, size_t bit)
{
	return (map[bit / 64] >> (bit % 64)) & 1;
}

static inline void bitmap_set(uint64_t *map, size_t bit)
{
	map[bit / 64] |= BIT(bit % 64);
}

static inline void bitmap_clear(uint64_t *map, size_t bit)
{
	map[bit / 64] &= ~BIT(bit % 64);
}

/* Bits first to first + count - 1. */
void bitmap_set_range(uint64_t *map, size_t first, size_t count);
void bitmap_clear_range(uint64_t *map, size_t first, size_t count);

/* The first bit at or after from that is clear (set); nr_bits if there is none. */
size_t bitmap_find_next_zero(const uint64_t *map, size_t nr_bits, size_t from);
size_t bitmap_find_next_set(const uint64_t *map, size_t nr_bits, size_t from);

/* The start of the first run of count clear bits at or after from; nr_bits if there is none. */
size_t bitmap_find_zero_range(const uint64_t *map, size_t nr_bits, size_t from, size_t count);

/* How many of the first nr_bits are set. */
size_t bitmap_count(const uint64_t *map, size_t nr_bits);

static inline size_t bitmap_find_first_zero(const uint64_t *map, size_t nr_bits)
{
	return bitmap_find_next_zero(map, nr_bits, 0);
}

static inline size_t bitmap_find_first_set(const uint64_t *map, size_t nr_bits)
{
	return bitmap_find_next_set(map, nr_bits, 0);
}

#define bitmap_for_each_set(bit, map, nr_bits)                      \
	for (bit = bitmap_find_next_set(map, nr_bits, 0);           \
	     bit < (nr_bits); bit = bitmap_find_next_set(map, nr_bits, bit + 1))
