/*
 * The terminal emulator: control sequences. console_codes(4), "ECMA-48 CSI sequences"; and of
 * xterm: SU, SD, CHT, CBT, the alternate screen.
 */
#include "lib/bits.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "tty/emulator_impl.h"

/* A count: 0 and nothing mean 1. */
static uint32_t count_of(const struct emulator *em)
{
	return max(em->params[0], (uint16_t)1);
}

static void answer(struct emulator *em, const char *text)
{
	size_t len = strlen(text);

	if (len > sizeof(em->answer) - em->answer_len)
		return;
	memcpy(em->answer + em->answer_len, text, len);
	em->answer_len += (uint8_t)len;
}

static void report_status(struct emulator *em)
{
	uint32_t line = em->cursor.line - (em->cursor.is_relative ? em->top : 0);
	char text[24];

	if (em->params[0] == 5)
		answer(em, "\033[0n");
	if (em->params[0] != 6)
		return;
	snprintf(text, sizeof(text), "\033[%u;%uR", line + 1, em->cursor.column + 1);
	answer(em, text);
}

/* ---- erasing and moving ---------------------------------------------------------------------- */

static void erase_in_line(struct emulator *em)
{
	struct cell blank = emulator_blank(em);
	uint32_t column = em->cursor.column, end = em->grid->nr_columns;

	if (em->params[0] == 0)
		grid_fill(em->grid, em->cursor.line, column, end, &blank);
	else if (em->params[0] == 1)
		grid_fill(em->grid, em->cursor.line, 0, column + 1, &blank);
	else if (em->params[0] == 2)
		grid_fill(em->grid, em->cursor.line, 0, end, &blank);
	em->cursor.wraps_next = false;
}

static void erase_in_screen(struct emulator *em)
{
	struct cell blank = emulator_blank(em);
	uint32_t line = em->cursor.line, end = em->grid->nr_lines;

	if (em->params[0] < 2)
		erase_in_line(em);
	if (em->params[0] == 0)
		grid_fill_lines(em->grid, line + 1, end, &blank);
	else if (em->params[0] == 1)
		grid_fill_lines(em->grid, 0, line, &blank);
	else if (em->params[0] <= 3)
		grid_fill_lines(em->grid, 0, end, &blank);
	em->cursor.wraps_next = false;
}

static void set_region(struct emulator *em)
{
	uint32_t top = count_of(em), bottom = em->params[1];

	if (!bottom)
		bottom = em->grid->nr_lines;
	if (top >= bottom || bottom > em->grid->nr_lines)
		return;
	em->top = top - 1;
	em->bottom = bottom;
	cursor_address(em, 0, 0);
}

static void clear_tabs(struct emulator *em)
{
	if (em->params[0] == 0)
		em->tabs[em->cursor.column / 64] &= ~BIT(em->cursor.column % 64);
	else if (em->params[0] == 3)
		memset(em->tabs, 0, sizeof(em->tabs));
}

/* ---- modes ----------------------------------------------------------------------------------- */

static void show_alternate(struct emulator *em, bool on, bool clear)
{
	struct cell blank = emulator_blank(em);

	em->grid = on ? &em->alternate : &em->primary;
	if (on && clear)
		grid_fill_lines(em->grid, 0, em->grid->nr_lines, &blank);
	grid_mark_all(em->grid);
}

/* 47, 1047; 1048: the cursor alone; 1049: both. */
static void set_alternate(struct emulator *em, unsigned int mode, bool on)
{
	bool is_alternate = em->grid == &em->alternate;

	if (mode >= 1048 && on)
		cursor_save(em);
	if (mode != 1048 && on != is_alternate)
		show_alternate(em, on, mode != 47);
	if (mode >= 1048 && !on)
		cursor_restore(em);
}

