/*
 * What sockets of AF_UNIX carry beside bytes (open files, credentials), their options, buffers,
 * and several messages in one call.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

static short events_of(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };

	poll(&entry, 1, 0);
	return entry.revents;
}

/* Without SIGPIPE, or nothing could be said of EPIPE. */
static ssize_t send_quiet(int fd, const void *data, size_t size)
{
	return send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Sends descriptors (and nothing else beside one byte). */
static ssize_t send_fds(int sock, const int *fds, int count)
{
	char control[CMSG_SPACE(300 * sizeof(int))] = { 0 };
	struct iovec iov = { "f", 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int)) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, (size_t)count * sizeof(int));
	/* The C library's limits the control data. */
	return syscall(SYS_sendmsg, sock, &message, MSG_DONTWAIT);
}

/* Receives up to `max` descriptors; how many came. */
static int receive_fds(int sock, int *fds, int max, int flags, int *seen)
{
	char control[CMSG_SPACE(300 * sizeof(int))], byte[8];
	struct iovec iov = { byte, sizeof(byte) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = CMSG_LEN((size_t)max * sizeof(int)) };
	ssize_t n = recvmsg(sock, &message, flags);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	*seen = message.msg_flags;
	if (n < 0 || !header || header->cmsg_type != SCM_RIGHTS)
		return 0;
	int count = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(header), (size_t)count * sizeof(int));
	return count;
}

static void check_rights(void)
{
	int pair[2], ends[2], got[4], many[254], seen;
	char buf[16];

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	pipe(ends);
	CHECK_EQ(descriptors_can_be_sent, send_fds(pair[0], ends, 2), 1);
	CHECK_EQ(descriptors_arrive, receive_fds(pair[1], got, 2, MSG_CMSG_CLOEXEC, &seen), 2);
	CHECK_EQ(received_descriptors_can_close_on_exec, fcntl(got[0], F_GETFD), FD_CLOEXEC);
	write(ends[1], "through", 7);
	CHECK_EQ(received_descriptor_is_the_same_file, read(got[0], buf, 16), 7);
	close(got[0]);
	close(got[1]);
	send_fds(pair[0], ends, 2);
	CHECK_EQ(room_for_one_gives_one, receive_fds(pair[1], got, 1, 0, &seen), 1);
	CHECK_EQ(what_does_not_fit_is_told, seen, MSG_CTRUNC);
	close(got[0]);
	send_fds(pair[0], ends, 2);
	CHECK_EQ(no_room_gives_none, receive_fds(pair[1], got, 0, 0, &seen), 0);
	CHECK_EQ(no_room_is_told, seen, MSG_CTRUNC);
	send_fds(pair[0], ends, 1);
	write(pair[0], "more", 4);
	CHECK_EQ(read_stops_behind_descriptors, read(pair[1], buf, 16), 1);
	CHECK_EQ(read_goes_on_behind_them, read(pair[1], buf, 16), 4);
	write(pair[0], "before", 6);
	send_fds(pair[0], ends, 1);
	OUT("read up to descriptors: %zd", read(pair[1], buf, 16));
	recv(pair[1], buf, 16, MSG_DONTWAIT);
	CHECK_ERRNO(closed_descriptor_cannot_be_sent, send_fds(pair[0], (int[]){ 99 }, 1), EBADF);
	for (int i = 0; i < 254; i++)
		many[i] = ends[0];
	CHECK_EQ(descriptors_253_can_be_sent, send_fds(pair[0], many, 253), 1);
	CHECK_ERRNO(descriptors_254_cannot, send_fds(pair[0], many, 254), EINVAL);
	send_fds(pair[0], pair, 1);
	send_fds(pair[0], ends + 1, 1);
	close(ends[1]);
	close(pair[0]);
	close(pair[1]);
	CHECK_EQ(descriptors_in_a_closed_queue_are_closed, read(ends[0], buf, 16), 0);
	close(ends[0]);
}

