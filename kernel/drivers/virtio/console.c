/*
 * The console device (Virtual I/O Device Specification 1.2, section 5.3): hvc0 and so on, a line
 * (dev/uart.h) whose bytes go through two queues. One port a device: VIRTIO_CONSOLE_F_MULTIPORT is
 * not negotiated.
 *
 * Received: buffers go round; one whose bytes found no room in the line's ring is kept until there
 * is room again, and the device, without buffers then, holds the sender back. Sent: a few buffers,
 * filled from the line's ring or by the log, which waits for the device when all are on their way.
 *
 * Locking: uart.lock over receiving; inside it, and alone for the log, `sending` (RANK_SINK) over
 * the transmit queue and its buffers. Nothing is said in the log under it. In a panic it is not
 * taken.
 *
 * A line lives for ever: when the device has gone, what is written to it vanishes.
 */
#include <arch/layout.h>
#include <asm/termios.h>
#include <linux/errno.h>
#include <linux/virtio_console.h>

#include "core/printk.h"
#include "dev/uart.h"
#include "drivers/virtio/drivers.h"
#include "mem/alloc.h"

enum {
	RECEIVE_QUEUE, TRANSMIT_QUEUE, QUEUES,
	RECEIVE_BUFFERS = 8, RECEIVE_BYTES = 128,
	SEND_BUFFERS = 4, SEND_BYTES = 512, ALL_FREE = (1 << SEND_BUFFERS) - 1,
	SEND_SPINS = 1 << 20, /* a device that does not take it costs the text, not the kernel */
};

/* What the device reads and writes; in the direct map. */
struct hvc_buffers {
	uint8_t received[RECEIVE_BUFFERS][RECEIVE_BYTES];
	uint8_t sent[SEND_BUFFERS][SEND_BYTES];
};

struct hvc {
	struct uart          uart;
	struct virtio_queue *queues[QUEUES] __const_after_init;
	struct hvc_buffers  *buffers __const_after_init;
	uint8_t             *kept __guarded_by(uart.lock); /* not wholly received; NULL: none */
	uint32_t             kept_at, kept_length __guarded_by(uart.lock);
	bool                 is_receiving __guarded_by(uart.lock); /* the line is open */
	struct spinlock      sending;
	uint32_t             free_to_send __guarded_by(sending);  /* bit n: buffer n */
	bool                 is_gone __guarded_by(sending); /* and uart.lock, where both are */
};

static const struct uart_ops hvc_ops;

