/*
 * Options of TCP sockets: what they say before anybody set them, what may be set, what is refused,
 * and what an accepted connection has from its listener.
 */
#define _GNU_SOURCE
#include "check.h"
#include "tcp.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>

static int get(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, level, name, &value, &size) ? -errno : value;
}

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

static int set_get(int fd, int name, int value)
{
	int err = set(fd, SOL_TCP, name, value);

	return err ? err : get(fd, SOL_TCP, name);
}

static void check_defaults(int fd)
{
	CHECK_EQ(no_delay_is_off, get(fd, SOL_TCP, TCP_NODELAY), 0);
	CHECK_EQ(cork_is_off, get(fd, SOL_TCP, TCP_CORK), 0);
	CHECK_EQ(keep_idle_is_two_hours, get(fd, SOL_TCP, TCP_KEEPIDLE), 7200);
	CHECK_EQ(keep_interval_default, get(fd, SOL_TCP, TCP_KEEPINTVL), 75);
	CHECK_EQ(keep_count_default, get(fd, SOL_TCP, TCP_KEEPCNT), 9);
	CHECK_EQ(syn_count_default, get(fd, SOL_TCP, TCP_SYNCNT), 6);
	CHECK_EQ(linger2_default, get(fd, SOL_TCP, TCP_LINGER2), 60);
	CHECK_EQ(defer_accept_is_off, get(fd, SOL_TCP, TCP_DEFER_ACCEPT), 0);
	CHECK_EQ(user_timeout_is_off, get(fd, SOL_TCP, TCP_USER_TIMEOUT), 0);
	CHECK_EQ(max_segment_unconnected, get(fd, SOL_TCP, TCP_MAXSEG), 536);
	CHECK_EQ(window_clamp_default, get(fd, SOL_TCP, TCP_WINDOW_CLAMP), 0);
	CHECK_EQ(fast_open_is_off, get(fd, SOL_TCP, TCP_FASTOPEN), 0);
	CHECK_EQ(queue_size_is_not_told, get(fd, SOL_TCP, TCP_INQ), 0);
	CHECK_EQ(send_buffer_default, get(fd, SOL_SOCKET, SO_SNDBUF), 16384);
	CHECK_EQ(receive_buffer_default, get(fd, SOL_SOCKET, SO_RCVBUF), 131072);
	CHECK_EQ(type_is_stream, get(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	CHECK_EQ(protocol_is_tcp, get(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	CHECK_EQ(domain_is_inet, get(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
	CHECK_EQ(it_does_not_listen, get(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
}

static void check_numbers(int fd)
{
	CHECK_EQ(no_delay, set_get(fd, TCP_NODELAY, 5), 1);
	CHECK_EQ(no_delay_off_again, set_get(fd, TCP_NODELAY, 0), 0);
	CHECK_EQ(cork, set_get(fd, TCP_CORK, 1), 1);
	CHECK_EQ(uncork, set_get(fd, TCP_CORK, 0), 0);
	CHECK_EQ(keep_idle, set_get(fd, TCP_KEEPIDLE, 10), 10);
	CHECK_EQ(keep_idle_of_nothing, set_get(fd, TCP_KEEPIDLE, 0), -EINVAL);
	CHECK_EQ(keep_idle_too_long, set_get(fd, TCP_KEEPIDLE, 32768), -EINVAL);
	CHECK_EQ(keep_interval, set_get(fd, TCP_KEEPINTVL, 3), 3);
	CHECK_EQ(keep_count, set_get(fd, TCP_KEEPCNT, 127), 127);
	CHECK_EQ(keep_count_too_high, set_get(fd, TCP_KEEPCNT, 128), -EINVAL);
	CHECK_EQ(syn_count, set_get(fd, TCP_SYNCNT, 2), 2);
	CHECK_EQ(syn_count_of_nothing, set_get(fd, TCP_SYNCNT, 0), -EINVAL);
	CHECK_EQ(linger2, set_get(fd, TCP_LINGER2, 7), 7);
	CHECK_EQ(linger2_none, set_get(fd, TCP_LINGER2, -5), -1);
	CHECK_EQ(linger2_at_most, set_get(fd, TCP_LINGER2, 1000), 120);
	CHECK_EQ(defer_accept_in_steps, set_get(fd, TCP_DEFER_ACCEPT, 5), 7);
	CHECK_EQ(defer_accept_off, set_get(fd, TCP_DEFER_ACCEPT, 0), 0);
	CHECK_EQ(user_timeout, set_get(fd, TCP_USER_TIMEOUT, 1500), 1500);
	CHECK_EQ(user_timeout_negative, set_get(fd, TCP_USER_TIMEOUT, -1), -EINVAL);
	CHECK_EQ(max_segment, set_get(fd, TCP_MAXSEG, 1000), 1000);
	CHECK_EQ(max_segment_too_small, set_get(fd, TCP_MAXSEG, 87), -EINVAL);
	CHECK_EQ(max_segment_too_large, set_get(fd, TCP_MAXSEG, 32768), -EINVAL);
	CHECK_EQ(window_clamp_at_least, set_get(fd, TCP_WINDOW_CLAMP, 1), 1152);
	CHECK_EQ(window_clamp_none, set_get(fd, TCP_WINDOW_CLAMP, 0), 0);
	CHECK_EQ(quick_ack_off, set_get(fd, TCP_QUICKACK, 0), 0);
	CHECK_EQ(save_syn_odd, set_get(fd, TCP_SAVE_SYN, 3), -EINVAL);
	CHECK_EQ(queue_size_told, set_get(fd, TCP_INQ, 1), 1);
	CHECK_EQ(queue_size_odd, set_get(fd, TCP_INQ, 2), -EINVAL);
	CHECK_EQ(unsent_low, set_get(fd, TCP_NOTSENT_LOWAT, 4096), 4096);
}

static void check_refused(int fd)
{
	char byte = 1, name[16] = "";
	socklen_t size = sizeof(name);

	CHECK_ERRNO(short_value, setsockopt(fd, SOL_TCP, TCP_NODELAY, &byte, 1), EINVAL);
	CHECK_ERRNO(bad_pointer, setsockopt(fd, SOL_TCP, TCP_NODELAY, (void *)8, 4), EFAULT);
	CHECK_EQ(unknown_option, set(fd, SOL_TCP, 200, 1), -ENOPROTOOPT);
	CHECK_EQ(unknown_to_ask, get(fd, SOL_TCP, 200), -ENOPROTOOPT);
	CHECK_EQ(info_is_not_set, set(fd, SOL_TCP, TCP_INFO, 1), -ENOPROTOOPT);
	CHECK_ERRNO(no_such_congestion, setsockopt(fd, SOL_TCP, TCP_CONGESTION, "nosuch", 6),
		    ENOENT);
	CHECK_EQ(reno_is_there, setsockopt(fd, SOL_TCP, TCP_CONGESTION, "reno", 4), 0);
	CHECK_EQ(congestion_has_a_name, getsockopt(fd, SOL_TCP, TCP_CONGESTION, name, &size), 0);
	CHECK(it_is_reno, !strcmp(name, "reno") && size == 16);
	CHECK_ERRNO(no_such_layer, setsockopt(fd, SOL_TCP, TCP_ULP, "nosuch", 6), ENOENT);
	CHECK_EQ(peek_offset_is_not_for_tcp, set(fd, SOL_SOCKET, SO_PEEK_OFF, 1), -EOPNOTSUPP);
}

static void check_buffers(int fd)
{
	set(fd, SOL_SOCKET, SO_SNDBUF, 20000);
	CHECK_EQ(send_buffer_is_doubled, get(fd, SOL_SOCKET, SO_SNDBUF), 40000);
	set(fd, SOL_SOCKET, SO_SNDBUF, 1);
	CHECK_EQ(send_buffer_has_a_least, get(fd, SOL_SOCKET, SO_SNDBUF), 4608);
	set(fd, SOL_SOCKET, SO_RCVBUF, 1);
	CHECK_EQ(receive_buffer_has_a_least, get(fd, SOL_SOCKET, SO_RCVBUF), 2304);
	CHECK_EQ(receive_low, set(fd, SOL_SOCKET, SO_RCVLOWAT, 9), 0);
	CHECK_EQ(receive_low_kept, get(fd, SOL_SOCKET, SO_RCVLOWAT), 9);
}

static void check_inherited(void)
{
	int listener = listener_open(4), other = socket(AF_INET, SOCK_STREAM, 0), fd;
	struct timeval span = { 3, 0 };
	socklen_t size = sizeof(span);

	set(listener, SOL_TCP, TCP_NODELAY, 1);
	set(listener, SOL_TCP, TCP_KEEPIDLE, 33);
	set(listener, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(listener, SOL_SOCKET, SO_RCVLOWAT, 2);
	set(listener, SOL_SOCKET, SO_SNDBUF, 30000);
	set(listener, SOL_IP, IP_TTL, 77);
	setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &span, size);
	connect_to(other, port_of(listener));
	fd = accept(listener, NULL, NULL);
	CHECK_EQ(no_delay_is_inherited, get(fd, SOL_TCP, TCP_NODELAY), 1);
	CHECK_EQ(keep_idle_is_inherited, get(fd, SOL_TCP, TCP_KEEPIDLE), 33);
	CHECK_EQ(keep_alive_is_inherited, get(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	CHECK_EQ(receive_low_is_inherited, get(fd, SOL_SOCKET, SO_RCVLOWAT), 2);
	CHECK_EQ(send_buffer_is_inherited, get(fd, SOL_SOCKET, SO_SNDBUF), 60000);
	CHECK_EQ(ttl_is_inherited, get(fd, SOL_IP, IP_TTL), 77);
	getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &span, &size);
	CHECK_EQ(timeout_is_inherited, span.tv_sec, 3);
	CHECK_EQ(listening_is_not, get(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
	CHECK_EQ(listener_listens, get(listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
	close(fd);
	close(other);
	close(listener);
}

static void check_connected(void)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);
	char control[64], byte[8];
	struct iovec iov = { byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	int pair[2], on = 1;

	pair_open(pair);
	CHECK_EQ(info_is_given, getsockopt(pair[0], SOL_TCP, TCP_INFO, &info, &size), 0);
	CHECK_EQ(info_is_of_a_connection, info.tcpi_state, TCP_ESTABLISHED);
	CHECK(segments_are_large, info.tcpi_snd_mss > 1000);
	CHECK(window_is_open, info.tcpi_snd_cwnd > 0);
	CHECK_EQ(nothing_is_on_its_way, info.tcpi_unacked, 0);
	size = 4;
	CHECK_EQ(info_may_be_cut, getsockopt(pair[0], SOL_TCP, TCP_INFO, &info, &size) + size, 4);
	CHECK(max_segment_of_a_connection, get(pair[0], SOL_TCP, TCP_MAXSEG) > 1000);
	setsockopt(pair[1], SOL_TCP, TCP_INQ, &on, sizeof(on));
	send(pair[0], "abcd", 4, 0);
	events_become(pair[1], POLLIN);
	CHECK_EQ(one_byte_of_four, recvmsg(pair[1], &message, 0), 1);
	header = CMSG_FIRSTHDR(&message);
	CHECK(three_are_left, header && header->cmsg_type == TCP_INQ &&
			      *(int *)(void *)CMSG_DATA(header) == 3);
	pair_close(pair);
}

static void check_deferred(void)
{
	int listener = listener_open(4), other = socket(AF_INET, SOCK_STREAM, 0), fd;
	char buf[8];

	set(listener, SOL_TCP, TCP_DEFER_ACCEPT, 5);
	fcntl(listener, F_SETFL, O_NONBLOCK);
	connect_to(other, port_of(listener));
	usleep(20000);
	CHECK_ERRNO(who_sends_nothing_is_not_accepted, accept(listener, NULL, NULL), EAGAIN);
	send(other, "now", 3, 0);
	events_become(listener, POLLIN);
	fd = accept(listener, NULL, NULL);
	CHECK(who_sends_is, fd >= 0);
	CHECK_EQ(what_was_sent_is_there, recv(fd, buf, 8, 0), 3);
	close(fd);
	close(other);
	close(listener);
}

static void check_cork(void)
{
	char buf[64];
	int pair[2], on = 1, off = 0;

	pair_open(pair);
	setsockopt(pair[0], SOL_TCP, TCP_CORK, &on, sizeof(on));
	send(pair[0], "one", 3, 0);
	send(pair[0], "two", 3, 0);
	usleep(20000);
	CHECK_ERRNO(corked_bytes_wait, recv(pair[1], buf, 64, MSG_DONTWAIT), EAGAIN);
	setsockopt(pair[0], SOL_TCP, TCP_CORK, &off, sizeof(off));
	events_become(pair[1], POLLIN);
	CHECK_EQ(uncorked_they_come_together, recv(pair[1], buf, 64, MSG_DONTWAIT), 6);
	send(pair[0], "more", 4, MSG_MORE);
	send(pair[0], "end", 3, 0);
	CHECK_EQ(more_was_to_come, recv(pair[1], buf, 7, MSG_WAITALL), 7);
	pair_close(pair);
}

int main(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	signal(SIGPIPE, SIG_IGN);
	loopback_up();
	check_defaults(fd);
	check_numbers(fd);
	check_refused(fd);
	check_buffers(fd);
	close(fd);
	check_inherited();
	check_connected();
	check_deferred();
	check_cork();
	return 0;
}
