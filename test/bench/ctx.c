/*
 * ctx.c - N processes in a ring pass a token through pipes. A hop is one write, one switch and one
 * read; a switch is a hop without what writing and reading the pipe cost a process by itself.
 */
#include "bench.h"

#include <unistd.h>

#define MAX_RING 16
#define SELF_ROUNDS 2000

struct ring_end {
	int in, out;
};

static int ring[MAX_RING][2];
static pid_t members[MAX_RING];
static double self_ns;

static void pass_on(void *argument)
{
	const struct ring_end *end = argument;

	for (;;) {
		byte_read(end->in);
		byte_write(end->out);
	}
}

static void self_measure(void)
{
	self_ns = 1e9;
	for (int i = 0; i < 5; i++) {
		int64_t took_ns = TIMED(SELF_ROUNDS, byte_write(ring[0][1]); byte_read(ring[0][0]));

		if ((double)took_ns / SELF_ROUNDS < self_ns)
			self_ns = (double)took_ns / SELF_ROUNDS;
	}
}

static void ring_init(long nr)
{
	for (long i = 0; i < nr; i++)
		if (pipe(ring[i]) != 0)
			fail("pipe");
	self_measure();
	for (long i = 1; i < nr; i++) {
		struct ring_end end = { ring[i - 1][0], ring[i][1] };

		members[i] = child_start(pass_on, &end);
	}
}

static void ring_fini(long nr)
{
	for (long i = 1; i < nr; i++)
		child_stop(members[i]);
}

static int64_t hop_run(uint64_t n, long nr)
{
	return TIMED(n, byte_write(ring[0][1]); byte_read(ring[nr - 1][0])) / nr;
}

static int64_t switch_run(uint64_t n, long nr)
{
	return hop_run(n, nr) - (int64_t)(self_ns * (double)n);
}

#define RING_ROWS(nr)									\
	{ .name = "ctx.hop_" #nr, .init = ring_init, .run = hop_run, .fini = ring_fini,	\
	  .arg = nr },									\
	{ .name = "ctx.switch_" #nr, .init = ring_init, .run = switch_run,		\
	  .fini = ring_fini, .arg = nr }

const struct row ctx_rows[] = {
	RING_ROWS(2),
	RING_ROWS(8),
	RING_ROWS(16),
	{ .name = NULL },
};
