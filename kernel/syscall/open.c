/*
 * open(2), openat(2), openat2(2), creat(2), close(2), close_range(2), memfd_create(2).
 */
#include <linux/close_range.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/openat2.h>

#include "abi/errno.h"
#include "fs/file.h"
#include "fs/namei.h"
#include "fs/tmpfs/tmpfs.h"
#include "lib/string.h"
#include "proc/proc.h"
#include "syscall/fd.h"
#include "syscall/place.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

#define OPEN_FLAGS \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC | \
	 FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | \
	 __O_SYNC | O_PATH | __O_TMPFILE)
#define MODE_BITS 07777
#define MEMFD_NAME_MAX 249 /* NAME_MAX less "memfd:" */

static long open_place(struct place *place, const struct open_request *request)
{
	struct fdtable *files = task_current()->files;
	struct file *file;
	int fd = fd_reserve(files, 0, fd_limit(),
	                    request->flags & O_CLOEXEC);
	int err;

	if (fd < 0)
		return fd;
	err = file_open(&place->from, place->name, request, &file);
	if (err) {
		fd_release(files, fd);
		return err;
	}
	fd_install(files, fd, file);
	return fd;
}

static long open_request(int dfd, const char __user *path, const struct open_request *request)
{
	struct place place;
	long result = place_init(&place, dfd, path, 0);

	if (result)
		return result;
	result = open_place(&place, request);
	place_fini(&place);
	return result;
}

/* open(2) has always let unknown flags pass, and with O_PATH all but a few. */
static struct open_request lenient_request(int flags, mode_t mode)
{
	unsigned known = (unsigned)flags & OPEN_FLAGS;

	if (known & O_PATH)
		known &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (!(known & (O_CREAT | __O_TMPFILE)))
		mode = 0;
	return (struct open_request){ .flags = known, .mode = mode & MODE_BITS };
}

long sys_openat(int dfd, const char __user *path, int flags, mode_t mode)
{
	struct open_request request = lenient_request(flags | O_LARGEFILE, mode);

	return open_request(dfd, path, &request);
}

long sys_open(const char __user *path, int flags, mode_t mode)
{
	return sys_openat(AT_FDCWD, path, flags, mode);
}

long sys_creat(const char __user *path, mode_t mode)
{
	return sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

static unsigned resolve_flags(uint64_t resolve)
{
	return (resolve & RESOLVE_NO_SYMLINKS ? LOOKUP_NO_SYMLINKS | LOOKUP_NO_MAGIC : 0) |
	       (resolve & RESOLVE_NO_MAGICLINKS ? LOOKUP_NO_MAGIC : 0) |
	       (resolve & RESOLVE_NO_XDEV ? LOOKUP_NO_XDEV : 0) |
	       (resolve & RESOLVE_BENEATH ? LOOKUP_BENEATH : 0) |
	       (resolve & RESOLVE_IN_ROOT ? LOOKUP_IN_ROOT : 0);
}

/* openat2(2) refuses what open(2) ignores. */
static int check_how(const struct open_how *how)
{
	const uint64_t resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV |
				 RESOLVE_BENEATH | RESOLVE_IN_ROOT;

	if ((how->flags & ~(uint64_t)OPEN_FLAGS) || (how->resolve & ~resolve))
		return -EINVAL;
	if ((how->resolve & RESOLVE_BENEATH) && (how->resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if (how->mode & ~(uint64_t)MODE_BITS)
		return -EINVAL;
	if (how->mode && !(how->flags & (O_CREAT | __O_TMPFILE)))
		return -EINVAL;
	if ((how->flags & O_PATH) &&
	    (how->flags & ~(uint64_t)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)))
		return -EINVAL;
	return 0;
}

long sys_openat2(int dfd, const char __user *path, const struct open_how __user *user_how,
                 size_t size)
{
	struct open_request request;
	struct open_how how;
	int err;

	if (size < sizeof(struct open_how))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&how, sizeof(how), user_how, size);
	if (!err)
		err = check_how(&how);
	if (err)
		return err;
	request = (struct open_request){
		.flags = (unsigned)how.flags | O_LARGEFILE,
		.mode = (mode_t)how.mode,
		.resolve = resolve_flags(how.resolve),
	};
	return open_request(dfd, path, &request);
}

/* A close cannot be made again: its descriptor is gone, whatever the file said. */
long sys_close(unsigned int fd)
{
	int err = fd_close(task_current()->files, (int)fd);

	if (err == -ERESTARTSYS || err == -ERESTARTNOINTR || err == -ERESTARTNOHAND ||
	    err == -ERESTART_RESTARTBLOCK)
		return -EINTR;
	return err;
}

long sys_close_range(unsigned int first_fd, unsigned int last_fd, unsigned int flags)
{
	bool keeps_none_above = last_fd == UINT32_MAX && !(flags & CLOSE_RANGE_CLOEXEC);
	int err;

	if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first_fd > last_fd)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		err = task_unshare_files(keeps_none_above ? first_fd : UINT32_MAX);
		if (err)
			return err;
	}
	return fd_close_range(task_current()->files, first_fd, last_fd,
	                      flags & CLOSE_RANGE_CLOEXEC);
}

long sys_memfd_create(const char __user *user_name, unsigned int flags)
{
	char name[sizeof("memfd:") + MEMFD_NAME_MAX] = "memfd:";
	struct file *file;
	ssize_t len;
	int err;

	if (flags & ~(unsigned)(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	len = strncpy_from_user(name + 6, user_name, MEMFD_NAME_MAX + 1);
	if (len < 0)
		return len == -ENAMETOOLONG ? -EINVAL : len;
	err = tmpfs_file_create_anonymous(name, 0, flags & MFD_ALLOW_SEALING ? TMPFS_SEALABLE : 0,
					  task_current()->cred, &file);
	if (err)
		return err;
	return fd_give(file, flags & MFD_CLOEXEC);
}
