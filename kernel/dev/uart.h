/*
 * The class of serial lines: what a driver of a UART gives, and what a terminal makes of it. The
 * lines of a hypervisor's console are such, too: without a chip, a format or modem lines.
 *
 * A driver fills a struct uart with its operations and calls uart_register(); the line gets the
 * next number. The user of lines (tty/) sets one struct uart_client for all of them. Received bytes
 * go from the interrupt into a ring with what was wrong with each; the client is told, and fetches
 * them where it may sleep. Bytes to send go into another ring that the interrupt empties.
 *
 * Nothing is lost while the machine is faster than the line: when the receive ring is full the
 * driver stops taking bytes (the FIFO fills, the sender is held back by hardware flow control if
 * there is any) and goes on when half of it is free again.
 *
 * On a console a break and the key that follows within five seconds are for the kernel
 * (core/sysrq.h) and not received; a second break in a row is one again.
 *
 * The log's way out is write_polled(): it waits for the hardware, takes no lock of this room but
 * the driver's own RANK_SINK one, and none at all in a panic.
 *
 * Locking: `lock` (RANK_UART, irq-safe) over rings and state. Driver operations are called with it
 * held unless said otherwise.
 */
#pragma once

#include "core/spinlock.h"
#include "lib/ring.h"
#include "lib/types.h"

struct uart;

/* Baud rate and frame. */
struct uart_format {
	uint32_t baud;      /* 0: hang up */
	uint8_t  data_bits; /* 5 .. 8 */
	uint8_t  stop_bits; /* 1, 2 */
	enum { UART_PARITY_NONE, UART_PARITY_ODD, UART_PARITY_EVEN, UART_PARITY_MARK,
	       UART_PARITY_SPACE } parity;
	bool     flow_rts_cts;
};

/* Lines of a kind are numbered by themselves. */
enum uart_kind {
	UART_SERIAL, /* ttyS0 ... */
	UART_HVC,    /* hvc0 ...: only bytes; set_format, set_modem and set_break mean nothing */
	UART_KINDS,
};

/* What was wrong with a received byte. */
enum uart_error { UART_OK, UART_BREAK, UART_PARITY, UART_FRAME, UART_OVERRUN };

/* Modem lines are TIOCM_* of <asm/termios.h>. */
struct uart_ops {
	/* Claim the interrupt and let it come; the FIFOs are empty. Without the lock; may sleep. */
	int  (*start)(struct uart *uart);
	/* The reverse: silence. Without the lock; may sleep. */
	void (*stop)(struct uart *uart);
	/* There is something in the transmit ring, and it may be sent: take it from now on. */
	void (*start_transmit)(struct uart *uart);
	void (*stop_transmit)(struct uart *uart);
	/* The receive ring has space again after uart_receive() had said false. */
	void (*resume_receive)(struct uart *uart);
	void (*set_format)(struct uart *uart, const struct uart_format *format);
	void (*set_modem)(struct uart *uart, unsigned int lines);
	unsigned int (*get_modem)(struct uart *uart);
	void (*set_break)(struct uart *uart, bool on);
	/* The last bit has left the shift register. */
	bool (*is_transmitter_empty)(struct uart *uart);
	/* Send now, waiting for the hardware; NL becomes CR NL. Any context, without the lock. */
	void (*write_polled)(struct uart *uart, const char *text, size_t len);
};

enum { UART_RECEIVE_SIZE = 4096, UART_TRANSMIT_SIZE = 4096, UART_MAX = 8 };

struct uart_counts {
	uint32_t received, sent, breaks, parity, frame, overruns;
};

