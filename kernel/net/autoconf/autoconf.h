/*
 * ip= on the command line: an interface configured before the first program runs, as Linux with
 * CONFIG_IP_PNP does it. Linux's Documentation/admin-guide/nfs/nfsroot.rst
 *
 *	ip=dhcp                         the first Ethernet interface that gets an answer
 *	ip=CLIENT:SERVER:GATEWAY:MASK:HOST:DEVICE:AUTOCONF:DNS0:DNS1
 *
 * Each field may be empty. With a client address nothing is asked; without one DHCP is, unless
 * AUTOCONF is off. `on`, `any`, `both` and `bootp` are DHCP, too; `rarp` is not there. Without ip=
 * nothing happens here: user space configures.
 */
#pragma once

#include "lib/types.h"

struct cred;
struct netns;

enum { AUTOCONF_NAME_MAX = 64, AUTOCONF_NR_DNS = 3 };

/* What /proc/net/pnp tells; addresses as on the wire, 0: none. */
struct autoconf_result {
	bool   is_dynamic;
	__be32 servers[AUTOCONF_NR_DNS]; /* of names */
	__be32 boot_server;
	char   domain[AUTOCONF_NAME_MAX + 1];
};

/*
 * Does what ip= asks for, if it is there; says in the log how that went. Once, before __init goes.
 * cred: of the first task, which may open packet sockets. Sleeps, for a minute when nobody answers.
 */
void autoconf_run(struct netns *netns, const struct cred *cred);

/* NULL: nothing was configured here. */
const struct autoconf_result *autoconf_result(void);
