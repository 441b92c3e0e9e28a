/*
 * /proc/sys/net: what programs read and set of the network (Linux's
 * Documentation/networking/ip-sysctl.rst). Values that the stack has fixed are read only.
 */
#include <linux/errno.h>

#include "lib/parse.h"
#include "lib/string.h"
#include "net/inet/inet.h"
#include "net/netns.h"
#include "procfs/sysctl.h"

enum { PORT_MAX = 65535 };

/* A word of the namespace, got and set. */
#define WORD(name, place, least, most)                                          \
	static int64_t get_##name(void)                                         \
	{                                                                       \
		return READ_ONCE(place);                                        \
	}                                                                       \
	static int set_##name(int64_t value)                                    \
	{                                                                       \
		WRITE_ONCE(place, (__typeof__(place))value);                    \
		return 0;                                                       \
	}                                                                       \
	static const struct sysctl_int name = { get_##name, set_##name, least, most };

WORD(somaxconn, netns_initial.max_backlog, 0, INT32_MAX)
WORD(max_queued, netns_initial.unix_max_queued, 0, INT32_MAX)
WORD(default_ttl, inet_settings(&netns_initial)->default_ttl, 1, 255)
WORD(nonlocal_bind, inet_settings(&netns_initial)->nonlocal_bind, 0, 1)
WORD(max_memberships, inet_settings(&netns_initial)->multicast_max, 0, INT32_MAX)
WORD(v6_only, inet_settings(&netns_initial)->v6_only, 0, 1)
WORD(unprivileged_first, port_settings(&netns_initial)->unprivileged_first, 0, PORT_MAX)

/* Nothing is forwarded: 0 can be written, to be sure. */
static int64_t get_zero(void)
{
	return 0;
}

static int set_zero(int64_t value)
{
	return 0;
}

static const struct sysctl_int always_zero = { get_zero, set_zero, 0, 0 };

/* ---- ranges -------------------------------------------------------------------------------- */

/* Two numbers with blanks between. */
static int range_parse(char *line, uint64_t *first, uint64_t *last)
{
	char *rest;
	int err;

	while (*line == ' ' || *line == '\t')
		line++;
	for (rest = line; *rest && !strchr(" \t\n", *rest);)
		rest++;
	if (!*rest)
		return -EINVAL;
	*rest++ = '\0';
	while (*rest == ' ' || *rest == '\t')
		rest++;
	err = parse_u64_base(line, 10, first);
	for (line = rest; *rest && !strchr(" \t\n", *rest);)
		rest++;
	*rest = '\0';
	return err ? err : parse_u64_base(line, 10, last);
}

static int show_ports(const struct node *node, struct text *text)
{
	const struct port_settings *settings = port_settings(&netns_initial);

	text_printf(text, "%u\t%u\n", READ_ONCE(settings->first), READ_ONCE(settings->last));
	return 0;
}

static int write_ports(const struct node *node, char *line, size_t len)
{
	struct port_settings *settings = port_settings(&netns_initial);
	uint64_t first, last;

	if (range_parse(line, &first, &last) || !first || last > PORT_MAX || last < first ||
	    first < READ_ONCE(settings->unprivileged_first))
		return -EINVAL;
	WRITE_ONCE(settings->first, (uint32_t)first);
	WRITE_ONCE(settings->last, (uint32_t)last);
	return 0;
}

static int show_groups(const struct node *node, struct text *text)
{
	const struct inet_settings *settings = inet_settings(&netns_initial);

	text_printf(text, "%d\t%d\n", READ_ONCE(settings->ping_group_first),
	            READ_ONCE(settings->ping_group_last));
	return 0;
}

/* The wrong way round means nobody, for which Linux has one form. */
static int write_groups(const struct node *node, char *line, size_t len)
{
	struct inet_settings *settings = inet_settings(&netns_initial);
	uint64_t first, last;

	if (range_parse(line, &first, &last) || first > INT32_MAX || last > INT32_MAX)
		return -EINVAL;
	if (last < first) {
		first = 1;
		last = 0;
	}
	WRITE_ONCE(settings->ping_group_first, (int32_t)first);
	WRITE_ONCE(settings->ping_group_last, (int32_t)last);
	return 0;
}

/* ---- tables -------------------------------------------------------------------------------- */

static const struct entry core_entries[] = {
	SYSCTL_CONST("default_qdisc", "pfifo_fast"),
	SYSCTL_CONST("rmem_default", "212992"),
	SYSCTL_CONST("rmem_max", "212992"),
	SYSCTL_INT("somaxconn", 0644, &somaxconn),
	SYSCTL_CONST("wmem_default", "212992"),
	SYSCTL_CONST("wmem_max", "212992"),
};
static const struct directory core = DIRECTORY(core_entries);

static const struct entry ipv4_entries[] = {
	{ "conf", S_IFDIR | 0555, .dir = &sysctl_conf4_directory },
	SYSCTL_CONST("icmp_echo_ignore_all", "0"),
	SYSCTL_CONST("icmp_echo_ignore_broadcasts", "1"),
	SYSCTL_INT("igmp_max_memberships", 0644, &max_memberships),
	SYSCTL_INT("ip_default_ttl", 0644, &default_ttl),
	SYSCTL_INT("ip_forward", 0644, &always_zero),
	{ "ip_local_port_range", S_IFREG | 0644, ENTRY_STRICT, .show = show_ports,
	  .write = write_ports },
	SYSCTL_CONST("ip_no_pmtu_disc", "0"),
	SYSCTL_INT("ip_nonlocal_bind", 0644, &nonlocal_bind),
	SYSCTL_INT("ip_unprivileged_port_start", 0644, &unprivileged_first),
	{ "ping_group_range", S_IFREG | 0644, ENTRY_STRICT, .show = show_groups,
	  .write = write_groups },
	SYSCTL_CONST("tcp_allowed_congestion_control", "reno"),
	SYSCTL_CONST("tcp_available_congestion_control", "reno"),
	SYSCTL_CONST("tcp_congestion_control", "reno"),
	SYSCTL_CONST("tcp_ecn", "0"),
	SYSCTL_CONST("tcp_fin_timeout", "60"),
	SYSCTL_CONST("tcp_keepalive_intvl", "75"),
	SYSCTL_CONST("tcp_keepalive_probes", "9"),
	SYSCTL_CONST("tcp_keepalive_time", "7200"),
	SYSCTL_CONST("tcp_syncookies", "0"),
	SYSCTL_CONST("tcp_timestamps", "1"),
	SYSCTL_CONST("tcp_tw_reuse", "0"),
	SYSCTL_CONST("tcp_window_scaling", "1"),
};
static const struct directory ipv4 = DIRECTORY(ipv4_entries);

static const struct entry ipv6_entries[] = {
	SYSCTL_INT("bindv6only", 0644, &v6_only),
	{ "conf", S_IFDIR | 0555, .dir = &sysctl_conf6_directory },
};
static const struct directory ipv6 = DIRECTORY(ipv6_entries);

static const struct entry unix_entries[] = {
	SYSCTL_INT("max_dgram_qlen", 0644, &max_queued),
};
static const struct directory unix_directory = DIRECTORY(unix_entries);

static const struct entry entries[] = {
	{ "core", S_IFDIR | 0555, .dir = &core },
	{ "ipv4", S_IFDIR | 0555, .dir = &ipv4 },
	{ "ipv6", S_IFDIR | 0555, .dir = &ipv6 },
	{ "unix", S_IFDIR | 0555, .dir = &unix_directory },
};

const struct directory sysctl_net_directory = DIRECTORY(entries);
