/*
 * Path arguments. See syscall/place.h.
 */
#include "syscall/place.h"

#include <linux/errno.h>
#include <linux/fcntl.h>

#include "fs/file.h"
#include "fs/inode.h"
#include "mem/slab.h"
#include "proc/task.h"
#include "vm/usercopy.h"

static struct cache name_cache = CACHE_SIZED("names", PATH_LEN_MAX, 16);

static int copy_long_name(struct place *place, const char __user *path)
{
	ssize_t len;

	place->allocated = cache_alloc(&name_cache, ALLOC_KERNEL);
	if (!place->allocated)
		return -ENOMEM;
	len = strncpy_from_user(place->allocated, path, PATH_LEN_MAX);
	if (len < 0) {
		cache_free(&name_cache, place->allocated);
		return (int)len;
	}
	place->name = place->allocated;
	return 0;
}

static int copy_name(struct place *place, const char __user *path, unsigned flags)
{
	ssize_t len = strncpy_from_user(place->own_name, path, sizeof(place->own_name));

	place->allocated = NULL;
	place->name = place->own_name;
	if (len == -ENAMETOOLONG)
		return copy_long_name(place, path);
	if (len == 0 && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	return len < 0 ? (int)len : 0;
}

/*
 * A relative name with a descriptor starts there; it must be a directory, unless it is meant
 * itself.
 */
static int find_base(struct place *place, int dfd)
{
	place->base = (struct fd_borrow){ 0 };
	if (dfd == AT_FDCWD || place->name[0] == '/')
		return 0;
	if (!fd_borrow(task_current()->files, dfd, &place->base))
		return -EBADF;
	if (*place->name && !inode_is_dir(place->base.file->inode)) {
		fd_return(&place->base);
		return -ENOTDIR;
	}
	place->from.base = &place->base.file->path;
	return 0;
}

int place_init(struct place *place, int dfd, const char __user *path, unsigned flags)
{
	struct task *task = task_current();
	int err;

	place->from = (struct walk_from){ .fs = task->fs, .cred = task->cred };
	err = copy_name(place, path, flags);
	if (err)
		return err;
	err = find_base(place, dfd);
	if (err && place->allocated)
		cache_free(&name_cache, place->allocated);
	return err;
}

void place_fini(struct place *place)
{
	fd_return(&place->base);
	if (place->allocated)
		cache_free(&name_cache, place->allocated);
}

int place_lookup(int dfd, const char __user *path, unsigned flags, struct path *out)
{
	struct place place;
	int err = place_init(&place, dfd, path, flags);

	if (err)
		return err;
	err = path_lookup(&place.from, place.name, flags, out);
	place_fini(&place);
	return err;
}

unsigned place_lookup_flags(int at_flags)
{
	return (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
	       (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
}
