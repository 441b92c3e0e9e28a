/*
 * pipes.c - several processes write records to one pipe and several read them: no record is torn,
 * lost or seen twice, a reader sees each writer's records in their order, and the end comes after
 * the last.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

#include "torture.h"

enum { RECORDS = 500, FILL = 14 };

struct record {
	uint32_t writer, number, fill[FILL];
};

struct sums {
	atomic_ulong seen, sum;
};

static void write_all(int fd, uint32_t writer)
{
	struct record record = { .writer = writer };

	for (uint32_t i = 1; i <= RECORDS; i++) {
		record.number = i;
		for (uint32_t at = 0; at < FILL; at++)
			record.fill[at] = writer * RECORDS + i + at;
		HOLDS(write(fd, &record, sizeof(record)) == (ssize_t)sizeof(record));
	}
	_exit(0);
}

static void read_all(int fd, struct sums *sums)
{
	uint32_t last[WORKERS] = { 0 };
	struct record record;
	ssize_t got;

	while ((got = read(fd, &record, sizeof(record))) > 0) {
		HOLDS(got == (ssize_t)sizeof(record) && record.writer < WORKERS);
		HOLDS(record.number > last[record.writer]);
		last[record.writer] = record.number;
		for (uint32_t at = 0; at < FILL; at++)
			HOLDS(record.fill[at] == record.writer * RECORDS + record.number + at);
		atomic_fetch_add(&sums->seen, 1);
		atomic_fetch_add(&sums->sum, record.number);
	}
	HOLDS(got == 0);
	_exit(0);
}

static void one_round(struct sums *sums, uint64_t *state)
{
	int fds[2];

	memset(sums, 0, sizeof(*sums));
	HOLDS(pipe(fds) == 0);
	if (random_below(state, 2))
		HOLDS(fcntl(fds[1], F_SETPIPE_SZ, PAGE) == PAGE);
	for (uint32_t i = 0; i < 2 * WORKERS; i++) {
		pid_t pid = fork();

		HOLDS(pid >= 0);
		if (pid == 0) {
			close(fds[i % 2 == 0]);
			if (i % 2)
				write_all(fds[1], i / 2);
			read_all(fds[0], sums);
		}
	}
	close(fds[0]);
	close(fds[1]);
	children_join(2 * WORKERS);
	HOLDS(sums->seen == WORKERS * RECORDS);
	HOLDS(sums->sum == WORKERS * RECORDS * (RECORDS + 1ul) / 2);
}

int main(int argc, char **argv)
{
	struct torture torture = torture_begin(argc, argv);
	struct sums *sums = shared_alloc(sizeof(*sums));
	uint64_t state = random_begin(torture, 0);

	for (long round = 0; round < torture.rounds; round++)
		one_round(sums, &state);
	return 0;
}
