/*
 * Interfaces in /sys, with what udev, network scripts and monitors read of them.
 *
 * The directories stand in /sys/devices/virtual/net, whatever bus a card is on; /sys/class/net has
 * links to them. Keys are indices of interfaces. What a setting changes is what its ioctl changes.
 */
#include <linux/errno.h>

#include "dev/netdev.h"
#include "id/cred.h"
#include "lib/parse.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "net/iface/iface.h"
#include "net/netns.h"
#include "proc/task.h"
#include "procfs/iface_names.h"
#include "procfs/sysfs.h"

/* ---- attributes --------------------------------------------------------------------------- */

struct attribute {
	/* 0 or -errno; the configuration lock is held */
	int (*show)(struct iface *iface, struct text *text);
	int (*set)(struct iface *iface, uint64_t value); /* NULL: cannot be set */
};

static int show_attribute(const struct node *node, struct text *text)
{
	const struct attribute *attribute = node->entry->arg;
	struct iface *iface = iface_by_index(&netns_initial, (uint32_t)node->key);
	int err;

	if (!iface)
		return -ENODEV;
	iface_config_lock(iface->netns);
	err = attribute->show(iface, text);
	iface_config_unlock(iface->netns);
	iface_put(iface);
	return err;
}

static int write_attribute(const struct node *node, char *line, size_t len)
{
	const struct attribute *attribute = node->entry->arg;
	struct iface *iface;
	uint64_t value;
	int err;

	if (!cred_capable(task_current()->cred, CAP_NET_ADMIN))
		return -EPERM;
	if (len && line[len - 1] == '\n')
		line[len - 1] = '\0';
	if (parse_u64(line, &value))
		return -EINVAL;
	iface = iface_by_index(&netns_initial, (uint32_t)node->key);
	if (!iface)
		return -ENODEV;
	iface_config_lock(iface->netns);
	err = attribute->set(iface, value);
	iface_config_unlock(iface->netns);
	iface_put(iface);
	return err;
}

#define FILE(entry_name, function) \
	{ entry_name, S_IFREG | 0444, .show = show_attribute, \
	  .arg = &(const struct attribute){ .show = (function) } }
#define SETTING(entry_name, show_function, set_function) \
	{ entry_name, S_IFREG | 0644, .show = show_attribute, .write = write_attribute, \
	  .arg = &(const struct attribute){ .show = (show_function), .set = (set_function) } }

/* One that is a number which an expression gives. */
#define NUMBER(function, format, expression)                            \
	static int function(struct iface *iface, struct text *text)     \
	{                                                               \
		text_printf(text, format "\n", (expression));           \
		return 0;                                               \
	}

NUMBER(show_zero, "%u", iface ? 0u : 0u)
NUMBER(show_dev_id, "0x%x", iface ? 0u : 0u)
NUMBER(show_addr_len, "%zu", sizeof(iface->mac))
NUMBER(show_changes, "%u", iface->carrier_changes)
NUMBER(show_ups, "%u", (iface->carrier_changes + 1) / 2)
NUMBER(show_downs, "%u", iface->carrier_changes / 2)
NUMBER(show_flags, "0x%x", iface->flags & 0xffff & ~(uint32_t)IFF_RUNNING)
NUMBER(show_index, "%u", iface->index)
NUMBER(show_mtu, "%u", iface->mtu)
NUMBER(show_queue_length, "%u", iface->queue_length)
NUMBER(show_type, "%u", (unsigned)iface->type)

static int put_mac(const uint8_t *mac, struct text *text)
{
	text_printf(text, "%02x:%02x:%02x:%02x:%02x:%02x\n", mac[0], mac[1], mac[2], mac[3],
	            mac[4], mac[5]);
	return 0;
}

static int show_address(struct iface *iface, struct text *text)
{
	return put_mac(iface->mac, text);
}

static int show_broadcast(struct iface *iface, struct text *text)
{
	return put_mac(iface->broadcast, text);
}

static bool is_up(const struct iface *iface)
{
	return iface->flags & IFF_UP;
}

static int show_carrier(struct iface *iface, struct text *text)
{
	if (!is_up(iface))
		return -EINVAL;
	text_printf(text, "%d\n", !iface->netdev || READ_ONCE(iface->netdev->has_link));
	return 0;
}

static int show_dormant(struct iface *iface, struct text *text)
{
	return is_up(iface) ? show_zero(iface, text) : -EINVAL;
}

static int show_nothing_said(struct iface *iface, struct text *text)
{
	return 0;
}

/* Nobody knows how fast a virtual card is. */
static int show_speed(struct iface *iface, struct text *text)
{
	if (!is_up(iface) || !iface->netdev)
		return -EINVAL;
	text_puts(text, "-1\n");
	return 0;
}

static int show_duplex(struct iface *iface, struct text *text)
{
	if (!is_up(iface) || !iface->netdev)
		return -EINVAL;
	text_puts(text, "unknown\n");
	return 0;
}

static int show_state(struct iface *iface, struct text *text)
{
	static const char *const names[] = { "unknown", "notpresent", "down", "lowerlayerdown",
		                             "testing", "dormant", "up" };
	uint8_t state = is_up(iface) ? iface->operational_state : IF_OPER_DOWN;

	text_printf(text, "%s\n", names[state < array_size(names) ? state : 0]);
	return 0;
}

static int show_uevent(struct iface *iface, struct text *text)
{
	text_printf(text, "INTERFACE=%s\nIFINDEX=%u\n", iface->name, iface->index);
	return 0;
}

