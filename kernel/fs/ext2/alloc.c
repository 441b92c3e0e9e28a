/*
 * Blocks and inodes: bitmaps and counters.
 *
 * Bitmaps live in the device's cache and change inside metadata operations; the counters of groups
 * are in memory and go into the descriptors when a round is frozen. Searches go by 64 bits.
 *
 * A block goes where its file's last one lies, else into the group of its inode; an inode near its
 * directory; directories of the first level are spread over the groups.
 *
 * All guarded by alloc_lock.
 */
#include <linux/errno.h>

#include "fs/ext2/ext2_impl.h"
#include "lib/bitmap.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"

/* A run of this length is looked for where a file begins. */
enum { FIRST_RUN = 8 };

static uint32_t group_of_block(const struct ext2_geometry *g, uint64_t block)
{
	return (uint32_t)((block - g->first_data_block) / g->blocks_per_group);
}

static void group_changed(struct ext2_super *es, uint32_t group)
{
	bitmap_set(es->desc_dirty, group / es->geometry.descs_per_block);
}

/* The bits of a little-endian machine are those of the format. */
static int bitmap_modify(struct ext2_super *es, uint64_t block, uint64_t **bits)
{
	uint8_t *data;
	int err = meta_modify(&es->meta, block, META_NODE, &data);

	if (err == -EIO)
		(void)ext2_corrupt(es, "cannot read bitmap", block);
	*bits = (uint64_t *)(void *)data;
	return err;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* The end of the run of zeroes at `from`. */
static size_t run_end(const uint64_t *bits, size_t nr, size_t from, uint32_t wanted)
{
	size_t most = min(nr, from + wanted);

	return bitmap_find_next_set(bits, most, from);
}

/* Where in a group: at the goal, behind it, at a run, anywhere. nr if there is none. */
static size_t group_search(const uint64_t *bits, size_t nr, size_t goal)
{
	size_t at;

	if (goal && !bitmap_test(bits, goal))
		return goal;
	at = bitmap_find_zero_range(bits, nr, goal, FIRST_RUN);
	if (at < nr)
		return at;
	at = bitmap_find_next_zero(bits, nr, goal);
	return at < nr || !goal ? at : bitmap_find_first_zero(bits, nr);
}

/* The metadata of a group must not be given away, whatever the bitmap says. */
static bool is_metadata(const struct ext2_geometry *g, const struct ext2_group *group,
                        uint64_t first, uint64_t count)
{
	if (!ext2_are_valid_blocks(g, first, count))
		return true;
	return (group->block_bitmap >= first && group->block_bitmap < first + count) ||
	       (group->inode_bitmap >= first && group->inode_bitmap < first + count) ||
	       (group->inode_table < first + count &&
	        first < group->inode_table + g->inode_table_blocks);
}

static int group_alloc(struct ext2_super *es, uint32_t number, size_t goal, uint32_t wanted,
                       uint64_t *first, uint32_t *count)
{
	const struct ext2_geometry *g = &es->geometry;
	struct ext2_group *group = &es->groups[number];
	const size_t nr = ext2_group_blocks(g, number);
	uint64_t *bits;
	size_t at, end;
	int err;

	if (!group->free_blocks)
		return -ENOSPC;
	err = bitmap_modify(es, group->block_bitmap, &bits);
	if (err)
		return err;
	at = group_search(bits, nr, goal);
	if (at >= nr)
		return -ENOSPC;
	end = run_end(bits, nr, at, min(wanted, group->free_blocks));
	*first = ext2_group_first_block(g, number) + at;
	*count = (uint32_t)(end - at);
	if (is_metadata(g, group, *first, *count))
		return ext2_corrupt(es, "metadata are free in the bitmap of group", number);
	bitmap_set_range(bits, at, *count);
	group->free_blocks -= *count;
	es->free_blocks -= min(es->free_blocks, (uint64_t)*count);
	group_changed(es, number);
	return 0;
}

int ext2_blocks_alloc(struct ext2_super *es, uint64_t goal, uint32_t wanted, bool privileged,
                      uint64_t *first, uint32_t *count)
{
	const struct ext2_geometry *g = &es->geometry;
	uint64_t kept = privileged ? 0 : g->reserved_blocks;
	uint32_t start;
	int err = -ENOSPC;

	if (!ext2_is_valid_block(g, goal))
		goal = g->first_data_block;
	start = group_of_block(g, goal);
	mutex_lock(&es->alloc_lock);
	if (es->free_blocks > kept) {
		wanted = (uint32_t)min((uint64_t)wanted, es->free_blocks - kept);
		for (uint32_t i = 0; i < g->groups && err == -ENOSPC; i++) {
			uint32_t group = (uint32_t)(((uint64_t)start + i) % g->groups);
			size_t offset = i ? 0 : goal - ext2_group_first_block(g, group);

			err = group_alloc(es, group, offset, wanted, first, count);
		}
	}
	mutex_unlock(&es->alloc_lock);
	return err;
}

static void group_free(struct ext2_super *es, uint32_t number, uint64_t first, uint32_t count)
{
	struct ext2_group *group = &es->groups[number];
	const size_t at = first - ext2_group_first_block(&es->geometry, number);
	uint64_t *bits;

	if (is_metadata(&es->geometry, group, first, count)) {
		ext2_corrupt(es, "metadata would be freed at block", first);
		return;
	}
	if (bitmap_modify(es, group->block_bitmap, &bits))
		return;
	for (size_t i = at; i < at + count; i++) {
		if (!bitmap_test(bits, i)) {
			ext2_corrupt(es, "freed twice: block", first + (i - at));
			continue;
		}
		bitmap_clear(bits, i);
		group->free_blocks++;
		es->free_blocks++;
	}
	group_changed(es, number);
}

void ext2_blocks_free(struct ext2_super *es, uint64_t first, uint64_t count)
{
	const struct ext2_geometry *g = &es->geometry;

	if (!ext2_are_valid_blocks(g, first, count)) {
		ext2_corrupt(es, "freed outside of the file system: block", first);
		return;
	}
	mutex_lock(&es->alloc_lock);
	while (count) {
		uint32_t group = group_of_block(g, first);
		uint64_t end = ext2_group_first_block(g, group) + ext2_group_blocks(g, group);
		uint64_t here = min(count, end - first);

		group_free(es, group, first, (uint32_t)here);
		first += here;
		count -= here;
	}
	mutex_unlock(&es->alloc_lock);
}

void ext2_blocks_free_later(struct ext2_super *es, uint64_t first, uint64_t count)
{
	struct ext2_round *round = ext2_open_round(es);
	struct ext2_freed *freed, *last;

	if (!ext2_are_valid_blocks(&es->geometry, first, count)) {
		ext2_corrupt(es, "freed outside of the file system: block", first);
		return;
	}
	mutex_lock(&es->alloc_lock);
	es->freed_blocks += count;
	last = list_is_empty(&round->freed)
	               ? NULL
	               : list_last_entry(&round->freed, struct ext2_freed, link);
	if (last && last->block + last->count == first) {
		last->count += count;
	} else if (last && first + count == last->block) {
		last->block = first;
		last->count += count;
	} else {
		/* Without memory they stay in use until fsck finds them. */
		freed = kmalloc(sizeof(*freed), ALLOC_KERNEL);
		if (freed) {
			freed->block = first;
			freed->count = count;
			list_add_tail(&round->freed, &freed->link);
		} else {
			es->freed_blocks -= count;
		}
	}
	mutex_unlock(&es->alloc_lock);
	meta_want_freeze(&es->meta);
}

/* ---- inodes ---------------------------------------------------------------------------------- */

uint64_t ext2_ino_goal(const struct ext2_super *es, uint32_t ino)
{
	const struct ext2_geometry *g = &es->geometry;
	uint32_t group = (ino - 1) / g->inodes_per_group;

	/* Neighbours in the table begin in different parts of the group. */
	return ext2_group_first_block(g, group) +
	       (uint64_t)((ino - 1) % 16) * (ext2_group_blocks(g, group) / 16);
}

/* The group with the fewest directories among those that are emptier than most. */
static uint32_t spread_group(const struct ext2_super *es, uint32_t start)
{
	const struct ext2_geometry *g = &es->geometry;
	const uint64_t inodes = es->free_inodes / g->groups, blocks = es->free_blocks / g->groups;
	uint32_t best = start, dirs = UINT32_MAX;

	for (uint32_t i = 0; i < g->groups; i++) {
		uint32_t at = (uint32_t)(((uint64_t)start + i) % g->groups);
		const struct ext2_group *group = &es->groups[at];

		if (group->free_inodes && group->used_dirs < dirs &&
		    group->free_inodes >= inodes && group->free_blocks >= blocks) {
			best = at;
			dirs = group->used_dirs;
		}
	}
	return best;
}

static uint32_t first_group(const struct ext2_super *es, const struct inode *dir, mode_t mode)
{
	uint32_t parent = ((uint32_t)dir->ino - 1) / es->geometry.inodes_per_group;

	if (S_ISDIR(mode) && dir->ino == EXT2_ROOT_INO)
		return spread_group(es, parent);
	return parent;
}

static int group_ino_alloc(struct ext2_super *es, uint32_t number, bool is_dir, uint32_t *ino)
{
	const struct ext2_geometry *g = &es->geometry;
	struct ext2_group *group = &es->groups[number];
	size_t at, from = 0;
	uint64_t *bits;
	int err;

	if (!group->free_inodes)
		return -ENOSPC;
	if (number * g->inodes_per_group < g->first_ino)
		from = g->first_ino - 1 - number * g->inodes_per_group;
	if (from >= g->inodes_per_group)
		return -ENOSPC;
	err = bitmap_modify(es, group->inode_bitmap, &bits);
	if (err)
		return err;
	at = bitmap_find_next_zero(bits, g->inodes_per_group, from);
	if (at >= g->inodes_per_group)
		return -ENOSPC;
	bitmap_set(bits, at);
	group->free_inodes--;
	group->used_dirs += is_dir;
	es->free_inodes -= es->free_inodes != 0;
	group_changed(es, number);
	*ino = number * g->inodes_per_group + (uint32_t)at + 1;
	return 0;
}

int ext2_ino_alloc(struct ext2_super *es, const struct inode *dir, mode_t mode, uint32_t *ino)
{
	const uint32_t groups = es->geometry.groups;
	int err = -ENOSPC;
	uint32_t start;

	mutex_lock(&es->alloc_lock);
	start = first_group(es, dir, mode);
	for (uint32_t i = 0; i < groups && err == -ENOSPC; i++)
		err = group_ino_alloc(es, (uint32_t)(((uint64_t)start + i) % groups),
		                      S_ISDIR(mode), ino);
	mutex_unlock(&es->alloc_lock);
	return err;
}

void ext2_ino_free(struct ext2_super *es, uint32_t ino, bool is_dir)
{
	const struct ext2_geometry *g = &es->geometry;
	uint32_t number = (ino - 1) / g->inodes_per_group, at = (ino - 1) % g->inodes_per_group;
	struct ext2_group *group = &es->groups[number];
	uint64_t *bits;

	mutex_lock(&es->alloc_lock);
	if (bitmap_modify(es, group->inode_bitmap, &bits) == 0) {
		if (bitmap_test(bits, at)) {
			bitmap_clear(bits, at);
			group->free_inodes++;
			es->free_inodes++;
		}
		group->used_dirs -= is_dir && group->used_dirs;
		group_changed(es, number);
	}
	mutex_unlock(&es->alloc_lock);
}
