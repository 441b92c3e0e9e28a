/*
 * inet.h - what programs about sockets of the internet share: loopback up, addresses, sockets.
 */
#pragma once

#include "check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

/* lo is down until somebody ups it; with that 127.0.0.1 and ::1 are there. */
static inline bool loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	bool is_up = !ioctl(sock, SIOCSIFFLAGS, &request);
	struct sockaddr_in address = { .sin_family = AF_INET };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memcpy(&request.ifr_addr, &address, sizeof(address));
	ioctl(sock, SIOCSIFADDR, &request);
	close(sock);
	return is_up;
}

static inline struct sockaddr_in v4(const char *address, uint16_t port)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, address, &name.sin_addr);
	return name;
}

static inline struct sockaddr_in6 v6(const char *address, uint16_t port)
{
	struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	inet_pton(AF_INET6, address, &name.sin6_addr);
	return name;
}

#define NAME(name) ((struct sockaddr *)&(name)), (socklen_t)sizeof(name)

/* The port of a bound socket, host order. */
static inline uint16_t port_of(int sock)
{
	struct sockaddr_in6 name = { 0 };
	socklen_t size = sizeof(name);

	getsockname(sock, (struct sockaddr *)&name, &size);
	return ntohs(name.sin6_port); /* it lies where sin_port does */
}

/* A socket bound to an address, any port; -1. */
static inline int bound4(int type, const char *address)
{
	int sock = socket(AF_INET, type, 0);
	struct sockaddr_in name = v4(address, 0);

	if (sock >= 0 && bind(sock, NAME(name))) {
		close(sock);
		return -1;
	}
	return sock;
}

static inline int bound6(int type, const char *address)
{
	int sock = socket(AF_INET6, type, 0);
	struct sockaddr_in6 name = v6(address, 0);

	if (sock >= 0 && bind(sock, NAME(name))) {
		close(sock);
		return -1;
	}
	return sock;
}

static inline int option_set(int sock, int level, int name, int value)
{
	return setsockopt(sock, level, name, &value, sizeof(value));
}

/* The value, or -errno. */
static inline int option_get(int sock, int level, int name)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(sock, level, name, &value, &size) ? -errno : value;
}

/* What poll() says at once. */
static inline int ready(int sock)
{
	struct pollfd fd = {
		.fd = sock,
		.events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM |
			  POLLRDBAND | POLLWRBAND,
	};

	return poll(&fd, 1, 0) < 0 ? -errno : fd.revents;
}
