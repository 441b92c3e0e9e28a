/*
 * Network devices. See dev/netdev.h.
 */
#include "dev/netdev.h"

#include "core/printk.h"
#include "lib/atomic.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "mem/page.h"
#include "sched/mutex.h"

enum { FIRST_INDEX = 2 }; /* 1 is loopback */

static struct {
	struct mutex lock;
	struct list  all __guarded_by(lock);
	uint32_t     nr_registered __guarded_by(lock); /* ever: indices are not given again */
	const struct netdev_client *client __atomic;
} netdevs = { .lock = MUTEX(netdevs.lock, RANK_DEVICE), .all = LIST_INIT(netdevs.all) };

/* ---- the registry ---------------------------------------------------------------------------- */

static const struct netdev_client *client_get(void)
{
	return atomic_load_acquire(&netdevs.client);
}

const struct netdev_client *netdev_set_client(const struct netdev_client *client)
{
	const struct netdev_client *before = client_get();
	struct netdev *netdev = NULL;

	atomic_store_release(&netdevs.client, client); /* pairs with client_get() */
	while (client && (netdev = netdev_next(netdev)))
		client->added(netdev);
	return before;
}

static bool is_name_free(const char *name)
{
	const struct netdev *netdev;

	list_for_each_entry(netdev, &netdevs.all, link) {
		if (!strcmp(netdev->name, name))
			return false;
	}
	return true;
}

void netdev_register(struct netdev *netdev)
{
	const struct netdev_client *client;

	mutex_lock(&netdevs.lock);
	netdev->index = FIRST_INDEX + netdevs.nr_registered++;
	for (unsigned int n = 0; n == 0 || !is_name_free(netdev->name); n++)
		snprintf(netdev->name, sizeof(netdev->name), "eth%u", n);
	list_add_tail(&netdevs.all, &netdev->link);
	client = client_get();
	mutex_unlock(&netdevs.lock);
	if (client)
		client->added(netdev);
}

void netdev_unregister(struct netdev *netdev)
{
	const struct netdev_client *client = client_get();

	netdev_close(netdev);
	mutex_lock(&netdevs.lock);
	list_remove(&netdev->link);
	mutex_unlock(&netdevs.lock);
	if (client)
		client->removed(netdev);
}

struct netdev *netdev_next(struct netdev *previous)
{
	struct list *link;

	mutex_lock(&netdevs.lock);
	link = previous ? previous->link.next : netdevs.all.next;
	mutex_unlock(&netdevs.lock);
	return link == &netdevs.all ? NULL : container_of(link, struct netdev, link);
}

int netdev_open(struct netdev *netdev)
{
	int err = 0;

	mutex_lock(&netdevs.lock);
	if (!netdev->is_open)
		err = netdev->ops->open(netdev);
	if (!err)
		netdev->is_open = true;
	mutex_unlock(&netdevs.lock);
	return err;
}

void netdev_close(struct netdev *netdev)
{
	mutex_lock(&netdevs.lock);
	if (netdev->is_open)
		netdev->ops->close(netdev);
	netdev->is_open = false;
	mutex_unlock(&netdevs.lock);
}

/* ---- from drivers ---------------------------------------------------------------------------- */

void netdev_received(struct netdev *netdev, struct list *netbufs)
{
	const struct netdev_client *client = client_get();

	if (client)
		client->received(netdev, netbufs);
	else
		netbufs_free(netbufs);
}

void netdev_writable(struct netdev *netdev)
{
	const struct netdev_client *client = client_get();

	if (client)
		client->writable(netdev);
}

void netdev_set_link(struct netdev *netdev, bool has_link)
{
	const struct netdev_client *client = client_get();

	if (atomic_xchg(&netdev->has_link, has_link) == has_link)
		return;
	pr_info("%s: the link is %s\n", netdev->name, has_link ? "up" : "down");
	if (client)
		client->link_changed(netdev);
}

/* ---- frames ---------------------------------------------------------------------------------- */

struct netbuf *netbuf_alloc(unsigned int flags)
{
	struct netbuf *netbuf = kmalloc(sizeof(*netbuf), flags);

	static_assert(sizeof(struct netbuf) == 512, "it fills its place in the heap");
	if (netbuf) {
		memset(netbuf, 0, offsetof(struct netbuf, header));
		netbuf->done = netbuf_free;
	}
	return netbuf;
}

void netbuf_free(struct netbuf *netbuf)
{
	for (unsigned int i = 0; i < netbuf->nr_segments; i++)
		page_put(netbuf->segments[i].page);
	kfree(netbuf);
}

void netbufs_free(struct list *netbufs)
{
	while (!list_is_empty(netbufs))
		netbuf_free(netbuf_take(netbufs));
}

bool netbuf_add(struct netbuf *netbuf, struct page *page, uint32_t offset, uint32_t length)
{
	if (netbuf->nr_segments == NETBUF_SEGMENTS_MAX)
		return false;
	netbuf->segments[netbuf->nr_segments++] = (struct netbuf_segment){ page, offset, length };
	netbuf->length += length;
	return true;
}
