/*
 * Files without a place in any tree: eventfd, epoll, timerfd, pidfd ... All share one inode of a
 * file system that is never mounted; each has a dentry of its own with the name that /proc/PID/fd
 * shows.
 */
#include <linux/errno.h>
#include <linux/magic.h>

#include "core/panic.h"
#include "fs/anon.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/super.h"
#include "mem/alloc.h"

static struct mount *anon_mount __ro_after_init;

static const struct file_ops no_ops;
static const struct inode_ops anon_inode_ops;

static void anon_free_inode(struct inode *inode)
{
	kfree(inode);
}

static const struct super_ops anon_super_ops = { .free_inode = anon_free_inode };

static int anon_mount_type(const struct fs_type *type, const struct mount_request *request,
                           struct superblock **out)
{
	const struct new_inode new = { .mode = 0600 };
	struct superblock *super;
	struct inode *inode;
	int err = super_create(type, &anon_super_ops, 0, &super);

	if (err)
		return err;
	super->magic = ANON_INODE_FS_MAGIC;
	super->kind = SUPER_KERNEL;
	inode = kzalloc(sizeof(*inode), ALLOC_KERNEL);
	if (!inode) {
		super_put(super);
		return -ENOMEM;
	}
	inode_init(inode, super, &new);
	inode->ops = &anon_inode_ops;
	inode->fops = &no_ops;
	err = dentry_create_root(super, inode, &super->root);
	if (err) {
		super_put(super);
		return err;
	}
	*out = super;
	return 0;
}

static const struct fs_type anon_type = {
	.name = "anon_inodefs",
	.flags = FS_HIDDEN,
	.mount = anon_mount_type,
};

void anon_init(void)
{
	if (mount_create_internal(&anon_type, &anon_mount))
		panic("no memory for anonymous inodes");
}

int file_create_anonymous(const char *name, const struct file_ops *ops, void *private,
                          const struct cred *cred, unsigned int flags, struct file **out)
{
	struct inode *inode = inode_get(anon_mount->root->inode);
	struct path path = { .mount = anon_mount };
	struct file *file;
	int err = dentry_create_detached(anon_mount->super, name, inode, &path.dentry);

	if (err) {
		inode_put(inode);
		return err;
	}
	err = file_create(&path, cred, flags, &file);
	dentry_put(path.dentry);
	if (err)
		return err;
	file->ops = ops;
	file->private = private;
	file->mode &= ~(unsigned int)FILE_SEEK;
	file->mode |= FILE_STREAM | FILE_NOWAIT | FILE_OPENED;
	*out = file;
	return 0;
}
