/*
 * lib/string: every size and misalignment that its loops distinguish, against plain byte loops.
 *
 * sources: lib/string.c
 */
#include "unit.h"

#include <errno.h>

#include "lib/string.h"

#define MAX   200
#define GUARD 32

static uint8_t area[MAX + 2 * GUARD + 16], model[sizeof(area)];

static void fill(void)
{
	for (size_t i = 0; i < sizeof(area); i++)
		area[i] = model[i] = (uint8_t)(i * 7 + 13);
}

static void check_area(void)
{
	assert_int_equal(host_memcmp(area, model, sizeof(area)), 0);
}

TEST(memset_writes_exactly_its_range)
{
	for (size_t size = 0; size <= MAX; size++) {
		for (size_t at = 0; at < 9; at++) {
			fill();
			assert_ptr_equal(memset(area + GUARD + at, 0x1a5, size), area + GUARD + at);
			for (size_t i = 0; i < size; i++)
				model[GUARD + at + i] = 0xa5;
			check_area();
		}
	}
}

TEST(memcpy_copies_exactly_its_range)
{
	static uint8_t from[MAX + 16];

	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)(i ^ 0x5a);
	for (size_t size = 0; size <= MAX; size++) {
		for (size_t at = 0; at < 9; at++) {
			fill();
			assert_ptr_equal(memcpy(area + GUARD + at, from + (at * 5) % 8, size),
			                 area + GUARD + at);
			for (size_t i = 0; i < size; i++)
				model[GUARD + at + i] = from[(at * 5) % 8 + i];
			check_area();
		}
	}
}

TEST(memmove_is_right_for_every_overlap)
{
	for (size_t size = 0; size <= MAX; size += size < 40 ? 1 : 13) {
		for (int shift = -GUARD; shift <= GUARD; shift++) {
			fill();
			memmove(area + GUARD + shift, area + GUARD, size);
			host_memmove(model + GUARD + shift, model + GUARD, size);
			check_area();
		}
	}
}

TEST(memcmp_orders_by_the_first_difference)
{
	for (size_t size = 1; size < 40; size++) {
		for (size_t at = 0; at < size; at++) {
			fill();
			model[at] = (uint8_t)(area[at] + 1);
			assert_int_equal(memcmp(area, model, size) < 0,
			                 host_memcmp(area, model, size) < 0);
			assert_int_equal(memcmp(model, area, size) < 0,
			                 host_memcmp(model, area, size) < 0);
			assert_int_equal(memcmp(area, model, at), 0);
		}
	}
}

TEST(searches_find_the_first_or_last_place)
{
	static const char text[] = "abcabc\xff";

	assert_ptr_equal(strchr(text, 'b'), text + 1);
	assert_ptr_equal(strrchr(text, 'b'), text + 4);
	assert_ptr_equal(strchr(text, '\0'), text + 7);
	assert_ptr_equal(strrchr(text, '\0'), text + 7);
	assert_null(strchr(text, 'x'));
	assert_null(strrchr(text, 'x'));
	assert_ptr_equal(memchr(text, 0xff, sizeof(text)), text + 6);
	assert_null(memchr(text, 'c', 2));
	assert_ptr_equal(strstr(text, "ca"), text + 2);
	assert_ptr_equal(strstr(text, ""), text);
	assert_null(strstr(text, "cb"));
	assert_null(strstr("ab", "abc"));
}

TEST(comparisons_are_unsigned_and_stop_at_the_end)
{
	assert_true(strcmp("a", "\xff") < 0);
	assert_true(strcmp("ab", "a") > 0);
	assert_int_equal(strcmp("", ""), 0);
	assert_int_equal(strncmp("abc", "abd", 2), 0);
	assert_true(strncmp("abc", "abd", 3) < 0);
	assert_int_equal(strncmp("a\0x", "a\0y", 3), 0);
	assert_int_equal(strcasecmp("HeLLo", "hEllO"), 0);
	assert_true(strcasecmp("a", "_") != 0);
	assert_true(str_has_prefix("console=x", "console="));
	assert_false(str_has_prefix("con", "console"));
}

TEST(lengths_stop_at_the_bound)
{
	assert_int_equal(strlen("four"), 4);
	assert_int_equal(strnlen("four", 3), 3);
	assert_int_equal(strnlen("four", 9), 4);
	assert_int_equal(strnlen(NULL, 0), 0);
}

TEST(str_copy_truncates_with_E2BIG_and_always_terminates)
{
	char to[5] = "????";

	assert_int_equal(str_copy(to, "abcd", sizeof(to)), 4);
	assert_string_equal(to, "abcd");
	assert_int_equal(str_copy(to, "abcde", sizeof(to)), -E2BIG);
	assert_string_equal(to, "abcd");
	assert_int_equal(str_copy(to, "x", 0), -E2BIG);
	assert_string_equal(to, "abcd");
	assert_int_equal(str_copy_n(to, sizeof(to), "xyz", 2), 2);
	assert_string_equal(to, "xy");
	assert_int_equal(str_copy_n(to, 1, "", 0), 0);
	assert_string_equal(to, "");
}

TEST(mem_is_zero_looks_at_every_byte)
{
	uint8_t zeros[21] = { 0 };

	assert_true(mem_is_zero(zeros, sizeof(zeros)));
	for (size_t i = 0; i < sizeof(zeros); i++) {
		zeros[i] = 1;
		assert_false(mem_is_zero(zeros, sizeof(zeros)));
		zeros[i] = 0;
	}
}

UNIT_TESTS(T(memset_writes_exactly_its_range),
           T(memcpy_copies_exactly_its_range),
           T(memmove_is_right_for_every_overlap),
           T(memcmp_orders_by_the_first_difference),
           T(searches_find_the_first_or_last_place),
           T(comparisons_are_unsigned_and_stop_at_the_end),
           T(lengths_stop_at_the_bound),
           T(str_copy_truncates_with_E2BIG_and_always_terminates),
           T(mem_is_zero_looks_at_every_byte))
