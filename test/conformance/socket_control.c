/*
 * Control messages: what goes beside the bytes of a message, in and out, on sockets of several
 * families; and the ioctls of sockets that need no interface.
 */
#define _GNU_SOURCE
#include "check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#ifndef SIOCUNIXFILE
#define SIOCUNIXFILE (0x89E0 + 0)
#endif

static void lo_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int sock = socket(AF_INET, SOCK_DGRAM, 0);

	ioctl(sock, SIOCGIFFLAGS, &request);
	request.ifr_flags |= IFF_UP;
	ioctl(sock, SIOCSIFFLAGS, &request);
	close(sock);
}

/* Sends a byte with one control message of this size; 1, or -errno. */
static int send_control(int sock, int level, int type, const void *data, size_t size)
{
	char control[256] = { 0 };
	struct iovec iov = { "x", 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = CMSG_SPACE(size) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = level;
	header->cmsg_type = type;
	header->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(header), data, size);
	return sendmsg(sock, &message, MSG_DONTWAIT) == -1 ? -errno : 1;
}

struct received {
	ssize_t size;
	int flags, nr;
	size_t left;
	struct { int level, type; size_t size; } items[8];
	_Alignas(8) char control[512];
};

static struct received receive(int sock, size_t room, int flags)
{
	struct received got = { 0 };
	char bytes[64];
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = got.control,
				  .msg_controllen = room };

	got.size = recvmsg(sock, &message, flags | MSG_DONTWAIT);
	got.flags = message.msg_flags;
	got.left = message.msg_controllen;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header && got.nr < 8;
	     header = CMSG_NXTHDR(&message, header)) {
		got.items[got.nr].level = header->cmsg_level;
		got.items[got.nr].type = header->cmsg_type;
		got.items[got.nr++].size = header->cmsg_len - CMSG_LEN(0);
	}
	return got;
}

static void out_received(const char *what, const struct received *got)
{
	OUT("%s: %zd bytes, flags %x, control of %zu, %d items", what, got->size,
	    (unsigned)got->flags, got->left, got->nr);
	for (int i = 0; i < got->nr; i++)
		OUT("  level %d, type %d, %zu bytes", got->items[i].level, got->items[i].type,
		    got->items[i].size);
}

/* ---- AF_UNIX ------------------------------------------------------------------------ */

static void check_unix_time(void)
{
	static const int options[] = { SO_TIMESTAMP, SO_TIMESTAMPNS, 63, 64 };
	static const size_t rooms[] = { 256, 32, 31, 20, 16, 15, 0 };
	struct received got;
	int pair[2], on = 1;
	long stamp[2];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	send(pair[0], "before", 6, 0);
	for (int i = 0; i < 4; i++) {
		setsockopt(pair[1], SOL_SOCKET, options[i], &on, sizeof(on));
		send(pair[0], "stamped", 7, 0);
		got = receive(pair[1], 256, 0);
		out_received("stamped", &got);
	}
	memcpy(stamp, got.control + CMSG_LEN(0), sizeof(stamp));
	CHECK(the_stamp_is_the_time, labs(stamp[0] - time(NULL)) < 5 && stamp[1] < 1000000000);
	got = receive(pair[1], 256, 0);
	for (int i = 0; i < 7; i++) {
		send(pair[0], "room", 4, 0);
		got = receive(pair[1], rooms[i], 0);
		OUT("room of %zu: flags %x, control of %zu", rooms[i], (unsigned)got.flags,
		    got.left);
	}
	setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	send(pair[0], "both", 4, 0);
	got = receive(pair[1], 256, 0);
	out_received("with credentials", &got);
	CHECK_ERRNO(unix_sockets_keep_no_stamp, ioctl(pair[1], SIOCGSTAMP, stamp), ENOTTY);
	close(pair[0]);
	close(pair[1]);
}

static int claim(int sock, int pid, unsigned uid, unsigned gid)
{
	struct { int pid; unsigned uid, gid; } cred = { pid, uid, gid };

	return send_control(sock, SOL_SOCKET, SCM_CREDENTIALS, &cred, sizeof(cred));
}

static int user_claims(void *data)
{
	int sock = *(int *)data, pid;

	if (setresgid(10, 11, 12) || setresuid(1000, 1001, 1002))
		return 1;
	pid = getpid();
	OUT("a user is himself: %d %d %d", claim(sock, pid, 1000, 10), claim(sock, pid, 1001, 11),
	    claim(sock, pid, 1002, 12));
	OUT("not another: %d %d %d", claim(sock, 1, 1000, 10), claim(sock, pid, 0, 10),
	    claim(sock, pid, 1000, 0));
	return 0;
}

