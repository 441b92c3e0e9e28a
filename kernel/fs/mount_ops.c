/*
 * What mount(2), umount2(2) and pivot_root(2) do to the tree, once their arguments are kernel
 * values. The order of checks is Linux's, because programs see which error comes first.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/mount.h>

#include "fs/blockdev.h"
#include "fs/context.h"
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/mount_impl.h"
#include "fs/super.h"

static bool is_ours(const struct mount *mount, const struct mount_namespace *ns)
{
	return mount->ns == ns;
}

/* ---- the place ----------------------------------------------------------------------------- */

/*
 * Takes mount_tree and steps to the top of what is mounted at the place by now; the directory's
 * inode is locked against its removal. On success the caller ends with place_unlock().
 */
static int place_lock(struct mount_namespace *ns, const struct path *at, struct path *place)
{
	*place = *at;
	path_get(place);
	mutex_lock(&mount_tree);
	mount_follow_down(place);
	rwlock_write_lock(&place->dentry->inode->lock);
	if (!dentry_is_unlinked(place->dentry) && is_ours(place->mount, ns))
		return 0;
	rwlock_write_unlock(&place->dentry->inode->lock);
	mutex_unlock(&mount_tree);
	path_put(place);
	return is_ours(at->mount, ns) ? -ENOENT : -EINVAL;
}

static void place_unlock(struct path *place)
{
	rwlock_write_unlock(&place->dentry->inode->lock);
	mutex_unlock(&mount_tree);
	path_put(place);
}

/* Hangs a tree (reference consumed on success) at a locked place. */
static int place_attach(struct mount_namespace *ns, struct path *place, struct mount *tree)
{
	if (inode_is_dir(tree->root->inode) != inode_is_dir(place->dentry->inode))
		return -ENOTDIR;
	return mount_attach_tree(tree, place->mount, place->dentry, ns);
}

/* ---- mount(2) ------------------------------------------------------------------------------ */

#define SUPER_FLAGS (MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_SILENT | \
                     MS_POSIXACL | MS_LAZYTIME | MS_I_VERSION)

static int super_of_device(const struct fs_type *type, struct mount_request *request,
                           const struct mount_options *options, struct superblock **out)
{
	struct block_device *device = NULL;
	int err = 0;

	if (options->device)
		device = block_device_get(options->device);
	else if (!options->from)
		err = -EINVAL;
	else
		err = bdev_find_path(options->from, options->source, &device);
	if (err)
		return err;
	request->device = device;
	err = type->mount(type, request, out);
	block_device_put(device);
	return err;
}

static int super_for(const struct mount_options *options, struct superblock **out)
{
	const struct fs_type *type = options->type ? fs_type_find(options->type) : NULL;
	struct mount_request request = {
		.source = options->source,
		.options = options->options,
		.flags = options->flags & SUPER_FLAGS,
		.cred = options->cred,
	};

	if (!options->type)
		return -EINVAL;
	if (!type || type->flags & FS_HIDDEN)
		return -ENODEV;
	if (type->flags & FS_NEEDS_DEVICE)
		return super_of_device(type, &request, options, out);
	return type->mount(type, &request, out);
}

int mount_new(struct mount_namespace *ns, const struct path *at,
              const struct mount_options *options)
{
	struct superblock *super;
	struct mount *mount;
	struct path place;
	int err = super_for(options, &super);

	if (err)
		return err;
	err = mount_alloc(super, super->root, options->source, options->flags, &mount);
	super_put(super);
	if (err)
		return err;
	err = place_lock(ns, at, &place);
	if (!err) {
		/* The same on top of itself would only hide that it is mounted. */
		if (place.mount->super == mount->super && place.mount->root == place.dentry)
			err = -EBUSY;
		else
			err = place_attach(ns, &place, mount);
		place_unlock(&place);
	}
	if (err)
		mount_put(mount);
	return err;
}

