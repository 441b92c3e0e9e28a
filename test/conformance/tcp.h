/*
 * tcp.h - connections over loopback, and what programs about TCP ask of them.
 */
#pragma once

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static inline void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ioctl(fd, SIOCGIFFLAGS, &request);
	request.ifr_flags |= IFF_UP | IFF_RUNNING;
	ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
}

static inline int events_of(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP | POLLPRI };

	poll(&entry, 1, 0);
	return entry.revents;
}

/* Waits (bounded) until poll() says all of these. */
static inline int events_become(int fd, short wanted)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP | POLLPRI };

	for (int i = 0; i < 500; i++) {
		poll(&entry, 1, 0);
		if ((entry.revents & wanted) == wanted)
			break;
		usleep(10000);
	}
	return entry.revents;
}

static inline int error_of(int fd)
{
	int error = -1;
	socklen_t size = sizeof(error);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error;
}

static inline int state_of(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	getsockopt(fd, SOL_TCP, TCP_INFO, &info, &size);
	return info.tcpi_state;
}

static inline int state_becomes(int fd, int state)
{
	for (int i = 0; i < 500 && state_of(fd) != state; i++)
		usleep(10000);
	return state_of(fd);
}

static inline struct sockaddr_in loopback(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return address;
}

static inline int port_of(int fd)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);

	getsockname(fd, (struct sockaddr *)&address, &size);
	return ntohs(address.sin_port);
}

static inline int listener_open(int backlog)
{
	struct sockaddr_in address = loopback(0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	bind(fd, (struct sockaddr *)&address, sizeof(address));
	listen(fd, backlog);
	return fd;
}

static inline int connect_to(int fd, int port)
{
	struct sockaddr_in address = loopback(port);

	return connect(fd, (struct sockaddr *)&address, sizeof(address));
}

static inline int disconnect(int fd)
{
	struct sockaddr address = { .sa_family = AF_UNSPEC };

	return connect(fd, &address, sizeof(address));
}

static inline void pair_open(int pair[2])
{
	int listener = listener_open(4);

	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	connect_to(pair[0], port_of(listener));
	pair[1] = accept(listener, NULL, NULL);
	close(listener);
}

static inline void pair_close(int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static inline ssize_t send_quiet(int fd, const void *data, size_t size)
{
	return send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}
