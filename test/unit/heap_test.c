/*
 * lib/heap: the minimum after every step of random runs, against a linear scan.
 *
 * sources: lib/heap.c
 */
#include "unit.h"

#include "lib/heap.h"

#define N 500

struct item {
	struct heap_node node;
	uint64_t key;
};

static struct item items[N];

static const struct item *to_item(const struct heap_node *node)
{
	return container_of(node, struct item, node);
}

static bool item_less(const struct heap_node *a, const struct heap_node *b)
{
	return to_item(a)->key < to_item(b)->key;
}

static void check_min(const struct heap *heap)
{
	const struct item *best = NULL;

	for (size_t i = 0; i < N; i++) {
		if (heap_is_queued(&items[i].node) && (!best || items[i].key < best->key))
			best = &items[i];
	}
	assert_int_equal(heap_is_empty(heap), !best);
	if (best)
		assert_int_equal(to_item(heap_min(heap))->key, best->key);
}

TEST(min_is_right_through_random_inserts_and_removes)
{
	struct heap heap = HEAP_INIT(item_less);
	uint64_t seed = 1;

	memset(items, 0, sizeof(items));
	for (int step = 0; step < 20000; step++) {
		struct item *item = &items[random_below(&seed, N)];

		if (heap_is_queued(&item->node)) {
			heap_remove(&heap, &item->node);
			assert_false(heap_is_queued(&item->node));
		} else {
			item->key = random_below(&seed, 1000);
			heap_insert(&heap, &item->node);
		}
		check_min(&heap);
	}
	while (!heap_is_empty(&heap)) {
		heap_remove(&heap, heap_min(&heap));
		check_min(&heap);
	}
}

TEST(taking_the_minimum_sorts)
{
	struct heap heap = HEAP_INIT(item_less);
	uint64_t seed = 2, before = 0;
	size_t n = 0;

	memset(items, 0, sizeof(items));
	for (size_t i = 0; i < N; i++) {
		items[i].key = random_next(&seed);
		heap_insert(&heap, &items[i].node);
	}
	for (; !heap_is_empty(&heap); n++) {
		struct heap_node *node = heap_min(&heap);

		assert_true(to_item(node)->key >= before);
		before = to_item(node)->key;
		heap_remove(&heap, node);
	}
	assert_int_equal(n, N);
}

UNIT_TESTS(T(min_is_right_through_random_inserts_and_removes), T(taking_the_minimum_sorts))
