/*
 * Interval trees: a red-black tree by first, where each node knows the highest last below it, so
 * that a search skips every subtree that ends too early.
 */
#include "lib/interval.h"

#include "lib/math.h"

static struct interval *to_interval(struct rb_node *node)
{
	return container_of(node, struct interval, node);
}

static bool interval_update(struct rb_node *node)
{
	struct interval *interval = to_interval(node);
	uint64_t max_last = interval->last;

	if (node->left)
		max_last = max(max_last, to_interval(node->left)->max_last);
	if (node->right)
		max_last = max(max_last, to_interval(node->right)->max_last);
	if (max_last == interval->max_last)
		return false;
	interval->max_last = max_last;
	return true;
}

void interval_tree_init(struct interval_tree *tree)
{
	rbtree_init(&tree->tree, interval_update);
}

bool interval_tree_is_empty(const struct interval_tree *tree)
{
	return rbtree_is_empty(&tree->tree);
}

void interval_insert(struct interval_tree *tree, struct interval *interval)
{
	struct rb_node *parent = NULL, **link = &tree->tree.root;

	while (*link) {
		parent = *link;
		link = interval->first < to_interval(parent)->first ? &parent->left
		                                                    : &parent->right;
	}
	rbtree_insert_at(&tree->tree, &interval->node, parent, link);
}

void interval_remove(struct interval_tree *tree, struct interval *interval)
{
	rbtree_remove(&tree->tree, &interval->node);
}

static bool reaches(struct rb_node *node, uint64_t first)
{
	return node && to_interval(node)->max_last >= first;
}

/* The leftmost in this subtree that overlaps. */
static struct interval *first_below(struct rb_node *node, uint64_t first, uint64_t last)
{
	while (reaches(node, first)) {
		struct interval *interval = to_interval(node);

		if (reaches(node->left, first)) {
			node = node->left;
			continue;
		}
		if (interval->first > last)
			return NULL;
		if (interval->last >= first)
			return interval;
		node = node->right;
	}
	return NULL;
}

struct interval *interval_first(const struct interval_tree *tree, uint64_t first, uint64_t last)
{
	return first_below(tree->tree.root, first, last);
}

struct interval *interval_next(const struct interval *interval, uint64_t first, uint64_t last)
{
	const struct rb_node *node = &interval->node;

	for (;;) {
		struct rb_node *parent;

		if (reaches(node->right, first))
			return first_below(node->right, first, last);
		while ((parent = rb_parent(node)) && parent->right == node)
			node = parent;
		if (!parent || to_interval(parent)->first > last)
			return NULL;
		if (to_interval(parent)->last >= first)
			return to_interval(parent);
		node = parent;
	}
}
