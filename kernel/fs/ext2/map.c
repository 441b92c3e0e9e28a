/*
 * Where a file's blocks lie, and places for new ones.
 *
 * A look takes no lock: pointers are read as whole words and checked, and a way through a block
 * that was freed meanwhile leads to an answer that nobody uses (fs/disk_mapping.h: pages behind the
 * end are not kept). Allocation holds the map lock, inside a metadata operation.
 *
 * A fresh block is put into the tree only when it, and whatever leads to it, has been made: a
 * failure leaves the file as it was.
 */
#include <linux/errno.h>

#include "fs/disk_mapping.h"
#include "fs/ext2/ext2_impl.h"
#include "fs/ext2/extent.h"
#include "lib/math.h"
#include "lib/string.h"

/* ---- extents --------------------------------------------------------------------------------- */

static int extent_step(struct inode *inode, struct ext4_extent_search *search,
                       struct ext4_extent_step *step)
{
	struct ext2_super *es = ext2_super(inode);
	struct meta_view view;
	int err = meta_read(&es->meta, step->start, &view);

	if (err)
		return err;
	search->depth--;
	err = ext4_extent_checksum_is_right(&es->geometry, (uint32_t)inode->ino, inode->generation,
	                                    view.data)
	              ? ext4_extent_search_node(&es->geometry, view.data, es->geometry.block_size,
	                                        search, step)
	              : -EBADMSG;
	meta_view_put(&view);
	return err;
}

static int extent_map(struct inode *inode, uint64_t block, uint32_t count, struct disk_extent *out)
{
	struct ext2_super *es = ext2_super(inode);
	struct ext4_extent_search search = ext4_extent_search_begin(block);
	struct ext4_extent_step step;
	int err;

	*out = (struct disk_extent){ .count = count, .state = EXTENT_HOLE };
	if (block >= search.limit)
		return 0;
	err = ext4_extent_search_node(&es->geometry, to_ext2(inode)->block,
	                              sizeof(to_ext2(inode)->block), &search, &step);
	while (!err && step.state == EXT4_EXTENT_CHILD)
		err = extent_step(inode, &search, &step);
	if (err == -EUCLEAN || err == -EBADMSG)
		return ext2_corrupt(es, "bad extents in inode", inode->ino);
	if (err)
		return err;
	out->device_block = step.start;
	out->count = (uint32_t)min((uint64_t)count, step.count);
	out->state = step.state == EXT4_EXTENT_HOLE     ? EXTENT_HOLE
	             : step.state == EXT4_EXTENT_MAPPED ? EXTENT_MAPPED
	                                                : EXTENT_UNWRITTEN;
	return 0;
}

/* ---- looking --------------------------------------------------------------------------------- */

/* The pointers of one array on the way to a block. */
struct step {
	struct meta_view view; /* page NULL: the inode's own */
	const __le32    *array;
};

static void step_put(struct step *step)
{
	if (step->view.page)
		meta_view_put(&step->view);
	step->view.page = NULL;
}

static uint32_t pointer_at(const __le32 *array, uint32_t index)
{
	return le32_to_cpu(READ_ONCE(array[index]));
}

/*
 * Goes down to the last array on the way that is there: how many steps were done, path[done - 1]
 * indexes step->array then.
 */
static int path_walk(struct inode *inode, const uint32_t *path, unsigned int depth,
                     struct step *step, unsigned int *done)
{
	struct ext2_super *es = ext2_super(inode);
	uint32_t number;

	*step = (struct step){ .array = to_ext2(inode)->block };
	for (*done = 1; *done < depth; ++*done) {
		int err;

		number = pointer_at(step->array, path[*done - 1]);
		if (!number)
			return 0;
		step_put(step);
		if (!ext2_is_valid_block(&es->geometry, number))
			return ext2_corrupt(es, "bad indirect block in inode", inode->ino);
		err = meta_read(&es->meta, number, &step->view);
		if (err) {
			step->view.page = NULL;
			return err;
		}
		step->array = (const __le32 *)(const void *)step->view.data;
	}
	return 0;
}

/* How many pointers from `index` on follow each other on the disk, or are holes like the first. */
static uint32_t run_length(const __le32 *array, uint32_t index, uint32_t most)
{
	const uint32_t first = pointer_at(array, index);
	uint32_t n = 1;

	while (n < most && pointer_at(array, index + n) == (first ? first + n : 0))
		n++;
	return n;
}

