/*
 * What ext2 puts into a round of metadata, and what it does between the steps of a commit. See
 * fs/meta.h for the steps, ext2_impl.h for struct ext2_round.
 *
 * An inode that lost its last name is not stored with that round: the disk keeps it as it was, with
 * its link, until the directory without the name rests there. Then its count becomes 0, and when
 * the last user has gone its blocks and number are given back (inode.c), in the round after.
 */
#include <linux/errno.h>
#include <linux/mount.h>

#include "core/printk.h"
#include "fs/disk_mapping.h"
#include "fs/ext2/ext2_impl.h"
#include "lib/bitmap.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/page.h"
#include "sched/clock.h"
#include "sched/page_lock.h"
#include "sched/rcu.h"

static struct ext2_super *es_of(struct meta *meta)
{
	return meta->owner;
}

/* The round that is being committed: the one before the open one. */
static struct ext2_round *frozen_round(struct ext2_super *es)
{
	return &es->rounds[(meta_round(&es->meta) - 1) & 1];
}

static unsigned int frozen_index(struct ext2_super *es)
{
	return (unsigned int)(meta_round(&es->meta) - 1) & 1;
}

struct ext2_round *ext2_open_round(struct ext2_super *es)
{
	return &es->rounds[meta_round(&es->meta) & 1];
}

void ext2_rounds_init(struct ext2_super *es)
{
	for (unsigned int i = 0; i < 2; i++) {
		list_init(&es->rounds[i].changed);
		list_init(&es->rounds[i].dead);
		list_init(&es->rounds[i].freed);
		list_init(&es->rounds[i].moved);
	}
}

/* ---- the open round -------------------------------------------------------------------------- */

static void changed_in(struct ext2_super *es, struct inode *inode, unsigned int which)
{
	struct ext2_part *part = &to_ext2(inode)->parts[which];

	if (READ_ONCE(part->is_listed))
		return;
	spin_lock(&es->lists_lock);
	if (!part->is_listed) {
		part->is_listed = true;
		part->has_data = false;
		inode_get(inode);
		list_add_tail(&es->rounds[which].changed, &part->link);
	}
	spin_unlock(&es->lists_lock);
}

void ext2_changed(struct inode *inode)
{
	struct ext2_super *es = ext2_super(inode);
	uint64_t round = meta_round(&es->meta);

	WRITE_ONCE(to_ext2(inode)->changed_round, round);
	changed_in(es, inode, round & 1);
	meta_want_freeze(&es->meta);
}

void ext2_has_new_data(struct inode *inode, uint64_t first, uint64_t last)
{
	struct ext2_super *es = ext2_super(inode);
	struct ext2_part *part = &to_ext2(inode)->parts[meta_round(&es->meta) & 1];

	ext2_changed(inode);
	spin_lock(&es->lists_lock);
	part->first = part->has_data ? min(part->first, first) : first;
	part->last = part->has_data ? max(part->last, last) : last;
	part->has_data = true;
	spin_unlock(&es->lists_lock);
}

void ext2_died(struct inode *inode)
{
	struct ext2_super *es = ext2_super(inode);
	struct ext2_inode *e = to_ext2(inode);

	e->dead_round = meta_round(&es->meta);
	e->dtime = (uint32_t)(inode_now() / NS_PER_SEC);
	spin_lock(&es->lists_lock);
	if (!e->is_listed_dead) {
		e->is_listed_dead = true;
		inode_get(inode);
		list_add_tail(&ext2_open_round(es)->dead, &e->dead_link);
	}
	spin_unlock(&es->lists_lock);
	meta_want_freeze(&es->meta);
	inode_cache_remove(inode);
}

int ext2_name_moved(struct inode *dir, uint64_t block, uint32_t offset, const struct inode *inode)
{
	struct ext2_super *es = ext2_super(dir);
	struct ext2_moved *moved = kmalloc(sizeof(*moved), ALLOC_KERNEL);

	if (!moved)
		return -ENOMEM;
	*moved = (struct ext2_moved){ .block = block, .offset = offset, .ino = (uint32_t)inode->ino,
	                              .mode = inode->mode };
	to_ext2(dir)->moved_round = meta_round(&es->meta);
	spin_lock(&es->lists_lock);
	list_add_tail(&ext2_open_round(es)->moved, &moved->link);
	spin_unlock(&es->lists_lock);
	return 0;
}

