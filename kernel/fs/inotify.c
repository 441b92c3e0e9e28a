/*
 * Instances of inotify(7). See inotify.h; locking and life of watches are in notify_impl.h.
 *
 * An event that is like the one before it in the queue is not queued again. When the queue is full,
 * or there is no memory, one event says so (IN_Q_OVERFLOW); what comes until it is read is lost.
 */
#include "fs/inotify.h"

#include <asm/ioctls.h>
#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "abi/errno.h"
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/notify_impl.h"
#include "fs/super.h"
#include "id/cred.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "mem/slab.h"
#include "sched/poll.h"
#include "vm/uio.h"

/* What stays in a watch's mask. */
#define WATCH_MASK (IN_ALL_EVENTS | IN_UNMOUNT | IN_EXCL_UNLINK | IN_ONESHOT)

enum { WATCHES_MIN = 8192, WATCHES_MAX = 1 << 20, WATCH_COST = 1024 };

struct inotify_limits inotify_limits = {
	.max_queued_events = 16384,
	.max_user_instances = 128,
	.max_user_watches = WATCHES_MIN,
};

static struct cache inotify_slab = CACHE("inotify", struct inotify);

void inotify_init(void)
{
	/* As many as take a hundredth of memory. */
	int64_t watches = (int64_t)((pages_total() << PAGE_SHIFT) / 100 / WATCH_COST);

	inotify_limits.max_user_watches = clamp(watches, (int64_t)WATCHES_MIN,
						(int64_t)WATCHES_MAX);
}

static struct inotify *to_inotify(const struct file *file)
{
	return file->private;
}

/* ---- the queue ---------------------------------------------------------------------- */

/* Bytes that a name takes in what is read: with its NUL, in multiples of the event's size. */
static uint32_t name_room(const struct component *name)
{
	return name ? (uint32_t)align_up(name->len + 1, sizeof(struct inotify_event)) : 0;
}

static bool is_repeated(const struct inotify *instance, const struct inotify_event *head,
			const struct component *name)
{
	const struct event *last;

	if (list_is_empty(&instance->queue))
		return false;
	last = list_last_entry(&instance->queue, struct event, link);
	return last->head.wd == head->wd && last->head.mask == head->mask &&
	       last->room == name_room(name) &&
	       (!name || (!memcmp(last->head.name, name->text, name->len) &&
			  !last->head.name[name->len]));
}

static struct event *event_create(const struct inotify_event *head, const struct component *name)
{
	uint32_t room = name_room(name);
	struct event *event = kmalloc(sizeof(*event) + room, ALLOC_ATOMIC);

	if (!event)
		return NULL;
	event->room = room;
	event->head = *head;
	event->head.len = room;
	if (name) {
		memcpy(event->head.name, name->text, name->len);
		memset(event->head.name + name->len, 0, room - name->len);
	}
	return event;
}

static void queue_add(struct inotify *instance, struct event *event)
{
	list_add_tail(&instance->queue, &event->link);
	WRITE_ONCE(instance->nr_queued, instance->nr_queued + 1);
	wake_up_key(&instance->wait, EPOLLIN | EPOLLRDNORM, INT32_MAX);
}

void inotify_queue_locked(struct inotify *instance, const struct inotify_event *head,
			  const struct component *name)
{
	struct event *event = NULL;

	if (instance->nr_queued < atomic_load_relaxed(&inotify_limits.max_queued_events)) {
		if (is_repeated(instance, head, name))
			return;
		event = event_create(head, name);
	}
	if (!event) {
		if (instance->has_overflown)
			return;
		instance->has_overflown = true;
		event = &instance->overflow;
	}
	queue_add(instance, event);
}

static void event_free(struct inotify *instance, struct event *event)
{
	if (event != &instance->overflow)
		kfree(event);
}

/* The first event, if `room` bytes are enough for it: -EINVAL; -EAGAIN: there is none. */
static int event_take(struct inotify *instance, size_t room, struct event **out)
{
	struct event *event;
	int err = -EAGAIN;

	spin_lock(&notify_lock);
	event = list_first_entry_or_null(&instance->queue, struct event, link);
	if (event)
		err = sizeof(event->head) + event->room <= room ? 0 : -EINVAL;
	if (!err) {
		list_remove(&event->link);
		WRITE_ONCE(instance->nr_queued, instance->nr_queued - 1);
		if (event == &instance->overflow)
			instance->has_overflown = false;
	}
	spin_unlock(&notify_lock);
	*out = event;
	return err;
}

