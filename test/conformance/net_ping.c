/*
 * net_ping.c - datagram sockets of ICMP: who may have them, echo requests and their answers of IPv4
 * and IPv6, identifiers as ports, what may not be sent.
 */
#define _GNU_SOURCE
#include "check.h"
#include "net.h"

#include <fcntl.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <sys/syscall.h>

static unsigned char packet[128];

static void set_range(const char *text)
{
	int fd = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY);

	write(fd, text, strlen(text));
	close(fd);
}

static ssize_t send_echo(int fd, union net_address to, int type, uint16_t sequence)
{
	struct icmphdr echo = { .type = (uint8_t)type };
	unsigned char out[40] = { 0 };

	echo.un.echo.sequence = htons(sequence);
	echo.un.echo.id = htons(4321);
	memcpy(out, &echo, sizeof(echo));
	memset(out + 8, 'p', 32);
	return sendto(fd, out, sizeof(out), 0, &to.any, net_size(&to));
}

static ssize_t receive(int fd)
{
	net_events_after(fd, POLLIN, NET_WAIT_MS);
	return recv(fd, packet, sizeof(packet), MSG_DONTWAIT);
}

static int of_a_user(void *data)
{
	(void)data;
	syscall(SYS_setresgid, 100, 100, 100);
	syscall(SYS_setresuid, 100, 100, 100);
	CHECK_ERRNO(group_outside_is_EACCES, socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), EACCES);
	return 0;
}

static void check_rights(void)
{
	set_range("1 0");
	CHECK_ERRNO(nobody_may_at_first, socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), EACCES);
	set_range("0 50");
	int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	CHECK(group_within_may, fd >= 0);
	close(fd);
	check_in_child(of_a_user, NULL);
}

static void check_ipv4(void)
{
	const struct icmphdr *echo = (void *)packet;
	int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), second;
	union net_address to = net_ipv4("127.0.0.1", 0), from;
	socklen_t size = sizeof(from);

	CHECK_EQ(protocol_is_told, net_option(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_ICMP);
	CHECK_EQ(request_is_sent, send_echo(fd, to, ICMP_ECHO, 3), 40);
	uint16_t port = net_port(net_name(fd));
	CHECK(identifier_was_found, port != 0);
	CHECK_EQ(answer_comes_without_the_header_of_ip, receive(fd), 40);
	CHECK_EQ(it_is_an_answer, echo->type, ICMP_ECHOREPLY);
	CHECK_EQ(of_this_request, ntohs(echo->un.echo.sequence), 3);
	CHECK_EQ(with_the_found_identifier, ntohs(echo->un.echo.id), port);
	CHECK_EQ(and_its_data, packet[39], 'p');
	send_echo(fd, to, ICMP_ECHO, 4);
	net_events_with(fd, POLLIN);
	recvfrom(fd, packet, sizeof(packet), 0, &from.any, &size);
	CHECK(answerer_is_told, size == 16 && ntohl(from.in.sin_addr.s_addr) == INADDR_LOOPBACK);
	CHECK_ERRNO(only_requests_are_sent, send_echo(fd, to, ICMP_ECHOREPLY, 1), EINVAL);
	CHECK_ERRNO(short_request_is_EINVAL, sendto(fd, "x", 1, 0, &to.any, sizeof(to.in)), EINVAL);
	packet[0] = ICMP_ECHO;
	CHECK_ERRNO(destination_is_needed, send(fd, packet, 40, 0), EDESTADDRREQ);
	second = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	CHECK_EQ(identifier_can_be_chosen, net_bind(second, net_ipv4("0.0.0.0", 7777)), 0);
	CHECK_EQ(and_is_told, net_port(net_name(second)), 7777);
	CHECK_EQ(peer_can_be_chosen, net_connect(second, to), 0);
	send_echo(fd, to, ICMP_ECHO, 5);
	receive(fd);
	CHECK_EQ(answers_go_to_who_asked, net_events_after(second, POLLIN, 30), 0);
	close(second);
	close(fd);
}

static void check_ipv6(void)
{
	const struct icmp6_hdr *echo = (void *)packet;
	int fd = socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
	union net_address to = net_ipv6("::1", 0);

	CHECK_EQ(request_of_ipv6_is_sent, send_echo(fd, to, ICMP6_ECHO_REQUEST, 6), 40);
	CHECK_EQ(answer_of_ipv6_comes, receive(fd), 40);
	CHECK(and_is_of_this_request, echo->icmp6_type == ICMP6_ECHO_REPLY &&
	      ntohs(echo->icmp6_seq) == 6 && ntohs(echo->icmp6_id) == net_port(net_name(fd)));
	CHECK_ERRNO(only_requests_of_ipv6_are_sent, send_echo(fd, to, ICMP6_ECHO_REPLY, 1), EINVAL);
	close(fd);
}

int main(void)
{
	net_up();
	check_rights();
	check_ipv4();
	check_ipv6();
	set_range("1 0");
	return 0;
}
