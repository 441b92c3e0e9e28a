/*
 * Files of ext2: attributes, sizes, holes, fsync, flags; links and nodes.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/mount.h>

#include "dev/block.h"
#include "fs/attr.h"
#include "fs/blockdev.h"
#include "fs/disk_mapping.h"
#include "fs/ext2/ext2_impl.h"
#include "fs/file.h"
#include "id/cred.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "vm/uio.h"

/* ---- attributes ------------------------------------------------------------------------------ */

static void change_note(struct inode *inode)
{
	struct ext2_super *es = ext2_super(inode);

	meta_op_begin(&es->meta);
	ext2_changed(inode);
	meta_op_end(&es->meta);
}

int ext2_setattr(struct inode *inode, const struct attr_change *change)
{
	int err = 0;

	if (change->valid & ATTR_SIZE && change->size != inode->size)
		err = ext2_resize(inode, change->size);
	if (err)
		return err;
	attr_apply(inode, change);
	change_note(inode);
	return ext2_sync_after(inode, false);
}

/* ---- resting --------------------------------------------------------------------------------- */

int ext2_sync_after(struct inode *inode, bool is_name)
{
	struct ext2_super *es = ext2_super(inode);
	const uint32_t wanted = is_name ? EXT2_SYNC_FL | EXT2_DIRSYNC_FL : EXT2_SYNC_FL;
	const unsigned int mounted = is_name ? MS_SYNCHRONOUS | MS_DIRSYNC : MS_SYNCHRONOUS;

	if (likely(!(to_ext2(inode)->flags & wanted) && !(inode->super->flags & mounted)))
		return 0;
	return meta_commit(&es->meta, to_ext2(inode)->changed_round);
}