struct uart {
	const struct uart_ops *ops __const_after_init;
	const char            *description __const_after_init; /* "16550A at 0x3f8, IRQ 4" */
	enum uart_kind         kind __const_after_init;
	unsigned int           number __const_after_init;      /* N of ttySN */
	uint32_t               type __const_after_init;        /* PORT_* of <linux/serial_core.h> */
	uint32_t               port, irq, max_baud __const_after_init; /* for TIOCGSERIAL */
	void                  *client_data __const_after_init; /* the client's; set in attach() */
	struct spinlock        lock; /* irq-safe */
	struct ring            received __guarded_by(lock);
	/* in step with received: enum uart_error */
	struct ring            errors __guarded_by(lock);
	struct ring            transmit __guarded_by(lock);
	/* XON or XOFF to go before all else; -1: none */
	int                    urgent __guarded_by(lock);
	bool                   is_open __guarded_by(lock);
	bool                   is_stopped __guarded_by(lock);  /* by the client: nothing is sent */
	bool                   is_held __guarded_by(lock);     /* CTS has dropped */
	bool                   is_refusing __guarded_by(lock); /* uart_receive() said false */
	struct uart_format     format __guarded_by(lock);
	/* what we drive: TIOCM_DTR, RTS, OUT2, LOOP */
	unsigned int           modem __guarded_by(lock);
	struct uart_counts     counts __guarded_by(lock);
	bool                   is_console __guarded_by(lock);
	ns_t                   sysrq_until __guarded_by(lock); /* the next key is one; 0: no */
	/* pressed, yet to be obeyed; 0: none */
	char                   sysrq_key __guarded_by(lock);
};

/*
 * The user of lines. The last three are called in the interrupt with the line's lock held: they
 * wake or queue work.
 */
struct uart_client {
	int  (*attach)(struct uart *uart); /* a line was registered; may sleep */
	void (*received)(struct uart *uart);
	/* much of the transmit ring is free again, or all is sent */
	void (*sent)(struct uart *uart);
	void (*modem_changed)(struct uart *uart, unsigned int lines, unsigned int changed);
};

/*
 * Lines registered before are attached now, others when they come. Once, while the machine starts.
 */
void uart_set_client(const struct uart_client *client);

/*
 * The structure stays the driver's, for good. Allocates the rings; gives the line the lowest number
 * of its kind from `number` on that is free. -ENOMEM, -ENOSPC. May sleep.
 */
__must_check int uart_register(struct uart *uart, unsigned int number);
/* NULL: there is no such line. */
struct uart *uart_find(enum uart_kind kind, unsigned int number);
/* "ttyS", "hvc" */
const char *uart_kind_name(enum uart_kind kind);

/*
 * ---- for drivers, with the lock held
 * -------------------------------------------------------------
 */

/* Keeps the byte. False: the ring is full now, take no more until resume_receive(). */
bool uart_receive(struct uart *uart, uint8_t byte, enum uart_error error);
/* Ends a round of uart_receive(): tells the client. */
void uart_receive_done(struct uart *uart);
/*
 * The end of the interrupt, without the lock: obeys a SysRq key that has come. May not return.
 */
void uart_sysrq_run(struct uart *uart);
/* The next byte to send; false: nothing, stop the transmit interrupt. */
bool uart_next(struct uart *uart, uint8_t *byte);
/* Ends a round of uart_next(): tells the client that there is room. */
void uart_next_done(struct uart *uart);
/* Modem lines now, and which of them changed. */
void uart_modem_changed(struct uart *uart, unsigned int lines, unsigned int changed);

/*
 * ---- for the client, without the lock; none sleeps unless said
 * -------------------------------------
 */

int  __must_check uart_open(struct uart *uart); /* may sleep */
void uart_close(struct uart *uart);             /* may sleep */

/* Up to n bytes, in order, with their enum uart_error. How many. */
size_t uart_fetch(struct uart *uart, uint8_t *bytes, uint8_t *errors, size_t n);
size_t uart_receive_count(struct uart *uart);
void   uart_receive_clear(struct uart *uart);
/* Takes as many as there is room for. */
size_t uart_write(struct uart *uart, const void *bytes, size_t n);
size_t uart_write_room(struct uart *uart);
size_t uart_write_count(struct uart *uart); /* yet to be sent */
void   uart_write_clear(struct uart *uart);
void   uart_write_urgent(struct uart *uart, uint8_t byte);
bool   uart_is_idle(struct uart *uart); /* nothing in the ring, nothing in the hardware */
void   uart_set_stopped(struct uart *uart, bool stopped);
void   uart_set_format(struct uart *uart, const struct uart_format *format);
void   uart_set_break(struct uart *uart, bool on);
unsigned int uart_get_modem(struct uart *uart);
void   uart_set_modem(struct uart *uart, unsigned int set, unsigned int clear);
void   uart_get_counts(struct uart *uart, struct uart_counts *counts);
void   uart_set_console(struct uart *uart); /* SysRq works there from now on */
