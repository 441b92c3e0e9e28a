/*
 * The path walk by references. See path.h for what it promises and walk_impl.h for its parts.
 *
 * Each step finds the child in the dentry cache without a lock, crosses onto what is mounted there,
 * and follows links by setting the text to walk: nested links cost a slot of the walk, not of the
 * stack.
 */
#include "fs/path.h"

#include <linux/errno.h>
#include <linux/mount.h>

#include "core/panic.h"
#include "fs/component.h"
#include "fs/context.h"
#include "fs/dentry_impl.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/super.h"
#include "fs/walk_impl.h"
#include "id/cred.h"
#include "lib/string.h"
#include "mem/alloc.h"

struct path *path_get(struct path *path)
{
	mount_get(path->mount);
	dentry_get(path->dentry);
	return path;
}

void path_put(struct path *path)
{
	dentry_put(path->dentry);
	mount_put(path->mount);
}

/* ---- components ---------------------------------------------------------------------------- */

static enum last_type component_type(const struct component *name)
{
	if (name->text[0] != '.' || name->len > 2)
		return LAST_NORMAL;
	if (name->len == 1)
		return LAST_DOT;
	return name->text[1] == '.' ? LAST_DOTDOT : LAST_NORMAL;
}

/* ---- children ------------------------------------------------------------------------------ */

static bool is_stale(struct dentry *dentry)
{
	return unlikely(dentry->ops) && dentry->ops->revalidate && !dentry->ops->revalidate(dentry);
}

int walk_child_locked(struct dentry *dir, const struct component *name, struct dentry **out)
{
	struct inode *inode = dir->inode;
	struct dentry *child = dentry_lookup_locked(dir, name);
	int err;

	if (child && is_stale(child)) {
		dentry_invalidate(child);
		dentry_put(child);
		child = NULL;
	}
	if (!child) {
		if (inode->flags & INODE_DEAD)
			return -ENOENT;
		err = dentry_alloc(dir, name, &child);
		if (err)
			return err;
		err = inode->ops->lookup(inode, child);
		if (err) {
			dentry_put(child);
			return err;
		}
		dentry_add(child);
	}
	*out = child;
	return 0;
}

int walk_child(struct dentry *dir, const struct component *name, struct dentry **out)
{
	struct dentry *child = dentry_lookup(dir, name);
	int err;

	if (likely(child && !is_stale(child))) {
		*out = child;
		return 0;
	}
	if (child)
		dentry_put(child);
	if (name->len > dir->super->name_max)
		return -ENAMETOOLONG;
	rwlock_write_lock(&dir->inode->lock);
	err = walk_child_locked(dir, name, out);
	rwlock_write_unlock(&dir->inode->lock);
	return err;
}

/* ---- places -------------------------------------------------------------------------------- */

static void walk_know_root(struct walk *walk)
{
	if (walk->root.mount)
		return;
	if (walk->flags & (LOOKUP_IN_ROOT | LOOKUP_BENEATH) && walk->from->base) {
		walk->root = *walk->from->base;
		path_get(&walk->root);
	} else if (walk->flags & (LOOKUP_IN_ROOT | LOOKUP_BENEATH)) {
		fs_context_cwd(walk->from->fs, &walk->root);
	} else {
		fs_context_root(walk->from->fs, &walk->root);
	}
}

/* The walk stands on `to` now, whose references are consumed. */
static void walk_stand(struct walk *walk, struct path to)
{
	if (walk->path.mount)
		path_put(&walk->path);
	walk->path = to;
}

/* An absolute name or link: on from the root. */
static int walk_to_root(struct walk *walk)
{
	struct path root;

	if (walk->flags & LOOKUP_BENEATH)
		return -EXDEV;
	walk_know_root(walk);
	if (walk->flags & LOOKUP_NO_XDEV && walk->path.mount &&
	    walk->path.mount != walk->root.mount)
		return -EXDEV;
	root = walk->root;
	walk_stand(walk, *path_get(&root));
	return 0;
}

static int walk_up(struct walk *walk)
{
	struct path path;

	walk_know_root(walk);
	while (walk->path.dentry == walk->path.mount->root) {
		if (path_equal(&walk->path, &walk->root))
			break;
		if (walk->flags & LOOKUP_NO_XDEV)
			return -EXDEV;
		if (!mount_follow_up(&walk->path))
			break;
	}
	if (path_equal(&walk->path, &walk->root))
		return walk->flags & LOOKUP_BENEATH ? -EXDEV : 0;
	if (walk->path.dentry == walk->path.mount->root)
		return 0;
	path.mount = mount_get(walk->path.mount);
	path.dentry = dentry_get_parent(walk->path.dentry);
	if (path.dentry->flags & DENTRY_MOUNTED)
		mount_follow_down(&path);
	walk_stand(walk, path);
	return 0;
}

