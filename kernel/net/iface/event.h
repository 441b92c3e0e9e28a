/*
 * Events: who wants to hear that interfaces, addresses, routes or neighbours changed.
 *
 * A watcher registers once, at start. It is called after the change, with the configuration lock of
 * the namespace held, in a thread: it may sleep. What lwIP changes by itself (addresses that
 * routers announce, the end of duplicate detection) is told a little later, by a sleeping work.
 */
#pragma once

#include "lib/list.h"
#include "lib/types.h"

struct iface;
struct iface_address;
struct neighbour;
struct netns;
struct route;

enum iface_event_kind {
	IFACE_LINK_ADDED, IFACE_LINK_CHANGED, IFACE_LINK_REMOVED,
	IFACE_ADDRESS_ADDED, /* or changed */
	IFACE_ADDRESS_REMOVED,
	IFACE_ROUTE_ADDED, /* or changed */
	IFACE_ROUTE_REMOVED,
	IFACE_NEIGHBOUR_ADDED, /* or changed */
	IFACE_NEIGHBOUR_REMOVED,
};

struct iface_event {
	enum iface_event_kind kind;
	struct netns *netns;
	struct iface *iface;        /* borrowed; NULL for routes without one */
	uint32_t      changed_flags; /* of a link: IFF_* that are different */
	union { /* of the kind, borrowed */
		const struct iface_address *address;
		const struct route         *route;
		const struct neighbour     *neighbour;
	};
};

struct iface_watcher {
	void (*event)(const struct iface_event *event) __const_after_init;
	struct list link;
};

/* Never taken back. May sleep. */
void iface_watch(struct iface_watcher *watcher);
