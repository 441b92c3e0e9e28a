/*
 * What the files about NETLINK_SOCK_DIAG share.
 */
#pragma once

#include "net/netlink/netlink_impl.h"

/* SOCK_DIAG_BY_FAMILY of AF_UNIX. */
int netlink_diag_unix(struct netlink_request *request);
