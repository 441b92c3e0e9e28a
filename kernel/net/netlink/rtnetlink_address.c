/*
 * Addresses as messages: RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR. See rtnetlink_impl.h.
 */
#include <linux/errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "lib/string.h"
#include "net/iface/address.h"
#include "net/iface/iface.h"
#include "net/netlink/rtnetlink_impl.h"

#ifndef IFA_PROTO
#define IFA_PROTO 11
#endif

enum { CENTISECOND = 10000000 }; /* ns */

static const struct attribute_policy policy[IFA_MAX + 1] = {
	[IFA_LABEL] = { ATTRIBUTE_STRING, IFNAMSIZ - 1 },
	[IFA_CACHEINFO] = { ATTRIBUTE_ANY, sizeof(struct ifa_cacheinfo) },
	[IFA_FLAGS] = { ATTRIBUTE_U32, 0 },
	[IFA_RT_PRIORITY] = { ATTRIBUTE_U32, 0 },
};

/* ---- as a message ---------------------------------------------------------------------------- */

static void put_address(struct netlink_writer *writer, uint16_t type,
                        const struct ip_address *address)
{
	if (address->family)
		netlink_put(writer, type, address->bytes, ip_family_bytes(address->family));
}

static void put_ipv4(struct netlink_writer *writer, const struct iface_address *address)
{
	put_address(writer, IFA_ADDRESS, address->peer.family ? &address->peer : &address->local);
	put_address(writer, IFA_LOCAL, &address->local);
	put_address(writer, IFA_BROADCAST, &address->broadcast);
	if (address->label[0])
		netlink_put_string(writer, IFA_LABEL, address->label);
}

static void put_ipv6(struct netlink_writer *writer, const struct iface_address *address)
{
	if (address->peer.family && !ip_address_equals(&address->peer, &address->local)) {
		put_address(writer, IFA_LOCAL, &address->local);
		put_address(writer, IFA_ADDRESS, &address->peer);
	} else {
		put_address(writer, IFA_ADDRESS, &address->local);
	}
}

bool rtnetlink_address_put(struct netlink_writer *writer, const struct rtnetlink_head *head,
                           struct netlink_dump *dump, const struct iface *iface,
                           const struct iface_address *address)
{
	struct ifaddrmsg *message = rtnetlink_begin(writer, head, dump, sizeof(*message));
	const struct ifa_cacheinfo cache = {
		.ifa_prefered = address->preferred_seconds,
		.ifa_valid = address->valid_seconds,
		.cstamp = (uint32_t)(address->created / CENTISECOND),
		.tstamp = (uint32_t)(address->updated / CENTISECOND),
	};

	if (message) {
		message->ifa_family = (uint8_t)address->local.family;
		message->ifa_prefixlen = address->prefix_length;
		message->ifa_flags = (uint8_t)address->flags;
		message->ifa_scope = address->scope;
		message->ifa_index = iface->index;
	}
	if (address->local.family == AF_INET)
		put_ipv4(writer, address);
	else
		put_ipv6(writer, address);
	if (address->protocol)
		netlink_put_u8(writer, IFA_PROTO, address->protocol);
	if (address->metric)
		netlink_put_u32(writer, IFA_RT_PRIORITY, address->metric);
	netlink_put_u32(writer, IFA_FLAGS, address->flags);
	netlink_put(writer, IFA_CACHEINFO, &cache, sizeof(cache));
	return netlink_end(writer);
}

/* ---- changes --------------------------------------------------------------------------------- */

/* EINVAL: it is too short for the family. */
static int address_read(const struct nlattr *attribute, unsigned int family,
                        struct ip_address *out)
{
	if (attribute_size(attribute) < ip_family_bytes(family))
		return -EINVAL;
	*out = ip_address_from(family, attribute_data(attribute));
	return 0;
}

static int lifetimes_read(const struct nlattr *attribute, struct iface_address *address)
{
	struct ifa_cacheinfo cache;

	address->valid_seconds = address->preferred_seconds = ADDRESS_LIFE_FOREVER;
	if (!attribute)
		return 0;
	memcpy(&cache, attribute_data(attribute), sizeof(cache));
	if (!cache.ifa_valid || cache.ifa_prefered > cache.ifa_valid)
		return -EINVAL;
	address->valid_seconds = cache.ifa_valid;
	address->preferred_seconds = cache.ifa_prefered;
	return 0;
}

/* Both attributes of IPv6 may stand for the address; IPv4 wants IFA_LOCAL for a new one. */
static int addresses_read(const struct nlattr **found, unsigned int family,
                          struct iface_address *address)
{
	int err = 0;

	if (found[IFA_LOCAL])
		err = address_read(found[IFA_LOCAL], family, &address->local);
	if (!err && found[IFA_ADDRESS])
		err = address_read(found[IFA_ADDRESS], family, &address->peer);
	if (!err && found[IFA_BROADCAST] && family == AF_INET)
		err = address_read(found[IFA_BROADCAST], family, &address->broadcast);
	return err;
}

/* The request as an address and its interface, a reference. */
static int request_read(struct netlink_request *request, struct iface_address *address,
                        struct iface **out)
{
	const struct nlattr *found[IFA_MAX + 1];
	const struct attribute_table table = { policy, found, IFA_MAX, false };
	const struct ifaddrmsg *message = message_body(request->header);
	int err = message_parse(request->header, sizeof(*message), &table, &request->fault);

