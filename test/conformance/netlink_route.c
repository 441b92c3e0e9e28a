/*
 * NETLINK_ROUTE on the loopback interface: links, addresses, routes, neighbours, rules; errors,
 * dumps and events. rtnetlink(7)
 */
#define _GNU_SOURCE
#include "check.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/socket.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

enum { LO = 1 };

static int fd;
static char answer[65536];
static struct {
	struct nlmsghdr header;
	char            bytes[1024];
} request;

static void *begin(int type, int flags, size_t size)
{
	memset(&request, 0, sizeof(request));
	request.header.nlmsg_type = (unsigned short)type;
	request.header.nlmsg_flags = (unsigned short)(NLM_F_REQUEST | flags);
	request.header.nlmsg_len = NLMSG_LENGTH(size);
	return request.bytes;
}

static void put(int type, const void *data, size_t size)
{
	struct rtattr *at = (void *)((char *)&request + NLMSG_ALIGN(request.header.nlmsg_len));

	at->rta_type = (unsigned short)type;
	at->rta_len = (unsigned short)RTA_LENGTH(size);
	memcpy(RTA_DATA(at), data, size);
	request.header.nlmsg_len = NLMSG_ALIGN(request.header.nlmsg_len) + RTA_ALIGN(at->rta_len);
}

static void put_int(int type, unsigned int value)
{
	put(type, &value, sizeof(value));
}

static void put_ip(int type, const char *text)
{
	unsigned char bytes[16];
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	inet_pton(family, text, bytes);
	put(type, bytes, family == AF_INET ? 4 : 16);
}

/* Bytes of the answer. */
static ssize_t ask(void)
{
	if (send(fd, &request, request.header.nlmsg_len, 0) < 0)
		return -errno;
	return recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
}

/* A change: 0, or the errno of the acknowledgement. */
static int run(void)
{
	const struct nlmsgerr *error = NLMSG_DATA((struct nlmsghdr *)answer);

	request.header.nlmsg_flags |= NLM_F_ACK;
	if (ask() < (ssize_t)NLMSG_LENGTH(sizeof(*error)) ||
	    ((struct nlmsghdr *)answer)->nlmsg_type != NLMSG_ERROR)
		return -1;
	return -error->error;
}

static const char *hex(const void *data, size_t size)
{
	static char text[256];

	for (size_t i = 0; i < size && i < 60; i++)
		snprintf(text + 2 * i, 3, "%02x", ((const unsigned char *)data)[i]);
	text[size < 60 ? 2 * size : 120] = '\0';
	return text;
}

/* The attributes of a message that `wanted` names, in order of type. */
static void show(const char *what, const struct nlmsghdr *message, size_t family_size,
                 const int *wanted)
{
	char line[400];
	int at = 0;

	at += snprintf(line, sizeof(line), "%s: type %d %s", what, message->nlmsg_type,
		       hex(NLMSG_DATA(message), family_size));
	for (; *wanted; wanted++) {
		const struct rtattr *a = (const void *)((const char *)NLMSG_DATA(message) +
							NLMSG_ALIGN(family_size));
		int left = (int)(message->nlmsg_len - NLMSG_LENGTH(NLMSG_ALIGN(family_size)));

		for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
			if ((a->rta_type & NLA_TYPE_MASK) == *wanted)
				at += snprintf(line + at, sizeof(line) - (size_t)at, ", %d=%s",
					       *wanted, hex(RTA_DATA(a), RTA_PAYLOAD(a)));
	}
	OUT("%s", line);
}

/* All messages of a dump that `is_shown` lets through. */
static void dump(const char *what, size_t family_size, const int *wanted,
                 int (*is_shown)(const struct nlmsghdr *message))
{
	ssize_t n = ask();
	int done = 0;

	while (n > 0 && !done) {
		struct nlmsghdr *message = (void *)answer;

		for (; NLMSG_OK(message, n); message = NLMSG_NEXT(message, n)) {
			done = message->nlmsg_type == NLMSG_DONE ||
			       message->nlmsg_type == NLMSG_ERROR;
			if (done)
				OUT("%s ends: type %d flags %x result %d", what,
				    message->nlmsg_type, message->nlmsg_flags,
				    *(int *)NLMSG_DATA(message));
			else if (is_shown(message))
				show(what, message, family_size, wanted);
		}
		if (!done)
			n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	}
}

