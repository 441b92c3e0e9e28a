/*
 * net_udp_errors.c - the error queue of sockets: what ICMP says about a datagram that was sent,
 * with the datagram, its destination and who said so, over IPv4 and IPv6.
 */
#define _GNU_SOURCE
#include "check.h"
#include "net.h"

#include <linux/errqueue.h>
#include <netinet/ip_icmp.h>

struct report {
	ssize_t size;
	int flags;
	char data[16];
	union net_address to, offender;
	struct sock_extended_err error;
	int level, type;
};

static struct report receive_report(int fd)
{
	struct report report = { .level = -1 };
	char control[512];
	struct iovec iov = { report.data, sizeof(report.data) };
	struct msghdr message = { .msg_name = &report.to, .msg_namelen = sizeof(report.to),
				  .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };

	report.size = recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
	report.flags = message.msg_flags;
	if (report.size < 0)
		return report;
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	if (c) {
		report.level = c->cmsg_level;
		report.type = c->cmsg_type;
		memcpy(&report.error, CMSG_DATA(c), sizeof(report.error));
		memcpy(&report.offender, CMSG_DATA(c) + sizeof(report.error),
		       c->cmsg_level == IPPROTO_IP ? sizeof(struct sockaddr_in)
						   : sizeof(struct sockaddr_in6));
	}
	return report;
}

/* An address at which nobody is. */
static union net_address nobody(int family)
{
	int fd = socket(family, SOCK_DGRAM, 0);

	net_bind(fd, family == AF_INET ? net_ipv4("127.0.0.1", 0) : net_ipv6("::1", 0));
	union net_address address = net_name(fd);
	close(fd);
	return address;
}

static void check_ipv4(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	union net_address at = nobody(AF_INET);
	struct report report;

	CHECK_EQ(errors_are_not_wanted, net_option(fd, IPPROTO_IP, IP_RECVERR), 0);
	CHECK_EQ(errors_can_be_wanted, net_set(fd, IPPROTO_IP, IP_RECVERR, 1), 0);
	CHECK_ERRNO(empty_queue_is_EAGAIN, recv(fd, &report, 1, MSG_ERRQUEUE), EAGAIN);
	sendto(fd, "lost", 4, 0, &at.any, sizeof(at.in));
	CHECK_EQ(report_is_an_error, net_events_with(fd, POLLERR), POLLOUT | POLLERR);
	report = receive_report(fd);
	CHECK_EQ(report_brings_the_datagram, report.size, 4);
	CHECK_EQ(as_it_was, memcmp(report.data, "lost", 4), 0);
	CHECK_EQ(report_is_marked, report.flags, MSG_ERRQUEUE);
	CHECK_EQ(report_tells_the_destination, net_port(report.to), net_port(at));
	CHECK(report_is_of_ip, report.level == IPPROTO_IP && report.type == IP_RECVERR);
	CHECK_EQ(error_is_told, report.error.ee_errno, ECONNREFUSED);
	CHECK_EQ(origin_is_icmp, report.error.ee_origin, SO_EE_ORIGIN_ICMP);
	CHECK_EQ(type_is_told, report.error.ee_type, ICMP_DEST_UNREACH);
	CHECK_EQ(code_is_told, report.error.ee_code, ICMP_PORT_UNREACH);
	CHECK(offender_is_told, report.offender.any.sa_family == AF_INET &&
	      ntohl(report.offender.in.sin_addr.s_addr) == INADDR_LOOPBACK &&
	      !net_port(report.offender));
	CHECK_EQ(queue_is_empty_again, receive_report(fd).size, -1);
	CHECK_EQ(and_the_error_is_gone, net_events(fd), POLLOUT);
	sendto(fd, "a", 1, 0, &at.any, sizeof(at.in));
	net_events_with(fd, POLLERR);
	CHECK_ERRNO(next_send_tells_the_error, sendto(fd, "b", 1, 0, &at.any, sizeof(at.in)),
		    ECONNREFUSED);
	CHECK_EQ(report_stays_in_the_queue, net_events(fd), POLLOUT | POLLERR);
	CHECK_EQ(until_it_is_read, receive_report(fd).size, 1);
	for (int i = 0; i < 3; i++) {
		sendto(fd, &(char){ (char)i }, 1, 0, &at.any, sizeof(at.in));
		net_events_with(fd, POLLERR);
		net_error(fd);
	}
	int in_order = 0;
	for (int i = 0; i < 3; i++)
		in_order += (report = receive_report(fd)).size == 1 && report.data[0] == i;
	CHECK_EQ(reports_come_in_order, in_order, 3);
	sendto(fd, "a", 1, 0, &at.any, sizeof(at.in));
	net_events_with(fd, POLLERR);
	net_set(fd, IPPROTO_IP, IP_RECVERR, 0);
	CHECK_EQ(unwanted_errors_are_thrown_away, receive_report(fd).size, -1);
	close(fd);
}

static void check_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	union net_address at = nobody(AF_INET6);
	struct report report;

	net_set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	sendto(fd, "lost", 4, 0, &at.any, sizeof(at.in6));
	CHECK_EQ(report_of_ipv6_is_an_error, net_events_with(fd, POLLERR), POLLOUT | POLLERR);
	report = receive_report(fd);
	CHECK_EQ(report_of_ipv6_brings_the_datagram, report.size, 4);
	CHECK(report_is_of_ipv6, report.level == IPPROTO_IPV6 && report.type == IPV6_RECVERR);
	CHECK_EQ(error_of_ipv6_is_told, report.error.ee_errno, ECONNREFUSED);
	CHECK_EQ(origin_is_icmpv6, report.error.ee_origin, SO_EE_ORIGIN_ICMP6);
	CHECK_EQ(type_of_icmpv6_is_told, report.error.ee_type, 1);
	CHECK_EQ(code_of_icmpv6_is_told, report.error.ee_code, 4);
	CHECK(destination_of_ipv6_is_told, report.to.any.sa_family == AF_INET6 &&
	      net_port(report.to) == net_port(at));
	CHECK(offender_of_ipv6_is_told, report.offender.any.sa_family == AF_INET6 &&
	      IN6_IS_ADDR_LOOPBACK(&report.offender.in6.sin6_addr));
	close(fd);
}

static void check_local(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	static char large[65000];
	struct report report;

	net_set(fd, IPPROTO_IP, IP_RECVERR, 1);
	net_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	net_connect(fd, nobody(AF_INET));
	CHECK_ERRNO(too_large_a_datagram_is_EMSGSIZE, send(fd, large, 65600, 0), EMSGSIZE);
	report = receive_report(fd);
	CHECK_EQ(what_is_no_datagram_is_not_queued, report.size, -1);
	close(fd);
}

int main(void)
{
	net_up();
	check_ipv4();
	check_ipv6();
	check_local();
	return 0;
}
