/*
 * Inodes: references, times, counts, and the operations of nodes that are no files. See inode.h.
 */
#include "fs/inode.h"

#include <linux/errno.h>
#include <linux/fs.h>

#include "core/gauge.h"
#include "core/panic.h"
#include "dev/chardev.h"
#include "fs/blockdev.h"
#include "fs/file.h"
#include "fs/lock.h"
#include "fs/super.h"
#include "sched/clock.h"

static int64_t inodes_alive __atomic;

void inode_init(struct inode *inode, struct superblock *super, const struct new_inode *new)
{
	ns_t now = inode_now();
	bool is_dir = S_ISDIR(new->mode);

	inode->ops = NULL;
	inode->fops = NULL;
	inode->super = super;
	inode->mapping = NULL;
	inode->ino = atomic_inc_return(&super->next_ino);
	inode->mode = new->mode;
	inode->uid = new->uid;
	inode->gid = new->gid;
	inode->nlink = is_dir ? 2 : 1;
	inode->rdev = new->rdev;
	inode->flags = 0;
	refcount_init(&inode->refs, 1);
	inode->writers = 0;
	inode->size = 0;
	inode->blocks = 0;
	inode->atime = inode->mtime = inode->ctime = inode->btime = now;
	spin_lock_init(&inode->short_lock, RANK_INODE);
	inode->generation = (uint32_t)inode->ino;
	rwlock_init(&inode->lock, is_dir ? RANK_DIRECTORY_INODE : RANK_FILE_INODE);
	inode->private = NULL;
	inode->locks = NULL;
	hlist_init(&inode->watches);
	atomic_inc(&super->inodes);
	atomic_inc(&inodes_alive);
}

struct inode *inode_get(struct inode *inode)
{
	refcount_get(&inode->refs);
	return inode;
}

static void inode_free_rcu(struct rcu_head *head)
{
	struct inode *inode = container_of(head, struct inode, rcu);
	struct superblock *super = inode->super;

	super->ops->free_inode(inode);
	atomic_dec(&super->inodes);
	atomic_dec(&inodes_alive);
}

void inode_put(struct inode *inode)
{
	if (!refcount_put(&inode->refs))
		return;
	debug_assert(inode->writers == 0);
	lock_set_free(inode);
	if (inode->super->ops->evict)
		inode->super->ops->evict(inode);
	rcu_call(&inode->rcu, inode_free_rcu);
}

int64_t inode_count(void)
{
	return atomic_load_relaxed(&inodes_alive);
}
GAUGE("inodes", inode_count);

ns_t inode_now(void)
{
	return clock_realtime_coarse();
}

void inode_stamp(struct inode *inode, unsigned int which)
{
	ns_t now = inode_now();

	spin_lock(&inode->short_lock);
	if (which & ATTR_ATIME)
		inode->atime = now;
	if (which & ATTR_MTIME)
		inode->mtime = now;
	if (which & ATTR_CTIME)
		inode->ctime = now;
	spin_unlock(&inode->short_lock);
}

void inode_touch(struct inode *inode, unsigned int which)
{
	inode_stamp(inode, which);
	if (inode->super->ops->dirty_inode)
		inode->super->ops->dirty_inode(inode);
}

void inode_nlink_add(struct inode *inode, int delta)
{
	debug_assert(delta >= 0 || inode->nlink >= (uint32_t)-delta);
	WRITE_ONCE(inode->nlink, inode->nlink + (uint32_t)delta);
}

void inode_blocks_add(struct inode *inode, int64_t blocks)
{
	spin_lock(&inode->short_lock);
	inode->blocks += (uint64_t)blocks;
	spin_unlock(&inode->short_lock);
}

/* One more on this side of zero, unless the other side is in. */
static int writers_change(struct inode *inode, int32_t step)
{
	int32_t writers = atomic_load_relaxed(&inode->writers);

	do {
		if (step > 0 ? writers < 0 : writers > 0)
			return -ETXTBSY;
	} while (!atomic_cmpxchg(&inode->writers, &writers, writers + step));
	return 0;
}

int inode_write_get(struct inode *inode)
{
	return writers_change(inode, 1);
}

void inode_write_put(struct inode *inode)
{
	atomic_sub_return(&inode->writers, 1);
}

int inode_deny_write_get(struct inode *inode)
{
	return writers_change(inode, -1);
}

void inode_deny_write_put(struct inode *inode)
{
	atomic_add_return(&inode->writers, 1);
}

/* ---- nodes that are no files -------------------------------------------------------- */

static int chardev_open(struct inode *inode, struct file *file)
{
	const struct chardev *device = chardev_find(inode->rdev);

	if (!device)
		return -ENXIO;
	file->ops = device->ops;
	return file->ops->open ? file->ops->open(inode, file) : 0;
}

static int node_open_nothing(struct inode *inode, struct file *file)
{
	return -ENXIO;
}

static const struct file_ops chardev_node_ops = { .open = chardev_open };
static const struct file_ops dead_node_ops = { .open = node_open_nothing };
static const struct file_ops *fifo_ops __ro_after_init = &dead_node_ops;

void inode_register_fifo(const struct file_ops *ops)
{
	fifo_ops = ops;
}

void inode_set_special(struct inode *inode)
{
	if (S_ISCHR(inode->mode))
		inode->fops = &chardev_node_ops;
	else if (S_ISBLK(inode->mode))
		inode->fops = &bdev_file_ops;
	else if (S_ISFIFO(inode->mode))
		inode->fops = fifo_ops;
	else
		inode->fops = &dead_node_ops;
}
