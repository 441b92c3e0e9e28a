/*
 * poll, ppoll, select, pselect: which descriptors, how long, what a signal does, what is written
 * back.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Again and again, in case the first comes before the call that it is to end; 0: no more. */
static void alarm_every(int ms)
{
	struct itimerval timer = { { .tv_usec = ms * 1000 }, { .tv_usec = ms * 1000 } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void check_poll(void)
{
	int ends[2], file = open("file", O_CREAT | O_RDWR, 0600);
	struct pollfd fds[6];
	long start;

	pipe(ends);
	fds[0] = (struct pollfd){ ends[0], POLLIN, 99 };
	fds[1] = (struct pollfd){ ends[1], POLLOUT | POLLIN, 99 };
	fds[2] = (struct pollfd){ -1, POLLIN, 99 };
	fds[3] = (struct pollfd){ 99, POLLIN, 99 };
	fds[4] = (struct pollfd){ file, POLLIN | POLLOUT | POLLPRI | POLLRDNORM | POLLWRNORM, 99 };
	fds[5] = (struct pollfd){ ends[1], 0, 99 };
	CHECK_EQ(poll_counts_what_is_ready, poll(fds, 6, 0), 3);
	CHECK_EQ(empty_pipe_is_not_readable, fds[0].revents, 0);
	CHECK_EQ(empty_pipe_is_writable, fds[1].revents, POLLOUT);
	CHECK_EQ(negative_descriptor_is_passed_by, fds[2].revents, 0);
	CHECK_EQ(closed_descriptor_is_POLLNVAL, fds[3].revents, POLLNVAL);
	OUT("file is ready for 0x%x", fds[4].revents);
	CHECK_EQ(what_was_not_asked_is_not_told, fds[5].revents, 0);
	int place = open("file", O_PATH);
	fds[0].fd = place;
	CHECK_EQ(place_is_no_open_file, (poll(fds, 1, 0), fds[0].revents), POLLNVAL);
	close(place);
	fds[0] = (struct pollfd){ ends[0], POLLIN, 0 };
	start = now_ms();
	CHECK_EQ(poll_gives_up_in_time, poll(fds, 1, 30), 0);
	CHECK(poll_waited_as_long_as_asked, now_ms() - start >= 29);
	CHECK_EQ(poll_of_nothing_sleeps, poll(NULL, 0, 10), 0);
	CHECK_ERRNO(poll_of_nowhere_is_EFAULT, poll((struct pollfd *)8, 1, 0), EFAULT);
	struct rlimit limit = { 20, 20 }, old;
	getrlimit(RLIMIT_NOFILE, &old);
	limit.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	struct pollfd *many = calloc(21, sizeof(*many));
	CHECK_ERRNO(poll_of_more_than_the_limit_is_EINVAL, poll(many, 21, 0), EINVAL);
	setrlimit(RLIMIT_NOFILE, &old);
	free(many);
	pid_t pid = fork();
	if (!pid) {
		usleep(20000);
		write(ends[1], "x", 1);
		_exit(0);
	}
	CHECK_EQ(poll_is_woken, poll(fds, 1, -1), 1);
	CHECK_EQ(poll_says_for_what, fds[0].revents, POLLIN);
	waitpid(pid, NULL, 0);
	close(ends[0]);
	close(ends[1]);
	close(file);
	unlink("file");
}

static void check_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	int ends[2];
	sigset_t none, alarms;
	struct timespec limit = { 5, 0 };

	pipe(ends);
	struct pollfd entry = { .fd = ends[0], .events = POLLIN };
	sigaction(SIGALRM, &action, NULL);
	alarm_every(20);
	CHECK_ERRNO(signal_ends_a_poll_even_with_SA_RESTART, poll(&entry, 1, 5000), EINTR);
	fd_set set;
	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	CHECK_ERRNO(signal_ends_a_select_even_with_SA_RESTART,
		    select(ends[0] + 1, &set, NULL, NULL, NULL), EINTR);
	alarm_every(0);
	CHECK(interrupted_select_leaves_its_sets, FD_ISSET(ends[0], &set));
	sigemptyset(&none);
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarms, NULL);
	raise(SIGALRM);
	signals = 0;
	CHECK_EQ(blocked_signal_does_not_end_a_poll, poll(&entry, 1, 10), 0);
	CHECK_ERRNO(mask_of_ppoll_lets_it_in, ppoll(&entry, 1, &limit, &none), EINTR);
	CHECK_EQ(handler_has_run, signals, 1);
	sigset_t now;
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK(mask_is_restored, sigismember(&now, SIGALRM));
	raise(SIGALRM);
	signals = 0;
	CHECK_ERRNO(mask_of_pselect_lets_it_in, pselect(0, NULL, NULL, NULL, &limit, &none), EINTR);
	CHECK_EQ(handler_has_run_again, signals, 1);
	raise(SIGALRM);
	write(ends[1], "x", 1);
	signals = 0;
	CHECK_EQ(what_is_ready_goes_before_signals, ppoll(&entry, 1, &limit, &none), 1);
	OUT("signals then: %d", (int)signals);
	sigprocmask(SIG_UNBLOCK, &alarms, NULL);
	CHECK_ERRNO(mask_of_another_size_is_EINVAL,
		    syscall(SYS_ppoll, &entry, 1, NULL, &none, 4), EINVAL);
	close(ends[0]);
	close(ends[1]);
}

