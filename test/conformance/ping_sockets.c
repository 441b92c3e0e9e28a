/*
 * Ping sockets over loopback: who may, what may be sent, what comes back.
 */
#define _GNU_SOURCE
#include "inet.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

static uint8_t buffer[70000];

static uint16_t checksum(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += i & 1 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static ssize_t take(int sock)
{
	return recv(sock, buffer, sizeof(buffer), MSG_DONTWAIT);
}

static void echo_make(struct icmphdr *echo, size_t size, uint16_t sequence)
{
	memset(echo, 0x55, size);
	*echo = (struct icmphdr){ .type = ICMP_ECHO };
	echo->un.echo.id = htons(77);
	echo->un.echo.sequence = htons(sequence);
	echo->checksum = checksum(echo, size);
}

static void ping_range(const char *range)
{
	int fd = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY);

	CHECK_EQ(the_range_is_set, write(fd, range, strlen(range)), (ssize_t)strlen(range));
	close(fd);
}

static void test_ping(void)
{
	struct sockaddr_in name = v4("127.0.0.1", 0), from;
	socklen_t size = sizeof(from);
	uint8_t message[32];
	struct icmphdr *icmp = (void *)buffer;
	int sock, other;

	CHECK_ERRNO(ping_is_for_nobody, socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), EACCES);
	ping_range("0 0");
	sock = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	CHECK(ping_is_for_us, sock >= 0);
	echo_make((struct icmphdr *)message, sizeof(message), 5);
	CHECK_EQ(ping, sendto(sock, message, sizeof(message), 0, NAME(name)), 32);
	CHECK_EQ(pong, recvfrom(sock, buffer, sizeof(buffer), MSG_DONTWAIT,
	                        (struct sockaddr *)&from, &size), 32);
	OUT("type %u sequence %u from %s port %u", icmp->type, ntohs(icmp->un.echo.sequence),
	    inet_ntoa(from.sin_addr), ntohs(from.sin_port));
	CHECK(the_id_is_the_port, icmp->un.echo.id == htons(port_of(sock)));
	message[0] = ICMP_ECHOREPLY;
	CHECK_ERRNO(only_questions, sendto(sock, message, 32, 0, NAME(name)), EINVAL);
	CHECK_ERRNO(whole_ones, sendto(sock, message, 4, 0, NAME(name)), EINVAL);
	other = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	name = v4("0.0.0.0", port_of(sock));
	CHECK_EQ(an_id_may_be_shared, bind(other, NAME(name)), 0);
	close(other);
	other = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	name = v4("127.0.0.1", 1234);
	CHECK_EQ(bind_to_an_id, bind(other, NAME(name)), 0);
	CHECK_EQ(it_is_the_port, port_of(other), 1234);
	close(other);
	close(sock);
	CHECK_ERRNO(icmpv6_is_not_for_ipv4, socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMPV6),
	            EPROTONOSUPPORT);
	sock = socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
	struct sockaddr_in6 name6 = v6("::1", 0);

	memset(message, 0, sizeof(message));
	message[0] = ICMP6_ECHO_REQUEST;
	CHECK_EQ(ping6, sendto(sock, message, sizeof(message), 0, NAME(name6)), 32);
	CHECK_EQ(pong6, take(sock), 32);
	OUT("type %u", buffer[0]);
	close(sock);
	ping_range("1 0");
}

int main(void)
{
	loopback_up();
	test_ping();
	return 0;
}
