/*
 * Directories: names looked up, added, removed, read.
 *
 * A position in a directory is a byte offset. An entry keeps its place until it is removed, and a
 * reader who stands where none begins any more goes on with the next one, so rm -r may remove while
 * it reads.
 *
 * A directory that changes loses the flag of its on-disk index (dir_index), as Linux's ext2 has it:
 * e2fsck -D makes a new one; the blocks of the index look like unused entries meanwhile.
 */
#include <linux/errno.h>
#include <linux/limits.h>

#include "fs/dentry.h"
#include "fs/disk_mapping.h"
#include "fs/ext2/checksum.h"
#include "fs/ext2/ext2_impl.h"
#include "fs/file.h"
#include "lib/math.h"
#include "lib/string.h"

void ext2_dir_view(const struct ext2_super *es, uint8_t *data, struct ext2_dir_block *out)
{
	*out = (struct ext2_dir_block){
		.data = data,
		.size = es->geometry.block_size,
		.inodes_count = es->geometry.inodes_count,
		.has_types = es->geometry.incompat & EXT2_INCOMPAT_FILETYPE,
	};
}

static uint32_t dir_blocks(const struct inode *dir)
{
	return (uint32_t)((uint64_t)dir->size >> ext2_super(dir)->geometry.block_bits);
}

static int corrupt(struct inode *dir)
{
	return ext2_corrupt(ext2_super(dir), "bad entry in directory", dir->ino);
}

/* With metadata_csum each block ends in a checksum, and those of the index have their own. */
static bool checksum_is_right(struct inode *dir, const struct ext2_dir_block *block)
{
	const struct ext2_geometry *g = &ext2_super(dir)->geometry;
	const uint32_t at = block->size - 12;
	__le32 ino = cpu_to_le32((uint32_t)dir->ino), version = cpu_to_le32(dir->generation);
	struct ext2_dir_item item;
	uint32_t sum;

	if (!g->has_checksums || ext2_dir_item(block, at, &item) <= 0 ||
	    item.type != EXT2_FT_CHECKSUM || item.ino)
		return true;
	sum = ext2_crc32c(g->checksum_seed, &ino, sizeof(ino));
	sum = ext2_crc32c(sum, &version, sizeof(version));
	return ext2_crc32c(sum, block->data, at) == load_le32(block->data + block->size - 4);
}

/* One block, if there is one: *number 0 for a hole. */
static int block_open(struct inode *dir, uint32_t index, struct meta_view *view,
                      struct ext2_dir_block *block, uint64_t *number)
{
	struct ext2_super *es = ext2_super(dir);
	struct disk_extent extent;
	int err = ext2_map(dir, index, 1, false, &extent);

	*number = 0;
	if (err || extent.state != EXTENT_MAPPED)
		return err;
	err = meta_read(&es->meta, extent.device_block, view);
	if (err)
		return err;
	ext2_dir_view(es, view->data, block);
	if (!checksum_is_right(dir, block)) {
		meta_view_put(view);
		return ext2_corrupt(es, "wrong checksum in directory", dir->ino);
	}
	*number = extent.device_block;
	return 0;
}

/* ---- looking --------------------------------------------------------------------------------- */

/* What a block of the directory says of a name; offset: where it must be, or UINT32_MAX. */
static int block_lookup(struct inode *dir, uint32_t index, uint32_t offset,
                        const struct dentry_name *name, struct ext2_slot *out)
{
	struct ext2_dir_block block;
	struct ext2_dir_item item;
	int err = block_open(dir, index, &out->view, &block, &out->block);

	if (err || !out->block)
		return err ? err : -ENOENT;
	if (offset == UINT32_MAX) {
		err = ext2_dir_find(&block, name->text, name->len, &item);
	} else {
		err = ext2_dir_item(&block, offset, &item);
		if (err > 0)
			err = item.ino && item.name_len == name->len &&
			      memcmp(item.name, name->text, name->len) == 0 ? 0 : -ENOENT;
		else
			err = -EUCLEAN;
	}
	if (err) {
		meta_view_put(&out->view);
		return err == -EUCLEAN ? corrupt(dir) : err;
	}
	out->offset = item.offset;
	out->ino = item.ino;
	return 0;
}

