/*
 * The class of framebuffers: memory whose 32-bit words are pixels. A driver fills in a struct and
 * registers it; the screen (tty/screen.c) draws. There is at most one.
 *
 * Drawing writes and never reads, for reading device memory is slow. It takes no locks: two who
 * draw at one place leave the picture of either.
 */
#pragma once

#include "lib/types.h"

/* Where a colour sits in a pixel: bits from `shift` on. */
struct pixel_channel {
	uint8_t shift, bits;
};

struct framebuffer {
	volatile uint8_t    *base __const_after_init;
	uint32_t             width, height __const_after_init; /* pixels */
	uint32_t             stride __const_after_init;        /* bytes from row to row */
	struct pixel_channel red, green, blue __const_after_init;
};

/* The structure stays the driver's. False: there is one already. While the machine starts. */
bool framebuffer_register(struct framebuffer *fb);
/* NULL: there is none. */
struct framebuffer *framebuffer_find(void);

/* A mask as a channel; false if its bits are not side by side, or none. */
bool __must_check pixel_channel_of(uint32_t mask, struct pixel_channel *channel);
/* The pixel of a colour 0xRRGGBB. */
uint32_t framebuffer_pixel(const struct framebuffer *fb, uint32_t color);

/* What a character looks like; all but the glyph is about pixels. */
struct glyph_style {
	uint32_t ink, paper;   /* pixels */
	uint32_t scale;        /* 1 and up: each pixel of the font is so wide and high */
	bool     is_underlined;
};

/* Draws a picture of dev/font.h with its upper left corner at x, y. It must lie inside. */
void framebuffer_draw_glyph(const struct framebuffer *fb, uint32_t x, uint32_t y,
                            const uint8_t *glyph, const struct glyph_style *style);
/* The pixels right of x and below y: what is too narrow for a character. */
void framebuffer_fill_rest(const struct framebuffer *fb, uint32_t x, uint32_t y, uint32_t pixel);
