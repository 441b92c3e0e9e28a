/*
 * Framebuffers: pixels and glyphs. See dev/framebuffer.h.
 *
 * Pixels go out in pairs, eight bytes at a time: a table of the four pairs that two bits of a glyph
 * can be makes a row of a glyph four stores.
 */
#include "dev/framebuffer.h"

#include "dev/font.h"
#include "lib/atomic.h"

enum { UNDERLINE_ROW = FONT_HEIGHT - 2, PIXEL_SIZE = 4 };

static struct framebuffer *registered __atomic;

bool framebuffer_register(struct framebuffer *fb)
{
	if (framebuffer_find())
		return false;
	atomic_store_release(&registered, fb); /* pairs with framebuffer_find() */
	return true;
}

struct framebuffer *framebuffer_find(void)
{
	return atomic_load_acquire(&registered);
}

bool pixel_channel_of(uint32_t mask, struct pixel_channel *channel)
{
	uint32_t shift = 0, bits = 0;

	if (!mask)
		return false;
	while (!(mask >> shift & 1))
		shift++;
	while (shift + bits < 32 && mask >> (shift + bits) & 1)
		bits++;
	*channel = (struct pixel_channel){ (uint8_t)shift, (uint8_t)bits };
	return shift + bits == 32 || !(mask >> (shift + bits));
}

/* 8 bits become as many as the channel has. */
static uint32_t scale_channel(struct pixel_channel channel, uint32_t value)
{
	uint64_t most = (1ull << channel.bits) - 1;

	return (uint32_t)(((value & 0xff) * most / 0xff) << channel.shift);
}

uint32_t framebuffer_pixel(const struct framebuffer *fb, uint32_t color)
{
	return scale_channel(fb->red, color >> 16) | scale_channel(fb->green, color >> 8) |
	       scale_channel(fb->blue, color);
}

static uint64_t pair(uint32_t left, uint32_t right)
{
	return (uint64_t)right << 32 | left;
}

static void draw_rows(const struct framebuffer *fb, volatile uint8_t *at, const uint8_t *rows,
                      const struct glyph_style *style)
{
	const uint32_t ink = style->ink, paper = style->paper;
	const uint64_t pairs[4] = { pair(paper, paper), pair(paper, ink), pair(ink, paper),
		                    pair(ink, ink) };

	for (uint32_t row = 0; row < FONT_HEIGHT; row++, at += fb->stride) {
		volatile uint64_t *to = (volatile uint64_t *)(volatile void *)at;
		uint32_t bits = rows[row];

		if (style->is_underlined && row == UNDERLINE_ROW)
			bits = 0xff;
		to[0] = pairs[bits >> 6];
		to[1] = pairs[bits >> 4 & 3];
		to[2] = pairs[bits >> 2 & 3];
		to[3] = pairs[bits & 3];
	}
}

static void draw_rows_scaled(const struct framebuffer *fb, volatile uint8_t *at,
                             const uint8_t *rows, const struct glyph_style *style)
{
	const uint32_t scale = style->scale;

	for (uint32_t y = 0; y < FONT_HEIGHT * scale; y++, at += fb->stride) {
		volatile uint32_t *to = (volatile uint32_t *)(volatile void *)at;
		uint32_t row = y / scale, bits = rows[row];

		if (style->is_underlined && row == UNDERLINE_ROW)
			bits = 0xff;
		for (uint32_t x = 0; x < FONT_WIDTH * scale; x++)
			to[x] = bits >> (FONT_WIDTH - 1 - x / scale) & 1 ? style->ink
			                                                 : style->paper;
	}
}

void framebuffer_draw_glyph(const struct framebuffer *fb, uint32_t x, uint32_t y,
                            const uint8_t *glyph, const struct glyph_style *style)
{
	volatile uint8_t *at = fb->base + (size_t)y * fb->stride + (size_t)x * PIXEL_SIZE;

	if (style->scale == 1)
		draw_rows(fb, at, glyph, style);
	else
		draw_rows_scaled(fb, at, glyph, style);
}

void framebuffer_fill_rest(const struct framebuffer *fb, uint32_t x, uint32_t y, uint32_t pixel)
{
	for (uint32_t row = 0; row < fb->height; row++) {
		volatile uint32_t *to =
			(volatile uint32_t *)(volatile void *)(fb->base + (size_t)row * fb->stride);

		for (uint32_t column = row < y ? x : 0; column < fb->width; column++)
			to[column] = pixel;
	}
}