static void check_unix_claims(void)
{
	int pair[2], on = 1, pid = getpid(), file = open("/dev/null", O_RDONLY);
	struct received got;

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	OUT("root is anybody: %d %d %d", claim(pair[0], pid, 0, 0), claim(pair[0], 1, 7, 8),
	    claim(pair[0], 1, (unsigned)-1, 0));
	OUT("but nobody who is not: %d", claim(pair[0], 99999999, 0, 0));
	for (got = receive(pair[1], 256, 0); got.size == 1; got = receive(pair[1], 256, 0)) {
		unsigned cred[3];

		memcpy(cred, got.control + CMSG_LEN(0), sizeof(cred));
		OUT("told uid %u, gid %u", cred[1], cred[2]);
	}
	CHECK_EQ(users_are_asked, check_in_child(user_claims, &pair[0]), 0);
	OUT("short ones: %d", send_control(pair[0], SOL_SOCKET, SCM_CREDENTIALS, &on, 4));
	OUT("unknown ones: %d", send_control(pair[0], SOL_SOCKET, 77, &on, 4));
	OUT("a mark: %d", send_control(pair[0], SOL_SOCKET, SO_MARK, &on, 4));
	OUT("of another level: %d", send_control(pair[0], SOL_IP, IP_TTL, &on, 4));
	OUT("no file: %d", send_control(pair[0], SOL_SOCKET, SCM_RIGHTS, &(int){ 99 }, 4));
	OUT("a file: %d", send_control(pair[0], SOL_SOCKET, SCM_RIGHTS, &file, 4));
	close(pair[0]);
	close(pair[1]);
	close(file);
}

static void check_unix_names(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "/tmp/named" };
	int sock = socket(AF_UNIX, SOCK_DGRAM, 0), fd, owner = 0;
	struct stat by_fd, by_name;

	CHECK_ERRNO(without_a_name_there_is_no_file, ioctl(sock, SIOCUNIXFILE, 0), ENOENT);
	bind(sock, (struct sockaddr *)&name, sizeof(name));
	fd = ioctl(sock, SIOCUNIXFILE, 0);
	CHECK(the_names_file_can_be_had, fd >= 0);
	CHECK_EQ(it_is_only_a_place, fcntl(fd, F_GETFL) & O_PATH, O_PATH);
	fstat(fd, &by_fd);
	stat(name.sun_path, &by_name);
	CHECK_EQ(it_is_the_one_of_that_name, by_fd.st_ino, by_name.st_ino);
	close(fd);
	CHECK_EQ(an_owner_is_set, ioctl(sock, FIOSETOWN, &(int){ getpid() }), 0);
	ioctl(sock, SIOCGPGRP, &owner);
	CHECK_EQ(and_told, owner, getpid());
	CHECK_EQ(fcntl_tells_the_same, fcntl(sock, F_GETOWN), getpid());
	close(sock);
	unlink(name.sun_path);
}

/* ---- the internet ------------------------------------------------------------------- */

