/*
 * net_tcp_options.c - getsockopt(2) and setsockopt(2) of TCP sockets: SOL_SOCKET, IPPROTO_IP and
 * IPPROTO_TCP, their limits, sizes and errors; TCP_INFO; the ioctls that count bytes.
 */
#define _GNU_SOURCE
#include "check.h"
#include "net.h"

#include <linux/sockios.h>

#define ERROR(call) ((call) == -1 ? errno : 0)

static int set_tcp(int fd, int name, int value)
{
	return ERROR(net_set(fd, IPPROTO_TCP, name, value));
}

static int get_tcp(int fd, int name)
{
	return net_option(fd, IPPROTO_TCP, name);
}

static void check_sizes(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), value = 0x01010101;
	socklen_t size = sizeof(value);
	char wide[16] = { 0 };

	CHECK_ERRNO(short_option_is_EINVAL, setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, 3),
		    EINVAL);
	CHECK_ERRNO(short_tcp_option_is_EINVAL, setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, 3),
		    EINVAL);
	CHECK_EQ(long_option_is_cut, setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, wide, 16), 0);
	CHECK_ERRNO(option_from_nowhere_is_EFAULT,
		    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, (void *)8, 4), EFAULT);
	CHECK_ERRNO(option_to_nowhere_is_EFAULT,
		    getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, (void *)8, &size), EFAULT);
	size = 2;
	value = -1;
	CHECK_EQ(value_is_cut_to_its_place,
		 getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size) ? -1 : value, (int)0xffff0001);
	CHECK_EQ(cut_value_tells_its_size, size, 2);
	size = sizeof(wide);
	getsockopt(fd, SOL_SOCKET, SO_TYPE, wide, &size);
	CHECK_EQ(size_of_an_integer_is_told, size, 4);
	size = (socklen_t)-1;
	CHECK_ERRNO(negative_size_is_EINVAL, getsockopt(fd, SOL_SOCKET, SO_TYPE, wide, &size),
		    EINVAL);
	CHECK_ERRNO(unknown_option_is_ENOPROTOOPT, net_set(fd, SOL_SOCKET, 9999, 1), ENOPROTOOPT);
	CHECK_ERRNO(unknown_tcp_option_is_ENOPROTOOPT, net_set(fd, IPPROTO_TCP, 9999, 1),
		    ENOPROTOOPT);
	CHECK_ERRNO(unknown_ip_option_is_ENOPROTOOPT, net_set(fd, IPPROTO_IP, 9999, 1),
		    ENOPROTOOPT);
	CHECK_ERRNO(unknown_level_is_ENOPROTOOPT, net_set(fd, 9999, 1, 1), ENOPROTOOPT);
	CHECK_ERRNO(level_of_the_other_family_is_ENOPROTOOPT,
		    net_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1), ENOPROTOOPT);
	CHECK_EQ(unknown_option_cannot_be_read, net_option(fd, SOL_SOCKET, 9999), -ENOPROTOOPT);
	CHECK_EQ(unknown_tcp_option_cannot_be_read, get_tcp(fd, 9999), -ENOPROTOOPT);
	CHECK_ERRNO(type_cannot_be_set, net_set(fd, SOL_SOCKET, SO_TYPE, 1), ENOPROTOOPT);
	CHECK_ERRNO(error_cannot_be_set, net_set(fd, SOL_SOCKET, SO_ERROR, 1), ENOPROTOOPT);
	close(fd);
}

static void check_flags(void)
{
	static const int flags[] = { SO_REUSEADDR, SO_REUSEPORT, SO_KEEPALIVE, SO_BROADCAST,
				     SO_OOBINLINE, SO_DONTROUTE, SO_DEBUG };
	int fd = socket(AF_INET, SOCK_STREAM, 0), start = 0, on = 0, off = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		start += net_option(fd, SOL_SOCKET, flags[i]) != 0;
		net_set(fd, SOL_SOCKET, flags[i], 7);
		on += net_option(fd, SOL_SOCKET, flags[i]) == 1;
		net_set(fd, SOL_SOCKET, flags[i], 0);
		off += net_option(fd, SOL_SOCKET, flags[i]) == 0;
	}
	CHECK_EQ(flags_are_off_at_first, start, 0);
	CHECK_EQ(flags_can_be_set, on, 7);
	CHECK_EQ(flags_can_be_cleared, off, 7);
	CHECK_EQ(priority_can_be_set, (net_set(fd, SOL_SOCKET, SO_PRIORITY, 4),
				       net_option(fd, SOL_SOCKET, SO_PRIORITY)), 4);
	CHECK_EQ(mark_can_be_set, (net_set(fd, SOL_SOCKET, SO_MARK, 77),
				   net_option(fd, SOL_SOCKET, SO_MARK)), 77);
	close(fd);
}

