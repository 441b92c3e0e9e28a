/*
 * ioctls of interfaces on the loopback interface: netdevice(7), route(8), arp(7), SIOCETHTOOL.
 */
#define _GNU_SOURCE
#include "check.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int fd;
static struct ifreq req;

/* The request about this interface: 0, or -1 with errno. */
static int ask(unsigned long command, const char *name)
{
	strncpy(req.ifr_name, name, IFNAMSIZ - 1);
	return ioctl(fd, command, &req);
}

static int ask_ip(unsigned long command, const char *name, const char *address)
{
	struct sockaddr_in *in = (void *)&req.ifr_addr;

	memset(&req, 0, sizeof(req));
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = inet_addr(address);
	return ask(command, name);
}

static const char *ip_of(unsigned long command, const char *name)
{
	struct sockaddr_in *in = (void *)&req.ifr_addr;

	memset(&req, 0, sizeof(req));
	if (ask(command, name))
		return strerror(errno);
	return inet_ntoa(in->sin_addr);
}

static int flags_of(const char *name)
{
	memset(&req, 0, sizeof(req));
	return ask(SIOCGIFFLAGS, name) ? -1 : (unsigned short)req.ifr_flags;
}

static int flags_set(const char *name, int flags)
{
	memset(&req, 0, sizeof(req));
	req.ifr_flags = (short)flags;
	return ask(SIOCSIFFLAGS, name);
}

static void check_asking(void)
{
	memset(&req, 0, sizeof(req));
	CHECK(lo_is_the_first, ask(SIOCGIFINDEX, "lo") == 0 && req.ifr_ifindex == 1);
	memset(&req, 0, sizeof(req));
	req.ifr_ifindex = 1;
	CHECK(and_the_first_is_lo, ioctl(fd, SIOCGIFNAME, &req) == 0 &&
	      !strcmp(req.ifr_name, "lo"));
	req.ifr_ifindex = 4711;
	CHECK_ERRNO(there_are_not_so_many, ioctl(fd, SIOCGIFNAME, &req), ENODEV);
	CHECK_ERRNO(an_unknown_name, ask(SIOCGIFINDEX, "nosuch0"), ENODEV);
	CHECK_EQ(up_and_running, flags_of("lo"), IFF_UP | IFF_LOOPBACK | IFF_RUNNING);
	CHECK_EQ(an_alias_has_the_same_flags, flags_of("lo:7"), flags_of("lo"));
	memset(&req, 0, sizeof(req));
	CHECK(its_mtu, ask(SIOCGIFMTU, "lo") == 0 && req.ifr_mtu == 65536);
	CHECK(its_metric, ask(SIOCGIFMETRIC, "lo") == 0 && req.ifr_metric == 0);
	CHECK(its_queue, ask(SIOCGIFTXQLEN, "lo") == 0 && req.ifr_qlen == 1000);
	CHECK(its_hardware, ask(SIOCGIFHWADDR, "lo") == 0 &&
	      req.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK && !req.ifr_hwaddr.sa_data[0]);
	CHECK_EQ(its_map, ask(SIOCGIFMAP, "lo"), 0);
	CHECK_ERRNO(it_has_no_slave, ask(0x8929, "lo"), EINVAL);
	CHECK_ERRNO(not_a_command, ask(0x89e0, "lo"), ENOTTY);
	CHECK_ERRNO(a_bad_pointer, ioctl(fd, SIOCGIFINDEX, (void *)8), EFAULT);
	OUT("address %s", ip_of(SIOCGIFADDR, "lo"));
	OUT("mask %s", ip_of(SIOCGIFNETMASK, "lo"));
	OUT("broadcast %s", ip_of(SIOCGIFBRDADDR, "lo"));
	OUT("peer %s", ip_of(SIOCGIFDSTADDR, "lo"));
	OUT("of nobody: %s", ip_of(SIOCGIFADDR, "nosuch0"));
	OUT("of an alias: %s", ip_of(SIOCGIFADDR, "lo:7"));
}

