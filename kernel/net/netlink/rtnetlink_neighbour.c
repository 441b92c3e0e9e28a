/*
 * Neighbours as messages: RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH. See rtnetlink_impl.h.
 *
 * There are no proxies: asking for them finds none.
 */
#include <linux/errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "lib/string.h"
#include "net/iface/iface.h"
#include "net/iface/neighbour.h"
#include "net/netlink/rtnetlink_impl.h"

enum { CENTISECOND = 10000000 }; /* ns */

enum { NUD_VALID = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY };

static const struct attribute_policy policy[NDA_MAX + 1] = {
	[NDA_IFINDEX] = { ATTRIBUTE_U32, 0 },
	[NDA_MASTER] = { ATTRIBUTE_U32, 0 },
};

bool rtnetlink_neighbour_put(struct netlink_writer *writer, const struct rtnetlink_head *head,
                             struct netlink_dump *dump, const struct neighbour *neighbour)
{
	struct ndmsg *message = rtnetlink_begin(writer, head, dump, sizeof(*message));
	const struct nda_cacheinfo cache = {
		.ndm_confirmed = (uint32_t)(neighbour->confirmed / CENTISECOND),
		.ndm_used = (uint32_t)(neighbour->used / CENTISECOND),
		.ndm_updated = (uint32_t)(neighbour->updated / CENTISECOND),
	};

	if (message) {
		message->ndm_family = (uint8_t)neighbour->address.family;
		message->ndm_ifindex = (int)neighbour->iface_index;
		message->ndm_state = neighbour->state;
		message->ndm_flags = neighbour->flags;
		message->ndm_type = RTN_UNICAST;
	}
	netlink_put(writer, NDA_DST, neighbour->address.bytes,
	            ip_family_bytes(neighbour->address.family));
	if (neighbour->has_mac && neighbour->state & NUD_VALID)
		netlink_put(writer, NDA_LLADDR, neighbour->mac, sizeof(neighbour->mac));
	netlink_put_u32(writer, NDA_PROBES, 0);
	netlink_put(writer, NDA_CACHEINFO, &cache, sizeof(cache));
	return netlink_end(writer);
}

/* ---- changes --------------------------------------------------------------------------------- */

/* What a change is about: the neighbour, and its interface with a reference, or NULL. */
static int request_read(struct netlink_request *request, struct neighbour *neighbour,
                        struct iface **out)
{
	const struct nlattr *found[NDA_MAX + 1];
	const struct attribute_table table = { policy, found, NDA_MAX, false };
	const struct ndmsg *message = message_body(request->header);
	int err = message_parse(request->header, sizeof(*message), &table, &request->fault);

	memset(neighbour, 0, sizeof(*neighbour));
	if (err)
		return err;
	if (!found[NDA_DST])
		return netlink_fault(request, -EINVAL, "Network address not specified");
	if (message->ndm_family != AF_INET && message->ndm_family != AF_INET6)
		return -EAFNOSUPPORT;
	if (attribute_size(found[NDA_DST]) < ip_family_bytes(message->ndm_family))
		return netlink_fault(request, -EINVAL, "Invalid network address");
	if (found[NDA_LLADDR] && attribute_size(found[NDA_LLADDR]) < sizeof(neighbour->mac))
		return netlink_fault(request, -EINVAL, "Invalid link address");
	neighbour->address = ip_address_from(message->ndm_family, attribute_data(found[NDA_DST]));
	neighbour->iface_index = (uint32_t)message->ndm_ifindex;
	neighbour->state = message->ndm_state;
	neighbour->flags = message->ndm_flags;
	neighbour->has_mac = found[NDA_LLADDR];
	if (found[NDA_LLADDR])
		memcpy(neighbour->mac, attribute_data(found[NDA_LLADDR]), sizeof(neighbour->mac));
	if (neighbour->flags & NTF_PROXY)
		return -EOPNOTSUPP;
	if (!message->ndm_ifindex)
		return netlink_fault(request, -EINVAL, "Device not specified");
	*out = iface_by_index(request->netns, neighbour->iface_index);
	return *out ? 0 : -ENODEV;
}

static int neighbour_create(struct netlink_request *request)
{
	struct neighbour neighbour;
	struct iface *iface = NULL;
	int err = request_read(request, &neighbour, &iface);

	if (err)
		return err;
	err = neighbour_add(iface, &neighbour, request->header->nlmsg_flags);
	iface_put(iface);
	return err;
}

