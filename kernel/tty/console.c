/*
 * Consoles: where the log goes and what /dev/console is; and /dev/tty, the terminal of whoever
 * opens it.
 *
 * console=ttyS0,115200n8 may be given several times: the log goes to all of them, /dev/console is
 * the last. console=tty0 (or tty1, or tty) means the screen, hvc0 the console of a hypervisor,
 * which comes late, with its bus. When nothing is said, it is the screen if there is one, else the
 * first serial line, else that of a hypervisor, which also takes the place of what is not there
 * (Documentation/admin-guide/serial-console.rst of Linux). In a panic the screen shows what is said
 * even if it is no console.
 */
#define pr_fmt(fmt) "console: " fmt

#include <linux/errno.h>

#include "core/cmdline.h"
#include "core/printk.h"
#include "dev/chardev.h"
#include "dev/uart.h"
#include "lib/devnum.h"
#include "fs/file.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "tty/jobctl.h"
#include "tty/sak.h"
#include "tty/screen.h"
#include "tty/tty_impl.h"

enum { CONSOLES_MAX = 4, DEFAULT_BAUD = 9600, FALLBACK_BAUD = 115200,
       HVC_BAUD = 38400 };

struct console_word {
	bool         is_screen;
	enum uart_kind kind;
	unsigned int number; /* N of ttySN */
	uint32_t     baud;
	tcflag_t     cflag;
};

struct console {
	struct log_sink sink;
	struct uart    *uart; /* NULL: the screen */
};

