/*
 * 8250 and its descendants. See drivers/serial.h, and the data sheet of the PC16550D.
 *
 * The line is edge-triggered: the interrupt handler goes on until the chip says that it has no more
 * cause, or the next edge would never come. Sending takes a FIFO full whenever the chip is empty.
 *
 * Locking: uart->lock over the shadow registers; `registers` (RANK_SINK, inside it) over writing
 * bytes and over the moments when the divisor hides the data register, because the log writes to
 * the port as well, in any context.
 */
#define pr_fmt(fmt) "serial: " fmt

#include "drivers/serial.h"

#include <arch/io.h>
#include <asm/termios.h>
#include <linux/errno.h>
#include <linux/serial_core.h>
#include <linux/serial_reg.h>

#include "core/printk.h"
#include "dev/irq_line.h"
#include "dev/uart.h"
#include "lib/printf.h"
#include "mem/alloc.h"

enum {
	BASE_BAUD = 115200,
	FIFO_SIZE = 16,
	SPINS_PER_BYTE = 100000, /* a port that does not answer costs the text, not the boot */
	ROUNDS_PER_INTERRUPT = 256,
	IIR_FIFO_WORKS = 0xc0,
	MODEM_TEST = UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS,
	MODEM_TEST_ANSWER = UART_MSR_DCD | UART_MSR_CTS,
	MODEM_STATUS = 0xf0,
};

struct serial {
	struct uart       uart;
	uint16_t          port __const_after_init;
	uint8_t           irq __const_after_init;
	uint8_t           fifo_size __const_after_init;
	uint8_t           interrupts __guarded_by(uart.lock); /* shadow of UART_IER */
	uint8_t           line __guarded_by(uart.lock);       /* shadow of UART_LCR */
	uint32_t          divisor __guarded_by(uart.lock);    /* 0: not known */
	struct spinlock   registers;
	uint8_t           seen_errors __atomic; /* that line_status() has read, for receive() */
	struct irq_action action;
	char              description[40] __const_after_init;
};

static const struct {
	uint16_t    port;
	uint8_t     irq;
	const char *name;
} isa_ports[] = {
	{ 0x3f8, 4, "ttyS0" }, { 0x2f8, 3, "ttyS1" }, { 0x3e8, 4, "ttyS2" }, { 0x2e8, 3, "ttyS3" },
};

static const struct uart_ops serial_ops;

static struct serial *to_serial(struct uart *uart)
{
	return container_of(uart, struct serial, uart);
}

static uint8_t get(const struct serial *serial, uint16_t reg)
{
	return inb(serial->port + reg);
}

static void set(const struct serial *serial, uint16_t reg, unsigned int value)
{
	outb(serial->port + reg, (uint8_t)value);
}

static void set_interrupts(struct serial *serial, unsigned int interrupts)
{
	if (serial->interrupts == interrupts)
		return;
	serial->interrupts = (uint8_t)interrupts;
	set(serial, UART_IER, interrupts);
}

/* ---- receiving and sending ------------------------------------------------------------------- */

/*
 * The line's status. Reading it clears the errors in it, so whoever reads it for another reason
 * keeps them for the receiver: the log must not lose a break.
 */
static uint8_t line_status(struct serial *serial)
{
	uint8_t status = get(serial, UART_LSR);

	if (unlikely(status & UART_LSR_BRK_ERROR_BITS))
		atomic_or(&serial->seen_errors, status & UART_LSR_BRK_ERROR_BITS);
	return status;
}

static uint8_t receive_status(struct serial *serial)
{
	uint8_t status = get(serial, UART_LSR);

	if (unlikely(atomic_load_relaxed(&serial->seen_errors)))
		status |= atomic_xchg(&serial->seen_errors, 0);
	return status;
}

static enum uart_error error_of(uint8_t status)
{
	return status & UART_LSR_BI ? UART_BREAK : status & UART_LSR_PE ? UART_PARITY :
	       status & UART_LSR_FE ? UART_FRAME : status & UART_LSR_OE ? UART_OVERRUN : UART_OK;
}

static void receive(struct serial *serial, uint8_t status)
{
	while (status & (UART_LSR_DR | UART_LSR_BI)) {
		if (!uart_receive(&serial->uart, get(serial, UART_RX), error_of(status))) {
			set_interrupts(serial,
			               serial->interrupts & ~(UART_IER_RDI | UART_IER_RLSI));
			break;
		}
		status = receive_status(serial);
	}
	uart_receive_done(&serial->uart);
}

static void transmit(struct serial *serial)
{
	bool more = true, sent = false;
	uint8_t byte;

	spin_lock(&serial->registers);
	if (line_status(serial) & UART_LSR_THRE) {
		for (int i = 0; i < serial->fifo_size && more; i++) {
			more = uart_next(&serial->uart, &byte);
			if (more)
				set(serial, UART_TX, byte);
			sent |= more;
		}
	}
	spin_unlock(&serial->registers);
	/* after the last byte one more interrupt, to tell those who wait for the end */
	set_interrupts(serial, more || sent ? serial->interrupts | UART_IER_THRI
	                                    : serial->interrupts & ~UART_IER_THRI);
}

