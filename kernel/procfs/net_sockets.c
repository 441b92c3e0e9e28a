/*
 * /proc/net/netlink, packet: sockets. Addresses in the kernel are told as 0.
 */
#include "net/netlink/netlink.h"
#include "net/packet/packet.h"
#include "procfs/net.h"
#include "procfs/text.h"

static void put_netlink(const struct netlink_info *info, void *data)
{
	text_printf(data, "%016x %-3u %-10u %08x %-8u %-8d %-5d %-8u %-8u %-8lu\n", 0u,
	            info->protocol, info->port, info->groups, info->queued, 0, info->has_dump,
	            info->ino ? info->refs + 1 : info->refs, info->drops, info->ino);
}

void show_net_netlink(struct netns *netns, struct text *text)
{
	text_puts(text, "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks"
	                "    Drops    Inode\n");
	netlink_for_each(netns, put_netlink, text);
}

static int put_packet(const struct packet_entry *entry, void *data)
{
	text_printf(data, "%016x %-6u %-4u %04x   %-5u %1d %-6lu %-6u %-6lu\n", 0u, entry->refs,
	            (unsigned)entry->type, (unsigned)entry->protocol, entry->iface,
	            entry->is_running, entry->queued, entry->uid, entry->ino);
	return 0;
}

void show_net_packet(struct netns *netns, struct text *text)
{
	text_puts(text, "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n");
	(void)packet_for_each(netns, put_packet, text);
}