static void check_buffers(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	net_set(fd, SOL_SOCKET, SO_SNDBUF, 20000);
	CHECK_EQ(send_buffer_is_doubled, net_option(fd, SOL_SOCKET, SO_SNDBUF), 40000);
	net_set(fd, SOL_SOCKET, SO_RCVBUF, 20000);
	CHECK_EQ(receive_buffer_is_doubled, net_option(fd, SOL_SOCKET, SO_RCVBUF), 40000);
	net_set(fd, SOL_SOCKET, SO_SNDBUF, 1);
	CHECK_EQ(send_buffer_has_a_least_size, net_option(fd, SOL_SOCKET, SO_SNDBUF), 4608);
	net_set(fd, SOL_SOCKET, SO_RCVBUF, 1);
	CHECK_EQ(receive_buffer_has_a_least_size, net_option(fd, SOL_SOCKET, SO_RCVBUF), 2304);
	CHECK_EQ(low_water_mark_is_one, net_option(fd, SOL_SOCKET, SO_RCVLOWAT), 1);
	CHECK_EQ(low_water_mark_can_be_set, (net_set(fd, SOL_SOCKET, SO_RCVLOWAT, 10),
					     net_option(fd, SOL_SOCKET, SO_RCVLOWAT)), 10);
	CHECK_EQ(low_water_mark_of_zero_is_one, (net_set(fd, SOL_SOCKET, SO_RCVLOWAT, 0),
						 net_option(fd, SOL_SOCKET, SO_RCVLOWAT)), 1);
	CHECK_ERRNO(send_mark_cannot_be_set, net_set(fd, SOL_SOCKET, SO_SNDLOWAT, 10), ENOPROTOOPT);
	CHECK_EQ(send_mark_is_one, net_option(fd, SOL_SOCKET, SO_SNDLOWAT), 1);
	struct timeval limit = { .tv_sec = 1, .tv_usec = 1000000 };
	CHECK_ERRNO(long_microseconds_are_EDOM,
		    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), EDOM);
	CHECK_ERRNO(short_time_is_EINVAL, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, 8),
		    EINVAL);
	limit = (struct timeval){ .tv_sec = -1 };
	CHECK_EQ(negative_time_is_taken,
		 setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	CHECK_ERRNO(negative_time_has_passed, (net_timeout(fd, SO_SNDTIMEO, 2500),
		    getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, (void *)8, &(socklen_t){ 16 })),
		    EFAULT);
	getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, &(socklen_t){ sizeof(limit) });
	CHECK(time_limit_is_told, limit.tv_sec == 2 && limit.tv_usec == 500000);
	close(fd);
}

static void check_device(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char name[IFNAMSIZ] = "?";
	socklen_t size = sizeof(name);

	CHECK_EQ(no_device_is_bound, getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size), 0);
	CHECK_EQ(no_device_has_no_name, size, 0);
	CHECK_ERRNO(unknown_device_is_ENODEV,
		    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nix0", 5), ENODEV);
	CHECK_EQ(device_can_be_bound, setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0);
	size = sizeof(name);
	getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size);
	CHECK(device_is_told, size == 3 && !strcmp(name, "lo"));
	size = 2;
	CHECK_ERRNO(device_wants_room, getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size),
		    EINVAL);
	CHECK_EQ(device_can_be_left, setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0), 0);
	close(fd);
}

static void check_ip(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), pair[2];
	unsigned char byte = 33;
	socklen_t size = 1;

	CHECK_EQ(ttl_is_64, net_option(fd, IPPROTO_IP, IP_TTL), 64);
	CHECK_EQ(ttl_of_one_byte_is_set, setsockopt(fd, IPPROTO_IP, IP_TTL, &byte, 1), 0);
	CHECK_EQ(ttl_is_told, net_option(fd, IPPROTO_IP, IP_TTL), 33);
	byte = 0;
	CHECK_EQ(ttl_is_told_in_one_byte,
		 getsockopt(fd, IPPROTO_IP, IP_TTL, &byte, &size) ? -1 : byte, 33);
	CHECK_ERRNO(ttl_of_zero_is_EINVAL, net_set(fd, IPPROTO_IP, IP_TTL, 0), EINVAL);
	CHECK_ERRNO(ttl_of_256_is_EINVAL, net_set(fd, IPPROTO_IP, IP_TTL, 256), EINVAL);
	CHECK_EQ(ttl_of_minus_one_is_the_default, (net_set(fd, IPPROTO_IP, IP_TTL, -1),
						   net_option(fd, IPPROTO_IP, IP_TTL)), 64);
	CHECK_EQ(tos_loses_its_congestion_bits, (net_set(fd, IPPROTO_IP, IP_TOS, 0x13),
						 net_option(fd, IPPROTO_IP, IP_TOS)), 0x10);
	CHECK_EQ(recverr_is_a_flag, (net_set(fd, IPPROTO_IP, IP_RECVERR, 5),
				     net_option(fd, IPPROTO_IP, IP_RECVERR)), 1);
	CHECK_EQ(mtu_discovery_is_wanted, net_option(fd, IPPROTO_IP, IP_MTU_DISCOVER), 1);
	CHECK_ERRNO(mtu_discovery_has_six_kinds, net_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, 6),
		    EINVAL);
	CHECK_EQ(mtu_of_nowhere_is_ENOTCONN, net_option(fd, IPPROTO_IP, IP_MTU), -ENOTCONN);
	CHECK_ERRNO(header_of_a_stream_is_ENOPROTOOPT, net_set(fd, IPPROTO_IP, 3, 1), ENOPROTOOPT);
	close(fd);
	net_pair(pair);
	CHECK_EQ(mtu_of_the_loopback, net_option(pair[0], IPPROTO_IP, IP_MTU), 65535);
	net_pair_close(pair);
}

