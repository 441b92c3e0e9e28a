/*
 * Much through TCP over loopback: every byte arrives, in order, whatever the sizes of writes, reads
 * and buffers; from files, by several threads; many connections at once and one after the other.
 */
#define _GNU_SOURCE
#include "check.h"
#include "tcp.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

enum { TOTAL = 3 << 20, MANY = 400, SHORT = 1000, THREADS = 4 };

static unsigned char byte_at(size_t position)
{
	return (unsigned char)(position * 31 + (position >> 8) * 7 + (position >> 16));
}

struct flow {
	int      fd;
	size_t   total;
	size_t   step; /* of writes or reads; 0: all sizes */
	unsigned seed;
	bool     is_right;
};

static size_t step_of(struct flow *flow)
{
	if (flow->step)
		return flow->step;
	flow->seed = flow->seed * 1103515245 + 12345;
	return 1 + (flow->seed >> 12) % ((flow->seed >> 8 & 3) ? 5000 : 70000);
}

static void *flow_write(void *arg)
{
	static __thread unsigned char block[70000];
	struct flow *flow = arg;
	size_t done = 0;

	while (done < flow->total) {
		size_t n = step_of(flow);
		ssize_t sent;

		if (n > flow->total - done)
			n = flow->total - done;
		for (size_t i = 0; i < n; i++)
			block[i] = byte_at(done + i);
		sent = send(flow->fd, block, n, MSG_NOSIGNAL);
		if (sent <= 0)
			break;
		done += (size_t)sent;
	}
	flow->is_right = done == flow->total;
	shutdown(flow->fd, SHUT_WR);
	return NULL;
}

