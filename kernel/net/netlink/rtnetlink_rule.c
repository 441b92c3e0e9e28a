/*
 * RTM_GETRULE: the rules by which tables are asked. They cannot be changed: IPv4 asks local, main
 * and default, IPv6 local and main. ip-rule(8)
 */
#include <linux/errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "net/netlink/rtnetlink_impl.h"

static const struct rule {
	uint8_t  family;
	uint32_t table, priority;
} rules[] = {
	{ AF_INET, RT_TABLE_LOCAL, 0 },
	{ AF_INET, RT_TABLE_MAIN, 32766 },
	{ AF_INET, RT_TABLE_DEFAULT, 32767 },
	{ AF_INET6, RT_TABLE_LOCAL, 0 },
	{ AF_INET6, RT_TABLE_MAIN, 32766 },
};

static bool put_rule(struct netlink_dump *dump, struct netlink_writer *writer,
                     const struct rule *rule)
{
	struct fib_rule_hdr *header =
		netlink_dump_begin(dump, writer, RTM_NEWRULE, sizeof(*header));

	if (header) {
		header->family = rule->family;
		header->table = (uint8_t)rule->table;
		header->action = FR_ACT_TO_TBL;
	}
	netlink_put_u32(writer, FRA_TABLE, rule->table);
	netlink_put_u32(writer, FRA_SUPPRESS_PREFIXLEN, UINT32_MAX);
	netlink_put_u8(writer, FRA_PROTOCOL, RTPROT_KERNEL);
	if (rule->priority)
		netlink_put_u32(writer, FRA_PRIORITY, rule->priority);
	return netlink_end(writer);
}

static int rules_next(struct netlink_dump *dump, struct netlink_writer *writer)
{
	uint8_t family = dump->filter[0];

	for (; dump->at[0] < array_size(rules); dump->at[0]++) {
		const struct rule *rule = &rules[dump->at[0]];

		if ((!family || rule->family == family) && !put_rule(dump, writer, rule))
			return 1;
	}
	return 0;
}

static int rules_dump(struct netlink_request *request)
{
	const struct rtgenmsg *generic = message_body(request->header);

	if (generic->rtgen_family && generic->rtgen_family != AF_INET &&
	    generic->rtgen_family != AF_INET6)
		return -EAFNOSUPPORT;
	return rtnetlink_dump(request, rules_next, &generic->rtgen_family, 1);
}

static int rule_change(struct netlink_request *request)
{
	return netlink_fault(request, -EOPNOTSUPP, "Rules are fixed");
}

const struct rtnetlink_kind rtnetlink_rules = {
	.create = rule_change,
	.remove = rule_change,
	.dump = rules_dump,
};