static struct {
	struct console_word words[CONSOLES_MAX] __const_after_init;
	unsigned int        nr_words __const_after_init;
	struct console      consoles[CONSOLES_MAX] __const_after_init;
	unsigned int        nr_consoles __const_after_init;
	struct tty         *preferred __const_after_init; /* /dev/console; NULL: none */
	unsigned int        preferred_word __const_after_init; /* which named it */
	bool                is_started __const_after_init;
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

/* There is one virtual console; as on Linux, tty and tty0 mean the one in front. */
static bool names_screen(const char *value)
{
	return !strcmp(value, "tty") || !strcmp(value, "tty0") || !strcmp(value, "tty1");
}

static int parse_console(const char *value)
{
	struct console_word word = { .baud = DEFAULT_BAUD, .cflag = CS8 };
	uint64_t number;
	int err;

	if (!value || console.nr_words == CONSOLES_MAX)
		return -EINVAL;
	if (names_screen(value)) {
		console.words[console.nr_words++] = (struct console_word){ .is_screen = true };
		return 0;
	}
	if (!strncmp(value, "hvc", 3)) {
		word.kind = UART_HVC;
		word.baud = HVC_BAUD;
	} else if (strncmp(value, "ttyS", 4)) {
		return -EINVAL;
	}
	err = parse_u64_prefix(value + strlen(uart_kind_name(word.kind)), 10, &number, &value);
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

static void serial_write(struct log_sink *sink, const char *text, size_t len)
{
	struct uart *uart = container_of(sink, struct console, sink)->uart;

	uart->ops->write_polled(uart, text, len);
}

static void screen_write(struct log_sink *sink, const char *text, size_t len)
{
	screen_write_log(screen_find(), text, len);
}

static void panic_write(struct log_sink *sink, const char *text, size_t len)
{
	if (log_in_panic())
		screen_write_log(screen_find(), text, len);
}

/* uart: NULL for the screen. */
static bool is_console(const struct uart *uart)
{
	for (unsigned int i = 0; i < console.nr_consoles; i++) {
		if (console.consoles[i].uart == uart)
			return true;
	}
	return false;
}

/* The word that is last on the command line names /dev/console. */
static void prefer(struct tty *tty, unsigned int word)
{
	if (console.preferred && word < console.preferred_word)
		return;
	console.preferred = tty;
	console.preferred_word = word;
}

static void screen_add(unsigned int index)
{
	struct console *added = &console.consoles[console.nr_consoles];

	if (!screen_find()) {
		pr_warn("there is no screen\n");
		return;
	}
	prefer(&screen_find()->tty, index);
	if (is_console(NULL))
		return;
	*added = (struct console){
		.sink = { .name = "tty", .write = screen_write, .console = true, .replay = true },
	};
	console.nr_consoles++;
	log_sink_register(&added->sink);
}

static void serial_add(const struct console_word *word, unsigned int index)
{
	struct uart *uart = uart_find(word->kind, word->number);
	struct tty *tty = serial_tty_find(word->kind, word->number);
	struct console *added = &console.consoles[console.nr_consoles];

	if (!tty)
		return; /* it may yet come */
	serial_tty_set_console(tty, word->baud, word->cflag);
	prefer(tty, index);
	if (is_console(uart))
		return;
	/* the first line showed the early messages already */
	*added = (struct console){
		.uart = uart,
		.sink = { .name = uart_kind_name(word->kind), .write = serial_write,
		          .console = true,
		          .replay = word->kind != UART_SERIAL || word->number != 0 },
	};
	console.nr_consoles++;
	log_sink_register(&added->sink);
}

/* What serves when the command line names nothing that is there. */
static void fallback_add(void)
{
	struct console_word word = { .baud = FALLBACK_BAUD, .cflag = CS8 };
	bool has_screen = screen_find();

	if (!uart_find(UART_SERIAL, 0))
		word.kind = UART_HVC;
	if (!has_screen && !uart_find(word.kind, 0))
		return;
	if (console.nr_words)
		pr_warn("none of the command line is there; taking %s%s\n",
		        has_screen ? "tty" : uart_kind_name(word.kind), "0");
	if (has_screen)
		screen_add(0);
	else
		serial_add(&word, 0);
}

static bool is_missing(const struct console_word *word)
{
	return !word->is_screen && !serial_tty_find(word->kind, word->number);
}

/* A line of a hypervisor is on a bus. */
static bool may_yet_come(void)
{
	for (unsigned int i = 0; i < console.nr_words; i++) {
		if (is_missing(&console.words[i]) && console.words[i].kind == UART_HVC)
			return true;
	}
	return !console.nr_words && !screen_find() && !uart_find(UART_SERIAL, 0);
}

static void consoles_add(void)
{
	static struct log_sink panic_sink = { .name = "panic", .write = panic_write };

	for (unsigned int i = 0; i < console.nr_words; i++) {
		if (console.words[i].is_screen)
			screen_add(i);
		else
			serial_add(&console.words[i], i);
	}
	console.is_started = true;
	if (!console.preferred && !may_yet_come())
		fallback_add();
	if (!screen_find())
		return;
	if (!is_console(NULL))
		log_sink_register(&panic_sink);
	screen_flush(screen_find());
}

void console_line_came(const struct uart *uart)
{
	for (unsigned int i = 0; i < console.nr_words && console.is_started; i++) {
		const struct console_word *word = &console.words[i];

		if (!word->is_screen && word->kind == uart->kind && word->number == uart->number)
			serial_add(word, i);
	}
}

void console_settle(void)
{
	for (unsigned int i = 0; i < console.nr_words; i++) {
		if (is_missing(&console.words[i]))
			pr_warn("there is no %s%u\n", uart_kind_name(console.words[i].kind),
			        console.words[i].number);
	}
	if (!console.preferred)
		fallback_add();
	sak_init(console.preferred);
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
	const struct uart *uart;
	struct tty *tty;

	if (index >= console.nr_consoles)
		return false;
	uart = console.consoles[index].uart;
	tty = uart ? serial_tty_find(uart->kind, uart->number) : &screen_find()->tty;
	*info = (struct console_info){
		.name = uart ? uart_kind_name(uart->kind) : "tty",
		.number = uart ? uart->number : 0,
		.dev = tty->dev, .is_preferred = tty == console.preferred,
	};
	return true;
}

void console_wait_sent(ns_t deadline_ns)
{
	if (console.preferred)
		(void)!tty_wait_sent(console.preferred, deadline_ns);
	if (screen_find())
		screen_flush(screen_find());
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
