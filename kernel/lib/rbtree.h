/*
 * Red-black trees, intrusive: balanced, O(log n), no allocation.
 *
 * The caller compares: rbtree_insert() takes a less(a, b), and lookups (or faster insertions) walk
 * down from tree->root by left and right themselves and then call rbtree_insert_at():
 *
 *     struct rb_node *parent = NULL, **link = &tree->root;
 *     while (*link) {
 *             parent = *link;
 *             link = key < key_of(parent) ? &parent->left : &parent->right;
 *     }
 *     rbtree_insert_at(tree, &thing->node, parent, link);
 *
 * Augmentation: a tree may have an update() that recomputes a node's summary (the highest end, the
 * largest gap ... in its subtree) from the node and its two children, and returns whether it
 * changed. It is called bottom-up for every node whose subtree changed. A caller who changes a
 * node's own contribution calls rbtree_refresh().
 *
 * Invariants: no red node has a red child; every path down has as many black nodes. Locking is the
 * caller's, for readers too.
 */
#pragma once

#include "lib/types.h"

struct rb_node {
	uintptr_t parent_black; /* the parent's address; bit 0: this node is black */
	struct rb_node *left, *right;
};

struct rbtree {
	struct rb_node *root;
	bool (*update)(struct rb_node *node) __const_after_init; /* NULL: not augmented */
};

#define RBTREE_INIT(update_fn) { .root = NULL, .update = (update_fn) }

static inline void rbtree_init(struct rbtree *tree, bool (*update)(struct rb_node *node))
{
	tree->root = NULL;
	tree->update = update;
}

static inline bool rbtree_is_empty(const struct rbtree *tree)
{
	return !tree->root;
}

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
	return (struct rb_node *)(node->parent_black & ~1ul);
}

/* Hangs node at *link, which is the empty left or right of parent (or the root), and rebalances. */
void rbtree_insert_at(struct rbtree *tree, struct rb_node *node, struct rb_node *parent,
                      struct rb_node **link);

/* Inserts in order; equal ones go behind. */
void rbtree_insert(struct rbtree *tree, struct rb_node *node,
                   bool (*less)(const struct rb_node *a, const struct rb_node *b));

void rbtree_remove(struct rbtree *tree, struct rb_node *node);

/* new takes the place of old and must sort the same. */
void rbtree_replace(struct rbtree *tree, struct rb_node *old, struct rb_node *new);

/* Recomputes the summaries from node up to the root. */
void rbtree_refresh(struct rbtree *tree, struct rb_node *node);

/* In order; NULL at the end or for an empty tree. */
struct rb_node *rbtree_first(const struct rbtree *tree);
struct rb_node *rbtree_last(const struct rbtree *tree);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

/*
 * For tearing down a whole tree: children before their parent, so that each node may be freed as it
 * is met, without rebalancing. NULL at the end; reset the tree by rbtree_init().
 */
struct rb_node *rbtree_first_postorder(const struct rbtree *tree);
struct rb_node *rb_next_postorder(const struct rb_node *node);

#define rb_entry(ptr, type, member) container_of(ptr, type, member)
#define rb_entry_or_null(ptr, type, member)                               \
	({                                                                \
		struct rb_node *rb_node_ = (ptr);                         \
		rb_node_ ? container_of(rb_node_, type, member) : NULL;   \
	})

#define rbtree_for_each_entry(entry, tree, member)                                            \
	for (entry = rb_entry_or_null(rbtree_first(tree), __typeof__(*(entry)), member);      \
	     entry;                                                                           \
	     entry = rb_entry_or_null(rb_next(&(entry)->member), __typeof__(*(entry)), member))
