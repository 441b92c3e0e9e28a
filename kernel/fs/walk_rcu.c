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

static inline bool spot_set(struct spot *spot, struct mount *mount, struct dentry *dentry)
{
	spot->mount = mount;
	spot->dentry = dentry;
	spot->seq = seqcount_peek(&dentry->seq);
	spot->inode = rcu_dereference(&dentry->inode);
	return !(spot->seq & 1);
}

static inline bool context_spot(struct fs_context *context, const struct path *path,
                                struct spot *spot)
{
	unsigned int seq = seqcount_peek(&context->seq);
	bool fine = spot_set(spot, READ_ONCE(path->mount), READ_ONCE(path->dentry));

	return fine && !(seq & 1) && !seqcount_retry(&context->seq, seq);
}

static inline bool start(const struct walk_from *from, const char *name, struct spot *spot)
{
	if (*name == '/')
		return context_spot(from->fs, &from->fs->root, spot);
	if (from->base)
		return spot_set(spot, from->base->mount, from->base->dentry);
	return context_spot(from->fs, &from->fs->cwd, spot);
}

static inline bool may_search(struct inode *dir, const struct cred *cred)
{
	if (unlikely(!dir || !dir->ops->lookup || dir->ops->permission))
		return false;
	if (likely((dir->mode & 0111) == 0111))
		return true;
	return inode_check_mode(dir, cred, MAY_EXEC) == 0;
}

/* Onto what is mounted here, and on that. */
static __always_inline bool cross(struct spot *spot)
{
	do {
		struct mount *mount = mount_find(spot->mount, spot->dentry);

		if (!mount)
			return true;
		if (!spot_set(spot, mount, mount->root))
			return false;
	} while (unlikely(spot->dentry->flags & DENTRY_MOUNTED));
	return true;
}

/*
 * `..`, only within a mount, and not from the root of the walk. It gives a copy, so that the
 * caller's spot stays in registers.
 */
static __noinline struct spot climb(struct mount *mount, struct dentry *dentry,
                                    struct fs_context *context, bool *fine)
{
	struct spot spot = { .mount = mount }, root;
	struct dentry *parent;

	*fine = false;
	if (dentry == mount->root || !context_spot(context, &context->root, &root) ||
	    root.dentry == dentry)
		return spot;
	parent = READ_ONCE(dentry->parent);
	*fine = !(parent->flags & DENTRY_MOUNTED) && spot_set(&spot, mount, parent);
	return spot;
}

static __always_inline bool step_down(struct spot *spot, const struct component *name)
{
	struct dentry *child = dentry_find_rcu(spot->dentry, name, &spot->seq);

	if (unlikely(!child))
		return false;
	spot->dentry = child;
	spot->inode = rcu_dereference(&child->inode);
	if (unlikely(child->ops) && child->ops->revalidate && !child->ops->revalidate(child))
		return false;
	if (seqcount_retry(&child->seq, spot->seq))
		return false;
	return likely(!(child->flags & DENTRY_MOUNTED)) || cross(spot);
}

static inline bool is_dots(const struct component *name)
{
	return name->text[0] == '.' && (name->len == 1 || (name->len == 2 && name->text[1] == '.'));
}

static __always_inline bool step(struct spot *spot, const struct component *name,
                                 const struct walk_from *from)
{
	bool fine = true;

	if (likely(!is_dots(name)))
		return step_down(spot, name);
	if (name->len == 2)
		*spot = climb(spot->mount, spot->dentry, from->fs, &fine);
	return fine;
}

/* All components; the last may be a link if it is not to be followed. 0, ENOENT or ECHILD. */
static inline int walk(const struct walk_from *from, const char *name, unsigned int flags,
                       struct spot *spot)
{
	bool slash = false;

	while (*name == '/')
		name++;
	while (*name) {
		struct component component;

		if (!may_search(spot->inode, from->cred))
			return -ECHILD;
		name = component_parse(name, &component);
		slash = *name == '/';
		while (*name == '/')
			name++;
		if (component.len > PATH_NAME_MAX || !step(spot, &component, from))
			return -ECHILD;
		if (!spot->inode)
			return -ENOENT;
		if (unlikely(S_ISLNK(spot->inode->mode)) && (slash || flags & LOOKUP_FOLLOW))
			return -ECHILD;
	}
	if (slash || flags & LOOKUP_DIRECTORY)
		return spot->inode && inode_is_dir(spot->inode) ? 0 : -ECHILD;
	return spot->inode ? 0 : -ECHILD;
}

/* References for the place, if it is still what it was; else the walk by references has a go. */
static inline int spot_get(const struct spot *spot, unsigned int mounts, struct path *out)
{
	if (!refcount_try_get(&spot->mount->refs))
		return -ECHILD;
	if (unlikely(!dentry_try_get(spot->dentry))) {
		rcu_read_unlock();
		mount_put(spot->mount);
		rcu_read_lock();
		return -ECHILD;
	}
	*out = (struct path){ spot->mount, spot->dentry };
	if (likely(!seqcount_retry(&spot->dentry->seq, spot->seq) &&
	           !seqcount_retry(&mount_hash_seq, mounts)))
		return 0;
	rcu_read_unlock();
	path_put(out);
	rcu_read_lock();
	return -ECHILD;
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
	if (likely(start(from, name, &spot)))
		err = walk(from, name, flags, &spot);
	if (unlikely(err == -ENOENT && seqcount_retry(&mount_hash_seq, mounts)))
		err = -ECHILD;
	if (likely(!err))
		err = spot_get(&spot, mounts, out);
	rcu_read_unlock();
	return err;
}
