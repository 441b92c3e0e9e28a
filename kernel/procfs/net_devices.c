/*
 * /proc/net/dev, if_inet6: interfaces and what went through them.
 */
#include <linux/rtnetlink.h>

#include "net/iface/address.h"
#include "net/iface/iface.h"
#include "procfs/net.h"
#include "procfs/text.h"

static int put_device(struct iface *iface, void *data)
{
	struct text *text = data;
	struct rtnl_link_stats64 s;

	iface_statistics(iface, &s);
	text_printf(text, "%6s: %7llu %7llu %4llu %4llu %4llu %5llu %10llu %9llu ", iface->name,
	            s.rx_bytes, s.rx_packets, s.rx_errors, s.rx_dropped + s.rx_missed_errors,
	            s.rx_fifo_errors,
	            s.rx_length_errors + s.rx_over_errors + s.rx_crc_errors + s.rx_frame_errors,
	            s.rx_compressed, s.multicast);
	text_printf(text, "%8llu %7llu %4llu %4llu %4llu %5llu %7llu %10llu\n", s.tx_bytes,
	            s.tx_packets, s.tx_errors, s.tx_dropped, s.tx_fifo_errors, s.collisions,
	            s.tx_carrier_errors + s.tx_aborted_errors + s.tx_window_errors +
			    s.tx_heartbeat_errors,
	            s.tx_compressed);
	return 0;
}

void show_net_dev(struct netns *netns, struct text *text)
{
	text_puts(text, "Inter-|   Receive                                                |"
	                "  Transmit\n"
	                " face |bytes    packets errs drop fifo frame compressed multicast|"
	                "bytes    packets errs drop fifo colls carrier compressed\n");
	iface_config_lock(netns);
	(void)iface_for_each(netns, put_device, text);
	iface_config_unlock(netns);
}

/* ---- addresses of IPv6 ----------------------------------------------------------------------- */

struct listing {
	struct text  *text;
	struct iface *iface;
};

/* Linux has other numbers inside than rtnetlink's. */
static unsigned int inner_scope(const struct iface_address *address)
{
	switch (address->scope) {
	case RT_SCOPE_HOST:
		return 0x10;
	case RT_SCOPE_LINK:
		return 0x20;
	case RT_SCOPE_SITE:
		return 0x40;
	default:
		return 0;
	}
}

static int put_inet6(const struct iface_address *address, void *data)
{
	struct listing *listing = data;

	for (int i = 0; i < 16; i++)
		text_printf(listing->text, "%02x", (unsigned)address->local.bytes[i]);
	text_printf(listing->text, " %02x %02x %02x %02x %8s\n", listing->iface->index,
	            (unsigned)address->prefix_length, inner_scope(address),
	            (unsigned)(address->flags & 0xff), listing->iface->name);
	return 0;
}

static int put_addresses(struct iface *iface, void *data)
{
	struct listing *listing = data;

	listing->iface = iface;
	return iface_address_for_each(iface, AF_INET6, put_inet6, listing);
}

void show_net_if_inet6(struct netns *netns, struct text *text)
{
	struct listing listing = { .text = text };

	iface_config_lock(netns);
	(void)iface_for_each(netns, put_addresses, &listing);
	iface_config_unlock(netns);
}
