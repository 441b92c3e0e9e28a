/*
 * net_binding.c - which sockets may share a port: a table of pairs by addresses, families,
 * SO_REUSEADDR, SO_REUSEPORT, users and states, for TCP and UDP; ephemeral and low ports.
 */
#define _GNU_SOURCE
#include "check.h"
#include "net.h"

#include <sys/syscall.h>

enum { REUSEADDR = 1, REUSEPORT = 2, V6ONLY = 4, LISTENS = 8 };

static int open_socket(int family, int type, int flags)
{
	int fd = socket(family, type, 0);

	net_set(fd, SOL_SOCKET, SO_REUSEADDR, !!(flags & REUSEADDR));
	net_set(fd, SOL_SOCKET, SO_REUSEPORT, !!(flags & REUSEPORT));
	if (family == AF_INET6)
		net_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !!(flags & V6ONLY));
	return fd;
}

static union net_address address_of(const char *text, uint16_t port)
{
	return strchr(text, ':') ? net_ipv6(text, port) : net_ipv4(text, port);
}

/* 'y' if both may have the port, 'n' if the second is refused. */
static char shares(int type, const char *first, int first_flags, const char *second,
		   int second_flags)
{
	union net_address address = address_of(first, 0);
	int a = open_socket(address.any.sa_family, type, first_flags), b;
	char verdict;

	if (net_bind(a, address) != 0)
		return '?';
	if (first_flags & LISTENS)
		listen(a, 1);
	address = address_of(second, net_port(net_name(a)));
	b = open_socket(address.any.sa_family, type, second_flags);
	verdict = net_bind(b, address) == 0 ? 'y' : errno == EADDRINUSE ? 'n' : '!';
	if (verdict == 'y' && second_flags & LISTENS)
		verdict = listen(b, 1) == 0 ? 'y' : errno == EADDRINUSE ? 'l' : '!';
	close(a);
	close(b);
	return verdict;
}

static const char *const places[] = { "127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::",
				      "::ffff:127.0.0.1" };

static void out_table(const char *name, int type, int first_flags, int second_flags)
{
	char row[8] = "";

	for (size_t i = 0; i < 6; i++) {
		for (size_t k = 0; k < 6; k++)
			row[k] = shares(type, places[i], first_flags, places[k], second_flags);
		OUT("%s: %s before the others: %s", name, places[i], row);
	}
}

static void check_tables(void)
{
	out_table("tcp", SOCK_STREAM, 0, 0);
	out_table("tcp listening", SOCK_STREAM, LISTENS, LISTENS);
	out_table("tcp reuseaddr", SOCK_STREAM, REUSEADDR, REUSEADDR);
	out_table("tcp reuseaddr listening", SOCK_STREAM, REUSEADDR | LISTENS, REUSEADDR | LISTENS);
	out_table("tcp reuseaddr second", SOCK_STREAM, 0, REUSEADDR);
	out_table("tcp reuseport", SOCK_STREAM, REUSEPORT | LISTENS, REUSEPORT | LISTENS);
	out_table("tcp reuseport first", SOCK_STREAM, REUSEPORT | LISTENS, LISTENS);
	out_table("udp", SOCK_DGRAM, 0, 0);
	out_table("udp reuseaddr", SOCK_DGRAM, REUSEADDR, REUSEADDR);
	out_table("udp reuseport", SOCK_DGRAM, REUSEPORT, REUSEPORT);
	out_table("udp reuseport mixed", SOCK_DGRAM, REUSEPORT, REUSEADDR);
	for (size_t i = 0; i < 6; i++)
		OUT("v6only :: and %s: %c %c", places[i],
		    shares(SOCK_STREAM, "::", V6ONLY | LISTENS, places[i], LISTENS),
		    i == 5 ? '-' : shares(SOCK_DGRAM, "::", V6ONLY, places[i], V6ONLY));
}

static void check_protocols(void)
{
	int tcp = net_listener(1), udp = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_EQ(protocols_have_their_own_ports, net_bind(udp, net_name(tcp)), 0);
	close(udp);
	close(tcp);
}

