/*
 * Terminals on serial lines: /dev/ttyS0 and so on, and /dev/hvc0 of hypervisors, each the client of
 * a struct uart (dev/uart.h).
 *
 * The interrupt only wakes and queues work; the work, in a thread, feeds the line discipline and
 * pushes echo. While the line discipline has no room, bytes wait in the uart's ring, then in its
 * FIFO; with IXOFF the sender is asked to stop when the ring is half full.
 *
 * A line keeps its struct tty, settings and all, as long as the machine runs.
 */
#include <asm/ioctls.h>
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/serial.h>

#include "abi/errno.h"
#include "dev/chardev.h"
#include "dev/uart.h"
#include "lib/devnum.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "lib/math.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mem/alloc.h"
#include "sched/clock.h"
#include "sched/work.h"
#include "tty/termios.h"
#include "tty/tty_impl.h"

enum { CONSOLE_NAME_SIZE = 8, FIFO_BITS = 16 * 12 };

struct serial_tty {
	struct tty        tty;
	struct uart      *uart __const_after_init;
	struct work       work;    /* input has come, or echo waits for room */
	struct work       hangup_work; /* carrier has gone */
	struct wait_queue carrier; /* wait_ready() sleeps here */
	bool              is_asked_to_stop __guarded_by(tty.lock); /* IXOFF: we sent VSTOP */
	bool              is_console __const_after_init; /* never shut down */
	struct chardev    chardev;
	char              name[CONSOLE_NAME_SIZE] __const_after_init;
};

static const struct tty_ops serial_tty_ops;

static struct serial_tty *to_serial_tty(const struct tty *tty)
{
	return container_of(tty, struct serial_tty, tty);
}

static struct uart *uart_of(const struct tty *tty)
{
	return to_serial_tty(tty)->uart;
}

/* Where the numbers of a kind of line begin. */
static dev_t first_number(enum uart_kind kind)
{
	return kind == UART_HVC ? dev_make(TTY_MAJOR_HVC, 0)
	                        : dev_make(TTY_MAJOR_SERIAL, TTY_SERIAL_MINOR);
}

struct tty *serial_tty_find(enum uart_kind kind, unsigned int number)
{
	struct uart *uart = uart_find(kind, number);
	struct serial_tty *line = uart ? uart->client_data : NULL;

	return line ? &line->tty : NULL;
}

/* ---- settings -------------------------------------------------------------------------------- */

static void format_of(const struct termios2 *settings, struct uart_format *format)
{
	tcflag_t cflag = settings->c_cflag;

	format->baud = termios_baud(settings);
	format->data_bits = (uint8_t)(5 + (cflag & CSIZE) / CS6);
	format->stop_bits = cflag & CSTOPB ? 2 : 1;
	format->flow_rts_cts = cflag & CRTSCTS;
	if (!(cflag & PARENB))
		format->parity = UART_PARITY_NONE;
	else if (cflag & CMSPAR)
		format->parity = cflag & PARODD ? UART_PARITY_MARK : UART_PARITY_SPACE;
	else
		format->parity = cflag & PARODD ? UART_PARITY_ODD : UART_PARITY_EVEN;
}

static void serial_tty_set_termios(struct tty *tty, const struct termios2 *old)
{
	struct uart_format format;

	format_of(&tty->ldisc.termios, &format);
	uart_set_format(uart_of(tty), &format);
	if (!format.baud)
		uart_set_modem(uart_of(tty), 0, TIOCM_DTR | TIOCM_RTS);
	else if (!termios_baud(old))
		uart_set_modem(uart_of(tty), TIOCM_DTR | TIOCM_RTS, 0);
}

void serial_tty_set_console(struct tty *tty, uint32_t baud, tcflag_t cflag)
{
	struct termios2 settings = tty->ldisc.termios, old = settings;

	settings.c_cflag = CREAD | HUPCL | CLOCAL | cflag;
	termios_set_baud(&settings, baud);
	to_serial_tty(tty)->is_console = true;
	uart_set_console(uart_of(tty));
	mutex_lock(&tty->lock);
	ldisc_set_termios(&tty->ldisc, &settings);
	serial_tty_set_termios(tty, &old);
	mutex_unlock(&tty->lock);
}

/* ---- input and output ------------------------------------------------------------------------ */

/* Software flow control towards the sender: IXOFF. */
static void ask_sender(struct serial_tty *line)
{
	const struct termios2 *settings = &line->tty.ldisc.termios;
	size_t waiting = uart_receive_count(line->uart);
	bool stop = waiting > UART_RECEIVE_SIZE / 2 || (line->is_asked_to_stop && waiting);

	stop = stop && (settings->c_iflag & IXOFF);
	if (stop == line->is_asked_to_stop)
		return;
	line->is_asked_to_stop = stop;
	uart_write_urgent(line->uart, settings->c_cc[stop ? VSTOP : VSTART]);
}

