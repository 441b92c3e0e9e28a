/*
 * The kernel's log: /dev/kmsg, /proc/kmsg, syslog(2); and numbers of /proc/sys/kernel about what is
 * done when the kernel is in trouble.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { READ = 2, READ_ALL, READ_CLEAR, CLEAR, CONSOLE_OFF, CONSOLE_ON, CONSOLE_LEVEL, SIZE_UNREAD,
       SIZE_BUFFER };

static char text[65536];

static void write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		OUT("cannot write %s", path);
	close(fd);
}

static const char *read_file(const char *path)
{
	static char value[256];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, value, sizeof(value) - 1);

	close(fd);
	value[n < 0 ? 0 : n] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return value;
}

static void say(const char *message)
{
	int fd = open("/dev/kmsg", O_WRONLY);

	CHECK_EQ(a_write_takes_all, write(fd, message, strlen(message)), (long)strlen(message));
	close(fd);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Interrupts what sleeps for longer than a fifth of a second. */
static void alarm_soon(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = { .it_value.tv_usec = 200000 };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* The next record that this program wrote: others may come between. */
static char *next_of_ours(int fd)
{
	ssize_t n;

	while ((n = read(fd, text, 8192)) > 0) {
		text[n] = '\0';
		if (strstr(text, "moon-"))
			return text;
	}
	return NULL;
}

static void check_device(void)
{
	int fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK);
	struct pollfd poller = { .fd = fd, .events = POLLIN | POLLOUT };
	unsigned int priority, flags;
	unsigned long sequence, again;
	char *record;

	CHECK(kmsg_opens, fd >= 0);
	CHECK_EQ(seek_end, lseek(fd, 0, SEEK_END), 0);
	CHECK_ERRNO(at_the_end_there_is_nothing, read(fd, text, 8192), EAGAIN);
	CHECK_EQ(poll_says_so, poll(&poller, 1, 0), 0);
	say("<14>moon-one\n");
	CHECK_EQ(poll_sees_a_record, poll(&poller, 1, 1000), 1);
	CHECK_EQ(as_input_only, poller.revents, POLLIN);
	record = next_of_ours(fd);
	CHECK(a_record_has_priority_and_number, record &&
	      sscanf(record, "%u,%lu,%u,-;", &priority, &sequence, &flags) == 3);
	OUT("priority %u text %s", priority, strchr(record, ';'));
	say("moon-two\001\\ and \xc3\xa4\n");
	record = next_of_ours(fd);
	CHECK(numbers_grow, record && sscanf(record, "%u,%lu,", &priority, &again) == 2 &&
	      again > sequence);
	OUT("priority %u text %s", priority, strchr(record, ';'));
	say("<7>moon-three\n");
	record = next_of_ours(fd);
	OUT("priority %.3s text %s", record, strchr(record, ';'));
	say("<300>moon-four\n");
	say("moon-five\nmoon-six\n\n");
	record = next_of_ours(fd);
	OUT("priority %.3s text %s", record, strchr(record, ';'));
	record = next_of_ours(fd);
	OUT("text %s", strchr(record, ';'));
	CHECK_EQ(seek_data, lseek(fd, 0, SEEK_DATA), 0);
	CHECK_EQ(seek_set, lseek(fd, 0, SEEK_SET), 0);
	CHECK_ERRNO(a_record_is_read_whole, read(fd, text, 4), EINVAL);
	CHECK_ERRNO(no_offsets, lseek(fd, 1, SEEK_SET), ESPIPE);
	CHECK_ERRNO(no_relative_seek, lseek(fd, 0, SEEK_CUR), EINVAL);
	memset(text, 'x', 1000);
	CHECK_ERRNO(a_record_has_a_longest_length, write(fd, text, 1000), EINVAL);
	close(fd);
}

static void check_device_wakes(void)
{
	int fd = open("/dev/kmsg", O_RDONLY);
	pid_t child;

	lseek(fd, 0, SEEK_END);
	child = fork();
	if (!child) {
		usleep(50000);
		write_file("/dev/kmsg", "moon-wakes\n");
		_exit(0);
	}
	CHECK(a_read_waits_for_a_record, next_of_ours(fd) && strstr(text, "moon-wakes"));
	waitpid(child, NULL, 0);
	close(fd);
}

static void drain(void)
{
	while (klogctl(SIZE_UNREAD, NULL, 0) > 0)
		klogctl(READ, text, sizeof(text));
}

static void check_taking(void)
{
	int n, fd;
	pid_t child;

	drain();
	alarm_soon();
	CHECK_ERRNO(taking_waits_for_a_message, klogctl(READ, text, sizeof(text)), EINTR);
	say("<13>moon-taken\n");
	n = klogctl(SIZE_UNREAD, NULL, 0);
	CHECK(unread_bytes_are_counted, n >= (int)strlen("<13>moon-taken"));
	CHECK_EQ(a_small_buffer_takes_a_part, klogctl(READ, text, 3), 3);
	OUT("begins with %.3s", text);
	n = klogctl(READ, text, sizeof(text));
	text[n > 0 ? n : 0] = '\0';
	CHECK(the_rest_comes_next, text[0] == '>' && strstr(text, "moon-taken\n"));
	CHECK_EQ(then_it_is_gone, klogctl(SIZE_UNREAD, NULL, 0), 0);
	child = fork();
	if (!child) {
		usleep(50000);
		write_file("/dev/kmsg", "moon-later\n");
		_exit(0);
	}
	n = klogctl(READ, text, sizeof(text));
	CHECK(a_message_ends_the_wait, n > 0 && memmem(text, (size_t)n, "moon-later", 10));
	waitpid(child, NULL, 0);
	drain();
	fd = open("/proc/kmsg", O_RDONLY | O_NONBLOCK);
	CHECK_ERRNO(proc_kmsg_reads_the_same_place, read(fd, text, sizeof(text)), EAGAIN);
	say("moon-proc\n");
	n = (int)read(fd, text, sizeof(text));
	CHECK(and_what_comes_there, n > 0 && memmem(text, (size_t)n, "moon-proc", 9));
	close(fd);
}

