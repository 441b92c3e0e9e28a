/*
 * Epolls and their items: epoll_create(2), epoll_ctl(2), and the end of files that are watched. See
 * epoll.h.
 */
#include "fs/epoll.h"

#include <linux/errno.h>

#include "core/panic.h"
#include "fs/epoll_impl.h"
#include "fs/inode.h"
#include "fs/super.h"
#include "id/cred.h"
#include "lib/printf.h"
#include "mem/slab.h"
#include "sched/sched.h"

/* Flags that may stand beside EPOLLEXCLUSIVE. */
#define EXCLUSIVE_OK                                                                             \
	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

int64_t epoll_max_user_watches = 1 << 20;

struct mutex epoll_graph = MUTEX(epoll_graph, RANK_EPOLL_NEST);
struct spinlock watch_lock = SPINLOCK(RANK_LEAF);

static struct cache epoll_slab = CACHE("epoll", struct epoll);
static struct cache item_slab = CACHE("epoll_item", struct epoll_item);

/* ---- items -------------------------------------------------------------------------- */

static int item_compare(const struct epoll_item *item, const struct file *file, int fd)
{
	if (item->file != file)
		return (uintptr_t)file < (uintptr_t)item->file ? -1 : 1;
	return fd < item->fd ? -1 : fd > item->fd;
}

static struct epoll_item *item_find(struct epoll *epoll, const struct file *file, int fd)
{
	struct rb_node *node = epoll->items.root;

	while (node) {
		int order = item_compare(to_item(node), file, fd);

		if (!order)
			return to_item(node);
		node = order < 0 ? node->left : node->right;
	}
	return NULL;
}

static void item_insert(struct epoll *epoll, struct epoll_item *item)
{
	struct rb_node **link = &epoll->items.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = item_compare(to_item(parent), item->file, item->fd) < 0 ? &parent->left
		                                                               : &parent->right;
	}
	rbtree_insert_at(&epoll->items, &item->node, parent, link);
}

/* The poller of an item that is being added: makes a hook for each queue. */
struct item_poller {
	struct poller      poller;
	struct epoll_item *item;
	int                err;
};

static void item_add_hook(struct poller *poller, struct wait_queue *queue)
{
	struct item_poller *self = container_of(poller, struct item_poller, poller);
	struct epoll_item *item = self->item;
	struct epoll_hook *hook = &item->hook;

	if (hook->queue) {
		hook = kmalloc(sizeof(*hook), ALLOC_KERNEL);
		if (!hook) {
			self->err = -ENOMEM;
			return;
		}
		hook->next = item->hook.next;
		item->hook.next = hook;
	}
	hook->queue = queue;
	hook->item = item;
	wait_entry_init(&hook->entry, thread_current(), epoll_hook_wake);
	hook->entry.exclusive = item->events & EPOLLEXCLUSIVE;
	wait_add(queue, &hook->entry);
}

/* Off the queue, unless that was freed and has let go of us (wake_up_poll_free()). */
static void hook_remove(struct epoll_hook *hook)
{
	const struct list *link = &hook->entry.link;

	if (!hook->queue)
		return;
	rcu_read_lock();
	if (READ_ONCE(link->next) != link || READ_ONCE(link->prev) != link)
		wait_remove(hook->queue, &hook->entry);
	rcu_read_unlock();
}

static void item_unhook(struct epoll_item *item)
{
	struct epoll_hook *hook, *next;

	hook_remove(&item->hook);
	for (hook = item->hook.next; hook; hook = next) {
		next = hook->next;
		hook_remove(hook);
		kfree(hook);
	}
}

/* epoll->lock held. From here on the file may be freed: it is not touched after the last line. */
static void item_remove(struct epoll_item *item)
{
	struct epoll *epoll = item->epoll;

	item_unhook(item);
	rbtree_remove(&epoll->items, &item->node);
	spin_lock_irq(&epoll->ready_lock);
	list_remove_init(&item->ready);
	spin_unlock_irq(&epoll->ready_lock);
	atomic_fetch_sub(&epoll->user->epoll_watches, 1);
	spin_lock(&watch_lock);
	list_remove(&item->in_file);
	spin_unlock(&watch_lock);
	cache_free(&item_slab, item);
}

