/*
 * The first serial port (0x3f8) by polling. Waiting for the transmitter is bounded: a port that
 * does not answer costs the text, not the boot.
 */
#include <arch/early_console.h>

#include <arch/io.h>

#include "core/printk.h"

enum {
	PORT = 0x3f8,
	DATA = 0, DIVISOR_LOW = 0, IRQ_ENABLE = 1, DIVISOR_HIGH = 1, FIFO_CONTROL = 2,
	LINE_CONTROL = 3, MODEM_CONTROL = 4, LINE_STATUS = 5, SCRATCH = 7,
	LINE_8N1 = 0x03, LINE_DIVISOR_ACCESS = 0x80, FIFO_ENABLE_CLEAR = 0x07, MODEM_DTR_RTS = 0x03,
	STATUS_TRANSMIT_EMPTY = 0x20,
	SPINS_PER_BYTE = 100000,
};

static struct {
	bool present; /* __const_after_init */
} console;

static void put_byte(uint8_t byte)
{
	for (int i = 0; i < SPINS_PER_BYTE; i++) {
		if (inb(PORT + LINE_STATUS) & STATUS_TRANSMIT_EMPTY)
			break;
	}
	outb(PORT + DATA, byte);
}

void early_console_write(const char *text, size_t size)
{
	if (!console.present)
		return;
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\n')
			put_byte('\r');
		put_byte((uint8_t)text[i]);
	}
}

static void sink_write(struct log_sink *sink, const char *text, size_t size)
{
	early_console_write(text, size);
}

static struct log_sink sink = {
	.name = "early", .write = sink_write, .console = true, .replay = true
};

static bool port_exists(void)
{
	outb(PORT + SCRATCH, 0x5a);
	if (inb(PORT + SCRATCH) != 0x5a)
		return false;
	outb(PORT + SCRATCH, 0xa5);
	return inb(PORT + SCRATCH) == 0xa5;
}

void early_console_init(void)
{
	console.present = port_exists();
	if (!console.present)
		return;
	outb(PORT + IRQ_ENABLE, 0);
	outb(PORT + LINE_CONTROL, LINE_DIVISOR_ACCESS);
	outb(PORT + DIVISOR_LOW, 1);
	outb(PORT + DIVISOR_HIGH, 0);
	outb(PORT + LINE_CONTROL, LINE_8N1);
	outb(PORT + FIFO_CONTROL, FIFO_ENABLE_CLEAR);
	outb(PORT + MODEM_CONTROL, MODEM_DTR_RTS);
	log_sink_register(&sink);
}

void early_console_fini(void)
{
	if (console.present)
		log_sink_unregister(&sink);
}
