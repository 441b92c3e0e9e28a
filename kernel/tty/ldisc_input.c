/*
 * Input processing: from bytes of the line to what may be read. See tty/ldisc.h.
 *
 * One slot of the ring stays free for the end of the line: a line that is longer than 4095 bytes
 * loses what comes after them, but not its end. A raw stream, or complete lines that nobody reads,
 * are not dropped: ldisc_receive() takes no more until there is room.
 */
#include <asm/signal.h>

#include "lib/string.h"
#include "tty/ldisc_impl.h"

static bool is_special(const struct ldisc *ldisc, uint8_t byte, unsigned int which)
{
	return byte == ldisc->termios.c_cc[which] && byte != LDISC_DISABLED;
}

static void put(struct ldisc *ldisc, uint8_t byte)
{
	ldisc->buffer[ldisc->head++ % LDISC_SIZE] = byte;
}

static void put_marked(struct ldisc *ldisc, uint8_t byte)
{
	if (byte == 0xff && has_iflag(ldisc, PARMRK))
		put(ldisc, byte);
	put(ldisc, byte);
}

static void note_line_start(struct ldisc *ldisc)
{
	if (ldisc->canon_head == ldisc->head)
		ldisc->canon_column = ldisc->column;
}

static void receive_signal(struct ldisc *ldisc, int sig)
{
	ldisc->ops->signal(ldisc, sig);
	if (has_lflag(ldisc, NOFLSH))
		return;
	echo_clear(ldisc);
	ldisc->ops->flush_output(ldisc);
	ldisc_flush_input(ldisc);
	ldisc->ops->input_flushed(ldisc);
}

static bool receive_signal_char(struct ldisc *ldisc, uint8_t byte)
{
	int sig = is_special(ldisc, byte, VINTR) ? SIGINT :
	          is_special(ldisc, byte, VQUIT) ? SIGQUIT :
	          is_special(ldisc, byte, VSUSP) ? SIGTSTP : 0;

	if (!sig || !has_lflag(ldisc, ISIG))
		return false;
	receive_signal(ldisc, sig);
	if (has_iflag(ldisc, IXON))
		ldisc_start(ldisc, false);
	if (has_lflag(ldisc, ECHO))
		echo_char(ldisc, byte);
	return true;
}

static bool receive_flow_char(struct ldisc *ldisc, uint8_t byte)
{
	if (!has_iflag(ldisc, IXON))
		return false;
	if (is_special(ldisc, byte, VSTART))
		ldisc_start(ldisc, false);
	else if (is_special(ldisc, byte, VSTOP))
		ldisc_stop(ldisc, false);
	else
		return false;
	return true;
}

static void receive_line_end(struct ldisc *ldisc, uint8_t byte)
{
	uint32_t index = ldisc->head % LDISC_SIZE;

	ldisc->ends[index / 64] |= 1ull << (index % 64);
	put(ldisc, byte);
	ldisc->canon_head = ldisc->head;
}

static void reprint(struct ldisc *ldisc, uint8_t byte)
{
	ldisc_finish_erasing(ldisc);
	echo_char(ldisc, byte);
	echo_output(ldisc, '\n');
	for (uint32_t i = ldisc->canon_head; i != ldisc->head; i++)
		echo_char(ldisc, ldisc_byte(ldisc, i));
}

static void receive_literal_next(struct ldisc *ldisc)
{
	ldisc->is_literal = true;
	if (!has_lflag(ldisc, ECHO))
		return;
	ldisc_finish_erasing(ldisc);
	if (has_lflag(ldisc, ECHOCTL))
		echo_text(ldisc, "^\b");
}

/* Editing characters; false: not one of them. */
static bool receive_editing(struct ldisc *ldisc, uint8_t byte)
{
	bool extended = has_lflag(ldisc, IEXTEN);

	if (is_special(ldisc, byte, VERASE) || is_special(ldisc, byte, VKILL) ||
	    (extended && is_special(ldisc, byte, VWERASE)))
		ldisc_erase(ldisc, byte);
	else if (extended && is_special(ldisc, byte, VLNEXT))
		receive_literal_next(ldisc);
	else if (extended && has_lflag(ldisc, ECHO) && is_special(ldisc, byte, VREPRINT))
		reprint(ldisc, byte);
	else
		return false;
	return true;
}

/* Characters that end a line; false: not one of them. */
static bool receive_ending(struct ldisc *ldisc, uint8_t byte)
{
	if (byte == '\n') {
		if (has_lflag(ldisc, ECHO) || has_lflag(ldisc, ECHONL))
			echo_output(ldisc, '\n');
		receive_line_end(ldisc, byte);
	} else if (is_special(ldisc, byte, VEOF)) {
		receive_line_end(ldisc, LDISC_DISABLED);
	} else if (is_special(ldisc, byte, VEOL) ||
	           (has_lflag(ldisc, IEXTEN) && is_special(ldisc, byte, VEOL2))) {
		if (has_lflag(ldisc, ECHO)) {
			note_line_start(ldisc);
			echo_char(ldisc, byte);
		}
		if (byte == 0xff && has_iflag(ldisc, PARMRK))
			put(ldisc, byte);
		receive_line_end(ldisc, byte);
	} else {
		return false;
	}
	return true;
}

