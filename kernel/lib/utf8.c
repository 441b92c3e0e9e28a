/*
 * UTF-8.
 */
#include <linux/errno.h>

#include "lib/utf8.h"

static bool is_character(uint32_t code)
{
	return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

/* How many bytes a character needs. */
static int encoded_size(uint32_t code)
{
	return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

int utf8_decode(const void *s, size_t size, uint32_t *code)
{
	const uint8_t *at = s;
	uint32_t c;
	int n;

	if (!size)
		return -EILSEQ;
	if (at[0] < 0x80) {
		*code = at[0];
		return 1;
	}
	n = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
	if (at[0] < 0xc0 || at[0] > 0xf7 || (size_t)n > size)
		return -EILSEQ;
	c = at[0] & (0x7fu >> n);
	for (int i = 1; i < n; i++) {
		if (!utf8_is_continuation(at[i]))
			return -EILSEQ;
		c = c << 6 | (at[i] & 0x3f);
	}
	if (encoded_size(c) != n || !is_character(c))
		return -EILSEQ;
	*code = c;
	return n;
}

int utf8_encode(uint32_t code, void *to)
{
	static const uint8_t leaders[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	uint8_t *at = to;
	int n = encoded_size(code);

	if (!is_character(code))
		return -EILSEQ;
	for (int i = n - 1; i > 0; i--) {
		at[i] = (uint8_t)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	at[0] = (uint8_t)(leaders[n > 1 ? n : 0] | code);
	return n;
}

bool utf8_is_valid(const void *s, size_t size)
{
	const uint8_t *at = s;

	while (size) {
		uint32_t code;
		int n = utf8_decode(at, size, &code);

		if (n < 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}
