/*
 * Erasing in the line that is being typed: a character, a word, all of it; and what the eye sees of
 * it. termios(3): ECHOE, ECHOK, ECHOKE, ECHOPRT, ECHOCTL; IUTF8 makes a character several bytes.
 */
#include "tty/ldisc_impl.h"

enum erase { ERASE_CHARACTER, ERASE_WORD, ERASE_LINE };

/* Letters and digits; the upper half as in Latin-1, as Linux counts them. */
static bool is_word(uint8_t byte)
{
	if (byte >= 0xc0)
		return byte != 0xd7 && byte != 0xf7;
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z') || byte == '_';
}

void ldisc_finish_erasing(struct ldisc *ldisc)
{
	if (!ldisc->is_erasing)
		return;
	echo_output(ldisc, '/');
	ldisc->is_erasing = false;
}

static void show_erased_tab(struct ldisc *ldisc)
{
	uint32_t columns = 0, i = ldisc->head;
	bool after_tab = false;

	while (i != ldisc->canon_head && !after_tab) {
		uint8_t byte = ldisc_byte(ldisc, --i);

		if (byte == '\t')
			after_tab = true;
		else if (is_control(byte))
			columns += has_lflag(ldisc, ECHOCTL) ? 2 : 0;
		else
			columns += !is_continuation(ldisc, byte);
	}
	echo_erase_tab(ldisc, columns, after_tab);
}

/* The character at head, len bytes long, has just been taken out. */
static void show_erased(struct ldisc *ldisc, enum erase what, uint32_t len)
{
	uint8_t byte = ldisc_byte(ldisc, ldisc->head);

	if (has_lflag(ldisc, ECHOPRT)) {
		if (!ldisc->is_erasing)
			echo_output(ldisc, '\\');
		ldisc->is_erasing = true;
		echo_char(ldisc, byte);
		for (uint32_t i = 1; i < len; i++)
			echo_output(ldisc, ldisc_byte(ldisc, ldisc->head + i));
	} else if (what == ERASE_CHARACTER && !has_lflag(ldisc, ECHOE)) {
		echo_char(ldisc, ldisc->termios.c_cc[VERASE]);
	} else if (byte == '\t') {
		show_erased_tab(ldisc);
	} else {
		if (is_control(byte) && has_lflag(ldisc, ECHOCTL))
			echo_text(ldisc, "\b \b");
		if (!is_control(byte) || has_lflag(ldisc, ECHOCTL))
			echo_text(ldisc, "\b \b");
	}
}

/* Where the last character of the line begins; false if only its tail is there. */
static bool find_last_character(const struct ldisc *ldisc, uint32_t *start)
{
	*start = ldisc->head;
	do {
		(*start)--;
	} while (is_continuation(ldisc, ldisc_byte(ldisc, *start)) && *start != ldisc->canon_head);
	return !is_continuation(ldisc, ldisc_byte(ldisc, *start));
}

static void erase_characters(struct ldisc *ldisc, enum erase what)
{
	bool seen_word = false;
	uint32_t start, len;

	while (ldisc->head != ldisc->canon_head && find_last_character(ldisc, &start)) {
		if (what == ERASE_WORD) {
			bool word = is_word(ldisc_byte(ldisc, start));

			if (seen_word && !word)
				break;
			seen_word |= word;
		}
		len = ldisc->head - start;
		ldisc->head = start;
		if (has_lflag(ldisc, ECHO))
			show_erased(ldisc, what, len);
		if (what == ERASE_CHARACTER)
			break;
	}
	if (ldisc->head == ldisc->canon_head && has_lflag(ldisc, ECHO))
		ldisc_finish_erasing(ldisc);
}

void ldisc_erase(struct ldisc *ldisc, uint8_t byte)
{
	tcflag_t kill_echo = ECHOK | ECHOKE | ECHOE;

	if (ldisc->head == ldisc->canon_head)
		return;
	if (byte == ldisc->termios.c_cc[VERASE]) {
		erase_characters(ldisc, ERASE_CHARACTER);
	} else if (byte == ldisc->termios.c_cc[VWERASE]) {
		erase_characters(ldisc, ERASE_WORD);
	} else if (has_lflag(ldisc, ECHO) && (ldisc->termios.c_lflag & kill_echo) == kill_echo) {
		erase_characters(ldisc, ERASE_LINE);
	} else {
		ldisc->head = ldisc->canon_head;
		if (!has_lflag(ldisc, ECHO))
			return;
		ldisc_finish_erasing(ldisc);
		echo_char(ldisc, ldisc->termios.c_cc[VKILL]);
		if (has_lflag(ldisc, ECHOK))
			echo_output(ldisc, '\n');
	}
}
