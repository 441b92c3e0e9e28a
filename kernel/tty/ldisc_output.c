/*
 * Output processing and echo: OPOST, tabs, columns. See tty/ldisc.h.
 */
#include "lib/string.h"
#include "tty/ldisc_impl.h"

enum { EXPANDED_MAX = 8, OUTPUT_CHUNK = 256, TAB_WIDTH = 8 };

static size_t expand_newline(struct ldisc *ldisc, uint8_t *out)
{
	if (has_oflag(ldisc, ONLRET))
		ldisc->column = 0;
	if (has_oflag(ldisc, ONLCR)) {
		ldisc->canon_column = ldisc->column = 0;
		memcpy(out, "\r\n", 2);
		return 2;
	}
	ldisc->canon_column = ldisc->column;
	out[0] = '\n';
	return 1;
}

static size_t expand_return(struct ldisc *ldisc, uint8_t *out)
{
	bool is_newline = has_oflag(ldisc, OCRNL);

	if (has_oflag(ldisc, ONOCR) && !ldisc->column)
		return 0;
	if (!is_newline || has_oflag(ldisc, ONLRET))
		ldisc->canon_column = ldisc->column = 0;
	out[0] = is_newline ? '\n' : '\r';
	return 1;
}

static size_t expand_tab(struct ldisc *ldisc, uint8_t *out)
{
	uint32_t spaces = TAB_WIDTH - ldisc->column % TAB_WIDTH;

	ldisc->column += spaces;
	if ((ldisc->termios.c_oflag & TABDLY) != XTABS) {
		out[0] = '\t';
		return 1;
	}
	memset(out, ' ', spaces);
	return spaces;
}

/* What a byte becomes by OPOST, at most EXPANDED_MAX bytes; moves the column. */
static size_t expand(struct ldisc *ldisc, uint8_t byte, uint8_t *out)
{
	switch (byte) {
	case '\n':
		return expand_newline(ldisc, out);
	case '\r':
		return expand_return(ldisc, out);
	case '\t':
		return expand_tab(ldisc, out);
	case '\b':
		ldisc->column -= ldisc->column > 0;
		break;
	default:
		if (is_control(byte))
			break;
		if (has_oflag(ldisc, OLCUC) && byte >= 'a' && byte <= 'z')
			byte -= 'a' - 'A';
		ldisc->column += !is_continuation(ldisc, byte);
	}
	out[0] = byte;
	return 1;
}

size_t ldisc_write(struct ldisc *ldisc, const uint8_t *bytes, size_t n)
{
	uint8_t out[OUTPUT_CHUNK], expanded[EXPANDED_MAX];
	size_t used = 0, done = 0, room;

	ldisc_push_echo(ldisc);
	room = ring_is_empty(&ldisc->echo) ? ldisc->ops->room(ldisc) : 0;
	if (!has_oflag(ldisc, OPOST))
		return room ? ldisc->ops->output(ldisc, bytes, n < room ? n : room) : 0;
	if (room > OUTPUT_CHUNK)
		room = OUTPUT_CHUNK;
	for (; done < n; done++) {
		uint32_t column = ldisc->column, canon_column = ldisc->canon_column;
		size_t len = expand(ldisc, bytes[done], expanded);

		if (used + len > room) {
			ldisc->column = column;
			ldisc->canon_column = canon_column;
			break;
		}
		memcpy(out + used, expanded, len);
		used += len;
	}
	if (used)
		ldisc->ops->output(ldisc, out, used);
	return done;
}

void ldisc_push_echo(struct ldisc *ldisc)
{
	uint8_t out[64];

	while (!ring_is_empty(&ldisc->echo)) {
		size_t room = ldisc->ops->room(ldisc);
		size_t n = ring_read(&ldisc->echo, out, room < sizeof(out) ? room : sizeof(out));

		if (!n)
			return;
		ldisc->ops->output(ldisc, out, n);
	}
}

void echo_clear(struct ldisc *ldisc)
{
	ring_clear(&ldisc->echo);
}

/* Echo that does not fit is lost: whoever types that far ahead does not look. */
static void echo_bytes(struct ldisc *ldisc, const uint8_t *bytes, size_t n)
{
	if (ring_space(&ldisc->echo) < n)
		ldisc_push_echo(ldisc);
	if (ring_space(&ldisc->echo) >= n)
		ring_write(&ldisc->echo, bytes, n);
}

void echo_output(struct ldisc *ldisc, uint8_t byte)
{
	uint8_t out[EXPANDED_MAX] = { byte };

	echo_bytes(ldisc, out, has_oflag(ldisc, OPOST) ? expand(ldisc, byte, out) : 1);
}

void echo_text(struct ldisc *ldisc, const char *text)
{
	for (; *text; text++)
		echo_output(ldisc, (uint8_t)*text);
}

void echo_char(struct ldisc *ldisc, uint8_t byte)
{
	uint8_t caret[2] = { '^', byte ^ 0x40 };

	if (!has_lflag(ldisc, ECHOCTL) || !is_control(byte) || byte == '\t') {
		echo_output(ldisc, byte);
		return;
	}
	ldisc->column += 2;
	echo_bytes(ldisc, caret, 2);
}

void echo_erase_tab(struct ldisc *ldisc, uint32_t columns, bool after_tab)
{
	uint32_t back;

	if (!after_tab)
		columns += ldisc->canon_column;
	back = TAB_WIDTH - columns % TAB_WIDTH;
	for (; back; back--) {
		echo_bytes(ldisc, (const uint8_t *)"\b", 1);
		ldisc->column -= ldisc->column > 0;
	}
}