int ext2_fsync(struct file *file, pos_t from, pos_t to, bool data_only)
{
	struct inode *inode = file->inode;
	struct ext2_super *es = ext2_super(inode);
	uint64_t round;
	int err = 0, failed;

	if (inode->mapping)
		err = disk_file_sync_data(file, from, to);
	if (!es->is_writable)
		return err;
	failed = disk_inode_write(inode, data_only, false);
	err = err ? err : failed;
	round = READ_ONCE(to_ext2(inode)->changed_round);
	if (meta_is_done(&es->meta, round))
		failed = block_flush(es->bdev->device);
	else
		failed = meta_commit(&es->meta, round);
	return err ? err : failed;
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool may_use_reserve(const struct ext2_super *es, const struct cred *cred)
{
	return cred->fsuid == es->options.resuid || cred_capable(cred, CAP_SYS_RESOURCE) ||
	       (es->options.resgid && cred_in_group(cred, es->options.resgid));
}

/* The inode's lock, taken for a write: who writes decides how far the disk may be filled. */
static int write_lock(const struct io *io, struct inode *inode)
{
	struct file *file = io->file;

	if (io->flags & IO_NOWAIT && !(file->flags & O_NONBLOCK)) {
		if (!rwlock_write_trylock(&inode->lock))
			return -EAGAIN;
	} else {
		rwlock_write_lock(&inode->lock);
	}
	to_ext2(inode)->may_use_reserve = may_use_reserve(ext2_super(inode), file->cred);
	return 0;
}

static void write_unlock(struct inode *inode)
{
	to_ext2(inode)->may_use_reserve = false;
	rwlock_write_unlock(&inode->lock);
}

static ssize_t ext2_write(struct io *io)
{
	struct inode *inode = io->file->inode;
	struct ext2_super *es = ext2_super(inode);
	bool is_sync = io->flags & (IO_DSYNC | IO_SYNC) || inode->super->flags & MS_SYNCHRONOUS ||
	               to_ext2(inode)->flags & EXT2_SYNC_FL;
	ssize_t n;
	int err;

	ext2_make_room(es, io->uio->remaining >> es->geometry.block_bits);
	err = write_lock(io, inode);
	if (err)
		return err;
	n = disk_file_write_locked(io);
	write_unlock(inode);
	if (n <= 0 || likely(!is_sync))
		return n;
	err = file_sync(io->file, io->position - n, io->position - 1, io->flags & IO_DSYNC);
	return err ? err : n;
}

static int punch(struct inode *inode, pos_t offset, pos_t end, int mode)
{
	const uint32_t size = ext2_super(inode)->geometry.block_size;
	int err;

	if (!(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	end = min(end, inode->size);
	if (offset >= end)
		return 0;
	/* The rest of the last page lies behind the end of the file. */
	if (end == inode->size)
		end = (pos_t)align_up((uint64_t)end, PAGE_SIZE);
	err = disk_mapping_punch(inode->mapping, offset, end);
	/* Blocks of pages that stay in the cache keep their places: fs/disk_mapping.h. */
	offset = (pos_t)align_up((uint64_t)offset, PAGE_SIZE);
	end = (pos_t)align_down((uint64_t)end, PAGE_SIZE);
	if (!err && offset < end)
		err = ext2_blocks_remove(inode, (uint64_t)offset / size, (uint64_t)end / size);
	return err;
}

static int ext2_fallocate(struct file *file, int mode, pos_t offset, pos_t len)
{
	struct inode *inode = file->inode;
	int err;

	/* Space without content cannot be said in the tree of pointers. */
	if (mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	rwlock_write_lock(&inode->lock);
	err = punch(inode, offset, offset + len, mode);
	if (!err)
		err = file_wrote(file);
	if (!err)
		change_note(inode);
	rwlock_write_unlock(&inode->lock);
	return err;
}

/* ---- flags ----------------------------------------------------------------------------------- */

uint32_t ext2_flags_get(const struct inode *inode)
{
	return to_ext2(inode)->flags & FS_FL_USER_VISIBLE;
}

int ext2_flags_set(struct inode *inode, uint32_t fs_flags)
{
	struct ext2_inode *e = to_ext2(inode);

	e->flags = (e->flags & ~(uint32_t)FS_FL_USER_MODIFIABLE) |
	           (fs_flags & FS_FL_USER_MODIFIABLE);
	ext2_flags_apply(inode);
	inode_stamp(inode, ATTR_CTIME);
	change_note(inode);
	return 0;
}

/* ---- links ----------------------------------------------------------------------------------- */

/* The text, as a string of its own. */
static int link_read(struct inode *inode, char **out)
{
	struct ext2_super *es = ext2_super(inode);
	const size_t len = (size_t)inode->size;
	struct disk_extent extent;
	struct meta_view view;
	int err;

	if (len >= es->geometry.block_size)
		return ext2_corrupt(es, "a link is too long: inode", inode->ino);
	err = ext2_map(inode, 0, 1, false, &extent);
	if (err)
		return err;
	if (extent.state != EXTENT_MAPPED)
		return ext2_corrupt(es, "a link without text: inode", inode->ino);
	err = meta_read(&es->meta, extent.device_block, &view);
	if (err)
		return err;
	*out = kmalloc(len + 1, ALLOC_KERNEL);
	if (*out) {
		memcpy(*out, view.data, len);
		(*out)[len] = '\0';
	}
	meta_view_put(&view);
	return *out ? 0 : -ENOMEM;
}

static bool is_fast(const struct inode *inode)
{
	const struct ext2_super *es = ext2_super(inode);
	uint64_t sectors = to_ext2(inode)->xattr_block ? ext2_sectors_per_block(es) : 0;

	return (uint64_t)inode->size < sizeof(to_ext2(inode)->block) && inode->blocks == sectors;
}

static int ext2_get_link(struct inode *inode, const struct walk_from *from,
                         struct link_target *out)
{
	struct ext2_inode *e = to_ext2(inode);
	char *text = atomic_load_acquire(&e->target), *none = NULL;
	int err = 0;

	if (!text) {
		if (is_fast(inode)) {
			text = kmalloc((size_t)inode->size + 1, ALLOC_KERNEL);
			err = text ? 0 : -ENOMEM;
			if (text) {
				memcpy(text, e->block, (size_t)inode->size);
				text[inode->size] = '\0';
			}
		} else {
			err = link_read(inode, &text);
		}
		if (err)
			return err;
		/* Whoever is first; pairs with the load above. */
		if (!atomic_cmpxchg(&e->target, &none, text)) {
			kfree(text);
			text = none;
		}
	}
	out->text = text;
	return 0;
}

const struct inode_ops ext2_file_inode_ops = {
	.setattr = ext2_setattr,
	.xattr_get = ext2_xattr_get,
	.xattr_set = ext2_xattr_set,
	.xattr_list = ext2_xattr_list,
	.flags_get = ext2_flags_get,
	.flags_set = ext2_flags_set,
};

const struct inode_ops ext2_node_inode_ops = {
	.setattr = ext2_setattr,
	.xattr_get = ext2_xattr_get,
	.xattr_set = ext2_xattr_set,
	.xattr_list = ext2_xattr_list,
};

const struct inode_ops ext2_link_inode_ops = {
	.setattr = ext2_setattr,
	.get_link = ext2_get_link,
	.xattr_get = ext2_xattr_get,
	.xattr_set = ext2_xattr_set,
	.xattr_list = ext2_xattr_list,
};

const struct file_ops ext2_file_ops = {
	.open = disk_file_open,
	.read = disk_file_read,
	.write = ext2_write,
	.seek = disk_file_seek,
	.mmap = disk_file_mmap,
	.fsync = ext2_fsync,
	.fallocate = ext2_fallocate,
};