/* ---- freezing -------------------------------------------------------------------------------- */

static int inode_freeze(struct ext2_super *es, struct inode *inode)
{
	uint64_t block;
	uint32_t offset;
	uint8_t *data;
	int err;

	if (to_ext2(inode)->dead_round == meta_round(&es->meta))
		return 0;
	ext2_inode_place(es, (uint32_t)inode->ino, &block, &offset);
	err = meta_modify(&es->meta, block, META_TABLE, &data);
	if (!err)
		ext2_inode_store(inode, data + offset);
	return err;
}

static int descs_freeze(struct ext2_super *es)
{
	const struct ext2_geometry *g = &es->geometry;
	size_t i;

	bitmap_for_each_set(i, es->desc_dirty, g->desc_blocks) {
		uint32_t first = (uint32_t)i * g->descs_per_block;
		uint32_t end = min(first + g->descs_per_block, g->groups);
		uint64_t block = ext2_desc_block(g, (uint32_t)i);
		uint8_t *data;
		int err = meta_modify(&es->meta, block, META_TABLE, &data);

		if (err)
			return err;
		for (uint32_t group = first; group < end; group++)
			ext2_group_format(g, &es->groups[group],
			                  data + (group - first) * g->desc_size);
		bitmap_clear(es->desc_dirty, i);
	}
	return 0;
}

/* A file of 2 GiB needs the feature; revision 0 has none. */
static void large_files_tell(const struct ext2_super *es, struct ext2_super_block *raw)
{
	if (!es->has_large_files)
		return;
	if (le32_to_cpu(raw->s_rev_level) == EXT2_REV_OLD) {
		raw->s_rev_level = cpu_to_le32(EXT2_REV_DYNAMIC);
		raw->s_first_ino = cpu_to_le32(EXT2_OLD_FIRST_INO);
		raw->s_inode_size = cpu_to_le16(EXT2_OLD_INODE_SIZE);
	}
	raw->s_feature_ro_compat = cpu_to_le32(le32_to_cpu(raw->s_feature_ro_compat) |
	                                       EXT2_RO_COMPAT_LARGE_FILE);
}

static int super_freeze(struct ext2_super *es)
{
	struct ext2_super_block *raw;
	uint8_t *data;
	int err = meta_modify(&es->meta, es->geometry.super_block, META_TABLE, &data);

	if (err)
		return err;
	raw = (void *)(data + (es->geometry.super_block ? 0 : EXT2_SUPER_OFFSET));
	raw->s_free_blocks_count = cpu_to_le32((uint32_t)es->free_blocks);
	raw->s_free_inodes_count = cpu_to_le32((uint32_t)es->free_inodes);
	raw->s_wtime = cpu_to_le32((uint32_t)(inode_now() / NS_PER_SEC));
	raw->s_state = cpu_to_le16(es->state | (es->has_errors ? EXT2_STATE_ERRORS : 0));
	large_files_tell(es, raw);
	if (es->is_mounting) {
		raw->s_mnt_count = cpu_to_le16((uint16_t)(le16_to_cpu(raw->s_mnt_count) + 1));
		raw->s_mtime = raw->s_wtime;
	}
	return 0;
}

static int ext2_freeze(struct meta *meta)
{
	struct ext2_super *es = es_of(meta);
	const unsigned int which = meta_round(meta) & 1;
	struct ext2_part *part;
	int err;

	/* Whoever is on the list stays there until the round is done. */
	list_for_each_entry(part, &es->rounds[which].changed, link) {
		struct ext2_inode *e = container_of(part - which, struct ext2_inode, parts);

		err = inode_freeze(es, &e->disk.inode);
		if (err)
			return err;
	}
	mutex_lock(&es->alloc_lock);
	err = descs_freeze(es);
	if (!err)
		err = super_freeze(es);
	mutex_unlock(&es->alloc_lock);
	return err;
}

/* ---- the steps of a commit ------------------------------------------------------------------- */

/* The first page from *index on that somebody has locked, with a reference; NULL: none to last. */
static struct page *locked_page(struct mapping *mapping, pgoff_t *index, pgoff_t last)
{
	struct page *page;

