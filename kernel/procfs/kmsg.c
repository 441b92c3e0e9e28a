/*
 * /proc/kmsg: the kernel log for one reader who takes it away, as syslog(2) does (proc(5)). Each
 * read waits while there is nothing.
 */
#include <linux/capability.h>
#include <linux/errno.h>

#include "fs/devfs/syslog.h"
#include "fs/file.h"
#include "proc/task.h"
#include "procfs/root.h"
#include "vm/uio.h"

static int kmsg_open(struct inode *inode, struct file *file)
{
	return cred_capable(file->cred, CAP_SYSLOG) ? 0 : -EPERM;
}

static ssize_t kmsg_read(struct io *io)
{
	return syslog_take(io->uio, file_may_wait(io));
}

static unsigned int kmsg_poll(struct file *file, struct poller *poller)
{
	return syslog_poll(poller);
}

const struct file_ops proc_kmsg_ops = {
	.open = kmsg_open,
	.read = kmsg_read,
	.poll = kmsg_poll,
};