static void check_tcp(void)
{
	static const struct {
		int name, low, high;
	} ranges[] = { { TCP_KEEPIDLE, 1, 32767 }, { TCP_KEEPINTVL, 1, 32767 },
		       { TCP_KEEPCNT, 1, 127 }, { TCP_SYNCNT, 1, 127 } };
	int fd = socket(AF_INET, SOCK_STREAM, 0), good = 0, bad = 0;

	for (size_t i = 0; i < 4; i++) {
		good += !set_tcp(fd, ranges[i].name, ranges[i].low) +
			!set_tcp(fd, ranges[i].name, ranges[i].high) +
			(get_tcp(fd, ranges[i].name) == ranges[i].high);
		bad += set_tcp(fd, ranges[i].name, ranges[i].low - 1) == EINVAL;
		bad += set_tcp(fd, ranges[i].name, ranges[i].high + 1) == EINVAL;
	}
	CHECK_EQ(counts_and_times_have_ranges, good, 12);
	CHECK_EQ(beyond_them_is_EINVAL, bad, 8);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(keepalive_starts_after_two_hours, get_tcp(fd, TCP_KEEPIDLE), 7200);
	CHECK_EQ(keepalive_is_every_75_seconds, get_tcp(fd, TCP_KEEPINTVL), 75);
	CHECK_EQ(keepalive_gives_up_after_nine, get_tcp(fd, TCP_KEEPCNT), 9);
	CHECK_EQ(six_syns_are_sent_again, get_tcp(fd, TCP_SYNCNT), 6);
	CHECK_EQ(orphans_linger_a_minute, get_tcp(fd, TCP_LINGER2), 60);
	CHECK_EQ(nodelay_is_off, get_tcp(fd, TCP_NODELAY), 0);
	CHECK_EQ(nodelay_is_a_flag, (set_tcp(fd, TCP_NODELAY, 9), get_tcp(fd, TCP_NODELAY)), 1);
	CHECK_EQ(cork_is_off, get_tcp(fd, TCP_CORK), 0);
	CHECK_EQ(cork_is_a_flag, (set_tcp(fd, TCP_CORK, 9), get_tcp(fd, TCP_CORK)), 1);
	CHECK_EQ(linger2_can_be_set, (set_tcp(fd, TCP_LINGER2, 20), get_tcp(fd, TCP_LINGER2)), 20);
	CHECK_EQ(user_timeout_is_none, get_tcp(fd, TCP_USER_TIMEOUT), 0);
	CHECK_EQ(user_timeout_can_be_set, (set_tcp(fd, TCP_USER_TIMEOUT, 5000),
					   get_tcp(fd, TCP_USER_TIMEOUT)), 5000);
	CHECK_EQ(negative_user_timeout_is_EINVAL, set_tcp(fd, TCP_USER_TIMEOUT, -1), EINVAL);
	CHECK_EQ(maxseg_of_a_fresh_socket, get_tcp(fd, TCP_MAXSEG), 536);
	CHECK_EQ(small_maxseg_is_EINVAL, set_tcp(fd, TCP_MAXSEG, 87), EINVAL);
	CHECK_EQ(large_maxseg_is_EINVAL, set_tcp(fd, TCP_MAXSEG, 32768), EINVAL);
	CHECK_EQ(maxseg_can_be_set, (set_tcp(fd, TCP_MAXSEG, 1000), get_tcp(fd, TCP_MAXSEG)), 1000);
	CHECK_EQ(accept_is_not_deferred, get_tcp(fd, TCP_DEFER_ACCEPT), 0);
	set_tcp(fd, TCP_DEFER_ACCEPT, 5);
	CHECK_EQ(deferring_is_rounded_to_retries, get_tcp(fd, TCP_DEFER_ACCEPT), 7);
	CHECK_EQ(not_sent_mark_can_be_set, (set_tcp(fd, TCP_NOTSENT_LOWAT, 999),
					    get_tcp(fd, TCP_NOTSENT_LOWAT)), 999);
	char name[16] = "";
	socklen_t size = sizeof(name);
	CHECK_ERRNO(unknown_congestion_control_is_ENOENT,
		    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nix", 3), ENOENT);
	CHECK_EQ(reno_can_be_chosen, setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
	CHECK_EQ(congestion_control_is_told,
		 getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size), 0);
	CHECK(it_is_reno, size == 16 && !strcmp(name, "reno"));
	close(fd);
}

static int state_of(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) ? -1 : info.tcpi_state;
}

