/*
 * Extended attributes of tmpfs, in a list in memory: `trusted.*` and `security.*`, as on Linux 6.1
 * (`user.*` came later); ramfs has none. A value has at most XATTR_SIZE_MAX bytes, the names of one
 * inode XATTR_LIST_MAX. Guarded by the inode's lock.
 */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/xattr.h>

#include "fs/inode_flags.h"
#include "fs/tmpfs/tmpfs_impl.h"
#include "lib/string.h"
#include "mem/alloc.h"

static bool is_supported(const struct inode *inode, const char *name)
{
	return tmpfs_super(inode->super)->limited && !str_has_prefix(name, XATTR_USER_PREFIX);
}

static struct tmpfs_xattr *xattr_find(const struct tmpfs_inode *inode, const char *name)
{
	struct tmpfs_xattr *xattr;

	list_for_each_entry(xattr, &inode->xattrs, link) {
		if (strcmp(xattr->name, name) == 0)
			return xattr;
	}
	return NULL;
}

ssize_t tmpfs_xattr_get(struct inode *inode, const char *name, void *value, size_t size)
{
	const struct tmpfs_xattr *xattr = xattr_find(to_tmpfs(inode), name);

	if (!is_supported(inode, name))
		return -EOPNOTSUPP;
	if (!xattr)
		return -ENODATA;
	if (!size)
		return (ssize_t)xattr->size;
	if (size < xattr->size)
		return -ERANGE;
	memcpy(value, xattr->value, xattr->size);
	return (ssize_t)xattr->size;
}

static void xattr_free(struct tmpfs_xattr *xattr)
{
	list_remove(&xattr->link);
	kvfree(xattr->value);
	kfree(xattr);
}

void tmpfs_xattrs_free(struct tmpfs_inode *inode)
{
	struct tmpfs_xattr *xattr, *ahead;

	list_for_each_entry_safe(xattr, ahead, &inode->xattrs, link)
		xattr_free(xattr);
}

/* What the list of names would take with one more. */
static size_t list_bytes(const struct tmpfs_inode *inode, const char *name)
{
	size_t bytes = strlen(name) + 1;
	struct tmpfs_xattr *xattr;

	list_for_each_entry(xattr, &inode->xattrs, link)
		bytes += strlen(xattr->name) + 1;
	return bytes;
}

static int xattr_add(struct tmpfs_inode *inode, const char *name, const void *value, size_t size)
{
	struct tmpfs_xattr *xattr;
	size_t len = strlen(name);

	if (list_bytes(inode, name) > XATTR_LIST_MAX)
		return -ENOSPC;
	xattr = kmalloc(sizeof(*xattr) + len + 1, ALLOC_KERNEL);
	if (!xattr)
		return -ENOMEM;
	xattr->value = kvmalloc(size + 1, ALLOC_KERNEL);
	if (!xattr->value) {
		kfree(xattr);
		return -ENOMEM;
	}
	memcpy(xattr->name, name, len + 1);
	memcpy(xattr->value, value, size);
	xattr->size = size;
	list_add_head(&inode->xattrs, &xattr->link);
	return 0;
}

int tmpfs_xattr_set(struct inode *inode, const char *name, const void *value, size_t size,
                    int flags)
{
	struct tmpfs_xattr *old = xattr_find(to_tmpfs(inode), name);
	int err;

	if (!is_supported(inode, name))
		return -EOPNOTSUPP;
	if (old && flags & XATTR_CREATE)
		return -EEXIST;
	if (!old && (flags & XATTR_REPLACE || !value))
		return -ENODATA;
	err = value ? xattr_add(to_tmpfs(inode), name, value, size) : 0;
	if (!err && old)
		xattr_free(old);
	return err;
}

ssize_t tmpfs_xattr_list(struct inode *inode, char *names, size_t size)
{
	struct tmpfs_xattr *xattr;
	size_t used = 0;

	list_for_each_entry(xattr, &to_tmpfs(inode)->xattrs, link) {
		size_t len = strlen(xattr->name) + 1;

		if (size && used + len > size)
			return -ERANGE;
		if (size)
			memcpy(names + used, xattr->name, len);
		used += len;
	}
	return (ssize_t)used;
}

/* ---- flags ----------------------------------------------------------------------------------- */

enum {
	FLAGS_INHERITED = INODE_NODUMP | INODE_NOATIME,
	FLAGS_KEPT      = FLAGS_INHERITED | INODE_APPEND | INODE_IMMUTABLE,
};

uint32_t tmpfs_flags_get(const struct inode *inode)
{
	return inode_flags_to_fs(inode->flags & FLAGS_KEPT);
}

int tmpfs_flags_set(struct inode *inode, uint32_t fs_flags)
{
	if (fs_flags & ~inode_flags_to_fs(FLAGS_KEPT))
		return -EOPNOTSUPP;
	inode->flags = (inode->flags & ~(uint32_t)FLAGS_KEPT) | inode_flags_from_fs(fs_flags);
	inode_stamp(inode, ATTR_CTIME);
	return 0;
}

void tmpfs_flags_inherit(const struct inode *dir, struct inode *inode)
{
	inode->flags |= dir->flags & FLAGS_INHERITED;
}
