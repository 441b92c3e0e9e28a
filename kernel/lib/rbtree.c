/*
 * Red-black trees.
 *
 * Left and right are the same code: a side is 0 or 1, and child_at() gives the link on that side.
 * A missing child counts as black. Rotations keep the set of nodes below the risen one, so they
 * recompute two summaries and nothing above.
 */
#include "lib/rbtree.h"

#define BLACK 1ul

static inline struct rb_node **child_at(struct rb_node *node, int side)
{
	return side ? &node->right : &node->left;
}

static inline int side_of(const struct rb_node *child, const struct rb_node *parent)
{
	return parent->right == child;
}

static inline bool is_black(const struct rb_node *node)
{
	return !node || (node->parent_black & BLACK);
}

static inline void set_black(struct rb_node *node)
{
	node->parent_black |= BLACK;
}

static inline void set_red(struct rb_node *node)
{
	node->parent_black &= ~BLACK;
}

static inline void set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->parent_black = (uintptr_t)parent | (node->parent_black & BLACK);
}

/* What hung at old below parent is now new; parent NULL: the root. */
static void set_child(struct rbtree *tree, struct rb_node *parent, const struct rb_node *old,
                      struct rb_node *new)
{
	if (!parent)
		tree->root = new;
	else
		*child_at(parent, side_of(old, parent)) = new;
}

/* Moves node down to the given side; its child on the other side takes its place. */
static void rotate(struct rbtree *tree, struct rb_node *node, int side)
{
	struct rb_node *parent = rb_parent(node);
	struct rb_node *riser = *child_at(node, !side);
	struct rb_node *middle = *child_at(riser, side);

	*child_at(node, !side) = middle;
	if (middle)
		set_parent(middle, node);
	set_child(tree, parent, node, riser);
	set_parent(riser, parent);
	*child_at(riser, side) = node;
	set_parent(node, riser);
	if (tree->update) {
		tree->update(node);
		tree->update(riser);
	}
}

void rbtree_refresh(struct rbtree *tree, struct rb_node *node)
{
	while (node && tree->update(node))
		node = rb_parent(node);
}

static void rebalance_after_insert(struct rbtree *tree, struct rb_node *node)
{
	struct rb_node *parent;

	while ((parent = rb_parent(node)) && !is_black(parent)) {
		struct rb_node *grandparent = rb_parent(parent);
		int side = side_of(parent, grandparent);
		struct rb_node *uncle = *child_at(grandparent, !side);

		if (!is_black(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grandparent);
			node = grandparent;
			continue;
		}
		if (side_of(node, parent) != side) {
			rotate(tree, parent, side);
			parent = node;
		}
		set_black(parent);
		set_red(grandparent);
		rotate(tree, grandparent, !side);
		break;
	}
	set_black(tree->root);
}

void rbtree_insert_at(struct rbtree *tree, struct rb_node *node, struct rb_node *parent,
                      struct rb_node **link)
{
	node->parent_black = (uintptr_t)parent;
	node->left = NULL;
	node->right = NULL;
	*link = node;
	if (tree->update) {
		tree->update(node);
		rbtree_refresh(tree, parent);
	}
	rebalance_after_insert(tree, node);
}

void rbtree_insert(struct rbtree *tree, struct rb_node *node,
                   bool (*less)(const struct rb_node *a, const struct rb_node *b))
{
	struct rb_node *parent = NULL, **link = &tree->root;

	while (*link) {
		parent = *link;
		link = child_at(parent, !less(node, parent));
	}
	rbtree_insert_at(tree, node, parent, link);
}

