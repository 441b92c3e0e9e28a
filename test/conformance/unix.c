/*
 * Sockets of AF_UNIX: streams, datagrams and sequenced packets, their names, what they carry beside
 * bytes, and how they end.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

#define HEADER offsetof(struct sockaddr_un, sun_path)

/* The address of a path, or (with a leading '@') an abstract name; *size is its size. */
static struct sockaddr_un address(const char *name, socklen_t *size)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	strcpy(addr.sun_path, name);
	*size = (socklen_t)(HEADER + strlen(name) + 1);
	if (*name == '@') {
		addr.sun_path[0] = 0;
		(*size)--;
	}
	return addr;
}

static int bind_to(int fd, const char *name)
{
	socklen_t size;
	struct sockaddr_un addr = address(name, &size);

	return bind(fd, (struct sockaddr *)&addr, size);
}

static int connect_to(int fd, const char *name)
{
	socklen_t size;
	struct sockaddr_un addr = address(name, &size);

	return connect(fd, (struct sockaddr *)&addr, size);
}

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

static void check_creation(void)
{
	int pair[2], type = -1;
	socklen_t size = sizeof(type);

	CHECK_ERRNO(socket_of_unknown_family_is_EAFNOSUPPORT, socket(45, SOCK_STREAM, 0),
		    EAFNOSUPPORT);
	CHECK_ERRNO(socket_of_negative_family_is_EAFNOSUPPORT, socket(-1, SOCK_STREAM, 0),
		    EAFNOSUPPORT);
	CHECK_ERRNO(socket_of_unknown_type_is_ESOCKTNOSUPPORT, socket(AF_UNIX, SOCK_RDM, 0),
		    ESOCKTNOSUPPORT);
	CHECK_ERRNO(socket_of_impossible_type_is_EINVAL, socket(AF_UNIX, 15, 0), EINVAL);
	CHECK_ERRNO(socket_with_unknown_flags_is_EINVAL, socket(AF_UNIX, SOCK_STREAM | 0x100, 0),
		    EINVAL);
	CHECK_ERRNO(socket_of_unknown_protocol_is_EPROTONOSUPPORT, socket(AF_UNIX, SOCK_STREAM, 7),
		    EPROTONOSUPPORT);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 1);
	CHECK(socket_takes_its_family_as_protocol, fd >= 0);
	CHECK_EQ(socket_can_close_on_exec, fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(socket_can_be_nonblocking, fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	struct stat st;
	fstat(fd, &st);
	CHECK(socket_is_a_socket, S_ISSOCK(st.st_mode));
	CHECK_ERRNO(socket_has_no_position, lseek(fd, 0, SEEK_CUR), ESPIPE);
	close(fd);
	fd = socket(AF_UNIX, SOCK_RAW, 0);
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
	CHECK_EQ(raw_socket_is_a_datagram_socket, type, SOCK_DGRAM);
	close(fd);
	CHECK_ERRNO(socketpair_to_nowhere_is_EFAULT,
		    syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 8), EFAULT);
	CHECK_ERRNO(bind_of_no_socket_is_ENOTSOCK, bind_to(STDOUT_FILENO, "x"), ENOTSOCK);
	CHECK_ERRNO(bind_of_no_file_is_EBADF, bind_to(99, "x"), EBADF);
	CHECK_EQ(socketpair_of_streams_works, socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	close(pair[0]);
	close(pair[1]);
}

static void check_stream(void)
{
	int pair[2], bytes = -1;
	char buf[64] = "";

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	CHECK_EQ(fresh_stream_is_writable_only, events_of(pair[0]), POLLOUT);
	CHECK_ERRNO(empty_stream_would_block, recv(pair[0], buf, 8, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(stream_takes_bytes, write(pair[0], "hello", 5), 5);
	CHECK_EQ(stream_takes_more_bytes, write(pair[0], " world", 6), 6);
	CHECK_EQ(stream_tells_how_many_bytes_wait, (ioctl(pair[1], FIONREAD, &bytes), bytes), 11);
	CHECK_EQ(stream_with_data_is_readable, events_of(pair[1]), POLLIN | POLLOUT);
	CHECK_EQ(stream_can_be_peeked, recv(pair[1], buf, 7, MSG_PEEK), 7);
	CHECK(peek_crosses_writes, !memcmp(buf, "hello w", 7));
	CHECK_EQ(part_of_a_stream_can_be_read, read(pair[1], buf, 3), 3);
	CHECK_EQ(rest_of_a_stream_is_read_at_once, read(pair[1], buf, sizeof(buf)), 8);
	CHECK(bytes_keep_their_order, !memcmp(buf, "lo world", 8));
	CHECK_EQ(empty_read_is_zero, read(pair[1], buf, 0), 0);
	CHECK_EQ(empty_write_is_zero, write(pair[1], buf, 0), 0);
	CHECK_ERRNO(empty_write_leaves_nothing, recv(pair[0], buf, 8, MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(sendto_of_a_connected_stream_is_EISCONN,
		    sendto(pair[0], "x", 1, 0, (struct sockaddr *)&(struct sockaddr_un){
			    .sun_family = AF_UNIX, .sun_path = "x" }, 4), EISCONN);
	CHECK_ERRNO(read_of_a_bad_address_is_EFAULT,
		    (write(pair[0], "data", 4), read(pair[1], (void *)8, 4)), EFAULT);
	CHECK_EQ(failed_read_takes_nothing, read(pair[1], buf, 8), 4);
	CHECK_ERRNO(write_of_a_bad_address_is_EFAULT, write(pair[0], (void *)8, 4), EFAULT);
	struct iovec iov[2] = { { "ab", 2 }, { "cd", 2 } };
	CHECK_EQ(vectors_are_gathered, writev(pair[0], iov, 2), 4);
	pid_t pid = fork();
	if (!pid) {
		usleep(30000);
		_exit(write(pair[0], "efgh", 4) != 4);
	}
	CHECK_EQ(waitall_waits_for_all, recv(pair[1], buf, 8, MSG_WAITALL), 8);
	CHECK(waitall_gets_all, !memcmp(buf, "abcdefgh", 8));
	waitpid(pid, NULL, 0);
	close(pair[0]);
	CHECK_EQ(closed_peer_hangs_up, events_of(pair[1]), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	CHECK_EQ(closed_peer_is_end_of_file, read(pair[1], buf, 8), 0);
	CHECK_ERRNO(write_to_closed_peer_is_EPIPE, send_quiet(pair[1], "x", 1), EPIPE);
	close(pair[1]);
}

static int write_without_reader(void *data)
{
	int pair[2];

	(void)data;
	signal(SIGPIPE, SIG_DFL);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	close(pair[1]);
	return (int)write(pair[0], "x", 1);
}

static int packet_without_reader(void *data)
{
	int pair[2];

	signal(SIGPIPE, SIG_DFL);
	socketpair(AF_UNIX, *(int *)data, 0, pair);
	close(pair[1]);
	return write(pair[0], "x", 1) == -1 ? errno : 0;
}

static void check_endings(void)
{
	int pair[2], type, error = -1;
	socklen_t size = sizeof(error);
	char buf[8];

	CHECK_EQ(write_to_closed_peer_raises_SIGPIPE,
		 WTERMSIG(check_in_child(write_without_reader, NULL)), SIGPIPE);
	type = SOCK_SEQPACKET;
	OUT("packet to closed peer: status 0x%x", check_in_child(packet_without_reader, &type));
	type = SOCK_DGRAM;
	OUT("datagram to closed peer: status 0x%x", check_in_child(packet_without_reader, &type));

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	write(pair[0], "lost", 4);
	close(pair[1]);
	CHECK_EQ(peer_closed_with_unread_data_is_an_error,
		 events_of(pair[0]) & POLLERR, POLLERR);
	CHECK_ERRNO(peer_closed_with_unread_data_resets, read(pair[0], buf, 8), ECONNRESET);
	CHECK_EQ(reset_is_told_once, read(pair[0], buf, 8), 0);
	close(pair[0]);

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	write(pair[0], "lost", 4);
	close(pair[1]);
	getsockopt(pair[0], SOL_SOCKET, SO_ERROR, &error, &size);
	CHECK_EQ(SO_ERROR_tells_the_reset, error, ECONNRESET);
	getsockopt(pair[0], SOL_SOCKET, SO_ERROR, &error, &size);
	CHECK_EQ(SO_ERROR_is_told_once, error, 0);
	close(pair[0]);
}

static void check_shutdown(void)
{
	int pair[2];
	char buf[8];

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	CHECK_ERRNO(shutdown_of_nothing_is_EINVAL, shutdown(pair[0], 3), EINVAL);
	write(pair[0], "last", 4);
	CHECK_EQ(sending_can_be_shut, shutdown(pair[0], SHUT_WR), 0);
	CHECK_ERRNO(shut_sender_gets_EPIPE, send_quiet(pair[0], "x", 1), EPIPE);
	CHECK_EQ(half_closed_stream_tells_RDHUP, events_of(pair[1]), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(data_before_shutdown_arrive, read(pair[1], buf, 8), 4);
	CHECK_EQ(shutdown_is_end_of_file, read(pair[1], buf, 8), 0);
	CHECK_EQ(other_direction_is_open, write(pair[1], "back", 4), 4);
	CHECK_EQ(other_direction_arrives, read(pair[0], buf, 8), 4);
	CHECK_EQ(receiving_can_be_shut, shutdown(pair[0], SHUT_RD), 0);
	CHECK_ERRNO(peer_of_shut_receiver_gets_EPIPE, send_quiet(pair[1], "x", 1), EPIPE);
	CHECK_EQ(both_shut_hangs_up, events_of(pair[0]), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	close(pair[0]);
	close(pair[1]);
}

static void check_names(void)
{
	struct sockaddr_un addr;
	socklen_t size = sizeof(addr);
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK_EQ(unbound_socket_has_a_name, getsockname(fd, (void *)&addr, &size), 0);
	CHECK_EQ(name_of_an_unbound_socket_is_its_family, size, 2);
	CHECK_ERRNO(unconnected_socket_has_no_peer,
		    getpeername(fd, (void *)&addr, &(socklen_t){ sizeof(addr) }), ENOTCONN);
	umask(027);
	CHECK_EQ(socket_can_be_bound_to_a_path, bind_to(fd, "sock"), 0);
	umask(022);
	stat("sock", &st);
	CHECK_EQ(bound_path_is_a_socket_by_umask, st.st_mode, S_IFSOCK | 0750);
	CHECK_ERRNO(bound_path_cannot_be_opened, open("sock", O_RDWR), ENXIO);
	size = sizeof(addr);
	getsockname(fd, (void *)&addr, &size);
	CHECK_EQ(size_of_a_path_counts_its_end, size, (int)HEADER + 5);
	CHECK(name_is_the_path, !strcmp(addr.sun_path, "sock"));
	CHECK_ERRNO(second_bind_is_EINVAL, bind_to(fd, "sock2"), EINVAL);
	CHECK_ERRNO(bind_to_an_existing_path_is_EADDRINUSE, bind_to(other, "sock"), EADDRINUSE);
	CHECK_ERRNO(bind_in_no_directory_is_ENOENT, bind_to(other, "no/sock"), ENOENT);
	CHECK_ERRNO(bind_of_other_family_is_EINVAL,
		    bind(other, &(struct sockaddr){ .sa_family = AF_INET }, 16), EINVAL);
	CHECK_ERRNO(bind_of_nothing_is_EINVAL, bind(other, (void *)&addr, 0), EINVAL);
	CHECK_ERRNO(bind_of_too_much_is_EINVAL, bind(other, (void *)&addr, 111), EINVAL);
	CHECK_ERRNO(connect_to_who_does_not_listen_is_ECONNREFUSED, connect_to(other, "sock"),
		    ECONNREFUSED);
	close(fd);
	CHECK_EQ(path_stays_when_its_socket_is_closed, stat("sock", &st), 0);
	CHECK_ERRNO(connect_to_a_dead_path_is_ECONNREFUSED, connect_to(other, "sock"),
		    ECONNREFUSED);
	unlink("sock");
	CHECK_ERRNO(connect_to_no_path_is_ENOENT, connect_to(other, "sock"), ENOENT);
	close(open("file", O_CREAT | O_WRONLY, 0600));
	CHECK_ERRNO(connect_to_a_file_is_ECONNREFUSED, connect_to(other, "file"), ECONNREFUSED);
	unlink("file");
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(abstract_name_can_be_bound, bind_to(fd, "@name"), 0);
	size = sizeof(addr);
	getsockname(fd, (void *)&addr, &size);
	CHECK_EQ(size_of_an_abstract_name_is_as_given, size, (int)HEADER + 5);
	CHECK_ERRNO(abstract_name_is_EADDRINUSE, bind_to(other, "@name"), EADDRINUSE);
	CHECK_EQ(longer_abstract_name_is_another, bind_to(other, "@name2"), 0);
	close(fd);
	close(other);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ(abstract_name_goes_with_its_socket, bind_to(fd, "@name"), 0);
	close(fd);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	addr.sun_family = AF_UNIX;
	CHECK_EQ(socket_finds_a_name_itself, bind(fd, (void *)&addr, sizeof(sa_family_t)), 0);
	size = sizeof(addr);
	getsockname(fd, (void *)&addr, &size);
	CHECK_EQ(found_name_has_five_digits, size, (int)HEADER + 6);
	close(fd);
}

static void check_listening(void)
{
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client, extra, server, on = -1;
	struct sockaddr_un addr;
	socklen_t size = sizeof(on);
	char buf[8];

	CHECK_ERRNO(listen_of_an_unbound_socket_is_EINVAL, listen(listener, 1), EINVAL);
	bind_to(listener, "listener");
	CHECK_ERRNO(accept_of_who_does_not_listen_is_EINVAL, accept(listener, NULL, NULL), EINVAL);
	CHECK_EQ(bound_stream_can_listen, listen(listener, 0), 0);
	CHECK_EQ(listener_tells_so,
		 (getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &on, &size), on), 1);
	CHECK_EQ(idle_listener_is_not_ready, events_of(listener), 0);
	fcntl(listener, F_SETFL, O_NONBLOCK);
	CHECK_ERRNO(accept_of_nobody_would_block, accept(listener, NULL, NULL), EAGAIN);
	CHECK_ERRNO(accept_with_unknown_flags_is_EINVAL,
		    syscall(SYS_accept4, listener, NULL, NULL, 1), EINVAL);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK_EQ(fresh_stream_socket_hangs_up, events_of(client), POLLOUT | POLLHUP);
	CHECK_ERRNO(read_of_an_unconnected_stream_is_EINVAL, read(client, buf, 1), EINVAL);
	CHECK_ERRNO(write_of_an_unconnected_stream_is_ENOTCONN, send_quiet(client, "x", 1),
		    ENOTCONN);
	CHECK_EQ(connect_does_not_wait_for_accept, connect_to(client, "listener"), 0);
	CHECK_EQ(listener_with_a_client_is_readable, events_of(listener), POLLIN);
	CHECK_EQ(client_may_write_before_accept, write(client, "early", 5), 5);
	extra = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	OUT("second client of backlog 0: %s",
	    connect_to(extra, "listener") ? strerror(errno) : "connected");
	size = sizeof(addr);
	server = accept4(listener, (void *)&addr, &size, SOCK_CLOEXEC);
	CHECK(accept_gives_a_connection, server >= 0);
	CHECK_ERRNO(second_connect_is_EISCONN, connect_to(client, "listener"), EISCONN);
	CHECK_EQ(accepted_socket_can_close_on_exec, fcntl(server, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(accepted_socket_does_not_inherit_nonblocking, fcntl(server, F_GETFL), O_RDWR);
	CHECK_EQ(client_without_a_name_has_none, size, 2);
	CHECK_EQ(early_data_arrive, read(server, buf, 8), 5);
	size = sizeof(addr);
	getsockname(server, (void *)&addr, &size);
	CHECK(accepted_socket_has_the_listeners_name, !strcmp(addr.sun_path, "listener"));
	size = sizeof(addr);
	getpeername(client, (void *)&addr, &size);
	CHECK(client_sees_the_listeners_name, !strcmp(addr.sun_path, "listener"));
	struct ucred cred;
	size = sizeof(cred);
	getsockopt(client, SOL_SOCKET, SO_PEERCRED, &cred, &size);
	CHECK(client_sees_who_listens, cred.pid == getpid() && cred.uid == 0 && cred.gid == 0);
	close(server);
	close(client);
	close(extra);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	while (accept(listener, NULL, NULL) >= 0)
		;
	connect_to(client, "listener");
	close(listener);
	CHECK_ERRNO(listener_that_goes_resets_who_waits, read(client, buf, 1), ECONNRESET);
	close(client);
	unlink("listener");
	client = socket(AF_UNIX, SOCK_DGRAM, 0);
	bind_to(client, "dgram");
	CHECK_ERRNO(datagram_sockets_do_not_listen, listen(client, 1), EOPNOTSUPP);
	CHECK_ERRNO(datagram_sockets_do_not_accept, accept(client, NULL, NULL), EOPNOTSUPP);
	server = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_ERRNO(connect_to_another_type_is_EPROTOTYPE, connect_to(server, "dgram"), EPROTOTYPE);
	close(server);
	close(client);
	unlink("dgram");
}

static void check_accept_waits(void)
{
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), status;
	struct timeval limit = { .tv_usec = 30000 };
	char buf[4];

	bind_to(listener, "@waits");
	listen(listener, 5);
	pid_t pid = fork();
	if (!pid) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		usleep(30000);
		_exit(connect_to(fd, "@waits") || write(fd, "hi", 2) != 2);
	}
	int server = accept(listener, NULL, NULL);
	CHECK(accept_waits_for_a_client, server >= 0);
	CHECK_EQ(read_waits_for_data, read(server, buf, 4), 2);
	CHECK_EQ(read_waits_for_the_end, read(server, buf, 4), 0);
	waitpid(pid, &status, 0);
	CHECK_EQ(client_was_content, status, 0);
	close(server);
	setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	CHECK_ERRNO(accept_gives_up_after_its_time, accept(listener, NULL, NULL), EAGAIN);
	close(listener);
}

static void check_datagrams(void)
{
	int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0), count = 0;
	struct sockaddr_un from;
	socklen_t size, to_size;
	struct sockaddr_un to = address("b", &to_size);
	char buf[64];

	bind_to(a, "a");
	bind_to(b, "b");
	CHECK_ERRNO(send_without_destination_is_ENOTCONN, send(a, "x", 1, 0), ENOTCONN);
	CHECK_EQ(datagram_goes_to_a_name, sendto(a, "first", 5, 0, (void *)&to, to_size), 5);
	CHECK_EQ(datagram_may_be_empty, sendto(a, "", 0, 0, (void *)&to, to_size), 0);
	CHECK_EQ(third_datagram_goes_too, sendto(a, "third", 5, 0, (void *)&to, to_size), 5);
	CHECK_EQ(datagram_can_be_peeked, recv(b, buf, 64, MSG_PEEK), 5);
	size = sizeof(from);
	CHECK_EQ(datagram_is_cut, recvfrom(b, buf, 2, MSG_TRUNC, (void *)&from, &size), 5);
	CHECK(datagram_tells_its_sender, !strcmp(from.sun_path, "a"));
	CHECK_EQ(empty_datagram_arrives, recv(b, buf, 64, 0), 0);
	CHECK_EQ(datagrams_keep_their_bounds, recv(b, buf, 64, 0), 5);
	CHECK_ERRNO(too_large_a_datagram_is_EMSGSIZE,
		    sendto(a, calloc(1, 1 << 20), 1 << 20, 0, (void *)&to, to_size), EMSGSIZE);
	while (sendto(a, "x", 1, MSG_DONTWAIT, (void *)&to, to_size) == 1)
		count++;
	OUT("datagrams that wait: %d, then %s", count, strerror(errno));
	CHECK_EQ(connect_sets_the_destination, connect_to(a, "b"), 0);
	CHECK_EQ(full_destination_is_not_writable, events_of(a), 0);
	recv(b, buf, 64, 0);
	CHECK_EQ(destination_with_room_is_writable, events_of(a), POLLOUT);
	CHECK_EQ(send_goes_to_the_destination, send(a, "x", 1, 0), 1);
	CHECK_ERRNO(send_to_who_is_connected_elsewhere_is_EPERM, ({
		int c = socket(AF_UNIX, SOCK_DGRAM, 0), result;

		connect_to(b, "a");
		result = connect_to(c, "b");
		int saved = errno;
		close(c);
		errno = saved;
		result;
	}), EPERM);
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	CHECK_EQ(datagram_socket_can_be_disconnected, connect(a, &none, sizeof(none)), 0);
	CHECK_ERRNO(disconnected_socket_is_ENOTCONN, send(a, "x", 1, 0), ENOTCONN);
	connect_to(a, "b");
	close(b);
	CHECK_ERRNO(send_to_a_closed_destination_is_ECONNREFUSED, send(a, "x", 1, 0), ECONNREFUSED);
	CHECK_ERRNO(then_it_is_disconnected, send(a, "x", 1, 0), ENOTCONN);
	close(a);
	unlink("a");
	unlink("b");
}

static void check_packets(void)
{
	int pair[2];
	char buf[64];
	struct iovec iov = { buf, 2 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
	write(pair[0], "one", 3);
	write(pair[0], "three", 5);
	CHECK_EQ(packet_is_cut_by_recvmsg, recvmsg(pair[1], &message, 0), 2);
	CHECK_EQ(recvmsg_tells_that_it_was_cut, message.msg_flags, MSG_TRUNC);
	CHECK_EQ(packets_keep_their_bounds, read(pair[1], buf, 64), 5);
	shutdown(pair[0], SHUT_WR);
	CHECK_EQ(end_of_packets_is_zero, read(pair[1], buf, 64), 0);
	CHECK_EQ(end_of_packets_does_not_block, recv(pair[1], buf, 64, MSG_DONTWAIT), 0);
	close(pair[0]);
	close(pair[1]);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	CHECK_ERRNO(unconnected_packets_cannot_be_read, read(fd, buf, 1), ENOTCONN);
	CHECK_ERRNO(unconnected_packets_cannot_be_sent, send_quiet(fd, buf, 1), ENOTCONN);
	close(fd);
}

/* The line of /proc/net/unix about this name, its numbers behind the reference count; "": none. */
static const char *listed(const char *name)
{
	static char text[65536];
	int fd = open("/proc/net/unix", O_RDONLY);
	size_t size = 0;
	ssize_t n;

	while ((n = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
		size += (size_t)n;
	close(fd);
	text[size] = '\0';
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		const char *at = strrchr(line, ' ');
		if (at && !strcmp(at + 1, name))
			return strchr(line, ':') + 11;
	}
	return "";
}

static void check_list(void)
{
	struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = "/tmp/listed" };
	struct sockaddr_un abstract = { .sun_family = AF_UNIX, .sun_path = "\0a\0b" };
	socklen_t size = (socklen_t)offsetof(struct sockaddr_un, sun_path);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), dgram = socket(AF_UNIX, SOCK_DGRAM, 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);
	char link[64], text[128], target[64] = "";
	struct stat st;

	CHECK(net_is_a_link, readlink("/proc/net", target, sizeof(target)) == 8 &&
	      !strcmp(target, "self/net"));
	bind(listener, (struct sockaddr *)&path, sizeof(path));
	bind(dgram, (struct sockaddr *)&abstract, size + 4);
	OUT("bound: %.25s", listed("/tmp/listed"));
	listen(listener, 5);
	OUT("listening: %.25s", listed("/tmp/listed"));
	OUT("abstract: %.25s", listed("@a@b"));
	connect(client, (struct sockaddr *)&path, sizeof(path));
	fstat(dgram, &st);
	snprintf(text, sizeof(text), " %5lu @a@b", (unsigned long)st.st_ino);
	CHECK(inode_is_listed, !strcmp(listed("@a@b") + 25, text));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dgram);
	snprintf(text, sizeof(text), "socket:[%lu]", (unsigned long)st.st_ino);
	memset(target, 0, sizeof(target));
	readlink(link, target, sizeof(target) - 1);
	CHECK(and_is_that_of_the_descriptor, !strcmp(target, text));
	close(client);
	close(dgram);
	close(listener);
	CHECK(closed_socket_is_not_listed, !*listed("@a@b") && !*listed("/tmp/listed"));
	unlink("/tmp/listed");
}

int main(void)
{
	check_creation();
	check_stream();
	check_endings();
	check_shutdown();
	check_names();
	check_listening();
	check_accept_waits();
	check_datagrams();
	check_packets();
	check_list();
	return 0;
}
