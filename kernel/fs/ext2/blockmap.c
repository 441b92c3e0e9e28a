/*
 * The tree of block pointers. See blockmap.h.
 */
#include "fs/ext2/blockmap.h"

#include "lib/math.h"

uint64_t ext2_blocks_below(const struct ext2_geometry *g, unsigned int level)
{
	return 1ul << level * (g->block_bits - 2);
}

unsigned int ext2_block_path(const struct ext2_geometry *g, uint64_t block,
                             uint32_t path[EXT2_PATH_MAX], uint32_t *left)
{
	const uint32_t bits = g->block_bits - 2, mask = (1u << bits) - 1;

	if (block < EXT2_NDIR_BLOCKS) {
		path[0] = (uint32_t)block;
		*left = EXT2_NDIR_BLOCKS - path[0];
		return 1;
	}
	block -= EXT2_NDIR_BLOCKS;
	for (unsigned int depth = 1; depth < EXT2_PATH_MAX; depth++) {
		if (block < ext2_blocks_below(g, depth)) {
			path[0] = EXT2_NDIR_BLOCKS + depth - 1;
			for (unsigned int i = 1; i <= depth; i++)
				path[i] = (uint32_t)(block >> (depth - i) * bits) & mask;
			*left = mask + 1 - path[depth];
			return depth + 1;
		}
		block -= ext2_blocks_below(g, depth);
	}
	return 0;
}

uint64_t ext2_indirect_blocks(const struct ext2_geometry *g, uint64_t blocks)
{
	uint64_t total = 0;

	if (blocks <= EXT2_NDIR_BLOCKS)
		return 0;
	blocks -= EXT2_NDIR_BLOCKS;
	for (unsigned int depth = 1; depth < EXT2_PATH_MAX && blocks; depth++) {
		uint64_t here = min(blocks, ext2_blocks_below(g, depth));

		for (unsigned int level = 1; level <= depth; level++)
			total += div_round_up(here, ext2_blocks_below(g, level));
		blocks -= here;
	}
	return total;
}

uint64_t ext2_max_size(const struct ext2_geometry *g)
{
	const uint64_t countable = UINT32_MAX >> (g->block_bits - 9);
	uint64_t low = 0, high = EXT2_NDIR_BLOCKS;

	for (unsigned int depth = 1; depth < EXT2_PATH_MAX; depth++)
		high += ext2_blocks_below(g, depth);
	/* low always fits; the first that does not is above high. */
	while (low < high) {
		uint64_t middle = (low + high + 1) / 2;

		if (middle + ext2_indirect_blocks(g, middle) <= countable)
			low = middle;
		else
			high = middle - 1;
	}
	return low << g->block_bits;
}