/* ---- links ----------------------------------------------------------------------------------- */

static const int link_facts[] = { IFLA_ADDRESS, IFLA_BROADCAST, IFLA_IFNAME, IFLA_MTU, IFLA_QDISC,
	IFLA_TXQLEN, IFLA_OPERSTATE, IFLA_LINKMODE, IFLA_GROUP, IFLA_PROMISCUITY, IFLA_CARRIER,
	IFLA_NUM_TX_QUEUES, IFLA_MIN_MTU, IFLA_MAX_MTU, 0 };

static int is_lo(const struct nlmsghdr *message)
{
	return ((struct ifinfomsg *)NLMSG_DATA(message))->ifi_index == LO;
}

static int lo_flags(unsigned int flags, unsigned int mask)
{
	struct ifinfomsg *link = begin(RTM_NEWLINK, 0, sizeof(*link));

	link->ifi_index = LO;
	link->ifi_flags = flags;
	link->ifi_change = mask;
	return run();
}

static void check_links(void)
{
	struct ifinfomsg *link = begin(RTM_GETLINK, 0, sizeof(*link));

	link->ifi_index = LO;
	if (ask() > 0)
		show("lo by index", (void *)answer, sizeof(*link), link_facts);
	begin(RTM_GETLINK, 0, sizeof(*link));
	put(IFLA_IFNAME, "lo", 3);
	if (ask() > 0)
		show("lo by name", (void *)answer, sizeof(*link), link_facts);
	begin(RTM_GETLINK, NLM_F_DUMP, sizeof(*link));
	dump("links", sizeof(*link), link_facts, is_lo);
	begin(RTM_GETLINK, NLM_F_DUMP, 1);
	dump("links for a short request", sizeof(*link), (int[]){ IFLA_IFNAME, 0 }, is_lo);
	link = begin(RTM_GETLINK, 0, sizeof(*link));
	link->ifi_index = 4711;
	CHECK_EQ(a_link_that_is_not_there, run(), ENODEV);
	begin(RTM_GETLINK, 0, sizeof(*link));
	put(IFLA_IFNAME, "nosuch0", 8);
	CHECK_EQ(nor_by_name, run(), ENODEV);
	begin(RTM_GETLINK, 0, sizeof(*link));
	put(IFLA_IFNAME, "averyveryverylongname", 22);
	CHECK_EQ(too_long_a_name, run(), ERANGE);
	begin(RTM_GETLINK, 0, sizeof(*link));
	CHECK_EQ(no_link_in_particular, run(), EINVAL);
}

static void check_link_changes(void)
{
	struct ifinfomsg *link = begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*link));

	link->ifi_index = LO;
	CHECK_EQ(lo_exists, run(), EEXIST);
	link = begin(RTM_DELLINK, 0, sizeof(*link));
	link->ifi_index = LO;
	CHECK_EQ(lo_cannot_be_deleted, run(), EOPNOTSUPP);
	link = begin(RTM_NEWLINK, 0, sizeof(*link));
	link->ifi_index = -1;
	CHECK_EQ(a_negative_index, run(), EINVAL);
	link = begin(RTM_SETLINK, 0, sizeof(*link));
	link->ifi_index = LO;
	put_int(IFLA_MTU, 32000);
	CHECK_EQ(the_mtu_can_be_set, run(), 0);
	link = begin(RTM_GETLINK, 0, sizeof(*link));
	link->ifi_index = LO;
	if (ask() > 0)
		show("now", (void *)answer, sizeof(*link), (int[]){ IFLA_MTU, 0 });
	link = begin(RTM_SETLINK, 0, sizeof(*link));
	link->ifi_index = LO;
	put_int(IFLA_MTU, 65536);
	CHECK_EQ(and_set_back, run(), 0);
	link = begin(RTM_SETLINK, 0, sizeof(*link));
	link->ifi_index = LO;
	put(IFLA_ADDRESS, "abc", 3);
	CHECK_EQ(too_short_an_address, run(), EINVAL);
	link = begin(RTM_SETLINK, 0, sizeof(*link));
	CHECK_EQ(which_link, run(), EINVAL);
}

