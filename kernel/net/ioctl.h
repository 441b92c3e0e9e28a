/*
 * What sockets of every family know of interfaces: names, and the ioctls of netdevice(7) and
 * arp(7). The syscall floor has resolved what is behind user pointers in them.
 *
 * All may sleep.
 */
#pragma once

#include "lib/types.h"

struct cred;
struct netns;

/* SIOCGIFCONF: the list of addresses goes to `list`; NULL: only its size is wanted. */
struct net_ifconf {
	void    *list; /* struct ifreq[] */
	uint32_t size; /* in: bytes of room; out: bytes of the list, or that it would have */
};

/* SIOCADDRT, SIOCDELRT: struct rtentry, whose rt_dev is in here. */
struct net_rtentry {
	char device[16]; /* "": none */
	_Alignas(8) uint8_t entry[120]; /* struct rtentry */
};

/* SIOCETHTOOL: the command's structure, which begins with its number, copied in and out. */
struct net_ethtool {
	char     name[16];
	uint32_t command, size;
	void    *data; /* size bytes */
};

/*
 * cmd: of SIOC*. arg: struct ifreq (for AF_INET6 struct in6_ifreq, in6_rtmsg where Linux takes
 * those), struct arpreq, or a structure of the above, changed in place. family: of the socket that
 * was asked. Errors as netdevice(7), ioctl(2): ENODEV, EPERM, EINVAL, ENOTTY ...
 */
long net_ioctl(struct netns *netns, int family, unsigned int cmd, void *arg,
               const struct cred *cred);

/* Of an interface. ENODEV. */
int __must_check net_iface_index(struct netns *netns, const char *name, uint32_t *out);
int __must_check net_iface_name(struct netns *netns, uint32_t index, char name[static 16]);
