/*
 * Reading netlink messages: attributes are checked against a policy before anybody looks into
 * them. netlink(7), rtnetlink(3)
 *
 *     static const struct attribute_policy policy[IFA_MAX + 1] = {
 *             [IFA_LOCAL] = { ATTRIBUTE_BYTES, 4 }, ...
 *     };
 *     const struct nlattr *table[IFA_MAX + 1];
 *     err = attributes_parse(&(struct attribute_bytes){ first, size }, policy, table, ..., &fault);
 *
 * What a policy does not name is accepted and may be looked at by its length only. A type that
 * occurs twice counts as it came last, as on Linux. Everything is hostile: lengths are checked
 * against what is there; nothing is read beyond.
 *
 * Pure: no locks, no allocation. Test: test/unit/netlink_test.c.
 */
#pragma once

#include <linux/netlink.h>

#include "lib/types.h"

enum attribute_kind {
	ATTRIBUTE_ANY,    /* at least `size` bytes */
	ATTRIBUTE_U8,
	ATTRIBUTE_U16,
	ATTRIBUTE_U32,
	ATTRIBUTE_U64,
	ATTRIBUTE_STRING, /* at most `size` bytes beside a NUL at its end, if not 0 */
	ATTRIBUTE_BYTES,  /* at most `size` bytes, if not 0 */
	ATTRIBUTE_NEST,   /* empty, or at least one header */
};

struct attribute_policy {
	uint8_t  kind; /* enum attribute_kind */
	uint16_t size;
};

/* What is wrong with a message, as NETLINK_EXT_ACK tells it. */
struct netlink_fault {
	const char          *text; /* NULL: nothing to say */
	const struct nlattr *attribute; /* the bad one; NULL: none in particular */
};

/* Attributes behind each other. */
struct attribute_bytes {
	const void *first;
	size_t      size;
};

struct attribute_table {
	const struct attribute_policy *policy; /* max + 1 of them; NULL: anything goes */
	const struct nlattr          **found;  /* max + 1: where each lies, or NULL */
	uint16_t                       max;
	bool                           is_strict; /* nothing unknown, nothing left over */
};

/* Fills the table. 0; EINVAL, ERANGE with a fault told. */
int __must_check attributes_parse(struct attribute_bytes bytes, const struct attribute_table *table,
                                  struct netlink_fault *fault);
/* Those behind a family header of this size in a message. EINVAL, ERANGE. */
int __must_check message_parse(const struct nlmsghdr *header, uint32_t header_size,
                               const struct attribute_table *table, struct netlink_fault *fault);

/* What comes behind the header of a message: the family's. */
static inline const void *message_body(const struct nlmsghdr *header)
{
	static_assert(sizeof(*header) == NLMSG_HDRLEN, "a header needs no padding");
	return header + 1;
}

static inline uint32_t attribute_size(const struct nlattr *attribute)
{
	return attribute->nla_len - (uint32_t)NLA_HDRLEN;
}

static inline const void *attribute_data(const struct nlattr *attribute)
{
	return attribute + 1;
}

static inline struct attribute_bytes attribute_inside(const struct nlattr *attribute)
{
	return (struct attribute_bytes){ attribute + 1, attribute_size(attribute) };
}

/* The first so many bytes of a number. */
uint8_t  attribute_u8(const struct nlattr *attribute);
uint16_t attribute_u16(const struct nlattr *attribute);
uint32_t attribute_u32(const struct nlattr *attribute);
/* A string into room; false: it is too long. */
bool attribute_string(const struct nlattr *attribute, char *to, size_t room);

/* The next attribute of some, or NULL; the rest stays in *bytes. */
const struct nlattr *attribute_next(struct attribute_bytes *bytes);