/* ---- links --------------------------------------------------------------------------------- */

static void text_drop(struct walk_text *text)
{
	kfree(text->buffer);
	text->buffer = NULL;
	if (text->inode)
		inode_put(text->inode);
	text->inode = NULL;
}

/* A magic link: the walk goes on there, whatever the name. */
static int walk_jump(struct walk *walk, struct path to)
{
	if (walk->flags & (LOOKUP_NO_MAGIC | LOOKUP_BENEATH | LOOKUP_IN_ROOT)) {
		int err = walk->flags & LOOKUP_NO_MAGIC ? -ELOOP : -EXDEV;

		path_put(&to);
		return err;
	}
	if (walk->flags & LOOKUP_NO_XDEV && to.mount != walk->path.mount) {
		path_put(&to);
		return -EXDEV;
	}
	walk_stand(walk, to);
	return 0;
}

/* Reads the link (reference on inode consumed) into next; 1: text to walk, 0: jumped. */
static int link_read(struct walk *walk, struct inode *inode, struct walk_text *next)
{
	struct link_target target = { 0 };
	int err = -ELOOP;

	if (!(walk->flags & LOOKUP_NO_SYMLINKS) && ++walk->links <= PATH_LINKS_MAX)
		err = inode->ops->get_link ? inode->ops->get_link(inode, walk->from, &target)
		                           : -EINVAL;
	if (err || !target.text) {
		inode_put(inode);
		return err ? err : walk_jump(walk, target.jump);
	}
	*next = (struct walk_text){ .rest = target.text, .inode = inode, .buffer = target.buffer };
	if (!*target.text) {
		text_drop(next);
		return -ENOENT;
	}
	return 1;
}

/* ---- steps --------------------------------------------------------------------------------- */

static int cross_mounts(struct walk *walk, struct path *next)
{
	struct mount *before = next->mount;

	if (likely(!(next->dentry->flags & DENTRY_MOUNTED)))
		return 0;
	mount_follow_down(next);
	return next->mount != before && walk->flags & LOOKUP_NO_XDEV ? -EXDEV : 0;
}

/* Onto a child (consumed). 1: it is a link to be followed, and *link has the inode. */
static int step_onto(struct walk *walk, struct dentry *child, bool follow, struct inode **link)
{
	struct path next = { walk->path.mount, child };
	struct inode *inode = rcu_dereference(&child->inode);
	int err;

	if (unlikely(!inode)) {
		dentry_put(child);
		return -ENOENT;
	}
	if (unlikely(S_ISLNK(inode->mode)) && follow) {
		bool no_follow = walk->path.mount->flags & MS_NOSYMFOLLOW;

		*link = inode_get(inode);
		dentry_put(child);
		if (!no_follow)
			return 1;
		inode_put(*link);
		return -ELOOP;
	}
	mount_get(next.mount);
	err = cross_mounts(walk, &next);
	if (err)
		path_put(&next);
	else
		walk_stand(walk, next);
	return err;
}

static int walk_step(struct walk *walk, const struct component *name, enum last_type type,
                     bool follow, struct inode **link)
{
	struct dentry *child;
	int err;

	if (type == LAST_DOT || type == LAST_ROOT)
		return 0;
	if (type == LAST_DOTDOT)
		return walk_up(walk);
	err = walk_child(walk->path.dentry, name, &child);
	return err ? err : step_onto(walk, child, follow, link);
}

/* May the walk look into the directory where it stands? */
static int may_search(const struct walk *walk)
{
	struct inode *inode = walk->path.dentry->inode;

	if (unlikely(!inode->ops->lookup))
		return -ENOTDIR;
	if (likely((inode->mode & 0111) == 0111 && !inode->ops->permission))
		return 0;
	return inode_permission(inode, walk->from->cred, MAY_EXEC);
}

static int text_begin(struct walk *walk, const char **name)
{
	if (**name != '/')
		return 0;
	while (**name == '/')
		++*name;
	return walk_to_root(walk);
}

/* A link within the name: walk its text first, then what is left of the present one. */
static int walk_push(struct walk *walk, struct inode *link, const char *rest, const char **name)
{
	struct walk_text next;
	int err = link_read(walk, link, &next);

	if (err <= 0) {
		*name = rest;
		return err;
	}
	walk->text.rest = rest;
	walk->outer[walk->depth++] = walk->text;
	walk->text = next;
	*name = next.rest;
	return text_begin(walk, name);
}

/* Behind the component: slashes are skipped, and *slash says whether there were any. */
static const char *skip_slashes(const char *at, bool *slash)
{
	*slash = *at == '/';
	while (*at == '/')
		at++;
	return at;
}

