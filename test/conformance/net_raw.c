/*
 * net_raw.c - raw sockets: any protocol over lo, headers of one's own, copies of what others get,
 * ICMP with its filter, and the same of IPv6 with checksums that the kernel makes.
 */
#define _GNU_SOURCE
#include "check.h"
#include "net.h"

#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

enum { EXPERIMENT = 253 };

static const union net_address loopback = { .in = { .sin_family = AF_INET,
						     .sin_addr = { 0x0100007f } } };
static unsigned char packet[2048];

static ssize_t send_to(int fd, const void *data, size_t size, union net_address to)
{
	return sendto(fd, data, size, 0, &to.any, net_size(&to));
}

static ssize_t receive(int fd)
{
	net_events_after(fd, POLLIN, NET_WAIT_MS);
	return recv(fd, packet, sizeof(packet), MSG_DONTWAIT);
}

static bool is_quiet(int fd)
{
	return net_events_after(fd, POLLIN, 30) == 0;
}

static uint16_t checksum(const void *data, size_t size)
{
	const unsigned char *bytes = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void check_creation(void)
{
	int fd;

	CHECK_ERRNO(raw_socket_needs_a_protocol, socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
	fd = socket(AF_INET, SOCK_RAW, EXPERIMENT);
	CHECK(raw_socket_is_made, fd >= 0);
	CHECK_EQ(type_is_told, net_option(fd, SOL_SOCKET, SO_TYPE), SOCK_RAW);
	CHECK_EQ(protocol_is_told, net_option(fd, SOL_SOCKET, SO_PROTOCOL), EXPERIMENT);
	CHECK_EQ(port_is_the_protocol, net_port(net_name(fd)), EXPERIMENT);
	CHECK_EQ(headers_are_made, net_option(fd, IPPROTO_IP, IP_HDRINCL), 0);
	CHECK_ERRNO(destination_is_needed, send(fd, "x", 1, 0), EDESTADDRREQ);
	CHECK_ERRNO(listen_is_EOPNOTSUPP, listen(fd, 1), EOPNOTSUPP);
	CHECK_ERRNO(foreign_address_is_EADDRNOTAVAIL, net_bind(fd, net_ipv4("8.8.8.8", 0)),
		    EADDRNOTAVAIL);
	close(fd);
	fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	CHECK_EQ(protocol_raw_has_its_own_headers, net_option(fd, IPPROTO_IP, IP_HDRINCL), 1);
	close(fd);
}

static void check_experiment(void)
{
	int a = socket(AF_INET, SOCK_RAW, EXPERIMENT), b = socket(AF_INET, SOCK_RAW, EXPERIMENT);
	int other = socket(AF_INET, SOCK_RAW, EXPERIMENT + 1);
	union net_address from;
	socklen_t size = sizeof(from);
	const struct iphdr *header = (void *)packet;

	net_set(a, IPPROTO_IP, IP_TTL, 9);
	CHECK_EQ(packet_is_sent, send_to(a, "hello", 5, loopback), 5);
	CHECK_EQ(it_comes_with_its_header, receive(b), 25);
	CHECK(header_is_whole, header->version == 4 && header->ihl == 5 && header->ttl == 9 &&
	      header->protocol == EXPERIMENT && ntohs(header->tot_len) == 25);
	CHECK_EQ(checksum_of_the_header_is_right, checksum(packet, 20), 0);
	CHECK_EQ(data_follow, memcmp(packet + 20, "hello", 5), 0);
	CHECK_EQ(sender_hears_it_too, receive(a), 25);
	CHECK(other_protocols_do_not, is_quiet(other));
	send_to(a, "again", 5, loopback);
	net_events_with(b, POLLIN);
	recvfrom(b, packet, 10, 0, &from.any, &size);
	CHECK(sender_is_told, size == 16 && ntohl(from.in.sin_addr.s_addr) == INADDR_LOOPBACK &&
	      !net_port(from));
	receive(a);
	net_bind(b, net_ipv4("127.0.0.2", 0));
	send_to(a, "x", 1, loopback);
	receive(a);
	CHECK(bound_socket_hears_its_address_only, is_quiet(b));
	send_to(a, "x", 1, net_ipv4("127.0.0.2", 0));
	CHECK_EQ(which_it_does, receive(b), 21);
	receive(a);
	net_connect(a, net_ipv4("127.0.0.3", 0));
	send_to(b, "x", 1, loopback);
	CHECK(connected_socket_hears_its_peer_only, is_quiet(a));
	CHECK_EQ(connected_socket_needs_no_address, send(a, "x", 1, 0), 1);
	close(other);
	close(a);
	close(b);
}

static void check_own_headers(void)
{
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), udp = socket(AF_INET, SOCK_DGRAM, 0);
	struct {
		struct iphdr ip;
		struct udphdr udp;
		char data[4];
	} out = { .ip = { .version = 4, .ihl = 5, .ttl = 5, .protocol = IPPROTO_UDP,
			  .daddr = htonl(INADDR_LOOPBACK), .saddr = htonl(0x7f000005) },
		  .udp = { .source = htons(77), .len = htons(12) }, .data = "data" };
	union net_address from;
	socklen_t size = sizeof(from);

	net_bind(udp, loopback);
	out.udp.dest = net_name(udp).in.sin_port;
	CHECK_ERRNO(short_header_is_EINVAL, send_to(raw, &out, 10, loopback), EINVAL);
	CHECK_EQ(own_header_is_sent, send_to(raw, &out, sizeof(out), loopback), sizeof(out));
	net_events_with(udp, POLLIN);
	CHECK_EQ(and_filled_in, recvfrom(udp, packet, 100, MSG_DONTWAIT, &from.any, &size), 4);
	CHECK(as_it_says, ntohl(from.in.sin_addr.s_addr) == 0x7f000005 && net_port(from) == 77);
	CHECK(protocol_raw_hears_nothing, is_quiet(raw));
	close(raw);
	close(udp);
}

static void check_copies(void)
{
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_UDP), pair[2];

	net_pair_udp(pair);
	send(pair[0], "text", 4, 0);
	CHECK_EQ(raw_socket_gets_a_copy, receive(raw), 32);
	CHECK_EQ(with_the_header_of_udp, packet[22] << 8 | packet[23],
		 net_port(net_name(pair[1])));
	CHECK_EQ(datagram_arrives_too, receive(pair[1]), 4);
	close(raw);
	net_pair_close(pair);
}