static int indexed_lookup(struct inode *dir, const struct dentry_name *name, struct ext2_slot *out,
                          uint32_t *block)
{
	struct ext2_index_cursor cursor = { 0 };
	uint32_t offset;
	int err = -ENOENT;

	while (err == -ENOENT &&
	       ext2_index_next(to_ext2(dir), name->hash, &cursor, block, &offset))
		err = block_lookup(dir, *block, offset, name, out);
	return err;
}

static int name_find(struct inode *dir, const struct dentry_name *name, struct ext2_slot *out,
                     uint32_t *block)
{
	int err = -ENOENT;

	if (ext2_index_ready(dir))
		return indexed_lookup(dir, name, out, block);
	for (*block = 0; *block < dir_blocks(dir) && err == -ENOENT; ++*block)
		err = block_lookup(dir, *block, UINT32_MAX, name, out);
	--*block;
	return err;
}

int ext2_dir_lookup(struct inode *dir, const struct dentry_name *name, struct ext2_slot *out)
{
	uint32_t block;

	return name_find(dir, name, out, &block);
}

int ext2_dir_is_empty(struct inode *dir)
{
	int err = 0;

	for (uint32_t i = 0; i < dir_blocks(dir) && !err; i++) {
		struct ext2_dir_block block;
		struct meta_view view;
		uint64_t number;

		err = block_open(dir, i, &view, &block, &number);
		if (err || !number)
			continue;
		err = ext2_dir_check_empty(&block);
		meta_view_put(&view);
	}
	return err == -EUCLEAN ? corrupt(dir) : err;
}

/* ---- changing -------------------------------------------------------------------------------- */

static void dir_changed(struct inode *dir)
{
	to_ext2(dir)->flags &= ~(uint32_t)EXT2_INDEX_FL;
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	ext2_changed(dir);
}

static int block_modify(struct inode *dir, uint64_t number, struct ext2_dir_block *block)
{
	uint8_t *data;
	int err = meta_modify(&ext2_super(dir)->meta, number, META_DIR, &data);

	if (!err)
		ext2_dir_view(ext2_super(dir), data, block);
	return err;
}

/* -ENOSPC: not in this block. */
static int block_add(struct inode *dir, uint32_t index, const struct dentry_name *name,
                     uint32_t ino, mode_t mode)
{
	struct ext2_super *es = ext2_super(dir);
	const bool keep = to_ext2(dir)->moved_round == meta_round(&es->meta);
	struct ext2_dir_block block;
	struct meta_view view;
	uint64_t number;
	uint32_t offset;
	int err = block_open(dir, index, &view, &block, &number);

	if (err || !number)
		return err ? err : -ENOSPC;
	err = ext2_dir_find_room(&block, name->len, keep, &offset);
	meta_view_put(&view);
	if (!err)
		err = block_modify(dir, number, &block);
	if (err)
		return err == -EUCLEAN ? corrupt(dir) : err;
	offset = ext2_dir_insert(&block, offset, ino, name->text, name->len, mode);
	ext2_index_add(to_ext2(dir), name->hash, index, offset);
	return 0;
}

static int block_append(struct inode *dir, const struct dentry_name *name, uint32_t ino,
                        mode_t mode)
{
	struct ext2_super *es = ext2_super(dir);
	const uint32_t index = dir_blocks(dir);
	struct ext2_dir_block block;
	uint64_t number;
	uint8_t *data;
	int err;

	if (index >= UINT32_MAX >> 10)
		return -ENOSPC;
	err = ext2_map_new_block(dir, index, META_DIR, &number, &data);
	if (err)
		return err;
	ext2_dir_view(es, data, &block);
	ext2_dir_format(&block);
	ext2_index_add(to_ext2(dir), name->hash, index,
	               ext2_dir_insert(&block, 0, ino, name->text, name->len, mode));
	WRITE_ONCE(dir->size, dir->size + es->geometry.block_size);
	return 0;
}

int ext2_dir_add(struct inode *dir, const struct dentry_name *name, uint32_t ino, mode_t mode)
{
	struct ext2_inode *e = to_ext2(dir);
	int err = -ENOSPC;

	while (e->room < dir_blocks(dir)) {
		err = block_add(dir, e->room, name, ino, mode);
		if (err != -ENOSPC)
			break;
		e->room++;
	}
	if (err == -ENOSPC)
		err = block_append(dir, name, ino, mode);
	if (!err)
		dir_changed(dir);
	return err;
}

