/*
 * The time of day by the CMOS clock, read twice so that an update in between does not tear it.
 */
#include <arch/timer.h>

#include <arch/acpi.h>
#include <arch/io.h>

#include "arch/x86_64/clock.h"
#include "boot/bootinfo.h"
#include "lib/string.h"
#include "lib/time.h"

enum {
	CMOS_INDEX = 0x70, CMOS_DATA = 0x71, CMOS_NMI_OFF = 0x80,
	SECOND = 0, MINUTE = 2, HOUR = 4, DAY = 7, MONTH = 8, YEAR = 9, STATUS_A = 10,
	STATUS_B = 11,
	A_UPDATING = 0x80, B_24_HOURS = 2, B_BINARY = 4, HOUR_PM = 0x80,
	UPDATE_SPINS = 100000, TRIES = 4,
};

struct cmos_time {
	uint8_t second, minute, hour, day, month, year;
};

/* By the firmware; 0: unknown. bootinfo itself goes with the rest of start-up. */
static int64_t firmware_time __ro_after_init;

static uint8_t cmos_read(uint8_t reg)
{
	outb(CMOS_INDEX, CMOS_NMI_OFF | reg);
	return inb(CMOS_DATA);
}

static struct cmos_time read_once(void)
{
	for (int i = 0; i < UPDATE_SPINS && cmos_read(STATUS_A) & A_UPDATING; i++)
		;
	return (struct cmos_time){ cmos_read(SECOND), cmos_read(MINUTE), cmos_read(HOUR),
	                           cmos_read(DAY), cmos_read(MONTH), cmos_read(YEAR) };
}

static bool read_stable(struct cmos_time *time)
{
	for (int i = 0; i < TRIES; i++) {
		struct cmos_time again;

		*time = read_once();
		again = read_once();
		if (!memcmp(time, &again, sizeof(again)))
			return true;
	}
	return false;
}

static int from_bcd(uint8_t value, uint8_t status_b)
{
	return status_b & B_BINARY ? value : (value >> 4) * 10 + (value & 15);
}

static int hour_of(uint8_t hour, uint8_t status_b)
{
	bool pm = hour & HOUR_PM && !(status_b & B_24_HOURS);
	int value = from_bcd(status_b & B_24_HOURS ? hour : hour & ~HOUR_PM, status_b);

	if (!(status_b & B_24_HOURS))
		value = value % 12 + (pm ? 12 : 0);
	return value;
}

void __init wall_clock_init(void)
{
	firmware_time = bootinfo.wall_clock;
}

bool arch_wall_clock_read(int64_t *seconds)
{
	struct cmos_time raw;
	uint8_t b = cmos_read(STATUS_B);

	if (acpi.no_rtc || !read_stable(&raw)) {
		*seconds = firmware_time;
		return firmware_time != 0;
	}
	struct civil_time civil = {
		.year = 2000 + from_bcd(raw.year, b), .month = from_bcd(raw.month, b),
		.day = from_bcd(raw.day, b), .hour = hour_of(raw.hour, b),
		.minute = from_bcd(raw.minute, b), .second = from_bcd(raw.second, b),
	};

	if (!civil_is_valid(&civil))
		return false;
	*seconds = seconds_from_civil(&civil);
	return true;
}