static int set_flags(struct iface *iface, uint64_t value)
{
	const uint32_t settable = IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_NOARP |
				  IFF_MULTICAST | IFF_DYNAMIC;

	return value > UINT32_MAX ? -EINVAL
				  : iface_set_flags(iface, (uint32_t)value & settable, settable);
}

static int set_mtu(struct iface *iface, uint64_t value)
{
	return value > INT32_MAX ? -EINVAL : iface_set_mtu(iface, (uint32_t)value);
}

static int set_queue_length(struct iface *iface, uint64_t value)
{
	return value > INT32_MAX ? -EINVAL : iface_set_queue_length(iface, (uint32_t)value);
}

/* What Linux's virtual cards cannot do either. */
static int set_nothing(struct iface *iface, uint64_t value)
{
	return -EOPNOTSUPP;
}

/* ---- statistics --------------------------------------------------------------------------- */

/* arg: where the counter is in the structure. */
static int show_counter(const struct node *node, struct text *text)
{
	struct iface *iface = iface_by_index(&netns_initial, (uint32_t)node->key);
	struct rtnl_link_stats64 counters;
	uint64_t value;

	if (!iface)
		return -ENODEV;
	iface_statistics(iface, &counters);
	iface_put(iface);
	memcpy(&value, (const uint8_t *)&counters + (uintptr_t)node->entry->arg, sizeof(value));
	text_printf(text, "%lu\n", value);
	return 0;
}

#define COUNTER(field) \
	{ #field, S_IFREG | 0444, .show = show_counter, \
	  .arg = (const void *)offsetof(struct rtnl_link_stats64, field) }

static const struct entry counter_entries[] = {
	COUNTER(collisions), COUNTER(multicast), COUNTER(rx_bytes), COUNTER(rx_compressed),
	COUNTER(rx_crc_errors), COUNTER(rx_dropped), COUNTER(rx_errors), COUNTER(rx_fifo_errors),
	COUNTER(rx_frame_errors), COUNTER(rx_length_errors), COUNTER(rx_missed_errors),
	COUNTER(rx_nohandler), COUNTER(rx_over_errors), COUNTER(rx_packets),
	COUNTER(tx_aborted_errors), COUNTER(tx_bytes), COUNTER(tx_carrier_errors),
	COUNTER(tx_compressed), COUNTER(tx_dropped), COUNTER(tx_errors), COUNTER(tx_fifo_errors),
	COUNTER(tx_heartbeat_errors), COUNTER(tx_packets), COUNTER(tx_window_errors),
};
static const struct directory counters = DIRECTORY(counter_entries);

/* ---- directories --------------------------------------------------------------------------- */

static int link_subsystem(const struct node *node, struct link_target *out)
{
	return link_printf(out, "../../../../class/net");
}

static const struct entry iface_entries[] = {
	FILE("addr_assign_type", show_zero),
	FILE("addr_len", show_addr_len),
	FILE("address", show_address),
	FILE("broadcast", show_broadcast),
	SETTING("carrier", show_carrier, set_nothing),
	FILE("carrier_changes", show_changes),
	FILE("carrier_down_count", show_downs),
	FILE("carrier_up_count", show_ups),
	FILE("dev_id", show_dev_id),
	FILE("dev_port", show_zero),
	FILE("dormant", show_dormant),
	FILE("duplex", show_duplex),
	SETTING("flags", show_flags, set_flags),
	FILE("ifalias", show_nothing_said),
	FILE("ifindex", show_index),
	FILE("iflink", show_index),
	FILE("link_mode", show_zero),
	SETTING("mtu", show_mtu, set_mtu),
	SETTING("netdev_group", show_zero, set_nothing),
	FILE("operstate", show_state),
	SETTING("proto_down", show_zero, set_nothing),
	FILE("speed", show_speed),
	{ "statistics", S_IFDIR | 0755, .dir = &counters },
	{ "subsystem", S_IFLNK | 0777, .link = link_subsystem },
	FILE("testing", show_dormant),
	SETTING("tx_queue_len", show_queue_length, set_queue_length),
	FILE("type", show_type),
	FILE("uevent", show_uevent),
};
static const struct directory iface_directory = DIRECTORY(iface_entries);
static const struct entry iface_entry = { "interface", S_IFDIR | 0755, .dir = &iface_directory };

static int link_iface(const struct node *node, struct link_target *out)
{
	struct iface *iface = iface_by_index(&netns_initial, (uint32_t)node->key);
	int err;

	if (!iface)
		return -ENOENT;
	err = link_printf(out, "../../devices/virtual/net/%s", iface->name);
	iface_put(iface);
	return err;
}

static const struct entry link_entry = { "link", S_IFLNK | 0777, .link = link_iface };

static int iface_lookup(const struct node *dir, const char *name, struct child *out)
{
	return iface_name_find(&iface_entry, name, out);
}

static int link_lookup(const struct node *dir, const char *name, struct child *out)
{
	return iface_name_find(&link_entry, name, out);
}

static const struct entry *iface_next(const struct node *dir, uint64_t *key, char *name)
{
	return iface_name_next(key, name) ? &iface_entry : NULL;
}

static const struct entry *link_next(const struct node *dir, uint64_t *key, char *name)
{
	return iface_name_next(key, name) ? &link_entry : NULL;
}

const struct directory sysfs_net_directory = { .lookup = iface_lookup, .next = iface_next };
const struct directory sysfs_class_net_directory = { .lookup = link_lookup, .next = link_next };