	rcu_read_lock();
	while ((page = radix_next(&mapping->pages, index)) && *index <= last) {
		if (page_is(page, PAGE_LOCKED) && page_try_get(page))
			break;
		++*index;
	}
	rcu_read_unlock();
	return page && *index <= last ? page : NULL;
}

/* Pages of new blocks that are being filled: whoever does so marks them dirty before he unlocks. */
static void pages_settle(struct mapping *mapping, pgoff_t first, pgoff_t last)
{
	struct page *page;

	while (first <= last && (page = locked_page(mapping, &first, last))) {
		page_wait(page, PAGE_LOCKED);
		page_put(page);
		first++;
	}
}

static int part_write(struct ext2_super *es, struct inode *inode, const struct ext2_part *part)
{
	const uint32_t bits = es->geometry.block_bits;
	const pos_t from = (pos_t)(part->first << bits), to = (pos_t)((part->last + 1) << bits) - 1;
	pgoff_t last = min((uint64_t)to, (uint64_t)max(inode->size, (pos_t)1) - 1) >> PAGE_SHIFT;

	if (!inode->mapping)
		return 0;
	pages_settle(inode->mapping, (uint64_t)from >> PAGE_SHIFT, last);
	return mapping_write_back(inode->mapping, from, to, false);
}

static int ext2_write_data(struct meta *meta)
{
	struct ext2_super *es = es_of(meta);
	const unsigned int which = frozen_index(es);
	struct ext2_part *part;
	int err = 0;

	list_for_each_entry(part, &es->rounds[which].changed, link) {
		struct ext2_inode *e = container_of(part - which, struct ext2_inode, parts);

		if (part->has_data && !e->dead_round && !err)
			err = part_write(es, &e->disk.inode, part);
	}
	list_for_each_entry(part, &es->rounds[which].changed, link) {
		struct ext2_inode *e = container_of(part - which, struct ext2_inode, parts);
		struct mapping *mapping = e->disk.inode.mapping;

		if (part->has_data && mapping)
			mapping_wait(mapping, (pos_t)(part->first << es->geometry.block_bits),
			             INT64_MAX);
	}
	return err;
}

static void moved_set(struct meta *meta, bool there)
{
	struct ext2_super *es = es_of(meta);
	struct ext2_moved *moved;

	list_for_each_entry(moved, &frozen_round(es)->moved, link) {
		struct ext2_dir_block block;
		uint8_t *data = meta_frozen(meta, moved->block);

		if (!data)
			continue;
		ext2_dir_view(es, data, &block);
		ext2_dir_set(&block, moved->offset, there ? moved->ino : 0, moved->mode);
	}
}

static void ext2_names_patch(struct meta *meta)
{
	moved_set(meta, true);
}

static void ext2_names_settle(struct meta *meta)
{
	moved_set(meta, false);
}

/* It had no name, was given one, and has lost that in the open round. */
static bool died_again(struct ext2_super *es, const struct ext2_inode *e)
{
	return e->dead_round == meta_round(&es->meta);
}

