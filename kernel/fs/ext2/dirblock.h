/*
 * One block of a directory: entries that follow each other and fill it. Every step checks the entry
 * it stands on, so that a block that says nonsense, or changes under our feet, is -EUCLEAN and
 * never more. Pure: built on the host as well.
 *
 * An entry that is removed joins the one before it; the first of a block stays with inode 0.
 */
#pragma once

#include "fs/ext2/layout.h"

struct ext2_dir_block {
	uint8_t *data;
	uint32_t size;
	uint32_t inodes_count; /* the highest inode number */
	bool     has_types;    /* the filetype feature */
};

struct ext2_dir_item {
	uint32_t    offset, rec_len;
	uint32_t    ino; /* 0: not in use */
	const char *name;
	uint32_t    name_len;
	uint8_t     type; /* EXT2_FT_* */
};

/* Bytes that an entry with such a name needs. */
static inline uint32_t ext2_dir_entry_size(uint32_t name_len)
{
	return (uint32_t)(sizeof(struct ext2_dir_entry) + name_len + 3) & ~3u;
}

/*
 * The entry at offset, used or not: 1; 0 at the end of the block; -EUCLEAN. To go on, add rec_len.
 */
int ext2_dir_item(const struct ext2_dir_block *block, uint32_t offset, struct ext2_dir_item *out);

/* Entries start at multiples of 4: the first that begins at `offset` or behind it. -EUCLEAN. */
int ext2_dir_align(const struct ext2_dir_block *block, uint32_t *offset);

/* The entry of this name, not one with inode 0. 0, -ENOENT, -EUCLEAN. */
int ext2_dir_find(const struct ext2_dir_block *block, const char *name, uint32_t len,
                  struct ext2_dir_item *out);

/*
 * Room for a name of len bytes: *offset is of the entry that is split or not in use. 0, -ENOSPC,
 * -EUCLEAN. keep_unused: entries with inode 0 are left alone.
 */
int ext2_dir_find_room(const struct ext2_dir_block *block, uint32_t len, bool keep_unused,
                       uint32_t *offset);
/* Puts a name where ext2_dir_find_room() said; where it lies now. */
uint32_t ext2_dir_insert(const struct ext2_dir_block *block, uint32_t offset, uint32_t ino,
                         const char *name, uint32_t len, mode_t mode);
/* Takes the entry at offset out. keep: it stays there with inode 0 and its name. -EUCLEAN. */
int ext2_dir_remove(const struct ext2_dir_block *block, uint32_t offset, bool keep);
/* The entry at offset leads to another inode. */
void ext2_dir_set(const struct ext2_dir_block *block, uint32_t offset, uint32_t ino, mode_t mode);

/* Fill a fresh block: with one entry that is not in use; with "." and "..". */
void ext2_dir_format(const struct ext2_dir_block *block);
void ext2_dir_format_first(const struct ext2_dir_block *block, uint32_t self, uint32_t parent);

/* No names but "." and "..". 0, -ENOTEMPTY, -EUCLEAN. */
int ext2_dir_check_empty(const struct ext2_dir_block *block);

/* DT_* of EXT2_FT_*, DT_UNKNOWN for what is unknown; EXT2_FT_* of a mode. */
unsigned int ext2_dir_dtype(uint8_t type);
uint8_t      ext2_dir_type(mode_t mode);
