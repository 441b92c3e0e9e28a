/*
 * arch/x86_64/pvclock.h: the hypervisor's factors, and readers that meet a writer.
 *
 * sources:
 */
#include "unit.h"

#include "arch/x86_64/pvclock.h"

static struct pvclock_page page;
static uint64_t tsc;
static int writes_left;

static uint64_t read_tsc(void)
{
	return tsc;
}

/* The hypervisor writes while the page is read: a new base, with the version odd in between. */
static uint64_t read_tsc_interrupted(void)
{
	if (writes_left-- > 0) {
		page.version += writes_left % 2 ? 1 : 2;
		page.system_time_ns = writes_left > 0 ? 0xbad : 5000;
		page.tsc_timestamp = tsc;
		if (writes_left == 0)
			page.version = (page.version + 1) & ~1u;
	}
	return tsc;
}

TEST(a_tsc_of_2_GHz_counts_half_nanoseconds)
{
	uint8_t flags;

	page = (struct pvclock_page){ .version = 4, .tsc_timestamp = 1000, .system_time_ns = 70,
		.tsc_to_ns_mul = 0x80000000, .flags = PVCLOCK_TSC_STABLE };
	tsc = 1000 + 2000;
	assert_int_equal(pvclock_read(&page, read_tsc, &flags), 70 + 1000);
	assert_int_equal(flags, PVCLOCK_TSC_STABLE);
	assert_int_equal(pvclock_tsc_hz(&page), 2000000000);
}

TEST(shifts_go_both_ways)
{
	page = (struct pvclock_page){ .tsc_to_ns_mul = 0x80000000, .tsc_shift = -1 };
	assert_int_equal(pvclock_scale(4000, 0x80000000, -1), 1000);
	assert_int_equal(pvclock_tsc_hz(&page), 4000000000);
	page.tsc_shift = 1;
	assert_int_equal(pvclock_scale(4000, 0x80000000, 1), 4000);
	assert_int_equal(pvclock_tsc_hz(&page), 1000000000);
	assert_int_equal(pvclock_scale(1ul << 60, 0xffffffff, 0), (1ul << 60) - (1ul << 28));
}

TEST(senseless_factors_give_no_frequency)
{
	page = (struct pvclock_page){ 0 };
	assert_int_equal(pvclock_tsc_hz(&page), 0);
	page = (struct pvclock_page){ .tsc_to_ns_mul = 1, .tsc_shift = -128 };
	assert_int_equal(pvclock_tsc_hz(&page), 0);
}

TEST(what_was_read_during_a_write_is_not_believed)
{
	uint8_t flags;

	for (int writes = 1; writes < 6; writes++) {
		page = (struct pvclock_page){ .version = 2, .tsc_to_ns_mul = 0x80000000 };
		tsc = 10000;
		writes_left = writes;
		assert_int_equal(pvclock_read(&page, read_tsc_interrupted, &flags), 5000);
	}
}

UNIT_TESTS(T(a_tsc_of_2_GHz_counts_half_nanoseconds),
           T(shifts_go_both_ways),
           T(senseless_factors_give_no_frequency),
           T(what_was_read_during_a_write_is_not_believed))
