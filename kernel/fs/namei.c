/*
 * Names: making, removing and renaming them. See namei.h.
 *
 * Each function walks to the parents, takes the mounts for writing, locks the directories (parent
 * before child; two unrelated ones under the super block's rename lock), finds the dentries, checks
 * in Linux's order, lets the file system act, and brings the dentry cache up to date before it
 * unlocks.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fs.h>

#include "fs/attr.h"
#include "fs/context.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "fs/super.h"
#include "fs/walk_impl.h"
#include "id/cred.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"

/* Subclasses of the inode locks of one operation. */
enum { LOCK_PARENT, LOCK_PARENT_2, LOCK_VICTIM };

/* A name in a directory, found under the directory's lock. */
struct slot {
	struct path           parent;
	struct last_component last;
	struct dentry        *dentry;
};

static int slot_find(struct slot *slot)
{
	if (slot->parent.dentry->inode->flags & INODE_DEAD)
		return -ENOENT;
	return walk_child_locked(slot->parent.dentry, &slot->last.name, &slot->dentry);
}

/*
 * Walks to the parent and locks it, with the mount held for writing unless *write_err says why not.
 */
static int slot_lock(const struct walk_from *from, const char *name, struct slot *slot,
                     int *write_err)
{
	int err = path_lookup_parent(from, name, 0, &slot->parent, &slot->last);

	if (err)
		return err;
	*write_err = mount_write_get(slot->parent.mount);
	rwlock_write_lock(&slot->parent.dentry->inode->lock);
	return 0;
}

static void slot_unlock(struct slot *slot, int write_err)
{
	rwlock_write_unlock(&slot->parent.dentry->inode->lock);
	if (!write_err)
		mount_write_put(slot->parent.mount);
	path_put(&slot->parent);
}

/* ---- may it be? ---------------------------------------------------------------------------- */

static int may_create(const struct path *parent, const struct cred *cred)
{
	return path_permission(parent, cred, MAY_WRITE | MAY_EXEC);
}

static bool is_sticky_for(const struct inode *dir, const struct inode *inode,
                          const struct cred *cred)
{
	return dir->mode & S_ISVTX && cred->fsuid != inode->uid && cred->fsuid != dir->uid &&
	       !cred_capable(cred, CAP_FOWNER);
}

static int may_delete(const struct path *parent, struct dentry *dentry, const struct cred *cred,
                      bool as_dir)
{
	struct inode *dir = parent->dentry->inode, *inode = dentry->inode;
	int err = path_permission(parent, cred, MAY_WRITE | MAY_EXEC);

	if (err)
		return err;
	if (dir->flags & INODE_APPEND || is_sticky_for(dir, inode, cred) ||
	    inode->flags & (INODE_APPEND | INODE_IMMUTABLE))
		return -EPERM;
	if (as_dir != inode_is_dir(inode))
		return as_dir ? -ENOTDIR : -EISDIR;
	return as_dir && dentry_is_root(dentry) ? -EBUSY : 0;
}

/* ---- making -------------------------------------------------------------------------------- */

/* The checks common to all that make a name; slot->dentry has a reference on success only. */
static int slot_prepare_new(struct slot *slot, const struct cred *cred, bool is_dir, int write_err)
{
	int err;

	if (slot->last.type != LAST_NORMAL)
		return -EEXIST;
	err = slot_find(slot);
	if (err)
		return err;
	if (!dentry_is_negative(slot->dentry))
		err = -EEXIST;
	else if (slot->last.trailing_slash && !is_dir)
		err = -ENOENT;
	else
		err = write_err;
	if (!err)
		err = may_create(&slot->parent, cred);
	if (err)
		dentry_put(slot->dentry);
	return err;
}

static int create_at(const struct walk_from *from, const char *name, const struct new_inode *wanted,
                     struct path *made)
{
	struct new_inode new;
	struct inode *dir;
	struct slot slot;
	int write_err, err = slot_lock(from, name, &slot, &write_err);

	if (err)
		return err;
	dir = slot.parent.dentry->inode;
	err = slot_prepare_new(&slot, from->cred, S_ISDIR(wanted->mode), write_err);
	if (!err) {
		inode_seed(dir, from, wanted->mode, &new);
		new.rdev = wanted->rdev;
		new.target = wanted->target;
		err = dir->ops->create ? dir->ops->create(dir, slot.dentry, &new) : -EPERM;
		if (!err)
			notify_entry(dir, &slot.last.name, slot.dentry->inode, IN_CREATE);
		if (!err && made) {
			*made = (struct path){ slot.parent.mount, slot.dentry };
			path_get(made);
		}
		dentry_put(slot.dentry);
	}
	slot_unlock(&slot, write_err);
	return err;
}

