/*
 * Options of SOL_SOCKET on sockets of every kind: what is there at first, what can be set and by
 * whom, sizes of values.
 */
#define _GNU_SOURCE
#include "check.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

static const struct kind {
	const char *name;
	int family, type;
} kinds[] = {
	{ "unix stream", AF_UNIX, SOCK_STREAM }, { "unix datagram", AF_UNIX, SOCK_DGRAM },
	{ "packet", AF_PACKET, SOCK_RAW },       { "udp", AF_INET, SOCK_DGRAM },
	{ "tcp", AF_INET, SOCK_STREAM },         { "udp6", AF_INET6, SOCK_DGRAM },
};

static const struct option {
	const char *name;
	int number;
} ints[] = {
	{ "SO_DEBUG", SO_DEBUG },           { "SO_REUSEADDR", SO_REUSEADDR },
	{ "SO_DONTROUTE", SO_DONTROUTE },   { "SO_BROADCAST", SO_BROADCAST },
	{ "SO_KEEPALIVE", SO_KEEPALIVE },   { "SO_OOBINLINE", SO_OOBINLINE },
	{ "SO_NO_CHECK", SO_NO_CHECK },     { "SO_PRIORITY", SO_PRIORITY },
	{ "SO_BSDCOMPAT", SO_BSDCOMPAT },   { "SO_REUSEPORT", SO_REUSEPORT },
	{ "SO_PASSCRED", SO_PASSCRED },     { "SO_RCVLOWAT", SO_RCVLOWAT },
	{ "SO_TIMESTAMP", SO_TIMESTAMP },   { "SO_TIMESTAMPNS", SO_TIMESTAMPNS },
	{ "SO_PASSSEC", SO_PASSSEC },       { "SO_MARK", SO_MARK },
	{ "SO_RXQ_OVFL", SO_RXQ_OVFL },     { "SO_WIFI_STATUS", SO_WIFI_STATUS },
	{ "SO_NOFCS", SO_NOFCS },           { "SO_LOCK_FILTER", SO_LOCK_FILTER },
	{ "SO_SELECT_ERR_QUEUE", SO_SELECT_ERR_QUEUE },
	{ "SO_BUSY_POLL", SO_BUSY_POLL },   { "SO_INCOMING_CPU", SO_INCOMING_CPU },
	{ "SO_RCVMARK", SO_RCVMARK },
};

static const struct option told[] = {
	{ "SO_TYPE", SO_TYPE },             { "SO_DOMAIN", SO_DOMAIN },
	{ "SO_PROTOCOL", SO_PROTOCOL },     { "SO_ERROR", SO_ERROR },
	{ "SO_ACCEPTCONN", SO_ACCEPTCONN }, { "SO_SNDLOWAT", SO_SNDLOWAT },
};

enum { NR_KINDS = sizeof(kinds) / sizeof(*kinds), NR_INTS = sizeof(ints) / sizeof(*ints) };

static int ask(int sock, int option)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(sock, SOL_SOCKET, option, &value, &size) ? -errno : value;
}

static int set(int sock, int option, int value)
{
	return setsockopt(sock, SOL_SOCKET, option, &value, sizeof(value)) ? -errno : 0;
}

/* Root sees and sets all; each is set to 1, and what is read back is told. */
static void check_ints(const struct kind *kind)
{
	int sock = socket(kind->family, kind->type, 0);

	for (int i = 0; i < NR_INTS; i++) {
		int before = ask(sock, ints[i].number), err = set(sock, ints[i].number, 1);
		int after = ask(sock, ints[i].number);

		OUT("%s: %s is %d, setting %d, then %d", kind->name, ints[i].name, before, err,
		    after);
		if (ints[i].number != SO_LOCK_FILTER)
			set(sock, ints[i].number, 0);
	}
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++)
		OUT("%s: %s is %d, setting %d", kind->name, told[i].name,
		    ask(sock, told[i].number), set(sock, told[i].number, 1));
	close(sock);
}

/* And what an ordinary user may. */
static int user_ints(void *data)
{
	(void)data;
	int sock = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
		return 1;
	for (int i = 0; i < NR_INTS; i++)
		OUT("a user sets %s: %d", ints[i].name, set(sock, ints[i].number, 1));
	OUT("a user sets priority 6: %d, 7: %d", set(sock, SO_PRIORITY, 6),
	    set(sock, SO_PRIORITY, 7));
	OUT("a user forces buffers: %d, %d", set(sock, SO_SNDBUFFORCE, 9999),
	    set(sock, SO_RCVBUFFORCE, 9999));
	OUT("a user unbinds: %d", set(sock, SO_BINDTOIFINDEX, 0));
	close(sock);
	return 0;
}

