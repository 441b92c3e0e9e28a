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

/* Takes the next item off the list of a scan. */
static struct epoll_item *scan_next(struct epoll *epoll, struct list *scan)
{
	struct epoll_item *item;

	spin_lock_irq(&epoll->ready_lock);
	item = list_first_entry_or_null(scan, struct epoll_item, ready);
	if (item)
		list_remove_init(&item->ready);
	spin_unlock_irq(&epoll->ready_lock);
	return item;
}

static void scan_begin(struct epoll *epoll, struct list *scan)
{
	list_init(scan);
	spin_lock_irq(&epoll->ready_lock);
	list_splice_tail(scan, &epoll->ready);
	WRITE_ONCE(epoll->is_scanning, true);
	spin_unlock_irq(&epoll->ready_lock);
}

/* What was not looked at goes back to the front, before what has become ready meanwhile. */
static void scan_end(struct epoll *epoll, struct list *scan, struct list *again)
{
	spin_lock_irq(&epoll->ready_lock);
	list_splice_head(&epoll->ready, scan);
	list_splice_tail(&epoll->ready, again);
	WRITE_ONCE(epoll->is_scanning, false);
	spin_unlock_irq(&epoll->ready_lock);
}

/* The same for one item that is on no list, unless a callback was faster. */
static void scan_keep(struct epoll *epoll, struct list *list, struct epoll_item *item)
{
	spin_lock_irq(&epoll->ready_lock);
	if (list_is_empty(&item->ready))
		list_add_tail(list, &item->ready);
	spin_unlock_irq(&epoll->ready_lock);
}

/* Is anything in this epoll truly ready? What is not leaves the ready list. */
static bool epoll_has_ready(struct epoll *epoll, unsigned int depth)
{
	struct epoll_item *item;
	struct list scan, none = LIST_INIT(none);
	bool found = false;

	if (!is_ready(epoll))
		return false;
	mutex_lock_nested(&epoll->lock, depth);
	scan_begin(epoll, &scan);
	while (!found && (item = scan_next(epoll, &scan))) {
		found = epoll_item_poll(item, NULL, depth);
		if (found)
			scan_keep(epoll, &scan, item);
	}
	scan_end(epoll, &scan, &none);
	mutex_unlock(&epoll->lock);
	return found;
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
	if (unlikely(file_is_epoll(file)))
		return epoll_poll_nested(file, poller, depth + 1) & item->events;
	return file->ops->poll(file, poller) & item->events;
}

/* ---- reporting ---------------------------------------------------------------------- */

/*
 * Reports one item of a scan: 1, 0 (not ready any more), or EFAULT. What is level-triggered is kept
 * for the next time.
 */
static int item_report(struct epoll_item *item, struct epoll_sink *sink, struct list *again)
{
	struct epoll_report report = {
		.events = epoll_item_poll(item, NULL, 0),
		.data = item->data,
	};

	if (!report.events)
		return 0;
	if (!sink->put(sink, &report))
		return -EFAULT;
	if (item->events & EPOLLONESHOT)
		WRITE_ONCE(item->events, item->events & EPOLL_MODES);
	else if (!(item->events & EPOLLET))
		scan_keep(item->epoll, again, item);
	return 1;
}

static int epoll_report(struct epoll *epoll, struct epoll_sink *sink, int max)
{
	struct list scan, again = LIST_INIT(again);
	struct epoll_item *item;
	int count = 0, result;

	mutex_lock(&epoll->lock);
	scan_begin(epoll, &scan);
	while (count < max && (item = scan_next(epoll, &scan))) {
		result = item_report(item, sink, &again);
		if (result < 0) {
			scan_keep(epoll, &scan, item);
			count = count ? count : result;
			break;
		}
		count += result;
	}
	scan_end(epoll, &scan, &again);
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