static void *flow_read(void *arg)
{
	static __thread unsigned char block[70000];
	struct flow *flow = arg;
	size_t done = 0;
	bool is_right = true;
	ssize_t n;

	while ((n = recv(flow->fd, block, step_of(flow), 0)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			is_right &= block[i] == byte_at(done + (size_t)i);
		done += (size_t)n;
	}
	flow->is_right = is_right && n == 0 && done == flow->total;
	return NULL;
}

/* One way, or both at once. */
static bool transfer(int pair[2], size_t total, size_t write_step, size_t read_step, bool both)
{
	struct flow flows[4] = {
		{ pair[0], total, write_step, 1, false }, { pair[1], total, read_step, 2, false },
		{ pair[1], total, write_step, 3, false }, { pair[0], total, read_step, 4, false },
	};
	pthread_t threads[4];
	int nr = both ? 4 : 2;
	bool is_right = true;

	for (int i = 0; i < nr; i++)
		pthread_create(&threads[i], NULL, i & 1 ? flow_read : flow_write, &flows[i]);
	for (int i = 0; i < nr; i++) {
		pthread_join(threads[i], NULL);
		is_right &= flows[i].is_right;
	}
	return is_right;
}

static void check_sizes(void)
{
	int pair[2], small = 20000;

	pair_open(pair);
	CHECK(all_sizes_both_ways, transfer(pair, TOTAL, 0, 0, true));
	pair_close(pair);
	pair_open(pair);
	CHECK(single_bytes, transfer(pair, 20000, 1, 0, false));
	pair_close(pair);
	pair_open(pair);
	CHECK(large_blocks, transfer(pair, TOTAL, 65536, 65536, false));
	pair_close(pair);
	pair_open(pair);
	setsockopt(pair[1], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	CHECK(small_buffers, transfer(pair, 300000, 0, 0, false));
	pair_close(pair);
}

static void check_tiny(void)
{
	unsigned char got[8192];
	int pair[2], on = 1, n = -1;
	bool is_right = true;

	pair_open(pair);
	setsockopt(pair[0], SOL_TCP, TCP_NODELAY, &on, sizeof(on));
	for (size_t i = 0; i < 6000; i++) {
		unsigned char byte = byte_at(i);

		is_right &= send(pair[0], &byte, 1, 0) == 1;
	}
	CHECK(thousands_of_bytes_are_sent_alone, is_right);
	for (int i = 0; i < 500 && n != 6000; i++) {
		usleep(1000);
		ioctl(pair[1], FIONREAD, &n);
	}
	CHECK_EQ(they_wait_to_be_read, n, 6000);
	CHECK_EQ(some_are_read, recv(pair[1], got, 2500, 0), 2500);
	CHECK_EQ(one_more_is_sent, send(pair[0], "!", 1, 0), 1);
	CHECK_EQ(the_others_are_read, recv(pair[1], got + 2500, 3501, MSG_WAITALL), 3501);
	for (size_t i = 0; i < 6000; i++)
		is_right &= got[i] == byte_at(i);
	CHECK(they_are_in_order, is_right && got[6000] == '!');
	pair_close(pair);
}

static void check_vectors(void)
{
	char a[3000], b[5000], got[8000];
	struct iovec out[2] = { { a, sizeof(a) }, { b, sizeof(b) } };
	int pair[2];

	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	pair_open(pair);
	CHECK_EQ(vectors_go_out, writev(pair[0], out, 2), 8000);
	CHECK_EQ(waitall_waits_for_all, recv(pair[1], got, 8000, MSG_WAITALL), 8000);
	CHECK(vectors_are_in_order, got[2999] == 'a' && got[3000] == 'b' && got[7999] == 'b');
	CHECK_EQ(waitall_peeks, (send(pair[0], a, 10, 0),
				 recv(pair[1], got, 10, MSG_WAITALL | MSG_PEEK)), 10);
	send(pair[0], a, 5, 0);
	shutdown(pair[0], SHUT_WR);
	CHECK_EQ(waitall_ends_with_the_stream, recv(pair[1], got, 100, MSG_WAITALL), 15);
	CHECK_ERRNO(bad_buffer, (send(pair[1], a, 1, 0), recv(pair[0], (void *)8, 1, 0)), EFAULT);
	CHECK_EQ(nothing_was_lost, recv(pair[0], got, 1, 0), 1);
	CHECK_ERRNO(bad_source, send(pair[1], (void *)8, 1, MSG_NOSIGNAL), EFAULT);
	pair_close(pair);
}

static void *file_send(void *arg)
{
	struct flow *flow = arg;
	int file = open("/tmp/file", O_RDONLY);
	size_t done = 0;
	ssize_t n;

	while (done < flow->total && (n = sendfile(flow->fd, file, NULL, flow->total - done)) > 0)
		done += (size_t)n;
	shutdown(flow->fd, SHUT_WR);
	close(file);
	return NULL;
}

static void check_sendfile(void)
{
	unsigned char block[4096];
	int pair[2], file = open("/tmp/file", O_CREAT | O_RDWR, 0600);
	struct flow from, to;
	pthread_t thread;

	for (size_t at = 0; at < 1 << 20; at += sizeof(block)) {
		for (size_t i = 0; i < sizeof(block); i++)
			block[i] = byte_at(at + i);
		write(file, block, sizeof(block));
	}
	close(file);
	pair_open(pair);
	from = (struct flow){ .fd = pair[0], .total = 1 << 20 };
	to = (struct flow){ .fd = pair[1], .total = 1 << 20, .seed = 9 };
	pthread_create(&thread, NULL, file_send, &from);
	flow_read(&to);
	pthread_join(thread, NULL);
	CHECK(file_arrives_whole, to.is_right);
	pair_close(pair);
	unlink("/tmp/file");
}

static void check_many(void)
{
	struct rlimit limit = { 2 * MANY + 50, 2 * MANY + 50 };
	static int ours[MANY], theirs[MANY];
	int listener = listener_open(MANY), nr = 0, right = 0;
	char byte;

	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < MANY; i++) {
		ours[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (connect_to(ours[i], port_of(listener)) == 0)
			nr++;
	}
	CHECK_EQ(many_connect_before_any_accept, nr, MANY);
	for (int i = 0; i < MANY; i++)
		theirs[i] = accept(listener, NULL, NULL);
	for (int i = 0; i < MANY; i++)
		send(ours[i], "x", 1, 0);
	for (int i = 0; i < MANY; i++)
		right += recv(theirs[i], &byte, 1, 0) == 1;
	CHECK_EQ(each_has_its_byte, right, MANY);
	for (int i = 0; i < MANY; i++) {
		close(theirs[i]);
		close(ours[i]);
	}
	close(listener);
}

static void check_short(void)
{
	int listener = listener_open(4), right = 0;

	for (int i = 0; i < SHORT; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0), got;

		right += connect_to(fd, port_of(listener)) == 0;
		got = accept(listener, NULL, NULL);
		close(i & 1 ? fd : got);
		close(i & 1 ? got : fd);
	}
	CHECK_EQ(short_connections_one_after_the_other, right, SHORT);
	close(listener);
}

static void *echo_clients(void *arg)
{
	int port = *(int *)arg;
	long right = 0;
	char buf[8];

	for (int i = 0; i < 100; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (connect_to(fd, port) == 0 && send(fd, "ping", 4, MSG_NOSIGNAL) == 4 &&
		    recv(fd, buf, 8, MSG_WAITALL) == 4)
			right++;
		close(fd);
	}
	return (void *)right;
}

static void *echo_server(void *arg)
{
	int listener = *(int *)arg, fd;
	char buf[8];

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		if (recv(fd, buf, 4, MSG_WAITALL) == 4)
			send(fd, buf, 4, MSG_NOSIGNAL);
		close(fd);
	}
	return NULL;
}

static void check_threads(void)
{
	int listener = listener_open(64), port = port_of(listener);
	pthread_t clients[THREADS], servers[THREADS];
	long right = 0;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&servers[i], NULL, echo_server, &listener);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&clients[i], NULL, echo_clients, &port);
	for (int i = 0; i < THREADS; i++) {
		void *nr;

		pthread_join(clients[i], &nr);
		right += (long)nr;
	}
	shutdown(listener, SHUT_RDWR);
	for (int i = 0; i < THREADS; i++)
		pthread_join(servers[i], NULL);
	CHECK_EQ(threads_echo, right, THREADS * 100);
	close(listener);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	loopback_up();
	check_sizes();
	check_tiny();
	check_vectors();
	check_sendfile();
	check_many();
	check_short();
	check_threads();
	return 0;
}
