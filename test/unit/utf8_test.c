/*
 * lib/utf8: every character survives, and nothing else is a character.
 *
 * sources: lib/utf8.c
 */
#include "unit.h"

#include <errno.h>

#include "lib/utf8.h"

TEST(every_character_survives_the_round_trip)
{
	for (uint32_t code = 0; code <= 0x110000; code++) {
		bool exists = code < 0x110000 && (code < 0xd800 || code > 0xdfff);
		uint8_t bytes[4];
		uint32_t back;
		int n = utf8_encode(code, bytes);

		if (!exists) {
			assert_int_equal(n, -EILSEQ);
			continue;
		}
		assert_int_equal(utf8_decode(bytes, (size_t)n, &back), n);
		assert_int_equal(back, code);
		assert_int_equal(utf8_decode(bytes, (size_t)n - 1, &back), -EILSEQ);
	}
}

TEST(malformed_sequences_are_refused)
{
	static const char *const bad[] = {
		"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
		"\xf4\x90\x80\x80", "\xf8\x88\x80\x80", "\xff", "\xc3\x28", "\xe2\x28\xa1", "a\xc3",
	};

	for (size_t i = 0; i < array_size(bad); i++)
		assert_false(utf8_is_valid(bad[i], strlen(bad[i])));
	assert_true(utf8_is_valid("Gr\xc3\xbc\xc3\x9f" "e \xe2\x82\xac", 11));
	assert_true(utf8_is_valid("", 0));
}

UNIT_TESTS(T(every_character_survives_the_round_trip), T(malformed_sequences_are_refused))
