/*
 * The states of a TCP connection, as a program sees them: what poll(2) says, what calls return and
 * which error is pending, at each step of a connection's life, over loopback.
 */
#define _GNU_SOURCE
#include "check.h"
#include "tcp.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/time.h>

static void check_fresh(void)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	char byte;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_EQ(fresh_socket_is_hung_up_and_writable, events_of(fd), POLLOUT | POLLHUP);
	CHECK_EQ(fresh_socket_is_closed, state_of(fd), TCP_CLOSE);
	CHECK_ERRNO(fresh_socket_does_not_receive, recv(fd, &byte, 1, 0), ENOTCONN);
	CHECK_ERRNO(fresh_socket_does_not_send, send_quiet(fd, "x", 1), EPIPE);
	CHECK_ERRNO(fresh_socket_has_no_peer,
		    getpeername(fd, (struct sockaddr *)&address, &size), ENOTCONN);
	CHECK_ERRNO(fresh_socket_does_not_accept, accept(fd, NULL, NULL), EINVAL);
	CHECK_ERRNO(fresh_socket_is_not_shut_down, shutdown(fd, SHUT_RDWR), ENOTCONN);
	CHECK_EQ(fresh_socket_shut_down_all_the_same, events_of(fd),
		 POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	close(fd);
}

