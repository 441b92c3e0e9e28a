/*
 * Large directories in memory: where each name lies, by the hash of the name.
 *
 * Made by the first lookup in a directory of several blocks, kept true by whoever adds and removes,
 * gone with the inode. An open-addressed table of words: the hash above, block and offset below; 0
 * is empty, 1 was removed. Without memory for it there is none, and lookups read the directory.
 *
 * Guarded by the directory's lock for writing.
 */
#include <linux/errno.h>

#include "fs/dentry.h"
#include "fs/disk_mapping.h"
#include "fs/ext2/ext2_impl.h"
#include "mem/alloc.h"

enum { BLOCKS_MIN = 3, OFFSET_BITS = 10, SLOT_REMOVED = 1 };

struct ext2_dir_index {
	uint32_t mask;  /* slots - 1 */
	uint32_t used;  /* names and removed ones */
	uint64_t slots[];
};

void ext2_index_free(struct ext2_inode *dir)
{
	kvfree(dir->index);
	dir->index = NULL;
}

static uint64_t slot_make(uint32_t hash, uint32_t block, uint32_t offset)
{
	/* Two in the low word are free for the markers: no entry has both of them 0. */
	return (uint64_t)hash << 32 | (uint64_t)block << OFFSET_BITS | offset >> 2;
}

static bool is_marker(uint64_t slot)
{
	return slot <= SLOT_REMOVED;
}

static struct ext2_dir_index *index_alloc(uint32_t slots)
{
	struct ext2_dir_index *index = kvmalloc(sizeof(*index) + slots * sizeof(uint64_t),
	                                        ALLOC_KERNEL | ALLOC_ZERO | ALLOC_NOWARN);

	if (index)
		index->mask = slots - 1;
	return index;
}

static void index_put(struct ext2_dir_index *index, uint64_t slot)
{
	uint32_t at = (uint32_t)(slot >> 32) & index->mask;

	while (index->slots[at])
		at = (at + 1) & index->mask;
	index->slots[at] = slot;
	index->used++;
}

/* Twice as large, without the removed ones; false: no memory, and the index is dropped. */
static bool index_grow(struct ext2_inode *dir)
{
	struct ext2_dir_index *old = dir->index, *new = index_alloc((old->mask + 1) * 2);

	for (uint32_t i = 0; new && i <= old->mask; i++) {
		if (!is_marker(old->slots[i]))
			index_put(new, old->slots[i]);
	}
	kvfree(old);
	dir->index = new;
	return new != NULL;
}

void ext2_index_add(struct ext2_inode *dir, uint32_t hash, uint32_t block, uint32_t offset)
{
	if (!dir->index)
		return;
	if (dir->index->used >= dir->index->mask / 4 * 3 && !index_grow(dir))
		return;
	index_put(dir->index, slot_make(hash, block, offset));
}

void ext2_index_remove(struct ext2_inode *dir, uint32_t hash, uint32_t block, uint32_t offset)
{
	const uint64_t wanted = slot_make(hash, block, offset);
	struct ext2_dir_index *index = dir->index;

	if (!index)
		return;
	for (uint32_t at = hash & index->mask; index->slots[at]; at = (at + 1) & index->mask) {
		if (index->slots[at] == wanted) {
			index->slots[at] = SLOT_REMOVED;
			return;
		}
	}
}

bool ext2_index_next(const struct ext2_inode *dir, uint32_t hash, struct ext2_index_cursor *cursor,
                     uint32_t *block, uint32_t *offset)
{
	const struct ext2_dir_index *index = dir->index;

	while (cursor->steps <= index->mask) {
		uint64_t slot = index->slots[(hash + cursor->steps++) & index->mask];

		if (!slot)
			return false;
		if (slot != SLOT_REMOVED && slot >> 32 == hash) {
			*block = (uint32_t)slot >> OFFSET_BITS;
			*offset = ((uint32_t)slot & ((1u << OFFSET_BITS) - 1)) << 2;
			return true;
		}
	}
	return false;
}

static int block_index(struct inode *dir, uint32_t number)
{
	struct ext2_super *es = ext2_super(dir);
	struct ext2_inode *e = to_ext2(dir);
	struct ext2_dir_block block;
	struct ext2_dir_item item;
	struct disk_extent extent;
	struct meta_view view;
	int more, err = ext2_map(dir, number, 1, false, &extent);

	if (err || extent.state != EXTENT_MAPPED)
		return err;
	err = meta_read(&es->meta, extent.device_block, &view);
	if (err)
		return err;
	ext2_dir_view(es, view.data, &block);
	for (uint32_t at = 0; (more = ext2_dir_item(&block, at, &item)) > 0; at += item.rec_len) {
		if (item.ino)
			ext2_index_add(e, dentry_hash(item.name, item.name_len), number, at);
	}
	meta_view_put(&view);
	return more;
}

bool ext2_index_ready(struct inode *dir)
{
	struct ext2_super *es = ext2_super(dir);
	struct ext2_inode *e = to_ext2(dir);
	const uint32_t blocks = (uint32_t)((uint64_t)dir->size >> es->geometry.block_bits);
	uint32_t slots = 64;

	if (e->index)
		return true;
	if (blocks < BLOCKS_MIN)
		return false;
	while (slots < blocks * (es->geometry.block_size / 16))
		slots *= 2;
	e->index = index_alloc(slots);
	for (uint32_t i = 0; i < blocks && e->index; i++) {
		if (block_index(dir, i))
			ext2_index_free(e);
	}
	return e->index != NULL;
}