static void check_copying(void)
{
	int n;

	say("moon-before\n");
	CHECK_EQ(clear, klogctl(CLEAR, NULL, 0), 0);
	say("moon-after-1\n");
	say("moon-after-2\n");
	n = klogctl(READ_ALL, text, sizeof(text));
	text[n > 0 ? n : 0] = '\0';
	CHECK(what_was_cleared_is_not_shown, !strstr(text, "moon-before"));
	CHECK(what_came_later_is, strstr(text, "moon-after-1") && strstr(text, "moon-after-2"));
	n = klogctl(READ_ALL, text, n - 1);
	text[n > 0 ? n : 0] = '\0';
	CHECK(the_newest_that_fit, !strstr(text, "moon-after-1") && strstr(text, "moon-after-2"));
	CHECK(read_and_clear, klogctl(READ_CLEAR, text, sizeof(text)) > 0);
	CHECK_EQ(nothing_is_left, klogctl(READ_ALL, text, sizeof(text)), 0);
	CHECK(the_buffer_has_a_size, klogctl(SIZE_BUFFER, NULL, 0) >= 4096);
}

static void check_levels(void)
{
	int level;

	write_file("/proc/sys/kernel/printk", "5 4 1 7");
	OUT("levels %s", read_file("/proc/sys/kernel/printk"));
	CHECK_EQ(console_level, klogctl(CONSOLE_LEVEL, NULL, 3), 0);
	OUT("levels %s", read_file("/proc/sys/kernel/printk"));
	CHECK_EQ(console_off, klogctl(CONSOLE_OFF, NULL, 0), 0);
	OUT("levels %s", read_file("/proc/sys/kernel/printk"));
	CHECK_EQ(console_on, klogctl(CONSOLE_ON, NULL, 0), 0);
	OUT("levels %s", read_file("/proc/sys/kernel/printk"));
	for (level = 0; level <= 9; level += 9)
		CHECK_ERRNO(levels_are_1_to_8, klogctl(CONSOLE_LEVEL, NULL, level), EINVAL);
	CHECK_ERRNO(no_such_action, klogctl(11, NULL, 0), EINVAL);
	CHECK_ERRNO(a_buffer_is_needed, klogctl(READ_ALL, NULL, 1), EINVAL);
	CHECK_ERRNO(of_some_size, klogctl(READ_ALL, text, -1), EINVAL);
	CHECK_EQ(or_none, klogctl(READ_ALL, text, 0), 0);
}

static void check_permission(void)
{
	int status;
	pid_t child = fork();

	if (!child) {
		setuid(1000);
		CHECK_ERRNO(users_do_not_take, klogctl(READ, text, 1), EPERM);
		CHECK_ERRNO(nor_clear, klogctl(CLEAR, NULL, 0), EPERM);
		CHECK_ERRNO(nor_read_proc_kmsg, open("/proc/kmsg", O_RDONLY), EACCES);
		CHECK_ERRNO(nor_write_kmsg, open("/dev/kmsg", O_WRONLY), EACCES);
		_exit(0);
	}
	waitpid(child, &status, 0);
}

static void check_numbers(void)
{
	static const char *const names[] = {
		"hung_task_warnings", "panic_on_warn", "softlockup_panic", "soft_watchdog", "sysrq",
		"unknown_nmi_panic", "watchdog", "watchdog_thresh", "printk_devkmsg",
	};
	char path[64];

	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "/proc/sys/kernel/%s", names[i]);
		OUT("%s %s", names[i], read_file(path));
	}
	write_file("/proc/sys/kernel/panic", "-5\n");
	OUT("panic %s", read_file("/proc/sys/kernel/panic"));
	write_file("/proc/sys/kernel/watchdog_thresh", "30");
	OUT("watchdog_thresh %s", read_file("/proc/sys/kernel/watchdog_thresh"));
	write_file("/proc/sys/kernel/watchdog_thresh", "10");
	write_file("/proc/sys/kernel/hung_task_timeout_secs", "50");
	OUT("hung_task_timeout_secs %s", read_file("/proc/sys/kernel/hung_task_timeout_secs"));
}

int main(void)
{
	check_numbers();
	write_file("/proc/sys/kernel/printk_devkmsg", "on\n");
	OUT("printk_devkmsg %s", read_file("/proc/sys/kernel/printk_devkmsg"));
	check_device();
	check_device_wakes();
	check_taking();
	check_copying();
	check_levels();
	check_permission();
	return 0;
}
