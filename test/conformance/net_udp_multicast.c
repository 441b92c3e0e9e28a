/*
 * net_udp_multicast.c - groups of datagram sockets over lo: joining and leaving, interface, TTL and
 * loop of what is sent, who hears, sources, IPv4 and IPv6.
 */
#define _GNU_SOURCE
#include "check.h"
#include "net.h"

#define GROUP "239.1.2.3"
#define GROUP6 "ff15::1234"

static int bound_to(union net_address address)
{
	int fd = socket(address.any.sa_family, SOCK_DGRAM, 0);

	net_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	net_bind(fd, address);
	return fd;
}

static int membership(int fd, int option, const char *group)
{
	struct ip_mreqn request = { .imr_ifindex = (int)if_nametoindex("lo") };

	inet_pton(AF_INET, group, &request.imr_multiaddr);
	return setsockopt(fd, IPPROTO_IP, option, &request, sizeof(request));
}

static int membership6(int fd, int option, const char *group, int index)
{
	struct ipv6_mreq request = { .ipv6mr_interface = (unsigned int)index };

	inet_pton(AF_INET6, group, &request.ipv6mr_multiaddr);
	return setsockopt(fd, IPPROTO_IPV6, option, &request, sizeof(request));
}

static int send_through_lo(int fd)
{
	struct ip_mreqn request = { .imr_ifindex = (int)if_nametoindex("lo") };

	return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request));
}

static bool hears(int fd)
{
	char text[8];

	net_events_after(fd, POLLIN, 50);
	return recv(fd, text, 8, MSG_DONTWAIT) > 0;
}

static void say_to(int fd, union net_address group)
{
	sendto(fd, "x", 1, 0, &group.any, net_size(&group));
}

static void check_options(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), stream = socket(AF_INET, SOCK_STREAM, 0);
	struct in_addr address;
	socklen_t size = sizeof(address);

	CHECK_EQ(ttl_is_one, net_option(fd, IPPROTO_IP, IP_MULTICAST_TTL), 1);
	CHECK_EQ(ttl_can_be_set, (net_set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 9),
				  net_option(fd, IPPROTO_IP, IP_MULTICAST_TTL)), 9);
	CHECK_ERRNO(ttl_of_256_is_EINVAL, net_set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 256), EINVAL);
	CHECK_EQ(loop_is_on, net_option(fd, IPPROTO_IP, IP_MULTICAST_LOOP), 1);
	CHECK_EQ(loop_of_one_byte_is_set,
		 setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &(char){ 0 }, 1), 0);
	CHECK_EQ(loop_is_off_then, net_option(fd, IPPROTO_IP, IP_MULTICAST_LOOP), 0);
	CHECK_ERRNO(streams_have_no_multicast_ttl, net_set(stream, IPPROTO_IP, IP_MULTICAST_TTL, 9),
		    EINVAL);
	CHECK_EQ(interface_can_be_chosen, send_through_lo(fd), 0);
	CHECK_EQ(interface_is_told_as_an_address,
		 getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &address, &size), 0);
	address.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_EQ(interface_can_be_chosen_by_address,
		 setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof(address)), 0);
	address.s_addr = htonl(0x08080808);
	CHECK_ERRNO(foreign_address_is_EADDRNOTAVAIL,
		    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof(address)),
		    EADDRNOTAVAIL);
	close(stream);
	close(fd);
}

static void check_membership(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ip_mreqn bad = { .imr_ifindex = 999 };

	CHECK_EQ(group_is_joined, membership(fd, IP_ADD_MEMBERSHIP, GROUP), 0);
	CHECK_ERRNO(group_is_joined_once, membership(fd, IP_ADD_MEMBERSHIP, GROUP), EADDRINUSE);
	CHECK_EQ(group_is_left, membership(fd, IP_DROP_MEMBERSHIP, GROUP), 0);
	CHECK_ERRNO(group_is_left_once, membership(fd, IP_DROP_MEMBERSHIP, GROUP), EADDRNOTAVAIL);
	CHECK_ERRNO(host_is_no_group, membership(fd, IP_ADD_MEMBERSHIP, "10.1.2.3"), EINVAL);
	inet_pton(AF_INET, GROUP, &bad.imr_multiaddr);
	CHECK_ERRNO(group_needs_an_interface,
		    setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &bad, sizeof(bad)), ENODEV);
	CHECK_ERRNO(short_request_is_EINVAL,
		    setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &bad, 4), EINVAL);
	int joined = 0;
	for (int i = 1; i <= 25; i++) {
		char group[32];

		snprintf(group, sizeof(group), "239.9.9.%d", i);
		joined += membership(fd, IP_ADD_MEMBERSHIP, group) == 0;
	}
	CHECK_EQ(twenty_groups_may_be_joined, joined, 20);
	CHECK_EQ(too_many_are_ENOBUFS, errno, ENOBUFS);
	close(fd);
}

