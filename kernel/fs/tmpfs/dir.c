/*
 * Directories of tmpfs: entries by name for lookup, by cookie for reading.
 *
 * Cookies count down from a start, so a new entry comes before all older ones and a reader, who
 * goes upward, never meets what is made behind its back. An entry that is renamed gets a new
 * cookie. A position is the cookie to go on with: 0 and 1 are "." and "..".
 *
 * Everything is guarded by the directory's inode lock.
 */
#include <linux/errno.h>
#include <linux/fs.h>

#include "fs/attr.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/super.h"
#include "fs/tmpfs/tmpfs_impl.h"
#include "lib/string.h"
#include "mem/alloc.h"

enum { ENTRY_BYTES = 20 }; /* what a directory's size grows by; Linux's figure */

static const pos_t first_cookie = 1l << 62;

void tmpfs_dir_init(struct tmpfs_inode *dir, struct inode *parent)
{
	rbtree_init(&dir->by_name, NULL);
	rbtree_init(&dir->by_cookie, NULL);
	dir->next_cookie = first_cookie;
	dir->parent = parent;
}

/* ---- entries ------------------------------------------------------------------------------- */

static int entry_compare(const struct tmpfs_entry *entry, uint32_t hash, const char *name,
                         uint32_t len)
{
	if (hash != entry->hash)
		return hash < entry->hash ? -1 : 1;
	if (len != entry->len)
		return len < entry->len ? -1 : 1;
	return memcmp(name, entry->name, len);
}

/* Where a name is (the link's node), or would be: an empty link below *parent. */
static struct rb_node **name_link(struct tmpfs_inode *dir, const struct dentry_name *name,
                                  struct rb_node **parent)
{
	struct rb_node **link = &dir->by_name.root;

	*parent = NULL;
	while (*link) {
		struct tmpfs_entry *entry = rb_entry(*link, struct tmpfs_entry, by_name);
		int order = entry_compare(entry, name->hash, name->text, name->len);

		if (order == 0)
			break;
		*parent = *link;
		link = order < 0 ? &(*link)->left : &(*link)->right;
	}
	return link;
}

static struct tmpfs_entry *entry_find(struct tmpfs_inode *dir, const struct dentry *dentry)
{
	struct rb_node *parent, **link = name_link(dir, dentry->name, &parent);

	return rb_entry_or_null(*link, struct tmpfs_entry, by_name);
}

static struct tmpfs_entry *entry_alloc(const struct dentry *dentry)
{
	const struct dentry_name *name = dentry->name;
	struct tmpfs_entry *entry = kmalloc(sizeof(*entry) + name->len + 1, ALLOC_KERNEL);

	if (!entry)
		return NULL;
	entry->hash = name->hash;
	entry->len = name->len;
	memcpy(entry->name, name->text, name->len + 1);
	return entry;
}

/* With a new cookie, which is the smallest there is. */
static void cookie_insert(struct tmpfs_inode *dir, struct tmpfs_entry *entry)
{
	struct rb_node *parent = NULL, **link = &dir->by_cookie.root;

	while (*link) {
		parent = *link;
		link = &parent->left;
	}
	entry->cookie = dir->next_cookie--;
	rbtree_insert_at(&dir->by_cookie, &entry->by_cookie, parent, link);
}

/* Puts a filled entry, with its inode reference, into the directory. */
static void entry_insert(struct tmpfs_inode *dir, struct tmpfs_entry *entry,
                         const struct dentry *dentry)
{
	struct rb_node *parent, **link = name_link(dir, dentry->name, &parent);

	rbtree_insert_at(&dir->by_name, &entry->by_name, parent, link);
	cookie_insert(dir, entry);
	dir->inode.size += ENTRY_BYTES;
}

/* Out of the directory; the entry's inode reference is the caller's now. */
static struct inode *entry_remove(struct tmpfs_inode *dir, struct tmpfs_entry *entry)
{
	struct inode *inode = entry->inode;

	rbtree_remove(&dir->by_name, &entry->by_name);
	rbtree_remove(&dir->by_cookie, &entry->by_cookie);
	dir->inode.size -= ENTRY_BYTES;
	kfree(entry);
	return inode;
}

