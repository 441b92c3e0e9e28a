/*
 * Blocks taken away: truncation, holes, the end of a file.
 *
 * One walk through the tree frees what lies in a range of file blocks; whole subtrees go with their
 * indirect blocks. What is freed is used again only when the round has been written, save the data
 * of files that the disk knows as deleted already.
 */
#include <linux/errno.h>

#include "fs/attr.h"
#include "fs/disk_mapping.h"
#include "fs/ext2/ext2_impl.h"
#include "lib/math.h"

struct removal {
	struct inode      *inode;
	struct ext2_super *es;
	uint64_t           from, to; /* file blocks, to not included */
	bool               is_end;   /* the inode is deleted: nothing of it needs to be stored */
	bool               data_at_once; /* and what it led to may be reused now */
	uint64_t           removed;
	uint64_t           run, run_length; /* data blocks gathered */
};

static void run_flush(struct removal *r)
{
	if (!r->run_length)
		return;
	if (r->data_at_once)
		ext2_blocks_free(r->es, r->run, r->run_length);
	else
		ext2_blocks_free_later(r->es, r->run, r->run_length);
	r->run_length = 0;
}

static void data_remove(struct removal *r, uint64_t block)
{
	if (!ext2_is_valid_block(&r->es->geometry, block)) {
		ext2_corrupt(r->es, "bad block in inode", r->inode->ino);
		return;
	}
	r->removed++;
	if (r->run_length && r->run + r->run_length == block) {
		r->run_length++;
		return;
	}
	run_flush(r);
	r->run = block;
	r->run_length = 1;
}

static int branch_remove(struct removal *r, uint32_t number, unsigned int level, uint64_t base);

/*
 * Pointers of an array, each with ext2_blocks_below(level) file blocks below, the first of them
 * `base`. Those wholly in the range become 0.
 */
static int array_remove(struct removal *r, __le32 *array, uint32_t count, unsigned int level,
                        uint64_t base)
{
	const uint64_t below = ext2_blocks_below(&r->es->geometry, level);
	int err = 0;

	for (uint32_t i = 0; i < count && !err; i++) {
		const uint64_t start = base + i * below;
		const uint32_t number = le32_to_cpu(array[i]);

		if (!number || start >= r->to || start + below <= r->from)
			continue;
		if (level)
			err = branch_remove(r, number, level, start);
		else
			data_remove(r, number);
		if (!err && !r->is_end && start >= r->from && start + below <= r->to)
			WRITE_ONCE(array[i], cpu_to_le32(0));
	}
	return err;
}

static int branch_remove(struct removal *r, uint32_t number, unsigned int level, uint64_t base)
{
	const struct ext2_geometry *g = &r->es->geometry;
	const bool is_whole = base >= r->from && base + ext2_blocks_below(g, level) <= r->to;
	struct meta_view view = { 0 };
	uint8_t *data;
	int err;

	if (!ext2_is_valid_block(g, number)) {
		ext2_corrupt(r->es, "bad indirect block in inode", r->inode->ino);
		return 0;
	}
	/* A block that goes as a whole need not be changed: nobody will lead to it. */
	if (is_whole) {
		err = meta_read(&r->es->meta, number, &view);
		data = view.data;
	} else {
		err = meta_modify(&r->es->meta, number, META_NODE, &data);
	}
	if (!err) {
		bool was_end = r->is_end;

		r->is_end |= is_whole;
		err = array_remove(r, (__le32 *)(void *)data, g->block_size / sizeof(__le32),
		                   level - 1, base);
		r->is_end = was_end;
	}
	if (is_whole && !err) {
		meta_view_put(&view);
		run_flush(r);
		r->removed++;
		ext2_blocks_free_later(r->es, number, 1);
	} else if (is_whole && view.page) {
		meta_view_put(&view);
	}
	return err;
}

/* Inside an operation, with the map lock or the only user of the inode. */
static int tree_remove(struct removal *r)
{
	struct ext2_inode *e = to_ext2(r->inode);
	uint64_t base = EXT2_NDIR_BLOCKS;
	int err = array_remove(r, e->block, EXT2_NDIR_BLOCKS, 0, 0);

	for (unsigned int level = 1; level < EXT2_PATH_MAX && !err; level++) {
		err = array_remove(r, &e->block[EXT2_NDIR_BLOCKS + level - 1], 1, level, base);
		base += ext2_blocks_below(&r->es->geometry, level);
	}
	run_flush(r);
	if (r->removed)
		inode_blocks_add(r->inode, -(int64_t)min(r->removed * ext2_sectors_per_block(r->es),
		                                         r->inode->blocks));
	return err;
}

static bool has_tree(const struct inode *inode)
{
	if (to_ext2(inode)->flags & EXT2_EXTENTS_FL)
		return false;
	if (S_ISLNK(inode->mode))
		return (uint64_t)inode->size >= sizeof(to_ext2(inode)->block);
	return S_ISREG(inode->mode) || S_ISDIR(inode->mode);
}

int ext2_blocks_remove(struct inode *inode, uint64_t from, uint64_t to)
{
	struct ext2_super *es = ext2_super(inode);
	struct removal r = { .inode = inode, .es = es, .from = from, .to = to };
	int err;

	if (!has_tree(inode) || !inode->blocks)
		return 0;
	meta_op_begin(&es->meta);
	mutex_lock(&to_ext2(inode)->map_lock);
	err = tree_remove(&r);
	mutex_unlock(&to_ext2(inode)->map_lock);
	ext2_changed(inode);
	meta_op_end(&es->meta);
	return err;
}

void ext2_blocks_delete(struct inode *inode)
{
	struct removal r = {
		.inode = inode,
		.es = ext2_super(inode),
		.to = UINT64_MAX,
		.is_end = true,
		.data_at_once = S_ISREG(inode->mode),
	};
	bool is_link = S_ISLNK(inode->mode) && inode->blocks;

	if (!is_link && !has_tree(inode))
		return;
	if (tree_remove(&r))
		ext2_corrupt(r.es, "blocks are lost of inode", inode->ino);
}

int ext2_resize(struct inode *inode, pos_t size)
{
	const uint32_t block_size = ext2_super(inode)->geometry.block_size;
	const pos_t old = inode->size;
	int err;

	if (size > old) {
		err = disk_mapping_extend(inode->mapping, size);
	} else {
		WRITE_ONCE(inode->size, size);
		smp_mb(); /* the size before the look for pages, whose faults look at it */
		err = disk_mapping_truncate(inode->mapping, size);
		if (ext2_blocks_remove(inode, div_round_up((uint64_t)size, block_size), UINT64_MAX))
			err = err ? err : -EIO;
	}
	return err;
}
