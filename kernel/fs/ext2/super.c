/*
 * Mounted instances of ext2, ext3 and ext4: mounting, statfs, remounting, the end; and what happens
 * when the disk says what cannot be.
 *
 * A file system that can be written is marked "not clean" before the first change and "clean" after
 * the last; mount counts and times are kept. What has features that we can only read is mounted
 * read-only, with a line that says which.
 */
#include <linux/errno.h>
#include <linux/magic.h>
#include <linux/mount.h>

#include "core/panic.h"
#include "core/printk.h"
#include "dev/block.h"
#include "fs/blockdev.h"
#include "fs/dentry.h"
#include "fs/disk_mapping.h"
#include "fs/ext2/ext2.h"
#include "fs/ext2/options.h"
#include "lib/bitmap.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"

enum { ROOM_MARGIN = 64, ROOM_ROUNDS = 3 };

static const struct fs_type ext2_type, ext3_type, ext4_type;

/* ---- errors ---------------------------------------------------------------------------------- */

int ext2_corrupt(struct ext2_super *es, const char *what, uint64_t number)
{
	pr_err_ratelimited("%s (%s): %s %lu\n", es->super->type->name, es->bdev->device->name,
	                   what, number);
	WRITE_ONCE(es->has_errors, true);
	if (es->super->flags & MS_RDONLY)
		return -EUCLEAN;
	if (es->options.errors == EXT2_ERRORS_PANIC)
		panic("%s (%s): %s %lu", es->super->type->name, es->bdev->device->name, what,
		      number);
	if (es->options.errors == EXT2_ERRORS_REMOUNT_RO) {
		pr_err("%s (%s): now read-only\n", es->super->type->name, es->bdev->device->name);
		atomic_or(&es->super->flags, MS_RDONLY);
	}
	meta_want_freeze(&es->meta);
	return -EUCLEAN;
}

/* ---- room ------------------------------------------------------------------------------------ */

static bool is_scarce(const struct ext2_super *es, uint64_t blocks)
{
	uint64_t needed = blocks + ROOM_MARGIN + es->geometry.reserved_blocks;

	return READ_ONCE(es->free_blocks) < needed || !READ_ONCE(es->free_inodes);
}

static bool is_something_coming(struct ext2_super *es)
{
	bool any;

	spin_lock(&es->lists_lock);
	any = !list_is_empty(&es->rounds[0].dead) || !list_is_empty(&es->rounds[1].dead);
	spin_unlock(&es->lists_lock);
	return any || READ_ONCE(es->freed_blocks);
}

void ext2_make_room(struct ext2_super *es, uint64_t blocks)
{
	int err;

	for (int i = 0; i < ROOM_ROUNDS; i++) {
		if (likely(!is_scarce(es, blocks)) || !is_something_coming(es) ||
		    !meta_commit_all(&es->meta, &err) || err)
			return;
	}
}

/* ---- statfs, sync ---------------------------------------------------------------------------- */

static int ext2_statfs(struct superblock *super, struct fs_stat *stat)
{
	struct ext2_super *es = super->private;
	const struct ext2_geometry *g = &es->geometry;

	mutex_lock(&es->alloc_lock);
	stat->blocks_free = es->free_blocks + es->freed_blocks;
	stat->files_free = es->free_inodes;
	mutex_unlock(&es->alloc_lock);
	stat->blocks = g->blocks_count - (es->options.minixdf ? 0 : es->overhead);
	stat->blocks_available = stat->blocks_free - min(stat->blocks_free, g->reserved_blocks);
	stat->files = g->inodes_count;
	stat->id = g->fsid;
	return 0;
}

/* Everything comes to rest, also what a round lets begin. */
static int commit_to_the_end(struct ext2_super *es)
{
	int err = 0;

	while (!err && meta_commit_all(&es->meta, &err))
		;
	return err;
}

