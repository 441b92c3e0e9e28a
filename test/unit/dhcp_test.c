/*
 * ip= and DHCP: words taken apart; messages of ours; answers of a server made here, cut, mutated.
 * sources: net/autoconf/dhcp.c net/autoconf/words.c lib/checksum.c
 */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>

#include "lib/byteorder.h"
#include "lib/checksum.h"
#include "net/autoconf/dhcp.h"
#include "net/autoconf/words.h"

static const struct dhcp_client client = {
	.xid = 0x12345678, .mac = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 },
};

static __be32 address(const char *text)
{
	return (__be32)inet_addr(text);
}

static struct autoconf_wish parsed(const char *text)
{
	struct autoconf_wish wish;

	assert_int_equal(autoconf_parse(text, &wish), 0);
	return wish;
}

TEST(one_word_asks_for_dhcp_or_for_nothing)
{
	static const char *const yes[] = {
		"dhcp", "on", "any", "both", "bootp", ":::::eth0:dhcp", "::::::",
	};
	static const char *const no[] = { "off", "none", "", ":::::eth0:off" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		assert_true(parsed(yes[i]).is_wanted && parsed(yes[i]).is_dynamic);
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		assert_false(parsed(no[i]).is_wanted);
}

TEST(fields_are_taken_apart)
{
	struct autoconf_wish wish =
		parsed("10.1.2.3:10.1.2.1:10.1.2.254:255.255.0.0:box.example.org:eth1:off:"
		       "10.0.0.53:10.0.0.54");

	assert_true(wish.is_wanted && !wish.is_dynamic);
	assert_int_equal(wish.address, address("10.1.2.3"));
	assert_int_equal(wish.server, address("10.1.2.1"));
	assert_int_equal(wish.gateway, address("10.1.2.254"));
	assert_int_equal(wish.mask, address("255.255.0.0"));
	assert_string_equal(wish.host, "box");
	assert_string_equal(wish.domain, "example.org");
	assert_string_equal(wish.device, "eth1");
	assert_int_equal(wish.dns[0], address("10.0.0.53"));
	assert_int_equal(wish.dns[1], address("10.0.0.54"));
	assert_false(parsed("192.168.0.2").is_dynamic);
}

TEST(nonsense_is_refused)
{
	static const char *const bad[] = {
		"dhcpx", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1..2.3", "1.2.3.4:x", "::::::rarp",
		"1.2.3.4:::::a-name-that-is-too-long", "1.2.3.4 ", ".1.2.3.4", "1.2.3.4.",
	};
	struct autoconf_wish wish;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(autoconf_parse(bad[i], &wish), -EINVAL);
}

TEST(prefix_lengths_of_masks)
{
	assert_int_equal(dhcp_prefix_length(address("0.0.0.0")), 0);
	assert_int_equal(dhcp_prefix_length(address("255.255.255.0")), 24);
	assert_int_equal(dhcp_prefix_length(address("255.255.255.255")), 32);
	assert_int_equal(dhcp_prefix_length(address("255.0.255.0")), 32);
}

TEST(a_request_is_a_whole_packet)
{
	uint8_t packet[DHCP_PACKET_SIZE];
	struct dhcp_client asks = client;

	asks.requested = address("10.0.2.15");
	asks.server = address("10.0.2.2");
	dhcp_write(packet, &asks, DHCP_REQUEST);
	assert_int_equal(checksum_fold(checksum_add(0, packet, 20)), 0xffff);
	assert_int_equal(load_be16(packet + 2), DHCP_PACKET_SIZE);
	assert_int_equal(load_be16(packet + 22), 67);
	assert_memory_equal(packet + 28 + 28, client.mac, 6);
	assert_memory_equal(packet + 28 + 240, "\x35\x01\x03\x32\x04\x0a\x00\x02\x0f"
	                    "\x36\x04\x0a\x00\x02\x02", 15);
}

/* An answer of a server with these options; returns the packet's size. */
static size_t answer(uint8_t *packet, const void *options, size_t size)
{
	uint16_t sum;
	size_t total = 20 + 8 + 240 + size;

	dhcp_write(packet, &client, DHCP_DISCOVER);
	packet[28] = 2;
	memcpy(packet + 28 + 16, "\x0a\x00\x02\x0f", 4);
	memcpy(packet + 28 + 240, options, size);
	store_be16(packet + 20, 67);
	store_be16(packet + 22, 68);
	store_be16(packet + 24, (uint16_t)(total - 20));
	store_be16(packet + 2, (uint16_t)total);
	memset(packet + 10, 0, 2);
	sum = (uint16_t)~checksum_fold(checksum_add(0, packet, 20));
	memcpy(packet + 10, &sum, 2);
	return total;
}

static const char whole[] =
	"\x35\x01\x05\x01\x04\xff\xff\xff\x00\x03\x04\x0a\x00\x02\x02"
	"\x06\x08\x0a\x00\x02\x03\x0a\x00\x02\x04\x00\x0c\x03"
	"box" "\x0f\x09" "wire.test" "\x36\x04\x0a\x00\x02\x02\xff";

TEST(an_answer_is_read)
{
	uint8_t packet[600];
	struct dhcp_reply reply;
	size_t size = answer(packet, whole, sizeof(whole) - 1);

	assert_true(dhcp_read(packet, size, &client, &reply));
	assert_int_equal(reply.type, DHCP_ACK);
	assert_int_equal(reply.address, address("10.0.2.15"));
	assert_int_equal(reply.prefix_length, 24);
	assert_int_equal(reply.gateway, address("10.0.2.2"));
	assert_int_equal(reply.server, address("10.0.2.2"));
	assert_int_equal(reply.dns[1], address("10.0.2.4"));
	assert_string_equal(reply.host, "box");
	assert_string_equal(reply.domain, "wire.test");
}

TEST(an_answer_to_somebody_else_is_not_ours)
{
	uint8_t packet[600];
	struct dhcp_reply reply;
	struct dhcp_client other = client;
	size_t size = answer(packet, whole, sizeof(whole) - 1);

	other.xid++;
	assert_false(dhcp_read(packet, size, &other, &reply));
	other = client;
	other.mac[5]++;
	assert_false(dhcp_read(packet, size, &other, &reply));
}

TEST(every_truncation_is_refused)
{
	uint8_t packet[600];
	struct dhcp_reply reply;
	size_t size = answer(packet, whole, sizeof(whole) - 1);

	for (size_t n = 0; n < size; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, packet, n);
		assert_false(dhcp_read(exact, n, &client, &reply));
		free(exact);
	}
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		size = answer(packet, whole, n);
		assert_false(dhcp_read(packet, size, &client, &reply));
	}
}

TEST(mutated_answers_touch_nothing_outside)
{
	uint8_t packet[600];
	struct dhcp_reply reply;
	uint64_t seed = 7;

	for (int round = 0; round < 200000; round++) {
		size_t size = answer(packet, whole, sizeof(whole) - 1);
		uint8_t *exact = malloc(size);

		memcpy(exact, packet, size);
		for (int n = 0; n < 3; n++)
			exact[28 + random_below(&seed, size - 28)] =
				(uint8_t)random_below(&seed, 256);
		if (dhcp_read(exact, size, &client, &reply))
			assert_true(strlen(reply.host) <= DHCP_NAME_MAX &&
			            strlen(reply.domain) <= DHCP_NAME_MAX);
		free(exact);
	}
}

UNIT_TESTS(T(one_word_asks_for_dhcp_or_for_nothing), T(fields_are_taken_apart),
           T(nonsense_is_refused), T(prefix_lengths_of_masks), T(a_request_is_a_whole_packet),
           T(an_answer_is_read), T(an_answer_to_somebody_else_is_not_ours),
           T(every_truncation_is_refused),
           T(mutated_answers_touch_nothing_outside))
