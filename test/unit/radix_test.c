/*
 * lib/radix: random operations against a plain table, with every node counted and allocations that
 * fail.
 *
 * sources: lib/radix.c
 */
#include "unit.h"

#include <errno.h>

#include "lib/radix.h"

#define N 400

static long live_nodes;
static long fail_after = -1; /* allocations until one fails; negative: never */

static void *node_alloc(void)
{
	if (fail_after == 0)
		return NULL;
	if (fail_after > 0)
		fail_after--;
	live_nodes++;
	return malloc(radix_node_size);
}

static void node_free(void *node)
{
	live_nodes--;
	free(node);
}

static const struct radix_allocator allocator = {
	.alloc = node_alloc,
	.free_deferred = node_free,
	.free = node_free,
};

static uint64_t values[N]; /* whose addresses are the entries */
static uint64_t places[N];
static bool is_in[N];
static bool tagged[N][RADIX_NR_TAGS];

static int find_model(uint64_t index)
{
	for (int i = 0; i < N; i++) {
		if (is_in[i] && places[i] == index)
			return i;
	}
	return -1;
}

/* The model's first at or behind index, with the tag if it is not negative. */
static int next_model(uint64_t index, int tag)
{
	int best = -1;

	for (int i = 0; i < N; i++) {
		if (is_in[i] && places[i] >= index && (tag < 0 || tagged[i][tag]) &&
		    (best < 0 || places[i] < places[best]))
			best = i;
	}
	return best;
}

static void check_next(const struct radix *radix, uint64_t from)
{
	for (int tag = -1; tag < RADIX_NR_TAGS; tag++) {
		uint64_t index = from;
		int model = next_model(from, tag);
		void *entry = tag < 0 ? radix_next(radix, &index)
		                      : radix_next_tagged(radix, &index, (enum radix_tag)tag);

		assert_ptr_equal(entry, model < 0 ? NULL : &values[model]);
		if (model >= 0)
			assert_int_equal(index, places[model]);
	}
}

static void check_hole(const struct radix *radix, uint64_t from)
{
	uint64_t hole, expected = from;

	while (find_model(expected) >= 0)
		expected++;
	if (expected < from)
		return;
	assert_true(radix_next_hole(radix, from, &hole));
	assert_int_equal(hole, expected);
}

static uint64_t random_index(uint64_t *seed, uint64_t span)
{
	if (random_below(seed, 20) == 0)
		return random_next(seed) >> random_below(seed, 64);
	return random_below(seed, span);
}

static void change_one(struct radix *radix, uint64_t *seed, uint64_t span)
{
	int i = (int)random_below(seed, N);
	uint64_t index = random_index(seed, span);
	int there = find_model(index);

	if (is_in[i]) {
		assert_ptr_equal(radix_remove(radix, places[i]), &values[i]);
		is_in[i] = false;
	} else {
		int err = radix_insert(radix, index, &values[i]);

		assert_int_equal(err, there >= 0 ? -EEXIST : 0);
		is_in[i] = !err;
		places[i] = index;
		memset(tagged[i], 0, sizeof(tagged[i]));
	}
}

static void tag_one(struct radix *radix, uint64_t *seed)
{
	int i = (int)random_below(seed, N);
	enum radix_tag tag = (enum radix_tag)random_below(seed, RADIX_NR_TAGS);

	if (!is_in[i])
		return;
	tagged[i][tag] = random_below(seed, 2);
	if (tagged[i][tag])
		radix_tag_set(radix, places[i], tag);
	else
		radix_tag_clear(radix, places[i], tag);
	assert_int_equal(radix_tag_get(radix, places[i], tag), tagged[i][tag]);
}

static void remove_all(struct radix *radix)
{
	uint64_t index = 0;

	while (radix_next(radix, &index))
		assert_non_null(radix_remove(radix, index));
	memset(is_in, 0, sizeof(is_in));
	assert_true(radix_is_empty(radix));
	assert_int_equal(live_nodes, 0);
}

static void run_random(uint64_t seed, uint64_t span)
{
	struct radix radix;

	radix_init(&radix, &allocator);
	memset(is_in, 0, sizeof(is_in));
	for (int step = 0; step < 6000; step++) {
		uint64_t index = random_index(&seed, span);
		int there;

		change_one(&radix, &seed, span);
		tag_one(&radix, &seed);
		there = find_model(index);
		assert_ptr_equal(radix_lookup(&radix, index), there < 0 ? NULL : &values[there]);
		check_next(&radix, index);
		check_hole(&radix, index);
		for (int tag = 0; tag < RADIX_NR_TAGS; tag++)
			assert_int_equal(radix_is_tagged(&radix, (enum radix_tag)tag),
			                 next_model(0, tag) >= 0);
	}
	remove_all(&radix);
}

TEST(dense_tree_agrees_with_the_model)
{
	run_random(1, 300);
}

TEST(sparse_tree_agrees_with_the_model)
{
	run_random(2, 1000000);
}