int path_mknod(const struct walk_from *from, const char *name, mode_t mode, dev_t dev,
               struct path *made)
{
	const struct new_inode wanted = { .mode = mode, .rdev = dev };

	return create_at(from, name, &wanted, made);
}

int path_mkdir(const struct walk_from *from, const char *name, mode_t mode)
{
	const struct new_inode wanted = { .mode = S_IFDIR | (mode & 01777) };

	return create_at(from, name, &wanted, NULL);
}

int path_symlink(const struct walk_from *from, const char *name, const char *target)
{
	const struct new_inode wanted = { .mode = S_IFLNK, .target = target };

	return create_at(from, name, &wanted, NULL);
}

static int link_check(const struct path *old, const struct slot *slot, const struct cred *cred)
{
	struct inode *inode = old->dentry->inode;

	int err;

	if (old->mount != slot->parent.mount)
		return -EXDEV;
	err = link_source_check(inode, cred);
	if (err)
		return err;
	if (inode->flags & (INODE_APPEND | INODE_IMMUTABLE))
		return -EPERM;
	if (!slot->parent.dentry->inode->ops->link || inode_is_dir(inode))
		return -EPERM;
	return 0;
}

/* Another name; the inode's lock keeps it from losing its last one meanwhile. */
static int link_locked(struct inode *inode, struct inode *dir, struct dentry *dentry)
{
	int err = -ENOENT;

	rwlock_write_lock_nested(&inode->lock, LOCK_VICTIM);
	if (inode->nlink || inode->flags & INODE_LINKABLE)
		err = dir->ops->link(dir, dentry, inode);
	if (!err)
		inode->flags &= ~(uint32_t)INODE_LINKABLE;
	rwlock_write_unlock(&inode->lock);
	return err;
}

static void tell_link(const struct slot *slot)
{
	struct inode *inode = slot->dentry->inode;

	notify_inode(inode, IN_ATTRIB);
	notify_entry(slot->parent.dentry->inode, &slot->last.name, inode, IN_CREATE);
}

int path_link(const struct path *old, const struct walk_from *from, const char *name)
{
	struct slot slot;
	int write_err, err = slot_lock(from, name, &slot, &write_err);

	if (err)
		return err;
	err = slot_prepare_new(&slot, from->cred, false, write_err);
	if (!err) {
		err = link_check(old, &slot, from->cred);
		if (!err)
			err = link_locked(old->dentry->inode, slot.parent.dentry->inode,
			                  slot.dentry);
		if (!err)
			tell_link(&slot);
		dentry_put(slot.dentry);
	}
	slot_unlock(&slot, write_err);
	return err;
}

/* ---- removing ------------------------------------------------------------------------------ */

/* The end of a directory that nobody uses comes before that of its name, as on Linux. */
static void tell_removal(const struct slot *slot, struct inode *inode)
{
	if (inode_is_dir(inode) && atomic_load_relaxed(&slot->dentry->refs) == 1)
		notify_gone(inode);
	notify_entry(slot->parent.dentry->inode, &slot->last.name, inode, IN_DELETE);
}

static int remove_locked(struct slot *slot, bool as_dir)
{
	struct inode *dir = slot->parent.dentry->inode, *inode = slot->dentry->inode;
	int (*op)(struct inode *, struct dentry *) = as_dir ? dir->ops->rmdir : dir->ops->unlink;
	int err;

	if (!op)
		return -EPERM;
	if (mount_is_busy_point(slot->dentry))
		return -EBUSY;
	rwlock_write_lock_nested(&inode->lock, LOCK_VICTIM);
	err = op(dir, slot->dentry);
	if (!err && as_dir)
		inode->flags |= INODE_DEAD;
	rwlock_write_unlock(&inode->lock);
	if (err)
		return err;
	if (!as_dir)
		notify_inode(inode, IN_ATTRIB);
	if (as_dir)
		dentry_invalidate(slot->dentry);
	else
		dentry_delete(slot->dentry);
	if (notify_is_wanted())
		tell_removal(slot, inode);
	return 0;
}

/* What the last component says against it before it is looked at. */
static int remove_type_check(const struct last_component *last, bool as_dir)
{
	if (last->type == LAST_NORMAL)
		return 0;
	if (!as_dir)
		return -EISDIR;
	return last->type == LAST_DOT ? -EINVAL : last->type == LAST_DOTDOT ? -ENOTEMPTY : -EBUSY;
}

static int remove_checked(struct slot *slot, const struct cred *cred, bool as_dir, int write_err)
{
	int err;

	if (dentry_is_negative(slot->dentry))
		return -ENOENT;
	if (slot->last.trailing_slash && !as_dir)
		return inode_is_dir(slot->dentry->inode) ? -EISDIR : -ENOTDIR;
	err = write_err;
	if (!err)
		err = may_delete(&slot->parent, slot->dentry, cred, as_dir);
	return err ? err : remove_locked(slot, as_dir);
}

