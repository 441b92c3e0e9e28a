/*
 * devfs: the nodes of /dev follow the devices that are registered. See devfs.h.
 *
 * There is one instance, a tmpfs whose super block every mount of "devtmpfs" shares. Nodes are made
 * and removed by path, as the kernel, from the root of an internal mount.
 */
#include "fs/devfs/devfs.h"

#include <linux/errno.h>

#include "core/printk.h"
#include "dev/block.h"
#include "dev/chardev.h"
#include "fs/context.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/super.h"
#include "fs/tmpfs/tmpfs.h"
#include "id/cred.h"
#include "lib/string.h"

static struct {
	struct superblock *super;      /* the one instance */
	struct mount      *mount;      /* an internal view of it */
	struct fs_context *context;    /* rooted there, umask 0 */
} devfs __ro_after_init;

static int devfs_mount(const struct fs_type *type, const struct mount_request *request,
                       struct superblock **out)
{
	*out = super_get(devfs.super);
	return 0;
}

static const struct fs_type devfs_type = { .name = "devtmpfs", .mount = devfs_mount };

static struct walk_from devfs_from(void)
{
	return (struct walk_from){ .fs = devfs.context, .cred = &cred_root };
}

/* The directories in a name, made if they are not there. */
static int parents_create(const struct walk_from *from, const char *name)
{
	char path[64];

	for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		int err;

		if (str_copy_n(path, sizeof(path), name, (size_t)(slash - name)) < 0)
			return -ENAMETOOLONG;
		err = path_mkdir(from, path, 0755);
		if (err && err != -EEXIST)
			return err;
	}
	return 0;
}

int devfs_add(const char *name, mode_t mode, dev_t dev)
{
	const struct walk_from from = devfs_from();
	int err = parents_create(&from, name);

	if (!err)
		err = path_mknod(&from, name, mode, dev, NULL);
	return err == -EEXIST ? 0 : err;
}

void devfs_remove(const char *name)
{
	const struct walk_from from = devfs_from();

	if (path_unlink(&from, name))
		pr_debug("devfs: %s was gone already\n", name);
}

static void device_added(const struct chardev *device)
{
	int err;

	if (!device->name)
		return;
	err = devfs_add(device->name, S_IFCHR | device->mode, device->first);
	if (err)
		pr_err("devfs: no node for %s: error %d\n", device->name, -err);
}

static void device_removed(const struct chardev *device)
{
	if (device->name)
		devfs_remove(device->name);
}

static const struct chardev_hooks devfs_hooks = { .added = device_added,
                                                 .removed = device_removed };

static void disk_added(const struct block_device *device)
{
	int err = devfs_add(device->name, S_IFBLK | 0600, device->number);

	if (err)
		pr_err("devfs: no node for %s: error %d\n", device->name, -err);
}

static void disk_removed(const struct block_device *device)
{
	devfs_remove(device->name);
}

static const struct block_hooks disk_hooks = { .added = disk_added, .removed = disk_removed };

int devfs_init(void)
{
	struct path root;
	int err = tmpfs_super_create(&devfs_type, "mode=0755", 0, &devfs.super);

	if (err)
		return err;
	err = fs_type_register(&devfs_type);
	if (!err)
		err = mount_create_internal(&devfs_type, &devfs.mount);
	if (err)
		return err;
	root = (struct path){ devfs.mount, devfs.mount->root };
	err = fs_context_create(&root, &devfs.context);
	if (err)
		return err;
	fs_context_set_umask(devfs.context, 0);
	chardev_set_hooks(&devfs_hooks);
	block_set_hooks(&disk_hooks);
	return 0;
}
