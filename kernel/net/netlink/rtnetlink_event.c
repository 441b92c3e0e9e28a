/*
 * Changes of links, addresses, routes and neighbours, told to the groups of NETLINK_ROUTE
 * (`ip monitor`), and to the one who asked for the change with NLM_F_ECHO. See rtnetlink_impl.h.
 *
 * Called with the configuration lock held. A message that nobody listens for is not made.
 */
#include <linux/rtnetlink.h>

#include "mem/alloc.h"
#include "net/iface/event.h"
#include "net/iface/iface.h"
#include "net/iface/address.h"
#include "net/iface/neighbour.h"
#include "net/iface/route.h"
#include "net/netlink/rtnetlink_impl.h"

enum { EVENT_ROOM = 4096 };

static uint32_t group_of(const struct iface_event *event)
{
	switch (event->kind) {
	case IFACE_ADDRESS_ADDED:
	case IFACE_ADDRESS_REMOVED:
		return event->address->local.family == AF_INET ? RTNLGRP_IPV4_IFADDR
							       : RTNLGRP_IPV6_IFADDR;
	case IFACE_ROUTE_ADDED:
	case IFACE_ROUTE_REMOVED:
		return event->route->destination.family == AF_INET ? RTNLGRP_IPV4_ROUTE
								   : RTNLGRP_IPV6_ROUTE;
	case IFACE_NEIGHBOUR_ADDED:
	case IFACE_NEIGHBOUR_REMOVED:
		return RTNLGRP_NEIGH;
	default:
		return RTNLGRP_LINK;
	}
}

static bool put_link(struct netlink_writer *writer, struct rtnetlink_head *head,
                     const struct iface_event *event)
{
	const struct rtnetlink_link_detail detail = {
		.changed = event->kind == IFACE_LINK_CHANGED ? event->changed_flags : UINT32_MAX,
	};

	head->sequence = head->port = 0;
	head->type = event->kind == IFACE_LINK_REMOVED ? RTM_DELLINK : RTM_NEWLINK;
	return rtnetlink_link_put(writer, head, NULL, event->iface, &detail);
}

static bool put_event(struct netlink_writer *writer, struct rtnetlink_head *head,
                      const struct iface_event *event)
{
	switch (event->kind) {
	case IFACE_ADDRESS_ADDED:
	case IFACE_ADDRESS_REMOVED:
		head->type = event->kind == IFACE_ADDRESS_ADDED ? RTM_NEWADDR : RTM_DELADDR;
		return rtnetlink_address_put(writer, head, NULL, event->iface, event->address);
	case IFACE_ROUTE_ADDED:
	case IFACE_ROUTE_REMOVED:
		head->type = event->kind == IFACE_ROUTE_ADDED ? RTM_NEWROUTE : RTM_DELROUTE;
		if (event->kind == IFACE_ROUTE_ADDED)
			head->flags = NLM_F_CREATE | NLM_F_EXCL;
		return rtnetlink_route_put(writer, head, NULL, event->route);
	case IFACE_NEIGHBOUR_ADDED:
	case IFACE_NEIGHBOUR_REMOVED:
		head->sequence = head->port = 0;
		head->type = event->kind == IFACE_NEIGHBOUR_ADDED ? RTM_NEWNEIGH : RTM_DELNEIGH;
		return rtnetlink_neighbour_put(writer, head, NULL, event->neighbour);
	default:
		return put_link(writer, head, event);
	}
}

/* Whose request caused it, if anybody's: messages about addresses and routes tell. */
static struct rtnetlink_head head_of(const struct netlink_request *request)
{
	return request ? rtnetlink_answer(request, 0) : (struct rtnetlink_head){ .type = 0 };
}

static void tell(const struct iface_event *event, uint32_t group, bool is_echo)
{
	const struct netlink_request *request = rtnetlink_current();
	struct rtnetlink_head head = head_of(request);
	struct netlink_writer writer = { .room = EVENT_ROOM };
	const struct netlink_cast cast = {
		.netns = event->netns, .protocol = NETLINK_ROUTE, .group = group,
		.skip = is_echo ? request->port : 0,
	};

	writer.bytes = kmalloc(EVENT_ROOM, ALLOC_KERNEL);
	if (writer.bytes && put_event(&writer, &head, event)) {
		(void)netlink_multicast(&cast, writer.bytes, writer.size);
		if (is_echo)
			(void)netlink_reply(request, &writer);
	}
	kfree(writer.bytes);
}

static void event_tell(const struct iface_event *event)
{
	const struct netlink_request *request = rtnetlink_current();
	bool is_echo = request && request->header->nlmsg_flags & NLM_F_ECHO;
	uint32_t group = group_of(event);

	rtnetlink_changed();
	if (netlink_has_listeners(NETLINK_ROUTE, group) || is_echo)
		tell(event, group, is_echo);
}

static struct iface_watcher watcher = { .event = event_tell };

void rtnetlink_init(void)
{
	iface_watch(&watcher);
}