static void udp_pair(int pair[2], struct sockaddr_in *name)
{
	socklen_t size = sizeof(*name);

	*name = (struct sockaddr_in){ .sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	pair[0] = socket(AF_INET, SOCK_DGRAM, 0);
	pair[1] = socket(AF_INET, SOCK_DGRAM, 0);
	bind(pair[1], (struct sockaddr *)name, sizeof(*name));
	getsockname(pair[1], (struct sockaddr *)name, &size);
	connect(pair[0], (struct sockaddr *)name, sizeof(*name));
}

static int user_marks(void *data)
{
	int sock = *(int *)data, mark = 5;

	if (setresuid(1000, 1000, 1000))
		return 1;
	OUT("a user marks: %d", send_control(sock, SOL_SOCKET, SO_MARK, &mark, 4));
	return 0;
}

static void check_udp(void)
{
	static const struct { int level, option; } options[] = {
		{ SOL_SOCKET, SO_TIMESTAMP }, { SOL_IP, IP_PKTINFO }, { SOL_IP, IP_RECVTTL },
		{ SOL_IP, IP_RECVTOS },
	};
	int pair[2], on = 1, ttl = 7, tos = 0x20, queued = 0;
	struct sockaddr_in name;
	struct received got;
	long stamp[2];

	udp_pair(pair, &name);
	CHECK_ERRNO(at_first_there_is_no_stamp, ioctl(pair[1], SIOCGSTAMP, stamp), ENOENT);
	OUT("ttl %d, tos %d, bad ttl %d", send_control(pair[0], SOL_IP, IP_TTL, &ttl, 4),
	    send_control(pair[0], SOL_IP, IP_TOS, &tos, 4),
	    send_control(pair[0], SOL_IP, IP_TTL, &(int){ 0 }, 4));
	OUT("a mark %d, a long one %d", send_control(pair[0], SOL_SOCKET, SO_MARK, &ttl, 4),
	    send_control(pair[0], SOL_SOCKET, SO_MARK, (long[]){ 1 }, 8));
	OUT("files %d, credentials %d, unknown %d",
	    send_control(pair[0], SOL_SOCKET, SCM_RIGHTS, &on, 4),
	    send_control(pair[0], SOL_SOCKET, SCM_CREDENTIALS, &on, 4),
	    send_control(pair[0], SOL_SOCKET, 77, &on, 4));
	CHECK_EQ(users_are_asked_about_marks, check_in_child(user_marks, &pair[0]), 0);
	ioctl(pair[1], FIONREAD, &queued);
	CHECK_EQ(the_first_is_a_byte_long, queued, 1);
	got = receive(pair[1], 256, 0);
	CHECK_EQ(then_there_is_one, ioctl(pair[1], SIOCGSTAMP, stamp), 0);
	CHECK(it_is_the_time, labs(stamp[0] - time(NULL)) < 5);
	while (receive(pair[1], 256, 0).size >= 0)
		;
	for (int i = 0; i < 4; i++)
		setsockopt(pair[1], options[i].level, options[i].option, &on, sizeof(on));
	send_control(pair[0], SOL_IP, IP_TTL, &ttl, 4);
	got = receive(pair[1], 256, 0);
	out_received("all of them", &got);
	send_control(pair[0], SOL_IP, IP_TTL, &ttl, 4);
	got = receive(pair[1], 70, 0);
	out_received("some of them", &got);
	send_control(pair[0], SOL_IP, IP_TTL, &ttl, 4);
	got = receive(pair[1], 256, MSG_PEEK);
	OUT("a look: %d items", got.nr);
	close(pair[0]);
	close(pair[1]);
}

static void check_bad_control(void)
{
	struct { struct cmsghdr header; int value; } control = {
		.header = { .cmsg_len = CMSG_LEN(4), .cmsg_level = SOL_IP, .cmsg_type = IP_TTL },
		.value = 9,
	};
	struct iovec iov = { "x", 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct sockaddr_in name;
	int pair[2];

	udp_pair(pair, &name);
	control.header.cmsg_len = 8;
	CHECK_ERRNO(less_than_a_header_is_EINVAL, sendmsg(pair[0], &message, 0), EINVAL);
	control.header.cmsg_len = 100;
	CHECK_ERRNO(more_than_there_is_is_EINVAL, sendmsg(pair[0], &message, 0), EINVAL);
	control.header.cmsg_len = CMSG_LEN(4);
	message.msg_control = (void *)8;
	CHECK_ERRNO(control_nowhere_is_EFAULT, sendmsg(pair[0], &message, 0), EFAULT);
	message.msg_controllen = 1ul << 31;
	CHECK_ERRNO(far_too_much_is_ENOBUFS, sendmsg(pair[0], &message, 0), ENOBUFS);
	message.msg_control = &control;
	message.msg_controllen = 8;
	CHECK_EQ(a_part_of_a_header_is_none, sendmsg(pair[0], &message, 0), 1);
	close(pair[0]);
	close(pair[1]);
}

static void check_drops(void)
{
	int on = 1, small = 1, nr = 0;
	struct sockaddr_in name;
	struct received got;
	int pair[2];

	udp_pair(pair, &name);
	setsockopt(pair[1], SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on));
	setsockopt(pair[1], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (int i = 0; i < 100; i++)
		send(pair[0], "some bytes", 10, 0);
	while (receive(pair[1], 256, 0).size > 0)
		nr++;
	CHECK(a_small_buffer_drops, nr > 0 && nr < 100);
	send(pair[0], "after", 5, 0);
	got = receive(pair[1], 256, 0);
	out_received("after drops", &got);
	if (got.nr == 1)
		CHECK_EQ(all_are_accounted_for, *(int *)(void *)(got.control + CMSG_LEN(0)) + nr,
			 100);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	lo_up();
	check_unix_time();
	check_unix_claims();
	check_unix_names();
	check_udp();
	check_bad_control();
	check_drops();
	return 0;
}
