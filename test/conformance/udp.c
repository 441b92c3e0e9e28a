/*
 * UDP over loopback: names, connecting, messages and their flags, errors, polling, sharing a port.
 */
#define _GNU_SOURCE
#include "inet.h"

#include <linux/errqueue.h>
#include <linux/sockios.h>
#include <linux/udp.h>
#include <netinet/ip.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <sys/uio.h>

static char buffer[70000];

static ssize_t take(int sock)
{
	return recv(sock, buffer, sizeof(buffer), MSG_DONTWAIT);
}

static void test_making(void)
{
	CHECK_ERRNO(tcp_is_no_dgram, socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
	CHECK_ERRNO(there_is_no_rdm, socket(AF_INET, SOCK_RDM, 0), ESOCKTNOSUPPORT);
	CHECK_ERRNO(a_protocol_has_a_range, socket(AF_INET, SOCK_DGRAM, 1000), EINVAL);
	CHECK_ERRNO(a_negative_protocol, socket(AF_INET, SOCK_DGRAM, -1), EINVAL);
	CHECK_ERRNO(raw_needs_a_protocol, socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);

	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in name;
	socklen_t size = sizeof(name);

	OUT("type %d domain %d protocol %d", option_get(sock, SOL_SOCKET, SO_TYPE),
	    option_get(sock, SOL_SOCKET, SO_DOMAIN), option_get(sock, SOL_SOCKET, SO_PROTOCOL));
	OUT("sndbuf %d rcvbuf %d", option_get(sock, SOL_SOCKET, SO_SNDBUF),
	    option_get(sock, SOL_SOCKET, SO_RCVBUF));
	CHECK_EQ(a_new_one_has_a_name, getsockname(sock, (struct sockaddr *)&name, &size), 0);
	CHECK(and_it_is_nothing, name.sin_port == 0 && name.sin_addr.s_addr == 0);
	CHECK_ERRNO(it_has_no_peer, getpeername(sock, (struct sockaddr *)&name, &size), ENOTCONN);
	OUT("a new one is ready for 0x%x", ready(sock));
	CHECK_ERRNO(it_cannot_listen, listen(sock, 1), EOPNOTSUPP);
	CHECK_ERRNO(it_cannot_accept, accept(sock, NULL, NULL), EOPNOTSUPP);
	CHECK_ERRNO(send_needs_a_target, send(sock, "x", 1, 0), EDESTADDRREQ);
	CHECK_ERRNO(shutdown_needs_a_peer, shutdown(sock, SHUT_RD), ENOTCONN);
	close(sock);
}

static void test_names(void)
{
	int sock = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in name = v4("127.0.0.1", 0), peer;
	struct sockaddr_in6 name6 = v6("::1", 0);
	socklen_t size = sizeof(peer);

	CHECK_ERRNO(a_short_name, bind(sock, (struct sockaddr *)&name, 8), EINVAL);
	CHECK_ERRNO(a_name_of_another_family, bind(sock, NAME(name6)), EAFNOSUPPORT);
	name = v4("10.99.99.99", 0);
	CHECK_ERRNO(an_address_of_others, bind(sock, NAME(name)), EADDRNOTAVAIL);
	name = v4("127.0.0.1", 0);
	CHECK_EQ(bind_to_any_port, bind(sock, NAME(name)), 0);
	CHECK(it_has_a_port, port_of(sock) >= 1024);
	CHECK_ERRNO(bind_once, bind(sock, NAME(name)), EINVAL);
	name.sin_port = htons(port_of(sock));
	CHECK_ERRNO(the_port_is_taken, bind(other, NAME(name)), EADDRINUSE);
	name.sin_addr.s_addr = 0;
	CHECK_ERRNO(for_everybody, bind(other, NAME(name)), EADDRINUSE);
	name = v4("127.0.0.2", port_of(sock));
	CHECK_EQ(but_not_at_another_address, bind(other, NAME(name)), 0);
	close(other);

	other = socket(AF_INET, SOCK_DGRAM, 0);
	name = v4("127.0.0.1", port_of(sock));
	CHECK_EQ(connect_it, connect(other, NAME(name)), 0);
	CHECK_EQ(it_has_a_peer, getpeername(other, (struct sockaddr *)&peer, &size), 0);
	CHECK(which_is_that, peer.sin_port == name.sin_port);
	size = sizeof(peer);
	getsockname(other, (struct sockaddr *)&peer, &size);
	OUT("a connected one is %s", inet_ntoa(peer.sin_addr));
	CHECK(and_has_a_port, port_of(other));
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

	CHECK_EQ(disconnect_it, connect(other, &nowhere, sizeof(nowhere)), 0);
	CHECK_ERRNO(it_has_none_any_more, getpeername(other, (struct sockaddr *)&peer, &size),
	            ENOTCONN);
	CHECK_EQ(a_chosen_port_is_lost, port_of(other), 0);
	CHECK_EQ(disconnect_the_bound_one, connect(sock, &nowhere, sizeof(nowhere)), 0);
	CHECK_EQ(nobody_asked_for_this_one, port_of(sock), 0);
	name = v4("127.0.0.1", 4321);
	CHECK_EQ(bind_to_a_port, bind(sock, NAME(name)), 0);
	CHECK_EQ(disconnect_it_again, connect(sock, &nowhere, sizeof(nowhere)), 0);
	CHECK_EQ(a_bound_port_stays, port_of(sock), 4321);
	name = v4("0.0.0.0", port_of(sock));
	CHECK_EQ(connect_to_anywhere, connect(other, NAME(name)), 0);
	size = sizeof(peer);
	getpeername(other, (struct sockaddr *)&peer, &size);
	OUT("anywhere is %s", inet_ntoa(peer.sin_addr));
	CHECK_ERRNO(connect_shortly, connect(other, (struct sockaddr *)&name, 1), EINVAL);
	CHECK_ERRNO(connect_to_another_family, connect(other, NAME(name6)), EAFNOSUPPORT);
	close(sock);
	close(other);
}

static void test_messages(void)
{
	int from = bound4(SOCK_DGRAM, "127.0.0.1"), to = bound4(SOCK_DGRAM, "127.0.0.1");
	struct sockaddr_in name = v4("127.0.0.1", port_of(to)), peer;
	struct iovec parts[2] = { { (char *)"ab", 2 }, { (char *)"cde", 3 } };
	struct msghdr message = { .msg_name = &name, .msg_namelen = sizeof(name),
		                  .msg_iov = parts, .msg_iovlen = 2 };
	socklen_t size = sizeof(peer);
	int n;

	CHECK_ERRNO(nothing_there, take(to), EAGAIN);
	CHECK_EQ(send_a_message, sendto(from, "hello", 5, 0, NAME(name)), 5);
	OUT("with a message ready for 0x%x", ready(to));
	CHECK_EQ(inq, (ioctl(to, SIOCINQ, &n), n), 5);
	CHECK_EQ(peek, recv(to, buffer, 3, MSG_PEEK), 3);
	CHECK_EQ(peek_all_of_it, recv(to, buffer, 3, MSG_PEEK | MSG_TRUNC), 5);
	CHECK_EQ(whom_from, recvfrom(to, buffer, 100, 0, (struct sockaddr *)&peer, &size), 5);
	CHECK(it_is_him, peer.sin_port == htons(port_of(from)) && size == sizeof(peer));
	CHECK(that_is_it, !memcmp(buffer, "hello", 5));
	CHECK_EQ(nothing_is_left, (ioctl(to, SIOCINQ, &n), n), 0);
	CHECK_EQ(an_empty_one_goes, sendto(from, "", 0, 0, NAME(name)), 0);
	OUT("with an empty one ready for 0x%x", ready(to));
	CHECK_EQ(and_comes, take(to), 0);
	CHECK_EQ(in_parts, sendmsg(from, &message, 0), 5);
	message.msg_name = NULL;
	parts[0] = (struct iovec){ buffer, 2 };
	parts[1] = (struct iovec){ buffer + 100, 1 };
	CHECK_EQ(is_cut, recvmsg(to, &message, 0), 3);
	CHECK_EQ(and_says_so, message.msg_flags, MSG_TRUNC);
	CHECK_EQ(outq, (ioctl(from, SIOCOUTQ, &n), n), 0);

	memset(buffer, 'q', sizeof(buffer));
	CHECK_EQ(a_large_one_goes, sendto(from, buffer, 65507, 0, NAME(name)), 65507);
	memset(buffer, 0, sizeof(buffer));
	CHECK_EQ(and_comes_whole, take(to), 65507);
	CHECK(with_its_bytes, buffer[0] == 'q' && buffer[65506] == 'q' && !buffer[65507]);
	CHECK_ERRNO(too_large, sendto(from, buffer, 65508, 0, NAME(name)), EMSGSIZE);
	CHECK_ERRNO(far_too_large, sendto(from, buffer, 66000, 0, NAME(name)), EMSGSIZE);
	CHECK_ERRNO(out_of_band, sendto(from, "x", 1, MSG_OOB, NAME(name)), EOPNOTSUPP);
	name.sin_port = 0;
	CHECK_ERRNO(to_no_port, sendto(from, "x", 1, 0, NAME(name)), EINVAL);
	name = v4("127.0.0.1", port_of(to));
	CHECK_ERRNO(to_a_short_name, sendto(from, "x", 1, 0, (struct sockaddr *)&name, 8), EINVAL);
	CHECK_ERRNO(from_bad_memory, sendto(from, (void *)1, 10, 0, NAME(name)), EFAULT);
	sendto(from, "lost", 4, 0, NAME(name));
	CHECK_ERRNO(to_bad_memory, recv(to, (void *)1, 10, 0), EFAULT);
	CHECK_ERRNO(and_the_message_is_lost, take(to), EAGAIN);
	close(from);
	close(to);
}

static void test_waiting(void)
{
	int sock = bound4(SOCK_DGRAM, "127.0.0.1");
	struct timeval timeout = { .tv_usec = 20000 };
	struct sockaddr_in name = v4("127.0.0.1", port_of(sock));
	pid_t child;

	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	CHECK_ERRNO(a_wait_ends, recv(sock, buffer, 10, 0), EAGAIN);
	timeout.tv_sec = 10;
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	child = fork();
	if (!child) {
		usleep(20000);
		sendto(sock, "late", 4, 0, NAME(name));
		_exit(0);
	}
	CHECK_EQ(a_message_wakes, recv(sock, buffer, 10, MSG_WAITALL), 4);
	waitpid(child, NULL, 0);

	int epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	epoll_ctl(epoll, EPOLL_CTL_ADD, sock, &event);
	CHECK_EQ(epoll_sees_nothing, epoll_wait(epoll, &event, 1, 0), 0);
	sendto(sock, "1", 1, 0, NAME(name));
	CHECK_EQ(epoll_sees_a_message, epoll_wait(epoll, &event, 1, 1000), 1);
	CHECK_EQ(once, epoll_wait(epoll, &event, 1, 0), 0);
	sendto(sock, "2", 1, 0, NAME(name));
	CHECK_EQ(and_the_next, epoll_wait(epoll, &event, 1, 1000), 1);
	close(epoll);
	close(sock);
}

static void test_connected(void)
{
	int a = bound4(SOCK_DGRAM, "127.0.0.1"), b = bound4(SOCK_DGRAM, "127.0.0.1");
	int stranger = bound4(SOCK_DGRAM, "127.0.0.1");
	struct sockaddr_in name_a = v4("127.0.0.1", port_of(a));
	struct sockaddr_in name_b = v4("127.0.0.1", port_of(b));

	sendto(stranger, "early", 5, 0, NAME(name_a));
	CHECK_EQ(connect_a, connect(a, NAME(name_b)), 0);
	CHECK_EQ(what_came_before_stays, take(a), 5);
	sendto(stranger, "late", 4, 0, NAME(name_a));
	CHECK_ERRNO(strangers_are_not_heard, take(a), EAGAIN);
	CHECK_EQ(the_peer_is, sendto(b, "me", 2, 0, NAME(name_a)) == 2 && take(a) == 2, 1);
	CHECK_EQ(send_without_a_name, send(a, "you", 3, 0), 3);
	CHECK_EQ(it_arrives, take(b), 3);
	name_a = v4("127.0.0.1", port_of(stranger));
	CHECK_EQ(others_may_be_named, sendto(a, "you", 3, 0, NAME(name_a)), 3);
	CHECK_EQ(and_get_it, take(stranger), 3);
	CHECK_EQ(write_works, write(a, "w", 1), 1);
	CHECK_EQ(read_works, read(b, buffer, 10), 1);

	CHECK_EQ(shut_for_writing, shutdown(a, SHUT_WR), 0);
	CHECK_ERRNO(no_more_sending, send(a, "x", 1, MSG_NOSIGNAL), EPIPE);
	OUT("shut for writing: ready for 0x%x", ready(a));
	CHECK_EQ(shut_for_reading, shutdown(a, SHUT_RD), 0);
	OUT("shut for both: ready for 0x%x", ready(a));
	CHECK_EQ(reading_ends, recv(a, buffer, 10, 0), 0);
	CHECK_ERRNO(but_does_not_without_waiting, take(a), EAGAIN);
	close(a);
	close(b);
	close(stranger);
}

static void test_refused(void)
{
	int sock = bound4(SOCK_DGRAM, "127.0.0.1"), gone = bound4(SOCK_DGRAM, "127.0.0.1");
	struct sockaddr_in name = v4("127.0.0.1", port_of(gone));

	close(gone);
	CHECK_EQ(nobody_answers_the_unconnected, sendto(sock, "x", 1, 0, NAME(name)), 1);
	CHECK_EQ(nothing_is_pending, option_get(sock, SOL_SOCKET, SO_ERROR), 0);
	connect(sock, NAME(name));
	CHECK_EQ(the_first_is_sent, send(sock, "x", 1, 0), 1);
	OUT("refused: ready for 0x%x", ready(sock));
	CHECK_ERRNO(the_second_fails, send(sock, "x", 1, 0), ECONNREFUSED);
	CHECK_EQ(the_third_is_sent, send(sock, "x", 1, 0), 1);
	CHECK_ERRNO(receiving_fails, recv(sock, buffer, 1, 0), ECONNREFUSED);
	send(sock, "x", 1, 0);
	CHECK_EQ(so_error_tells, option_get(sock, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	CHECK_EQ(so_error_tells_once, option_get(sock, SOL_SOCKET, SO_ERROR), 0);
	close(sock);
}

static void error_tell(struct msghdr *message)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
		struct sock_extended_err *error = (void *)CMSG_DATA(at);
		struct sockaddr_in *offender = (void *)(error + 1);

		OUT("control %d %d of %zu: errno %u origin %u type %u code %u info %u by %d %s",
		    at->cmsg_level, at->cmsg_type, (size_t)at->cmsg_len, error->ee_errno,
		    error->ee_origin, error->ee_type, error->ee_code, error->ee_info,
		    offender->sin_family, inet_ntoa(offender->sin_addr));
	}
}

static void test_error_queue(void)
{
	int sock = bound4(SOCK_DGRAM, "127.0.0.1"), gone = bound4(SOCK_DGRAM, "127.0.0.1");
	struct sockaddr_in name = v4("127.0.0.1", port_of(gone)), told;
	char control[512];
	struct iovec part = { buffer, 100 };
	struct msghdr message = { .msg_name = &told, .msg_namelen = sizeof(told),
		                  .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
		                  .msg_controllen = sizeof(control) };

	close(gone);
	CHECK_ERRNO(no_error_yet, recvmsg(sock, &message, MSG_ERRQUEUE), EAGAIN);
	option_set(sock, SOL_IP, IP_RECVERR, 1);
	sendto(sock, "first", 5, 0, NAME(name));
	OUT("with an error ready for 0x%x", ready(sock));
	message.msg_controllen = sizeof(control);
	CHECK_EQ(the_message_comes_back, recvmsg(sock, &message, MSG_ERRQUEUE), 5);
	CHECK(it_is_that_message, !memcmp(buffer, "first", 5));
	OUT("flags 0x%x", message.msg_flags);
	CHECK(it_went_there, told.sin_port == name.sin_port &&
	      told.sin_addr.s_addr == name.sin_addr.s_addr);
	error_tell(&message);
	CHECK_EQ(nothing_is_pending_then, option_get(sock, SOL_SOCKET, SO_ERROR), 0);
	OUT("without ready for 0x%x", ready(sock));
	sendto(sock, "1", 1, 0, NAME(name));
	CHECK_ERRNO(the_unconnected_is_told_too, sendto(sock, "2", 1, 0, NAME(name)),
	            ECONNREFUSED);
	recvmsg(sock, &message, MSG_ERRQUEUE);

	option_set(sock, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	CHECK_EQ(all_of_the_mtu, sendto(sock, buffer, 65507, 0, NAME(name)), 65507);
	option_get(sock, SOL_SOCKET, SO_ERROR);
	CHECK_EQ(turned_off, option_set(sock, SOL_IP, IP_RECVERR, 0), 0);
	message.msg_controllen = sizeof(control);
	CHECK_ERRNO(the_queue_is_gone, recvmsg(sock, &message, MSG_ERRQUEUE), EAGAIN);
	close(sock);
}

static void test_buffers(void)
{
	int from = bound4(SOCK_DGRAM, "127.0.0.1"), to = bound4(SOCK_DGRAM, "127.0.0.1");
	struct sockaddr_in name = v4("127.0.0.1", port_of(to));
	int n = 0, sent = 0;

	option_set(to, SOL_SOCKET, SO_RCVBUF, 16384);
	OUT("a buffer of %d", option_get(to, SOL_SOCKET, SO_RCVBUF));
	while (sent < 1000 && sendto(from, buffer, 1000, 0, NAME(name)) == 1000)
		sent++;
	CHECK_EQ(the_sender_does_not_feel_it, sent, 1000);
	while (take(to) == 1000)
		n++;
	CHECK(the_buffer_is_bounded, n >= 10 && n <= 40);
	CHECK_EQ(there_is_room_again, sendto(from, "x", 1, 0, NAME(name)) == 1 && take(to) == 1, 1);
	close(from);
	close(to);
}

static void test_corked(void)
{
	int from = bound4(SOCK_DGRAM, "127.0.0.1"), to = bound4(SOCK_DGRAM, "127.0.0.1");
	struct sockaddr_in name = v4("127.0.0.1", port_of(to));

	connect(from, NAME(name));
	CHECK_EQ(more_waits, send(from, "one ", 4, MSG_MORE), 4);
	CHECK_ERRNO(nothing_has_come, take(to), EAGAIN);
	CHECK_EQ(the_last_goes, send(from, "two", 3, 0), 3);
	CHECK_EQ(they_come_as_one, take(to), 7);
	CHECK(in_order, !memcmp(buffer, "one two", 7));
	CHECK_EQ(cork, option_set(from, IPPROTO_UDP, UDP_CORK, 1), 0);
	send(from, "a", 1, 0);
	send(from, "b", 1, 0);
	CHECK_ERRNO(nothing_has_come_yet, take(to), EAGAIN);
	CHECK_EQ(uncork, option_set(from, IPPROTO_UDP, UDP_CORK, 0), 0);
	CHECK_EQ(both_come, take(to), 2);
	uint16_t segment = 100;
	CHECK_EQ(segments, option_set(from, IPPROTO_UDP, UDP_SEGMENT, segment), 0);
	CHECK_EQ(a_large_one_is_cut, send(from, buffer, 250, 0), 250);
	CHECK_EQ(into_segments, take(to) == 100 && take(to) == 100 && take(to) == 50, 1);
	close(from);
	close(to);
}

static void test_sharing(void)
{
	int socks[3], got = 0, busy = 0;
	struct sockaddr_in name = v4("127.0.0.1", 0);

	for (int i = 0; i < 3; i++) {
		socks[i] = socket(AF_INET, SOCK_DGRAM, 0);
		option_set(socks[i], SOL_SOCKET, SO_REUSEPORT, 1);
		CHECK_EQ(a_port_is_shared, bind(socks[i], NAME(name)), 0);
		name.sin_port = htons(port_of(socks[0]));
	}
	for (int i = 0; i < 60; i++) {
		int from = bound4(SOCK_DGRAM, "127.0.0.1");

		sendto(from, "x", 1, 0, NAME(name));
		close(from);
	}
	for (int i = 0; i < 3; i++) {
		int before = got;

		while (take(socks[i]) == 1)
			got++;
		busy += got > before;
	}
	CHECK_EQ(each_message_comes_once, got, 60);
	CHECK(several_get_some, busy > 1);
	int other = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_ERRNO(who_does_not_share_may_not, bind(other, NAME(name)), EADDRINUSE);
	close(other);
	for (int i = 0; i < 3; i++)
		close(socks[i]);

	int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);

	option_set(a, SOL_SOCKET, SO_REUSEADDR, 1);
	option_set(b, SOL_SOCKET, SO_REUSEADDR, 1);
	name = v4("0.0.0.0", 0);
	CHECK_EQ(bind_one, bind(a, NAME(name)), 0);
	name = v4("127.0.0.1", port_of(a));
	CHECK_EQ(reuse_the_address, bind(b, NAME(name)), 0);
	int from = socket(AF_INET, SOCK_DGRAM, 0);

	sendto(from, "x", 1, 0, NAME(name));
	CHECK_EQ(the_more_particular_gets_it, take(b), 1);
	name = v4("127.0.0.2", port_of(a));
	sendto(from, "x", 1, 0, NAME(name));
	CHECK_EQ(the_other_what_is_left, take(a), 1);
	close(a);
	close(b);
	close(from);
}

static void test_unreachable(void)
{
	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in name = v4("192.0.2.1", 9);

	CHECK_ERRNO(no_way_there, sendto(sock, "x", 1, 0, NAME(name)), ENETUNREACH);
	CHECK_ERRNO(no_way_to_connect, connect(sock, NAME(name)), ENETUNREACH);
	name = v4("127.255.255.255", 9);
	CHECK_ERRNO(broadcast_is_not_for_all, sendto(sock, "x", 1, 0, NAME(name)), EACCES);
	option_set(sock, SOL_SOCKET, SO_BROADCAST, 1);
	CHECK_EQ(but_for_who_asks, sendto(sock, "x", 1, 0, NAME(name)), 1);
	close(sock);
}

int main(void)
{
	CHECK(loopback_is_up, loopback_up());
	test_making();
	test_names();
	test_messages();
	test_waiting();
	test_connected();
	test_refused();
	test_error_queue();
	test_buffers();
	test_corked();
	test_sharing();
	test_unreachable();
	return 0;
}
