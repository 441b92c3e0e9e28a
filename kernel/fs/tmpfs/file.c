/*
 * Regular files of tmpfs: the page cache with limits, preallocation, holes and seals. A page that
 * is in the cache counts as a block; there is nothing behind it.
 */
#include <linux/errno.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>

#include "fs/attr.h"
#include "fs/file.h"
#include "fs/super.h"
#include "fs/tmpfs/tmpfs_impl.h"
#include "lib/math.h"
#include "mem/page.h"
#include "sched/thread.h"
#include "vm/commit.h"

enum { SECTORS_PER_PAGE = PAGE_SIZE / 512 };

/* ---- blocks -------------------------------------------------------------------------------- */

static int tmpfs_charge(struct mapping *mapping, size_t nr)
{
	struct inode *inode = mapping->host;
	struct tmpfs_super *info = tmpfs_super(inode->super);
	int err = 0;

	if (!to_tmpfs(inode)->reserved && commit_charge(NULL, nr))
		return -ENOSPC;
	spin_lock(&info->lock);
	if (info->max_blocks && info->used_blocks + nr > info->max_blocks)
		err = -ENOSPC;
	else
		info->used_blocks += nr;
	spin_unlock(&info->lock);
	if (!err)
		inode_blocks_add(inode, (int64_t)nr * SECTORS_PER_PAGE);
	else if (!to_tmpfs(inode)->reserved)
		commit_uncharge(nr);
	return err;
}

static void tmpfs_uncharge(struct mapping *mapping, size_t nr)
{
	struct inode *inode = mapping->host;
	struct tmpfs_super *info = tmpfs_super(inode->super);

	spin_lock(&info->lock);
	info->used_blocks -= nr;
	spin_unlock(&info->lock);
	if (!to_tmpfs(inode)->reserved)
		commit_uncharge(nr);
	inode_blocks_add(inode, -(int64_t)nr * SECTORS_PER_PAGE);
}

int tmpfs_reserve(struct tmpfs_inode *tmpfs, pos_t size)
{
	size_t nr = (size_t)size >> PAGE_SHIFT;
	int err = commit_charge(NULL, nr);

	if (!err)
		tmpfs->reserved = nr;
	return err;
}

void tmpfs_unreserve(struct tmpfs_inode *tmpfs)
{
	commit_uncharge(tmpfs->reserved);
}

const struct mapping_ops tmpfs_mapping_ops = {
	.charge = tmpfs_charge,
	.uncharge = tmpfs_uncharge,
};

/* ---- size ---------------------------------------------------------------------------------- */

static int resize(struct inode *inode, pos_t size)
{
	struct mapping *mapping = inode->mapping;
	pos_t old = inode->size;

	if ((size < old && mapping->seals & F_SEAL_SHRINK) ||
	    (size > old && mapping->seals & F_SEAL_GROW))
		return -EPERM;
	WRITE_ONCE(inode->size, size);
	smp_mb(); /* the size before the look for pages and areas, whose faults look at the size */
	/* Of the same size, too: what shared mappings stored behind the end goes, as on Linux. */
	if (size <= old)
		mapping_truncate(mapping, size);
	return 0;
}

static int tmpfs_setattr(struct inode *inode, const struct attr_change *change)
{
	int err = change->valid & ATTR_SIZE ? resize(inode, change->size) : 0;

	if (!err)
		attr_apply(inode, change);
	return err;
}

/* ---- fallocate(2) -------------------------------------------------------------------------- */

