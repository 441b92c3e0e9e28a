/*
 * Reading and writing netlink messages, with what hostile programs send.
 *
 * sources: net/netlink/attribute.c net/netlink/writer.c
 */
#include "unit.h"

#include <errno.h>

#include "net/netlink/attribute.h"
#include "net/netlink/writer.h"

enum { MAX_TYPE = 5, ROUNDS = 200000 };

static const struct attribute_policy policy[MAX_TYPE + 1] = {
	[1] = { ATTRIBUTE_U32, 0 },
	[2] = { ATTRIBUTE_STRING, 7 },
	[3] = { ATTRIBUTE_BYTES, 6 },
	[4] = { ATTRIBUTE_NEST, 0 },
	[5] = { ATTRIBUTE_ANY, 3 },
};

static const struct nlmsghdr head = { .nlmsg_type = 20, .nlmsg_seq = 1 };

TEST(what_is_written_is_read)
{
	uint8_t room[256];
	struct netlink_writer w = { .bytes = room, .room = sizeof(room) };
	const struct nlattr *found[MAX_TYPE + 1];
	const struct attribute_table table = { policy, found, MAX_TYPE, true };
	struct netlink_fault fault = { 0 };
	uint32_t nest;
	char text[8];

	assert_non_null(netlink_begin(&w, &head, 5));
	netlink_put_u32(&w, 1, 4711);
	netlink_put_string(&w, 2, "eth0");
	nest = netlink_nest_begin(&w, 4);
	netlink_put_u8(&w, 1, 9);
	netlink_nest_end(&w, nest);
	assert_true(netlink_end(&w));
	assert_int_equal(message_parse((void *)room, 5, &table, &fault), 0);
	assert_int_equal(attribute_u32(found[1]), 4711);
	assert_true(attribute_string(found[2], text, sizeof(text)));
	assert_string_equal(text, "eth0");
	assert_false(attribute_string(found[2], text, 4));
	assert_int_equal(attribute_size(found[4]), 8);
	assert_null(found[3]);
}

TEST(a_message_that_does_not_fit_is_taken_back)
{
	uint8_t room[64];
	struct netlink_writer w = { .bytes = room, .room = sizeof(room) };

	netlink_begin(&w, &head, 4);
	netlink_put_u32(&w, 1, 1);
	assert_true(netlink_end(&w));
	assert_int_equal(w.size, 28);
	netlink_begin(&w, &head, 4);
	netlink_put(&w, 3, room, 60);
	netlink_put_u32(&w, 1, 1);
	assert_false(netlink_end(&w));
	assert_int_equal(w.size, 28);
	assert_non_null(netlink_begin(&w, &head, 4));
	assert_true(netlink_end(&w));
	assert_null(netlink_begin(&w, &head, 4));
	assert_false(netlink_end(&w));
}

TEST(an_attribute_has_at_most_64_KiB)
{
	static uint8_t room[200000];
	struct netlink_writer w = { .bytes = room, .room = sizeof(room) };
	uint32_t nest;

	netlink_begin(&w, &head, 0);
	assert_null(netlink_reserve(&w, 1, 65535));
	assert_false(netlink_end(&w));
	netlink_begin(&w, &head, 0);
	nest = netlink_nest_begin(&w, 1);
	netlink_reserve(&w, 1, 60000);
	netlink_reserve(&w, 1, 60000);
	netlink_nest_end(&w, nest);
	assert_false(netlink_end(&w));
}

static int parse_one(uint16_t type, uint16_t size, const char *data, bool is_strict)
{
	struct { struct nlattr head; char data[32]; } attribute = { { size, type }, "" };
	const struct nlattr *found[MAX_TYPE + 1];
	const struct attribute_table table = { policy, found, MAX_TYPE, is_strict };
	struct netlink_fault fault = { 0 };
	int err;

	memcpy(attribute.data, data, strlen(data));
	err = attributes_parse((struct attribute_bytes){ &attribute, (size + 3u) & ~3u }, &table,
	                       &fault);
	if (err)
		assert_non_null(fault.text);
	return err;
}

TEST(sizes_are_checked)
{
	assert_int_equal(parse_one(1, 8, "abcd", false), 0);
	assert_int_equal(parse_one(1, 7, "abcd", false), -ERANGE);
	assert_int_equal(parse_one(1, 9, "abcd", false), 0);
	assert_int_equal(parse_one(1, 9, "abcd", true), -EINVAL);
	assert_int_equal(parse_one(2, 4, "", false), -ERANGE);
	assert_int_equal(parse_one(2, 4 + 7, "abcdefg", false), 0);
	assert_int_equal(parse_one(2, 4 + 8, "abcdefg", false), 0);
	assert_int_equal(parse_one(2, 4 + 8, "abcdefgh", false), -ERANGE);
	assert_int_equal(parse_one(3, 4 + 6, "", false), 0);
	assert_int_equal(parse_one(3, 4 + 7, "", false), -ERANGE);
	assert_int_equal(parse_one(4, 4, "", false), 0);
	assert_int_equal(parse_one(4, 6, "", false), -ERANGE);
	assert_int_equal(parse_one(5, 6, "", false), -ERANGE);
	assert_int_equal(parse_one(6, 6, "", false), 0);
	assert_int_equal(parse_one(6, 6, "", true), -EINVAL);
	assert_int_equal(parse_one(NLA_F_NESTED | 4, 4, "", true), 0);
}

TEST(a_header_that_is_not_whole_is_refused)
{
	struct nlmsghdr message = { .nlmsg_len = NLMSG_HDRLEN + 3 };
	const struct nlattr *found[MAX_TYPE + 1];
	const struct attribute_table table = { policy, found, MAX_TYPE, false };
	struct netlink_fault fault = { 0 };

	assert_int_equal(message_parse(&message, 4, &table, &fault), -EINVAL);
	assert_string_equal(fault.text, "Invalid header length");
}

/* Whatever is found lies inside; ASan watches the edges of an allocation of the exact size. */
TEST(random_bytes_are_read_within_bounds)
{
	uint64_t seed = 0x6e65746c696e6b;

	for (int round = 0; round < ROUNDS; round++) {
		size_t size = random_below(&seed, 96);
		uint8_t *bytes = malloc(size ? size : 1);
		const struct nlattr *found[MAX_TYPE + 1];
		const struct attribute_table table = { policy, found, MAX_TYPE, round & 1 };
		struct netlink_fault fault = { 0 };
		char text[16];

		for (size_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)(random_below(&seed, 3) ? random_below(&seed, 12)
			                                            : random_next(&seed));
		if (!attributes_parse((struct attribute_bytes){ bytes, size }, &table, &fault)) {
			for (int i = 1; i <= MAX_TYPE; i++) {
				const uint8_t *at = (const uint8_t *)found[i];

				if (!at)
					continue;
				assert_true(at >= bytes && at + found[i]->nla_len <= bytes + size);
			}
			if (found[1])
				(void)attribute_u32(found[1]);
			if (found[2])
				(void)attribute_string(found[2], text, sizeof(text));
		} else {
			assert_non_null(fault.text);
		}
		free(bytes);
	}
}

UNIT_TESTS(T(what_is_written_is_read), T(a_message_that_does_not_fit_is_taken_back),
           T(an_attribute_has_at_most_64_KiB), T(sizes_are_checked),
           T(a_header_that_is_not_whole_is_refused), T(random_bytes_are_read_within_bounds))