/* Blocks of the file below one missing pointer, from this block on: all holes. */
static uint64_t hole_length(const struct ext2_geometry *g, const uint32_t *path,
                            unsigned int depth, unsigned int done)
{
	uint64_t below = ext2_blocks_below(g, depth - done), inside = 0;

	for (unsigned int i = done; i < depth; i++)
		inside += path[i] * ext2_blocks_below(g, depth - 1 - i);
	return below - inside;
}

static int pointer_map(struct inode *inode, uint64_t block, uint32_t count,
                       struct disk_extent *out)
{
	struct ext2_super *es = ext2_super(inode);
	uint32_t path[EXT2_PATH_MAX], left, number = 0;
	unsigned int done, depth = ext2_block_path(&es->geometry, block, path, &left);
	struct step step;
	int err;

	*out = (struct disk_extent){ .count = count, .state = EXTENT_HOLE };
	if (!depth)
		return 0;
	err = path_walk(inode, path, depth, &step, &done);
	if (err) {
		step_put(&step);
		return err;
	}
	if (done < depth) {
		out->count = (uint32_t)min((uint64_t)count, hole_length(&es->geometry, path, depth,
		                                                        done));
	} else {
		out->count = run_length(step.array, path[depth - 1], min(count, left));
		number = pointer_at(step.array, path[depth - 1]);
	}
	step_put(&step);
	if (!number)
		return 0;
	if (!ext2_are_valid_blocks(&es->geometry, number, out->count))
		return ext2_corrupt(es, "bad block in inode", inode->ino);
	out->device_block = number;
	out->state = EXTENT_MAPPED;
	return 0;
}

/* ---- allocating ------------------------------------------------------------------------------ */

static void blocks_count(struct inode *inode, int64_t blocks)
{
	inode_blocks_add(inode, blocks * ext2_sectors_per_block(ext2_super(inode)));
}

/* Where the next block would be good: behind the one before it in the array. */
static uint64_t find_goal(struct inode *inode, const __le32 *array, uint32_t index)
{
	struct ext2_inode *e = to_ext2(inode);

	for (uint32_t i = index; i > 0 && index - i < 16; i--) {
		uint32_t number = pointer_at(array, i - 1);

		if (number)
			return number + 1ul;
	}
	return e->goal ? e->goal : ext2_ino_goal(ext2_super(inode), (uint32_t)inode->ino);
}

static int block_alloc(struct inode *inode, uint64_t goal, uint32_t wanted, uint64_t *first,
                       uint32_t *count)
{
	struct ext2_inode *e = to_ext2(inode);
	int err = ext2_blocks_alloc(ext2_super(inode), goal, wanted, e->may_use_reserve, first,
	                            count);

	if (!err) {
		e->goal = *first + *count;
		blocks_count(inode, *count);
	}
	return err;
}

/* The array that holds the pointers to data: its block (0: the inode) and the words to change. */
struct leaf {
	uint64_t block;
	__le32  *array;
};

static int leaf_open(struct inode *inode, uint64_t block, struct leaf *leaf)
{
	uint8_t *data = NULL;
	int err;

	leaf->block = block;
	if (!block) {
		leaf->array = to_ext2(inode)->block;
		return 0;
	}
	err = meta_modify(&ext2_super(inode)->meta, block, META_NODE, &data);
	leaf->array = (__le32 *)(void *)data;
	return err;
}

/* Makes the indirect blocks that are missing on the way and opens the last. Map lock held. */
static int path_make(struct inode *inode, const uint32_t *path, unsigned int depth,
                     struct leaf *leaf)
{
	struct ext2_super *es = ext2_super(inode);
	int err = leaf_open(inode, 0, leaf);

