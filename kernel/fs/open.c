/*
 * Opening files by name: open(2), openat2(2), and what exec opens. See namei.h.
 *
 * With O_CREAT the last component is looked up again under the directory's lock when the cache does
 * not have the file: found or made, one of both, in one step.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mount.h>

#include "fs/attr.h"
#include "fs/context.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mode_impl.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "fs/super.h"
#include "fs/walk_impl.h"
#include "id/cred.h"
#include "lib/printf.h"

static unsigned int access_of(unsigned int flags)
{
	static const unsigned int by_mode[] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
	                                        MAY_READ | MAY_WRITE };
	unsigned int mask = by_mode[flags & O_ACCMODE];

	return flags & O_TRUNC ? mask | MAY_WRITE : mask;
}

/* May a file of this kind be opened so, whoever asks? */
static int kind_check(const struct path *path, unsigned int flags)
{
	const struct inode *inode = path->dentry->inode;

	switch (inode->mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		return access_of(flags) & MAY_WRITE || flags & O_CREAT ? -EISDIR : 0;
	case S_IFBLK:
	case S_IFCHR:
		return path->mount->flags & MS_NODEV ? -EACCES : 0;
	default:
		return 0;
	}
}

static int open_check(const struct path *path, const struct cred *cred, unsigned int flags)
{
	struct inode *inode = path->dentry->inode;
	unsigned int mask = access_of(flags);
	int err = S_ISREG(inode->mode) ? 0 : kind_check(path, flags);

	if (!err && (mask != MAY_READ || inode->ops->permission ||
	             !inode_mode_allows(inode, cred, mask)))
		err = path_permission(path, cred, mask);
	if (err)
		return err;
	if (likely(!inode->flags && !(flags & O_NOATIME)))
		return 0;
	if (inode->flags & INODE_APPEND &&
	    ((flags & O_ACCMODE && !(flags & O_APPEND)) || flags & O_TRUNC))
		return -EPERM;
	if (flags & O_NOATIME && !inode_is_owner(inode, cred))
		return -EPERM;
	return 0;
}

/* O_TRUNC on a file that existed. */
static int open_truncate(struct file *file)
{
	struct inode *inode = file->inode;
	int err;

	if (!S_ISREG(inode->mode))
		return 0;
	err = mount_write_get(file->path.mount);
	if (err)
		return err;
	err = inode_write_get(inode);
	if (!err) {
		err = inode_truncate_open(inode, file->cred);
		inode_write_put(inode);
		if (!err)
			notify_file(file, IN_MODIFY);
	}
	mount_write_put(file->path.mount);
	return err;
}

/*
 * Opens a place, whose references become the file's, or are put on failure. `created`: by this very
 * call, so nothing is asked of the mode.
 */
static int open_place(struct path *path, const struct cred *cred, unsigned int flags, bool created,
                      struct file **out)
{
	struct file *file;
	int err = 0;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	else if (!created)
		err = open_check(path, cred, flags);
	if (unlikely(flags & O_DIRECT) && !err && S_ISREG(path->dentry->inode->mode) &&
	    !(path->dentry->inode->super->type->flags & FS_NEEDS_DEVICE))
		err = -EINVAL;
	if (!err)
		err = file_create_at(path, cred, flags, &file);
	if (err) {
		path_put(path);
		return err;
	}
	if (!(flags & O_PATH))
		err = file_start(file);
	if (unlikely(flags & O_TRUNC) && !err && !created)
		err = open_truncate(file);
	if (err) {
		file_put(file);
		return err;
	}
	notify_file(file, IN_OPEN);
	*out = file;
	return 0;
}

/* ---- O_CREAT ------------------------------------------------------------------------------- */

/*
 * Makes the file that the negative dentry names. Directory locked, mount writable or err says why
 * not.
 */
static int create_negative(const struct walk *walk, struct dentry *dentry, mode_t mode)
{
	struct inode *dir = walk->path.dentry->inode;
	struct new_inode new;
	int err = path_permission(&walk->path, walk->from->cred, MAY_WRITE | MAY_EXEC);

	if (err)
		return err;
	if (!dir->ops->create)
		return -EACCES;
	inode_seed(dir, walk->from, S_IFREG | (mode & 07777), &new);
	err = dir->ops->create(dir, dentry, &new);
	if (!err)
		notify_entry(dir, &walk->last.name, dentry->inode, IN_CREATE);
	return err;
}

