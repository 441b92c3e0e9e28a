/*
 * /proc/sys/net/ipv4/conf and ipv6/conf: settings of each interface. Keys are indices; "all" and
 * "default" have none (0).
 *
 * For IPv6, "all" says what the interfaces agree on, and sets it for each; "default", which would
 * be for interfaces to come, is fixed. For IPv4 nothing can be changed.
 */
#include <linux/errno.h>

#include "lib/parse.h"
#include "net/iface/iface.h"
#include "net/netns.h"
#include "procfs/iface_names.h"
#include "procfs/sysctl.h"

/* ---- IPv6 ---------------------------------------------------------------------------------- */

struct conf {
	uint16_t place; /* of the word in struct iface_ipv6_config */
	int32_t  most;
	bool     is_disable; /* has a function of its own */
};

static int32_t *word_of(struct iface *iface, const struct conf *conf)
{
	return (int32_t *)(void *)((uint8_t *)&iface->ipv6 + conf->place);
}

struct change {
	const struct conf *conf;
	uint64_t           index; /* of the interface; 0: all */
	int32_t            value;
	bool               is_found;
};

static int value_get(struct iface *iface, void *data)
{
	struct change *change = data;

	if (change->index && iface->index != change->index)
		return 0;
	/* The first of all is lo, which is no example. */
	change->value = READ_ONCE(*word_of(iface, change->conf));
	change->is_found = true;
	return change->index != 0;
}

static int value_set(struct iface *iface, void *data)
{
	struct change *change = data;

	if (change->index && iface->index != change->index)
		return 0;
	change->is_found = true;
	if (change->conf->is_disable)
		return iface_set_ipv6_disabled(iface, change->value);
	WRITE_ONCE(*word_of(iface, change->conf), change->value);
	return 0;
}

static int show_conf(const struct node *node, struct text *text)
{
	struct change change = { .conf = node->entry->arg, .index = node->key };

	iface_config_lock(&netns_initial);
	(void)iface_for_each(&netns_initial, value_get, &change);
	iface_config_unlock(&netns_initial);
	if (!change.is_found)
		return -ENOENT;
	text_printf(text, "%d\n", change.value);
	return 0;
}

static int write_conf(const struct node *node, char *line, size_t len)
{
	struct change change = { .conf = node->entry->arg, .index = node->key };
	uint64_t value;
	int err;

	if (len && line[len - 1] == '\n')
		line[len - 1] = '\0';
	if (parse_u64(line, &value) || value > (uint64_t)change.conf->most)
		return -EINVAL;
	change.value = (int32_t)value;
	iface_config_lock(&netns_initial);
	err = iface_for_each(&netns_initial, value_set, &change);
	iface_config_unlock(&netns_initial);
	return err || change.is_found ? err : -ENOENT;
}

#define CONF(field, greatest, disables) \
	{ #field, S_IFREG | 0644, ENTRY_STRICT, .show = show_conf, .write = write_conf, \
	  .arg = &(const struct conf){ offsetof(struct iface_ipv6_config, field), (greatest), \
	                               (disables) } }

static const struct entry conf6_entries[] = {
	CONF(accept_ra, 2, false),
	CONF(autoconf, 1, false),
	CONF(dad_transmits, INT32_MAX, false),
	CONF(disable_ipv6, 1, true),
	SYSCTL_CONST("forwarding", "0"),
	CONF(hop_limit, 255, false),
	SYSCTL_CONST("use_tempaddr", "0"),
};
static const struct directory conf6 = DIRECTORY(conf6_entries);

static const struct entry default6_entries[] = {
	SYSCTL_CONST("accept_ra", "1"),
	SYSCTL_CONST("autoconf", "1"),
	SYSCTL_CONST("dad_transmits", "1"),
	SYSCTL_CONST("disable_ipv6", "0"),
	SYSCTL_CONST("forwarding", "0"),
	SYSCTL_CONST("hop_limit", "64"),
	SYSCTL_CONST("use_tempaddr", "0"),
};
static const struct directory default6 = DIRECTORY(default6_entries);

/* ---- IPv4 ---------------------------------------------------------------------------------- */

static const struct entry conf4_entries[] = {
	SYSCTL_CONST("accept_local", "0"),
	SYSCTL_CONST("accept_redirects", "0"),
	SYSCTL_CONST("accept_source_route", "0"),
	SYSCTL_CONST("arp_announce", "0"),
	SYSCTL_CONST("arp_ignore", "0"),
	SYSCTL_CONST("forwarding", "0"),
	SYSCTL_CONST("promote_secondaries", "0"),
	SYSCTL_CONST("rp_filter", "0"),
	SYSCTL_CONST("send_redirects", "0"),
};
static const struct directory conf4 = DIRECTORY(conf4_entries);

/* ---- directories --------------------------------------------------------------------------- */

static const struct entry iface4_entry = { "interface", S_IFDIR | 0555, .dir = &conf4 };
static const struct entry iface6_entry = { "interface", S_IFDIR | 0555, .dir = &conf6 };

static int lookup4(const struct node *dir, const char *name, struct child *out)
{
	return iface_name_find(&iface4_entry, name, out);
}

static int lookup6(const struct node *dir, const char *name, struct child *out)
{
	return iface_name_find(&iface6_entry, name, out);
}

static const struct entry *next4(const struct node *dir, uint64_t *key, char *name)
{
	return iface_name_next(key, name) ? &iface4_entry : NULL;
}

static const struct entry *next6(const struct node *dir, uint64_t *key, char *name)
{
	return iface_name_next(key, name) ? &iface6_entry : NULL;
}

static const struct entry entries4[] = {
	{ "all", S_IFDIR | 0555, .dir = &conf4 },
	{ "default", S_IFDIR | 0555, .dir = &conf4 },
};
const struct directory sysctl_conf4_directory = {
	.entries = entries4, .count = array_size(entries4), .lookup = lookup4, .next = next4,
};

static const struct entry entries6[] = {
	{ "all", S_IFDIR | 0555, .dir = &conf6 },
	{ "default", S_IFDIR | 0555, .dir = &default6 },
};
const struct directory sysctl_conf6_directory = {
	.entries = entries6, .count = array_size(entries6), .lookup = lookup6, .next = next6,
};
