/*
 * Changing links: RTM_NEWLINK, RTM_SETLINK, RTM_DELLINK. See rtnetlink_impl.h.
 *
 * Links are devices that are there: none can be made or deleted by a message. Changes are made in
 * Linux's order; the first that fails ends the request, and what was changed before it stays so.
 */
#include <linux/errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "lib/string.h"
#include "net/iface/iface.h"
#include "net/netlink/rtnetlink_impl.h"

const struct attribute_policy rtnetlink_link_policy[IFLA_MAX + 1] = {
	[IFLA_IFNAME] = { ATTRIBUTE_STRING, IFNAMSIZ - 1 },
	[IFLA_ADDRESS] = { ATTRIBUTE_BYTES, 32 },
	[IFLA_BROADCAST] = { ATTRIBUTE_BYTES, 32 },
	[IFLA_MAP] = { ATTRIBUTE_ANY, sizeof(struct rtnl_link_ifmap) },
	[IFLA_MTU] = { ATTRIBUTE_U32, 0 },
	[IFLA_LINK] = { ATTRIBUTE_U32, 0 },
	[IFLA_MASTER] = { ATTRIBUTE_U32, 0 },
	[IFLA_CARRIER] = { ATTRIBUTE_U8, 0 },
	[IFLA_TXQLEN] = { ATTRIBUTE_U32, 0 },
	[IFLA_WEIGHT] = { ATTRIBUTE_U32, 0 },
	[IFLA_OPERSTATE] = { ATTRIBUTE_U8, 0 },
	[IFLA_LINKMODE] = { ATTRIBUTE_U8, 0 },
	[IFLA_LINKINFO] = { ATTRIBUTE_NEST, 0 },
	[IFLA_NET_NS_PID] = { ATTRIBUTE_U32, 0 },
	[IFLA_NET_NS_FD] = { ATTRIBUTE_U32, 0 },
	[IFLA_IFALIAS] = { ATTRIBUTE_BYTES, 256 },
	[IFLA_AF_SPEC] = { ATTRIBUTE_NEST, 0 },
	[IFLA_EXT_MASK] = { ATTRIBUTE_U32, 0 },
	[IFLA_PROMISCUITY] = { ATTRIBUTE_U32, 0 },
	[IFLA_NUM_TX_QUEUES] = { ATTRIBUTE_U32, 0 },
	[IFLA_NUM_RX_QUEUES] = { ATTRIBUTE_U32, 0 },
	[IFLA_GSO_MAX_SEGS] = { ATTRIBUTE_U32, 0 },
	[IFLA_GSO_MAX_SIZE] = { ATTRIBUTE_U32, 0 },
	[IFLA_GROUP] = { ATTRIBUTE_U32, 0 },
	[IFLA_PROTO_DOWN] = { ATTRIBUTE_U8, 0 },
	[IFLA_ALT_IFNAME] = { ATTRIBUTE_STRING, 127 },
};

int rtnetlink_link_find(struct netlink_request *request, const struct nlattr **found,
                        struct iface **out)
{
	const struct ifinfomsg *message = message_body(request->header);
	const struct nlattr *name = found[IFLA_IFNAME] ? found[IFLA_IFNAME]
						       : found[IFLA_ALT_IFNAME];
	char text[IFNAMSIZ];

	*out = NULL;
	if (message->ifi_index > 0)
		*out = iface_by_index(request->netns, (uint32_t)message->ifi_index);
	else if (!name)
		return -EINVAL;
	else if (attribute_string(name, text, sizeof(text)))
		*out = iface_by_name(request->netns, text);
	return *out ? 0 : -ENODEV;
}

/* ---- changes --------------------------------------------------------------------------------- */

/* What no link here can do. */
static int refuse(struct netlink_request *request, const struct nlattr **found)
{
	if (found[IFLA_NET_NS_PID] || found[IFLA_NET_NS_FD])
		return -EINVAL;
	if (found[IFLA_MAP] || found[IFLA_CARRIER])
		return -EOPNOTSUPP;
	if (found[IFLA_PROTO_DOWN])
		return netlink_fault(request, -EOPNOTSUPP, "Protodown not supported by device");
	if (found[IFLA_MASTER] && attribute_u32(found[IFLA_MASTER]))
		return -EOPNOTSUPP;
	if (found[IFLA_GROUP] && attribute_u32(found[IFLA_GROUP]))
		return -EOPNOTSUPP;
	if (found[IFLA_IFALIAS] && attribute_size(found[IFLA_IFALIAS]))
		return -EOPNOTSUPP;
	return 0;
}

