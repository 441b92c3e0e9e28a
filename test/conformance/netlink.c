/*
 * Sockets of AF_NETLINK: ports, groups, names, options, queues, acknowledgements. netlink(7)
 * What they are for is in netlink_route.c.
 */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

static char answer[65536];

static int open_socket(int protocol)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
}

static int bind_to(int fd, unsigned int port, unsigned int groups)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups };

	return bind(fd, (struct sockaddr *)&name, sizeof(name));
}

static struct sockaddr_nl name_of(int fd)
{
	struct sockaddr_nl name = { 0 };
	socklen_t size = sizeof(name);

	if (getsockname(fd, (struct sockaddr *)&name, &size) || size != sizeof(name))
		name.nl_family = 0;
	return name;
}

static void check_making(void)
{
	int fd;

	CHECK_ERRNO(streams_do_not_exist, socket(AF_NETLINK, SOCK_STREAM, 0), ESOCKTNOSUPPORT);
	CHECK_ERRNO(sequenced_packets_neither, socket(AF_NETLINK, SOCK_SEQPACKET, 0),
		    ESOCKTNOSUPPORT);
	CHECK_ERRNO(a_negative_protocol_does_not_exist, socket(AF_NETLINK, SOCK_RAW, -1),
		    EPROTONOSUPPORT);
	CHECK_ERRNO(a_large_protocol_does_not_exist, socket(AF_NETLINK, SOCK_RAW, 32),
		    EPROTONOSUPPORT);
	CHECK_ERRNO(an_unknown_protocol_does_not_exist, socket(AF_NETLINK, SOCK_RAW, 29),
		    EPROTONOSUPPORT);
	CHECK_ERRNO(pairs_cannot_be_made, socketpair(AF_NETLINK, SOCK_RAW, 0, (int[2]){ 0 }),
		    EOPNOTSUPP);
	fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
	CHECK(datagrams_are_the_same, fd >= 0);
	close(fd);
	fd = open_socket(NETLINK_KOBJECT_UEVENT);
	CHECK(uevents_can_be_listened_to, fd >= 0 && bind_to(fd, 0, 1) == 0);
	CHECK_ERRNO(none_comes, recv(fd, answer, sizeof(answer), MSG_DONTWAIT), EAGAIN);
	close(fd);
}

