/*
 * Doing what ip= asks for: lo and the interfaces up, and whom to ask. Interfaces that got no
 * address are taken down again.
 */
#include "net/autoconf/autoconf.h"

#include <linux/errno.h>
#include <linux/if_arp.h>

#include "core/cmdline.h"
#include "core/printk.h"
#include "lib/math.h"
#include "lib/string.h"
#include "lib/time.h"
#include "mem/alloc.h"
#include "net/autoconf/apply.h"
#include "net/autoconf/dhcp.h"
#include "net/autoconf/exchange.h"
#include "net/autoconf/words.h"
#include "net/iface/iface.h"

enum { NR_DEVICES_MAX = 8, NR_TRIES = 6, FIRST_TRY_SECONDS = 2 };

/* What is there to try, and how it went. */
struct autoconf {
	struct autoconf_wish wish;
	struct iface        *devices[NR_DEVICES_MAX]; /* references */
	unsigned int         nr_devices;
	struct dhcp_reply    reply; /* of the server, or the words */
};

static const char *wanted __initdata;

static __init int parse_ip(const char *value)
{
	struct autoconf_wish wish;

	if (!value || autoconf_parse(value, &wish))
		return -EINVAL;
	wanted = value;
	return 0;
}
CMDLINE_PARAM("ip", parse_ip);

static __init int add_device(struct iface *iface, void *data)
{
	struct autoconf *config = data;
	const char *device = config->wish.device;

	if (iface->index == IFACE_LOOPBACK_INDEX)
		return iface_set_up(iface, true);
	if (iface->type != ARPHRD_ETHER || (*device && strcmp(device, iface->name)) ||
	    config->nr_devices == NR_DEVICES_MAX)
		return 0;
	if (iface_set_up(iface, true) == 0)
		config->devices[config->nr_devices++] = iface_get(iface);
	return 0;
}

static __init void find_devices(struct autoconf *config, struct netns *netns)
{
	iface_config_lock(netns);
	(void)iface_for_each(netns, add_device, config);
	iface_config_unlock(netns);
}

/* All but the chosen one go down again. */
static __init void leave_devices(struct autoconf *config, struct netns *netns,
                                 const struct iface *chosen)
{
	for (unsigned int i = 0; i < config->nr_devices; i++) {
		struct iface *iface = config->devices[i];

		iface_config_lock(netns);
		if (iface != chosen)
			(void)iface_set_up(iface, false);
		iface_config_unlock(netns);
		iface_put(iface);
	}
}

/* Asks on each in turn, with more patience each time; NULL: nobody answered. */
static __init struct iface *ask_servers(struct autoconf *config, const struct cred *cred)
{
	for (int try = 0; try < NR_TRIES; try++) {
		ns_t patience = (ns_t)FIRST_TRY_SECONDS * NS_PER_SEC << min(try, 3);

		for (unsigned int i = 0; i < config->nr_devices; i++) {
			int err = dhcp_exchange(config->devices[i], cred, patience, &config->reply);

			if (!err)
				return config->devices[i];
			if (err != -EAGAIN)
				pr_warn("IP-Config: %s: error %d\n",
				        config->devices[i]->name, -err);
		}
	}
	return NULL;
}

void __init autoconf_run(struct netns *netns, const struct cred *cred)
{
	struct autoconf *config = wanted ? kzalloc(sizeof(*config), ALLOC_KERNEL) : NULL;
	struct iface *chosen = NULL;

	if (!config)
		return;
	if (!autoconf_parse(wanted, &config->wish) && config->wish.is_wanted) {
		find_devices(config, netns);
		if (!config->nr_devices)
			pr_err("IP-Config: Device `%s' not found\n", config->wish.device);
		else if (config->wish.is_dynamic)
			chosen = ask_servers(config, cred);
		else
			chosen = config->devices[0];
		if (chosen)
			autoconf_apply(chosen, &config->wish, &config->reply);
		else
			pr_err("IP-Config: Auto-configuration of network failed\n");
		leave_devices(config, netns, chosen);
	}
	kfree(config);
}
