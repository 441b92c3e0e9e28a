/*
 * eventfd: the counter, its limits, semaphores, readiness.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>

static short events_of(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN | POLLOUT };

	poll(&entry, 1, 0);
	return entry.revents;
}

static uint64_t take(int fd)
{
	uint64_t value = 0;

	return read(fd, &value, sizeof(value)) == sizeof(value) ? value : UINT64_MAX;
}

static ssize_t give(int fd, uint64_t value)
{
	return write(fd, &value, sizeof(value));
}

int main(void)
{
	char small[4] = "", large[16] = "", line[256] = "";
	int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC);

	CHECK_ERRNO(unknown_flags_are_EINVAL, eventfd(0, 8), EINVAL);
	CHECK_EQ(eventfd_can_close_on_exec, fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(count_is_as_it_was_made, events_of(fd), POLLIN | POLLOUT);
	CHECK_EQ(read_takes_it_all, take(fd), 3);
	CHECK_EQ(empty_one_is_not_readable, events_of(fd), POLLOUT);
	CHECK_ERRNO(empty_one_would_block, read(fd, large, 8), EAGAIN);
	CHECK_ERRNO(short_read_is_EINVAL, read(fd, small, 4), EINVAL);
	CHECK_ERRNO(short_write_is_EINVAL, write(fd, small, 4), EINVAL);
	CHECK_EQ(long_write_takes_eight, write(fd, large, 16), 8);
	CHECK_ERRNO(writing_zero_adds_nothing, read(fd, large, 16), EAGAIN);
	CHECK_EQ(writes_add, (give(fd, 5), give(fd, 6), take(fd)), 11);
	CHECK_EQ(long_read_gives_eight, (give(fd, 1), read(fd, large, 16)), 8);
	CHECK_ERRNO(all_ones_is_EINVAL, give(fd, UINT64_MAX), EINVAL);
	CHECK_EQ(largest_count_fits, give(fd, UINT64_MAX - 1), 8);
	CHECK_EQ(full_one_is_not_writable, events_of(fd), POLLIN);
	CHECK_ERRNO(full_one_would_block, give(fd, 1), EAGAIN);
	CHECK_EQ(zero_fits_even_so, give(fd, 0), 8);
	CHECK_ERRNO(write_from_nowhere_is_EFAULT, write(fd, (void *)8, 8), EFAULT);
	CHECK_EQ(seeking_goes_nowhere, lseek(fd, 100, SEEK_SET), 0);
	CHECK_ERRNO(eventfd_cannot_be_read_at_a_position, pread(fd, large, 8, 0), ESPIPE);
	CHECK_EQ(count_was_kept, take(fd) == UINT64_MAX - 1, 1);
	readlink("/proc/self/fd/3", line, sizeof(line) - 1);
	OUT("name: %s", line);
	close(fd);

	fd = eventfd(2, EFD_SEMAPHORE);
	CHECK_EQ(semaphore_gives_one, take(fd), 1);
	CHECK_EQ(semaphore_gives_another, take(fd), 1);
	CHECK_EQ(semaphore_is_empty, events_of(fd), POLLOUT);
	pid_t pid = fork();
	if (!pid) {
		usleep(20000);
		give(fd, 1);
		_exit(0);
	}
	CHECK_EQ(read_waits, take(fd), 1);
	waitpid(pid, NULL, 0);
	give(fd, UINT64_MAX - 1);
	pid = fork();
	if (!pid) {
		usleep(20000);
		take(fd);
		_exit(0);
	}
	CHECK_EQ(write_waits, give(fd, 1), 8);
	waitpid(pid, NULL, 0);
	close(fd);
	return 0;
}
