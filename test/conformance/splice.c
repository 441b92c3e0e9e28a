/*
 * splice, tee, vmsplice, sendfile: what moves where, offsets, errors, partial moves.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

static char block[200000], other[200000];

static int waiting(int fd)
{
	int bytes = -1;

	ioctl(fd, FIONREAD, &bytes);
	return bytes;
}

static void fill(void)
{
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)(i * 7 + i / 251);
}

static int new_file(const char *name, size_t size)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_RDWR, 0600);

	write(fd, block, size);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void check_file_to_pipe(void)
{
	int file = new_file("in", 100000), ends[2];
	loff_t offset = 5000;

	pipe2(ends, O_NONBLOCK);
	CHECK_EQ(file_goes_into_a_pipe, splice(file, NULL, ends[1], NULL, 3000, 0), 3000);
	CHECK_EQ(position_moves, lseek(file, 0, SEEK_CUR), 3000);
	CHECK_EQ(bytes_are_in_the_pipe, waiting(ends[0]), 3000);
	CHECK_EQ(bytes_come_out, read(ends[0], other, 10000), 3000);
	CHECK(bytes_are_those_of_the_file, !memcmp(other, block, 3000));
	CHECK_EQ(offset_is_taken, splice(file, &offset, ends[1], NULL, 5000, 0), 5000);
	CHECK_EQ(offset_moves, offset, 10000);
	CHECK_EQ(position_stays, lseek(file, 0, SEEK_CUR), 3000);
	read(ends[0], other, 10000);
	CHECK(bytes_are_those_at_the_offset, !memcmp(other, block + 5000, 5000));
	lseek(file, 0, SEEK_SET);
	CHECK_EQ(pipe_takes_what_fits, splice(file, NULL, ends[1], NULL, 100000, 0), 65536);
	CHECK_ERRNO(full_pipe_would_block, splice(file, NULL, ends[1], NULL, 1, SPLICE_F_NONBLOCK),
		    EAGAIN);
	read(ends[0], other, sizeof(other));
	CHECK(all_bytes_are_right, !memcmp(other, block, 65536));
	CHECK_EQ(rest_follows, splice(file, NULL, ends[1], NULL, 100000, 0), 100000 - 65536);
	CHECK_EQ(end_of_file_is_zero,
		 splice(file, NULL, ends[1], NULL, 1000, SPLICE_F_NONBLOCK), 0);
	close(ends[0]);
	close(ends[1]);
	close(file);
	unlink("in");
}

static void check_pipe_to_file(void)
{
	int file = new_file("out", 0), ends[2];
	loff_t offset = 1000;

	pipe2(ends, O_NONBLOCK);
	write(ends[1], block, 6000);
	CHECK_EQ(pipe_goes_into_a_file, splice(ends[0], NULL, file, NULL, 10000, 0), 6000);
	CHECK_EQ(file_position_moves, lseek(file, 0, SEEK_CUR), 6000);
	CHECK_EQ(file_has_the_bytes, pread(file, other, 10000, 0), 6000);
	CHECK(file_has_the_right_bytes, !memcmp(other, block, 6000));
	CHECK_ERRNO(empty_pipe_would_block, splice(ends[0], NULL, file, NULL, 1, SPLICE_F_NONBLOCK),
		    EAGAIN);
	write(ends[1], "middle", 6);
	CHECK_EQ(file_offset_is_taken, splice(ends[0], NULL, file, &offset, 100, 0), 6);
	CHECK_EQ(file_offset_moves, offset, 1006);
	pread(file, other, 6, 1000);
	CHECK(bytes_are_at_the_offset, !memcmp(other, "middle", 6));
	CHECK_ERRNO(pipe_has_no_offset, splice(ends[0], &offset, file, NULL, 1, 0), ESPIPE);
	CHECK_ERRNO(two_files_are_EINVAL, splice(file, NULL, file, NULL, 1, 0), EINVAL);
	CHECK_ERRNO(unknown_flags_are_EINVAL, splice(ends[0], NULL, file, NULL, 1, 32), EINVAL);
	CHECK_EQ(nothing_is_nothing, splice(99, NULL, 99, NULL, 0, 0), 0);
	CHECK_ERRNO(closed_descriptor_is_EBADF, splice(99, NULL, file, NULL, 1, 0), EBADF);
	CHECK_ERRNO(writing_end_cannot_be_read, splice(ends[1], NULL, file, NULL, 1, 0), EBADF);
	int appending = open("out", O_WRONLY | O_APPEND);
	write(ends[1], "x", 1);
	CHECK_ERRNO(appending_file_is_EINVAL, splice(ends[0], NULL, appending, NULL, 1, 0), EINVAL);
	close(appending);
	close(ends[1]);
	read(ends[0], other, 1);
	CHECK_EQ(end_of_a_pipe_is_zero, splice(ends[0], NULL, file, NULL, 1, 0), 0);
	close(ends[0]);
	close(file);
	unlink("out");
}

static void check_pipes(void)
{
	int in[2], out[2];

	pipe2(in, O_NONBLOCK);
	pipe2(out, O_NONBLOCK);
	write(in[1], block, 10000);
	CHECK_EQ(tee_copies, tee(in[0], out[1], 6000, 0), 6000);
	CHECK_EQ(tee_leaves_what_was_there, waiting(in[0]), 10000);
	CHECK_EQ(copy_is_in_the_other_pipe, read(out[0], other, 10000), 6000);
	CHECK(copy_is_right, !memcmp(other, block, 6000));
	CHECK_EQ(splice_moves, splice(in[0], NULL, out[1], NULL, 7000, 0), 7000);
	CHECK_EQ(moved_bytes_are_gone, waiting(in[0]), 3000);
	write(out[1], "behind", 6);
	CHECK_EQ(moved_bytes_arrive, read(out[0], other, 20000), 7006);
	CHECK(moved_bytes_are_right, !memcmp(other, block, 7000) &&
	      !memcmp(other + 7000, "behind", 6));
	CHECK_EQ(rest_is_still_there, read(in[0], other, 20000), 3000);
	CHECK(rest_is_right, !memcmp(other, block + 7000, 3000));
	CHECK_ERRNO(empty_pipe_would_block, splice(in[0], NULL, out[1], NULL, 1, 0), EAGAIN);
	CHECK_ERRNO(empty_tee_would_block, tee(in[0], out[1], 1, 0), EAGAIN);
	CHECK_ERRNO(pipe_into_itself_is_EINVAL, splice(in[0], NULL, in[1], NULL, 1, 0), EINVAL);
	CHECK_ERRNO(tee_into_itself_is_EINVAL, tee(in[0], in[1], 1, 0), EINVAL);
	close(in[1]);
	CHECK_EQ(splice_at_the_end_is_zero, splice(in[0], NULL, out[1], NULL, 1, 0), 0);
	CHECK_EQ(tee_at_the_end_is_zero, tee(in[0], out[1], 1, 0), 0);
	close(out[0]);
	signal(SIGPIPE, SIG_IGN);
	int file = new_file("in", 10);
	CHECK_ERRNO(pipe_without_reader_is_EPIPE, splice(file, NULL, out[1], NULL, 1, 0), EPIPE);
	signal(SIGPIPE, SIG_DFL);
	close(file);
	close(in[0]);
	close(out[1]);
	unlink("in");
}

static void check_sendfile(void)
{
	int in = new_file("in", 150000), out = new_file("out", 0), pair[2], ends[2];
	off_t offset = 100;

	CHECK_EQ(file_is_sent_to_a_file, sendfile(out, in, NULL, 200000), 150000);
	CHECK_EQ(both_positions_move, lseek(in, 0, SEEK_CUR) + lseek(out, 0, SEEK_CUR), 300000);
	pread(out, other, 200000, 0);
	CHECK(sent_bytes_are_right, !memcmp(other, block, 150000));
	CHECK_EQ(sending_from_the_end_is_zero, sendfile(out, in, NULL, 1), 0);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	CHECK_EQ(file_is_sent_to_a_socket, sendfile(pair[0], in, &offset, 5000), 5000);
	CHECK_EQ(offset_moves, offset, 5100);
	CHECK_EQ(socket_gets_it, recv(pair[1], other, 5000, MSG_WAITALL), 5000);
	CHECK(socket_gets_it_right, !memcmp(other, block + 100, 5000));
	pipe2(ends, O_NONBLOCK);
	offset = 0;
	CHECK_EQ(file_is_sent_to_a_pipe, sendfile(ends[1], in, &offset, 200000), 65536);
	CHECK_ERRNO(full_pipe_would_block, sendfile(ends[1], in, &offset, 1), EAGAIN);
	CHECK_ERRNO(pipe_is_not_sent, sendfile(out, ends[0], NULL, 10), EINVAL);
	CHECK_ERRNO(socket_is_not_sent_at_an_offset, sendfile(out, pair[0], &offset, 10), ESPIPE);
	offset = -1;
	CHECK_ERRNO(negative_offset_is_EINVAL, sendfile(out, in, &offset, 10), EINVAL);
	CHECK_ERRNO(offset_from_nowhere_is_EFAULT, sendfile(out, in, (off_t *)8, 10), EFAULT);
	CHECK_ERRNO(closed_descriptor_is_EBADF, sendfile(99, in, NULL, 10), EBADF);
	int appending = open("out", O_WRONLY | O_APPEND), reader = open("out", O_RDONLY);
	CHECK_ERRNO(appending_file_is_EINVAL, sendfile(appending, in, NULL, 10), EINVAL);
	CHECK_ERRNO(reader_cannot_be_sent_to, sendfile(reader, in, NULL, 10), EBADF);
	lseek(in, 150000, SEEK_SET);
	ftruncate(in, 160000);
	CHECK_EQ(hole_is_sent, sendfile(out, in, NULL, 20000), 10000);
	close(pair[0]);
	close(pair[1]);
	close(ends[0]);
	close(ends[1]);
	close(appending);
	close(reader);
	close(in);
	close(out);
	unlink("in");
	unlink("out");
}

static volatile sig_atomic_t nr_broken;

static void on_broken(int sig)
{
	(void)sig;
	nr_broken++;
}

/* A child reads `size` bytes from the descriptor, a while later, and closes it. */
static pid_t reader_of(int fd, int other_end, size_t size)
{
	pid_t pid = fork();

	if (pid == 0) {
		close(other_end);
		for (usleep(20000); size;) {
			ssize_t n = read(fd, other, size < sizeof(other) ? size : sizeof(other));

			size -= n > 0 ? (size_t)n : size;
		}
		_exit(0);
	}
	close(fd);
	return pid;
}