static int mac_set(struct iface *iface, const struct nlattr *address)
{
	if (attribute_size(address) < sizeof(iface->mac))
		return -EINVAL;
	return iface_set_mac(iface, attribute_data(address));
}

static int mtu_set(struct netlink_request *request, struct iface *iface, uint32_t mtu)
{
	if (mtu < iface->min_mtu)
		return netlink_fault(request, -EINVAL, "mtu less than device minimum");
	if (iface->max_mtu && mtu > iface->max_mtu)
		return netlink_fault(request, -EINVAL, "mtu greater than device maximum");
	return iface_set_mtu(iface, mtu);
}

/* By index only, or the name would just be the one it was found by. */
static int name_set(struct iface *iface, const struct ifinfomsg *message,
                    const struct nlattr *name)
{
	char text[IFNAMSIZ];

	if (message->ifi_index <= 0 || !attribute_string(name, text, sizeof(text)) || !text[0] ||
	    !strcmp(text, iface->name))
		return 0;
	return iface_rename(iface, text);
}

/* A mask of 0 means all, as it did for the first programs. */
static int flags_set(struct iface *iface, const struct ifinfomsg *message)
{
	const uint32_t known = IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_NOARP | IFF_MULTICAST |
			       IFF_DYNAMIC;
	uint32_t mask = message->ifi_change ? message->ifi_change : UINT32_MAX;

	if (!message->ifi_flags && !message->ifi_change)
		return 0;
	return iface_set_flags(iface, message->ifi_flags & known, mask & known);
}

static int link_change(struct netlink_request *request, struct iface *iface,
                       const struct nlattr **found)
{
	const struct ifinfomsg *message = message_body(request->header);
	int err = refuse(request, found);

	if (!err && found[IFLA_ADDRESS])
		err = mac_set(iface, found[IFLA_ADDRESS]);
	if (!err && found[IFLA_MTU])
		err = mtu_set(request, iface, attribute_u32(found[IFLA_MTU]));
	if (!err && found[IFLA_IFNAME])
		err = name_set(iface, message, found[IFLA_IFNAME]);
	if (!err)
		err = flags_set(iface, message);
	if (!err && found[IFLA_TXQLEN])
		err = iface_set_queue_length(iface, attribute_u32(found[IFLA_TXQLEN]));
	return err;
}

/* ---- requests -------------------------------------------------------------------------------- */

static int parse(struct netlink_request *request, const struct nlattr **found)
{
	const struct attribute_table table = { rtnetlink_link_policy, found, IFLA_MAX, false };

	return message_parse(request->header, sizeof(struct ifinfomsg), &table, &request->fault);
}

int rtnetlink_link_set(struct netlink_request *request)
{
	const struct nlattr *found[IFLA_MAX + 1];
	struct iface *iface;
	int err = parse(request, found);

	if (!err)
		err = rtnetlink_link_find(request, found, &iface);
	if (err)
		return err;
	err = link_change(request, iface, found);
	iface_put(iface);
	return err;
}

/* What to say of a link that is not there. */
static int create_refuse(struct netlink_request *request, const struct nlattr **found, int err)
{
	if (!(request->header->nlmsg_flags & NLM_F_CREATE))
		return err == -EINVAL && found[IFLA_GROUP] ? 0 : -ENODEV;
	if (found[IFLA_MAP] || found[IFLA_PROTINFO])
		return -EOPNOTSUPP;
	return netlink_fault(request, -EOPNOTSUPP, "Unknown device type");
}

int rtnetlink_link_create(struct netlink_request *request)
{
	const struct ifinfomsg *message = message_body(request->header);
	uint16_t flags = request->header->nlmsg_flags;
	const struct nlattr *found[IFLA_MAX + 1];
	struct iface *iface;
	int err = parse(request, found);

	if (err)
		return err;
	if (message->ifi_index < 0)
		return netlink_fault(request, -EINVAL, "ifindex can't be negative");
	err = rtnetlink_link_find(request, found, &iface);
	if (err)
		return create_refuse(request, found, err);
	if (flags & NLM_F_EXCL)
		err = -EEXIST;
	else if (flags & NLM_F_REPLACE)
		err = -EOPNOTSUPP;
	else
		err = link_change(request, iface, found);
	iface_put(iface);
	return err;
}

int rtnetlink_link_remove(struct netlink_request *request)
{
	const struct nlattr *found[IFLA_MAX + 1];
	struct iface *iface;
	int err = parse(request, found);

	if (!err)
		err = rtnetlink_link_find(request, found, &iface);
	if (err)
		return err;
	iface_put(iface);
	return -EOPNOTSUPP;
}
