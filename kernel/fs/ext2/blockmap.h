/*
 * How file blocks are numbered in the tree of ext2: 12 direct, then through one, two and three
 * indirect blocks. Pure arithmetic: built on the host as well.
 */
#pragma once

#include "fs/ext2/geometry.h"

enum { EXT2_PATH_MAX = 4 };

/*
 * The way to a file block: path[0] indexes i_block, the others the indirect blocks behind it. The
 * number of steps, 1 to 4; 0 if no tree reaches that far. *left: how many pointers follow this one
 * in its last array, itself included.
 */
unsigned int ext2_block_path(const struct ext2_geometry *geometry, uint64_t block,
                             uint32_t path[EXT2_PATH_MAX], uint32_t *left);

/* Data blocks below one pointer `level` steps above the data: 1, n, n^2, n^3. */
uint64_t ext2_blocks_below(const struct ext2_geometry *geometry, unsigned int level);

/* The most indirect blocks that so many file blocks need. */
uint64_t ext2_indirect_blocks(const struct ext2_geometry *geometry, uint64_t blocks);

/* Bytes of the largest file: the tree's reach, and what i_blocks can count. */
uint64_t ext2_max_size(const struct ext2_geometry *geometry);