int walk_to_last(struct walk *walk, const char *name)
{
	int err = text_begin(walk, &name);

	while (!err) {
		struct component component;
		struct inode *link;
		enum last_type type;
		const char *next;
		bool slash;

		if (!*name && !walk->depth) {
			walk->last = (struct last_component){ .type = LAST_ROOT };
			return 0;
		}
		if (!*name) {
			text_drop(&walk->text);
			walk->text = walk->outer[--walk->depth];
			name = walk->text.rest;
			continue;
		}
		err = may_search(walk);
		if (err)
			break;
		next = skip_slashes(component_parse(name, &component), &slash);
		if (component.len > PATH_NAME_MAX)
			return -ENAMETOOLONG;
		type = component_type(&component);
		if (!*next && !walk->depth) {
			walk->last = (struct last_component){ component, type, slash };
			return 0;
		}
		err = walk_step(walk, &component, type, true, &link);
		name = next;
		if (err == 1)
			err = walk_push(walk, link, next, &name);
	}
	return err;
}

int walk_onto(struct walk *walk, struct dentry *child, bool follow, const char **text)
{
	struct walk_text next;
	struct inode *link;
	int err = step_onto(walk, child, follow || walk->last.trailing_slash, &link);

	if (err != 1)
		return err;
	err = link_follow_check(walk->path.dentry->inode, link, walk->from->cred);
	if (err) {
		inode_put(link);
		return err;
	}
	err = link_read(walk, link, &next);
	if (err != 1)
		return err;
	text_drop(&walk->text);
	walk->text = next;
	*text = next.rest;
	/* The slash behind a link demands a directory at its end. */
	if (walk->last.trailing_slash)
		walk->flags |= LOOKUP_DIRECTORY;
	return 1;
}

int walk_last(struct walk *walk, bool follow, const char **text)
{
	struct dentry *child;
	int err;

	if (walk->last.type != LAST_NORMAL)
		return walk_step(walk, &walk->last.name, walk->last.type, follow, NULL);
	err = walk_child(walk->path.dentry, &walk->last.name, &child);
	return err ? err : walk_onto(walk, child, follow, text);
}

/* ---- whole walks --------------------------------------------------------------------------- */

int walk_begin(struct walk *walk, const struct walk_from *from, const char *name,
               unsigned int flags)
{
	walk->path.mount = walk->root.mount = NULL;
	walk->from = from;
	walk->flags = flags;
	walk->links = walk->depth = 0;
	walk->text = (struct walk_text){ .rest = name };
	if (!*name && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	if (*name == '/' && !(flags & LOOKUP_NO_XDEV))
		return 0;
	if (from->base) {
		walk->path = *from->base;
		path_get(&walk->path);
	} else {
		fs_context_cwd(from->fs, &walk->path);
	}
	return 0;
}

void walk_end(struct walk *walk)
{
	text_drop(&walk->text);
	while (walk->depth)
		text_drop(&walk->outer[--walk->depth]);
	if (walk->path.mount)
		path_put(&walk->path);
	if (walk->root.mount)
		path_put(&walk->root);
}

static int walk_whole(struct walk *walk, const char *name)
{
	bool follow = walk->flags & LOOKUP_FOLLOW;
	int err;

	do {
		err = walk_to_last(walk, name);
		if (!err)
			err = walk_last(walk, follow, &name);
	} while (err == 1);
	if (err)
		return err;
	if ((walk->flags & LOOKUP_DIRECTORY || walk->last.trailing_slash) &&
	    !inode_is_dir(walk->path.dentry->inode))
		return -ENOTDIR;
	return 0;
}

/* A function of its own because the walk is large on the stack. */
static __noinline int lookup_by_references(const struct walk_from *from, const char *name,
                                           unsigned int flags, struct path *out)
{
	struct walk walk;
	int err = walk_begin(&walk, from, name, flags);

	if (!err)
		err = walk_whole(&walk, name);
	if (!err) {
		*out = walk.path;
		walk.path.mount = NULL;
	}
	walk_end(&walk);
	return err;
}

int path_lookup(const struct walk_from *from, const char *name, unsigned int flags,
                struct path *out)
{
	int err = walk_rcu(from, name, flags, out);

	return likely(err != -ECHILD) ? err : lookup_by_references(from, name, flags, out);
}

int path_lookup_parent(const struct walk_from *from, const char *name, unsigned int flags,
                       struct path *parent, struct last_component *last)
{
	struct walk walk;
	int err = walk_begin(&walk, from, name, flags);

	if (!err)
		err = walk_to_last(&walk, name);
	if (!err) {
		*parent = walk.path;
		walk.path.mount = NULL;
		*last = walk.last;
	}
	walk_end(&walk);
	return err;
}
