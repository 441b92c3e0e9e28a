/*
 * Inside the line discipline: characters, flags, and the echo that input asks of output.
 */
#pragma once

#include "lib/utf8.h"
#include "tty/ldisc.h"

#define LDISC_DISABLED 0 /* _POSIX_VDISABLE: a control character that is none */

static inline bool has_iflag(const struct ldisc *ldisc, tcflag_t flag)
{
	return ldisc->termios.c_iflag & flag;
}

static inline bool has_oflag(const struct ldisc *ldisc, tcflag_t flag)
{
	return ldisc->termios.c_oflag & flag;
}

static inline bool has_lflag(const struct ldisc *ldisc, tcflag_t flag)
{
	return ldisc->termios.c_lflag & flag;
}

static inline bool is_control(uint8_t byte)
{
	return byte < 0x20 || byte == 0x7f;
}

/* A byte inside a UTF-8 character, where the terminal knows of such. */
static inline bool is_continuation(const struct ldisc *ldisc, uint8_t byte)
{
	return has_iflag(ldisc, IUTF8) && utf8_is_continuation(byte);
}

static inline uint8_t ldisc_byte(const struct ldisc *ldisc, uint32_t position)
{
	return ldisc->buffer[position % LDISC_SIZE];
}

/* Echo: a byte with ECHOCTL's ^X for controls; as output, by OPOST; or as it is. */
void echo_char(struct ldisc *ldisc, uint8_t byte);
void echo_output(struct ldisc *ldisc, uint8_t byte);
void echo_text(struct ldisc *ldisc, const char *text);
/* Back over a tab that began `columns` behind the last tab, or behind the start of the line. */
void echo_erase_tab(struct ldisc *ldisc, uint32_t columns, bool after_tab);
void echo_clear(struct ldisc *ldisc);

/* VERASE, VWERASE, VKILL: ldisc_erase.c. */
void ldisc_erase(struct ldisc *ldisc, uint8_t byte);
void ldisc_finish_erasing(struct ldisc *ldisc);