static size_t make_echo(uint8_t type, uint16_t id)
{
	struct icmphdr *echo = (void *)packet;

	memset(packet, 'e', 64);
	*echo = (struct icmphdr){ .type = type };
	echo->un.echo.id = htons(id);
	echo->checksum = checksum(packet, 64);
	return 64;
}

static void check_icmp(void)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	const struct icmphdr *echo = (void *)(packet + 20);
	struct icmp_filter filter = { .data = 0 };
	socklen_t size = sizeof(filter);

	send_to(fd, packet, make_echo(ICMP_ECHO, 7), loopback);
	CHECK_EQ(own_request_is_heard, receive(fd), 84);
	CHECK_EQ(it_is_the_request, echo->type, ICMP_ECHO);
	CHECK_EQ(then_the_answer, receive(fd), 84);
	CHECK(it_is_the_answer, echo->type == ICMP_ECHOREPLY && ntohs(echo->un.echo.id) == 7);
	CHECK_EQ(checksum_of_the_answer_is_right, checksum(packet + 20, 64), 0);
	CHECK_EQ(nothing_is_filtered, getsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, &size) ? 1u :
		 filter.data, 0);
	filter.data = 1u << ICMP_ECHO;
	CHECK_EQ(requests_can_be_filtered,
		 setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter)), 0);
	send_to(fd, packet, make_echo(ICMP_ECHO, 8), loopback);
	CHECK_EQ(then_only_the_answer_is_heard, receive(fd), 84);
	CHECK(which_is_the_second, echo->type == ICMP_ECHOREPLY && ntohs(echo->un.echo.id) == 8);
	int udp = socket(AF_INET, SOCK_DGRAM, 0);
	net_bind(udp, loopback);
	union net_address closed = net_name(udp);
	close(udp);
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	send_to(udp, "lost", 4, closed);
	CHECK_EQ(unreachable_ports_are_told, receive(fd), 20 + 8 + 20 + 8 + 4);
	CHECK(with_their_code, echo->type == ICMP_DEST_UNREACH && echo->code == ICMP_PORT_UNREACH);
	int raw = socket(AF_INET, SOCK_RAW, EXPERIMENT);
	send_to(raw, "x", 1, loopback);
	CHECK(protocol_with_a_socket_is_reachable, is_quiet(fd));
	close(raw);
	raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	struct iphdr header = { .version = 4, .ihl = 5, .ttl = 5, .protocol = EXPERIMENT,
				.daddr = htonl(INADDR_LOOPBACK) };
	send_to(raw, &header, sizeof(header), loopback);
	CHECK(protocol_without_one_is_told, receive(fd) > 0 && echo->type == ICMP_DEST_UNREACH &&
	      echo->code == ICMP_PROT_UNREACH);
	close(raw);
	close(udp);
	close(fd);
}

static void check_icmpv6(void)
{
	int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	union net_address to = net_ipv6("::1", 0);
	struct icmp6_hdr echo = { .icmp6_type = ICMP6_ECHO_REQUEST };
	const struct icmp6_hdr *answer = (void *)packet;
	struct icmp6_filter filter;

	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
	CHECK_EQ(filter_of_icmpv6_is_set,
		 setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)), 0);
	echo.icmp6_id = htons(9);
	CHECK_EQ(request_of_ipv6_is_sent, send_to(fd, &echo, sizeof(echo), to), 8);
	CHECK_EQ(answer_comes_without_a_header, receive(fd), 8);
	CHECK(answer_of_ipv6_is_one, answer->icmp6_type == ICMP6_ECHO_REPLY &&
	      ntohs(answer->icmp6_id) == 9 && answer->icmp6_cksum);
	CHECK(request_was_filtered, is_quiet(fd));
	CHECK_ERRNO(checksum_of_icmpv6_is_the_kernels,
		    net_set(fd, IPPROTO_IPV6, IPV6_CHECKSUM, 4), EINVAL);
	close(fd);
	fd = socket(AF_INET6, SOCK_RAW, EXPERIMENT);
	CHECK_EQ(no_checksum_is_made, net_option(fd, IPPROTO_IPV6, IPV6_CHECKSUM), -1);
	CHECK_ERRNO(odd_place_is_EINVAL, net_set(fd, IPPROTO_IPV6, IPV6_CHECKSUM, 3), EINVAL);
	CHECK_EQ(checksum_can_be_wanted, net_set(fd, IPPROTO_IPV6, IPV6_CHECKSUM, 2), 0);
	send_to(fd, "a\0\0\0b\0", 6, to);
	CHECK_EQ(packet_of_ipv6_arrives, receive(fd), 6);
	CHECK(with_a_checksum, packet[2] || packet[3]);
	close(fd);
}

int main(void)
{
	net_up();
	check_creation();
	check_experiment();
	check_own_headers();
	check_copies();
	check_icmp();
	check_icmpv6();
	return 0;
}