static void check_sizes(void)
{
	int sock = socket(AF_UNIX, SOCK_STREAM, 0), value = 1;
	char many[600] = { 1 }, got[64];
	socklen_t size = 2;

	CHECK_ERRNO(less_than_an_int_is_EINVAL,
		    setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &value, 3), EINVAL);
	CHECK_ERRNO(a_negative_size_is_EINVAL,
		    setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &value, (socklen_t)-1), EINVAL);
	CHECK_EQ(more_than_an_int_is_fine,
		 setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, many, sizeof(many)), 0);
	CHECK_ERRNO(a_value_nowhere_is_EFAULT,
		    setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, (void *)8, 4), EFAULT);
	CHECK_EQ(a_short_answer_is_cut, getsockopt(sock, SOL_SOCKET, SO_TYPE, got, &size), 0);
	CHECK_EQ(to_what_there_is_room_for, size, 2);
	size = (socklen_t)-1;
	CHECK_ERRNO(negative_room_is_EINVAL, getsockopt(sock, SOL_SOCKET, SO_TYPE, got, &size),
		    EINVAL);
	size = sizeof(got);
	CHECK_EQ(a_long_room_is_fine, getsockopt(sock, SOL_SOCKET, SO_TYPE, got, &size), 0);
	CHECK_EQ(and_the_size_is_told, size, 4);
	CHECK_ERRNO(an_unknown_option_is_ENOPROTOOPT,
		    setsockopt(sock, SOL_SOCKET, 999, &value, 4), ENOPROTOOPT);
	CHECK_ERRNO(asked_as_well, getsockopt(sock, SOL_SOCKET, 999, got, &size), ENOPROTOOPT);
	CHECK_ERRNO(another_level_is_EOPNOTSUPP_on_unix_sockets,
		    setsockopt(sock, IPPROTO_IP, 1, &value, 4), EOPNOTSUPP);
	close(sock);
}

static void check_times(void)
{
	static const int options[] = { SO_RCVTIMEO, SO_SNDTIMEO, 66, 67 };
	struct timeval times[] = { { 1, 500000 }, { 0, 1 }, { 0, 1000000 }, { -1, 0 }, { 5, -1 } };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < 5; j++) {
			struct timeval got = { 9, 9 };
			socklen_t size = sizeof(got);
			int err = setsockopt(sock, SOL_SOCKET, options[i], &times[j],
					     sizeof(times[j])) ? errno : 0;

			getsockopt(sock, SOL_SOCKET, options[i], &got, &size);
			/* Linux counts in ticks of its own. */
			OUT("time option %d: %d, %ld s and %ld tenths of %u bytes", options[i], err,
			    (long)got.tv_sec, (long)got.tv_usec / 100000, (unsigned)size);
		}
	}
	CHECK_ERRNO(a_short_time_is_EINVAL, setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, times, 8),
		    EINVAL);
	close(sock);
}

