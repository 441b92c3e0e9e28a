/*
 * The terminal emulator: SGR and colours. console_codes(4), "ECMA-48 Select Graphic Rendition";
 * bold is bright, dim is grey, italic is green and blinking has a bright paper, as on Linux's
 * framebuffer console; underline is drawn.
 */
#include "lib/string.h"
#include "tty/emulator_impl.h"

enum { COLOR_NORMAL_INK = 7, COLOR_GREEN = 2, COLOR_GREY = 8, BRIGHT = 8, CUBE = 16, RAMP = 232 };

static const uint32_t default_palette[EMULATOR_COLORS] = {
	0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
	0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
};

void style_reset(struct style *style)
{
	*style = (struct style){ .ink = COLOR_DEFAULT, .paper = COLOR_DEFAULT };
}

void palette_reset(struct emulator *em)
{
	memcpy(em->palette, default_palette, sizeof(em->palette));
}

/* xterm's: sixteen, a cube of 6 x 6 x 6, a ramp of greys. */
static uint32_t color_of_index(const struct emulator *em, uint32_t index)
{
	static const uint8_t levels[6] = { 0x00, 0x5f, 0x87, 0xaf, 0xd7, 0xff };
	uint32_t grey;

	if (index < CUBE)
		return em->palette[index];
	if (index >= RAMP) {
		grey = (index - RAMP) * 10 + 8;
		return grey << 16 | grey << 8 | grey;
	}
	index -= CUBE;
	return (uint32_t)levels[index / 36] << 16 | (uint32_t)levels[index / 6 % 6] << 8 |
	       levels[index % 6];
}

static uint32_t resolve(const struct emulator *em, uint32_t color, uint32_t otherwise, bool bright)
{
	if (color & COLOR_RGB)
		return color & 0xffffff;
	if (color & COLOR_DEFAULT)
		color = otherwise;
	return color_of_index(em, (color & 0xff) | (bright && color < BRIGHT ? BRIGHT : 0));
}

void style_resolve(const struct emulator *em, const struct style *style, uint32_t *ink,
                   uint32_t *paper)
{
	uint32_t color = style->ink, swap;

	if (style->flags & STYLE_ITALIC)
		color = COLOR_GREEN;
	else if (style->flags & STYLE_DIM)
		color = COLOR_GREY;
	*ink = resolve(em, color, COLOR_NORMAL_INK, style->flags & STYLE_BOLD);
	*paper = resolve(em, style->paper, 0, style->flags & STYLE_BLINK);
	if (!(style->flags & STYLE_REVERSE))
		return;
	swap = *ink;
	*ink = *paper;
	*paper = swap;
}

/*
 * 38 and 48: ;5;n or ;2;r;g;b behind parameter i. The index of the last parameter that belongs to
 * it; the colour stays when they are malformed.
 */
static unsigned int extended_color(const struct emulator *em, unsigned int i, uint32_t *color)
{
	const uint16_t *params = em->params;

	if (i + 2 <= em->nr_params && params[i + 1] == 5) {
		if (params[i + 2] < 256)
			*color = params[i + 2];
		return i + 2;
	}
	if (i + 4 <= em->nr_params && params[i + 1] == 2) {
		*color = COLOR_RGB | (params[i + 2] & 0xffu) << 16 | (params[i + 3] & 0xffu) << 8 |
		         (params[i + 4] & 0xffu);
		return i + 4;
	}
	return em->nr_params;
}

static void set_flag(struct style *style, unsigned int param)
{
	static const uint8_t on[] = {
		[1] = STYLE_BOLD, [2] = STYLE_DIM, [3] = STYLE_ITALIC, [4] = STYLE_UNDERLINE,
		[5] = STYLE_BLINK, [6] = STYLE_BLINK, [7] = STYLE_REVERSE,
	};
	static const uint8_t off[] = {
		[2] = STYLE_BOLD | STYLE_DIM, [3] = STYLE_ITALIC, [4] = STYLE_UNDERLINE,
		[5] = STYLE_BLINK, [7] = STYLE_REVERSE,
	};

	if (param == 21)
		style->flags |= STYLE_UNDERLINE;
	else if (param < array_size(on))
		style->flags |= on[param];
	else if (param >= 20 && param - 20 < array_size(off))
		style->flags &= (uint8_t)~off[param - 20];
}

/* 10: as chosen by SO, SI; 11, 12: the bytes are CP437, 12 with the high bit set. */
static void set_font(struct emulator *em, unsigned int param)
{
	em->shows_controls = param != 10;
	em->sets_high_bit = param == 12;
}

static void set_color(struct style *style, unsigned int param)
{
	if (param >= 30 && param <= 37)
		style->ink = param - 30;
	else if (param == 39)
		style->ink = COLOR_DEFAULT;
	else if (param >= 40 && param <= 47)
		style->paper = param - 40;
	else if (param == 49)
		style->paper = COLOR_DEFAULT;
	else if (param >= 90 && param <= 97)
		style->ink = param - 90 + BRIGHT;
	else if (param >= 100 && param <= 107)
		style->paper = param - 100 + BRIGHT;
}

void sgr_execute(struct emulator *em)
{
	struct style *style = &em->cursor.style;

	for (unsigned int i = 0; i <= em->nr_params; i++) {
		unsigned int param = em->params[i];

		if (param == 0)
			style_reset(style);
		else if (param == 38)
			i = extended_color(em, i, &style->ink);
		else if (param == 48)
			i = extended_color(em, i, &style->paper);
		else if (param >= 10 && param <= 12)
			set_font(em, param);
		else if (param < 30)
			set_flag(style, param);
		else
			set_color(style, param);
	}
}
