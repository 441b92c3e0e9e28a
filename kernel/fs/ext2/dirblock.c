/*
 * Entries of a directory block. See dirblock.h.
 */
#include "fs/ext2/dirblock.h"

#include <linux/errno.h>

#include "abi/dirent.h"
#include "lib/string.h"

enum { ENTRY_MIN = 12 };

static struct ext2_dir_entry *entry_at(const struct ext2_dir_block *block, uint32_t offset)
{
	return (struct ext2_dir_entry *)(void *)(block->data + offset);
}

int ext2_dir_item(const struct ext2_dir_block *block, uint32_t offset, struct ext2_dir_item *out)
{
	const struct ext2_dir_entry *entry;

	if (offset == block->size)
		return 0;
	if (offset > block->size - ENTRY_MIN || offset & 3)
		return -EUCLEAN;
	entry = entry_at(block, offset);
	out->offset = offset;
	out->ino = le32_to_cpu(entry->inode);
	out->rec_len = le16_to_cpu(entry->rec_len);
	out->name = entry->name;
	out->name_len = entry->name_len;
	out->type = block->has_types ? entry->file_type : EXT2_FT_UNKNOWN;
	if (out->rec_len < ENTRY_MIN || out->rec_len & 3 ||
	    out->rec_len < ext2_dir_entry_size(out->name_len) ||
	    out->rec_len > block->size - offset || out->ino > block->inodes_count ||
	    (out->ino && !out->name_len))
		return -EUCLEAN;
	return 1;
}

int ext2_dir_align(const struct ext2_dir_block *block, uint32_t *offset)
{
	struct ext2_dir_item item;
	uint32_t at = 0;
	int more = 1;

	while (at < *offset && (more = ext2_dir_item(block, at, &item)) > 0)
		at += item.rec_len;
	*offset = at;
	return more < 0 ? more : 0;
}

int ext2_dir_find(const struct ext2_dir_block *block, const char *name, uint32_t len,
                  struct ext2_dir_item *out)
{
	int more;

	for (uint32_t at = 0; (more = ext2_dir_item(block, at, out)) > 0; at += out->rec_len) {
		if (out->name_len == len && out->ino && memcmp(out->name, name, len) == 0)
			return 0;
	}
	return more < 0 ? more : -ENOENT;
}

int ext2_dir_find_room(const struct ext2_dir_block *block, uint32_t len, bool keep_unused,
                       uint32_t *offset)
{
	const uint32_t needed = ext2_dir_entry_size(len);
	struct ext2_dir_item item;
	int more;

	for (uint32_t at = 0; (more = ext2_dir_item(block, at, &item)) > 0; at += item.rec_len) {
		uint32_t used = item.ino || keep_unused ? ext2_dir_entry_size(item.name_len) : 0;

		if (item.rec_len - used >= needed && item.type != EXT2_FT_CHECKSUM) {
			*offset = at;
			return 0;
		}
	}
	return more < 0 ? more : -ENOSPC;
}

uint32_t ext2_dir_insert(const struct ext2_dir_block *block, uint32_t offset, uint32_t ino,
                         const char *name, uint32_t len, mode_t mode)
{
	struct ext2_dir_entry *entry = entry_at(block, offset);
	uint32_t rec_len = le16_to_cpu(entry->rec_len);
	uint32_t used = ext2_dir_entry_size(entry->name_len);

	/* Room that does not need the slot itself is taken behind what is in it. */
	if (rec_len - used >= ext2_dir_entry_size(len) &&
	    (entry->inode || entry->name_len)) {
		entry->rec_len = cpu_to_le16((uint16_t)used);
		offset += used;
		rec_len -= used;
		entry = entry_at(block, offset);
	}
	entry->rec_len = cpu_to_le16((uint16_t)rec_len);
	entry->name_len = (uint8_t)len;
	memcpy(entry->name, name, len);
	ext2_dir_set(block, offset, ino, mode);
	return offset;
}

