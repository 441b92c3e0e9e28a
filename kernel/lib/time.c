/*
 * Civil time. Years are counted from March, so that the leap day is the last of its year, in eras
 * of 400 years, which all have 146,097 days.
 */
#include "lib/time.h"

#define DAYS_PER_ERA   146097
#define SECONDS_PER_DAY 86400
#define EPOCH_DAY      719468 /* 1970-01-01, counted from 0000-03-01 */

static int64_t floor_div(int64_t n, int64_t d)
{
	return n / d - (n % d < 0);
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The first day of a month that is counted from March, within its year. */
static int64_t first_of_month(int64_t month_from_march)
{
	return (153 * month_from_march + 2) / 5;
}

static int64_t day_number(int64_t year, int month, int day)
{
	int64_t from_march = year - (month <= 2);
	int64_t era = floor_div(from_march, 400);
	int64_t year_of_era = from_march - era * 400;
	int64_t day_of_year = first_of_month((month + 9) % 12) + day - 1;

	return era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - EPOCH_DAY;
}

void civil_from_seconds(int64_t seconds, struct civil_time *civil)
{
	int64_t day = floor_div(seconds, SECONDS_PER_DAY);
	int64_t second = seconds - day * SECONDS_PER_DAY;
	int64_t era = floor_div(day + EPOCH_DAY, DAYS_PER_ERA);
	int64_t day_of_era = day + EPOCH_DAY - era * DAYS_PER_ERA;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
	                       day_of_era / (DAYS_PER_ERA - 1)) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 -
	                                    year_of_era / 100);
	int64_t month_from_march = (5 * day_of_year + 2) / 153;

	civil->month = (int)((month_from_march + 2) % 12 + 1);
	civil->day = (int)(day_of_year - first_of_month(month_from_march) + 1);
	civil->year = era * 400 + year_of_era + (civil->month <= 2);
	civil->hour = (int)(second / 3600);
	civil->minute = (int)(second / 60 % 60);
	civil->second = (int)(second % 60);
	civil->weekday = (int)(day + 4 - floor_div(day + 4, 7) * 7);
	civil->year_day = (int)(day - day_number(civil->year, 1, 1));
}

int64_t seconds_from_civil(const struct civil_time *civil)
{
	return day_number(civil->year, civil->month, civil->day) * SECONDS_PER_DAY +
	       civil->hour * 3600 + civil->minute * 60 + civil->second;
}

bool civil_is_valid(const struct civil_time *civil)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int last;

	if (civil->month < 1 || civil->month > 12)
		return false;
	last = days[civil->month - 1] + (civil->month == 2 && is_leap(civil->year));
	return civil->day >= 1 && civil->day <= last && civil->hour >= 0 && civil->hour < 24 &&
	       civil->minute >= 0 && civil->minute < 60 && civil->second >= 0 && civil->second < 60;
}
