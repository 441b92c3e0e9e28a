/*
 * passing.c - descriptors in messages: each arrives once and is the one that was sent, sockets that
 * are passed through themselves and let go are found and closed, and nothing that is still wanted
 * is, however much is closed at the same time.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "torture.h"

enum { TURNS = 40 };

union control {
	struct cmsghdr header;
	char           space[CMSG_SPACE(2 * sizeof(int))];
};

static struct torture torture;

/* One byte and up to two descriptors; false if the other side has gone or is full. */
static bool fds_send(int socket, const int *fds, size_t count)
{
	union control control = { 0 };
	struct iovec byte = { "x", 1 };
	struct msghdr message = { .msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = CMSG_SPACE(count * sizeof(int)) };

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	if (sendmsg(socket, &message, MSG_NOSIGNAL) == 1)
		return true;
	HOLDS(errno == EPIPE || errno == ECONNRESET || errno == EAGAIN || errno == ETOOMANYREFS);
	return false;
}

/* The descriptor of the next message, or -1 at the end. */
static int fd_receive(int socket, int flags)
{
	union control control = { 0 };
	char byte;
	struct iovec place = { &byte, 1 };
	struct msghdr message = { .msg_iov = &place, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t count = recvmsg(socket, &message, flags);
	int fd;

	if (count <= 0)
		return -1;
	HOLDS(control.header.cmsg_type == SCM_RIGHTS);
	HOLDS(control.header.cmsg_len == CMSG_LEN(sizeof(int)));
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

struct relay {
	int in, out;
};

static void *pass_on(void *arg)
{
	const struct relay *relay = arg;

	for (int fd; (fd = fd_receive(relay->in, 0)) >= 0; close(fd))
		fds_send(relay->out, &fd, 1);
	shutdown(relay->out, SHUT_WR);
	return NULL;
}

/* Pipes go through two hands; each carries its number and then ends: nobody else holds it. */
static void *receive_numbers(void *arg)
{
	int socket = *(int *)arg, fd;
	long next = 0, number;

	while ((fd = fd_receive(socket, 0)) >= 0) {
		HOLDS(read(fd, &number, sizeof(number)) == sizeof(number));
		HOLDS(number == next++);
		HOLDS(read(fd, &number, sizeof(number)) == 0);
		close(fd);
	}
	HOLDS(next == TURNS);
	return NULL;
}

static void relay_numbers(void)
{
	int first[2], second[2], ends[2];
	pthread_t threads[2];
	struct relay relay;

	HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, first) == 0);
	HOLDS(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, second) == 0);
	relay = (struct relay){ first[1], second[0] };
	pthread_create(&threads[0], NULL, pass_on, &relay);
	pthread_create(&threads[1], NULL, receive_numbers, &second[1]);
	for (long i = 0; i < TURNS; i++) {
		HOLDS(pipe(ends) == 0);
		HOLDS(write(ends[1], &i, sizeof(i)) == sizeof(i));
		HOLDS(fds_send(first[0], ends, 1));
		close(ends[0]);
		close(ends[1]);
	}
	shutdown(first[0], SHUT_WR);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		close(first[i]);
		close(second[i]);
	}
}

/*
 * Two sockets in each other's queues, and the write end of a pipe with them; then nobody has any.
 */
static int knot_tie(uint64_t *random)
{
	int a[2], b[2], ends[2];

	HOLDS(socketpair(AF_UNIX, SOCK_DGRAM, 0, a) == 0);
	HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, b) == 0);
	HOLDS(pipe(ends) == 0);
	HOLDS(fds_send(a[0], (int[]){ b[0], ends[1] }, 2));
	HOLDS(fds_send(b[1], (int[]){ a[1] }, 1));
	if (random_below(random, 2))
		HOLDS(fds_send(a[0], (int[]){ a[1], b[1] }, 2));
	close(ends[1]);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
	return ends[0];
}

/* Another knot's last descriptor may be needed for this one to be looked for. */
static void *tie_and_wait(void *arg)
{
	uint64_t random = random_begin(torture, (uint64_t)(uintptr_t)arg);

	for (int i = 0; i < TURNS / 4; i++) {
		struct pollfd end = { .fd = knot_tie(&random) };

		for (;;) {
			int spare[2];

			if (poll(&end, 1, 1) == 1 && end.revents & POLLHUP)
				break;
			HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, spare) == 0);
			close(spare[0]);
			close(spare[1]);
		}
		HOLDS(read(end.fd, &(char){ 0 }, 1) == 0);
		close(end.fd);
	}
	return NULL;
}

/* A socket that lies in its own partner's queue and is taken out again is alive all the time. */
static void *send_and_take_back(void *arg)
{
	int pair[2], other[2], fd;
	char byte = 0;

	HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, other) == 0);
	for (int i = 0; i < TURNS; i++) {
		HOLDS(write(other[0], "y", 1) == 1);
		HOLDS(fds_send(pair[0], &other[1], 1));
		close(other[1]);
		fd = fd_receive(pair[1], i % 4 == 0 ? MSG_PEEK : 0);
		HOLDS(fd >= 0);
		if (i % 4 == 0) {
			HOLDS(close(fd) == 0);
			fd = fd_receive(pair[1], 0);
		}
		other[1] = fd;
		HOLDS(read(fd, &byte, 1) == 1 && byte == 'y');
	}
	for (int i = 0; i < 2; i++) {
		close(pair[i]);
		close(other[i]);
	}
	return arg;
}

/* Closed with descriptors in it, while somebody takes them out. */
static void *take_all(void *arg)
{
	for (int fd; (fd = fd_receive(*(int *)arg, 0)) >= 0;)
		close(fd);
	return NULL;
}

static void close_full(uint64_t *random)
{
	int pair[2], ends[2];
	pthread_t thread;

	HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pipe(ends) == 0);
	pthread_create(&thread, NULL, take_all, &pair[1]);
	for (uint64_t i = random_below(random, 30); i > 0; i--)
		fds_send(pair[0], &ends[1], 1);
	close(ends[1]);
	if (random_below(random, 2))
		shutdown(pair[1], SHUT_RDWR);
	close(pair[0]);
	pthread_join(thread, NULL);
	close(pair[1]);
	HOLDS(read(ends[0], &(char){ 0 }, 1) == 0);
	close(ends[0]);
}

int main(int argc, char **argv)
{
	pthread_t threads[WORKERS];
	uint64_t random;

	torture = torture_begin(argc, argv);
	random = random_begin(torture, 55);
	for (long round = 0; round < torture.rounds; round++) {
		for (long i = 0; i < WORKERS; i++)
			HOLDS(pthread_create(&threads[i], NULL,
					     i % 2 ? tie_and_wait : send_and_take_back,
					     (void *)(round * WORKERS + i)) == 0);
		relay_numbers();
		close_full(&random);
		for (int i = 0; i < WORKERS; i++)
			pthread_join(threads[i], NULL);
	}
	return 0;
}
