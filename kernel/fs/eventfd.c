/*
 * eventfd(2). The counter changes and is looked at under `lock`; whoever must wait tries again
 * after each wake-up.
 */
#include "fs/eventfd.h"

#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "abi/errno.h"
#include "abi/eventfd.h"
#include "fs/file.h"
#include "lib/printf.h"
#include "mem/slab.h"
#include "sched/poll.h"
#include "vm/uio.h"

struct eventfd {
	struct spinlock   lock; /* RANK_SPIN_OUTER */
	uint64_t          count __guarded_by(lock);
	bool              is_semaphore __const_after_init;
	uint32_t          id __const_after_init; /* shown in fdinfo */
	struct wait_queue wait;
};

static struct cache eventfd_slab = CACHE("eventfd", struct eventfd);
static uint32_t next_id __atomic;

static struct eventfd *to_eventfd(const struct file *file)
{
	return file->private;
}

/* Takes what a read gets; 0: nothing there. */
static uint64_t count_take(struct eventfd *event)
{
	uint64_t value;

	spin_lock(&event->lock);
	value = event->is_semaphore ? event->count != 0 : event->count;
	event->count -= value;
	spin_unlock(&event->lock);
	return value;
}

static bool count_add(struct eventfd *event, uint64_t value)
{
	bool fits;

	spin_lock(&event->lock);
	fits = UINT64_MAX - event->count > value;
	if (fits)
		event->count += value;
	spin_unlock(&event->lock);
	return fits;
}

static ssize_t eventfd_read(struct io *io)
{
	struct eventfd *event = to_eventfd(io->file);
	uint64_t value;
	int err;

	if (io->uio->remaining < sizeof(value))
		return -EINVAL;
	value = count_take(event);
	if (!value) {
		if (!file_may_wait(io))
			return -EAGAIN;
		err = wait_event_interruptible(&event->wait, (value = count_take(event)) != 0);
		if (err)
			return err;
	}
	if (wait_queue_is_active(&event->wait))
		wake_up_key(&event->wait, EPOLLOUT, 1);
	if (uio_copy_out(io->uio, &value, sizeof(value)) < sizeof(value))
		return -EFAULT;
	return sizeof(value);
}

static ssize_t eventfd_write(struct io *io)
{
	struct eventfd *event = to_eventfd(io->file);
	uint64_t value;
	int err;

	if (io->uio->remaining < sizeof(value))
		return -EINVAL;
	if (uio_copy_in(io->uio, &value, sizeof(value)) < sizeof(value))
		return -EFAULT;
	if (value == UINT64_MAX)
		return -EINVAL;
	if (!count_add(event, value)) {
		if (!file_may_wait(io))
			return -EAGAIN;
		err = wait_event_interruptible(&event->wait, count_add(event, value));
		if (err)
			return err;
	}
	if (wait_queue_is_active(&event->wait))
		wake_up_key(&event->wait, EPOLLIN, 1);
	return sizeof(value);
}

static unsigned int eventfd_poll(struct file *file, struct poller *poller)
{
	struct eventfd *event = to_eventfd(file);
	uint64_t count;

	poller_add(poller, &event->wait);
	count = READ_ONCE(event->count);
	return (count ? EPOLLIN : 0) | (count == UINT64_MAX ? EPOLLERR : 0) |
	       (count < UINT64_MAX - 1 ? EPOLLOUT : 0);
}

static void eventfd_release(struct file *file)
{
	struct eventfd *event = to_eventfd(file);

	wake_up_key(&event->wait, EPOLLHUP, INT32_MAX);
	cache_free(&eventfd_slab, event);
}

static int eventfd_show_fdinfo(struct file *file, char *buf, size_t size)
{
	struct eventfd *event = to_eventfd(file);

	return snprintf(buf, size, "eventfd-count: %16lx\neventfd-id: %u\n",
	                READ_ONCE(event->count), event->id);
}

static const struct file_ops eventfd_file_ops = {
	.seek = file_seek_nowhere,
	.release = eventfd_release,
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.show_fdinfo = eventfd_show_fdinfo,
};

int eventfd_create(const struct cred *cred, uint64_t count, unsigned int flags, struct file **out)
{
	struct eventfd *event = cache_alloc(&eventfd_slab, ALLOC_KERNEL);
	int err;

	if (!event)
		return -ENOMEM;
	spin_lock_init(&event->lock, RANK_SPIN_OUTER);
	event->count = count;
	event->is_semaphore = flags & EFD_SEMAPHORE;
	event->id = atomic_fetch_add(&next_id, 1);
	wait_queue_init(&event->wait);
	err = file_create_anonymous("anon_inode:[eventfd]", &eventfd_file_ops, event, cred,
	                            O_RDWR | (flags & EFD_NONBLOCK), out);
	if (err)
		cache_free(&eventfd_slab, event);
	return err;
}