static void part_drop(struct ext2_super *es, unsigned int which)
{
	struct ext2_round *round = &es->rounds[which];
	struct ext2_part *part, *ahead;
	struct ext2_inode *e, *e_ahead;
	struct ext2_freed *freed, *freed_ahead;

	list_for_each_entry_safe(part, ahead, &round->changed, link) {
		list_remove(&part->link);
		part->is_listed = false;
		inode_put(&container_of(part - which, struct ext2_inode, parts)->disk.inode);
	}
	list_for_each_entry_safe(e, e_ahead, &round->dead, dead_link) {
		list_remove(&e->dead_link);
		inode_put(&e->disk.inode);
	}
	list_for_each_entry_safe(freed, freed_ahead, &round->freed, link) {
		list_remove(&freed->link);
		kfree(freed);
	}
}

/* The last sync, and it failed: what is not on the disk is lost. */
static void give_up(struct ext2_super *es)
{
	pr_err("%s (%s): changes are lost\n", es->super->type->name, es->bdev->device->name);
	atomic_store(&es->is_broken, true);
	part_drop(es, 0);
	part_drop(es, 1);
}

static int ext2_sync(struct superblock *super, bool wait)
{
	struct ext2_super *es = super->private;
	const bool is_last = !refcount_read(&super->refs);
	int err;

	if (!es->is_writable)
		return 0;
	if (!wait) {
		meta_kick(&es->meta);
		return 0;
	}
	if (is_last)
		err = commit_to_the_end(es);
	else if (!meta_commit_all(&es->meta, &err))
		err = block_flush(es->bdev->device);
	if (is_last && err)
		give_up(es);
	/* Inodes that the rounds held. */
	if (is_last)
		inode_cache_drop_super(super);
	return err;
}

/* ---- clean and not --------------------------------------------------------------------------- */

static int writable_begin(struct ext2_super *es)
{
	int err;

	if (!(es->geometry.state & EXT2_STATE_VALID) || es->geometry.state & EXT2_STATE_ERRORS)
		pr_warn("%s (%s): was not unmounted cleanly: e2fsck should look at it\n",
		        es->super->type->name, es->bdev->device->name);
	if (es->geometry.last_orphan)
		pr_warn("%s (%s): deleted files are left to e2fsck\n", es->super->type->name,
		        es->bdev->device->name);
	es->is_writable = true;
	es->state = es->geometry.state & ~(uint16_t)EXT2_STATE_VALID;
	es->is_mounting = true;
	meta_want_freeze(&es->meta);
	meta_commit_all(&es->meta, &err);
	es->is_mounting = false;
	if (err)
		es->is_writable = false;
	return err;
}

static int writable_end(struct ext2_super *es)
{
	int err = commit_to_the_end(es);

	if (!err && !atomic_load(&es->is_broken)) {
		es->state = es->geometry.state;
		meta_want_freeze(&es->meta);
		meta_commit_all(&es->meta, &err);
	}
	return err;
}

static int write_check(struct ext2_super *es)
{
	if (es->readonly_reason)
		return -EROFS;
	return block_device_is_readonly(es->bdev->device) ? -EACCES : 0;
}

static int ext2_remount(struct superblock *super, unsigned int *flags, const char *options)
{
	struct ext2_super *es = super->private;
	struct ext2_options wanted = es->options;
	const bool writable = !(*flags & MS_RDONLY);
	int err = ext2_options_parse(options, super->type == &ext2_type, &wanted, NULL);

	if (!err && writable && !es->is_writable)
		err = write_check(es);
	if (err)
		return err;
	if (writable && !es->is_writable) {
		err = writable_begin(es);
	} else if (!writable && es->is_writable) {
		err = writeback_sync(super, true);
		if (!err)
			err = writable_end(es);
		if (!err)
			es->is_writable = false;
	}
	if (!err)
		es->options = wanted;
	return err;
}

/* ---- mounting -------------------------------------------------------------------------------- */

