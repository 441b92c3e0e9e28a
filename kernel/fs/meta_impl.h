/*
 * Between meta.c (blocks and operations) and meta_commit.c (rounds).
 */
#pragma once

#include "fs/meta.h"

/* The dirty block of this number in a tree; NULL. */
struct meta_block *meta_tree_find(const struct rbtree *tree, uint64_t block);
/* A dirty block in `tree`, found or made: its page is marked as ours. */
int meta_tree_get(struct meta *meta, struct rbtree *tree, uint64_t block, enum meta_kind kind,
                  bool is_new, struct meta_block **out);
/* Out of the tree it is in; the page is the cache's again if no other block of it is dirty. */
void meta_block_destroy(struct meta *meta, struct rbtree *tree, struct meta_block *block);
/* Give the copies back. */
void meta_copy_free(struct meta *meta, struct meta_block *block);

/* The thread, when there is something to do for it. Inside an operation. */
void meta_thread_want(struct meta *meta);
