/*
 * The path walk without references: the way that nearly every name takes.
 *
 * The whole walk runs in one RCU section and never sleeps. Each child is found in the dentry hash
 * and read under its sequence count; what mounts say is read under theirs, checked once at the end;
 * only the place where the walk ends gets references, and the counts are checked again afterwards.
 * Whatever is not plain (a link to follow, a name that is not cached, a directory that needs more
 * than mode bits, openat2's rules, a change on the way) gives ECHILD, and the walk by references
 * begins anew.
 *
 * A directory that moves while the walk is below it does no harm: the walk is then one that came
 * before the move.
 */
#include <linux/errno.h>
#include <linux/mount.h>

#include "core/seqcount.h"
#include "fs/component.h"
#include "fs/context.h"
#include "fs/dentry_impl.h"
#include "fs/inode.h"
#include "fs/mount_impl.h"
#include "fs/namei.h"
#include "fs/walk_impl.h"
#include "id/cred.h"

/* A place, and the sequence count of its dentry at the time that its inode was read. */
struct spot {
	struct mount  *mount;
	struct dentry *dentry;
	struct inode  *inode;
	unsigned int   seq;
};

static bool spot_set(struct spot *spot, struct mount *mount, struct dentry *dentry)
{
	spot->mount = mount;
	spot->dentry = dentry;
	spot->seq = seqcount_peek(&dentry->seq);
	spot->inode = rcu_dereference(&dentry->inode);
	return !(spot->seq & 1);
}

static bool context_spot(struct fs_context *context, const struct path *path, struct spot *spot)
{
	unsigned int seq = seqcount_peek(&context->seq);
	bool fine = spot_set(spot, READ_ONCE(path->mount), READ_ONCE(path->dentry));

	return fine && !(seq & 1) && !seqcount_retry(&context->seq, seq);
}

static bool start(const struct walk_from *from, const char *name, struct spot *spot)
{
	if (*name == '/')
		return context_spot(from->fs, &from->fs->root, spot);
	if (from->base)
		return spot_set(spot, from->base->mount, from->base->dentry);
	return context_spot(from->fs, &from->fs->cwd, spot);
}

static bool may_search(const struct spot *dir, const struct cred *cred)
{
	struct inode *inode = dir->inode;

	if (unlikely(!inode || !inode->ops->lookup || inode->ops->permission))
		return false;
	if (likely((inode->mode & 0111) == 0111))
		return true;
	return inode_check_mode(inode, cred, MAY_EXEC) == 0;
}

/* Onto what is mounted here. */
static bool cross(struct spot *spot)
{
	while (spot->dentry->flags & DENTRY_MOUNTED) {
		struct mount *mount = mount_find(spot->mount, spot->dentry);

		if (!mount)
			break;
		if (!spot_set(spot, mount, mount->root))
			return false;
	}
	return true;
}

static bool step_down(struct spot *spot, const struct component *name)
{
	struct dentry *child = dentry_find_rcu(spot->dentry, name, &spot->seq);

	if (!child)
		return false;
	spot->dentry = child;
	spot->inode = rcu_dereference(&child->inode);
	if (unlikely(child->ops && child->ops->revalidate) && !child->ops->revalidate(child))
		return false;
	if (seqcount_retry(&child->seq, spot->seq))
		return false;
	return likely(!(child->flags & DENTRY_MOUNTED)) || cross(spot);
}

/* Only within a mount, and not from the root of the walk. */
static bool step_up(struct spot *spot, const struct walk_from *from)
{
	struct dentry *parent;
	struct spot root;

	if (spot->dentry == spot->mount->root || !context_spot(from->fs, &from->fs->root, &root) ||
	    root.dentry == spot->dentry)
		return false;
	parent = READ_ONCE(spot->dentry->parent);
	return !(parent->flags & DENTRY_MOUNTED) && spot_set(spot, spot->mount, parent);
}

static bool step(struct spot *spot, const struct component *name, const struct walk_from *from)
{
	if (likely(name->text[0] != '.' || name->len > 2))
		return step_down(spot, name);
	if (name->len == 1)
		return true;
	return name->text[1] == '.' ? step_up(spot, from) : step_down(spot, name);
}

/* All components; the last may be a link if it is not to be followed. 0, ENOENT or ECHILD. */
static int walk(const struct walk_from *from, const char *name, unsigned int flags,
                struct spot *spot)
{
	bool slash = false;

	while (*name == '/')
		name++;
	while (*name) {
		struct component component;

		if (!may_search(spot, from->cred))
			return -ECHILD;
		name = component_parse(name, &component);
		for (slash = false; *name == '/'; name++)
			slash = true;
		if (component.len > PATH_NAME_MAX || !step(spot, &component, from))
			return -ECHILD;
		if (!spot->inode)
			return -ENOENT;
		if (unlikely(S_ISLNK(spot->inode->mode)) && (*name || slash ||
		                                             flags & LOOKUP_FOLLOW))
			return -ECHILD;
	}
	if (slash || flags & LOOKUP_DIRECTORY)
		return spot->inode && inode_is_dir(spot->inode) ? 0 : -ECHILD;
	return spot->inode ? 0 : -ECHILD;
}

/* References for the place, if it is still what it was. */
static bool spot_get(const struct spot *spot, unsigned int mounts, struct path *out)
{
	if (!refcount_try_get(&spot->mount->refs))
		return false;
	*out = (struct path){ spot->mount, spot->dentry };
	if (!dentry_try_get(spot->dentry)) {
		rcu_read_unlock();
		mount_put(out->mount);
		rcu_read_lock();
		return false;
	}
	if (!seqcount_retry(&spot->dentry->seq, spot->seq) && !seqcount_retry(&mount_hash_seq,
	                                                                      mounts))
		return true;
	rcu_read_unlock();
	path_put(out);
	rcu_read_lock();
	return false;
}

int walk_rcu(const struct walk_from *from, const char *name, unsigned int flags, struct path *out)
{
	struct spot spot;
	unsigned int mounts;
	int err = -ECHILD;

	if (unlikely(flags & ~(unsigned int)(LOOKUP_FOLLOW | LOOKUP_DIRECTORY) || !*name))
		return -ECHILD;
	rcu_read_lock();
	mounts = seqcount_begin(&mount_hash_seq);
	if (start(from, name, &spot))
		err = walk(from, name, flags, &spot);
	if (!err && !spot_get(&spot, mounts, out))
		err = -ECHILD;
	else if (err == -ENOENT && seqcount_retry(&mount_hash_seq, mounts))
		err = -ECHILD;
	rcu_read_unlock();
	return err;
}
