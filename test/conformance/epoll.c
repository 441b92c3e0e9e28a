/*
 * epoll: what may be watched, levels and edges, one-shot, exclusive, nesting, closing.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static struct epoll_event got[16];

static int add(int ep, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u64 = (uint64_t)fd | 7ull << 40 };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
}

static int modify(int ep, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u64 = (uint64_t)fd };

	return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &event);
}

static int removed(int ep, int fd)
{
	return epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL);
}

/* How many are ready now. */
static int ready(int ep)
{
	return epoll_wait(ep, got, 16, 0);
}

static void check_control(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), ends[2];
	struct epoll_event event = { .events = EPOLLIN };
	struct stat st;

	pipe(ends);
	CHECK_ERRNO(epoll_of_no_size_is_EINVAL, syscall(SYS_epoll_create, 0), EINVAL);
	CHECK_ERRNO(unknown_flags_are_EINVAL, epoll_create1(1), EINVAL);
	CHECK_EQ(epoll_can_close_on_exec, fcntl(ep, F_GETFD), FD_CLOEXEC);
	fstat(ep, &st);
	OUT("mode of an epoll: 0%o", (int)st.st_mode);
	int file = open("file", O_CREAT | O_RDWR, 0600);
	CHECK_ERRNO(file_cannot_be_watched, add(ep, file, EPOLLIN), EPERM);
	CHECK_ERRNO(directory_cannot_be_watched, add(ep, open("/", O_RDONLY), EPOLLIN), EPERM);
	int place = open("file", O_PATH);
	CHECK_ERRNO(place_cannot_be_watched, add(ep, place, EPOLLIN), EBADF);
	CHECK_ERRNO(closed_descriptor_cannot_be_watched, add(ep, 99, EPOLLIN), EBADF);
	CHECK_ERRNO(closed_epoll_watches_nothing, add(99, ends[0], EPOLLIN), EBADF);
	CHECK_ERRNO(pipe_watches_nothing, add(ends[0], ends[1], EPOLLIN), EINVAL);
	CHECK_ERRNO(epoll_does_not_watch_itself, add(ep, ep, EPOLLIN), EINVAL);
	CHECK_ERRNO(event_from_nowhere_is_EFAULT,
		    syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, ends[0], 8), EFAULT);
	CHECK_ERRNO(unknown_operation_is_EINVAL, epoll_ctl(ep, 9, ends[0], &event), EINVAL);
	CHECK_ERRNO(change_of_what_is_not_watched_is_ENOENT, modify(ep, ends[0], 0), ENOENT);
	CHECK_ERRNO(removal_of_what_is_not_watched_is_ENOENT, removed(ep, ends[0]), ENOENT);
	CHECK_EQ(pipe_can_be_watched, add(ep, ends[0], EPOLLIN), 0);
	CHECK_ERRNO(pipe_is_watched_once, add(ep, ends[0], EPOLLIN), EEXIST);
	int copy = dup(ends[0]);
	CHECK_EQ(copy_of_a_descriptor_is_watched_too, add(ep, copy, EPOLLIN), 0);
	CHECK_ERRNO(no_room_is_EINVAL, epoll_wait(ep, got, 0, 0), EINVAL);
	CHECK_ERRNO(negative_room_is_EINVAL, epoll_wait(ep, got, -1, 0), EINVAL);
	CHECK_ERRNO(waiting_on_a_pipe_is_EINVAL, epoll_wait(ends[0], got, 1, 0), EINVAL);
	CHECK_ERRNO(waiting_on_nothing_is_EBADF, epoll_wait(99, got, 1, 0), EBADF);
	write(ends[1], "x", 1);
	CHECK_ERRNO(events_to_nowhere_are_EFAULT,
		    syscall(SYS_epoll_wait, ep, 8, 1, 0), EFAULT);
	CHECK_EQ(failed_wait_loses_nothing, ready(ep), 2);
	CHECK_EQ(epoll_cannot_be_read, read(ep, got, 1), -1);
	close(copy);
	OUT("after the copy was closed: %d", ready(ep));
	close(ep);
	close(ends[0]);
	close(ends[1]);
	close(place);
	close(file);
	unlink("file");
}

