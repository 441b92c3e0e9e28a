/*
 * UDP: options of SOL_IP and SOL_IPV6, control data both ways, IPv6 and mapped addresses, groups.
 */
#define _GNU_SOURCE
#include "inet.h"

#include <netinet/ip.h>
#include <sys/time.h>

static char buffer[2000];

static ssize_t take(int sock)
{
	return recv(sock, buffer, sizeof(buffer), MSG_DONTWAIT);
}

/* Options that hang on what an interface or a build of Linux has are left out by name. */
static void test_options(void)
{
	static const int names4[] = {
		IP_TOS, IP_TTL, IP_RECVOPTS, IP_PKTINFO, IP_MTU_DISCOVER, IP_RECVERR, IP_RECVTTL,
		IP_RECVTOS, IP_MTU, IP_FREEBIND, IP_TRANSPARENT, IP_MINTTL, IP_BIND_ADDRESS_NO_PORT,
		IP_HDRINCL, IP_NODEFRAG, IP_MULTICAST_TTL, IP_MULTICAST_LOOP, IP_MULTICAST_ALL,
		IP_RECVORIGDSTADDR, IP_RECVFRAGSIZE, 60, 61, 99,
	};
	static const int names6[] = {
		IPV6_V6ONLY, IPV6_UNICAST_HOPS, IPV6_MULTICAST_HOPS, IPV6_MULTICAST_LOOP,
		IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_TCLASS,
		IPV6_MTU_DISCOVER, IPV6_MTU, IPV6_RECVERR, IPV6_DONTFRAG, IPV6_RECVPATHMTU, 74,
		IPV6_MULTICAST_ALL, IPV6_RECVHOPOPTS, IPV6_RECVRTHDR, IPV6_RECVDSTOPTS, 120, 11,
	};
	for (size_t i = 0; i < sizeof(names4) / sizeof(*names4); i++)
		for (int type = SOCK_DGRAM; type <= SOCK_RAW; type++) {
			static const int values[] = { -2, -1, 0, 1, 2, 5, 6, 64, 255, 256, 70000 };
			int sock = socket(AF_INET, type, IPPROTO_UDP), at, before;
			char line[300];

			before = option_get(sock, SOL_IP, names4[i]);
			at = snprintf(line, sizeof(line), "type %d ip option %d: %d", type,
			              names4[i], before);
			for (size_t j = 0; j < sizeof(values) / sizeof(*values); j++) {
				int failed = option_set(sock, SOL_IP, names4[i], values[j]);
				int err = failed ? errno : 0;

				at += snprintf(line + at, sizeof(line) - (size_t)at, " %d:%d", err,
				               option_get(sock, SOL_IP, names4[i]));
			}
			OUT("%s", line);
			close(sock);
		}
	for (size_t i = 0; i < sizeof(names6) / sizeof(*names6); i++) {
		static const int values[] = { -2, -1, 0, 1, 2, 5, 6, 64, 255, 256, 70000 };
		int sock = socket(AF_INET6, SOCK_DGRAM, 0), at;
		char line[300];

		at = snprintf(line, sizeof(line), "ipv6 option %d: %d", names6[i],
		              option_get(sock, SOL_IPV6, names6[i]));
		for (size_t j = 0; j < sizeof(values) / sizeof(*values); j++) {
			int err = option_set(sock, SOL_IPV6, names6[i], values[j]) ? errno : 0;

			at += snprintf(line + at, sizeof(line) - (size_t)at, " %d:%d", err,
			               option_get(sock, SOL_IPV6, names6[i]));
		}
		OUT("%s", line);
		close(sock);
	}
}