static void check_names(void)
{
	int fd = open_socket(NETLINK_ROUTE), other = open_socket(NETLINK_ROUTE);
	struct sockaddr_nl name = { .nl_family = AF_NETLINK };
	int value;
	socklen_t size = sizeof(value);

	CHECK(a_new_socket_has_no_port, name_of(fd).nl_pid == 0);
	CHECK(binding_to_0_gives_the_process_number,
	      bind_to(fd, 0, 0) == 0 && name_of(fd).nl_pid == (unsigned)getpid());
	CHECK(the_second_gets_another, bind_to(other, 0, 0) == 0 &&
	      (int)name_of(other).nl_pid < -4095);
	CHECK_ERRNO(a_port_cannot_change, bind_to(fd, 12345, 0), EINVAL);
	CHECK(groups_can, bind_to(fd, (unsigned)getpid(), 5) == 0 && name_of(fd).nl_groups == 5);
	CHECK_ERRNO(zero_is_another_port_too, bind_to(fd, 0, 0), EINVAL);
	close(other);
	other = open_socket(NETLINK_ROUTE);
	CHECK_ERRNO(a_port_is_had_once, bind_to(other, (unsigned)getpid(), 0), EADDRINUSE);
	CHECK(a_port_of_ones_own_choice, bind_to(other, 4711, 0) == 0);
	close(other);
	other = open_socket(NETLINK_GENERIC);
	CHECK(each_protocol_has_its_own_ports, bind_to(other, (unsigned)getpid(), 0) == 0);
	close(other);
	other = open_socket(NETLINK_ROUTE);
	CHECK_ERRNO(a_short_name_is_none,
		    bind(other, (struct sockaddr *)&name, sizeof(name) - 1), EINVAL);
	name.nl_family = AF_UNIX;
	CHECK_ERRNO(another_family_is_none,
		    bind(other, (struct sockaddr *)&name, sizeof(name)), EINVAL);
	CHECK(a_long_name_is_cut, ({
		struct { struct sockaddr_nl name; char more[20]; } more =
			{ .name.nl_family = AF_NETLINK };
		bind(other, (struct sockaddr *)&more, sizeof(more)) == 0; }));
	CHECK_EQ(the_protocol_is_told, (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &size),
		 value), NETLINK_ROUTE);
	CHECK_EQ(the_family_is_told, (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &size),
		 value), AF_NETLINK);
	size = sizeof(name);
	CHECK(nobody_is_the_peer_first,
	      getpeername(fd, (struct sockaddr *)&name, &size) == 0 && name.nl_pid == 0);
	name = (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_pid = 4712 };
	CHECK(connect_sets_it, connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0 &&
	      getpeername(fd, (struct sockaddr *)&name, &size) == 0 && name.nl_pid == 4712);
	CHECK_ERRNO(nobody_has_that_port, send(fd, "x", 1, 0), ECONNREFUSED);
	CHECK_ERRNO(a_short_name_is_no_peer,
		    connect(fd, (struct sockaddr *)&name, sizeof(name) - 1), EINVAL);
	name.nl_family = AF_UNSPEC;
	CHECK_EQ(no_family_ends_it, connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	CHECK_ERRNO(nobody_listens, listen(fd, 1), EOPNOTSUPP);
	CHECK_ERRNO(nobody_is_accepted, accept(fd, NULL, NULL), EOPNOTSUPP);
	CHECK_ERRNO(nothing_is_shut, shutdown(fd, SHUT_RDWR), EOPNOTSUPP);
	CHECK_ERRNO(the_bytes_queued_are_not_told, ioctl(fd, FIONREAD, &value), ENOTTY);
	close(fd);
	close(other);
}

static int option_get(int fd, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_NETLINK, name, &value, &size) ? -errno : value;
}

static int option_set(int fd, int name, int value)
{
	return setsockopt(fd, SOL_NETLINK, name, &value, sizeof(value));
}

static void check_options(void)
{
	static const int flags[] = { NETLINK_PKTINFO, NETLINK_BROADCAST_ERROR, NETLINK_NO_ENOBUFS,
		NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK };
	int fd = open_socket(NETLINK_ROUTE);
	unsigned int groups[4] = { 0 };
	socklen_t size = sizeof(groups);

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		int before = option_get(fd, flags[i]), set = option_set(fd, flags[i], 7);

		OUT("option %d: %d, set %d, then %d, cleared %d, then %d", flags[i], before, set,
		    option_get(fd, flags[i]), option_set(fd, flags[i], 0),
		    option_get(fd, flags[i]));
	}
	CHECK_ERRNO(rings_do_not_exist, option_set(fd, NETLINK_RX_RING, 1), ENOPROTOOPT);
	CHECK_ERRNO(an_unknown_option_does_not_exist, option_set(fd, 77, 1), ENOPROTOOPT);
	CHECK_ERRNO(other_levels_do_not_exist, setsockopt(fd, 6, 1, &fd, sizeof(fd)),
		    ENOPROTOOPT);
	CHECK_EQ(nor_can_they_be_asked, option_get(fd, 77), -ENOPROTOOPT);
	size = 1;
	CHECK_ERRNO(there_must_be_room,
		    getsockopt(fd, SOL_NETLINK, NETLINK_PKTINFO, groups, &size), EINVAL);
	CHECK_EQ(a_group_is_joined, option_set(fd, NETLINK_ADD_MEMBERSHIP, RTNLGRP_LINK), 0);
	CHECK_EQ(a_group_beyond_the_32nd_too,
		 option_set(fd, NETLINK_ADD_MEMBERSHIP, RTNLGRP_NEXTHOP), 0);
	CHECK_EQ(and_another, option_set(fd, NETLINK_ADD_MEMBERSHIP, 33), 0);
	CHECK(the_name_tells_the_first_32, name_of(fd).nl_groups ==
	      (1u << (RTNLGRP_LINK - 1) | 1u << (RTNLGRP_NEXTHOP - 1)));
	size = sizeof(groups);
	CHECK_EQ(memberships_are_listed, getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS,
						    groups, &size), 0);
	OUT("memberships: %u bytes, %08x %08x", size, groups[0], groups[1]);
	size = 0;
	CHECK_EQ(their_size_is_told, getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups,
						&size), 0);
	OUT("of %u bytes", size);
	CHECK_EQ(a_group_is_left, option_set(fd, NETLINK_DROP_MEMBERSHIP, RTNLGRP_LINK), 0);
	CHECK(the_name_says_so, name_of(fd).nl_groups == 1u << (RTNLGRP_NEXTHOP - 1));
	CHECK_ERRNO(group_0_is_none, option_set(fd, NETLINK_ADD_MEMBERSHIP, 0), EINVAL);
	CHECK_ERRNO(a_group_that_is_not_there_is_none,
		    option_set(fd, NETLINK_ADD_MEMBERSHIP, 1000), EINVAL);
	close(fd);
}

