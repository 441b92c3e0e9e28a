/*
 * epoll_wait(2): the ready list, and how it is filled by callbacks and emptied by reports.
 *
 * A scan takes the whole ready list over and goes through it one item at a time. An item is off all
 * lists while its file is asked, so that a callback which comes then puts it on the list again; one
 * that is still waiting to be asked needs no callback. What is level-triggered and was reported
 * goes back to the end.
 */
#include <linux/errno.h>

#include "abi/errno.h"
#include "fs/epoll.h"
#include "fs/epoll_impl.h"

/* Something may be: whoever goes through the list now has taken it away for the time being. */
static bool is_ready(const struct epoll *epoll)
{
	return !list_is_empty(&epoll->ready) || READ_ONCE(epoll->is_scanning);
}

/* ---- waking ------------------------------------------------------------------------- */

static void sleepers_wake(struct epoll *epoll)
{
	if (wait_queue_is_active(&epoll->wait))
		wake_up_nested(&epoll->wait, EPOLLIN | EPOLLRDNORM, epoll->level + 1);
}

static void item_queue(struct epoll_item *item)
{
	struct epoll *epoll = item->epoll;
	uint64_t flags = spin_lock_irqsave(&epoll->ready_lock);

	if (list_is_empty(&item->ready))
		list_add_tail(&epoll->ready, &item->ready);
	spin_unlock_irqrestore(&epoll->ready_lock, flags);
}

void epoll_item_ready(struct epoll_item *item)
{
	item_queue(item);
	sleepers_wake(item->epoll);
}

/* Has an exclusive item been woken for what it waits for? epoll_ctl(2), EPOLLEXCLUSIVE */
static bool exclusive_is_served(uint32_t events, uintptr_t key)
{
	switch (key & (EPOLLIN | EPOLLOUT)) {
	case EPOLLIN:
		return events & EPOLLIN;
	case EPOLLOUT:
		return events & EPOLLOUT;
	case 0:
		return true;
	default:
		return false;
	}
}

int epoll_hook_wake(struct wait_entry *entry, uint32_t mode, uintptr_t key)
{
	struct epoll_item *item = container_of(entry, struct epoll_hook, entry)->item;
	uint32_t events = READ_ONCE(item->events);
	bool has_sleeper = false, is_wanted;

	/* A one-shot item that was reported waits for EPOLL_CTL_MOD. */
	is_wanted = events & ~EPOLL_MODES && (!key || key & events);
	if (is_wanted) {
		item_queue(item);
		has_sleeper = wait_queue_is_active(&item->epoll->wait);
	}
	if (has_sleeper)
		wake_up_nested(&item->epoll->wait, EPOLLIN | EPOLLRDNORM, item->epoll->level + 1);
	/* Unlinked, the item may be freed: hook_remove() asks no lock then. */
	if (mode & WAKE_FREE)
		wait_entry_let_go(entry);
	if (is_wanted && events & EPOLLEXCLUSIVE)
		return has_sleeper && exclusive_is_served(events, key);
	return is_wanted;
}

/* ---- asking ------------------------------------------------------------------------- */

/* Going through the ready list. Both lists are the scanner's own, but for the items in them. */
struct epoll_scan {
	struct list left;  /* not yet asked */
	struct list again; /* to stay ready */
};

static struct epoll_item *pop_locked(struct list *list)
{
	struct epoll_item *item = list_first_entry_or_null(list, struct epoll_item, ready);

	if (item)
		list_remove_init(&item->ready);
	return item;
}

/* An item that is on no list stays ready, unless a callback was faster. */
static void keep_locked(struct epoll_scan *scan, struct epoll_item *keep)
{
	if (keep && list_is_empty(&keep->ready))
		list_add_tail(&scan->again, &keep->ready);
}

/* Takes the ready list over, and its first item off it. */
static struct epoll_item *scan_begin(struct epoll *epoll, struct epoll_scan *scan)
{
	struct epoll_item *item;

	list_init(&scan->left);
	list_init(&scan->again);
	spin_lock_irq(&epoll->ready_lock);
	list_splice_tail(&scan->left, &epoll->ready);
	WRITE_ONCE(epoll->is_scanning, true);
	item = pop_locked(&scan->left);
	spin_unlock_irq(&epoll->ready_lock);
	return item;
}