/* Where the entry before the one at offset begins; offset itself for the first. -EUCLEAN. */
static int find_before(const struct ext2_dir_block *block, uint32_t offset, uint32_t *before)
{
	struct ext2_dir_item item;
	uint32_t at = 0;

	*before = offset;
	while (at < offset) {
		if (ext2_dir_item(block, at, &item) <= 0)
			return -EUCLEAN;
		*before = at;
		at += item.rec_len;
	}
	return at == offset ? 0 : -EUCLEAN;
}

int ext2_dir_remove(const struct ext2_dir_block *block, uint32_t offset, bool keep)
{
	struct ext2_dir_entry *entry = entry_at(block, offset);
	struct ext2_dir_item item;
	uint32_t before;

	if (ext2_dir_item(block, offset, &item) <= 0 || find_before(block, offset, &before))
		return -EUCLEAN;
	entry->inode = cpu_to_le32(0);
	if (keep)
		return 0;
	if (before == offset)
		entry->name_len = 0;
	else
		entry_at(block, before)->rec_len = cpu_to_le16((uint16_t)(offset - before +
		                                                          item.rec_len));
	return 0;
}

void ext2_dir_set(const struct ext2_dir_block *block, uint32_t offset, uint32_t ino, mode_t mode)
{
	struct ext2_dir_entry *entry = entry_at(block, offset);

	entry->inode = cpu_to_le32(ino);
	entry->file_type = block->has_types ? ext2_dir_type(mode) : 0;
}

void ext2_dir_format(const struct ext2_dir_block *block)
{
	memset(block->data, 0, block->size);
	entry_at(block, 0)->rec_len = cpu_to_le16((uint16_t)block->size);
}

void ext2_dir_format_first(const struct ext2_dir_block *block, uint32_t self, uint32_t parent)
{
	ext2_dir_format(block);
	ext2_dir_insert(block, 0, self, ".", 1, EXT2_S_IFDIR);
	ext2_dir_insert(block, 0, parent, "..", 2, EXT2_S_IFDIR);
}

int ext2_dir_check_empty(const struct ext2_dir_block *block)
{
	struct ext2_dir_item item;
	int more;

	for (uint32_t at = 0; (more = ext2_dir_item(block, at, &item)) > 0; at += item.rec_len) {
		if (item.ino && !(item.name_len <= 2 && item.name[0] == '.' &&
		                  (item.name_len == 1 || item.name[1] == '.')))
			return -ENOTEMPTY;
	}
	return more;
}

unsigned int ext2_dir_dtype(uint8_t type)
{
	static const uint8_t dtypes[] = {
		[EXT2_FT_UNKNOWN] = DT_UNKNOWN, [EXT2_FT_REG_FILE] = DT_REG,
		[EXT2_FT_DIR] = DT_DIR,         [EXT2_FT_CHRDEV] = DT_CHR,
		[EXT2_FT_BLKDEV] = DT_BLK,      [EXT2_FT_FIFO] = DT_FIFO,
		[EXT2_FT_SOCK] = DT_SOCK,       [EXT2_FT_SYMLINK] = DT_LNK,
	};

	return type < sizeof(dtypes) ? dtypes[type] : DT_UNKNOWN;
}

uint8_t ext2_dir_type(mode_t mode)
{
	switch (mode & EXT2_S_IFMT) {
	case EXT2_S_IFREG:  return EXT2_FT_REG_FILE;
	case EXT2_S_IFDIR:  return EXT2_FT_DIR;
	case EXT2_S_IFCHR:  return EXT2_FT_CHRDEV;
	case EXT2_S_IFBLK:  return EXT2_FT_BLKDEV;
	case EXT2_S_IFIFO:  return EXT2_FT_FIFO;
	case EXT2_S_IFSOCK: return EXT2_FT_SOCK;
	case EXT2_S_IFLNK:  return EXT2_FT_SYMLINK;
	default:       return EXT2_FT_UNKNOWN;
	}
}
