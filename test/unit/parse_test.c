/*
 * lib/parse: numbers are taken whole or not at all; options come out one by one.
 *
 * sources: lib/parse.c
 */
#include "unit.h"

#include <errno.h>
#include <strings.h>

#include "lib/parse.h"

TEST(numbers_in_all_bases)
{
	uint64_t n;

	assert_int_equal(parse_u64("0", &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(parse_u64("18446744073709551615", &n), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(parse_u64("0xFFff", &n), 0);
	assert_int_equal(n, 0xffff);
	assert_int_equal(parse_u64("0755", &n), 0);
	assert_int_equal(n, 0755);
	assert_int_equal(parse_u64_base("755", 8, &n), 0);
	assert_int_equal(n, 0755);
	assert_int_equal(parse_u64_base("0x1f", 16, &n), 0);
	assert_int_equal(n, 0x1f);
	assert_int_equal(parse_u64("12\n", &n), 0);
	assert_int_equal(n, 12);
}

TEST(malformed_numbers_are_refused_and_leave_the_value)
{
	static const char *const bad[] = {
		"", " 1", "1 ", "+1", "-1", "0x", "08", "1x", "x", "\n", "1\n\n",
	};
	uint64_t n = 77;

	for (size_t i = 0; i < array_size(bad); i++)
		assert_int_equal(parse_u64(bad[i], &n), -EINVAL);
	assert_int_equal(parse_u64("18446744073709551616", &n), -ERANGE);
	assert_int_equal(parse_u64("99999999999999999999999", &n), -ERANGE);
	assert_int_equal(n, 77);
}

TEST(signed_and_narrow_numbers_know_their_ranges)
{
	int64_t wide;
	int32_t narrow;
	uint32_t u;

	assert_int_equal(parse_i64("-9223372036854775808", &wide), 0);
	assert_true(wide == INT64_MIN);
	assert_int_equal(parse_i64("-9223372036854775809", &wide), -ERANGE);
	assert_int_equal(parse_i64("9223372036854775808", &wide), -ERANGE);
	assert_int_equal(parse_i64("--1", &wide), -EINVAL);
	assert_int_equal(parse_i32("-2147483648", &narrow), 0);
	assert_int_equal(narrow, INT32_MIN);
	assert_int_equal(parse_i32("2147483648", &narrow), -ERANGE);
	assert_int_equal(parse_u32("4294967296", &u), -ERANGE);
	assert_int_equal(parse_u32("4294967295", &u), 0);
}

TEST(sizes_take_suffixes)
{
	uint64_t n;

	assert_int_equal(parse_size("64M", &n), 0);
	assert_int_equal(n, 64ul << 20);
	assert_int_equal(parse_size("0x10k", &n), 0);
	assert_int_equal(n, 16384);
	assert_int_equal(parse_size("15E", &n), 0);
	assert_int_equal(parse_size("16E", &n), -ERANGE);
	assert_int_equal(parse_size("7", &n), 0);
	assert_int_equal(n, 7);
	assert_int_equal(parse_size("1KB", &n), -EINVAL);
	assert_int_equal(parse_size("M", &n), -EINVAL);
	assert_int_equal(parse_size("1Q", &n), -EINVAL);
}

TEST(booleans_have_many_names)
{
	bool b = false;

	assert_int_equal(parse_bool("Yes", &b), 0);
	assert_true(b);
	assert_int_equal(parse_bool("off", &b), 0);
	assert_false(b);
	assert_int_equal(parse_bool("maybe", &b), -EINVAL);
}

TEST(prefixes_tell_where_the_number_ends)
{
	const char *end;
	uint64_t n;

	assert_int_equal(parse_u64_prefix("123:45", 10, &n, &end), 0);
	assert_string_equal(end, ":45");
	assert_int_equal(parse_u64_prefix("0xg", 0, &n, &end), 0);
	assert_string_equal(end, "xg");
	assert_int_equal(parse_u64_prefix(":", 10, &n, &end), -EINVAL);
}

TEST(options_come_out_one_by_one)
{
	char text[] = ",size=1m,,ro,mode=0755=x,empty=";
	char *cursor = text;
	struct option option;

	assert_true(option_next(&cursor, &option));
	assert_string_equal(option.name, "size");
	assert_string_equal(option.value, "1m");
	assert_true(option_next(&cursor, &option));
	assert_string_equal(option.name, "ro");
	assert_null(option.value);
	assert_true(option_next(&cursor, &option));
	assert_string_equal(option.value, "0755=x");
	assert_true(option_next(&cursor, &option));
	assert_string_equal(option.value, "");
	assert_false(option_next(&cursor, &option));
	cursor = NULL;
	assert_false(option_next(&cursor, &option));
}

UNIT_TESTS(T(numbers_in_all_bases),
           T(malformed_numbers_are_refused_and_leave_the_value),
           T(signed_and_narrow_numbers_know_their_ranges),
           T(sizes_take_suffixes),
           T(booleans_have_many_names),
           T(prefixes_tell_where_the_number_ends),
           T(options_come_out_one_by_one))