static int punch(struct file *file, pos_t offset, pos_t end)
{
	if (file->mapping->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	mapping_punch(file->mapping, offset, end);
	return 0;
}

/* Every page is there afterwards, or, if that fails, those that this call made are gone again. */
static int preallocate(struct mapping *mapping, pgoff_t first, pgoff_t end)
{
	for (pgoff_t index = first; index < end; index++) {
		struct page *page;
		int err = mapping_get_page(mapping, index, &page);

		if (!err && thread_test_flag(thread_current(), TF_KILLED)) {
			page_put(page);
			err = -EINTR;
		}
		if (err)
			return err;
		page_put(page);
		cond_resched();
	}
	return 0;
}

static int reserve(struct file *file, int mode, pos_t offset, pos_t end)
{
	struct inode *inode = file->inode;
	pgoff_t first = (uint64_t)offset >> PAGE_SHIFT;
	pgoff_t last = ((uint64_t)end + PAGE_SIZE - 1) >> PAGE_SHIFT;
	int err;

	if (file->mapping->seals & F_SEAL_GROW && end > inode->size)
		return -EPERM;
	err = preallocate(file->mapping, first, last);
	if (err) {
		/*
		 * What lies behind the end was made by this call or an earlier one with KEEP_SIZE.
		 */
		if (last << PAGE_SHIFT > (uint64_t)inode->size)
			mapping_truncate(file->mapping, inode->size);
		return err;
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > inode->size)
		WRITE_ONCE(inode->size, end);
	return 0;
}

static int tmpfs_fallocate(struct file *file, int mode, pos_t offset, pos_t len)
{
	struct inode *inode = file->inode;
	int err;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	rwlock_write_lock(&inode->lock);
	err = mode & FALLOC_FL_PUNCH_HOLE ? punch(file, offset, offset + len)
	                                  : reserve(file, mode, offset, offset + len);
	if (!err)
		err = file_wrote(file);
	rwlock_write_unlock(&inode->lock);
	return err;
}

static int tmpfs_fsync(struct file *file, pos_t from, pos_t to, bool data_only)
{
	return 0;
}

/* ---- seals --------------------------------------------------------------------------------- */

static bool is_tmpfs_file(const struct file *file)
{
	return file->mapping && file->mapping->ops == &tmpfs_mapping_ops;
}

int tmpfs_get_seals(struct file *file)
{
	return is_tmpfs_file(file) ? (int)file->mapping->seals : -EINVAL;
}

int tmpfs_add_seals(struct file *file, unsigned int seals)
{
	const unsigned int known = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
	                           F_SEAL_FUTURE_WRITE;
	struct mapping *mapping = file->mapping;
	int err = 0;

	if (!(file->mode & FILE_WRITE))
		return -EPERM;
	if (seals & ~known || !is_tmpfs_file(file))
		return -EINVAL;
	rwlock_write_lock(&file->inode->lock);
	mutex_lock(&mapping->backing.lock); /* against mmap(2): see backing_writable_get() */
	if (mapping->seals & F_SEAL_SEAL)
		err = -EPERM;
	else if (seals & F_SEAL_WRITE && !(mapping->seals & F_SEAL_WRITE) &&
	         mapping->backing.nr_writable_shared)
		err = -EBUSY;
	else
		mapping->seals |= seals;
	mutex_unlock(&mapping->backing.lock);
	rwlock_write_unlock(&file->inode->lock);
	return err;
}

/* What has no name any more lives by its descriptors; what is mapped counts there too. */
static size_t tmpfs_footprint(const struct file *file)
{
	return READ_ONCE(file->inode->nlink) ? 0
	                                     : READ_ONCE(file->mapping->nr_pages) << PAGE_SHIFT;
}

const struct inode_ops tmpfs_file_inode_ops = {
	.setattr = tmpfs_setattr,
	.xattr_get = tmpfs_xattr_get,
	.xattr_set = tmpfs_xattr_set,
	.xattr_list = tmpfs_xattr_list,
	.flags_get = tmpfs_flags_get,
	.flags_set = tmpfs_flags_set,
};

const struct file_ops tmpfs_file_ops = {
	.footprint = tmpfs_footprint,
	.read = mapping_read,
	.write = mapping_write,
	.seek = mapping_seek,
	.mmap = mapping_mmap,
	.fsync = tmpfs_fsync,
	.fallocate = tmpfs_fallocate,
};
