/*
 * /proc/net/route, ipv6_route, arp: where packets go.
 */
#include <linux/if_arp.h>
#include <linux/ipv6_route.h>
#include <linux/route.h>

#include "lib/printf.h"
#include "net/iface/iface.h"
#include "net/iface/neighbour.h"
#include "net/iface/route.h"
#include "net/ioctl.h"
#include "procfs/net.h"
#include "procfs/text.h"

enum { ROUTE_LINE = 127 }; /* bytes of a line without its end */

static void name_of(struct netns *netns, uint32_t index, char name[static 16],
                    const char *otherwise)
{
	if (!index || net_iface_name(netns, index, name))
		(void)str_copy(name, otherwise, IFNAMSIZ);
}

static bool is_refusal(const struct route *route)
{
	return route->type == RTN_UNREACHABLE || route->type == RTN_PROHIBIT ||
	       route->type == RTN_BLACKHOLE;
}

struct listing {
	struct netns *netns;
	struct text  *text;
};

/* Pads the line that began at `start`, and ends it. */
static void line_end(struct text *text, size_t start)
{
	text_pad(text, start, ROUTE_LINE);
	text_puts(text, "\n");
}

/* ---- IPv4 ------------------------------------------------------------------------------------ */

static unsigned int flags4(const struct route *route)
{
	unsigned int flags = RTF_UP;

	if (route->type == RTN_UNREACHABLE || route->type == RTN_PROHIBIT)
		flags |= RTF_REJECT;
	if (route->gateway.family)
		flags |= RTF_GATEWAY;
	if (route->prefix_length == 32)
		flags |= RTF_HOST;
	return flags;
}

static __be32 mask4(unsigned int length)
{
	return length ? cpu_to_be32(UINT32_MAX << (32 - length)) : 0;
}

static int put_route4(const struct route *route, void *data)
{
	struct listing *listing = data;
	struct text *text = listing->text;
	size_t start = text->len;
	char name[IFNAMSIZ];

	if (route->table != RT_TABLE_MAIN || route->type == RTN_BROADCAST ||
	    route->type == RTN_MULTICAST)
		return 0;
	name_of(listing->netns, route->iface_index, name, "*");
	text_printf(text, "%s\t%08X\t%08X\t%04X\t%d\t%u\t%u\t%08X\t%d\t%u\t%u", name,
	            route->destination.v4, route->gateway.family ? route->gateway.v4 : 0,
	            flags4(route), 0, 0u, route->metric, mask4(route->prefix_length), 0, 0u, 0u);
	line_end(text, start);
	return 0;
}

void show_net_route(struct netns *netns, struct text *text)
{
	struct listing listing = { netns, text };

	text_puts(text, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU"
	                "\tWindow\tIRTT");
	line_end(text, 0);
	iface_config_lock(netns);
	(void)route_for_each(netns, AF_INET, put_route4, &listing);
	iface_config_unlock(netns);
}

/* ---- IPv6 ------------------------------------------------------------------------------------ */

static const struct ip_address none = { .family = AF_UNSPEC };

static void put_hex(struct text *text, const struct ip_address *address)
{
	for (int i = 0; i < 16; i++)
		text_printf(text, "%02x", address->family ? (unsigned)address->bytes[i] : 0u);
}

static unsigned int flags6(const struct route *route)
{
	unsigned int flags = RTF_UP;

	if (is_refusal(route))
		flags |= RTF_REJECT | RTF_NONEXTHOP;
	if (route->gateway.family)
		flags |= RTF_GATEWAY;
	if (route->type == RTN_LOCAL)
		flags |= RTF_LOCAL | RTF_NONEXTHOP;
	if (route->type == RTN_ANYCAST)
		flags |= RTF_ANYCAST;
	if (route->protocol == RTPROT_RA)
		flags |= RTF_ADDRCONF | (route->prefix_length ? 0u : (unsigned)RTF_DEFAULT);
	if (route->expires)
		flags |= RTF_EXPIRES;
	if (route->expires && route->protocol == RTPROT_KERNEL)
		flags |= RTF_ADDRCONF | RTF_PREFIX_RT;
	return flags;
}

static int put_route6(const struct route *route, void *data)
{
	struct listing *listing = data;
	struct text *text = listing->text;
	char name[IFNAMSIZ];

	name_of(listing->netns, route->iface_index, name, "lo");
	put_hex(text, &route->destination);
	text_printf(text, " %02x ", (unsigned)route->prefix_length);
	put_hex(text, &none);
	text_puts(text, " 00 ");
	put_hex(text, &route->gateway);
	text_printf(text, " %08x %08x %08x %08x %8s\n", route->metric, 1u, 0u, flags6(route),
	            name);
	return 0;
}

void show_net_ipv6_route(struct netns *netns, struct text *text)
{
	struct listing listing = { netns, text };

	iface_config_lock(netns);
	(void)route_for_each(netns, AF_INET6, put_route6, &listing);
	iface_config_unlock(netns);
	/* Linux's null entry, which readers take for the end. */
	put_hex(text, &none);
	text_puts(text, " 00 ");
	put_hex(text, &none);
	text_puts(text, " 00 ");
	put_hex(text, &none);
	text_printf(text, " %08x %08x %08x %08x %8s\n", UINT32_MAX, 1u, 0u,
	            (unsigned)(RTF_REJECT | RTF_NONEXTHOP), "lo");
}

/* ---- ARP ------------------------------------------------------------------------------------- */

enum { NUD_VALID = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY };

static unsigned int arp_flags(const struct neighbour *neighbour)
{
	if (neighbour->state & NUD_PERMANENT)
		return ATF_PERM | ATF_COM;
	return neighbour->state & NUD_VALID ? ATF_COM : 0;
}

static int put_neighbour(const struct neighbour *neighbour, void *data)
{
	struct listing *listing = data;
	const uint8_t *ip = neighbour->address.bytes, *mac = neighbour->mac;
	char name[IFNAMSIZ], address[16], hardware[18];

	if (neighbour->state & NUD_NOARP)
		return 0;
	name_of(listing->netns, neighbour->iface_index, name, "*");
	snprintf(address, sizeof(address), "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
	snprintf(hardware, sizeof(hardware), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
	         mac[2], mac[3], mac[4], mac[5]);
	text_printf(listing->text, "%-16s 0x%-10x0x%-10x%-17s     *        %s\n", address,
	            (unsigned)ARPHRD_ETHER, arp_flags(neighbour), hardware, name);
	return 0;
}

void show_net_arp(struct netns *netns, struct text *text)
{
	struct listing listing = { netns, text };

	text_puts(text, "IP address       HW type     Flags       HW address            Mask     "
	                "Device\n");
	iface_config_lock(netns);
	(void)neighbour_for_each(netns, AF_INET, put_neighbour, &listing);
	iface_config_unlock(netns);
}
