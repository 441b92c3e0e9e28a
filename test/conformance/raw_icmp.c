/*
 * Raw sockets over loopback: echo, filters, headers of one's own, errors as traceroute sees
 * them, who may.
 */
#define _GNU_SOURCE
#include "inet.h"

#include <grp.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
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

static void test_raw_ping(void)
{
	int sock = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	struct sockaddr_in name = v4("127.0.0.1", 0), from;
	socklen_t size = sizeof(from);
	uint8_t message[64];
	struct icmphdr *icmp = (void *)(buffer + 20);
	struct iphdr *ip = (void *)buffer;

	CHECK(a_raw_socket, sock >= 0);
	getsockname(sock, (struct sockaddr *)&from, &size);
	OUT("its port is %u", ntohs(from.sin_port));
	OUT("ready for 0x%x", ready(sock));
	CHECK_ERRNO(it_needs_a_target, send(sock, "x", 1, 0), EDESTADDRREQ);
	echo_make((struct icmphdr *)message, sizeof(message), 1);
	CHECK_EQ(ask, sendto(sock, message, sizeof(message), 0, NAME(name)), 64);
	size = sizeof(from);
	CHECK_EQ(the_question_is_heard,
	         recvfrom(sock, buffer, sizeof(buffer), MSG_DONTWAIT, (struct sockaddr *)&from,
	                  &size), 84);
	OUT("type %u of length %u hl %u ttl %u protocol %u tos %u", icmp->type, ntohs(ip->tot_len),
	    ip->ihl, ip->ttl, ip->protocol, ip->tos);
	OUT("from %s port %u", inet_ntoa(from.sin_addr), ntohs(from.sin_port));
	CHECK_EQ(and_the_answer, take(sock), 84);
	OUT("type %u id %u sequence %u", icmp->type, ntohs(icmp->un.echo.id),
	    ntohs(icmp->un.echo.sequence));
	CHECK(its_header_is_right, checksum(buffer, 20) == 0);
	CHECK(its_bytes_are_ours, !memcmp(buffer + 28, message + 8, 56));
	CHECK(its_checksum_is_right, checksum(icmp, 64) == 0);

	uint32_t filter = ~(1u << ICMP_ECHOREPLY);

	CHECK_EQ(filter_all_but_answers, setsockopt(sock, SOL_RAW, 1, &filter, sizeof(filter)), 0);
	sendto(sock, message, sizeof(message), 0, NAME(name));
	CHECK_EQ(only_the_answer, take(sock) == 84 && icmp->type == ICMP_ECHOREPLY, 1);
	CHECK_ERRNO(nothing_else, take(sock), EAGAIN);
	uint32_t told = 0;

	size = sizeof(told);
	CHECK_EQ(the_filter_is_told, getsockopt(sock, SOL_RAW, 1, &told, &size), 0);
	CHECK_EQ(it_is_that, told, filter);
	CHECK_EQ(connect_it, connect(sock, NAME(name)), 0);
	CHECK_EQ(send_connected, send(sock, message, sizeof(message), 0), 64);
	CHECK_EQ(answered, take(sock), 84);
	CHECK_ERRNO(out_of_band, send(sock, message, 64, MSG_OOB), EOPNOTSUPP);
	memset(buffer, 0, sizeof(buffer));
	CHECK_ERRNO(too_large, send(sock, buffer, 65516, 0), EMSGSIZE);
	echo_make((struct icmphdr *)buffer, 60000, 3);
	CHECK_EQ(a_large_one, send(sock, buffer, 60000, 0), 60000);
	CHECK_EQ(comes_back, take(sock), 60020);
	close(sock);
}

static void test_header(void)
{
	int sock = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), seen = socket(AF_INET, SOCK_RAW, 253);
	struct sockaddr_in name = v4("127.0.0.1", 0);
	uint8_t packet[40] = { 0 };
	struct iphdr *ip = (void *)packet, *came = (void *)buffer;

	CHECK_EQ(it_has_the_option, option_get(sock, SOL_IP, IP_HDRINCL), 1);
	*ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 9, .protocol = 253, .tos = 4 };
	inet_pton(AF_INET, "127.0.0.5", &ip->saddr);
	inet_pton(AF_INET, "127.0.0.1", &ip->daddr);
	CHECK_EQ(send_all_of_it, sendto(sock, packet, sizeof(packet), 0, NAME(name)), 40);
	CHECK_EQ(it_comes, take(seen), 40);
	OUT("length %u ttl %u tos %u from 127.0.0.%u", ntohs(came->tot_len), came->ttl, came->tos,
	    ntohl(came->saddr) & 0xff);
	CHECK(its_sum_is_right, checksum(buffer, 20) == 0);
	ip->saddr = 0;
	sendto(sock, packet, sizeof(packet), 0, NAME(name));
	take(seen);
	OUT("an empty source becomes 127.0.0.%u", ntohl(came->saddr) & 0xff);
	CHECK_ERRNO(too_short, sendto(sock, packet, 10, 0, NAME(name)), EINVAL);
	ip->ihl = 15;
	CHECK_ERRNO(a_header_too_long, sendto(sock, packet, 40, 0, NAME(name)), EINVAL);
	CHECK_ERRNO(nothing_is_heard, take(sock), EAGAIN);
	close(seen);
	close(sock);

	sock = socket(AF_INET, SOCK_RAW, 253);
	option_set(sock, SOL_IP, IP_TTL, 17);
	CHECK_EQ(a_protocol_of_our_own, sendto(sock, "data", 4, 0, NAME(name)), 4);
	CHECK_EQ(is_heard, take(sock), 24);
	OUT("ttl %u protocol %u", came->ttl, came->protocol);
	name = v4("127.0.0.8", 0);
	CHECK_EQ(bind_it, bind(sock, NAME(name)), 0);
	name = v4("127.0.0.1", 0);
	sendto(sock, "data", 4, 0, NAME(name));
	CHECK_ERRNO(others_addresses_are_not_heard, take(sock), EAGAIN);
	name = v4("10.99.0.1", 0);
	CHECK_ERRNO(no_address_of_others, bind(sock, NAME(name)), EADDRNOTAVAIL);
	close(sock);
	CHECK_ERRNO(no_such_protocol, socket(AF_INET, SOCK_RAW, 263), EINVAL);
	CHECK_ERRNO(no_filter_but_for_icmp,
	            (sock = socket(AF_INET, SOCK_RAW, 253),
	             option_set(sock, SOL_RAW, 1, 0)), EOPNOTSUPP);
	close(sock);
}

