/*
 * Searching one node of a tree of extents. See extent.h. A node is checked as it is searched:
 * entries in order, within the file system, not overlapping.
 */
#include "fs/ext2/extent.h"

#include <linux/errno.h>

#include "fs/ext2/checksum.h"
#include "lib/math.h"

static int header_check(const struct ext4_extent_header *header, size_t size, int *depth)
{
	const uint32_t entries = le16_to_cpu(header->eh_entries);
	const uint32_t most = le16_to_cpu(header->eh_max);
	const int real = le16_to_cpu(header->eh_depth);

	if (le16_to_cpu(header->eh_magic) != EXT4_EXTENT_MAGIC || entries > most ||
	    most > (size - sizeof(*header)) / sizeof(struct ext4_extent))
		return -EUCLEAN;
	if (*depth < 0 ? real > EXT4_EXTENT_DEPTH_MAX : real != *depth)
		return -EUCLEAN;
	*depth = real;
	return 0;
}

/* A hole unless an extent says otherwise. */
static int leaf_search(const struct ext2_geometry *g, const struct ext4_extent *extents,
                       uint32_t entries, uint64_t block, struct ext4_extent_step *out)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < entries; i++) {
		const uint64_t first = le32_to_cpu(extents[i].ee_block);
		const uint64_t start = le32_to_cpu(extents[i].ee_start_lo) |
		                       (uint64_t)le16_to_cpu(extents[i].ee_start_hi) << 32;
		uint32_t len = le16_to_cpu(extents[i].ee_len);
		const bool is_written = len <= EXT4_EXTENT_WRITTEN_MAX;

		if (!is_written)
			len -= EXT4_EXTENT_WRITTEN_MAX;
		if (!len || first < end || !ext2_are_valid_blocks(g, start, len))
			return -EUCLEAN;
		end = first + len;
		if (first > block) {
			out->count = min(out->count, first - block);
			return 0;
		}
		if (block < end) {
			out->state = is_written ? EXT4_EXTENT_MAPPED : EXT4_EXTENT_UNWRITTEN;
			out->start = start + (block - first);
			out->count = min(out->count, end - block);
			return 0;
		}
	}
	return 0;
}

/* The last child that begins at or before the block. */
static int index_search(const struct ext2_geometry *g, const struct ext4_extent_index *children,
                        uint32_t entries, uint64_t block, uint64_t *limit,
                        struct ext4_extent_step *out)
{
	for (uint32_t i = 0; i < entries; i++) {
		const uint64_t first = le32_to_cpu(children[i].ei_block);

		if (i && first <= le32_to_cpu(children[i - 1].ei_block))
			return -EUCLEAN;
		if (first > block) {
			*limit = min(*limit, first);
			break;
		}
		out->state = EXT4_EXTENT_CHILD;
		out->start = le32_to_cpu(children[i].ei_leaf_lo) |
		             (uint64_t)le16_to_cpu(children[i].ei_leaf_hi) << 32;
	}
	if (out->state == EXT4_EXTENT_CHILD && !ext2_is_valid_block(g, out->start))
		return -EUCLEAN;
	out->count = *limit - block;
	return 0;
}

int ext4_extent_search_node(const struct ext2_geometry *g, const void *node, size_t size,
                            struct ext4_extent_search *search, struct ext4_extent_step *out)
{
	const struct ext4_extent_header *header = node;
	int err = header_check(header, size, &search->depth);

	if (err)
		return err;
	if (search->block >= search->limit)
		return -EUCLEAN;
	out->state = EXT4_EXTENT_HOLE;
	out->start = 0;
	out->count = search->limit - search->block;
	if (search->depth == 0)
		return leaf_search(g, (const struct ext4_extent *)(header + 1),
		                   le16_to_cpu(header->eh_entries), search->block, out);
	return index_search(g, (const struct ext4_extent_index *)(header + 1),
	                    le16_to_cpu(header->eh_entries), search->block, &search->limit, out);
}

bool ext4_extent_checksum_is_right(const struct ext2_geometry *g, uint32_t ino,
                                   uint32_t generation, const void *node)
{
	const struct ext4_extent_header *header = node;
	const size_t behind = sizeof(*header) +
	                      le16_to_cpu(header->eh_max) * sizeof(struct ext4_extent);
	__le32 number = cpu_to_le32(ino), version = cpu_to_le32(generation);
	uint32_t sum;

	if (!g->has_checksums)
		return true;
	if (behind > g->block_size - sizeof(__le32))
		return false;
	sum = ext2_crc32c(g->checksum_seed, &number, sizeof(number));
	sum = ext2_crc32c(sum, &version, sizeof(version));
	return ext2_crc32c(sum, node, behind) == load_le32((const char *)node + behind);
}
