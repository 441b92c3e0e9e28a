/*
 * FIFOs: how their two ends find each other, and that one lives on between openings.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>

static short events_of(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN | POLLOUT };

	poll(&entry, 1, 0);
	return entry.revents;
}

static void on_signal(int sig)
{
	(void)sig;
}

static void check_nonblocking(void)
{
	char buf[16];
	struct stat st;

	CHECK_EQ(fifo_can_be_made, mkfifo("fifo", 0640), 0);
	stat("fifo", &st);
	CHECK_EQ(fifo_has_its_mode, st.st_mode, S_IFIFO | 0640);
	CHECK_ERRNO(fifo_is_made_once, mkfifo("fifo", 0640), EEXIST);
	CHECK_ERRNO(writer_without_reader_is_ENXIO, open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	int reader = open("fifo", O_RDONLY | O_NONBLOCK);
	CHECK(reader_needs_no_writer, reader >= 0);
	CHECK_EQ(reader_before_any_writer_does_not_hang_up, events_of(reader), 0);
	CHECK_EQ(reader_before_any_writer_is_at_the_end, read(reader, buf, 1), 0);
	int writer = open("fifo", O_WRONLY | O_NONBLOCK);
	CHECK(writer_finds_its_reader, writer >= 0);
	CHECK_ERRNO(empty_fifo_would_block, read(reader, buf, 1), EAGAIN);
	CHECK_EQ(fifo_takes_bytes, write(writer, "bytes", 5), 5);
	CHECK_EQ(fifo_gives_bytes, read(reader, buf, 16), 5);
	close(writer);
	CHECK_EQ(reader_after_its_writer_hangs_up, events_of(reader), POLLHUP);
	CHECK_EQ(reader_after_its_writer_is_at_the_end, read(reader, buf, 1), 0);
	writer = open("fifo", O_WRONLY);
	CHECK_EQ(next_writer_ends_the_hang_up, events_of(reader), 0);
	write(writer, "again", 5);
	CHECK_EQ(fifo_goes_on_with_the_next_writer, read(reader, buf, 16), 5);
	write(writer, "lost", 4);
	close(reader);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERRNO(writer_without_reader_is_EPIPE, write(writer, "x", 1), EPIPE);
	reader = open("fifo", O_RDONLY | O_NONBLOCK);
	CHECK_EQ(data_wait_for_the_next_reader, read(reader, buf, 16), 4);
	close(reader);
	close(writer);
	reader = open("fifo", O_RDONLY | O_NONBLOCK);
	CHECK_EQ(data_do_not_outlive_the_last_close, read(reader, buf, 16), 0);
	close(reader);
	int both = open("fifo", O_RDWR);
	CHECK(both_ends_can_be_one, both >= 0);
	write(both, "self", 4);
	CHECK_EQ(one_can_write_to_itself, read(both, buf, 16), 4);
	CHECK_EQ(fifo_has_a_size_too, fcntl(both, F_GETPIPE_SZ), 65536);
	CHECK_ERRNO(fifo_has_no_position, lseek(both, 0, SEEK_CUR), ESPIPE);
	close(both);
}

static void check_waiting(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct itimerval timer = { .it_value = { .tv_usec = 20000 } };
	char buf[16];
	int status;
	pid_t pid = fork();

	if (!pid) {
		usleep(20000);
		int writer = open("fifo", O_WRONLY);
		_exit(write(writer, "hello", 5) != 5);
	}
	int reader = open("fifo", O_RDONLY);
	CHECK(reader_waits_for_a_writer, reader >= 0);
	CHECK_EQ(reader_gets_its_data, read(reader, buf, 16), 5);
	CHECK_EQ(reader_sees_the_end, read(reader, buf, 16), 0);
	close(reader);
	waitpid(pid, &status, 0);
	pid = fork();
	if (!pid) {
		usleep(20000);
		reader = open("fifo", O_RDONLY);
		_exit(read(reader, buf, 16) != 5);
	}
	int writer = open("fifo", O_WRONLY);
	CHECK(writer_waits_for_a_reader, writer >= 0);
	write(writer, "hello", 5);
	close(writer);
	waitpid(pid, &status, 0);
	CHECK_EQ(reader_was_content, status, 0);
	pid = fork();
	if (!pid) {
		writer = open("fifo", O_WRONLY);
		_exit(0);
	}
	reader = open("fifo", O_RDONLY);
	waitpid(pid, NULL, 0);
	CHECK(writer_that_is_gone_again_counts, reader >= 0);
	CHECK_EQ(writer_that_is_gone_again_is_the_end, read(reader, buf, 1), 0);
	close(reader);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	CHECK_ERRNO(signal_ends_an_open, open("fifo", O_RDONLY), EINTR);
	CHECK_ERRNO(interrupted_reader_is_none, open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	setitimer(ITIMER_REAL, &timer, NULL);
	CHECK_ERRNO(signal_ends_an_open_for_writing, open("fifo", O_WRONLY), EINTR);
	unlink("fifo");
}

int main(void)
{
	check_nonblocking();
	check_waiting();
	return 0;
}