static void set_private_mode(struct emulator *em, unsigned int mode, bool on)
{
	switch (mode) {
	case 1:
		em->has_application_cursor = on;
		break;
	case 5:
		em->is_reversed = on;
		grid_mark_all(em->grid);
		break;
	case 6:
		em->cursor.is_relative = on;
		cursor_address(em, 0, 0);
		break;
	case 7:
		em->wraps = on;
		em->cursor.wraps_next = false;
		break;
	case 25:
		em->is_cursor_hidden = !on;
		grid_mark(em->grid, em->cursor.line);
		break;
	case 47:
	case 1047:
	case 1048:
	case 1049:
		set_alternate(em, mode, on);
		break;
	default:
		break;
	}
}

static void set_modes(struct emulator *em, bool on)
{
	for (unsigned int i = 0; i <= em->nr_params; i++) {
		if (em->prefix == '?')
			set_private_mode(em, em->params[i], on);
		else if (em->params[i] == 3)
			em->shows_controls = on;
		else if (em->params[i] == 4)
			em->inserts = on;
		else if (em->params[i] == 20)
			em->newline_returns = on;
	}
}

/* ---- the sequences --------------------------------------------------------------------------- */

/* False: none of these. */
static bool move(struct emulator *em, uint8_t final)
{
	int64_t line = em->cursor.line, column = em->cursor.column, n = count_of(em);

	switch (final) {
	case 'A':
		cursor_move(em, line - n, column);
		return true;
	case 'B':
	case 'e':
		cursor_move(em, line + n, column);
		return true;
	case 'C':
	case 'a':
		cursor_move(em, line, column + n);
		return true;
	case 'D':
		cursor_move(em, line, column - n);
		return true;
	case 'E':
		cursor_move(em, line + n, 0);
		return true;
	case 'F':
		cursor_move(em, line - n, 0);
		return true;
	case 'G':
	case '`':
		cursor_move(em, line, n - 1);
		return true;
	case 'd':
		cursor_address(em, n - 1, column);
		return true;
	case 'H':
	case 'f':
		cursor_address(em, n - 1, max(em->params[1], (uint16_t)1) - 1);
		return true;
	case 'I':
		tab_forward(em, (uint32_t)n);
		return true;
	case 'Z':
		tab_backward(em, (uint32_t)n);
		return true;
	default:
		return false;
	}
}

/* False: none of these. */
static bool edit(struct emulator *em, uint8_t final)
{
	struct cell blank = emulator_blank(em);
	uint32_t line = em->cursor.line, column = em->cursor.column, n = count_of(em);

	switch (final) {
	case 'J':
		erase_in_screen(em);
		return true;
	case 'K':
		erase_in_line(em);
		return true;
	case 'L':
		grid_scroll_down(em->grid, line, em->bottom, n, &blank);
		break;
	case 'M':
		grid_scroll_up(em->grid, line, em->bottom, n, &blank);
		break;
	case 'P':
		grid_delete(em->grid, line, column, n, &blank);
		break;
	case '@':
		grid_insert(em->grid, line, column, n, &blank);
		break;
	case 'X':
		grid_fill(em->grid, line, column, column + n, &blank);
		break;
	case 'S':
		grid_scroll_up(em->grid, em->top, em->bottom, n, &blank);
		break;
	case 'T':
		grid_scroll_down(em->grid, em->top, em->bottom, n, &blank);
		break;
	default:
		return false;
	}
	em->cursor.wraps_next = false;
	return true;
}

void csi_execute(struct emulator *em, uint8_t final)
{
	if (em->prefix) {
		if (em->prefix == '?' && (final == 'h' || final == 'l'))
			set_modes(em, final == 'h');
		return;
	}
	if (move(em, final) || edit(em, final))
		return;
	switch (final) {
	case 'c':
		if (!em->params[0])
			answer(em, "\033[?6c");
		break;
	case 'g':
		clear_tabs(em);
		break;
	case 'h':
	case 'l':
		set_modes(em, final == 'h');
		break;
	case 'm':
		sgr_execute(em);
		break;
	case 'n':
		report_status(em);
		break;
	case 'r':
		set_region(em);
		break;
	case 's':
		cursor_save(em);
		break;
	case 'u':
		cursor_restore(em);
		break;
	default:
		break;
	}
}