static void receive_plain(struct ldisc *ldisc, uint8_t byte)
{
	if (has_lflag(ldisc, ECHO)) {
		ldisc_finish_erasing(ldisc);
		if (byte != '\n')
			note_line_start(ldisc);
		if (byte == '\n')
			echo_output(ldisc, byte);
		else
			echo_char(ldisc, byte);
	}
	put_marked(ldisc, byte);
}

static void receive_char(struct ldisc *ldisc, uint8_t byte)
{
	if (receive_flow_char(ldisc, byte) || receive_signal_char(ldisc, byte))
		return;
	if (ldisc->is_stopped && has_iflag(ldisc, IXON) && has_iflag(ldisc, IXANY))
		ldisc_start(ldisc, false);
	if (byte == '\r') {
		if (has_iflag(ldisc, IGNCR))
			return;
		if (has_iflag(ldisc, ICRNL))
			byte = '\n';
	} else if (byte == '\n' && has_iflag(ldisc, INLCR)) {
		byte = '\r';
	}
	if (has_lflag(ldisc, ICANON) &&
	    (receive_editing(ldisc, byte) || receive_ending(ldisc, byte)))
		return;
	receive_plain(ldisc, byte);
}

static void put_error(struct ldisc *ldisc, uint8_t byte)
{
	if (has_iflag(ldisc, PARMRK)) {
		put(ldisc, 0xff);
		put(ldisc, 0);
	}
	put(ldisc, byte);
}

static void receive_error(struct ldisc *ldisc, uint8_t byte, uint8_t error)
{
	if (error == LDISC_BREAK) {
		if (has_iflag(ldisc, IGNBRK))
			return;
		if (has_iflag(ldisc, BRKINT))
			receive_signal(ldisc, SIGINT);
		else
			put_error(ldisc, 0);
	} else if (error == LDISC_OVERRUN || !has_iflag(ldisc, INPCK)) {
		put(ldisc, byte);
	} else if (!has_iflag(ldisc, IGNPAR)) {
		put_error(ldisc, has_iflag(ldisc, PARMRK) ? byte : 0);
	}
}

static void receive_byte(struct ldisc *ldisc, uint8_t byte, uint8_t error)
{
	bool was_literal = ldisc->is_literal;

	ldisc->is_literal = false;
	if (error != LDISC_OK) {
		receive_error(ldisc, byte, error);
		return;
	}
	if (has_iflag(ldisc, ISTRIP))
		byte &= 0x7f;
	if (has_iflag(ldisc, IUCLC) && has_lflag(ldisc, IEXTEN) && byte >= 'A' && byte <= 'Z')
		byte += 'a' - 'A';
	if (has_lflag(ldisc, EXTPROC))
		put(ldisc, byte);
	else if (was_literal)
		receive_plain(ldisc, byte);
	else
		receive_char(ldisc, byte);
}

/* Slots that a byte may take. */
static uint32_t slots_needed(const struct ldisc *ldisc)
{
	return has_iflag(ldisc, PARMRK) ? 3 : 1;
}

/* One more slot is kept for the end of the line. */
static bool has_room(const struct ldisc *ldisc)
{
	return ldisc->head - ldisc->tail + slots_needed(ldisc) < LDISC_SIZE;
}

/* The line being typed fills the ring: no one can read, so bytes take the place of the last. */
static bool is_overlong(const struct ldisc *ldisc)
{
	return ldisc_is_canonical(ldisc) && ldisc->canon_head == ldisc->tail;
}

size_t ldisc_receive_room(const struct ldisc *ldisc)
{
	uint32_t free = LDISC_SIZE - 1 - (ldisc->head - ldisc->tail);

	if (ldisc->head - ldisc->tail < LDISC_SIZE && free >= slots_needed(ldisc))
		return free / slots_needed(ldisc);
	return is_overlong(ldisc) ? 1 : 0;
}

size_t ldisc_receive(struct ldisc *ldisc, const uint8_t *bytes, const uint8_t *errors, size_t n)
{
	size_t done;

	for (done = 0; done < n; done++) {
		if (!has_room(ldisc)) {
			if (!is_overlong(ldisc))
				break;
			while (ldisc->head - ldisc->tail + slots_needed(ldisc) > LDISC_SIZE)
				ldisc->head--;
			receive_byte(ldisc, bytes[done], LDISC_OK);
			continue;
		}
		receive_byte(ldisc, bytes[done], errors ? errors[done] : LDISC_OK);
	}
	ldisc_push_echo(ldisc);
	if (ldisc_is_readable(ldisc, 0))
		ldisc->ops->readable(ldisc);
	return done;
}
