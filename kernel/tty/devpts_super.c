/*
 * Instances of devpts and their options. See tty/devpts.h.
 */
#include <linux/errno.h>
#include <linux/magic.h>

#include "fs/dentry.h"
#include "lib/devnum.h"
#include "fs/inode.h"
#include "fs/super.h"
#include "lib/parse.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "tty/devpts_impl.h"
#include "tty/tty.h"

/* ---- options --------------------------------------------------------------------------------- */

static int option_number(const char *value, unsigned int base, uint32_t *out)
{
	uint64_t number;

	if (!value || parse_u64_base(value, base, &number) || number > UINT32_MAX)
		return -EINVAL;
	*out = (uint32_t)number;
	return 0;
}

static int option_apply(struct devpts *devpts, const struct option *option)
{
	uint32_t number;
	int err;

	if (!strcmp(option->name, "newinstance"))
		return option->value ? -EINVAL : 0;
	err = option_number(option->value, strstr(option->name, "mode") ? 8 : 10, &number);
	if (err)
		return err;
	if (!strcmp(option->name, "uid")) {
		devpts->uid = number;
		devpts->has_uid = true;
	} else if (!strcmp(option->name, "gid")) {
		devpts->gid = number;
		devpts->has_gid = true;
	} else if (!strcmp(option->name, "mode")) {
		devpts->mode = number & 07777;
	} else if (!strcmp(option->name, "ptmxmode")) {
		devpts->ptmx_mode = number & 07777;
	} else if (!strcmp(option->name, "max")) {
		devpts->max = number;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int options_parse(struct devpts *devpts, const char *options)
{
	char *copy = kstrdup(options, ALLOC_KERNEL), *cursor = copy;
	struct option option;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	while (!err && option_next(&cursor, &option))
		err = option_apply(devpts, &option);
	kfree(copy);
	return err;
}

static int devpts_remount(struct superblock *super, unsigned int *flags, const char *options)
{
	struct devpts *devpts = devpts_of(super);
	int err = options_parse(devpts, options);

	if (!err)
		devpts->ptmx->mode = S_IFCHR | devpts->ptmx_mode;
	return err;
}

static int devpts_show_options(struct superblock *super, char *buf, size_t size)
{
	const struct devpts *devpts = devpts_of(super);
	int n = 0;

	if (devpts->has_uid)
		n += snprintf(buf, size, ",uid=%u", devpts->uid);
	if (devpts->has_gid)
		n += snprintf(buf + n, size - (size_t)n, ",gid=%u", devpts->gid);
	n += snprintf(buf + n, size - (size_t)n, ",mode=%03o,ptmxmode=%03o", devpts->mode,
	              devpts->ptmx_mode);
	if (devpts->max < DEVPTS_MAX)
		n += snprintf(buf + n, size - (size_t)n, ",max=%u", devpts->max);
	return n;
}

/* ---- instances ------------------------------------------------------------------------------- */

static int nodes_create(struct superblock *super)
{
	struct devpts *devpts = devpts_of(super);
	const struct new_inode root = { .mode = S_IFDIR | 0755 };
	const struct new_inode ptmx = { .mode = S_IFCHR | devpts->ptmx_mode,
	                               .rdev = dev_make(TTY_MAJOR_AUX, PTMX_MINOR) };
	struct inode *inode;
	int err = devpts_node_create(super, INO_PTMX, &ptmx, &devpts->ptmx);

	if (err)
		return err;
	err = devpts_node_create(super, INO_ROOT, &root, &inode);
	if (!err)
		err = dentry_create_root(super, inode, &super->root);
	else
		inode_put(devpts->ptmx);
	return err;
}

static int devpts_create(const char *options, struct devpts **out)
{
	struct devpts *devpts = kvmalloc(sizeof(*devpts), ALLOC_KERNEL | ALLOC_ZERO);
	int err;

	if (!devpts)
		return -ENOMEM;
	spin_lock_init(&devpts->lock, RANK_INODE);
	devpts->mode = 0600;
	devpts->max = DEVPTS_MAX;
	err = options_parse(devpts, options);
	if (err)
		kvfree(devpts);
	else
		*out = devpts;
	return err;
}

static int devpts_mount(const struct fs_type *type, const struct mount_request *request,
                        struct superblock **out)
{
	struct superblock *super;
	struct devpts *devpts;
	int err = devpts_create(request->options, &devpts);

	if (err)
		return err;
	err = super_create(type, &devpts_super_ops, request->flags, &super);
	if (err) {
		kvfree(devpts);
		return err;
	}
	super->kind = SUPER_NOCACHE;
	super->magic = DEVPTS_SUPER_MAGIC;
	super->private = devpts;
	devpts->super = super;
	err = nodes_create(super);
	if (err)
		super_put(super);
	else
		*out = super;
	return err;
}

static void devpts_evict(struct inode *inode)
{
	if (inode->ino == INO_ROOT)
		inode_put(devpts_of(inode->super)->ptmx);
}

static void devpts_free_inode(struct inode *inode)
{
	kfree(inode);
}

static void devpts_release(struct superblock *super)
{
	kvfree(super->private);
}

static const struct fs_type devpts_type = { .name = "devpts", .mount = devpts_mount };

int devpts_init(void)
{
	return fs_type_register(&devpts_type);
}

const struct super_ops devpts_super_ops = {
	.evict = devpts_evict,
	.free_inode = devpts_free_inode,
	.remount = devpts_remount,
	.show_options = devpts_show_options,
	.release = devpts_release,
};