static void serve(struct work *work)
{
	struct serial_tty *line = container_of(work, struct serial_tty, work);

	mutex_lock(&line->tty.lock);
	tty_pump(&line->tty);
	ask_sender(line);
	tty_output_ready(&line->tty);
	mutex_unlock(&line->tty.lock);
}

static void hang_up(struct work *work)
{
	tty_hangup(&container_of(work, struct serial_tty, hangup_work)->tty, false);
}

static size_t serial_tty_fetch(struct tty *tty, uint8_t *bytes, uint8_t *errors, size_t n)
{
	struct serial_tty *line = to_serial_tty(tty);
	size_t count;

	if (!uart_receive_count(line->uart))
		return 0;
	count = uart_fetch(line->uart, bytes, errors, n);
	if (!(tty->ldisc.termios.c_cflag & CREAD))
		return 0;
	if (line->is_asked_to_stop)
		ask_sender(line);
	return count;
}

static size_t serial_tty_room(struct tty *tty)
{
	return uart_write_room(uart_of(tty));
}

static size_t serial_tty_output(struct tty *tty, const uint8_t *bytes, size_t n)
{
	return uart_write(uart_of(tty), bytes, n);
}

static void serial_tty_flush_input(struct tty *tty)
{
	uart_receive_clear(uart_of(tty));
}

static void serial_tty_flush_output(struct tty *tty)
{
	uart_write_clear(uart_of(tty));
}

static size_t serial_tty_pending_output(struct tty *tty)
{
	return uart_write_count(uart_of(tty));
}

/*
 * The ring is empty; what the chip holds needs the time of its bits, for which no interrupt comes.
 */
static void serial_tty_wait_sent(struct tty *tty, ns_t deadline_ns)
{
	uint32_t baud = termios_baud(&tty->ldisc.termios);
	ns_t fifo_ns = FIFO_BITS * NS_PER_SEC / (baud ? baud : 1);
	ns_t end_ns = clock_monotonic() + fifo_ns;

	if (!uart_is_idle(uart_of(tty)))
		sleep_until_uninterruptible(min(end_ns, deadline_ns));
}

static void serial_tty_set_stopped(struct tty *tty, bool stopped)
{
	uart_set_stopped(uart_of(tty), stopped);
}

static void serial_tty_send_urgent(struct tty *tty, uint8_t byte)
{
	uart_write_urgent(uart_of(tty), byte);
}

static int serial_tty_set_break(struct tty *tty, bool on)
{
	uart_set_break(uart_of(tty), on);
	return 0;
}

static int serial_tty_get_modem(struct tty *tty, unsigned int *lines)
{
	if (uart_of(tty)->kind == UART_HVC)
		return -ENOTTY;
	*lines = uart_get_modem(uart_of(tty));
	return 0;
}