/* Takes over the entries of a directory that is about to go, so that no depth of trees recurses. */
static void entries_absorb(struct tmpfs_inode *dir, struct tmpfs_inode *from)
{
	struct rb_node *node;

	while ((node = rbtree_first(&from->by_cookie))) {
		rbtree_remove(&from->by_cookie, node);
		cookie_insert(dir, rb_entry(node, struct tmpfs_entry, by_cookie));
	}
	rbtree_init(&from->by_name, NULL);
}

void tmpfs_dir_clear(struct tmpfs_inode *dir)
{
	struct rb_node *node;

	while ((node = rbtree_first(&dir->by_cookie))) {
		struct tmpfs_entry *entry = rb_entry(node, struct tmpfs_entry, by_cookie);
		struct inode *inode = entry->inode;

		rbtree_remove(&dir->by_cookie, node);
		kfree(entry);
		if (inode_is_dir(inode) && refcount_read(&inode->refs) == 1)
			entries_absorb(dir, to_tmpfs(inode));
		inode_put(inode);
	}
}

/* ---- operations ---------------------------------------------------------------------------- */

static int tmpfs_lookup(struct inode *dir, struct dentry *dentry)
{
	struct tmpfs_entry *entry = entry_find(to_tmpfs(dir), dentry);

	if (entry)
		dentry_attach(dentry, inode_get(entry->inode));
	return 0;
}

/* Gives the inode (borrowed) this name: entry, dentry, times. */
static int name_add(struct inode *dir, struct dentry *dentry, struct inode *inode)
{
	struct tmpfs_entry *entry = entry_alloc(dentry);

	if (!entry)
		return -ENOMEM;
	entry->inode = inode_get(inode);
	entry_insert(to_tmpfs(dir), entry, dentry);
	dentry_attach(dentry, inode_get(inode));
	inode_stamp(dir, ATTR_MTIME | ATTR_CTIME);
	return 0;
}

static int tmpfs_create(struct inode *dir, struct dentry *dentry, const struct new_inode *new)
{
	struct inode *inode;
	int err = tmpfs_inode_create(dir->super, new, &inode);

	if (err)
		return err;
	tmpfs_flags_inherit(dir, inode);
	err = name_add(dir, dentry, inode);
	if (!err && S_ISDIR(new->mode)) {
		to_tmpfs(inode)->parent = dir;
		inode_nlink_add(dir, 1);
	}
	inode_put(inode);
	return err;
}

static int tmpfs_tmpfile(struct inode *dir, const struct new_inode *new, struct inode **out)
{
	int err = tmpfs_inode_create(dir->super, new, out);

	if (err)
		return err;
	tmpfs_flags_inherit(dir, *out);
	(*out)->nlink = 0;
	return 0;
}

static int tmpfs_link(struct inode *dir, struct dentry *dentry, struct inode *inode)
{
	int err = name_add(dir, dentry, inode);

	if (err)
		return err;
	inode_nlink_add(inode, 1);
	inode_stamp(inode, ATTR_CTIME);
	return 0;
}

static int tmpfs_unlink(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = entry_remove(to_tmpfs(dir), entry_find(to_tmpfs(dir), dentry));

	inode_nlink_add(inode, -1);
	inode_stamp(inode, ATTR_CTIME);
	inode_stamp(dir, ATTR_MTIME | ATTR_CTIME);
	inode_put(inode);
	return 0;
}

static bool dir_is_empty(const struct inode *dir)
{
	return rbtree_is_empty(&to_tmpfs(dir)->by_cookie);
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *dentry)
{
	if (!dir_is_empty(dentry->inode))
		return -ENOTEMPTY;
	inode_nlink_add(dentry->inode, -1);
	inode_nlink_add(dir, -1);
	return tmpfs_unlink(dir, dentry);
}

static void dir_change_parent(struct inode *inode, struct inode *from_dir, struct inode *to_dir)
{
	if (!inode_is_dir(inode) || from_dir == to_dir)
		return;
	to_tmpfs(inode)->parent = to_dir;
	inode_nlink_add(from_dir, -1);
	inode_nlink_add(to_dir, 1);
}

static void rename_touch(struct inode *from_dir, struct inode *inode, struct inode *to_dir)
{
	inode_stamp(from_dir, ATTR_MTIME | ATTR_CTIME);
	if (to_dir != from_dir)
		inode_stamp(to_dir, ATTR_MTIME | ATTR_CTIME);
	inode_stamp(inode, ATTR_CTIME);
}

