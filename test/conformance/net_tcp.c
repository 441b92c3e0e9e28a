/*
 * net_tcp.c - TCP connections: creation, names, connect, accept, halves that are shut, resets,
 * lingering, and the errors of each call in each state.
 */
#define _GNU_SOURCE
#include "check.h"
#include "net.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>

static volatile sig_atomic_t broken_pipes;

static void count_broken_pipe(int signal)
{
	(void)signal;
	broken_pipes++;
}

static void check_creation(void)
{
	union net_address address;
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(stream_socket_is_made, fd >= 0);
	CHECK_EQ(type_is_told, net_option(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	CHECK_EQ(protocol_is_told, net_option(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	CHECK_EQ(domain_is_told, net_option(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
	CHECK_EQ(fresh_socket_does_not_listen, net_option(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
	CHECK_EQ(fresh_socket_has_no_error, net_error(fd), 0);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	CHECK_EQ(socket_is_made_nonblocking, fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	CHECK_EQ(socket_is_made_close_on_exec, fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fresh_socket_has_a_name, getsockname(fd, &address.any, &size), 0);
	CHECK_EQ(size_of_the_name_is_told, size, 16);
	CHECK(fresh_name_is_nothing, address.in.sin_family == AF_INET && !address.in.sin_port &&
	      !address.in.sin_addr.s_addr);
	CHECK_ERRNO(fresh_socket_has_no_peer, getpeername(fd, &address.any, &size), ENOTCONN);
	CHECK_EQ(fresh_socket_hangs_up, net_events(fd), POLLOUT | POLLHUP);
	close(fd);
	CHECK_ERRNO(stream_of_udp_is_EPROTONOSUPPORT, socket(AF_INET, SOCK_STREAM, IPPROTO_UDP),
		    EPROTONOSUPPORT);
	CHECK_ERRNO(datagrams_of_tcp_are_EPROTONOSUPPORT, socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP),
		    EPROTONOSUPPORT);
	CHECK_ERRNO(seqpacket_is_ESOCKTNOSUPPORT, socket(AF_INET, SOCK_SEQPACKET, 0),
		    ESOCKTNOSUPPORT);
	CHECK_ERRNO(type_zero_is_ESOCKTNOSUPPORT, socket(AF_INET, 0, 0), ESOCKTNOSUPPORT);
	CHECK_ERRNO(no_type_is_EINVAL, socket(AF_INET, 13, 0), EINVAL);
	CHECK_ERRNO(large_protocol_is_EINVAL, socket(AF_INET, SOCK_STREAM, 4096), EINVAL);
	CHECK_ERRNO(negative_protocol_is_EINVAL, socket(AF_INET, SOCK_STREAM, -1), EINVAL);
	CHECK_ERRNO(no_family_is_EAFNOSUPPORT, socket(1000, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERRNO(pair_of_inet_is_EOPNOTSUPP,
		    socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){ 0 }), EOPNOTSUPP);
}

static void check_unconnected(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char byte;

	CHECK_ERRNO(read_of_an_unconnected_socket_is_ENOTCONN, read(fd, &byte, 1), ENOTCONN);
	CHECK_ERRNO(send_of_an_unconnected_socket_is_EPIPE, net_send(fd, "x", 1), EPIPE);
	broken_pipes = 0;
	CHECK_ERRNO(write_of_an_unconnected_socket_is_EPIPE, write(fd, "x", 1), EPIPE);
	CHECK_EQ(write_of_an_unconnected_socket_raises_SIGPIPE, broken_pipes, 1);
	CHECK_ERRNO(shutdown_of_an_unconnected_socket_is_ENOTCONN, shutdown(fd, SHUT_WR), ENOTCONN);
	CHECK_ERRNO(shutdown_of_nothing_is_EINVAL, shutdown(fd, 3), EINVAL);
	CHECK_ERRNO(accept_of_who_does_not_listen_is_EINVAL, accept(fd, NULL, NULL), EINVAL);
	CHECK_ERRNO(accept_with_unknown_flags_is_EINVAL,
		    syscall(SYS_accept4, fd, NULL, NULL, 1), EINVAL);
	CHECK_ERRNO(out_of_band_of_an_unconnected_socket,
		    recv(fd, &byte, 1, MSG_OOB), EINVAL);
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_ERRNO(accept_of_datagrams_is_EOPNOTSUPP, accept(fd, NULL, NULL), EOPNOTSUPP);
	CHECK_ERRNO(listen_of_datagrams_is_EOPNOTSUPP, listen(fd, 1), EOPNOTSUPP);
	close(fd);
}

static void check_names(void)
{
	union net_address address = net_ipv4("127.0.0.1", 0), other;
	int fd = socket(AF_INET, SOCK_STREAM, 0), second;

	CHECK_ERRNO(bind_of_a_short_address_is_EINVAL, bind(fd, &address.any, 8), EINVAL);
	other = net_ipv4("8.8.8.8", 0);
	CHECK_ERRNO(bind_of_a_foreign_address_is_EADDRNOTAVAIL, net_bind(fd, other), EADDRNOTAVAIL);
	other = net_ipv6("::1", 0);
	CHECK_ERRNO(bind_of_another_family_is_EAFNOSUPPORT, net_bind(fd, other), EAFNOSUPPORT);
	CHECK_EQ(bind_finds_a_port, net_bind(fd, address), 0);
	other = net_name(fd);
	CHECK(found_port_is_of_the_range, net_port(other) >= 32768 && net_port(other) <= 60999);
	CHECK_EQ(bound_address_is_told, ntohl(other.in.sin_addr.s_addr), INADDR_LOOPBACK);
	CHECK_ERRNO(second_bind_is_EINVAL, net_bind(fd, address), EINVAL);
	second = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERRNO(bind_of_a_taken_port_is_EADDRINUSE, net_bind(second, other), EADDRINUSE);
	CHECK_ERRNO(connect_to_who_does_not_listen_is_ECONNREFUSED, net_connect(second, other),
		    ECONNREFUSED);
	CHECK_EQ(refusal_is_told_once, net_error(second), 0);
	CHECK_EQ(refused_socket_hangs_up, net_events(second), POLLOUT | POLLHUP);
	CHECK_EQ(other_port_of_the_same_address, listen(fd, 1), 0);
	CHECK_EQ(refused_socket_may_connect_again, net_connect(second, other), 0);
	close(second);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	other = net_ipv4("0.0.0.0", 0);
	other.any.sa_family = AF_UNSPEC;
	CHECK_EQ(any_address_may_be_of_no_family, bind(fd, &other.any, sizeof(other.in)), 0);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(listen_finds_a_port, listen(fd, 1), 0);
	other = net_name(fd);
	CHECK(found_port_is_told, net_port(other) != 0 && !other.in.sin_addr.s_addr);
	CHECK_EQ(listener_tells_so, net_option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
	CHECK_EQ(listen_again_changes_the_backlog, listen(fd, 5), 0);
	CHECK_ERRNO(listener_does_not_connect, net_connect(fd, other), EISCONN);
	CHECK_ERRNO(listener_is_not_read, read(fd, &(char){ 0 }, 1), ENOTCONN);
	CHECK_ERRNO(listener_is_not_written, net_send(fd, "x", 1), EPIPE);
	CHECK_ERRNO(listener_has_no_peer,
		    getpeername(fd, &other.any, &(socklen_t){ sizeof(other) }), ENOTCONN);
	close(fd);
}

static void check_connect_errors(void)
{
	int listener = net_listener(5), fd = socket(AF_INET, SOCK_STREAM, 0);
	union net_address address = net_name(listener), other = net_ipv6("::1", net_port(address));

	CHECK_ERRNO(connect_of_a_short_address_is_EINVAL, connect(fd, &address.any, 8), EINVAL);
	CHECK_ERRNO(connect_of_another_family_is_EAFNOSUPPORT, net_connect(fd, other),
		    EAFNOSUPPORT);
	CHECK_ERRNO(connect_to_a_network_is_ENETUNREACH,
		    net_connect(fd, net_ipv4("255.255.255.255", 9)), ENETUNREACH);
	CHECK_EQ(failed_connects_do_no_harm, net_connect(fd, address), 0);
	CHECK_ERRNO(second_connect_is_EISCONN, net_connect(fd, address), EISCONN);
	CHECK_ERRNO(connected_socket_does_not_listen, listen(fd, 1), EINVAL);
	CHECK_ERRNO(connected_socket_is_not_bound, net_bind(fd, net_ipv4("127.0.0.1", 0)), EINVAL);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(any_address_is_the_loopback,
		 net_connect(fd, net_ipv4("0.0.0.0", net_port(address))), 0);
	CHECK_EQ(peer_is_the_loopback, ntohl(net_peer(fd).in.sin_addr.s_addr), INADDR_LOOPBACK);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(bound_socket_connects, net_bind(fd, net_ipv4("127.0.0.2", 0)) ||
		 net_connect(fd, address), 0);
	CHECK_EQ(its_address_stays, ntohl(net_name(fd).in.sin_addr.s_addr), 0x7f000002);
	close(fd);
	close(listener);
}

static void check_nonblocking_connect(void)
{
	int listener = net_listener(5), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	union net_address address = net_name(listener), closed = address;

	CHECK_ERRNO(connect_that_would_wait_is_EINPROGRESS, net_connect(fd, address), EINPROGRESS);
	CHECK_EQ(then_it_is_writable, net_events_with(fd, POLLOUT), POLLOUT);
	CHECK_EQ(then_it_has_no_error, net_error(fd), 0);
	CHECK_EQ(then_connect_tells_success, net_connect(fd, address), 0);
	CHECK_ERRNO(and_only_then_EISCONN, net_connect(fd, address), EISCONN);
	close(fd);
	close(listener);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK_ERRNO(refused_connect_is_EINPROGRESS_first, net_connect(fd, closed), EINPROGRESS);
	CHECK_EQ(refusal_wakes_poll, net_events_with(fd, POLLERR),
		 POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
	CHECK_EQ(refusal_is_the_error, net_error(fd), ECONNREFUSED);
	CHECK_EQ(error_is_read_once, net_error(fd), 0);
	CHECK_EQ(afterwards_it_only_hangs_up, net_events(fd),
		 POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	net_connect(fd, closed);
	net_events_with(fd, POLLERR);
	CHECK_ERRNO(connect_tells_the_refusal_too, net_connect(fd, closed), ECONNREFUSED);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	net_connect(fd, closed);
	net_events_with(fd, POLLERR);
	CHECK_ERRNO(read_tells_the_refusal_too, read(fd, &(char){ 0 }, 1), ECONNREFUSED);
	CHECK_EQ(then_there_is_only_the_end, read(fd, &(char){ 0 }, 1), 0);
	CHECK_ERRNO(and_nothing_can_be_sent, net_send(fd, "x", 1), EPIPE);
	close(fd);
}

static void check_accept(void)
{
	int listener = net_listener(5), client = net_client(listener, 0), fd;
	union net_address address;
	socklen_t size = sizeof(address);

	fcntl(listener, F_SETFL, O_NONBLOCK);
	CHECK_EQ(listener_with_a_client_is_readable, net_events_with(listener, POLLIN), POLLIN);
	fd = accept4(listener, &address.any, &size, SOCK_CLOEXEC);
	CHECK(accept_gives_a_connection, fd >= 0);
	CHECK_EQ(accepted_address_has_its_size, size, sizeof(address.in));
	CHECK_EQ(accepted_address_is_the_clients, net_port(address), net_port(net_name(client)));
	CHECK_EQ(accepted_socket_is_close_on_exec, fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(accepted_socket_blocks, fcntl(fd, F_GETFL), O_RDWR);
	CHECK_EQ(accepted_socket_has_the_listeners_port, net_port(net_name(fd)),
		 net_port(net_name(listener)));
	CHECK_EQ(client_sees_the_listeners_port, net_port(net_peer(client)),
		 net_port(net_name(listener)));
	CHECK_EQ(empty_listener_is_not_ready, net_events(listener), 0);
	CHECK_ERRNO(accept_of_nobody_is_EAGAIN, accept(listener, NULL, NULL), EAGAIN);
	close(fd);
	close(client);
	client = net_client(listener, 0);
	net_events_with(listener, POLLIN);
	size = 4;
	memset(&address, 0xff, sizeof(address));
	fd = accept4(listener, &address.any, &size, SOCK_NONBLOCK);
	CHECK_EQ(cut_address_tells_its_size, size, sizeof(address.in));
	CHECK(cut_address_is_cut, address.storage.__ss_padding[2] == (char)0xff);
	CHECK_EQ(accepted_socket_is_nonblocking, fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
	close(fd);
	close(client);
	client = net_client(listener, 0);
	net_events_with(listener, POLLIN);
	CHECK_ERRNO(accept_into_nowhere_is_EFAULT, accept(listener, (void *)8, &size), EFAULT);
	close(client);
	client = net_client(listener, 0);
	close(listener);
	CHECK_EQ(closed_listener_resets_who_waits, net_events_with(client, POLLERR),
		 POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
	CHECK_ERRNO(reset_is_ECONNRESET, read(client, &(char){ 0 }, 1), ECONNRESET);
	close(client);
}

static void check_end_of_one_side(void)
{
	int pair[2];
	char text[8];

	net_pair(pair);
	net_send(pair[0], "last", 4);
	CHECK_EQ(sending_side_can_be_shut, shutdown(pair[0], SHUT_WR), 0);
	CHECK_EQ(data_come_before_the_end, read(pair[1], text, 8), 4);
	CHECK_EQ(end_is_zero, read(pair[1], text, 8), 0);
	CHECK_EQ(end_stays_zero, read(pair[1], text, 8), 0);
	CHECK_EQ(end_is_readable, net_events(pair[1]), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(who_has_shut_is_still_written_to, net_send(pair[1], "answer", 6), 6);
	CHECK_EQ(and_still_reads, read(pair[0], text, 8), 6);
	CHECK_ERRNO(shut_side_does_not_send, net_send(pair[0], "x", 1), EPIPE);
	broken_pipes = 0;
	CHECK_ERRNO(shut_side_does_not_write, write(pair[0], "x", 1), EPIPE);
	CHECK_EQ(shut_side_raises_SIGPIPE, broken_pipes, 1);
	CHECK_EQ(side_can_be_shut_twice, shutdown(pair[0], SHUT_WR), 0);
	close(pair[1]);
	CHECK_EQ(both_ends_hang_up,
		 net_events_become(pair[0], POLLIN | POLLOUT | POLLHUP | POLLRDHUP),
		 POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	CHECK_EQ(closed_peer_is_an_end, read(pair[0], text, 8), 0);
	CHECK_ERRNO(shutdown_after_the_end_is_ENOTCONN, shutdown(pair[0], SHUT_RDWR), ENOTCONN);
	CHECK_ERRNO(ended_socket_has_no_peer,
		    getpeername(pair[0], &(struct sockaddr){ 0 }, &(socklen_t){ 16 }), ENOTCONN);
	close(pair[0]);
}

static void check_shut_reading(void)
{
	int pair[2];
	char text[8];

	net_pair(pair);
	CHECK_EQ(reading_side_can_be_shut, shutdown(pair[0], SHUT_RD), 0);
	CHECK_EQ(shut_reader_sees_the_end, read(pair[0], text, 8), 0);
	CHECK_EQ(shut_reader_polls_the_end, net_events(pair[0]), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(peer_does_not_notice, net_events(pair[1]), POLLOUT);
	CHECK_EQ(peer_may_write, net_send(pair[1], "data", 4), 4);
	net_events_with(pair[0], POLLIN);
	usleep(NET_SETTLE_US);
	CHECK_EQ(shut_reader_still_gets_data, read(pair[0], text, 8), 4);
	CHECK_EQ(then_the_end_again, read(pair[0], text, 8), 0);
	CHECK_EQ(shut_reader_may_write, net_send(pair[0], "x", 1), 1);
	CHECK_EQ(both_can_be_shut, shutdown(pair[0], SHUT_RDWR), 0);
	CHECK_EQ(own_shutdown_hangs_up, net_events(pair[0]),
		 POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	CHECK_EQ(peer_sees_an_end, net_events_become(pair[1], POLLIN | POLLOUT | POLLRDHUP),
		 POLLIN | POLLOUT | POLLRDHUP);
	net_pair_close(pair);
}

static void check_resets(void)
{
	const int all = POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP;
	int pair[2];
	char text[8];

	net_pair(pair);
	net_reset(pair[1]);
	CHECK_EQ(reset_wakes_poll, net_events_with(pair[0], POLLERR), all);
	CHECK_ERRNO(reset_is_read_as_ECONNRESET, read(pair[0], text, 8), ECONNRESET);
	CHECK_EQ(then_as_the_end, read(pair[0], text, 8), 0);
	CHECK_ERRNO(then_writes_are_EPIPE, net_send(pair[0], "x", 1), EPIPE);
	CHECK_EQ(then_there_is_no_error, net_events(pair[0]), all & ~POLLERR);
	close(pair[0]);
	net_pair(pair);
	net_reset(pair[1]);
	net_events_with(pair[0], POLLERR);
	CHECK_ERRNO(reset_is_written_as_ECONNRESET, net_send(pair[0], "x", 1), ECONNRESET);
	CHECK_ERRNO(and_then_as_EPIPE, net_send(pair[0], "x", 1), EPIPE);
	close(pair[0]);
	net_pair(pair);
	net_send(pair[1], "data", 4);
	net_events_with(pair[0], POLLIN);
	net_reset(pair[1]);
	net_events_with(pair[0], POLLERR);
	CHECK_EQ(reset_is_the_error, net_error(pair[0]), ECONNRESET);
	CHECK_EQ(data_before_the_reset_are_read, read(pair[0], text, 8), 4);
	close(pair[0]);
	net_pair(pair);
	net_send(pair[0], "unread", 6);
	net_events_with(pair[1], POLLIN);
	close(pair[1]);
	CHECK_EQ(close_with_unread_data_resets, net_events_with(pair[0], POLLERR), all);
	CHECK_EQ(and_that_is_the_error, net_error(pair[0]), ECONNRESET);
	close(pair[0]);
	net_pair(pair);
	close(pair[1]);
	net_events_with(pair[0], POLLRDHUP);
	CHECK_EQ(first_write_to_a_closed_peer, net_send(pair[0], "x", 1), 1);
	CHECK_EQ(it_is_answered_by_a_reset, net_events_with(pair[0], POLLERR), all);
	CHECK_EQ(which_is_a_broken_pipe, net_error(pair[0]), EPIPE);
	broken_pipes = 0;
	CHECK_ERRNO(second_write_to_a_closed_peer, write(pair[0], "x", 1), EPIPE);
	CHECK_EQ(second_write_raises_SIGPIPE, broken_pipes, 1);
	close(pair[0]);
}

static void check_disconnect(void)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int listener = net_listener(5), client = net_client(listener, 0);
	int server = accept(listener, NULL, NULL);

	CHECK_EQ(connection_can_be_dissolved, connect(client, &none, sizeof(none)), 0);
	CHECK_ERRNO(dissolved_socket_has_no_peer,
		    getpeername(client, &(struct sockaddr){ 0 }, &(socklen_t){ 16 }), ENOTCONN);
	CHECK_ERRNO(peer_of_a_dissolved_socket_is_reset, read(server, &(char){ 0 }, 1), ECONNRESET);
	CHECK_EQ(dissolved_socket_may_connect, net_connect(client, net_name(listener)), 0);
	close(server);
	close(client);
	CHECK_EQ(listener_can_be_dissolved, connect(listener, &none, sizeof(none)), 0);
	CHECK_EQ(then_it_listens_no_longer, net_option(listener, SOL_SOCKET, SO_ACCEPTCONN), 0);
	close(listener);
	listener = net_listener(5);
	CHECK_EQ(listener_can_be_shut, shutdown(listener, SHUT_RD), 0);
	CHECK_EQ(shut_listener_does_not_listen, net_option(listener, SOL_SOCKET, SO_ACCEPTCONN), 0);
	CHECK_ERRNO(shut_listener_does_not_accept, accept(listener, NULL, NULL), EINVAL);
	CHECK_EQ(shut_listener_may_listen_again, listen(listener, 5), 0);
	CHECK_EQ(shutting_its_writing_does_nothing, shutdown(listener, SHUT_WR), 0);
	CHECK_EQ(it_still_listens, net_option(listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
	close(listener);
}

static void check_lingering(void)
{
	struct linger linger = { 0 };
	socklen_t size = sizeof(linger);
	int pair[2];
	char text[4096];

	net_pair(pair);
	getsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, &size);
	CHECK(sockets_do_not_linger, !linger.l_onoff && !linger.l_linger && size == sizeof(linger));
	net_linger(pair[0], 7, 5);
	getsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, &size);
	CHECK(lingering_is_told, linger.l_onoff == 1 && linger.l_linger == 5);
	net_send(pair[0], "data", 4);
	long start = net_now_ms();
	close(pair[0]);
	CHECK(lingering_does_not_wait_for_nothing, net_now_ms() - start < 3000);
	CHECK_EQ(lingering_data_arrive, read(pair[1], text, sizeof(text)), 4);
	CHECK_EQ(then_the_end, read(pair[1], text, sizeof(text)), 0);
	close(pair[1]);
	net_pair(pair);
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	while (net_send(pair[0], text, sizeof(text)) > 0)
		;
	net_linger(pair[0], 1, 1);
	fcntl(pair[0], F_SETFL, 0);
	start = net_now_ms();
	close(pair[0]);
	start = net_now_ms() - start;
	CHECK(lingering_waits_for_what_is_not_read, start >= 900 && start < 10000);
	close(pair[1]);
	CHECK_ERRNO(short_linger_is_EINVAL,
		    setsockopt(pair[0] = socket(AF_INET, SOCK_STREAM, 0), SOL_SOCKET, SO_LINGER,
			       &linger, 4), EINVAL);
	close(pair[0]);
}

static void check_inherited(void)
{
	int listener = net_listener(5), client, server;

	net_set(listener, SOL_SOCKET, SO_KEEPALIVE, 1);
	net_set(listener, IPPROTO_TCP, TCP_NODELAY, 1);
	net_set(listener, IPPROTO_TCP, TCP_KEEPIDLE, 77);
	net_set(listener, IPPROTO_IP, IP_TTL, 99);
	net_set(listener, IPPROTO_IP, IP_TOS, 0x10);
	net_timeout(listener, SO_RCVTIMEO, 1500);
	client = net_client(listener, 0);
	server = accept(listener, NULL, NULL);
	CHECK_EQ(keepalive_is_inherited, net_option(server, SOL_SOCKET, SO_KEEPALIVE), 1);
	CHECK_EQ(nodelay_is_inherited, net_option(server, IPPROTO_TCP, TCP_NODELAY), 1);
	CHECK_EQ(keepidle_is_inherited, net_option(server, IPPROTO_TCP, TCP_KEEPIDLE), 77);
	CHECK_EQ(ttl_is_inherited, net_option(server, IPPROTO_IP, IP_TTL), 99);
	CHECK_EQ(tos_is_inherited, net_option(server, IPPROTO_IP, IP_TOS), 0x10);
	struct timeval limit = { 0 };
	getsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &limit, &(socklen_t){ sizeof(limit) });
	CHECK(time_limits_are_inherited, limit.tv_sec == 1 && limit.tv_usec == 500000);
	close(server);
	close(client);
	close(listener);
}

int main(void)
{
	signal(SIGPIPE, count_broken_pipe);
	net_up();
	check_creation();
	check_unconnected();
	check_names();
	check_connect_errors();
	check_nonblocking_connect();
	check_accept();
	check_end_of_one_side();
	check_shut_reading();
	check_resets();
	check_disconnect();
	check_lingering();
	check_inherited();
	return 0;
}