static unsigned int modem_lines(uint8_t status)
{
	return (status & UART_MSR_DCD ? TIOCM_CAR : 0) | (status & UART_MSR_RI ? TIOCM_RNG : 0) |
	       (status & UART_MSR_DSR ? TIOCM_DSR : 0) | (status & UART_MSR_CTS ? TIOCM_CTS : 0);
}

static void check_modem(struct serial *serial)
{
	uint8_t status = get(serial, UART_MSR);

	if (status & UART_MSR_ANY_DELTA)
		uart_modem_changed(&serial->uart, modem_lines(status),
		                   modem_lines((uint8_t)(status << 4)));
}

static void serve(struct serial *serial)
{
	uint8_t status = receive_status(serial);

	if (serial->interrupts & UART_IER_RDI && status & (UART_LSR_DR | UART_LSR_BI))
		receive(serial, status);
	check_modem(serial);
	if (serial->interrupts & UART_IER_THRI && status & UART_LSR_THRE) {
		transmit(serial);
		uart_next_done(&serial->uart);
	}
}

/* An edge may come for a cause that was served a moment ago: each one counts as ours. */
static enum irq_result serial_interrupt(void *arg)
{
	struct serial *serial = arg;

	spin_lock(&serial->uart.lock);
	for (int i = 0; i < ROUNDS_PER_INTERRUPT; i++) {
		if (get(serial, UART_IIR) & UART_IIR_NO_INT)
			break;
		serve(serial);
	}
	spin_unlock(&serial->uart.lock);
	uart_sysrq_run(&serial->uart);
	return IRQ_HANDLED;
}

/* ---- operations ------------------------------------------------------------------------------ */

static bool wait_for(struct serial *serial, uint8_t status)
{
	for (int i = 0; i < SPINS_PER_BYTE; i++) {
		if ((line_status(serial) & status) == status)
			return true;
		cpu_relax();
	}
	return false;
}

static int serial_start(struct uart *uart)
{
	struct serial *serial = to_serial(uart);
	int err;

	wait_for(serial, UART_LSR_TEMT);
	set(serial, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_TRIGGER_8);
	err = irq_line_register_isa(serial->irq, &serial->action);
	if (err)
		return err;
	uint64_t flags = spin_lock_irqsave(&uart->lock);
	uart->modem |= TIOCM_OUT2;
	(void)get(serial, UART_LSR);
	(void)get(serial, UART_MSR);
	set_interrupts(serial, UART_IER_RDI | UART_IER_RLSI | UART_IER_MSI);
	spin_unlock_irqrestore(&uart->lock, flags);
	return 0;
}

static void serial_stop(struct uart *uart)
{
	struct serial *serial = to_serial(uart);
	uint64_t flags = spin_lock_irqsave(&uart->lock);

	set_interrupts(serial, 0);
	spin_unlock_irqrestore(&uart->lock, flags);
	irq_line_unregister(&serial->action);
}

static void serial_start_transmit(struct uart *uart)
{
	transmit(to_serial(uart));
}

static void serial_stop_transmit(struct uart *uart)
{
	set_interrupts(to_serial(uart), to_serial(uart)->interrupts & ~UART_IER_THRI);
}

static void serial_resume_receive(struct uart *uart)
{
	struct serial *serial = to_serial(uart);

	set_interrupts(serial, serial->interrupts | UART_IER_RDI | UART_IER_RLSI);
}

static uint8_t line_control(const struct uart_format *format)
{
	static const uint8_t parity[] = {
		[UART_PARITY_NONE] = 0,
		[UART_PARITY_ODD] = UART_LCR_PARITY,
		[UART_PARITY_EVEN] = UART_LCR_PARITY | UART_LCR_EPAR,
		[UART_PARITY_MARK] = UART_LCR_PARITY | UART_LCR_SPAR,
		[UART_PARITY_SPACE] = UART_LCR_PARITY | UART_LCR_EPAR | UART_LCR_SPAR,
	};

	return (uint8_t)(format->data_bits - 5) | (format->stop_bits > 1 ? UART_LCR_STOP : 0) |
	       parity[format->parity];
}

static void serial_set_format(struct uart *uart, const struct uart_format *format)
{
	struct serial *serial = to_serial(uart);
	uint32_t divisor = (BASE_BAUD + format->baud / 2) / format->baud;
	uint8_t line = line_control(format);

	divisor = divisor < 1 ? 1 : divisor > 0xffff ? 0xffff : divisor;
	if (divisor == serial->divisor && line == serial->line)
		return;
	serial->divisor = divisor;
	serial->line = line;
	spin_lock(&serial->registers);
	set(serial, UART_LCR, line | UART_LCR_DLAB);
	set(serial, UART_DLL, divisor & 0xff);
	set(serial, UART_DLM, divisor >> 8);
	set(serial, UART_LCR, line);
	spin_unlock(&serial->registers);
}

