/*
 * Inside the terminal emulator: what its files offer each other.
 */
#pragma once

#include "tty/emulator.h"

/* emulator.c: cursor and lines. Positions are cut to the screen. */
void emulator_reset(struct emulator *emulator);
void cursor_move(struct emulator *emulator, int64_t line, int64_t column);
/* The same by addresses that DECOM counts from the scroll region's top. */
void cursor_address(struct emulator *emulator, int64_t line, int64_t column);
void cursor_save(struct emulator *emulator);
void cursor_restore(struct emulator *emulator);
void line_feed(struct emulator *emulator);
void line_feed_reverse(struct emulator *emulator);
void tab_forward(struct emulator *emulator, uint32_t n);
void tab_backward(struct emulator *emulator, uint32_t n);
void screen_align(struct emulator *emulator); /* DECALN */
/* A character at the cursor, with wrapping and insertion. */
void character_put(struct emulator *emulator, uint32_t code);
struct cell emulator_blank(const struct emulator *emulator);

/* emulator_escape.c: bytes that are not text. */
void escape_byte(struct emulator *emulator, uint8_t byte);

/* emulator_csi.c: a control sequence is complete. */
void csi_execute(struct emulator *emulator, uint8_t final);

/* emulator_style.c: SGR, colours. */
void style_reset(struct style *style);
void palette_reset(struct emulator *emulator);
void sgr_execute(struct emulator *emulator);
/* The colours that a style has on the screen; 0xRRGGBB. */
void style_resolve(const struct emulator *emulator, const struct style *style, uint32_t *ink,
                   uint32_t *paper);

/* charset.c */
uint32_t charset_map(enum charset charset, uint8_t byte);
bool is_wide(uint32_t code);
bool is_zero_width(uint32_t code);
