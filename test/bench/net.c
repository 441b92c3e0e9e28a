/*
 * net.c - TCP and UDP over the loopback interface. A kernel without these families says so at
 * socket(), and the rows are left out.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK 65536
#define DATAGRAM 16384
#define BURST 8			/* datagrams that the receiver's buffer has room for */

static struct sockaddr_in address;
static char block[BLOCK];
static int server, client;
static pid_t peer;

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		fail("socket");
	ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
}

static void server_make(int type)
{
	socklen_t length = sizeof(address);

	loopback_up();
	address = (struct sockaddr_in){ .sin_family = AF_INET };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server = socket(AF_INET, type, 0);
	if (server < 0)
		fail("socket");
	if (bind(server, (struct sockaddr *)&address, length) != 0 ||
	    getsockname(server, (struct sockaddr *)&address, &length) != 0)
		fail("bind");
	if (type == SOCK_STREAM && listen(server, 1024) != 0)
		fail("listen");
}

static int client_make(int type)
{
	int fd = socket(AF_INET, type, 0), on = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		fail("connect");
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void tcp_echo(void *argument)
{
	int fd = accept(server, NULL, NULL), on = 1;

	(void)argument;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	for (;;) {
		byte_read(fd);
		byte_write(fd);
	}
}

static void tcp_drain(void *argument)
{
	int fd = accept(server, NULL, NULL);
	uint64_t want;

	(void)argument;
	while (read(fd, &want, sizeof(want)) == sizeof(want)) {
		for (uint64_t got = 0; got < want;)
			got += (uint64_t)read(fd, block, BLOCK);
		byte_write(fd);
	}
}

static void tcp_accept(void *argument)
{
	(void)argument;
	for (;;)
		close(accept(server, NULL, NULL));
}

static void udp_echo(void *argument)
{
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	char byte;

	(void)argument;
	while (recvfrom(server, &byte, 1, 0, (struct sockaddr *)&from, &length) == 1)
		sendto(server, &byte, 1, 0, (struct sockaddr *)&from, length);
}

/* After each burst the sender waits for a byte, so that nothing is lost. */
static void udp_drain(void *argument)
{
	struct sockaddr_in in;
	struct sockaddr *from = (struct sockaddr *)&in;
	socklen_t length = sizeof(in);

	(void)argument;
	for (uint64_t got = 1;; got++) {
		if (recvfrom(server, block, BLOCK, 0, from, &length) != DATAGRAM)
			_exit(1);
		if (got % BURST == 0)
			sendto(server, block, 1, 0, from, length);
	}
}

static void peer_stop(long arg)
{
	(void)arg;
	child_stop(peer);
}

static void tcp_echo_init(long arg)
{
	(void)arg;
	server_make(SOCK_STREAM);
	peer = child_start(tcp_echo, NULL);
	client = client_make(SOCK_STREAM);
}

static void tcp_drain_init(long arg)
{
	(void)arg;
	server_make(SOCK_STREAM);
	peer = child_start(tcp_drain, NULL);
	client = client_make(SOCK_STREAM);
}

static void tcp_accept_init(long arg)
{
	(void)arg;
	server_make(SOCK_STREAM);
	peer = child_start(tcp_accept, NULL);
}

static void udp_echo_init(long arg)
{
	(void)arg;
	server_make(SOCK_DGRAM);
	peer = child_start(udp_echo, NULL);
	client = client_make(SOCK_DGRAM);
}

static void udp_drain_init(long arg)
{
	(void)arg;
	server_make(SOCK_DGRAM);
	peer = child_start(udp_drain, NULL);
	client = client_make(SOCK_DGRAM);
}

static int64_t round_trip_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, byte_write(client); byte_read(client));
}

static int64_t bandwidth_run(uint64_t n, long arg)
{
	int64_t from_ns = now_ns();
	uint64_t want = n * BLOCK;

	(void)arg;
	if (write(client, &want, sizeof(want)) != sizeof(want))
		fail("write");
	for (uint64_t sent = 0; sent < want;)
		sent += (uint64_t)write(client, block, BLOCK);
	byte_read(client);
	return now_ns() - from_ns;
}

static void burst_send(void)
{
	for (int i = 0; i < BURST; i++) {
		if (send(client, block, DATAGRAM, 0) != DATAGRAM)
			fail("send");
	}
	byte_read(client);
}

static int64_t datagrams_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, burst_send());
}

static int64_t connect_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, close(client_make(SOCK_STREAM)));
}

const struct row net_rows[] = {
	{ .name = "tcp.lat_rt", .init = tcp_echo_init, .run = round_trip_run, .fini = peer_stop },
	{ .name = "tcp.bw", .kind = ROW_BANDWIDTH, .per = BLOCK, .init = tcp_drain_init,
	  .run = bandwidth_run, .fini = peer_stop },
	{ .name = "tcp.connect", .init = tcp_accept_init, .run = connect_run, .fini = peer_stop },
	{ .name = "udp.lat_rt", .init = udp_echo_init, .run = round_trip_run, .fini = peer_stop },
	{ .name = "udp.bw", .kind = ROW_BANDWIDTH, .per = (double)DATAGRAM * BURST,
	  .init = udp_drain_init, .run = datagrams_run, .fini = peer_stop },
	{ .name = NULL },
};