static void check_credentials(void)
{
	int pair[2], on = 1;
	struct ucred cred = { 0 };
	char control[CMSG_SPACE(sizeof(cred))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	CHECK_EQ(credentials_can_be_asked_for,
		 setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	write(pair[0], "x", 1);
	CHECK_EQ(message_with_credentials_arrives, recvmsg(pair[1], &message, 0), 1);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	CHECK(credentials_come_with_it, header && header->cmsg_type == SCM_CREDENTIALS &&
	      header->cmsg_len == CMSG_LEN(sizeof(cred)));
	if (header)
		memcpy(&cred, CMSG_DATA(header), sizeof(cred));
	CHECK(credentials_are_the_senders, cred.pid == getpid() && cred.uid == 0 && cred.gid == 0);
	socklen_t size = sizeof(cred);
	getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &cred, &size);
	CHECK(peer_of_a_pair_is_its_maker, cred.pid == getpid());
	close(pair[0]);
	close(pair[1]);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size);
	OUT("peer of nobody: %d %d %d", (int)cred.pid, (int)cred.uid, (int)cred.gid);
	close(fd);
}

static void check_options(void)
{
	static const int names[] = { SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ERROR, SO_ACCEPTCONN,
				     SO_SNDBUF, SO_RCVBUF, SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST,
				     SO_OOBINLINE, SO_RCVLOWAT, SO_SNDLOWAT, SO_PASSCRED,
				     SO_PEEK_OFF, SO_PRIORITY, 9999 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), value;
	socklen_t size;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		value = -1;
		size = sizeof(value);
		int result = getsockopt(fd, SOL_SOCKET, names[i], &value, &size);
		OUT("option %d: %d %d %d", names[i], result, value, (int)size);
	}
	for (value = 0; value <= 1000000; value = value * 10 + 1000) {
		int now = -1;

		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof(value));
		size = sizeof(now);
		getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &now, &size);
		OUT("send buffer %d: %d", value, now);
	}
	CHECK_ERRNO(option_of_too_few_bytes_is_EINVAL,
		    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, 2), EINVAL);
	CHECK_ERRNO(unknown_option_is_ENOPROTOOPT,
		    setsockopt(fd, SOL_SOCKET, 9999, &value, 4), ENOPROTOOPT);
	CHECK_ERRNO(option_of_another_level_is_EOPNOTSUPP, setsockopt(fd, 6, 1, &value, 4),
		    EOPNOTSUPP);
	struct timeval limit = { 1, 500000 }, now;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	size = sizeof(now);
	getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &now, &size);
	CHECK(timeout_reads_back, now.tv_sec == 1 && now.tv_usec == 500000);
	limit.tv_usec = 1000000;
	CHECK_ERRNO(timeout_of_a_million_microseconds_is_EDOM,
		    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), EDOM);
	close(fd);
}

static void check_buffers(void)
{
	int pair[2], count = 0;
	char *block = calloc(1, 65536);
	size_t total = 0;
	ssize_t n;

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	while (send_quiet(pair[0], "x", 1) == 1)
		count++;
	OUT("single bytes that fit: %d, %s", count, strerror(errno));
	CHECK_EQ(full_stream_is_not_writable, events_of(pair[0]), 0);
	while ((n = recv(pair[1], block, 65536, MSG_DONTWAIT)) > 0)
		total += (size_t)n;
	CHECK_EQ(single_bytes_all_arrive, (int)total, count);
	CHECK_EQ(emptied_stream_is_writable, events_of(pair[0]), POLLOUT);
	pid_t pid = fork();
	if (!pid) {
		for (int i = 0; i < 32; i++) {
			memset(block, i, 65536);
			if (write(pair[0], block, 65536) != 65536)
				_exit(1);
		}
		_exit(0);
	}
	close(pair[0]);
	total = 0;
	bool in_order = true;
	while ((n = read(pair[1], block, 50000)) > 0) {
		for (ssize_t i = 0; i < n; i++, total++)
			in_order = in_order && block[i] == (char)(total / 65536);
	}
	CHECK_EQ(two_megabytes_arrive, (int)total, 32 * 65536);
	CHECK(two_megabytes_are_in_order, in_order);
	waitpid(pid, NULL, 0);
	close(pair[1]);
	free(block);
}

