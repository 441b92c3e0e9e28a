/*
 * Who hears of changes. See net/iface/event.h.
 */
#include "net/iface/event.h"

#include "net/iface/iface_impl.h"
#include "sched/mutex.h"

/* Watchers are only ever added, at start. */
static struct {
	struct mutex lock;
	struct list  all __guarded_by(lock);
} watchers = { .lock = MUTEX(watchers.lock, RANK_SLEEPING), .all = LIST_INIT(watchers.all) };

void iface_watch(struct iface_watcher *watcher)
{
	mutex_lock(&watchers.lock);
	list_add_tail(&watchers.all, &watcher->link);
	mutex_unlock(&watchers.lock);
}

static void event_tell(const struct iface_event *event)
{
	const struct iface_watcher *watcher;

	list_for_each_entry(watcher, &watchers.all, link)
		watcher->event(event);
}

void event_link(struct iface *iface, enum iface_event_kind kind, uint32_t changed_flags)
{
	event_tell(&(struct iface_event){ .kind = kind, .netns = iface->netns, .iface = iface,
	                                  .changed_flags = changed_flags });
}

void event_address(struct iface *iface, enum iface_event_kind kind,
                   const struct iface_address *address)
{
	event_tell(&(struct iface_event){ .kind = kind, .netns = iface->netns, .iface = iface,
	                                  .address = address });
}

void event_route(struct netns *netns, enum iface_event_kind kind, const struct route_entry *entry)
{
	event_tell(&(struct iface_event){ .kind = kind, .netns = netns, .iface = entry->iface,
	                                  .route = &entry->route });
}

void event_neighbour(struct iface *iface, enum iface_event_kind kind,
                     const struct neighbour *neighbour)
{
	event_tell(&(struct iface_event){ .kind = kind, .netns = iface->netns, .iface = iface,
	                                  .neighbour = neighbour });
}
