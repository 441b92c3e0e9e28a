/*
 * The terminal emulator: text, cursor, lines, modes. See tty/emulator.h.
 */
#include "lib/bits.h"
#include "lib/math.h"
#include "lib/string.h"
#include "tty/emulator_impl.h"

enum { TAB_WIDTH = 8, REPLACEMENT = 0xfffd, DEL = 0x7f };

/* ---- cursor and lines ------------------------------------------------------------------------ */

static void mark_cursor(struct emulator *em)
{
	grid_mark(em->grid, em->cursor.line);
}

void cursor_move(struct emulator *em, int64_t line, int64_t column)
{
	int64_t first = em->cursor.is_relative ? em->top : 0;
	int64_t last = em->cursor.is_relative ? em->bottom - 1 : em->grid->nr_lines - 1;

	mark_cursor(em);
	em->cursor.line = (uint32_t)clamp(line, first, last);
	em->cursor.column = (uint32_t)clamp(column, (int64_t)0, (int64_t)em->grid->nr_columns - 1);
	em->cursor.wraps_next = false;
	mark_cursor(em);
}

void cursor_address(struct emulator *em, int64_t line, int64_t column)
{
	cursor_move(em, line + (em->cursor.is_relative ? em->top : 0), column);
}

void cursor_save(struct emulator *em)
{
	em->saved = em->cursor;
}

void cursor_restore(struct emulator *em)
{
	mark_cursor(em);
	em->cursor = em->saved;
	mark_cursor(em);
}

struct cell emulator_blank(const struct emulator *em)
{
	struct style plain = em->cursor.style;
	struct cell blank = { .code = ' ' };

	plain.flags &= (uint8_t)~(STYLE_REVERSE | STYLE_UNDERLINE);
	style_resolve(em, &plain, &blank.ink, &blank.paper);
	return blank;
}

void line_feed(struct emulator *em)
{
	struct cell blank = emulator_blank(em);

	mark_cursor(em);
	if (em->cursor.line + 1 == em->bottom)
		grid_scroll_up(em->grid, em->top, em->bottom, 1, &blank);
	else if (em->cursor.line + 1 < em->grid->nr_lines)
		em->cursor.line++;
	em->cursor.wraps_next = false;
	mark_cursor(em);
}

void line_feed_reverse(struct emulator *em)
{
	struct cell blank = emulator_blank(em);

	mark_cursor(em);
	if (em->cursor.line == em->top)
		grid_scroll_down(em->grid, em->top, em->bottom, 1, &blank);
	else if (em->cursor.line > 0)
		em->cursor.line--;
	em->cursor.wraps_next = false;
	mark_cursor(em);
}

static bool has_tab(const struct emulator *em, uint32_t column)
{
	return em->tabs[column / 64] & BIT(column % 64);
}

void tab_forward(struct emulator *em, uint32_t n)
{
	uint32_t column = em->cursor.column, last = em->grid->nr_columns - 1;

	while (n-- && column < last) {
		do
			column++;
		while (column < last && !has_tab(em, column));
	}
	cursor_move(em, em->cursor.line, column);
}

void tab_backward(struct emulator *em, uint32_t n)
{
	uint32_t column = em->cursor.column;

	while (n-- && column > 0) {
		do
			column--;
		while (column > 0 && !has_tab(em, column));
	}
	cursor_move(em, em->cursor.line, column);
}

void screen_align(struct emulator *em)
{
	struct cell cell = emulator_blank(em);

	cell.code = 'E';
	grid_fill_lines(em->grid, 0, em->grid->nr_lines, &cell);
}

/* ---- text ------------------------------------------------------------------------------------ */

static void wrap(struct emulator *em)
{
	em->cursor.column = 0;
	line_feed(em);
}

void character_put(struct emulator *em, uint32_t code)
{
	struct cursor_state *cursor = &em->cursor;
	uint32_t width = is_wide(code) ? 2 : 1, nr_columns = em->grid->nr_columns;
	struct cell cell = { .code = code }, blank;
	struct cell *cells;

	if (is_zero_width(code) || width > nr_columns)
		return;
	if (em->wraps && (cursor->wraps_next || cursor->column + width > nr_columns))
		wrap(em);
	if (cursor->column + width > nr_columns)
		cursor->column = nr_columns - width;
	if (em->inserts) {
		blank = emulator_blank(em);
		grid_insert(em->grid, cursor->line, cursor->column, width, &blank);
	}
	style_resolve(em, &cursor->style, &cell.ink, &cell.paper);
	cell.code |= cursor->style.flags & STYLE_UNDERLINE ? CELL_UNDERLINE : 0;
	cells = grid_line(em->grid, cursor->line) + cursor->column;
	cells[0] = cell;
	if (width == 2)
		cells[1] = (struct cell){ ' ', cell.ink, cell.paper };
	mark_cursor(em);
	cursor->column += width;
	cursor->wraps_next = cursor->column == nr_columns;
	if (cursor->wraps_next)
		cursor->column--;
}

/* A byte of text that is a character by itself. */
static void put_byte(struct emulator *em, uint8_t byte)
{
	enum charset charset = em->cursor.charsets[em->cursor.charset];

	if (em->shows_controls) {
		byte |= em->sets_high_bit ? 0x80 : 0;
		charset = CHARSET_CP437;
	}
	character_put(em, charset_map(charset, byte));
}

