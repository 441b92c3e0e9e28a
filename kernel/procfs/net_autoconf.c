/*
 * /proc/net/pnp: what ip= on the command line has found out, in a form that does as resolv.conf(5).
 * Empty when nothing was asked for.
 */
#include "net/autoconf/autoconf.h"
#include "procfs/net.h"
#include "procfs/text.h"

static void put_address(struct text *text, const char *what, __be32 address)
{
	const uint8_t *byte = (const uint8_t *)&address;

	if (address)
		text_printf(text, "%s %u.%u.%u.%u\n", what, byte[0], byte[1], byte[2], byte[3]);
}

void show_net_pnp(__maybe_unused struct netns *netns, struct text *text)
{
	const struct autoconf_result *result = autoconf_result();

	if (!result)
		return;
	text_puts(text, result->is_dynamic ? "#PROTO: DHCP\n" : "#MANUAL\n");
	if (*result->domain)
		text_printf(text, "domain %s\n", result->domain);
	for (int i = 0; i < AUTOCONF_NR_DNS; i++)
		put_address(text, "nameserver", result->servers[i]);
	put_address(text, "bootserver", result->boot_server);
}