static struct hvc *to_hvc(struct uart *uart)
{
	return container_of(uart, struct hvc, uart);
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void buffer_give(struct hvc *hvc, uint8_t *buffer)
{
	const struct virtqueue_segment segment = { virt_to_phys(buffer), RECEIVE_BYTES };
	const struct virtqueue_chain chain = {
		.segments = &segment, .nr_writable = 1, .token = buffer,
	};

	/* there is room for all of them; a broken queue is told of elsewhere */
	(void)!virtqueue_add(&hvc->queues[RECEIVE_QUEUE]->ring, &chain);
}

/* True: all of the kept buffer has been received, or there is none. With the line's lock held. */
static bool feed_kept(struct hvc *hvc)
{
	while (hvc->kept && hvc->kept_at < hvc->kept_length) {
		uint8_t byte = hvc->kept[hvc->kept_at++];

		if (hvc->is_receiving && !uart_receive(&hvc->uart, byte, UART_OK))
			break;
	}
	if (hvc->kept && hvc->kept_at < hvc->kept_length)
		return false;
	if (hvc->kept)
		buffer_give(hvc, hvc->kept);
	hvc->kept = NULL;
	return true;
}

/* True: more has come meanwhile. */
static bool receive_locked(struct hvc *hvc)
{
	struct virtio_queue *queue = hvc->queues[RECEIVE_QUEUE];
	struct virtqueue_used used;

	if (hvc->is_gone || hvc->uart.is_refusing)
		return false;
	while (feed_kept(hvc) && !hvc->uart.is_refusing && !virtqueue_take(&queue->ring, &used)) {
		hvc->kept = used.token;
		hvc->kept_at = 0;
		hvc->kept_length = used.length;
	}
	uart_receive_done(&hvc->uart);
	virtio_queue_publish(queue);
	return virtqueue_interrupts_on(&queue->ring) && !hvc->uart.is_refusing &&
	       !virtqueue_is_broken(&queue->ring);
}

static void receive_serve(struct virtio_queue *queue)
{
	struct hvc *hvc = queue->private;
	uint64_t flags = spin_lock_irqsave(&hvc->uart.lock);
	bool more = receive_locked(hvc);

	spin_unlock_irqrestore(&hvc->uart.lock, flags);
	if (more)
		work_queue(&queue->work);
}

static void hvc_resume_receive(struct uart *uart)
{
	struct hvc *hvc = to_hvc(uart);

	if (!hvc->is_gone)
		work_queue(&hvc->queues[RECEIVE_QUEUE]->work);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* Takes back what the device has read. With `sending` held, or in a panic. */
static void buffers_reclaim(struct hvc *hvc)
{
	struct virtqueue_used used;

	while (!hvc->is_gone && !virtqueue_take(&hvc->queues[TRANSMIT_QUEUE]->ring, &used))
		hvc->free_to_send |= 1u << ((uint8_t *)used.token - hvc->buffers->sent[0]) /
		                     SEND_BYTES;
}

static void buffer_send(struct hvc *hvc, unsigned int index, uint32_t length)
{
	struct virtio_queue *queue = hvc->queues[TRANSMIT_QUEUE];
	uint8_t *buffer = hvc->buffers->sent[index];
	const struct virtqueue_segment segment = { virt_to_phys(buffer), length };
	const struct virtqueue_chain chain = {
		.segments = &segment, .nr_readable = 1, .token = buffer,
	};

	if (virtqueue_add(&queue->ring, &chain))
		return;
	hvc->free_to_send &= ~(1u << index);
	virtio_queue_publish(queue);
}

/* From the line's ring, as far as there are buffers. With the line's lock and `sending` held. */
static void send_locked(struct hvc *hvc)
{
	buffers_reclaim(hvc);
	while (hvc->free_to_send) {
		unsigned int index = (unsigned int)__builtin_ctz(hvc->free_to_send);
		uint32_t length = 0;

		while (length < SEND_BYTES &&
		       uart_next(&hvc->uart, &hvc->buffers->sent[index][length]))
			length++;
		if (!length)
			return;
		if (!hvc->is_gone)
			buffer_send(hvc, index, length);
	}
}

static void hvc_start_transmit(struct uart *uart)
{
	struct hvc *hvc = to_hvc(uart);

	spin_lock(&hvc->sending);
	send_locked(hvc);
	spin_unlock(&hvc->sending);
}

static void transmit_serve(struct virtio_queue *queue)
{
	struct hvc *hvc = queue->private;
	bool more;

	do {
		uint64_t flags = spin_lock_irqsave(&hvc->uart.lock);

		hvc_start_transmit(&hvc->uart);
		uart_next_done(&hvc->uart);
		more = !hvc->is_gone && virtqueue_interrupts_on(&queue->ring) &&
		       !virtqueue_is_broken(&queue->ring);
		spin_unlock_irqrestore(&hvc->uart.lock, flags);
	} while (more);
}

/* What was given is on its way already. */
static void hvc_stop_transmit(struct uart *uart)
{
}

static bool hvc_is_transmitter_empty(struct uart *uart)
{
	struct hvc *hvc = to_hvc(uart);

	spin_lock(&hvc->sending);
	buffers_reclaim(hvc);
	bool is_empty = hvc->is_gone || hvc->free_to_send == ALL_FREE;

	spin_unlock(&hvc->sending);
	return is_empty;
}

/* ---- the log --------------------------------------------------------------------------------- */

/* Until one buffer is free, or all are; false: the device has been given up. */
static bool wait_for_free(struct hvc *hvc, bool all)
{
	for (int i = 0; i < SEND_SPINS; i++) {
		buffers_reclaim(hvc);
		if (hvc->free_to_send && (!all || hvc->free_to_send == ALL_FREE))
			return true;
		if (hvc->is_gone)
			return false;
		cpu_relax();
	}
	return false;
}

/* NL becomes CR NL. How much of the text is in the buffer. */
static size_t fill(uint8_t *buffer, const char *text, size_t len, uint32_t *length)
{
	size_t done = 0;

	for (*length = 0; done < len && *length + 2 <= SEND_BYTES; done++) {
		if (text[done] == '\n')
			buffer[(*length)++] = '\r';
		buffer[(*length)++] = (uint8_t)text[done];
	}
	return done;
}

static void write_text(struct hvc *hvc, const char *text, size_t len)
{
	uint32_t length;
	size_t done;

	for (; len; text += done, len -= done) {
		if (!hvc->free_to_send && !wait_for_free(hvc, false))
			return;
		unsigned int index = (unsigned int)__builtin_ctz(hvc->free_to_send);

		done = fill(hvc->buffers->sent[index], text, len, &length);
		buffer_send(hvc, index, length);
	}
}

static void hvc_write_polled(struct uart *uart, const char *text, size_t len)
{
	struct hvc *hvc = to_hvc(uart);

	if (log_in_panic()) {
		if (!hvc->is_gone)
			write_text(hvc, text, len);
		(void)!wait_for_free(hvc, true);
		return;
	}
	uint64_t flags = spin_lock_irqsave(&hvc->sending);

	if (!hvc->is_gone)
		write_text(hvc, text, len);
	spin_unlock_irqrestore(&hvc->sending, flags);
}

/* ---- opening and what means nothing ---------------------------------------------------------- */

static int hvc_set_receiving(struct uart *uart, bool on)
{
	uint64_t flags = spin_lock_irqsave(&uart->lock);

	to_hvc(uart)->is_receiving = on;
	spin_unlock_irqrestore(&uart->lock, flags);
	return 0;
}

static int hvc_start(struct uart *uart)
{
	return hvc_set_receiving(uart, true);
}

static void hvc_stop(struct uart *uart)
{
	hvc_set_receiving(uart, false);
}

static void hvc_set_format(struct uart *uart, const struct uart_format *format)
{
}

static void hvc_set_modem(struct uart *uart, unsigned int lines)
{
}

static unsigned int hvc_get_modem(struct uart *uart)
{
	return TIOCM_CAR | TIOCM_CTS | TIOCM_DSR;
}

static void hvc_set_break(struct uart *uart, bool on)
{
}

/* ---- coming and going ------------------------------------------------------------------------ */

static int queues_create(struct virtio_device *device, struct hvc *hvc)
{
	const struct virtio_queue_params params[] = {
		{ .index = RECEIVE_QUEUE, .name = "input", .size = RECEIVE_BUFFERS,
		  .serve = receive_serve, .private = hvc, .cpu = IRQ_ANY_CPU },
		{ .index = TRANSMIT_QUEUE, .name = "output", .size = SEND_BUFFERS,
		  .serve = transmit_serve, .private = hvc, .cpu = IRQ_ANY_CPU },
	};
	int err = virtio_queues_prepare(device, QUEUES);

	for (unsigned int i = 0; i < QUEUES && !err; i++)
		err = virtio_queue_create(device, &params[i], &hvc->queues[i]);
	if (err || (hvc->queues[RECEIVE_QUEUE]->ring.size == RECEIVE_BUFFERS &&
	            hvc->queues[TRANSMIT_QUEUE]->ring.size == SEND_BUFFERS))
		return err;
	return -EINVAL;
}

static int hvc_register(struct virtio_device *device, struct hvc *hvc)
{
	int err = queues_create(device, hvc);

	if (err)
		return err;
	for (unsigned int i = 0; i < RECEIVE_BUFFERS; i++)
		buffer_give(hvc, hvc->buffers->received[i]);
	virtio_device_start(device);
	virtio_queue_publish(hvc->queues[RECEIVE_QUEUE]);
	return uart_register(&hvc->uart, 0);
}

static int hvc_probe(struct virtio_device *device)
{
	struct hvc *hvc = kzalloc(sizeof(*hvc), ALLOC_KERNEL);
	int err = -ENOMEM;

	if (!hvc)
		return -ENOMEM;
	spin_lock_init(&hvc->sending, RANK_SINK);
	spin_lock_init(&hvc->uart.lock, RANK_UART);
	hvc->free_to_send = ALL_FREE;
	hvc->uart.kind = UART_HVC;
	hvc->uart.ops = &hvc_ops;
	hvc->uart.description = device->name;
	device->private = hvc;
	hvc->buffers = kzalloc(sizeof(*hvc->buffers), ALLOC_KERNEL);
	if (hvc->buffers)
		err = hvc_register(device, hvc);
	if (!err)
		return 0;
	virtio_device_silence(device);
	kfree(hvc->buffers);
	kfree(hvc);
	return err;
}

static void hvc_broken(struct virtio_device *device)
{
	struct hvc *hvc = device->private;
	uint64_t flags = spin_lock_irqsave(&hvc->uart.lock);

	spin_lock(&hvc->sending);
	hvc->is_gone = true;
	for (unsigned int i = 0; i < QUEUES; i++) {
		while (virtqueue_abandon(&hvc->queues[i]->ring))
			;
	}
	hvc->free_to_send = ALL_FREE;
	send_locked(hvc);
	spin_unlock(&hvc->sending);
	uart_next_done(&hvc->uart);
	spin_unlock_irqrestore(&hvc->uart.lock, flags);
}

/* The line stays; nobody looks at the queues any more. */
static void hvc_remove(struct virtio_device *device)
{
	virtio_settle(); /* what the line had queued */
}

static const struct uart_ops hvc_ops = {
	.start = hvc_start,
	.stop = hvc_stop,
	.start_transmit = hvc_start_transmit,
	.stop_transmit = hvc_stop_transmit,
	.resume_receive = hvc_resume_receive,
	.set_format = hvc_set_format,
	.set_modem = hvc_set_modem,
	.get_modem = hvc_get_modem,
	.set_break = hvc_set_break,
	.is_transmitter_empty = hvc_is_transmitter_empty,
	.write_polled = hvc_write_polled,
};

const struct virtio_driver virtio_console_driver = {
	.name = "console",
	.id = VIRTIO_ID_CONSOLE,
	.probe = hvc_probe,
	.broken = hvc_broken,
	.remove = hvc_remove,
};