static void check_linger(void)
{
	for (int i = 0; i < NR_KINDS; i++) {
		int sock = socket(kinds[i].family, kinds[i].type, 0);
		struct linger on = { 1, 7 }, off = { 0, 3 }, got = { 9, 9 };
		socklen_t size = sizeof(got);
		int err = setsockopt(sock, SOL_SOCKET, SO_LINGER, &on, sizeof(on)) ? errno : 0;

		getsockopt(sock, SOL_SOCKET, SO_LINGER, &got, &size);
		OUT("%s: linger %d, %d %d", kinds[i].name, err, got.l_onoff, got.l_linger);
		setsockopt(sock, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
		getsockopt(sock, SOL_SOCKET, SO_LINGER, &got, &size);
		OUT("%s: linger off %d", kinds[i].name, got.l_onoff);
		close(sock);
	}
}

static void check_time_stamps(void)
{
	static const int four[] = { SO_TIMESTAMP, SO_TIMESTAMPNS, 63, 64 };
	int sock = socket(AF_UNIX, SOCK_DGRAM, 0);

	for (int i = 0; i < 4; i++) {
		set(sock, four[i], 1);
		OUT("time stamps by %d: %d %d %d %d", four[i], ask(sock, four[0]),
		    ask(sock, four[1]), ask(sock, four[2]), ask(sock, four[3]));
	}
	set(sock, SO_TIMESTAMP, 0);
	OUT("none: %d %d %d %d", ask(sock, four[0]), ask(sock, four[1]), ask(sock, four[2]),
	    ask(sock, four[3]));
	CHECK_EQ(software_stamps_can_be_had, set(sock, SO_TIMESTAMPING, 1 << 3 | 1 << 4), 0);
	CHECK_EQ(and_asked, ask(sock, SO_TIMESTAMPING), 1 << 3 | 1 << 4);
	CHECK_EQ(unknown_stamps_are_EINVAL, set(sock, SO_TIMESTAMPING, 1 << 30), -EINVAL);
	close(sock);
}

static void check_device(void)
{
	for (int i = 0; i < NR_KINDS; i++) {
		int sock = socket(kinds[i].family, kinds[i].type, 0);
		char name[IFNAMSIZ] = "none yet";
		socklen_t size = sizeof(name);

		getsockopt(sock, SOL_SOCKET, SO_BINDTODEVICE, name, &size);
		OUT("%s: bound to nothing, name of %u", kinds[i].name, (unsigned)size);
		OUT("%s: to lo %d", kinds[i].name,
		    setsockopt(sock, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) ? errno : 0);
		size = sizeof(name);
		getsockopt(sock, SOL_SOCKET, SO_BINDTODEVICE, name, &size);
		OUT("%s: bound to '%s', name of %u, index %d", kinds[i].name, name, (unsigned)size,
		    ask(sock, SO_BINDTOIFINDEX));
		size = 4;
		OUT("%s: little room %d", kinds[i].name,
		    getsockopt(sock, SOL_SOCKET, SO_BINDTODEVICE, name, &size) ? errno : 0);
		OUT("%s: to nobody %d, to nothing %d, then %d", kinds[i].name,
		    setsockopt(sock, SOL_SOCKET, SO_BINDTODEVICE, "nobody", 7) ? errno : 0,
		    setsockopt(sock, SOL_SOCKET, SO_BINDTODEVICE, "", 0) ? errno : 0,
		    ask(sock, SO_BINDTOIFINDEX));
		OUT("%s: by number %d, then %d, by a negative one %d", kinds[i].name,
		    set(sock, SO_BINDTOIFINDEX, 1), ask(sock, SO_BINDTOIFINDEX),
		    set(sock, SO_BINDTOIFINDEX, -1));
		close(sock);
	}
}

static void check_peers(void)
{
	int pair[2], single = socket(AF_UNIX, SOCK_STREAM, 0);
	gid_t groups[3] = { 5, 7, 9 }, got[8] = { 0 };
	struct ucred cred = { 0 };
	socklen_t size = sizeof(got);
	unsigned long cookies[2] = { 0 };

	setgroups(3, groups);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	CHECK_EQ(groups_of_the_peer_are_told,
		 getsockopt(pair[0], SOL_SOCKET, SO_PEERGROUPS, got, &size), 0);
	OUT("groups of %u bytes: %u %u %u", (unsigned)size, got[0], got[1], got[2]);
	size = 4;
	CHECK_ERRNO(too_little_room_is_ERANGE,
		    getsockopt(pair[0], SOL_SOCKET, SO_PEERGROUPS, got, &size), ERANGE);
	CHECK_EQ(which_tells_how_much, size, 12);
	size = sizeof(got);
	CHECK_ERRNO(without_a_peer_there_are_none,
		    getsockopt(single, SOL_SOCKET, SO_PEERGROUPS, got, &size), ENODATA);
	size = sizeof(cred);
	getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &cred, &size);
	CHECK(the_peer_is_us, cred.pid == getpid() && cred.uid == 0 && cred.gid == 0);
	size = sizeof(cred);
	getsockopt(single, SOL_SOCKET, SO_PEERCRED, &cred, &size);
	OUT("nobody: pid %d, uid %d, gid %d", cred.pid, (int)cred.uid, (int)cred.gid);
	size = 8;
	getsockopt(pair[0], SOL_SOCKET, SO_COOKIE, &cookies[0], &size);
	getsockopt(pair[1], SOL_SOCKET, SO_COOKIE, &cookies[1], &size);
	CHECK(cookies_tell_sockets_apart, cookies[0] && cookies[1] && cookies[0] != cookies[1]);
	size = 4;
	CHECK_ERRNO(half_a_cookie_is_EINVAL,
		    getsockopt(pair[0], SOL_SOCKET, SO_COOKIE, &cookies[0], &size), EINVAL);
	size = 2;
	CHECK_EQ(the_peers_name_is_an_option, getsockopt(pair[0], SOL_SOCKET, 28, got, &size), 0);
	CHECK_ERRNO(not_without_a_peer, getsockopt(single, SOL_SOCKET, 28, got, &size), ENOTCONN);
	close(pair[0]);
	close(pair[1]);
	close(single);
}

static void check_buffers(void)
{
	static const int sizes[] = { 0, 1, 5000, 100000, 300000, -1 };
	int sock = socket(AF_UNIX, SOCK_DGRAM, 0);

	for (int i = 0; i < 6; i++) {
		int err = set(sock, SO_SNDBUF, sizes[i]);

		OUT("buffers of %d: %d %d, %d %d", sizes[i], err, ask(sock, SO_SNDBUF),
		    set(sock, SO_RCVBUF, sizes[i]), ask(sock, SO_RCVBUF));
	}
	OUT("forced: %d %d", set(sock, SO_SNDBUFFORCE, 1000000), ask(sock, SO_SNDBUF));
	OUT("forced: %d %d", set(sock, SO_RCVBUFFORCE, 1000000), ask(sock, SO_RCVBUF));
	OUT("low water: %d %d, negative %d %d", set(sock, SO_RCVLOWAT, 100),
	    ask(sock, SO_RCVLOWAT), set(sock, SO_RCVLOWAT, -5), ask(sock, SO_RCVLOWAT));
	close(sock);
}

int main(void)
{
	for (int i = 0; i < NR_KINDS; i++)
		check_ints(&kinds[i]);
	CHECK_EQ(a_user_is_asked, check_in_child(user_ints, NULL), 0);
	check_sizes();
	check_times();
	check_linger();
	check_time_stamps();
	check_device();
	check_buffers();
	check_peers();
	return 0;
}