static int neighbour_delete(struct netlink_request *request)
{
	struct neighbour neighbour;
	struct iface *iface = NULL;
	int err = request_read(request, &neighbour, &iface);

	if (err)
		return err;
	err = neighbour_remove(iface, &neighbour.address);
	iface_put(iface);
	return err;
}

/* ---- one ------------------------------------------------------------------------------------- */

struct search {
	const struct neighbour *wanted;
	struct neighbour        found;
};

static int compare(const struct neighbour *neighbour, void *data)
{
	struct search *search = data;

	if (neighbour->iface_index != search->wanted->iface_index ||
	    !ip_address_equals(&neighbour->address, &search->wanted->address))
		return 0;
	search->found = *neighbour;
	return 1;
}

static int neighbour_get(struct netlink_request *request)
{
	const struct rtnetlink_head head = rtnetlink_answer(request, RTM_NEWNEIGH);
	uint8_t room[256];
	struct netlink_writer writer = { .bytes = room, .room = sizeof(room) };
	struct neighbour neighbour;
	struct search search = { .wanted = &neighbour };
	struct iface *iface = NULL;
	int err = request_read(request, &neighbour, &iface);

	if (err)
		return err;
	iface_put(iface);
	if (!neighbour_for_each(request->netns, neighbour.address.family, compare, &search))
		return netlink_fault(request, -ENOENT, "Neighbour entry not found");
	if (!rtnetlink_neighbour_put(&writer, &head, NULL, &search.found))
		return -EMSGSIZE;
	return netlink_reply(request, &writer);
}

/* ---- all ------------------------------------------------------------------------------------- */

struct filter {
	uint32_t iface; /* index; 0: all */
	uint8_t  family; /* 0: all */
	bool     is_empty;
};

struct neighbours_walk {
	struct netlink_dump   *dump;
	struct netlink_writer *writer;
	uint64_t               position;
};

static int neighbour_tell(const struct neighbour *neighbour, void *data)
{
	const struct rtnetlink_head head = { .type = RTM_NEWNEIGH };
	struct neighbours_walk *walk = data;
	const struct filter *filter = (const void *)walk->dump->filter;

	if ((filter->iface && filter->iface != neighbour->iface_index) ||
	    !rtnetlink_is_next(walk->dump, &walk->position))
		return 0;
	if (!rtnetlink_neighbour_put(walk->writer, &head, walk->dump, neighbour))
		return 1;
	walk->dump->at[0]++;
	return 0;
}

static int neighbours_next(struct netlink_dump *dump, struct netlink_writer *writer)
{
	const struct filter *filter = (const void *)dump->filter;
	struct neighbours_walk walk = { dump, writer, 0 };
	int result;

	if (filter->is_empty)
		return 0;
	iface_config_lock(dump->netns);
	result = neighbour_for_each(dump->netns, filter->family, neighbour_tell, &walk);
	iface_config_unlock(dump->netns);
	return result;
}

static int neighbours_dump(struct netlink_request *request)
{
	const struct nlattr *found[NDA_MAX + 1] = { NULL };
	const struct attribute_table table = { policy, found, NDA_MAX, request->is_strict };
	const struct ndmsg *message = message_body(request->header);
	bool is_whole = request->header->nlmsg_len >= NLMSG_LENGTH(sizeof(*message));
	struct filter filter = { .family = message->ndm_family };
	int err;

	if (request->is_strict && !is_whole)
		return netlink_fault(request, -EINVAL,
		                     "Invalid header for neighbor dump request");
	if (is_whole) {
		err = message_parse(request->header, sizeof(*message), &table, &request->fault);
		if (err)
			return err;
		filter.is_empty = message->ndm_flags & NTF_PROXY;
	}
	if (found[NDA_IFINDEX])
		filter.iface = attribute_u32(found[NDA_IFINDEX]);
	if (found[NDA_MASTER] && attribute_u32(found[NDA_MASTER]))
		filter.is_empty = true;
	if (filter.family && filter.family != AF_INET && filter.family != AF_INET6)
		filter.is_empty = true;
	return rtnetlink_dump(request, neighbours_next, &filter, sizeof(filter));
}

const struct rtnetlink_kind rtnetlink_neighbours = {
	.create = neighbour_create,
	.remove = neighbour_delete,
	.get = neighbour_get,
	.dump = neighbours_dump,
};