static void check_levels(void)
{
	int ep = epoll_create1(0), ends[2];
	char buf[8];

	pipe(ends);
	add(ep, ends[0], EPOLLIN);
	CHECK_EQ(nothing_is_ready, ready(ep), 0);
	write(ends[1], "xy", 2);
	CHECK_EQ(data_are_ready, ready(ep), 1);
	CHECK(event_is_told, got[0].events == EPOLLIN && got[0].data.u64 ==
	      ((uint64_t)ends[0] | 7ull << 40));
	CHECK_EQ(level_is_told_again, ready(ep), 1);
	read(ends[0], buf, 2);
	CHECK_EQ(level_is_over, ready(ep), 0);
	modify(ep, ends[0], EPOLLIN | EPOLLET);
	write(ends[1], "x", 1);
	CHECK_EQ(edge_is_told, ready(ep), 1);
	CHECK_EQ(edge_is_told_once, ready(ep), 0);
	write(ends[1], "x", 1);
	CHECK_EQ(next_write_is_an_edge, ready(ep), 1);
	modify(ep, ends[0], EPOLLIN | EPOLLET);
	CHECK_EQ(change_tells_what_is_there, ready(ep), 1);
	modify(ep, ends[0], EPOLLIN | EPOLLONESHOT);
	CHECK_EQ(one_shot_is_told, ready(ep), 1);
	write(ends[1], "x", 1);
	CHECK_EQ(one_shot_is_told_once, ready(ep), 0);
	modify(ep, ends[0], EPOLLIN | EPOLLONESHOT);
	CHECK_EQ(one_shot_is_set_again, ready(ep), 1);
	modify(ep, ends[0], 0);
	CHECK_EQ(no_events_are_no_events, ready(ep), 0);
	close(ends[1]);
	CHECK_EQ(hang_up_is_always_told, ready(ep), 1);
	CHECK_EQ(hang_up_is_EPOLLHUP, got[0].events, EPOLLHUP);
	close(ends[0]);
	CHECK_EQ(closed_file_is_not_watched, ready(ep), 0);
	close(ep);
}

static void check_fairness(void)
{
	int ep = epoll_create1(0), fds[4], seen = 0;

	for (int i = 0; i < 4; i++) {
		fds[i] = eventfd(1, 0);
		add(ep, fds[i], EPOLLIN);
	}
	for (int i = 0; i < 4; i++) {
		epoll_wait(ep, got, 1, 0);
		for (int j = 0; j < 4; j++)
			seen |= (int)(got[0].data.u64 & 0xffff) == fds[j] ? 1 << j : 0;
	}
	CHECK_EQ(each_has_its_turn, seen, 15);
	CHECK_EQ(all_fit, ready(ep), 4);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	CHECK_EQ(none_is_left, ready(ep), 0);
	close(ep);
}

static int chain(int top, int depth)
{
	for (int i = 0; i < depth; i++) {
		int next = epoll_create1(0);

		if (add(next, top, EPOLLIN)) {
			close(next);
			return i;
		}
		top = next;
	}
	return depth;
}

static void check_nesting(void)
{
	int outer = epoll_create1(0), inner = epoll_create1(0), event = eventfd(0, 0);
	struct pollfd entry = { .fd = outer, .events = POLLIN };
	uint64_t one = 1;

	CHECK_EQ(epoll_watches_an_epoll, add(outer, inner, EPOLLIN), 0);
	CHECK_ERRNO(circle_is_ELOOP, add(inner, outer, EPOLLIN), ELOOP);
	add(inner, event, EPOLLIN);
	CHECK_EQ(nested_epoll_is_not_ready, ready(outer), 0);
	CHECK_EQ(outer_epoll_is_not_readable, poll(&entry, 1, 0), 0);
	write(event, &one, 8);
	CHECK_EQ(outer_epoll_is_readable, poll(&entry, 1, 0), 1);
	CHECK_EQ(nested_epoll_is_ready, ready(outer), 1);
	CHECK_EQ(innermost_is_ready, ready(inner), 1);
	read(event, &one, 8);
	CHECK_EQ(nested_epoll_is_not_ready_again, ready(outer), 0);
	pid_t pid = fork();
	if (!pid) {
		usleep(20000);
		write(event, &one, 8);
		_exit(0);
	}
	CHECK_EQ(wake_up_goes_through, epoll_wait(outer, got, 16, 5000), 1);
	waitpid(pid, NULL, 0);
	close(inner);
	CHECK_EQ(closed_epoll_is_not_watched, ready(outer), 0);
	OUT("chain above an event: %d", chain(event, 10));
	OUT("chain of epolls: %d", chain(epoll_create1(0), 10));
	close(outer);
	close(event);
}

