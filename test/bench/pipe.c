/*
 * pipe.c - bytes between processes: round trips of one byte and bandwidth in blocks of 64 KiB,
 * through pipes and through unix stream sockets.
 */
#include "bench.h"

#include <sys/socket.h>
#include <unistd.h>

#define BLOCK 65536

static char block[BLOCK];
static int here_in, here_out, there_in, there_out;
static pid_t peer;

static void pipes_make(void)
{
	int there[2], back[2];

	if (pipe(there) != 0 || pipe(back) != 0)
		fail("pipe");
	there_in = there[0];
	here_out = there[1];
	here_in = back[0];
	there_out = back[1];
}

static void sockets_make(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		fail("socketpair");
	here_in = here_out = pair[0];
	there_in = there_out = pair[1];
}

static void echo(void *argument)
{
	(void)argument;
	for (;;) {
		byte_read(there_in);
		byte_write(there_out);
	}
}

static void drain(void *argument)
{
	(void)argument;
	for (uint64_t got = 0, want; read(there_in, &want, sizeof(want)) == sizeof(want); got = 0) {
		while (got < want) {
			ssize_t nr = read(there_in, block, BLOCK);

			if (nr <= 0)
				return;
			got += (uint64_t)nr;
		}
		byte_write(there_out);
	}
}

static void peer_stop(long arg)
{
	(void)arg;
	child_stop(peer);
}

static void pipe_echo_init(long arg)
{
	(void)arg;
	pipes_make();
	peer = child_start(echo, NULL);
}

static void unix_echo_init(long arg)
{
	(void)arg;
	sockets_make();
	peer = child_start(echo, NULL);
}

static int64_t round_trip_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, byte_write(here_out); byte_read(here_in));
}

static void pipe_drain_init(long arg)
{
	(void)arg;
	pipes_make();
	peer = child_start(drain, NULL);
}

static void unix_drain_init(long arg)
{
	(void)arg;
	sockets_make();
	peer = child_start(drain, NULL);
}

static void block_write(void)
{
	for (size_t done = 0; done < BLOCK;) {
		ssize_t nr = write(here_out, block + done, BLOCK - done);

		if (nr <= 0)
			fail("write");
		done += (size_t)nr;
	}
}

static int64_t bandwidth_run(uint64_t n, long arg)
{
	int64_t from_ns = now_ns();
	uint64_t want = n * BLOCK;

	(void)arg;
	if (write(here_out, &want, sizeof(want)) != sizeof(want))
		fail("write");
	for (uint64_t i = 0; i < n; i++)
		block_write();
	byte_read(here_in);
	return now_ns() - from_ns;
}

static void self_init(long arg)
{
	(void)arg;
	pipes_make();
}

static int64_t self_run(uint64_t n, long arg)
{
	(void)arg;
	return TIMED(n, byte_write(here_out); byte_read(there_in));
}

const struct row pipe_rows[] = {
	{ .name = "pipe.lat_rt", .init = pipe_echo_init, .run = round_trip_run, .fini = peer_stop },
	{ .name = "pipe.bw", .kind = ROW_BANDWIDTH, .per = BLOCK, .init = pipe_drain_init,
	  .run = bandwidth_run, .fini = peer_stop },
	{ .name = "pipe.self_wr_rd", .init = self_init, .run = self_run },
	{ .name = "unix.lat_rt", .init = unix_echo_init, .run = round_trip_run, .fini = peer_stop },
	{ .name = "unix.bw", .kind = ROW_BANDWIDTH, .per = BLOCK, .init = unix_drain_init,
	  .run = bandwidth_run, .fini = peer_stop },
	{ .name = NULL },
};
