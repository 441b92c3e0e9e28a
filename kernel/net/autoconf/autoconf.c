/*
 * Doing what ip= asks for: lo and the interfaces up, an address by the words or by DHCP, the route,
 * the names. Interfaces that got no address are taken down again.
 */
#include "net/autoconf/autoconf.h"

#include <linux/errno.h>
#include <linux/if_arp.h>

#include "core/cmdline.h"
#include "core/printk.h"
#include "id/nsproxy.h"
#include "lib/byteorder.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "lib/time.h"
#include "mem/alloc.h"
#include "net/autoconf/dhcp.h"
#include "net/autoconf/exchange.h"
#include "net/autoconf/words.h"
#include "net/iface/address.h"
#include "net/iface/iface.h"
#include "net/iface/route.h"

enum { NR_DEVICES_MAX = 8, NR_TRIES = 6, FIRST_TRY_SECONDS = 2, TEXT_BYTES = 16 };

/* What is there to try, and how it went. */
struct autoconf {
	struct autoconf_wish wish;
	struct iface        *devices[NR_DEVICES_MAX]; /* references */
	unsigned int         nr_devices;
	struct dhcp_reply    reply; /* of the server, or the words */
};

static const char *wanted __initdata;
static struct autoconf_result *result __const_after_init;

static __init int parse_ip(const char *value)
{
	struct autoconf_wish wish;

	if (!value || autoconf_parse(value, &wish))
		return -EINVAL;
	wanted = value;
	return 0;
}
CMDLINE_PARAM("ip", parse_ip);

static __init const char *show(char text[TEXT_BYTES], __be32 address)
{
	const uint8_t *byte = (const uint8_t *)&address;

	snprintf(text, TEXT_BYTES, "%u.%u.%u.%u", byte[0], byte[1], byte[2], byte[3]);
	return text;
}

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
				pr_warn("IP-Config: %s: error %d\n", config->devices[i]->name, -err);
		}
	}
	return NULL;
}

/* The mask of the class that the address was of when there were classes. */
static __init uint8_t class_prefix(__be32 address)
{
	uint32_t bits = be32_to_cpu(address);

	return bits >> 31 == 0 ? 8 : bits >> 30 == 2 ? 16 : 24;
}

/* What the words say goes before what the server said. */
static __init void merge(struct autoconf *config)
{
	struct autoconf_wish *wish = &config->wish;
	struct dhcp_reply *reply = &config->reply;

	if (wish->address)
		reply->address = wish->address;
	if (wish->mask)
		reply->prefix_length = dhcp_prefix_length(wish->mask);
	else if (!reply->mask)
		reply->prefix_length = class_prefix(reply->address);
	if (wish->gateway)
		reply->gateway = wish->gateway;
	if (wish->server)
		reply->boot_server = wish->server;
	if (wish->dns[0])
		memcpy(reply->dns, wish->dns, sizeof(reply->dns));
	if (*wish->host)
		memcpy(reply->host, wish->host, sizeof(reply->host));
	if (*wish->domain)
		memcpy(reply->domain, wish->domain, sizeof(reply->domain));
}

static __init int add_address(struct iface *iface, const struct dhcp_reply *reply)
{
	uint32_t hosts = reply->prefix_length < 32 ? 0xffffffffu >> reply->prefix_length : 0;
	struct iface_address address = {
		.local = ip_address_v4(reply->address), .prefix_length = reply->prefix_length,
		.broadcast = ip_address_v4(reply->address | cpu_to_be32(hosts)),
		.valid_seconds = ADDRESS_LIFE_FOREVER, .preferred_seconds = ADDRESS_LIFE_FOREVER,
		.flags = IFA_F_PERMANENT,
	};
	struct route route = {
		.destination = { .family = AF_INET }, .gateway = ip_address_v4(reply->gateway),
		.iface_index = iface->index, .table = RT_TABLE_MAIN, .type = RTN_UNICAST,
		.protocol = RTPROT_BOOT, .scope = RT_SCOPE_UNIVERSE,
	};
	int err = iface_address_add(iface, &address);

	if (!err && reply->gateway)
		err = route_add(iface->netns, &route, NLM_F_CREATE | NLM_F_REPLACE);
	return err;
}

static __init void set_names(const struct dhcp_reply *reply)
{
	struct uts_namespace *uts = nsproxy_initial.uts;
	int err = 0;

	if (*reply->host)
		err = uts_set_hostname(uts, reply->host, strlen(reply->host));
	if (!err && *reply->domain)
		err = uts_set_domainname(uts, reply->domain, strlen(reply->domain));
	if (err)
		pr_warn("IP-Config: no name for the host: error %d\n", -err);
}

static __init void keep_result(const struct autoconf *config)
{
	struct autoconf_result *kept = kzalloc(sizeof(*kept), ALLOC_KERNEL);

	if (!kept)
		return;
	kept->is_dynamic = config->wish.is_dynamic;
	memcpy(kept->servers, config->reply.dns, sizeof(kept->servers));
	kept->boot_server = config->reply.boot_server;
	memcpy(kept->domain, config->reply.domain, sizeof(kept->domain));
	result = kept;
}

static __init void report(const struct iface *iface, const struct dhcp_reply *reply)
{
	char a[TEXT_BYTES], b[TEXT_BYTES], c[TEXT_BYTES];
	__be32 mask = cpu_to_be32((uint32_t)(0xffffffff00000000ull >> reply->prefix_length));

	pr_info("IP-Config: Complete:\n");
	pr_info("     device=%s, ipaddr=%s, mask=%s, gw=%s\n", iface->name,
	        show(a, reply->address), show(b, mask), show(c, reply->gateway));
	pr_info("     host=%s, domain=%s, bootserver=%s, nameserver0=%s\n", reply->host,
	        reply->domain, show(a, reply->boot_server), show(b, reply->dns[0]));
}

static __init void configure(struct autoconf *config, struct netns *netns, struct iface *iface)
{
	int err;

	merge(config);
	iface_config_lock(netns);
	err = add_address(iface, &config->reply);
	iface_config_unlock(netns);
	if (err) {
		pr_err("IP-Config: %s cannot be configured: error %d\n", iface->name, -err);
		return;
	}
	set_names(&config->reply);
	keep_result(config);
	report(iface, &config->reply);
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
			configure(config, netns, chosen);
		else
			pr_err("IP-Config: Auto-configuration of network failed\n");
		leave_devices(config, netns, chosen);
	}
	kfree(config);
}

const struct autoconf_result *autoconf_result(void)
{
	return result;
}
