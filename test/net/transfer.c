/*
 * transfer.c - bytes from one guest to another over a wire that may spoil them: whole, or an errno.
 *
 *	transfer serve PORT                             answers for ever
 *	transfer send HOST PORT SEED BYTES SECONDS      TCP, to the server
 *	transfer fetch HOST PORT SEED BYTES SECONDS     TCP, from the server
 *	transfer datagrams HOST PORT SEED COUNT SIZE    UDP, to the server and back
 *
 * What is sent depends on the seed and the place alone, so that both sides know it. The last line
 * says `whole BYTES`, `failed ERRNO after BYTES`, or `unfinished BYTES` when the time is up; of
 * datagrams, `returned COUNT`. Bytes that are not those that were sent are `WRONG`.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 32768, STEP_MS = 1000, DATAGRAM_MAX = 60000 };

struct order {
	uint64_t seed, bytes;
	uint32_t fetches, magic;
};
enum { MAGIC = 0x4d6f6f6e };

static uint64_t word_at(uint64_t seed, uint64_t index)
{
	uint64_t x = seed * 0xd1b54a32d192ed03 + index * 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	return x ^ (x >> 27);
}

static uint8_t byte_at(uint64_t seed, uint64_t place)
{
	return (uint8_t)(word_at(seed, place / 8) >> place % 8 * 8);
}

static void fill(uint8_t *data, uint64_t seed, uint64_t place, size_t size)
{
	for (size_t i = 0; i < size; i++)
		data[i] = byte_at(seed, place + i);
}

static bool is_right(const uint8_t *data, uint64_t seed, uint64_t place, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (data[i] != byte_at(seed, place + i))
			return false;
	return true;
}

static long now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* 1 when it may go on, 0 when the time is up. */
static int wait_for(int fd, short events, long end_s)
{
	struct pollfd pollfd = { .fd = fd, .events = events };

	while (now_s() < end_s)
		if (poll(&pollfd, 1, STEP_MS) == 1)
			return 1;
	return 0;
}

/* Both return how far they came: all, or errno (0: the time is up) says why not. */
static uint64_t send_bytes(int fd, struct order order, long end_s)
{
	static uint8_t data[PIECE];
	uint64_t done = 0;

	while (done < order.bytes) {
		size_t size = order.bytes - done < PIECE ? order.bytes - done : PIECE;

		fill(data, order.seed, done, size);
		if (!wait_for(fd, POLLOUT, end_s)) {
			errno = 0;
			return done;
		}
		ssize_t sent = send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent > 0)
			done += (uint64_t)sent;
		else if (errno != EAGAIN)
			return done;
	}
	return done;
}

static uint64_t receive_bytes(int fd, struct order order, long end_s)
{
	static uint8_t data[PIECE];
	uint64_t done = 0;

	while (done < order.bytes) {
		if (!wait_for(fd, POLLIN, end_s)) {
			errno = 0;
			return done;
		}
		ssize_t size = recv(fd, data, sizeof(data), MSG_DONTWAIT);
		if (size == -1 && errno == EAGAIN)
			continue;
		if (size <= 0) {
			errno = size ? errno : ENODATA;
			return done;
		}
		if (!is_right(data, order.seed, done, (size_t)size)) {
			printf("transfer: WRONG bytes after %llu\n", (unsigned long long)done);
			exit(2);
		}
		done += (uint64_t)size;
	}
	return done;
}

static const char *errno_name(int err)
{
	switch (err) {
	case ECONNREFUSED: return "ECONNREFUSED";
	case ECONNRESET:   return "ECONNRESET";
	case EHOSTUNREACH: return "EHOSTUNREACH";
	case ENETUNREACH:  return "ENETUNREACH";
	case EPIPE:        return "EPIPE";
	case ETIMEDOUT:    return "ETIMEDOUT";
	case ENODATA:      return "END";
	default:           return strerror(err);
	}
}

static int tell(uint64_t done, uint64_t bytes)
{
	if (done == bytes)
		printf("transfer: whole %llu\n", (unsigned long long)done);
	else if (errno)
		printf("transfer: failed %s after %llu\n", errno_name(errno),
		       (unsigned long long)done);
	else
		printf("transfer: unfinished %llu\n", (unsigned long long)done);
	return done == bytes ? 0 : 1;
}