/*
 * Finds or makes the last component: *child with a reference, *created. EEXIST for O_EXCL. The
 * mount is held writable by the caller unless write_err, which then is the answer for what would
 * have to be made.
 */
static int find_or_create(struct walk *walk, const struct open_request *request, int write_err,
                          struct dentry **child, bool *created)
{
	struct dentry *dir = walk->path.dentry;
	int err;

	rwlock_write_lock(&dir->inode->lock);
	err = walk_child_locked(dir, &walk->last.name, child);
	if (!err && dentry_is_negative(*child)) {
		err = write_err ? write_err : create_negative(walk, *child, request->mode);
		*created = !err;
		if (err)
			dentry_put(*child);
	}
	rwlock_write_unlock(&dir->inode->lock);
	if (!err && !*created && request->flags & O_EXCL) {
		dentry_put(*child);
		return -EEXIST;
	}
	return err;
}

static int last_create(struct walk *walk, const struct open_request *request, bool *created,
                       const char **text)
{
	const bool follow = !(request->flags & (O_NOFOLLOW | O_EXCL));
	struct dentry *child;
	int err, write_err;

	if (walk->last.type != LAST_NORMAL || walk->last.trailing_slash)
		return -EISDIR;
	if (walk->last.name.len > walk->path.dentry->super->name_max)
		return -ENAMETOOLONG;
	child = request->flags & O_EXCL ? NULL : dentry_lookup(walk->path.dentry, &walk->last.name);
	if (child && (dentry_is_negative(child) || child->ops)) {
		dentry_put(child);
		child = NULL;
	}
	if (child)
		return walk_onto(walk, child, follow, text);
	write_err = mount_write_get(walk->path.mount);
	err = find_or_create(walk, request, write_err, &child, created);
	if (!write_err)
		mount_write_put(walk->path.mount);
	return err ? err : walk_onto(walk, child, follow && !*created, text);
}

/* ---- O_TMPFILE ----------------------------------------------------------------------------- */

/* A dentry "#17" for an inode (consumed) that has no name in the directory. */
static int dentry_create_unlinked(struct dentry *dir, struct inode *inode, struct dentry **out)
{
	char text[24];
	struct component name = { .text = text };
	int err;

	name.len = (uint32_t)snprintf(text, sizeof(text), "#%lu", inode->ino);
	err = dentry_alloc(dir, &name, out);
	if (err)
		inode_put(inode);
	else
		dentry_attach(*out, inode);
	return err;
}

static int open_tmpfile(const struct walk *walk, const struct open_request *request,
                        struct file **out)
{
	struct inode *dir = walk->path.dentry->inode, *inode;
	struct path path = { .mount = walk->path.mount };
	struct new_inode new;
	int err;

	if (!inode_is_dir(dir))
		return -ENOTDIR;
	err = mount_write_get(path.mount);
	if (err)
		return err;
	err = path_permission(&walk->path, walk->from->cred, MAY_WRITE | MAY_EXEC);
	if (!err && !dir->ops->tmpfile)
		err = -EOPNOTSUPP;
	if (!err) {
		inode_seed(dir, walk->from, S_IFREG | (request->mode & 07777), &new);
		err = dir->ops->tmpfile(dir, &new, &inode);
	}
	if (!err) {
		if (!(request->flags & O_EXCL))
			inode->flags |= INODE_LINKABLE;
		err = dentry_create_unlinked(walk->path.dentry, inode, &path.dentry);
	}
	if (!err) {
		mount_get(path.mount);
		err = open_place(&path, walk->from->cred, request->flags & ~(unsigned int)O_TMPFILE,
		                 true, out);
	}
	mount_write_put(walk->path.mount);
	return err;
}

/* ---- by name ------------------------------------------------------------------------------- */