static void check_exclusive(void)
{
	int ep = epoll_create1(0), other = epoll_create1(0), event = eventfd(0, 0);
	uint64_t one = 1;

	CHECK_EQ(exclusive_watch_is_taken, add(ep, event, EPOLLIN | EPOLLEXCLUSIVE), 0);
	CHECK_ERRNO(exclusive_watch_does_not_change, modify(ep, event, EPOLLIN), EINVAL);
	CHECK_ERRNO(change_to_exclusive_is_EINVAL, modify(ep, event, EPOLLIN | EPOLLEXCLUSIVE),
		    EINVAL);
	CHECK_ERRNO(exclusive_one_shot_is_EINVAL,
		    add(other, event, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT), EINVAL);
	CHECK_ERRNO(exclusive_watch_of_an_epoll_is_EINVAL,
		    add(other, ep, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
	CHECK_EQ(second_exclusive_watch_is_taken, add(other, event, EPOLLIN | EPOLLEXCLUSIVE), 0);
	write(event, &one, 8);
	CHECK_EQ(both_see_the_level, ready(ep) + ready(other), 2);
	CHECK_EQ(wakeup_flag_is_taken, add(ep, STDIN_FILENO, EPOLLIN | EPOLLWAKEUP) == 0 ||
		 errno == EPERM, 1);
	close(ep);
	close(other);
	close(event);
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

static void check_waiting(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct itimerval timer = { .it_value = { .tv_usec = 20000 } };
	int ep = epoll_create1(0), event = eventfd(0, 0);
	struct timespec start, end, limit = { 0, 20000000 };
	sigset_t none, alarms;

	add(ep, event, EPOLLIN);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	CHECK_ERRNO(signal_ends_a_wait_even_with_SA_RESTART, epoll_wait(ep, got, 16, 5000), EINTR);
	clock_gettime(CLOCK_MONOTONIC, &start);
	CHECK_EQ(wait_gives_up_in_time, epoll_wait(ep, got, 16, 20), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	CHECK(wait_lasted_as_long_as_asked,
	      (end.tv_sec - start.tv_sec) * 1000000000 + end.tv_nsec - start.tv_nsec >= 19000000);
	CHECK_EQ(pwait2_takes_nanoseconds,
		 syscall(SYS_epoll_pwait2, ep, got, 16, &limit, NULL, 0), 0);
	limit.tv_nsec = 1000000000;
	CHECK_ERRNO(bad_nanoseconds_are_EINVAL,
		    syscall(SYS_epoll_pwait2, ep, got, 16, &limit, NULL, 0), EINVAL);
	sigemptyset(&none);
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarms, NULL);
	raise(SIGALRM);
	signals = 0;
	CHECK_EQ(blocked_signal_does_not_end_a_wait, epoll_wait(ep, got, 16, 10), 0);
	CHECK_ERRNO(mask_of_pwait_lets_it_in, epoll_pwait(ep, got, 16, 1000, &none), EINTR);
	CHECK_EQ(handler_has_run, signals, 1);
	sigprocmask(SIG_UNBLOCK, &alarms, NULL);
	close(ep);
	close(event);
}

static int shared_ep;

static void *wait_once(void *arg)
{
	struct epoll_event event;

	(void)arg;
	return (void *)(long)epoll_wait(shared_ep, &event, 1, 2000);
}

static void check_threads(void)
{
	int events[2] = { eventfd(0, 0), eventfd(0, 0) };
	pthread_t threads[2];
	void *results[2];
	uint64_t one = 1;

	shared_ep = epoll_create1(0);
	for (int i = 0; i < 2; i++) {
		add(shared_ep, events[i], EPOLLIN | EPOLLET);
		pthread_create(&threads[i], NULL, wait_once, NULL);
	}
	usleep(20000);
	write(events[0], &one, 8);
	write(events[1], &one, 8);
	pthread_join(threads[0], &results[0]);
	pthread_join(threads[1], &results[1]);
	CHECK_EQ(two_edges_wake_two_threads, (long)results[0] + (long)results[1], 2);
	close(events[0]);
	close(events[1]);
	close(shared_ep);
}

static void check_sockets(void)
{
	int ep = epoll_create1(0), pair[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	add(ep, pair[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	CHECK_EQ(socket_is_writable, ready(ep), 1);
	CHECK_EQ(socket_is_only_writable, got[0].events, EPOLLOUT);
	write(pair[1], "x", 1);
	CHECK_EQ(socket_with_data_is_told, ready(ep), 1);
	CHECK_EQ(socket_is_readable_and_writable, got[0].events, EPOLLIN | EPOLLOUT);
	shutdown(pair[1], SHUT_WR);
	CHECK_EQ(half_close_is_told, ready(ep), 1);
	CHECK_EQ(half_close_is_RDHUP, got[0].events, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
	close(pair[1]);
	CHECK_EQ(close_is_told, ready(ep), 1);
	CHECK_EQ(close_is_HUP, got[0].events, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP);
	close(pair[0]);
	close(ep);
}

int main(void)
{
	check_control();
	check_levels();
	check_fairness();
	check_nesting();
	check_exclusive();
	check_waiting();
	check_threads();
	check_sockets();
	return 0;
}