static void check_delivery(void)
{
	int member = bound_to(net_ipv4("0.0.0.0", 0));
	uint16_t port = net_port(net_name(member));
	int second = bound_to(net_ipv4("0.0.0.0", port));
	int at_group = bound_to(net_ipv4(GROUP, port));
	int sender = socket(AF_INET, SOCK_DGRAM, 0);
	union net_address group = net_ipv4(GROUP, port);

	send_through_lo(sender);
	membership(member, IP_ADD_MEMBERSHIP, GROUP);
	say_to(sender, group);
	CHECK(member_hears, hears(member));
	CHECK(others_at_the_port_hear_too, hears(second));
	CHECK(who_is_bound_to_the_group_hears, hears(at_group));
	net_set(second, IPPROTO_IP, IP_MULTICAST_ALL, 0);
	say_to(sender, group);
	CHECK(member_hears_again, hears(member));
	CHECK(others_do_not_hear_who_do_not_want_all, !hears(second));
	hears(at_group);
	say_to(sender, net_ipv4(GROUP, (uint16_t)(port ^ 1)));
	CHECK(other_ports_are_not_heard, !hears(member));
	membership(member, IP_DROP_MEMBERSHIP, GROUP);
	say_to(sender, group);
	CHECK(who_has_left_hears_nothing, !hears(member));
	membership(second, IP_ADD_MEMBERSHIP, GROUP);
	net_set(sender, IPPROTO_IP, IP_MULTICAST_LOOP, 1);
	say_to(sender, group);
	CHECK(new_member_hears, hears(second));
	net_connect(sender, group);
	CHECK_EQ(group_may_be_a_peer, send(sender, "x", 1, 0), 1);
	CHECK(and_is_heard, hears(second));
	close(sender);
	close(at_group);
	close(second);
	close(member);
}

static void check_ipv6(void)
{
	int member = bound_to(net_ipv6("::", 0)), index = (int)if_nametoindex("lo");
	int sender = socket(AF_INET6, SOCK_DGRAM, 0);
	union net_address group = net_ipv6(GROUP6, net_port(net_name(member)));

	CHECK_EQ(hops_are_one, net_option(sender, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 1);
	CHECK_EQ(loop_of_ipv6_is_on, net_option(sender, IPPROTO_IPV6, IPV6_MULTICAST_LOOP), 1);
	CHECK_EQ(interface_of_ipv6_is_chosen,
		 net_set(sender, IPPROTO_IPV6, IPV6_MULTICAST_IF, index), 0);
	CHECK_EQ(and_told, net_option(sender, IPPROTO_IPV6, IPV6_MULTICAST_IF), index);
	CHECK_ERRNO(no_interface_is_ENODEV, net_set(sender, IPPROTO_IPV6, IPV6_MULTICAST_IF, 999),
		    ENODEV);
	CHECK_EQ(group_of_ipv6_is_joined, membership6(member, IPV6_ADD_MEMBERSHIP, GROUP6, index),
		 0);
	CHECK_ERRNO(group_of_ipv6_is_joined_once,
		    membership6(member, IPV6_ADD_MEMBERSHIP, GROUP6, index), EADDRINUSE);
	CHECK_ERRNO(host_is_no_group_of_ipv6,
		    membership6(member, IPV6_ADD_MEMBERSHIP, "::1", index), EINVAL);
	CHECK_ERRNO(lo_has_no_route_to_groups,
		    sendto(sender, "x", 1, 0, &group.any, sizeof(group.in6)), ENETUNREACH);
	CHECK_EQ(group_of_ipv6_is_left, membership6(member, IPV6_DROP_MEMBERSHIP, GROUP6, index),
		 0);
	CHECK_ERRNO(group_of_ipv6_is_left_once,
		    membership6(member, IPV6_DROP_MEMBERSHIP, GROUP6, index), EADDRNOTAVAIL);
	close(sender);
	close(member);
}

int main(void)
{
	net_up();
	check_options();
	check_membership();
	check_delivery();
	check_ipv6();
	return 0;
}