static int open_to(const char *host, const char *port, int type)
{
	struct addrinfo hints = { .ai_socktype = type, .ai_flags = AI_NUMERICHOST }, *info;
	int fd;

	if (getaddrinfo(host, port, &hints, &info) != 0) {
		printf("transfer: no address %s\n", host);
		exit(3);
	}
	fd = socket(info->ai_family, type, 0);
	if (connect(fd, info->ai_addr, info->ai_addrlen) != 0) {
		tell(0, 1);
		exit(1);
	}
	freeaddrinfo(info);
	return fd;
}

static int ask(char **words, bool fetches)
{
	struct order order = { strtoull(words[2], NULL, 0), strtoull(words[3], NULL, 0), fetches,
			       MAGIC };
	long end_s = now_s() + atol(words[4]);
	int fd = open_to(words[0], words[1], SOCK_STREAM);
	uint64_t done;
	char verdict;

	if (send(fd, &order, sizeof(order), MSG_NOSIGNAL) != sizeof(order))
		return tell(0, 1);
	done = fetches ? receive_bytes(fd, order, end_s) : send_bytes(fd, order, end_s);
	if (done < order.bytes || fetches)
		return tell(done, order.bytes);
	if (!wait_for(fd, POLLIN, end_s))
		errno = 0;
	else if (recv(fd, &verdict, 1, 0) == 1)
		return tell(done, done);
	return tell(done, done + 1);
}

static void answer(int fd)
{
	struct order order;

	if (recv(fd, &order, sizeof(order), MSG_WAITALL) != sizeof(order) || order.magic != MAGIC)
		return;
	if (order.fetches)
		send_bytes(fd, order, now_s() + 3600);
	else if (receive_bytes(fd, order, now_s() + 3600) == order.bytes)
		send(fd, "w", 1, MSG_NOSIGNAL);
}

static void answer_datagrams(int fd)
{
	static uint8_t data[65536];
	struct sockaddr_in6 from;
	socklen_t size = sizeof(from);
	ssize_t count;

	while ((count = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &size)) >= 0)
		sendto(fd, data, (size_t)count, 0, (struct sockaddr *)&from, size);
}

static int serve(uint16_t port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int listener = socket(AF_INET6, SOCK_STREAM, 0), fd = socket(AF_INET6, SOCK_DGRAM, 0);

	signal(SIGCHLD, SIG_IGN);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 64) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror("transfer: serve");
		return 1;
	}
	if (!fork())
		for (;;)
			answer_datagrams(fd);
	for (;;) {
		int client = accept(listener, NULL, NULL);

		if (client >= 0 && !fork()) {
			answer(client);
			_exit(0);
		}
		close(client);
	}
}

/* Each holds its number and, behind it, bytes that depend on it. */
static int send_datagrams(char **words)
{
	static uint8_t data[DATAGRAM_MAX];
	uint64_t seed = strtoull(words[2], NULL, 0), number;
	int fd = open_to(words[0], words[1], SOCK_DGRAM);
	long count = atol(words[3]), size = atol(words[4]), returned = 0;

	for (long i = 0; i < count; i++) {
		struct pollfd pollfd = { .fd = fd, .events = POLLIN };

		number = (uint64_t)i;
		memcpy(data, &number, sizeof(number));
		fill(data + 8, seed + number, 0, (size_t)size - 8);
		send(fd, data, (size_t)size, MSG_NOSIGNAL);
		while (poll(&pollfd, 1, i + 1 < count ? 1 : STEP_MS) == 1) {
			ssize_t got = recv(fd, data, sizeof(data), MSG_DONTWAIT);
			if (got < 0)
				continue;
			memcpy(&number, data, sizeof(number));
			if (got != size ||
			    !is_right(data + 8, seed + number, 0, (size_t)size - 8)) {
				printf("transfer: WRONG datagram of %zd bytes\n", got);
				return 2;
			}
			returned++;
		}
	}
	printf("transfer: returned %ld\n", returned);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve((uint16_t)atoi(argv[2]));
	if (argc == 7 && !strcmp(argv[1], "datagrams"))
		return send_datagrams(argv + 2);
	if (argc == 7)
		return ask(argv + 2, !strcmp(argv[1], "fetch"));
	printf("transfer: see the head of transfer.c\n");
	return 3;
}
