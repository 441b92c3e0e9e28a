/*
 * NETLINK_ROUTE: links, addresses, routes, neighbours and rules as messages. rtnetlink(7)
 *
 *     rtnetlink.c             which request goes where
 *     rtnetlink_link.c        RTM_*LINK; rtnetlink_link_set.c: changes
 *     rtnetlink_address.c     RTM_*ADDR
 *     rtnetlink_route.c       RTM_*ROUTE; rtnetlink_route_set.c: changes and `ip route get`
 *     rtnetlink_neighbour.c   RTM_*NEIGH
 *     rtnetlink_rule.c        RTM_GETRULE
 *     rtnetlink_event.c       changes, told to groups
 *
 * Everything below is called with the configuration lock of the namespace held (net/iface/iface.h),
 * but for what begins a dump, whose pieces take it themselves.
 */
#pragma once

#include "net/netlink/netlink_impl.h"

struct iface;
struct iface_address;
struct neighbour;
struct route;

/* A message outside of a dump: its type, and whom it answers. */
struct rtnetlink_head {
	uint16_t type;
	uint16_t flags;
	uint32_t sequence, port;
};

/* How one kind of object is asked for and changed; NULL: EOPNOTSUPP. */
struct rtnetlink_kind {
	int (*create)(struct netlink_request *request); /* RTM_NEW* */
	int (*remove)(struct netlink_request *request); /* RTM_DEL* */
	int (*get)(struct netlink_request *request);    /* RTM_GET* */
	int (*dump)(struct netlink_request *request);   /* the same with NLM_F_DUMP: begins one */
	int (*set)(struct netlink_request *request);    /* RTM_SET* */
};

extern const struct rtnetlink_kind rtnetlink_links, rtnetlink_addresses, rtnetlink_routes,
	rtnetlink_neighbours, rtnetlink_rules;

/* The request that is being worked on; NULL: what changes is nobody's request. */
const struct netlink_request *rtnetlink_current(void);
/* A number that every change of a namespace's configuration raises. */
uint32_t rtnetlink_generation(struct netns *netns);
void rtnetlink_changed(void);

/* A dump whose filter is the request's family header, of this size, by next(). */
int __must_check rtnetlink_dump(struct netlink_request *request,
                                int (*next)(struct netlink_dump *dump,
                                            struct netlink_writer *writer),
                                const void *filter, uint32_t size);

/* One step of a walk in a dump: is it behind what was told before? Then it counts as told. */
static inline bool rtnetlink_is_next(struct netlink_dump *dump, uint64_t *position)
{
	return (*position)++ >= dump->at[0];
}

/* Registers the watcher. */
void rtnetlink_init(void);

/* ---- messages -------------------------------------------------------------------------------- */

/* The header of a message of its own, or, with dump not NULL, of one of a dump. */
void *rtnetlink_begin(struct netlink_writer *writer, const struct rtnetlink_head *head,
                      struct netlink_dump *dump, uint32_t size);

/* What else a message about a link says. */
struct rtnetlink_link_detail {
	uint32_t changed;       /* ifi_change */
	bool     without_stats; /* RTEXT_FILTER_SKIP_STATS */
	uint8_t  family;        /* of a dump: AF_INET6 has a form of its own */
};

/*
 * One object as a message, RTM_NEW* or RTM_DEL*. With dump not NULL head's sequence, port and flags
 * are the dump's. False: it did not fit.
 */
bool rtnetlink_link_put(struct netlink_writer *writer, const struct rtnetlink_head *head,
                        struct netlink_dump *dump, struct iface *iface,
                        const struct rtnetlink_link_detail *detail);
bool rtnetlink_address_put(struct netlink_writer *writer, const struct rtnetlink_head *head,
                           struct netlink_dump *dump, const struct iface *iface,
                           const struct iface_address *address);
bool rtnetlink_route_put(struct netlink_writer *writer, const struct rtnetlink_head *head,
                         struct netlink_dump *dump, const struct route *route);
bool rtnetlink_neighbour_put(struct netlink_writer *writer, const struct rtnetlink_head *head,
                             struct netlink_dump *dump, const struct neighbour *neighbour);

/* The head of an answer to the request. */
static inline struct rtnetlink_head rtnetlink_answer(const struct netlink_request *request,
                                                     uint16_t type)
{
	return (struct rtnetlink_head){
		.type = type,
		.sequence = request->header->nlmsg_seq,
		.port = request->port,
	};
}

/* ---- rtnetlink_link_set.c -------------------------------------------------------------------- */

int rtnetlink_link_create(struct netlink_request *request);
int rtnetlink_link_remove(struct netlink_request *request);
int rtnetlink_link_set(struct netlink_request *request);
/* Of attributes of a link. */
extern const struct attribute_policy rtnetlink_link_policy[];
/* The interface that a request about links means, a reference. EINVAL: none is named; ENODEV. */
int __must_check rtnetlink_link_find(struct netlink_request *request, const struct nlattr **found,
                                     struct iface **out);

/* ---- rtnetlink_route_set.c ------------------------------------------------------------------- */

int rtnetlink_route_create(struct netlink_request *request);
int rtnetlink_route_remove(struct netlink_request *request);
int rtnetlink_route_get(struct netlink_request *request);
