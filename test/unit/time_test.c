/*
 * lib/time: against the C library's calendar.
 *
 * sources: lib/time.c
 */
#include "unit.h"

#include <time.h>

#include "lib/time.h"

static void check_second(int64_t seconds)
{
	struct civil_time civil;
	time_t t = seconds;
	struct tm tm;

	assert_non_null(gmtime_r(&t, &tm));
	civil_from_seconds(seconds, &civil);
	assert_true(civil_is_valid(&civil));
	assert_true(civil.year == tm.tm_year + 1900l);
	assert_int_equal(civil.month, tm.tm_mon + 1);
	assert_int_equal(civil.day, tm.tm_mday);
	assert_int_equal(civil.hour, tm.tm_hour);
	assert_int_equal(civil.minute, tm.tm_min);
	assert_int_equal(civil.second, tm.tm_sec);
	assert_int_equal(civil.weekday, tm.tm_wday);
	assert_int_equal(civil.year_day, tm.tm_yday);
	assert_true(seconds_from_civil(&civil) == seconds);
}

TEST(every_day_of_a_thousand_years_agrees_with_the_C_library)
{
	for (int64_t day = -200000; day < 200000; day++)
		check_second(day * 86400 + (day * 7919 & 0xffff));
}

TEST(far_seconds_agree_with_the_C_library)
{
	uint64_t seed = 9;

	for (int i = 0; i < 20000; i++)
		check_second((int64_t)random_below(&seed, 1ul << 55) - (1l << 54));
	check_second(0);
	check_second(-1);
}

TEST(impossible_dates_are_invalid)
{
	struct civil_time civil = { .year = 2023, .month = 2, .day = 29 };

	assert_false(civil_is_valid(&civil));
	civil.year = 2024;
	assert_true(civil_is_valid(&civil));
	civil.year = 1900;
	assert_false(civil_is_valid(&civil));
	civil = (struct civil_time){ .year = 2024, .month = 13, .day = 1 };
	assert_false(civil_is_valid(&civil));
	civil = (struct civil_time){ .year = 2024, .month = 1, .day = 1, .second = 60 };
	assert_false(civil_is_valid(&civil));
}

UNIT_TESTS(T(every_day_of_a_thousand_years_agrees_with_the_C_library),
           T(far_seconds_agree_with_the_C_library),
           T(impossible_dates_are_invalid))
