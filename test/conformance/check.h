/*
 * check.h - all that a conformance program needs to say what holds.
 *
 * A program prints one line a promise, `ok NAME` or `not ok NAME: why`, and may print facts as
 * `out: ...` lines. It is run on Debian's Linux and on Moonshot, and the two outputs must be equal;
 * on Linux every promise must hold. So nothing that differs from run to run is printed: no
 * pids, addresses or times.
 *
 * Each line is one write(2) without a buffer, so that fork, exec and death by signal neither lose
 * nor double a line. A program runs as the leader of its own session, in an empty /tmp, as root,
 * with no controlling terminal, and is killed after 30 seconds.
 */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Writes one line at once; too long a line is cut. */
static inline void check_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void check_line(const char *format, ...)
{
	char line[512];
	int saved = errno;
	va_list args;

	va_start(args, format);
	int length = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (length < 0)
		length = 0;
	if (length > (int)sizeof(line) - 2)
		length = (int)sizeof(line) - 2;
	line[length++] = '\n';
	while (write(STDOUT_FILENO, line, (size_t)length) == -1 && errno == EINTR)
		;
	errno = saved;
}

static inline bool check_report(const char *name, bool holds, int line, const char *condition)
{
	if (holds)
		check_line("ok %s", name);
	else
		check_line("not ok %s: line %d: %s (errno %d)", name, line, condition, errno);
	return holds;
}

static inline bool check_equal(const char *name, long long got, long long want, int line)
{
	if (got == want)
		check_line("ok %s", name);
	else
		check_line("not ok %s: line %d: %lld, not %lld (errno %d)", name, line,
			   got, want, errno);
	return got == want;
}

static inline bool check_errno(const char *name, long long result, int error, int want, int line)
{
	if (result == -1 && error == want)
		check_line("ok %s", name);
	else
		check_line("not ok %s: line %d: result %lld, errno %d, not %d", name, line, result,
			   result == -1 ? error : 0, want);
	return result == -1 && error == want;
}

/* CHECK(fork_returns_zero_in_the_child, pid == 0): the name is the promise, an identifier. */
#define CHECK(name, condition) check_report(#name, (condition), __LINE__, #condition)

/* The same for two integers, shown if they differ. */
#define CHECK_EQ(name, got, want) check_equal(#name, (long long)(got), (long long)(want), __LINE__)

/* The call fails with -1 and this errno. */
#define CHECK_ERRNO(name, call, want)                                           \
	({                                                                      \
		errno = 0;                                                      \
		long long check_result = (long long)(call);                     \
		check_errno(#name, check_result, errno, (want), __LINE__);      \
	})

/* A fact that must be the same on both kernels. */
#define OUT(...) check_line("out: " __VA_ARGS__)

/* Runs body(data) in a child, which exits with what it returns. Returns wait's status, or -1. */
static inline int check_in_child(int (*body)(void *data), void *data)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(body(data));
	while (pid > 0 && waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return pid > 0 ? status : -1;
}
