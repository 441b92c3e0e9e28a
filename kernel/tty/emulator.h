/*
 * The terminal that programs see on a screen: bytes with control sequences go in, cells change.
 * TERM=linux is the promise (console_codes(4)), with what xterm adds and programs like to use: the
 * alternate screen, 256 and true colours. Unknown sequences are swallowed whole.
 *
 * What it has to say to the program (DA, DSR) waits in `answer`; whoever feeds it takes it from
 * there. Bells, mouse modes, LEDs, bracketed paste and settings of Linux's private sequences are
 * accepted and ignored.
 *
 * Pure: no locks (the caller's guards all of it), no allocation after emulator_init(). Bytes are
 * hostile: no sequence reaches outside the grid.
 */
#pragma once

#include "tty/grid.h"

enum { EMULATOR_ANSWER_MAX = 64, EMULATOR_PARAMS_MAX = 16, EMULATOR_COLORS = 16 };

/* Colours of a style: an index of 0 .. 255, or one of these. */
#define COLOR_RGB     (1u << 24) /* and 0xRRGGBB */
#define COLOR_DEFAULT (1u << 25)

enum style_flag {
	STYLE_BOLD = 1 << 0, STYLE_DIM = 1 << 1, STYLE_ITALIC = 1 << 2, STYLE_UNDERLINE = 1 << 3,
	STYLE_BLINK = 1 << 4, STYLE_REVERSE = 1 << 5,
};

struct style {
	uint32_t ink, paper; /* COLOR_* or an index */
	uint8_t  flags;      /* STYLE_* */
};

enum charset { CHARSET_ASCII, CHARSET_GRAPHICS, CHARSET_CP437 };

/* What DECSC keeps. */
struct cursor_state {
	uint32_t     line, column;
	struct style style;
	uint8_t      charsets[2]; /* G0, G1: enum charset */
	uint8_t      charset;     /* 0, 1: which of them */
	bool         is_relative; /* DECOM */
	bool         wraps_next;  /* the last column is written: the next character wraps */
};

enum parse_state {
	PARSE_TEXT,
	PARSE_ESCAPE,
	PARSE_CHARSET,  /* ESC ( and ESC ) */
	PARSE_SKIP_ONE, /* ESC with a byte that has one more */
	PARSE_HASH,     /* ESC # */
	PARSE_ENCODING, /* ESC % */
	PARSE_CSI,
	PARSE_CSI_SKIP, /* a control sequence that means nothing here */
	PARSE_OSC,      /* its first byte */
	PARSE_PALETTE,  /* ESC ] P and seven digits */
	PARSE_STRING,   /* up to BEL or ST */
};

struct emulator {
	struct grid         primary, alternate;
	struct grid        *grid;      /* the one that is shown */
	struct cursor_state cursor, saved;
	uint32_t            top, bottom; /* the scroll region is [top, bottom) */
	uint32_t            palette[EMULATOR_COLORS];
	uint64_t            tabs[GRID_COLUMNS_MAX / 64];
	bool                inserts, wraps, newline_returns; /* IRM, DECAWM, LNM */
	bool                is_reversed;       /* DECSCNM */
	bool                is_cursor_hidden;
	bool                shows_controls;    /* SGR 11, 12: the bytes are CP437 */
	bool                sets_high_bit;     /* SGR 12 */
	bool                is_utf8;
	bool                has_application_cursor, has_application_keypad;

	enum parse_state    state;
	uint8_t             prefix;            /* '?', '>' ... of a control sequence, or 0 */
	uint8_t             selector;          /* G0 or G1 of PARSE_CHARSET */
	uint8_t             nr_params;         /* the last one's index */
	uint16_t            params[EMULATOR_PARAMS_MAX];
	uint32_t            utf8_code, utf8_least;
	uint8_t             utf8_left;         /* bytes that are still to come */
	uint8_t             palette_digits[7], nr_palette_digits;

	uint8_t             answer[EMULATOR_ANSWER_MAX];
	uint8_t             answer_len;
};

/* Bytes that emulator_init() wants. */
size_t emulator_memory(uint32_t nr_lines, uint32_t nr_columns);
/* A blank screen; sizes within GRID_*_MAX, the memory aligned to 8 and the caller's. */
void emulator_init(struct emulator *emulator, void *memory, uint32_t nr_lines,
                   uint32_t nr_columns);

/* What a program writes. */
void emulator_write(struct emulator *emulator, const uint8_t *bytes, size_t n);
/*
 * A line of the log: plain text, newlines go to the next line's start. Does not disturb a sequence
 * that a program has begun, nor its style.
 */
void emulator_write_log(struct emulator *emulator, const char *text, size_t n);

/* A line of cells as it is to be drawn, the cursor in it. out has nr_columns. */
void emulator_compose(const struct emulator *emulator, uint32_t line, struct cell *out);

/* Takes the answer that waits, up to EMULATOR_ANSWER_MAX bytes; how many. */
size_t emulator_take_answer(struct emulator *emulator, uint8_t *to);
