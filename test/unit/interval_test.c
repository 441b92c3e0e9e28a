/*
 * lib/interval: overlap searches against a linear scan.
 *
 * sources: lib/interval.c lib/rbtree.c
 */
#include "unit.h"

#include "lib/interval.h"

#define N 200

static struct interval intervals[N];
static bool is_in[N];

static void check_search(const struct interval_tree *tree, uint64_t first, uint64_t last)
{
	size_t expected = 0, found = 0;
	uint64_t before = 0;

	for (size_t i = 0; i < N; i++)
		expected += is_in[i] && intervals[i].first <= last && intervals[i].last >= first;
	for (struct interval *i = interval_first(tree, first, last); i;
	     i = interval_next(i, first, last)) {
		assert_true(is_in[i - intervals]);
		assert_true(i->first <= last && i->last >= first);
		assert_true(i->first >= before);
		before = i->first;
		found++;
	}
	assert_int_equal(found, expected);
}

static void run_random(uint64_t seed, uint64_t span, uint64_t length)
{
	struct interval_tree tree;

	interval_tree_init(&tree);
	memset(is_in, 0, sizeof(is_in));
	for (int step = 0; step < 5000; step++) {
		size_t n = random_below(&seed, N);
		struct interval *interval = &intervals[n];
		uint64_t at = random_below(&seed, span);

		if (is_in[n]) {
			interval_remove(&tree, interval);
		} else {
			interval->first = at;
			interval->last = at + random_below(&seed, length);
			interval_insert(&tree, interval);
		}
		is_in[n] = !is_in[n];
		at = random_below(&seed, span);
		check_search(&tree, at, at);
		check_search(&tree, at, at + random_below(&seed, length));
	}
	check_search(&tree, 0, UINT64_MAX);
}

TEST(search_finds_all_overlaps_of_short_ranges_in_order)
{
	run_random(1, 100000, 50);
}

TEST(search_finds_all_overlaps_of_long_ranges_in_order)
{
	run_random(2, 1000, 800);
}

TEST(search_finds_all_overlaps_among_equal_ranges)
{
	run_random(3, 4, 3);
}

TEST(the_whole_of_uint64_can_be_covered)
{
	struct interval_tree tree;
	struct interval all = { .first = 0, .last = UINT64_MAX };
	struct interval end = { .first = UINT64_MAX, .last = UINT64_MAX };

	interval_tree_init(&tree);
	assert_null(interval_first(&tree, 0, UINT64_MAX));
	interval_insert(&tree, &all);
	interval_insert(&tree, &end);
	assert_ptr_equal(interval_first(&tree, UINT64_MAX, UINT64_MAX), &all);
	assert_ptr_equal(interval_next(&all, UINT64_MAX, UINT64_MAX), &end);
	assert_null(interval_next(&all, 0, UINT64_MAX - 1));
}

UNIT_TESTS(T(search_finds_all_overlaps_of_short_ranges_in_order),
           T(search_finds_all_overlaps_of_long_ranges_in_order),
           T(search_finds_all_overlaps_among_equal_ranges),
           T(the_whole_of_uint64_can_be_covered))