/* ---- addresses ------------------------------------------------------------------------------- */

static const int address_facts[] = { IFA_ADDRESS, IFA_LOCAL, IFA_LABEL, IFA_BROADCAST, IFA_FLAGS,
	0 };

static int is_los(const struct nlmsghdr *message)
{
	return ((struct ifaddrmsg *)NLMSG_DATA(message))->ifa_index == LO;
}

static struct ifaddrmsg *address(int type, int flags, const char *text, int length)
{
	struct ifaddrmsg *a = begin(type, flags, sizeof(*a));

	a->ifa_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	a->ifa_prefixlen = (unsigned char)length;
	a->ifa_index = LO;
	put_ip(IFA_LOCAL, text);
	return a;
}

static void check_addresses(void)
{
	struct rtgenmsg *all;

	address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "10.9.8.7", 24);
	put_ip(IFA_BROADCAST, "10.9.8.255");
	put(IFA_LABEL, "lo:x", 5);
	CHECK_EQ(an_address_is_added, run(), 0);
	address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "10.9.8.7", 24);
	CHECK_EQ(once, run(), EEXIST);
	address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, "10.9.8.7", 24);
	CHECK_EQ(or_changed, run(), 0);
	address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "10.9.8.8", 24);
	CHECK_EQ(a_second_one, run(), 0);
	address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "fd00::7", 64)->ifa_flags = IFA_F_NODAD;
	CHECK_EQ(one_of_ipv6, run(), 0);
	all = begin(RTM_GETADDR, NLM_F_DUMP, sizeof(*all));
	all->rtgen_family = AF_INET;
	dump("IPv4", sizeof(struct ifaddrmsg), address_facts, is_los);
	all = begin(RTM_GETADDR, NLM_F_DUMP, sizeof(*all));
	all->rtgen_family = AF_INET6;
	dump("IPv6", sizeof(struct ifaddrmsg), address_facts, is_los);
	address(RTM_NEWADDR, NLM_F_CREATE, "10.9.8.7", 33);
	CHECK_EQ(too_long_a_prefix, run(), EINVAL);
	address(RTM_NEWADDR, NLM_F_CREATE, "10.9.8.7", 24)->ifa_index = 4711;
	CHECK_EQ(no_such_link, run(), ENODEV);
	address(RTM_NEWADDR, NLM_F_CREATE, "10.9.8.7", 24)->ifa_family = AF_UNIX;
	CHECK_EQ(no_such_family, run(), EOPNOTSUPP);
	address(RTM_DELADDR, 0, "10.9.8.9", 24);
	CHECK_EQ(an_address_that_is_not_there, run(), EADDRNOTAVAIL);
	address(RTM_DELADDR, 0, "10.9.8.7", 24);
	CHECK_EQ(an_address_goes, run(), 0);
	address(RTM_DELADDR, 0, "10.9.8.8", 24);
	CHECK_EQ(and_its_secondary_one_with_it, run(), EADDRNOTAVAIL);
	address(RTM_DELADDR, 0, "fd00::7", 64);
	CHECK_EQ(that_of_ipv6_goes, run(), 0);
}

/* ---- routes ---------------------------------------------------------------------------------- */

static const int route_facts[] = { RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC,
	RTA_TABLE, 0 };

static struct rtmsg *route(int type, int flags, const char *text, int length)
{
	struct rtmsg *r = begin(type, flags, sizeof(*r));

	r->rtm_family = AF_INET;
	r->rtm_dst_len = (unsigned char)length;
	r->rtm_table = RT_TABLE_MAIN;
	r->rtm_protocol = RTPROT_STATIC;
	r->rtm_type = type == RTM_NEWROUTE ? RTN_UNICAST : 0;
	r->rtm_scope = type == RTM_NEWROUTE ? RT_SCOPE_LINK : RT_SCOPE_NOWHERE;
	put_ip(RTA_DST, text);
	return r;
}

static int is_of_test(const struct nlmsghdr *message)
{
	const struct rtmsg *r = NLMSG_DATA(message);

	return r->rtm_table == RT_TABLE_MAIN && r->rtm_protocol == RTPROT_STATIC;
}

