/*
 * timerfd: clocks, single and periodic timers, what is read, what is told of the time left.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>

static const int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };

static int set(int fd, int flags, long value_ms, long interval_ms)
{
	struct itimerspec spec = {
		.it_value = { value_ms / 1000, value_ms % 1000 * 1000000 },
		.it_interval = { interval_ms / 1000, interval_ms % 1000 * 1000000 },
	};

	return timerfd_settime(fd, flags, &spec, NULL);
}

static long left_ms(int fd)
{
	struct itimerspec spec;

	timerfd_gettime(fd, &spec);
	return spec.it_value.tv_sec * 1000 + spec.it_value.tv_nsec / 1000000;
}

static int is_ready(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN };

	return poll(&entry, 1, 0);
}

static int64_t take(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? (int64_t)count : -errno;
}

static void check_arguments(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), ends[2];
	struct itimerspec spec = { .it_value = { 0, 1000000000 } };
	char buf[16], line[64] = "";

	pipe(ends);
	CHECK_ERRNO(unknown_clock_is_EINVAL, timerfd_create(2, 0), EINVAL);
	CHECK_ERRNO(unknown_flags_are_EINVAL, timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
	CHECK_EQ(timer_can_close_on_exec, fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(bad_nanoseconds_are_EINVAL, timerfd_settime(fd, 0, &spec, NULL), EINVAL);
	CHECK_ERRNO(unknown_setting_is_EINVAL, set(fd, 4, 1, 0), EINVAL);
	CHECK_ERRNO(pipe_is_no_timer, set(ends[0], 0, 1, 0), EINVAL);
	CHECK_ERRNO(closed_descriptor_is_no_timer, set(99, 0, 1, 0), EBADF);
	CHECK_ERRNO(idle_timer_would_block, read(fd, buf, 8), EAGAIN);
	CHECK_ERRNO(short_read_is_EINVAL, read(fd, buf, 4), EINVAL);
	CHECK_ERRNO(timer_cannot_be_written, write(fd, buf, 8), EINVAL);
	CHECK_EQ(idle_timer_has_no_time_left, left_ms(fd), 0);
	readlink("/proc/self/fd/3", line, sizeof(line) - 1);
	OUT("name: %s", line);
	close(fd);
	close(ends[0]);
	close(ends[1]);
}

static void check_clock(int clock)
{
	int fd = timerfd_create(clock, TFD_NONBLOCK);
	struct itimerspec spec, old;
	struct timespec now;

	set(fd, 0, 60000, 2000);
	long left = left_ms(fd);
	CHECK(time_left_is_told, left > 59000 && left <= 60000);
	timerfd_gettime(fd, &spec);
	CHECK_EQ(interval_is_told, (int)spec.it_interval.tv_sec, 2);
	spec = (struct itimerspec){ 0 };
	timerfd_settime(fd, 0, &spec, &old);
	CHECK(old_setting_is_told, old.it_value.tv_sec >= 59 && old.it_interval.tv_sec == 2);
	CHECK_EQ(zero_disarms, left_ms(fd), 0);
	clock_gettime(clock, &now);
	spec.it_value = now;
	CHECK_EQ(point_in_the_past_is_taken,
		 timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL), 0);
	usleep(2000);
	CHECK_EQ(point_in_the_past_expires_at_once, take(fd), 1);
	CHECK_EQ(it_expires_once, take(fd), -EAGAIN);
	now.tv_nsec += 20000000;
	if (now.tv_nsec >= 1000000000) {
		now.tv_sec++;
		now.tv_nsec -= 1000000000;
	}
	spec.it_value = now;
	timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL);
	struct pollfd entry = { .fd = fd, .events = POLLIN };
	CHECK_EQ(point_in_time_is_reached, poll(&entry, 1, 2000), 1);
	struct timespec then;
	clock_gettime(clock, &then);
	CHECK(not_before_its_time, then.tv_sec > now.tv_sec ||
	      (then.tv_sec == now.tv_sec && then.tv_nsec >= now.tv_nsec));
	close(fd);
}

/* However short the sleep, and even if it is over before it began. */
static void check_short_sleeps(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), missed = 0;
	struct itimerspec spec = { 0 };

	for (int i = 0; i < 500; i++) {
		clock_gettime(CLOCK_MONOTONIC, &spec.it_value);
		timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL);
		usleep(1);
		missed += take(fd) != 1;
	}
	CHECK_EQ(sleeper_finds_all_that_was_due_before, missed, 0);
	close(fd);
}

static void check_period(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	set(fd, 0, 100, 100);
	CHECK_EQ(armed_timer_is_not_ready, is_ready(fd), 0);
	CHECK_EQ(read_waits_for_the_first, take(fd), 1);
	usleep(350000);
	CHECK_EQ(expired_timer_is_ready, is_ready(fd), 1);
	int64_t count = take(fd);
	CHECK(missed_periods_are_counted, count >= 3 && count < 30);
	CHECK_EQ(counted_once, is_ready(fd), 0);
	long left = left_ms(fd);
	CHECK(next_period_goes_on, left >= 0 && left <= 100);
	CHECK_EQ(next_period_comes, take(fd) >= 1, 1);
	usleep(150000);
	set(fd, 0, 60000, 0);
	CHECK_EQ(new_setting_forgets_what_expired, is_ready(fd), 0);
	close(fd);
}

int main(void)
{
	check_arguments();
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		OUT("clock %d", clocks[i]);
		check_clock(clocks[i]);
	}
	check_short_sleeps();
	check_period();
	return 0;
}