static void test_sizes(void)
{
	int sock = socket(AF_INET, SOCK_DGRAM, 0), sock6 = socket(AF_INET6, SOCK_DGRAM, 0);
	uint8_t byte = 7;
	socklen_t size = 1;
	int value = 0;

	CHECK_EQ(one_byte_is_enough, setsockopt(sock, SOL_IP, IP_TTL, &byte, 1), 0);
	CHECK_EQ(it_is_taken, option_get(sock, SOL_IP, IP_TTL), 7);
	byte = 0;
	CHECK_EQ(one_byte_is_told, getsockopt(sock, SOL_IP, IP_TTL, &byte, &size), 0);
	CHECK(as_that, byte == 7 && size == 1);
	size = 3;
	getsockopt(sock, SOL_IP, IP_TTL, &value, &size);
	OUT("of three bytes %d, %d", size, value);
	CHECK_ERRNO(no_byte_is_not, setsockopt(sock, SOL_IP, IP_TTL, &byte, 0), EINVAL);
	CHECK_EQ(but_for_some, setsockopt(sock, SOL_IP, IP_PKTINFO, &byte, 0), 0);
	CHECK_ERRNO(ipv6_wants_four, setsockopt(sock6, SOL_IPV6, IPV6_V6ONLY, &byte, 1), EINVAL);
	CHECK_ERRNO(no_ipv6_for_ipv4, option_set(sock, SOL_IPV6, IPV6_V6ONLY, 1), ENOPROTOOPT);
	CHECK_EQ(ipv4_for_ipv6, option_set(sock6, SOL_IP, IP_TTL, 9), 0);
	CHECK_EQ(mtu_needs_a_peer, option_get(sock, SOL_IP, IP_MTU), -ENOTCONN);
	struct sockaddr_in name = v4("127.0.0.1", 9);

	connect(sock, NAME(name));
	OUT("mtu of loopback %d", option_get(sock, SOL_IP, IP_MTU));
	close(sock);
	close(sock6);
}

/* Prints the control data of one message. */
static void tell(int sock, const char *what)
{
	char control[512];
	struct sockaddr_in6 from;
	struct iovec part = { buffer, sizeof(buffer) };
	struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof(from),
		                  .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
		                  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(sock, &message, MSG_DONTWAIT);

	OUT("%s: %zd flags 0x%x, name of %u", what, n, message.msg_flags, message.msg_namelen);
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at; at = CMSG_NXTHDR(&message, at)) {
		char line[200];
		size_t size = at->cmsg_len - CMSG_LEN(0);
		int length = snprintf(line, sizeof(line), "  %d %d:", at->cmsg_level,
		                      at->cmsg_type);

		if (at->cmsg_type == IP_ORIGDSTADDR || at->cmsg_level == SOL_SOCKET)
			size = 2; /* the port, the time */
		for (size_t i = 0; i < size && i < 40; i++)
			length += snprintf(line + length, sizeof(line) - (size_t)length, " %02x",
			                   ((uint8_t *)CMSG_DATA(at))[i]);
		OUT("%s (%zu)", at->cmsg_level == SOL_SOCKET ? "  time" : line,
		    (size_t)at->cmsg_len);
	}
}

static void test_told(void)
{
	int from = bound4(SOCK_DGRAM, "127.0.0.1"), to = bound4(SOCK_DGRAM, "0.0.0.0");
	struct sockaddr_in name = v4("127.0.0.3", port_of(to));

	option_set(to, SOL_IP, IP_PKTINFO, 1);
	option_set(to, SOL_IP, IP_RECVTTL, 1);
	option_set(to, SOL_IP, IP_RECVTOS, 1);
	option_set(to, SOL_IP, IP_RECVORIGDSTADDR, 1);
	option_set(to, SOL_SOCKET, SO_TIMESTAMP, 1);
	option_set(from, SOL_IP, IP_TTL, 33);
	option_set(from, SOL_IP, IP_TOS, 0x10);
	sendto(from, "x", 1, 0, NAME(name));
	tell(to, "ipv4");
	close(from);
	close(to);

	from = bound6(SOCK_DGRAM, "::1");
	to = bound6(SOCK_DGRAM, "::");
	struct sockaddr_in6 name6 = v6("::1", port_of(to));

	option_set(to, SOL_IPV6, IPV6_RECVPKTINFO, 1);
	option_set(to, SOL_IPV6, IPV6_RECVHOPLIMIT, 1);
	option_set(to, SOL_IPV6, IPV6_2292HOPLIMIT, 1);
	option_set(to, SOL_IPV6, IPV6_RECVTCLASS, 1);
	option_set(to, SOL_IP, IP_RECVTTL, 1);
	option_set(from, SOL_IPV6, IPV6_UNICAST_HOPS, 12);
	option_set(from, SOL_IPV6, IPV6_TCLASS, 0x20);
	CHECK_EQ(ipv6_goes, sendto(from, "six", 3, 0, NAME(name6)), 3);
	tell(to, "ipv6");
	int mapped = bound4(SOCK_DGRAM, "127.0.0.1");

	name = v4("127.0.0.1", port_of(to));
	CHECK_EQ(ipv4_goes_to_ipv6, sendto(mapped, "four", 4, 0, NAME(name)), 4);
	tell(to, "mapped");
	close(from);
	close(to);
	close(mapped);
}