/* The paths through node, which may be NULL, lack one black node. */
static void rebalance_after_remove(struct rbtree *tree, struct rb_node *node,
                                   struct rb_node *parent)
{
	while (parent && is_black(node)) {
		int side = side_of(node, parent);
		struct rb_node *sibling = *child_at(parent, !side);

		if (!is_black(sibling)) {
			set_black(sibling);
			set_red(parent);
			rotate(tree, parent, side);
			sibling = *child_at(parent, !side);
		}
		if (is_black(sibling->left) && is_black(sibling->right)) {
			set_red(sibling);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (is_black(*child_at(sibling, !side))) {
			set_black(*child_at(sibling, side));
			set_red(sibling);
			rotate(tree, sibling, !side);
			sibling = *child_at(parent, !side);
		}
		sibling->parent_black &= ~BLACK;
		sibling->parent_black |= parent->parent_black & BLACK;
		set_black(parent);
		set_black(*child_at(sibling, !side));
		rotate(tree, parent, side);
		return;
	}
	if (node)
		set_black(node);
}

static struct rb_node *outermost(struct rb_node *node, int side)
{
	while (node && *child_at(node, side))
		node = *child_at(node, side);
	return node;
}

/* Puts the successor of node, which has two children, in node's place. */
static void replace_by_successor(struct rbtree *tree, struct rb_node *node,
                                 struct rb_node *successor)
{
	struct rb_node *parent = rb_parent(successor);

	if (parent != node) {
		parent->left = successor->right;
		if (successor->right)
			set_parent(successor->right, parent);
		successor->right = node->right;
		set_parent(node->right, successor);
	}
	successor->left = node->left;
	set_parent(node->left, successor);
	successor->parent_black = node->parent_black;
	set_child(tree, rb_parent(node), node, successor);
}

void rbtree_remove(struct rbtree *tree, struct rb_node *node)
{
	struct rb_node *child, *parent;
	bool black;

	if (node->left && node->right) {
		struct rb_node *successor = outermost(node->right, 0);

		child = successor->right;
		parent = rb_parent(successor) == node ? successor : rb_parent(successor);
		black = is_black(successor);
		replace_by_successor(tree, node, successor);
	} else {
		child = node->left ? node->left : node->right;
		parent = rb_parent(node);
		black = is_black(node);
		set_child(tree, parent, node, child);
		if (child)
			set_parent(child, parent);
	}
	for (struct rb_node *up = parent; up && tree->update; up = rb_parent(up))
		tree->update(up);
	if (black)
		rebalance_after_remove(tree, child, parent);
}

void rbtree_replace(struct rbtree *tree, struct rb_node *old, struct rb_node *new)
{
	*new = *old;
	set_child(tree, rb_parent(old), old, new);
	if (new->left)
		set_parent(new->left, new);
	if (new->right)
		set_parent(new->right, new);
	if (tree->update) {
		tree->update(new);
		rbtree_refresh(tree, rb_parent(new));
	}
}

struct rb_node *rbtree_first(const struct rbtree *tree)
{
	return outermost(tree->root, 0);
}

struct rb_node *rbtree_last(const struct rbtree *tree)
{
	return outermost(tree->root, 1);
}

static struct rb_node *neighbour(const struct rb_node *node, int side)
{
	const struct rb_node *parent;

	if (side ? node->right : node->left)
		return outermost(side ? node->right : node->left, !side);
	while ((parent = rb_parent(node)) && side_of(node, parent) == side)
		node = parent;
	return rb_parent(node);
}

struct rb_node *rb_next(const struct rb_node *node)
{
	return neighbour(node, 1);
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	return neighbour(node, 0);
}

/* The first node of this subtree whose children are both done: a leaf. */
static struct rb_node *first_leaf(struct rb_node *node)
{
	while (node && (node->left || node->right))
		node = node->left ? node->left : node->right;
	return node;
}

struct rb_node *rbtree_first_postorder(const struct rbtree *tree)
{
	return first_leaf(tree->root);
}

struct rb_node *rb_next_postorder(const struct rb_node *node)
{
	struct rb_node *parent = rb_parent(node);

	if (parent && node == parent->left && parent->right)
		return first_leaf(parent->right);
	return parent;
}
