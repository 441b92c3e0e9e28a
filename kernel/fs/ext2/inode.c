/*
 * Inodes: from the table into memory, back, new ones, and their end.
 */
#include <linux/errno.h>
#include <linux/fs.h>

#include "core/panic.h"
#include "core/random.h"
#include "fs/blockdev.h"
#include "fs/disk_mapping.h"
#include "fs/ext2/ext2_impl.h"
#include "fs/inode_flags.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/slab.h"

static struct cache inode_slab = CACHE("ext2_inode", struct ext2_inode);

void ext2_inode_place(const struct ext2_super *es, uint32_t ino, uint64_t *block, uint32_t *offset)
{
	const struct ext2_geometry *g = &es->geometry;
	uint32_t group = (ino - 1) / g->inodes_per_group, index = (ino - 1) % g->inodes_per_group;

	*block = es->groups[group].inode_table + index / g->inodes_per_block;
	*offset = index % g->inodes_per_block * g->inode_size;
}

void ext2_flags_apply(struct inode *inode)
{
	const uint32_t all = INODE_APPEND | INODE_IMMUTABLE | INODE_NOATIME | INODE_NODUMP;

	inode->flags = (inode->flags & ~all) | inode_flags_from_fs(to_ext2(inode)->flags);
}

/* Operations by type, and pages for what has them. */
static void inode_set_type(struct inode *inode)
{
	struct ext2_super *es = ext2_super(inode);
	struct ext2_inode *e = to_ext2(inode);

	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		inode->ops = &ext2_file_inode_ops;
		inode->fops = &ext2_file_ops;
		disk_mapping_init(&e->disk.content, inode, &ext2_disk_ops, es->bdev->device,
		                  es->geometry.block_bits);
		inode->mapping = &e->disk.content.mapping;
		break;
	case S_IFDIR:
		inode->ops = &ext2_dir_inode_ops;
		inode->fops = &ext2_dir_file_ops;
		break;
	case S_IFLNK:
		inode->ops = &ext2_link_inode_ops;
		inode_set_special(inode);
		break;
	default:
		inode->ops = &ext2_node_inode_ops;
		inode_set_special(inode);
	}
}

static int inode_alloc(struct superblock *super, uint32_t ino, const struct new_inode *new,
                       struct ext2_inode **out)
{
	struct ext2_inode *e = cache_zalloc(&inode_slab, ALLOC_KERNEL);

	if (!e)
		return -ENOMEM;
	inode_init(&e->disk.inode, super, new);
	disk_inode_init(&e->disk);
	e->disk.inode.ino = ino;
	mutex_init(&e->map_lock, RANK_META_MAP);
	*out = e;
	return 0;
}

/* ---- from the table -------------------------------------------------------------------------- */

static void values_take(struct ext2_inode *e, const struct ext2_inode_values *v)
{
	struct inode *inode = &e->disk.inode;

	inode->nlink = v->nlink;
	inode->size = (pos_t)v->size;
	inode->blocks = v->sectors;
	inode->generation = v->generation;
	inode->atime = v->atime;
	inode->mtime = v->mtime;
	inode->ctime = v->ctime;
	inode->btime = v->btime;
	e->flags = v->flags;
	e->dtime = v->dtime;
	e->extra_isize = v->extra_isize;
	e->xattr_block = v->xattr_block;
	memcpy(e->block, v->block, sizeof(e->block));
	ext2_flags_apply(inode);
	inode_set_type(inode);
}

static int values_check(struct ext2_super *es, uint32_t ino, const struct ext2_inode_values *v)
{
	const uint32_t unknown = EXT2_COMPRBLK_FL | EXT2_ENCRYPT_FL | EXT2_INLINE_DATA_FL |
	                         EXT2_EA_INODE_FL;

	if (!v->nlink)
		return -ESTALE;
	if (v->flags & unknown)
		return -EOPNOTSUPP;
	if (v->flags & EXT2_EXTENTS_FL && !(es->geometry.incompat & EXT2_INCOMPAT_EXTENTS))
		return ext2_corrupt(es, "extents without the feature: inode", ino);
	if (S_ISDIR(v->mode) && v->size & (es->geometry.block_size - 1))
		return ext2_corrupt(es, "a directory's size is no multiple of blocks: inode", ino);
	if (S_ISDIR(v->mode) && v->size >> es->geometry.block_bits > UINT32_MAX >> 10)
		return ext2_corrupt(es, "a directory is too large: inode", ino);
	return 0;
}

int ext2_read_inode(struct superblock *super, ino_t ino, struct inode **out)
{
	struct ext2_super *es = super->private;
	struct new_inode new = { 0 };
	struct ext2_inode_values v;
	struct meta_view view;
	struct ext2_inode *e;
	uint64_t block;
	uint32_t offset;
	int err;

	if (!ext2_is_valid_ino(&es->geometry, ino))
		return ext2_corrupt(es, "a name leads to inode", ino);
	ext2_inode_place(es, (uint32_t)ino, &block, &offset);
	err = meta_read(&es->meta, block, &view);
	if (err == -EIO)
		(void)ext2_corrupt(es, "cannot read inode", ino);
	if (err)
		return err;
	err = ext2_inode_parse(&es->geometry, (uint32_t)ino, view.data + offset, &v);
	meta_view_put(&view);
	if (err)
		return ext2_corrupt(es, "nonsense in inode", ino);
	err = values_check(es, (uint32_t)ino, &v);
	if (err)
		return err;
	new.mode = v.mode;
	new.uid = v.uid;
	new.gid = v.gid;
	new.rdev = v.rdev;
	err = inode_alloc(super, (uint32_t)ino, &new, &e);
	if (err)
		return err;
	values_take(e, &v);
	*out = &e->disk.inode;
	return 0;
}