static void check_broken(void)
{
	int in = new_file("in", 200000), pair[2], ends[2], more[2];
	struct iovec iov = { block, 5000 };
	off_t offset = 0;

	signal(SIGPIPE, on_broken);
	pipe(ends);
	close(ends[0]);
	CHECK_ERRNO(sendfile_to_a_broken_pipe, sendfile(ends[1], in, &offset, 5000), EPIPE);
	CHECK_EQ(raises_SIGPIPE, nr_broken, 1);
	CHECK_EQ(and_sends_nothing, offset, 0);
	CHECK_ERRNO(splice_to_a_broken_pipe, splice(in, NULL, ends[1], NULL, 5000, 0), EPIPE);
	CHECK_EQ(raises_SIGPIPE, nr_broken, 2);
	CHECK_ERRNO(vmsplice_to_a_broken_pipe, vmsplice(ends[1], &iov, 1, 0), EPIPE);
	CHECK_EQ(raises_SIGPIPE, nr_broken, 3);
	pipe(more);
	write(more[1], block, 5000);
	CHECK_ERRNO(tee_to_a_broken_pipe, tee(more[0], ends[1], 5000, 0), EPIPE);
	CHECK_EQ(raises_SIGPIPE, nr_broken, 4);
	CHECK_ERRNO(pipe_to_a_broken_pipe, splice(more[0], NULL, ends[1], NULL, 5000, 0), EPIPE);
	CHECK_EQ(raises_SIGPIPE, nr_broken, 5);
	CHECK_EQ(which_takes_nothing, waiting(more[0]), 5000);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	close(pair[0]);
	CHECK_ERRNO(sendfile_to_a_broken_socket, sendfile(pair[1], in, &offset, 5000), EPIPE);
	CHECK_EQ(raises_SIGPIPE, nr_broken, 6);
	CHECK_ERRNO(pipe_to_a_broken_socket, splice(more[0], NULL, pair[1], NULL, 5000, 0), EPIPE);
	CHECK_EQ(raises_SIGPIPE, nr_broken, 7);
	close(pair[1]);
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
	close(pair[0]);
	CHECK_ERRNO(sendfile_to_a_broken_socket_of_packets, sendfile(pair[1], in, &offset, 5000),
		    EPIPE);
	CHECK_EQ(raises_no_SIGPIPE, nr_broken, 7);
	close(pair[1]);
	close(ends[1]);
	close(more[0]);
	close(more[1]);
	close(in);
	unlink("in");
}