static void check_bind(void)
{
	struct sockaddr_in address = loopback(0);
	int a = socket(AF_INET, SOCK_STREAM, 0), b = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_ERRNO(bind_wants_a_whole_address, bind(a, (struct sockaddr *)&address, 8), EINVAL);
	address.sin_addr.s_addr = htonl(0x01020304);
	CHECK_ERRNO(bind_wants_an_own_address,
		    bind(a, (struct sockaddr *)&address, sizeof(address)), EADDRNOTAVAIL);
	address = loopback(0);
	CHECK_EQ(bind_gives_a_port, bind(a, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK(port_is_not_zero, port_of(a) > 0);
	CHECK_ERRNO(bind_happens_once, bind(a, (struct sockaddr *)&address, sizeof(address)),
		    EINVAL);
	address = loopback(port_of(a));
	CHECK_ERRNO(port_is_taken, bind(b, (struct sockaddr *)&address, sizeof(address)),
		    EADDRINUSE);
	address.sin_family = AF_INET6;
	CHECK_ERRNO(bind_wants_the_own_family,
		    bind(b, (struct sockaddr *)&address, sizeof(address)), EAFNOSUPPORT);
	close(a);
	close(b);
}

static void check_reuse(void)
{
	struct sockaddr_in address = loopback(0);
	int on = 1, a = socket(AF_INET, SOCK_STREAM, 0), b = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	bind(a, (struct sockaddr *)&address, sizeof(address));
	address = loopback(port_of(a));
	CHECK_EQ(two_may_reuse_an_address,
		 bind(b, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_EQ(the_first_listens, listen(a, 1), 0);
	CHECK_ERRNO(the_second_does_not, listen(b, 1), EADDRINUSE);
	close(a);
	CHECK_EQ(until_the_first_is_gone, listen(b, 1), 0);
	close(b);
}

static void check_reuse_port(void)
{
	struct sockaddr_in address = loopback(0);
	int on = 1, a = socket(AF_INET, SOCK_STREAM, 0), b = socket(AF_INET, SOCK_STREAM, 0);
	int nr[2] = { 0, 0 }, fds[64], got;

	setsockopt(a, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	setsockopt(b, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	bind(a, (struct sockaddr *)&address, sizeof(address));
	address = loopback(port_of(a));
	CHECK_EQ(two_may_reuse_a_port, bind(b, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_EQ(the_first_of_two_listens, listen(a, 64), 0);
	CHECK_EQ(so_does_the_second, listen(b, 64), 0);
	for (int i = 0; i < 64; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		connect_to(fds[i], port_of(a));
	}
	fcntl(a, F_SETFL, O_NONBLOCK);
	fcntl(b, F_SETFL, O_NONBLOCK);
	usleep(10000);
	while ((got = accept(a, NULL, NULL)) >= 0)
		nr[0]++, close(got);
	while ((got = accept(b, NULL, NULL)) >= 0)
		nr[1]++, close(got);
	CHECK_EQ(all_connections_are_somebodys, nr[0] + nr[1], 64);
	CHECK(both_get_some, nr[0] > 4 && nr[1] > 4);
	for (int i = 0; i < 64; i++)
		close(fds[i]);
	close(a);
	close(b);
}

static void check_listen(void)
{
	int fd = listener_open(1), port = port_of(fd), other, got;
	char byte;

	CHECK_EQ(listener_has_no_events, events_of(fd), 0);
	CHECK_EQ(listener_listens, state_of(fd), TCP_LISTEN);
	CHECK_ERRNO(listener_does_not_receive, recv(fd, &byte, 1, 0), ENOTCONN);
	CHECK_ERRNO(listener_does_not_send, send_quiet(fd, "x", 1), EPIPE);
	CHECK_ERRNO(listener_does_not_connect, connect_to(fd, port), EISCONN);
	CHECK_EQ(listener_may_listen_again, listen(fd, 5), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	CHECK_ERRNO(accept_without_a_connection, accept(fd, NULL, NULL), EAGAIN);
	other = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(connect_succeeds_before_accept, connect_to(other, port), 0);
	CHECK_EQ(listener_is_readable, events_become(fd, POLLIN), POLLIN);
	CHECK_EQ(data_may_be_sent_before_accept, send_quiet(other, "early", 5), 5);
	got = accept(fd, NULL, NULL);
	CHECK(accept_gives_a_descriptor, got >= 0);
	CHECK_EQ(accepted_is_established, state_of(got), TCP_ESTABLISHED);
	CHECK_EQ(accepted_is_blocking, fcntl(got, F_GETFL) & O_NONBLOCK, 0);
	CHECK_EQ(early_data_is_there, events_become(got, POLLIN), POLLIN | POLLOUT);
	CHECK_EQ(shutdown_of_a_listener, shutdown(fd, SHUT_RD), 0);
	CHECK_EQ(listener_is_closed_then, state_of(fd), TCP_CLOSE);
	CHECK_ERRNO(and_does_not_accept, accept(fd, NULL, NULL), EINVAL);
	close(fd);
	close(other);
	close(got);
}

static void check_unaccepted(void)
{
	int fd = listener_open(4), other = socket(AF_INET, SOCK_STREAM, 0);
	char byte;

	connect_to(other, port_of(fd));
	close(fd);
	CHECK_EQ(closed_listener_resets_who_waits, events_become(other, POLLERR),
		 POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
	CHECK_ERRNO(who_waited_is_told, recv(other, &byte, 1, 0), ECONNRESET);
	CHECK_EQ(and_once_only, recv(other, &byte, 1, 0), 0);
	CHECK_ERRNO(sending_then_is_a_broken_pipe, send_quiet(other, "x", 1), EPIPE);
	close(other);
}

static void check_refused(void)
{
	int fd = listener_open(1), port = port_of(fd), other;
	char byte;

	close(fd);
	other = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERRNO(nobody_listens, connect_to(other, port), ECONNREFUSED);
	CHECK_EQ(blocking_refusal_leaves_no_error, error_of(other), 0);
	CHECK_EQ(refused_socket_is_fresh, events_of(other), POLLOUT | POLLHUP);
	CHECK_ERRNO(connect_may_be_tried_again, connect_to(other, port), ECONNREFUSED);
	fcntl(other, F_SETFL, O_NONBLOCK);
	CHECK_ERRNO(nonblocking_connect_is_in_progress, connect_to(other, port), EINPROGRESS);
	CHECK_EQ(refusal_is_an_event, events_become(other, POLLERR),
		 POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
	CHECK_EQ(refusal_is_pending, error_of(other), ECONNREFUSED);
	CHECK_EQ(refusal_is_told_once, error_of(other), 0);
	CHECK_EQ(refused_socket_has_ended, recv(other, &byte, 1, 0), 0);
	CHECK_ERRNO(next_connect_says_aborted, connect_to(other, port), ECONNABORTED);
	CHECK_ERRNO(then_it_may_begin_anew, connect_to(other, port), EINPROGRESS);
	events_become(other, POLLERR);
	CHECK_ERRNO(next_connect_tells_the_error, connect_to(other, port), ECONNREFUSED);
	close(other);
}

static void check_connect(void)
{
	int fd = listener_open(4), port = port_of(fd), other = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = loopback(port);

	CHECK_ERRNO(connect_wants_an_address, connect(other, (struct sockaddr *)&address, 1),
		    EINVAL);
	CHECK_ERRNO(connect_wants_a_whole_address, connect(other, (struct sockaddr *)&address, 8),
		    EINVAL);
	address.sin_family = AF_UNIX;
	CHECK_ERRNO(connect_wants_the_own_family,
		    connect(other, (struct sockaddr *)&address, sizeof(address)), EAFNOSUPPORT);
	fcntl(other, F_SETFL, O_NONBLOCK);
	CHECK_ERRNO(connect_without_blocking, connect_to(other, port), EINPROGRESS);
	CHECK_EQ(connected_socket_is_writable, events_become(other, POLLOUT), POLLOUT);
	CHECK_EQ(connected_without_error, error_of(other), 0);
	CHECK_EQ(connect_tells_success_once, connect_to(other, port), 0);
	CHECK_ERRNO(connect_happens_once, connect_to(other, port), EISCONN);
	CHECK_EQ(disconnected_by_no_family, disconnect(other), 0);
	CHECK_EQ(disconnected_is_closed, state_of(other), TCP_CLOSE);
	close(other);
	other = accept(fd, NULL, NULL);
	CHECK_EQ(peer_is_reset_by_a_disconnect, events_become(other, POLLERR),
		 POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
	close(other);
	close(fd);
}

static void check_data(void)
{
	char buf[32];
	int pair[2], n = -1, low = 4;

	pair_open(pair);
	CHECK_EQ(quiet_connection_is_writable, events_of(pair[0]), POLLOUT);
	CHECK_ERRNO(nothing_to_read, recv(pair[0], buf, 32, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(bytes_are_sent, send(pair[1], "abcdef", 6, 0), 6);
	CHECK_EQ(bytes_are_readable, events_become(pair[0], POLLIN), POLLIN | POLLOUT);
	ioctl(pair[0], FIONREAD, &n);
	CHECK_EQ(bytes_are_counted, n, 6);
	CHECK_EQ(peek_sees_them, recv(pair[0], buf, 32, MSG_PEEK), 6);
	CHECK_EQ(peek_leaves_them, recv(pair[0], buf, 2, 0), 2);
	CHECK_EQ(trunc_throws_away, recv(pair[0], NULL, 2, MSG_TRUNC), 2);
	CHECK_EQ(the_rest_is_read, recv(pair[0], buf, 32, 0), 2);
	CHECK(the_rest_is_the_rest, !memcmp(buf, "ef", 2));
	setsockopt(pair[0], SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
	send(pair[1], "xyz", 3, 0);
	usleep(20000);
	CHECK_EQ(below_the_low_mark_is_not_readable, events_of(pair[0]), POLLOUT);
	send(pair[1], "w", 1, 0);
	CHECK_EQ(at_the_low_mark_it_is, events_become(pair[0], POLLIN), POLLIN | POLLOUT);
	CHECK_EQ(urgent_byte_is_not_there, recv(pair[0], buf, 1, MSG_OOB) < 0 ? errno : 0, EINVAL);
	pair_close(pair);
}

static void check_half_close(void)
{
	char byte;
	int pair[2];

	pair_open(pair);
	send(pair[0], "last", 4, 0);
	CHECK_EQ(shutdown_of_sending, shutdown(pair[0], SHUT_WR), 0);
	CHECK_EQ(half_closed_waits, state_becomes(pair[0], TCP_FIN_WAIT2), TCP_FIN_WAIT2);
	CHECK_EQ(half_closed_events, events_of(pair[0]), POLLOUT);
	CHECK_ERRNO(half_closed_does_not_send, send_quiet(pair[0], "x", 1), EPIPE);
	CHECK_EQ(peer_of_half_closed_waits, state_becomes(pair[1], TCP_CLOSE_WAIT), TCP_CLOSE_WAIT);
	CHECK_EQ(peer_of_half_closed_events, events_of(pair[1]), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(data_before_the_end, recv(pair[1], &byte, 1, 0), 1);
	CHECK_EQ(other_direction_is_open, send(pair[1], "yes", 3, 0), 3);
	CHECK_EQ(half_closed_receives, events_become(pair[0], POLLIN), POLLIN | POLLOUT);
	recv(pair[1], &byte, 1, 0), recv(pair[1], &byte, 1, 0), recv(pair[1], &byte, 1, 0);
	CHECK_EQ(then_the_end, recv(pair[1], &byte, 1, 0), 0);
	CHECK_EQ(and_again, recv(pair[1], &byte, 1, 0), 0);
	shutdown(pair[1], SHUT_WR);
	CHECK_EQ(both_ended_events, events_become(pair[0], POLLHUP),
		 POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	CHECK_EQ(first_to_end_is_closed, state_becomes(pair[0], TCP_CLOSE), TCP_CLOSE);
	CHECK_EQ(last_to_end_is_closed, state_becomes(pair[1], TCP_CLOSE), TCP_CLOSE);
	CHECK_EQ(what_came_before_is_still_read, recv(pair[0], &byte, 1, 0), 1);
	pair_close(pair);
}

static void check_read_shutdown(void)
{
	char buf[8];
	int pair[2];

	pair_open(pair);
	CHECK_EQ(shutdown_of_receiving, shutdown(pair[0], SHUT_RD), 0);
	CHECK_EQ(shut_receiver_events, events_of(pair[0]), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(shut_receiver_reads_the_end, recv(pair[0], buf, 8, 0), 0);
	CHECK_EQ(peer_may_still_send, send(pair[1], "abc", 3, 0), 3);
	usleep(20000);
	CHECK_EQ(and_it_is_read, recv(pair[0], buf, 8, 0), 3);
	CHECK_EQ(before_the_end, recv(pair[0], buf, 8, 0), 0);
	pair_close(pair);
}

static void check_close(void)
{
	char byte;
	int pair[2];

	pair_open(pair);
	close(pair[0]);
	CHECK_EQ(closed_peer_events, events_become(pair[1], POLLRDHUP),
		 POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(closed_peer_is_the_end, recv(pair[1], &byte, 1, 0), 0);
	CHECK_EQ(first_send_goes_out, send_quiet(pair[1], "x", 1), 1);
	CHECK_EQ(and_is_answered_by_a_reset, events_become(pair[1], POLLERR),
		 POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
	CHECK_ERRNO(second_send_is_a_broken_pipe, send_quiet(pair[1], "x", 1), EPIPE);
	CHECK_EQ(no_error_is_left, error_of(pair[1]), 0);
	close(pair[1]);
}

static void check_unread(void)
{
	char byte;
	int pair[2];

	pair_open(pair);
	send(pair[1], "unread", 6, 0);
	events_become(pair[0], POLLIN);
	close(pair[0]);
	CHECK_EQ(close_with_unread_data_resets, events_become(pair[1], POLLERR),
		 POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
	CHECK_ERRNO(reset_is_told, recv(pair[1], &byte, 1, 0), ECONNRESET);
	close(pair[1]);
}

static void check_linger(void)
{
	struct linger linger = { 1, 0 };
	char buf[8];
	int pair[2];

	pair_open(pair);
	send(pair[0], "lost", 4, 0);
	events_become(pair[1], POLLIN);
	setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(pair[0]);
	CHECK_EQ(no_time_to_linger_resets, events_become(pair[1], POLLERR),
		 POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
	CHECK_EQ(received_data_is_read_before, recv(pair[1], buf, 8, 0), 4);
	CHECK_ERRNO(then_the_reset, recv(pair[1], buf, 8, 0), ECONNRESET);
	close(pair[1]);
	linger.l_linger = 5;
	pair_open(pair);
	setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	send(pair[0], "kept", 4, 0);
	close(pair[0]);
	CHECK_EQ(lingering_delivers, recv(pair[1], buf, 8, 0), 4);
	CHECK_EQ(and_ends, recv(pair[1], buf, 8, 0), 0);
	close(pair[1]);
}

static void check_full(void)
{
	static char block[65536];
	int pair[2];
	size_t sent = 0, got = 0;
	ssize_t n;

	pair_open(pair);
	while ((n = send_quiet(pair[0], block, sizeof(block))) > 0)
		sent += (size_t)n;
	CHECK_EQ(full_socket_would_block, errno, EAGAIN);
	CHECK(something_was_sent, sent > 65536);
	CHECK_EQ(full_socket_is_not_writable, events_of(pair[0]), 0);
	while (got < sent && (n = recv(pair[1], block, sizeof(block), 0)) > 0)
		got += (size_t)n;
	CHECK(all_of_it_is_received, got == sent);
	CHECK_EQ(empty_socket_is_writable, events_become(pair[0], POLLOUT), POLLOUT);
	pair_close(pair);
}

/* Events of an edge-triggered epoll, as they come. */
static int edge_of(int epoll)
{
	struct epoll_event event = { 0 };

	return epoll_wait(epoll, &event, 1, 20) == 1 ? (int)event.events : 0;
}

static void check_edges(void)
{
	static char block[65536];
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	int pair[2], epoll = epoll_create1(0);
	ssize_t sent = 0, got = 0, n;

	pair_open(pair);
	epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &event);
	CHECK_EQ(edge_begins_with_what_is, edge_of(epoll), EPOLLOUT);
	CHECK_EQ(edge_is_told_once, edge_of(epoll), 0);
	send(pair[0], "out", 3, 0);
	recv(pair[1], block, 3, 0);
	usleep(300000);
	CHECK_EQ(acknowledgements_are_no_edges, edge_of(epoll), 0);
	send(pair[1], "in", 2, 0);
	CHECK_EQ(data_are_an_edge, edge_of(epoll), EPOLLIN | EPOLLOUT);
	send(pair[1], "in", 2, 0);
	CHECK_EQ(more_data_are_another, edge_of(epoll), EPOLLIN | EPOLLOUT);
	while ((n = send_quiet(pair[0], block, sizeof(block))) > 0)
		sent += n;
	CHECK_EQ(full_is_no_edge, edge_of(epoll), 0);
	while (got < sent && (n = recv(pair[1], block, sizeof(block), 0)) > 0)
		got += n;
	CHECK_EQ(room_is_an_edge, edge_of(epoll), EPOLLIN | EPOLLOUT);
	close(pair[1]);
	CHECK(end_is_an_edge, edge_of(epoll) & EPOLLRDHUP);
	close(pair[0]);
	close(epoll);
}

static void check_timeouts(void)
{
	struct timeval span = { 0, 50000 };
	char byte;
	int pair[2], fd = listener_open(1);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &span, sizeof(span));
	CHECK_ERRNO(accept_times_out, accept(fd, NULL, NULL), EAGAIN);
	close(fd);
	pair_open(pair);
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &span, sizeof(span));
	CHECK_ERRNO(receive_times_out, recv(pair[0], &byte, 1, 0), EAGAIN);
	pair_close(pair);
}

static void check_names(void)
{
	struct sockaddr_in address;
	struct sockaddr_in6 six;
	socklen_t size = sizeof(address);
	int pair[2], fd;

	pair_open(pair);
	getpeername(pair[0], (struct sockaddr *)&address, &size);
	CHECK_EQ(peer_is_told, ntohs(address.sin_port) == port_of(pair[1]), 1);
	CHECK_EQ(name_has_sixteen_bytes, size, 16);
	CHECK_EQ(address_is_loopback, ntohl(address.sin_addr.s_addr), INADDR_LOOPBACK);
	pair_close(pair);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	listen(fd, 4);
	size = sizeof(six);
	getsockname(fd, (struct sockaddr *)&six, &size);
	CHECK_EQ(name_of_six_has_twenty_eight_bytes, size, 28);
	CHECK(listen_gives_a_port, six.sin6_port != 0);
	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(six_listens_for_four, connect_to(pair[0], ntohs(six.sin6_port)), 0);
	size = sizeof(six);
	pair[1] = accept(fd, (struct sockaddr *)&six, &size);
	CHECK_EQ(peer_is_of_the_listeners_family, six.sin6_family, AF_INET6);
	CHECK(peer_is_mapped, IN6_IS_ADDR_V4MAPPED(&six.sin6_addr));
	pair_close(pair);
	close(fd);
}

/* Lines of /proc/net/tcp about this port, in this state. */
static int lines_of(int port, int state)
{
	char line[512];
	unsigned int local, remote, is;
	FILE *file = fopen("/proc/net/tcp", "r");
	int nr = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*d: %*x:%x %*x:%x %x", &local, &remote, &is) == 3)
			nr += is == (unsigned int)state && (int)local == port;
	}
	if (file)
		fclose(file);
	return nr;
}

static void check_list(void)
{
	int listener = listener_open(4), port = port_of(listener), other, fd;

	CHECK_EQ(list_has_the_listener, lines_of(port, TCP_LISTEN), 1);
	other = socket(AF_INET, SOCK_STREAM, 0);
	connect_to(other, port);
	CHECK_EQ(list_has_who_is_not_accepted, lines_of(port, TCP_ESTABLISHED), 1);
	fd = accept(listener, NULL, NULL);
	CHECK_EQ(list_has_who_is, lines_of(port, TCP_ESTABLISHED), 1);
	close(fd);
	usleep(20000);
	CHECK_EQ(list_has_the_half_closed, lines_of(port, TCP_FIN_WAIT2), 1);
	close(other);
	usleep(20000);
	CHECK_EQ(list_has_who_waits, lines_of(port, TCP_TIME_WAIT), 1);
	close(listener);
	CHECK_EQ(list_has_no_listener, lines_of(port, TCP_LISTEN), 0);
}

static void check_time_wait(void)
{
	int fd = listener_open(4), port = port_of(fd), other = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = loopback(port);
	int on = 1, got;
	char byte;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	connect_to(other, port);
	got = accept(fd, NULL, NULL);
	close(got);
	recv(other, &byte, 1, 0);
	close(other);
	close(fd);
	usleep(20000);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERRNO(port_is_kept_for_a_while,
		    bind(fd, (struct sockaddr *)&address, sizeof(address)), EADDRINUSE);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	CHECK_EQ(unless_it_is_reused, bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_EQ(and_listens, listen(fd, 1), 0);
	close(fd);
}

static void *close_later(void *arg)
{
	usleep(50000);
	shutdown(*(int *)arg, SHUT_RDWR);
	return NULL;
}

static void check_woken(void)
{
	pthread_t thread;
	char byte;
	int pair[2], fd = listener_open(1);

	pthread_create(&thread, NULL, close_later, &fd);
	CHECK_ERRNO(shutdown_wakes_accept, accept(fd, NULL, NULL), EINVAL);
	pthread_join(thread, NULL);
	close(fd);
	pair_open(pair);
	pthread_create(&thread, NULL, close_later, &pair[0]);
	CHECK_EQ(shutdown_wakes_receive, recv(pair[0], &byte, 1, 0), 0);
	pthread_join(thread, NULL);
	pair_close(pair);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	loopback_up();
	check_fresh();
	check_bind();
	check_reuse();
	check_reuse_port();
	check_listen();
	check_unaccepted();
	check_refused();
	check_connect();
	check_data();
	check_half_close();
	check_read_shutdown();
	check_close();
	check_unread();
	check_linger();
	check_full();
	check_edges();
	check_timeouts();
	check_names();
	check_list();
	check_time_wait();
	check_woken();
	return 0;
}
