/*
 * Nodes of ext4's tree of extents, for reading. A node is the 60 bytes of i_block or a whole block.
 * Pure: built on the host as well.
 */
#pragma once

#include "fs/ext2/geometry.h"

enum ext4_extent_state { EXT4_EXTENT_HOLE, EXT4_EXTENT_MAPPED, EXT4_EXTENT_UNWRITTEN, EXT4_EXTENT_CHILD };

struct ext4_extent_step {
	enum ext4_extent_state state;
	uint64_t start; /* of the data, or the block of the child node */
	uint64_t count; /* blocks from the one asked for on that are as this one; HOLE: at least 1 */
};

/*
 * What this node says of a file block. depth: what eh_depth must be, or negative for a root, whose
 * own is stored in *depth. limit: the first file block beyond the node (UINT32_MAX + 1 for a root);
 * of a child it is the new limit. -EUCLEAN.
 */
int ext4_extent_search(const struct ext2_geometry *geometry, const void *node, size_t size,
                       uint64_t block, int *depth, uint64_t *limit, struct ext4_extent_step *out);

/* The checksum at the end of a node in a block of its own (metadata_csum). */
bool ext4_extent_checksum_is_right(const struct ext2_geometry *geometry, uint32_t ino,
                                   uint32_t generation, const void *node);
