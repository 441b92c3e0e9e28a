/*
 * Pipes: capacity, atomic writes, packets, both ends' end, readiness, sizes.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

static char block[1 << 20];

static short events_of(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN | POLLOUT };

	poll(&entry, 1, 0);
	return entry.revents;
}

static int waiting(int fd)
{
	int bytes = -1;

	ioctl(fd, FIONREAD, &bytes);
	return bytes;
}

static void check_creation(void)
{
	int ends[2];
	struct stat first, second;

	CHECK_ERRNO(pipe2_with_unknown_flags_is_EINVAL, pipe2(ends, O_APPEND), EINVAL);
	CHECK_ERRNO(pipe_to_nowhere_is_EFAULT, syscall(SYS_pipe, 8), EFAULT);
	CHECK_EQ(pipe2_takes_its_flags, pipe2(ends, O_CLOEXEC | O_NONBLOCK | O_DIRECT), 0);
	CHECK_EQ(pipe_can_close_on_exec, fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	OUT("flags of the ends: 0%o 0%o", fcntl(ends[0], F_GETFL), fcntl(ends[1], F_GETFL));
	fstat(ends[0], &first);
	fstat(ends[1], &second);
	CHECK_EQ(pipe_is_a_fifo_of_its_owner, first.st_mode, S_IFIFO | 0600);
	CHECK(both_ends_are_one_inode,
	      first.st_ino == second.st_ino && first.st_dev == second.st_dev);
	CHECK_EQ(pipe_has_one_link, (int)first.st_nlink, 1);
	CHECK_ERRNO(pipe_has_no_position, lseek(ends[0], 0, SEEK_SET), ESPIPE);
	CHECK_ERRNO(pipe_cannot_be_read_at_a_position, pread(ends[0], block, 1, 0), ESPIPE);
	CHECK_ERRNO(reading_end_cannot_be_written, write(ends[0], "x", 1), EBADF);
	CHECK_ERRNO(writing_end_cannot_be_read, read(ends[1], block, 1), EBADF);
	CHECK_ERRNO(pipe_cannot_be_truncated, ftruncate(ends[1], 0), EINVAL);
	CHECK_ERRNO(pipe_cannot_be_synced, fsync(ends[1]), EINVAL);
	close(ends[0]);
	close(ends[1]);
}

static void check_transfer(void)
{
	int ends[2];
	char buf[64];
	struct iovec iov[3] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };

	pipe(ends);
	CHECK_EQ(fresh_pipe_holds_nothing, waiting(ends[0]), 0);
	CHECK_EQ(writes_are_gathered, writev(ends[1], iov, 3), 5);
	CHECK_EQ(write_of_nothing_is_zero, write(ends[1], "", 0), 0);
	CHECK_EQ(bytes_are_counted, waiting(ends[0]), 5);
	CHECK_EQ(bytes_are_counted_at_the_other_end_too, waiting(ends[1]), 5);
	CHECK_EQ(read_of_nothing_is_zero, read(ends[0], buf, 0), 0);
	CHECK_EQ(part_can_be_read, read(ends[0], buf, 2), 2);
	write(ends[1], "fgh", 3);
	CHECK_EQ(read_crosses_writes, read(ends[0], buf, sizeof(buf)), 6);
	CHECK(bytes_keep_their_order, !memcmp(buf, "cdefgh", 6));
	write(ends[1], "data", 4);
	CHECK_ERRNO(read_to_nowhere_is_EFAULT, read(ends[0], (void *)8, 4), EFAULT);
	CHECK_EQ(failed_read_takes_nothing, read(ends[0], buf, 64), 4);
	CHECK_ERRNO(write_from_nowhere_is_EFAULT, write(ends[1], (void *)8, 4), EFAULT);
	CHECK_EQ(failed_write_leaves_nothing, waiting(ends[0]), 0);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	CHECK_ERRNO(empty_pipe_would_block, read(ends[0], buf, 1), EAGAIN);
	close(ends[1]);
	CHECK_EQ(end_of_writers_is_end_of_file, read(ends[0], buf, 1), 0);
	close(ends[0]);
}

static void check_capacity(void)
{
	int ends[2];
	int count = 0;

	pipe2(ends, O_NONBLOCK);
	while (write(ends[1], block, 4096) == 4096)
		count++;
	CHECK_EQ(pipe_takes_sixteen_pages, count, 16);
	CHECK_ERRNO(full_pipe_would_block, write(ends[1], "x", 1), EAGAIN);
	CHECK_EQ(full_pipe_is_not_writable, events_of(ends[1]), 0);
	read(ends[0], block, 1);
	CHECK_ERRNO(room_within_a_page_is_no_room, write(ends[1], "x", 1), EAGAIN);
	CHECK_EQ(room_within_a_page_is_not_writable, events_of(ends[1]), 0);
	read(ends[0], block, 4095);
	CHECK_EQ(free_page_is_writable, events_of(ends[1]), POLLOUT);
	CHECK_EQ(atomic_write_fits_a_page, write(ends[1], block, 4096), 4096);
	read(ends[0], block, 4096);
	CHECK_EQ(large_write_takes_what_fits, write(ends[1], block, 5000), 4096);
	while (read(ends[0], block, sizeof(block)) > 0)
		;
	CHECK_EQ(large_write_fills_the_pipe, write(ends[1], block, sizeof(block)), 65536);
	CHECK_EQ(large_read_empties_the_pipe, read(ends[0], block, sizeof(block)), 65536);
	for (count = 0; write(ends[1], "x", 1) == 1; count++)
		;
	OUT("single bytes that fit: %d", count);
	while (read(ends[0], block, sizeof(block)) > 0)
		;
	for (count = 0; write(ends[1], block, 3000) == 3000; count++)
		;
	OUT("writes of 3000 that fit: %d", count);
	close(ends[0]);
	close(ends[1]);
}

static void check_sizes(void)
{
	static const unsigned long sizes[] = { 0, 1, 4096, 4097, 65536, 100000, 1 << 20, 1 << 21 };
	int ends[2];

	pipe2(ends, O_NONBLOCK);
	CHECK_EQ(pipe_has_64_KiB, fcntl(ends[0], F_GETPIPE_SZ), 65536);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		OUT("size %lu becomes %d", sizes[i], fcntl(ends[1], F_SETPIPE_SZ, sizes[i]));
	CHECK_EQ(both_ends_have_one_size, fcntl(ends[0], F_GETPIPE_SZ), 1 << 21);
	CHECK_EQ(larger_pipe_takes_more, write(ends[1], block, 300000), 300000);
	CHECK_ERRNO(pipe_does_not_shrink_below_its_content, fcntl(ends[0], F_SETPIPE_SZ, 65536),
		    EBUSY);
	CHECK_EQ(content_survives_a_change_of_size,
		 (fcntl(ends[0], F_SETPIPE_SZ, 1 << 20), read(ends[0], block, sizeof(block))),
		 300000);
	CHECK_ERRNO(size_of_a_file_that_is_no_pipe_is_EBADF, fcntl(STDOUT_FILENO, F_GETPIPE_SZ),
		    EBADF);
	close(ends[0]);
	close(ends[1]);
	if (!fork()) {
		setuid(1000);
		pipe(ends);
		CHECK_ERRNO(ordinary_users_have_a_limit, fcntl(ends[0], F_SETPIPE_SZ, 1 << 21),
			    EPERM);
		CHECK_EQ(ordinary_users_may_have_a_megabyte, fcntl(ends[0], F_SETPIPE_SZ, 1 << 20),
			 1 << 20);
		_exit(0);
	}
	wait(NULL);
}

static void check_packets(void)
{
	int ends[2];
	char buf[64];

	pipe2(ends, O_DIRECT | O_NONBLOCK);
	write(ends[1], "one", 3);
	write(ends[1], "three", 5);
	CHECK_EQ(packets_are_read_one_by_one, read(ends[0], buf, 64), 3);
	CHECK_EQ(packet_is_cut, read(ends[0], buf, 2), 2);
	CHECK_ERRNO(rest_of_a_packet_is_lost, read(ends[0], buf, 64), EAGAIN);
	CHECK_EQ(large_packets_are_split, write(ends[1], block, 5000), 5000);
	CHECK_EQ(first_part_is_a_page, read(ends[0], block, 8192), 4096);
	CHECK_EQ(second_part_is_the_rest, read(ends[0], block, 8192), 904);
	close(ends[0]);
	close(ends[1]);
}

static int write_without_reader(void *data)
{
	int ends[2];

	(void)data;
	signal(SIGPIPE, SIG_DFL);
	pipe(ends);
	close(ends[0]);
	return (int)write(ends[1], "x", 1);
}

static void check_endings(void)
{
	int ends[2];

	CHECK_EQ(write_to_pipe_without_reader_raises_SIGPIPE,
		 WTERMSIG(check_in_child(write_without_reader, NULL)), SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	pipe(ends);
	CHECK_EQ(idle_reader_is_not_ready, events_of(ends[0]), 0);
	CHECK_EQ(idle_writer_is_ready, events_of(ends[1]), POLLOUT);
	write(ends[1], "x", 1);
	CHECK_EQ(reader_with_data_is_ready, events_of(ends[0]), POLLIN);
	close(ends[1]);
	CHECK_EQ(reader_with_data_and_no_writer, events_of(ends[0]), POLLIN | POLLHUP);
	read(ends[0], block, 1);
	CHECK_EQ(reader_without_writer_hangs_up, events_of(ends[0]), POLLHUP);
	close(ends[0]);
	pipe(ends);
	close(ends[0]);
	CHECK_EQ(writer_without_reader_is_an_error, events_of(ends[1]), POLLOUT | POLLERR);
	CHECK_ERRNO(write_to_pipe_without_reader_returns_EPIPE, write(ends[1], "x", 1), EPIPE);
	CHECK_EQ(write_of_nothing_is_fine_even_so, write(ends[1], "", 0), 0);
	close(ends[1]);
	signal(SIGPIPE, SIG_DFL);
}

static volatile sig_atomic_t nr_signals;

static void on_signal(int sig)
{
	(void)sig;
	nr_signals++;
}

/* A reader that takes `size` bytes, a while later, and leaves. */
static pid_t start_reader(const int *ends, size_t size)
{
	pid_t pid = fork();

	if (pid == 0) {
		close(ends[1]);
		usleep(20000);
		read(ends[0], block, size);
		usleep(50000); /* for the writer to use the room */
		_exit(0);
	}
	close(ends[0]);
	return pid;
}

