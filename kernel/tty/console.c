/*
 * Consoles: where the log goes and what /dev/console is; and /dev/tty, the terminal of whoever
 * opens it.
 *
 * console=ttyS0,115200n8 may be given several times: the log goes to all of them, /dev/console is
 * the last. console=tty0 means a screen, which this machine has not: the first serial line takes
 * its place, as it does when nothing is said (Documentation/admin-guide/serial-console.rst of
 * Linux).
 */
#define pr_fmt(fmt) "console: " fmt

#include <linux/errno.h>

#include "core/cmdline.h"
#include "core/printk.h"
#include "dev/chardev.h"
#include "dev/uart.h"
#include "fs/devnum.h"
#include "fs/file.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "tty/jobctl.h"
#include "tty/tty_impl.h"

enum { CONSOLES_MAX = 4, DEFAULT_BAUD = 9600, FALLBACK_BAUD = 115200 };

struct console_word {
	unsigned int number; /* N of ttySN */
	uint32_t     baud;
	tcflag_t     cflag;
};

struct console {
	struct log_sink sink;
	struct uart    *uart;
};

static struct {
	struct console_word words[CONSOLES_MAX] __const_after_init;
	unsigned int        nr_words __const_after_init;
	bool                wants_screen __const_after_init;
	struct console      consoles[CONSOLES_MAX] __const_after_init;
	unsigned int        nr_consoles __const_after_init;
	struct tty         *preferred __const_after_init; /* /dev/console; NULL: none */
} console;

/* "115200n8r": speed, parity, bits, flow; all may be left out from the right. */
static int parse_options(const char *text, struct console_word *word)
{
	uint64_t baud;

	if (parse_u64_prefix(text, 10, &baud, &text) || baud > UINT32_MAX || !baud)
		return -EINVAL;
	word->baud = (uint32_t)baud;
	if (*text) {
		word->cflag |= *text == 'o' ? PARENB | PARODD : *text == 'e' ? PARENB : 0;
		if (!strchr("neo", *text++))
			return -EINVAL;
	}
	if (*text >= '5' && *text <= '8') {
		word->cflag = (word->cflag & ~(tcflag_t)CSIZE) | (tcflag_t)(*text - '5') * CS6;
		text++;
	}
	if (*text == 'r') {
		word->cflag |= CRTSCTS;
		text++;
	}
	return *text ? -EINVAL : 0;
}

static int parse_console(const char *value)
{
	struct console_word word = { .baud = DEFAULT_BAUD, .cflag = CS8 };
	uint64_t number;
	int err;

	if (!value || console.nr_words == CONSOLES_MAX)
		return -EINVAL;
	if (!strncmp(value, "tty", 3) && (!value[3] || (value[3] >= '0' && value[3] <= '9'))) {
		console.wants_screen = true;
		return 0;
	}
	if (strncmp(value, "ttyS", 4))
		return -EINVAL;
	err = parse_u64_prefix(value + 4, 10, &number, &value);
	if (err || number >= UART_MAX)
		return -EINVAL;
	word.number = (unsigned int)number;
	if (*value == ',')
		err = parse_options(value + 1, &word);
	else if (*value)
		err = -EINVAL;
	if (!err)
		console.words[console.nr_words++] = word;
	return err;
}

CMDLINE_PARAM("console", parse_console);

/* ---- the log --------------------------------------------------------------------------------- */

static void sink_write(struct log_sink *sink, const char *text, size_t len)
{
	struct uart *uart = container_of(sink, struct console, sink)->uart;

	uart->ops->write_polled(uart, text, len);
}

static bool is_console(const struct uart *uart)
{
	for (unsigned int i = 0; i < console.nr_consoles; i++) {
		if (console.consoles[i].uart == uart)
			return true;
	}
	return false;
}

static void console_add(const struct console_word *word)
{
	struct uart *uart = uart_find(word->number);
	struct tty *tty = serial_tty_find(word->number);
	struct console *added = &console.consoles[console.nr_consoles];

	if (!tty) {
		pr_warn("there is no ttyS%u\n", word->number);
		return;
	}
	serial_tty_set_console(tty, word->baud, word->cflag);
	console.preferred = tty;
	if (is_console(uart))
		return;
	/* the first line showed the early messages already */
	*added = (struct console){
		.uart = uart,
		.sink = { .name = "ttyS", .write = sink_write, .console = true,
		          .replay = word->number != 0 },
	};
	console.nr_consoles++;
	log_sink_register(&added->sink);
}

static void consoles_add(void)
{
	static const struct console_word fallback = { .baud = FALLBACK_BAUD, .cflag = CS8 };

	for (unsigned int i = 0; i < console.nr_words; i++)
		console_add(&console.words[i]);
	if (console.preferred || !uart_find(0))
		return;
	if (console.wants_screen || console.nr_words)
		pr_warn("none of the command line is there; taking ttyS0\n");
	console_add(&fallback);
}

/*
 * ---- /dev/console and /dev/tty ----------------------------------------------------------------
 */

static int console_open(struct inode *inode, struct file *file)
{
	struct tty *tty = console.preferred;

	return tty ? tty_file_open(tty, file, TTY_OPEN_CONSOLE) : -ENODEV;
}

bool console_describe(unsigned int index, struct console_info *info)
{
	if (index >= console.nr_consoles)
		return false;
	for (unsigned int number = 0; number < UART_MAX; number++) {
		struct tty *tty = serial_tty_find(number);

		if (!tty || uart_find(number) != console.consoles[index].uart)
			continue;
		*info = (struct console_info){ "ttyS", number, tty->dev, tty == console.preferred };
		return true;
	}
	return false;
}

void console_wait_sent(ns_t deadline_ns)
{
	if (console.preferred)
		(void)!tty_wait_sent(console.preferred, deadline_ns);
}

static int current_open(struct inode *inode, struct file *file)
{
	struct tty *tty = tty_current_get();
	int err;

	if (!tty)
		return -ENXIO;
	err = tty_file_open(tty, file, TTY_OPEN_NOCTTY);
	tty_put(tty);
	return err;
}

static const struct file_ops console_ops = { .open = console_open };
static const struct file_ops current_ops = { .open = current_open };

static struct chardev console_device = {
	.name = "console", .mode = 0600, .ops = &console_ops,
	.class_name = "/dev/console",
};
static struct chardev current_device = {
	.name = "tty", .mode = 0666, .ops = &current_ops,
	.class_name = "/dev/tty",
};

void console_init(void)
{
	current_device.first = dev_make(TTY_MAJOR_AUX, 0);
	console_device.first = dev_make(TTY_MAJOR_AUX, 1);
	if (chardev_register(&current_device) || chardev_register(&console_device))
		pr_err("the numbers of /dev/tty or /dev/console are taken\n");
	consoles_add();
}