static int open_walk(struct walk *walk, const char *name, const struct open_request *request,
                     struct file **out)
{
	const unsigned int flags = request->flags;
	const bool follow = !(flags & O_NOFOLLOW);
	const bool tmpfile = (flags & __O_TMPFILE) && !(flags & O_PATH);
	bool created = false;
	mode_t dir_mode = 0;
	uid_t dir_uid = 0;
	struct path path;
	int err;

	do {
		err = walk_to_last(walk, name);
		if (!err && flags & O_CREAT) {
			dir_mode = walk->path.dentry->inode->mode;
			dir_uid = walk->path.dentry->inode->uid;
			err = last_create(walk, request, &created, &name);
		} else if (!err) {
			err = walk_last(walk, follow, &name);
		}
	} while (err == 1);
	if (!err && flags & O_CREAT && !created)
		err = create_found_check(walk->path.dentry->inode, dir_mode, dir_uid,
					 walk->from->cred);
	if (err)
		return err;
	if ((walk->flags & LOOKUP_DIRECTORY || walk->last.trailing_slash) &&
	    !inode_is_dir(walk->path.dentry->inode))
		return -ENOTDIR;
	if (tmpfile)
		return open_tmpfile(walk, request, out);
	path = walk->path;
	walk->path.mount = NULL;
	return open_place(&path, walk->from->cred, flags, created, out);
}

/* What exists and is reached without further ado; ECHILD: not so. */
static int open_simple(const struct walk_from *from, const char *name,
                       const struct open_request *request, struct file **out)
{
	const unsigned int flags = request->flags;
	struct path path;
	int err;

	if (flags & (O_CREAT | __O_TMPFILE) || request->resolve)
		return -ECHILD;
	err = walk_rcu(from, name, (flags & O_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
	               (flags & O_DIRECTORY ? LOOKUP_DIRECTORY : 0), &path);
	return err ? err : open_place(&path, from->cred, flags, false, out);
}

/* By references; a function of its own because the walk is large on the stack. */
static __noinline int open_by_references(const struct walk_from *from, const char *name,
                                         const struct open_request *request, struct file **out)
{
	struct walk walk;
	unsigned int flags = request->resolve |
	                     (request->flags & O_DIRECTORY ? LOOKUP_DIRECTORY : 0);
	int err;

	if (request->flags & __O_TMPFILE && !(request->flags & O_PATH) &&
	    ((request->flags & (O_TMPFILE | O_CREAT)) != O_TMPFILE ||
	     !(request->flags & (O_WRONLY | O_RDWR))))
		return -EINVAL;
	err = walk_begin(&walk, from, name, flags);
	if (!err)
		err = open_walk(&walk, name, request, out);
	walk_end(&walk);
	return err;
}

int file_open(const struct walk_from *from, const char *name, const struct open_request *request,
              struct file **out)
{
	int err = open_simple(from, name, request, out);

	return likely(err != -ECHILD) ? err : open_by_references(from, name, request, out);
}

int file_open_path(const struct path *path, const struct cred *cred, unsigned int flags,
                   struct file **out)
{
	struct path own = *path;

	if (flags & O_DIRECTORY && !inode_is_dir(path->dentry->inode))
		return -ENOTDIR;
	return open_place(path_get(&own), cred, flags, false, out);
}

int file_open_exec(const struct walk_from *from, const char *name, unsigned int lookup_flags,
                   struct file **out)
{
	struct path path;
	struct file *file;
	int err = path_lookup(from, name, lookup_flags, &path);

	if (err)
		return err;
	err = S_ISLNK(path.dentry->inode->mode) ? -ELOOP : 0;
	if (!err && (!S_ISREG(path.dentry->inode->mode) || path.mount->flags & MS_NOEXEC))
		err = -EACCES;
	if (!err)
		err = path_permission(&path, from->cred, MAY_EXEC);
	if (!err)
		err = file_create(&path, from->cred, O_RDONLY, &file);
	path_put(&path);
	if (err)
		return err;
	err = inode_deny_write_get(file->inode);
	if (!err) {
		file->mode |= FILE_EXEC;
		err = file_start(file);
	}
	if (err) {
		file_put(file);
		return err;
	}
	notify_file(file, IN_OPEN);
	*out = file;
	return 0;
}