/* The reader takes some of it and leaves. */
static void check_breaking(void)
{
	int in = new_file("in", 200000), pair[2];
	pid_t pid;

	nr_broken = 0;
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	fcntl(pair[1], F_SETFL, 0);
	pid = reader_of(pair[0], pair[1], 4096);
	int size = 4096;
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	ssize_t n = sendfile(pair[1], in, NULL, 200000);
	CHECK(sendfile_to_a_breaking_socket_tells_what_was_sent, n > 0 && n < 200000);
	OUT("signals %d", (int)nr_broken);
	waitpid(pid, NULL, 0);
	close(pair[1]);
	close(in);
	unlink("in");
	signal(SIGPIPE, SIG_DFL);
}

static void check_blocking_vmsplice(void)
{
	static char pages[100000] __attribute__((aligned(4096)));
	struct iovec iov = { pages, sizeof(pages) };
	int ends[2];
	pid_t pid;

	pipe(ends);
	CHECK_EQ(vmsplice_fills_the_pipe_and_does_not_wait, vmsplice(ends[1], &iov, 1, 0), 65536);
	CHECK_ERRNO(vmsplice_to_a_full_pipe_would_block,
		    vmsplice(ends[1], &iov, 1, SPLICE_F_NONBLOCK), EAGAIN);
	pid = fork();
	if (pid == 0) {
		usleep(20000);
		_exit(read(ends[0], other, 65536) != 65536);
	}
	iov.iov_len = 4096;
	CHECK_EQ(vmsplice_to_a_full_pipe_waits, vmsplice(ends[1], &iov, 1, SPLICE_F_GIFT), 4096);
	waitpid(pid, NULL, 0);
	close(ends[0]);
	close(ends[1]);
}

