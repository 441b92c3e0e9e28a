/*
 * ioctl(2): what every file can do, and the way to the file's own operation by the table of
 * syscall/ioctl_table.h.
 */
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
#include "fs/super.h"
#include "id/cred.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "proc/task.h"
#include "syscall/ioctl_block.h"
#include "syscall/ioctl_net.h"
#include "syscall/ioctl_table.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

static int set_flag(struct file *file, unsigned int flag, bool on)
{
	unsigned flags = file->flags;

	return file_set_flags(file, on ? flags | flag : flags & ~flag);
}

/* Commands for any file; -ENOIOCTLCMD: not one of them, or not for this kind. */
static long ioctl_any(struct file *file, int fd, unsigned int command, void *arg)
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
		return -ENOIOCTLCMD;
	}
}

static long ioctl_file(struct file *file, int fd, unsigned int command, void *arg)
{
	long result = ioctl_any(file, fd, command, arg);

	if (result == -ENOIOCTLCMD)
		result = ioctl_block(file, command, arg);
	if (result == -ENOIOCTLCMD)
		result = ioctl_net(file, fd, command, arg);
	if (result == -ENOIOCTLCMD)
		result = file->ops->ioctl ? file->ops->ioctl(file, command, arg) : -ENOTTY;
	return result == -ENOIOCTLCMD ? -ENOTTY : result;
}

static long ioctl_with(struct file *file, int fd, const struct ioctl_entry *entry,
                       unsigned long arg, void *buffer)
{
	long result;

	if ((entry->direction & IOCTL_IN) &&
	    copy_from_user(buffer, (const void __user *)arg, entry->size))
		return -EFAULT;
	result = ioctl_file(file, fd, entry->command, buffer);
	if (result >= 0 && (entry->direction & IOCTL_OUT) &&
	    copy_to_user((void __user *)arg, buffer, entry->size))
		return -EFAULT;
	return result;
}

static __noinline long ioctl_large(struct file *file, int fd, const struct ioctl_entry *entry,
                                   unsigned long arg)
{
	void *buffer = kzalloc(entry->size, ALLOC_KERNEL);
	long result = buffer ? ioctl_with(file, fd, entry, arg, buffer) : -ENOMEM;

	kfree(buffer);
	return result;
}

static long ioctl_decoded(struct file *file, int fd, const struct ioctl_entry *entry,
                          unsigned long arg)
{
	_Alignas(16) uint8_t buffer[IOCTL_SMALL_SIZE] = { 0 };

	if (entry->direction == IOCTL_VALUE)
		return ioctl_file(file, fd, entry->command, (void *)arg);
	if (unlikely(entry->size > IOCTL_SMALL_SIZE))
		return ioctl_large(file, fd, entry, arg);
	return ioctl_with(file, fd, entry, arg, buffer);
}

long sys_ioctl(unsigned int fd, unsigned int command, unsigned long arg)
{
	const struct ioctl_entry *entry = ioctl_find(command);
	struct fd_borrow ref;
	long result;

	if (!fd_borrow_io(task_current()->files, (int)fd, &ref))
		return -EBADF;
	result = entry ? ioctl_decoded(ref.file, (int)fd, entry, arg) : -ENOTTY;
	fd_return(&ref);
	return result;
}