/* ---- acknowledgements ------------------------------------------------------------------------ */

static struct {
	struct nlmsghdr header;
	char            bytes[256];
} request;

static ssize_t ask(int fd, int type, int flags, unsigned int payload)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n;

	request.header.nlmsg_len = NLMSG_LENGTH(payload);
	request.header.nlmsg_type = (unsigned short)type;
	request.header.nlmsg_flags = (unsigned short)(NLM_F_REQUEST | flags);
	request.header.nlmsg_seq = 77;
	n = sendto(fd, &request, request.header.nlmsg_len, 0, (struct sockaddr *)&kernel,
		   sizeof(kernel));
	if (n != (ssize_t)request.header.nlmsg_len)
		return -1;
	memset(answer, 0, 256);
	return recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
}

static void show_ack(const char *what, ssize_t n, int fd)
{
	const struct nlmsghdr *header = (void *)answer;
	const struct nlmsgerr *error = NLMSG_DATA(header);

	if (n < (ssize_t)sizeof(*header)) {
		OUT("%s: nothing", what);
		return;
	}
	OUT("%s: %zd bytes, len %u, type %u, flags %x, seq %u, port %s, error %d, of len %u type %u",
	    what, n, header->nlmsg_len, header->nlmsg_type, header->nlmsg_flags, header->nlmsg_seq,
	    header->nlmsg_pid == name_of(fd).nl_pid ? "ours" : "another", error->error,
	    error->msg.nlmsg_len, error->msg.nlmsg_type);
}

