/*
 * The inode on the disk, into values of the host and back. Pure: built on the host as well.
 */
#pragma once

#include "fs/ext2/geometry.h"

struct ext2_inode_values {
	mode_t   mode;
	uid_t    uid;
	gid_t    gid;
	uint32_t nlink;
	uint64_t size;
	uint64_t sectors; /* i_blocks, of 512 bytes whatever the unit on the disk */
	uint32_t flags;   /* EXT2_*_FL */
	uint32_t generation;
	uint32_t dtime;   /* seconds; or the next orphan */
	uint64_t xattr_block;
	ns_t     atime, mtime, ctime, btime; /* since the epoch; btime 0: not kept */
	dev_t    rdev;
	uint32_t extra_isize;
	__le32   block[EXT2_N_BLOCKS];
};

/* raw: inode_size bytes. -EBADMSG for a wrong checksum, -EUCLEAN for what cannot be. */
int ext2_inode_parse(const struct ext2_geometry *geometry, uint32_t ino, const void *raw,
                     struct ext2_inode_values *out);

/*
 * Stores the values; what they do not name stays. fresh: all else becomes zero, and the fields
 * behind 128 bytes come into use. rdev and block are one: for devices block is made from rdev.
 */
void ext2_inode_format(const struct ext2_geometry *geometry,
                       const struct ext2_inode_values *values, bool fresh, void *raw);

/* i_extra_isize of a fresh inode: what fits of the fields that we know. */
uint32_t ext2_extra_isize(const struct ext2_geometry *geometry);

/* The text of a symbolic link lies in the inode itself. */
bool ext2_inode_is_fast_link(const struct ext2_geometry *geometry,
                             const struct ext2_inode_values *values);

/* Whether i_size of this type has 64 bits. */
static inline bool ext2_has_large_size(const struct ext2_geometry *geometry, mode_t mode)
{
	return (mode & EXT2_S_IFMT) == EXT2_S_IFREG ||
	       ((mode & EXT2_S_IFMT) == EXT2_S_IFDIR &&
	        geometry->incompat & EXT2_INCOMPAT_LARGEDIR);
}