static int remove_at(const struct walk_from *from, const char *name, bool as_dir)
{
	struct inode *inode = NULL;
	struct slot slot;
	int write_err, err = slot_lock(from, name, &slot, &write_err);

	if (err)
		return err;
	err = remove_type_check(&slot.last, as_dir);
	if (!err)
		err = slot_find(&slot);
	if (!err) {
		/* The content goes after the locks have gone. */
		if (slot.dentry->inode)
			inode = inode_get(slot.dentry->inode);
		err = remove_checked(&slot, from->cred, as_dir, write_err);
		dentry_put(slot.dentry);
	}
	slot_unlock(&slot, write_err);
	if (inode)
		inode_put(inode);
	return err;
}

int path_unlink(const struct walk_from *from, const char *name)
{
	return remove_at(from, name, false);
}

int path_rmdir(const struct walk_from *from, const char *name)
{
	return remove_at(from, name, true);
}

/* ---- renaming ------------------------------------------------------------------------------ */

static void parents_lock(struct dentry *a, struct dentry *b)
{
	if (a == b) {
		rwlock_write_lock(&a->inode->lock);
		return;
	}
	mutex_lock(&a->super->rename_lock);
	if (dentry_is_below(a, b)) {
		struct dentry *upper = b;

		b = a;
		a = upper;
	}
	rwlock_write_lock(&a->inode->lock);
	rwlock_write_lock_nested(&b->inode->lock, LOCK_PARENT_2);
}

static void parents_unlock(struct dentry *a, struct dentry *b)
{
	rwlock_write_unlock(&a->inode->lock);
	if (a == b)
		return;
	rwlock_write_unlock(&b->inode->lock);
	mutex_unlock(&a->super->rename_lock);
}

struct renaming {
	struct slot        from, to;
	const struct cred *cred;
	unsigned int       flags;
	struct inode      *victim; /* what `to` named, with a reference, put after the locks */
};

