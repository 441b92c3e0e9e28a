/*
 * Interval trees: which of many ranges [first, last] overlap a given one? Both ends are included,
 * so that the whole of uint64_t can be covered. Ranges may overlap and be equal.
 *
 *     for (i = interval_first(&tree, from, to); i; i = interval_next(i, from, to))
 *             struct area *area = container_of(i, struct area, in_mapping);
 *
 * O(log n) for each step. first and last do not change while the interval is in the tree. Built on
 * lib/rbtree.h, ordered by first, augmented by the highest last. Locking is the caller's.
 */
#pragma once

#include "lib/rbtree.h"

struct interval {
	struct rb_node node;
	uint64_t first, last;
	uint64_t max_last; /* the highest last in this subtree */
};

struct interval_tree {
	struct rbtree tree;
};

void interval_tree_init(struct interval_tree *tree);
bool interval_tree_is_empty(const struct interval_tree *tree);

/* interval->first <= interval->last are set by the caller. */
void interval_insert(struct interval_tree *tree, struct interval *interval);
void interval_remove(struct interval_tree *tree, struct interval *interval);

/* In order of first: the first that overlaps [first, last], the next after interval; or NULL. */
struct interval *interval_first(const struct interval_tree *tree, uint64_t first, uint64_t last);
struct interval *interval_next(const struct interval *interval, uint64_t first, uint64_t last);
