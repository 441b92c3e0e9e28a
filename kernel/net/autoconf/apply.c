/*
 * What words or a server said, made true: address, route, names of this machine, and what is kept
 * for /proc/net/pnp.
 */
#include "net/autoconf/apply.h"

#include <linux/if_addr.h>

#include "core/printk.h"
#include "id/nsproxy.h"
#include "lib/byteorder.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "net/autoconf/dhcp.h"
#include "net/autoconf/words.h"
#include "net/iface/address.h"
#include "net/iface/iface.h"
#include "net/iface/route.h"

enum { TEXT_BYTES = 16 };

static struct autoconf_result *result __const_after_init;

static __init const char *show(char text[TEXT_BYTES], __be32 address)
{
	const uint8_t *byte = (const uint8_t *)&address;

	snprintf(text, TEXT_BYTES, "%u.%u.%u.%u", byte[0], byte[1], byte[2], byte[3]);
	return text;
}

/* The mask of the class that the address was of when there were classes. */
static __init uint8_t class_prefix(__be32 address)
{
	uint32_t bits = be32_to_cpu(address);

	return bits >> 31 == 0 ? 8 : bits >> 30 == 2 ? 16 : 24;
}

/* What the words say goes before what the server said. */
static __init void merge(const struct autoconf_wish *wish, struct dhcp_reply *reply)
{
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

static __init void keep_result(const struct autoconf_wish *wish, const struct dhcp_reply *reply)
{
	struct autoconf_result *kept = kzalloc(sizeof(*kept), ALLOC_KERNEL);

	if (!kept)
		return;
	kept->is_dynamic = wish->is_dynamic;
	memcpy(kept->servers, reply->dns, sizeof(kept->servers));
	kept->boot_server = reply->boot_server;
	memcpy(kept->domain, reply->domain, sizeof(kept->domain));
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

void __init autoconf_apply(struct iface *iface, const struct autoconf_wish *wish,
                           struct dhcp_reply *reply)
{
	int err;

	merge(wish, reply);
	iface_config_lock(iface->netns);
	err = add_address(iface, reply);
	iface_config_unlock(iface->netns);
	if (err) {
		pr_err("IP-Config: %s cannot be configured: error %d\n", iface->name, -err);
		return;
	}
	set_names(reply);
	keep_result(wish, reply);
	report(iface, reply);
}

const struct autoconf_result *autoconf_result(void)
{
	return result;
}