static void check_vmsplice(void)
{
	struct iovec iov[2] = { { block, 3000 }, { block + 3000, 2000 } };
	int ends[2], file = new_file("in", 0);

	pipe2(ends, O_NONBLOCK);
	CHECK_EQ(memory_goes_into_a_pipe, vmsplice(ends[1], iov, 2, 0), 5000);
	CHECK_EQ(memory_is_in_the_pipe, read(ends[0], other, 10000), 5000);
	CHECK(memory_is_right, !memcmp(other, block, 5000));
	write(ends[1], "back", 4);
	iov[0] = (struct iovec){ other, 10 };
	CHECK_EQ(pipe_goes_into_memory, vmsplice(ends[0], iov, 1, 0), 4);
	CHECK(pipe_arrives_in_memory, !memcmp(other, "back", 4));
	CHECK_ERRNO(file_is_no_pipe, vmsplice(file, iov, 1, 0), EBADF);
	CHECK_ERRNO(unknown_vmsplice_flags_are_EINVAL, vmsplice(ends[1], iov, 1, 32), EINVAL);
	close(ends[0]);
	close(ends[1]);
	close(file);
	unlink("in");
}

static void check_sockets(void)
{
	int pair[2], ends[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	pipe(ends);
	write(pair[0], "to a pipe", 9);
	CHECK_EQ(socket_goes_into_a_pipe, splice(pair[1], NULL, ends[1], NULL, 100, 0), 9);
	CHECK_EQ(pipe_goes_into_a_socket, splice(ends[0], NULL, pair[0], NULL, 100, 0), 9);
	CHECK_EQ(socket_gets_it_back, read(pair[1], other, 100), 9);
	CHECK(socket_gets_back_what_it_had, !memcmp(other, "to a pipe", 9));
	close(pair[0]);
	CHECK_EQ(end_of_a_socket_is_zero, splice(pair[1], NULL, ends[1], NULL, 100, 0), 0);
	close(pair[1]);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	fill();
	check_file_to_pipe();
	check_pipe_to_file();
	check_pipes();
	check_sendfile();
	check_vmsplice();
	check_blocking_vmsplice();
	check_broken();
	check_breaking();
	check_sockets();
	return 0;
}
