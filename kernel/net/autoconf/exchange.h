/*
 * One try to get an address by DHCP over one interface: a packet socket, two messages, two answers.
 */
#pragma once

#include "lib/types.h"

struct cred;
struct dhcp_reply;
struct iface;

/*
 * 0 and the server's acknowledgement; EAGAIN when nobody answered in time, or refused. The
 * interface is up. Sleeps.
 */
int __must_check dhcp_exchange(struct iface *iface, const struct cred *cred, ns_t timeout,
                               struct dhcp_reply *reply);
