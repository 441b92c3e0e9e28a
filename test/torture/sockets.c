/*
 * sockets.c - TCP and UDP over the loopback interface: bytes that many threads send and receive are
 * each received once, and nothing hangs, leaks or is torn while connections are made, shut, reset,
 * polled and closed at the same time.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "torture.h"

enum { TURNS = 25, MESSAGE = 64, DATAGRAMS = 30 };

static struct torture torture;
static int listener;
static struct sockaddr_in address = { .sin_family = AF_INET };
static atomic_int running, done;

static void lo_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	HOLDS(ioctl(fd, SIOCGIFFLAGS, &request) == 0);
	request.ifr_flags |= IFF_UP;
	HOLDS(ioctl(fd, SIOCSIFFLAGS, &request) == 0);
	close(fd);
}

static void expect_gone(void)
{
	HOLDS(errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN || errno == EAGAIN ||
	      errno == EINVAL || errno == ECONNABORTED || errno == ECONNREFUSED ||
	      errno == ETIMEDOUT);
}

/* Echoes until the client ends, or for no reason does not. */
static void *serve(void *arg)
{
	uint64_t random = random_begin(torture, (uint64_t)(uintptr_t)arg);
	char text[MESSAGE];

	while (atomic_load(&running)) {
		struct pollfd pollfd = { .fd = listener, .events = POLLIN };
		int fd;

		if (poll(&pollfd, 1, 5) != 1)
			continue;
		fd = accept(listener, NULL, NULL);
		if (fd < 0) {
			expect_gone();
			continue;
		}
		for (ssize_t size; (size = recv(fd, text, sizeof(text), 0)) > 0;)
			if (send(fd, text, (size_t)size, MSG_NOSIGNAL) < 0 ||
			    random_below(&random, 200) == 0)
				break;
		close(fd);
	}
	return NULL;
}

static int connect_there(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct timeval limit = { .tv_sec = 20 };

	HOLDS(fd >= 0);
	HOLDS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
	HOLDS(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

struct ended {
	int fd;
	uint64_t how;
};

/* Ends a connection under the feet of who uses it. */
static void *end_it(void *arg)
{
	const struct ended *ended = arg;

	if (ended->how == 0)
		shutdown(ended->fd, SHUT_RDWR);
	else if (ended->how == 1)
		connect(ended->fd, &(struct sockaddr){ .sa_family = AF_UNSPEC },
			sizeof(struct sockaddr));
	else
		shutdown(ended->fd, SHUT_WR);
	return NULL;
}

/* What comes back is what was sent, as far as it comes. */
static void exchange(int fd, uint64_t *random)
{
	char out[MESSAGE], in[MESSAGE];

	memset(out, (int)random_below(random, 256), sizeof(out));
	for (uint64_t i = random_below(random, 6); i > 0; i--) {
		ssize_t size = send(fd, out, 1 + random_below(random, MESSAGE), MSG_NOSIGNAL);
		ssize_t back;

		if (size < 0) {
			expect_gone();
			return;
		}
		back = recv(fd, in, (size_t)size, MSG_WAITALL);
		if (back < 0)
			expect_gone();
		HOLDS(back <= size);
		HOLDS(back <= 0 || memcmp(in, out, (size_t)back) == 0);
		if (back < size)
			return;
	}
}

static void *be_client(void *arg)
{
	uint64_t random = random_begin(torture, 1000 + (uint64_t)(uintptr_t)arg);

	for (int i = 0; i < TURNS; i++) {
		struct ended ended = { connect_there(), random_below(&random, 6) };
		pthread_t thread;

		if (ended.how < 3)
			HOLDS(pthread_create(&thread, NULL, end_it, &ended) == 0);
		exchange(ended.fd, &random);
		if (ended.how < 3)
			pthread_join(thread, NULL);
		if (random_below(&random, 3) == 0)
			setsockopt(ended.fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
				   sizeof(struct linger));
		close(ended.fd);
	}
	atomic_fetch_add(&done, 1);
	return NULL;
}

/* One socket, many hands: a datagram goes to one of them, whole. */
static atomic_int received[WORKERS * DATAGRAMS];

static void *take_datagrams(void *arg)
{
	int numbers[4];

	while (recv(*(int *)arg, numbers, sizeof(numbers), 0) == sizeof(numbers)) {
		if (numbers[0] < 0)
			return NULL;
		HOLDS(numbers[0] < WORKERS * DATAGRAMS && numbers[1] == ~numbers[0] &&
		      numbers[2] == numbers[0] && numbers[3] == numbers[1]);
		HOLDS(atomic_fetch_add(&received[numbers[0]], 1) == 0);
	}
	return NULL;
}

static void pass_datagrams(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
	pthread_t threads[WORKERS];

	memset(received, 0, sizeof(received));
	HOLDS(bind(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	HOLDS(getsockname(fd, (struct sockaddr *)&to, &(socklen_t){ sizeof(to) }) == 0);
	HOLDS(connect(sender, (struct sockaddr *)&to, sizeof(to)) == 0);
	for (int i = 0; i < WORKERS; i++)
		HOLDS(pthread_create(&threads[i], NULL, take_datagrams, &fd) == 0);
	for (int i = 0; i < WORKERS * DATAGRAMS; i++)
		HOLDS(send(sender, (int[]){ i, ~i, i, ~i }, 16, 0) == 16);
	for (int i = 0; i < WORKERS; i++)
		HOLDS(send(sender, (int[]){ -1, 0, 0, 0 }, 16, 0) == 16);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < WORKERS * DATAGRAMS; i++)
		HOLDS(atomic_load(&received[i]) == 1);
	close(sender);
	close(fd);
}

static void meet(long round)
{
	pthread_t servers[WORKERS], clients[WORKERS];

	address.sin_port = 0;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	HOLDS(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	HOLDS(listen(listener, 64) == 0);
	HOLDS(getsockname(listener, (struct sockaddr *)&address,
			  &(socklen_t){ sizeof(address) }) == 0);
	atomic_store(&running, 1);
	for (long i = 0; i < WORKERS; i++) {
		HOLDS(pthread_create(&servers[i], NULL, serve,
				     (void *)(round * WORKERS + i)) == 0);
		HOLDS(pthread_create(&clients[i], NULL, be_client,
				     (void *)(round * WORKERS + i)) == 0);
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_join(clients[i], NULL);
	atomic_store(&running, 0);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(servers[i], NULL);
	close(listener);
}

int main(int argc, char **argv)
{
	torture = torture_begin(argc, argv);
	lo_up();
	for (long round = 0; round < torture.rounds; round++) {
		meet(round);
		pass_datagrams();
	}
	HOLDS(atomic_load(&done) == torture.rounds * WORKERS);
	return 0;
}
