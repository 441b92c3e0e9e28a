/*
 * Min-heaps, intrusive: the smallest of many at once (timers). A pairing heap: min and insert O(1),
 * removal of any node O(log n) amortised, no allocation, no recursion.
 *
 * Equal nodes come out in no particular order. A zeroed or removed node is in no heap, which
 * heap_is_queued() tells. Locking is the caller's.
 */
#pragma once

#include "lib/types.h"

struct heap_node {
	struct heap_node *child; /* the first of its children */
	struct heap_node *next;  /* sibling */
	/* sibling, parent if it is the first child, itself if it is the root */
	struct heap_node *prev;
};

struct heap {
	struct heap_node *root;
	bool (*less)(const struct heap_node *a, const struct heap_node *b) __const_after_init;
};

#define HEAP_INIT(less_fn) { .root = NULL, .less = (less_fn) }

static inline void heap_init(struct heap *heap,
                             bool (*less)(const struct heap_node *a, const struct heap_node *b))
{
	heap->root = NULL;
	heap->less = less;
}

static inline void heap_node_init(struct heap_node *node)
{
	node->child = node->next = node->prev = NULL;
}

static inline bool heap_is_empty(const struct heap *heap)
{
	return !heap->root;
}

static inline bool heap_is_queued(const struct heap_node *node)
{
	return node->prev != NULL;
}

/* The smallest; NULL if the heap is empty. It stays in the heap. */
static inline struct heap_node *heap_min(const struct heap *heap)
{
	return heap->root;
}

/* node is in no heap. */
void heap_insert(struct heap *heap, struct heap_node *node);

/* node is in this heap. */
void heap_remove(struct heap *heap, struct heap_node *node);