static int state_becomes(int fd, int state)
{
	for (int i = 0; i < NET_WAIT_MS && state_of(fd) != state; i++)
		usleep(1000);
	return state_of(fd);
}

static void check_states(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), pair[2];
	struct tcp_info info = { 0 };
	socklen_t size = 1;

	CHECK_EQ(fresh_socket_is_closed, state_of(fd), TCP_CLOSE);
	listen(fd, 1);
	CHECK_EQ(listener_is_in_listen, state_of(fd), TCP_LISTEN);
	close(fd);
	net_pair(pair);
	CHECK_EQ(connected_socket_is_established, state_of(pair[0]), TCP_ESTABLISHED);
	CHECK_EQ(accepted_socket_is_established, state_of(pair[1]), TCP_ESTABLISHED);
	CHECK_EQ(info_may_be_cut, getsockopt(pair[0], IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	CHECK(cut_info_is_one_byte, size == 1 && info.tcpi_state == TCP_ESTABLISHED);
	size = sizeof(info);
	getsockopt(pair[0], IPPROTO_TCP, TCP_INFO, &info, &size);
	CHECK(window_scaling_was_agreed_on, info.tcpi_options & TCPI_OPT_WSCALE);
	CHECK(segments_have_a_size, info.tcpi_snd_mss >= 536 && info.tcpi_rcv_mss >= 536);
	CHECK(nothing_is_unacknowledged, info.tcpi_unacked == 0 && info.tcpi_retransmits == 0);
	shutdown(pair[0], SHUT_WR);
	CHECK_EQ(who_ends_first_is_in_fin_wait_2, state_becomes(pair[0], TCP_FIN_WAIT2),
		 TCP_FIN_WAIT2);
	CHECK_EQ(its_peer_is_in_close_wait, state_becomes(pair[1], TCP_CLOSE_WAIT), TCP_CLOSE_WAIT);
	shutdown(pair[1], SHUT_WR);
	CHECK_EQ(who_ends_second_is_closed, state_becomes(pair[1], TCP_CLOSE), TCP_CLOSE);
	net_pair_close(pair);
}

static void check_counts(void)
{
	int pair[2], count = -1, listener = net_listener(1);
	char text[64] = "";

	net_pair(pair);
	CHECK_EQ(nothing_waits_to_be_read, ioctl(pair[1], FIONREAD, &count) ? -1 : count, 0);
	net_send(pair[0], text, 10);
	net_events_with(pair[1], POLLIN);
	CHECK_EQ(bytes_that_wait_are_told, ioctl(pair[1], FIONREAD, &count) ? -1 : count, 10);
	read(pair[1], text, 4);
	CHECK_EQ(and_are_fewer_after_a_read, ioctl(pair[1], FIONREAD, &count) ? -1 : count, 6);
	CHECK_EQ(all_bytes_were_acknowledged, ioctl(pair[0], SIOCOUTQ, &count) ? -1 : count, 0);
	CHECK_EQ(all_were_sent, ioctl(pair[0], SIOCOUTQNSD, &count) ? -1 : count, 0);
	CHECK_EQ(no_urgent_mark_is_here, ioctl(pair[1], SIOCATMARK, &count) ? -1 : count, 0);
	CHECK_ERRNO(listener_has_no_bytes, ioctl(listener, FIONREAD, &count), EINVAL);
	CHECK_ERRNO(unknown_ioctl_is_ENOTTY, ioctl(pair[0], 0x4321, &count), ENOTTY);
	close(listener);
	net_pair_close(pair);
}

int main(void)
{
	net_up();
	check_sizes();
	check_flags();
	check_buffers();
	check_device();
	check_ip();
	check_tcp();
	check_states();
	check_counts();
	return 0;
}
