/*
 * /proc/net/netlink: sockets. Addresses in the kernel are told as 0.
 */
#include "net/netlink/netlink.h"
#include "procfs/net.h"
#include "procfs/text.h"

static void put_netlink(const struct netlink_info *info, void *data)
{
	text_printf(data, "%016x %-3u %-10u %08x %-8u %-8d %-5d %-8u %-8u %-8lu\n", 0u,
	            info->protocol, info->port, info->groups, info->queued, 0, info->has_dump,
	            info->refs, info->drops, info->ino);
}

void show_net_netlink(struct netns *netns, struct text *text)
{
	text_puts(text, "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks"
	                "    Drops    Inode\n");
	netlink_for_each(netns, put_netlink, text);
}
