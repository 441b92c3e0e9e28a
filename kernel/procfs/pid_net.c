/*
 * /proc/PID/net: what a process sees of the network: the table, and AF_UNIX. The other files are
 * in net_*.c.
 */
#include <linux/errno.h>

#include "id/nsproxy.h"
#include "net/netns.h"
#include "net/unix.h"
#include "proc/task.h"
#include "procfs/net.h"
#include "procfs/pid.h"

/* As Linux's include/uapi/linux/net.h says. */
enum { UNCONNECTED = 1, CONNECTING, CONNECTED, DISCONNECTING };
enum { ACCEPTS_CONNECTIONS = 1 << 16 };

static void put_name(struct text *text, const struct socket_name *name)
{
	size_t len = name->size - offsetof(struct sockaddr_un, sun_path);
	bool is_abstract = !name->un.sun_path[0];

	text_puts(text, " ");
	/* The size of a path counts the NUL at its end. */
	for (size_t i = 0; i < (is_abstract ? len : len - 1); i++) {
		char c = name->un.sun_path[i];

		text_put(text, c ? &c : "@", 1);
	}
}

static void put_socket(const struct unix_info *info, void *data)
{
	struct text *text = data;
	int state = info->ino ? UNCONNECTED : DISCONNECTING;

	if (info->is_connected)
		state = info->ino ? CONNECTED : CONNECTING;
	/* Addresses are not told; Linux counts its own list as a reference. */
	text_printf(text, "%016x: %08X %08X %08X %04X %02X %5lu", 0u, info->refs + 1, 0u,
		    info->is_listening ? ACCEPTS_CONNECTIONS : 0u, (unsigned)info->type,
		    (unsigned)state, info->ino);
	if (info->name.size > offsetof(struct sockaddr_un, sun_path))
		put_name(text, &info->name);
	text_puts(text, "\n");
}

static void show_unix(struct netns *netns, struct text *text)
{
	text_puts(text, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	unix_for_each(netns, put_socket, text);
}

static void show_types(struct netns *netns, struct text *text)
{
	text_puts(text, "Type Device      Function\n"
	                "0800          ip_rcv\n0806          arp_rcv\n86dd          ipv6_rcv\n");
}

/* ---- the table ------------------------------------------------------------------------------- */

/* EINVAL, as on Linux, for a process that has let go of its namespaces: it is dying. */
static int show_file(const struct node *node, struct text *text)
{
	const struct net_file *file = node->entry->arg;
	struct task *task = node_task(node);
	struct nsproxy *ns;

	if (!task)
		return -ESRCH;
	spin_lock(&task->resources_lock);
	ns = task->ns ? nsproxy_get(task->ns) : NULL;
	spin_unlock(&task->resources_lock);
	task_put(task);
	if (!ns)
		return -EINVAL;
	file->show(ns->net, text);
	nsproxy_put(ns);
	return 0;
}

#define FILE(file_name, function) \
	{ file_name, S_IFREG | 0444, .show = show_file, \
	  .arg = &(const struct net_file){ function } }

static const struct entry entries[] = {
	FILE("arp", show_net_arp),
	FILE("dev", show_net_dev),
	FILE("icmp", show_net_icmp),
	FILE("icmp6", show_net_icmp6),
	FILE("if_inet6", show_net_if_inet6),
	FILE("ipv6_route", show_net_ipv6_route),
	FILE("netlink", show_net_netlink),
	FILE("packet", show_net_packet),
	FILE("pnp", show_net_pnp),
	FILE("ptype", show_types),
	FILE("raw", show_net_raw),
	FILE("raw6", show_net_raw6),
	FILE("route", show_net_route),
	FILE("snmp", show_net_snmp),
	FILE("snmp6", show_net_snmp6),
	FILE("sockstat", show_net_sockstat),
	FILE("sockstat6", show_net_sockstat6),
	FILE("tcp", show_net_tcp),
	FILE("tcp6", show_net_tcp6),
	FILE("udp", show_net_udp),
	FILE("udp6", show_net_udp6),
	FILE("unix", show_unix),
};

const struct directory pid_net_directory = DIRECTORY(entries);