static void check_stop(void)
{
	int ends[2], status;

	pipe(ends);
	pid_t pid = fork();
	if (!pid) {
		struct pollfd entry = { .fd = ends[0], .events = POLLIN };

		_exit(poll(&entry, 1, 5000));
	}
	usleep(20000);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGCONT);
	usleep(20000);
	write(ends[1], "x", 1);
	waitpid(pid, &status, 0);
	CHECK_EQ(poll_goes_on_after_a_stop, status, 1 << 8);
	close(ends[0]);
	close(ends[1]);
}

static void check_select(void)
{
	int ends[2];
	fd_set in, out, except;
	struct timeval limit = { 5, 0 };

	pipe(ends);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&except);
	FD_SET(ends[0], &in);
	FD_SET(ends[1], &out);
	FD_SET(ends[0], &except);
	/* The C library's select() keeps the time to itself. */
	CHECK_EQ(select_counts_what_is_ready,
		 syscall(SYS_select, ends[1] + 1, &in, &out, &except, &limit), 1);
	CHECK(select_says_which, FD_ISSET(ends[1], &out) && !FD_ISSET(ends[0], &in) &&
	      !FD_ISSET(ends[0], &except));
	CHECK(select_writes_the_rest_of_the_time_back, limit.tv_sec == 4 || limit.tv_sec == 5);
	FD_ZERO(&in);
	FD_SET(ends[0], &in);
	limit = (struct timeval){ 0, 20000 };
	CHECK_EQ(select_gives_up_in_time,
		 syscall(SYS_select, ends[0] + 1, &in, NULL, NULL, &limit), 0);
	CHECK(select_has_no_time_left, limit.tv_sec == 0 && limit.tv_usec == 0);
	CHECK(select_clears_what_is_not_ready, !FD_ISSET(ends[0], &in));
	FD_SET(60, &in);
	CHECK_ERRNO(closed_descriptor_is_EBADF, select(61, &in, NULL, NULL, NULL), EBADF);
	CHECK_ERRNO(negative_count_is_EINVAL, syscall(SYS_select, -1, NULL, NULL, NULL, NULL),
		    EINVAL);
	limit = (struct timeval){ -1, 0 };
	CHECK_ERRNO(negative_time_is_EINVAL, syscall(SYS_select, 0, NULL, NULL, NULL, &limit),
		    EINVAL);
	limit = (struct timeval){ 0, 1000001 };
	FD_SET(ends[1], &out);
	CHECK_EQ(too_many_microseconds_are_seconds,
		 syscall(SYS_select, ends[1] + 1, NULL, &out, NULL, &limit), 1);
	CHECK_ERRNO(sets_from_nowhere_are_EFAULT, syscall(SYS_select, 5, 8, NULL, NULL, NULL),
		    EFAULT);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(ends[0], &in);
	FD_SET(ends[1], &out);
	close(ends[0]);
	CHECK_ERRNO(closed_while_others_are_ready_is_EBADF,
		    select(ends[1] + 1, &in, &out, NULL, NULL), EBADF);
	FD_ZERO(&out);
	FD_SET(ends[1], &out);
	FD_ZERO(&in);
	FD_SET(ends[1], &in);
	CHECK_EQ(error_counts_as_readable_and_writable, select(ends[1] + 1, &in, &out, NULL, NULL),
		 2);
	close(ends[1]);
}

int main(void)
{
	check_poll();
	check_signals();
	check_stop();
	check_select();
	return 0;
}
