/*
 * lib/checksum: the sum of RFC 1071, against the definition.
 *
 * sources: lib/checksum.c
 */
#include "unit.h"

#include <string.h>

#include "lib/checksum.h"

/* As the definition says: 16-bit words, the carry added back, an odd byte padded with zero. */
static uint16_t sum_by_definition(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i += 2) {
		sum += data[i] | (uint32_t)(i + 1 < size ? data[i + 1] : 0) << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

TEST(sums_at_every_length_and_alignment_are_as_defined)
{
	uint8_t data[512];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t start = 0; start < 9; start++)
		for (size_t size = 0; size < 400; size++)
			assert_int_equal(checksum_fold(checksum_add(0, data + start, size)),
			                 sum_by_definition(data + start, size));
}

TEST(carries_out_of_every_word_come_back)
{
	uint8_t data[256];

	memset(data, 0xff, sizeof(data));
	for (size_t size = 0; size < sizeof(data); size++)
		assert_int_equal(checksum_fold(checksum_add(0, data, size)),
		                 sum_by_definition(data, size));
	assert_int_equal(checksum_fold(~0ull), 0xffff);
}

TEST(a_sum_may_be_made_of_pieces)
{
	uint8_t data[128];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37);
	for (size_t cut = 0; cut < sizeof(data); cut += 2)
		assert_int_equal(checksum_fold(checksum_add(checksum_add(0, data, cut), data + cut,
		                                            sizeof(data) - cut)),
		                 sum_by_definition(data, sizeof(data)));
}

/* The example of RFC 1071, section 3. */
TEST(the_example_of_the_rfc_gives_ddf2)
{
	static const uint8_t data[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	uint16_t sum = checksum_fold(checksum_add(0, data, sizeof(data)));

	assert_int_equal(sum & 0xff, 0xdd);
	assert_int_equal(sum >> 8, 0xf2);
}

UNIT_TESTS(T(sums_at_every_length_and_alignment_are_as_defined),
           T(carries_out_of_every_word_come_back), T(a_sum_may_be_made_of_pieces),
           T(the_example_of_the_rfc_gives_ddf2))