static int serial_tty_set_modem(struct tty *tty, unsigned int set, unsigned int clear)
{
	if (uart_of(tty)->kind == UART_HVC)
		return -ENOTTY;
	/* OUT2 lets the interrupt through: it is not for users */
	uart_set_modem(uart_of(tty), set, clear & ~(unsigned int)TIOCM_OUT2);
	return 0;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static int serial_tty_open(struct tty *tty)
{
	struct uart_format format;
	bool is_running = to_serial_tty(tty)->is_console && uart_of(tty)->is_open;
	int err = is_running ? 0 : uart_open(uart_of(tty));

	if (err)
		return err;
	format_of(&tty->ldisc.termios, &format);
	uart_set_format(uart_of(tty), &format);
	return 0;
}

static void serial_tty_close(struct tty *tty)
{
	if (to_serial_tty(tty)->is_console)
		return;
	if (tty->ldisc.termios.c_cflag & HUPCL)
		uart_set_modem(uart_of(tty), 0, TIOCM_DTR | TIOCM_RTS);
	uart_close(uart_of(tty));
}

static int serial_tty_wait_ready(struct tty *tty, struct file *file)
{
	struct serial_tty *line = to_serial_tty(tty);

	if ((file->flags & O_NONBLOCK) || (tty->ldisc.termios.c_cflag & CLOCAL))
		return 0;
	return wait_event_interruptible(&line->carrier, uart_get_modem(line->uart) & TIOCM_CAR);
}

int serial_tty_file_open(struct inode *inode, struct file *file)
{
	enum uart_kind kind = dev_major(inode->rdev) == TTY_MAJOR_HVC ? UART_HVC : UART_SERIAL;
	struct tty *tty = serial_tty_find(kind, inode->rdev - first_number(kind));

	return tty ? tty_file_open(tty, file, 0) : -ENXIO;
}

static void get_serial(const struct uart *uart, struct serial_struct *out)
{
	memset(out, 0, sizeof(*out));
	out->type = (int)uart->type;
	out->line = (int)uart->number;
	out->port = uart->port;
	out->irq = (int)uart->irq;
	out->xmit_fifo_size = 16;
	out->baud_base = (int)uart->max_baud;
	out->close_delay = 50;
	out->closing_wait = 3000;
}

static void get_counts(struct uart *uart, struct serial_icounter_struct *out)
{
	struct uart_counts counts;

	uart_get_counts(uart, &counts);
	memset(out, 0, sizeof(*out));
	out->rx = (int)counts.received;
	out->tx = (int)counts.sent;
	out->brk = (int)counts.breaks;
	out->parity = (int)counts.parity;
	out->frame = (int)counts.frame;
	out->overrun = (int)counts.overruns;
}

static long serial_tty_ioctl(struct tty *tty, unsigned int command, void *arg)
{
	if (uart_of(tty)->kind == UART_HVC)
		return -ENOIOCTLCMD;
	switch (command) {
	case TIOCGSERIAL:
		get_serial(uart_of(tty), arg);
		return 0;
	case TIOCGICOUNT:
		get_counts(uart_of(tty), arg);
		return 0;
	default:
		return -ENOIOCTLCMD;
	}
}

/* ---- as the client of uarts ------------------------------------------------------------------ */

static void uart_received(struct uart *uart)
{
	struct serial_tty *line = uart->client_data;

	work_queue_sleeping(&line->work);
}

static void uart_sent(struct uart *uart)
{
	struct serial_tty *line = uart->client_data;

	wake_up_key(&line->tty.writers, EPOLLOUT | EPOLLWRNORM, 1);
	if (!ring_is_empty(&line->tty.ldisc.echo))
		work_queue_sleeping(&line->work);
}

static void uart_modem(struct uart *uart, unsigned int lines, unsigned int changed)
{
	struct serial_tty *line = uart->client_data;

	if (!(changed & TIOCM_CAR))
		return;
	wake_up_all(&line->carrier);
	if (!(lines & TIOCM_CAR) && !(READ_ONCE(line->tty.ldisc.termios.c_cflag) & CLOCAL))
		work_queue_sleeping(&line->hangup_work);
}

static int attach(struct uart *uart)
{
	struct serial_tty *line = kzalloc(sizeof(*line), ALLOC_KERNEL);
	struct termios2 settings = termios_default;
	const char *kind = uart_kind_name(uart->kind);
	dev_t dev = first_number(uart->kind) + uart->number;
	int err;

	if (!line)
		return -ENOMEM;
	settings.c_cflag |= CLOCAL;
	termios_set_baud(&settings, uart->kind == UART_HVC ? 38400 : 9600);
	tty_init(&line->tty, &serial_tty_ops, dev, &settings);
	line->uart = uart;
	work_init(&line->work, serve);
	work_init(&line->hangup_work, hang_up);
	wait_queue_init(&line->carrier);
	snprintf(line->name, sizeof(line->name), "%s%u", kind, uart->number);
	line->chardev = (struct chardev){
		.first = dev, .name = line->name, .class_name = kind, .mode = 0600,
		.ops = &tty_file_ops,
	};
	uart->client_data = line;
	err = chardev_register(&line->chardev);
	if (!err)
		console_line_came(uart);
	return err;
}

static const struct uart_client serial_client = {
	.attach = attach,
	.received = uart_received,
	.sent = uart_sent,
	.modem_changed = uart_modem,
};

void serial_tty_init(void)
{
	uart_set_client(&serial_client);
}

static const struct tty_ops serial_tty_ops = {
	.open = serial_tty_open,
	.close = serial_tty_close,
	.room = serial_tty_room,
	.output = serial_tty_output,
	.fetch = serial_tty_fetch,
	.flush_input = serial_tty_flush_input,
	.flush_output = serial_tty_flush_output,
	.pending_output = serial_tty_pending_output,
	.wait_sent = serial_tty_wait_sent,
	.set_stopped = serial_tty_set_stopped,
	.set_termios = serial_tty_set_termios,
	.send_urgent = serial_tty_send_urgent,
	.set_break = serial_tty_set_break,
	.get_modem = serial_tty_get_modem,
	.set_modem = serial_tty_set_modem,
	.ioctl = serial_tty_ioctl,
	.wait_ready = serial_tty_wait_ready,
};