static void utf8_begin(struct emulator *em, uint8_t byte)
{
	if (byte >= 0xc2 && byte < 0xe0) {
		em->utf8_code = byte & 0x1f;
		em->utf8_left = 1;
		em->utf8_least = 0x80;
	} else if (byte >= 0xe0 && byte < 0xf0) {
		em->utf8_code = byte & 0x0f;
		em->utf8_left = 2;
		em->utf8_least = 0x800;
	} else if (byte >= 0xf0 && byte < 0xf5) {
		em->utf8_code = byte & 0x07;
		em->utf8_left = 3;
		em->utf8_least = 0x10000;
	} else {
		character_put(em, REPLACEMENT);
	}
}

static void utf8_continue(struct emulator *em, uint8_t byte)
{
	uint32_t code = em->utf8_code << 6 | (byte & 0x3f);

	em->utf8_code = code;
	if (--em->utf8_left)
		return;
	if (code < em->utf8_least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		code = REPLACEMENT;
	if (code >= 0xa0)
		character_put(em, code);
}

/* False: the byte is none of text. */
static bool text_byte(struct emulator *em, uint8_t byte)
{
	/* what no charset hides: BS LF FF CR SO SI ESC NUL */
	const uint32_t always = 0x0800f501;

	if (em->utf8_left && (byte & 0xc0) != 0x80) {
		em->utf8_left = 0;
		character_put(em, REPLACEMENT);
	}
	if (em->shows_controls && (byte >= ' ' || !(always >> byte & 1))) {
		put_byte(em, byte);
		return true;
	}
	if (byte < ' ' || byte == DEL)
		return false;
	if (em->utf8_left)
		utf8_continue(em, byte);
	else if (byte >= 0x80 && em->is_utf8)
		utf8_begin(em, byte);
	else
		put_byte(em, byte);
	return true;
}

void emulator_write(struct emulator *em, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (em->state != PARSE_TEXT || !text_byte(em, bytes[i]))
			escape_byte(em, bytes[i]);
	}
}

void emulator_write_log(struct emulator *em, const char *text, size_t n)
{
	struct style kept = em->cursor.style;
	bool inserts = em->inserts, wraps = em->wraps;

	style_reset(&em->cursor.style);
	em->inserts = false;
	em->wraps = true;
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = (uint8_t)text[i];

		if (byte == '\n')
			wrap(em);
		else if (byte == '\t')
			tab_forward(em, 1);
		else if (byte >= ' ' && byte != DEL)
			character_put(em, byte < 0x80 ? byte : REPLACEMENT);
	}
	em->cursor.style = kept;
	em->inserts = inserts;
	em->wraps = wraps;
}

/* ---- life ------------------------------------------------------------------------------------ */

void emulator_reset(struct emulator *em)
{
	struct cell blank;

	em->grid = &em->primary;
	em->cursor = (struct cursor_state){ 0 };
	style_reset(&em->cursor.style);
	em->cursor.charsets[1] = CHARSET_GRAPHICS;
	em->saved = em->cursor;
	em->top = 0;
	em->bottom = em->grid->nr_lines;
	memset(em->tabs, 0, sizeof(em->tabs));
	for (uint32_t column = TAB_WIDTH; column < GRID_COLUMNS_MAX; column += TAB_WIDTH)
		em->tabs[column / 64] |= BIT(column % 64);
	em->inserts = em->newline_returns = em->is_reversed = em->is_cursor_hidden = false;
	em->shows_controls = em->sets_high_bit = false;
	em->has_application_cursor = em->has_application_keypad = false;
	em->wraps = em->is_utf8 = true;
	em->utf8_left = 0;
	em->state = PARSE_TEXT;
	palette_reset(em);
	blank = emulator_blank(em);
	grid_fill_lines(em->grid, 0, em->bottom, &blank);
}

size_t emulator_memory(uint32_t nr_lines, uint32_t nr_columns)
{
	return 2 * ((grid_memory(nr_lines, nr_columns) + 7) & ~(size_t)7);
}

void emulator_init(struct emulator *em, void *memory, uint32_t nr_lines, uint32_t nr_columns)
{
	size_t half = emulator_memory(nr_lines, nr_columns) / 2;
	struct cell blank = { .code = ' ' };

	memset(em, 0, sizeof(*em));
	grid_init(&em->primary, memory, nr_lines, nr_columns, &blank);
	grid_init(&em->alternate, (uint8_t *)memory + half, nr_lines, nr_columns, &blank);
	emulator_reset(em);
}

void emulator_compose(const struct emulator *em, uint32_t line, struct cell *out)
{
	uint32_t nr_columns = em->grid->nr_columns;

	memcpy(out, grid_line(em->grid, line), nr_columns * sizeof(*out));
	if (line == em->cursor.line && !em->is_cursor_hidden)
		out[min(em->cursor.column, nr_columns - 1)].code |= CELL_CURSOR;
	if (!em->is_reversed)
		return;
	for (uint32_t column = 0; column < nr_columns; column++) {
		uint32_t ink = out[column].ink;

		out[column].ink = out[column].paper;
		out[column].paper = ink;
	}
}

size_t emulator_take_answer(struct emulator *em, uint8_t *to)
{
	size_t n = em->answer_len;

	memcpy(to, em->answer, n);
	em->answer_len = 0;
	return n;
}
