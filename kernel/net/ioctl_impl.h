/*
 * What the files of the ioctls of interfaces share: ioctl.c asks, in this order, ioctl_address.c
 * (addresses of IPv4), ioctl_route.c (routes, ARP), ioctl_inet6.c, and then interfaces themselves.
 *
 * All are called without locks and may sleep.
 */
#pragma once

#include <linux/if.h>

#include "net/iface/iface.h"

struct cred;
struct iface_address;
struct net_ethtool;

/* SIOCGIFADDR ... SIOCSIFNETMASK, and SIOCSIFFLAGS, which can be about an alias, of IPv4. */
bool ioctl_is_address(unsigned int cmd);
long ioctl_address(struct netns *netns, unsigned int cmd, struct ifreq *ifreq,
                   const struct cred *cred);

/* SIOCADDRT, SIOCDELRT with struct net_rtentry; SIOCGARP, SIOCSARP, SIOCDARP. */
long ioctl_route(struct netns *netns, unsigned int cmd, void *arg, const struct cred *cred);
long ioctl_arp(struct netns *netns, unsigned int cmd, void *arg, const struct cred *cred);

/* Of a socket of AF_INET6. ENOIOCTLCMD: the command is another's. */
long ioctl_inet6(struct netns *netns, unsigned int cmd, void *arg, const struct cred *cred);

long ioctl_ethtool(struct iface *iface, const struct net_ethtool *request);

/* The interface of a name that may be an alias's, "eth0:1": a reference. ENODEV. */
int __must_check ioctl_iface(struct netns *netns, const char name[IFNAMSIZ], struct iface **out);