/* The next item; the one before stays ready if it is `keep`. */
static struct epoll_item *scan_next(struct epoll *epoll, struct epoll_scan *scan,
                                    struct epoll_item *keep)
{
	struct epoll_item *item;

	spin_lock_irq(&epoll->ready_lock);
	keep_locked(scan, keep);
	item = pop_locked(&scan->left);
	spin_unlock_irq(&epoll->ready_lock);
	return item;
}

/* What was not asked goes back to the front, before what has become ready meanwhile. */
static void scan_end(struct epoll *epoll, struct epoll_scan *scan, struct epoll_item *keep)
{
	spin_lock_irq(&epoll->ready_lock);
	keep_locked(scan, keep);
	list_splice_head(&epoll->ready, &scan->left);
	list_splice_tail(&epoll->ready, &scan->again);
	WRITE_ONCE(epoll->is_scanning, false);
	spin_unlock_irq(&epoll->ready_lock);
}

/* Is anything in this epoll truly ready? What is not leaves the ready list. */
static bool epoll_has_ready(struct epoll *epoll, unsigned int depth)
{
	struct epoll_item *item;
	struct epoll_scan scan;

	if (!is_ready(epoll))
		return false;
	mutex_lock_nested(&epoll->lock, depth);
	item = scan_begin(epoll, &scan);
	while (item && !epoll_item_poll(item, NULL, depth))
		item = scan_next(epoll, &scan, NULL);
	scan_end(epoll, &scan, item);
	mutex_unlock(&epoll->lock);
	return item;
}

static unsigned int epoll_poll_nested(struct file *file, struct poller *poller,
                                      unsigned int depth)
{
	struct epoll *epoll = to_epoll(file);

	poller_add(poller, &epoll->wait);
	return epoll_has_ready(epoll, depth) ? EPOLLIN | EPOLLRDNORM : 0;
}

unsigned int epoll_poll(struct file *file, struct poller *poller)
{
	return epoll_poll_nested(file, poller, 0);
}

uint32_t epoll_item_poll(const struct epoll_item *item, struct poller *poller, unsigned int depth)
{
	struct file *file = item->file;

	if (poller)
		poller->events = item->events;
	if (unlikely(file->ops == &epoll_file_ops))
		return epoll_poll_nested(file, poller, depth + 1) & item->events;
	return file->ops->poll(file, poller) & item->events;
}

/* ---- reporting ---------------------------------------------------------------------- */

/* Reports one item: 1, 0 (not ready any more), or EFAULT. *keep: it stays ready. */
static int item_report(struct epoll_item *item, struct epoll_sink *sink, bool *keep)
{
	struct epoll_report report = {
		.events = epoll_item_poll(item, NULL, 0),
		.data = item->data,
	};

	*keep = false;
	if (!report.events)
		return 0;
	*keep = true;
	if (!sink->put(sink, &report))
		return -EFAULT;
	if (item->events & EPOLLONESHOT)
		WRITE_ONCE(item->events, item->events & EPOLL_MODES);
	*keep = !(item->events & (EPOLLONESHOT | EPOLLET));
	return 1;
}

static int epoll_report(struct epoll *epoll, struct epoll_sink *sink, int max)
{
	struct epoll_item *item;
	struct epoll_scan scan;
	int count = 0, result;
	bool keep;

	mutex_lock(&epoll->lock);
	item = scan_begin(epoll, &scan);
	while (item) {
		result = item_report(item, sink, &keep);
		if (!keep)
			item = NULL;
		if (result < 0)
			count = count ? count : result;
		else
			count += result;
		if (result < 0 || count == max || list_is_empty(&scan.left))
			break;
		item = scan_next(epoll, &scan, item);
	}
	scan_end(epoll, &scan, item);
	mutex_unlock(&epoll->lock);
	/* Others may take what is left. */
	if (is_ready(epoll))
		sleepers_wake(epoll);
	return count;
}

int epoll_collect(struct file *file, struct epoll_sink *sink, int max, ns_t deadline_ns)
{
	struct epoll *epoll = to_epoll(file);
	int err = deadline_ns ? 0 : -ETIMEDOUT;

	for (;;) {
		if (is_ready(epoll)) {
			int count = epoll_report(epoll, sink, max);

			if (count)
				return count;
		}
		if (err)
			return err == -ETIMEDOUT ? 0 : -EINTR;
		err = wait_event_interruptible_exclusive_until(&epoll->wait, is_ready(epoll),
		                                               deadline_ns);
	}
}
