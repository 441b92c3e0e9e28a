/*
 * Names: made, removed, moved. Each is one metadata operation; a failure leaves what was.
 *
 * A name that moves to another place is in the new one first: the old entry, gone from memory at
 * once, stays on the disk until the new one rests there (ext2_name_moved()). Replacing a name, or
 * exchanging two, changes the numbers in the entries where they are; two names in different blocks
 * that are exchanged are the one case where a power cut can show one half.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/mount.h>

#include "fs/attr.h"
#include "fs/dentry.h"
#include "fs/disk_mapping.h"
#include "fs/ext2/ext2_impl.h"
#include "fs/file.h"
#include "lib/string.h"

/* Blocks that one change of names may need: an entry's, and a directory's own. */
enum { NAME_BLOCKS = 8 };

static void dir_named(struct inode *inode, const struct inode *dir, const struct dentry *dentry)
{
	struct ext2_super *es = ext2_super(inode);
	struct ext2_inode *e = to_ext2(inode);

	if (!inode_is_dir(inode))
		return;
	spin_lock(&es->lists_lock);
	e->named_in = (uint32_t)dir->ino;
	e->named_hash = dentry->name->hash;
	spin_unlock(&es->lists_lock);
}

/* A directory has one name. */
static bool may_be_named(struct inode *inode, const struct inode *dir, const struct dentry *dentry)
{
	struct ext2_super *es = ext2_super(inode);
	struct ext2_inode *e = to_ext2(inode);
	bool may;

	if (!inode_is_dir(inode))
		return true;
	if (inode == dir || inode->ino == EXT2_ROOT_INO)
		return false;
	spin_lock(&es->lists_lock);
	may = !e->named_in || (e->named_in == (uint32_t)dir->ino &&
	                       e->named_hash == dentry->name->hash);
	e->named_in = may ? (uint32_t)dir->ino : e->named_in;
	e->named_hash = may ? dentry->name->hash : e->named_hash;
	spin_unlock(&es->lists_lock);
	return may;
}

static int ext2_lookup(struct inode *dir, struct dentry *dentry)
{
	struct ext2_slot slot;
	struct inode *inode;
	int err = ext2_dir_lookup(dir, dentry->name, &slot);

	if (err)
		return err == -ENOENT ? 0 : err;
	meta_view_put(&slot.view);
	err = inode_cache_get(dir->super, slot.ino, &inode);
	if (err == -ESTALE)
		err = ext2_corrupt(ext2_super(dir), "a name leads to deleted inode", slot.ino);
	if (err)
		return err;
	if (!may_be_named(inode, dir, dentry)) {
		inode_put(inode);
		(void)ext2_corrupt(ext2_super(dir), "a second name for directory", slot.ino);
		return -ELOOP;
	}
	dentry_attach(dentry, inode);
	return 0;
}

/* ---- making ---------------------------------------------------------------------------------- */

/* A slow link's text is a block of metadata. */
static int link_write(struct inode *inode, const char *target)
{
	const size_t len = strlen(target);
	uint64_t number;
	uint8_t *data;
	int err;

	if (len < sizeof(to_ext2(inode)->block)) {
		memcpy(to_ext2(inode)->block, target, len);
		inode->size = (pos_t)len;
		return 0;
	}
	if (len >= ext2_super(inode)->geometry.block_size)
		return -ENAMETOOLONG;
	err = ext2_map_new_block(inode, 0, META_NODE, &number, &data);
	if (err)
		return err;
	memcpy(data, target, len);
	inode->size = (pos_t)len;
	return 0;
}

static int content_make(struct inode *inode, struct inode *dir, const struct new_inode *new)
{
	if (S_ISDIR(new->mode))
		return ext2_dir_make(inode, dir);
	if (S_ISLNK(new->mode))
		return link_write(inode, new->target);
	return 0;
}

static bool is_privileged(const struct ext2_super *es, const struct new_inode *new)
{
	return new->uid == 0 || new->uid == es->options.resuid;
}

static int inode_make(struct inode *dir, const struct new_inode *new, struct inode **out)
{
	struct ext2_inode *e;
	int err = ext2_inode_create(dir, new, out);

	if (err)
		return err;
	e = to_ext2(*out);
	e->may_use_reserve = is_privileged(ext2_super(dir), new);
	err = content_make(*out, dir, new);
	e->may_use_reserve = false;
	return err;
}