static int is_lo_local(const struct nlmsghdr *message)
{
	return ((struct rtmsg *)NLMSG_DATA(message))->rtm_table == RT_TABLE_LOCAL;
}

static void check_routes(void)
{
	struct rtmsg *r;

	route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, "10.50.0.0", 16);
	put_int(RTA_OIF, LO);
	CHECK_EQ(a_route_is_added, run(), 0);
	route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, "10.50.0.0", 16);
	put_int(RTA_OIF, LO);
	CHECK_EQ(a_route_is_there_once, run(), EEXIST);
	route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, "10.50.0.0", 16);
	put_int(RTA_OIF, LO);
	put_int(RTA_PRIORITY, 7);
	CHECK_EQ(but_with_another_metric, run(), 0);
	route(RTM_NEWROUTE, NLM_F_CREATE, "10.51.0.0", 16)->rtm_type = RTN_UNREACHABLE;
	CHECK_EQ(a_route_to_nowhere, run(), 0);
	route(RTM_NEWROUTE, NLM_F_CREATE, "10.50.0.1", 16);
	put_int(RTA_OIF, LO);
	CHECK_EQ(bits_behind_the_prefix, run(), EINVAL);
	route(RTM_NEWROUTE, NLM_F_CREATE, "10.50.0.0", 33);
	CHECK_EQ(too_long_a_destination, run(), EINVAL);
	route(RTM_NEWROUTE, NLM_F_CREATE, "10.52.0.0", 16)->rtm_scope = RT_SCOPE_UNIVERSE;
	put_ip(RTA_GATEWAY, "192.0.2.1");
	CHECK_EQ(a_gateway_on_no_link, run(), ENETUNREACH);
	route(RTM_NEWROUTE, NLM_F_CREATE, "10.52.0.0", 16);
	put_int(RTA_OIF, 4711);
	CHECK_EQ(a_link_that_does_not_exist, run(), ENODEV);
	r = begin(RTM_GETROUTE, NLM_F_DUMP, sizeof(*r));
	r->rtm_family = AF_INET;
	dump("routes", sizeof(*r), route_facts, is_of_test);
	r = begin(RTM_GETROUTE, NLM_F_DUMP, sizeof(*r));
	r->rtm_family = AF_INET;
	dump("local", sizeof(*r), route_facts, is_lo_local);
	route(RTM_DELROUTE, 0, "10.50.0.0", 16);
	CHECK_EQ(a_route_goes, run(), 0);
	route(RTM_DELROUTE, 0, "10.50.0.0", 16);
	CHECK_EQ(the_other_too, run(), 0);
	route(RTM_DELROUTE, 0, "10.50.0.0", 16);
	CHECK_EQ(then_there_is_none, run(), ESRCH);
}

static void check_lookups(void)
{
	struct rtmsg *r = begin(RTM_GETROUTE, 0, sizeof(*r));

	r->rtm_family = AF_INET;
	put_ip(RTA_DST, "127.0.0.1");
	if (ask() > 0)
		show("to ourselves", (void *)answer, sizeof(*r), route_facts);
	r = begin(RTM_GETROUTE, 0, sizeof(*r));
	r->rtm_family = AF_INET6;
	put_ip(RTA_DST, "::1");
	if (ask() > 0)
		show("to ourselves, IPv6", (void *)answer, 4, route_facts);
	r = begin(RTM_GETROUTE, 0, sizeof(*r));
	r->rtm_family = AF_INET;
	put_ip(RTA_DST, "192.0.2.1");
	CHECK_EQ(to_where_nobody_leads, run(), ENETUNREACH);
	r = begin(RTM_GETROUTE, 0, sizeof(*r));
	r->rtm_family = AF_INET;
	put_ip(RTA_DST, "10.51.1.1");
	CHECK_EQ(to_where_a_route_says_no, run(), EHOSTUNREACH);
	route(RTM_DELROUTE, 0, "10.51.0.0", 16);
	CHECK_EQ(that_route_goes_too, run(), 0);
}

/* ---- rules and neighbours -------------------------------------------------------------------- */

static int is_any(const struct nlmsghdr *message)
{
	return message->nlmsg_type == RTM_NEWRULE;
}