int mount_bind(struct mount_namespace *ns, const struct path *from, const struct path *at,
               bool recursive)
{
	struct mount *copy;
	struct path place;
	int err = place_lock(ns, at, &place);

	if (err)
		return err;
	err = -EINVAL;
	if (is_ours(from->mount, ns) && !(from->mount->state & MOUNT_UNBINDABLE))
		err = recursive
		      ? mount_copy_tree(from->mount, from->dentry, COPY_LIKE, true, &copy)
		      : mount_copy_root(from->mount, from->dentry, COPY_LIKE, &copy);
	if (!err) {
		err = place_attach(ns, &place, copy);
		if (err)
			mount_tree_put(copy);
	}
	place_unlock(&place);
	return err;
}

static bool tree_has_unbindable(struct mount *tree)
{
	for (struct mount *at = tree; at; at = mount_tree_next(at, tree)) {
		if (at->state & MOUNT_UNBINDABLE)
			return true;
	}
	return false;
}

/* A mount is not moved below itself. */
static bool is_in_tree(const struct mount *mount, const struct mount *tree)
{
	while (mount != tree && mount_is_attached(mount))
		mount = mount->parent;
	return mount == tree;
}

static int move_check(struct mount_namespace *ns, const struct path *from, const struct path *to)
{
	struct mount *mount = from->mount;

	if (!is_ours(mount, ns) || from->dentry != mount->root || mount->state & MOUNT_LOCKED)
		return -EINVAL;
	if (!mount_is_attached(mount) || mount_is_shared(mount->parent))
		return -EINVAL;
	if (mount_is_shared(to->mount) && tree_has_unbindable(mount))
		return -EINVAL;
	return is_in_tree(to->mount, mount) ? -ELOOP : 0;
}

int mount_move(struct mount_namespace *ns, const struct path *from, const struct path *at)
{
	struct path place, old;
	int err = place_lock(ns, at, &place);

	if (err)
		return err;
	err = move_check(ns, from, &place);
	if (!err) {
		old = (struct path){ from->mount->parent, from->mount->mountpoint };
		path_get(&old);
		mount_unhang(from->mount);
		err = place_attach(ns, &place, from->mount);
		if (err)
			mount_hang(from->mount, old.mount, old.dentry);
		path_put(&old);
	}
	place_unlock(&place);
	return err;
}

/* MS_BIND | MS_REMOUNT: only how this one mount shows the file system. */
static int remount_bind(struct mount *mount, unsigned int flags)
{
	unsigned int old = mount->flags;

	if (flags & ~old & MS_RDONLY) {
		/* Pairs with the fully ordered count in mount_write_get(): one sees the other. */
		atomic_store(&mount->flags, old | MS_RDONLY);
		if (atomic_load(&mount->writers)) {
			atomic_store(&mount->flags, old);
			return -EBUSY;
		}
	}
	atomic_store(&mount->flags, flags);
	return 0;
}

#define ATIME_FLAGS (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)

int mount_remount(struct mount_namespace *ns, const struct path *at,
                  const struct mount_options *options)
{
	struct mount *mount = at->mount;
	unsigned int flags = options->flags & MOUNT_FLAGS;
	int err = 0;

	if (!is_ours(mount, ns) || at->dentry != mount->root)
		return -EINVAL;
	/* The super block's lock comes before that of the tree. */
	if (!(options->flags & MS_BIND)) {
		err = super_remount(mount->super, options->flags & SUPER_FLAGS, options->options);
		flags &= ~(unsigned int)MS_RDONLY;
	}
	if (err)
		return err;
	mutex_lock(&mount_tree);
	err = remount_bind(mount, flags);
	mount_ns_changed(ns);
	mutex_unlock(&mount_tree);
	return err;
}

int mount_set_propagation(struct mount_namespace *ns, const struct path *at, unsigned int flags)
{
	const unsigned int type = flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE);
	struct mount *mount = at->mount;

	/* One of them, with nothing but MS_REC and MS_SILENT beside it. */
	if (flags & ~(type | MS_REC | MS_SILENT) || type & (type - 1))
		return -EINVAL;
	if (at->dentry != mount->root || !is_ours(mount, ns))
		return -EINVAL;
	mutex_lock(&mount_tree);
	for (; mount; mount = flags & MS_REC ? mount_tree_next(mount, at->mount) : NULL)
		mount_change_propagation(mount, type);
	mount_ns_changed(ns);
	mutex_unlock(&mount_tree);
	return 0;
}