int ext2_dir_delete(struct inode *dir, const struct dentry_name *name, const struct inode *moved)
{
	struct ext2_inode *e = to_ext2(dir);
	struct ext2_dir_block block;
	struct ext2_slot slot;
	uint32_t index;
	int err = name_find(dir, name, &slot, &index);

	if (err)
		return err == -ENOENT ? corrupt(dir) : err;
	meta_view_put(&slot.view);
	if (moved)
		err = ext2_name_moved(dir, slot.block, slot.offset, moved);
	if (!err)
		err = block_modify(dir, slot.block, &block);
	if (!err)
		err = ext2_dir_remove(&block, slot.offset, moved != NULL);
	if (err)
		return err == -EUCLEAN ? corrupt(dir) : err;
	ext2_index_remove(e, name->hash, index, slot.offset);
	e->room = min(e->room, index);
	dir_changed(dir);
	return 0;
}

static int slot_set(struct inode *dir, const struct ext2_slot *slot, const struct inode *to)
{
	struct ext2_dir_block block;
	int err = block_modify(dir, slot->block, &block);

	if (err)
		return err;
	ext2_dir_set(&block, slot->offset, (uint32_t)to->ino, to->mode);
	dir_changed(dir);
	return 0;
}

int ext2_dir_replace(struct inode *dir, const struct dentry_name *name, const struct inode *to)
{
	struct ext2_slot slot;
	int err = ext2_dir_lookup(dir, name, &slot);

	if (err)
		return err == -ENOENT ? corrupt(dir) : err;
	meta_view_put(&slot.view);
	return slot_set(dir, &slot, to);
}

int ext2_dir_make(struct inode *dir, struct inode *parent)
{
	struct ext2_dir_block block;
	uint64_t number;
	uint8_t *data;
	int err = ext2_map_new_block(dir, 0, META_DIR, &number, &data);

	if (err)
		return err;
	ext2_dir_view(ext2_super(dir), data, &block);
	ext2_dir_format_first(&block, (uint32_t)dir->ino, (uint32_t)parent->ino);
	WRITE_ONCE(dir->size, ext2_super(dir)->geometry.block_size);
	return 0;
}

int ext2_dir_set_parent(struct inode *dir, const struct inode *parent)
{
	struct ext2_dir_block block;
	struct ext2_dir_item item;
	struct ext2_slot slot;
	struct meta_view view;
	int err = block_open(dir, 0, &view, &block, &slot.block);

	if (err || !slot.block)
		return err ? err : corrupt(dir);
	err = ext2_dir_find(&block, "..", 2, &item);
	meta_view_put(&view);
	if (err)
		return corrupt(dir);
	slot.offset = item.offset;
	return slot_set(dir, &slot, parent);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* True: go on with the next block. */
static int block_iterate(struct inode *dir, uint32_t index, const struct ext2_dir_block *block,
                         struct dir_sink *sink)
{
	const uint64_t start = (uint64_t)index << ext2_super(dir)->geometry.block_bits;
	uint32_t at = (uint32_t)((uint64_t)sink->position - start);
	struct ext2_dir_item item;
	int more = ext2_dir_align(block, &at);

	while (!more && (more = ext2_dir_item(block, at, &item)) > 0) {
		sink->position = (pos_t)(start + at);
		if (item.ino && memchr(item.name, '/', item.name_len))
			return -EIO;
		if (item.ino && !sink->entry(sink, item.name, item.name_len, item.ino,
		                             ext2_dir_dtype(item.type)))
			return 1;
		at += item.rec_len;
		more = 0;
	}
	if (more < 0)
		return corrupt(dir);
	sink->position = (pos_t)(start + block->size);
	return 0;
}

int ext2_iterate(struct file *file, struct dir_sink *sink)
{
	struct inode *dir = file->inode;
	const struct ext2_geometry *g = &ext2_super(dir)->geometry;
	int err = 0;

	while (!err && sink->position < dir->size) {
		uint32_t index = (uint32_t)((uint64_t)sink->position >> g->block_bits);
		struct ext2_dir_block block;
		struct meta_view view;
		uint64_t number;

		err = block_open(dir, index, &view, &block, &number);
		if (err)
			return err;
		if (!number) {
			sink->position = (pos_t)((index + 1ul) << g->block_bits);
			continue;
		}
		err = block_iterate(dir, index, &block, sink);
		meta_view_put(&view);
	}
	return err < 0 ? err : 0;
}
