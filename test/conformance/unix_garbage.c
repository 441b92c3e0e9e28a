/*
 * Sockets that lie in each other's queues when nobody has a descriptor of them any more: they go,
 * and what is with them. And how many descriptors may be on their way.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

enum { RING = 10 };

static int send_fds(int sock, const int *fds, int count)
{
	char control[CMSG_SPACE(8 * sizeof(int))] = { 0 };
	struct iovec iov = { "f", 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int)) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, (size_t)count * sizeof(int));
	return (int)sendmsg(sock, &message, MSG_DONTWAIT);
}

/* The one descriptor of the next message, or -1. */
static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	int fd = -1;

	if (recvmsg(sock, &message, MSG_DONTWAIT) < 0)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* Closing any socket makes a kernel look for those that are lost. */
static void close_a_socket(void)
{
	int pair[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	close(pair[0]);
	close(pair[1]);
}

/* The writing end was sent along: does the reader see that it is gone? */
static bool is_gone(int reader)
{
	struct pollfd entry = { .fd = reader };

	for (int i = 0; i < 200; i++) {
		close_a_socket();
		if (poll(&entry, 1, 5) == 1)
			return entry.revents & POLLHUP;
	}
	return false;
}

static bool is_there(int reader)
{
	struct pollfd entry = { .fd = reader };

	close_a_socket();
	close_a_socket();
	return poll(&entry, 1, 30) == 0;
}

/* Both ends of a pair, and the pipe, go into the queue of one of them. */
static void check_pair(int type)
{
	int pair[2], ends[2];

	pipe(ends);
	socketpair(AF_UNIX, type, 0, pair);
	int all[3] = { pair[0], pair[1], ends[1] };
	CHECK_EQ(ends_go_into_their_own_queue, send_fds(pair[0], all, 3), 1);
	close(ends[1]);
	close(pair[0]);
	CHECK(while_one_is_open_nothing_is_lost, is_there(ends[0]));
	close(pair[1]);
	CHECK(when_both_are_closed_all_go, is_gone(ends[0]));
	close(ends[0]);
}

/* Each in the queue of the other. */
static void check_each_other(void)
{
	int pair[2], ends[2];

	pipe(ends);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	send_fds(pair[0], (int[]){ pair[0], ends[1] }, 2);
	send_fds(pair[1], (int[]){ pair[1], ends[1] }, 2);
	close(ends[1]);
	close(pair[0]);
	close(pair[1]);
	CHECK(two_in_each_others_queue_go, is_gone(ends[0]));
	close(ends[0]);
}

static void check_ring(void)
{
	int pairs[RING][2], ends[2];

	pipe(ends);
	for (int i = 0; i < RING; i++)
		socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]);
	/* The queue of each pair's first end has that of the next pair. */
	for (int i = 0; i < RING; i++)
		send_fds(pairs[i][1], (int[]){ pairs[(i + 1) % RING][0], ends[1] }, 2);
	close(ends[1]);
	for (int i = 0; i < RING; i++) {
		if (i)
			close(pairs[i][0]);
		close(pairs[i][1]);
	}
	CHECK(ring_that_is_held_stays, is_there(ends[0]));
	int copy = dup(pairs[0][0]);
	close(pairs[0][0]);
	CHECK(ring_that_is_held_by_a_copy_stays, is_there(ends[0]));
	close(copy);
	CHECK(ring_that_is_not_held_goes, is_gone(ends[0]));
	close(ends[0]);
}

/* Reachable through queues from a socket that is open: all of it still arrives. */
static void check_reachable(void)
{
	int a[2], b[2], ends[2];
	char byte;

	pipe(ends);
	socketpair(AF_UNIX, SOCK_STREAM, 0, a);
	socketpair(AF_UNIX, SOCK_STREAM, 0, b);
	send_fds(a[1], (int[]){ b[0] }, 1);    /* b[0] lies in a[0] */
	send_fds(b[1], (int[]){ a[0] }, 1);    /* a[0] lies in b[0] */
	send_fds(b[1], (int[]){ ends[1] }, 1); /* and the pipe behind it */
	close(ends[1]);
	close(a[1]);
	close(b[0]);
	close(b[1]);
	close_a_socket();
	close_a_socket();
	int inner = receive_fd(a[0]);
	CHECK(what_is_in_the_queue_arrives, inner >= 0);
	int again = receive_fd(inner);
	CHECK(and_what_is_in_the_queue_of_that, again >= 0);
	int writer = receive_fd(inner);
	CHECK(and_what_is_behind_it, writer >= 0);
	write(writer, "x", 1);
	CHECK_EQ(which_works, read(ends[0], &byte, 1), 1);
	close(inner);
	close(again);
	close(writer);
	close(a[0]);
	CHECK(then_it_is_gone, is_gone(ends[0]));
	close(ends[0]);
}

/* A listener in the queue of a connection that it has not accepted. */
static void check_listener(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0garbage" };
	socklen_t size = offsetof(struct sockaddr_un, sun_path) + 8;
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	int ends[2];

	pipe(ends);
	bind(listener, (struct sockaddr *)&name, size);
	listen(listener, 5);
	CHECK_EQ(listener_is_connected_to, connect(client, (struct sockaddr *)&name, size), 0);
	send_fds(client, (int[]){ listener, ends[1] }, 2);
	close(ends[1]);
	close(listener);
	CHECK_EQ(listener_in_its_backlog_goes, is_gone(ends[0]), true);
	CHECK_ERRNO(its_connection_breaks, send(client, "x", 1, MSG_NOSIGNAL), EPIPE);
	close(client);
	close(ends[0]);
}

/* ---- how many -------------------------------------------------------------------------------- */

static int send_many(void *data)
{
	struct rlimit limit = { 20, 20 };
	int pair[2], fds[8], sent = 0, got = 0;

	(void)data;
	setrlimit(RLIMIT_NOFILE, &limit);
	syscall(SYS_setresgid, 3000, 3000, 3000);
	syscall(SYS_setresuid, 3000, 3000, 3000);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	for (int i = 0; i < 8; i++)
		fds[i] = pair[0];
	while (sent < 100 && send_fds(pair[0], fds, 8) == 1)
		sent++;
	OUT("messages of 8 descriptors until errno %d: %d", errno, sent);
	int fd = receive_fd(pair[1]);
	while (receive_fd(pair[1]) >= 0)
		got++;
	OUT("received %d", got + (fd >= 0));
	return 0;
}

int main(void)
{
	check_pair(SOCK_STREAM);
	check_pair(SOCK_DGRAM);
	check_pair(SOCK_SEQPACKET);
	check_each_other();
	check_ring();
	check_reachable();
	check_listener();
	check_in_child(send_many, NULL);
	return 0;
}