static void check_listing(void)
{
	struct ifreq list[4];
	struct ifconf conf = { .ifc_len = 0 };

	memset(list, 0, sizeof(list));
	CHECK_EQ(the_size_of_the_list, ioctl(fd, SIOCGIFCONF, &conf), 0);
	CHECK(is_a_whole_number, conf.ifc_len > 0 && conf.ifc_len % (int)sizeof(list[0]) == 0);
	conf.ifc_len = (int)sizeof(list);
	conf.ifc_req = list;
	CHECK(the_list_begins_with_lo, ioctl(fd, SIOCGIFCONF, &conf) == 0 &&
	      !strcmp(list[0].ifr_name, "lo") && ((struct sockaddr_in *)&list[0].ifr_addr)
	      ->sin_addr.s_addr == inet_addr("127.0.0.1"));
	conf.ifc_len = (int)sizeof(list[0]) - 1;
	CHECK(what_does_not_fit_is_left_out, ioctl(fd, SIOCGIFCONF, &conf) == 0 &&
	      conf.ifc_len == 0);
	conf.ifc_len = -1;
	CHECK_EQ(a_negative_size_is_no_room, ioctl(fd, SIOCGIFCONF, &conf), 0);
}

static void check_addresses(void)
{
	CHECK_EQ(an_alias_gets_an_address, ask_ip(SIOCSIFADDR, "lo:1", "10.1.2.3"), 0);
	OUT("%s", ip_of(SIOCGIFADDR, "lo:1"));
	OUT("mask %s", ip_of(SIOCGIFNETMASK, "lo:1"));
	CHECK_EQ(its_mask_is_set, ask_ip(SIOCSIFNETMASK, "lo:1", "255.255.255.0"), 0);
	OUT("mask %s", ip_of(SIOCGIFNETMASK, "lo:1"));
	CHECK_ERRNO(a_mask_with_holes, ask_ip(SIOCSIFNETMASK, "lo:1", "255.0.255.0"), EINVAL);
	CHECK_EQ(its_broadcast_is_set, ask_ip(SIOCSIFBRDADDR, "lo:1", "10.1.2.255"), 0);
	OUT("broadcast %s", ip_of(SIOCGIFBRDADDR, "lo:1"));
	CHECK_EQ(another_address, ask_ip(SIOCSIFADDR, "lo:1", "192.168.7.8"), 0);
	OUT("%s", ip_of(SIOCGIFADDR, "lo:1"));
	OUT("mask %s", ip_of(SIOCGIFNETMASK, "lo:1"));
	CHECK_ERRNO(a_group_is_no_address, ask_ip(SIOCSIFADDR, "lo:1", "224.0.0.1"), EINVAL);
	CHECK_ERRNO(an_alias_that_is_not_there, ask_ip(SIOCSIFNETMASK, "lo:9", "255.0.0.0"),
		    EADDRNOTAVAIL);
	ask_ip(SIOCSIFADDR, "lo:1", "192.168.7.8");
	req.ifr_addr.sa_family = AF_UNIX;
	CHECK_ERRNO(another_family, ask(SIOCSIFADDR, "lo:1"), EINVAL);
	CHECK_EQ(an_alias_goes_down, flags_set("lo:1", 0), 0);
	OUT("%s", ip_of(SIOCGIFADDR, "lo:1"));
	CHECK_ERRNO(once, flags_set("lo:1", 0), EADDRNOTAVAIL);
	CHECK_EQ(the_first_is_still_up, flags_of("lo"), IFF_UP | IFF_LOOPBACK | IFF_RUNNING);
}

