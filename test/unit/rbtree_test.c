/*
 * lib/rbtree: the invariants after every step of long random runs, against a sorted array.
 *
 * sources: lib/rbtree.c
 */
#include "unit.h"

#include "lib/rbtree.h"

#define N 300

struct item {
	struct rb_node node;
	unsigned key;
	bool is_in;
	unsigned sum; /* of the keys in this subtree */
};

static struct item items[N];

static struct item *to_item(const struct rb_node *node)
{
	return container_of(node, struct item, node);
}

static bool sum_update(struct rb_node *node)
{
	struct item *item = to_item(node);
	unsigned sum = item->key + (node->left ? to_item(node->left)->sum : 0) +
		       (node->right ? to_item(node->right)->sum : 0);
	bool changed = sum != item->sum;

	item->sum = sum;
	return changed;
}

static bool item_less(const struct rb_node *a, const struct rb_node *b)
{
	return to_item(a)->key < to_item(b)->key;
}

/* The black height; checks colours, parents and sums on the way. */
static int check_subtree(const struct rb_node *node, const struct rb_node *parent, bool summed)
{
	bool red;
	int left, right;

	if (!node)
		return 1;
	red = !(node->parent_black & 1);
	assert_ptr_equal(rb_parent(node), parent);
	assert_false(red && (!parent || !(parent->parent_black & 1)));
	left = check_subtree(node->left, node, summed);
	right = check_subtree(node->right, node, summed);
	assert_int_equal(left, right);
	if (summed)
		assert_false(sum_update((struct rb_node *)node));
	return left + !red;
}

static void check_tree(const struct rbtree *tree, size_t count)
{
	const struct item *item, *before = NULL;
	size_t n = 0;

	check_subtree(tree->root, NULL, tree->update);
	rbtree_for_each_entry(item, tree, node) {
		assert_true(item->is_in);
		assert_true(!before || before->key <= item->key);
		assert_ptr_equal(rb_prev(&item->node), before ? &before->node : NULL);
		before = item;
		n++;
	}
	assert_int_equal(n, count);
	assert_ptr_equal(rbtree_last(tree), before ? &before->node : NULL);
}

static void run_random(struct rbtree *tree, uint64_t seed, unsigned keys)
{
	size_t count = 0;

	memset(items, 0, sizeof(items));
	for (int step = 0; step < 4000; step++) {
		struct item *item = &items[random_below(&seed, N)];

		if (item->is_in) {
			rbtree_remove(tree, &item->node);
			count--;
		} else {
			item->key = (unsigned)random_below(&seed, keys);
			rbtree_insert(tree, &item->node, item_less);
			count++;
		}
		item->is_in = !item->is_in;
		check_tree(tree, count);
	}
}

TEST(invariants_hold_through_random_inserts_and_removes)
{
	struct rbtree tree = RBTREE_INIT(NULL);

	run_random(&tree, 1, 1000000);
}

TEST(equal_keys_are_all_kept)
{
	struct rbtree tree = RBTREE_INIT(NULL);

	run_random(&tree, 2, 8);
}

TEST(summaries_are_right_after_every_change)
{
	struct rbtree tree = RBTREE_INIT(sum_update);

	run_random(&tree, 3, 1000);
}

TEST(ascending_inserts_and_removal_from_the_front_stay_balanced)
{
	struct rbtree tree = RBTREE_INIT(sum_update);

	memset(items, 0, sizeof(items));
	for (unsigned i = 0; i < N; i++) {
		items[i].key = i;
		items[i].is_in = true;
		rbtree_insert(&tree, &items[i].node, item_less);
		check_tree(&tree, i + 1);
	}
	for (unsigned i = 0; i < N; i++) {
		assert_ptr_equal(rbtree_first(&tree), &items[i].node);
		rbtree_remove(&tree, &items[i].node);
		check_tree(&tree, N - i - 1);
	}
	assert_true(rbtree_is_empty(&tree));
	assert_null(rbtree_first(&tree));
	assert_null(rbtree_first_postorder(&tree));
}

TEST(replacement_takes_the_place_and_updates_the_sums)
{
	struct rbtree tree = RBTREE_INIT(sum_update);
	struct item other;

	memset(items, 0, sizeof(items));
	for (unsigned i = 0; i < 50; i++) {
		items[i].key = i * 2;
		items[i].is_in = true;
		rbtree_insert(&tree, &items[i].node, item_less);
	}
	for (unsigned i = 0; i < 50; i++) {
		other = (struct item){ .key = i * 2 + 1, .is_in = true };
		rbtree_replace(&tree, &items[i].node, &other.node);
		check_tree(&tree, 50);
		rbtree_replace(&tree, &other.node, &items[i].node);
	}
	items[7].key = 15;
	rbtree_refresh(&tree, &items[7].node);
	check_tree(&tree, 50);
}

TEST(postorder_meets_every_node_after_its_children)
{
	struct rbtree tree = RBTREE_INIT(NULL);
	size_t n = 0;

	memset(items, 0, sizeof(items));
	for (unsigned i = 0; i < N; i++) {
		items[i].key = i * 7 % N;
		rbtree_insert(&tree, &items[i].node, item_less);
	}
	for (struct rb_node *node = rbtree_first_postorder(&tree), *next; node; node = next) {
		assert_true(!node->left || to_item(node->left)->is_in);
		assert_true(!node->right || to_item(node->right)->is_in);
		to_item(node)->is_in = true;
		next = rb_next_postorder(node);
		n++;
	}
	assert_int_equal(n, N);
}

UNIT_TESTS(T(invariants_hold_through_random_inserts_and_removes),
           T(equal_keys_are_all_kept),
           T(summaries_are_right_after_every_change),
           T(ascending_inserts_and_removal_from_the_front_stay_balanced),
           T(replacement_takes_the_place_and_updates_the_sums),
           T(postorder_meets_every_node_after_its_children))