static ssize_t send_with(int sock, struct sockaddr_in *name, int level, int type, const void *data,
                         size_t size)
{
	char control[128] = { 0 };
	struct iovec part = { (char *)"c", 1 };
	struct msghdr message = { .msg_name = name, .msg_namelen = sizeof(*name),
		                  .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
		                  .msg_controllen = CMSG_SPACE(size) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = level;
	header->cmsg_type = type;
	header->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(header), data, size);
	return sendmsg(sock, &message, 0);
}

static void test_said(void)
{
	int from = bound4(SOCK_DGRAM, "0.0.0.0"), to = bound4(SOCK_DGRAM, "127.0.0.1");
	struct sockaddr_in name = v4("127.0.0.1", port_of(to)), peer;
	struct in_pktinfo info = { .ipi_ifindex = 1 };
	socklen_t size = sizeof(peer);
	int value = 44;

	option_set(to, SOL_IP, IP_RECVTTL, 1);
	option_set(to, SOL_IP, IP_RECVTOS, 1);
	CHECK_EQ(a_ttl_is_said, send_with(from, &name, SOL_IP, IP_TTL, &value, 4), 1);
	tell(to, "ttl 44");
	CHECK_EQ(a_tos_is_said, send_with(from, &name, SOL_IP, IP_TOS, &value, 4), 1);
	tell(to, "tos 44");
	value = 0;
	CHECK_ERRNO(no_ttl_of_0, send_with(from, &name, SOL_IP, IP_TTL, &value, 4), EINVAL);
	value = 256;
	CHECK_ERRNO(no_ttl_of_256, send_with(from, &name, SOL_IP, IP_TTL, &value, 4), EINVAL);
	CHECK_ERRNO(no_short_ttl, send_with(from, &name, SOL_IP, IP_TTL, &value, 2), EINVAL);
	CHECK_ERRNO(no_such_thing, send_with(from, &name, SOL_IP, 77, &value, 4), EINVAL);
	CHECK_EQ(other_levels_are_ignored, send_with(from, &name, IPPROTO_TCP, 77, &value, 4), 1);
	take(to);
	inet_pton(AF_INET, "127.0.0.7", &info.ipi_spec_dst);
	CHECK_EQ(a_source_is_said, send_with(from, &name, SOL_IP, IP_PKTINFO, &info, sizeof(info)),
	         1);
	recvfrom(to, buffer, 10, MSG_DONTWAIT, (struct sockaddr *)&peer, &size);
	OUT("from %s", inet_ntoa(peer.sin_addr));
	inet_pton(AF_INET, "10.1.2.3", &info.ipi_spec_dst);
	CHECK_ERRNO(but_one_of_ours,
	            send_with(from, &name, SOL_IP, IP_PKTINFO, &info, sizeof(info)), ENETUNREACH);
	CHECK_ERRNO(a_short_one, send_with(from, &name, SOL_IP, IP_PKTINFO, &info, 4), EINVAL);
	close(from);
	close(to);
}

