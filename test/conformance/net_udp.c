/*
 * net_udp.c - datagrams over IPv4: connected and not, what is cut, peeked and queued, control
 * messages, corks, many in one call, broadcast, shutdown, limits of size.
 */
#define _GNU_SOURCE
#include "check.h"
#include "net.h"

#include <fcntl.h>
#include <netinet/udp.h>

static char block[70000];

static int bound_udp(const char *address)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	net_bind(fd, net_ipv4(address, 0));
	return fd;
}

static ssize_t send_to(int fd, const void *data, size_t size, union net_address to)
{
	return sendto(fd, data, size, 0, &to.any, net_size(&to));
}

static void check_unconnected(void)
{
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = bound_udp("127.0.0.1");
	union net_address from, at = net_name(b), other = net_ipv6("::1", 9);
	socklen_t size = sizeof(from);
	char text[32];

	CHECK_EQ(protocol_is_told, net_option(a, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP);
	CHECK_EQ(fresh_socket_is_writable, net_events(a), POLLOUT);
	CHECK_ERRNO(send_to_nobody_is_EDESTADDRREQ, send(a, "x", 1, 0), EDESTADDRREQ);
	CHECK_ERRNO(port_zero_is_EINVAL, send_to(a, "x", 1, net_ipv4("127.0.0.1", 0)), EINVAL);
	CHECK_ERRNO(short_address_is_EINVAL, sendto(a, "x", 1, 0, &at.any, 8), EINVAL);
	CHECK_ERRNO(other_family_is_EAFNOSUPPORT, send_to(a, "x", 1, other), EAFNOSUPPORT);
	CHECK_ERRNO(nobody_is_the_peer, getpeername(a, &from.any, &size), ENOTCONN);
	CHECK_EQ(datagram_is_sent, send_to(a, "first", 5, at), 5);
	CHECK(sender_has_got_a_port, net_port(net_name(a)) >= 32768);
	CHECK_EQ(empty_datagram_is_sent, send_to(a, "", 0, at), 0);
	CHECK_EQ(third_is_sent, send_to(a, "third", 5, at), 5);
	CHECK_EQ(datagrams_are_readable, net_events_with(b, POLLIN), POLLIN | POLLOUT);
	int count = -1;
	CHECK_EQ(size_of_the_first_is_told, ioctl(b, FIONREAD, &count) ? -1 : count, 5);
	CHECK_EQ(datagram_is_peeked, recv(b, text, 32, MSG_PEEK), 5);
	size = sizeof(from);
	CHECK_EQ(datagram_is_cut, recvfrom(b, text, 2, 0, &from.any, &size), 2);
	CHECK(sender_is_told, size == 16 && net_port(from) == net_port(net_name(a)));
	CHECK_EQ(empty_datagram_is_received, recv(b, text, 32, 0), 0);
	CHECK_EQ(true_length_is_told, recv(b, text, 2, MSG_TRUNC), 5);
	CHECK_ERRNO(then_there_is_none, recv(b, text, 2, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(and_nothing_is_readable, net_events(b), POLLOUT);
	send_to(a, "text", 4, at);
	net_events_with(b, POLLIN);
	size = 4;
	CHECK_EQ(address_is_cut, recvfrom(b, text, 32, 0, &from.any, &size), 4);
	CHECK_EQ(size_of_the_address_is_told, size, 16);
	close(a);
	close(b);
}

static void check_connected(void)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int pair[2], stranger = bound_udp("127.0.0.1");
	char text[32];

	net_pair_udp(pair);
	CHECK_EQ(connected_datagram_is_sent, send(pair[0], "hello", 5, 0), 5);
	CHECK_EQ(and_received, recv(pair[1], text, 32, 0), 5);
	CHECK_EQ(connected_address_is_told, ntohl(net_peer(pair[0]).in.sin_addr.s_addr),
		 INADDR_LOOPBACK);
	send_to(stranger, "spam", 4, net_name(pair[0]));
	usleep(NET_SETTLE_US);
	CHECK_ERRNO(strangers_are_not_heard, recv(pair[0], text, 32, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(strangers_may_be_spoken_to, send_to(pair[0], "hi", 2, net_name(stranger)), 2);
	CHECK_EQ(and_hear, recv(stranger, text, 32, 0), 2);
	CHECK_EQ(another_peer_can_be_chosen, net_connect(pair[0], net_name(stranger)), 0);
	CHECK_EQ(peer_can_be_left, connect(pair[0], &none, sizeof(none)), 0);
	CHECK_ERRNO(then_there_is_none,
		    getpeername(pair[0], &none, &(socklen_t){ sizeof(none) }), ENOTCONN);
	CHECK_EQ(found_port_goes_with_the_peer, net_port(net_name(pair[0])), 0);
	CHECK_EQ(bound_address_stays, ntohl(net_name(pair[0]).in.sin_addr.s_addr), INADDR_LOOPBACK);
	send_to(pair[0], "hi", 2, net_name(stranger));
	send_to(stranger, "now", 3, net_name(pair[0]));
	CHECK_EQ(then_strangers_are_heard, recv(pair[0], text, 32, 0), 3);
	close(stranger);
	net_pair_close(pair);
	stranger = socket(AF_INET, SOCK_DGRAM, 0);
	net_connect(stranger, net_ipv4("127.0.0.1", 9));
	CHECK_EQ(connect_chooses_an_address, ntohl(net_name(stranger).in.sin_addr.s_addr),
		 INADDR_LOOPBACK);
	connect(stranger, &(struct sockaddr){ .sa_family = AF_UNSPEC }, sizeof(none));
	CHECK_EQ(which_goes_with_the_peer, net_name(stranger).in.sin_addr.s_addr, 0);
	CHECK_EQ(as_does_the_port, net_port(net_name(stranger)), 0);
	close(stranger);
}

static void check_refused(void)
{
	int fd = bound_udp("127.0.0.1"), other = bound_udp("127.0.0.1");
	union net_address closed = net_name(other);

	close(other);
	net_connect(fd, closed);
	CHECK_EQ(first_datagram_to_nobody_is_sent, send(fd, "x", 1, 0), 1);
	CHECK_EQ(then_there_is_an_error, net_events_with(fd, POLLERR), POLLOUT | POLLERR);
	CHECK_ERRNO(next_send_is_ECONNREFUSED, send(fd, "x", 1, 0), ECONNREFUSED);
	CHECK_EQ(and_the_one_after_is_sent, send(fd, "x", 1, 0), 1);
	net_events_with(fd, POLLERR);
	CHECK_ERRNO(receive_is_ECONNREFUSED, recv(fd, block, 1, 0), ECONNREFUSED);
	send(fd, "x", 1, 0);
	net_events_with(fd, POLLERR);
	CHECK_EQ(error_is_pending, net_error(fd), ECONNREFUSED);
	CHECK_EQ(and_is_taken, net_events(fd), POLLOUT);
	close(fd);
	fd = bound_udp("127.0.0.1");
	send_to(fd, "x", 1, closed);
	usleep(NET_SETTLE_US);
	CHECK_EQ(unconnected_sockets_do_not_hear_of_it, net_events(fd), POLLOUT);
	close(fd);
}

static void check_shutdown(void)
{
	int pair[2], fd = bound_udp("127.0.0.1");
	char text[8];

	CHECK_ERRNO(shutdown_without_a_peer_is_ENOTCONN, shutdown(fd, SHUT_RD), ENOTCONN);
	close(fd);
	net_pair_udp(pair);
	CHECK_EQ(reading_can_be_shut, shutdown(pair[0], SHUT_RD), 0);
	CHECK_EQ(shut_socket_reads_the_end, recv(pair[0], text, 8, 0), 0);
	CHECK_EQ(shut_reader_polls_the_end, net_events(pair[0]), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(writing_can_be_shut, shutdown(pair[0], SHUT_WR), 0);
	CHECK_ERRNO(then_sends_are_EPIPE, send(pair[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(both_shut_hang_up, net_events(pair[0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	net_pair_close(pair);
}

static void check_sizes(void)
{
	int pair[2];

	net_pair_udp(pair);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)(i * 31 + i / 256);
	CHECK_ERRNO(too_large_a_datagram_is_EMSGSIZE, send(pair[0], block, 65508, 0), EMSGSIZE);
	CHECK_EQ(largest_datagram_is_sent, send(pair[0], block, 65507, 0), 65507);
	static char back[70000];
	CHECK_EQ(largest_datagram_arrives, recv(pair[1], back, sizeof(back), 0), 65507);
	CHECK_EQ(unchanged, memcmp(back, block, 65507), 0);
	net_set(pair[1], SOL_SOCKET, SO_RCVBUF, 8192);
	int sent = 0, received = 0;
	while (sent < 1000 && send(pair[0], block, 1000, MSG_DONTWAIT) == 1000)
		sent++;
	usleep(NET_SETTLE_US);
	while (recv(pair[1], back, 2000, MSG_DONTWAIT) == 1000)
		received++;
	CHECK(full_receiver_drops, sent == 1000 && received > 1 && received < 20);
	CHECK_EQ(and_hears_again_later, (send(pair[0], "x", 1, 0), recv(pair[1], back, 10, 0)), 1);
	net_pair_close(pair);
}

struct told {
	int ttl, tos, ifindex;
	struct in_addr spec, to;
	bool stamped;
};

static ssize_t receive_told(int fd, struct told *told)
{
	char control[512], text[16];
	struct iovec iov = { text, sizeof(text) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t size = recvmsg(fd, &message, 0);

	*told = (struct told){ .ttl = -1, .tos = -1 };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		struct in_pktinfo info;

		if (c->cmsg_level == SOL_SOCKET)
			told->stamped = c->cmsg_type == SO_TIMESTAMP;
		else if (c->cmsg_type == IP_TTL)
			memcpy(&told->ttl, CMSG_DATA(c), sizeof(int));
		else if (c->cmsg_type == IP_TOS)
			told->tos = *CMSG_DATA(c);
		else if (c->cmsg_type == IP_PKTINFO) {
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			told->ifindex = info.ipi_ifindex;
			told->spec = info.ipi_spec_dst;
			told->to = info.ipi_addr;
		}
	}
	return size;
}

static void check_control(void)
{
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = bound_udp("0.0.0.0");
	union net_address at = net_ipv4("127.0.0.3", net_port(net_name(b)));
	struct told told;
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control = { .header = { .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO,
				  .cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo)) } };
	struct iovec iov = { "x", 1 };
	struct msghdr message = { .msg_name = &at, .msg_namelen = sizeof(at.in), .msg_iov = &iov,
				  .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(0x7f000004) };
	char text[4];

	net_set(b, IPPROTO_IP, IP_PKTINFO, 1);
	net_set(b, IPPROTO_IP, IP_RECVTTL, 1);
	net_set(b, IPPROTO_IP, IP_RECVTOS, 1);
	net_set(b, SOL_SOCKET, SO_TIMESTAMP, 1);
	net_set(a, IPPROTO_IP, IP_TTL, 7);
	net_set(a, IPPROTO_IP, IP_TOS, 0x20);
	send_to(a, "x", 1, at);
	CHECK_EQ(told_datagram_arrives, receive_told(b, &told), 1);
	CHECK_EQ(ttl_is_told, told.ttl, 7);
	CHECK_EQ(tos_is_told, told.tos, 0x20);
	CHECK_EQ(interface_is_told, told.ifindex, 1);
	CHECK_EQ(destination_is_told, ntohl(told.to.s_addr), 0x7f000003);
	CHECK_EQ(local_address_is_told, ntohl(told.spec.s_addr), 0x7f000003);
	CHECK(time_is_told, told.stamped);
	memcpy(CMSG_DATA(&control.header), &info, sizeof(info));
	net_set(b, IPPROTO_IP, IP_PKTINFO, 0);
	CHECK_EQ(source_can_be_chosen, sendmsg(a, &message, 0), 1);
	socklen_t size = sizeof(at);
	recvfrom(b, text, 4, 0, &at.any, &size);
	CHECK_EQ(chosen_source_is_the_sender, ntohl(at.in.sin_addr.s_addr), 0x7f000004);
	info.ipi_spec_dst.s_addr = htonl(0x08080808);
	memcpy(CMSG_DATA(&control.header), &info, sizeof(info));
	at = net_ipv4("127.0.0.1", net_port(net_name(b)));
	CHECK_ERRNO(foreign_source_is_ENETUNREACH, sendmsg(a, &message, 0), ENETUNREACH);
	control.header.cmsg_len = 3;
	CHECK_ERRNO(short_control_is_EINVAL, sendmsg(a, &message, 0), EINVAL);
	control.header.cmsg_len = CMSG_LEN(4);
	CHECK_ERRNO(short_value_is_EINVAL, sendmsg(a, &message, 0), EINVAL);
	close(a);
	close(b);
}

static void check_control_cut(void)
{
	int pair[2];
	char text[4], control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { text, 4 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };

	net_pair_udp(pair);
	net_set(pair[1], IPPROTO_IP, IP_RECVTTL, 1);
	net_set(pair[1], IPPROTO_IP, IP_PKTINFO, 1);
	send(pair[0], "12345", 5, 0);
	CHECK_EQ(cut_datagram_is_received, recvmsg(pair[1], &message, 0), 4);
	CHECK_EQ(all_that_is_cut_is_told, message.msg_flags, MSG_TRUNC | MSG_CTRUNC);
	net_pair_close(pair);
}

static void check_corks(void)
{
	int pair[2];
	char text[16];

	net_pair_udp(pair);
	CHECK_EQ(first_part_is_taken, send(pair[0], "ab", 2, MSG_MORE), 2);
	CHECK_EQ(second_part_is_taken, send(pair[0], "cd", 2, 0), 2);
	CHECK_EQ(parts_are_one_datagram, recv(pair[1], text, 16, 0), 4);
	net_set(pair[0], IPPROTO_UDP, UDP_CORK, 1);
	CHECK_EQ(cork_is_told, net_option(pair[0], IPPROTO_UDP, UDP_CORK), 1);
	send(pair[0], "abc", 3, 0);
	send(pair[0], "def", 3, 0);
	usleep(NET_SETTLE_US);
	CHECK_ERRNO(corked_parts_wait, recv(pair[1], text, 16, MSG_DONTWAIT), EAGAIN);
	net_set(pair[0], IPPROTO_UDP, UDP_CORK, 0);
	CHECK_EQ(and_come_when_it_is_drawn, recv(pair[1], text, 16, 0), 6);
	net_pair_close(pair);
}

static void check_many(void)
{
	struct mmsghdr many[4] = { 0 };
	struct timespec limit = { .tv_nsec = 50000000 };
	struct iovec iov[4];
	char text[4][8] = { "a", "bb", "ccc", "dddd" };
	int pair[2];

	net_pair_udp(pair);
	for (size_t i = 0; i < 4; i++) {
		iov[i] = (struct iovec){ text[i], i + 1 };
		many[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	CHECK_EQ(many_are_sent, sendmmsg(pair[0], many, 3, 0), 3);
	for (size_t i = 0; i < 4; i++)
		iov[i].iov_len = 8;
	CHECK_EQ(many_are_received, recvmmsg(pair[1], many, 4, MSG_WAITFORONE, NULL), 3);
	CHECK(each_with_its_length, many[0].msg_len == 1 && many[2].msg_len == 3);
	CHECK_ERRNO(none_are_EAGAIN, recvmmsg(pair[1], many, 4, MSG_DONTWAIT, NULL), EAGAIN);
	sendmmsg(pair[0], many, 4, 0);
	CHECK_EQ(limit_is_seen_after_a_datagram, recvmmsg(pair[1], many, 4, 0, &limit), 4);
	net_pair_close(pair);
}

static void check_broadcast(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_ERRNO(broadcast_needs_leave, send_to(fd, "x", 1, net_ipv4("127.255.255.255", 9)),
		    EACCES);
	CHECK_ERRNO(to_connect_to_as_well, net_connect(fd, net_ipv4("127.255.255.255", 9)), EACCES);
	net_set(fd, SOL_SOCKET, SO_BROADCAST, 1);
	CHECK_EQ(which_can_be_had, send_to(fd, "x", 1, net_ipv4("127.255.255.255", 9)), 1);
	CHECK_ERRNO(without_a_route_is_ENETUNREACH, send_to(fd, "x", 1, net_ipv4("10.1.2.3", 9)),
		    ENETUNREACH);
	close(fd);
}

static void check_wait(void)
{
	int pair[2];
	char text[8];

	net_pair_udp(pair);
	net_timeout(pair[0], SO_RCVTIMEO, 50);
	long start = net_now_ms();
	CHECK_ERRNO(receive_gives_up, recv(pair[0], text, 8, 0), EAGAIN);
	CHECK(after_its_time, net_now_ms() - start >= 50);
	pid_t pid = fork();
	if (!pid) {
		usleep(NET_SETTLE_US);
		_exit(send(pair[1], "late", 4, 0) != 4);
	}
	net_timeout(pair[0], SO_RCVTIMEO, 0);
	CHECK_EQ(receive_waits, recv(pair[0], text, 8, 0), 4);
	waitpid(pid, NULL, 0);
	net_pair_close(pair);
}

int main(void)
{
	net_up();
	check_unconnected();
	check_connected();
	check_refused();
	check_shutdown();
	check_sizes();
	check_control();
	check_control_cut();
	check_corks();
	check_many();
	check_broadcast();
	check_wait();
	return 0;
}
