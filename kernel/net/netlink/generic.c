/*
 * NETLINK_GENERIC: families by name. There is one, "nlctrl", which tells which others there are:
 * none. Who asks for one (ethtool, taskstats, nl80211 ...) hears ENOENT, as on a Linux without it.
 */
#include <linux/errno.h>
#include <linux/genetlink.h>

#include "lib/string.h"
#include "net/netlink/netlink_impl.h"

static const char control_name[] = "nlctrl";
enum { CONTROL_VERSION = 2 };

static const struct attribute_policy policy[CTRL_ATTR_MAX + 1] = {
	[CTRL_ATTR_FAMILY_ID] = { ATTRIBUTE_U16, 0 },
	[CTRL_ATTR_FAMILY_NAME] = { ATTRIBUTE_STRING, GENL_NAMSIZ - 1 },
};

static void put_operation(struct netlink_writer *writer, uint16_t index, uint32_t id,
                          uint32_t flags)
{
	uint32_t nest = netlink_nest_begin(writer, index);

	netlink_put_u32(writer, CTRL_ATTR_OP_ID, id);
	netlink_put_u32(writer, CTRL_ATTR_OP_FLAGS, flags);
	netlink_nest_end(writer, nest);
}

static void put_group(struct netlink_writer *writer)
{
	uint32_t groups = netlink_nest_begin(writer, CTRL_ATTR_MCAST_GROUPS);
	uint32_t nest = netlink_nest_begin(writer, 1);

	netlink_put_u32(writer, CTRL_ATTR_MCAST_GRP_ID, GENL_ID_CTRL);
	netlink_put_string(writer, CTRL_ATTR_MCAST_GRP_NAME, "notify");
	netlink_nest_end(writer, nest);
	netlink_nest_end(writer, groups);
}

static void put_control_family(struct netlink_writer *writer, struct genlmsghdr *header)
{
	uint32_t operations;

	header->cmd = CTRL_CMD_NEWFAMILY;
	header->version = CONTROL_VERSION;
	netlink_put_string(writer, CTRL_ATTR_FAMILY_NAME, control_name);
	netlink_put_u16(writer, CTRL_ATTR_FAMILY_ID, GENL_ID_CTRL);
	netlink_put_u32(writer, CTRL_ATTR_VERSION, CONTROL_VERSION);
	netlink_put_u32(writer, CTRL_ATTR_HDRSIZE, 0);
	netlink_put_u32(writer, CTRL_ATTR_MAXATTR, 0);
	operations = netlink_nest_begin(writer, CTRL_ATTR_OPS);
	put_operation(writer, 1, CTRL_CMD_GETFAMILY,
	              GENL_CMD_CAP_DO | GENL_CMD_CAP_DUMP | GENL_CMD_CAP_HASPOL);
	netlink_nest_end(writer, operations);
	put_group(writer);
}

static int families_next(struct netlink_dump *dump, struct netlink_writer *writer)
{
	struct genlmsghdr *header =
		netlink_dump_begin(dump, writer, GENL_ID_CTRL, sizeof(*header));

	if (header)
		put_control_family(writer, header);
	return netlink_end(writer) ? 0 : 1;
}

static int family_tell(struct netlink_request *request)
{
	const struct nlmsghdr reply = {
		.nlmsg_type = GENL_ID_CTRL,
		.nlmsg_seq = request->header->nlmsg_seq,
		.nlmsg_pid = request->port,
	};
	uint8_t room[256];
	struct netlink_writer writer = { .bytes = room, .room = sizeof(room) };
	struct genlmsghdr *header = netlink_begin(&writer, &reply, sizeof(*header));

	if (header)
		put_control_family(&writer, header);
	return netlink_end(&writer) ? netlink_reply(request, &writer) : -EMSGSIZE;
}

static bool names_control(const struct nlattr *name)
{
	char text[GENL_NAMSIZ];

	return attribute_string(name, text, sizeof(text)) && !strcmp(text, control_name);
}

static int family_get(struct netlink_request *request)
{
	const struct nlattr *found[CTRL_ATTR_MAX + 1];
	const struct attribute_table table = { policy, found, CTRL_ATTR_MAX, true };
	int err = message_parse(request->header, GENL_HDRLEN, &table, &request->fault);

	if (err)
		return err;
	if (!found[CTRL_ATTR_FAMILY_ID] && !found[CTRL_ATTR_FAMILY_NAME])
		return -EINVAL;
	if (found[CTRL_ATTR_FAMILY_ID] &&
	    attribute_u16(found[CTRL_ATTR_FAMILY_ID]) != GENL_ID_CTRL)
		return -ENOENT;
	if (found[CTRL_ATTR_FAMILY_NAME] && !names_control(found[CTRL_ATTR_FAMILY_NAME]))
		return -ENOENT;
	return family_tell(request);
}

int netlink_generic_request(struct netlink_request *request)
{
	const struct netlink_dump dump = { .next = families_next };
	const struct nlmsghdr *header = request->header;
	const struct genlmsghdr *generic = message_body(header);

	if (header->nlmsg_type != GENL_ID_CTRL)
		return -ENOENT;
	if (header->nlmsg_len < NLMSG_LENGTH(GENL_HDRLEN))
		return -EINVAL;
	if (generic->cmd != CTRL_CMD_GETFAMILY)
		return -EOPNOTSUPP;
	return header->nlmsg_flags & NLM_F_DUMP ? netlink_dump_start(request, &dump)
						: family_get(request);
}