static int geometry_read(struct ext2_super *es, const struct ext2_mount_words *words, bool silent)
{
	const uint64_t at = words->super_at ? words->super_at * 1024 : EXT2_SUPER_OFFSET;
	const uint64_t bytes = block_device_sectors(es->bdev->device) << SECTOR_SHIFT;
	const char *name = es->bdev->device->name, *why = NULL;
	struct page *page;
	int err;

	if (bytes < at + EXT2_SUPER_SIZE)
		return -EINVAL;
	err = disk_page_get(bdev_mapping(es->bdev), at >> PAGE_SHIFT, &page);
	if (err)
		return err;
	err = ext2_geometry_parse((char *)page_to_virt(page) + (at & (PAGE_SIZE - 1)), bytes,
	                          &es->geometry, &why);
	page_put(page);
	if (err && (why || !silent))
		pr_err("%s (%s): %s\n", es->super->type->name, name, why ? why : "no super block");
	return err;
}

static int descs_read(struct ext2_super *es, uint32_t index)
{
	const struct ext2_geometry *g = &es->geometry;
	const uint32_t first = index * g->descs_per_block;
	const uint32_t end = min(first + g->descs_per_block, g->groups);
	struct meta_view view;
	const char *why;
	int err = meta_read(&es->meta, ext2_desc_block(g, index), &view);

	if (err)
		return err;
	for (uint32_t group = first; group < end && !err; group++) {
		err = ext2_group_parse(g, group, view.data + (group - first) * g->desc_size,
		                       &es->groups[group], &why);
		if (err) {
			pr_err("%s (%s): group %u: %s\n", es->super->type->name,
			       es->bdev->device->name, group, why);
			break;
		}
		es->free_blocks += es->groups[group].free_blocks;
		es->free_inodes += es->groups[group].free_inodes;
	}
	meta_view_put(&view);
	return err;
}

static int groups_read(struct ext2_super *es)
{
	const struct ext2_geometry *g = &es->geometry;
	int err = 0;

	es->groups = kvmalloc(g->groups * sizeof(*es->groups), ALLOC_KERNEL | ALLOC_ZERO);
	es->desc_dirty = kvmalloc(bitmap_words(g->desc_blocks) * sizeof(uint64_t),
	                          ALLOC_KERNEL | ALLOC_ZERO);
	if (!es->groups || !es->desc_dirty)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->desc_blocks && !err; i++)
		err = descs_read(es, i);
	return err;
}

static void sizes_set(struct superblock *super, struct ext2_super *es)
{
	const struct ext2_geometry *g = &es->geometry;

	super->magic = EXT2_SUPER_MAGIC;
	super->block_size = g->block_size;
	super->name_max = EXT2_NAME_MAX;
	super->max_size = (pos_t)ext2_max_size(g);
	if (g->incompat & EXT2_INCOMPAT_EXTENTS)
		super->max_size = (pos_t)((1ul << 32) << g->block_bits);
	es->overhead = ext2_overhead(g);
	es->readonly_reason = ext2_readonly_reason(g);
	if (g->errors < EXT2_ERRORS_CONTINUE || g->errors > EXT2_ERRORS_PANIC)
		es->geometry.errors = EXT2_ERRORS_CONTINUE;
}

static int root_make(struct superblock *super)
{
	struct inode *inode;
	int err = inode_cache_get(super, EXT2_ROOT_INO, &inode);

	if (err)
		return err;
	if (!inode_is_dir(inode)) {
		inode_put(inode);
		return ext2_corrupt(super->private, "the root is no directory: inode",
		                    EXT2_ROOT_INO);
	}
	return dentry_create_root(super, inode, &super->root);
}