/* ---- into the table -------------------------------------------------------------------------- */

void ext2_inode_store(struct inode *inode, uint8_t *raw)
{
	struct ext2_super *es = ext2_super(inode);
	struct ext2_inode *e = to_ext2(inode);
	const bool is_fresh = e->born_round && e->born_round == meta_round(&es->meta);
	struct ext2_inode_values v = {
		.mode = inode->mode,
		.uid = inode->uid,
		.gid = inode->gid,
		.nlink = inode->nlink,
		.size = (uint64_t)inode->size,
		.sectors = inode->blocks,
		.flags = e->flags,
		.generation = inode->generation,
		.dtime = inode->nlink ? 0 : e->dtime,
		.xattr_block = e->xattr_block,
		.rdev = inode->rdev,
		.extra_isize = e->extra_isize,
	};

	/* One that never had a name (O_TMPFILE): e2fsck wants to see when it was deleted. */
	if (!v.nlink && !v.dtime)
		v.dtime = (uint32_t)(inode_now() / NS_PER_SEC);
	if (v.size > INT32_MAX && S_ISREG(v.mode))
		es->has_large_files = true;
	spin_lock(&inode->short_lock);
	v.atime = inode->atime;
	v.mtime = inode->mtime;
	v.ctime = inode->ctime;
	v.btime = inode->btime;
	spin_unlock(&inode->short_lock);
	memcpy(v.block, e->block, sizeof(v.block));
	ext2_inode_format(&es->geometry, &v, is_fresh, raw);
	if (e->xattr_image) {
		const uint32_t start = EXT2_OLD_INODE_SIZE + e->extra_isize;

		memcpy(raw + start, e->xattr_image, es->geometry.inode_size - start);
		kfree(e->xattr_image);
		e->xattr_image = NULL;
	}
}

int ext2_write_inode(struct inode *inode, bool wait)
{
	struct ext2_super *es = ext2_super(inode);

	if (!es->is_writable)
		return 0;
	meta_op_begin(&es->meta);
	ext2_changed(inode);
	meta_op_end(&es->meta);
	return wait ? meta_commit(&es->meta, to_ext2(inode)->changed_round) : 0;
}

/* ---- new ones -------------------------------------------------------------------------------- */

static uint32_t inherited_flags(const struct inode *dir, mode_t mode)
{
	uint32_t flags = to_ext2(dir)->flags & (EXT2_SYNC_FL | EXT2_NODUMP_FL | EXT2_NOATIME_FL |
	                                        EXT2_DIRSYNC_FL);

	if (S_ISDIR(mode))
		return flags;
	flags &= ~(uint32_t)EXT2_DIRSYNC_FL;
	return S_ISREG(mode) ? flags : flags & (EXT2_NODUMP_FL | EXT2_NOATIME_FL);
}

int ext2_inode_create(struct inode *dir, const struct new_inode *new, struct inode **out)
{
	struct ext2_super *es = ext2_super(dir);
	struct ext2_inode *e;
	uint32_t ino, generation;
	int err = ext2_ino_alloc(es, dir, new->mode, &ino);

	if (err)
		return err;
	err = inode_alloc(dir->super, ino, new, &e);
	if (err) {
		ext2_ino_free(es, ino, S_ISDIR(new->mode));
		return err;
	}
	random_bytes(&generation, sizeof(generation));
	e->disk.inode.generation = generation;
	e->flags = inherited_flags(dir, new->mode);
	e->extra_isize = ext2_extra_isize(&es->geometry);
	e->goal = ext2_ino_goal(es, ino);
	e->born_round = meta_round(&es->meta);
	ext2_flags_apply(&e->disk.inode);
	inode_set_type(&e->disk.inode);
	ext2_changed(&e->disk.inode);
	*out = &e->disk.inode;
	return 0;
}

/* ---- the end --------------------------------------------------------------------------------- */

void ext2_evict(struct inode *inode)
{
	struct ext2_super *es = ext2_super(inode);
	struct ext2_inode *e = to_ext2(inode);

	if (!inode->nlink)
		inode->size = 0;
	disk_inode_evict(inode);
	if (!inode->nlink && es->is_writable && !atomic_load(&es->is_broken)) {
		meta_op_begin(&es->meta);
		ext2_xattrs_delete(inode);
		ext2_blocks_delete(inode);
		ext2_ino_free(es, (uint32_t)inode->ino, S_ISDIR(inode->mode));
		meta_op_end(&es->meta);
	}
	if (inode->mapping)
		disk_mapping_fini(&e->disk.content);
	ext2_index_free(e);
	kfree(e->xattr_image);
	e->xattr_image = NULL;
}

void ext2_free_inode(struct inode *inode)
{
	/* A walk under RCU may have read the text until now. */
	kfree(to_ext2(inode)->target);
	cache_free(&inode_slab, to_ext2(inode));
}
