/*
 * The ring of what may be read, settings, stop and start. See tty/ldisc.h.
 */
#include "lib/string.h"
#include "tty/ldisc_impl.h"

void ldisc_init(struct ldisc *ldisc, const struct ldisc_ops *ops, const struct termios2 *termios)
{
	memset(ldisc, 0, offsetof(struct ldisc, buffer));
	ldisc->ops = ops;
	ldisc->termios = *termios;
	ring_init(&ldisc->echo, ldisc->echo_buffer, LDISC_ECHO_SIZE);
}

static bool is_end(const struct ldisc *ldisc, uint32_t position)
{
	uint32_t index = position % LDISC_SIZE;

	return ldisc->ends[index / 64] >> (index % 64) & 1;
}

static bool is_end_of_file(const struct ldisc *ldisc, uint32_t position)
{
	return is_end(ldisc, position) && ldisc_byte(ldisc, position) == LDISC_DISABLED;
}

bool ldisc_is_readable(const struct ldisc *ldisc, uint32_t least)
{
	if (ldisc_is_canonical(ldisc))
		return ldisc->canon_head != ldisc->tail;
	return ldisc->head - ldisc->tail >= (least ? least : 1);
}

static size_t read_raw(struct ldisc *ldisc, uint8_t *bytes, size_t n)
{
	size_t count = ldisc->head - ldisc->tail;

	if (count > n)
		count = n;
	for (size_t i = 0; i < count; i++)
		bytes[i] = ldisc_byte(ldisc, ldisc->tail + (uint32_t)i);
	ldisc->tail += (uint32_t)count;
	ldisc->canon_head = ldisc->tail; /* means nothing in raw mode, but never lags behind */
	return count;
}

size_t ldisc_read(struct ldisc *ldisc, uint8_t *bytes, size_t n, bool *ended)
{
	size_t done = 0;

	*ended = false;
	if (!ldisc_is_canonical(ldisc))
		return read_raw(ldisc, bytes, n);
	while (ldisc->tail != ldisc->canon_head && !*ended) {
		uint32_t index = ldisc->tail % LDISC_SIZE;

		/* an end of file right behind the last byte that was asked for goes with it */
		if (done == n && !is_end_of_file(ldisc, ldisc->tail))
			break;
		*ended = is_end(ldisc, ldisc->tail);
		ldisc->ends[index / 64] &= ~(1ull << (index % 64));
		if (!*ended || ldisc->buffer[index] != LDISC_DISABLED)
			bytes[done++] = ldisc->buffer[index];
		ldisc->tail++;
	}
	return done;
}

size_t ldisc_readable_count(const struct ldisc *ldisc)
{
	size_t count = 0;

	if (!ldisc_is_canonical(ldisc))
		return ldisc->head - ldisc->tail;
	for (uint32_t i = ldisc->tail; i != ldisc->canon_head; i++)
		count += !is_end_of_file(ldisc, i);
	return count;
}

void ldisc_flush_input(struct ldisc *ldisc)
{
	ldisc->head = ldisc->canon_head = ldisc->tail = 0;
	ldisc->is_literal = ldisc->is_erasing = false;
	memset(ldisc->ends, 0, sizeof(ldisc->ends));
}

/* What pends becomes one line without an end, or a plain stream. */
static void change_mode(struct ldisc *ldisc)
{
	uint32_t last = (ldisc->head - 1) % LDISC_SIZE;

	memset(ldisc->ends, 0, sizeof(ldisc->ends));
	if (has_lflag(ldisc, ICANON) && ldisc->head != ldisc->tail) {
		ldisc->ends[last / 64] |= 1ull << (last % 64);
		ldisc->canon_head = ldisc->head;
	} else {
		ldisc->canon_head = ldisc->tail;
	}
	ldisc->is_erasing = ldisc->is_literal = false;
}

void ldisc_set_termios(struct ldisc *ldisc, const struct termios2 *termios)
{
	struct termios2 old = ldisc->termios;

	ldisc->termios = *termios;
	if ((old.c_lflag ^ termios->c_lflag) & (ICANON | EXTPROC))
		change_mode(ldisc);
	if (!has_iflag(ldisc, IXON) && (old.c_iflag & IXON))
		ldisc_start(ldisc, false);
}

void ldisc_stop(struct ldisc *ldisc, bool hold)
{
	ldisc->is_held |= hold;
	if (ldisc->is_stopped)
		return;
	ldisc->is_stopped = true;
	ldisc->ops->set_stopped(ldisc, true);
}

void ldisc_start(struct ldisc *ldisc, bool hold)
{
	if (hold)
		ldisc->is_held = false;
	if (!ldisc->is_stopped || ldisc->is_held)
		return;
	ldisc->is_stopped = false;
	ldisc->ops->set_stopped(ldisc, false);
	ldisc_push_echo(ldisc);
}
