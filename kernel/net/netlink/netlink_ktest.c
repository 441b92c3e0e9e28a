/*
 * Hostile messages through a real socket: random headers, lengths and attributes, to all protocols
 * that the kernel answers. Nothing may be read or written beyond, and nothing may stay behind.
 *
 * What would change the machine is made to fail after its attributes were read, by an interface
 * that is not there or a prefix that is too long.
 */
#include <linux/errno.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/inet_diag.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>

#include "core/ktest.h"
#include "id/cred.h"
#include "lib/math.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "net/netlink/netlink_impl.h"
#include "net/netns.h"
#include "vm/uio.h"

enum { ROUNDS = 4000, MESSAGE_MAX = 512, ANSWER_MAX = 8192, NO_IFACE = 4711 };

static uint64_t seed;

static uint32_t next_random(uint32_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)((seed * 0x2545f4914f6cdd1dul) >> 33) % below;
}

static void test_ucred(struct ucred *out)
{
	*out = (struct ucred){ .pid = 4711 };
}

static const struct cred *test_cred(void)
{
	return &cred_root;
}

/* ---- making messages ------------------------------------------------------------------------- */

/* Attributes of which each may lie about its length, up to `end`. */
static uint32_t put_attributes(uint8_t *bytes, uint32_t at, uint32_t end)
{
	while (at + NLA_HDRLEN <= end && next_random(8)) {
		struct nlattr attribute = {
			.nla_type = (uint16_t)next_random(next_random(10) ? 24 : UINT16_MAX),
			.nla_len = (uint16_t)(NLA_HDRLEN + next_random(24)),
		};
		uint32_t step = NLA_ALIGN(attribute.nla_len);

		if (!next_random(10))
			attribute.nla_len = (uint16_t)next_random(UINT16_MAX);
		memcpy(bytes + at, &attribute, sizeof(attribute));
		at += NLA_HDRLEN;
		for (step -= NLA_HDRLEN; step && at < end; step--)
			bytes[at++] = (uint8_t)next_random(next_random(3) ? 3 : 256);
	}
	return at;
}

/* An interface that is not there, in all the places where a family header has one. */
static void disarm(uint16_t type, uint8_t *header)
{
	struct ifinfomsg *link = (void *)header;
	struct rtmsg *route = (void *)header;

	if (type >= RTM_NEWROUTE && type <= RTM_NEWROUTE + 1)
		route->rtm_dst_len = 200;
	else if (type >= RTM_BASE && (type & 3) != 2)
		link->ifi_index = NO_IFACE; /* the same place as ifa_index, ndm_ifindex */
}

static uint16_t random_type(uint16_t protocol)
{
	if (protocol == NETLINK_GENERIC)
		return (uint16_t)(GENL_ID_CTRL + next_random(2));
	if (protocol == NETLINK_SOCK_DIAG)
		return (uint16_t)(TCPDIAG_GETSOCK + next_random(5));
	return (uint16_t)(RTM_BASE + next_random(next_random(4) ? 20 : 120));
}

static uint32_t message_make(uint16_t protocol, uint8_t *bytes)
{
	static const uint8_t families[] = { AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX, AF_PACKET, 200 };
	struct nlmsghdr header = {
		.nlmsg_type = random_type(protocol),
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (next_random(2) ? NLM_F_DUMP : 0) |
					  (next_random(2) ? NLM_F_ACK : 0) |
					  (next_random(8) << 8)),
	};
	uint32_t family_size = next_random(4) ? 16 : next_random(80), size;

	for (uint32_t i = 0; i < 80; i++)
		bytes[NLMSG_HDRLEN + i] = (uint8_t)(next_random(4) ? 0 : next_random(256));
	bytes[NLMSG_HDRLEN] = families[next_random(sizeof(families))];
	disarm(header.nlmsg_type, bytes + NLMSG_HDRLEN);
	size = put_attributes(bytes, (uint32_t)(NLMSG_HDRLEN + NLMSG_ALIGN(family_size)),
	                      MESSAGE_MAX);
	header.nlmsg_len = size;
	if (!next_random(12))
		header.nlmsg_len = next_random(MESSAGE_MAX * 2);
	memcpy(bytes, &header, sizeof(header));
	return next_random(12) ? size : 1 + next_random(size);
}

/* ---- sending and reading --------------------------------------------------------------------- */

/* Everything that is answered is made of whole messages. */
static bool answer_is_sound(const uint8_t *bytes, size_t size)
{
	while (size >= NLMSG_HDRLEN) {
		const struct nlmsghdr *header = (const void *)bytes;
		size_t step = NLMSG_ALIGN(header->nlmsg_len);

		if (header->nlmsg_len < NLMSG_HDRLEN || header->nlmsg_len > size)
			return false;
		step = min(step, size);
		bytes += step;
		size -= step;
	}
	return !size;
}

static bool answers_read(struct socket *socket, uint8_t *room)
{
	for (;;) {
		struct uio uio;
		struct message message = { .uio = &uio, .flags = MSG_DONTWAIT | MSG_TRUNC };
		ssize_t n;

		uio_init_kernel(&uio, room, ANSWER_MAX);
		n = socket->ops->receive(socket, &message);
		if (n < 0)
			return n == -EAGAIN;
		if (n <= ANSWER_MAX && !answer_is_sound(room, (size_t)n))
			return false;
	}
}

static bool rounds_run(struct socket *socket, uint8_t *message_room, uint8_t *answer_room)
{
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t size = message_make(socket->protocol, message_room);
		struct message message = { .flags = MSG_DONTWAIT };
		struct uio uio;

		uio_init_kernel(&uio, message_room, size);
		message.uio = &uio;
		if (socket->ops->send(socket, &message) != (ssize_t)size ||
		    !answers_read(socket, answer_room))
			return false;
	}
	return true;
}

static bool protocol_survives(int protocol, bool is_strict)
{
	uint8_t *message_room = kmalloc(MESSAGE_MAX + 128, ALLOC_KERNEL);
	uint8_t *answer_room = kmalloc(ANSWER_MAX, ALLOC_KERNEL);
	struct socket *socket = NULL;
	bool survives = message_room && answer_room &&
			!socket_create(&netns_initial, &cred_root, AF_NETLINK, SOCK_RAW, protocol,
	                               &socket);

	seed = 0x6e65746c696e6b;
	if (survives) {
		to_netlink(socket)->flags = NETLINK_WANTS_EXT_ACK |
					    (is_strict ? NETLINK_IS_STRICT : 0u);
		survives = rounds_run(socket, message_room, answer_room);
		socket->ops->release(socket);
		socket_put(socket);
	}
	kfree(answer_room);
	kfree(message_room);
	return survives;
}

KTEST(hostile_netlink_messages_are_answered_and_leave_nothing)
{
	KTEST_NO_LEAK();
	socket_register_caller(test_ucred, test_cred);
	KTEST_ASSERT(protocol_survives(NETLINK_ROUTE, false));
	KTEST_ASSERT(protocol_survives(NETLINK_ROUTE, true));
	KTEST_ASSERT(protocol_survives(NETLINK_SOCK_DIAG, false));
	KTEST_ASSERT(protocol_survives(NETLINK_GENERIC, false));
}