	for (unsigned int i = 1; i < depth && !err; i++) {
		uint64_t number = pointer_at(leaf->array, path[i - 1]), goal;
		uint32_t count;
		uint8_t *data;

		if (number && !ext2_is_valid_block(&es->geometry, number))
			return ext2_corrupt(es, "bad indirect block in inode", inode->ino);
		if (number) {
			err = leaf_open(inode, number, leaf);
			continue;
		}
		goal = find_goal(inode, leaf->array, path[i - 1]);
		err = block_alloc(inode, goal, 1, &number, &count);
		if (err)
			return err;
		err = meta_modify_new(&es->meta, number, META_NODE, &data);
		if (err) {
			blocks_count(inode, -1);
			ext2_blocks_free(es, number, 1);
			return err;
		}
		leaf->array[path[i - 1]] = cpu_to_le32((uint32_t)number);
		leaf->block = number;
		leaf->array = (__le32 *)(void *)data;
	}
	return err;
}

/* Map lock held, inside an operation. */
static int map_allocate(struct inode *inode, uint64_t block, uint32_t count,
                        struct disk_extent *out)
{
	struct ext2_super *es = ext2_super(inode);
	uint32_t path[EXT2_PATH_MAX], left, index, got;
	unsigned int depth = ext2_block_path(&es->geometry, block, path, &left);
	struct leaf leaf;
	uint64_t first;
	int err;

	if (!depth)
		return -EFBIG;
	err = path_make(inode, path, depth, &leaf);
	if (err)
		return err;
	index = path[depth - 1];
	count = run_length(leaf.array, index, min(count, left));
	first = pointer_at(leaf.array, index);
	*out = (struct disk_extent){ first, count, EXTENT_MAPPED };
	if (first)
		return ext2_are_valid_blocks(&es->geometry, first, count)
		               ? 0
		               : ext2_corrupt(es, "bad block in inode", inode->ino);
	err = block_alloc(inode, find_goal(inode, leaf.array, index), count, &first, &got);
	if (err)
		return err;
	for (uint32_t i = 0; i < got; i++)
		WRITE_ONCE(leaf.array[index + i], cpu_to_le32((uint32_t)(first + i)));
	*out = (struct disk_extent){ first, got, EXTENT_NEW };
	return 0;
}

int ext2_map(struct inode *inode, uint64_t block, uint32_t count, bool allocate,
             struct disk_extent *out)
{
	struct ext2_super *es = ext2_super(inode);
	struct ext2_inode *e = to_ext2(inode);
	int err;

	if (e->flags & EXT2_EXTENTS_FL)
		return allocate ? -EROFS : extent_map(inode, block, count, out);
	err = pointer_map(inode, block, count, out);
	if (err || out->state != EXTENT_HOLE || !allocate)
		return err;
	if (!es->is_writable || atomic_load(&es->is_broken))
		return -EROFS;
	meta_op_begin(&es->meta);
	mutex_lock(&e->map_lock);
	err = map_allocate(inode, block, count, out);
	mutex_unlock(&e->map_lock);
	if (!err && out->state == EXTENT_NEW)
		ext2_has_new_data(inode, block, block + out->count - 1);
	else
		ext2_changed(inode);
	meta_op_end(&es->meta);
	return err;
}

int ext2_map_new_block(struct inode *inode, uint64_t block, enum meta_kind kind, uint64_t *number,
                       uint8_t **data)
{
	struct ext2_super *es = ext2_super(inode);
	struct ext2_inode *e = to_ext2(inode);
	struct disk_extent extent;
	int err;

	mutex_lock(&e->map_lock);
	err = map_allocate(inode, block, 1, &extent);
	mutex_unlock(&e->map_lock);
	ext2_changed(inode);
	if (err)
		return err;
	if (extent.state != EXTENT_NEW)
		return ext2_corrupt(es, "a block behind the end of inode", inode->ino);
	*number = extent.device_block;
	return meta_modify_new(&es->meta, extent.device_block, kind, data);
}

static int disk_map(struct mapping *mapping, uint64_t block, uint32_t count, unsigned int flags,
                    struct disk_extent *out)
{
	return ext2_map(mapping->host, block, count, flags & MAP_ALLOCATE, out);
}

static void disk_trim(struct mapping *mapping)
{
	struct inode *inode = mapping->host;
	const uint32_t size = ext2_super(inode)->geometry.block_size;

	(void)ext2_blocks_remove(inode, div_round_up((uint64_t)inode->size, size), UINT64_MAX);
}

const struct disk_mapping_ops ext2_disk_ops = {
	.map = disk_map,
	.trim = disk_trim,
};
