/*
 * /proc/kmsg: the kernel log for one reader who takes it away, as syslog(2) does. Each read gives
 * whole lines, and waits while there is none.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "core/printk.h"
#include "core/spinlock.h"
#include "fs/devfs/memdev.h"
#include "fs/file.h"
#include "lib/math.h"
#include "mem/alloc.h"
#include "proc/task.h"
#include "procfs/root.h"
#include "sched/poll.h"
#include "sched/wait.h"
#include "vm/uio.h"

enum { LINE_SIZE = LOG_LINE_MAX + 32 };

/* Where the log was read up to; one place for all readers. */
static struct {
	struct spinlock lock;
	uint64_t        next __guarded_by(lock);
} reader = { .lock = SPINLOCK(RANK_LEAF) };

static uint64_t next_unread(void)
{
	uint64_t next;

	spin_lock(&reader.lock);
	next = reader.next;
	spin_unlock(&reader.lock);
	return next;
}

static int kmsg_open(struct inode *inode, struct file *file)
{
	return cred_capable(file->cred, CAP_SYSLOG) ? 0 : -EPERM;
}

/* Whole lines that fit; at least the beginning of the first. */
static ssize_t copy_lines(struct io *io, struct log_record *record, char *line)
{
	uint64_t next = next_unread();
	ssize_t done = 0;

	while (io->uio->remaining && next < log_next() && log_read(next, record)) {
		size_t len = log_format(record, true, line, LINE_SIZE);

		if (len > io->uio->remaining) {
			if (done)
				break;
			len = io->uio->remaining;
		}
		if (uio_copy_out(io->uio, line, len) < len)
			return done ? done : -EFAULT;
		done += (ssize_t)len;
		next = record->sequence + 1;
	}
	spin_lock(&reader.lock);
	reader.next = max(reader.next, next);
	spin_unlock(&reader.lock);
	return done;
}

static ssize_t kmsg_read(struct io *io)
{
	struct log_record *record;
	ssize_t n;
	int err;

	if (!io->uio->remaining)
		return 0;
	if (next_unread() >= log_next() && !file_may_wait(io))
		return -EAGAIN;
	err = wait_event_interruptible(&kmsg_readers, next_unread() < log_next());
	if (err)
		return err;
	record = kmalloc(sizeof(*record) + LINE_SIZE, ALLOC_KERNEL);
	if (!record)
		return -ENOMEM;
	n = copy_lines(io, record, (char *)(record + 1));
	kfree(record);
	return n;
}

static unsigned int kmsg_poll(struct file *file, struct poller *poller)
{
	poller_add(poller, &kmsg_readers);
	return next_unread() < log_next() ? EPOLLIN | EPOLLRDNORM : 0;
}

const struct file_ops proc_kmsg_ops = {
	.open = kmsg_open,
	.read = kmsg_read,
	.poll = kmsg_poll,
};