static void test_ipv6(void)
{
	int any = bound6(SOCK_DGRAM, "::"), sock = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 name = v6("::ffff:127.0.0.1", port_of(any)), told;
	struct sockaddr_in name4 = v4("127.0.0.1", port_of(any));
	char text[64];
	socklen_t size = sizeof(told);

	CHECK_EQ(a_mapped_target, sendto(sock, "m", 1, 0, NAME(name)), 1);
	recvfrom(any, buffer, 10, MSG_DONTWAIT, (struct sockaddr *)&told, &size);
	OUT("it comes from %s", inet_ntop(AF_INET6, &told.sin6_addr, text, sizeof(text)));
	CHECK_EQ(an_ipv4_name_will_do, sendto(sock, "m", 1, 0, NAME(name4)), 1);
	CHECK_EQ(it_comes, take(any), 1);
	CHECK_ERRNO(v6only_comes_early, option_set(sock, SOL_IPV6, IPV6_V6ONLY, 1), EINVAL);
	close(sock);

	sock = socket(AF_INET6, SOCK_DGRAM, 0);
	CHECK_EQ(v6only, option_set(sock, SOL_IPV6, IPV6_V6ONLY, 1), 0);
	CHECK_ERRNO(no_mapped_target, sendto(sock, "m", 1, 0, NAME(name)), ENETUNREACH);
	CHECK_ERRNO(no_mapped_peer, connect(sock, NAME(name)), ENETUNREACH);
	CHECK_ERRNO(no_mapped_address, bind(sock, NAME(name)), EINVAL);
	close(sock);
	sock = socket(AF_INET6, SOCK_DGRAM, 0);
	option_set(sock, SOL_IPV6, IPV6_V6ONLY, 1);
	int four = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_ERRNO(the_port_is_ours_in_both, bind(four, NAME(name4)), EADDRINUSE);
	name = v6("::", 0);
	CHECK_EQ(bind_to_ipv6, bind(sock, NAME(name)), 0);
	name4.sin_port = htons(port_of(sock));
	CHECK_EQ(ipv4_is_free_there, bind(four, NAME(name4)), 0);
	sendto(four, "x", 1, 0, NAME(name4));
	CHECK_EQ(each_gets_its_own, take(four) == 1 && take(sock) == -1, 1);
	close(four);
	close(sock);

	sock = socket(AF_INET6, SOCK_DGRAM, 0);
	name = v6("::1", port_of(any));
	CHECK_EQ(connect_by_ipv6, connect(sock, NAME(name)), 0);
	size = sizeof(told);
	getsockname(sock, (struct sockaddr *)&told, &size);
	OUT("own address %s", inet_ntop(AF_INET6, &told.sin6_addr, text, sizeof(text)));
	name = v6("fe80::1", 9);
	CHECK_ERRNO(link_local_needs_a_scope, connect(sock, NAME(name)), EINVAL);
	CHECK_ERRNO(a_short_name, connect(sock, (struct sockaddr *)&name, 20), EINVAL);
	CHECK_ERRNO(a_strange_family,
	            sendto(sock, "x", 1, 0, &(struct sockaddr){ .sa_family = AF_UNIX }, 28),
	            EINVAL);
	static char large[65600];

	name = v6("::1", port_of(any));
	CHECK_EQ(a_large_one6, sendto(sock, large, 65487, 0, NAME(name)), 65487);
	CHECK_EQ(comes6, recv(any, large, sizeof(large), MSG_DONTWAIT), 65487);
	CHECK_ERRNO(too_large6, sendto(sock, large, 65528, 0, NAME(name)), EMSGSIZE);
	close(sock);
	close(any);

	any = bound6(SOCK_DGRAM, "::1");
	sock = bound6(SOCK_DGRAM, "::1");
	name = v6("::1", port_of(any));
	close(any);
	connect(sock, NAME(name));
	send(sock, "x", 1, 0);
	CHECK_ERRNO(ipv6_is_refused, send(sock, "x", 1, 0), ECONNREFUSED);
	memset(buffer, 0, sizeof(buffer));
	close(sock);
}