static ssize_t inotify_read(struct io *io)
{
	struct inotify *instance = to_inotify(io->file);
	size_t before = io->uio->remaining, size;
	struct event *event;
	int err;

	for (;;) {
		err = event_take(instance, io->uio->remaining, &event);
		if (!err) {
			size = sizeof(event->head) + event->room;
			if (uio_copy_out(io->uio, &event->head, size) < size)
				err = -EFAULT;
			event_free(instance, event);
			if (err)
				return err;
			continue;
		}
		if (io->uio->remaining < before)
			return (ssize_t)(before - io->uio->remaining);
		if (err != -EAGAIN || !file_may_wait(io))
			return err;
		err = wait_event_interruptible(&instance->wait, READ_ONCE(instance->nr_queued));
		if (err)
			return err;
	}
}

static unsigned int inotify_poll(struct file *file, struct poller *poller)
{
	struct inotify *instance = to_inotify(file);

	poller_add(poller, &instance->wait);
	return READ_ONCE(instance->nr_queued) ? EPOLLIN | EPOLLRDNORM : 0;
}

static long inotify_ioctl(struct file *file, unsigned int cmd, void *arg)
{
	struct inotify *instance = to_inotify(file);
	const struct event *event;
	size_t bytes = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	spin_lock(&notify_lock);
	list_for_each_entry(event, &instance->queue, link)
		bytes += sizeof(event->head) + event->room;
	spin_unlock(&notify_lock);
	*(int *)arg = (int)bytes;
	return 0;
}

/* ---- watches ------------------------------------------------------------------------ */

static bool number_less(const struct rb_node *a, const struct rb_node *b)
{
	return container_of(a, struct watch, in_instance)->number <
	       container_of(b, struct watch, in_instance)->number;
}

static struct watch *find_number_locked(const struct inotify *instance, int number)
{
	struct rb_node *node = instance->watches.root;

	while (node) {
		struct watch *watch = container_of(node, struct watch, in_instance);

		if (watch->number == number)
			return watch;
		node = number < watch->number ? node->left : node->right;
	}
	return NULL;
}

static struct watch *find_inode_locked(const struct inotify *instance, struct inode *inode)
{
	struct watch *watch;

	hlist_for_each_entry(watch, &inode->watches, in_inode) {
		if (watch->instance == instance)
			return watch;
	}
	return NULL;
}

void inotify_forget_locked(struct watch *watch)
{
	rbtree_remove(&watch->instance->watches, &watch->in_instance);
	atomic_fetch_sub(&watch->instance->user->inotify_watches, 1);
}

/* Numbers are not used again before all others have been. */
static void number_give_locked(struct inotify *instance, struct watch *watch)
{
	do {
		instance->last_number =
			instance->last_number == INT32_MAX ? 1 : instance->last_number + 1;
	} while (find_number_locked(instance, instance->last_number));
	watch->number = instance->last_number;
	rbtree_insert(&instance->watches, &watch->in_instance, number_less);
}

static int change_locked(struct watch *watch, uint32_t mask)
{
	if (mask & IN_MASK_CREATE)
		return -EEXIST;
	if (!(mask & IN_MASK_ADD))
		watch->mask = IN_UNMOUNT;
	watch->mask |= mask & WATCH_MASK;
	return watch->number;
}

static int watch_alloc(struct inotify *instance, struct inode *inode, uint32_t mask,
		       struct watch **out)
{
	int64_t *count = &instance->user->inotify_watches;
	struct watch *watch;

	if (atomic_add_return(count, 1) > atomic_load_relaxed(&inotify_limits.max_user_watches)) {
		atomic_fetch_sub(count, 1);
		return -ENOSPC;
	}
	watch = kmalloc(sizeof(*watch), ALLOC_KERNEL);
	if (!watch) {
		atomic_fetch_sub(count, 1);
		return -ENOMEM;
	}
	watch->instance = instance;
	watch->inode = inode_get(inode);
	watch->mask = (mask & WATCH_MASK) | IN_UNMOUNT;
	*out = watch;
	return 0;
}