static void check_breaking(void)
{
	struct iovec iov[3] = { { block, 60000 }, { block, 60000 }, { block, 60000 } };
	int ends[2];
	pid_t pid;

	signal(SIGPIPE, on_signal);
	pipe(ends);
	pid = start_reader(ends, 8192);
	CHECK_EQ(write_to_a_breaking_pipe_tells_what_was_written, write(ends[1], block, 200000),
		 65536 + 8192);
	CHECK_EQ(and_raises_SIGPIPE, nr_signals, 1);
	CHECK_ERRNO(next_write_fails, write(ends[1], block, 1), EPIPE);
	CHECK_EQ(and_raises_it_again, nr_signals, 2);
	waitpid(pid, NULL, 0);
	close(ends[1]);
	pipe(ends);
	pid = start_reader(ends, 4096);
	CHECK_EQ(writev_to_a_breaking_pipe_tells_what_was_written, writev(ends[1], iov, 3),
		 65536 + 4096);
	CHECK_EQ(and_raises_SIGPIPE_too, nr_signals, 3);
	waitpid(pid, NULL, 0);
	CHECK_ERRNO(writev_to_a_broken_pipe, writev(ends[1], iov, 3), EPIPE);
	CHECK_EQ(raises_SIGPIPE, nr_signals, 4);
	close(ends[1]);
	signal(SIGPIPE, SIG_DFL);
}