static void serial_set_modem(struct uart *uart, unsigned int lines)
{
	set(to_serial(uart), UART_MCR,
	    (lines & TIOCM_DTR ? UART_MCR_DTR : 0) | (lines & TIOCM_RTS ? UART_MCR_RTS : 0) |
	    (lines & TIOCM_OUT1 ? UART_MCR_OUT1 : 0) | (lines & TIOCM_OUT2 ? UART_MCR_OUT2 : 0) |
	    (lines & TIOCM_LOOP ? UART_MCR_LOOP : 0));
}

static unsigned int serial_get_modem(struct uart *uart)
{
	return modem_lines(get(to_serial(uart), UART_MSR));
}

static void serial_set_break(struct uart *uart, bool on)
{
	struct serial *serial = to_serial(uart);

	serial->line = (uint8_t)(on ? serial->line | UART_LCR_SBC : serial->line & ~UART_LCR_SBC);
	set(serial, UART_LCR, serial->line);
}

static bool serial_is_transmitter_empty(struct uart *uart)
{
	return line_status(to_serial(uart)) & UART_LSR_TEMT;
}

static void write_byte(struct serial *serial, uint8_t byte)
{
	wait_for(serial, UART_LSR_THRE);
	set(serial, UART_TX, byte);
}

static void write_text(struct serial *serial, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			write_byte(serial, '\r');
		write_byte(serial, (uint8_t)text[i]);
	}
}

static void serial_write_polled(struct uart *uart, const char *text, size_t len)
{
	struct serial *serial = to_serial(uart);

	if (log_in_panic()) {
		write_text(serial, text, len);
		return;
	}
	uint64_t flags = spin_lock_irqsave(&serial->registers);
	write_text(serial, text, len);
	spin_unlock_irqrestore(&serial->registers, flags);
}

/* ---- finding them ---------------------------------------------------------------------------- */

/* The interrupt register keeps what is written; in loop mode the modem lines come back. */
static bool port_exists(uint16_t port)
{
	uint8_t enabled = inb(port + UART_IER), none, all, modem, answer;

	outb(port + UART_IER, 0);
	none = inb(port + UART_IER) & 0x0f;
	outb(port + UART_IER, 0x0f);
	all = inb(port + UART_IER) & 0x0f;
	outb(port + UART_IER, enabled & 0x0f);
	if (none != 0 || all != 0x0f)
		return false;
	modem = inb(port + UART_MCR);
	outb(port + UART_MCR, MODEM_TEST);
	answer = inb(port + UART_MSR) & MODEM_STATUS;
	outb(port + UART_MCR, modem & ~UART_MCR_LOOP);
	return answer == MODEM_TEST_ANSWER;
}

static void identify(struct serial *serial)
{
	bool has_fifo;

	set(serial, UART_IER, 0);
	set(serial, UART_FCR, UART_FCR_ENABLE_FIFO);
	has_fifo = (get(serial, UART_IIR) & IIR_FIFO_WORKS) == IIR_FIFO_WORKS;
	serial->fifo_size = has_fifo ? FIFO_SIZE : 1;
	serial->uart.type = has_fifo ? PORT_16550A : PORT_16450;
	snprintf(serial->description, sizeof(serial->description), "%s at %#x, IRQ %u",
	         has_fifo ? "16550A" : "16450", serial->port, serial->irq);
}

static int serial_add(unsigned int index)
{
	struct serial *serial = kzalloc(sizeof(*serial), ALLOC_KERNEL);
	int err;

	if (!serial)
		return -ENOMEM;
	serial->port = isa_ports[index].port;
	serial->irq = isa_ports[index].irq;
	spin_lock_init(&serial->registers, RANK_SINK);
	serial->action = (struct irq_action){
		.handler = serial_interrupt, .arg = serial, .name = isa_ports[index].name,
	};
	identify(serial);
	serial->uart.ops = &serial_ops;
	serial->uart.description = serial->description;
	serial->uart.port = serial->port;
	serial->uart.irq = serial->irq;
	serial->uart.max_baud = BASE_BAUD;
	err = uart_register(&serial->uart, index);
	if (err)
		kfree(serial);
	else
		pr_info("ttyS%u is a %s\n", serial->uart.number, serial->description);
	return err;
}

void serial_init(void)
{
	for (unsigned int i = 0; i < array_size(isa_ports); i++) {
		int err = port_exists(isa_ports[i].port) ? serial_add(i) : 0;

		if (err)
			pr_err("the port at %#x cannot be used (error %d)\n", isa_ports[i].port,
			       err);
	}
}

static const struct uart_ops serial_ops = {
	.start = serial_start,
	.stop = serial_stop,
	.start_transmit = serial_start_transmit,
	.stop_transmit = serial_stop_transmit,
	.resume_receive = serial_resume_receive,
	.set_format = serial_set_format,
	.set_modem = serial_set_modem,
	.get_modem = serial_get_modem,
	.set_break = serial_set_break,
	.is_transmitter_empty = serial_is_transmitter_empty,
	.write_polled = serial_write_polled,
};
