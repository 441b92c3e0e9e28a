/*
 * ioctls of sockets about interfaces, routes and neighbours: structures in and out, and the user
 * pointers that some contain. See ioctl_net.h; net/ioctl.h says what the network gets.
 */
#include "syscall/ioctl_net.h"

#include <linux/ethtool.h>
#include <linux/errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/ipv6.h>
#include <linux/ipv6_route.h>
#include <linux/route.h>
#include <linux/sockios.h>
#include <linux/un.h>

#include "abi/errno.h"
#include "abi/socket.h"
#include "core/panic.h"
#include "fs/file.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "net/ioctl.h"
#include "net/socket.h"
#include "syscall/fcntl.h"
#include "syscall/fd.h"
#include "vm/usercopy.h"

enum { IFCONF_MAX = 1024 * sizeof(struct ifreq) };

static_assert(sizeof(struct rtentry) == sizeof(((struct net_rtentry *)0)->entry), "");

static long call(struct file *file, unsigned int command, void *arg)
{
	return file->ops->ioctl(file, command, arg);
}

/* A structure without pointers, there and back. */
static long plain(struct file *file, unsigned int command, void __user *user, size_t size)
{
	_Alignas(8) uint8_t buffer[128] = { 0 };
	long result;

	debug_assert(size <= sizeof(buffer));
	if (copy_from_user(buffer, user, size))
		return -EFAULT;
	result = call(file, command, buffer);
	if (result >= 0 && copy_to_user(user, buffer, size))
		return -EFAULT;
	return result;
}

static long list_interfaces(struct file *file, void __user *user)
{
	struct net_ifconf request = { .list = NULL };
	struct ifconf conf;
	void __user *list;
	long result;

	if (copy_from_user(&conf, user, sizeof(conf)))
		return -EFAULT;
	list = (void __force __user *)conf.ifc_ifcu.ifcu_buf;
	if (list) {
		request.size = min((uint32_t)max(conf.ifc_len, 0), (uint32_t)IFCONF_MAX);
		request.list = kzalloc(request.size + 1, ALLOC_KERNEL);
		if (!request.list)
			return -ENOMEM;
	}
	result = call(file, SIOCGIFCONF, &request);
	conf.ifc_len = (int)request.size;
	if (!result && list && copy_to_user(list, request.list, request.size))
		result = -EFAULT;
	if (!result)
		result = copy_to_user(user, &conf, sizeof(conf));
	kfree(request.list);
	return result;
}

static long change_route(struct file *file, unsigned int command, void __user *user)
{
	struct net_rtentry request = { .device = "" };
	struct rtentry *entry = (struct rtentry *)(void *)request.entry;
	ssize_t length;

	if (copy_from_user(entry, user, sizeof(*entry)))
		return -EFAULT;
	if (entry->rt_dev) {
		length = strncpy_from_user(request.device,
					   (const char __force __user *)entry->rt_dev,
					   sizeof(request.device) - 1);
		if (length < 0)
			return length;
		entry->rt_dev = NULL;
	}
	return call(file, command, &request);
}

/* Bytes of the structure of an ethtool command; 0: not known here, and below neither. */
static uint32_t ethtool_size(uint32_t command)
{
	switch (command) {
	case ETHTOOL_GDRVINFO:
		return sizeof(struct ethtool_drvinfo);
	case ETHTOOL_GSET:
		return sizeof(struct ethtool_cmd);
	case ETHTOOL_GLINK:
	case ETHTOOL_GRXCSUM:
	case ETHTOOL_GTXCSUM:
	case ETHTOOL_GSG:
	case ETHTOOL_GTSO:
	case ETHTOOL_GUFO:
	case ETHTOOL_GGSO:
	case ETHTOOL_GGRO:
	case ETHTOOL_GFLAGS:
	case ETHTOOL_GMSGLVL:
		return sizeof(struct ethtool_value);
	case ETHTOOL_GRINGPARAM:
		return sizeof(struct ethtool_ringparam);
	case ETHTOOL_GCHANNELS:
		return sizeof(struct ethtool_channels);
	case ETHTOOL_GPAUSEPARAM:
		return sizeof(struct ethtool_pauseparam);
	case ETHTOOL_GCOALESCE:
		return sizeof(struct ethtool_coalesce);
	case ETHTOOL_GET_TS_INFO:
		return sizeof(struct ethtool_ts_info);
	case ETHTOOL_GPERMADDR:
		return sizeof(struct ethtool_perm_addr);
	case ETHTOOL_GLINKSETTINGS:
		return sizeof(struct ethtool_link_settings);
	default:
		return 0;
	}
}

