/*
 * ioctl(2): memory in and out by the table of syscall/ioctl_table.h, and who understands a command:
 * any file, a kind of files, the file's own operation.
 */
#include <linux/errno.h>

#include "abi/errno.h"
#include "fs/fdtable.h"
#include "fs/file.h"
#include "mem/alloc.h"
#include "proc/task.h"
#include "syscall/ioctl_any.h"
#include "syscall/ioctl_block.h"
#include "syscall/ioctl_net.h"
#include "syscall/ioctl_table.h"
#include "syscall/prototypes.h"
#include "vm/usercopy.h"

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
