/*
 * net_tcp_backlog.c - TCP sockets that wait: listeners that are full, limits of time, signals that
 * interrupt, and what a call gives back that was interrupted half way.
 */
#define _GNU_SOURCE
#include "check.h"
#include "net.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

static char block[65536];

static void fill(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (size_t size = sizeof(block); size; size = size > 1 ? 1 : 0) {
		while (net_send(fd, block, size) > 0)
			;
		usleep(NET_SETTLE_US);
	}
	fcntl(fd, F_SETFL, flags);
}

/* How many clients of so many connect at once to a listener that accepts nobody. */
static int connected_of(int listener, int count, int *clients)
{
	int connected = 0;

	for (int i = 0; i < count; i++)
		clients[i] = net_client(listener, SOCK_NONBLOCK);
	usleep(100000);
	for (int i = 0; i < count; i++)
		connected += net_events(clients[i]) == POLLOUT;
	return connected;
}

static void close_all(int *fds, int count)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

static void check_full(void)
{
	int listener = net_listener(2), clients[6], server, count = 0;

	CHECK_EQ(backlog_of_two_holds_three, connected_of(listener, 4, clients), 3);
	CHECK_EQ(who_waits_is_not_writable, net_events(clients[3]), 0);
	CHECK_ERRNO(who_waits_is_EALREADY, net_connect(clients[3], net_name(listener)), EALREADY);
	CHECK_ERRNO(who_waits_does_not_read, read(clients[3], block, 1), EAGAIN);
	CHECK_ERRNO(who_waits_does_not_write, net_send(clients[3], "x", 1), EAGAIN);
	for (; count < 3; count++)
		close(accept(listener, NULL, NULL));
	CHECK_EQ(who_waits_is_let_in_later,
		 net_events_after(clients[3], POLLOUT, 8000), POLLOUT);
	server = accept(listener, NULL, NULL);
	CHECK(and_is_accepted, server >= 0 &&
	      net_port(net_peer(server)) == net_port(net_name(clients[3])));
	close(server);
	close_all(clients, 4);
	close(listener);
	listener = net_listener(0);
	CHECK_EQ(backlog_of_none_holds_one, connected_of(listener, 2, clients), 1);
	close_all(clients, 2);
	close(listener);
	listener = net_listener(1);
	CHECK_EQ(backlog_of_one_holds_two, connected_of(listener, 3, clients), 2);
	listen(listener, 10);
	CHECK_EQ(longer_backlog_holds_more, connected_of(listener, 3, clients + 3), 3);
	close_all(clients, 6);
	close(listener);
}

static void check_order(void)
{
	int listener = net_listener(20), clients[10], in_order = 0;

	for (int i = 0; i < 10; i++) {
		clients[i] = net_client(listener, 0);
		net_send(clients[i], &(char){ (char)i }, 1);
	}
	for (int i = 0; i < 10; i++) {
		char byte = -1;
		int server = accept(listener, NULL, NULL);

		in_order += read(server, &byte, 1) == 1 && byte == i;
		close(server);
	}
	CHECK_EQ(clients_are_accepted_in_order, in_order, 10);
	close_all(clients, 10);
	close(listener);
}

static void check_limits(void)
{
	int listener = net_listener(0), pair[2], clients[2];
	long start = net_now_ms();

	net_timeout(listener, SO_RCVTIMEO, 50);
	CHECK_ERRNO(accept_gives_up, accept(listener, NULL, NULL), EAGAIN);
	CHECK(accept_waits_its_time, net_now_ms() - start >= 50);
	connected_of(listener, 1, clients);
	clients[1] = socket(AF_INET, SOCK_STREAM, 0);
	net_timeout(clients[1], SO_SNDTIMEO, 100);
	start = net_now_ms();
	CHECK_ERRNO(connect_gives_up, net_connect(clients[1], net_name(listener)), EINPROGRESS);
	CHECK(connect_waits_its_time, net_now_ms() - start >= 100);
	CHECK_ERRNO(but_it_goes_on, net_connect(clients[1], net_name(listener)), EALREADY);
	close_all(clients, 2);
	close(listener);
	net_pair(pair);
	net_timeout(pair[0], SO_RCVTIMEO, 50);
	start = net_now_ms();
	CHECK_ERRNO(read_gives_up, read(pair[0], block, 1), EAGAIN);
	CHECK(read_waits_its_time, net_now_ms() - start >= 50);
	net_timeout(pair[0], SO_SNDTIMEO, 50);
	fill(pair[0]);
	while (net_send(pair[0], block, 1000) > 0)
		errno = 0;
	CHECK_EQ(write_gives_up, errno, EAGAIN);
	net_pair_close(pair);
	net_pair(pair);
	net_timeout(pair[0], SO_SNDTIMEO, 50);
	net_set(pair[0], SOL_SOCKET, SO_SNDBUF, 20000);
	net_set(pair[1], SOL_SOCKET, SO_RCVBUF, 20000);
	static char large[16 << 20];
	ssize_t sent = net_send(pair[0], large, sizeof(large));
	CHECK(write_that_gives_up_tells_how_much, sent > 0 && sent < (ssize_t)sizeof(large));
	net_pair_close(pair);
	net_pair(pair);
	net_timeout(pair[1], SO_RCVTIMEO, 50);
	net_send(pair[0], "abc", 3);
	CHECK_EQ(waiting_for_all_gives_up_with_some, recv(pair[1], block, 10, MSG_WAITALL), 3);
	net_pair_close(pair);
}

