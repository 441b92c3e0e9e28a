/*
 * NETLINK_ROUTE: which request goes where. See rtnetlink_impl.h.
 */
#include <linux/errno.h>
#include <linux/rtnetlink.h>

#include "core/panic.h"
#include "lib/string.h"
#include "net/iface/iface.h"
#include "net/netlink/rtnetlink_impl.h"

/* The first of the four types of a kind of objects. */
#define KIND(type) [((type) - RTM_BASE) >> 2]

static const struct rtnetlink_kind *const kinds[] = {
	KIND(RTM_NEWLINK) = &rtnetlink_links,
	KIND(RTM_NEWADDR) = &rtnetlink_addresses,
	KIND(RTM_NEWROUTE) = &rtnetlink_routes,
	KIND(RTM_NEWNEIGH) = &rtnetlink_neighbours,
	KIND(RTM_NEWRULE) = &rtnetlink_rules,
};

enum { OP_NEW, OP_DEL, OP_GET, OP_SET };

static struct {
	const struct netlink_request *current __guarded_by(config);
	uint32_t                      generation __atomic;
} rtnetlink;

const struct netlink_request *rtnetlink_current(void)
{
	return rtnetlink.current;
}

uint32_t rtnetlink_generation(struct netns *netns)
{
	return atomic_load_relaxed(&rtnetlink.generation);
}

void rtnetlink_changed(void)
{
	atomic_inc(&rtnetlink.generation);
}

static int (*operation_of(const struct rtnetlink_kind *kind, unsigned int op))
	(struct netlink_request *)
{
	switch (op) {
	case OP_NEW:
		return kind->create;
	case OP_DEL:
		return kind->remove;
	case OP_GET:
		return kind->get;
	default:
		return kind->set;
	}
}

static int run_locked(struct netlink_request *request, const struct rtnetlink_kind *kind,
                      unsigned int op)
{
	int (*run)(struct netlink_request *) = operation_of(kind, op);
	int err;

	if (!run)
		return -EOPNOTSUPP;
	iface_config_lock(request->netns);
	rtnetlink.current = request;
	err = run(request);
	rtnetlink.current = NULL;
	iface_config_unlock(request->netns);
	return err;
}

int rtnetlink_request(struct netlink_request *request)
{
	const struct nlmsghdr *header = request->header;
	unsigned int number = header->nlmsg_type - RTM_BASE, op = number & 3;
	const struct rtnetlink_kind *kind = NULL;

	if (header->nlmsg_type > RTM_MAX)
		return -EOPNOTSUPP;
	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct rtgenmsg)))
		return 0;
	if (op != OP_GET && !request->is_admin)
		return -EPERM;
	if (number >> 2 < array_size(kinds))
		kind = kinds[number >> 2];
	if (!kind)
		return -EOPNOTSUPP;
	if (op == OP_GET && header->nlmsg_flags & NLM_F_DUMP)
		return kind->dump ? kind->dump(request) : -EOPNOTSUPP;
	return run_locked(request, kind, op);
}

int rtnetlink_dump(struct netlink_request *request,
                   int (*next)(struct netlink_dump *dump, struct netlink_writer *writer),
                   const void *filter, uint32_t size)
{
	struct netlink_dump dump = { .next = next, .generation = rtnetlink_generation };

	debug_assert(size <= sizeof(dump.filter));
	memcpy(dump.filter, filter, size);
	return netlink_dump_start(request, &dump);
}

void *rtnetlink_begin(struct netlink_writer *writer, const struct rtnetlink_head *head,
                      struct netlink_dump *dump, uint32_t size)
{
	const struct nlmsghdr header = {
		.nlmsg_type = head->type,
		.nlmsg_flags = head->flags,
		.nlmsg_seq = head->sequence,
		.nlmsg_pid = head->port,
	};

	return dump ? netlink_dump_begin(dump, writer, head->type, size)
		    : netlink_begin(writer, &header, size);
}
