/*
 * ioctls of any file: descriptor flags, what can be read, flags of inodes. See ioctl_any.h.
 */
#include "syscall/ioctl_any.h"

#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>

#include "abi/errno.h"
#include "fs/fdtable.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/inode_flags.h"
#include "fs/super.h"
#include "lib/string.h"
#include "proc/task.h"

static int set_flag(struct file *file, unsigned int flag, bool on)
{
	unsigned flags = file->flags;

	return file_set_flags(file, on ? flags | flag : flags & ~flag);
}

/* Flags of inodes: fs/inode_flags.h. */
static long ioctl_flags(struct file *file, unsigned int command, void *arg)
{
	const struct cred *cred = task_current()->cred;
	uint32_t flags = 0;
	int err;

	switch (command) {
	case FS_IOC_GETFLAGS:
		err = file_flags_get(file, &flags);
		memcpy(arg, &flags, sizeof(flags));
		return err;
	case FS_IOC_SETFLAGS:
		memcpy(&flags, arg, sizeof(flags));
		return file_flags_set(file, cred, flags);
	case FS_IOC_FSGETXATTR:
		return file_xflags_get(file, arg);
	case FS_IOC_FSSETXATTR:
		return file_xflags_set(file, cred, arg);
	default:
		return -ENOIOCTLCMD;
	}
}

long ioctl_any(struct file *file, int fd, unsigned int command, void *arg)
{
	struct fdtable *files = task_current()->files;
	bool is_regular = S_ISREG(file->inode->mode);
	long size;
	int value;

	switch (command) {
	case FIOCLEX:
		return fd_set_cloexec(files, fd, true);
	case FIONCLEX:
		return fd_set_cloexec(files, fd, false);
	case FIONBIO:
		memcpy(&value, arg, sizeof(value));
		return set_flag(file, O_NONBLOCK, value);
	case FIOASYNC:
		memcpy(&value, arg, sizeof(value));
		if (!(file->mode & FILE_ASYNC))
			return !value == !(file->flags & FASYNC) ? 0 : -ENOTTY;
		return set_flag(file, FASYNC, value);
	case FIBMAP:
		if (!is_regular)
			return -ENOTTY;
		return cred_capable(task_current()->cred, CAP_SYS_RAWIO) ? -EINVAL : -EPERM;
	case FIONREAD:
		if (!is_regular)
			return -ENOIOCTLCMD;
		value = (int)(file->inode->size - file->position);
		memcpy(arg, &value, sizeof(value));
		return 0;
	case FIOQSIZE:
		if (!is_regular && !S_ISDIR(file->inode->mode) && !S_ISLNK(file->inode->mode))
			return -ENOTTY;
		size = (long)READ_ONCE(file->inode->blocks) * 512;
		memcpy(arg, &size, sizeof(size));
		return 0;
	case FIGETBSZ:
		value = (int)file->inode->super->block_size;
		memcpy(arg, &value, sizeof(value));
		return value ? 0 : -EINVAL;
	default:
		return ioctl_flags(file, command, arg);
	}
}
