/*
 * Extended attributes: name spaces, permissions, limits (xattr(7)). The file system stores them.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/xattr.h>

#include "fs/attr.h"
#include "fs/mount.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "id/cred.h"
#include "lib/string.h"
#include "mem/alloc.h"

static bool is_in(const char *name, const char *prefix)
{
	return str_has_prefix(name, prefix) && name[strlen(prefix)];
}

static int xattr_check(struct inode *inode, const struct cred *cred, const char *name,
                       unsigned int mask)
{
	if (is_in(name, XATTR_TRUSTED_PREFIX)) {
		if (cred_capable(cred, CAP_SYS_ADMIN))
			return 0;
		return mask & MAY_WRITE ? -EPERM : -ENODATA;
	}
	if (is_in(name, XATTR_SECURITY_PREFIX))
		return mask & MAY_READ || cred_capable(cred, CAP_SYS_ADMIN) ? 0 : -EPERM;
	if (!is_in(name, XATTR_USER_PREFIX))
		return -EOPNOTSUPP;
	if (!S_ISREG(inode->mode) && !S_ISDIR(inode->mode))
		return mask & MAY_WRITE ? -EPERM : -ENODATA;
	if (S_ISDIR(inode->mode) && inode->mode & S_ISVTX && mask & MAY_WRITE &&
	    !inode_is_owner(inode, cred))
		return -EPERM;
	return inode_permission(inode, cred, mask);
}

ssize_t path_xattr_get(const struct path *path, const struct cred *cred, const char *name,
                       void *value, size_t size)
{
	struct inode *inode = path->dentry->inode;
	ssize_t n = xattr_check(inode, cred, name, MAY_READ);

	if (n)
		return n;
	if (!inode->ops->xattr_get)
		return -EOPNOTSUPP;
	rwlock_read_lock(&inode->lock);
	n = inode->ops->xattr_get(inode, name, value, size);
	rwlock_read_unlock(&inode->lock);
	return n;
}

int path_xattr_set(const struct path *path, const struct cred *cred, const char *name,
                   const struct xattr_value *value)
{
	struct inode *inode = path->dentry->inode;
	int err = mount_write_get(path->mount);

	if (err)
		return err;
	rwlock_write_lock(&inode->lock);
	err = inode->flags & (INODE_IMMUTABLE | INODE_APPEND) ? -EPERM : 0;
	if (!err)
		err = xattr_check(inode, cred, name, MAY_WRITE);
	if (!err && !inode->ops->xattr_set)
		err = -EOPNOTSUPP;
	if (!err)
		err = inode->ops->xattr_set(inode, name, value->bytes, value->size, value->flags);
	if (!err)
		inode_touch(inode, ATTR_CTIME);
	rwlock_write_unlock(&inode->lock);
	mount_write_put(path->mount);
	if (!err)
		notify_dentry(path->dentry, IN_ATTRIB);
	return err;
}

/* Drops the names that only the privileged may see; what is left. */
static ssize_t names_filter(char *names, size_t size)
{
	size_t kept = 0, len;

	for (size_t at = 0; at < size; at += len) {
		len = strlen(names + at) + 1;
		if (str_has_prefix(names + at, XATTR_TRUSTED_PREFIX))
			continue;
		memmove(names + kept, names + at, len);
		kept += len;
	}
	return (ssize_t)kept;
}

ssize_t path_xattr_list(const struct path *path, const struct cred *cred, char *names, size_t size)
{
	struct inode *inode = path->dentry->inode;
	char *all;
	ssize_t n;

	if (!inode->ops->xattr_list)
		return -EOPNOTSUPP;
	all = kvmalloc(XATTR_LIST_MAX, ALLOC_KERNEL);
	if (!all)
		return -ENOMEM;
	rwlock_read_lock(&inode->lock);
	n = inode->ops->xattr_list(inode, all, XATTR_LIST_MAX);
	rwlock_read_unlock(&inode->lock);
	if (n > 0 && !cred_capable(cred, CAP_SYS_ADMIN))
		n = names_filter(all, (size_t)n);
	if (n > 0 && size && (size_t)n > size)
		n = -ERANGE;
	else if (n > 0 && size)
		memcpy(names, all, (size_t)n);
	kvfree(all);
	return n;
}