static void alarm_in(int ms)
{
	struct itimerval timer = { .it_value = { .tv_usec = ms * 1000 } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void check_waiting(void)
{
	int ends[2], status;
	struct sigaction action = { .sa_handler = on_signal };
	char buf[8];

	pipe(ends);
	sigaction(SIGALRM, &action, NULL);
	alarm_in(20);
	CHECK_ERRNO(signal_ends_a_read, read(ends[0], buf, 1), EINTR);
	action.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &action, NULL);
	pid_t pid = fork();
	if (!pid) {
		usleep(60000);
		_exit(write(ends[1], "late", 4) != 4);
	}
	alarm_in(20);
	CHECK_EQ(read_is_restarted, read(ends[0], buf, 8), 4);
	waitpid(pid, &status, 0);
	action.sa_flags = 0;
	sigaction(SIGALRM, &action, NULL);
	alarm_in(20);
	CHECK_EQ(signal_ends_a_large_write_with_what_was_written,
		 write(ends[1], block, sizeof(block)), 65536);
	alarm_in(20);
	CHECK_ERRNO(signal_ends_a_write_of_which_nothing_fits, write(ends[1], "x", 1), EINTR);
	pid = fork();
	if (!pid) {
		size_t total = 0;
		ssize_t n;

		close(ends[1]);
		while ((n = read(ends[0], block, 1000)) > 0)
			total += (size_t)n;
		_exit(total != 65536 + sizeof(block));
	}
	CHECK_EQ(large_write_waits_for_its_reader, write(ends[1], block, sizeof(block)),
		 (int)sizeof(block));
	close(ends[1]);
	waitpid(pid, &status, 0);
	CHECK_EQ(reader_got_it_all, status, 0);
	close(ends[0]);
}

/* Four writers of records that fit PIPE_BUF: none is torn. */
static void check_atomicity(void)
{
	int ends[2], torn = 0, records = 0;
	static char record[1000];
	size_t have = 0;
	ssize_t n;

	pipe(ends);
	for (int writer = 0; writer < 4; writer++) {
		if (!fork()) {
			memset(record, 'a' + writer, sizeof(record));
			for (int i = 0; i < 200; i++)
				write(ends[1], record, sizeof(record));
			_exit(0);
		}
	}
	close(ends[1]);
	while ((n = read(ends[0], record + have, sizeof(record) - have)) > 0) {
		have += (size_t)n;
		if (have < sizeof(record))
			continue;
		for (size_t i = 1; i < sizeof(record); i++)
			torn += record[i] != record[0];
		records++;
		have = 0;
	}
	CHECK_EQ(all_records_arrive, records, 800);
	CHECK_EQ(no_record_is_torn, torn, 0);
	close(ends[0]);
	while (wait(NULL) > 0)
		;
}

int main(void)
{
	check_creation();
	check_transfer();
	check_capacity();
	check_sizes();
	check_packets();
	check_endings();
	check_breaking();
	check_waiting();
	check_atomicity();
	return 0;
}