static void check_many(void)
{
	int pair[2];
	char a[4] = "", b[4] = "", c[4] = "";
	struct iovec out[2] = { { "aa", 2 }, { "bb", 2 } };
	struct iovec in[3] = { { a, 4 }, { b, 4 }, { c, 4 } };
	struct mmsghdr sent[2] = { { .msg_hdr = { .msg_iov = &out[0], .msg_iovlen = 1 } },
				   { .msg_hdr = { .msg_iov = &out[1], .msg_iovlen = 1 } } };
	struct mmsghdr got[3] = { { .msg_hdr = { .msg_iov = &in[0], .msg_iovlen = 1 } },
				  { .msg_hdr = { .msg_iov = &in[1], .msg_iovlen = 1 } },
				  { .msg_hdr = { .msg_iov = &in[2], .msg_iovlen = 1 } } };

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	CHECK_EQ(several_messages_are_sent, sendmmsg(pair[0], sent, 2, 0), 2);
	CHECK_EQ(lengths_are_told, (int)(sent[0].msg_len + sent[1].msg_len), 4);
	CHECK_EQ(several_messages_are_received, recvmmsg(pair[1], got, 3, MSG_WAITFORONE, NULL), 2);
	CHECK(messages_are_apart, !memcmp(a, "aa", 2) && !memcmp(b, "bb", 2));
	CHECK_ERRNO(none_would_block, recvmmsg(pair[1], got, 3, MSG_DONTWAIT, NULL), EAGAIN);
	close(pair[0]);
	close(pair[1]);
}

/* ---- out of band ---------------------------------------------------------------------------- */

static void receive_and_show(const char *what, int fd, int flags)
{
	char bytes[17] = { 0 };
	struct iovec part = { bytes, 16 };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n = recvmsg(fd, &header, flags | MSG_DONTWAIT);

	OUT("%s: %zd \"%s\" flags %x errno %d", what, n, bytes, n < 0 ? 0 : header.msg_flags,
	    n < 0 ? errno : 0);
}

static void show_state(const char *what, int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN | POLLPRI };
	int at_mark = -1, bytes = -1;

	poll(&poller, 1, 0);
	ioctl(fd, SIOCATMARK, &at_mark);
	ioctl(fd, FIONREAD, &bytes);
	OUT("%s: poll %x, at mark %d, %d bytes", what, poller.revents, at_mark, bytes);
}

static void oob_send(int fd)
{
	send(fd, "ab", 2, 0);
	CHECK_EQ(all_are_sent_and_the_last_out_of_band, send(fd, "xyz", 3, MSG_OOB), 3);
	send(fd, "cd", 2, 0);
}

/* Each letter is a step. */
static void oob_run(const char *steps, bool is_inline)
{
	int pair[2], on = is_inline;

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	setsockopt(pair[1], SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	oob_send(pair[0]);
	OUT("steps %s%s", steps, is_inline ? " inline" : "");
	for (; *steps; steps++) {
		show_state("state", pair[1]);
		if (*steps == 'r')
			receive_and_show("read", pair[1], 0);
		else if (*steps == 'o')
			receive_and_show("urgent", pair[1], MSG_OOB);
		else if (*steps == 'O')
			receive_and_show("urgent peeked", pair[1], MSG_OOB | MSG_PEEK);
		else if (*steps == 'p')
			receive_and_show("peeked", pair[1], MSG_PEEK);
		else
			oob_send(pair[0]);
	}
	close(pair[0]);
	receive_and_show("after the end", pair[1], 0);
	close(pair[1]);
}

static void check_out_of_band(void)
{
	int pair[2], at_mark = -1;

	oob_run("Oorrr", false);
	oob_run("rrrr", false);
	oob_run("pop", false);
	oob_run("rrsorrrr", false);
	oob_run("sorrrrrr", false);
	oob_run("osrrrrr", false);
	oob_run("rrrr", true);
	oob_run("prporr", true);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	show_state("nothing sent", pair[0]);
	receive_and_show("nothing urgent", pair[0], MSG_OOB);
	CHECK_ERRNO(nothing_cannot_be_urgent, send(pair[0], "", 0, MSG_OOB), EOPNOTSUPP);
	CHECK_EQ(one_byte_can_be, send(pair[0], "u", 1, MSG_OOB), 1);
	show_state("at the byte", pair[1]);
	close(pair[0]);
	close(pair[1]);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	CHECK_ERRNO(datagrams_have_none, send(pair[0], "x", 1, MSG_OOB), EOPNOTSUPP);
	CHECK_ERRNO(datagrams_get_none, recv(pair[0], &at_mark, 1, MSG_OOB), EOPNOTSUPP);
	CHECK_ERRNO(datagrams_have_no_mark, ioctl(pair[0], SIOCATMARK, &at_mark), EOPNOTSUPP);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	check_rights();
	check_credentials();
	check_options();
	check_buffers();
	check_many();
	check_out_of_band();
	return 0;
}
