/*
 * net_tcp_data.c - bytes through TCP: peeking, waiting for all, discarding, vectors, corks, many
 * messages in one call, files and pipes as sources, bad memory, and a lot of them, whole.
 */
#define _GNU_SOURCE
#include "check.h"
#include "net.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* Until all that was sent has been acknowledged. */
static void settle(int fd)
{
	for (int i = 0, count = 1; i < NET_WAIT_MS; i++) {
		if (ioctl(fd, TIOCOUTQ, &count) != 0 || count == 0)
			return;
		usleep(1000);
	}
}

static void check_flags(void)
{
	char text[32] = "";
	int pair[2];

	net_pair(pair);
	union net_address own = net_name(pair[0]);
	CHECK_ERRNO(nothing_is_EAGAIN, recv(pair[1], text, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(nothing_can_be_sent, net_send(pair[0], text, 0), 0);
	CHECK_ERRNO(reading_no_bytes_of_none_is_EAGAIN, recv(pair[1], text, 0, MSG_DONTWAIT),
		    EAGAIN);
	net_send(pair[0], "abcdef", 6);
	CHECK_EQ(peek_sees_data, recv(pair[1], text, 3, MSG_PEEK), 3);
	CHECK_EQ(peek_sees_them_again, recv(pair[1], text, 32, MSG_PEEK), 6);
	CHECK_EQ(they_are_the_same, memcmp(text, "abcdef", 6), 0);
	memset(text, '-', sizeof(text));
	CHECK_EQ(discarded_data_are_counted, recv(pair[1], text, 2, MSG_TRUNC), 2);
	CHECK_EQ(but_not_stored, text[0], '-');
	CHECK_EQ(then_the_rest_is_read, recv(pair[1], text, 32, 0), 4);
	CHECK_EQ(it_is_the_rest, memcmp(text, "cdef-", 5), 0);
	net_send(pair[0], "123", 3);
	net_send(pair[0], "456", 3);
	CHECK_EQ(all_are_waited_for, recv(pair[1], text, 6, MSG_WAITALL), 6);
	CHECK_EQ(across_messages, memcmp(text, "123456", 6), 0);
	net_send(pair[0], "123", 3);
	CHECK_EQ(nobody_waits_who_must_not, recv(pair[1], text, 6, MSG_WAITALL | MSG_DONTWAIT), 3);
	CHECK_ERRNO(no_urgent_byte_is_EINVAL, recv(pair[1], text, 1, MSG_OOB), EINVAL);
	CHECK_ERRNO(error_queue_is_empty, recv(pair[1], text, 1, MSG_ERRQUEUE), EAGAIN);
	CHECK_EQ(connected_stream_takes_any_address,
		 sendto(pair[0], "x", 1, 0, &own.any, 16), 1);
	net_send(pair[0], "12", 2);
	shutdown(pair[0], SHUT_WR);
	CHECK_EQ(end_ends_the_wait_for_all, recv(pair[1], text, 6, MSG_WAITALL), 3);
	CHECK_EQ(peek_sees_the_end, recv(pair[1], text, 6, MSG_PEEK), 0);
	net_pair_close(pair);
}

static void check_messages(void)
{
	char one[4] = "", two[16] = "";
	struct iovec iov[2] = { { "ab", 2 }, { "cdefg", 5 } };
	union net_address from;
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };
	int pair[2];

	net_pair(pair);
	CHECK_EQ(vector_is_sent, sendmsg(pair[0], &message, 0), 7);
	iov[0] = (struct iovec){ one, 3 };
	iov[1] = (struct iovec){ two, 16 };
	message.msg_name = &from;
	message.msg_namelen = sizeof(from);
	message.msg_control = two;
	message.msg_controllen = 0;
	CHECK_EQ(vector_is_received, recvmsg(pair[1], &message, 0), 7);
	CHECK(in_its_parts, !memcmp(one, "abc", 3) && !memcmp(two, "defg", 4));
	CHECK_EQ(stream_has_no_sender, message.msg_namelen, 0);
	CHECK_EQ(no_flag_is_told, message.msg_flags, 0);
	message.msg_iovlen = 2000;
	CHECK_ERRNO(too_many_parts_are_EMSGSIZE, sendmsg(pair[0], &message, 0), EMSGSIZE);
	struct iovec parts[2] = { { "xy", 2 }, { "z", 1 } };
	CHECK_EQ(writev_writes, writev(pair[0], parts, 2), 3);
	struct iovec places[2] = { { one, 1 }, { two, 8 } };
	CHECK_EQ(readv_reads, readv(pair[1], places, 2), 3);
	net_pair_close(pair);
}

static void check_many_messages(void)
{
	struct mmsghdr many[3] = { 0 };
	struct iovec iov[3] = { { "a", 1 }, { "bc", 2 }, { "def", 3 } };
	char text[3][8];
	int pair[2];

	net_pair(pair);
	net_set(pair[0], IPPROTO_TCP, TCP_NODELAY, 1);
	for (int i = 0; i < 3; i++)
		many[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	CHECK_EQ(many_messages_are_sent, sendmmsg(pair[0], many, 3, 0), 3);
	CHECK(each_with_its_length, many[0].msg_len == 1 && many[2].msg_len == 3);
	net_events_with(pair[1], POLLIN);
	usleep(NET_SETTLE_US);
	for (int i = 0; i < 3; i++)
		iov[i] = (struct iovec){ text[i], 4 };
	CHECK_EQ(many_are_received, recvmmsg(pair[1], many, 3, MSG_WAITFORONE, NULL), 2);
	CHECK(in_pieces_of_their_places, many[0].msg_len == 4 && many[1].msg_len == 2);
	net_pair_close(pair);
}

static void check_corks(void)
{
	int pair[2], count = -1;
	char text[16];

	net_pair(pair);
	net_set(pair[0], IPPROTO_TCP, TCP_CORK, 1);
	net_send(pair[0], "ab", 2);
	usleep(NET_SETTLE_US);
	CHECK_EQ(corked_data_wait, net_events(pair[1]), POLLOUT);
	net_send(pair[0], "cd", 2);
	net_set(pair[0], IPPROTO_TCP, TCP_CORK, 0);
	net_events_with(pair[1], POLLIN);
	CHECK_EQ(and_come_when_it_is_drawn, read(pair[1], text, 16), 4);
	settle(pair[0]);
	send(pair[0], "ab", 2, MSG_MORE);
	usleep(NET_SETTLE_US);
	CHECK_EQ(data_with_more_to_come_wait, net_events(pair[1]), POLLOUT);
	CHECK_EQ(they_are_queued, ioctl(pair[0], TIOCOUTQ, &count) ? -1 : count, 2);
	net_send(pair[0], "c", 1);
	CHECK_EQ(and_come_with_the_next, recv(pair[1], text, 3, MSG_WAITALL), 3);
	send(pair[0], "ab", 2, MSG_MORE);
	CHECK_EQ(data_with_nothing_more_come_at_last, recv(pair[1], text, 2, MSG_WAITALL), 2);
	send(pair[0], "ab", 2, MSG_MORE);
	shutdown(pair[0], SHUT_WR);
	CHECK_EQ(end_brings_what_waits, recv(pair[1], text, 2, MSG_WAITALL), 2);
	net_pair_close(pair);
}

static void check_bad_memory(void)
{
	char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char text[8];
	int pair[2];

	mprotect(memory + 4096, 4096, PROT_NONE);
	net_pair(pair);
	CHECK_ERRNO(write_from_nowhere_is_EFAULT, net_send(pair[0], memory + 4096, 10), EFAULT);
	CHECK_EQ(nothing_was_sent, net_events(pair[1]), POLLOUT);
	net_send(pair[0], "data", 4);
	net_events_with(pair[1], POLLIN);
	CHECK_ERRNO(read_to_nowhere_is_EFAULT, read(pair[1], memory + 4096, 10), EFAULT);
	CHECK_EQ(nothing_is_lost, read(pair[1], text, 8), 4);
	CHECK_ERRNO(message_at_nowhere_is_EFAULT, syscall(SYS_recvmsg, pair[1], 8, 0), EFAULT);
	net_pair_close(pair);
	munmap(memory, 8192);
}

enum { LOT = 6 << 20 };

static unsigned char pattern(size_t at)
{
	return (unsigned char)(at * 7 + at / 251 + at / 65536);
}

/* A child sends a lot in pieces of this size. */
static pid_t send_lot(int pair[2], size_t piece)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	unsigned char *data = malloc(LOT);
	close(pair[1]);
	for (size_t at = 0; at < LOT; at++)
		data[at] = pattern(at);
	for (size_t at = 0; at < LOT; at += piece) {
		size_t size = LOT - at < piece ? LOT - at : piece;
		if (net_send(pair[0], data + at, size) != (ssize_t)size)
			_exit(1);
	}
	_exit(0);
}

static bool receive_lot(int fd, size_t piece)
{
	unsigned char *data = malloc(piece);
	size_t at = 0;
	bool same = true;

	for (ssize_t n; (n = read(fd, data, piece)) > 0; at += (size_t)n)
		for (ssize_t i = 0; i < n; i++)
			same &= data[i] == pattern(at + (size_t)i);
	free(data);
	return same && at == LOT;
}

static void check_lots(void)
{
	static const size_t sizes[][2] = { { LOT, 65536 }, { 1000, 100000 }, { 65536, 777 } };
	int pair[2], whole = 0, content = 0;

	for (size_t i = 0; i < 3; i++) {
		int status = -1;

		net_pair(pair);
		pid_t pid = send_lot(pair, sizes[i][0]);
		close(pair[0]);
		whole += receive_lot(pair[1], sizes[i][1]);
		waitpid(pid, &status, 0);
		content += status == 0;
		close(pair[1]);
	}
	CHECK_EQ(lots_of_bytes_arrive_whole, whole, 3);
	CHECK_EQ(all_were_sent_in_one_piece, content, 3);
}

static void check_files(void)
{
	int pair[2], file = open("file", O_RDWR | O_CREAT, 0600), ends[2], good = 0;
	unsigned char *data = malloc(300000), *back = malloc(300000);
	off_t offset = 1000;

	for (size_t at = 0; at < 300000; at++)
		data[at] = pattern(at);
	CHECK_EQ(file_is_written, write(file, data, 300000), 300000);
	net_pair(pair);
	pid_t pid = fork();
	if (!pid) {
		good = sendfile(pair[0], file, &offset, 200000) == 200000 && offset == 201000;
		_exit(!good);
	}
	CHECK_EQ(file_arrives, recv(pair[1], back, 200000, MSG_WAITALL), 200000);
	CHECK_EQ(as_it_is, memcmp(back, data + 1000, 200000), 0);
	int status = -1;
	waitpid(pid, &status, 0);
	CHECK_EQ(sendfile_tells_how_much, status, 0);
	CHECK_EQ(empty_file_sends_nothing, sendfile(pair[0], file, &(off_t){ 300000 }, 10), 0);
	pipe(ends);
	write(ends[1], data, 5000);
	net_set(pair[0], IPPROTO_TCP, TCP_NODELAY, 1);
	CHECK_EQ(pipe_is_spliced_to_a_socket, splice(ends[0], NULL, pair[0], NULL, 5000, 0), 5000);
	net_events_with(pair[1], POLLIN);
	usleep(NET_SETTLE_US);
	for (ssize_t size; good < 5000; good += (int)size)
		if ((size = splice(pair[1], NULL, ends[1], NULL, 5000 - (size_t)good, 0)) <= 0)
			break;
	CHECK_EQ(socket_is_spliced_to_a_pipe, good, 5000);
	CHECK_EQ(pipe_has_it, read(ends[0], back, 6000), 5000);
	CHECK_EQ(unchanged, memcmp(back, data, 5000), 0);
	CHECK_ERRNO(socket_cannot_be_sought, lseek(pair[0], 0, SEEK_CUR), ESPIPE);
	CHECK_ERRNO(socket_has_no_positions, pread(pair[0], back, 1, 0), ESPIPE);
	CHECK_ERRNO(socket_is_not_synced, fsync(pair[0]), EINVAL);
	close(ends[0]);
	close(ends[1]);
	close(file);
	unlink("file");
	net_pair_close(pair);
	free(data);
	free(back);
}

int main(void)
{
	net_up();
	check_flags();
	check_messages();
	check_many_messages();
	check_corks();
	check_bad_memory();
	check_lots();
	check_files();
	return 0;
}
