/*
 * Reading directories and standing in them: getdents64(2), getdents(2), getcwd(2), chdir(2),
 * fchdir(2), chroot(2).
 */
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "abi/dirent.h"
#include "fs/context.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/namei.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/slab.h"
#include "proc/task.h"
#include "syscall/place.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

/*
 * Entries go out one by one. The offset in a record is where the NEXT one begins, so it is stored
 * when that position is known: with the next entry, or at the end.
 */
struct dents {
	struct dir_sink sink;
	uint8_t __user *to;
	size_t          room;
	size_t          done;
	size_t          last;      /* offset of the last record in `to`, valid if done */
	bool            is_old;    /* getdents(2): struct linux_dirent */
	int             err;
};

union record {
	struct linux_dirent64 fresh;
	struct linux_dirent   old;
	uint8_t               bytes[sizeof(struct linux_dirent64) + 8];
};

static int patch_last(struct dents *dents, pos_t next)
{
	/* d_off is the second word of both forms. */
	return dents->done ? put_user(next, (pos_t __user *)(dents->to + dents->last + 8)) : 0;
}

/* The old form ends in the type, behind name and padding; the new one has it before the name. */
static int store(struct dents *dents, const char *name, size_t len, ino_t ino, unsigned type,
                 size_t size)
{
	size_t head = dents->is_old ? __builtin_offsetof(struct linux_dirent, d_name)
				    : __builtin_offsetof(struct linux_dirent64, d_name);
	uint8_t __user *to = dents->to + dents->done;
	union record record = { 0 };
	uint8_t tail = (uint8_t)type;

	record.fresh.d_ino = ino;
	record.fresh.d_reclen = (uint16_t)size;
	if (!dents->is_old)
		record.fresh.d_type = (uint8_t)type;
	if (copy_to_user(to, &record, head) || copy_to_user(to + head, name, len) ||
	    clear_user(to + head + len, size - head - len))
		return -EFAULT;
	return dents->is_old ? put_user(tail, to + size - 1) : 0;
}

static __no_stack_protector bool take_entry(struct dir_sink *sink, const char *name, size_t len,
                                            ino_t ino, unsigned type)
{
	struct dents *dents = container_of(sink, struct dents, sink);
	size_t head = dents->is_old ? __builtin_offsetof(struct linux_dirent, d_name)
				    : __builtin_offsetof(struct linux_dirent64, d_name);
	size_t size = align_up(head + len + 1 + (dents->is_old ? 1 : 0), 8);

	if (size > dents->room - dents->done) {
		if (!dents->done)
			dents->err = -EINVAL;
		return false;
	}
	dents->err = patch_last(dents, sink->position);
	if (!dents->err)
		dents->err = store(dents, name, len, ino, type, size);
	if (dents->err)
		return false;
	dents->last = dents->done;
	dents->done += size;
	return true;
}

static long read_entries(unsigned int fd, void __user *entries, unsigned int size, bool is_old)
{
	struct dents dents = {
		.sink.entry = take_entry, .to = entries, .room = size, .is_old = is_old,
	};
	struct fd_borrow ref;
	int err;

	if (!fd_borrow_io(task_current()->files, (int)fd, &ref))
		return -EBADF;
	err = file_iterate(ref.file, &dents.sink);
	fd_return(&ref);
	if (err)
		return err;
	if (!dents.done)
		return dents.err;
	return patch_last(&dents, dents.sink.position) ? -EFAULT : (long)dents.done;
}

long sys_getdents64(unsigned int fd, void __user *entries, unsigned int size)
{
	return read_entries(fd, entries, size, false);
}

long sys_getdents(unsigned int fd, void __user *entries, unsigned int size)
{
	return read_entries(fd, entries, size, true);
}

static long render_cwd(char *buf, char __user *to, size_t size)
{
	struct path root, cwd;
	size_t len = 0;
	char *text;
	int err;

	fs_context_both(task_current()->fs, &root, &cwd);
	err = dentry_is_unlinked(cwd.dentry)
	              ? -ENOENT
	              : path_render(&cwd, &root, true, buf, PATH_LEN_MAX, &text);
	path_put(&root);
	path_put(&cwd);
	if (err)
		return err;
	len = strlen(text) + 1;
	if (len > size)
		return -ERANGE;
	return copy_to_user(to, text, len) ? -EFAULT : (long)len;
}

long sys_getcwd(char __user *buf, size_t size)
{
	char *text = kmalloc(PATH_LEN_MAX, ALLOC_KERNEL);
	long result;

	if (!text)
		return -ENOMEM;
	result = render_cwd(text, buf, size);
	kfree(text);
	return result;
}

/* A directory to stand in: it must be one, and be searchable. */
static int enter(const struct path *path)
{
	if (!inode_is_dir(path->dentry->inode))
		return -ENOTDIR;
	return path_permission(path, task_current()->cred, MAY_EXEC);
}

long sys_chdir(const char __user *path)
{
	struct path found;
	int err = place_lookup(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &found);

	if (err)
		return err;
	err = enter(&found);
	if (!err)
		fs_context_set_cwd(task_current()->fs, &found);
	path_put(&found);
	return err;
}

long sys_fchdir(unsigned int fd)
{
	struct fd_borrow ref;
	int err;

	if (!fd_borrow(task_current()->files, (int)fd, &ref))
		return -EBADF;
	err = enter(&ref.file->path);
	if (!err)
		fs_context_set_cwd(task_current()->fs, &ref.file->path);
	fd_return(&ref);
	return err;
}

long sys_chroot(const char __user *path)
{
	struct path found;
	int err = place_lookup(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &found);

	if (err)
		return err;
	err = enter(&found);
	if (!err && !cred_capable(task_current()->cred, CAP_SYS_CHROOT))
		err = -EPERM;
	if (!err)
		fs_context_set_root(task_current()->fs, &found);
	path_put(&found);
	return err;
}