/* What traceroute does: a datagram to a port that nobody has, its answer on a raw socket. */
static void test_traceroute(void)
{
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), sock = bound4(SOCK_DGRAM, "127.0.0.1");
	struct sockaddr_in name = v4("127.0.0.1", 33434);
	struct icmphdr *icmp = (void *)(buffer + 20);
	struct iphdr *quoted = (void *)(buffer + 28);

	option_set(sock, SOL_IP, IP_TTL, 1);
	CHECK_EQ(probe, sendto(sock, "probe probe", 11, 0, NAME(name)), 11);
	CHECK_EQ(the_answer, take(raw), 20 + 8 + 20 + 8 + 11);
	OUT("type %u code %u about protocol %u ttl %u port %u, %.11s", icmp->type, icmp->code,
	    quoted->protocol, quoted->ttl, ntohs(*(uint16_t *)(buffer + 50)), buffer + 56);
	CHECK(its_sum, checksum(icmp, 8 + 20 + 8 + 11) == 0);
	close(raw);
	close(sock);
}

static void test_raw6(void)
{
	int sock = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	struct sockaddr_in6 name = v6("::1", 0);
	struct icmp6_filter filter;
	uint8_t message[16] = { ICMP6_ECHO_REQUEST };

	CHECK(a_raw_socket6, sock >= 0);
	OUT("checksum at %d", option_get(sock, SOL_IPV6, IPV6_CHECKSUM));
	CHECK_EQ(ask6, sendto(sock, message, sizeof(message), 0, NAME(name)), 16);
	CHECK_EQ(the_question6, take(sock), 16);
	OUT("type %u", buffer[0]);
	CHECK_EQ(the_answer6, take(sock), 16);
	OUT("type %u", buffer[0]);
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
	CHECK_EQ(filter6, setsockopt(sock, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)),
	         0);
	sendto(sock, message, sizeof(message), 0, NAME(name));
	CHECK_EQ(only_the_answer6, take(sock) == 16 && buffer[0] == ICMP6_ECHO_REPLY, 1);
	CHECK_ERRNO(nothing_else6, take(sock), EAGAIN);
	name.sin6_port = htons(17);
	CHECK_ERRNO(a_port_is_a_protocol, sendto(sock, message, 16, 0, NAME(name)), EINVAL);
	close(sock);

	sock = socket(AF_INET6, SOCK_RAW, 253);
	name = v6("::1", 0);
	CHECK_EQ(own_protocol6, sendto(sock, "abcd", 4, 0, NAME(name)), 4);
	CHECK_EQ(without_a_header, take(sock), 4);
	CHECK_EQ(sum_at_2, option_set(sock, SOL_IPV6, IPV6_CHECKSUM, 2), 0);
	CHECK_ERRNO(not_at_an_odd_place, option_set(sock, SOL_IPV6, IPV6_CHECKSUM, 3), EINVAL);
	CHECK_EQ(it_is_summed, sendto(sock, "ab\0\0", 4, 0, NAME(name)), 4);
	CHECK_EQ(it_is_right, take(sock), 4);
	OUT("sum %02x%02x", buffer[2], buffer[3]);
	close(sock);
}

static void test_rights(void)
{
	pid_t child = fork();

	if (child) {
		waitpid(child, NULL, 0);
		return;
	}
	if (setgroups(0, NULL) || setgid(1000) || setuid(1000))
		_exit(1);
	CHECK_ERRNO(raw_is_for_root, socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM);
	CHECK_ERRNO(raw6_is_for_root, socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), EPERM);
	CHECK_ERRNO(ping_is_for_a_group, socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), EACCES);
	int sock = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in name = v4("127.0.0.1", 80);

	CHECK_ERRNO(low_ports_are_for_root, bind(sock, NAME(name)), EACCES);
	CHECK_ERRNO(transparent_is_for_root, option_set(sock, SOL_IP, IP_TRANSPARENT, 1), EPERM);
	_exit(0);
}

int main(void)
{
	loopback_up();
	test_raw_ping();
	test_header();
	test_traceroute();
	test_raw6();
	test_rights();
	return 0;
}
