/*
 * The terminal emulator: control characters, and the way through escape sequences to their end.
 * console_codes(4); the states are those of Linux's vt.c and of Paul Williams' VT500 parser.
 */
#include "lib/bits.h"
#include "lib/string.h"
#include "tty/emulator_impl.h"

enum { BEL = 7, CAN = 0x18, SUB = 0x1a, ESC = 0x1b, DEL = 0x7f, PARAM_MAX = 9999 };

static bool control_byte(struct emulator *em, uint8_t byte)
{
	switch (byte) {
	case '\b':
		cursor_move(em, em->cursor.line, (int64_t)em->cursor.column - 1);
		return true;
	case '\t':
		tab_forward(em, 1);
		return true;
	case '\n':
	case '\v':
	case '\f':
		line_feed(em);
		if (!em->newline_returns)
			return true;
		__fallthrough;
	case '\r':
		cursor_move(em, em->cursor.line, 0);
		return true;
	case 0x0e:
	case 0x0f:
		em->cursor.charset = byte == 0x0e;
		em->shows_controls = false;
		return true;
	case CAN:
	case SUB:
		em->state = PARSE_TEXT;
		return true;
	case ESC:
		em->state = PARSE_ESCAPE;
		return true;
	default:
		return byte < ' ' || byte == DEL;
	}
}

/* ESC and one byte that ends it. */
static void escape_final(struct emulator *em, uint8_t byte)
{
	switch (byte) {
	case 'D':
		line_feed(em);
		break;
	case 'E':
		cursor_move(em, em->cursor.line, 0);
		line_feed(em);
		break;
	case 'H':
		em->tabs[em->cursor.column / 64] |= BIT(em->cursor.column % 64);
		break;
	case 'M':
		line_feed_reverse(em);
		break;
	case 'Z':
		em->prefix = em->nr_params = 0;
		em->params[0] = 0;
		csi_execute(em, 'c');
		break;
	case 'c':
		emulator_reset(em);
		break;
	case '7':
		cursor_save(em);
		break;
	case '8':
		cursor_restore(em);
		break;
	case '=':
	case '>':
		em->has_application_keypad = byte == '=';
		break;
	default:
		break;
	}
}

static void escape(struct emulator *em, uint8_t byte)
{
	em->state = PARSE_TEXT;
	switch (byte) {
	case '[':
		em->state = PARSE_CSI;
		em->prefix = em->nr_params = 0;
		memset(em->params, 0, sizeof(em->params));
		break;
	case ']':
		em->state = PARSE_OSC;
		break;
	case 'P':
	case 'X':
	case '^':
	case '_':
		em->state = PARSE_STRING;
		break;
	case '(':
	case ')':
		em->state = PARSE_CHARSET;
		em->selector = byte == ')';
		break;
	case '#':
		em->state = PARSE_HASH;
		break;
	case '%':
		em->state = PARSE_ENCODING;
		break;
	case ' ':
	case '*':
	case '+':
	case '-':
	case '.':
	case '/':
		em->state = PARSE_SKIP_ONE;
		break;
	default:
		escape_final(em, byte);
	}
}

static void choose_charset(struct emulator *em, uint8_t byte)
{
	em->cursor.charsets[em->selector] = byte == '0' ? CHARSET_GRAPHICS :
	                                    byte == 'U' ? CHARSET_CP437 : CHARSET_ASCII;
}

static void choose_encoding(struct emulator *em, uint8_t byte)
{
	if (byte == '@')
		em->is_utf8 = false;
	else if (byte == 'G' || byte == '8')
		em->is_utf8 = true;
}

static void csi_byte(struct emulator *em, uint8_t byte)
{
	uint16_t *param = &em->params[em->nr_params];

	if (byte >= '0' && byte <= '9') {
		*param = (uint16_t)(*param * 10 + byte - '0');
		if (*param > PARAM_MAX)
			*param = PARAM_MAX;
	} else if (byte == ';' && em->nr_params + 1 < EMULATOR_PARAMS_MAX) {
		em->nr_params++;
	} else if (byte >= '<' && byte <= '?' && !em->prefix && !em->nr_params && !*param) {
		em->prefix = byte;
	} else if (byte < '@' || byte > '~') {
		em->state = PARSE_CSI_SKIP;
	} else {
		em->state = PARSE_TEXT;
		csi_execute(em, byte);
	}
}

static int hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* ESC ] P nrrggbb: no terminator, as on Linux. */
static void palette_byte(struct emulator *em, uint8_t byte)
{
	int digit = hex_digit(byte);
	uint32_t color = 0;

	if (digit < 0) {
		em->state = PARSE_TEXT;
		return;
	}
	em->palette_digits[em->nr_palette_digits++] = (uint8_t)digit;
	if (em->nr_palette_digits < sizeof(em->palette_digits))
		return;
	for (int i = 1; i < 7; i++)
		color = color << 4 | em->palette_digits[i];
	em->palette[em->palette_digits[0]] = color;
	em->state = PARSE_TEXT;
}

static void osc_byte(struct emulator *em, uint8_t byte)
{
	em->state = PARSE_STRING;
	if (byte == 'P') {
		em->state = PARSE_PALETTE;
		em->nr_palette_digits = 0;
	} else if (byte == 'R') {
		palette_reset(em);
		em->state = PARSE_TEXT;
	}
}

/* A string swallows everything up to its end; ESC ends it too, being the first half of ST. */
static void string_byte(struct emulator *em, uint8_t byte)
{
	if (byte == BEL || byte == CAN || byte == SUB)
		em->state = PARSE_TEXT;
	else if (byte == ESC)
		em->state = PARSE_ESCAPE;
}

void escape_byte(struct emulator *em, uint8_t byte)
{
	if (em->state == PARSE_STRING || (em->state == PARSE_OSC && byte < ' ')) {
		string_byte(em, byte);
		return;
	}
	if (control_byte(em, byte))
		return;
	switch (em->state) {
	case PARSE_ESCAPE:
		escape(em, byte);
		break;
	case PARSE_CSI:
		csi_byte(em, byte);
		break;
	case PARSE_CSI_SKIP:
		if (byte >= '@' && byte <= '~')
			em->state = PARSE_TEXT;
		break;
	case PARSE_OSC:
		osc_byte(em, byte);
		break;
	case PARSE_PALETTE:
		palette_byte(em, byte);
		break;
	case PARSE_CHARSET:
		choose_charset(em, byte);
		em->state = PARSE_TEXT;
		break;
	case PARSE_ENCODING:
		choose_encoding(em, byte);
		em->state = PARSE_TEXT;
		break;
	case PARSE_HASH:
		if (byte == '8')
			screen_align(em);
		em->state = PARSE_TEXT;
		break;
	default:
		em->state = PARSE_TEXT;
	}
}
