/*
 * Serial lines: the rings between a driver and its user. See dev/uart.h.
 */
#include "dev/uart.h"

#include <asm/termios.h>
#include <linux/errno.h>

#include "core/panic.h"
#include "core/printk.h"
#include "core/sysrq.h"
#include "lib/atomic.h"
#include "mem/alloc.h"
#include "sched/clock.h"
#include "sched/mutex.h"

#define SYSRQ_TIME (5 * NS_PER_SEC)

static struct {
	struct mutex              lock;
	/* only grows; read without the lock */
	struct uart              *lines[UART_KINDS][UART_MAX] __guarded_by(lock);
	const struct uart_client *client __const_after_init;
} uarts = { .lock = MUTEX(uarts.lock, RANK_DEVICE) };

const char *uart_kind_name(enum uart_kind kind)
{
	return kind == UART_HVC ? "hvc" : "ttyS";
}

static void attach(struct uart *uart)
{
	int err = uarts.client->attach(uart);

	if (err)
		pr_err("%s%u: no terminal for it (error %d)\n", uart_kind_name(uart->kind),
		       uart->number, err);
}

void uart_set_client(const struct uart_client *client)
{
	uarts.client = client;
	for (unsigned int i = 0; i < UART_KINDS * UART_MAX; i++) {
		struct uart *uart = uarts.lines[i / UART_MAX][i % UART_MAX];

		if (uart)
			attach(uart);
	}
}

static int rings_alloc(struct uart *uart)
{
	uint8_t *memory = kmalloc(2 * UART_RECEIVE_SIZE + UART_TRANSMIT_SIZE, ALLOC_KERNEL);

	if (!memory)
		return -ENOMEM;
	ring_init(&uart->received, memory, UART_RECEIVE_SIZE);
	ring_init(&uart->errors, memory + UART_RECEIVE_SIZE, UART_RECEIVE_SIZE);
	ring_init(&uart->transmit, memory + 2 * UART_RECEIVE_SIZE, UART_TRANSMIT_SIZE);
	return 0;
}

static int number_take(struct uart *uart, unsigned int number)
{
	struct uart **lines = uarts.lines[uart->kind];
	int err = -ENOSPC;

	mutex_lock(&uarts.lock);
	while (number < UART_MAX && lines[number])
		number++;
	if (number < UART_MAX) {
		uart->number = number;
		atomic_store_release(&lines[number], uart); /* pairs with uart_find() */
		err = 0;
	}
	mutex_unlock(&uarts.lock);
	return err;
}

int uart_register(struct uart *uart, unsigned int number)
{
	int err = rings_alloc(uart);

	if (err)
		return err;
	spin_lock_init(&uart->lock, RANK_UART);
	uart->urgent = -1;
	err = number_take(uart, number);
	if (err)
		kfree(uart->received.buffer);
	else if (uarts.client)
		attach(uart);
	return err;
}

struct uart *uart_find(enum uart_kind kind, unsigned int number)
{
	return number < UART_MAX ? atomic_load_acquire(&uarts.lines[kind][number]) : NULL;
}

/* ---- the driver's side ----------------------------------------------------------------------- */

/* True: the break or the key is the kernel's. */
static bool sysrq_takes(struct uart *uart, uint8_t byte, enum uart_error error)
{
	ns_t until = uart->sysrq_until;

	if (!uart->is_console || !READ_ONCE(sysrq_mask_value))
		return false;
	uart->sysrq_until = 0;
	if (error == UART_BREAK) {
		if (!until)
			uart->sysrq_until = clock_monotonic() + SYSRQ_TIME;
		return !until;
	}
	if (!until || !byte || clock_monotonic() > until)
		return false;
	uart->sysrq_key = (char)byte;
	return true;
}

void uart_sysrq_run(struct uart *uart)
{
	uint64_t flags;
	char key;

	if (likely(!READ_ONCE(uart->sysrq_key)))
		return;
	flags = spin_lock_irqsave(&uart->lock);
	key = uart->sysrq_key;
	uart->sysrq_key = 0;
	spin_unlock_irqrestore(&uart->lock, flags);
	if (key)
		sysrq_press_masked(key);
}

