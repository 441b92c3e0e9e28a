/*
 * Making, removing and moving names: mkdir(2), unlink(2), link(2), symlink(2), rename(2), mknod(2),
 * readlink(2), each with its *at form.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#include "lib/devnum.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/namei.h"
#include "mem/slab.h"
#include "proc/task.h"
#include "syscall/place.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

long sys_mkdirat(int dfd, const char __user *path, mode_t mode)
{
	struct place place;
	int err = place_init(&place, dfd, path, 0);

	if (err)
		return err;
	err = path_mkdir(&place.from, place.name, mode & 07777);
	place_fini(&place);
	return err;
}

long sys_mkdir(const char __user *path, mode_t mode)
{
	return sys_mkdirat(AT_FDCWD, path, mode);
}

long sys_unlinkat(int dfd, const char __user *path, int flags)
{
	struct place place;
	int err;

	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	err = place_init(&place, dfd, path, 0);
	if (err)
		return err;
	err = flags & AT_REMOVEDIR ? path_rmdir(&place.from, place.name)
				   : path_unlink(&place.from, place.name);
	place_fini(&place);
	return err;
}

long sys_unlink(const char __user *path)
{
	return sys_unlinkat(AT_FDCWD, path, 0);
}

long sys_rmdir(const char __user *path)
{
	return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

static int check_node(mode_t mode, dev_t dev)
{
	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	case S_IFCHR:
	case S_IFBLK:
		/* The whiteout of overlays (0, 0) is nobody's privilege. */
		if (!cred_capable(task_current()->cred, CAP_MKNOD) && (S_ISBLK(mode) || dev))
			return -EPERM;
		return 0;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

long sys_mknodat(int dfd, const char __user *path, mode_t mode, unsigned int dev)
{
	struct place place;
	int err = check_node(mode, dev_decode(dev));

	if (err)
		return err;
	err = place_init(&place, dfd, path, 0);
	if (err)
		return err;
	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	err = path_mknod(&place.from, place.name, mode & (S_IFMT | 07777), dev_decode(dev), NULL);
	place_fini(&place);
	return err;
}

long sys_mknod(const char __user *path, mode_t mode, unsigned int dev)
{
	return sys_mknodat(AT_FDCWD, path, mode, dev);
}

/* The text of a link is a name like any other: copied whole, and not empty. */
long sys_symlinkat(const char __user *target, int dfd, const char __user *path)
{
	struct place text, place;
	int err = place_init(&text, AT_FDCWD, target, 0);

	if (err)
		return err;
	err = place_init(&place, dfd, path, 0);
	if (!err) {
		err = path_symlink(&place.from, place.name, text.name);
		place_fini(&place);
	}
	place_fini(&text);
	return err;
}

long sys_symlink(const char __user *target, const char __user *path)
{
	return sys_symlinkat(target, AT_FDCWD, path);
}

long sys_linkat(int old_dfd, const char __user *old_path, int new_dfd, const char __user *new_path,
                int flags)
{
	unsigned lookup = (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) |
			  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct place place;
	struct path old;
	int err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if ((flags & AT_EMPTY_PATH) && !cred_capable(task_current()->cred, CAP_DAC_READ_SEARCH))
		return -ENOENT;
	err = place_lookup(old_dfd, old_path, lookup, &old);
	if (err)
		return err;
	err = place_init(&place, new_dfd, new_path, 0);
	if (!err) {
		err = path_link(&old, &place.from, place.name);
		place_fini(&place);
	}
	path_put(&old);
	return err;
}

long sys_link(const char __user *old_path, const char __user *new_path)
{
	return sys_linkat(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}

long sys_renameat2(int old_dfd, const char __user *old_path, int new_dfd,
                   const char __user *new_path, unsigned int flags)
{
	struct place from, to;
	int err;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if ((flags & RENAME_EXCHANGE) && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)))
		return -EINVAL;
	if (flags & RENAME_WHITEOUT)
		return cred_capable(task_current()->cred, CAP_MKNOD) ? -EINVAL : -EPERM;
	err = place_init(&from, old_dfd, old_path, 0);
	if (err)
		return err;
	err = place_init(&to, new_dfd, new_path, 0);
	if (!err) {
		err = path_rename(&from.from, from.name, &to.from, to.name, flags);
		place_fini(&to);
	}
	place_fini(&from);
	return err;
}

long sys_renameat(int old_dfd, const char __user *old_path, int new_dfd,
                  const char __user *new_path)
{
	return sys_renameat2(old_dfd, old_path, new_dfd, new_path, 0);
}

long sys_rename(const char __user *old_path, const char __user *new_path)
{
	return sys_renameat2(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}

static long read_link(const struct place *place, char __user *buf, size_t size)
{
	struct path found;
	ssize_t len;
	char *text;
	int err = path_lookup(&place->from, place->name, LOOKUP_EMPTY, &found);

	if (err)
		return err;
	/* An empty name is only good for a descriptor of a link itself. */
	if (!S_ISLNK(found.dentry->inode->mode)) {
		path_put(&found);
		return *place->name ? -EINVAL : -ENOENT;
	}
	text = kmalloc(PATH_LEN_MAX, ALLOC_KERNEL);
	len = text ? path_readlink(&found, &place->from, text,
	                           size < PATH_LEN_MAX ? size : PATH_LEN_MAX)
	           : -ENOMEM;
	path_put(&found);
	if (len > 0 && copy_to_user(buf, text, (size_t)len))
		len = -EFAULT;
	kfree(text);
	return len;
}

long sys_readlinkat(int dfd, const char __user *path, char __user *buf, int size)
{
	struct place place;
	long result;

	if (size <= 0)
		return -EINVAL;
	result = place_init(&place, dfd, path, LOOKUP_EMPTY);
	if (result)
		return result;
	result = read_link(&place, buf, (size_t)size);
	place_fini(&place);
	return result;
}

long sys_readlink(const char __user *path, char __user *buf, int size)
{
	return sys_readlinkat(AT_FDCWD, path, buf, size);
}