static bool ext2_names_written(struct meta *meta)
{
	struct ext2_super *es = es_of(meta);
	struct ext2_inode *e;
	bool any = false;

	list_for_each_entry(e, &frozen_round(es)->dead, dead_link) {
		uint64_t block;
		uint32_t offset;
		uint8_t *data;

		if (!e->dead_round || died_again(es, e))
			continue;
		ext2_inode_place(es, (uint32_t)e->disk.inode.ino, &block, &offset);
		if (meta_modify_table(meta, block, &data)) {
			ext2_corrupt(es, "cannot delete inode", e->disk.inode.ino);
			continue;
		}
		ext2_inode_store(&e->disk.inode, data + offset);
		any = true;
	}
	return any;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void freed_release(struct ext2_super *es, struct ext2_round *round)
{
	struct ext2_freed *freed, *ahead;

	if (list_is_empty(&round->freed))
		return;
	meta_op_begin(&es->meta);
	list_for_each_entry_safe(freed, ahead, &round->freed, link) {
		ext2_blocks_free(es, freed->block, freed->count);
		mutex_lock(&es->alloc_lock);
		es->freed_blocks -= freed->count;
		mutex_unlock(&es->alloc_lock);
		list_remove(&freed->link);
		kfree(freed);
	}
	meta_op_end(&es->meta);
}

/* Back into the open round: it was not written. */
static void round_give_back(struct ext2_super *es, struct ext2_round *round, unsigned int which)
{
	struct ext2_round *open;
	struct ext2_part *part, *ahead;
	struct list puts = LIST_INIT(puts);

	meta_op_begin(&es->meta);
	open = ext2_open_round(es);
	list_for_each_entry_safe(part, ahead, &round->changed, link) {
		struct ext2_inode *e = container_of(part - which, struct ext2_inode, parts);

		changed_in(es, &e->disk.inode, !which);
		spin_lock(&es->lists_lock);
		e->parts[!which].first = 0;
		e->parts[!which].last = UINT32_MAX;
		e->parts[!which].has_data |= part->has_data;
		list_move_tail(&puts, &part->link);
		part->is_listed = false;
		spin_unlock(&es->lists_lock);
	}
	spin_lock(&es->lists_lock);
	list_splice_tail(&open->dead, &round->dead);
	list_init(&round->dead);
	spin_unlock(&es->lists_lock);
	mutex_lock(&es->alloc_lock);
	list_splice_head(&open->freed, &round->freed);
	list_init(&round->freed);
	mutex_unlock(&es->alloc_lock);
	meta_want_freeze(&es->meta);
	meta_op_end(&es->meta);
	list_for_each_entry_safe(part, ahead, &puts, link) {
		list_remove(&part->link);
		inode_put(&container_of(part - which, struct ext2_inode, parts)->disk.inode);
	}
}

static void moved_free(struct ext2_round *round)
{
	struct ext2_moved *moved, *ahead;

	list_for_each_entry_safe(moved, ahead, &round->moved, link) {
		list_remove(&moved->link);
		kfree(moved);
	}
}

static struct ext2_inode *changed_take(struct ext2_super *es, unsigned int which)
{
	struct ext2_part *part;

	spin_lock(&es->lists_lock);
	part = list_first_entry_or_null(&es->rounds[which].changed, struct ext2_part, link);
	if (part) {
		list_remove(&part->link);
		part->is_listed = false;
	}
	spin_unlock(&es->lists_lock);
	return part ? container_of(part - which, struct ext2_inode, parts) : NULL;
}

static struct ext2_inode *dead_take(struct ext2_super *es, struct ext2_round *round)
{
	struct ext2_inode *e, *ahead, *found = NULL;

	spin_lock(&es->lists_lock);
	list_for_each_entry_safe(e, ahead, &round->dead, dead_link) {
		if (died_again(es, e)) {
			list_move_tail(&ext2_open_round(es)->dead, &e->dead_link);
			continue;
		}
		list_remove(&e->dead_link);
		e->is_listed_dead = false;
		found = e;
		break;
	}
	spin_unlock(&es->lists_lock);
	return found;
}

static void ext2_done(struct meta *meta, int err)
{
	struct ext2_super *es = es_of(meta);
	const unsigned int which = frozen_index(es);
	struct ext2_round *round = &es->rounds[which];
	struct ext2_inode *e;

	moved_free(round);
	if (err) {
		round_give_back(es, round, which);
		return;
	}
	freed_release(es, round);
	while ((e = changed_take(es, which)))
		inode_put(&e->disk.inode);
	while ((e = dead_take(es, round)))
		inode_put(&e->disk.inode);
}

static void ext2_meta_error(struct meta *meta, int err)
{
	struct ext2_super *es = es_of(meta);

	if (!atomic_load(&es->is_broken))
		pr_err("ext2: writing metadata failed: error %d\n", err);
	if (err != -ENOMEM && es->options.errors != EXT2_ERRORS_CONTINUE)
		ext2_corrupt(es, "writing metadata failed: error", (uint64_t)-err);
}

const struct meta_ops ext2_meta_ops = {
	.freeze = ext2_freeze,
	.write_data = ext2_write_data,
	.names_patch = ext2_names_patch,
	.names_settle = ext2_names_settle,
	.names_written = ext2_names_written,
	.done = ext2_done,
	.error = ext2_meta_error,
};