static void check_acks(void)
{
	int fd = open_socket(NETLINK_ROUTE);

	memset(request.bytes, 0, sizeof(request.bytes));
	show_ack("an unknown type", ask(fd, 1000, 0, 16), fd);
	show_ack("with an ack wanted", ask(fd, 1000, NLM_F_ACK, 16), fd);
	show_ack("a control message", ask(fd, NLMSG_NOOP, 0, 16), fd);
	show_ack("a control message with an ack", ask(fd, NLMSG_NOOP, NLM_F_ACK, 16), fd);
	show_ack("too short a message", ask(fd, RTM_GETLINK, NLM_F_ACK, 0), fd);
	show_ack("half a header", ask(fd, RTM_GETLINK, NLM_F_ACK, 8), fd);
	show_ack("no link", ask(fd, RTM_GETLINK, NLM_F_ACK, 16), fd);
	option_set(fd, NETLINK_CAP_ACK, 1);
	show_ack("capped", ask(fd, RTM_GETLINK, NLM_F_ACK, 16), fd);
	option_set(fd, NETLINK_EXT_ACK, 1);
	show_ack("half a header, extended", ask(fd, RTM_GETLINK, NLM_F_ACK, 8), fd);
	OUT("it says: %s", answer + NLMSG_LENGTH(sizeof(struct nlmsgerr)) + NLA_HDRLEN);
	request.header.nlmsg_flags = 0;
	request.header.nlmsg_type = RTM_GETLINK;
	CHECK_EQ(what_is_no_request_is_taken, send(fd, &request, 32, 0), 32);
	CHECK_ERRNO(and_not_answered, recv(fd, answer, sizeof(answer), MSG_DONTWAIT), EAGAIN);
	request.header.nlmsg_len = 1000;
	CHECK_EQ(too_long_a_length_is_taken, send(fd, &request, 32, 0), 32);
	CHECK_ERRNO(and_ignored, recv(fd, answer, sizeof(answer), MSG_DONTWAIT), EAGAIN);
	request.header.nlmsg_len = 3;
	CHECK_EQ(too_short_a_length_is_taken, send(fd, &request, 32, 0), 32);
	CHECK_ERRNO(and_ignored_too, recv(fd, answer, sizeof(answer), MSG_DONTWAIT), EAGAIN);
	CHECK_ERRNO(nothing_cannot_be_sent, send(fd, &request, 0, 0), ENODATA);
	CHECK_ERRNO(no_byte_is_out_of_band, send(fd, &request, 32, MSG_OOB), EOPNOTSUPP);
	CHECK_ERRNO(none_is_read, recv(fd, answer, 32, MSG_OOB), EOPNOTSUPP);
	close(fd);
}

/* Several messages in one packet are answered each. */
static void check_batches(void)
{
	int fd = open_socket(NETLINK_ROUTE), nr = 0;
	struct nlmsghdr messages[3][2];

	memset(messages, 0, sizeof(messages));
	for (int i = 0; i < 3; i++) {
		messages[i][0].nlmsg_len = sizeof(messages[0]);
		messages[i][0].nlmsg_type = 1000;
		messages[i][0].nlmsg_flags = NLM_F_REQUEST;
		messages[i][0].nlmsg_seq = (unsigned)i;
	}
	send(fd, messages, sizeof(messages), 0);
	while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0) {
		const struct nlmsghdr *header = (void *)answer;

		OUT("answer to %u: type %u", header->nlmsg_seq, header->nlmsg_type);
		nr++;
	}
	CHECK_EQ(each_message_is_answered, nr, 3);
	close(fd);
}

/* ---- between programs ------------------------------------------------------------------------ */

static void check_receiving(int a, int b)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = 502 }, from;
	socklen_t size = sizeof(from);
	struct pollfd ready = { .fd = b, .events = POLLIN | POLLOUT };
	char control[128];
	struct iovec vector = { answer, 3 };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control), .msg_name = &from,
		.msg_namelen = sizeof(from) };
	int on = 1;

	CHECK(an_empty_queue_can_be_written_to, poll(&ready, 1, 0) == 1 &&
	      ready.revents == POLLOUT);
	CHECK_EQ(one_program_sends_to_another, sendto(a, "hello", 5, 0, (struct sockaddr *)&to,
						      sizeof(to)), 5);
	CHECK(it_is_ready, poll(&ready, 1, 0) == 1 && ready.revents == (POLLIN | POLLOUT));
	CHECK_EQ(it_can_be_looked_at, recv(b, answer, 3, MSG_PEEK), 3);
	CHECK_EQ(and_measured, recv(b, answer, 3, MSG_PEEK | MSG_TRUNC), 5);
	CHECK_EQ(it_comes, recvfrom(b, answer, sizeof(answer), 0, (struct sockaddr *)&from, &size),
		 5);
	CHECK(its_sender_is_told, size == sizeof(from) && from.nl_family == AF_NETLINK &&
	      from.nl_pid == 501 && from.nl_groups == 0);
	CHECK_ERRNO(then_there_is_nothing, recv(b, answer, 3, MSG_DONTWAIT), EAGAIN);
	setsockopt(b, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	setsockopt(b, SOL_NETLINK, NETLINK_PKTINFO, &on, sizeof(on));
	sendto(a, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to));
	CHECK_EQ(a_part_is_read, recvmsg(b, &message, 0), 3);
	OUT("flags %x", message.msg_flags);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
		OUT("control level %d type %d size %zu", c->cmsg_level, c->cmsg_type,
		    (size_t)c->cmsg_len);
}