	memset(address, 0, sizeof(*address));
	if (err)
		return err;
	if (message->ifa_family != AF_INET && message->ifa_family != AF_INET6)
		return -EOPNOTSUPP;
	err = addresses_read(found, message->ifa_family, address);
	if (!err)
		err = lifetimes_read(found[IFA_CACHEINFO], address);
	if (err)
		return err;
	address->prefix_length = message->ifa_prefixlen;
	address->scope = message->ifa_scope;
	address->flags = found[IFA_FLAGS] ? attribute_u32(found[IFA_FLAGS]) : message->ifa_flags;
	if (found[IFA_RT_PRIORITY])
		address->metric = attribute_u32(found[IFA_RT_PRIORITY]);
	if (found[IFA_LABEL])
		(void)attribute_string(found[IFA_LABEL], address->label, sizeof(address->label));
	if (message->ifa_prefixlen > ip_family_bytes(message->ifa_family) * 8)
		return message->ifa_family == AF_INET
			       ? netlink_fault(request, -EINVAL, "ipv4: Invalid prefix length")
			       : -EINVAL;
	*out = iface_by_index(request->netns, message->ifa_index);
	return *out ? 0 : -ENODEV;
}

static int change(struct netlink_request *request, struct iface *iface,
                  const struct iface_address *address)
{
	uint16_t flags = request->header->nlmsg_flags;
	int err = iface_address_add(iface, address);

	if (err == -EEXIST && flags & NLM_F_REPLACE && !(flags & NLM_F_EXCL))
		return iface_address_change(iface, address);
	return err;
}

static int address_create(struct netlink_request *request)
{
	struct iface_address address;
	struct iface *iface = NULL;
	int err = request_read(request, &address, &iface);

	if (err)
		return err;
	if (address.peer.family == AF_INET6 && !address.local.family) {
		address.local = address.peer;
		address.peer.family = AF_UNSPEC;
	}
	if (ip_address_equals(&address.local, &address.peer))
		address.peer.family = AF_UNSPEC;
	err = address.local.family ? change(request, iface, &address) : -EINVAL;
	iface_put(iface);
	return err;
}

static int address_remove(struct netlink_request *request)
{
	struct iface_address address;
	struct iface *iface = NULL;
	int err = request_read(request, &address, &iface);

	if (err)
		return err;
	if (address.peer.family == AF_INET6) {
		if (!address.local.family)
			address.local = address.peer;
		address.peer.family = AF_UNSPEC;
	}
	err = iface_address_remove(iface, &address);
	iface_put(iface);
	return err;
}

/* ---- asking ---------------------------------------------------------------------------------- */

struct filter {
	uint32_t iface; /* index; 0: all */
	uint8_t  family; /* 0: all */
};

struct addresses_walk {
	struct netlink_dump   *dump;
	struct netlink_writer *writer;
	struct iface          *iface;
	uint64_t               position;
	unsigned int           family;
};

static int address_tell(const struct iface_address *address, void *data)
{
	const struct rtnetlink_head head = { .type = RTM_NEWADDR };
	struct addresses_walk *walk = data;

	if (!rtnetlink_is_next(walk->dump, &walk->position))
		return 0;
	if (!rtnetlink_address_put(walk->writer, &head, walk->dump, walk->iface, address))
		return 1;
	walk->dump->at[0]++;
	return 0;
}

static int iface_tell(struct iface *iface, void *data)
{
	struct addresses_walk *walk = data;
	const struct filter *filter = (const void *)walk->dump->filter;

	walk->iface = iface;
	if (filter->iface && filter->iface != iface->index)
		return 0;
	return iface_address_for_each(iface, walk->family, address_tell, walk);
}

/* All of IPv4 first. */
static int addresses_next(struct netlink_dump *dump, struct netlink_writer *writer)
{
	static const unsigned int families[] = { AF_INET, AF_INET6 };
	const struct filter *filter = (const void *)dump->filter;
	struct addresses_walk walk = { .dump = dump, .writer = writer };
	int result = 0;

	iface_config_lock(dump->netns);
	for (size_t i = 0; i < array_size(families) && !result; i++) {
		walk.family = families[i];
		if (!filter->family || filter->family == families[i])
			result = iface_for_each(dump->netns, iface_tell, &walk);
	}
	iface_config_unlock(dump->netns);
	return result;
}

/* Only strict requests have more than a family. */
static int addresses_dump(struct netlink_request *request)
{
	const struct ifaddrmsg *message = message_body(request->header);
	struct filter filter = { .family = message->ifa_family };
	struct iface *iface;

	if (filter.family != AF_INET && filter.family != AF_INET6)
		filter.family = AF_UNSPEC;
	if (!request->is_strict)
		return rtnetlink_dump(request, addresses_next, &filter, sizeof(filter));
	if (request->header->nlmsg_len < NLMSG_LENGTH(sizeof(*message)))
		return netlink_fault(request, -EINVAL,
		                     "ipv4: Invalid header for address dump request");
	if (message->ifa_prefixlen || message->ifa_flags || message->ifa_scope)
		return netlink_fault(request, -EINVAL,
		                     "ipv4: Invalid values in header for address dump request");
	filter.iface = message->ifa_index;
	if (filter.iface) {
		iface = iface_by_index(request->netns, filter.iface);
		if (!iface)
			return -ENODEV;
		iface_put(iface);
	}
	return rtnetlink_dump(request, addresses_next, &filter, sizeof(filter));
}

const struct rtnetlink_kind rtnetlink_addresses = {
	.create = address_create,
	.remove = address_remove,
	.dump = addresses_dump,
};
