/*
 * The line discipline N_TTY: what happens between the bytes of a line and the program that reads
 * and writes a terminal. termios(3) is the specification, Linux's n_tty the judge.
 *
 * Input: ldisc_receive() edits, echoes, makes signals and keeps what may be read in a ring of 4096
 * bytes, in which `ends` marks the line ends. In canonical mode only what lies below canon_head may
 * be read. Output: ldisc_write() expands by OPOST and tracks the column. Echo goes through a small
 * ring of its own, already expanded, so that input never waits for output; it leaves before later
 * output does.
 *
 * The room is pure: no locks (the terminal's mutex guards all of it), no sleep, no tasks; what it
 * wants done it says through struct ldisc_ops. That is why test/unit can run it on the host.
 */
#pragma once

#include <asm/termbits.h>

#include "lib/ring.h"
#include "lib/types.h"

enum { LDISC_SIZE = 4096, LDISC_ECHO_SIZE = 1024 };

struct ldisc;

struct ldisc_ops {
	/* How many bytes output() would take now; 0 while output is stopped. */
	size_t (*room)(struct ldisc *ldisc);
	size_t (*output)(struct ldisc *ldisc, const uint8_t *bytes, size_t n);
	void   (*flush_output)(struct ldisc *ldisc);
	void   (*set_stopped)(struct ldisc *ldisc, bool stopped);
	/* To the foreground group: SIGINT, SIGQUIT, SIGTSTP. */
	void   (*signal)(struct ldisc *ldisc, int sig);
	void   (*readable)(struct ldisc *ldisc);
	/* Pending input was dropped by a signal character. */
	void   (*input_flushed)(struct ldisc *ldisc);
};

/* What was wrong with a received byte; the values of enum uart_error. */
enum { LDISC_OK, LDISC_BREAK, LDISC_PARITY, LDISC_FRAME, LDISC_OVERRUN };

struct ldisc {
	const struct ldisc_ops *ops;
	struct termios2 termios;
	uint32_t head, canon_head, tail; /* run freely: tail <= canon_head <= head <= tail + size */
	uint32_t column;       /* of the cursor */
	uint32_t canon_column; /* where the line being typed began */
	bool     is_literal;   /* VLNEXT: the next byte means itself */
	bool     is_erasing;   /* inside \.../ of ECHOPRT */
	bool     is_stopped;   /* by VSTOP or TCOOFF */
	bool     is_held;      /* by TCOOFF: VSTART does not start it */
	struct ring echo;
	uint64_t ends[LDISC_SIZE / 64];
	uint8_t  buffer[LDISC_SIZE];
	uint8_t  echo_buffer[LDISC_ECHO_SIZE];
};

void ldisc_init(struct ldisc *ldisc, const struct ldisc_ops *ops, const struct termios2 *termios);

/*
 * Bytes from the line, errors may be NULL. How many were taken: all of them if n is at most
 * ldisc_receive_room(), which is 0 only as long as there is something that can be read.
 */
size_t ldisc_receive_room(const struct ldisc *ldisc);
size_t ldisc_receive(struct ldisc *ldisc, const uint8_t *bytes, const uint8_t *errors, size_t n);

/* One read(2) would not wait, with at least `least` bytes wanted in raw mode. */
bool ldisc_is_readable(const struct ldisc *ldisc, uint32_t least);
/*
 * Up to n bytes: in canonical mode up to and with the end of the line. *ended: a line end was
 * passed (0 bytes and ended: end of file).
 */
size_t ldisc_read(struct ldisc *ldisc, uint8_t *bytes, size_t n, bool *ended);
/* FIONREAD. */
size_t ldisc_readable_count(const struct ldisc *ldisc);
void   ldisc_flush_input(struct ldisc *ldisc);

/* Output processing. How many of the n bytes went out: less when there is no room. */
size_t ldisc_write(struct ldisc *ldisc, const uint8_t *bytes, size_t n);
/* There is room for output again: pending echo goes first. */
void   ldisc_push_echo(struct ldisc *ldisc);

/* New settings; keeps pending input readable across changes of ICANON, as Linux does. */
void ldisc_set_termios(struct ldisc *ldisc, const struct termios2 *termios);

/* Stop and start output; hold: TCOOFF and TCOON rather than VSTOP and VSTART. */
void ldisc_stop(struct ldisc *ldisc, bool hold);
void ldisc_start(struct ldisc *ldisc, bool hold);

static inline bool ldisc_is_canonical(const struct ldisc *ldisc)
{
	return (ldisc->termios.c_lflag & (ICANON | EXTPROC)) == ICANON;
}
