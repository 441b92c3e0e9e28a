/*
 * /dev/null, zero, full, random and urandom (null(4), random(4)). See memdev.h.
 */
#include "fs/devfs/memdev.h"

#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "core/random.h"
#include "dev/chardev.h"
#include "lib/devnum.h"
#include "fs/file.h"
#include "fs/tmpfs/tmpfs.h"
#include "lib/string.h"
#include "sched/poll.h"
#include "sched/wait.h"
#include "vm/area.h"
#include "vm/space.h"
#include "vm/uio.h"

static struct wait_queue random_ready = WAIT_QUEUE(random_ready);

enum { CHUNK_BYTES = 64 * 1024 };

static ssize_t read_nothing(struct io *io)
{
	return 0;
}

static ssize_t write_all(struct io *io)
{
	size_t n = io->uio->remaining;

	uio_advance(io->uio, n);
	return (ssize_t)n;
}

static ssize_t write_full(struct io *io)
{
	return -ENOSPC;
}

static ssize_t read_zero(struct io *io)
{
	ssize_t done = 0;

	while (io->uio->remaining) {
		size_t n = io->uio->remaining < CHUNK_BYTES ? io->uio->remaining : CHUNK_BYTES;
		size_t zeroed = uio_zero(io->uio, n);

		done += (ssize_t)zeroed;
		if (zeroed < n)
			return done ? done : -EFAULT;
		cond_resched();
		if (thread_test_flag(thread_current(), TF_KILLED))
			break;
	}
	return done;
}

/* Seeking works and means nothing. */
static pos_t seek_nowhere(struct file *file, pos_t offset, int whence)
{
	file->position = 0;
	return 0;
}

/* A private mapping is anonymous memory; a shared one is a file of its own. */
static int mmap_zero(struct file *file, struct map_request *request)
{
	struct file *shared;
	int err;

	if (!(request->vm_flags & VM_SHARED)) {
		request->backing = NULL;
		request->file = NULL;
		return 0;
	}
	err = tmpfs_file_create_anonymous("dev/zero", (pos_t)request->len,
	                                  request->vm_flags & VM_NORESERVE ? 0 : TMPFS_RESERVED,
	                                  file->cred, &shared);
	if (err)
		return err;
	request->pgoff = 0;
	err = file_mmap(shared, request);
	if (err)
		file_put(shared);
	else
		request->file = shared;
	return err;
}

/* ---- random -------------------------------------------------------------------------------- */

static void random_became_ready(void)
{
	wake_up_all(&random_ready);
}

int random_wait_ready(bool may_wait)
{
	if (likely(random_is_ready()))
		return 0;
	if (!may_wait)
		return -EAGAIN;
	return wait_event_interruptible(&random_ready, random_is_ready());
}

static ssize_t read_urandom(struct io *io)
{
	uint8_t bytes[256];
	ssize_t done = 0;

	while (io->uio->remaining) {
		size_t n = io->uio->remaining < sizeof(bytes) ? io->uio->remaining : sizeof(bytes);
		size_t copied;

		random_bytes(bytes, n);
		copied = uio_copy_out(io->uio, bytes, n);
		done += (ssize_t)copied;
		if (copied < n)
			break;
		cond_resched();
		if (thread_test_flag(thread_current(), TF_SIGNAL | TF_KILLED))
			break;
	}
	mem_wipe(bytes, sizeof(bytes));
	return done || !io->uio->remaining ? done : -EFAULT;
}

static ssize_t read_random(struct io *io)
{
	int err = random_wait_ready(file_may_wait(io));

	return err ? err : read_urandom(io);
}

static ssize_t write_random(struct io *io)
{
	uint8_t bytes[256];
	ssize_t done = 0;

	while (io->uio->remaining) {
		size_t n = uio_copy_in(io->uio, bytes, sizeof(bytes));

		if (!n)
			return done ? done : -EFAULT;
		random_add(bytes, n, 0);
		done += (ssize_t)n;
		cond_resched();
		if (thread_test_flag(thread_current(), TF_KILLED))
			break;
	}
	return done;
}

static unsigned int poll_random(struct file *file, struct poller *poller)
{
	poller_add(poller, &random_ready);
	return EPOLLOUT | EPOLLWRNORM | (random_is_ready() ? EPOLLIN | EPOLLRDNORM : 0);
}

static const struct file_ops null_ops = {
	.read = read_nothing, .write = write_all, .seek = seek_nowhere,
};
static const struct file_ops zero_ops = {
	.read = read_zero, .write = write_all, .seek = seek_nowhere, .mmap = mmap_zero,
};
static const struct file_ops full_ops = {
	.read = read_zero, .write = write_full, .seek = seek_nowhere,
};
static const struct file_ops random_ops = {
	.read = read_random, .write = write_random, .seek = seek_nowhere, .poll = poll_random,
};
static const struct file_ops urandom_ops = {
	.read = read_urandom, .write = write_random, .seek = seek_nowhere,
};

static struct chardev devices[] = {
	{ .first = dev_make(1, 3), .name = "null", .class_name = "mem", .mode = 0666,
	 .ops = &null_ops },
	{ .first = dev_make(1, 5), .name = "zero", .class_name = "mem", .mode = 0666,
	 .ops = &zero_ops },
	{ .first = dev_make(1, 7), .name = "full", .class_name = "mem", .mode = 0666,
	 .ops = &full_ops },
	{ .first = dev_make(1, 8), .name = "random", .class_name = "mem", .mode = 0666,
	  .ops = &random_ops },
	{ .first = dev_make(1, 9), .name = "urandom", .class_name = "mem", .mode = 0666,
	  .ops = &urandom_ops },
};

int memdev_init(void)
{
	int err = 0;

	random_set_ready_hook(random_became_ready);
	for (size_t i = 0; i < array_size(devices) && !err; i++)
		err = chardev_register(&devices[i]);
	return err;
}