/* ---- umount2(2) ---------------------------------------------------------------------------- */

static int expire_check(struct mount *mount, unsigned int flags)
{
	if (!(flags & MNT_EXPIRE)) {
		mount->state &= ~(unsigned int)MOUNT_EXPIRING;
		return 0;
	}
	if (mount_is_busy(mount, 2))
		return -EBUSY;
	if (mount->state & MOUNT_EXPIRING)
		return 0;
	mount->state |= MOUNT_EXPIRING;
	return -EAGAIN;
}

int mount_umount(struct mount_namespace *ns, const struct path *at, unsigned int flags)
{
	struct mount *mount = at->mount;
	struct list dead = LIST_INIT(dead);
	int err;

	if (at->dentry != mount->root || !is_ours(mount, ns) || mount->state & MOUNT_LOCKED)
		return -EINVAL;
	/* The root of all is never unmounted: it becomes read-only instead. */
	if (!mount_is_attached(mount)) {
		if (flags & (MNT_DETACH | MNT_EXPIRE))
			return -EINVAL;
		return super_remount(mount->super, mount->super->flags | MS_RDONLY, "");
	}
	mutex_lock(&mount_tree);
	err = is_ours(mount, ns) ? expire_check(mount, flags) : -EINVAL;
	/* One reference is the tree's, one the caller's path. */
	if (!err && !(flags & MNT_DETACH) && mount_is_busy(mount, 2))
		err = -EBUSY;
	if (!err)
		mount_detach_tree(mount, &dead);
	mutex_unlock(&mount_tree);
	mount_bury(&dead);
	return err;
}

/* ---- pivot_root(2) ------------------------------------------------------------------------- */

static int pivot_check(struct mount_namespace *ns, const struct path *root,
                       const struct path *new_root,
                       const struct path *put_old)
{
	struct mount *new = new_root->mount, *old = root->mount;

	if (!is_ours(new, ns) || !is_ours(old, ns) || !is_ours(put_old->mount, ns))
		return -EINVAL;
	if (new->state & MOUNT_LOCKED)
		return -EINVAL;
	if (mount_is_shared(put_old->mount) ||
	    (mount_is_attached(new) && mount_is_shared(new->parent)) ||
	    (mount_is_attached(old) && mount_is_shared(old->parent)))
		return -EINVAL;
	if (dentry_is_unlinked(new_root->dentry))
		return -ENOENT;
	if (new == old || put_old->mount == old)
		return -EBUSY;
	if (root->dentry != old->root || !mount_is_attached(old))
		return -EINVAL;
	if (new_root->dentry != new->root || !mount_is_attached(new))
		return -EINVAL;
	if (!is_in_tree(put_old->mount, new) || !is_in_tree(new, old))
		return -EINVAL;
	return 0;
}

static void pivot_commit(struct mount *old, struct mount *new, struct path *put_old)
{
	struct path above = { old->parent, old->mountpoint };

	path_get(&above);
	mount_unhang(new);
	mount_unhang(old);
	mount_hang(old, put_old->mount, put_old->dentry);
	mount_hang(new, above.mount, above.dentry);
	path_put(&above);
}

int mount_pivot_root(struct mount_namespace *ns, struct fs_context *context,
                     const struct path *new_root,
                     const struct path *put_old)
{
	struct path root, place;
	int err = place_lock(ns, put_old, &place);

	if (err)
		return err;
	fs_context_root(context, &root);
	err = pivot_check(ns, &root, new_root, &place);
	if (!err) {
		pivot_commit(root.mount, new_root->mount, &place);
		mount_ns_changed(ns);
	}
	place_unlock(&place);
	path_put(&root);
	return err;
}