static int connect_at(const char *first, uint16_t port, union net_address to, int flags)
{
	int fd = open_socket(AF_INET, SOCK_STREAM, flags);

	if (net_bind(fd, net_ipv4(first, port)) != 0 || net_connect(fd, to) != 0) {
		int saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static void check_connections(void)
{
	int listener = net_listener(5), second = net_listener(5), a, b, server;
	uint16_t port;

	a = connect_at("127.0.0.1", 0, net_name(listener), REUSEADDR);
	port = net_port(net_name(a));
	server = accept(listener, NULL, NULL);
	b = connect_at("127.0.0.1", port, net_name(second), REUSEADDR);
	CHECK(one_port_may_have_two_peers, b >= 0);
	close(b);
	CHECK_ERRNO(but_not_the_same_twice,
		    connect_at("127.0.0.1", port, net_name(listener), REUSEADDR), EADDRNOTAVAIL);
	CHECK_ERRNO(without_leave_it_is_in_use,
		    connect_at("127.0.0.1", port, net_name(second), 0), EADDRINUSE);
	union net_address at = net_name(listener);
	close(listener);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERRNO(accepted_connection_keeps_the_port, net_bind(listener, at), EADDRINUSE);
	net_set(listener, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK_ERRNO(even_from_who_shares, net_bind(listener, at), EADDRINUSE);
	close(server);
	close(a);
	CHECK_ERRNO(time_wait_of_who_did_not_share_keeps_the_port, net_bind(listener, at),
		    EADDRINUSE);
	close(listener);
	close(second);
}

static void check_time_wait(void)
{
	int listener = open_socket(AF_INET, SOCK_STREAM, REUSEADDR), client, server;
	union net_address at;

	net_bind(listener, net_ipv4("127.0.0.1", 0));
	listen(listener, 1);
	at = net_name(listener);
	client = net_client(listener, 0);
	server = accept(listener, NULL, NULL);
	close(listener);
	shutdown(server, SHUT_WR);
	net_events_with(client, POLLRDHUP);
	close(client);
	net_events_with(server, POLLHUP);
	close(server);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERRNO(time_wait_keeps_the_port, net_bind(listener, at), EADDRINUSE);
	net_set(listener, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK_EQ(but_not_from_who_shares, net_bind(listener, at), 0);
	CHECK_EQ(who_may_listen_there, listen(listener, 1), 0);
	close(listener);
}

static int as_a_user(void *data)
{
	union net_address *address = data;
	int fd, low;

	syscall(SYS_setresuid, 1000, 1000, 1000);
	fd = open_socket(AF_INET, SOCK_DGRAM, REUSEPORT);
	low = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_ERRNO(port_is_shared_with_the_same_user_only, net_bind(fd, *address), EADDRINUSE);
	CHECK_ERRNO(low_port_is_EACCES, net_bind(low, net_ipv4("127.0.0.1", 1023)), EACCES);
	CHECK_EQ(port_1024_is_free_to_all, net_bind(low, net_ipv4("127.0.0.1", 1024)), 0);
	CHECK_ERRNO(raw_socket_is_EPERM, socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM);
	CHECK_ERRNO(raw_socket_of_ipv6_is_EPERM, socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), EPERM);
	CHECK_ERRNO(packet_socket_is_EPERM, socket(AF_PACKET, SOCK_RAW, 0), EPERM);
	CHECK_ERRNO(mark_is_EPERM, net_set(fd, SOL_SOCKET, SO_MARK, 1), EPERM);
	CHECK_ERRNO(large_buffer_is_EPERM, net_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, 1), EPERM);
	CHECK_ERRNO(high_priority_is_EPERM, net_set(fd, SOL_SOCKET, SO_PRIORITY, 7), EPERM);
	return 0;
}

static void check_users(void)
{
	int fd = open_socket(AF_INET, SOCK_DGRAM, REUSEPORT), second;
	union net_address address;

	net_bind(fd, net_ipv4("127.0.0.1", 0));
	address = net_name(fd);
	CHECK_EQ(users_do_as_they_may, check_in_child(as_a_user, &address), 0);
	second = open_socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(root_has_low_ports, net_bind(second, net_ipv4("127.0.0.1", 1)), 0);
	close(second);
	close(fd);
}

static void check_ephemeral(void)
{
	enum { COUNT = 64 };
	int fds[COUNT], within = 0, different = 0, in_steps = 0;
	uint16_t ports[COUNT];

	for (int i = 0; i < COUNT; i++) {
		fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
		net_bind(fds[i], net_ipv4("127.0.0.1", 0));
		ports[i] = net_port(net_name(fds[i]));
		within += ports[i] >= 32768 && ports[i] <= 60999;
		different++;
		for (int k = 0; k < i; k++)
			different -= ports[k] == ports[i];
		in_steps += i > 0 && abs(ports[i] - ports[i - 1]) <= 2;
	}
	CHECK_EQ(ephemeral_ports_are_of_the_range, within, COUNT);
	CHECK_EQ(and_all_different, different, COUNT);
	CHECK(and_not_in_a_row, in_steps < COUNT / 4);
	for (int i = 0; i < COUNT; i++)
		close(fds[i]);
}

static void check_spread(void)
{
	int fds[4], heard = 0, total = 0, sender;
	union net_address at = net_ipv4("127.0.0.1", 0);

	for (int i = 0; i < 4; i++) {
		fds[i] = open_socket(AF_INET, SOCK_DGRAM, REUSEPORT);
		net_bind(fds[i], at);
		at = net_name(fds[i]);
	}
	for (int i = 0; i < 64; i++) {
		sender = socket(AF_INET, SOCK_DGRAM, 0);
		sendto(sender, "x", 1, 0, &at.any, sizeof(at.in));
		close(sender);
	}
	usleep(NET_SETTLE_US);
	for (int i = 0; i < 4; i++) {
		int count = 0;

		while (recv(fds[i], &(char){ 0 }, 1, MSG_DONTWAIT) == 1)
			count++;
		heard += count > 0;
		total += count;
		close(fds[i]);
	}
	CHECK_EQ(each_datagram_goes_to_one, total, 64);
	CHECK(but_not_all_to_the_same, heard >= 2);
}

int main(void)
{
	net_up();
	check_tables();
	check_protocols();
	check_connections();
	check_time_wait();
	check_users();
	check_ephemeral();
	check_spread();
	return 0;
}
