/*
 * Nameless inodes. See nameless.h.
 */
#include "fs/nameless.h"

#include <linux/errno.h>

#include "core/panic.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "lib/printf.h"
#include "mem/slab.h"

static struct cache nameless_slab = CACHE("nameless_inode", struct inode);

static const struct inode_ops nameless_inode_ops;
static const struct file_ops nameless_root_ops;

static void nameless_free(struct inode *inode)
{
	cache_free(&nameless_slab, inode);
}

static const struct super_ops nameless_super_ops = { .free_inode = nameless_free };

static int inode_create(struct superblock *super, const struct new_inode *new,
                        const struct file_ops *ops, struct inode **out)
{
	struct inode *inode = cache_alloc(&nameless_slab, ALLOC_KERNEL);

	if (!inode)
		return -ENOMEM;
	inode_init(inode, super, new);
	inode->ops = &nameless_inode_ops;
	inode->fops = ops;
	*out = inode;
	return 0;
}

int nameless_mount(const struct fs_type *type, const struct mount_request *request,
                   struct superblock **out)
{
	const struct nameless_fs *fs = container_of(type, struct nameless_fs, type);
	const struct new_inode new = { .mode = S_IFDIR | 0600 };
	struct superblock *super;
	struct inode *inode;
	int err = super_create(type, &nameless_super_ops, 0, &super);

	if (err)
		return err;
	super->magic = fs->magic;
	super->kind = SUPER_KERNEL;
	err = inode_create(super, &new, &nameless_root_ops, &inode);
	if (!err)
		err = dentry_create_root(super, inode, &super->root);
	if (err) {
		super_put(super);
		return err;
	}
	*out = super;
	return 0;
}

void nameless_register(struct nameless_fs *fs)
{
	if (mount_create_internal(&fs->type, &fs->mount))
		panic("no memory for %s", fs->type.name);
}

int nameless_create(struct nameless_fs *fs, const struct new_inode *new,
                    const struct file_ops *ops, struct path *out)
{
	struct superblock *super = fs->mount->super;
	struct inode *inode;
	char name[40];
	int err = inode_create(super, new, ops, &inode);

	if (err)
		return err;
	snprintf(name, sizeof(name), "%s:[%lu]", fs->prefix, inode->ino);
	err = dentry_create_detached(super, name, inode, &out->dentry);
	if (err) {
		inode_put(inode);
		return err;
	}
	out->mount = mount_get(fs->mount);
	return 0;
}
