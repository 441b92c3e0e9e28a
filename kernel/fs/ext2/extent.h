/*
 * Nodes of ext4's tree of extents, for reading. A node is the 60 bytes of i_block or a whole block.
 * Pure: built on the host as well.
 */
#pragma once

#include "fs/ext2/geometry.h"

enum ext4_extent_state {
	EXT4_EXTENT_HOLE,
	EXT4_EXTENT_MAPPED,
	EXT4_EXTENT_UNWRITTEN,
	EXT4_EXTENT_CHILD,
};

struct ext4_extent_step {
	enum ext4_extent_state state;
	uint64_t start; /* of the data, or the block of the child node */
	uint64_t count; /* blocks from the one asked for on that are as this one */
};

/* A search on its way down the tree. */
struct ext4_extent_search {
	uint64_t block; /* what is looked for */
	int      depth; /* what eh_depth of the next node must be; negative: the root says */
	uint64_t limit; /* the first file block beyond it */
};

/* To begin with: at a root. */
static inline struct ext4_extent_search ext4_extent_search_begin(uint64_t block)
{
	return (struct ext4_extent_search){ block, -1, 1ul << 32 };
}

/* What this node says; search->depth is then the node's own. -EUCLEAN. */
int ext4_extent_search_node(const struct ext2_geometry *geometry, const void *node, size_t size,
                            struct ext4_extent_search *search, struct ext4_extent_step *out);

/* The checksum at the end of a node in a block of its own (metadata_csum). */
bool ext4_extent_checksum_is_right(const struct ext2_geometry *geometry, uint32_t ino,
                                   uint32_t generation, const void *node);
