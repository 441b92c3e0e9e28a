/*
 * How sleeping calls end, or go on, when a signal is handled, ignored, or stops the process; and
 * the signals that calls raise.
 */
#define _GNU_SOURCE
#include "signal_log.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>

/* ---- how calls end when a handler runs ---------------------------------------------------- */

static int ends[2];

static long sleeping_read(void)
{
	char byte;

	return read(ends[0], &byte, 1);
}

static long sleeping_poll(void)
{
	struct pollfd fd = { .fd = ends[0], .events = POLLIN };

	return poll(&fd, 1, 1000);
}

static long sleeping_nanosleep(void)
{
	struct timespec span = { 0, 300000000 };

	return nanosleep(&span, NULL);
}

static long sleeping_pause(void)
{
	return pause();
}

static long sleeping_select(void)
{
	fd_set set;
	struct timeval span = { 1, 0 };

	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	return select(ends[0] + 1, &set, NULL, NULL, &span);
}

static int futex_word;

static long sleeping_futex(void)
{
	struct timespec span = { 0, 300000000 };

	return syscall(SYS_futex, &futex_word, 0 /* wait */, 0, &span, NULL, 0);
}

static const struct {
	const char *name;
	long (*body)(void);
} sleeps[] = {
	{ "read", sleeping_read },           { "poll", sleeping_poll },
	{ "nanosleep", sleeping_nanosleep }, { "pause", sleeping_pause },
	{ "select", sleeping_select },       { "futex", sleeping_futex },
};

/* Interrupts a sleep with SIGUSR1 (or stops and continues the process) and tells how it ended. */
static void check_sleep(size_t i, int flags, int kind)
{
	pid_t parent = getpid(), helper;

	pipe(ends);
	catch (SIGUSR1, flags);
	if (kind == 2)
		signal(SIGUSR1, SIG_IGN);
	helper = fork();
	if (helper == 0) {
		pause_ms(40);
		if (kind == 1) {
			kill(parent, SIGSTOP);
			pause_ms(20);
			kill(parent, SIGCONT);
		} else {
			kill(parent, SIGUSR1);
		}
		pause_ms(40);
		write(ends[1], "x", 1);
		if (sleeps[i].body == sleeping_pause) {
			signal(SIGUSR1, SIG_DFL);
			pause_ms(80);
			kill(parent, SIGUSR2);
		}
		_exit(0);
	}
	catch (SIGUSR2, flags);
	errno = 0;
	long result = sleeps[i].body();
	int error = result < 0 ? errno : 0;
	OUT("%s, %s: %ld errno %d", sleeps[i].name,
	    kind == 1   ? "stopped"
	    : kind == 2 ? "ignored"
	    : flags     ? "SA_RESTART"
			: "handled",
	    result, error);
	waitpid(helper, NULL, 0);
	close(ends[0]);
	close(ends[1]);
}

static void check_sleeps(void)
{
	for (size_t i = 0; i < sizeof(sleeps) / sizeof(sleeps[0]); i++) {
		check_sleep(i, 0, 0);
		check_sleep(i, SA_RESTART, 0);
		check_sleep(i, 0, 1);
		check_sleep(i, 0, 2);
	}
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
}

static void check_remaining(void)
{
	struct timespec span = { 1, 0 }, left = { 9, 9 }, span2 = { 0, 300000000 };
	struct itimerval soon = { .it_value = { 0, 30000 } };
	struct timespec before, after;

	catch (SIGALRM, 0);
	setitimer(ITIMER_REAL, &soon, NULL);
	CHECK_ERRNO(nanosleep_is_interrupted_by_an_alarm, nanosleep(&span, &left), EINTR);
	CHECK(nanosleep_tells_the_remaining_time,
	      left.tv_sec == 0 && left.tv_nsec > 500000000 && left.tv_nsec < 999000000);
	CHECK(alarm_comes_from_the_kernel, last.si_signo == SIGALRM && last.si_code == SI_KERNEL);
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		pause_ms(50);
		kill(parent, SIGSTOP);
		pause_ms(20);
		kill(parent, SIGCONT);
		_exit(0);
	}
	clock_gettime(CLOCK_MONOTONIC, &before);
	CHECK_EQ(stopped_sleep_goes_on, nanosleep(&span2, NULL), 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	long ms =
		(after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
	CHECK(stopped_sleep_ends_when_it_would_have, ms >= 299 && ms < 2000);
	waitpid(pid, NULL, 0);
	signal(SIGALRM, SIG_DFL);
}

static void check_broken_pipes(void)
{
	struct rlimit small = { 10, RLIM_INFINITY };
	int fd, pair[2];

	pipe(pair);
	close(pair[0]);
	catch (SIGPIPE, 0);
	CHECK_ERRNO(write_to_a_pipe_without_reader_is_EPIPE, write(pair[1], "x", 1), EPIPE);
	CHECK(and_raises_SIGPIPE, log_count == 1 && last.si_signo == SIGPIPE);
	OUT("SIGPIPE has code %d", last.si_code);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERRNO(ignored_SIGPIPE_leaves_EPIPE, write(pair[1], "x", 1), EPIPE);
	signal(SIGPIPE, SIG_DFL);
	close(pair[1]);

	fd = open("/tmp/size", O_RDWR | O_CREAT, 0600);
	catch (SIGXFSZ, 0);
	setrlimit(RLIMIT_FSIZE, &small);
	CHECK_EQ(write_up_to_the_file_size_limit, write(fd, "0123456789abc", 13), 10);
	CHECK_EQ(short_write_raises_nothing, log_count, 0);
	CHECK_ERRNO(write_beyond_the_limit_is_EFBIG, write(fd, "x", 1), EFBIG);
	CHECK_EQ(and_raises_SIGXFSZ, log_count, 1);
	CHECK_ERRNO(ftruncate_beyond_the_limit_is_EFBIG, ftruncate(fd, 11), EFBIG);
	CHECK_EQ(ftruncate_raises_SIGXFSZ, log_count, 2);
	small.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &small);
	close(fd);
	signal(SIGXFSZ, SIG_DFL);
}

int main(void)
{
	CHECK_ERRNO(restart_syscall_without_cause_is_EINTR, syscall(SYS_restart_syscall), EINTR);
	check_sleeps();
	check_remaining();
	check_broken_pipes();
	return 0;
}
