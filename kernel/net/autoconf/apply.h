/*
 * The end of autoconf: an interface gets what was found out.
 */
#pragma once

struct autoconf_wish;
struct dhcp_reply;
struct iface;

/*
 * Address, route and names, and a line in the log, whether it worked or not. The words go before
 * the reply, which becomes what is used. The interface is up. Sleeps.
 */
void autoconf_apply(struct iface *iface, const struct autoconf_wish *wish,
                    struct dhcp_reply *reply);
