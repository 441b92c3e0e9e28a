/*
 * The value of ip=, taken apart.
 */
#pragma once

#include "net/autoconf/autoconf.h"

enum { AUTOCONF_DEVICE_SIZE = 16 }; /* IFNAMSIZ */

struct autoconf_wish {
	bool   is_wanted;  /* there is something to do */
	bool   is_dynamic; /* by DHCP */
	/* as on the wire, 0: none */
	__be32 address, server, gateway, mask;
	__be32 dns[AUTOCONF_NR_DNS];
	char   host[AUTOCONF_NAME_MAX + 1], domain[AUTOCONF_NAME_MAX + 1];
	char   device[AUTOCONF_DEVICE_SIZE]; /* empty: any */
};

/* -EINVAL: it makes no sense. */
int __must_check autoconf_parse(const char *text, struct autoconf_wish *wish);

/* An address in dotted decimal, the whole text. */
bool autoconf_parse_address(const char *text, size_t size, __be32 *address);