/* Everything but memory: the super block is put on failure, and releases it. */
static int super_fill(struct superblock *super, const struct mount_request *request)
{
	struct ext2_super *es = super->private;
	struct ext2_mount_words words = { 0 };
	const bool is_ext2 = super->type == &ext2_type;
	int err = ext2_options_parse(request->options, is_ext2, &es->options, &words);

	if (!err)
		err = geometry_read(es, &words, request->flags & MS_SILENT);
	/* As on Linux, so that root= finds the right one of the three. */
	if (!err && super->type == &ext3_type && !(es->geometry.compat & EXT2_COMPAT_HAS_JOURNAL))
		err = -EINVAL;
	if (err)
		return err;
	sizes_set(super, es);
	es->options.errors = es->geometry.errors;
	es->options.resuid = es->geometry.resuid;
	es->options.resgid = es->geometry.resgid;
	err = ext2_options_parse(request->options, is_ext2, &es->options, &words);
	if (!err)
		err = bdev_set_block_size(es->bdev, es->geometry.block_size);
	if (err)
		return err;
	meta_init(&es->meta, es->bdev->device, bdev_mapping(es->bdev), es->geometry.block_bits,
	          &ext2_meta_ops, es);
	es->has_meta = true;
	err = groups_read(es);
	if (!err)
		err = writeback_create(super);
	if (!err)
		err = root_make(super);
	if (err || super->flags & MS_RDONLY)
		return err;
	if (es->readonly_reason) {
		pr_warn("%s (%s): mounted read-only: %s\n", super->type->name,
		        es->bdev->device->name, es->readonly_reason);
		super->flags |= MS_RDONLY;
		return 0;
	}
	return writable_begin(es);
}

static void ext2_release(struct superblock *super)
{
	struct ext2_super *es = super->private;

	if (es->is_writable && writable_end(es))
		pr_err("%s (%s): was not marked clean\n", super->type->name,
		       es->bdev->device->name);
	if (es->has_meta)
		meta_fini(&es->meta);
	kvfree(es->groups);
	kvfree(es->desc_dirty);
	kfree(es);
}

static const struct super_ops ext2_super_ops = {
	.evict = ext2_evict,
	.free_inode = ext2_free_inode,
	.read_inode = ext2_read_inode,
	.write_inode = ext2_write_inode,
	.dirty_inode = disk_inode_dirty_times,
	.statfs = ext2_statfs,
	.sync = ext2_sync,
	.remount = ext2_remount,
	.show_options = ext2_show_options,
	.release = ext2_release,
};

static int ext2_fill(const struct fs_type *type, const struct mount_request *request,
                     struct bdev *bdev, struct superblock **out)
{
	struct ext2_super *es = kzalloc(sizeof(*es), ALLOC_KERNEL);
	struct superblock *super;
	int err;

	if (!es)
		return -ENOMEM;
	err = super_create(type, &ext2_super_ops, request->flags, &super);
	if (err) {
		kfree(es);
		return err;
	}
	super->private = es;
	es->super = super;
	es->bdev = bdev;
	mutex_init(&es->alloc_lock, RANK_META_ALLOC);
	mutex_init(&es->xattr_lock, RANK_META_XATTR);
	spin_lock_init(&es->lists_lock, RANK_INODE_CACHE);
	ext2_rounds_init(es);
	err = super_fill(super, request);
	if (err)
		super_put(super);
	else
		*out = super;
	return err;
}

static int ext2_mount(const struct fs_type *type, const struct mount_request *request,
                      struct superblock **out)
{
	return bdev_mount(type, request, ext2_fill, out);
}

int ext2_init(void)
{
	int err = fs_type_register(&ext3_type);

	if (!err)
		err = fs_type_register(&ext2_type);
	return err ? err : fs_type_register(&ext4_type);
}

static const struct fs_type ext2_type = {
	.name = "ext2",
	.flags = FS_NEEDS_DEVICE,
	.mount = ext2_mount,
};
static const struct fs_type ext3_type = {
	.name = "ext3",
	.flags = FS_NEEDS_DEVICE,
	.mount = ext2_mount,
};
static const struct fs_type ext4_type = {
	.name = "ext4",
	.flags = FS_NEEDS_DEVICE,
	.mount = ext2_mount,
};