bool uart_receive(struct uart *uart, uint8_t byte, enum uart_error error)
{
	debug_assert(spin_is_held(&uart->lock));
	uart->counts.received++;
	uart->counts.breaks += error == UART_BREAK;
	uart->counts.parity += error == UART_PARITY;
	uart->counts.frame += error == UART_FRAME;
	uart->counts.overruns += error == UART_OVERRUN;
	if (unlikely(error == UART_BREAK || uart->sysrq_until) && sysrq_takes(uart, byte, error))
		return true;
	if (ring_push(&uart->received, byte))
		ring_push(&uart->errors, (uint8_t)error);
	if (!ring_is_full(&uart->received))
		return true;
	uart->is_refusing = true;
	return false;
}

void uart_receive_done(struct uart *uart)
{
	if (!ring_is_empty(&uart->received))
		uarts.client->received(uart);
}

bool uart_next(struct uart *uart, uint8_t *byte)
{
	debug_assert(spin_is_held(&uart->lock));
	if (uart->urgent >= 0) {
		*byte = (uint8_t)uart->urgent;
		uart->urgent = -1;
		return true;
	}
	if (uart->is_stopped || uart->is_held || !ring_pop(&uart->transmit, byte))
		return false;
	uart->counts.sent++;
	return true;
}

void uart_next_done(struct uart *uart)
{
	if (ring_used(&uart->transmit) < UART_TRANSMIT_SIZE / 16)
		uarts.client->sent(uart);
}

static bool is_sendable(const struct uart *uart)
{
	return uart->urgent >= 0 ||
	       (!uart->is_stopped && !uart->is_held && !ring_is_empty(&uart->transmit));
}

static void transmit_locked(struct uart *uart)
{
	if (uart->is_open && is_sendable(uart))
		uart->ops->start_transmit(uart);
}

void uart_modem_changed(struct uart *uart, unsigned int lines, unsigned int changed)
{
	debug_assert(spin_is_held(&uart->lock));
	if (uart->format.flow_rts_cts) {
		uart->is_held = !(lines & TIOCM_CTS);
		transmit_locked(uart);
	}
	if (changed)
		uarts.client->modem_changed(uart, lines, changed);
}

/* ---- the client's side ----------------------------------------------------------------------- */

int uart_open(struct uart *uart)
{
	uint64_t flags;
	int err = uart->ops->start(uart);

	if (err)
		return err;
	flags = spin_lock_irqsave(&uart->lock);
	uart->is_open = true;
	spin_unlock_irqrestore(&uart->lock, flags);
	uart_set_modem(uart, TIOCM_DTR | TIOCM_RTS, 0);
	return 0;
}

void uart_close(struct uart *uart)
{
	uint64_t flags = spin_lock_irqsave(&uart->lock);

	uart->is_open = false;
	ring_clear(&uart->transmit);
	spin_unlock_irqrestore(&uart->lock, flags);
	uart->ops->stop(uart);
	uart_receive_clear(uart);
}

static void resume_receive_locked(struct uart *uart)
{
	if (!uart->is_refusing || ring_used(&uart->received) > UART_RECEIVE_SIZE / 2)
		return;
	uart->is_refusing = false;
	if (uart->is_open)
		uart->ops->resume_receive(uart);
}

size_t uart_fetch(struct uart *uart, uint8_t *bytes, uint8_t *errors, size_t n)
{
	uint64_t flags = spin_lock_irqsave(&uart->lock);
	size_t count = ring_read(&uart->received, bytes, n);

	ring_read(&uart->errors, errors, count);
	resume_receive_locked(uart);
	spin_unlock_irqrestore(&uart->lock, flags);
	return count;
}

size_t uart_receive_count(struct uart *uart)
{
	return READ_ONCE(uart->received.head) - READ_ONCE(uart->received.tail);
}

