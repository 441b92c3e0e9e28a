/*
 * The font of the screen. See dev/font.h.
 */
#include "dev/font.h"

#include "dev/font_data.h" /* generated */

enum { ASCII_FIRST = 0x20, ASCII_LAST = 0x7e };

static const uint16_t codes[FONT_NR_CODES] = { FONT_CODES };
static const uint16_t indices[FONT_NR_CODES] = { FONT_INDICES };
static const uint8_t glyphs[FONT_NR_GLYPHS][FONT_HEIGHT] = { FONT_GLYPHS };

/* Where the code is, or would be, among the codes. */
static size_t position_of(uint32_t code)
{
	size_t low = 0, high = FONT_NR_CODES;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (codes[middle] < code)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const uint8_t *font_glyph(uint32_t code)
{
	size_t position;

	if (code >= ASCII_FIRST && code <= ASCII_LAST && codes[code - ASCII_FIRST] == code)
		return glyphs[indices[code - ASCII_FIRST]];
	position = position_of(code);
	if (position < FONT_NR_CODES && codes[position] == code)
		return glyphs[indices[position]];
	return glyphs[FONT_FALLBACK];
}
