/*
 * TCP over IPv6 on loopback: beside IPv4 on the same port, and IPv4 seen through an IPv6 socket.
 */
#define _GNU_SOURCE
#include "check.h"
#include "tcp.h"

#include <signal.h>

static void check_six(void)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t size = sizeof(six);
	char buf[8];
	int fd = socket(AF_INET6, SOCK_STREAM, 0), on = 1, pair[2], four;
	struct sockaddr_in address = { .sin_family = AF_INET };

	setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	CHECK_EQ(six_is_bound, bind(fd, (struct sockaddr *)&six, sizeof(six)), 0);
	listen(fd, 4);
	getsockname(fd, (struct sockaddr *)&six, &size);
	pair[0] = socket(AF_INET6, SOCK_STREAM, 0);
	CHECK_EQ(six_connects, connect(pair[0], (struct sockaddr *)&six, sizeof(six)), 0);
	pair[1] = accept(fd, NULL, NULL);
	send(pair[0], "six", 3, 0);
	CHECK_EQ(six_carries_data, recv(pair[1], buf, 8, 0), 3);
	four = socket(AF_INET, SOCK_STREAM, 0);
	address.sin_port = six.sin6_port;
	CHECK_EQ(four_has_the_same_port,
		 bind(four, (struct sockaddr *)&address, sizeof(address)), 0);
	close(four);
	pair_close(pair);
	close(fd);
}

static void check_mapped(void)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 }, name;
	socklen_t size = sizeof(name);
	int listener = listener_open(4), fd = socket(AF_INET6, SOCK_STREAM, 0), on = 1;

	six.sin6_port = htons((uint16_t)port_of(listener));
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &six.sin6_addr);
	CHECK_EQ(six_connects_to_four, connect(fd, (struct sockaddr *)&six, sizeof(six)), 0);
	getpeername(fd, (struct sockaddr *)&name, &size);
	CHECK(its_peer_is_mapped, IN6_IS_ADDR_V4MAPPED(&name.sin6_addr));
	getsockname(fd, (struct sockaddr *)&name, &size);
	CHECK(its_name_is_mapped, IN6_IS_ADDR_V4MAPPED(&name.sin6_addr));
	close(fd);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	CHECK_ERRNO(only_six_does_not, connect(fd, (struct sockaddr *)&six, sizeof(six)),
		    ENETUNREACH);
	close(fd);
	close(listener);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	loopback_up();
	check_six();
	check_mapped();
	return 0;
}
