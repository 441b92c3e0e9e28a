/*
 * ioctls of block devices that refer to more memory, or to a file. See ioctl_block.h.
 */
#include "syscall/ioctl_block.h"

#include <linux/blkpg.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/loop.h>

#include "abi/errno.h"
#include "fs/blockdev.h"
#include "fs/fdtable.h"
#include "fs/file.h"
#include "fs/loop.h"
#include "proc/task.h"
#include "vm/usercopy.h"

static long call(struct file *file, unsigned int command, void *arg)
{
	return file->ops->ioctl ? file->ops->ioctl(file, command, arg) : -ENOTTY;
}

static long change_partition(struct file *file, const struct blkpg_ioctl_arg *arg)
{
	struct blkpg_partition partition;
	struct bdev_partition_change change;

	if (copy_from_user(&partition, (const void __force __user *)arg->data, sizeof(partition)))
		return -EFAULT;
	change = (struct bdev_partition_change){
		.operation = arg->op, .number = partition.pno,
		.start = partition.start, .length = partition.length,
	};
	return call(file, BLKPG, &change);
}

static long attach(struct file *file, unsigned int command, int fd, struct loop_attach *request)
{
	struct fd_borrow ref;
	long result;

	if (!fd_borrow_io(task_current()->files, fd, &ref))
		return -EBADF;
	request->file = ref.file;
	result = call(file, command, request);
	fd_return(&ref);
	return result;
}

long ioctl_block(struct file *file, unsigned int command, void *arg)
{
	struct loop_attach request = { 0 };

	switch (command) {
	case BLKPG:
		return S_ISBLK(file->inode->mode) ? change_partition(file, arg) : -ENOTTY;
	case LOOP_SET_FD:
	case LOOP_CHANGE_FD:
		return attach(file, command, (int)(uintptr_t)arg, &request);
	case LOOP_CONFIGURE: {
		const struct loop_config *config = arg;

		request.block_size = config->block_size;
		request.info = &config->info;
		return attach(file, command, (int)config->fd, &request);
	}
	default:
		return -ENOIOCTLCMD;
	}
}