TEST(tiny_tree_agrees_with_the_model)
{
	run_random(3, 3);
}

TEST(single_entry_at_zero_needs_no_node)
{
	struct radix radix;
	uint64_t index = 0;

	radix_init(&radix, &allocator);
	assert_int_equal(radix_insert(&radix, 0, &values[0]), 0);
	assert_int_equal(live_nodes, 0);
	radix_tag_set(&radix, 0, RADIX_DIRTY);
	assert_int_equal(radix_insert(&radix, 1, &values[1]), 0);
	assert_true(radix_tag_get(&radix, 0, RADIX_DIRTY));
	assert_false(radix_tag_get(&radix, 1, RADIX_DIRTY));
	assert_ptr_equal(radix_remove(&radix, 1), &values[1]);
	assert_int_equal(live_nodes, 0);
	assert_true(radix_tag_get(&radix, 0, RADIX_DIRTY));
	assert_ptr_equal(radix_next_tagged(&radix, &index, RADIX_DIRTY), &values[0]);
	assert_ptr_equal(radix_remove(&radix, 0), &values[0]);
}

TEST(both_ends_of_the_index_space_work)
{
	struct radix radix;
	uint64_t index = 1;

	radix_init(&radix, &allocator);
	assert_int_equal(radix_insert(&radix, 0, &values[0]), 0);
	assert_int_equal(radix_insert(&radix, UINT64_MAX, &values[1]), 0);
	assert_ptr_equal(radix_next(&radix, &index), &values[1]);
	assert_int_equal(index, UINT64_MAX);
	assert_false(radix_next_hole(&radix, UINT64_MAX, &index));
	index = UINT64_MAX;
	assert_null(radix_next_tagged(&radix, &index, RADIX_DIRTY));
	radix_fini(&radix);
	assert_int_equal(live_nodes, 0);
}

TEST(replace_keeps_the_tags)
{
	struct radix radix;

	radix_init(&radix, &allocator);
	assert_null(radix_replace(&radix, 5, &values[1]));
	assert_int_equal(radix_insert(&radix, 5, &values[0]), 0);
	radix_tag_set(&radix, 5, RADIX_WRITEBACK);
	assert_ptr_equal(radix_replace(&radix, 5, &values[1]), &values[0]);
	assert_ptr_equal(radix_lookup(&radix, 5), &values[1]);
	assert_true(radix_tag_get(&radix, 5, RADIX_WRITEBACK));
	radix_fini(&radix);
}

TEST(gather_returns_runs_within_bounds)
{
	struct radix radix;
	void *entries[64];

	radix_init(&radix, &allocator);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(radix_insert(&radix, i * 3, &values[i]), 0);
	radix_tag_set(&radix, 30, RADIX_TOWRITE);
	radix_tag_set(&radix, 270, RADIX_TOWRITE);
	assert_int_equal(radix_gather(&radix, 1, 30, entries, 64), 10);
	assert_ptr_equal(entries[0], &values[1]);
	assert_ptr_equal(entries[9], &values[10]);
	assert_int_equal(radix_gather(&radix, 0, UINT64_MAX, entries, 64), 64);
	assert_int_equal(radix_gather_tagged(&radix, 0, 269, RADIX_TOWRITE, entries, 64), 1);
	assert_int_equal(radix_gather_tagged(&radix, 0, 270, RADIX_TOWRITE, entries, 64), 2);
	assert_ptr_equal(entries[1], &values[90]);
	radix_fini(&radix);
	assert_int_equal(live_nodes, 0);
}

TEST(failed_allocation_leaves_the_tree_as_it_was)
{
	static const uint64_t starts[] = { 0, 1, 70, UINT64_MAX };

	for (size_t s = 0; s < array_size(starts); s++) {
		struct radix radix;
		long before;

		radix_init(&radix, &allocator);
		assert_int_equal(radix_insert(&radix, starts[s], &values[0]), 0);
		before = live_nodes;
		for (long n = 0;; n++) {
			int err;

			fail_after = n;
			err = radix_insert(&radix, 1ul << 62, &values[1]);
			fail_after = -1;
			if (!err)
				break;
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(live_nodes, before);
			assert_ptr_equal(radix_lookup(&radix, starts[s]), &values[0]);
			assert_null(radix_lookup(&radix, 1ul << 62));
		}
		assert_ptr_equal(radix_lookup(&radix, 1ul << 62), &values[1]);
		radix_fini(&radix);
		assert_int_equal(live_nodes, 0);
	}
}

UNIT_TESTS(T(dense_tree_agrees_with_the_model),
           T(sparse_tree_agrees_with_the_model),
           T(tiny_tree_agrees_with_the_model),
           T(single_entry_at_zero_needs_no_node),
           T(both_ends_of_the_index_space_work),
           T(replace_keeps_the_tags),
           T(gather_returns_runs_within_bounds),
           T(failed_allocation_leaves_the_tree_as_it_was))
