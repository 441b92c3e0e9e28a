/*
 * Writing netlink messages: netlink(7), rtnetlink(7).
 *
 *     struct netlink_writer w = { .bytes = room, .room = sizeof(room) };
 *     struct ifaddrmsg *m = netlink_begin(&w, &(struct nlmsghdr){ ... }, sizeof(*m));
 *     if (m) m->... = ...;
 *     netlink_put_u32(&w, IFA_FLAGS, flags);
 *     if (!netlink_end(&w)) ... it did not fit, and is not there
 *
 * The room is fixed. What does not fit makes the message that is being written void: puts do
 * nothing any more, and netlink_end() takes it back whole, so that writers check once. Messages
 * before it stay. Numbers are in the CPU's order, everything is aligned to four bytes and padding
 * is zero.
 *
 * Pure: no locks, no allocation. A writer belongs to one thread.
 */
#pragma once

#include <linux/netlink.h>

#include "lib/types.h"

struct netlink_writer {
	uint8_t *bytes;
	uint32_t room;
	uint32_t size;     /* of whole messages, then of the one being written too */
	uint32_t start;    /* of the message being written */
	bool     is_full;  /* it did not fit */
};

/*
 * Begins a message with this header (its length is set at the end) and `size` zero bytes of the
 * family's own header, which are the answer. NULL: no room.
 */
void *netlink_begin(struct netlink_writer *writer, const struct nlmsghdr *header, uint32_t size);
/* False: it did not fit and was taken back. */
bool netlink_end(struct netlink_writer *writer);
/* Takes the message being written back. */
void netlink_cancel(struct netlink_writer *writer);

void netlink_put(struct netlink_writer *writer, uint16_t type, const void *data, uint32_t size);
/* The attribute's data, zero, to be filled in; NULL: no room. */
void *netlink_reserve(struct netlink_writer *writer, uint16_t type, uint32_t size);
void netlink_put_u8(struct netlink_writer *writer, uint16_t type, uint8_t value);
void netlink_put_u16(struct netlink_writer *writer, uint16_t type, uint16_t value);
void netlink_put_u32(struct netlink_writer *writer, uint16_t type, uint32_t value);
/* With its NUL. */
void netlink_put_string(struct netlink_writer *writer, uint16_t type, const char *text);

/* Attributes inside an attribute: what begin returned goes to end. */
uint32_t netlink_nest_begin(struct netlink_writer *writer, uint16_t type);
void netlink_nest_end(struct netlink_writer *writer, uint32_t nest);