static volatile sig_atomic_t signals;

static void count_signal(int signal)
{
	(void)signal;
	signals++;
}

static void *signal_main_thread(void *arg)
{
	usleep(2 * NET_SETTLE_US);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

static pthread_t interrupter, self;

/* A signal comes in a moment; with `restart`, calls that may go on do. */
static void interrupt_soon(bool restart)
{
	struct sigaction action = { .sa_handler = count_signal,
				    .sa_flags = restart ? SA_RESTART : 0 };

	sigaction(SIGUSR1, &action, NULL);
	self = pthread_self();
	signals = 0;
	pthread_create(&interrupter, NULL, signal_main_thread, &self);
}

static int interrupted(void)
{
	int saved = errno;

	pthread_join(interrupter, NULL);
	errno = saved;
	return signals;
}

static void check_interrupted_reads(void)
{
	int pair[2], listener = net_listener(1);

	net_pair(pair);
	interrupt_soon(false);
	CHECK_ERRNO(read_is_interrupted, read(pair[0], block, 1), EINTR);
	interrupted();
	interrupt_soon(false);
	CHECK_ERRNO(accept_is_interrupted, accept(listener, NULL, NULL), EINTR);
	interrupted();
	net_send(pair[0], "abc", 3);
	interrupt_soon(false);
	CHECK_EQ(waiting_for_all_is_interrupted_with_some,
		 recv(pair[1], block, 10, MSG_WAITALL), 3);
	interrupted();
	net_timeout(pair[1], SO_RCVTIMEO, 5000);
	interrupt_soon(true);
	CHECK_ERRNO(read_with_a_limit_is_not_restarted, read(pair[1], block, 1), EINTR);
	interrupted();
	interrupt_soon(false);
	struct pollfd pollfd = { .fd = pair[1], .events = POLLIN };
	CHECK_ERRNO(poll_is_interrupted, poll(&pollfd, 1, 5000), EINTR);
	interrupted();
	net_pair_close(pair);
	close(listener);
}

static void *send_later(void *arg)
{
	while (!signals)
		usleep(1000);
	usleep(NET_SETTLE_US);
	net_send(*(int *)arg, "late", 4);
	return NULL;
}

static void check_restarted_read(void)
{
	pthread_t sender;
	int pair[2];

	net_pair(pair);
	interrupt_soon(true);
	pthread_create(&sender, NULL, send_later, &pair[0]);
	CHECK_EQ(read_is_restarted, read(pair[1], block, 10), 4);
	CHECK_EQ(after_the_signal, interrupted(), 1);
	pthread_join(sender, NULL);
	net_pair_close(pair);
}

static void check_interrupted_writes(void)
{
	static char large[16 << 20];
	int pair[2], listener = net_listener(0), clients[2];

	net_pair(pair);
	net_set(pair[0], SOL_SOCKET, SO_SNDBUF, 20000);
	net_set(pair[1], SOL_SOCKET, SO_RCVBUF, 20000);
	interrupt_soon(true);
	ssize_t sent = net_send(pair[0], large, sizeof(large));
	CHECK(write_is_interrupted_with_some, sent > 0 && sent < (ssize_t)sizeof(large));
	interrupted();
	fill(pair[0]);
	interrupt_soon(false);
	while (net_send(pair[0], large, 1000) > 0)
		errno = 0;
	CHECK_EQ(write_of_a_full_socket_is_interrupted, errno, EINTR);
	interrupted();
	net_pair_close(pair);
	connected_of(listener, 1, clients);
	clients[1] = socket(AF_INET, SOCK_STREAM, 0);
	interrupt_soon(false);
	CHECK_ERRNO(connect_is_interrupted, net_connect(clients[1], net_name(listener)), EINTR);
	interrupted();
	fcntl(clients[1], F_SETFL, O_NONBLOCK);
	CHECK_ERRNO(interrupted_connect_goes_on, net_connect(clients[1], net_name(listener)),
		    EALREADY);
	close(accept(listener, NULL, NULL));
	CHECK_EQ(until_it_has_succeeded, net_events_after(clients[1], POLLOUT, 8000), POLLOUT);
	close_all(clients, 2);
	close(listener);
}

int main(void)
{
	net_up();
	check_full();
	check_order();
	check_limits();
	check_interrupted_reads();
	check_restarted_read();
	check_interrupted_writes();
	return 0;
}
