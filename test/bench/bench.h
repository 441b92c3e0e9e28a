/*
 * bench.h - what the files of rows and the measuring have in common.
 *
 * A row is one figure. Each file declares a table of rows, ended by one without a name; main.c
 * lists the tables. A row runs in a process of its own: init() makes what it needs, run() does the
 * thing n times and says how long that took, fini() ends the processes that init() started.
 * Whatever fails calls fail(), which reports the row as left out and ends its process; nothing
 * needs to be undone, since the process and its children are ended after each row.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* Where rows put their files: an empty tmpfs. */
#define FOLDER "/tmp"

enum row_kind {
	ROW_COST,		/* nanoseconds for one of what run() does */
	ROW_BANDWIDTH,		/* MB/s */
};

struct row {
	const char *name;
	enum row_kind kind;
	double per;		/* operations, pages or bytes in one iteration of run(); 0 is 1 */
	void (*init)(long arg);	/* may be NULL */
	int64_t (*run)(uint64_t n, long arg);	/* nanoseconds that n iterations took */
	void (*fini)(long arg);	/* may be NULL */
	long arg;
	int most_runs;		/* of a row that takes long; 0: as many as are wanted */
};

extern const struct row ctl_rows[], sys_rows[], path_rows[], sig_rows[], pipe_rows[], net_rows[],
	thr_rows[], proc_rows[], ctx_rows[], mem_rows[], seq_rows[], poll_rows[], disk_rows[],
	par_rows[];

/* How long and how often rows are measured; from the words of /bench.conf. */
struct settings {
	int64_t run_ns;		/* a run shall take at least so long */
	int nr_runs;
	char rows[4096];	/* patterns with commas between them; see fnmatch(3) */
	bool endless;		/* for a profiler: say `begin NAME`, then run the row for ever */
};

/* Measures a row and prints its line, `row NAME VALUE UNIT SPREAD`. */
void row_measure(const struct row *row, const struct settings *settings);

/* The row cannot be measured: prints `skip NAME what: errno` and ends the process. */
void fail(const char *what) __attribute__((noreturn));
extern const char *row_name;

static inline int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Runs the statement n times; the value is the nanoseconds that this took. */
#define TIMED(n, statement) ({						\
	int64_t timed_from_ns = now_ns();				\
	for (uint64_t timed_i = 0; timed_i < (n); timed_i++) {		\
		statement;						\
	}								\
	now_ns() - timed_from_ns;					\
})

/* A child that runs the function and then ends. */
pid_t child_start(void (*function)(void *), void *argument);
void child_stop(pid_t child);
void child_wait(pid_t child);

/* One byte through two descriptors; anything else fails the row. */
void byte_write(int fd);
void byte_read(int fd);

#endif
