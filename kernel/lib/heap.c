/*
 * Pairing heaps. A node's children are a list; the root's prev points to itself, so that a queued
 * node's prev is never NULL. Merging makes the larger root the first child of the smaller.
 */
#include "lib/heap.h"

static struct heap_node *merge(struct heap *heap, struct heap_node *a, struct heap_node *b)
{
	if (heap->less(b, a)) {
		struct heap_node *swap = a;

		a = b;
		b = swap;
	}
	b->prev = a;
	b->next = a->child;
	if (a->child)
		a->child->prev = b;
	a->child = b;
	return a;
}

static void set_root(struct heap *heap, struct heap_node *root)
{
	heap->root = root;
	if (root) {
		root->prev = root;
		root->next = NULL;
	}
}

/* One heap of the siblings from first on: pair them from the left, then join from the right. */
static struct heap_node *merge_siblings(struct heap *heap, struct heap_node *first)
{
	struct heap_node *pairs = NULL, *all = NULL;

	while (first) {
		struct heap_node *a = first, *b = first->next;

		first = b ? b->next : NULL;
		if (b)
			a = merge(heap, a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct heap_node *rest = pairs->next;

		all = all ? merge(heap, all, pairs) : pairs;
		pairs = rest;
	}
	return all;
}

void heap_insert(struct heap *heap, struct heap_node *node)
{
	node->child = NULL;
	set_root(heap, heap->root ? merge(heap, heap->root, node) : node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
	struct heap_node *below = merge_siblings(heap, node->child);

	if (node == heap->root) {
		set_root(heap, below);
	} else {
		if (node->prev->child == node)
			node->prev->child = node->next;
		else
			node->prev->next = node->next;
		if (node->next)
			node->next->prev = node->prev;
		if (below)
			set_root(heap, merge(heap, heap->root, below));
	}
	heap_node_init(node);
}