static void check_groups(int a, int b)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = 4 }, from;
	socklen_t size = sizeof(from);

	CHECK_EQ(joining_a_group, option_set(b, NETLINK_ADD_MEMBERSHIP, 3), 0);
	CHECK_EQ(the_sender_may_be_in_it, option_set(a, NETLINK_ADD_MEMBERSHIP, 3), 0);
	CHECK_ERRNO(a_group_and_no_kernel, sendto(a, "group", 5, 0, (struct sockaddr *)&to,
						  sizeof(to)), ECONNREFUSED);
	CHECK_EQ(members_get_it, recvfrom(b, answer, sizeof(answer), 0, (struct sockaddr *)&from,
					  &size), 5);
	CHECK(they_are_told_the_group, from.nl_groups == 4 && from.nl_pid == 501);
	CHECK_ERRNO(the_sender_does_not, recv(a, answer, 5, MSG_DONTWAIT), EAGAIN);
	to.nl_groups = 8;
	sendto(a, "other", 5, 0, (struct sockaddr *)&to, sizeof(to));
	CHECK_ERRNO(others_do_not, recv(b, answer, 5, MSG_DONTWAIT), EAGAIN);
}

/* Filling the receiver's queue. */
static void check_limits(int a, int b)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = 502 };
	static char bytes[300000];
	int nr = 0, size = 4096;

	CHECK_ERRNO(too_large_a_message, sendto(a, bytes, sizeof(bytes), 0,
						(struct sockaddr *)&to, sizeof(to)), EMSGSIZE);
	setsockopt(b, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	while (sendto(a, bytes, 1000, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) == 1000)
		nr++;
	CHECK(a_full_queue_refuses, errno == EAGAIN && nr >= 3 && nr <= 4);
	while (recv(b, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		nr--;
	CHECK(all_come, nr == 0 && errno == EAGAIN);
}

/* A full member of a group loses messages, and is told once. */
static void check_overrun(int a, int b)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = 4 };
	char bytes[1000] = { 0 };
	int error = 0;
	socklen_t size = sizeof(error);

	for (int i = 0; i < 50; i++)
		sendto(a, bytes, sizeof(bytes), 0, (struct sockaddr *)&to, sizeof(to));
	CHECK_ERRNO(the_loss_is_told, recv(b, bytes, sizeof(bytes), MSG_DONTWAIT), ENOBUFS);
	while (recv(b, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	for (int i = 0; i < 50; i++)
		sendto(a, bytes, sizeof(bytes), 0, (struct sockaddr *)&to, sizeof(to));
	CHECK(an_error_can_be_asked_for, getsockopt(b, SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
	      error == ENOBUFS);
	while (recv(b, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	option_set(b, NETLINK_NO_ENOBUFS, 1);
	for (int i = 0; i < 50; i++)
		sendto(a, bytes, sizeof(bytes), 0, (struct sockaddr *)&to, sizeof(to));
	CHECK_EQ(who_wants_no_errors_hears_none, recv(b, bytes, sizeof(bytes), MSG_DONTWAIT),
		 (ssize_t)sizeof(bytes));
}

static void check_programs(void)
{
	int a = open_socket(NETLINK_USERSOCK), b = open_socket(NETLINK_USERSOCK);

	CHECK_EQ(the_first_is_bound, bind_to(a, 501, 0), 0);
	CHECK_EQ(the_second_is_bound, bind_to(b, 502, 0), 0);
	check_receiving(a, b);
	check_groups(a, b);
	check_limits(a, b);
	check_overrun(a, b);
	close(a);
	close(b);
}

/* ---- rights ---------------------------------------------------------------------------------- */

static int without_rights(void *data)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = 502 };
	int fd, user, opened = *(int *)data;

	if (setgid(1000) || setuid(1000))
		return 1;
	fd = open_socket(NETLINK_ROUTE);
	user = open_socket(NETLINK_USERSOCK);
	CHECK(anybody_opens_one, fd >= 0 && user >= 0);
	CHECK_EQ(anybody_joins_groups_of_routes, bind_to(fd, 0, 1), 0);
	CHECK_ERRNO(not_those_of_programs, bind_to(user, 0, 1), EPERM);
	CHECK_ERRNO(nor_by_option, option_set(user, NETLINK_ADD_MEMBERSHIP, 1), EPERM);
	CHECK_ERRNO(only_the_kernel_is_sent_to, sendto(fd, "x", 1, 0, (struct sockaddr *)&to,
						       sizeof(to)), EPERM);
	CHECK_ERRNO(nobody_else_is_connected_to, connect(fd, (struct sockaddr *)&to, sizeof(to)),
		    EPERM);
	CHECK_ERRNO(all_namespaces_are_for_some, option_set(fd, NETLINK_LISTEN_ALL_NSID, 1),
		    EPERM);
	memset(request.bytes, 0, sizeof(request.bytes));
	show_ack("a change by anybody", ask(fd, RTM_NEWLINK, NLM_F_ACK, 16), fd);
	show_ack("a change through what root has opened", ask(opened, RTM_NEWLINK, NLM_F_ACK, 16),
		 opened);
	return 0;
}

static void check_rights(void)
{
	int fd = open_socket(NETLINK_ROUTE);

	bind_to(fd, 0, 0);
	CHECK_EQ(the_child_ends, check_in_child(without_rights, &fd), 0);
	close(fd);
}

/* ---- families by name ------------------------------------------------------------------------ */

static void check_generic(void)
{
	int fd = open_socket(NETLINK_GENERIC);
	struct genlmsghdr *generic = (void *)request.bytes;
	struct nlattr *attribute = (void *)(request.bytes + GENL_HDRLEN);

	memset(request.bytes, 0, sizeof(request.bytes));
	generic->cmd = CTRL_CMD_GETFAMILY;
	generic->version = 1;
	show_ack("no family", ask(fd, GENL_ID_CTRL, NLM_F_ACK, GENL_HDRLEN), fd);
	attribute->nla_type = CTRL_ATTR_FAMILY_NAME;
	attribute->nla_len = NLA_HDRLEN + 9;
	memcpy(attribute + 1, "nosuchfm", 9);
	show_ack("an unknown family", ask(fd, GENL_ID_CTRL, NLM_F_ACK, GENL_HDRLEN + 16), fd);
	show_ack("an unknown number", ask(fd, 999, NLM_F_ACK, GENL_HDRLEN), fd);
	attribute->nla_len = NLA_HDRLEN + 7;
	memcpy(attribute + 1, "nlctrl\0\0", 8);
	CHECK(the_controller_knows_itself, ask(fd, GENL_ID_CTRL, 0, GENL_HDRLEN + 12) > 0 &&
	      ((struct nlmsghdr *)answer)->nlmsg_type == GENL_ID_CTRL);
	generic->cmd = 200;
	show_ack("an unknown command", ask(fd, GENL_ID_CTRL, NLM_F_ACK, GENL_HDRLEN), fd);
	close(fd);
}

int main(void)
{
	check_making();
	check_names();
	check_options();
	check_acks();
	check_batches();
	check_programs();
	check_rights();
	check_generic();
	return 0;
}
