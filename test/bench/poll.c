/*
 * poll.c - select, poll and epoll over 10, 100 and 500 pipes of which the last has something to
 * read, so that nobody waits.
 */
#include "bench.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

#define MAX_FDS 500

static struct pollfd polled[MAX_FDS];
static fd_set selected;
static int highest, epoll_fd;

static void poll_init(long nr)
{
	struct rlimit limit = { 1100, 1100 };

	setrlimit(RLIMIT_NOFILE, &limit);
	epoll_fd = epoll_create1(0);
	if (epoll_fd < 0)
		fail("epoll_create1");
	FD_ZERO(&selected);
	for (long i = 0; i < nr; i++) {
		struct epoll_event event = { .events = EPOLLIN };
		int ends[2];

		if (pipe(ends) != 0)
			fail("pipe");
		polled[i] = (struct pollfd){ .fd = ends[0], .events = POLLIN };
		if (ends[0] < FD_SETSIZE)
			FD_SET(ends[0], &selected);
		highest = ends[0];
		if (i == nr - 1)
			byte_write(ends[1]);
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, ends[0], &event) != 0)
			fail("epoll_ctl");
	}
}

static int64_t select_run(uint64_t n, long nr)
{
	struct timeval none = { 0, 0 };

	(void)nr;
	return TIMED(n, {
		fd_set set = selected;

		if (select(highest + 1, &set, NULL, NULL, &none) != 1)
			fail("select");
	});
}

static int64_t poll_run(uint64_t n, long nr)
{
	return TIMED(n, if (poll(polled, (nfds_t)nr, 0) != 1) fail("poll"));
}

static int64_t epoll_run(uint64_t n, long nr)
{
	struct epoll_event events[16];

	(void)nr;
	return TIMED(n, if (epoll_wait(epoll_fd, events, 16, 0) != 1) fail("epoll_wait"));
}

#define POLL_ROWS(nr)								\
	{ .name = "poll.select_" #nr, .init = poll_init, .run = select_run, .arg = nr },	\
	{ .name = "poll.poll_" #nr, .init = poll_init, .run = poll_run, .arg = nr },	\
	{ .name = "poll.epoll_" #nr, .init = poll_init, .run = epoll_run, .arg = nr }

const struct row poll_rows[] = {
	POLL_ROWS(10),
	POLL_ROWS(100),
	POLL_ROWS(500),
	{ .name = NULL },
};
