/*
 * dev/framebuffer and dev/font: pixels where they belong, in every format, and nowhere else.
 *
 * sources: dev/framebuffer.c dev/font.c
 */
#include "unit.h"

#include "dev/font.h"
#include "dev/framebuffer.h"

enum { WIDTH = 37, HEIGHT = 50, STRIDE_PIXELS = 40 };

struct picture {
	struct framebuffer fb;
	uint32_t pixels[HEIGHT][STRIDE_PIXELS];
};

static void start(struct picture *p)
{
	memset(p, 0, sizeof(*p));
	p->fb = (struct framebuffer){
		.base = (volatile uint8_t *)p->pixels, .width = WIDTH, .height = HEIGHT,
		.stride = STRIDE_PIXELS * 4,
	};
	assert_true(pixel_channel_of(0xff0000, &p->fb.red));
	assert_true(pixel_channel_of(0x00ff00, &p->fb.green));
	assert_true(pixel_channel_of(0x0000ff, &p->fb.blue));
}

/* The glyph as the picture shows it at x, y, or an assertion that fails. */
static void assert_glyph(const struct picture *p, uint32_t x, uint32_t y, const uint8_t *glyph,
                         const struct glyph_style *style)
{
	for (uint32_t row = 0; row < HEIGHT; row++) {
		for (uint32_t column = 0; column < STRIDE_PIXELS; column++) {
			uint32_t gx = (column - x) / style->scale, gy = (row - y) / style->scale;
			bool is_inside = column >= x && row >= y && gx < FONT_WIDTH &&
			                 gy < FONT_HEIGHT;
			uint32_t expected = 0;

			if (is_inside)
				expected = glyph[gy] >> (7 - gx) & 1 ||
				           (style->is_underlined && gy == FONT_HEIGHT - 2)
				                   ? style->ink : style->paper;
			assert_int_equal(p->pixels[row][column], expected);
		}
	}
}

TEST(glyphs_are_drawn_exactly)
{
	struct picture p;

	for (uint32_t scale = 1; scale <= 2; scale++) {
		for (int underlined = 0; underlined < 2; underlined++) {
			struct glyph_style style = { 0x112233, 0x445566, scale, underlined };

			start(&p);
			framebuffer_draw_glyph(&p.fb, 5, 3, font_glyph('g'), &style);
			assert_glyph(&p, 5, 3, font_glyph('g'), &style);
		}
	}
}

TEST(masks_become_channels)
{
	struct pixel_channel channel;

	assert_true(pixel_channel_of(0xff000000, &channel));
	assert_int_equal(channel.shift, 24);
	assert_int_equal(channel.bits, 8);
	assert_true(pixel_channel_of(0x3ff00000, &channel));
	assert_int_equal(channel.bits, 10);
	assert_true(pixel_channel_of(0xffffffff, &channel));
	assert_false(pixel_channel_of(0, &channel));
	assert_false(pixel_channel_of(0x00f0f000, &channel));
	assert_false(pixel_channel_of(0x80000001, &channel));
}

TEST(colours_fit_any_format)
{
	struct framebuffer fb = { .red = { 0, 8 }, .green = { 8, 8 }, .blue = { 16, 8 } };

	assert_int_equal(framebuffer_pixel(&fb, 0x123456), 0x563412);
	fb = (struct framebuffer){ .red = { 20, 10 }, .green = { 10, 10 }, .blue = { 0, 10 } };
	assert_int_equal(framebuffer_pixel(&fb, 0xffffff), 0x3fffffff);
	fb = (struct framebuffer){ .red = { 11, 5 }, .green = { 5, 6 }, .blue = { 0, 5 } };
	assert_int_equal(framebuffer_pixel(&fb, 0xffffff), 0xffff);
	assert_int_equal(framebuffer_pixel(&fb, 0xff0000), 0xf800);
}

TEST(the_rest_is_filled_and_nothing_else)
{
	struct picture p;

	start(&p);
	framebuffer_fill_rest(&p.fb, 32, 48, 9);
	for (uint32_t y = 0; y < HEIGHT; y++) {
		for (uint32_t x = 0; x < STRIDE_PIXELS; x++)
			assert_int_equal(p.pixels[y][x], x < WIDTH && (x >= 32 || y >= 48) ? 9 : 0);
	}
}

TEST(the_font_has_what_was_promised)
{
	static const uint32_t ranges[][2] = {
		{ 0x21, 0x7e }, { 0xa1, 0xff }, { 0x391, 0x3a1 }, { 0x3b1, 0x3c9 },
		{ 0x401, 0x45f }, { 0x2500, 0x257f },
	};
	const uint8_t *fallback = font_glyph(0xfffd);

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		for (uint32_t code = ranges[i][0]; code <= ranges[i][1]; code++)
			assert_true(font_glyph(code) != fallback);
	}
	assert_ptr_equal(font_glyph(0x1f600), fallback);
	assert_ptr_equal(font_glyph(0xffffffff), fallback);
	assert_ptr_equal(font_glyph(1), fallback);
	assert_int_equal(memcmp(font_glyph('A'), font_glyph('B'), FONT_HEIGHT) != 0, 1);
}

UNIT_TESTS(T(glyphs_are_drawn_exactly), T(masks_become_channels), T(colours_fit_any_format),
           T(the_rest_is_filled_and_nothing_else), T(the_font_has_what_was_promised))
