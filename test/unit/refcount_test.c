/*
 * lib/refcount: the last put is told, and misuse saturates and is reported.
 *
 * sources: lib/refcount.c
 */
#include "unit.h"

#include "lib/refcount.h"

static int warnings;

static void count_warning(const struct refcount *refcount, const char *what)
{
	warnings++;
}

TEST(only_the_last_put_is_true)
{
	struct refcount refs = REFCOUNT_INIT(1);

	refcount_get(&refs);
	assert_true(refcount_try_get(&refs));
	refcount_get_many(&refs, 2);
	assert_int_equal(refcount_read(&refs), 5);
	assert_false(refcount_put(&refs));
	assert_false(refcount_put_many(&refs, 3));
	assert_true(refcount_put(&refs));
	assert_int_equal(refcount_read(&refs), 0);
}

TEST(try_get_fails_once_the_count_is_zero)
{
	struct refcount refs;

	refcount_init(&refs, 1);
	assert_true(refcount_put(&refs));
	assert_false(refcount_try_get(&refs));
	assert_int_equal(refcount_read(&refs), 0);
}

static void check_saturated(struct refcount *refs)
{
	refcount_warn_hook = count_warning;
	assert_int_equal(warnings, 1);
	assert_int_equal(refcount_read(refs), REFCOUNT_SATURATED);
	for (int i = 0; i < 10; i++)
		assert_false(refcount_put(refs));
	assert_true(refcount_try_get(refs));
	assert_true(refcount_read(refs) < 0);
}

TEST(overflow_saturates_and_the_object_is_never_freed)
{
	struct refcount refs = REFCOUNT_INIT(INT32_MAX);

	warnings = 0;
	refcount_warn_hook = count_warning;
	refcount_get(&refs);
	check_saturated(&refs);
}

TEST(underflow_saturates_and_is_reported)
{
	struct refcount refs = REFCOUNT_INIT(0);

	warnings = 0;
	refcount_warn_hook = count_warning;
	assert_false(refcount_put(&refs));
	check_saturated(&refs);
}

TEST(get_from_zero_is_reported)
{
	struct refcount refs = REFCOUNT_INIT(0);

	warnings = 0;
	refcount_warn_hook = count_warning;
	refcount_get(&refs);
	check_saturated(&refs);
}

UNIT_TESTS(T(only_the_last_put_is_true),
           T(try_get_fails_once_the_count_is_zero),
           T(overflow_saturates_and_the_object_is_never_freed),
           T(underflow_saturates_and_is_reported),
           T(get_from_zero_is_reported))
