/*
 * What a program could try to stop the machine with: periods shorter than any interrupt, and epolls
 * that watch each other along a great many paths. Everybody else goes on.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "check.h"

static volatile sig_atomic_t heard;

static void hear(int sig)
{
	(void)sig;
	heard = 1;
}

static void wait_until_heard(void)
{
	while (!heard)
		;
	heard = 0;
}

static void posix_timer_of_a_nanosecond(int sig, const char *name)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = sig };
	struct itimerspec often = { .it_interval = { 0, 1 }, .it_value = { 0, 1 } };
	struct timespec pause = { 0, 20000000 };
	timer_t timer;

	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &often, NULL);
	if (sig == SIGUSR1)
		wait_until_heard();
	nanosleep(&pause, NULL);
	timer_delete(timer);
	check_report(name, true, __LINE__, "");
}

static void missed_periods_are_counted(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct itimerspec often = { .it_interval = { 0, 1000000 }, .it_value = { 0, 1000000 } },
			  left;
	struct timespec pause = { 0, 20000000 };
	siginfo_t info;
	sigset_t set;
	timer_t timer;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &often, NULL);
	nanosleep(&pause, NULL);
	timer_gettime(timer, &left);
	CHECK(a_timer_whose_signal_pends_still_runs,
	      left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 1000000);
	sigwaitinfo(&set, &info);
	CHECK(periods_missed_while_the_signal_pended_are_overrun, timer_getoverrun(timer) >= 15);
	sigwaitinfo(&set, &info);
	CHECK(a_taken_signal_lets_the_timer_go_on, info.si_signo == SIGRTMIN);
	timer_delete(timer);
}

/* The first expiration, and never again. */
static void endless_period(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct itimerspec rarely = { .it_interval = { LONG_MAX, 0 }, .it_value = { 0, 1 } };
	struct timespec pause = { 0, 20000000 };
	siginfo_t info;
	sigset_t set;
	timer_t timer;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &rarely, NULL);
	sigwaitinfo(&set, &info);
	nanosleep(&pause, NULL);
	sigpending(&set);
	CHECK(an_endless_period_does_not_end, !sigismember(&set, SIGRTMIN));
	timer_delete(timer);
}

static void interval_timer_of_a_microsecond(void)
{
	struct itimerval often = { { 0, 1 }, { 0, 1 } }, never = { { 0, 0 }, { 0, 0 } };
	struct timespec pause = { 0, 20000000 };

	setitimer(ITIMER_REAL, &often, NULL);
	wait_until_heard();
	wait_until_heard();
	setitimer(ITIMER_REAL, &never, NULL);
	nanosleep(&pause, NULL);
	CHECK(an_interval_of_a_microsecond_leaves_time_for_others, true);
}

/*
 * Three storeys of epolls, each watching the one below by 300 descriptors, without a single file.
 */
static void epolls_by_many_paths(void)
{
	enum { STOREYS = 4, PATHS = 300 };
	struct rlimit limit = { 4096, 4096 };
	int storeys[STOREYS], below;
	struct epoll_event event = { .events = EPOLLIN };

	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < STOREYS; i++) {
		storeys[i] = epoll_create1(0);
		for (int n = 0; i && n < PATHS; n++)
			epoll_ctl(storeys[i], EPOLL_CTL_ADD, dup(storeys[i - 1]), &event);
	}
	below = epoll_create1(0);
	epoll_ctl(storeys[0], EPOLL_CTL_ADD, below, &event);
	CHECK(a_house_of_epolls_can_be_built_upon, true);
	for (int fd = 3; fd < 4096; fd++)
		close(fd);
}

static void clones_that_end_with_no_signal(void)
{
	static const int signals[] = { 65, 127, 255 };

	for (int i = 0; i < 3; i++) {
		long pid = syscall(SYS_clone, signals[i], 0, 0, 0, 0);

		if (pid == 0)
			_exit(0);
		CHECK_EQ(a_clone_whose_signal_is_none_is_waited_for,
			 waitpid((pid_t)pid, NULL, __WALL), pid);
	}
}

int main(void)
{
	struct sigaction action = { .sa_handler = hear };

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	posix_timer_of_a_nanosecond(SIGUSR1, "a_period_of_a_nanosecond_leaves_time_for_others");
	posix_timer_of_a_nanosecond(SIGCHLD, "even_if_its_signal_is_ignored");
	missed_periods_are_counted();
	endless_period();
	interval_timer_of_a_microsecond();
	epolls_by_many_paths();
	clones_that_end_with_no_signal();
	return 0;
}