static void test_groups(void)
{
	int to = bound4(SOCK_DGRAM, "0.0.0.0"), from = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in name = v4("239.1.2.3", port_of(to));
	struct ip_mreqn request = { .imr_ifindex = 1 };

	inet_pton(AF_INET, "239.1.2.3", &request.imr_multiaddr);
	CHECK_EQ(join, setsockopt(to, SOL_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)), 0);
	CHECK_ERRNO(join_once, setsockopt(to, SOL_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)),
	            EADDRINUSE);
	CHECK_EQ(the_way_is_said, setsockopt(from, SOL_IP, IP_MULTICAST_IF, &request,
	                                     sizeof(request)), 0);
	CHECK_EQ(send_to_the_group, sendto(from, "g", 1, 0, NAME(name)), 1);
	struct sockaddr_in peer = { 0 };
	socklen_t size = sizeof(peer);

	CHECK_EQ(the_group_hears_it,
	         recvfrom(to, buffer, 10, MSG_DONTWAIT, (struct sockaddr *)&peer, &size), 1);
	OUT("from %s", inet_ntoa(peer.sin_addr));
	int other = socket(AF_INET, SOCK_DGRAM, 0);

	option_set(other, SOL_SOCKET, SO_REUSEADDR, 1);
	option_set(to, SOL_SOCKET, SO_REUSEADDR, 1);
	struct sockaddr_in any = v4("0.0.0.0", port_of(to));

	CHECK_EQ(another_one, bind(other, NAME(any)), 0);
	sendto(from, "g", 1, 0, NAME(name));
	CHECK_EQ(both_get_it, take(to) == 1 && take(other) == 1, 1);
	option_set(other, SOL_IP, IP_MULTICAST_ALL, 0);
	sendto(from, "g", 1, 0, NAME(name));
	CHECK_EQ(members_only, take(to) == 1 && take(other) == -1, 1);
	CHECK_EQ(leave, setsockopt(to, SOL_IP, IP_DROP_MEMBERSHIP, &request, sizeof(request)), 0);
	CHECK_ERRNO(leave_once,
	            setsockopt(to, SOL_IP, IP_DROP_MEMBERSHIP, &request, sizeof(request)),
	            EADDRNOTAVAIL);
	sendto(from, "g", 1, 0, NAME(name));
	CHECK_ERRNO(nobody_is_there, take(to), EAGAIN);
	inet_pton(AF_INET, "10.0.0.1", &request.imr_multiaddr);
	CHECK_ERRNO(no_group, setsockopt(to, SOL_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)),
	            EINVAL);
	inet_pton(AF_INET, "239.1.2.3", &request.imr_multiaddr);
	request.imr_ifindex = 77;
	CHECK_ERRNO(no_interface,
	            setsockopt(to, SOL_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)), ENODEV);
	close(other);
	close(to);
	close(from);

	struct ipv6_mreq request6 = { .ipv6mr_interface = 1 };
	struct sockaddr_in6 name6;

	to = bound6(SOCK_DGRAM, "::");
	from = bound6(SOCK_DGRAM, "::1");
	name6 = v6("ff15::1234", port_of(to));
	request6.ipv6mr_multiaddr = name6.sin6_addr;
	CHECK_EQ(join6, setsockopt(to, SOL_IPV6, IPV6_ADD_MEMBERSHIP, &request6, sizeof(request6)),
	         0);
	CHECK_ERRNO(join6_once,
	            setsockopt(to, SOL_IPV6, IPV6_ADD_MEMBERSHIP, &request6, sizeof(request6)),
	            EADDRINUSE);
	CHECK_EQ(the_way6, option_set(from, SOL_IPV6, IPV6_MULTICAST_IF, 1), 0);
	CHECK_ERRNO(no_way_to_group6, sendto(from, "g", 1, 0, NAME(name6)), ENETUNREACH);
	CHECK_EQ(leave6,
	         setsockopt(to, SOL_IPV6, IPV6_DROP_MEMBERSHIP, &request6, sizeof(request6)), 0);
	close(to);
	close(from);
}

static void test_device(void)
{
	int to = bound4(SOCK_DGRAM, "127.0.0.1"), from = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in name = v4("127.0.0.1", port_of(to));

	CHECK_EQ(bind_to_a_device, setsockopt(to, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2), 0);
	sendto(from, "x", 1, 0, NAME(name));
	CHECK_EQ(what_comes_there, take(to), 1);
	CHECK_ERRNO(no_such_device, setsockopt(to, SOL_SOCKET, SO_BINDTODEVICE, "nix", 3), ENODEV);
	CHECK_EQ(out_by_a_device, setsockopt(from, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2), 0);
	CHECK_EQ(it_goes, sendto(from, "x", 1, 0, NAME(name)), 1);
	close(to);
	close(from);
}

int main(void)
{
	loopback_up();
	test_options();
	test_sizes();
	test_told();
	test_said();
	test_ipv6();
	test_groups();
	test_device();
	return 0;
}