int inotify_add(struct file *file, const struct path *path, uint32_t mask)
{
	struct inotify *instance = to_inotify(file);
	struct inode *inode = path->dentry->inode;
	struct watch *watch, *fresh = NULL;
	int result = 0;

	spin_lock(&notify_lock);
	watch = find_inode_locked(instance, inode);
	if (watch)
		result = change_locked(watch, mask);
	spin_unlock(&notify_lock);
	if (watch)
		return result;
	result = watch_alloc(instance, inode, mask, &fresh);
	if (result)
		return result;
	spin_lock(&notify_lock);
	watch = find_inode_locked(instance, inode); /* another thread may have been faster */
	if (watch) {
		result = change_locked(watch, mask);
	} else {
		number_give_locked(instance, fresh);
		watch_link_locked(fresh);
		result = fresh->number;
		fresh = NULL;
	}
	spin_unlock(&notify_lock);
	if (fresh) {
		atomic_fetch_sub(&instance->user->inotify_watches, 1);
		inode_put(fresh->inode);
		kfree(fresh);
	}
	return result;
}

int inotify_remove(struct file *file, int number)
{
	struct inotify *instance = to_inotify(file);
	struct list dead = LIST_INIT(dead);
	struct watch *watch;

	spin_lock(&notify_lock);
	watch = find_number_locked(instance, number);
	if (watch)
		watch_end_locked(watch, &dead);
	spin_unlock(&notify_lock);
	watches_free(&dead);
	return watch ? 0 : -EINVAL;
}

/* ---- life --------------------------------------------------------------------------- */

static void inotify_release(struct file *file)
{
	struct inotify *instance = to_inotify(file);
	struct list dead = LIST_INIT(dead);

	spin_lock(&notify_lock);
	while (!rbtree_is_empty(&instance->watches))
		watch_end_locked(container_of(instance->watches.root, struct watch, in_instance),
				 &dead);
	spin_unlock(&notify_lock);
	watches_free(&dead);
	while (!list_is_empty(&instance->queue)) {
		struct event *event = list_first_entry(&instance->queue, struct event, link);

		list_remove(&event->link);
		event_free(instance, event);
	}
	atomic_fetch_sub(&instance->user->inotify_instances, 1);
	user_put(instance->user);
	cache_free(&inotify_slab, instance);
}

static int inotify_show_fdinfo(struct file *file, char *buf, size_t size)
{
	struct inotify *instance = to_inotify(file);
	const struct watch *watch;
	size_t done = 0;

	spin_lock(&notify_lock);
	rbtree_for_each_entry(watch, &instance->watches, in_instance) {
		const struct inode *inode = watch->inode;

		done += (size_t)snprintf(done < size ? buf + done : NULL,
					 done < size ? size - done : 0,
					 "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:0\n",
					 watch->number, inode->ino, inode->super->dev,
					 watch->mask & ~(uint32_t)IN_UNMOUNT);
	}
	spin_unlock(&notify_lock);
	return (int)done;
}

static const struct file_ops inotify_file_ops = {
	.seek = file_seek_nowhere,
	.release = inotify_release,
	.read = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.show_fdinfo = inotify_show_fdinfo,
};

bool file_is_inotify(const struct file *file)
{
	return file->ops == &inotify_file_ops;
}

int inotify_create(const struct cred *cred, unsigned int flags, struct file **out)
{
	struct user *user = cred->user;
	struct inotify *instance;
	int err = -EMFILE;

	if (atomic_add_return(&user->inotify_instances, 1) >
	    atomic_load_relaxed(&inotify_limits.max_user_instances))
		goto out_count;
	err = -ENOMEM;
	instance = cache_zalloc(&inotify_slab, ALLOC_KERNEL);
	if (!instance)
		goto out_count;
	list_init(&instance->queue);
	rbtree_init(&instance->watches, NULL);
	wait_queue_init(&instance->wait);
	instance->overflow.head.wd = -1;
	instance->overflow.head.mask = IN_Q_OVERFLOW;
	instance->user = user_hold(user);
	err = file_create_anonymous("anon_inode:inotify", &inotify_file_ops, instance, cred,
				    O_RDONLY | (flags & O_NONBLOCK), out);
	if (!err) {
		(*out)->mode |= FILE_ASYNC;
		return 0;
	}
	user_put(user);
	cache_free(&inotify_slab, instance);
out_count:
	atomic_fetch_sub(&user->inotify_instances, 1);
	return err;
}
