/*
 * The font of the screen: 8 pixels wide, made at build time by tools/gen-font from the console
 * fonts of Debian's package console-setup-linux. Constant data, no locks.
 */
#pragma once

#include "lib/types.h"

enum { FONT_WIDTH = 8, FONT_HEIGHT = 16 };

/*
 * The picture of a character: FONT_HEIGHT rows from above, the leftmost pixel in the highest bit.
 * What the font has not looks like U+FFFD.
 */
const uint8_t *font_glyph(uint32_t code);
