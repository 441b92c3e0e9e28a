/*
 * Civil time (UTC, proleptic Gregorian calendar) and seconds since 1970.
 */
#pragma once

#include "lib/types.h"

struct civil_time {
	int64_t year;
	int month;    /* 1 to 12 */
	int day;      /* 1 to 31 */
	int hour, minute, second;
	int weekday;  /* 0 is Sunday */
	int year_day; /* 0 to 365 */
};

/* Any seconds within +-2^55: some billion years. */
void civil_from_seconds(int64_t seconds, struct civil_time *civil);

/* weekday and year_day are ignored; the other fields are in range, the year within +-2^30. */
int64_t seconds_from_civil(const struct civil_time *civil);

/* Whether month, day, hour, minute and second are in range for the calendar. */
bool civil_is_valid(const struct civil_time *civil);
