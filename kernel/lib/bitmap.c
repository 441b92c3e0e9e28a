/*
 * Sets of many bits: ranges and searches, a word at a time.
 */
#include "lib/bitmap.h"

#include "lib/math.h"

/* The bits of word number index that lie in [first, first + count). */
static uint64_t mask_in_word(size_t index, size_t first, size_t count)
{
	size_t low = max(first, index * 64) - index * 64;
	size_t high = min(first + count, (index + 1) * 64) - index * 64;

	return BIT_RANGE(high - 1, low);
}

void bitmap_set_range(uint64_t *map, size_t first, size_t count)
{
	if (!count)
		return;
	for (size_t i = first / 64; i <= (first + count - 1) / 64; i++)
		map[i] |= mask_in_word(i, first, count);
}

void bitmap_clear_range(uint64_t *map, size_t first, size_t count)
{
	if (!count)
		return;
	for (size_t i = first / 64; i <= (first + count - 1) / 64; i++)
		map[i] &= ~mask_in_word(i, first, count);
}

/* flip turns the search for clear bits into one for set bits. */
static size_t find_next(const uint64_t *map, size_t nr_bits, size_t from, uint64_t flip)
{
	uint64_t word;
	size_t i = from / 64;

	if (from >= nr_bits)
		return nr_bits;
	word = (map[i] ^ flip) & (~0ul << (from % 64));
	while (!word) {
		if (++i * 64 >= nr_bits)
			return nr_bits;
		word = map[i] ^ flip;
	}
	return min(i * 64 + bit_lowest(word), nr_bits);
}

size_t bitmap_find_next_set(const uint64_t *map, size_t nr_bits, size_t from)
{
	return find_next(map, nr_bits, from, 0);
}

size_t bitmap_find_next_zero(const uint64_t *map, size_t nr_bits, size_t from)
{
	return find_next(map, nr_bits, from, ~0ul);
}

size_t bitmap_find_zero_range(const uint64_t *map, size_t nr_bits, size_t from, size_t count)
{
	while (from < nr_bits) {
		size_t start = bitmap_find_next_zero(map, nr_bits, from);
		size_t end = bitmap_find_next_set(map, nr_bits, start);

		if (start < nr_bits && end - start >= count)
			return start;
		from = end;
	}
	return nr_bits;
}

size_t bitmap_count(const uint64_t *map, size_t nr_bits)
{
	size_t n = 0;

	for (size_t i = 0; i < nr_bits / 64; i++)
		n += bit_count(map[i]);
	if (nr_bits % 64)
		n += bit_count(map[nr_bits / 64] & BIT_RANGE(nr_bits % 64 - 1, 0));
	return n;
}