void uart_receive_clear(struct uart *uart)
{
	uint64_t flags = spin_lock_irqsave(&uart->lock);

	ring_clear(&uart->received);
	ring_clear(&uart->errors);
	resume_receive_locked(uart);
	spin_unlock_irqrestore(&uart->lock, flags);
}

size_t uart_write(struct uart *uart, const void *bytes, size_t n)
{
	uint64_t flags = spin_lock_irqsave(&uart->lock);
	size_t count = ring_write(&uart->transmit, bytes, n);

	transmit_locked(uart);
	spin_unlock_irqrestore(&uart->lock, flags);
	return count;
}

size_t uart_write_room(struct uart *uart)
{
	return UART_TRANSMIT_SIZE - uart_write_count(uart);
}

size_t uart_write_count(struct uart *uart)
{
	uint64_t flags = spin_lock_irqsave(&uart->lock);
	size_t count = ring_used(&uart->transmit);

	spin_unlock_irqrestore(&uart->lock, flags);
	return count;
}

void uart_write_clear(struct uart *uart)
{
	uint64_t flags = spin_lock_irqsave(&uart->lock);

	ring_clear(&uart->transmit);
	spin_unlock_irqrestore(&uart->lock, flags);
}

void uart_write_urgent(struct uart *uart, uint8_t byte)
{
	uint64_t flags = spin_lock_irqsave(&uart->lock);

	uart->urgent = byte;
	transmit_locked(uart);
	spin_unlock_irqrestore(&uart->lock, flags);
}

bool uart_is_idle(struct uart *uart)
{
	uint64_t flags = spin_lock_irqsave(&uart->lock);
	bool is_idle = ring_is_empty(&uart->transmit) && uart->ops->is_transmitter_empty(uart);

	spin_unlock_irqrestore(&uart->lock, flags);
	return is_idle;
}

void uart_set_stopped(struct uart *uart, bool stopped)
{
	uint64_t flags = spin_lock_irqsave(&uart->lock);

	uart->is_stopped = stopped;
	if (stopped)
		uart->ops->stop_transmit(uart);
	else
		transmit_locked(uart);
	spin_unlock_irqrestore(&uart->lock, flags);
}

void uart_set_format(struct uart *uart, const struct uart_format *format)
{
	uint64_t flags = spin_lock_irqsave(&uart->lock);

	uart->format = *format;
	if (format->baud)
		uart->ops->set_format(uart, format);
	uart->is_held = format->flow_rts_cts && !(uart->ops->get_modem(uart) & TIOCM_CTS);
	transmit_locked(uart);
	spin_unlock_irqrestore(&uart->lock, flags);
}

void uart_set_break(struct uart *uart, bool on)
{
	uint64_t flags = spin_lock_irqsave(&uart->lock);

	uart->ops->set_break(uart, on);
	spin_unlock_irqrestore(&uart->lock, flags);
}

unsigned int uart_get_modem(struct uart *uart)
{
	uint64_t flags = spin_lock_irqsave(&uart->lock);
	unsigned int lines = uart->ops->get_modem(uart) | uart->modem;

	spin_unlock_irqrestore(&uart->lock, flags);
	return lines;
}

void uart_set_modem(struct uart *uart, unsigned int set, unsigned int clear)
{
	uint64_t flags = spin_lock_irqsave(&uart->lock);

	uart->modem = (uart->modem & ~clear) | set;
	uart->ops->set_modem(uart, uart->modem);
	spin_unlock_irqrestore(&uart->lock, flags);
}

void uart_get_counts(struct uart *uart, struct uart_counts *counts)
{
	uint64_t flags = spin_lock_irqsave(&uart->lock);

	*counts = uart->counts;
	spin_unlock_irqrestore(&uart->lock, flags);
}

void uart_set_console(struct uart *uart)
{
	uint64_t flags = spin_lock_irqsave(&uart->lock);

	uart->is_console = true;
	spin_unlock_irqrestore(&uart->lock, flags);
}