static int item_create(struct epoll *epoll, const struct epoll_request *request,
                       struct epoll_item **out)
{
	struct user *user = epoll->user;
	struct epoll_item *item;

	if (atomic_add_return(&user->epoll_watches, 1) > epoll_max_user_watches) {
		atomic_fetch_sub(&user->epoll_watches, 1);
		return -ENOSPC;
	}
	item = cache_zalloc(&item_slab, ALLOC_KERNEL);
	if (!item) {
		atomic_fetch_sub(&user->epoll_watches, 1);
		return -ENOMEM;
	}
	list_init(&item->ready);
	item->epoll = epoll;
	item->file = request->target;
	item->fd = request->fd;
	item->events = request->events | EPOLLERR | EPOLLHUP;
	item->data = request->data;
	*out = item;
	return 0;
}

/* ---- epoll_ctl ---------------------------------------------------------------------- */

static int control_add(struct epoll *epoll, const struct epoll_request *request, bool check_paths)
{
	struct item_poller poller = { .poller.add = item_add_hook };
	struct epoll_item *item;
	int err;

	if (item_find(epoll, request->target, request->fd))
		return -EEXIST;
	err = item_create(epoll, request, &item);
	if (err)
		return err;
	spin_lock(&watch_lock);
	list_add_tail(&request->target->watchers, &item->in_file);
	spin_unlock(&watch_lock);
	item_insert(epoll, item);
	if (check_paths)
		err = epoll_check_paths(item);
	if (!err) {
		poller.item = item;
		if (epoll_item_poll(item, &poller.poller, 0))
			epoll_item_ready(item);
		err = poller.err;
	}
	if (err)
		item_remove(item);
	return err;
}

static int control_modify(struct epoll *epoll, const struct epoll_request *request)
{
	struct epoll_item *item = item_find(epoll, request->target, request->fd);

	if (!item)
		return -ENOENT;
	if (item->events & EPOLLEXCLUSIVE)
		return -EINVAL;
	WRITE_ONCE(item->events, request->events | EPOLLERR | EPOLLHUP);
	item->data = request->data;
	/* A callback sees the new events, or the poll below sees what it was called for. */
	smp_mb(); /* pairs with the queue's lock around epoll_hook_wake() */
	if (epoll_item_poll(item, NULL, 0))
		epoll_item_ready(item);
	return 0;
}

static int control_delete(struct epoll *epoll, const struct epoll_request *request)
{
	struct epoll_item *item = item_find(epoll, request->target, request->fd);

	if (!item)
		return -ENOENT;
	item_remove(item);
	return 0;
}

static int control_locked(struct epoll *epoll, const struct epoll_request *request,
                          bool check_paths)
{
	int err = -EINVAL;

	mutex_lock(&epoll->lock);
	switch (request->operation) {
	case EPOLL_CTL_ADD:
		err = control_add(epoll, request, check_paths);
		break;
	case EPOLL_CTL_MOD:
		err = control_modify(epoll, request);
		break;
	case EPOLL_CTL_DEL:
		err = control_delete(epoll, request);
		break;
	}
	mutex_unlock(&epoll->lock);
	return err;
}

/* An addition that may close a circle or lengthen a chain of epolls. */
static int control_add_nested(struct epoll *epoll, const struct epoll_request *request)
{
	struct epoll *target = file_is_epoll(request->target) ? to_epoll(request->target) : NULL;
	int err = 0;

	mutex_lock(&epoll_graph);
	if (target) {
		err = epoll_check_loop(epoll, target);
		if (!err)
			epoll_raise_level(epoll, target->level + 1);
	}
	if (!err)
		err = control_locked(epoll, request, true);
	mutex_unlock(&epoll_graph);
	return err;
}