/* Do the two names make sense together? Before permissions are asked. */
static int rename_shape_check(const struct renaming *r)
{
	const struct dentry *from = r->from.dentry, *to = r->to.dentry;
	const bool exchange = r->flags & RENAME_EXCHANGE;

	if (dentry_is_negative(from))
		return -ENOENT;
	if (r->flags & RENAME_NOREPLACE && !dentry_is_negative(to))
		return -EEXIST;
	if (exchange && dentry_is_negative(to))
		return -ENOENT;
	if (exchange && r->to.last.trailing_slash && !inode_is_dir(to->inode))
		return -ENOTDIR;
	if (!inode_is_dir(from->inode) &&
	    (r->from.last.trailing_slash || (!exchange && r->to.last.trailing_slash)))
		return -ENOTDIR;
	if (dentry_is_below(r->to.parent.dentry, r->from.dentry))
		return -EINVAL;
	if (dentry_is_below(r->from.parent.dentry, r->to.dentry))
		return exchange ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static int rename_permission_check(const struct renaming *r)
{
	struct inode *from = r->from.dentry->inode, *to = r->to.dentry->inode;
	const bool is_dir = inode_is_dir(from), exchange = r->flags & RENAME_EXCHANGE;
	const bool same_parent = r->from.parent.dentry == r->to.parent.dentry;
	int err = may_delete(&r->from.parent, r->from.dentry, r->cred, is_dir);

	if (!err && !to)
		err = may_create(&r->to.parent, r->cred);
	else if (!err)
		err = may_delete(&r->to.parent, r->to.dentry, r->cred,
		                 exchange ? inode_is_dir(to) : is_dir);
	/* A directory's ".." changes. */
	if (!err && !same_parent && is_dir)
		err = inode_permission(from, r->cred, MAY_WRITE);
	if (!err && !same_parent && exchange && inode_is_dir(to))
		err = inode_permission(to, r->cred, MAY_WRITE);
	return err;
}

static void tell_move(const struct renaming *r)
{
	const bool exchange = r->flags & RENAME_EXCHANGE;
	struct notify_move move = {
		.from_dir = r->from.parent.dentry->inode,
		.to_dir = r->to.parent.dentry->inode,
		.from_name = &r->from.last.name,
		.to_name = &r->to.last.name,
		.inode = r->from.dentry->inode,
		.replaced = exchange ? NULL : r->victim,
	};

	notify_move(&move);
	if (!exchange)
		return;
	move = (struct notify_move){
		.from_dir = move.to_dir,
		.to_dir = move.from_dir,
		.from_name = move.to_name,
		.to_name = move.from_name,
		.inode = r->victim,
	};
	notify_move(&move);
}

static int rename_commit(struct renaming *r)
{
	struct inode *from_dir = r->from.parent.dentry->inode, *to_dir = r->to.parent.dentry->inode;
	const bool exchange = r->flags & RENAME_EXCHANGE;
	struct dentry_name *names[2];
	int err;

	if (!from_dir->ops->rename)
		return -EPERM;
	if (mount_is_busy_point(r->from.dentry) || mount_is_busy_point(r->to.dentry))
		return -EBUSY;
	err = dentry_prepare_move(r->from.dentry, r->to.dentry, exchange, names);
	if (err)
		return err;
	if (r->victim)
		rwlock_write_lock_nested(&r->victim->lock, LOCK_VICTIM);
	err = from_dir->ops->rename(from_dir, r->from.dentry, to_dir, r->to.dentry,
	                            r->flags & RENAME_EXCHANGE);
	if (!err && r->victim && !exchange && inode_is_dir(r->victim))
		r->victim->flags |= INODE_DEAD;
	if (r->victim)
		rwlock_write_unlock(&r->victim->lock);
	if (err) {
		dentry_cancel_move(names);
		return err;
	}
	dentry_move(r->from.dentry, r->to.dentry, exchange, names);
	tell_move(r);
	if (r->victim && !exchange && inode_is_dir(r->victim))
		dentry_invalidate(r->to.dentry);
	return 0;
}

/* Both parents are locked. */
static int rename_locked(struct renaming *r)
{
	int err = slot_find(&r->from);

	if (err)
		return err;
	err = slot_find(&r->to);
	if (!err) {
		if (r->to.dentry->inode)
			r->victim = inode_get(r->to.dentry->inode);
		err = rename_shape_check(r);
		/* Two names of one file: nothing to do, says POSIX. */
		if (!err && r->victim != r->from.dentry->inode) {
			err = rename_permission_check(r);
			if (!err)
				err = rename_commit(r);
		}
		dentry_put(r->to.dentry);
	}
	dentry_put(r->from.dentry);
	return err;
}

static int rename_parents(struct renaming *r)
{
	int err;

	if (r->from.parent.mount != r->to.parent.mount)
		return -EXDEV;
	if (r->from.last.type != LAST_NORMAL)
		return -EBUSY;
	if (r->to.last.type != LAST_NORMAL)
		return r->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	err = mount_write_get(r->from.parent.mount);
	if (err)
		return err;
	parents_lock(r->from.parent.dentry, r->to.parent.dentry);
	err = rename_locked(r);
	parents_unlock(r->from.parent.dentry, r->to.parent.dentry);
	mount_write_put(r->from.parent.mount);
	return err;
}

int path_rename(const struct walk_from *from, const char *old_name, const struct walk_from *to,
                const char *new_name, unsigned int flags)
{
	struct renaming r = { .cred = from->cred, .flags = flags };
	int err;

	if (flags & ~(unsigned int)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	err = path_lookup_parent(from, old_name, 0, &r.from.parent, &r.from.last);
	if (err)
		return err;
	err = path_lookup_parent(to, new_name, 0, &r.to.parent, &r.to.last);
	if (!err) {
		err = rename_parents(&r);
		path_put(&r.to.parent);
	}
	path_put(&r.from.parent);
	if (r.victim)
		inode_put(r.victim);
	return err;
}

/* ---- reading links ------------------------------------------------------------------------- */

/* The text of a magic link is the name of where it leads. */
static ssize_t readlink_jump(struct path *jump, const struct walk_from *from, char *buf,
                             size_t size)
{
	char *page = kmalloc(PATH_LEN_MAX, ALLOC_KERNEL), *text;
	struct path root;
	ssize_t n = -ENOMEM;

	if (page) {
		fs_context_root(from->fs, &root);
		n = path_render(jump, &root, false, page, PATH_LEN_MAX, &text);
		path_put(&root);
	}
	if (!n) {
		n = (ssize_t)min(strlen(text), size);
		memcpy(buf, text, (size_t)n);
	}
	kfree(page);
	path_put(jump);
	return n;
}

ssize_t path_readlink(const struct path *path, const struct walk_from *from, char *buf, size_t size)
{
	struct inode *inode = path->dentry->inode;
	struct link_target target = { 0 };
	ssize_t n;

	if (!inode->ops->get_link)
		return -EINVAL;
	n = inode->ops->get_link(inode, from, &target);
	if (n)
		return n;
	if (!target.text)
		return readlink_jump(&target.jump, from, buf, size);
	n = (ssize_t)min(strlen(target.text), size);
	memcpy(buf, target.text, (size_t)n);
	kfree(target.buffer);
	return n;
}
