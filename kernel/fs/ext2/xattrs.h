/*
 * Regions of extended attributes: a block of its own, or the space behind the fields of a large
 * inode. Entries grow from the front and end with four zero bytes, values from the back. A name is
 * a number for its name space ("user." is 1) and the rest. Pure: built on the host as well.
 */
#pragma once

#include "fs/ext2/geometry.h"

enum {
	EXT2_XATTR_USER        = 1,
	EXT2_XATTR_ACL_ACCESS  = 2,
	EXT2_XATTR_ACL_DEFAULT = 3,
	EXT2_XATTR_TRUSTED     = 4,
	EXT2_XATTR_SECURITY    = 6,
	EXT2_XATTR_SYSTEM      = 7,
};

struct ext2_xattr_region {
	uint8_t *data;  /* what value offsets count from */
	uint32_t size;
	uint32_t first; /* offset of the first entry */
};

struct ext2_xattr_item {
	uint8_t     index;
	uint8_t     name_len;
	const char *name;
	uint32_t    size;
	const void *value;
	uint32_t    next; /* offset of what follows */
};

/* The region of a block, -EUCLEAN if it is none; the region of an inode, false if there is none. */
int  ext2_xattr_block_region(uint8_t *block, uint32_t size, struct ext2_xattr_region *out);
bool ext2_xattr_inode_region(uint8_t *raw, uint32_t inode_size, struct ext2_xattr_region *out);
/* Make an empty one where the inode has room for it. False: it has none. */
bool ext2_xattr_inode_format(uint8_t *raw, uint32_t inode_size, struct ext2_xattr_region *out);

/* The entry at offset (region->first to begin with): 1, 0 at the end, -EUCLEAN. */
int ext2_xattr_item(const struct ext2_xattr_region *region, uint32_t offset,
                    struct ext2_xattr_item *out);
/* 0, -ENODATA, -EUCLEAN. */
int ext2_xattr_find(const struct ext2_xattr_region *region, uint8_t index, const char *name,
                    struct ext2_xattr_item *out);

/*
 * The content of `from` without this name and, if value is not NULL, with this value, into `to`: a
 * region of the same size and first, zeroed. -ENOSPC, -EUCLEAN. *left: how many entries it has now.
 */
int ext2_xattr_rebuild(const struct ext2_xattr_region *from, struct ext2_xattr_region *to,
                       const struct ext2_xattr_item *change, uint32_t *left);
/* Write the header of a block, with the hash over what is in it. */
void ext2_xattr_block_seal(const struct ext2_xattr_region *region, uint32_t refcount);

/*
 * "user.x" into index and rest; false: no name space that ext2 has. The
 * contrary: "user." or NULL.
 */
bool        ext2_xattr_split(const char *name, uint8_t *index, const char **rest);
const char *ext2_xattr_prefix(uint8_t index);