static bool exclusive_is_allowed(const struct epoll_request *request)
{
	if (request->operation == EPOLL_CTL_MOD)
		return false;
	return !file_is_epoll(request->target) && !(request->events & ~EXCLUSIVE_OK);
}

int epoll_control(struct file *file, const struct epoll_request *request)
{
	if (!request->target->ops->poll)
		return -EPERM;
	if (file == request->target || !file_is_epoll(file))
		return -EINVAL;
	if (request->operation != EPOLL_CTL_DEL && request->events & EPOLLEXCLUSIVE &&
	    !exclusive_is_allowed(request))
		return -EINVAL;
	if (request->operation == EPOLL_CTL_ADD &&
	    (file_is_epoll(request->target) || !list_is_empty(&file->watchers)))
		return control_add_nested(to_epoll(file), request);
	return control_locked(to_epoll(file), request, false);
}

/* ---- life --------------------------------------------------------------------------- */

void epoll_forget_file(struct file *file)
{
	struct epoll_item *item;

	mutex_lock(&epoll_graph);
	while (!list_is_empty(&file->watchers)) {
		struct epoll *epoll;

		item = list_first_entry(&file->watchers, struct epoll_item, in_file);
		epoll = item->epoll;
		mutex_lock(&epoll->lock);
		item_remove(item);
		mutex_unlock(&epoll->lock);
	}
	mutex_unlock(&epoll_graph);
}

static void epoll_release(struct file *file)
{
	struct epoll *epoll = to_epoll(file);
	struct rb_node *node;

	mutex_lock(&epoll_graph);
	mutex_lock(&epoll->lock);
	while ((node = rbtree_first(&epoll->items))) {
		item_remove(to_item(node));
		cond_resched();
	}
	mutex_unlock(&epoll->lock);
	mutex_unlock(&epoll_graph);
	user_put(epoll->user);
	cache_free(&epoll_slab, epoll);
}

int epoll_create(const struct cred *cred, struct file **out)
{
	struct epoll *epoll = cache_zalloc(&epoll_slab, ALLOC_KERNEL);
	int err;

	if (!epoll)
		return -ENOMEM;
	mutex_init(&epoll->lock, RANK_FILE_PRIVATE);
	rbtree_init(&epoll->items, NULL);
	spin_lock_init(&epoll->ready_lock, RANK_EPOLL_READY);
	list_init(&epoll->ready);
	wait_queue_init(&epoll->wait);
	epoll->user = user_hold(cred->user);
	err = file_create_anonymous("anon_inode:[eventpoll]", &epoll_file_ops, epoll, cred, O_RDWR,
	                            out);
	if (err) {
		user_put(epoll->user);
		cache_free(&epoll_slab, epoll);
		return err;
	}
	epoll->file = *out;
	return 0;
}

bool file_is_epoll(const struct file *file)
{
	return file->ops == &epoll_file_ops;
}

static int epoll_show_fdinfo(struct file *file, char *buf, size_t size)
{
	struct epoll *epoll = to_epoll(file);
	struct epoll_item *item;
	size_t done = 0;

	mutex_lock(&epoll->lock);
	rbtree_for_each_entry(item, &epoll->items, node) {
		const struct inode *inode = item->file->inode;

		done += (size_t)snprintf(done < size ? buf + done : NULL,
		                         done < size ? size - done : 0,
		                         "tfd: %8d events: %8x data: %16lx  pos:%ld ino:%lx sdev:%x\n",
		                         item->fd, item->events, item->data, item->file->position,
		                         inode->ino, inode->super->dev);
	}
	mutex_unlock(&epoll->lock);
	return (int)done;
}

const struct file_ops epoll_file_ops = {
	.seek = file_seek_nowhere,
	.release = epoll_release,
	.poll = epoll_poll,
	.show_fdinfo = epoll_show_fdinfo,
};