static void check_others(void)
{
	struct rtgenmsg *all = begin(RTM_GETRULE, NLM_F_DUMP, sizeof(*all));
	struct ndmsg *n;

	all->rtgen_family = AF_INET;
	dump("rules", 12, (int[]){ 6, 15, 21, 0 }, is_any);
	all = begin(RTM_GETRULE, NLM_F_DUMP, sizeof(*all));
	all->rtgen_family = AF_INET6;
	dump("rules of IPv6", 12, (int[]){ 6, 15, 21, 0 }, is_any);
	n = begin(RTM_NEWNEIGH, NLM_F_CREATE, sizeof(*n));
	n->ndm_family = AF_INET;
	n->ndm_ifindex = LO;
	CHECK_EQ(a_neighbour_without_an_address, run(), EINVAL);
	n = begin(RTM_NEWNEIGH, NLM_F_CREATE, sizeof(*n));
	n->ndm_family = AF_INET;
	n->ndm_ifindex = 4711;
	put_ip(NDA_DST, "10.1.2.3");
	CHECK_EQ(a_neighbour_on_no_link, run(), ENODEV);
	n = begin(RTM_DELNEIGH, 0, sizeof(*n));
	n->ndm_family = AF_INET;
	n->ndm_ifindex = LO;
	put_ip(NDA_DST, "10.1.2.3");
	CHECK_EQ(a_neighbour_that_is_not_there, run(), ENOENT);
	begin(RTM_GETQDISC + 1, 0, 16);
	CHECK_EQ(a_change_that_is_none, run(), EOPNOTSUPP);
}

/* ---- dumps and events ------------------------------------------------------------------------ */

static void check_dumps(void)
{
	struct rtgenmsg *all = begin(RTM_GETADDR, NLM_F_DUMP | NLM_F_ACK, sizeof(*all));
	int size = 0;

	all->rtgen_family = AF_INET;
	send(fd, &request, request.header.nlmsg_len, 0);
	size = (int)recv(fd, answer, 1, MSG_PEEK | MSG_TRUNC);
	CHECK(a_dump_can_be_measured, size > 16);
	CHECK_EQ(it_is_cut, recv(fd, answer, 16, 0), 16);
	CHECK_EQ(then_it_ends, recv(fd, answer, sizeof(answer), 0),
		 (ssize_t)NLMSG_LENGTH(sizeof(int)));
	CHECK_EQ(by_a_message_of_its_own, ((struct nlmsghdr *)answer)->nlmsg_type, NLMSG_DONE);
	CHECK_ERRNO(without_an_acknowledgement, recv(fd, answer, 1, MSG_DONTWAIT), EAGAIN);
}

static void next_event(int listener, const char *what)
{
	ssize_t n = recv(listener, answer, sizeof(answer), MSG_DONTWAIT);
	const struct nlmsghdr *message = (void *)answer;

	if (n < 0)
		OUT("%s: nothing", what);
	else
		OUT("%s: type %d flags %x", what, message->nlmsg_type, message->nlmsg_flags);
}

static void check_events(void)
{
	struct sockaddr_nl groups = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE };
	int listener = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	bind(listener, (struct sockaddr *)&groups, sizeof(groups));
	next_event(listener, "at first");
	address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, "10.9.8.7", 32);
	run();
	next_event(listener, "an address");
	next_event(listener, "its route");
	next_event(listener, "and then");
	route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, "10.50.0.0", 16);
	put_int(RTA_OIF, LO);
	run();
	next_event(listener, "a route");
	route(RTM_DELROUTE, 0, "10.50.0.0", 16);
	run();
	next_event(listener, "a route went");
	address(RTM_DELADDR, 0, "10.9.8.7", 32);
	run();
	next_event(listener, "an address went");
	next_event(listener, "its route went");
	next_event(listener, "at last");
	close(listener);
}

int main(void)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK };

	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	bind(fd, (struct sockaddr *)&name, sizeof(name));
	CHECK_EQ(lo_comes_up, lo_flags(IFF_UP, IFF_UP), 0);
	check_links();
	check_link_changes();
	check_addresses();
	check_routes();
	check_lookups();
	check_others();
	check_dumps();
	check_events();
	return 0;
}