/* What was made is nowhere yet: it goes as if it had never been. */
static void inode_unmake(struct inode *inode)
{
	if (!inode)
		return;
	inode->nlink = 0;
	inode_cache_remove(inode);
}

static int create_in_op(struct inode *dir, struct dentry *dentry, const struct new_inode *new,
                        struct inode **out)
{
	struct ext2_inode *e = to_ext2(dir);
	int err = inode_make(dir, new, out);

	if (!err)
		err = inode_cache_add(*out);
	if (!err) {
		e->may_use_reserve = is_privileged(ext2_super(dir), new);
		err = ext2_dir_add(dir, dentry->name, (uint32_t)(*out)->ino, new->mode);
		e->may_use_reserve = false;
	}
	if (err) {
		inode_unmake(*out);
		return err;
	}
	if (S_ISDIR(new->mode))
		inode_nlink_add(dir, 1);
	return 0;
}

static int ext2_create(struct inode *dir, struct dentry *dentry, const struct new_inode *new)
{
	struct ext2_super *es = ext2_super(dir);
	struct inode *inode = NULL;
	int err;

	if (S_ISDIR(new->mode) && dir->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	ext2_make_room(es, NAME_BLOCKS);
	meta_op_begin(&es->meta);
	err = create_in_op(dir, dentry, new, &inode);
	meta_op_end(&es->meta);
	if (err) {
		if (inode)
			inode_put(inode);
		return err;
	}
	dir_named(inode, dir, dentry);
	dentry_attach(dentry, inode);
	return ext2_sync_after(dir, true);
}

static int ext2_tmpfile(struct inode *dir, const struct new_inode *new, struct inode **out)
{
	struct ext2_super *es = ext2_super(dir);
	struct inode *inode = NULL;
	int err;

	ext2_make_room(es, NAME_BLOCKS);
	meta_op_begin(&es->meta);
	err = inode_make(dir, new, &inode);
	if (inode)
		inode->nlink = 0;
	meta_op_end(&es->meta);
	if (err && inode)
		inode_put(inode);
	else if (!err)
		*out = inode;
	return err;
}

static int ext2_link(struct inode *dir, struct dentry *dentry, struct inode *inode)
{
	struct ext2_super *es = ext2_super(dir);
	int err;

	if (inode->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	ext2_make_room(es, NAME_BLOCKS);
	meta_op_begin(&es->meta);
	err = inode_cache_add(inode);
	if (!err)
		err = ext2_dir_add(dir, dentry->name, (uint32_t)inode->ino, inode->mode);
	if (err && !inode->nlink)
		inode_cache_remove(inode);
	if (!err) {
		inode_nlink_add(inode, 1);
		inode_touch(inode, ATTR_CTIME);
		to_ext2(inode)->dead_round = 0;
		ext2_changed(inode);
	}
	meta_op_end(&es->meta);
	if (err)
		return err;
	dentry_attach(dentry, inode_get(inode));
	return ext2_sync_after(dir, true);
}

/* ---- removing -------------------------------------------------------------------------------- */

/*
 * One name less; the last ones of a directory are two. Inside an operation. Where counts are wrong
 * on the disk there are names of what has died already.
 */
static void name_lost(struct inode *inode)
{
	const uint32_t names = inode_is_dir(inode) ? inode->nlink : 1;

	if (!inode->nlink)
		return;
	inode_touch(inode, ATTR_CTIME);
	inode_nlink_add(inode, -(int)names);
	ext2_changed(inode);
	if (!inode->nlink)
		ext2_died(inode);
}

static int ext2_unlink(struct inode *dir, struct dentry *dentry)
{
	struct ext2_super *es = ext2_super(dir);
	int err;

	meta_op_begin(&es->meta);
	err = ext2_dir_delete(dir, dentry->name, NULL);
	if (!err)
		name_lost(dentry->inode);
	meta_op_end(&es->meta);
	return err ? err : ext2_sync_after(dir, true);
}

static void parent_lost(struct inode *dir)
{
	if (dir->nlink > 2)
		inode_nlink_add(dir, -1);
	ext2_changed(dir);
}

static int ext2_rmdir(struct inode *dir, struct dentry *dentry)
{
	struct ext2_super *es = ext2_super(dir);
	int err = ext2_dir_is_empty(dentry->inode);

	if (err)
		return err;
	meta_op_begin(&es->meta);
	err = ext2_dir_delete(dir, dentry->name, NULL);
	if (!err) {
		name_lost(dentry->inode);
		parent_lost(dir);
	}
	meta_op_end(&es->meta);
	return err ? err : ext2_sync_after(dir, true);
}

/* ---- moving ---------------------------------------------------------------------------------- */

struct move {
	struct inode  *from_dir, *to_dir;
	struct dentry *from, *to;
};

/* ".." of a directory that has moved, and the counts of both parents. */
static int parent_change(struct inode *inode, struct inode *from_dir, struct inode *to_dir)
{
	int err;

	if (!inode_is_dir(inode) || from_dir == to_dir)
		return 0;
	err = ext2_dir_set_parent(inode, to_dir);
	if (err)
		return err;
	parent_lost(from_dir);
	inode_nlink_add(to_dir, 1);
	ext2_changed(to_dir);
	return 0;
}

static void inode_moved(struct inode *inode)
{
	inode_touch(inode, ATTR_CTIME);
	ext2_changed(inode);
}

static int exchange(const struct move *m)
{
	struct inode *a = m->from->inode, *b = m->to->inode;
	int err = ext2_dir_replace(m->to_dir, m->to->name, a);

	if (!err)
		err = ext2_dir_replace(m->from_dir, m->from->name, b);
	if (!err)
		err = parent_change(a, m->from_dir, m->to_dir);
	if (!err)
		err = parent_change(b, m->to_dir, m->from_dir);
	inode_moved(a);
	inode_moved(b);
	dir_named(a, m->to_dir, m->to);
	dir_named(b, m->from_dir, m->from);
	return err;
}

static int move_name(const struct move *m)
{
	struct inode *inode = m->from->inode, *victim = m->to->inode;
	int err;

	if (victim)
		err = ext2_dir_replace(m->to_dir, m->to->name, inode);
	else
		err = ext2_dir_add(m->to_dir, m->to->name, (uint32_t)inode->ino, inode->mode);
	if (!err)
		err = ext2_dir_delete(m->from_dir, m->from->name, inode);
	if (!err)
		err = parent_change(inode, m->from_dir, m->to_dir);
	if (err)
		return err;
	inode_moved(inode);
	dir_named(inode, m->to_dir, m->to);
	if (!victim)
		return 0;
	name_lost(victim);
	if (inode_is_dir(victim))
		parent_lost(m->to_dir);
	return 0;
}

static int move_check(const struct move *m, unsigned int flags)
{
	const bool is_dir = inode_is_dir(m->from->inode);

	if (is_dir && m->from_dir != m->to_dir && !m->to->inode &&
	    m->to_dir->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	if (!(flags & RENAME_EXCHANGE) && m->to->inode && inode_is_dir(m->to->inode))
		return ext2_dir_is_empty(m->to->inode);
	return 0;
}

static int ext2_rename(struct inode *from_dir, struct dentry *from, struct inode *to_dir,
                       struct dentry *to, unsigned int flags)
{
	const struct move m = { from_dir, to_dir, from, to };
	struct ext2_super *es = ext2_super(from_dir);
	int err = move_check(&m, flags);

	if (err)
		return err;
	meta_op_begin(&es->meta);
	err = flags & RENAME_EXCHANGE ? exchange(&m) : move_name(&m);
	meta_op_end(&es->meta);
	if (!err)
		err = ext2_sync_after(from_dir, true);
	return err ? err : ext2_sync_after(to_dir, true);
}

const struct inode_ops ext2_dir_inode_ops = {
	.lookup = ext2_lookup,
	.create = ext2_create,
	.link = ext2_link,
	.unlink = ext2_unlink,
	.rmdir = ext2_rmdir,
	.rename = ext2_rename,
	.tmpfile = ext2_tmpfile,
	.setattr = ext2_setattr,
	.xattr_get = ext2_xattr_get,
	.xattr_set = ext2_xattr_set,
	.xattr_list = ext2_xattr_list,
	.flags_get = ext2_flags_get,
	.flags_set = ext2_flags_set,
};

const struct file_ops ext2_dir_file_ops = {
	.open = disk_file_open,
	.iterate = ext2_iterate,
	.fsync = ext2_fsync,
};