static void check_changes(void)
{
	memset(&req, 0, sizeof(req));
	req.ifr_mtu = 9000;
	CHECK_EQ(the_mtu_is_set, ask(SIOCSIFMTU, "lo"), 0);
	CHECK(and_read_back, ask(SIOCGIFMTU, "lo") == 0 && req.ifr_mtu == 9000);
	req.ifr_mtu = 65536;
	CHECK_EQ(and_set_back, ask(SIOCSIFMTU, "lo"), 0);
	req.ifr_mtu = -1;
	CHECK_ERRNO(a_negative_mtu, ask(SIOCSIFMTU, "lo"), EINVAL);
	req.ifr_qlen = 500;
	CHECK_EQ(the_queue_is_set, ask(SIOCSIFTXQLEN, "lo"), 0);
	req.ifr_qlen = 1000;
	CHECK_EQ(and_back, ask(SIOCSIFTXQLEN, "lo"), 0);
	req.ifr_qlen = -5;
	CHECK_ERRNO(a_negative_length, ask(SIOCSIFTXQLEN, "lo"), EINVAL);
	CHECK_ERRNO(the_metric_cannot_be_set, ask(SIOCSIFMETRIC, "lo"), EOPNOTSUPP);
	memset(&req, 0, sizeof(req));
	req.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	CHECK_ERRNO(hardware_of_another_kind, ask(SIOCSIFHWADDR, "lo"), EINVAL);
	CHECK_ERRNO(no_such_interface, ask(SIOCSIFMTU, "nosuch0"), ENODEV);
}

static void check_ethtool(void)
{
	struct ethtool_value value = { .cmd = ETHTOOL_GLINK };
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	memset(&req, 0, sizeof(req));
	req.ifr_data = (void *)&value;
	CHECK(the_link_is_there, ask(SIOCETHTOOL, "lo") == 0 && value.data == 1);
	req.ifr_data = (void *)&info;
	CHECK_ERRNO(lo_has_no_driver, ask(SIOCETHTOOL, "lo"), EOPNOTSUPP);
	value.cmd = 0x7777;
	req.ifr_data = (void *)&value;
	CHECK_ERRNO(an_unknown_question, ask(SIOCETHTOOL, "lo"), EOPNOTSUPP);
	CHECK_ERRNO(of_no_interface, ask(SIOCETHTOOL, "nosuch0"), ENODEV);
	req.ifr_data = (void *)8;
	CHECK_ERRNO(no_question, ask(SIOCETHTOOL, "lo"), EFAULT);
}

/* ---- routes and neighbours ------------------------------------------------------------------- */

static void set_ip(struct sockaddr *name, const char *text)
{
	struct sockaddr_in *in = (void *)name;

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = inet_addr(text);
}

static int route(unsigned long command, const char *to, const char *mask, const char *gateway,
                 const char *device)
{
	struct rtentry entry = { .rt_flags = RTF_UP };

	set_ip(&entry.rt_dst, to);
	set_ip(&entry.rt_genmask, mask);
	if (gateway) {
		set_ip(&entry.rt_gateway, gateway);
		entry.rt_flags |= RTF_GATEWAY;
	}
	entry.rt_dev = (char *)device;
	return ioctl(fd, command, &entry);
}

static void check_routes(void)
{
	char lo[] = "lo", nobody[] = "nosuch0";

	CHECK_EQ(a_route_is_added, route(SIOCADDRT, "10.60.0.0", "255.255.0.0", NULL, lo), 0);
	CHECK_ERRNO(once_only, route(SIOCADDRT, "10.60.0.0", "255.255.0.0", NULL, lo), EEXIST);
	CHECK_ERRNO(bits_behind_the_mask, route(SIOCADDRT, "10.60.0.1", "255.255.0.0", NULL, lo),
		    EINVAL);
	CHECK_ERRNO(a_mask_of_holes, route(SIOCADDRT, "10.0.0.0", "255.0.255.0", NULL, lo),
		    EINVAL);
	CHECK_ERRNO(an_unknown_device, route(SIOCADDRT, "10.61.0.0", "255.255.0.0", NULL, nobody),
		    ENODEV);
	CHECK_ERRNO(a_gateway_on_no_link, route(SIOCADDRT, "10.61.0.0", "255.255.0.0",
						"192.0.2.1", NULL), ENETUNREACH);
	CHECK_EQ(a_route_goes, route(SIOCDELRT, "10.60.0.0", "255.255.0.0", NULL, lo), 0);
	CHECK_ERRNO(it_goes_once, route(SIOCDELRT, "10.60.0.0", "255.255.0.0", NULL, lo), ESRCH);
	CHECK_ERRNO(a_device_that_cannot_be_read, route(SIOCADDRT, "10.61.0.0", "255.255.0.0",
							NULL, (char *)8), EFAULT);
}

