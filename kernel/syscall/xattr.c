/*
 * Extended attributes: setxattr(2), getxattr(2), listxattr(2), removexattr(2) and their l and f
 * forms.
 *
 * The three forms differ only in how the place is found: through links, not through a last link, by
 * descriptor.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/xattr.h>

#include "fs/attr.h"
#include "fs/fdtable.h"
#include "fs/file.h"
#include "mem/alloc.h"
#include "proc/task.h"
#include "syscall/place.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

struct attribute_name {
	char text[XATTR_NAME_MAX + 1];
};

static int copy_name(struct attribute_name *name, const char __user *from)
{
	ssize_t len = strncpy_from_user(name->text, from, sizeof(name->text));

	if (len == -ENAMETOOLONG || len == 0)
		return -ERANGE;
	return len < 0 ? (int)len : 0;
}

/* A descriptor's place, with references. O_PATH files have no attributes. */
static int place_of_fd(int fd, struct path *out)
{
	struct fd_borrow ref;

	if (!fd_borrow_io(task_current()->files, fd, &ref))
		return -EBADF;
	*out = ref.file->path;
	path_get(out);
	fd_return(&ref);
	return 0;
}

/*
 * ---- set and remove ----------------------------------------------------------------------------
 */

struct user_value {
	const void __user *bytes;
	size_t             size;
	int                flags;
};

static long set_copied(const struct path *path, const struct attribute_name *name,
                       const struct user_value *value)
{
	struct xattr_value copied = { .size = value->size, .flags = value->flags };
	void *bytes = kvmalloc(value->size + 1, ALLOC_KERNEL);
	long err;

	if (!bytes)
		return -ENOMEM;
	copied.bytes = bytes;
	err = copy_from_user(bytes, value->bytes, value->size);
	if (!err)
		err = path_xattr_set(path, task_current()->cred, name->text, &copied);
	kvfree(bytes);
	return err;
}

/* Consumes the references of path. */
static long set_attribute(struct path *path, const char __user *user_name,
                          const struct user_value *value)
{
	struct attribute_name name;
	long err = value->flags & ~(XATTR_CREATE | XATTR_REPLACE) ? -EINVAL : 0;

	if (!err)
		err = copy_name(&name, user_name);
	if (!err && value->size > XATTR_SIZE_MAX)
		err = -E2BIG;
	if (!err)
		err = set_copied(path, &name, value);
	path_put(path);
	return err;
}

static long set_by_name(const char __user *path, unsigned follow, const char __user *name,
                        const struct user_value *value)
{
	struct path place;
	long err = place_lookup(AT_FDCWD, path, follow, &place);

	return err ? err : set_attribute(&place, name, value);
}

long sys_setxattr(const char __user *path, const char __user *name, const void __user *value,
                  size_t size, int flags)
{
	const struct user_value wanted = { value, size, flags };

	return set_by_name(path, LOOKUP_FOLLOW, name, &wanted);
}

long sys_lsetxattr(const char __user *path, const char __user *name, const void __user *value,
                   size_t size, int flags)
{
	const struct user_value wanted = { value, size, flags };

	return set_by_name(path, 0, name, &wanted);
}

long sys_fsetxattr(int fd, const char __user *name, const void __user *value, size_t size,
                   int flags)
{
	const struct user_value wanted = { value, size, flags };
	struct path place;
	long err = place_of_fd(fd, &place);

	return err ? err : set_attribute(&place, name, &wanted);
}

/* Consumes the references of path. */
static long remove_attribute(struct path *path, const char __user *user_name)
{
	const struct xattr_value none = { .bytes = NULL };
	struct attribute_name name;
	long err = copy_name(&name, user_name);

	if (!err)
		err = path_xattr_set(path, task_current()->cred, name.text, &none);
	path_put(path);
	return err;
}

static long remove_by_name(const char __user *path, unsigned follow, const char __user *name)
{
	struct path place;
	long err = place_lookup(AT_FDCWD, path, follow, &place);

	return err ? err : remove_attribute(&place, name);
}

long sys_removexattr(const char __user *path, const char __user *name)
{
	return remove_by_name(path, LOOKUP_FOLLOW, name);
}

long sys_lremovexattr(const char __user *path, const char __user *name)
{
	return remove_by_name(path, 0, name);
}

long sys_fremovexattr(int fd, const char __user *name)
{
	struct path place;
	long err = place_of_fd(fd, &place);

	return err ? err : remove_attribute(&place, name);
}

/*
 * ---- get and list ------------------------------------------------------------------------------
 */

/* Asks for one value (name) or for all names (NULL) into a buffer, and copies that out. */
static long read_into(const struct path *path, const char *name, void __user *to, size_t size)
{
	const struct cred *cred = task_current()->cred;
	void *buffer = size ? kvmalloc(size, ALLOC_KERNEL) : NULL;
	ssize_t n;

	if (size && !buffer)
		return -ENOMEM;
	n = name ? path_xattr_get(path, cred, name, buffer, size)
	         : path_xattr_list(path, cred, buffer, size);
	if (n > 0 && size && copy_to_user(to, buffer, (size_t)n))
		n = -EFAULT;
	kvfree(buffer);
	return n;
}

/* Consumes the references of path. */
static long get_attribute(struct path *path, const char __user *user_name, void __user *value,
                          size_t size)
{
	struct attribute_name name;
	long result = copy_name(&name, user_name);

	if (!result)
		result = read_into(path, name.text, value,
		                   size < XATTR_SIZE_MAX ? size : XATTR_SIZE_MAX);
	if (result == -ERANGE && size >= XATTR_SIZE_MAX)
		result = -E2BIG;
	path_put(path);
	return result;
}

static long get_by_name(const char __user *path, unsigned follow, const char __user *name,
                        void __user *value, size_t size)
{
	struct path place;
	long err = place_lookup(AT_FDCWD, path, follow, &place);

	return err ? err : get_attribute(&place, name, value, size);
}

long sys_getxattr(const char __user *path, const char __user *name, void __user *value, size_t size)
{
	return get_by_name(path, LOOKUP_FOLLOW, name, value, size);
}

long sys_lgetxattr(const char __user *path, const char __user *name, void __user *value,
                   size_t size)
{
	return get_by_name(path, 0, name, value, size);
}

long sys_fgetxattr(int fd, const char __user *name, void __user *value, size_t size)
{
	struct path place;
	long err = place_of_fd(fd, &place);

	return err ? err : get_attribute(&place, name, value, size);
}

/* Consumes the references of path. */
static long list_attributes(struct path *path, char __user *list, size_t size)
{
	long result = read_into(path, NULL, list, size < XATTR_LIST_MAX ? size : XATTR_LIST_MAX);

	if (result == -ERANGE && size >= XATTR_LIST_MAX)
		result = -E2BIG;
	path_put(path);
	return result;
}

static long list_by_name(const char __user *path, unsigned follow, char __user *list, size_t size)
{
	struct path place;
	long err = place_lookup(AT_FDCWD, path, follow, &place);

	return err ? err : list_attributes(&place, list, size);
}

long sys_listxattr(const char __user *path, char __user *list, size_t size)
{
	return list_by_name(path, LOOKUP_FOLLOW, list, size);
}

long sys_llistxattr(const char __user *path, char __user *list, size_t size)
{
	return list_by_name(path, 0, list, size);
}

long sys_flistxattr(int fd, char __user *list, size_t size)
{
	struct path place;
	long err = place_of_fd(fd, &place);

	return err ? err : list_attributes(&place, list, size);
}