/* Both names stay; the inodes behind them change places. */
static void rename_exchange(struct inode *from_dir, struct dentry *from, struct inode *to_dir,
                            struct dentry *to)
{
	struct tmpfs_entry *a = entry_find(to_tmpfs(from_dir), from);
	struct tmpfs_entry *b = entry_find(to_tmpfs(to_dir), to);
	struct inode *inode = a->inode;

	a->inode = b->inode;
	b->inode = inode;
	dir_change_parent(from->inode, from_dir, to_dir);
	dir_change_parent(to->inode, to_dir, from_dir);
	inode_stamp(to->inode, ATTR_CTIME);
}

static int tmpfs_rename(struct inode *from_dir, struct dentry *from, struct inode *to_dir,
                        struct dentry *to, unsigned int flags)
{
	struct tmpfs_entry *entry;

	if (flags & RENAME_EXCHANGE) {
		rename_exchange(from_dir, from, to_dir, to);
		rename_touch(from_dir, from->inode, to_dir);
		return 0;
	}
	if (to->inode && inode_is_dir(to->inode) && !dir_is_empty(to->inode))
		return -ENOTEMPTY;
	entry = entry_alloc(to);
	if (!entry)
		return -ENOMEM;
	if (to->inode && inode_is_dir(to->inode))
		tmpfs_rmdir(to_dir, to);
	else if (to->inode)
		tmpfs_unlink(to_dir, to);
	entry->inode = entry_remove(to_tmpfs(from_dir), entry_find(to_tmpfs(from_dir), from));
	entry_insert(to_tmpfs(to_dir), entry, to);
	dir_change_parent(from->inode, from_dir, to_dir);
	rename_touch(from_dir, from->inode, to_dir);
	return 0;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* The first entry with at least this cookie. */
static struct tmpfs_entry *entry_at(struct tmpfs_inode *dir, pos_t cookie)
{
	struct rb_node *node = dir->by_cookie.root;
	struct tmpfs_entry *best = NULL;

	while (node) {
		struct tmpfs_entry *entry = rb_entry(node, struct tmpfs_entry, by_cookie);

		if (entry->cookie >= cookie) {
			best = entry;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

static bool emit(struct dir_sink *sink, const char *name, size_t len, const struct inode *inode,
                 pos_t position)
{
	sink->position = position;
	return sink->entry(sink, name, len, inode->ino, (inode->mode & S_IFMT) >> 12);
}

static bool emit_dots(struct dir_sink *sink, struct tmpfs_inode *dir)
{
	if (sink->position == 0) {
		if (!emit(sink, ".", 1, &dir->inode, 0))
			return false;
		sink->position = 1;
	}
	if (sink->position == 1) {
		if (!emit(sink, "..", 2, dir->parent ? dir->parent : &dir->inode, 1))
			return false;
		sink->position = 2;
	}
	return true;
}

static int tmpfs_iterate(struct file *file, struct dir_sink *sink)
{
	struct tmpfs_inode *dir = to_tmpfs(file->inode);
	struct tmpfs_entry *entry;

	if (!emit_dots(sink, dir))
		return 0;
	for (entry = entry_at(dir, sink->position); entry;
	     entry = rb_entry_or_null(rb_next(&entry->by_cookie), struct tmpfs_entry, by_cookie)) {
		if (!emit(sink, entry->name, entry->len, entry->inode, entry->cookie))
			return 0;
		sink->position = entry->cookie + 1;
	}
	return 0;
}

static int tmpfs_dir_fsync(struct file *file, pos_t from, pos_t to, bool data_only)
{
	return 0;
}

const struct inode_ops tmpfs_dir_ops = {
	.lookup = tmpfs_lookup,
	.create = tmpfs_create,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rmdir = tmpfs_rmdir,
	.rename = tmpfs_rename,
	.tmpfile = tmpfs_tmpfile,
	.xattr_get = tmpfs_xattr_get,
	.xattr_set = tmpfs_xattr_set,
	.xattr_list = tmpfs_xattr_list,
	.flags_get = tmpfs_flags_get,
	.flags_set = tmpfs_flags_set,
};

const struct file_ops tmpfs_dir_file_ops = {
	.iterate = tmpfs_iterate,
	.fsync = tmpfs_dir_fsync,
};
