/*
 * measure.c - how often a row is run, what is reported of it, and what rows share.
 *
 * The number of iterations doubles until a run takes long enough, then several runs are made. Their
 * minimum is the figure, since whatever disturbs a run only makes it slower; the spread is how far
 * the median lies from it, in per cent, and says how much the figure can be trusted.
 */
#include "bench.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_RUNS 64

const char *row_name = "?";

void fail(const char *what)
{
	printf("skip %s %s: %s\n", row_name, what, errno ? strerror(errno) : "wrong result");
	fflush(stdout);
	_exit(1);
}

static int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static uint64_t calibrate(const struct row *row, int64_t run_ns)
{
	uint64_t n = 1;

	for (;;) {
		int64_t took_ns = row->run(n, row->arg);

		if (took_ns >= run_ns)
			return n;
		if (took_ns > run_ns / 64)
			return n * (uint64_t)run_ns / (uint64_t)took_ns + 1;
		n *= took_ns > run_ns / 1024 ? 8 : 32;
	}
}

static void report(const struct row *row, const double *costs, int nr)
{
	double best = costs[0], spread = (costs[nr / 2] - best) / best * 100;

	if (row->kind == ROW_BANDWIDTH)
		printf("row %s %.6g MB/s %.2f\n", row->name, 1000 / best, spread);
	else
		printf("row %s %.6g ns %.2f\n", row->name, best, spread);
	fflush(stdout);
}

void row_measure(const struct row *row, const struct settings *settings)
{
	int nr = settings->nr_runs < MAX_RUNS ? settings->nr_runs : MAX_RUNS;
	double costs[MAX_RUNS], per = row->per ? row->per : 1;
	uint64_t n;

	if (row->most_runs && nr > row->most_runs)
		nr = row->most_runs;
	row_name = row->name;
	if (row->init)
		row->init(row->arg);
	n = calibrate(row, settings->run_ns);
	if (settings->endless)
		printf("begin %s\n", row->name), fflush(stdout);
	while (settings->endless)
		row->run(n, row->arg);
	for (int i = 0; i < nr; i++) {
		int64_t took_ns = row->run(n, row->arg);

		costs[i] = (took_ns > 0 ? (double)took_ns : 1) / (double)n / per;
	}
	if (row->fini)
		row->fini(row->arg);
	qsort(costs, (size_t)nr, sizeof(costs[0]), compare_doubles);
	report(row, costs, nr);
}

pid_t child_start(void (*function)(void *), void *argument)
{
	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (child == 0) {
		function(argument);
		_exit(0);
	}
	return child;
}

void child_wait(pid_t child)
{
	if (waitpid(child, NULL, 0) != child)
		fail("waitpid");
}

void child_stop(pid_t child)
{
	kill(child, SIGKILL);
	child_wait(child);
}

void byte_write(int fd)
{
	char byte = 'x';

	if (write(fd, &byte, 1) != 1)
		fail("write");
}

void byte_read(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		fail("read");
}
