/*
 * lib/bitmap, lib/bits, lib/math: against one bool per bit, and the corners of arithmetic.
 *
 * sources: lib/bitmap.c lib/math.c
 */
#include "unit.h"

#include "lib/bitmap.h"
#include "lib/math.h"

#define N 333

static uint64_t map[bitmap_words(N) + 1];
static bool model[N];

static size_t next_model(size_t from, bool value)
{
	while (from < N && model[from] != value)
		from++;
	return min(from, (size_t)N);
}

static size_t zero_range_model(size_t from, size_t count)
{
	for (; from + count <= N; from++) {
		if (next_model(from, true) >= from + count)
			return from;
	}
	return N;
}

TEST(ranges_and_searches_agree_with_the_model)
{
	uint64_t seed = 1;

	for (int step = 0; step < 20000; step++) {
		size_t first = random_below(&seed, N), from = random_below(&seed, N + 5);
		size_t count = random_below(&seed, min(N - first, 90ul) + 1);
		bool value = random_below(&seed, 2);
		size_t total = 0;

		if (value)
			bitmap_set_range(map, first, count);
		else
			bitmap_clear_range(map, first, count);
		for (size_t i = first; i < first + count; i++)
			model[i] = value;
		for (size_t i = 0; i < N; i++)
			total += model[i];
		assert_int_equal(bitmap_count(map, N), total);
		assert_int_equal(bitmap_find_next_set(map, N, from), next_model(from, true));
		assert_int_equal(bitmap_find_next_zero(map, N, from), next_model(from, false));
		assert_int_equal(bitmap_find_zero_range(map, N, from, count + 1),
		                 zero_range_model(from, count + 1));
		assert_int_equal(bitmap_test(map, first), model[first]);
	}
	assert_int_equal(map[bitmap_words(N)], 0);
}

TEST(for_each_visits_the_set_bits)
{
	uint64_t bits[2] = { 1ul << 63 | 1, 5 };
	size_t bit, sum = 0;

	bitmap_for_each_set(bit, bits, 128)
		sum += bit;
	assert_int_equal(sum, 63 + 64 + 66);
	bitmap_clear(bits, 63);
	bitmap_set(bits, 1);
	assert_int_equal(bits[0], 3);
}

TEST(words_are_searched_counted_and_rotated)
{
	assert_int_equal(bit_lowest(0x8000000000000000ul), 63);
	assert_int_equal(bit_highest(1), 0);
	assert_int_equal(bit_count(~0ul), 64);
	assert_int_equal(bit_count(0x8100000000000003ul), 4);
	assert_int_equal(BIT_RANGE(7, 4), 0xf0);
	assert_int_equal(BIT_RANGE(63, 0), ~0ul);
	assert_int_equal(rotate_left32(0x80000001u, 1), 3);
	assert_int_equal(rotate_left32(5, 0), 5);
	assert_int_equal(rotate_right32(1, 1), 0x80000000u);
	assert_int_equal(rotate_left64(1ul << 63, 1), 1);
}

TEST(alignment_and_logarithms)
{
	assert_int_equal(align_up(4097ul, PAGE_SIZE), 8192);
	assert_int_equal(align_down(4097ul, PAGE_SIZE), 4096);
	assert_true(is_aligned(8192ul, PAGE_SIZE));
	assert_int_equal(div_round_up(7, 3), 3);
	assert_int_equal(round_up_pow2(0), 1);
	assert_int_equal(round_up_pow2(1), 1);
	assert_int_equal(round_up_pow2(5), 8);
	assert_int_equal(round_up_pow2(64), 64);
	assert_int_equal(ilog2(~0ul), 63);
	assert_int_equal(clamp(5, 1, 3), 3);
	assert_int_equal(clamp(-5, 1, 3), 1);
	assert_false(is_power_of_two(0));
	assert_true(is_power_of_two(1ul << 63));
}

TEST(checked_arithmetic_tells_overflow)
{
	uint64_t wide;
	uint32_t narrow;

	assert_false(checked_add(UINT64_MAX, 1, &wide));
	assert_true(checked_add(UINT64_MAX - 1, 1, &wide));
	assert_false(checked_mul(1ul << 32, 1ul << 32, &wide));
	assert_false(checked_add(0xffffffffu, 1, &narrow));
	assert_false(checked_sub(1ul, 2, &wide));
}

TEST(mul_div_is_exact_in_128_bits)
{
	uint64_t seed = 3;

	for (int i = 0; i < 20000; i++) {
		uint64_t a = random_next(&seed) >> random_below(&seed, 64);
		uint64_t b = random_next(&seed) >> random_below(&seed, 64);
		uint64_t c = random_next(&seed) >> random_below(&seed, 64);
		unsigned __int128 product = (unsigned __int128)a * b;

		if (c == 0 || product / c > UINT64_MAX)
			assert_int_equal(mul_div(a, b, c), UINT64_MAX);
		else
			assert_int_equal(mul_div(a, b, c), (uint64_t)(product / c));
	}
	assert_int_equal(mul_shift(UINT64_MAX, 1ul << 32, 32), UINT64_MAX);
}

UNIT_TESTS(T(ranges_and_searches_agree_with_the_model),
           T(for_each_visits_the_set_bits),
           T(words_are_searched_counted_and_rotated),
           T(alignment_and_logarithms),
           T(checked_arithmetic_tells_overflow),
           T(mul_div_is_exact_in_128_bits))
