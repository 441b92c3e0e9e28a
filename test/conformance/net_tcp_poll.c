/*
 * net_tcp_poll.c - what poll(2), select(2) and epoll say about TCP sockets in each state, and that
 * each transition wakes who waits.
 */
#define _GNU_SOURCE
#include "check.h"
#include "net.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>

static char block[65536];

static void fill(int fd)
{
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (net_send(fd, block, sizeof(block)) > 0)
		;
	usleep(NET_SETTLE_US);
	while (net_send(fd, block, sizeof(block)) > 0)
		;
}

static void drain(int fd)
{
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (net_events_after(fd, POLLIN, 100) == POLLIN && read(fd, block, sizeof(block)) > 0)
		;
}

static void check_states(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), pair[2];

	CHECK_EQ(fresh_socket_hangs_up, net_events(fd), POLLOUT | POLLHUP);
	net_bind(fd, net_ipv4("127.0.0.1", 0));
	CHECK_EQ(bound_socket_hangs_up, net_events(fd), POLLOUT | POLLHUP);
	listen(fd, 1);
	CHECK_EQ(listener_waits, net_events(fd), 0);
	pair[0] = net_client(fd, 0);
	CHECK_EQ(listener_with_a_client_is_readable, net_events_with(fd, POLLIN), POLLIN);
	pair[1] = accept(fd, NULL, NULL);
	CHECK_EQ(after_accept_it_waits_again, net_events(fd), 0);
	close(fd);
	CHECK_EQ(connected_socket_is_writable, net_events(pair[0]), POLLOUT);
	CHECK_EQ(accepted_socket_is_writable, net_events(pair[1]), POLLOUT);
	CHECK_EQ(normal_data_may_be_written,
		 net_events_after(pair[0], POLLWRNORM | POLLWRBAND | POLLRDNORM | POLLRDBAND, 0) &
		 POLLWRNORM, POLLWRNORM);
	net_send(pair[0], "x", 1);
	CHECK_EQ(data_are_readable, net_events_with(pair[1], POLLIN), POLLIN | POLLOUT);
	CHECK_EQ(as_normal_data, net_events_after(pair[1], POLLRDNORM | POLLRDBAND, 0), POLLRDNORM);
	read(pair[1], block, 1);
	CHECK_EQ(read_data_are_not, net_events(pair[1]), POLLOUT);
	fill(pair[0]);
	CHECK_EQ(full_socket_is_not_writable, net_events(pair[0]), 0);
	CHECK_EQ(its_peer_is_both, net_events(pair[1]), POLLIN | POLLOUT);
	drain(pair[1]);
	CHECK_EQ(drained_socket_is_writable, net_events_with(pair[0], POLLOUT), POLLOUT);
	shutdown(pair[0], SHUT_WR);
	CHECK_EQ(own_end_is_writable, net_events(pair[0]), POLLOUT);
	CHECK_EQ(end_of_the_peer_is_readable, net_events_with(pair[1], POLLRDHUP),
		 POLLIN | POLLOUT | POLLRDHUP);
	shutdown(pair[1], SHUT_WR);
	CHECK_EQ(both_ends_hang_up_here,
		 net_events_become(pair[1], POLLIN | POLLOUT | POLLRDHUP | POLLHUP),
		 POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	CHECK_EQ(both_ends_hang_up_there,
		 net_events_become(pair[0], POLLIN | POLLOUT | POLLRDHUP | POLLHUP),
		 POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	net_pair_close(pair);
}

static void check_low_water(void)
{
	int pair[2];

	net_pair(pair);
	net_set(pair[1], SOL_SOCKET, SO_RCVLOWAT, 10);
	net_send(pair[0], block, 9);
	CHECK_EQ(few_data_are_not_readable, net_events_after(pair[1], POLLIN, 30), 0);
	net_send(pair[0], block, 1);
	CHECK_EQ(enough_are, net_events_with(pair[1], POLLIN), POLLIN | POLLOUT);
	CHECK_EQ(reading_waits_for_the_mark, read(pair[1], block, 100), 10);
	net_send(pair[0], block, 3);
	shutdown(pair[0], SHUT_WR);
	CHECK_EQ(few_data_and_the_end_are_readable, net_events_with(pair[1], POLLIN),
		 POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(and_are_read, read(pair[1], block, 100), 3);
	net_pair_close(pair);
}

struct later {
	void (*action)(int fd);
	int fd;
};

static void *act_later(void *arg)
{
	const struct later *later = arg;

	usleep(NET_SETTLE_US);
	later->action(later->fd);
	return NULL;
}

/* What wakes a poll for these events when the action is taken at the other descriptor. */
static int woken_by(void (*action)(int fd), int at, int fd, int events)
{
	struct later later = { action, at };
	pthread_t thread;

	pthread_create(&thread, NULL, act_later, &later);
	int seen = net_events_after(fd, events, NET_WAIT_MS);
	pthread_join(thread, NULL);
	return seen;
}

static void act_send(int fd)
{
	net_send(fd, "x", 1);
}

static void act_end(int fd)
{
	shutdown(fd, SHUT_WR);
}

static void act_reset(int fd)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	connect(fd, &none, sizeof(none));
}

static void act_shut(int fd)
{
	shutdown(fd, SHUT_RDWR);
}

static union net_address target;

static void act_target(int fd)
{
	net_connect(fd, target);
}

static void check_wakeups(void)
{
	int pair[2], listener = net_listener(1), client = socket(AF_INET, SOCK_STREAM, 0);

	target = net_name(listener);
	CHECK_EQ(client_wakes_a_listener, woken_by(act_target, client, listener, POLLIN), POLLIN);
	close(client);
	close(listener);
	listener = net_listener(1);
	CHECK_EQ(shutdown_wakes_a_listener,
		 woken_by(act_shut, listener, listener, POLLIN) & POLLHUP, POLLHUP);
	close(listener);
	net_pair(pair);
	CHECK_EQ(data_wake_a_reader, woken_by(act_send, pair[0], pair[1], POLLIN), POLLIN);
	read(pair[1], block, 1);
	fill(pair[0]);
	CHECK_EQ(room_wakes_a_writer, woken_by(drain, pair[1], pair[0], POLLOUT), POLLOUT);
	CHECK_EQ(end_wakes_a_reader, woken_by(act_end, pair[0], pair[1], POLLIN), POLLIN);
	net_pair_close(pair);
	net_pair(pair);
	CHECK_EQ(end_wakes_who_waits_for_it, woken_by(act_end, pair[0], pair[1], POLLRDHUP),
		 POLLRDHUP);
	net_pair_close(pair);
	net_pair(pair);
	CHECK_EQ(reset_wakes_who_waits_for_nothing, woken_by(act_reset, pair[0], pair[1], 0),
		 POLLERR | POLLHUP);
	net_pair_close(pair);
	net_pair(pair);
	CHECK_EQ(own_shutdown_wakes_a_reader, woken_by(act_shut, pair[0], pair[0], POLLIN),
		 POLLIN | POLLHUP);
	net_pair_close(pair);
}

static int epoll_events(int epoll, int timeout_ms)
{
	struct epoll_event event = { 0 };

	return epoll_wait(epoll, &event, 1, timeout_ms) == 1 ? (int)event.events : 0;
}

static void check_edges(void)
{
	const uint32_t wanted = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
	struct epoll_event event = { .events = wanted };
	int pair[2], epoll = epoll_create1(0);

	net_pair(pair);
	epoll_ctl(epoll, EPOLL_CTL_ADD, pair[1], &event);
	CHECK_EQ(edge_of_a_connection, epoll_events(epoll, NET_WAIT_MS), EPOLLOUT);
	CHECK_EQ(edge_is_told_once, epoll_events(epoll, 0), 0);
	net_send(pair[0], block, 10);
	CHECK_EQ(edge_of_data, epoll_events(epoll, NET_WAIT_MS), EPOLLIN | EPOLLOUT);
	CHECK_EQ(edge_of_data_is_told_once, epoll_events(epoll, 0), 0);
	read(pair[1], block, 5);
	CHECK_EQ(partial_read_is_no_edge, epoll_events(epoll, 20), 0);
	net_send(pair[0], block, 10);
	CHECK_EQ(more_data_are_an_edge, epoll_events(epoll, NET_WAIT_MS), EPOLLIN | EPOLLOUT);
	shutdown(pair[0], SHUT_WR);
	CHECK_EQ(end_is_an_edge, epoll_events(epoll, NET_WAIT_MS),
		 EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	net_pair_close(pair);
	CHECK_EQ(closed_socket_leaves, epoll_events(epoll, 0), 0);
	net_pair(pair);
	event.events = EPOLLIN | EPOLLONESHOT;
	epoll_ctl(epoll, EPOLL_CTL_ADD, pair[1], &event);
	net_send(pair[0], block, 10);
	CHECK_EQ(one_shot_is_told, epoll_events(epoll, NET_WAIT_MS), EPOLLIN);
	CHECK_EQ(once, epoll_events(epoll, 20), 0);
	epoll_ctl(epoll, EPOLL_CTL_MOD, pair[1], &event);
	CHECK_EQ(and_again_when_asked, epoll_events(epoll, NET_WAIT_MS), EPOLLIN);
	net_pair_close(pair);
	net_pair(pair);
	event.events = EPOLLOUT | EPOLLET;
	epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &event);
	epoll_events(epoll, NET_WAIT_MS);
	fill(pair[0]);
	epoll_events(epoll, 0);
	drain(pair[1]);
	CHECK_EQ(room_is_an_edge, epoll_events(epoll, NET_WAIT_MS), EPOLLOUT);
	net_pair_close(pair);
	close(epoll);
}

static int selected(int fd)
{
	struct timeval none = { 0 };
	fd_set read_set, write_set, except_set;

	FD_ZERO(&read_set);
	FD_SET(fd, &read_set);
	write_set = except_set = read_set;
	select(fd + 1, &read_set, &write_set, &except_set, &none);
	return !!FD_ISSET(fd, &read_set) * 4 + !!FD_ISSET(fd, &write_set) * 2 +
	       !!FD_ISSET(fd, &except_set);
}

static void check_select(void)
{
	int pair[2];

	net_pair(pair);
	CHECK_EQ(select_says_writable, selected(pair[0]), 2);
	net_send(pair[0], "x", 1);
	net_events_with(pair[1], POLLIN);
	CHECK_EQ(select_says_readable, selected(pair[1]), 6);
	fill(pair[0]);
	CHECK_EQ(select_says_full, selected(pair[0]), 0);
	act_reset(pair[0]);
	net_events_with(pair[1], POLLERR);
	CHECK_EQ(select_says_reset, selected(pair[1]), 6);
	net_pair_close(pair);
}

int main(void)
{
	net_up();
	check_states();
	check_low_water();
	check_wakeups();
	check_edges();
	check_select();
	return 0;
}
