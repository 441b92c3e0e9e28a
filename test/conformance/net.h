/*
 * net.h - what the conformance programs about the network share: an interface `lo` that is up,
 * addresses, connected pairs, and what poll(2) says now or within a second.
 *
 * Nothing here uses a fixed port: a listener takes an ephemeral one and tells it, so that a
 * program can run again while the connections of its last run are still in TIME_WAIT.
 */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
	NET_EVENTS = POLLIN | POLLPRI | POLLOUT | POLLRDHUP | POLLERR | POLLHUP,
	NET_WAIT_MS = 3000,     /* a hang detector for what takes no time */
	NET_SETTLE_US = 20000,  /* in which nothing is expected to happen */
};

/* Any address, so that calls need no casts. */
union net_address {
	struct sockaddr         any;
	struct sockaddr_in      in;
	struct sockaddr_in6     in6;
	struct sockaddr_storage storage;
};

/* As its first program, a guest has an interface lo that is down. */
static inline void net_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (ioctl(fd, SIOCGIFFLAGS, &request) == 0 && !(request.ifr_flags & IFF_UP)) {
		request.ifr_flags |= IFF_UP;
		ioctl(fd, SIOCSIFFLAGS, &request);
	}
	close(fd);
}

static inline union net_address net_ipv4(const char *text, uint16_t port)
{
	union net_address address = { .in = { .sin_family = AF_INET, .sin_port = htons(port) } };

	inet_pton(AF_INET, text, &address.in.sin_addr);
	return address;
}

static inline union net_address net_ipv6(const char *text, uint16_t port)
{
	union net_address address = { .in6 = { .sin6_family = AF_INET6,
					       .sin6_port = htons(port) } };

	inet_pton(AF_INET6, text, &address.in6.sin6_addr);
	return address;
}

static inline socklen_t net_size(const union net_address *address)
{
	return address->any.sa_family == AF_INET6 ? sizeof(address->in6) : sizeof(address->in);
}

static inline int net_bind(int fd, union net_address address)
{
	return bind(fd, &address.any, net_size(&address));
}

static inline int net_connect(int fd, union net_address address)
{
	return connect(fd, &address.any, net_size(&address));
}

static inline union net_address net_name(int fd)
{
	union net_address address = { 0 };
	socklen_t size = sizeof(address);

	getsockname(fd, &address.any, &size);
	return address;
}

static inline union net_address net_peer(int fd)
{
	union net_address address = { 0 };
	socklen_t size = sizeof(address);

	getpeername(fd, &address.any, &size);
	return address;
}

/* Both families have it in the same place. */
static inline uint16_t net_port(union net_address address)
{
	return ntohs(address.in.sin_port);
}

/* A TCP socket that listens at an ephemeral port of this address. */
static inline int net_listener_at(union net_address address, int backlog)
{
	int fd = socket(address.any.sa_family, SOCK_STREAM, 0);

	if (net_bind(fd, address) != 0 || listen(fd, backlog) != 0)
		dprintf(STDOUT_FILENO, "net.h: cannot listen: %s\n", strerror(errno));
	return fd;
}

static inline int net_listener(int backlog)
{
	return net_listener_at(net_ipv4("127.0.0.1", 0), backlog);
}

/* A connection to a listener; the accepted side is left to accept(2). */
static inline int net_client(int listener, int flags)
{
	union net_address address = net_name(listener);
	int fd = socket(address.any.sa_family, SOCK_STREAM | flags, 0);

	net_connect(fd, address);
	return fd;
}

/* pair[0] has connected, pair[1] was accepted. */
static inline void net_pair(int pair[2])
{
	int listener = net_listener(1);

	pair[0] = net_client(listener, 0);
	pair[1] = accept(listener, NULL, NULL);
	close(listener);
}

static inline void net_pair_close(int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

/* Two UDP sockets of the loopback, connected to each other. */
static inline void net_pair_udp(int pair[2])
{
	for (int i = 0; i < 2; i++) {
		pair[i] = socket(AF_INET, SOCK_DGRAM, 0);
		net_bind(pair[i], net_ipv4("127.0.0.1", 0));
	}
	net_connect(pair[0], net_name(pair[1]));
	net_connect(pair[1], net_name(pair[0]));
}

static inline int net_events_after(int fd, int events, int timeout_ms)
{
	struct pollfd pollfd = { .fd = fd, .events = (short)events };

	while (poll(&pollfd, 1, timeout_ms) == -1 && errno == EINTR)
		;
	return pollfd.revents;
}

/* All that poll(2) says now. */
static inline int net_events(int fd)
{
	return net_events_after(fd, NET_EVENTS, 0);
}

/* All that poll(2) says as soon as it says one of `wanted`, or after a few seconds. */
static inline int net_events_with(int fd, int wanted)
{
	net_events_after(fd, wanted, NET_WAIT_MS);
	return net_events(fd);
}

/* All that poll(2) says as soon as it is this. */
static inline int net_events_become(int fd, int wanted)
{
	int events;

	for (int i = 0; (events = net_events(fd)) != wanted && i < NET_WAIT_MS; i++)
		usleep(1000);
	return events;
}

static inline int net_option(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, level, name, &value, &size) == 0 ? value : -errno;
}

static inline int net_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

/* The pending error, which reading takes away. */
static inline int net_error(int fd)
{
	return net_option(fd, SOL_SOCKET, SO_ERROR);
}

static inline ssize_t net_send(int fd, const void *data, size_t size)
{
	return send(fd, data, size, MSG_NOSIGNAL);
}

static inline void net_linger(int fd, int on, int seconds)
{
	struct linger linger = { .l_onoff = on, .l_linger = seconds };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* Closes so that the other side is reset. */
static inline void net_reset(int fd)
{
	net_linger(fd, 1, 0);
	close(fd);
}

static inline int net_timeout(int fd, int option, long ms)
{
	struct timeval limit = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	return setsockopt(fd, SOL_SOCKET, option, &limit, sizeof(limit));
}

static inline long net_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