static void check_arp(void)
{
	struct arpreq arp = { .arp_flags = 0 };

	CHECK_ERRNO(which_family, ioctl(fd, SIOCGARP, &arp), EPFNOSUPPORT);
	set_ip(&arp.arp_pa, "10.1.2.3");
	CHECK_ERRNO(on_which_device, ioctl(fd, SIOCGARP, &arp), ENODEV);
	strcpy(arp.arp_dev, "nosuch0");
	CHECK_ERRNO(on_no_device, ioctl(fd, SIOCGARP, &arp), ENODEV);
	strcpy(arp.arp_dev, "lo");
	CHECK_ERRNO(nobody_is_there, ioctl(fd, SIOCGARP, &arp), ENXIO);
	arp.arp_flags = ATF_NETMASK;
	CHECK_ERRNO(masks_are_for_proxies, ioctl(fd, SIOCGARP, &arp), EINVAL);
}

/* ---- who may, and through what --------------------------------------------------------------- */

static int without_rights(void *data)
{
	char lo[] = "lo";
	struct arpreq arp = { .arp_flags = 0 };

	(void)data;
	if (setgid(1000) || setuid(1000))
		return 1;
	memset(&req, 0, sizeof(req));
	CHECK_EQ(anybody_asks, ask(SIOCGIFMTU, "lo"), 0);
	CHECK_ERRNO(nobody_sets, ask(SIOCSIFMTU, "lo"), EPERM);
	CHECK_ERRNO(not_even_of_nothing, ask(SIOCSIFMTU, "nosuch0"), EPERM);
	CHECK_ERRNO(no_flags, flags_set("lo", 0), EPERM);
	CHECK_ERRNO(no_address, ask_ip(SIOCSIFADDR, "lo:1", "10.1.2.3"), EPERM);
	CHECK_ERRNO(no_route, route(SIOCADDRT, "10.60.0.0", "255.255.0.0", NULL, lo), EPERM);
	CHECK_ERRNO(no_neighbour, ioctl(fd, SIOCSARP, &arp), EPERM);
	return 0;
}

static void check_families(void)
{
	static const int families[] = { AF_UNIX, AF_INET6, AF_NETLINK };
	int saved = fd;

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		fd = socket(families[i], SOCK_DGRAM, 0);
		memset(&req, 0, sizeof(req));
		OUT("family %d: index %d", families[i], ask(SIOCGIFINDEX, "lo") ? -errno
									       : req.ifr_ifindex);
		OUT("family %d: mtu %d", families[i], ask(SIOCGIFMTU, "lo") ? -errno : req.ifr_mtu);
		OUT("family %d: address %s", families[i], ip_of(SIOCGIFADDR, "lo"));
		close(fd);
	}
	fd = saved;
}

int main(void)
{
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_EQ(lo_comes_up, flags_set("lo", IFF_UP), 0);
	check_asking();
	check_listing();
	check_addresses();
	check_changes();
	check_ethtool();
	check_routes();
	check_arp();
	CHECK_EQ(the_child_ends, check_in_child(without_rights, NULL), 0);
	check_families();
	return 0;
}
