/*
 * What the super block and the group descriptors say, checked: after ext2_geometry_parse() every
 * size and count can be used in arithmetic without care, and after ext2_group_parse() bitmaps and
 * inode table of a group lie within the file system. Pure: built on the host as well.
 */
#pragma once

#include "fs/ext2/layout.h"

struct ext2_geometry {
	uint32_t block_bits, block_size; /* 1024, 2048 or 4096 bytes */
	uint64_t blocks_count;           /* of the file system; fits the device */
	uint64_t reserved_blocks;        /* for the superuser */
	uint32_t first_data_block;       /* where group 0 begins */
	uint32_t super_block;            /* the block with the super block: 1 or 0 */
	uint32_t groups;
	uint32_t blocks_per_group;
	uint32_t inodes_count, inodes_per_group, first_ino;
	uint32_t inode_size, inodes_per_block;
	uint32_t inode_table_blocks;     /* of a group */
	uint32_t desc_size, descs_per_block, desc_blocks;
	uint32_t reserved_gdt_blocks;
	uint32_t first_meta_bg;
	uint32_t backup_groups[2];
	uint32_t compat, incompat, ro_compat;
	uint32_t revision;
	uint32_t checksum_seed;
	uint16_t uuid_crc16;
	uint16_t state, errors;          /* EXT2_STATE_*, EXT2_ERRORS_* (0: not said) */
	uint32_t resuid, resgid;
	uint32_t last_orphan;
	uint64_t fsid; /* what statfs(2) says, of the UUID */
	bool     has_checksums;          /* metadata_csum */
};

struct ext2_group {
	uint64_t block_bitmap, inode_bitmap, inode_table;
	uint32_t free_blocks, free_inodes, used_dirs;
	uint16_t flags; /* EXT2_BG_* */
};

/*
 * raw: EXT2_SUPER_SIZE bytes from EXT2_SUPER_OFFSET of the device of so many bytes. 0, or -EINVAL
 * and in *why a few words for the log (NULL: simply no ext2).
 */
int ext2_geometry_parse(const void *raw, uint64_t device_bytes, struct ext2_geometry *out,
                        const char **why);

/* NULL if it may be mounted at all and written; else why it can only be read. */
const char *ext2_readonly_reason(const struct ext2_geometry *geometry);

/* Does this group begin with a copy of the super block? */
bool ext2_group_has_super(const struct ext2_geometry *geometry, uint32_t group);
/* The block of the index-th block of group descriptors. */
uint64_t ext2_desc_block(const struct ext2_geometry *geometry, uint32_t index);

static inline uint64_t ext2_group_first_block(const struct ext2_geometry *geometry, uint32_t group)
{
	return geometry->first_data_block + (uint64_t)group * geometry->blocks_per_group;
}

/* Blocks in a group: the last may be shorter. */
uint32_t ext2_group_blocks(const struct ext2_geometry *geometry, uint32_t group);

/*
 * raw: the descriptor's desc_size bytes. -EBADMSG for a wrong checksum, -EUCLEAN for what cannot
 * be; *why as above.
 */
int ext2_group_parse(const struct ext2_geometry *geometry, uint32_t group, const void *raw,
                     struct ext2_group *out, const char **why);
/* Store counts and flags. Of file systems that can be written: no checksums. */
void ext2_group_format(const struct ext2_geometry *geometry, const struct ext2_group *group,
                       void *raw);

/* A block that content or a pointer may name: not the start of the file system, not beyond it. */
static inline bool ext2_is_valid_block(const struct ext2_geometry *geometry, uint64_t block)
{
	return block > geometry->super_block + geometry->first_meta_bg &&
	       block < geometry->blocks_count;
}

static inline bool ext2_are_valid_blocks(const struct ext2_geometry *geometry, uint64_t block,
                                         uint64_t count)
{
	return ext2_is_valid_block(geometry, block) && count <= geometry->blocks_count - block;
}

static inline bool ext2_is_valid_ino(const struct ext2_geometry *geometry, uint64_t ino)
{
	return ino == EXT2_ROOT_INO ||
	       (ino >= geometry->first_ino && ino <= geometry->inodes_count);
}

/* Blocks that hold no content, as Linux counts them for statfs(2) with bsddf. */
uint64_t ext2_overhead(const struct ext2_geometry *geometry);