static long ask_ethtool(struct file *file, void __user *user)
{
	_Alignas(8) uint8_t data[256] = { 0 };
	struct net_ethtool request = { .data = data };
	void __user *user_data;
	struct ifreq ifreq;
	const struct ethtool_perm_addr *address = (void *)data;
	long result;

	if (copy_from_user(&ifreq, user, sizeof(ifreq)))
		return -EFAULT;
	memcpy(request.name, ifreq.ifr_name, sizeof(request.name) - 1);
	user_data = (void __force __user *)ifreq.ifr_data;
	if (get_user(request.command, (uint32_t __user *)user_data))
		return -EFAULT;
	request.size = ethtool_size(request.command);
	result = copy_from_user(data, user_data, request.size);
	if (!result)
		result = call(file, SIOCETHTOOL, &request);
	/* The only one whose end the answer decides. */
	if (!result && request.command == ETHTOOL_GPERMADDR)
		request.size = min(request.size + address->size, (uint32_t)sizeof(data));
	if (!result)
		result = copy_to_user(user_data, data, request.size);
	return result;
}

/* Bytes of the structure without pointers; 0: it has some, or is none of ours. */
static size_t plain_size(const struct socket *socket, unsigned int command)
{
	bool is_inet6 = socket->family == AF_INET6;

	switch (command) {
	case SIOCGARP:
	case SIOCSARP:
	case SIOCDARP:
		return sizeof(struct arpreq);
	case SIOCSIFADDR:
	case SIOCDIFADDR:
	case SIOCSIFDSTADDR:
		return is_inet6 ? sizeof(struct in6_ifreq) : sizeof(struct ifreq);
	case SIOCADDRT:
	case SIOCDELRT:
		return is_inet6 ? sizeof(struct in6_rtmsg) : 0;
	default:
		return command >= SIOCGIFNAME && command <= SIOCSIFMAP ? sizeof(struct ifreq) : 0;
	}
}

/* Whom SIGIO goes to, as fcntl(2) says it too. */
static long owner_command(struct file *file, int fd, unsigned int command, int *who)
{
	if (command == FIOSETOWN || command == SIOCSPGRP)
		return fcntl_owner_set(file, fd, *who);
	*who = (int)fcntl_owner_get(file);
	return 0;
}

static bool is_owner_command(unsigned int command)
{
	return command == FIOSETOWN || command == SIOCSPGRP || command == FIOGETOWN ||
	       command == SIOCGPGRP;
}

/* The name of a socket of AF_UNIX becomes a descriptor: unix(7). */
static long open_name(struct file *file)
{
	struct file *opened = NULL;
	long result = call(file, SIOCUNIXFILE, &opened);

	return result ? result : fd_give(opened, true);
}

long ioctl_net(struct file *file, int fd, unsigned int command, void *arg)
{
	const struct socket *socket = file_to_socket(file);
	void __user *user = (void __force __user *)arg;

	if (socket && is_owner_command(command))
		return owner_command(file, fd, command, arg);
	if (command == SIOCUNIXFILE && socket)
		return socket->family == AF_UNIX ? open_name(file) : -ENOTTY;
	if (command < SIOCADDRT || command > SIOCSIFMAP || command == SIOCOUTQNSD)
		return -ENOIOCTLCMD;
	if (!socket)
		return -ENOTTY;
	if (command == SIOCGIFCONF)
		return list_interfaces(file, user);
	if (command == SIOCETHTOOL)
		return ask_ethtool(file, user);
	if (plain_size(socket, command))
		return plain(file, command, user, plain_size(socket, command));
	return change_route(file, command, user);
}
